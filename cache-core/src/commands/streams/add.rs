//! XADD and XTRIM.

use super::ids::{BAD_ID, exact_id};
use crate::commands::arguments::Words;
use crate::commands::{Error, Flow, Outcome};
use crate::config::{Class, Id};
use crate::node::Cx;
use crate::observer::Observer;
use crate::protocol::Args;
use crate::types::{BlockLimits, Keep, Stream, StreamId, Trim};
use alloc::vec::Vec;

/// Bytes of an entry's strings together, at most.
const ENTRY_LIMIT: u64 = 1 << 30;
/// Blocks that an approximate trim removes at most, unless it is told otherwise.
const TRIMMED_BLOCKS: u64 = 100;
/// Entries that it removes at most: where blocks have no limit, and in any case.
const TRIMMED_ENTRIES: u64 = 10_000;
const TRIMMED_ENTRIES_LIMIT: u64 = 1_000_000;

/// Which id an entry is to have.
#[derive(Clone, Copy, Debug)]
enum Wish {
    /// One of this moment.
    Now,
    /// The next one of a millisecond.
    Ms(u64),
    This(StreamId),
}

/// What XADD and XTRIM were told before the entry's fields.
#[derive(Clone, Copy, Debug)]
struct Asked {
    adds: bool,
    keep: Option<Keep>,
    approximate: bool,
    limit: Option<u64>,
    no_create: bool,
}

impl Asked {
    fn parse(words: &mut Words<'_>, adds: bool) -> Result<Self, Error> {
        let mut asked =
            Asked { adds, keep: None, approximate: false, limit: None, no_create: false };
        while words.left() > 0 {
            let more = words.left() > 1;
            if more && words.is("maxlen") {
                asked.parse_threshold(words, |words| {
                    let count = u64::try_from(words.integer()?);
                    let wrong = Error::Text("ERR The MAXLEN argument must be >= 0.");
                    Ok(Keep::Last(count.map_err(|_| wrong)?))
                })?;
            } else if more && words.is("minid") {
                asked.parse_threshold(words, |words| {
                    Ok(Keep::From(exact_id(words.bytes()?).ok_or(BAD_ID)?))
                })?;
            } else if more && words.is("limit") {
                let limit = u64::try_from(words.integer()?);
                let wrong = Error::Text("ERR The LIMIT argument must be >= 0.");
                asked.limit = Some(limit.map_err(|_| wrong)?);
            } else if adds && words.is("nomkstream") {
                asked.no_create = true;
            } else if adds {
                break;
            } else {
                return Err(Error::Syntax);
            }
        }
        Ok(asked)
    }

    fn parse_threshold<'a>(
        &mut self,
        words: &mut Words<'a>,
        read: impl FnOnce(&mut Words<'a>) -> Result<Keep, Error>,
    ) -> Result<(), Error> {
        if self.keep.is_some() {
            return Err(Error::Text(
                "ERR syntax error, MAXLEN and MINID options at the same time are not compatible",
            ));
        }
        if words.left() > 1 {
            self.approximate = words.is("~");
            if !self.approximate {
                words.is("=");
            }
        }
        self.keep = Some(read(words)?);
        Ok(())
    }

    /// What is to be trimmed; `None`: nothing.
    fn trim(&self, limits: BlockLimits) -> Result<Option<Trim>, Error> {
        let Some(keep) = self.keep else {
            if self.limit.is_some_and(|limit| limit > 0) {
                return Err(Error::Text(
                    "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy",
                ));
            }
            if !self.adds {
                return Err(Error::Text(
                    "ERR syntax error, XTRIM must be called with a trimming strategy",
                ));
            }
            return self.no_stray_limit().map(|()| None);
        };
        let limit = match self.limit {
            _ if !self.approximate => {
                self.no_stray_limit()?;
                0
            }
            Some(limit) => limit,
            None if limits.entries == 0 => TRIMMED_ENTRIES,
            None => limits.entries.saturating_mul(TRIMMED_BLOCKS).min(TRIMMED_ENTRIES_LIMIT),
        };
        Ok(Some(Trim { keep, approximate: self.approximate, limit }))
    }

    /// A limit is for approximate trims alone.
    fn no_stray_limit(&self) -> Result<(), Error> {
        match self.limit {
            None => Ok(()),
            Some(_) => Err(Error::Text(
                "ERR syntax error, LIMIT cannot be used without the special ~ option",
            )),
        }
    }
}

/// How large blocks may become.
fn limits<O: Observer>(cx: &Cx<'_, O>) -> BlockLimits {
    let number = |id| cx.state.config.number(id) as u64;
    BlockLimits {
        entries: number(Id::StreamNodeMaxEntries),
        bytes: number(Id::StreamNodeMaxBytes),
    }
}

