//! The Upstash REST protocol: HTTP requests in, RESP commands out; RESP replies in, JSON out.
//!
//! Source: the REST API page of Upstash's documentation, and what `@upstash/redis` sends.
//! [`Call::read`] takes a request apart, [`Call::plan`] decides what may be done and gives the
//! commands to send, [`Plan::answer`] makes the HTTP answer of the replies.

mod allowed;
mod body;
mod path;
mod plan;
mod reply;

pub use plan::Plan;

use cache_core::protocol::Frame;

/// The longest request body, in bytes.
pub const BODY_LIMIT: usize = 10 << 20;
/// The most commands in a pipeline or a transaction.
pub const COMMANDS_LIMIT: usize = 10_000;
/// The most arguments of all commands of a request together.
pub const ARGS_LIMIT: usize = 200_000;

/// An HTTP request, its body already read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request<'a> {
    /// `GET`, `HEAD`, `POST` or `PUT`.
    pub method: &'a str,
    /// The path, still percent-encoded.
    pub path: &'a str,
    /// What stands behind the question mark, still encoded.
    pub query: &'a str,
    /// The header `Upstash-Encoding`.
    pub encoding: Option<&'a str>,
    /// The header `Upstash-Response-Format`.
    pub format: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

/// An HTTP answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The header `Content-Type`.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
}

/// The `Content-Type` of everything but RESP.
pub const JSON: &str = "application/json";

impl Answer {
    /// `{"error": message}`.
    pub fn error(status: u16, message: &str) -> Self {
        Answer { status, content_type: JSON, body: reply::error_object(message) }
    }
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One command, one result.
    One,
    /// Commands one after the other; an array of results.
    Pipeline,
    /// Commands as one transaction; an array of results, or one error.
    Transaction,
}

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON; bytes that are no UTF-8 are lost.
    Json,
    /// JSON in which every string but a plain OK is in base64.
    Base64,
    /// The replies as a Redis server sends them.
    Resp2,
}

/// A request, understood.
#[derive(Clone, Debug)]
pub struct Call {
    commands: Vec<Frame>,
    shape: Shape,
    format: Format,
}

impl Call {
    /// Takes a request apart.
    ///
    /// # Errors
    /// The answer that says what is wrong with it.
    pub fn read(request: &Request<'_>) -> Result<Call, Answer> {
        if request.body.len() > BODY_LIMIT {
            return Err(body_too_large());
        }
        let has_body = matches!(request.method, "POST" | "PUT");
        let format = format(request)?;
        let bad = |message: String| Answer::error(400, &message);
        let (shape, commands) = match request.path.strip_suffix('/').unwrap_or(request.path) {
            "" | "/pipeline" | "/multi-exec" if !has_body => {
                let message = "ERR send the command in the body of a POST, or in the path";
                return Err(Answer::error(405, message));
            }
            "" => (Shape::One, vec![body::command(request.body).map_err(bad)?]),
            "/pipeline" => (Shape::Pipeline, body::pipeline(request.body).map_err(bad)?),
            "/multi-exec" => (Shape::Transaction, body::pipeline(request.body).map_err(bad)?),
            path => {
                let body = has_body.then_some(request.body);
                (Shape::One, vec![path::command(path, request.query, body).map_err(bad)?])
            }
        };
        // A transaction's answer exists only as JSON.
        let format = match (shape, format) {
            (Shape::Transaction, Format::Resp2) => Format::Json,
            _ => format,
        };
        Ok(Call { commands, shape, format })
    }
}

/// The answer to a body of more than [`BODY_LIMIT`] bytes.
pub fn body_too_large() -> Answer {
    let message = format!("ERR the body is larger than {BODY_LIMIT} bytes");
    Answer::error(413, &message)
}

fn format(request: &Request<'_>) -> Result<Format, Answer> {
    let base64 = match request.encoding {
        None | Some("") => false,
        Some(name) if name.eq_ignore_ascii_case("base64") => true,
        Some(name) => {
            let message = format!("ERR Upstash-Encoding is base64 or absent, not {name:?}");
            return Err(Answer::error(400, &message));
        }
    };
    match (request.format.unwrap_or("json"), base64) {
        ("json" | "", false) => Ok(Format::Json),
        ("json" | "", true) => Ok(Format::Base64),
        ("resp2", false) => Ok(Format::Resp2),
        ("resp2", true) => {
            Err(Answer::error(400, "ERR Upstash-Encoding does not go with the format resp2"))
        }
        (name, _) => {
            let message = format!("ERR Upstash-Response-Format is json or resp2, not {name:?}");
            Err(Answer::error(400, &message))
        }
    }
}

/// A URL's path and query, still encoded. The runtime hands out well-formed absolute URLs only, so
/// that no parser for any other is needed.
pub fn split_url(url: &str) -> (&str, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split_once('#').map_or(rest, |(rest, _)| rest);
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    (rest.find('/').map_or("/", |at| &rest[at..]), query)
}

