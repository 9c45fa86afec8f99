//! Taking in one file: a snapshot, commands, or a snapshot and then commands.
//!
//! Commands are looked at before they are obeyed, so that it is known where each begins and that the
//! last transaction is whole. Lines between them that begin with `#` are notes and are passed over.

use crate::node::{ConnFlags, Node};
use crate::observer::Observer;
use crate::protocol::request::{Limits, Parser};
use crate::snapshot::{self, Begins, Fed, LoadOptions, Loader};
use crate::time::Now;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::Range;

/// The longest note between commands, in bytes.
const NOTE_LIMIT: usize = 1024;

/// A file that is being taken in.
#[derive(Clone, Debug)]
pub(super) struct Part {
    options: LoadOptions,
    stage: Stage,
    /// What has come of a command that isn't whole yet; before it is known what the file is, its first
    /// bytes.
    held: Vec<u8>,
    /// The place in the file of the first byte of `held`.
    at: u64,
    parser: Parser,
    /// Where the transaction began that is not at its end.
    multi_at: Option<u64>,
}

#[derive(Clone, Debug)]
enum Stage {
    Start,
    Snapshot(Box<Loader>),
    Commands,
    /// Behind a snapshot that nothing should follow.
    Behind,
}

/// What is held that is whole.
struct Scanned {
    /// Bytes of whole commands and notes.
    whole: usize,
    /// Where the commands lie.
    spans: Vec<Range<usize>>,
}

/// What became of bytes.
pub(super) struct Digested {
    /// Why they can't be obeyed, and where.
    pub(super) failed: Option<String>,
}

/// A file that ends where it shouldn't.
pub(super) struct Torn {
    pub(super) what: String,
    /// What is missing is the end of a command, and the file is whole up to `whole`.
    pub(super) may_be_cut: bool,
    pub(super) whole: u64,
}

impl Part {
    pub(super) fn new(options: LoadOptions) -> Self {
        Part {
            options,
            stage: Stage::Start,
            held: Vec::new(),
            at: 0,
            parser: Parser::default(),
            multi_at: None,
        }
    }

    /// Whether it begins with commands.
    pub(super) fn holds_commands(&self) -> bool {
        matches!(self.stage, Stage::Commands) && self.options.skip_expired
    }

    /// Whether the file may end here.
    pub(super) fn end(&self) -> Result<(), Torn> {
        let seen = self.at + self.held.len() as u64;
        let torn = |what: String, may_be_cut, whole| Err(Torn { what, may_be_cut, whole });
        match self.stage {
            Stage::Start if self.held.is_empty() && !self.options.skip_expired => Ok(()),
            Stage::Start | Stage::Snapshot(_) => {
                torn(format!("it ends in the middle of a snapshot, at byte {seen}"), false, 0)
            }
            Stage::Behind => Ok(()),
            Stage::Commands => match self.multi_at {
                Some(at) => torn(
                    format!(
                        "it ends at byte {seen} in the middle of a transaction that begins at byte {at}"
                    ),
                    true,
                    at,
                ),
                None if self.held.is_empty() => Ok(()),
                None => torn(
                    format!(
                        "it ends at byte {seen} in the middle of a command that begins at byte {}",
                        self.at
                    ),
                    true,
                    self.at,
                ),
            },
        }
    }

