//! Streams: entries in the order of their ids, and groups of consumers that share them.

mod add;
mod claim;
mod groups;
mod ids;
mod info;
mod pending;
mod range;
mod read;
mod record;

use super::{Begin, Categories, Error, Find, Flags, Flow, Group, KeyFlags, KeySpec, Outcome, Spec};
use super::{Role, Tips};
use super::arguments::Words;
use crate::config::Class;
use crate::node::Cx;
use crate::observer::Observer;
use crate::types::{Stream, StreamId};
use alloc::format;
use alloc::vec::Vec;
use ids::{BAD_ID, exact_id};

/// The keys behind STREAMS: the first half of what follows.
const fn listed(start: i16) -> KeySpec {
    KeySpec {
        begin: Begin::Keyword("STREAMS", start),
        find: Find::Range { last: -1, step: 1, limit: 2 },
        flags: bits!(KeyFlags: RO | ACCESS),
        notes: "",
    }
}

rows! {
    pending::xack: Spec::new("xack", -4, bits!(Flags: WRITE | FAST), Group::Stream)
    .acl(Categories::STREAM)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | UPDATE))])
    .docs(
        "5.0.0",
        "O(1) for each id",
        "key group id [id ...]",
        "Acknowledges entries that were delivered to consumers of a group.",
    ),
    add::xadd: Spec::new("xadd", -5, bits!(Flags: WRITE | DENYOOM | FAST), Group::Stream)
    .acl(Categories::STREAM)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | UPDATE))
        .notes("UPDATE instead of INSERT because of the optional trimming feature")])
    .tips(Tips::NONDETERMINISTIC_OUTPUT)
    .docs(
        "5.0.0",
        "O(1), O(N) where N entries are trimmed",
        "key [NOMKSTREAM] [<MAXLEN | MINID> [= | ~] threshold [LIMIT count]] <* | id> \
         field value [field value ...]",
        "Adds an entry to a stream, which is created when it isn't there.",
    ),
    claim::xautoclaim: Spec::new("xautoclaim", -6, bits!(Flags: WRITE | FAST), Group::Stream)
    .acl(Categories::STREAM)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | DELETE))])
    .tips(Tips::NONDETERMINISTIC_OUTPUT)
    .docs(
        "6.2.0",
        "O(N) for N entries looked at",
        "key group consumer min-idle-time start [COUNT count] [JUSTID]",
        "Gives a consumer the entries that nobody has acknowledged for so long.",
    ),
    claim::xclaim: Spec::new("xclaim", -6, bits!(Flags: WRITE | FAST), Group::Stream)
    .acl(Categories::STREAM)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | UPDATE))])
    .tips(Tips::NONDETERMINISTIC_OUTPUT)
    .docs(
        "5.0.0",
        "O(log N) for each id, with N entries pending",
        "key group consumer min-idle-time id [id ...] [IDLE ms] \
         [TIME unix-time-milliseconds] [RETRYCOUNT count] [FORCE] [JUSTID] [LASTID lastid]",
        "Gives a consumer entries that others have not acknowledged.",
    ),
    xdel: Spec::new("xdel", -3, bits!(Flags: WRITE | FAST), Group::Stream)
    .acl(Categories::STREAM)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | DELETE))])
    .docs(
        "5.0.0",
        "O(log N) for each id, with N entries",
        "key id [id ...]",
        "Removes entries by their ids.",
    ),
    groups::container: Spec::new("xgroup", -2, Flags::empty(), Group::Stream)
    .role(Role::CONTAINER)
    .docs("5.0.0", "That of the subcommand", "", "Consumer groups of a stream."),
    groups::create: Spec::new("xgroup|create", -5, bits!(Flags: WRITE | DENYOOM), Group::Stream)
    .acl(Categories::STREAM)
    .keys(&[KeySpec::one(2, bits!(KeyFlags: RW | INSERT))])
    .docs(
        "5.0.0",
        "O(log N) for N groups",
        "key group <id | $> [MKSTREAM] [ENTRIESREAD entries-read]",
        "Makes a consumer group that begins behind an id.",
    ),
    groups::createconsumer: Spec::new(
        "xgroup|createconsumer",
        5,
        bits!(Flags: WRITE | DENYOOM),
        Group::Stream,
    )
    .acl(Categories::STREAM)
    .keys(&[KeySpec::one(2, bits!(KeyFlags: RW | INSERT))])
    .docs(
        "6.2.0",
        "O(log N) for N consumers",
        "key group consumer",
        "Makes a consumer of a group.",
    ),
    groups::delconsumer: Spec::new("xgroup|delconsumer", 5, Flags::WRITE, Group::Stream)
    .acl(Categories::STREAM)
    .keys(&[KeySpec::one(2, bits!(KeyFlags: RW | DELETE))])
    .docs(
        "5.0.0",
        "O(N) for N entries that it has",
        "key group consumer",
        "Removes a consumer, and with it what it hasn't acknowledged.",
    ),
    groups::destroy: Spec::new("xgroup|destroy", 4, Flags::WRITE, Group::Stream)
    .acl(Categories::STREAM)
    .keys(&[KeySpec::one(2, bits!(KeyFlags: RW | DELETE))])
    .docs(
        "5.0.0",
        "O(N) for N entries pending",
        "key group",
        "Removes a consumer group with its consumers.",
    ),
    groups::help: Spec::new("xgroup|help", 2, bits!(Flags: LOADING | STALE), Group::Stream)
    .acl(Categories::STREAM)
    .docs("5.0.0", "O(1)", "", "What XGROUP can do."),
    groups::setid: Spec::new("xgroup|setid", -5, Flags::WRITE, Group::Stream)
    .acl(Categories::STREAM)
    .keys(&[KeySpec::one(2, bits!(KeyFlags: RW | UPDATE))])
    .docs(
        "5.0.0",
        "O(log N) for N groups",
        "key group <id | $> [ENTRIESREAD entries-read]",
        "Says behind which id a group goes on.",
    ),
    info::container: Spec::new("xinfo", -2, Flags::empty(), Group::Stream)
    .role(Role::CONTAINER)
    .docs("5.0.0", "That of the subcommand", "", "What is known of a stream."),
    info::consumers: Spec::new("xinfo|consumers", 4, Flags::READONLY, Group::Stream)
    .acl(Categories::STREAM)
    .keys(&[KeySpec::one(2, bits!(KeyFlags: RO | ACCESS))])
    .tips(Tips::NONDETERMINISTIC_OUTPUT)
    .docs(
        "5.0.0",
        "O(N) for N consumers",
        "key group",
        "The consumers of a group, what they have and since when they are idle.",
    ),
    info::groups: Spec::new("xinfo|groups", 3, Flags::READONLY, Group::Stream)
    .acl(Categories::STREAM)
    .keys(&[KeySpec::one(2, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "5.0.0",
        "O(N) for N groups",
        "key",
        "The groups of a stream, how far they have read and what they have left.",
    ),
    info::help: Spec::new("xinfo|help", 2, bits!(Flags: LOADING | STALE), Group::Stream)
    .acl(Categories::STREAM)
    .docs("5.0.0", "O(1)", "", "What XINFO can do."),
    info::stream: Spec::new("xinfo|stream", -3, Flags::READONLY, Group::Stream)
    .acl(Categories::STREAM)
    .keys(&[KeySpec::one(2, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "5.0.0",
        "O(1), O(N) for the N things that FULL shows",
        "key [FULL [COUNT count]]",
        "A stream's counters, its first and last entry, or all that it has.",
    ),
    xlen: Spec::new("xlen", 2, bits!(Flags: READONLY | FAST), Group::Stream)
    .acl(Categories::STREAM)
    .keys(&[KeySpec::one(1, KeyFlags::RO)])
    .docs("5.0.0", "O(1)", "key", "How many entries a stream has."),
    pending::xpending: Spec::new("xpending", -3, Flags::READONLY, Group::Stream)
    .acl(Categories::STREAM)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .tips(Tips::NONDETERMINISTIC_OUTPUT)
    .docs(
        "5.0.0",
        "O(N) for N consumers, or for N entries looked at",
        "key group [[IDLE min-idle-time] start end count [consumer]]",
        "What a group was given and hasn't acknowledged.",
    ),
    range::xrange: Spec::new("xrange", -4, Flags::READONLY, Group::Stream)
    .acl(Categories::STREAM)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "5.0.0",
        "O(log N + M) for M of N entries",
        "key start end [COUNT count]",
        "The entries from one id to another.",
    ),
    read::xread: Spec::new(
        "xread",
        -4,
        bits!(Flags: READONLY | BLOCKING | MOVABLEKEYS),
        Group::Stream,
    )
    .acl(Categories::STREAM)
    .keys(&[listed(1)])
    .docs(
        "5.0.0",
        "O(log N + M) for M of a stream's N entries",
        "[COUNT count] [BLOCK milliseconds] STREAMS <key [key ...] id [id ...]>",
        "The entries of streams behind given ids, waiting for some if need be.",
    ),
    read::xreadgroup: Spec::new(
        "xreadgroup",
        -7,
        bits!(Flags: WRITE | BLOCKING | MOVABLEKEYS),
        Group::Stream,
    )
    .acl(Categories::STREAM)
    .keys(&[listed(4)])
    .docs(
        "5.0.0",
        "O(log N + M) for M of a stream's N entries",
        "GROUP <group consumer> [COUNT count] [BLOCK milliseconds] [NOACK] \
         STREAMS <key [key ...] id [id ...]>",
        "The next entries for a consumer of a group, or those that it hasn't acknowledged.",
    ),
    range::xrevrange: Spec::new("xrevrange", -4, Flags::READONLY, Group::Stream)
    .acl(Categories::STREAM)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "5.0.0",
        "O(log N + M) for M of N entries",
        "key end start [COUNT count]",
        "The entries from one id to another, the last one first.",
    ),
    xsetid: Spec::new("xsetid", -3, bits!(Flags: WRITE | DENYOOM | FAST), Group::Stream)
    .acl(Categories::STREAM)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | UPDATE))])
    .docs(
        "5.0.0",
        "O(1)",
        "key last-id [ENTRIESADDED entries-added] [MAXDELETEDID max-deleted-id]",
        "Sets a stream's counters.",
    ),
    add::xtrim: Spec::new("xtrim", -4, Flags::WRITE, Group::Stream)
    .acl(Categories::STREAM)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | DELETE))])
    .tips(Tips::NONDETERMINISTIC_OUTPUT)
    .docs(
        "5.0.0",
        "O(N) for N blocks of entries that go",
        "key <<MAXLEN | MINID> [= | ~] threshold [LIMIT count]>",
        "Removes a stream's oldest entries.",
    ),
}

