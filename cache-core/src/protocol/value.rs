//! Replies as values: what clients, consoles, JSON and JavaScript are made from.

use super::ProtocolError;
use crate::numbers;
use alloc::string::String;
use alloc::vec::Vec;

/// How deep replies may be nested. Past it reading fails with [`ProtocolError::TooDeep`].
pub const DEPTH_LIMIT: usize = 64;
/// The longest string or the most elements that a reply may announce.
pub const LENGTH_LIMIT: i64 = 1 << 30;

/// A reply of RESP2 or RESP3.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `+`: a status line.
    Simple(String),
    /// `-` or `!`: an error, code first.
    Error(String),
    /// `:`: an integer.
    Integer(i64),
    /// `$`: a string of bytes.
    Bulk(Vec<u8>),
    /// `_`, `$-1` or `*-1`: nothing.
    Null,
    /// `*`: an array.
    Array(Vec<Value>),
    /// `%`: pairs, in the order sent.
    Map(Vec<(Value, Value)>),
    /// `~`: a set, in the order sent.
    Set(Vec<Value>),
    /// `,`: a float.
    Double(f64),
    /// `#`: a truth value.
    Boolean(bool),
    /// `(`: an integer too large for 64 bits, as text.
    BigNumber(String),
    /// `=`: a text with a three-letter format.
    Verbatim(String),
    /// `>`: a message that nobody asked for at this moment.
    Push(Vec<Value>),
}

impl Value {
    /// Reads one reply from the front of `buf` and says how many bytes it took. `Ok(None)` asks
    /// for more bytes.
    ///
    /// # Errors
    /// The bytes are no reply, or one that passes [`DEPTH_LIMIT`] or [`LENGTH_LIMIT`].
    pub fn parse(buf: &[u8]) -> Result<Option<(Value, usize)>, ProtocolError> {
        let mut reader = Reader { buf, at: 0 };
        Ok(reader.value(0)?.map(|value| (value, reader.at)))
    }

    /// The text of a string-like reply.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Simple(s) | Value::Verbatim(s) | Value::BigNumber(s) => Some(s),
            Value::Bulk(bytes) => core::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }
}

struct Reader<'a> {
    buf: &'a [u8],
    at: usize,
}

/// `None` asks for more bytes.
type Read<T> = Result<Option<T>, ProtocolError>;

/// Takes the value out of a [`Read`], or hands the wish for more bytes on.
macro_rules! need {
    ($read:expr) => {
        match $read? {
            Some(value) => value,
            None => return Ok(None),
        }
    };
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize) -> Read<Value> {
        if depth > DEPTH_LIMIT {
            return Err(ProtocolError::TooDeep);
        }
        let Some(&kind) = self.buf.get(self.at) else { return Ok(None) };
        self.at += 1;
        let line = need!(self.line());
        Ok(Some(match kind {
            b'+' => Value::Simple(text(line)),
            b'-' => Value::Error(text(line)),
            b':' => Value::Integer(integer(line)?),
            b'_' => Value::Null,
            b'(' => Value::BigNumber(text(line)),
            b',' => Value::Double(float(line)?),
            b'#' => match line {
                b"t" => Value::Boolean(true),
                b"f" => Value::Boolean(false),
                _ => return Err(ProtocolError::BadReply("boolean")),
            },
            b'$' | b'!' | b'=' => return self.string(kind, line),
            b'*' | b'~' | b'>' | b'%' | b'|' => return self.aggregate(kind, line, depth),
            other => return Err(ProtocolError::UnknownType(other)),
        }))
    }

    fn string(&mut self, kind: u8, line: &[u8]) -> Read<Value> {
        let len = length(line)?;
        let Some(len) = len else { return Ok(Some(Value::Null)) };
        let Some(body) = self.buf.get(self.at..self.at + len + 2) else { return Ok(None) };
        self.at += len + 2;
        let Some(body) = body.strip_suffix(b"\r\n") else {
            return Err(ProtocolError::BadReply("string without its end"));
        };
        Ok(Some(match kind {
            b'$' => Value::Bulk(body.to_vec()),
            b'!' => Value::Error(text(body)),
            _ => Value::Verbatim(text(body.get(4..).unwrap_or_default())),
        }))
    }

    fn aggregate(&mut self, kind: u8, line: &[u8], depth: usize) -> Read<Value> {
        let Some(len) = length(line)? else { return Ok(Some(Value::Null)) };
        if matches!(kind, b'%' | b'|') {
            let mut pairs = Vec::new();
            for _ in 0..len {
                let key = need!(self.value(depth + 1));
                pairs.push((key, need!(self.value(depth + 1))));
            }
            // An attribute stands before the reply that it describes.
            return if kind == b'|' { self.value(depth + 1) } else { Ok(Some(Value::Map(pairs))) };
        }
        let mut items = Vec::new();
        for _ in 0..len {
            items.push(need!(self.value(depth + 1)));
        }
        Ok(Some(match kind {
            b'*' => Value::Array(items),
            b'~' => Value::Set(items),
            _ => Value::Push(items),
        }))
    }

    fn line(&mut self) -> Read<&'a [u8]> {
        let tail = &self.buf[self.at..];
        let Some(len) = tail.windows(2).position(|w| w == b"\r\n") else { return Ok(None) };
        self.at += len + 2;
        Ok(Some(&tail[..len]))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn integer(line: &[u8]) -> Result<i64, ProtocolError> {
    numbers::parse_i64(line).ok_or(ProtocolError::BadReply("integer"))
}

fn float(line: &[u8]) -> Result<f64, ProtocolError> {
    match line {
        b"nan" => Ok(f64::NAN),
        _ => numbers::parse_f64(line).ok_or(ProtocolError::BadReply("double")),
    }
}

/// -1 is the null of RESP2.
fn length(line: &[u8]) -> Result<Option<usize>, ProtocolError> {
    match integer(line)? {
        -1 => Ok(None),
        n if (0..=LENGTH_LIMIT).contains(&n) => Ok(Some(n as usize)),
        _ => Err(ProtocolError::BadReply("length")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_prefix_asks_for_more() {
        let bytes = b"%2\r\n$1\r\na\r\n*2\r\n:1\r\n_\r\n+b\r\n~1\r\n#t\r\n";
        for end in 0..bytes.len() {
            assert_eq!(Value::parse(&bytes[..end]), Ok(None), "{end}");
        }
        let (value, used) = Value::parse(bytes).unwrap().unwrap();
        assert_eq!(used, bytes.len());
        assert_eq!(
            value,
            Value::Map(alloc::vec![
                (
                    Value::Bulk(b"a".to_vec()),
                    Value::Array(alloc::vec![Value::Integer(1), Value::Null])
                ),
                (Value::Simple("b".into()), Value::Set(alloc::vec![Value::Boolean(true)])),
            ])
        );
    }

    #[test]
    fn a_million_open_brackets_are_refused() {
        let bytes = b"*1\r\n".repeat(1_000_000);
        assert_eq!(Value::parse(&bytes), Err(ProtocolError::TooDeep));
    }
}