fn wish(text: &[u8]) -> Result<Wish, Error> {
    match text {
        b"*" => Ok(Wish::Now),
        [ms @ .., b'-', b'*'] => {
            exact_id(ms).filter(|_| !ms.contains(&b'-')).map(|id| Wish::Ms(id.ms)).ok_or(BAD_ID)
        }
        text => exact_id(text).map(Wish::This).ok_or(BAD_ID),
    }
}

/// The id of the next entry of a stream whose last id is this.
fn next_id(wish: Wish, last: StreamId, now_ms: u64) -> Result<StreamId, Error> {
    let too_small = Error::Text(
        "ERR The ID specified in XADD is equal or smaller than the target stream top item",
    );
    if last == StreamId::MAX {
        return Err(Error::Text(
            "ERR The stream has exhausted the last possible ID, unable to add more items",
        ));
    }
    let id = match wish {
        Wish::Now if now_ms > last.ms => Some(StreamId { ms: now_ms, seq: 0 }),
        Wish::Now => last.next(),
        Wish::Ms(ms) if ms == last.ms => last.next().filter(|id| id.ms == ms),
        Wish::Ms(ms) => Some(StreamId { ms, seq: 0 }),
        Wish::This(id) => Some(id),
    };
    id.filter(|&id| id > last).ok_or(too_small)
}

/// What XADD has done.
struct Added {
    id: StreamId,
    trimmed: u64,
    /// Entries there are now.
    left: u64,
}

pub(super) fn xadd<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let key = cx.args.at(1);
    let mut words = Words::new(cx.args.from(2));
    let asked = Asked::parse(&mut words, true)?;
    let id_at = cx.args.len() - words.left();
    let wish = words.take().map_or(Err(BAD_ID), wish)?;
    let limits = limits(cx);
    let trim = asked.trim(limits)?;
    let fields = words.rest();
    if fields.is_empty() || !fields.len().is_multiple_of(2) {
        return Err(Error::Arity(cx.spec.name));
    }
    if matches!(wish, Wish::This(StreamId::MIN)) {
        return Err(Error::Text("ERR The ID specified in XADD must be greater than 0-0"));
    }
    let (now_ms, bytes) = (cx.now_ms(), fields.total_len() as u64);
    if bytes > ENTRY_LIMIT {
        return Err(Error::Text("ERR Elements are too large to be stored"));
    }
    let add = |stream: &mut Stream| -> Result<Added, Error> {
        let id = next_id(wish, stream.last_id(), now_ms)?;
        let pairs = (0..fields.len() / 2).map(|i| (fields.at(2 * i), fields.at(2 * i + 1)));
        stream.push(id, pairs, bytes, limits);
        let trimmed = trim.map_or(0, |trim| stream.trim(trim));
        Ok(Added { id, trimmed, left: stream.len() })
    };
    let added = match cx.edit_as(key, add)? {
        Some(added) => added?,
        None if asked.no_create => {
            cx.out().null();
            return Ok(Flow::Done);
        }
        None => cx.upsert_as(key, add)??,
    };
    cx.wrote(key, Class::STREAM, "xadd");
    cx.tell_waiters(key);
    if added.trimmed > 0 {
        cx.notify(Class::STREAM, "xtrim", key);
    }
    let text = added.id.text();
    let id = text.as_ref();
    record(cx, id, id_at, fields, &added);
    cx.out().bulk(id);
    Ok(Flow::Done)
}

/// Recorded with the id that the entry got, and with what the trim has left.
fn record<O: Observer>(
    cx: &mut Cx<'_, O>,
    id: &[u8],
    id_at: usize,
    fields: Args<'_>,
    added: &Added,
) {
    let args = cx.args;
    if added.trimmed == 0 && id_at == 2 {
        cx.effect((0..args.len()).map(|i| if i == id_at { id } else { args.at(i) }));
        return;
    }
    let mut left = itoa::Buffer::new();
    let mut effect = Vec::with_capacity(6 + fields.len());
    effect.extend([&b"XADD"[..], args.at(1)]);
    if added.trimmed > 0 {
        effect.extend([&b"MAXLEN"[..], b"=", left.format(added.left).as_bytes()]);
    }
    effect.push(id);
    effect.extend(fields.iter());
    cx.effect(effect);
}

pub(super) fn xtrim<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let key = cx.args.at(1);
    let asked = Asked::parse(&mut Words::new(cx.args.from(2)), false)?;
    let trim = asked.trim(limits(cx))?.ok_or(Error::Syntax)?;
    let trimmed = cx.edit_as(key, |stream: &mut Stream| (stream.trim(trim), stream.len()))?;
    let (trimmed, left) = trimmed.unwrap_or((0, 0));
    if trimmed > 0 {
        cx.wrote(key, Class::STREAM, "xtrim");
        let mut text = itoa::Buffer::new();
        cx.effect([&b"XTRIM"[..], key, b"MAXLEN", b"=", text.format(left).as_bytes()]);
    }
    cx.out().integer(trimmed as i64);
    Ok(Flow::Done)
}
