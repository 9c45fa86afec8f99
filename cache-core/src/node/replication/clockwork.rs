//! What time alone does to followers and to the link: pings, reports, and the end of patience.

use super::super::conn::{ConnFlags, ConnId, Connections};
use super::super::state::State;
use super::super::{LogLevel, timers};
use super::link::LinkStage;
use super::{Failover, Follower, Role, Stage, address};
use crate::config::Id;
use crate::time::{Now, Timeout};
use alloc::format;
use alloc::vec::Vec;

const SECOND_US: u64 = 1_000_000;
/// After so long on the stream the data count as those of the primary, whatever was before.
const TRUSTED_US: u64 = 60 * SECOND_US;

/// When something is to be done next.
pub(in crate::node) fn next(state: &State) -> Option<Timeout> {
    let replication = &state.replication;
    let link = replication.link().and_then(|link| match link.stage {
        LinkStage::Down { redial_at_us } => state.loading.is_none().then_some(redial_at_us),
        LinkStage::Dialing { since_us } => Some(since_us.saturating_add(patience_us(state))),
        LinkStage::Greeting(..) | LinkStage::Receiving(..) => {
            Some(link.heard_at_us.saturating_add(patience_us(state)))
        }
        LinkStage::Online(_) => {
            Some(link.heard_at_us.saturating_add(patience_us(state)).min(link.next_ack_us))
        }
    });
    let served = (!replication.followers.is_empty()).then(|| match replication.is_replica() {
        true => replication.next_look_us,
        false => replication.next_look_us.min(replication.next_ping_us),
    });
    let failover = replication.failover.as_ref().and_then(Failover::until_us);
    let deadlines = [link, served, failover].into_iter().flatten().map(Timeout::Deadline);
    let forgets = forgets_at(state).map(Timeout::Housekeeping);
    deadlines.chain(forgets).min_by_key(|timeout| timeout.at_us())
}

/// Does what is due.
pub(in crate::node) fn tick(state: &mut State, conns: &mut Connections, now: Now) {
    if state.replication.is_replica() {
        tend_link(state, conns, now);
    } else if !state.replication.followers.is_empty() {
        ping(state, now);
    } else if state.effects.feed.is_kept() {
        state.replication.alone_since_us.get_or_insert(now.mono_us);
        if forgets_at(state).is_some_and(|at_us| at_us <= now.mono_us) {
            state.log(LogLevel::Notice, "Nobody follows any more: the stream is not kept".into());
            state.end_feed();
        }
    }
    if state.replication.next_look_us <= now.mono_us && !state.replication.followers.is_empty() {
        state.replication.next_look_us = now.mono_us.saturating_add(SECOND_US);
        close_silent(state, conns, now);
    }
    super::failover::tick(state, conns, now);
}

fn patience_us(state: &State) -> u64 {
    state.config.number(Id::ReplTimeout).unsigned_abs().saturating_mul(SECOND_US)
}

/// When a primary without followers forgets the stream.
fn forgets_at(state: &State) -> Option<u64> {
    let ttl = state.config.number(Id::ReplBacklogTtl).unsigned_abs();
    let alone_since_us = state.replication.alone_since_us?;
    let is_kept = state.effects.feed.is_kept() && !state.replication.is_replica();
    let applies = ttl > 0 && is_kept && state.replication.followers.is_empty();
    applies.then(|| alone_since_us.saturating_add(ttl.saturating_mul(SECOND_US)))
}

fn ping(state: &mut State, now: Now) {
    if state.replication.next_ping_us > now.mono_us || state.replication.failover.is_some() {
        return;
    }
    let period = state.config.number(Id::ReplPingReplicaPeriod).unsigned_abs();
    state.replication.next_ping_us = now.mono_us.saturating_add(period.saturating_mul(SECOND_US));
    state.effects.feed.say(["PING"]);
}

fn tend_link(state: &mut State, conns: &mut Connections, now: Now) {
    let patience_us = patience_us(state);
    let is_loading = state.loading.is_some();
    let Role::Replica(link) = &mut state.replication.role else { return };
    let silent = now.mono_us.saturating_sub(link.heard_at_us) >= patience_us;
    match link.stage {
        LinkStage::Down { redial_at_us } if redial_at_us <= now.mono_us && !is_loading => {
            state.dial(now.mono_us);
        }
        LinkStage::Dialing { since_us } if now.mono_us.saturating_sub(since_us) >= patience_us => {
            link.fall(now.mono_us);
        }
        LinkStage::Greeting(id, _) | LinkStage::Receiving(id, _) | LinkStage::Online(id)
            if silent =>
        {
            let line = format!("The primary {} is silent", address(&link.host, link.port));
            state.log(LogLevel::Warning, line);
            if let Some(conn) = conns.get(id) {
                state.note_link_lost(conn);
            }
            timers::abort(conns, id);
        }
        LinkStage::Online(id) if link.next_ack_us <= now.mono_us => {
            if now.mono_us.saturating_sub(link.online_since_us) >= TRUSTED_US {
                link.strayed = 0;
            }
            if let Some(conn) = conns.get_mut(id) {
                state.acknowledge(conn, now.mono_us);
            }
            conns.offer(id);
        }
        _ => {}
    }
}

/// Whether a follower has been silent, or has taken nothing, for too long.
fn is_silent(follower: &Follower, has_output: bool, now_us: u64, patience_us: u64) -> bool {
    let since_us = match follower.stage {
        Stage::Greeted | Stage::Measuring { .. } => return false,
        Stage::Sending { .. } if !has_output => return false,
        Stage::Sending { .. } => follower.took_at_us,
        Stage::Loading | Stage::Online => follower.heard_at_us.max(follower.served_at_us),
    };
    now_us.saturating_sub(since_us) >= patience_us
}

fn close_silent(state: &mut State, conns: &mut Connections, now: Now) {
    let patience_us = patience_us(state);
    let is_silent = |id: &ConnId| {
        let conn = conns.get(*id);
        conn.is_some_and(|conn| {
            let follower = conn.follower.as_deref();
            let is = |f| is_silent(f, conn.out.len() > 0, now.mono_us, patience_us);
            !conn.has(ConnFlags::ABORT) && follower.is_some_and(is)
        })
    };
    let silent: Vec<ConnId> =
        state.replication.followers.iter().filter(|id| is_silent(id)).copied().collect();
    for id in silent {
        state.log(LogLevel::Warning, format!("Follower id={} is silent: closing it", id.id));
        timers::abort(conns, id);
    }
}
