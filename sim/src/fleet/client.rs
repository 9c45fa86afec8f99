//! A client: one connection, what it asks on it, and what it hears.
//!
//! A client doesn't repeat what failed: nobody knows what became of it. What must never be here: a node's
//! data, a link.

use super::chatter;
use super::history::{self, History, OpId};
use super::network::{Machine, WireId};
use crate::random::Random;
use cache_core::protocol::{Value, request};
use std::collections::VecDeque;

/// How long a client waits for a reply, in microseconds.
const PATIENCE_US: u64 = 3_000_000;
/// How many commands it sends before the first is answered.
const DEPTH: usize = 4;
/// Keys whose values are followed, and how many of them are written in pairs.
pub(crate) const REGISTERS: u32 = 24;
pub(crate) const PAIRS: u32 = 6;

/// A client's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Idle,
    Dialing(Machine),
    Open(Machine, WireId),
}

/// What a client asked for.
#[derive(Clone, Copy, Debug)]
enum Asked {
    Write(OpId),
    Read {
        key: u32,
        age: u32,
    },
    /// The reply only has to be one.
    Anything,
}

#[derive(Clone, Copy, Debug)]
struct Pending {
    asked: Asked,
    began_us: u64,
}

/// What came of an arrival.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    /// Replies as they are shown.
    pub(crate) replies: Vec<String>,
    /// What can't be true.
    pub(crate) wrong: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) line: Line,
    /// Which of its calls it waits for.
    pub(crate) dial: u32,
    /// Which start of the node it is connected to.
    pub(crate) boot: u32,
    writes: bool,
    random: Random,
    pending: VecDeque<Pending>,
    arriving: Vec<u8>,
    pub(crate) acknowledged: u64,
    pub(crate) answered: u64,
    pub(crate) errors: u64,
}

/// What a register is called.
pub(crate) fn key_name(key: u32) -> String {
    format!("r:{key}")
}

/// What the two keys of a pair are called.
pub(crate) fn pair_names(key: u32) -> [String; 2] {
    [format!("p:{key}:a"), format!("p:{key}:b")]
}

pub(crate) fn is_pair(key: u32) -> bool {
    key >= REGISTERS
}

impl Client {
    pub(crate) fn new(writes: bool, random: Random) -> Self {
        Client {
            line: Line::Idle,
            dial: 0,
            boot: 0,
            writes,
            random,
            pending: VecDeque::new(),
            arriving: Vec::new(),
            acknowledged: 0,
            answered: 0,
            errors: 0,
        }
    }

    /// Whom it calls next: writers the primary, which is node 0, readers anyone.
    pub(crate) fn choose(&mut self, nodes: u32) -> Machine {
        if self.writes { 0 } else { self.random.below(u64::from(nodes)) as Machine }
    }

    /// When it looks again what to do.
    pub(crate) fn pause_us(&mut self) -> u64 {
        match self.random.below(200) {
            0 => 500_000,
            _ => 500 + self.random.below(12_000),
        }
    }

    /// A reader looks for another node now and then.
    pub(crate) fn is_fickle(&mut self) -> bool {
        !self.writes && self.pending.is_empty() && self.random.chance(20)
    }

    pub(crate) fn is_impatient(&self, now_us: u64) -> bool {
        self.pending.front().is_some_and(|oldest| oldest.began_us + PATIENCE_US < now_us)
    }

    pub(crate) fn is_waiting(&self) -> bool {
        !self.pending.is_empty()
    }

    /// The connection is gone, and nobody knows what became of what was asked.
    pub(crate) fn hang_up(&mut self) {
        self.line = Line::Idle;
        self.pending.clear();
        self.arriving.clear();
    }

