//! OBJECT and MEMORY: how a value is kept, when it was used, what it takes.

use super::arguments::Words;
use super::{Categories, Error, Flags, Flow, Group, KeyFlags, KeySpec, Outcome, Role, Spec, Tips};
use crate::config::Id;
use crate::node::{Connection, Cx};
use crate::observer::Observer;
use alloc::format;

rows! {
    container: Spec::new("object", -2, Flags::empty(), Group::Generic)
    .role(Role::CONTAINER)
    .docs("2.2.3", "Depends on the subcommand", "", "Tells how values are kept."),
    encoding: Spec::new("object|encoding", 3, Flags::READONLY, Group::Generic)
    .acl(Categories::KEYSPACE)
    .keys(&[KeySpec::one(2, KeyFlags::RO)])
    .tips(Tips::NONDETERMINISTIC_OUTPUT)
    .docs("2.2.3", "O(1)", "key", "The form in which a value is kept."),
    freq: Spec::new("object|freq", 3, Flags::READONLY, Group::Generic)
    .acl(Categories::KEYSPACE)
    .keys(&[KeySpec::one(2, KeyFlags::RO)])
    .tips(Tips::NONDETERMINISTIC_OUTPUT)
    .docs("4.0.0", "O(1)", "key", "How often a key is used: the logarithmic counter of LFU."),
    object_help: Spec::new("object|help", 2, bits!(Flags: LOADING | STALE), Group::Generic)
    .acl(Categories::KEYSPACE)
    .docs("6.2.0", "O(1)", "", "Lists the subcommands of OBJECT."),
    idletime: Spec::new("object|idletime", 3, Flags::READONLY, Group::Generic)
    .acl(Categories::KEYSPACE)
    .keys(&[KeySpec::one(2, KeyFlags::RO)])
    .tips(Tips::NONDETERMINISTIC_OUTPUT)
    .docs("2.2.3", "O(1)", "key", "Seconds since a key was last used."),
    refcount: Spec::new("object|refcount", 3, Flags::READONLY, Group::Generic)
    .acl(Categories::KEYSPACE)
    .keys(&[KeySpec::one(2, KeyFlags::RO)])
    .tips(Tips::NONDETERMINISTIC_OUTPUT)
    .docs("2.2.3", "O(1)", "key", "How many keys share a value: always one."),
    memory: Spec::new("memory", -2, Flags::empty(), Group::Server)
    .role(Role::CONTAINER)
    .docs("4.0.0", "Depends on the subcommand", "", "Tells what takes how much memory."),
    doctor: Spec::new("memory|doctor", 2, Flags::empty(), Group::Server)
    .tips(bits!(Tips: NONDETERMINISTIC_OUTPUT | REQUEST_ALL_SHARDS | RESPONSE_SPECIAL))
    .docs("4.0.0", "O(1)", "", "Looks for trouble with memory."),
    memory_help: Spec::new("memory|help", 2, bits!(Flags: LOADING | STALE), Group::Server)
    .docs("4.0.0", "O(1)", "", "Lists the subcommands of MEMORY."),
    malloc_stats: Spec::new("memory|malloc-stats", 2, Flags::LOADING, Group::Server)
    .tips(bits!(Tips: NONDETERMINISTIC_OUTPUT | REQUEST_ALL_SHARDS | RESPONSE_SPECIAL))
    .docs("4.0.0", "O(1)", "", "What the allocator tells of itself."),
    purge: Spec::new("memory|purge", 2, Flags::LOADING, Group::Server)
    .tips(bits!(Tips: REQUEST_ALL_SHARDS | RESPONSE_ALL_SUCCEEDED))
    .docs("4.0.0", "O(1)", "", "Asks the allocator to give memory back."),
    stats: Spec::new("memory|stats", 2, Flags::empty(), Group::Server)
    .tips(bits!(Tips: NONDETERMINISTIC_OUTPUT | REQUEST_ALL_SHARDS | RESPONSE_SPECIAL))
    .docs("4.0.0", "O(1)", "", "How much memory is used for what."),
    usage: Spec::new("memory|usage", -3, Flags::READONLY, Group::Server)
    .keys(&[KeySpec::one(2, KeyFlags::RO)])
    .docs("4.0.0", "O(1)", "key [SAMPLES count]", "Bytes that a key and its value take."),
}

/// The containers are never run: they need a subcommand.
fn container<O: Observer>(_cx: &mut Cx<'_, O>) -> Outcome {
    Err(Error::Arity("object"))
}

fn memory<O: Observer>(_cx: &mut Cx<'_, O>) -> Outcome {
    Err(Error::Arity("memory"))
}

fn object_help<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    super::help(cx, "object")
}

fn memory_help<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    super::help(cx, "memory")
}

