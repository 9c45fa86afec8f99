//! What one can see of a run at a moment, read straight from the actors.

/// The most keys that [`Sim::cache_keys`](crate::Sim::cache_keys) shows.
pub const MAX_KEYS_SHOWN: u32 = 256;

/// A key in the cache.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CacheKey {
    /// Its logical database.
    pub db: u32,
    /// The key.
    pub key: Vec<u8>,
    /// The type's name, as TYPE answers.
    pub kind: &'static str,
    /// The beginning of a string's value, at most
    /// [`MAX_SHOWN_BYTES`](crate::event::MAX_SHOWN_BYTES); `None` for the other types.
    pub value: Option<Vec<u8>>,
    /// Milliseconds left; 0 when its time has run out and it has not been met yet; `None` when it
    /// never expires.
    pub ttl_ms: Option<u64>,
}

/// How hard the database works at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DatabaseLoad {
    /// Connections of the pool that work.
    pub busy: u32,
    /// All connections of the pool.
    pub pool: u32,
    /// Statements that wait for one.
    pub waiting: u32,
    /// The most that may wait.
    pub queue: u32,
}
