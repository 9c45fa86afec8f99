//! What a cache counts.

/// Counters since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Calls of `get` that found the key.
    pub hits: u64,
    /// Calls of `get` that did not.
    pub misses: u64,
    /// Entries that went to make room.
    pub evictions: u64,
    /// Entries that were removed because their time had run out.
    pub expirations: u64,
}

impl Stats {
    /// The part of lookups that found the key, from 0 to 1; 0 before the first lookup.
    pub fn hit_ratio(&self) -> f64 {
        self.hits as f64 / (self.hits + self.misses).max(1) as f64
    }
}
