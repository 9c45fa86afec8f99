//! XINFO: what is known of a stream.

use super::ids::no_group;
use super::range::{write_entries, write_entry};
use crate::commands::arguments::Words;
use crate::commands::{Error, Flow, Outcome};
use crate::node::Cx;
use crate::numbers::count_of;
use crate::observer::Observer;
use crate::protocol::Reply;
use crate::types::{Consumer, Entry, Stream, StreamGroup, StreamId};

/// How many entries FULL shows of each kind, unless it is told otherwise.
const SHOWN: usize = 10;

pub(super) fn container<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    Err(Error::Arity(cx.spec.name))
}

pub(super) fn help<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    crate::commands::help(cx, "xinfo")
}

options! {
    /// How much XINFO STREAM is to show.
    struct Wanted<'a> {
        count: "count" => i64 = Words::integer,
    }
}

/// How many entries to show; `None`: no more than a summary.
fn shown(mut words: Words<'_>) -> Result<Option<usize>, Error> {
    let wrong = Error::Text(
        "ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.",
    );
    if words.left() == 0 {
        return Ok(None);
    }
    if !words.is("full") || !matches!(words.left(), 0 | 2) {
        return Err(wrong);
    }
    let count = Wanted::parse(words.rest()).map_err(|error| match error {
        Error::Syntax => wrong,
        error => error,
    })?;
    Ok(Some(match count.count {
        None => SHOWN,
        Some(0) => usize::MAX,
        Some(count) => count_of(count).unwrap_or(SHOWN),
    }))
}

pub(super) fn stream<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let key = cx.args.at(2);
    cx.peek_as::<Stream>(key)?.ok_or(Error::NoSuchKey)?;
    let shown = shown(Words::new(cx.args.from(3)))?;
    let (stream, out) = cx.read_as::<Stream>(key)?;
    let stream = stream.ok_or(Error::NoSuchKey)?;
    out.map(if shown.is_some() { 9 } else { 10 });
    let blocks = stream.blocks() as i64;
    field(out, "length", stream.len() as i64);
    field(out, "radix-tree-keys", blocks);
    field(out, "radix-tree-nodes", blocks + 1);
    id_field(out, "last-generated-id", stream.last_id());
    id_field(out, "max-deleted-entry-id", stream.deleted_id());
    field(out, "entries-added", stream.added() as i64);
    id_field(out, "recorded-first-entry-id", stream.first_id());
    match shown {
        Some(count) => write_full(&stream, count, out),
        None => {
            field(out, "groups", stream.groups().len() as i64);
            entry_field(out, "first-entry", stream.first());
            entry_field(out, "last-entry", stream.last());
        }
    }
    Ok(Flow::Done)
}

fn field(out: &mut Reply, name: &str, number: i64) {
    out.bulk(name.as_bytes());
    out.integer(number);
}

fn id_field(out: &mut Reply, name: &str, id: StreamId) {
    out.bulk(name.as_bytes());
    out.bulk(id.text().as_ref());
}

fn entry_field(out: &mut Reply, name: &str, entry: Option<Entry<'_>>) {
    out.bulk(name.as_bytes());
    match entry {
        Some(entry) => write_entry(out, &entry),
        None => out.null(),
    }
}

fn number_or_null(out: &mut Reply, name: &str, number: Option<i64>) {
    out.bulk(name.as_bytes());
    match number {
        Some(number) => out.integer(number),
        None => out.null(),
    }
}

/// How far a group is.
fn write_progress(out: &mut Reply, stream: &Stream, group: &StreamGroup) {
    id_field(out, "last-delivered-id", group.last);
    number_or_null(out, "entries-read", group.read.map(|read| read as i64));
    number_or_null(out, "lag", stream.lag(group));
}

fn write_full(stream: &Stream, count: usize, out: &mut Reply) {
    out.bulk(b"entries");
    write_entries(out, stream.range(StreamId::MIN, StreamId::MAX).take(count));
    out.bulk(b"groups");
    out.array(stream.groups().len());
    for group in stream.groups() {
        out.map(7);
        out.bulk(b"name");
        out.bulk(&group.name);
        write_progress(out, stream, group);
        let pending = group.pending();
        field(out, "pel-count", pending.len() as i64);
        out.bulk(b"pending");
        out.array(count.min(pending.len() as usize));
        for pending in pending.iter().take(count) {
            out.array(4);
            out.bulk(pending.id.text().as_ref());
            out.bulk(group.name_of(pending.consumer));
            out.integer(pending.at_ms as i64);
            out.integer(pending.count as i64);
        }
        out.bulk(b"consumers");
        out.array(group.consumers().len());
        for (_, consumer) in group.consumers() {
            if let Some(consumer) = consumer {
                write_full_consumer(group, consumer, count, out);
            }
        }
    }
}

fn write_full_consumer(group: &StreamGroup, consumer: &Consumer, count: usize, out: &mut Reply) {
    out.map(5);
    out.bulk(b"name");
    out.bulk(&consumer.name);
    field(out, "seen-time", consumer.seen_ms as i64);
    field(out, "active-time", consumer.active_ms.map_or(-1, |at| at as i64));
    field(out, "pel-count", consumer.pending.len() as i64);
    out.bulk(b"pending");
    out.array(count.min(consumer.pending.len() as usize));
    for &id in consumer.pending.iter().take(count) {
        let (at_ms, times) =
            group.pending().get(id).map_or((0, 0), |pending| (pending.at_ms, pending.count));
        out.array(3);
        out.bulk(id.text().as_ref());
        out.integer(at_ms as i64);
        out.integer(times as i64);
    }
}

pub(super) fn groups<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (stream, out) = cx.read_as::<Stream>(cx.args.at(2))?;
    let stream = stream.ok_or(Error::NoSuchKey)?;
    out.array(stream.groups().len());
    for group in stream.groups() {
        out.map(6);
        out.bulk(b"name");
        out.bulk(&group.name);
        field(out, "consumers", group.consumers().len() as i64);
        field(out, "pending", group.pending().len() as i64);
        write_progress(out, &stream, group);
    }
    Ok(Flow::Done)
}

pub(super) fn consumers<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, name, now_ms) = (cx.args.at(2), cx.args.at(3), cx.now_ms());
    let (stream, out) = cx.read_as::<Stream>(key)?;
    let stream = stream.ok_or(Error::NoSuchKey)?;
    let group = stream.group(name).ok_or_else(|| no_group(key, name))?;
    out.array(group.consumers().len());
    for (_, consumer) in group.consumers() {
        let Some(consumer) = consumer else { continue };
        let since = |at: u64| now_ms.saturating_sub(at) as i64;
        out.map(4);
        out.bulk(b"name");
        out.bulk(&consumer.name);
        field(out, "pending", consumer.pending.len() as i64);
        field(out, "idle", since(consumer.seen_ms));
        field(out, "inactive", consumer.active_ms.map_or(-1, since));
    }
    Ok(Flow::Done)
}
