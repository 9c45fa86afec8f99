//! Replication: whom a node follows, who follows it, and who waits for them.
//!
//! [`stream`] is what replicas say to their primary (REPLCONF, PSYNC, SYNC), [`waits`] lets clients wait
//! for replicas. What must never be here: what a replica is sent, or how a link is kept up.

pub(crate) mod shown;
mod stream;
mod waits;

use super::{Categories, Error, Flags, Flow, Group, Outcome, Spec, Tips};
use crate::node::{Cx, FailoverWish};
use crate::numbers::parse_i64;
use crate::observer::Observer;
use alloc::string::String;

rows! {
    failover: Spec::new(
        "failover",
        -1,
        bits!(Flags: ADMIN | NOSCRIPT | STALE),
        Group::Server,
    )
    .docs(
        "6.2.0",
        "O(1)",
        "[TO host port [FORCE]] [ABORT] [TIMEOUT milliseconds]",
        "Hands the part of the primary over to a replica that has everything.",
    ),
    stream::psync: Spec::new(
        "psync",
        -3,
        bits!(Flags: ADMIN | NOSCRIPT | NO_ASYNC_LOADING | NO_MULTI),
        Group::Server,
    )
    .docs(
        "2.8.0",
        "O(N) for N keys when the whole data must be sent",
        "replicationid offset",
        "Follows the server from a place of its stream on, as replicas do.",
    ),
    stream::replconf: Spec::new(
        "replconf",
        -1,
        bits!(Flags: ADMIN | NOSCRIPT | LOADING | STALE | ALLOW_BUSY),
        Group::Server,
    )
    .docs("3.0.0", "O(1)", "", "What a replica and its primary tell each other."),
    replicaof: Spec::new(
        "replicaof",
        3,
        bits!(Flags: ADMIN | NOSCRIPT | STALE | NO_ASYNC_LOADING),
        Group::Server,
    )
    .docs("5.0.0", "O(1)", "<host port | NO ONE>", "Follows a primary, or nobody any more."),
    role: Spec::new("role", 1, bits!(Flags: NOSCRIPT | LOADING | STALE | FAST), Group::Server)
        .acl(bits!(Categories: ADMIN | DANGEROUS))
        .docs(
            "2.8.12",
            "O(1)",
            "",
            "Whether the server is a primary or a replica, and of or with whom.",
        ),
    slaveof: Spec::new(
        "slaveof",
        3,
        bits!(Flags: ADMIN | NOSCRIPT | STALE | NO_ASYNC_LOADING),
        Group::Server,
    )
    .docs("1.0.0", "O(1)", "<host port | NO ONE>", "The older name of REPLICAOF."),
    stream::sync: Spec::new(
        "sync",
        1,
        bits!(Flags: ADMIN | NOSCRIPT | NO_ASYNC_LOADING | NO_MULTI),
        Group::Server,
    )
    .docs(
        "1.0.0",
        "O(N) for N keys",
        "",
        "Sends the whole data and then the stream, as replicas once asked for it.",
    ),
    waits::wait: Spec::new("wait", 3, Flags::BLOCKING, Group::Generic)
        .acl(Categories::CONNECTION)
        .tips(bits!(Tips: REQUEST_ALL_SHARDS | RESPONSE_AGG_MIN))
        .docs(
            "3.0.0",
            "O(N) for N replicas",
            "numreplicas timeout",
            "Waits until so many replicas have what this connection wrote.",
        ),
    waits::waitaof: Spec::new("waitaof", 4, Flags::BLOCKING, Group::Generic)
        .acl(Categories::CONNECTION)
        .tips(bits!(Tips: REQUEST_ALL_SHARDS | RESPONSE_AGG_MIN))
        .docs(
            "7.2.0",
            "O(N) for N replicas",
            "numlocal numreplicas timeout",
            "Waits until what this connection wrote is on the disks of so many servers.",
        ),
}

fn slaveof<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    replicaof(cx)
}

