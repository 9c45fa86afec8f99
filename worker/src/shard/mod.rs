//! The object's inside: a node and the log that makes its writes outlive it.
//!
//! The Workers runtime may drop the object from memory at any moment between two requests. So each
//! write's effects go into the log before its reply leaves, and a new object replays the log. The
//! storage itself is behind [`Log`]; the runtime's output gate holds the HTTP response until what
//! was written to it is safe.

mod log;

pub use log::{Damage, Fill, Log, ROW_LIMIT, Row, Write, check};

use cache_core::config::ConfigError;
use cache_core::node::{Action, Durability, Load, LogLevel, Run};
use cache_core::time::{Now, Timeout};
use cache_core::{Budget, Config, Node, Peer};
use log::Rows;

/// The most bytes of replies that one request may ask for.
pub const REPLY_LIMIT: usize = 32 << 20;
/// A log this long is never worth rewriting, in bytes.
const LOG_SLACK: u64 = 4 << 20;
/// A log of more bytes than this many times the data (and [`LOG_SLACK`]) is rewritten.
const LOG_FACTOR: u64 = 3;
/// A log of more rows than this is rewritten: each is read, and paid for, at the next wake-up.
const LOG_ROWS: u64 = 4096;
/// What the object was asked to do could not be done; nothing of it may be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The log could not be written. The node is ahead of the log now and must be thrown away, to
    /// be made anew from what is stored.
    Store(String),
    /// The replies passed [`REPLY_LIMIT`]. Commands up to there have been carried out.
    RepliesTooLarge,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Store(reason) => {
                write!(f, "MISCONF the write could not be stored and was undone: {reason}")
            }
            Failure::RepliesTooLarge => write!(
                f,
                "ERR the replies are larger than {REPLY_LIMIT} bytes; the commands up to there have \
                 been carried out"
            ),
        }
    }
}

/// A node with its log.
#[derive(Debug)]
pub struct Shard<L> {
    node: Node,
    log: L,
    /// The offset behind the log's last byte.
    end: u64,
    /// How many rows the log has.
    rows: u64,
    /// The log is not looked at for rewriting before it is this long: a rewrite has failed.
    rewrite_after: u64,
    mono_us: u64,
    notes: Vec<(LogLevel, String)>,
}

/// The settings of a node in an object.
///
/// # Errors
/// The setting and the value that it does not take.
pub fn config(maxmemory: &str, policy: &str) -> Result<Config, ConfigError> {
    let mut config = Config::default();
    // A connection ends with its request, so that choosing a database would only surprise.
    config.set("databases", "1")?;
    config.set("maxmemory", maxmemory)?;
    config.set("maxmemory-policy", policy)?;
    Ok(config)
}

impl<L: Log> Shard<L> {
    /// Makes a node of what the log holds. The seed must be the one of the log's first life, since
    /// clients may hold cursors of SCAN.
    ///
    /// # Errors
    /// The log is damaged, and where.
    pub fn restore(config: Config, seed: u64, wall_ms: u64, log: L) -> Result<Self, Damage> {
        let now = Now { mono_us: wall_ms * 1000, wall_us: wall_ms * 1000 };
        let mut node = Node::new(config, seed, now);
        node.begin_load(now);
        let mut rows = Rows::default();
        log.read(&mut |row| {
            rows.admit(row)?;
            let obeyed = node.handle_loaded(now, Load::Bytes(row.bytes), &mut ());
            if obeyed { Ok(()) } else { Err(Damage::at(row.start, "it holds no commands")) }
        })?;
        if !node.handle_loaded(now, Load::Done, &mut ()) {
            return Err(Damage::at(rows.end, "the last command is cut off"));
        }
        node.record_effects();
        node.set_durability(Durability::Stored);
        Ok(Shard {
            node,
            log,
            end: rows.end,
            rows: rows.count,
            rewrite_after: 0,
            mono_us: now.mono_us,
            notes: Vec::new(),
        })
    }

    /// Both clocks. The monotonic one is made of the other, which is all that the runtime has.
    fn now(&mut self, wall_ms: u64) -> Now {
        self.mono_us = self.mono_us.max(wall_ms * 1000);
        Now { mono_us: self.mono_us, wall_us: wall_ms * 1000 }
    }