fn xlen<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (stream, out) = cx.read_as::<Stream>(cx.args.at(1))?;
    out.integer(stream.map_or(0, |stream| stream.len()) as i64);
    Ok(Flow::Done)
}

fn xdel<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, ids) = (cx.args.at(1), cx.args.from(2));
    if cx.peek_as::<Stream>(key)?.is_none() {
        cx.out().integer(0);
        return Ok(Flow::Done);
    }
    let ids = ids.iter().map(exact_id).collect::<Option<Vec<_>>>().ok_or(BAD_ID)?;
    let removed = cx.edit_as(key, |stream: &mut Stream| {
        ids.into_iter().filter(|&id| stream.remove(id)).count()
    })?;
    let removed = removed.unwrap_or(0);
    if removed > 0 {
        cx.wrote(key, Class::STREAM, "xdel");
    }
    cx.out().count(removed);
    Ok(Flow::Done)
}

options! {
    /// What XSETID is to set beside the last id.
    struct Counters<'a> {
        added: "entriesadded" => i64 = entries_added,
        deleted: "maxdeletedid" => StreamId = ids::take_id,
    }
}

fn entries_added(words: &mut Words<'_>) -> Result<i64, Error> {
    let added = words.integer()?;
    if added < 0 {
        return Err(Error::Text("ERR entries_added must be positive"));
    }
    Ok(added)
}

