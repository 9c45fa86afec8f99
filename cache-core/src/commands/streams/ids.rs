//! Ids in commands, and the errors that name what is missing.

use crate::commands::arguments::Words;
use crate::commands::{Error, shown};
use crate::types::StreamId;
use alloc::format;

pub(super) const BAD_ID: Error =
    Error::Text("ERR Invalid stream ID specified as stream command argument");

/// An id that names an entry; without a seq it is the first one of its millisecond.
pub(super) fn exact_id(text: &[u8]) -> Option<StreamId> {
    StreamId::parse(text, 0)
}

/// Takes an id that names an entry.
pub(super) fn take_id(words: &mut Words<'_>) -> Result<StreamId, Error> {
    exact_id(words.bytes()?).ok_or(BAD_ID)
}

/// One end of an interval: an id, `-`, `+`, or `(` and an id that is left out. `seq` is what an id
/// without one has.
fn edge(text: &[u8], seq: u64) -> Result<(StreamId, bool), Error> {
    let (id, excluded) = match text {
        b"-" => (Some(StreamId::MIN), false),
        b"+" => (Some(StreamId::MAX), false),
        [b'(', id @ ..] if !id.is_empty() => (StreamId::parse(id, seq), true),
        id => (StreamId::parse(id, seq), false),
    };
    Ok((id.ok_or(BAD_ID)?, excluded))
}

/// The first id of an interval.
pub(super) fn start(text: &[u8]) -> Result<StreamId, Error> {
    match edge(text, 0)? {
        (id, false) => Ok(id),
        (id, true) => id.next().ok_or(Error::Text("ERR invalid start ID for the interval")),
    }
}

/// Both ends of an interval.
pub(super) fn interval(from: &[u8], to: &[u8]) -> Result<(StreamId, StreamId), Error> {
    let start = start(from)?;
    let end = match edge(to, u64::MAX)? {
        (id, false) => id,
        (id, true) => id.prev().ok_or(Error::Text("ERR invalid end ID for the interval"))?,
    };
    Ok((start, end))
}

/// There is no such key, or no such group of it.
pub(super) fn no_key_or_group(key: &[u8], group: &[u8]) -> Error {
    let (key, group) = (shown(key), shown(group));
    Error::Owned(format!("NOGROUP No such key '{key}' or consumer group '{group}'"))
}

/// The key is there, but it has no such group.
pub(super) fn no_group(key: &[u8], group: &[u8]) -> Error {
    let (key, group) = (shown(key), shown(group));
    Error::Owned(format!("NOGROUP No such consumer group '{group}' for key name '{key}'"))
}
