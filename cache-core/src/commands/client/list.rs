//! CLIENT LIST and INFO: connections as lines of text.

use super::super::{Flow, Outcome};
use super::filter::Filter;
use super::tracking::redirection;
use crate::node::{ConnFlags, ConnId, Connection, Cx, Modes, State, Topics};
use crate::observer::Observer;
use crate::protocol::Resp;
use crate::time::Now;
use alloc::collections::BinaryHeap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

/// The letters of `flags=`, in the order in which they are shown. The plain `N` stands for none.
const LETTERS: [(char, ConnFlags); 6] = [
    ('O', ConnFlags::MONITOR),
    ('x', ConnFlags::MULTI),
    ('c', ConnFlags::CLOSING),
    ('A', ConnFlags::ABORT),
    ('e', ConnFlags::NO_EVICT),
    ('T', ConnFlags::NO_TOUCH),
];

pub(super) fn info<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let mut text = String::new();
    describe(&mut text, cx.conn, cx.state, cx.now, cx.args.total_len());
    cx.out().verbatim(text.as_bytes());
    Ok(Flow::Done)
}

pub(super) fn list<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let filter = Filter::parse(cx, 2, false)?;
    let own = cx.conn.id;
    let mut text = String::new();
    for conn in everyone(cx) {
        if filter.passes(conn, cx.state, cx.now, conn.id == own) {
            let args = if conn.id == own { cx.args.total_len() } else { 0 };
            describe(&mut text, conn, cx.state, cx.now, args);
        }
    }
    cx.out().verbatim(text.as_bytes());
    Ok(Flow::Done)
}

/// All clients that are not being cut off, this one included, the oldest first.
pub(super) fn everyone<'a, O: Observer>(cx: &'a Cx<'_, O>) -> Vec<&'a Connection> {
    let own = &*cx.conn;
    let ids: BinaryHeap<(u64, u32)> = cx
        .conns
        .iter()
        .chain(core::iter::once(own))
        .filter(|conn| !conn.has(ConnFlags::ABORT))
        .filter(|conn| !conn.has(ConnFlags::REPLAY) || conn.has(ConnFlags::LINK))
        .map(|conn| (conn.id.id, conn.id.index))
        .collect();
    // The smallest code of all sorts.
    ids.into_sorted_vec()
        .into_iter()
        .filter_map(|(id, index)| match id == own.id.id {
            true => Some(own),
            false => cx.conns.get(ConnId { index, id }),
        })
        .collect()
}

/// A connection's flags as CLIENT LIST shows them.
pub(super) fn flags(conn: &Connection, state: &State) -> String {
    let mut letters = String::new();
    letters.extend(conn.is_follower().then_some('S'));
    letters.extend(conn.has(ConnFlags::LINK).then_some('M'));
    if conn.listens() {
        letters.push('P');
    }
    if conn.blocked_until_us.is_some() {
        letters.push('b');
    }
    if let Some(tracker) = &conn.tracker {
        letters.push('t');
        letters.extend(tracker.broken.then_some('R'));
        letters.extend(tracker.modes.contains(Modes::BCAST).then_some('B'));
    }
    if state.watch.is_dirty(conn.id) {
        letters.push('d');
    }
    letters.extend(LETTERS.iter().filter(|(_, flag)| conn.has(*flag)).map(|(letter, _)| letter));
    if letters.is_empty() {
        letters.push('N');
    }
    letters
}

/// Writes a connection's line. `args` are the bytes of the command that it is running.
///
/// Sizes are of what is held, not of what the allocator set aside for it; `fd` is the place in the
/// node's table, since only a host has file descriptors.
fn describe(out: &mut String, conn: &Connection, state: &State, now: Now, args: usize) {
    let secs = |since_us: u64| now.mono_us.saturating_sub(since_us) / 1_000_000;
    let in_multi = conn.has(ConnFlags::MULTI);
    let multi = if in_multi { conn.queued.len() as i64 } else { -1 };
    let output = conn.out.len();
    // Writing to a string can't fail.
    let _ = writeln!(
        out,
        "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} capa={} db={} sub={} psub={} \
         ssub={} multi={multi} watch={} qbuf={} qbuf-free=0 argv-mem={args} multi-mem={} \
         obl={output} oll=0 omem={output} tot-mem={} events={} cmd={} user={} redir={} resp={} \
         lib-name={} lib-ver={} tot-net-in={} tot-net-out={} tot-cmds={}",
        conn.id.id,
        conn.addr,
        conn.laddr,
        conn.id.index,
        conn.name,
        secs(conn.created_us),
        secs(conn.active_us),
        flags(conn, state),
        if conn.has(ConnFlags::CAN_REDIRECT) { "r" } else { "" },
        conn.db,
        conn.subscriptions(Topics::Channels),
        conn.subscriptions(Topics::Patterns),
        conn.subscriptions(Topics::ShardChannels),
        conn.watched.len(),
        conn.unread_input(),
        conn.queued_bytes,
        conn.held_bytes() + args,
        if output > 0 { "rw" } else { "r" },
        conn.last_command,
        conn.user,
        redirection(conn),
        if conn.out.reply.resp() == Resp::V3 { 3 } else { 2 },
        conn.lib_name,
        conn.lib_ver,
        conn.bytes_in,
        conn.bytes_out,
        conn.commands,
    );
}
