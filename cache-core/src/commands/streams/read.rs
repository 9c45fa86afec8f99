//! XREAD and XREADGROUP.

use super::ids::{BAD_ID, exact_id};
use super::range::{write_entries, write_entry};
use super::record::Effects;
use crate::commands::arguments::{Words, wait_millis};
use crate::commands::{Error, Flow, Outcome, shown};
use crate::config::Class;
use crate::node::{Cx, Wait, check_reply};
use crate::numbers::count_of;
use crate::observer::Observer;
use crate::protocol::{Args, Frame, Reply, Resp};
use crate::types::{Entry, Pending, Stream, StreamGroup, StreamId, Structure, StreamView};
use alloc::format;
use alloc::vec::Vec;

/// What XREADGROUP takes for "what nobody was given yet".
const NEW: StreamId = StreamId::MAX;

/// What was asked for.
#[derive(Clone, Copy, Debug)]
struct Asked<'a> {
    count: usize,
    /// Until when to wait.
    until_us: Option<u64>,
    /// The group and its consumer.
    consumer: Option<(&'a [u8], &'a [u8])>,
    /// What is given counts as acknowledged.
    no_ack: bool,
    keys: Args<'a>,
    ids: Args<'a>,
    /// Where the ids begin.
    ids_at: usize,
}

impl<'a> Asked<'a> {
    fn parse<O: Observer>(cx: &Cx<'a, O>, by_group: bool) -> Result<Self, Error> {
        let only_group = |option: &str| {
            Error::Owned(format!(
                "ERR The {option} option is only supported by XREADGROUP. You called XREAD instead."
            ))
        };
        let mut words = Words::new(cx.args.from(1));
        let (mut count, mut until_us, mut consumer, mut no_ack) = (usize::MAX, None, None, false);
        loop {
            let left = words.left();
            if left > 1 && words.is("block") {
                until_us = Some(wait_millis(cx, words.bytes()?)?);
            } else if left > 1 && words.is("count") {
                let number = count_of(words.integer()?).unwrap_or(0);
                count = if number == 0 { usize::MAX } else { number };
            } else if left > 1 && words.is("streams") {
                break;
            } else if left > 2 && words.is("group") {
                if !by_group {
                    return Err(only_group("GROUP"));
                }
                consumer = Some((words.bytes()?, words.bytes()?));
            } else if words.is("noack") {
                if !by_group {
                    return Err(only_group("NOACK"));
                }
                no_ack = true;
            } else {
                return Err(Error::Syntax);
            }
        }
        let rest = words.rest();
        if !rest.len().is_multiple_of(2) {
            let (name, symbol) = (cx.spec.name, if by_group { '>' } else { '$' });
            return Err(Error::Owned(format!(
                "ERR Unbalanced '{name}' list of streams: for each stream key an ID or '{symbol}' \
                 must be specified."
            )));
        }
        if by_group && consumer.is_none() {
            return Err(Error::Text("ERR Missing GROUP option for XREADGROUP"));
        }
        let half = rest.len() / 2;
        let (keys, ids) = (rest.slice(0..half), rest.from(half));
        Ok(Asked { count, until_us, consumer, no_ack, keys, ids, ids_at: cx.args.len() - half })
    }

    /// Waits, if that was asked for. `ids` take the place of those that were sent.
    fn wait<O: Observer>(&self, cx: &mut Cx<'_, O>, ids: &[StreamId]) -> Outcome {
        let Some(until_us) = self.until_us else {
            cx.out().null_array();
            return Ok(Flow::Done);
        };
        let mut frame: Frame =
            cx.args.slice(0..self.ids_at).iter().collect();
        for (text, id) in self.ids.iter().zip(ids) {
            // What `$` and `+` mean was settled when the command came.
            match text {
                b"$" | b"+" => frame.push(id.text().as_ref()),
                text => frame.push(text),
            }
        }
        cx.wait(Wait {
            frame,
            keys: self.keys.into(),
            type_name: Stream::NAME,
            or_gone: self.consumer.is_some(),
            until_us,
        })
    }
}

/// Writes the head of a stream's part of the reply.
fn write_name(out: &mut Reply, name: &[u8]) {
    if out.resp() == Resp::V2 {
        out.array(2);
    }
    out.bulk(name);
}

