//! The record of a fleet's run: every note is digested, and kept as a line where someone wants to read it.
//!
//! What must never be here: anything that makes notes.

use super::disk::Loss;
use super::network::{Machine, WireId};
use crate::trace::TraceHasher;
use std::fmt;
use std::hash::{Hash, Hasher};

/// How much of a command, a reply or a file is shown.
const SHOWN: usize = 72;

/// Something that happened.
#[derive(Clone, Debug, Hash)]
pub(crate) enum Note {
    /// Bytes arrived, and a digest of them.
    Arrived {
        wire: WireId,
        to: Machine,
        len: u32,
        digest: u64,
    },
    Ended {
        wire: WireId,
        to: Machine,
    },
    Broken {
        wire: WireId,
        at: Machine,
    },
    Connected {
        wire: WireId,
        from: Machine,
        to: Machine,
    },
    Refused {
        from: Machine,
        to: Machine,
        why: &'static str,
    },
    Turn {
        host: Machine,
        commands: u64,
    },
    Job {
        host: Machine,
        what: String,
    },
    JobDone {
        host: Machine,
        what: String,
    },
    Log {
        host: Machine,
        line: String,
    },
    Up {
        host: Machine,
        boot: u32,
    },
    Down {
        host: Machine,
        loss: Option<Loss>,
    },
    Asked {
        client: Machine,
        of: Machine,
        command: String,
    },
    Heard {
        client: Machine,
        reply: String,
    },
    GaveUp {
        client: Machine,
    },
    Fault {
        what: String,
    },
    Relief {
        what: String,
    },
    Phase {
        what: String,
    },
    Seen {
        host: Machine,
        offset: u64,
        digest: u128,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::Arrived { wire, to, len, digest } => {
                write!(f, "wire {wire}: {len} bytes ({digest:016x}) reach machine {to}")
            }
            Note::Ended { wire, to } => write!(f, "wire {wire}: the end reaches machine {to}"),
            Note::Broken { wire, at } => {
                write!(f, "wire {wire}: machine {at} learns that it broke")
            }
            Note::Connected { wire, from, to } => {
                write!(f, "wire {wire}: machine {from} is connected to machine {to}")
            }
            Note::Refused { from, to, why } => {
                write!(f, "machine {from} can't reach machine {to}: {why}")
            }
            Note::Turn { host, commands } => {
                write!(f, "node {host}: a turn of {commands} commands")
            }
            Note::Job { host, what } => write!(f, "node {host}: asks to {what}"),
            Note::JobDone { host, what } => write!(f, "node {host}: the disk: {what}"),
            Note::Log { host, line } => write!(f, "node {host}: {line}"),
            Note::Up { host, boot } => write!(f, "node {host}: starts (start {boot})"),
            Note::Down { host, loss: None } => write!(f, "node {host}: ends"),
            Note::Down { host, loss: Some(loss) } => {
                write!(f, "node {host}: loses power ({loss:?})")
            }
            Note::Asked { client, of, command } => {
                write!(f, "client {client}: asks node {of}: {command}")
            }
            Note::Heard { client, reply } => write!(f, "client {client}: hears {reply}"),
            Note::GaveUp { client } => write!(f, "client {client}: has waited too long"),
            Note::Fault { what } => write!(f, "fault: {what}"),
            Note::Relief { what } => write!(f, "no longer: {what}"),
            Note::Phase { what } => write!(f, "-- {what}"),
            Note::Seen { host, offset, digest } => {
                write!(f, "node {host}: is at {offset} and holds {digest:032x}")
            }
        }
    }
}

/// Where all notes go.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    hasher: TraceHasher,
    pub(crate) count: u64,
    /// Lines since they were last taken, where someone wants them.
    lines: Option<Vec<String>>,
}

impl Record {
    /// From here on lines are kept.
    pub(crate) fn keep_lines(&mut self) {
        self.lines.get_or_insert_default();
    }

    pub(crate) fn take_lines(&mut self) -> Vec<String> {
        self.lines.as_mut().map(std::mem::take).unwrap_or_default()
    }

    pub(crate) fn note(&mut self, now_us: u64, note: &Note) {
        (now_us, note).hash(&mut self.hasher);
        self.count += 1;
        if let Some(lines) = &mut self.lines {
            lines.push(format!("{:>5}.{:06}  {note}", now_us / 1_000_000, now_us % 1_000_000));
        }
    }

    pub(crate) fn digest(&self) -> u64 {
        self.hasher.finish()
    }
}

/// A digest of bytes, the same everywhere.
pub(crate) fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = TraceHasher::default();
    hasher.write(bytes);
    hasher.finish()
}

/// The beginning of bytes, as text.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let text = bytes[..bytes.len().min(SHOWN)].escape_ascii().to_string();
    if bytes.len() > SHOWN { format!("{text}... ({} bytes)", bytes.len()) } else { text }
}
