//! A glance at what the next connections will execute, so that the memory which their commands will
//! read is on its way while the ones before them run.
//!
//! Without pipelining a connection has one command at a time, and only those of several connections
//! can overlap their waits for memory. What is seen here is a hint: each command is read again when
//! its turn comes. What must never be here: anything that a client could see.

use super::batch::Name;
use super::conn::{Connection, Connections};
use super::state::State;
use crate::commands::Flags;
use crate::keyspace::Probe;
use crate::protocol::request::{Limits, Parser};
use alloc::vec::Vec;

/// Connections that are looked at together.
const CONNECTIONS: usize = 32;
/// How far into a connection's input its first command is looked for, in bytes.
const WINDOW: usize = 512;
/// What a command is refused for is told when its turn comes.
const LIMITS: Limits = Limits { bulk: WINDOW as i64, authenticated: true };

#[derive(Clone, Debug, Default)]
pub(super) struct Glance {
    /// Turns that were looked at and are still to come.
    left: usize,
    parser: Parser,
    name: Name,
    probes: Vec<Probe<'static>>,
}

impl Glance {
    /// To be called before each turn.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn before_turn(&mut self, state: &State, conns: &Connections) {
        // There a processor's cache can't be spoken to, and each byte of code is downloaded.
        if cfg!(target_arch = "wasm32") {
            return;
        }
        if self.left == 0 {
            self.look(state, conns);
        }
        self.left = self.left.saturating_sub(1);
    }

    fn look(&mut self, state: &State, conns: &Connections) {
        self.left = conns.ready.len().min(CONNECTIONS);
        if self.left < 2 {
            return;
        }
        let (mut db, mut to_write) = (None, false);
        for &id in conns.ready.iter().take(CONNECTIONS) {
            let Some(conn) = conns.get(id) else { continue };
            if *db.get_or_insert(conn.db) == conn.db
                && let Some((probe, writes)) = self.first_key(state, conn)
            {
                self.probes.push(probe);
                to_write |= writes;
            }
        }
        if let Some(db) = db
            && self.probes.len() > 1
        {
            state.keyspace.prefetch(db, &mut self.probes, to_write);
        }
        self.probes.clear();
    }

    /// The key of a connection's only command, and whether that may write. A connection that has
    /// several commands looks after itself.
    fn first_key(&mut self, state: &State, conn: &Connection) -> Option<(Probe<'static>, bool)> {
        let input = conn.input.get(conn.consumed..)?;
        if input.len() > WINDOW || input.first() != Some(&b'*') {
            return None;
        }
        let parsed = self.parser.parse(input, LIMITS);
        let args = self.parser.args(input);
        let key = self.name.look_up(args.at(0)).and_then(|id| {
            let spec = id.spec();
            let key = args.get(spec.first_key.into()).filter(|_| spec.first_key > 0)?;
            let only = parsed.is_ok_and(|parsed| parsed.is_some_and(|p| p.len == input.len()));
            let probe = state.keyspace.probe(key).without_key();
            only.then_some((probe, spec.flags.contains(Flags::WRITE)))
        });
        self.parser.next();
        key
    }
}