fn encoding<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let encoding = cx.entry(cx.args.at(2)).map(|entry| entry.encoding());
    cx.out().bulk_or_null(encoding.map(str::as_bytes));
    Ok(Flow::Done)
}

fn refcount<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    match cx.peek(cx.args.at(2)).is_some() {
        true => cx.out().integer(1),
        false => cx.out().null(),
    }
    Ok(Flow::Done)
}

const SWITCHED: &str = "Please note that when switching between policies at runtime LRU and LFU data \
                        will take some time to adjust.";

fn freq<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let Some(access) = cx.access(cx.args.at(2)) else {
        cx.out().null();
        return Ok(Flow::Done);
    };
    if !cx.state.config.policy().is_lfu() {
        return Err(Error::Owned(format!(
            "ERR An LFU maxmemory policy is not selected, access frequency not tracked. {SWITCHED}"
        )));
    }
    let freq = crate::keyspace::use_count(access, &cx.state.config, cx.now.wall_secs());
    cx.out().integer(freq.into());
    Ok(Flow::Done)
}

fn idletime<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let Some(access) = cx.access(cx.args.at(2)) else {
        cx.out().null();
        return Ok(Flow::Done);
    };
    let policy = cx.state.config.policy();
    if policy.is_lfu() || policy.is_adaptive() {
        let which = if policy.is_lfu() { "LFU" } else { "adaptive" };
        return Err(Error::Owned(format!(
            "ERR An {which} maxmemory policy is selected, idle time not tracked. {SWITCHED}"
        )));
    }
    let idle = crate::keyspace::idle_secs(access, cx.now.wall_secs());
    cx.out().integer(idle as i64);
    Ok(Flow::Done)
}

/// Nothing is sampled: sizes are kept with the values. SAMPLES is taken for compatibility.
fn usage<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let mut words = Words::new(cx.args.from(3));
    while words.left() > 0 {
        if !words.is("samples") {
            return Err(Error::Syntax);
        }
        if words.integer()? < 0 {
            return Err(Error::Syntax);
        }
    }
    match cx.entry(cx.args.at(2)).map(|entry| entry.size()) {
        Some(bytes) => cx.out().integer(bytes as i64),
        None => cx.out().null(),
    }
    Ok(Flow::Done)
}

/// Freed memory goes back as it is freed, so that there is nothing to purge.
fn purge<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    cx.out().ok();
    Ok(Flow::Done)
}

fn malloc_stats<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    cx.out().verbatim(b"Stats not supported for the current allocator");
    Ok(Flow::Done)
}

/// Slack beyond which the doctor has something to say, in percent of what is used.
const MUCH_SLACK: u64 = 50;
/// Data below which nothing is worth a word, in bytes.
const LITTLE: u64 = 5 << 20;

fn doctor<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (used, slack) = (cx.state.keyspace.used_bytes(), cx.state.keyspace.slack_bytes());
    let limit = cx.state.config.number(Id::Maxmemory).unsigned_abs();
    let text = if used < LITTLE {
        format!("{used} bytes are used: too few to say anything about.\n")
    } else if slack > used / 100 * MUCH_SLACK {
        format!("{slack} bytes of pages hold nothing, beside {used} that do. New keys will use them.\n")
    } else if limit > 0 && used > limit {
        format!("{used} bytes are used and maxmemory is {limit}: keys are being evicted.\n")
    } else {
        format!("{used} bytes are used, {slack} are in reserve. Nothing is wrong.\n")
    };
    cx.out().verbatim(text.as_bytes());
    Ok(Flow::Done)
}

fn stats<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let state = &*cx.state;
    let (dataset, keys) = (state.keyspace.used_bytes(), state.keyspace.total_len());
    let clients: usize = cx.conns.iter().map(Connection::held_bytes).sum();
    let used = dataset + clients as u64;
    let peak = state.stats.peak_bytes.max(used);
    let percent = |part: u64, whole: u64| match whole {
        0 => 0.0,
        _ => part as f64 * 100.0 / whole as f64,
    };
    let numbers = [
        ("peak.allocated", peak),
        ("total.allocated", used),
        ("startup.allocated", 0),
        ("clients.normal", clients as u64),
        ("overhead.total", used - dataset),
        ("keys.count", keys),
        ("keys.bytes-per-key", dataset.checked_div(keys).unwrap_or(0)),
        ("dataset.bytes", dataset),
        ("pages.slack", state.keyspace.slack_bytes()),
    ];
    let out = &mut cx.conn.out.reply;
    out.map(numbers.len() + 2);
    for (name, number) in numbers {
        out.bulk(name.as_bytes());
        out.integer(number as i64);
    }
    out.bulk(b"dataset.percentage");
    out.double(percent(dataset, used));
    out.bulk(b"peak.percentage");
    out.double(percent(used, peak));
    Ok(Flow::Done)
}
