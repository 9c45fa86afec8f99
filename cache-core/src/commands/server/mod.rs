//! The server as a whole: INFO, DBSIZE, FLUSHALL, SWAPDB, TIME, SHUTDOWN.

mod info;

use super::{Categories, Error, Flags, Flow, Group, Outcome, Spec, Tips};
use crate::config::ShutdownWish;
use crate::node::{ConnFlags, Cx, State};
use crate::numbers::parse_i64;
use crate::observer::{Event, Observer};

/// The version of Redis whose behaviour clients may count on, as HELLO and INFO give it.
pub(crate) const REDIS_VERSION: &str = "7.2.4";

rows! {
    dbsize: Spec::new("dbsize", 1, bits!(Flags: READONLY | FAST), Group::Server)
        .acl(Categories::KEYSPACE)
        .tips(bits!(Tips: REQUEST_ALL_SHARDS | RESPONSE_AGG_SUM))
        .docs("1.0.0", "O(1)", "", "How many keys the database holds."),
    flushall: Spec::new("flushall", -1, Flags::WRITE, Group::Server)
        .acl(bits!(Categories: KEYSPACE | DANGEROUS))
        .tips(bits!(Tips: REQUEST_ALL_SHARDS | RESPONSE_ALL_SUCCEEDED))
        .docs("1.0.0", "O(N) for N keys", "[ASYNC | SYNC]", "Removes all keys of all databases."),
    flushdb: Spec::new("flushdb", -1, Flags::WRITE, Group::Server)
        .acl(bits!(Categories: KEYSPACE | DANGEROUS))
        .tips(bits!(Tips: REQUEST_ALL_SHARDS | RESPONSE_ALL_SUCCEEDED))
        .docs("1.0.0", "O(N) for N keys", "[ASYNC | SYNC]", "Removes all keys of the database."),
    info::info: Spec::new("info", -1, bits!(Flags: LOADING | STALE), Group::Server)
        .acl(Categories::DANGEROUS)
        .tips(bits!(Tips: NONDETERMINISTIC_OUTPUT | REQUEST_ALL_SHARDS | RESPONSE_SPECIAL))
        .docs(
            "1.0.0",
            "O(1)",
            "[section [section ...]]",
            "How the server is and what it has done so far.",
        ),
    monitor: Spec::new(
        "monitor",
        1,
        bits!(Flags: ADMIN | NOSCRIPT | LOADING | STALE),
        Group::Server,
    )
    .docs("1.0.0", "O(1)", "", "Shows every command that any client sends."),
    shutdown: Spec::new(
        "shutdown",
        -1,
        bits!(Flags: ADMIN | NOSCRIPT | LOADING | STALE | NO_MULTI | ALLOW_BUSY),
        Group::Server,
    )
    .docs(
        "1.0.0",
        "O(1)",
        "[[NOSAVE | SAVE] [NOW] [FORCE] [SAFE] [FAILOVER] | ABORT]",
        "Ends the server.",
    ),
    swapdb: Spec::new("swapdb", 3, bits!(Flags: WRITE | FAST), Group::Server)
        .acl(bits!(Categories: KEYSPACE | DANGEROUS))
        .docs(
            "4.0.0",
            "O(N) for N watched keys",
            "index1 index2",
            "Exchanges two databases: each client finds the other's keys in its own.",
        ),
    time: Spec::new("time", 1, bits!(Flags: LOADING | STALE | FAST), Group::Server)
        .tips(Tips::NONDETERMINISTIC_OUTPUT)
        .docs("2.6.0", "O(1)", "", "The server's wall clock: seconds and microseconds."),
}

fn dbsize<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let len = cx.state.keyspace.len(cx.db());
    cx.out().count(len);
    Ok(Flow::Done)
}

fn flushall<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    check_flush(cx)?;
    flush(cx, None);
    Ok(Flow::Done)
}

fn flushdb<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    check_flush(cx)?;
    let db = cx.db();
    flush(cx, Some(db));
    Ok(Flow::Done)
}

/// ASYNC and SYNC come to the same here.
fn check_flush<O: Observer>(cx: &Cx<'_, O>) -> Result<(), Error> {
    match (cx.args.len(), cx.args.at(1).to_ascii_lowercase().as_slice()) {
        (1, _) | (2, b"async" | b"sync") => Ok(()),
        _ => Err(Error::Syntax),
    }
}

/// Empties one database or all, as one event and one effect.
fn flush<O: Observer>(cx: &mut Cx<'_, O>, only: Option<u32>) {
    let State { keyspace, watch, .. } = &mut *cx.state;
    watch.touch_where(|db, key| {
        only.is_none_or(|only| only == db) && keyspace.get(db, key).is_some()
    });
    let removed: usize = (0..keyspace.databases())
        .filter(|&db| only.is_none_or(|only| only == db))
        .map(|db| keyspace.flush(db))
        .sum();
    cx.state.dirty += removed as u64;
    cx.state.blocked.touch_where(|db| only.is_none_or(|only| only == db));
    cx.state.tracking.flush();
    if removed > 0 {
        cx.effect([if only.is_some() { "FLUSHDB" } else { "FLUSHALL" }]);
    }
    if O::ACTIVE {
        cx.observer.event(cx.now, Event::Flushed { db: only, keys: removed as u64 });
    }
    cx.out().ok();
}

