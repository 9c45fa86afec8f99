//! Commands of one connection that have been read ahead of their turn.
//!
//! While the first of them runs, the memory that the others will read is on its way: a lookup in a
//! large keyspace is little more than three waits for memory, which overlap when several keys are
//! known at once. Only commands with keys are read ahead of, since no other may change how the next
//! one is to be read (AUTH, CONFIG SET, RESET). What must never be here: anything that a client
//! could see.

use super::conn::Connection;
use super::exec::limits;
use super::state::State;
use crate::commands::{self, CommandId, Flags, Role};
use crate::keyspace::Probe;
use crate::protocol::Args;
use crate::protocol::args::Span;
use crate::protocol::request::Parser;
use alloc::vec::Vec;
use core::ops::Range;

/// Commands that are read ahead at most.
const AHEAD: usize = 32;

/// A command that has been read.
#[derive(Clone, Debug)]
pub(super) struct Ahead {
    /// Where it lies in the connection's input.
    pub(super) bytes: Range<usize>,
    spans: Range<usize>,
    pub(super) id: Option<CommandId>,
    /// What finds its first key.
    probe: Option<Probe<'static>>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Batch {
    commands: Vec<Ahead>,
    next: usize,
    spans: Vec<Span>,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.next == self.commands.len()
    }

    pub(super) fn clear(&mut self) {
        self.commands.clear();
        self.spans.clear();
        self.next = 0;
    }

    /// Takes the next command.
    pub(super) fn pop(&mut self) -> Option<Ahead> {
        let ahead = self.commands.get(self.next)?.clone();
        self.next += 1;
        Some(ahead)
    }

    /// A command's arguments and, where that is known, its first key with what finds it.
    pub(super) fn args<'a>(
        &'a self,
        input: &'a [u8],
        ahead: &Ahead,
    ) -> (Args<'a>, Option<Probe<'a>>) {
        let bytes = input.get(ahead.bytes.clone()).unwrap_or_default();
        let args = Args::new(bytes, &self.spans[ahead.spans.clone()]);
        let probe = ahead.id.zip(ahead.probe).map(|(id, probe)| {
            probe.of(args.at(usize::from(id.spec().first_key)))
        });
        (args, probe)
    }

    /// Reads up to `most` commands ahead and starts to fetch what they will read. An error in what
    /// comes is left for the one whose turn it will be then.
    pub(super) fn gather(
        &mut self,
        state: &State,
        conn: &Connection,
        input: &[u8],
        parser: &mut Parser,
        most: usize,
    ) {
        self.clear();
        let limits = limits(state, conn);
        let mut at = conn.consumed;
        while self.commands.len() < most.min(AHEAD) {
            let buf = &input[at..];
            let parsed = match parser.parse(buf, limits) {
                Ok(Some(parsed)) if !parser.is_inline() => parsed,
                Ok(None) => break,
                Err(_) if self.commands.is_empty() => break,
                _ => {
                    parser.next();
                    break;
                }
            };
            let args = parser.args(buf);
            let id = commands::find_id(args.at(0));
            let id = id.filter(|id| !id.spec().role.intersects(Role::CONTAINER | Role::SUBCOMMAND));
            let key = id
                .map(|id| usize::from(id.spec().first_key))
                .filter(|&i| i > 0)
                .and_then(|i| args.get(i));
            let probe = key.map(|key| state.keyspace.probe(key).without_key());
            let start = self.spans.len();
            self.spans.extend_from_slice(parser.spans());
            let (bytes, spans) = (at..at + parsed.len, start..self.spans.len());
            self.commands.push(Ahead { bytes, spans, id, probe });
            parser.next();
            at += parsed.len;
            if probe.is_none() {
                break;
            }
        }
        if self.commands.len() > 1 {
            let mut probes = [Probe::default(); AHEAD];
            let mut count = 0;
            for (probe, known) in probes.iter_mut().zip(self.commands.iter().filter_map(|a| a.probe)) {
                *probe = known;
                count += 1;
            }
            let writes = |ahead: &Ahead| {
                ahead.id.is_some_and(|id| id.spec().flags.contains(Flags::WRITE))
            };
            let to_write = self.commands.iter().any(writes);
            state.keyspace.prefetch(conn.db, &mut probes[..count], to_write);
            // Only the last command may have no key.
            for (ahead, probe) in self.commands.iter_mut().zip(&probes[..count]) {
                ahead.probe = Some(*probe);
            }
        }
    }
}
