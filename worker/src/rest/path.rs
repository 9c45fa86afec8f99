//! Commands as a path: `/set/key/value?EX=100`, the body (if any) before the query's words.

use super::ARGS_LIMIT;
use cache_core::protocol::Frame;
use percent_encoding::percent_decode;

/// The query parameter that carries a token and is no part of the command.
const TOKEN: &[u8] = b"_token";

/// Reads a command from a path, a query and the body of a POST. One slash at the path's end, as
/// people write it, has been taken off; a second one would end in an empty argument.
///
/// # Errors
/// A sentence that says what is wrong.
pub(super) fn command(path: &str, query: &str, body: Option<&[u8]>) -> Result<Frame, String> {
    let path = path.strip_prefix('/').unwrap_or(path);
    if path.bytes().filter(|&b| b == b'/').count() + query.len() / 2 > ARGS_LIMIT {
        return Err(format!("ERR a request may have {ARGS_LIMIT} arguments at the most"));
    }
    let mut frame = Frame::default();
    for segment in path.split('/') {
        frame.push(&decode(segment));
    }
    if frame.args().at(0).is_empty() {
        return Err(String::from("ERR the path names no command"));
    }
    if let Some(body) = body.filter(|body| !body.is_empty()) {
        frame.push(body);
    }
    for (name, value) in parameters(query).filter(|(name, _)| name != TOKEN) {
        frame.push(&name);
        if !value.is_empty() {
            frame.push(&value);
        }
    }
    Ok(frame)
}

/// The parameters of a query, decoded, in their order. A name without `=` has an empty value.
pub(super) fn parameters(query: &str) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    query.split('&').filter(|part| !part.is_empty()).map(|part| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (decode(&name.replace('+', " ")), decode(&value.replace('+', " ")))
    })
}

fn decode(text: &str) -> Vec<u8> {
    percent_decode(text.as_bytes()).collect()
}
