//! Snapshots in the RDB format: what Redis and Valkey save, send to replicas and give out by DUMP.
//!
//! - `written` makes blocks of a clone of the keyspace; `values` writes values, `encoder` numbers and
//!   strings.
//! - `loader` takes a file in as it comes, cut anywhere; `builder` and `stream` make values of it, of
//!   strings (`text`), numbers (`input`) and what is packed as it lay in Redis's memory (`packed`,
//!   `unpack`).
//! - `payload` is a single value.
//! - `lzf` compresses strings, `checksum` sums.
//!
//! A file is a head with a version, and then opcodes and keys, each with its value; after the last one
//! comes a checksum. Strings are raw, small integers, or compressed. Sources: the documents "RDB File
//! Format" and "RDB Version History" of the redis-rdb-tools project, the listpack specification, and
//! what the servers write.
//!
//! What must never be here: a file, a connection, a clock.

mod builder;
mod checksum;
mod encoder;
mod error;
mod forms;
mod input;
mod kind;
mod loader;
mod lzf;
mod packed;
mod payload;
mod stream;
mod text;
mod unpack;
mod values;
mod written;

#[cfg(test)]
mod tests;

pub use error::LoadError;
pub(crate) use loader::{Fed, Loader, Target};
pub use loader::{LoadOptions, Loaded};
pub(crate) use payload::{PayloadError, read_payload, write_payload};
pub use written::{Saved, Snapshot};

/// What a file begins with, before three or four digits of a version.
const REDIS: &[u8; 5] = b"REDIS";
const VALKEY: &[u8; 6] = b"VALKEY";
/// Bytes of a file's head, by either name.
const MAGIC: usize = 9;

/// The version that is written: Redis 7.2 and all Valkeys read it.
const VERSION: u32 = 11;
/// The version that is written where fields of hashes expire: Valkey 9 reads it.
const VERSION_WITH_EXPIRING_FIELDS: u32 = 80;
/// The last version of Redis's files that is read.
const LAST_OF_REDIS: u32 = 13;
/// Versions of Valkey's own files that are read.
const OF_VALKEY: core::ops::RangeInclusive<u32> = 80..=80;

/// Whether the numbers of types in files of this version are Valkey's: some are Redis's for others.
fn has_kinds_of_valkey(version: u32) -> bool {
    version <= VERSION || OF_VALKEY.contains(&version)
}

/// What stands between keys, or before them.
mod opcode {
    /// Valkey: keys of a slot that is being moved follow.
    pub(super) const SLOT_IMPORT: u8 = 243;
    /// How many keys a cluster slot has.
    pub(super) const SLOT_INFO: u8 = 244;
    /// A library of functions.
    pub(super) const FUNCTION: u8 = 245;
    /// The same, of a version that was never released.
    pub(super) const FUNCTION_EARLY: u8 = 246;
    /// What a module keeps beside its keys.
    pub(super) const MODULE_AUX: u8 = 247;
    /// Seconds since the key that follows was used.
    pub(super) const IDLE: u8 = 248;
    /// How often the key that follows is used.
    pub(super) const FREQ: u8 = 249;
    /// A name and a value about the file.
    pub(super) const AUX: u8 = 250;
    /// How many keys a database has, and how many of them expire.
    pub(super) const RESIZE: u8 = 251;
    /// When the key that follows expires, in milliseconds.
    pub(super) const EXPIRES_MS: u8 = 252;
    /// The same, in seconds.
    pub(super) const EXPIRES_S: u8 = 253;
    /// The database of what follows.
    pub(super) const DATABASE: u8 = 254;
    /// The end.
    pub(super) const END: u8 = 255;
}

/// What a stream of bytes begins with, as far as it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begins {
    /// A snapshot.
    Snapshot,
    /// Something else.
    Otherwise,
    /// The first of the two, or something else: more bytes will tell.
    Unclear,
}

/// Whether these bytes are the first of a snapshot.
pub(crate) fn begins(bytes: &[u8]) -> Begins {
    let names: [&[u8]; 2] = [REDIS, VALKEY];
    if names.iter().any(|name| bytes.starts_with(name)) {
        Begins::Snapshot
    } else if names.iter().any(|name| name.starts_with(bytes)) {
        Begins::Unclear
    } else {
        Begins::Otherwise
    }
}
