//! The playground's files, embedded by the build script: every one with its type, its tag for
//! caches and, where it pays, a compressed form made at build time.
//!
//! What must never be here: reading files; a page's content.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, header};

/// One embedded file.
#[derive(Debug)]
struct Asset {
    /// Its path in a URL.
    path: &'static str,
    content_type: &'static str,
    /// Changes with the content.
    etag: &'static str,
    bytes: &'static [u8],
    gzip: Option<&'static [u8]>,
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// Answers for every path that isn't a route.
pub(super) async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Response<Body> {
    respond(ASSETS, &method, uri.path(), &headers)
}

fn respond(assets: &[Asset], method: &Method, path: &str, headers: &HeaderMap) -> Response<Body> {
    let path = if path == "/" { "/index.html" } else { path };
    let Some(asset) = assets.iter().find(|asset| asset.path == path) else {
        return plain(StatusCode::NOT_FOUND, "not found\n");
    };
    if method != Method::GET && method != Method::HEAD {
        let mut refused = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
        refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    let known = header_text(headers, header::IF_NONE_MATCH);
    if known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == asset.etag) {
        let mut same = Response::new(Body::empty());
        *same.status_mut() = StatusCode::NOT_MODIFIED;
        cache_headers(asset, same.headers_mut());
        return same;
    }
    let gzip = asset.gzip.filter(|_| takes_gzip(header_text(headers, header::ACCEPT_ENCODING)));
    let bytes = Bytes::from_static(gzip.unwrap_or(asset.bytes));
    let length = HeaderValue::from(bytes.len());
    let body = if method == Method::HEAD { Body::empty() } else { Body::from(bytes) };
    let mut response = Response::new(body);
    let out = response.headers_mut();
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    out.insert(header::CONTENT_LENGTH, length);
    if gzip.is_some() {
        out.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    cache_headers(asset, out);
    response
}

/// Names don't change when contents do, so that caches must ask each time; the tag makes it cheap.
fn cache_headers(asset: &Asset, out: &mut HeaderMap) {
    out.insert(header::ETAG, HeaderValue::from_static(asset.etag));
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    out.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if asset.gzip.is_some() {
        out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let text_type = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, text_type);
    response
}

fn header_text(headers: &HeaderMap, name: header::HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Whether Accept-Encoding lets us send gzip. `gzip;q=0` doesn't.
fn takes_gzip(accept: &str) -> bool {
    accept.split(',').any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let refused = parts.any(|part| {
            part.strip_prefix("q=").is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q <= 0.0))
        });
        (name.eq_ignore_ascii_case("gzip") || name == "*") && !refused
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &[Asset] = &[Asset {
        path: "/index.html",
        content_type: "text/html; charset=utf-8",
        etag: "\"abc\"",
        bytes: b"plain",
        gzip: Some(b"gz"),
    }];

    fn get(method: &Method, path: &str, sent: &[(header::HeaderName, &str)]) -> Response<Body> {
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.insert(name, HeaderValue::from_str(value).unwrap());
        }
        respond(PAGE, method, path, &headers)
    }

    #[test]
    fn gzip_only_for_those_who_take_it() {
        for (accept, takes) in [
            ("gzip, deflate, br", true),
            ("br;q=1.0, gzip;q=0.8", true),
            ("*", true),
            ("gzip;q=0", false),
            ("identity", false),
            ("", false),
        ] {
            assert_eq!(takes_gzip(accept), takes, "{accept}");
        }
        let zipped = get(&Method::GET, "/", &[(header::ACCEPT_ENCODING, "gzip")]);
        assert_eq!(zipped.headers()[header::CONTENT_ENCODING], "gzip");
        assert_eq!(zipped.headers()[header::CONTENT_LENGTH], "2");
        let plain = get(&Method::GET, "/", &[]);
        assert!(!plain.headers().contains_key(header::CONTENT_ENCODING));
        assert_eq!(plain.headers()[header::VARY], "accept-encoding");
    }

    #[test]
    fn methods_tags_and_strangers() {
        let tag = [(header::IF_NONE_MATCH, "\"x\", W/\"abc\"")];
        assert_eq!(get(&Method::GET, "/", &tag).status(), StatusCode::NOT_MODIFIED);
        assert_eq!(get(&Method::HEAD, "/", &[]).headers()[header::CONTENT_LENGTH], "5");
        assert_eq!(get(&Method::POST, "/", &[]).status(), StatusCode::METHOD_NOT_ALLOWED);
        for path in ["/nothing", "/../Cargo.toml", "//index.html", "/index.html/"] {
            assert_eq!(get(&Method::GET, path, &[]).status(), StatusCode::NOT_FOUND, "{path}");
        }
    }
}
