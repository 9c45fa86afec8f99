//! Taking a snapshot in, as it comes.

use super::builder::{self, Builder, Built, Making};
use super::checksum::Checksum;
use super::error::LoadError;
use super::forms::Forms;
use super::input::{Input, Problem, Read, Stop, bad};
use super::text::Texts;
use super::{LAST_OF_REDIS, MAGIC, OF_VALKEY, REDIS, VALKEY, has_kinds_of_valkey, kind, opcode};
use crate::config::{Config, Id};
use crate::keyspace::{Content, Keyspace, Kind, loaded_access};
use crate::time::Now;
use crate::types::{Data, LONG};
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;

/// Notes about a snapshot that are kept at most, and bytes of each.
const AUX_LIMIT: usize = 64;
const AUX_BYTES: usize = 1024;
/// Bytes beyond what was held that are copied at a time to make it whole.
const BRIDGE: usize = 512;

/// How a snapshot is to be taken in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadOptions {
    /// Keys whose time has run out, and such fields, are left out. What follows a snapshot in a log,
    /// and what a primary sends, may name them and says itself when they go: leave it off there.
    pub skip_expired: bool,
    /// A key that is there already is replaced; otherwise it is an error.
    pub merge: bool,
}

/// A name and what is noted under it.
type Note = (Box<[u8]>, Box<[u8]>);

/// What a snapshot had in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Keys that were put into the keyspace.
    pub keys: u64,
    /// Keys that were left out since their time had run out.
    pub expired: u64,
    /// Keys that were left out since their values were empty.
    pub empty: u64,
    /// Bytes that were read.
    pub bytes: u64,
    aux: Vec<Note>,
}

impl Loaded {
    /// What is noted in the snapshot's head under a name.
    pub fn aux(&self, name: &str) -> Option<&[u8]> {
        let found = self.aux.iter().rev().find(|(there, _)| &**there == name.as_bytes());
        found.map(|(_, value)| &**value)
    }
}

/// Where a snapshot is taken to.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    pub(crate) keyspace: &'a mut Keyspace,
    pub(crate) config: &'a Config,
    pub(crate) now: Now,
}

/// What has become of bytes that were handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Fed {
    /// All of them were taken, and there must be more.
    More,
    /// So many were taken: the snapshot ends there.
    End(usize),
}

/// Takes in a snapshot that comes by and by, cut anywhere, and puts what is in it into a keyspace as
/// it goes. What it holds itself is a few kilobytes beyond the longest string or packed value.
#[derive(Clone, Debug)]
pub(crate) struct Loader {
    stage: Stage,
    /// The start of something of which the rest has not come.
    carry: Vec<u8>,
    /// The offset of what comes next.
    offset: u64,
    sum: Checksum,
    texts: Texts,
    builder: Builder,
    /// The version, and whether it is one of Valkey's own.
    version: u32,
    valkey: bool,
    keys: Keys,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Magic,
    /// Before a key or what stands between keys.
    Between,
    AuxName,
    AuxValue,
    Key(u8),
    Value(u8),
    Checksum,
    Done,
    Failed,
}

/// What stands before a key.
#[derive(Clone, Copy, Debug, Default)]
struct Next {
    expires_ms: Option<u64>,
    idle_secs: Option<u64>,
    freq: Option<u8>,
}

/// The key that is being read, and what came of those before it.
#[derive(Clone, Debug, Default)]
struct Keys {
    options: LoadOptions,
    db: u32,
    /// What is known of the key that comes next.
    next: Next,
    key: Vec<u8>,
    loaded: Loaded,
}

impl Loader {
    pub(crate) fn new(options: LoadOptions) -> Self {
        Loader {
            stage: Stage::Magic,
            carry: Vec::new(),
            offset: 0,
            sum: Checksum::default(),
            texts: Texts::default(),
            builder: Builder::default(),
            version: 0,
            valkey: false,
            keys: Keys { options, ..Keys::default() },
        }
    }

    /// What has come so far.
    pub(crate) fn loaded(&self) -> &Loaded {
        &self.keys.loaded
    }