fn monitor<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    // As in Redis, whoever monitors already is not answered.
    if !cx.conn.has(ConnFlags::MONITOR) {
        cx.conn.flags.insert(ConnFlags::MONITOR);
        cx.state.monitors.push(cx.conn.id);
        cx.out().ok();
    }
    Ok(Flow::Done)
}

fn swapdb<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let index = |at: usize, wrong: &'static str| {
        let index = parse_i64(cx.args.at(at)).and_then(|index| i32::try_from(index).ok());
        index.map(i64::from).ok_or(Error::Text(wrong))
    };
    let first = index(1, "ERR invalid first DB index")?;
    let second = index(2, "ERR invalid second DB index")?;
    let a = super::connection::database(cx, first)?;
    let b = super::connection::database(cx, second)?;
    if a != b {
        let State { keyspace, watch, .. } = &mut *cx.state;
        watch.touch_where(|db, key| {
            let there = keyspace.get(a, key).is_some() || keyspace.get(b, key).is_some();
            (db == a || db == b) && there
        });
        keyspace.swap(a, b);
        cx.state.dirty += 1;
        cx.state.blocked.touch_where(|db| db == a || db == b);
        if O::ACTIVE {
            cx.observer.event(cx.now, Event::Swapped { a, b });
        }
    }
    cx.out().ok();
    Ok(Flow::Done)
}

fn time<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let wall_us = cx.now.wall_us;
    let out = cx.out();
    out.array(2);
    out.bulk_integer((wall_us / 1_000_000) as i64);
    out.bulk_integer((wall_us % 1_000_000) as i64);
    Ok(Flow::Done)
}

/// There is no reply, as there is none from a server that has ended, but when it can't end.
fn shutdown<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    if cx.state.persist.take_answer(cx.conn.id).is_some() {
        return Err(Error::Text("ERR Errors trying to SHUTDOWN. Check logs."));
    }
    let (mut now, mut save, mut nosave, mut abort) = (false, false, false, false);
    let mut force = false;
    for option in cx.args.from(1).iter() {
        match option.to_ascii_lowercase().as_slice() {
            b"now" => now = true,
            b"save" => save = true,
            b"nosave" => nosave = true,
            b"abort" => abort = true,
            b"force" => force = true,
            b"safe" => {}
            b"failover" => {
                return Err(Error::Text(
                    "ERR SHUTDOWN FAILOVER is only supported in cluster mode.",
                ));
            }
            _ => return Err(Error::Syntax),
        }
    }
    if (save && nosave) || (abort && cx.args.len() > 2) {
        return Err(Error::Syntax);
    }
    if abort {
        return Err(Error::Text("ERR No shutdown in progress."));
    }
    let save = (save || nosave).then_some(save);
    cx.state.begin_ending(ShutdownWish { save, now, force }, Some(cx.conn.id));
    if cx.state.persist.holds_all() {
        return Ok(Flow::Blocked { until_us: u64::MAX });
    }
    cx.conn.flags.insert(ConnFlags::CLOSING);
    Ok(Flow::Done)
}

#[cfg(test)]
mod tests {
    use crate::node::{Action, Sendable};
    use crate::{Config, Node, Now, Peer};
    use alloc::vec::Vec;

    #[test]
    fn flushes_and_swaps_replay() {
        let now = Now::from_millis(1_000);
        let mut node = Node::new(Config::default(), 1, now);
        node.record_effects();
        let conn = node.handle_connect(now, Peer::default()).expect("room");
        for command in [
            "INCR a", "FLUSHALL", "INCR b", "SELECT 1", "INCR c", "FLUSHDB", "INCR d", "INCR e",
            "SWAPDB 0 2", "SWAPDB 1 3", "INCR f", "FLUSHDB ASYNC",
        ] {
            let args: Vec<&str> = command.split(' ').collect();
            assert!(node.request(now, conn, &args, &mut ()).is_some());
        }
        let effects = node.poll_store().expect("effects").bytes;
        let mut copy = Node::new(Config::default(), 2, now);
        let peer = Peer { replay: true, ..Peer::default() };
        let replayer = copy.handle_connect(now, peer).expect("room");
        copy.replay(now, replayer, &effects, &mut ());
        assert_eq!(copy.keyspace().len(2), 1);
        assert_eq!(copy.keyspace().len(3), 2);
        assert_eq!(copy.digest(), node.digest());
    }

    #[test]
    fn shutdown_is_a_wish_and_has_no_reply() {
        let now = Now::from_millis(0);
        let mut node = Node::new(Config::default(), 1, now);
        let conn = node.handle_connect(now, Peer::default()).expect("room");
        assert_eq!(node.request(now, conn, &["SHUTDOWN", "NOSAVE", "NOW"], &mut ()), None);
        assert_eq!(node.poll_action(), Some(Action::Shutdown { now: true }));
        assert_eq!(node.sendable(conn), Sendable { bytes: b"", close: true });
    }
}
