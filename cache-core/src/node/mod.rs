//! The node: a state machine that holds connections and a keyspace.
//!
//! What must never be here: a socket, a clock, a file, a thread; a command's own semantics.

mod admit;
mod batch;
mod blocking;
mod call;
mod commandlog;
mod conn;
mod cx;
mod dump;
mod effects;
mod error;
mod exec;
mod glance;
mod host;
mod latency;
mod load;
mod monitor;
mod names;
mod notices;
mod output;
mod persist;
mod post;
mod pubsub;
mod replication;
mod serve;
mod state;
mod stats;
mod timers;
mod tracking;
mod watch;

pub use conn::{ConnId, Peer};
pub use effects::EFFECTS_HIGH_WATER;
pub use host::{Action, Budget, ConnectError, Durability, Intake, LogLevel, Run, Sendable, Store};
pub use load::Load;
pub use persist::file::{Content, FileError, FileErrorKind, FileEvent, FileJob, FileOp, Lane};
pub use replication::REDIAL_US;

pub(crate) use admit::{check_state, lookup};
pub(crate) use blocking::Wait;
pub(crate) use call::call;
pub(crate) use commandlog::Reason;
pub(crate) use conn::{ConnFlags, Connection, Connections, Suspended};
pub(crate) use cx::{Cx, check_reply};
pub(crate) use effects::Taker;
pub(crate) use error::{Error, Flow, Outcome, SHOWN_LIMIT, shown};
pub(crate) use latency::{BUCKETS, Spike};
pub(crate) use load::Loading;
pub(crate) use persist::{Background, LogState, Reload, ReloadFrom, SaveFor};
pub(crate) use pubsub::Topics;
pub(crate) use replication::{AckWait, FailoverWish, Follower, Greeted, ReplId};
pub(crate) use state::{ClientPause, Sleep, State};
pub(crate) use stats::Stats;
pub(crate) use tracking::{Modes, Tracker};
pub(crate) use watch::key_at;

use crate::config::{Config, Id};
use crate::keyspace::Keyspace;
use crate::observer::Observer;
use crate::protocol::request;
use crate::snapshot::Snapshot;
use crate::time::{Now, Timeout};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use output::Progress;

/// Input of one connection that waits to be executed, in bytes, at which the host is asked to stop
/// reading it. A command that is still incomplete doesn't count: it is let in whole.
pub const INPUT_HIGH_WATER: usize = 1 << 20;
/// Unsent output of one connection, in bytes, at which its commands wait until the peer reads.
pub const OUTPUT_HIGH_WATER: usize = 64 << 20;
/// Unsent output of all connections together past which each may only have
/// [`OUTPUT_HIGH_WATER_TIGHT`].
pub const OUTPUT_TOTAL_HIGH_WATER: usize = 256 << 20;
/// See [`OUTPUT_TOTAL_HIGH_WATER`].
pub const OUTPUT_HIGH_WATER_TIGHT: usize = 1 << 20;

/// A cache node.
///
/// # Order of calls
///
/// 1. What came in: [`handle_connect`](Self::handle_connect),
///    [`handle_bytes`](Self::handle_bytes), [`handle_disconnect`](Self::handle_disconnect), and
///    the completions [`handle_stored`](Self::handle_stored),
///    [`handle_replicated`](Self::handle_replicated), [`handle_dialed`](Self::handle_dialed) and
///    [`handle_file`](Self::handle_file).
///    These only take in; nothing is executed. ([`handle_loaded`](Self::handle_loaded) does
///    execute: nobody else is served meanwhile.)
/// 2. [`run`](Self::run), again and again while it gives [`Run::More`]: executes what all
///    connections have sent, in turns.
/// 3. What the host must do: [`poll_transmit`](Self::poll_transmit) names connections to send from
///    ([`sendable`](Self::sendable), then [`handle_sent`](Self::handle_sent)) or to close;
///    [`poll_action`](Self::poll_action), [`poll_store`](Self::poll_store) and
///    [`poll_file`](Self::poll_file) until they are empty;
///    [`poll_timeout`](Self::poll_timeout) says when to call `run` without input.
///
/// Any split of the input into calls gives the same output. A clone that is given the same calls
/// gives the same bytes. With the same seed, so does another node on another platform.
#[derive(Clone, Debug)]
pub struct Node {
    conns: Connections,
    state: State,
    /// Kept for its memory; empty between turns.
    batch: batch::Batch,
    glance: glance::Glance,
    /// Commands that `run` executed when it was last called.
    ran: u32,
}

/// Getters.
impl Node {
    /// A node without keys. Servers draw the seed at random, simulations choose it: it decides
    /// hashing, sampling and everything else that is left to chance.
    pub fn new(config: Config, seed: u64, now: Now) -> Self {
        Node {
            conns: Connections::default(),
            state: State::new(config, seed, now.clamped()),
            batch: batch::Batch::default(),
            glance: glance::Glance::default(),
            ran: 0,
        }
    }