    /// Executes commands in RESP and gives the replies in RESP2, all that they wrote being stored.
    ///
    /// There are fewer replies than commands when one of them waits for the end of CLIENT PAUSE. None
    /// waits for a key: the connection ends with the request, so that it could not be told.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn serve(&mut self, wall_ms: u64, requests: &[u8]) -> Result<Vec<u8>, Failure> {
        let now = self.now(wall_ms);
        let peer = Peer { trusted: true, alone: true, ..Peer::default() };
        let Ok(conn) = self.node.handle_connect(now, peer) else {
            return Ok(b"-ERR max number of clients reached\r\n".to_vec());
        };
        let _ = self.node.handle_bytes(conn, requests);
        let mut replies = Vec::new();
        let served = loop {
            let run = self.node.run(now, Budget::default(), &mut ());
            let stored = match self.store() {
                Ok(stored) => stored,
                Err(failure) => break Err(failure),
            };
            let bytes = self.node.sendable(conn).bytes;
            replies.extend_from_slice(bytes);
            let sent = bytes.len();
            self.node.handle_sent(now, conn, sent);
            if replies.len() > REPLY_LIMIT {
                break Err(Failure::RepliesTooLarge);
            }
            // What was held back for unfetched effects or unsent replies can go on.
            if run == Run::Idle && !stored && sent == 0 {
                break Ok(replies);
            }
        };
        self.node.handle_disconnect(conn);
        self.take_notes();
        if !matches!(served, Err(Failure::Store(_))) {
            self.tidy();
        }
        served
    }

    /// Does what time has made due.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn wake(&mut self, wall_ms: u64) -> Result<(), Failure> {
        self.serve(wall_ms, b"").map(|_| ())
    }

    /// When [`wake`](Self::wake) is to be called: wall milliseconds. Expired keys may lie for
    /// `patience_ms`: only memory and storage wait for it, no client sees them.
    pub fn next_wake(&self, wall_ms: u64, patience_ms: u64) -> Option<u64> {
        let timeout = self.node.poll_timeout()?;
        let at_ms = wall_ms + timeout.at_us().saturating_sub(self.mono_us).div_ceil(1000);
        Some(match timeout {
            Timeout::Deadline(_) => at_ms,
            Timeout::Housekeeping(_) => at_ms.max(wall_ms.saturating_add(patience_ms)),
        })
    }

    /// Lines for the log.
    pub fn notes(&mut self) -> Vec<(LogLevel, String)> {
        std::mem::take(&mut self.notes)
    }

    /// The node, to look at.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// Stores new effects and lets the replies go that waited for it. `false`: there were none.
    fn store(&mut self) -> Result<bool, Failure> {
        let Some(store) = self.node.poll_store() else { return Ok(false) };
        let rows: Vec<Row<'_>> = log::cut(self.end, &store.bytes).collect();
        if let Err(reason) = self.log.append(&rows) {
            self.node.handle_store_failed(&reason);
            return Err(Failure::Store(reason));
        }
        self.end += store.bytes.len() as u64;
        self.rows += rows.len() as u64;
        self.node.handle_stored(store.offset + store.bytes.len() as u64);
        Ok(true)
    }

    /// Rewrites the log when it has grown too long for what it holds.
    fn tidy(&mut self) {
        let data = self.node.keyspace().used_bytes();
        let worth = self.end > LOG_SLACK + LOG_FACTOR * data || self.rows > LOG_ROWS;
        if !worth || self.end < self.rewrite_after {
            return;
        }
        let before = self.end;
        let mut end = 0;
        let mut rows = 0;
        let node = &self.node;
        let rewritten = self.log.replace(&mut |write| {
            (end, rows) = (0, 0);
            let mut packer = log::Packer::default();
            node.dump(|block| packer.push(block, write))?;
            packer.finish(write)?;
            (end, rows) = (packer.end, packer.rows);
            Ok(())
        });
        match rewritten {
            Ok(()) => {
                (self.end, self.rows, self.rewrite_after) = (end, rows, 0);
                let line = format!("Rewrote the log: {before} bytes became {end} in {rows} rows");
                self.notes.push((LogLevel::Notice, line));
            }
            Err(reason) => {
                self.rewrite_after = before + LOG_SLACK;
                let line = format!("Rewriting the log failed, it is kept as it is: {reason}");
                self.notes.push((LogLevel::Warning, line));
            }
        }
    }

    fn take_notes(&mut self) {
        while let Some(action) = self.node.poll_action() {
            if let Action::Log { level, message } = action {
                self.notes.push((level, message));
            }
        }
    }
}

#[cfg(test)]
mod tests;
