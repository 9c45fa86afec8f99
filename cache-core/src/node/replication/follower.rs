//! A connection that follows: what it said of itself, and what it is to be sent.
//!
//! Its output is filled as its peer reads, from the snapshot first and then from the stream by position,
//! so that a peer that doesn't read costs what the stream behind its place takes, and no more than its
//! class of clients may have.

use super::super::conn::{ConnFlags, ConnId, Connection};
use super::super::state::State;
use super::super::{LogLevel, Node};
use super::Replication;
use super::data::Outgoing;
use crate::config::Id;
use crate::time::Now;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;

/// Output of a follower up to which the next part of a snapshot is made, in bytes.
const SNAPSHOT_ROOM: usize = 128 * 1024;
/// Output of a follower up to which the stream is copied to it, in bytes.
const STREAM_ROOM: usize = 1 << 20;
/// Parts of a snapshot that are measured in one go.
const MEASURED: u32 = 4;

/// What a connection that follows said of itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Greeted {
    /// The port on which it listens itself.
    pub(crate) port: u16,
    /// The address by which it wants to be called; empty is the one that it came from.
    pub(crate) ip: String,
    /// It reads a snapshot to a mark and needn't know its length.
    pub(crate) reads_to_mark: bool,
    /// It can go on under another name of the history.
    pub(crate) takes_names: bool,
    /// It wants a snapshot and no stream.
    pub(crate) only_snapshot: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Follower {
    pub(crate) greeted: Greeted,
    pub(crate) stage: Stage,
    /// What it is answered before anything else.
    pub(crate) answer: String,
    /// The first position of the stream that isn't in its output yet.
    pub(crate) next: u64,
    /// Up to where it has said that it has obeyed.
    pub(crate) acked: u64,
    /// Up to where it has said that its disk has it.
    pub(crate) stored: u64,
    /// When it last said so (monotonic microseconds).
    pub(crate) acked_at_us: u64,
    /// When it last sent anything (monotonic microseconds).
    pub(crate) heard_at_us: u64,
    /// When it began to be sent the stream (monotonic microseconds).
    pub(crate) served_at_us: u64,
    /// When its peer last took anything (monotonic microseconds).
    pub(crate) took_at_us: u64,
}

/// How far a follower is.
#[derive(Clone, Debug)]
pub(crate) enum Stage {
    /// It has said something of itself and not yet asked for data.
    Greeted,
    /// The snapshot is made once to know its length.
    Measuring { measured: Box<Outgoing>, snapshot: Box<Outgoing>, len: u64 },
    /// The snapshot is on its way.
    Sending { snapshot: Box<Outgoing>, mark: Option<[u8; 40]> },
    /// All of the snapshot is sent; the stream begins when it says that it has loaded it. (It might
    /// look for the mark at the end of what has come so far.)
    Loading,
    /// It is sent the stream.
    Online,
}

impl Follower {
    pub(crate) fn new(greeted: Greeted, now_us: u64) -> Self {
        Follower {
            greeted,
            stage: Stage::Greeted,
            answer: String::new(),
            next: 0,
            acked: 0,
            stored: 0,
            acked_at_us: now_us,
            heard_at_us: now_us,
            served_at_us: now_us,
            took_at_us: now_us,
        }
    }

    /// Whether it has asked for data.
    pub(crate) fn is_served(&self) -> bool {
        !matches!(self.stage, Stage::Greeted)
    }

    pub(crate) fn is_online(&self) -> bool {
        matches!(self.stage, Stage::Online)
    }

    /// Its stage as INFO names it.
    pub(crate) fn state_name(&self) -> &'static str {
        match self.stage {
            Stage::Greeted | Stage::Measuring { .. } => "wait_bgsave",
            Stage::Sending { .. } | Stage::Loading => "send_bulk",
            Stage::Online => "online",
        }
    }
}

impl Connection {
    /// Whether it is sent data or the stream, and so answered nothing else.
    #[inline]
    pub(crate) fn is_follower(&self) -> bool {
        self.follower.as_ref().is_some_and(|follower| follower.is_served())
    }
}

impl Connection {
    /// It has sent something, as one that follows.
    #[cold]
    pub(in crate::node) fn note_heard(&mut self, now: Now) {
        if self.unread_input() > 0
            && let Some(follower) = &mut self.follower
        {
            follower.heard_at_us = now.mono_us;
        }
    }