    /// What to ask next, in bytes. `None`: too much is under way.
    pub(crate) fn ask(
        &mut self,
        now_us: u64,
        node: Machine,
        history: &mut History,
    ) -> Option<Vec<u8>> {
        if self.pending.len() >= DEPTH {
            return None;
        }
        let dice = self.random.below(100);
        let (asked, bytes) = match dice {
            0..=44 if self.writes => self.write(now_us, node, history),
            45..=64 if self.writes => (Asked::Anything, chatter::command(&mut self.random)),
            _ => self.read(history),
        };
        self.pending.push_back(Pending { asked, began_us: now_us });
        Some(bytes)
    }

    fn key(&mut self) -> u32 {
        self.random.below(u64::from(REGISTERS + PAIRS)) as u32
    }

    fn write(&mut self, now_us: u64, node: Machine, history: &mut History) -> (Asked, Vec<u8>) {
        let key = self.key();
        let (id, value) = history.begin_write(now_us, key, (node, self.boot));
        let text = history::text(value);
        let bytes = if is_pair(key) {
            let [a, b] = pair_names(key);
            request::encode([b"MSET", a.as_bytes(), &text, b.as_bytes(), &text])
        } else {
            request::encode([b"SET", key_name(key).as_bytes(), &text])
        };
        (Asked::Write(id), bytes)
    }

    fn read(&mut self, history: &History) -> (Asked, Vec<u8>) {
        let key = self.key();
        let bytes = if is_pair(key) {
            let [a, b] = pair_names(key);
            request::encode(["MGET", &a, &b])
        } else {
            request::encode(["GET", &key_name(key)])
        };
        (Asked::Read { key, age: history.now_age() }, bytes)
    }

    /// Bytes have come.
    pub(crate) fn hear(
        &mut self,
        now_us: u64,
        bytes: &[u8],
        node: Machine,
        history: &mut History,
    ) -> Told {
        self.arriving.extend_from_slice(bytes);
        let (mut told, mut at) = (Told::default(), 0);
        loop {
            match Value::parse(&self.arriving[at..]) {
                Ok(Some((value, len))) => {
                    let reply = &self.arriving[at..at + len];
                    told.replies.push(super::record::shown(reply));
                    at += len;
                    let Some(pending) = self.pending.pop_front() else {
                        told.wrong = Some(format!("node {node} answers what nobody asked"));
                        break;
                    };
                    if let Err(wrong) = self.note(now_us, pending, &value, node, history) {
                        told.wrong = Some(wrong);
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    told.wrong = Some(format!("node {node} answers what is no reply: {error}"));
                    break;
                }
            }
        }
        self.arriving.drain(..at);
        told
    }

    fn note(
        &mut self,
        now_us: u64,
        pending: Pending,
        value: &Value,
        node: Machine,
        history: &mut History,
    ) -> Result<(), String> {
        self.answered += 1;
        let span = (pending.began_us, now_us);
        let at = (node, self.boot);
        match (pending.asked, value) {
            (_, Value::Error(_)) => {
                self.errors += 1;
                Ok(())
            }
            (Asked::Write(id), _) => {
                self.acknowledged += 1;
                history.end_write(now_us, id);
                Ok(())
            }
            (Asked::Read { key, age }, value) => {
                if age != history.now_age() {
                    return Ok(());
                }
                let bytes =
                    seen(value).map_err(|what| format!("node {node}, key {key}: {what}"))?;
                history.read(span, key, at, bytes)
            }
            (Asked::Anything, _) => Ok(()),
        }
    }
}

/// What a reply says of a register, or of both keys of a pair.
fn seen(value: &Value) -> Result<Option<&[u8]>, String> {
    match value {
        Value::Null => Ok(None),
        Value::Bulk(bytes) => Ok(Some(bytes)),
        Value::Array(two) => match two.as_slice() {
            [a, b] if a == b => seen(a),
            [a, b] => Err(format!("half a write is there: {a:?} and {b:?}")),
            _ => Err(format!("{value:?} is no pair")),
        },
        _ => Err(format!("{value:?} is no value")),
    }
}
