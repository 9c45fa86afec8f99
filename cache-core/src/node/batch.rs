//! Commands of one connection that have been read ahead of their turn.
//!
//! While the first of them runs, the memory that the others will read is on its way: a lookup in a
//! large keyspace is little more than a few waits for memory, which overlap when several keys are
//! known at once. Only commands with keys are read ahead of, since no other may change how the next
//! one is to be read (AUTH, CONFIG SET, RESET). What must never be here: anything that a client
//! could see.

use super::conn::Connection;
use super::cx::FirstKey;
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
struct Command {
    /// Where it lies in the connection's input.
    bytes: Range<usize>,
    /// Where its arguments' spans lie in the batch.
    spans: Range<u32>,
    id: Option<CommandId>,
    /// Which argument its probe is for; 0 none.
    key: u8,
}

/// A command whose turn it is.
#[derive(Debug)]
pub(super) struct Ahead<'a> {
    pub(super) args: Args<'a>,
    /// Bytes of input that it takes.
    pub(super) len: usize,
    pub(super) id: Option<CommandId>,
    pub(super) first: Option<FirstKey<'a>>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Batch {
    commands: Vec<Command>,
    /// One for each command; of the last one it may stand for nothing.
    probes: Vec<Probe<'static>>,
    spans: Vec<Span>,
    next: usize,
    /// The name that was looked up last: most pipelines repeat it.
    last: Name,
}

/// A command's name as it was sent, and what it means.
#[derive(Clone, Debug, Default)]
pub(super) struct Name {
    text: Vec<u8>,
    id: Option<CommandId>,
}

impl Name {
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn look_up(&mut self, text: &[u8]) -> Option<CommandId> {
        if self.text != text {
            let id = commands::find_id(text);
            self.id = id.filter(|id| !id.spec().is(Role::CONTAINER | Role::SUBCOMMAND));
            self.text.clear();
            // What is no command may be of any length.
            if self.id.is_some() {
                self.text.extend_from_slice(text);
            }
        }
        self.id
    }
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.next == self.commands.len()
    }

    pub(super) fn clear(&mut self) {
        self.commands.clear();
        self.probes.clear();
        self.spans.clear();
        self.next = 0;
    }

    /// Takes the next command.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn pop<'a>(&'a mut self, input: &'a [u8]) -> Option<Ahead<'a>> {
        let at = self.next;
        self.next += usize::from(at < self.commands.len());
        let (this, command) = (&*self, self.commands.get(at)?);
        let args = this.args(at, input);
        let first = (command.key > 0)
            .then(|| FirstKey { key: args.at(command.key.into()), probe: &this.probes[at] });
        Some(Ahead { args, len: command.bytes.len(), id: command.id, first })
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
        let mut to_write = false;
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
            let id = self.last.look_up(args.at(0));
            let at_key = id.map_or(0, |id| id.spec().first_key);
            let key = args.get(at_key.into()).filter(|_| at_key > 0);
            let probe = key.map(|key| state.keyspace.probe(key).without_key());
            to_write |= id.is_some_and(|id| id.spec().flags.contains(Flags::WRITE));
            let start = self.spans.len() as u32;
            self.spans.extend_from_slice(parser.spans());
            self.commands.push(Command {
                bytes: at..at + parsed.len,
                spans: start..self.spans.len() as u32,
                id,
                key: if probe.is_some() { at_key } else { 0 },
            });
            self.probes.push(probe.unwrap_or_default());
            parser.next();
            at += parsed.len;
            if probe.is_none() {
                break;
            }
        }
        if self.commands.len() > 1 {
            state.keyspace.prefetch(conn.db, &mut self.probes, to_write);
            self.prefetch_names(state, conn.db, input, to_write);
        }
    }

    /// Starts to fetch what commands in a row will look up below the same key.
    fn prefetch_names(&self, state: &State, db: u32, input: &[u8], to_write: bool) {
        let looks_up = |at: usize| match self.commands.get(at)?.id?.spec() {
            spec if spec.first_name > 0 => Some((spec.first_name, self.probes[at].hash)),
            _ => None,
        };
        let mut at = 0;
        while at < self.commands.len() {
            let Some((_, key)) = looks_up(at) else {
                at += 1;
                continue;
            };
            let end = (at..).find(|&i| looks_up(i).is_none_or(|(_, other)| other != key));
            let run = at..end.unwrap_or(self.commands.len());
            at = run.end;
            // A single wait overlaps with none.
            if run.len() > 1 {
                let names =
                    run.clone().filter_map(|i| Some(self.args(i, input).at(looks_up(i)?.0.into())));
                let command = &self.commands[run.start];
                let key = self.args(run.start, input).at(command.key.into());
                let probe = self.probes[run.start].of(key);
                state.keyspace.prefetch_below(db, &probe, names, to_write);
            }
        }
    }

    /// The arguments of a command.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn args<'a>(&'a self, i: usize, input: &'a [u8]) -> Args<'a> {
        let command = &self.commands[i];
        let bytes = input.get(command.bytes.clone()).unwrap_or_default();
        let spans = &self.spans[command.spans.start as usize..command.spans.end as usize];
        Args::new(bytes, spans)
    }
}