    /// Takes the next bytes in.
    ///
    /// # Errors
    /// They can't be read. What came before them stays in the keyspace.
    pub(crate) fn feed(&mut self, bytes: &[u8], target: &mut Target<'_>) -> Result<Fed, LoadError> {
        let mut rest = bytes;
        while !self.carry.is_empty() && !rest.is_empty() {
            let held = self.carry.len();
            let (bridge, beyond) = rest.split_at(rest.len().min(held.max(BRIDGE)));
            let mut carry = core::mem::take(&mut self.carry);
            carry.extend_from_slice(bridge);
            let taken = self.read(&carry, target)?;
            match taken.checked_sub(held) {
                Some(taken) => rest = rest.get(taken..).unwrap_or_default(),
                None => {
                    carry.drain(..taken);
                    self.carry = carry;
                    rest = beyond;
                }
            }
        }
        let taken = if self.carry.is_empty() { self.read(rest, target)? } else { 0 };
        rest = rest.get(taken..).unwrap_or_default();
        if self.stage == Stage::Done {
            return Ok(Fed::End(bytes.len() - rest.len()));
        }
        self.carry.extend_from_slice(rest);
        Ok(Fed::More)
    }

    /// Reads what is whole, and says how many bytes that were.
    fn read(&mut self, bytes: &[u8], target: &mut Target<'_>) -> Result<usize, LoadError> {
        let mut input = Input::new(bytes);
        let forms = Forms::of(target.config);
        let mut summed = 0;
        while self.stage != Stage::Done {
            if self.stage == Stage::Checksum {
                // It is that of all that stands before it.
                self.sum.update(bytes.get(summed..input.at()).unwrap_or_default());
                summed = bytes.len();
            }
            match self.step(&mut input, target, &forms) {
                Ok(()) => {}
                Err(Stop::More) => break,
                Err(Stop::Bad(problem)) => return Err(self.error(input.at() as u64, problem)),
            }
        }
        self.sum.update(bytes.get(summed..input.at()).unwrap_or_default());
        self.offset += input.at() as u64;
        self.keys.loaded.bytes = self.offset;
        Ok(input.at())
    }

    #[cold]
    fn error(&mut self, at: u64, problem: Problem) -> LoadError {
        let in_key = matches!(self.stage, Stage::Value(_));
        self.stage = Stage::Failed;
        LoadError::new(self.offset + at, in_key.then_some(&self.keys.key), problem)
    }

    fn step(&mut self, input: &mut Input<'_>, target: &mut Target<'_>, forms: &Forms) -> Read<()> {
        self.stage = match self.stage {
            Stage::Magic => self.read_magic(input)?,
            Stage::Between => self.read_between(input, target)?,
            Stage::AuxName => {
                self.keys.begin(&self.texts.next(input)?);
                Stage::AuxValue
            }
            Stage::AuxValue => {
                let value = self.texts.next(input)?;
                self.keys.note_aux(&value);
                Stage::Between
            }
            Stage::Key(kind) => {
                self.keys.begin(&self.texts.next(input)?);
                Stage::Value(kind)
            }
            Stage::Value(code) => {
                let skip = self.keys.options.skip_expired;
                let making = Making {
                    forms,
                    seed: target.keyspace.seed(),
                    valkey: has_kinds_of_valkey(self.version),
                    skip_expired_by_ms: if skip { target.now.wall_ms() } else { 0 },
                };
                let built = self.builder.next(code, input, &making)?;
                self.keys.put(built, target)?;
                Stage::Between
            }
            Stage::Checksum => self.read_checksum(input, target)?,
            Stage::Done | Stage::Failed => return bad("nothing more can be read"),
        };
        Ok(())
    }

    fn read_magic(&mut self, input: &mut Input<'_>) -> Read<Stage> {
        let magic = input.array::<MAGIC>()?;
        self.valkey = magic.starts_with(VALKEY);
        let digits = match magic.strip_prefix(REDIS).or(magic.strip_prefix(VALKEY)) {
            Some(digits) if digits.iter().all(u8::is_ascii_digit) => digits,
            _ => return bad("it doesn't begin as an RDB does"),
        };
        self.version = digits.iter().fold(0, |n, digit| n * 10 + u32::from(digit - b'0'));
        let known = match self.valkey {
            true => OF_VALKEY.contains(&self.version),
            false => (1..=LAST_OF_REDIS).contains(&self.version),
        };
        if !known {
            let whose = if self.valkey { "Valkey" } else { "Redis" };
            let text =
                format!("RDB version {} of {whose} is not one that can be read", self.version);
            return Err(Stop::Bad(Cow::Owned(text)));
        }
        Ok(Stage::Between)
    }

