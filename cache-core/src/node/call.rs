//! Running one command that may run: its handler is called, and what it did is counted, timed, shown,
//! remembered and recorded.

use super::commandlog::Reason;
use super::conn::{ConnFlags, Connection};
use super::cx::Cx;
use super::error::Flow;
use super::latency::Spike;
use super::{LogLevel, State};
use crate::commands::{self, CommandId, Flags, Role};
use crate::config::Id;
use crate::observer::{Event, Observer};
use alloc::format;

/// Runs a command that may run, counts it, and records its effects.
pub(crate) fn call<O: Observer>(cx: &mut Cx<'_, O>, id: CommandId) -> Flow {
    let (mark, dirty, index) = (cx.conn.out.len(), cx.state.dirty, id.index());
    // What goes on after a pause for breath was told when it began.
    if O::ACTIVE && cx.conn.suspended.is_none() {
        let event = Event::Command { conn: cx.conn.id, spec: cx.spec, args: cx.args };
        cx.observer.event(cx.now, event);
    }
    cx.conn.last_command = cx.spec.name;
    cx.state.acting = Some(cx.conn.id);
    let calls = cx.state.tally.calls_mut(index).done;
    let timed = cx.state.logs.times(cx.spec, cx.args, calls);
    let began_ns = if timed { cx.observer.stopwatch_ns() } else { None };
    let outcome = commands::handler::<O>(id)(cx);
    let took_ns =
        began_ns.and_then(|began| Some(cx.observer.stopwatch_ns()?.saturating_sub(began)));
    let took_ns = cx.took_ns.or(took_ns);
    cx.state.acting = None;
    let failed = outcome.is_err();
    let flow = outcome.unwrap_or_else(|error| {
        let message = error.message();
        cx.conn.out.reply.truncate(mark);
        cx.conn.out.reply.error(&message);
        cx.state.note_error(&message);
        if cx.conn.has(ConnFlags::REPLAY) {
            distrust(cx.state, cx.conn, &message);
        }
        Flow::Done
    });
    if flow == Flow::Done {
        cx.state.stats.commands += 1;
        cx.conn.commands += 1;
        let calls = cx.state.tally.calls_mut(index);
        calls.done += 1;
        calls.failed += u64::from(failed);
        if let Some(took_ns) = took_ns {
            note_time(cx, index, took_ns);
        }
        let reply = cx.conn.out.len().saturating_sub(mark) as u64;
        let bytes = (cx.args.total_len() as u64, reply);
        let is_long = cx.state.logs.may_want(bytes.0.max(bytes.1));
        if took_ns.is_some() || is_long || !cx.state.monitors.is_empty() {
            show(cx, took_ns, bytes);
        }
    }
    if cx.conn.tracker.is_some() {
        track(cx, &flow);
    }
    if cx.state.dirty != dirty {
        // After each command and not each turn, whose end depends on how the input was cut.
        cx.state.stats.peak_bytes = cx.state.stats.peak_bytes.max(cx.state.used_bytes());
    }
    if cx.state.dirty != dirty && !cx.effects_done && cx.spec.flags.contains(Flags::WRITE) {
        cx.state.effects.append(cx.conn.db, cx.args.iter());
    }
    if cx.state.dirty != dirty {
        cx.conn.wrote_upto = cx.state.effects.feed.offset();
    }
    flow
}

/// Notes how long a command took.
#[inline(never)]
fn note_time<O: Observer>(cx: &mut Cx<'_, O>, index: usize, took_ns: u64) {
    let calls = cx.state.tally.calls_mut(index);
    calls.timed += 1;
    calls.timed_ns += took_ns;
    let fast = cx.spec.flags.contains(Flags::FAST);
    let spike = if fast { Spike::FastCommand } else { Spike::Command };
    cx.state.latency.note_call(index, took_ns);
    cx.state.latency.note_spike(spike, cx.now.wall_secs(), took_ns);
}

/// Shows a command that has run to those who monitor, and keeps it in a log if it is worth it: by the
/// time that it took and the bytes of request and reply.
#[inline(never)]
fn show<O: Observer>(cx: &mut Cx<'_, O>, took_ns: Option<u64>, (request, reply): (u64, u64)) {
    let flags = cx.spec.flags;
    if !cx.state.monitors.is_empty() && !flags.intersects(Flags::SKIP_MONITOR | Flags::ADMIN) {
        cx.show_to_monitors();
    }
    if flags.contains(Flags::SKIP_COMMANDLOG) {
        return;
    }
    let (redacted, unix_secs) = (cx.redacted, cx.now.wall_secs());
    let took_us = took_ns.map(|took_ns| (Reason::Slow, took_ns / 1000));
    let sizes = [(Reason::LargeRequest, request), (Reason::LargeReply, reply)];
    for (reason, value) in took_us.into_iter().chain(sizes) {
        cx.state.logs.note(reason, value, unix_secs, cx.conn, cx.args, redacted);
    }
}

/// Remembers which keys a client that tracks them has read.
#[cold]
fn track<O: Observer>(cx: &mut Cx<'_, O>, flow: &Flow) {
    // Who waits for a key has read that it isn't there.
    if !matches!(flow, Flow::Done | Flow::Waits(_)) {
        return;
    }
    let reads = cx.spec.flags.contains(Flags::READONLY) && !cx.spec.flags.contains(Flags::PUBSUB);
    if reads && cx.conn.tracks_reads() {
        let keys = commands::find_keys(cx.spec, cx.args).unwrap_or_default();
        for key in keys {
            cx.state.tracking.remember(cx.conn.id, cx.args.at(key.index));
        }
        let limit = cx.state.config.number(Id::TrackingTableMaxKeys).unsigned_abs();
        cx.state.tracking.make_room(limit, &mut cx.state.random);
    }
    // What CLIENT CACHING says holds for the next command, or for a whole transaction.
    let holds_on = cx.in_exec || cx.conn.has(ConnFlags::MULTI);
    if *flow == Flow::Done
        && !holds_on
        && !cx.spec.is(Role::KEEPS_CACHING)
        && let Some(tracker) = &mut cx.conn.tracker
    {
        tracker.caching = false;
    }
}

/// Obeys a stream of effects no longer. Each of them was possible where it was recorded: where one is
/// not, the data are others, or it is another stream.
pub(super) fn distrust(state: &mut State, conn: &mut Connection, message: &[u8]) {
    let reason = alloc::string::String::from_utf8_lossy(message);
    let line = format!("Stream of effects id={} can't be obeyed: {reason}", conn.id.id);
    state.log(LogLevel::Warning, line);
    conn.flags.insert(ConnFlags::CLOSING);
    if conn.has(ConnFlags::LINK) {
        state.note_strayed();
    }
}
