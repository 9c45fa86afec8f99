//! How a command ends.

use super::blocking::Wait;
use super::replication::AckWait;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

/// What a handler gives back: how it ended, or the error to answer with.
pub(crate) type Outcome = Result<Flow, Error>;

/// At most so many bytes of a name or argument are repeated in an error.
pub(crate) const SHOWN_LIMIT: usize = 128;

/// What was sent, as an error repeats it: up to a zero byte, where C sees a text end.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let bytes = bytes.split(|b| *b == 0).next().unwrap_or_default();
    String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN_LIMIT)]).into_owned()
}

/// How a command ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// It is done and its reply written.
    Done,
    /// It waits for an event; its connection executes nothing until then, and the command runs
    /// again from the start afterwards. Nothing has been written.
    Blocked {
        /// Monotonic microseconds at which waiting ends at the latest.
        until_us: u64,
    },
    /// It waits for a key; see [`Wait`]. Nothing has been written.
    Waits(Box<Wait>),
    /// It waits for followers; see [`AckWait`]. Nothing has been written.
    Acks(Box<AckWait>),
    /// It has more to do than fits the budget, has kept its place in the connection and goes on at
    /// the next turn.
    Suspended,
}

/// An error reply. Clients match on these texts, so they are those of Redis and Valkey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Error {
    WrongType,
    Syntax,
    NotAnInteger,
    NotAFloat,
    Overflow,
    NoSuchKey,
    Arity(&'static str),
    InvalidExpire(&'static str),
    StringTooLong,
    Oom,
    Loading,
    NoAuth,
    /// Any other: code and text.
    Text(&'static str),
    /// Any other, made for the occasion.
    Owned(String),
}

impl Error {
    /// The whole line without the minus sign.
    pub(crate) fn message(&self) -> Vec<u8> {
        let text: &str = match self {
            Error::WrongType => "WRONGTYPE Operation against a key holding the wrong kind of value",
            Error::Syntax => "ERR syntax error",
            Error::NotAnInteger => "ERR value is not an integer or out of range",
            Error::NotAFloat => "ERR value is not a valid float",
            Error::Overflow => "ERR increment or decrement would overflow",
            Error::NoSuchKey => "ERR no such key",
            Error::StringTooLong => "ERR string exceeds maximum allowed size (proto-max-bulk-len)",
            Error::Oom => "OOM command not allowed when used memory > 'maxmemory'.",
            Error::Loading => "LOADING Larder is loading the dataset in memory",
            Error::NoAuth => "NOAUTH Authentication required.",
            Error::Arity(name) => {
                return alloc::format!("ERR wrong number of arguments for '{name}' command")
                    .into_bytes();
            }
            Error::InvalidExpire(name) => {
                return alloc::format!("ERR invalid expire time in '{name}' command").into_bytes();
            }
            Error::Text(text) => text,
            Error::Owned(text) => text,
        };
        text.as_bytes().to_vec()
    }
}
