//! The door: a Worker without state that lets requests in and speaks JSON with them.

use super::{NAMESPACE, setting};
use crate::auth::{Access, Tokens, bearer};
use crate::rest::{self, Answer, BODY_LIMIT, Call};
use futures_util::StreamExt;
use worker::js_sys::Uint8Array;
use worker::{Context, Env, Headers, Method, Request, RequestInit, Response, console_error, event};

/// Which object serves when `LARDER_CACHE` doesn't say.
const DEFAULT_CACHE: &str = "default";

#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> worker::Result<Response> {
    let wanted_headers = request.headers().get("access-control-request-headers")?;
    let (Ok(answer) | Err(answer)) = answer(request, &env).await;
    let headers = Headers::new();
    headers.set("content-type", answer.content_type)?;
    headers.set("cache-control", "no-store")?;
    // Whoever has a token may use it from a page of any origin: there are no cookies to abuse.
    headers.set("access-control-allow-origin", "*")?;
    match answer.status {
        204 => {
            headers.set("access-control-allow-methods", METHODS)?;
            headers.set("access-control-allow-headers", &wanted_headers.unwrap_or_default())?;
            headers.set("access-control-max-age", "86400")?;
            return Ok(Response::empty()?.with_status(204).with_headers(headers));
        }
        401 => headers.set("www-authenticate", "Bearer")?,
        405 => headers.set("allow", METHODS)?,
        _ => {}
    }
    Ok(Response::from_bytes(answer.body)?.with_status(answer.status).with_headers(headers))
}

const METHODS: &str = "GET, HEAD, POST, PUT, OPTIONS";

/// The answer to a request; as an `Err` where the way to it ended early.
async fn answer(mut request: Request, env: &Env) -> Result<Answer, Answer> {
    let method = match request.method() {
        Method::Options => {
            return Ok(Answer { status: 204, content_type: rest::JSON, body: Vec::new() });
        }
        Method::Get | Method::Head => "GET",
        Method::Post | Method::Put => "POST",
        other => return Err(Answer::error(405, &format!("ERR {other} is not supported"))),
    };
    let url = request.inner().url();
    let (path, query) = rest::split_url(&url);
    let access = admit(&request, query, env)?;
    let body = if method == "POST" { body(&mut request).await? } else { Vec::new() };
    let header = |name| request.headers().get(name).ok().flatten();
    let call = Call::read(&rest::Request {
        method,
        path,
        query,
        encoding: header("upstash-encoding").as_deref(),
        format: header("upstash-response-format").as_deref(),
        body: &body,
    })?;
    let plan = call.plan(access)?;
    let replies = match plan.requests() {
        [] => Vec::new(),
        requests => ask(env, requests).await?,
    };
    Ok(plan.answer(&replies))
}

/// Checks the token.
fn admit(request: &Request, query: &str, env: &Env) -> Result<Access, Answer> {
    let token = |name| setting(env, name).unwrap_or_default();
    let tokens = Tokens::new(token("LARDER_TOKEN"), token("LARDER_READONLY_TOKEN"));
    if !tokens.are_set() {
        let message = "ERR the secret LARDER_TOKEN is not set: wrangler secret put LARDER_TOKEN";
        console_error!("{message}");
        return Err(Answer::error(500, message));
    }
    let header = request.headers().get("authorization").ok().flatten();
    let presented = match header.as_deref().and_then(bearer) {
        Some(token) => Some(token.to_string()),
        None => rest::query_parameter(query, "_token"),
    };
    presented
        .and_then(|token| tokens.access(&token))
        .ok_or_else(|| Answer::error(401, "WRONGPASS invalid or missing auth token"))
}

/// A body that is too large is still read to its end, if that comes within so many bytes: a client
/// that is cut off while it sends may never see the answer.
const DRAIN_LIMIT: usize = 4 * BODY_LIMIT;

/// Reads the body, as long as it is not too long.
async fn body(request: &mut Request) -> Result<Vec<u8>, Answer> {
    let failed = |error: worker::Error| {
        Answer::error(400, &format!("ERR the body could not be read: {error}"))
    };
    let mut body = Vec::new();
    if request.inner().body().is_none() {
        return Ok(body);
    }
    let mut stream = request.stream().map_err(failed)?;
    let mut length = 0;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(failed)?;
        length += chunk.len();
        if length <= BODY_LIMIT {
            body.extend_from_slice(&chunk);
        } else {
            body = Vec::new();
        }
        if length > DRAIN_LIMIT {
            break;
        }
    }
    if length > BODY_LIMIT { Err(rest::body_too_large()) } else { Ok(body) }
}

/// Sends commands to the object and takes its replies.
async fn ask(env: &Env, requests: &[u8]) -> Result<Vec<u8>, Answer> {
    let cache = setting(env, "LARDER_CACHE").unwrap_or_else(|| DEFAULT_CACHE.into());
    let sent = async {
        let object = env.durable_object(NAMESPACE)?.id_from_name(&cache)?.get_stub()?;
        let mut init = RequestInit::new();
        init.with_method(Method::Post).with_body(Some(Uint8Array::from(requests).into()));
        let mut response =
            object.fetch_with_request(Request::new_with_init("https://object/", &init)?).await?;
        let bytes = response.bytes().await?;
        Ok((response.status_code(), bytes))
    };
    match sent.await {
        Ok((200, replies)) => Ok(replies),
        Ok((status, message)) => Err(Answer::error(status, &String::from_utf8_lossy(&message))),
        Err::<_, worker::Error>(error) => {
            console_error!("cache {cache:?}: {error}");
            Err(Answer::error(503, &format!("ERR the cache cannot be reached: {error}")))
        }
    }
}