    /// Looks at what is held: how many bytes of it are whole commands, and where those lie that are to be
    /// obeyed. Nothing but whole commands and notes is passed.
    fn scan(&mut self) -> Result<Scanned, (usize, String)> {
        let limits = Limits { bulk: i64::MAX, authenticated: true };
        let mut spans: Vec<Range<usize>> = Vec::new();
        let mut at = 0;
        while let Some(rest) = self.held.get(at..).filter(|rest| !rest.is_empty()) {
            match rest.first() {
                Some(b'*') => {}
                Some(b'#') => {
                    let note = rest.iter().take(NOTE_LIMIT).position(|&b| b == b'\n');
                    match note {
                        Some(end) => at += end + 1,
                        None if rest.len() >= NOTE_LIMIT => {
                            return Err((at, "a note has no end".to_string()));
                        }
                        None => break,
                    }
                    continue;
                }
                _ => return Err((at, "there is no command".to_string())),
            }
            match self.parser.parse(rest, limits) {
                Ok(None) => break,
                Err(error) => return Err((at, error.to_string())),
                Ok(Some(parsed)) => {
                    let args = self.parser.args(rest);
                    let name = args.get(0).unwrap_or_default();
                    if name.eq_ignore_ascii_case(b"multi") {
                        self.multi_at = Some(self.at + at as u64);
                    } else if name.eq_ignore_ascii_case(b"exec") {
                        self.multi_at = None;
                    }
                    self.parser.next();
                    let end = at + parsed.len;
                    match spans.last_mut().filter(|last| last.end == at) {
                        Some(last) => last.end = end,
                        None => spans.push(at..end),
                    }
                    at = end;
                }
            }
        }
        Ok(Scanned { whole: at, spans })
    }
}

impl Node {
    /// Takes the next bytes of a file in.
    pub(super) fn digest_bytes<O: Observer>(
        &mut self,
        part: &mut Part,
        bytes: &[u8],
        now: Now,
        observer: &mut O,
    ) -> Digested {
        let failed = self.take_in(part, bytes, now, observer).err();
        Digested { failed }
    }

    fn take_in<O: Observer>(
        &mut self,
        part: &mut Part,
        bytes: &[u8],
        now: Now,
        observer: &mut O,
    ) -> Result<(), String> {
        let started;
        let mut bytes = bytes;
        if matches!(part.stage, Stage::Start) {
            part.held.extend_from_slice(bytes);
            part.stage = match snapshot::begins(&part.held) {
                Begins::Unclear => return Ok(()),
                Begins::Snapshot => Stage::Snapshot(Box::new(Loader::new(part.options))),
                Begins::Otherwise if part.options.skip_expired => {
                    return Err("it doesn't begin as an RDB does".to_string());
                }
                Begins::Otherwise => Stage::Commands,
            };
            started = core::mem::take(&mut part.held);
            bytes = &started;
        }
        if let Stage::Snapshot(loader) = &mut part.stage {
            let fed = loader.feed(bytes, &mut self.state.load_target(now));
            let Fed::End(end) = fed.map_err(|error| error.to_string())? else {
                part.at += bytes.len() as u64;
                return Ok(());
            };
            part.at += end as u64;
            bytes = bytes.get(end..).unwrap_or_default();
            let loaded = loader.loaded().clone();
            self.snapshot_loaded(loaded);
            part.stage = if part.options.skip_expired { Stage::Behind } else { Stage::Commands };
        }
        if matches!(part.stage, Stage::Behind) {
            return Ok(());
        }
        part.held.extend_from_slice(bytes);
        let Scanned { whole, spans } = match part.scan() {
            Ok(found) => found,
            Err((at, what)) => {
                return Err(format!("Bad file format at byte {}: {what}", part.at + at as u64));
            }
        };
        for span in spans {
            let end = part.at + span.end as u64;
            self.obey(part.held.get(span).unwrap_or_default(), end, now, observer)?;
        }
        part.held.drain(..whole);
        part.at += whole as u64;
        Ok(())
    }

    /// Runs commands, which end at a place in the file.
    fn obey<O: Observer>(
        &mut self,
        commands: &[u8],
        end: u64,
        now: Now,
        observer: &mut O,
    ) -> Result<(), String> {
        let Some(loader) = self.loader() else { return Err("nothing loads".to_string()) };
        self.replay(now, loader, commands, observer);
        let Some(conn) = self.conns.get(loader) else { return Err("nothing loads".to_string()) };
        if !conn.has(ConnFlags::CLOSING | ConnFlags::ABORT) {
            return Ok(());
        }
        // What came behind the one that failed was not looked at.
        let at = end.saturating_sub(conn.unread_input() as u64);
        Err(format!("the command that ends at byte {at} can't be obeyed"))
    }
}