fn replicaof<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    if cx.state.replication.failover.is_some() {
        return Err(Error::Text("ERR REPLICAOF not allowed while failing over."));
    }
    let (host, port) = (cx.args.at(1), cx.args.at(2));
    if host.eq_ignore_ascii_case(b"no") && port.eq_ignore_ascii_case(b"one") {
        cx.post().lead();
        cx.out().ok();
        return Ok(Flow::Done);
    }
    let wrong = "ERR Invalid master port";
    let port = parse_i64(port).and_then(|port| u16::try_from(port).ok()).ok_or(Error::Text(wrong))?;
    if cx.conn.is_follower() {
        return Err(Error::Text("ERR Command is not valid when client is a replica."));
    }
    let host = checked_host(host)?;
    let link = cx.state.replication.link();
    if link.is_some_and(|link| link.host == host && link.port == port) {
        cx.out().simple("OK Already connected to specified master");
        return Ok(Flow::Done);
    }
    // What a transaction still writes behind this is in no stream.
    let unsure = cx.in_exec;
    cx.post().follow(&host, port, unsure);
    cx.out().ok();
    Ok(Flow::Done)
}

/// A host's name or address that may be repeated in a line.
fn checked_host(host: &[u8]) -> Result<String, Error> {
    /// The longest name of a host, in bytes.
    const HOST_LIMIT: usize = 255;
    match core::str::from_utf8(host) {
        Ok(text) if host.len() <= HOST_LIMIT && host.iter().all(u8::is_ascii_graphic) => {
            Ok(String::from(text))
        }
        _ => Err(Error::Text("ERR Invalid master host")),
    }
}

fn role<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    shown::role(cx);
    Ok(Flow::Done)
}

fn failover<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let args = cx.args;
    let (mut wish, mut abort, mut timeout_ms) = (FailoverWish::default(), false, None);
    let mut at = 1;
    while at < args.len() {
        let left = args.len() - at - 1;
        match (args.at(at).to_ascii_lowercase().as_slice(), left) {
            (b"timeout", 1..) if timeout_ms.is_none() => {
                let ms = super::arguments::integer(args.at(at + 1))?;
                let ms = u64::try_from(ms).ok().filter(|&ms| ms > 0);
                timeout_ms =
                    Some(ms.ok_or(Error::Text("ERR FAILOVER timeout must be greater than 0"))?);
                at += 2;
            }
            (b"abort", 0) if args.len() == 2 => {
                abort = true;
                at += 1;
            }
            (b"to", 2..) if wish.target.is_none() => {
                let port = super::arguments::integer(args.at(at + 2))?;
                let port = u16::try_from(port).map_err(|_| Error::NotAnInteger)?;
                wish.target = Some((String::from_utf8_lossy(args.at(at + 1)).into_owned(), port));
                at += 3;
            }
            (b"force", _) if !wish.force => {
                wish.force = true;
                at += 1;
            }
            _ => return Err(Error::Syntax),
        }
    }
    if abort {
        if cx.state.replication.failover.is_none() {
            return Err(Error::Text("ERR No failover in progress."));
        }
        cx.post().abort_failover("someone asked for it");
        cx.out().ok();
        return Ok(Flow::Done);
    }
    check_failover(cx, &wish, timeout_ms)?;
    wish.until_us =
        timeout_ms.map(|ms| cx.now.mono_us.saturating_add(ms.saturating_mul(1000)));
    cx.post().begin_failover(wish);
    cx.out().ok();
    Ok(Flow::Done)
}

fn check_failover<O: Observer>(
    cx: &Cx<'_, O>,
    wish: &FailoverWish,
    timeout_ms: Option<u64>,
) -> Result<(), Error> {
    if cx.state.replication.failover.is_some() {
        return Err(Error::Text("ERR FAILOVER already in progress."));
    }
    if cx.state.replication.is_replica() {
        return Err(Error::Text("ERR FAILOVER is not valid when server is a replica."));
    }
    if cx.state.replication.followers.is_empty() {
        return Err(Error::Text("ERR FAILOVER requires connected replicas."));
    }
    if wish.force && (timeout_ms.is_none() || wish.target.is_none()) {
        return Err(Error::Text(
            "ERR FAILOVER with force option requires both a timeout and target HOST and IP.",
        ));
    }
    let Some((host, port)) = &wish.target else { return Ok(()) };
    let mut followers = cx.state.followers(|id| cx.conns.get(id));
    let there =
        followers.find(|(conn, f)| conn.listens_at() == *host && f.greeted.port == *port);
    match there {
        None => Err(Error::Text("ERR FAILOVER target HOST and PORT is not a replica.")),
        Some((_, follower)) if !follower.is_online() => {
            Err(Error::Text("ERR FAILOVER target replica is not online."))
        }
        Some(_) => Ok(()),
    }
}