pub(super) fn xread<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let asked = Asked::parse(cx, false)?;
    let mut after = Vec::with_capacity(asked.keys.len());
    for (key, text) in asked.keys.iter().zip(asked.ids.iter()) {
        let stream = cx.peek_as::<Stream>(key)?;
        let last = stream.map_or(StreamId::MIN, |stream| stream.last_id());
        after.push(match text {
            b"$" => last,
            b"+" => last.prev().unwrap_or(StreamId::MIN),
            b">" => {
                return Err(Error::Text(
                    "ERR The > ID can be specified only when calling XREADGROUP using the \
                     GROUP <group> <consumer> option.",
                ));
            }
            text => exact_id(text).ok_or(BAD_ID)?,
        });
    }
    let mut served = Vec::new();
    for (key, &after) in asked.keys.iter().zip(&after) {
        let stream = cx.peek_as::<Stream>(key)?;
        if stream.is_some_and(|stream| has_behind(&stream, after)) {
            served.push((key, after));
        }
    }
    if served.is_empty() {
        return asked.wait(cx, &after);
    }
    let mark = cx.out().len();
    write_head(cx.out(), served.len());
    for (key, after) in served {
        let (stream, out) = cx.read_as::<Stream>(key)?;
        write_name(out, key);
        let entries = stream.iter().flat_map(|stream| behind(stream, after));
        write_entries(out, entries.take(asked.count));
        check_reply(out.len() - mark)?;
    }
    Ok(Flow::Done)
}

fn write_head(out: &mut Reply, streams: usize) {
    match out.resp() {
        Resp::V2 => out.array(streams),
        Resp::V3 => out.map(streams),
    }
}

/// Whether a stream has entries behind an id.
fn has_behind(stream: &Stream, id: StreamId) -> bool {
    stream.top_id().is_some_and(|top| top > id)
}

/// The entries behind an id.
fn behind<'a>(
    stream: &'a StreamView<'_>,
    id: StreamId,
) -> impl Iterator<Item = Entry<'a>> {
    id.next().into_iter().flat_map(|from| stream.range(from, StreamId::MAX))
}

pub(super) fn xreadgroup<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let asked = Asked::parse(cx, true)?;
    let Some((group, consumer)) = asked.consumer else { return Err(Error::Syntax) };
    let mut after = Vec::with_capacity(asked.keys.len());
    for (key, text) in asked.keys.iter().zip(asked.ids.iter()) {
        let stream = cx.peek_as::<Stream>(key)?;
        if stream.is_none_or(|stream| stream.group(group).is_none()) {
            return Err(gone(key, group));
        }
        after.push(match text {
            b">" => NEW,
            b"$" | b"+" => return Err(meaningless(text)),
            text => exact_id(text).ok_or(BAD_ID)?,
        });
    }
    let mark = cx.out().len();
    let place = cx.out().deferred();
    let mut served = 0;
    for (key, &after) in asked.keys.iter().zip(&after) {
        let part = Part { key, group, consumer, count: asked.count, no_ack: asked.no_ack };
        let given = match after {
            NEW => part.write_new(cx)?,
            after => Some(part.write_history(cx, after)?),
        };
        served += usize::from(given.is_some());
        part.note(cx, given)?;
        check_reply(cx.out().len() - mark)?;
    }
    if served == 0 {
        return asked.wait(cx, &after);
    }
    match cx.resp() {
        Resp::V2 => cx.out().set_array(place, served),
        Resp::V3 => cx.out().set_map(place, served),
    }
    Ok(Flow::Done)
}

fn gone(key: &[u8], group: &[u8]) -> Error {
    let (key, group) = (shown(key), shown(group));
    Error::Owned(format!(
        "NOGROUP No such key '{key}' or consumer group '{group}' in XREADGROUP with GROUP option"
    ))
}

fn meaningless(id: &[u8]) -> Error {
    let id = shown(id);
    Error::Owned(format!(
        "ERR The {id} ID is meaningless in the context of XREADGROUP: you want to read the history \
         of this consumer by specifying a proper ID, or use the > ID to get new messages. The {id} \
         ID would just return an empty result set."
    ))
}

/// What is given.
enum Given {
    New(Vec<StreamId>),
    Again(Vec<StreamId>),
}