fn xsetid<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let key = cx.args.at(1);
    let id = exact_id(cx.args.at(2)).ok_or(BAD_ID)?;
    let counters = Counters::parse(cx.args.from(3))?;
    if counters.deleted.is_some_and(|deleted| id < deleted) {
        return Err(smaller_than("the provided max_deleted_entry_id"));
    }
    let added = counters.added.map(|added| added as u64);
    let deleted = counters.deleted.filter(|&deleted| deleted != StreamId::MIN);
    let stream = cx.peek_as::<Stream>(key)?.ok_or(Error::NoSuchKey)?;
    if id < stream.deleted_id() {
        return Err(smaller_than("current max_deleted_entry_id"));
    }
    if let Some(top) = stream.top_id() {
        if id < top {
            return Err(smaller_than("the target stream top item"));
        }
        if added.is_some_and(|added| added < stream.len()) {
            let text = "ERR The entries_added specified in XSETID is smaller than the target \
                        stream length";
            return Err(Error::Text(text));
        }
    }
    cx.edit_as(key, |stream: &mut Stream| stream.set_counters(id, added, deleted))?;
    cx.wrote_within(key, Class::STREAM, "xsetid");
    cx.out().ok();
    Ok(Flow::Done)
}

fn smaller_than(what: &str) -> Error {
    Error::Owned(format!("ERR The ID specified in XSETID is smaller than {what}"))
}
