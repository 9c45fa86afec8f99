//! A key with what it takes to find it.

use crate::hash::{HashSeed, slot_of};

/// Bits of a path that are the hash's.
const HASH_BITS: u32 = u64::BITS - SLOT_BITS;
/// Bits of a path that are the cluster slot's.
const SLOT_BITS: u32 = 14;

/// A key, its hash, and its path: the cluster slot, then bits of the hash.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Probe<'k> {
    pub(crate) key: &'k [u8],
    pub(crate) hash: u64,
    pub(crate) path: u64,
}

impl<'k> Probe<'k> {
    #[inline(always)]
    pub(crate) fn new(seed: HashSeed, key: &'k [u8]) -> Self {
        let hash = seed.hash(key);
        let path = first_path(slot_of(key)) | hash >> SLOT_BITS;
        Probe { key, hash, path }
    }

    /// Bits of the hash that the path has not.
    #[inline(always)]
    pub(super) fn tag(&self) -> u8 {
        self.hash as u8
    }
}

/// The least path of a cluster slot's keys.
pub(super) fn first_path(slot: u16) -> u64 {
    u64::from(slot) << HASH_BITS
}
