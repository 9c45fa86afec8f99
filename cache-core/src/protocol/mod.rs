//! The wire: bytes in, commands out; replies in, bytes out.
//!
//! [`request`] reads commands (RESP arrays and inline lines), [`reply`] is the one encoder that
//! every handler writes to, [`value`] reads replies back for clients, consoles and other formats,
//! [`display`] shows them as redis-cli does. Source: the Redis serialization protocol
//! specification (RESP2 and RESP3).
//!
//! What must never be here: knowledge of a command, of a key or of a connection's state.

pub(crate) mod args;
pub mod display;
pub mod reply;
pub mod request;
pub mod value;
pub mod words;

pub use args::{Args, Frame};
pub use reply::{Reply, Resp};
pub use value::Value;

/// What was wrong with the bytes of a peer. The connection can't go on after it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProtocolError {
    /// An array's length is no number, or more than the limit.
    MultibulkLength,
    /// A bulk's length is no number, negative, or more than the limit.
    BulkLength,
    /// Inside an array something else than `$` stood where a bulk string must.
    ExpectedBulk(u8),
    /// An inline line without an end within the limit.
    InlineTooLong,
    /// A header line without an end within the limit.
    HeaderTooLong(&'static str),
    /// Quotes that don't close, in an inline line.
    UnbalancedQuotes,
    /// Before AUTH, more arguments than anyone needs to log in.
    UnauthenticatedMultibulkLength,
    /// Before AUTH, a longer argument than anyone needs to log in.
    UnauthenticatedBulkLength,
    /// A reply began with a byte that no type has.
    UnknownType(u8),
    /// A reply was nested deeper than the limit.
    TooDeep,
    /// A reply's body did not fit its type.
    BadReply(&'static str),
}

impl core::fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::MultibulkLength => f.write_str("invalid multibulk length"),
            Self::BulkLength => f.write_str("invalid bulk length"),
            Self::ExpectedBulk(b) => write!(f, "expected '$', got '{}'", printable(*b)),
            Self::InlineTooLong => f.write_str("too big inline request"),
            Self::HeaderTooLong(what) => write!(f, "too big {what} string"),
            Self::UnbalancedQuotes => f.write_str("unbalanced quotes in request"),
            Self::UnauthenticatedMultibulkLength => f.write_str("unauthenticated multibulk length"),
            Self::UnauthenticatedBulkLength => f.write_str("unauthenticated bulk length"),
            Self::UnknownType(b) => write!(f, "unknown reply type '{}'", printable(*b)),
            Self::TooDeep => f.write_str("reply nested too deeply"),
            Self::BadReply(what) => write!(f, "bad reply: {what}"),
        }
    }
}

impl core::error::Error for ProtocolError {}

/// Control bytes would break the error line that carries them.
fn printable(b: u8) -> char {
    if b.is_ascii_graphic() || b == b' ' { b as char } else { '?' }
}
