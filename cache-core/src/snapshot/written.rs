//! A snapshot as it is written, block by block.

use super::checksum::Checksum;
use super::encoder::Encoder;
use super::values::{Part, kind_of};
use super::{REDIS, VALKEY, VERSION, VERSION_WITH_EXPIRING_FIELDS, opcode};
use crate::config::{Config, Id};
use crate::keyspace::{Entry, Keyspace, Step, Walk, idle_secs, use_count};
use crate::time::Now;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Bytes of a block, about: the last key or part of a value in it may make it a little longer.
const BLOCK: usize = 64 * 1024;

/// All data as it was at one moment, to be written as an RDB.
///
/// It shares with the node what neither has changed since, and may go to another thread. When it is
/// done with, give it back by [`Node::discard_snapshot`](crate::Node::discard_snapshot), or drop it
/// where it stalls nobody.
#[derive(Clone, Debug)]
pub struct Snapshot {
    keyspace: Keyspace,
    aux: Vec<(String, String)>,
    encoder: Encoder,
    /// What was written in one go and is longer than a block, and how much of it has been given out.
    long: Vec<u8>,
    long_at: usize,
    sum: Checksum,
    /// Whether the checksum is written; 0 stands in its place otherwise.
    sums: bool,
    use_of_keys: UseOfKeys,
    at: At,
    saved: Saved,
}

/// How far a snapshot has been written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// Keys that have been written.
    pub keys: u64,
    /// All keys there are.
    pub of_keys: u64,
    /// Bytes that have been written.
    pub bytes: u64,
}

/// What is written of how keys are used.
#[derive(Clone, Debug)]
enum UseOfKeys {
    Nothing,
    /// Seconds since the last use, as of this moment (wall seconds).
    Idle(u64),
    /// How often, by these settings, as of this moment.
    Often(Box<Config>, u64),
}

/// Where the writing stands.
#[derive(Clone, Copy, Debug)]
enum At {
    Head,
    /// Before the first key of a database.
    Database(u32),
    /// Before a key, or in the middle of its value.
    Keys(u32, Walk, Option<Part>),
    Done,
}

impl Snapshot {
    pub(crate) fn new(keyspace: Keyspace, config: &Config, now: Now) -> Self {
        let policy = config.policy();
        let use_of_keys = if policy.is_lfu() {
            UseOfKeys::Often(Box::new(config.clone()), now.wall_secs())
        } else if policy.is_lru() {
            UseOfKeys::Idle(now.wall_secs())
        } else {
            UseOfKeys::Nothing
        };
        let aux = [
            ("redis-ver", String::from("7.2.4")),
            ("larder-ver", String::from(env!("CARGO_PKG_VERSION"))),
            ("redis-bits", String::from("64")),
            ("ctime", now.wall_secs().to_string()),
            ("used-mem", keyspace.used_bytes().to_string()),
        ];
        let saved = Saved { of_keys: keyspace.total_len(), ..Saved::default() };
        Snapshot {
            keyspace,
            aux: aux.map(|(name, value)| (String::from(name), value)).into(),
            encoder: Encoder::new(config.number(Id::Rdbcompression) == 1),
            long: Vec::new(),
            long_at: 0,
            sum: Checksum::default(),
            sums: config.number(Id::Rdbchecksum) == 1,
            use_of_keys,
            at: At::Head,
            saved,
        }
    }

    /// Notes something about the snapshot in its head, in place of what was noted under this name
    /// before: `repl-id`, `repl-offset`, `repl-stream-db`, `aof-base` and their like. To be called
    /// before the first block.
    pub fn note(&mut self, name: &str, value: &str) {
        match self.aux.iter_mut().find(|(there, _)| there == name) {
            Some((_, there)) => *there = String::from(value),
            None => self.aux.push((String::from(name), String::from(value))),
        }
    }

    /// How far it has been written.
    pub fn saved(&self) -> Saved {
        self.saved
    }

    /// The next part of it, of about 64 KiB; `None` when it has been written whole. A large value is
    /// cut between blocks.
    pub fn next_block(&mut self) -> Option<Vec<u8>> {
        if self.long.is_empty() {
            if matches!(self.at, At::Done) {
                return None;
            }
            self.write_block();
        }
        let mut block = core::mem::take(&mut self.long);
        if self.long_at > 0 || block.len() > 2 * BLOCK {
            // A string within a value is long.
            let end = block.len().min(self.long_at + BLOCK);
            let part = block.get(self.long_at..end).unwrap_or_default().to_vec();
            self.long_at = end % block.len();
            self.long = if self.long_at > 0 { block } else { Vec::new() };
            block = part;
        }
        self.saved.bytes += block.len() as u64;
        Some(block)
    }

