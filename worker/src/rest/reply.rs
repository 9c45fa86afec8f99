//! Replies as JSON.

use super::Format;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use cache_core::protocol::{ProtocolError, Reply, Resp, Value};

/// Replies, each with its bytes.
pub(super) struct Replies<'a>(Vec<(Value, &'a [u8])>);

impl<'a> Replies<'a> {
    /// Takes replies apart that came in one piece.
    pub(super) fn parse(mut bytes: &'a [u8]) -> Result<Self, ProtocolError> {
        let mut replies = Vec::new();
        while !bytes.is_empty() {
            let (value, used) =
                Value::parse(bytes)?.ok_or(ProtocolError::BadReply("it ends too early"))?;
            let (raw, rest) = bytes.split_at(used);
            replies.push((value, raw));
            bytes = rest;
        }
        Ok(Replies(replies))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(Value, &'a [u8])> {
        self.0.iter()
    }

    pub(super) fn into_iter(self) -> impl Iterator<Item = (Value, &'a [u8])> {
        self.0.into_iter()
    }
}

/// Appends a reply in RESP2: its own bytes, or those of an error that was made at the door.
pub(super) fn resp(out: &mut Vec<u8>, value: &Value, raw: &[u8]) {
    match value {
        Value::Error(text) if raw.is_empty() => {
            let mut reply = Reply::new(Resp::V2);
            reply.error(text.as_bytes());
            out.extend_from_slice(reply.bytes());
        }
        _ => out.extend_from_slice(raw),
    }
}

/// Appends `{"result": ...}` or `{"error": ...}`.
pub(super) fn object(out: &mut Vec<u8>, value: &Value, format: Format) {
    match value {
        Value::Error(message) => out.extend_from_slice(&error_object(message)),
        // The one status that is never encoded.
        Value::Simple(ok) if ok == "OK" => out.extend_from_slice(br#"{"result":"OK"}"#),
        _ => {
            out.extend_from_slice(br#"{"result":"#);
            write(out, value, format);
            out.push(b'}');
        }
    }
}

/// `{"error": message}`.
pub(super) fn error_object(message: &str) -> Vec<u8> {
    let mut out = br#"{"error":"#.to_vec();
    quote(&mut out, message);
    out.push(b'}');
    out
}

/// The depth is bounded, since [`Value::parse`] read it.
fn write(out: &mut Vec<u8>, value: &Value, format: Format) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Integer(n) => out.extend_from_slice(n.to_string().as_bytes()),
        Value::Boolean(b) => out.extend_from_slice(if *b { b"1" } else { b"0" }),
        Value::Bulk(bytes) => string(out, bytes, format),
        Value::Simple(text) | Value::Verbatim(text) | Value::BigNumber(text) => {
            string(out, text.as_bytes(), format);
        }
        // JSON has neither infinities nor NaN, and RESP2 has floats as strings anyway.
        Value::Double(d) => string(out, d.to_string().as_bytes(), format),
        Value::Error(message) => out.extend_from_slice(&error_object(message)),
        Value::Array(items) | Value::Set(items) | Value::Push(items) => {
            array(out, items.iter(), format);
        }
        // Flat, as in RESP2.
        Value::Map(pairs) => array(out, pairs.iter().flat_map(|(k, v)| [k, v]), format),
    }
}

fn array<'a>(out: &mut Vec<u8>, items: impl Iterator<Item = &'a Value>, format: Format) {
    out.push(b'[');
    for (i, item) in items.enumerate() {
        if i > 0 {
            out.push(b',');
        }
        write(out, item, format);
    }
    out.push(b']');
}

fn string(out: &mut Vec<u8>, bytes: &[u8], format: Format) {
    if format == Format::Base64 {
        out.push(b'"');
        out.extend_from_slice(BASE64_STANDARD.encode(bytes).as_bytes());
        out.push(b'"');
    } else {
        quote(out, &String::from_utf8_lossy(bytes));
    }
}

/// Appends a JSON string.
fn quote(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for &b in text.as_bytes() {
        match b {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..=0x1f => out.extend_from_slice(format!("\\u{b:04x}").as_bytes()),
            _ => out.push(b),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(resp: &[u8], format: Format) -> String {
        let (value, _) = Value::parse(resp).unwrap().unwrap();
        let mut out = Vec::new();
        object(&mut out, &value, format);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn replies_as_json() {
        for (resp, expected) in [
            (&b"+OK\r\n"[..], r#"{"result":"OK"}"#),
            (b"+PONG\r\n", r#"{"result":"PONG"}"#),
            (b":-9223372036854775808\r\n", r#"{"result":-9223372036854775808}"#),
            (b"$3\r\na\"\n\r\n", r#"{"result":"a\"\n"}"#),
            (b"$2\r\n\x01\xff\r\n", "{\"result\":\"\\u0001\u{fffd}\"}"),
            (b"$-1\r\n", r#"{"result":null}"#),
            (b"*-1\r\n", r#"{"result":null}"#),
            (b"*0\r\n", r#"{"result":[]}"#),
            (b"*3\r\n$1\r\na\r\n:1\r\n*1\r\n$-1\r\n", r#"{"result":["a",1,[null]]}"#),
            (b"-ERR a \"b\"\r\n", r#"{"error":"ERR a \"b\""}"#),
        ] {
            assert_eq!(json(resp, Format::Json), expected);
        }
    }

    #[test]
    fn base64_spares_only_a_plain_ok() {
        for (resp, expected) in [
            (&b"+OK\r\n"[..], r#"{"result":"OK"}"#),
            (b"$2\r\nOK\r\n", r#"{"result":"T0s="}"#),
            (b"+PONG\r\n", r#"{"result":"UE9ORw=="}"#),
            (b"*2\r\n$1\r\n\xff\r\n:7\r\n", r#"{"result":["/w==",7]}"#),
            (b"-ERR no\r\n", r#"{"error":"ERR no"}"#),
        ] {
            assert_eq!(json(resp, Format::Base64), expected);
        }
    }

    #[test]
    fn every_json_string_reads_back() {
        let text: String = (0..0x250).filter_map(char::from_u32).collect();
        let mut out = Vec::new();
        quote(&mut out, &text);
        assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
    }
}