    /// Where it listens itself, as it says or as it is seen.
    pub(crate) fn listens_at(&self) -> String {
        let said = self.follower.as_ref().map_or("", |follower| &follower.greeted.ip);
        let seen = self.addr.rsplit_once(':').map_or("", |(ip, _)| ip);
        String::from(if said.is_empty() { seen } else { said })
    }
}

impl Node {
    /// Gives followers what is new and what they have room for. `true`: there is more to be done for
    /// them at once.
    pub(in crate::node) fn feed_followers(&mut self, now: Now) -> bool {
        if self.state.replication.followers.is_empty() && !self.state.effects.feed.is_kept() {
            return false;
        }
        let (mut needed, mut goes_on) = (u64::MAX, false);
        for at in 0..self.state.replication.followers.len() {
            let id = self.state.replication.followers[at];
            goes_on |= self.feed_follower(id, now);
            let follower = self.conns.get(id).and_then(|conn| conn.follower.as_ref());
            needed = needed.min(follower.map_or(u64::MAX, |follower| follower.next));
        }
        let size = self.state.config.number(Id::ReplBacklogSize).unsigned_abs();
        self.state.effects.feed.trim(size, needed);
        goes_on
    }

    fn feed_follower(&mut self, id: ConnId, now: Now) -> bool {
        let Some(conn) = self.conns.get_mut(id) else { return false };
        if conn.has(ConnFlags::CLOSING | ConnFlags::ABORT) {
            return false;
        }
        let before = conn.out.len();
        match fill(&mut self.state, conn) {
            Filled::Waits => {}
            Filled::Ends => conn.flags.insert(ConnFlags::CLOSING),
            Filled::Lost => {
                conn.flags.insert(ConnFlags::CLOSING);
                let line = format!("Follower id={}: what it needs is no longer kept", id.id);
                self.state.log(LogLevel::Warning, line);
            }
        }
        let grown = conn.out.len() - before;
        self.state.unsent += grown;
        if let Some(follower) = &mut conn.follower {
            if before == 0 {
                // Nobody keeps others waiting who has taken all.
                follower.took_at_us = now.mono_us;
            }
            if matches!(follower.stage, Stage::Sending { .. } | Stage::Measuring { .. }) {
                follower.served_at_us = now.mono_us;
            }
        }
        if self.state.passes_output_limit(conn, now) {
            self.state.close_for_output(conn);
        }
        let measures = |f: &Follower| matches!(f.stage, Stage::Measuring { .. });
        let goes_on = conn.follower.as_deref().is_some_and(measures);
        let ends = conn.has(ConnFlags::CLOSING | ConnFlags::ABORT);
        if grown > 0 || ends {
            self.conns.offer(id);
        }
        goes_on && !ends
    }
}

/// How the filling of a follower's output ended.
enum Filled {
    /// There is no more now.
    Waits,
    /// It has all that it wanted.
    Ends,
    /// What comes next for it can't be had any more.
    Lost,
}

/// Fills a follower's output.
fn fill(state: &mut State, conn: &mut Connection) -> Filled {
    let Some(mut follower) = conn.follower.take() else { return Filled::Waits };
    conn.out.reply.raw(core::mem::take(&mut follower.answer).as_bytes());
    let filled = loop {
        match &mut follower.stage {
            Stage::Greeted => break Filled::Waits,
            Stage::Loading | Stage::Online if follower.greeted.only_snapshot => break Filled::Ends,
            Stage::Loading => break Filled::Waits,
            Stage::Measuring { measured, len, .. } => {
                if !measure(measured, len) {
                    break Filled::Waits;
                }
                begin_sending(state, conn, &mut follower);
            }
            Stage::Sending { snapshot, mark } => {
                if conn.out.len() >= SNAPSHOT_ROOM {
                    break Filled::Waits;
                }
                if let Some(block) = snapshot.next_block() {
                    conn.out.reply.raw(&block);
                    continue;
                }
                let next = if mark.is_some() { Stage::Loading } else { Stage::Online };
                conn.out.reply.raw(mark.as_ref().map_or(&[], |mark| mark));
                core::mem::replace(&mut follower.stage, next).discard(state);
            }
            Stage::Online => break stream(state, conn, &mut follower),
        }
    };
    conn.follower = Some(follower);
    filled
}

/// Goes on measuring a snapshot. `true`: its length is known.
fn measure(measured: &mut Outgoing, len: &mut u64) -> bool {
    for _ in 0..MEASURED {
        match measured.next_block() {
            Some(block) => *len += block.len() as u64,
            None => return true,
        }
    }
    false
}