    fn write_block(&mut self) {
        self.encoder.out = Vec::with_capacity(BLOCK + BLOCK / 8);
        while self.encoder.out.len() < BLOCK && !matches!(self.at, At::Done) {
            self.at = self.step();
        }
        if !matches!(self.at, At::Done) && self.sums {
            self.sum.update(&self.encoder.out);
        }
        self.long = core::mem::take(&mut self.encoder.out);
    }

    /// What it was made of, to be freed.
    pub(crate) fn into_keyspace(self) -> Keyspace {
        self.keyspace
    }

    fn step(&mut self) -> At {
        match self.at {
            At::Head => {
                self.write_head();
                At::Database(0)
            }
            At::Database(db) if db >= self.keyspace.databases() => {
                self.write_end();
                At::Done
            }
            At::Database(db) if self.keyspace.len(db) == 0 => At::Database(db + 1),
            At::Database(db) => {
                self.encoder.byte(opcode::DATABASE);
                self.encoder.length(db.into());
                self.encoder.byte(opcode::RESIZE);
                self.encoder.length(self.keyspace.len(db) as u64);
                self.encoder.length(self.keyspace.volatile_len(db) as u64);
                At::Keys(db, Walk::default(), None)
            }
            At::Keys(db, walk, part) => self.write_keys(db, walk, part),
            At::Done => At::Done,
        }
    }

    fn write_head(&mut self) {
        let keyspace = &self.keyspace;
        let expiring = (0..keyspace.databases()).any(|db| keyspace.timed_len(db) > 0);
        if expiring {
            self.encoder.bytes(VALKEY);
            self.encoder.bytes(format!("{VERSION_WITH_EXPIRING_FIELDS:03}").as_bytes());
        } else {
            self.encoder.bytes(REDIS);
            self.encoder.bytes(format!("{VERSION:04}").as_bytes());
        }
        for (name, value) in &self.aux {
            self.encoder.byte(opcode::AUX);
            self.encoder.text(name.as_bytes());
            self.encoder.text(value.as_bytes());
        }
    }

    fn write_end(&mut self) {
        self.encoder.byte(opcode::END);
        let sum = match self.sums {
            true => {
                self.sum.update(&self.encoder.out);
                self.sum.value()
            }
            false => 0,
        };
        self.encoder.bytes(&sum.to_le_bytes());
    }

    fn write_keys(&mut self, db: u32, walk: Walk, part: Option<Part>) -> At {
        let Snapshot { keyspace, encoder, use_of_keys, saved, .. } = self;
        let mut part = part;
        let next = keyspace.walk(db, walk, &mut |entry, access| {
            if part.is_none() {
                write_key(encoder, use_of_keys, &entry, access);
            }
            part = encoder.value(&entry.value(), part.take(), BLOCK);
            if part.is_some() {
                return Step::Stay;
            }
            saved.keys += 1;
            if encoder.out.len() < BLOCK { Step::On } else { Step::Stop }
        });
        match next {
            Some(walk) => At::Keys(db, walk, part),
            None => At::Database(db + 1),
        }
    }
}

/// Writes what stands before a key's value.
fn write_key(encoder: &mut Encoder, use_of_keys: &UseOfKeys, entry: &Entry<'_>, access: u32) {
    if let Some(at_ms) = entry.expires_at() {
        encoder.byte(opcode::EXPIRES_MS);
        encoder.bytes(&at_ms.to_le_bytes());
    }
    match use_of_keys {
        UseOfKeys::Nothing => {}
        UseOfKeys::Idle(now_secs) => {
            encoder.byte(opcode::IDLE);
            encoder.length(idle_secs(access, *now_secs));
        }
        UseOfKeys::Often(config, now_secs) => {
            encoder.byte(opcode::FREQ);
            encoder.byte(use_count(access, config, *now_secs));
        }
    }
    encoder.byte(kind_of(&entry.value()));
    encoder.text(entry.key());
}