/// The value of a query parameter, decoded.
pub fn query_parameter(query: &str, name: &str) -> Option<String> {
    let value = path::parameters(query).find(|(key, _)| key == name.as_bytes())?.1;
    String::from_utf8(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(request: Request<'_>) -> Result<Vec<Vec<String>>, (u16, String)> {
        match Call::read(&request) {
            Ok(call) => Ok(call
                .commands
                .iter()
                .map(|c| c.args().iter().map(|a| String::from_utf8_lossy(a).into()).collect())
                .collect()),
            Err(answer) => Err((answer.status, String::from_utf8(answer.body).unwrap())),
        }
    }

    fn post<'a>(path: &'a str, body: &'a str) -> Request<'a> {
        Request { method: "POST", path, body: body.as_bytes(), ..Request::default() }
    }

    #[test]
    fn the_body_names_the_command() {
        let words = read(post("/", r#"["SET","k","a\"\u00e9",1,-1.50,true]"#)).unwrap();
        assert_eq!(words, [["SET", "k", "a\"é", "1", "-1.50", "true"]]);
        let words = read(post("/", r#"["ECHO","a\ud83d"]"#)).unwrap();
        assert_eq!(words[0][1], "a\u{fffd}\u{fffd}\u{fffd}");
        for path in ["/pipeline", "/pipeline/"] {
            let words = read(post(path, r#"[["PING"], ["GET", "k"]]"#)).unwrap();
            assert_eq!(words, [vec!["PING"], vec!["GET", "k"]]);
        }
    }

    #[test]
    fn the_path_names_the_command() {
        let get = Request { method: "GET", path: "/set/a%2Fb/c%20d", ..Request::default() };
        let words = read(Request { query: "EX=100&_token=x&NX", ..get }).unwrap();
        assert_eq!(words, [["set", "a/b", "c d", "EX", "100", "NX"]]);
        let words = read(Request { query: "PX=7", ..post("/set/k/", "{\"a\": 1}") }).unwrap();
        assert_eq!(words, [["set", "k", "{\"a\": 1}", "PX", "7"]]);
        // Without a body nothing is appended: `POST /get/k` is what it looks like.
        assert_eq!(read(post("/get/k", "")).unwrap(), [["get", "k"]]);
    }

    #[test]
    fn what_is_no_command_is_refused_with_the_reason() {
        for (body, part) in [
            ("", "EOF"),
            ("{}", "JSON array"),
            ("[]", "empty"),
            ("[\"GET\", null]", "null"),
            ("[\"GET\", [1]]", "not an array"),
            ("[\"GET\", {}]", "not an object"),
            ("[\"GET\", \"k\"] x", "trailing"),
            ("[\"GET\", \"\\u12\"]", "escape"),
        ] {
            let (status, text) = read(post("/", body)).unwrap_err();
            assert_eq!(status, 400, "{body}");
            assert!(text.contains(part), "{body}: {text}");
        }
        for body in ["[]", "[[]]", "[\"GET\"]", "[[\"GET\"], 1]"] {
            assert_eq!(read(post("/pipeline", body)).unwrap_err().0, 400, "{body}");
        }
        assert_eq!(read(Request { method: "GET", ..post("/", "") }).unwrap_err().0, 405);
        assert_eq!(read(Request { method: "GET", ..post("/pipeline", "") }).unwrap_err().0, 405);
        assert_eq!(read(Request { method: "GET", ..post("///", "") }).unwrap_err().0, 400);
    }

    #[test]
    fn everything_is_bounded() {
        let many = format!("[{}]", vec!["0"; ARGS_LIMIT + 1].join(","));
        assert!(read(post("/", &many)).unwrap_err().1.contains("200000 arguments"));
        let many = format!("[{}]", vec!["[\"PING\"]"; COMMANDS_LIMIT + 1].join(","));
        assert!(read(post("/pipeline", &many)).unwrap_err().1.contains("10000 commands"));
        let deep = "[".repeat(1 << 20);
        assert_eq!(read(post("/", &deep)).unwrap_err().0, 400);
        assert_eq!(read(post("/pipeline", &deep)).unwrap_err().0, 400);
        let large = vec![b' '; BODY_LIMIT + 1];
        let request = Request { body: &large, ..post("/", "") };
        assert_eq!(read(request).unwrap_err().0, 413);
    }

    #[test]
    fn formats_that_do_not_exist_or_do_not_go_together() {
        let base = post("/", "[\"PING\"]");
        let with = |encoding, format| Call::read(&Request { encoding, format, ..base });
        assert_eq!(with(None, None).unwrap().format, Format::Json);
        assert_eq!(with(Some("base64"), Some("json")).unwrap().format, Format::Base64);
        assert_eq!(with(None, Some("resp2")).unwrap().format, Format::Resp2);
        for (encoding, format) in
            [(Some("base64"), Some("resp2")), (Some("hex"), None), (None, Some("xml"))]
        {
            assert_eq!(with(encoding, format).unwrap_err().status, 400);
        }
    }

    #[test]
    fn urls_are_split() {
        assert_eq!(split_url("https://a.b:1/get/k%3F?x=/y#z"), ("/get/k%3F", "x=/y"));
        assert_eq!(split_url("https://a.b?x"), ("/", "x"));
        assert_eq!(split_url("https://a.b"), ("/", ""));
    }

    #[test]
    fn a_token_may_stand_in_the_query() {
        assert_eq!(query_parameter("a=1&_token=x%3D+y", "_token").as_deref(), Some("x= y"));
        assert_eq!(query_parameter("a=1", "_token"), None);
    }
}