    /// Bytes that count against `maxmemory`: all entries, and what the eviction policy remembers.
    pub fn used_bytes(&self) -> u64 {
        self.state.used_bytes()
    }

    /// The settings in force.
    pub fn config(&self) -> &Config {
        &self.state.config
    }

    /// The keys.
    pub fn keyspace(&self) -> &Keyspace {
        &self.state.keyspace
    }

    /// Counters since the start or the last CONFIG RESETSTAT.
    pub fn stats(&self) -> &Stats {
        &self.state.stats
    }

    /// All data as they are now, to be written as an RDB, here or on another thread. It notes the
    /// database of what [`poll_store`](Self::poll_store) will give next; what else is to stand in its
    /// head is for whoever writes it to [`note`](Snapshot::note).
    pub fn snapshot(&self, now: Now) -> Snapshot {
        self.state.snapshot(now)
    }

    /// How many connections there are.
    pub fn clients(&self) -> usize {
        self.conns.len()
    }

    /// A digest of all data: equal for nodes that hold the same.
    pub fn digest(&self) -> u128 {
        self.state.keyspace.digest()
    }

    /// The offset behind the last effect.
    pub fn effects_offset(&self) -> u64 {
        self.state.effects.offset()
    }

    fn progress(&self) -> Progress {
        Progress {
            stored: self.state.effects.stored(),
            replicated: self.state.effects.replicated(),
            logged: self.state.logged(),
        }
    }
}

/// What came in.
impl Node {
    /// Takes a new connection in.
    ///
    /// # Errors
    /// `maxclients` are there already: send [`ConnectError::REPLY`] and close.
    pub fn handle_connect(&mut self, now: Now, peer: Peer) -> Result<ConnId, ConnectError> {
        if self.conns.len() as i64 >= self.state.config.number(Id::Maxclients) {
            self.state.stats.rejected_connections += 1;
            return Err(ConnectError);
        }
        self.state.stats.connections_received += 1;
        let id = self.conns.insert(peer, now.clamped().mono_us);
        if let Some(conn) = self.conns.get_mut(id)
            && self.state.config.text(Id::Requirepass).is_empty()
        {
            conn.flags.insert(ConnFlags::AUTHENTICATED);
        }
        Ok(id)
    }

    /// Takes bytes in. Nothing is executed before [`run`](Self::run).
    pub fn handle_bytes(&mut self, conn: ConnId, bytes: &[u8]) -> Intake {
        let gone = Intake { consumed: bytes.len(), pause: false };
        let limit = self.state.config.number(Id::ClientQueryBufferLimit).unsigned_abs();
        let Some(connection) = self.conns.get_mut(conn) else { return gone };
        if connection.has(ConnFlags::CLOSING | ConnFlags::ABORT) {
            return gone;
        }
        connection.input.extend_from_slice(bytes);
        let unread = connection.unread_input();
        // What was recorded once is taken again, whatever the limit is now.
        if unread as u64 > limit && !connection.has(ConnFlags::REPLAY) {
            connection.flags.insert(ConnFlags::ABORT);
            self.conns.offer(conn);
            self.state.stats.query_limit_closes += 1;
            let line =
                format!("Closing client id={}: {unread} bytes of input, past its limit", conn.id);
            self.state.log(LogLevel::Warning, line);
            return gone;
        }
        // A long command is let in whole; what is executable already can wait at the peer.
        let pause = connection.parser.backlog(unread) > INPUT_HIGH_WATER;
        connection.flags.set(ConnFlags::READING_PAUSED, pause);
        self.conns.wake(conn);
        Intake { consumed: bytes.len(), pause }
    }

    /// Forgets a connection: the peer closed it, or the host did.
    pub fn handle_disconnect(&mut self, conn: ConnId) {
        if let Some(mut connection) = self.conns.remove(conn) {
            self.state.forget(&mut connection);
        }
    }

    /// The first `n` bytes of what was [`sendable`](Self::sendable) have left.
    pub fn handle_sent(&mut self, now: Now, conn: ConnId, n: usize) {
        let Some(connection) = self.conns.get_mut(conn) else { return };
        let before = connection.out.len();
        connection.out.sent(n);
        connection.bytes_out += n as u64;
        connection.active_us = now.clamped().mono_us;
        self.state.stats.net_output_bytes += n as u64;
        self.state.unsent = self.state.unsent.saturating_sub(before - connection.out.len());
        // It may have been held back for its unread output.
        if connection.unread_input() > 0 || connection.suspended.is_some() {
            self.conns.wake(conn);
        } else if let Some(follower) = &mut connection.follower {
            follower.took_at_us = now.clamped().mono_us;
            self.conns.wake(conn);
        }
    }