    /// Reads what stands between keys, with what it says where that is of a known size; or the type
    /// of a key's value.
    fn read_between(&mut self, input: &mut Input<'_>, target: &Target<'_>) -> Read<Stage> {
        let next = &mut self.keys.next;
        input.whole(|input| {
            let code = input.byte()?;
            match code {
                opcode::EXPIRES_MS => next.expires_ms = Some(input.moment()?),
                opcode::EXPIRES_S => {
                    let secs = i32::from_le_bytes(input.array()?);
                    next.expires_ms = Some(u64::try_from(secs).unwrap_or(0).max(1) * 1000);
                }
                opcode::IDLE => next.idle_secs = Some(input.count()?),
                opcode::FREQ => next.freq = Some(input.byte()?),
                opcode::AUX => return Ok(Stage::AuxName),
                opcode::DATABASE => {
                    let db = input.count()?;
                    if db >= target.keyspace.databases().into() {
                        let text =
                            format!("there is a database {db}, and none of that number here");
                        return Err(Stop::Bad(Cow::Owned(text)));
                    }
                    self.keys.db = db as u32;
                }
                opcode::RESIZE => _ = (input.count()?, input.count()?),
                opcode::SLOT_INFO => _ = (input.count()?, input.count()?, input.count()?),
                opcode::FUNCTION | opcode::FUNCTION_EARLY => {
                    return bad("there are functions, which can't be run here");
                }
                opcode::MODULE_AUX => {
                    return bad("there are data of a module, and no modules here");
                }
                opcode::SLOT_IMPORT if self.valkey => {
                    return bad("a slot is being moved, which is not known here");
                }
                opcode::END if self.version < 5 => return Ok(Stage::Done),
                opcode::END => return Ok(Stage::Checksum),
                kind::MODULE_EARLY | kind::MODULE => {
                    return bad("there is a value of a module, and no modules here");
                }
                _ if builder::is_known(code, has_kinds_of_valkey(self.version)) => {
                    return Ok(Stage::Key(code));
                }
                _ => {
                    let text = format!("there is a value of type {code}, which is not known here");
                    return Err(Stop::Bad(Cow::Owned(text)));
                }
            }
            Ok(Stage::Between)
        })
    }

    fn read_checksum(&mut self, input: &mut Input<'_>, target: &Target<'_>) -> Read<Stage> {
        let wanted = input.u64_le()?;
        let verify = target.config.number(Id::Rdbchecksum) == 1;
        // 0: whoever wrote it left it out.
        if verify && wanted != 0 && wanted != self.sum.value() {
            return bad("the checksum doesn't match: some bytes have changed");
        }
        Ok(Stage::Done)
    }
}

impl Keys {
    fn begin(&mut self, key: &[u8]) {
        self.key.clear();
        self.key.extend_from_slice(key);
    }

    fn note_aux(&mut self, value: &[u8]) {
        // Of a place in a stream all data are taken: the stream says itself what goes.
        self.options.skip_expired &= self.key != b"repl-id";
        let aux = &mut self.loaded.aux;
        if aux.len() < AUX_LIMIT && self.key.len().max(value.len()) <= AUX_BYTES {
            aux.push((self.key.as_slice().into(), value.into()));
        }
    }

    /// Puts a value under the key that was read.
    fn put(&mut self, built: Built<'_>, target: &mut Target<'_>) -> Read<()> {
        match built {
            Built::Text(Cow::Owned(text)) if text.len() > LONG => {
                self.put_content(Content::Object(Data::String(text)), target)
            }
            Built::Text(text) => self.put_content(Content::Bytes(Kind::String, &text), target),
            Built::Data(data) => match data.as_bytes() {
                Some((kind, bytes)) => self.put_content(Content::Bytes(kind, bytes), target),
                None => self.put_content(Content::Object(data), target),
            },
            Built::Empty => {
                self.next = Next::default();
                self.loaded.empty += 1;
                Ok(())
            }
        }
    }

    fn put_content(&mut self, content: Content<'_>, target: &mut Target<'_>) -> Read<()> {
        let next = core::mem::take(&mut self.next);
        let now = target.now;
        if self.options.skip_expired && next.expires_ms.is_some_and(|at| at < now.wall_ms()) {
            self.loaded.expired += 1;
            return Ok(());
        }
        let access = loaded_access(target.config, now.wall_secs(), next.idle_secs, next.freq);
        let keyspace = &mut *target.keyspace;
        let (probe, before) = (keyspace.probe(&self.key), keyspace.len(self.db));
        keyspace.put(self.db, &probe, content, next.expires_ms, access);
        if keyspace.len(self.db) == before && !self.options.merge {
            return bad("there is the same key twice");
        }
        self.loaded.keys += 1;
        Ok(())
    }
}