/// One stream that a consumer reads.
struct Part<'a> {
    key: &'a [u8],
    group: &'a [u8],
    consumer: &'a [u8],
    count: usize,
    no_ack: bool,
}

impl Part<'_> {
    /// Writes the entries that the group wasn't given yet. `None`: there are none.
    fn write_new<O: Observer>(&self, cx: &mut Cx<'_, O>) -> Result<Option<Given>, Error> {
        let (stream, out) = cx.read_as::<Stream>(self.key)?;
        let Some(stream) = stream else { return Ok(None) };
        let Some(last) = stream.group(self.group).map(|group| group.last) else { return Ok(None) };
        if !has_behind(&stream, last) {
            return Ok(None);
        }
        write_name(out, self.key);
        let mut ids = Vec::new();
        let entries = behind(&stream, last).take(self.count);
        write_entries(out, entries.inspect(|entry| ids.push(entry.id)));
        Ok(Some(Given::New(ids)))
    }

    /// Writes what the consumer was given behind an id and hasn't acknowledged.
    fn write_history<O: Observer>(
        &self,
        cx: &mut Cx<'_, O>,
        after: StreamId,
    ) -> Result<Given, Error> {
        let (stream, out) = cx.read_as::<Stream>(self.key)?;
        write_name(out, self.key);
        let group = stream.as_ref().and_then(|stream| stream.group(self.group));
        let consumer = group.and_then(|group| group.consumer(group.number(self.consumer)?));
        let pending = consumer
            .zip(after.next())
            .into_iter()
            .flat_map(|(consumer, from)| consumer.pending.iter_from(from));
        let (place, mut count, mut ids) = (out.deferred(), 0, Vec::new());
        for &id in pending.take(self.count) {
            count += 1;
            if let Some(entry) = stream.as_ref().and_then(|stream| stream.get(id)) {
                write_entry(out, &entry);
                ids.push(id);
            } else {
                out.array(2);
                out.bulk(id.text().as_ref());
                out.null_array();
            }
        }
        out.set_array(place, count);
        Ok(Given::Again(ids))
    }

    /// Notes what the consumer was given.
    fn note<O: Observer>(&self, cx: &mut Cx<'_, O>, given: Option<Given>) -> Result<(), Error> {
        let mut effects = Effects::new(self.key, self.group);
        let now_ms = cx.now_ms();
        let is_new = cx.edit_as(self.key, |stream: &mut Stream| {
            self.note_in(stream, given, now_ms, &mut effects)
        })?;
        if is_new == Some(Some(true)) {
            cx.notify(Class::STREAM, "xgroup-createconsumer", self.key);
        }
        if !effects.is_empty() {
            cx.changed_within(self.key);
        }
        effects.record(cx);
        Ok(())
    }

    /// Says whether the consumer is new.
    fn note_in(
        &self,
        stream: &mut Stream,
        given: Option<Given>,
        now_ms: u64,
        effects: &mut Effects<'_>,
    ) -> Option<bool> {
        let (number, is_new) =
            stream.edit_group(self.group, |group| {
                let (number, is_new) = group.add_consumer(self.consumer, now_ms);
                group.saw(number, now_ms);
                (number, is_new)
            })?;
        if is_new {
            effects.consumer_made(self.consumer);
        }
        let pending = |id| Pending { id, at_ms: now_ms, count: 1, consumer: number };
        match given {
            None => {}
            Some(Given::New(ids)) => {
                stream.deliver(self.group, &ids, number, !self.no_ack, now_ms);
                if !self.no_ack {
                    effects.given(self.consumer, &ids.into_iter().map(pending).collect::<Vec<_>>());
                }
                effects.moved(stream.group(self.group)?);
            }
            Some(Given::Again(ids)) => {
                let again = stream.edit_group(self.group, |group| give_again(group, &ids, now_ms))?;
                effects.given(self.consumer, &again);
            }
        }
        Some(is_new)
    }
}

/// Counts one more delivery of entries to who has them.
fn give_again(group: &mut StreamGroup, ids: &[StreamId], now_ms: u64) -> Vec<Pending> {
    let mut again = Vec::with_capacity(ids.len());
    for &id in ids {
        let Some(&pending) = group.pending().get(id) else { continue };
        let pending =
            Pending { at_ms: now_ms, count: pending.count.saturating_add(1), ..pending };
        group.give(pending);
        again.push(pending);
    }
    again
}