fn begin_sending(state: &mut State, conn: &mut Connection, follower: &mut Follower) {
    let stage = core::mem::replace(&mut follower.stage, Stage::Loading);
    if let Stage::Measuring { measured, snapshot, len } = stage {
        measured.discard(state);
        conn.out.reply.raw(format!("${len}\r\n").as_bytes());
        follower.stage = Stage::Sending { snapshot, mark: None };
    }
}

/// Copies the stream from where the follower is.
fn stream(state: &State, conn: &mut Connection, follower: &mut Follower) -> Filled {
    let Some(backlog) = state.effects.feed.backlog() else { return Filled::Lost };
    while conn.out.len() < STREAM_ROOM && follower.next < backlog.end() {
        let bytes = backlog.read(follower.next);
        if bytes.is_empty() {
            return Filled::Lost;
        }
        conn.out.reply.raw(bytes);
        follower.next += bytes.len() as u64;
    }
    Filled::Waits
}

impl Stage {
    /// Frees what it holds, by and by.
    pub(in crate::node) fn discard(self, state: &mut State) {
        match self {
            Stage::Measuring { measured, snapshot, .. } => {
                measured.discard(state);
                snapshot.discard(state);
            }
            Stage::Sending { snapshot, .. } => snapshot.discard(state),
            Stage::Greeted | Stage::Loading | Stage::Online => {}
        }
    }
}

impl Replication {
    pub(super) fn note_acked(&mut self, id: ConnId, now_us: u64) {
        match self.acked.iter_mut().find(|(known, _)| *known == id) {
            Some((_, at_us)) => *at_us = now_us,
            None => self.acked.push((id, now_us)),
        }
    }

    /// How many have said within so many seconds how far they are.
    pub(crate) fn keeping_up(&self, secs: u64, now_us: u64) -> usize {
        let least_us = now_us.saturating_sub(secs.saturating_mul(1_000_000));
        self.acked.iter().filter(|(_, at_us)| *at_us >= least_us).count()
    }
}

impl State {
    /// Drops what a connection that is gone was to be sent, or waited for.
    pub(in crate::node) fn forget_follower(&mut self, conn: &mut Connection) {
        if conn.acks.is_some() {
            self.replication.waiters.retain(|id| *id != conn.id);
        }
        if let Some(follower) = conn.follower.take() {
            self.replication.followers.retain(|id| *id != conn.id);
            self.replication.acked.retain(|(id, _)| *id != conn.id);
            follower.stage.discard(self);
        }
    }

    /// A follower says up to where it has obeyed, and up to where its disk has it.
    pub(crate) fn note_ack(&mut self, conn: &mut Connection, ack: (u64, Option<u64>), now: Now) {
        let offset = self.effects.feed.offset();
        let Some(follower) = conn.follower.as_deref_mut().filter(|f| f.is_served()) else { return };
        // It can't have what was never sent.
        follower.acked = follower.acked.max(ack.0.min(offset));
        follower.stored = follower.stored.max(ack.1.unwrap_or(0).min(offset));
        follower.acked_at_us = now.mono_us;
        if matches!(follower.stage, Stage::Loading) {
            follower.stage = Stage::Online;
        }
        if follower.is_online() {
            self.replication.note_acked(conn.id, now.mono_us);
        }
    }

    /// Whether as many followers keep up as a write needs.
    pub(in crate::node) fn has_enough_followers(&self, now: Now) -> bool {
        let wanted = self.config.number(Id::MinReplicasToWrite);
        let lag = self.config.number(Id::MinReplicasMaxLag).unsigned_abs();
        if wanted == 0 || lag == 0 || self.replication.is_replica() {
            return true;
        }
        self.replication.keeping_up(lag, now.mono_us) as i64 >= wanted
    }

    /// Bytes that a follower is behind, beyond its output.
    pub(in crate::node) fn behind(&self, conn: &Connection) -> u64 {
        let next = conn.follower.as_ref().filter(|f| f.is_served()).map(|follower| follower.next);
        next.map_or(0, |next| self.effects.feed.offset().saturating_sub(next))
    }

    /// Calls `visit` for each of the followers, by the order in which they came.
    pub(crate) fn followers<'a>(
        &'a self,
        get: impl Fn(ConnId) -> Option<&'a Connection> + 'a,
    ) -> impl Iterator<Item = (&'a Connection, &'a Follower)> {
        let conns = self.replication.followers.iter().filter_map(move |&id| get(id));
        conns.filter_map(|conn| Some((conn, conn.follower.as_deref()?)))
    }
}
