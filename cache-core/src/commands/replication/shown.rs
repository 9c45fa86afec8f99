//! What ROLE and INFO tell of replication.

use crate::config::Id;
use crate::node::{Cx, ReplId};
use crate::observer::Observer;
use alloc::string::{String, ToString};
use core::fmt::Write as _;

/// Writes a line. Writing to a string can't fail.
macro_rules! line {
    ($out:expr, $($arg:tt)*) => {
        let _ = write!($out, $($arg)*);
        $out.push_str("\r\n");
    };
}

/// ROLE's answer.
pub(super) fn role<O: Observer>(cx: &mut Cx<'_, O>) {
    let (state, out) = (&*cx.state, &mut cx.conn.out.reply);
    let offset = state.effects.feed.offset() as i64;
    if let Some(link) = state.replication.link() {
        out.array(5);
        out.bulk(b"slave");
        out.bulk(link.host.as_bytes());
        out.integer(link.port.into());
        out.bulk(link.state_name().as_bytes());
        out.integer(if link.is_online() { offset } else { -1 });
        return;
    }
    out.array(3);
    out.bulk(b"master");
    out.integer(offset);
    let conns = &*cx.conns;
    let online = || state.followers(|id| conns.get(id)).filter(|(_, f)| f.is_online());
    out.array(online().count());
    for (conn, follower) in online() {
        out.array(3);
        out.bulk(conn.listens_at().as_bytes());
        out.bulk(follower.greeted.port.to_string().as_bytes());
        out.bulk(follower.acked.to_string().as_bytes());
    }
}

/// The name of the part as ROLE and HELLO give it.
pub(crate) fn role_name<O: Observer>(cx: &Cx<'_, O>) -> &'static str {
    if cx.state.replication.is_replica() { "slave" } else { "master" }
}

/// INFO's section.
pub(crate) fn info<O: Observer>(out: &mut String, cx: &Cx<'_, O>) {
    let (state, replication) = (&*cx.state, &cx.state.replication);
    let feed = &state.effects.feed;
    line!(out, "role:{}", role_name(cx));
    link(out, cx);
    line!(out, "connected_slaves:{}", replication.followers.len());
    let least = state.config.number(Id::MinReplicasToWrite);
    let lag = state.config.number(Id::MinReplicasMaxLag).unsigned_abs();
    if least > 0 && lag > 0 {
        line!(out, "min_slaves_good_slaves:{}", replication.keeping_up(lag, cx.now.mono_us));
    }
    for (at, (conn, follower)) in state.followers(|id| cx.conns.get(id)).enumerate() {
        let lag = cx.now.mono_us.saturating_sub(follower.acked_at_us) / 1_000_000;
        line!(
            out,
            "slave{at}:ip={},port={},state={},offset={},lag={lag},type=replica",
            conn.listens_at(),
            follower.greeted.port,
            follower.state_name(),
            follower.acked,
        );
    }
    line!(out, "replicas_waiting_psync:0");
    let failover = replication.failover.as_ref().map_or("no-failover", |f| f.state_name());
    line!(out, "master_failover_state:{failover}");
    line!(out, "master_replid:{}", replication.id);
    let (second, upto) = match replication.second {
        Some((id, upto)) => (id, upto as i64 + 1),
        None => (ReplId::NONE, -1),
    };
    line!(out, "master_replid2:{second}");
    line!(out, "master_repl_offset:{}", feed.offset());
    line!(out, "second_repl_offset:{upto}");
    let backlog = feed.backlog();
    let len = backlog.map_or(0, |backlog| backlog.end() - backlog.start());
    line!(out, "repl_backlog_active:{}", u8::from(backlog.is_some()));
    line!(out, "repl_backlog_size:{}", state.config.number(Id::ReplBacklogSize));
    line!(
        out,
        "repl_backlog_first_byte_offset:{}",
        backlog.map_or(0, |backlog| backlog.start() + 1)
    );
    line!(out, "repl_backlog_histlen:{len}");
}

/// What a replica tells of its link.
fn link<O: Observer>(out: &mut String, cx: &Cx<'_, O>) {
    let (state, now_us) = (&*cx.state, cx.now.mono_us);
    let Some(link) = state.replication.link() else { return };
    let offset = state.effects.feed.offset();
    let secs = |since_us: u64| now_us.saturating_sub(since_us) / 1_000_000;
    let is_up = link.is_online();
    line!(out, "master_host:{}", link.host);
    line!(out, "master_port:{}", link.port);
    line!(out, "master_link_status:{}", if is_up { "up" } else { "down" });
    let heard = if is_up { secs(link.heard_at_us) as i64 } else { -1 };
    line!(out, "master_last_io_seconds_ago:{heard}");
    line!(out, "master_sync_in_progress:{}", u8::from(link.received().is_some()));
    line!(out, "slave_read_repl_offset:{offset}");
    line!(out, "slave_repl_offset:{offset}");
    if let Some(received) = link.received() {
        line!(out, "master_sync_total_bytes:-1");
        line!(out, "master_sync_read_bytes:{received}");
        line!(out, "master_sync_left_bytes:-1");
        line!(out, "master_sync_last_io_seconds_ago:{}", secs(link.heard_at_us));
    }
    if !is_up {
        line!(out, "master_link_down_since_seconds:{}", secs(link.down_since_us));
    }
    line!(out, "slave_priority:{}", state.config.number(Id::ReplicaPriority));
    line!(out, "slave_read_only:{}", state.config.number(Id::ReplicaReadOnly));
    line!(out, "replica_announced:{}", state.config.number(Id::ReplicaAnnounced));
}
