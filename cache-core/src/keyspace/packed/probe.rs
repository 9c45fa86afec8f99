//! A key with what it takes to find it.

use super::slabs::{Handle, Slot};
use crate::hash::{HashSeed, slot_of};

/// Bits of a path that are the hash's.
const HASH_BITS: u32 = u64::BITS - SLOT_BITS;
/// Bits of a path that are the cluster slot's.
const SLOT_BITS: u32 = 14;

/// A key, its hash, and its path: the cluster slot, then bits of the hash.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Probe<'k> {
    pub(crate) key: &'k [u8],
    pub(crate) hash: u64,
    pub(crate) path: u64,
    /// Where it was seen.
    pub(super) hint: Hint,
}

/// Where a record with a key's tag was seen, if there was one, in which version of which store.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hint {
    /// 0: nobody has looked.
    pub(super) version: u64,
    pub(super) seen: Option<Found>,
}

/// Where an entry lies, until something is added, removed or made longer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Found {
    /// The place in its leaf.
    pub(super) at: u32,
    pub(super) handle: Handle,
    pub(super) slot: Slot,
}

/// What paths are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paths {
    /// The cluster slot, then bits of the hash: keys.
    Slots,
    /// The hash alone: what lies below one key.
    Hashes,
}

impl Paths {
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn probe(self, seed: HashSeed, key: &[u8]) -> Probe<'_> {
        match self {
            Paths::Slots => Probe::new(seed, key),
            Paths::Hashes => Probe::below_a_key(seed, key),
        }
    }
}

impl<'k> Probe<'k> {
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(crate) fn new(seed: HashSeed, key: &'k [u8]) -> Self {
        let hash = seed.hash(key);
        let path = first_path(slot_of(key)) | hash >> SLOT_BITS;
        Probe { key, hash, path, hint: Hint::default() }
    }

    /// As [`new`](Self::new), for what lies below one key and so has no slot of its own.
    pub(crate) fn below_a_key(seed: HashSeed, key: &'k [u8]) -> Self {
        let hash = seed.hash(key);
        Probe { key, hash, path: hash, hint: Hint::default() }
    }

    /// The same without the key, to be given back to it by [`of`](Self::of).
    pub(crate) fn without_key(self) -> Probe<'static> {
        Probe { key: &[], ..self }
    }

    /// What was found for a key, with the key.
    pub(crate) fn of(self, key: &[u8]) -> Probe<'_> {
        // What has been freed looks as if it had the empty key.
        let hint = if key.is_empty() { Hint::default() } else { self.hint };
        Probe { key, hint, ..self }
    }

    /// Bits of the hash that the path has not, or has at its very end.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn tag(&self) -> u8 {
        self.hash as u8
    }
}

/// The least path of a cluster slot's keys.
pub(super) fn first_path(slot: u16) -> u64 {
    u64::from(slot) << HASH_BITS
}
