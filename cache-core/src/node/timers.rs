//! What happens with time alone: expiry cycles, idle clients, the end of a pause or a block.

use super::conn::{ConnFlags, ConnId, Connections};
use super::latency::Spike;
use super::post::Post;
use super::{LogLevel, State};
use crate::config::Id;
use crate::keyspace::Expired;
use crate::observer::{Event, ExpiredBy, Observer};
use crate::protocol::Reply;
use crate::time::{Now, Timeout};
use alloc::format;
use alloc::vec::Vec;

/// How often idle clients are looked for, in microseconds.
const IDLE_CHECK_US: u64 = 1_000_000;

/// The next moment at which something is to be done without input.
pub(super) fn next(state: &State, conns: &Connections) -> Option<Timeout> {
    let files = state.next_file_us().map(Timeout::Deadline);
    if state.persist.holds_all() || state.effects.waits_for_log() {
        return files;
    }
    if let Some(sleep) = state.sleep {
        return Some(Timeout::Deadline(sleep.until_us));
    }
    // Taking output can let a connection go on that was held back for it.
    if !conns.ready.is_empty() {
        return Some(Timeout::Deadline(state.clock.mono_us));
    }
    let deadline = conns.next_unblock().map(Timeout::Deadline);
    let expiry = next_cycle_us(state, conns).map(Timeout::Housekeeping);
    let idle = (state.watches_clients() && conns.len() > 0)
        .then_some(Timeout::Housekeeping(state.next_idle_check_us));
    let replication = super::replication::clockwork::next(state);
    let trash =
        (state.keyspace.pending_frees() > 0).then_some(Timeout::Housekeeping(state.clock.mono_us));
    // Those who were not served for a pause are then.
    let paused = state.pause.filter(|_| state.blocked.any_changed());
    let paused = paused.map(|pause| Timeout::Deadline(pause.until_us));
    [deadline, files, paused, replication, expiry, idle, trash]
        .into_iter()
        .flatten()
        .min_by_key(|t| t.at_us())
}

/// Does what is due. `limit` is how many expired keys may be removed.
pub(super) fn tick<O: Observer>(
    state: &mut State,
    conns: &mut Connections,
    now: Now,
    limit: u32,
    observer: &mut O,
) {
    state.clock = now;
    state.rates.look(&state.stats, now.mono_us);
    state.keyspace.free_some();
    if next_cycle_us(state, conns).is_some_and(|at_us| at_us <= now.mono_us) {
        let began_ns = observer.stopwatch_ns();
        expire_cycle(state, now, limit as usize, observer);
        if let Some((began, ended)) = began_ns.zip(observer.stopwatch_ns()) {
            let took_ns = ended.saturating_sub(began);
            state.latency.note_spike(Spike::ExpireCycle, now.wall_secs(), took_ns);
        }
        Post { now, state, conns, own: None }.tell_news();
    }
    if state.pause.is_some_and(|pause| pause.until_us <= now.mono_us) {
        state.pause = None;
    }
    super::replication::clockwork::tick(state, conns, now);
    end_waits(state, conns, now);
    if state.next_idle_check_us <= now.mono_us {
        state.next_idle_check_us = now.mono_us + IDLE_CHECK_US;
        close_idle(state, conns, now);
        close_slow_readers(state, conns, now);
    }
}

/// When the expiry cycle has something to remove: the first multiple of its period (`hz` times a
/// second) at which a key's time has run out. It wakes for no key, as in Redis, so that a command
/// may meet the key before it does. What a budget left over is due still.
fn next_cycle_us(state: &State, conns: &Connections) -> Option<u64> {
    if state.obeys_stream(conns) || !state.expires_actively {
        return None;
    }
    let runs_out_us = state.mono_of_wall_ms(state.keyspace.next_expiry()?);
    let hz = state.config.number(Id::Hz).max(1) as u64;
    runs_out_us.checked_next_multiple_of(1_000_000 / hz)
}

fn expire_cycle<O: Observer>(state: &mut State, now: Now, limit: usize, observer: &mut O) {
    let expired = state.keyspace.take_expired(now.wall_ms(), limit);
    for Expired { db, key, parts } in expired {
        if let Some(parts) = parts {
            state.note_parts_expired((now, &mut *observer), (db, &key), &parts);
            continue;
        }
        state.stats.expired_by_cycle += 1;
        state.note_expired(db, &key);
        if O::ACTIVE {
            let event = Event::Expired { db, key: &key, by: ExpiredBy::Cycle };
            observer.event(now, event);
        }
    }
}

/// Ends the waiting of those whose time has come: the command of one that waits for a key is answered,
/// that of one that was paused runs now.
fn end_waits(state: &mut State, conns: &mut Connections, now: Now) {
    for id in conns.waited_until(now.mono_us) {
        let mut post = Post { now, state, conns, own: None };
        let ended = post.end_wait(id, Reply::null_array) || post.end_ack_wait(id, |_| {});
        if !ended {
            conns.unblock(id);
            conns.wake(id);
        }
    }
}

fn close_idle(state: &mut State, conns: &mut Connections, now: Now) {
    let timeout_us = state.config.number(Id::Timeout) as u64 * 1_000_000;
    if timeout_us == 0 {
        return;
    }
    let idle: Vec<ConnId> = conns
        .iter()
        .filter(|c| !c.has(ConnFlags::TRUSTED) && !c.listens() && c.blocked_until_us.is_none())
        .filter(|c| !c.is_follower())
        .filter(|c| now.mono_us.saturating_sub(c.active_us) > timeout_us)
        .map(|c| c.id)
        .collect();
    for id in idle {
        state.log(LogLevel::Verbose, format!("Closing idle client id={}", id.id));
        abort(conns, id);
    }
}

fn close_slow_readers(state: &mut State, conns: &mut Connections, now: Now) {
    let mut slow = Vec::new();
    for conn in conns.iter_mut() {
        if state.passes_output_limit(conn, now) {
            state.close_for_output(conn);
            slow.push(conn.id);
        }
    }
    for id in slow {
        conns.offer(id);
    }
}

/// Closes a connection at once, its output with it.
pub(super) fn abort(conns: &mut Connections, id: ConnId) {
    if let Some(conn) = conns.get_mut(id) {
        conn.flags.insert(ConnFlags::ABORT);
    }
    conns.offer(id);
}
