//! One key with its value, expiry and access bits.

use super::indexed::Keyed;
use crate::types::Data;
use alloc::boxed::Box;

/// Bytes that an entry takes beyond its key and value, as accounted: the same on every platform.
pub(crate) const ENTRY_OVERHEAD: u64 = 56;

/// A key's entry.
#[derive(Clone, Debug)]
pub struct Entry {
    key: Box<[u8]>,
    hash: u64,
    /// The value.
    pub(crate) data: Data,
    /// Wall milliseconds at which it expires; 0 never.
    expires_ms: u64,
    /// What the eviction policy knows: see `evict`.
    pub(crate) access: u32,
}

impl Entry {
    pub(super) fn new(key: &[u8], hash: u64, data: Data) -> Self {
        Entry { key: key.into(), hash, data, expires_ms: 0, access: 0 }
    }

    /// The key.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// When it expires: wall milliseconds since the Unix epoch.
    pub fn expires_at(&self) -> Option<u64> {
        (self.expires_ms != 0).then_some(self.expires_ms)
    }

    /// The name of the value's type, as TYPE answers.
    pub fn type_name(&self) -> &'static str {
        self.data.type_name()
    }

    /// The bytes of a string's value; `None` for the other types.
    pub fn as_string(&self) -> Option<&[u8]> {
        match &self.data {
            Data::String(bytes) => Some(bytes),
            Data::Hash(_) => None,
        }
    }

    pub(super) fn set_expires(&mut self, at_ms: Option<u64>) {
        // 0 means never, and nobody can tell 1970's first millisecond from its second.
        self.expires_ms = at_ms.map_or(0, |at| at.max(1));
    }

    pub(crate) fn is_expired(&self, now_ms: u64) -> bool {
        self.expires_ms != 0 && self.expires_ms <= now_ms
    }

    /// Bytes accounted for it.
    pub(crate) fn size(&self) -> u64 {
        ENTRY_OVERHEAD + self.key.len() as u64 + self.data.size()
    }
}

impl Keyed for Entry {
    fn key(&self) -> &[u8] {
        &self.key
    }

    fn hash(&self) -> u64 {
        self.hash
    }

    fn expiry_ms(&self) -> Option<u64> {
        self.expires_at()
    }
}