    /// Effects up to `offset` (exclusive) are safe on the host's disk; gates open.
    pub fn handle_stored(&mut self, offset: u64) {
        self.state.effects.note_stored(offset);
        self.state.store_error = None;
        self.offer_all();
    }

    /// Effects up to `offset` (exclusive) are held by enough replicas; gates open.
    pub fn handle_replicated(&mut self, offset: u64) {
        self.state.effects.note_replicated(offset);
        self.offer_all();
    }

    /// Effects could not be stored. Writes are refused with MISCONF until
    /// [`handle_stored`](Self::handle_stored) is called again.
    pub fn handle_store_failed(&mut self, reason: &str) {
        self.state.store_error = Some(String::from(reason));
    }

    fn offer_all(&mut self) {
        let waiting: Vec<ConnId> =
            self.conns.iter().filter(|c| c.out.len() > 0).map(|c| c.id).collect();
        for id in waiting {
            self.conns.offer(id);
        }
    }
}

/// What the host asks.
impl Node {
    /// Starts to record effects. From here on the host must fetch them with
    /// [`poll_store`](Self::poll_store): past [`EFFECTS_HIGH_WATER`] nothing is executed.
    pub fn record_effects(&mut self) {
        self.state.effects.set_taker(Taker::Host, true);
    }

    /// Says when a write counts as safe. Anything but [`Durability::Async`] needs
    /// [`record_effects`](Self::record_effects).
    pub fn set_durability(&mut self, durability: Durability) {
        self.state.durability = durability;
    }

    /// Changes a setting.
    ///
    /// # Errors
    /// No such setting, or a value that it does not take.
    pub fn configure(&mut self, name: &str, value: &str) -> Result<(), crate::config::ConfigError> {
        self.state.config.set(name, value)?;
        self.state.settings_changed();
        Ok(())
    }

    /// Sends one command through a connection and gives the whole reply, in the connection's
    /// dialect: for hosts that hold the engine in their hand rather than behind a socket.
    ///
    /// What the connection was sent in between (pushes, earlier replies) comes first. `None`: the
    /// command blocks, or its reply is held back by a gate; it will come by
    /// [`sendable`](Self::sendable).
    pub fn request<T: AsRef<[u8]>, O: Observer>(
        &mut self,
        now: Now,
        conn: ConnId,
        args: &[T],
        observer: &mut O,
    ) -> Option<Vec<u8>> {
        let _ = self.handle_bytes(conn, &request::encode(args));
        while self.run(now, Budget::default(), observer) == Run::More {}
        let bytes = self.sendable(conn).bytes.to_vec();
        self.handle_sent(now, conn, bytes.len());
        (!bytes.is_empty()).then_some(bytes)
    }
}

/// What the host is done with.
impl Node {
    /// Takes a clone that is needed no more. What it has for itself, since one of the two was written
    /// to, is freed by and by: to drop it would free all at once.
    pub fn discard(&mut self, clone: Node) {
        self.state.keyspace.discard_clone(clone.state.keyspace);
    }

    /// Takes a snapshot that is needed no more, as [`discard`](Self::discard) does.
    pub fn discard_snapshot(&mut self, snapshot: Snapshot) {
        self.state.keyspace.discard_clone(snapshot.into_keyspace());
    }
}

/// What the host must do next.
impl Node {
    /// The next connection that has something to send or is to be closed.
    pub fn poll_transmit(&mut self) -> Option<ConnId> {
        loop {
            let id = self.conns.transmit.pop_front()?;
            if let Some(conn) = self.conns.get_mut(id) {
                conn.flags.remove(ConnFlags::IN_TRANSMIT);
                return Some(id);
            }
        }
    }

    /// What may be sent on a connection now, and whether to close it then.
    ///
    /// Send, call [`handle_sent`](Self::handle_sent) with what went out, and when not all did, ask
    /// again once the socket takes more.
    pub fn sendable(&self, conn: ConnId) -> Sendable<'_> {
        let Some(connection) = self.conns.get(conn) else {
            return Sendable { bytes: &[], close: true };
        };
        if connection.has(ConnFlags::ABORT) {
            return Sendable { bytes: &[], close: true };
        }
        let bytes = connection.out.sendable(self.progress());
        let all = bytes.len() == connection.out.len();
        Sendable { bytes, close: all && connection.has(ConnFlags::CLOSING) }
    }

    /// The next thing that the node asks of its host.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.state.actions.pop_front()
    }

    /// New effects to store, when they are recorded. Answer with
    /// [`handle_stored`](Self::handle_stored) once they are safe.
    pub fn poll_store(&mut self) -> Option<Store> {
        self.hand_out();
        self.state.effects.take_for_host().map(|(offset, bytes)| Store { offset, bytes })
    }

    /// When [`run`](Self::run) must be called although nothing came in.
    pub fn poll_timeout(&self) -> Option<Timeout> {
        timers::next(&self.state, &self.conns)
    }
}
