//! The engine as a library: keys and values in this program's memory, without protocol or socket.
//!
//! [`Cache`] stands on the keyspace and the eviction that a [`Node`](crate::Node) uses. What must
//! never be here: a second way to store, expire or evict.

mod builder;
mod error;
mod stats;

pub use builder::Builder;
pub use error::Error;
pub use stats::Stats;

use crate::config::Config;
use crate::keyspace::{Content, Entry, Evictor, Found, Keyspace, Kind, Moment, Probe};
use crate::random::Random;
use crate::time::Now;
use core::time::Duration;

/// The longest key and value together, in bytes.
const ENTRY_LIMIT: u64 = 512 << 20;
/// The latest moment at which something may expire, in wall milliseconds.
const LATEST_MS: u64 = 1 << 62;
/// Entries whose time has run out that are removed at once to make room.
const PURGE: usize = 64;
/// The one database.
const DB: u32 = 0;

/// A cache of byte strings in a bounded amount of memory.
///
/// Keys and values are anything that is `AsRef<[u8]>`. The cache reads no clock: each call takes the
/// moment at which it happens, and entries expire by its wall time. It belongs to one thread at a
/// time, and is `Send`.
///
/// ```
/// use cache_core::{Cache, Now};
/// use core::time::Duration;
///
/// let mut cache = Cache::builder().max_bytes(64 << 20).seed(42).build();
/// let now = Now::from_millis(1_000);
/// cache.set(now, "motto", "be quick")?;
/// cache.set_with_ttl(now, b"session", [1, 2, 3], Duration::from_secs(60))?;
/// assert_eq!(cache.get(now, "motto"), Some(&b"be quick"[..]));
///
/// let later = Now::from_millis(61_000);
/// assert_eq!(cache.get(later, "session"), None);
/// assert_eq!((cache.stats().hits, cache.stats().expirations), (1, 1));
/// # Ok::<(), cache_core::cache::Error>(())
/// ```
///
/// # Memory
/// Before an entry is written, others go until the bytes of its key and value fit under `max_bytes`:
/// first those whose time has run out, then those that the [policy](crate::config::Policy) chooses.
/// Where it lies takes some bytes more (some ten, rarely some hundred), by which
/// [`used_bytes`](Self::used_bytes) can pass `max_bytes` until the next entry comes. What the adaptive
/// policy remembers counts: about two bytes for each entry, and a sixteenth of `max_bytes` for a sample
/// of the keys, of 2 KiB at least and 64 at the most.
///
/// # Clones
/// A clone shares all memory, and costs next to nothing; what either side writes to afterwards is
/// copied for it, a few kilobytes at a time. So a clone is a snapshot:
///
/// ```
/// # use cache_core::{Cache, Now};
/// # let now = Now::from_millis(0);
/// let mut cache = Cache::default();
/// cache.set(now, "key", "old")?;
/// let snapshot = cache.clone();
/// cache.set(now, "key", "new")?;
/// assert_eq!(snapshot.peek(now, "key"), Some(&b"old"[..]));
/// # Ok::<(), cache_core::cache::Error>(())
/// ```
///
/// Clones that go on with the same calls do the same, evictions included.
#[derive(Clone, Debug)]
pub struct Cache {
    keyspace: Keyspace,
    evictor: Evictor,
    /// The policy, and how it samples.
    config: Config,
    /// `u64::MAX`: no limit.
    max_bytes: u64,
    random: Random,
    stats: Stats,
}

impl Default for Cache {
    /// A cache without a limit, with seed 0.
    fn default() -> Self {
        Cache::builder().build()
    }
}

/// What is there.
impl Cache {
    /// Chooses limit, policy and seed.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// A key's value. Counts as a hit or a miss, and as a use of the entry.
    pub fn get(&mut self, now: Now, key: impl AsRef<[u8]>) -> Option<&[u8]> {
        let probe = self.keyspace.probe(key.as_ref());
        let Some(found) = self.find(now, &probe) else {
            self.stats.misses += 1;
            return None;
        };
        self.stats.hits += 1;
        self.note_use(now, &probe);
        self.keyspace.at(DB, found).as_string()
    }

    /// A key's value, without counting anything.
    pub fn peek(&self, now: Now, key: impl AsRef<[u8]>) -> Option<&[u8]> {
        self.entry(now, key.as_ref())?.as_string()
    }

    /// Whether a key is there, without counting anything.
    pub fn contains(&self, now: Now, key: impl AsRef<[u8]>) -> bool {
        self.entry(now, key.as_ref()).is_some()
    }

    /// How long a key has still to live, in whole milliseconds. `None`: forever, or it isn't there.
    pub fn ttl(&self, now: Now, key: impl AsRef<[u8]>) -> Option<Duration> {
        let at_ms = self.entry(now, key.as_ref())?.expires_at()?;
        Some(Duration::from_millis(at_ms - now.wall_ms()))
    }

    /// How many entries there are, with those whose time has run out and that nobody met yet.
    pub fn len(&self) -> usize {
        self.keyspace.len(DB)
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes accounted for all entries, with what it takes to find them and, where there is a limit,
    /// what the policy remembers: the same on every platform.
    pub fn used_bytes(&self) -> u64 {
        self.keyspace.used_bytes() + self.evictor.bytes(&self.config)
    }

    /// What has been counted since the start.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// All keys with their values, in an order of the cache's own.
    pub fn iter(&self, now: Now) -> impl Iterator<Item = (&[u8], &[u8])> {
        let now_ms = past(now);
        self.keyspace.iter(DB).filter_map(move |entry| live(&entry, now_ms))
    }

    /// Visits keys with their values from a cursor on, about `count` of them, and gives the cursor to
    /// go on with; 0 is both the first and the last.
    ///
    /// Between two calls the cache may change: what is there throughout is visited exactly once.
    ///
    /// ```
    /// # use cache_core::{Cache, Now};
    /// # let now = Now::from_millis(0);
    /// # let mut cache = Cache::default();
    /// # for key in ["a", "b", "c"] { cache.set(now, key, "")?; }
    /// let (mut cursor, mut keys) = (0, Vec::new());
    /// loop {
    ///     cursor = cache.scan(now, cursor, 100, |key, _| keys.push(key.to_vec()));
    ///     if cursor == 0 {
    ///         break;
    ///     }
    /// }
    /// assert_eq!(keys.len(), 3);
    /// # Ok::<(), cache_core::cache::Error>(())
    /// ```
    pub fn scan(
        &self,
        now: Now,
        cursor: u64,
        count: usize,
        mut visit: impl FnMut(&[u8], &[u8]),
    ) -> u64 {
        let now_ms = past(now);
        self.keyspace.scan(DB, cursor, count, &mut |entry| {
            if let Some((key, value)) = live(&entry, now_ms) {
                visit(key, value);
            }
        })
    }

    fn entry(&self, now: Now, key: &[u8]) -> Option<Entry<'_>> {
        self.keyspace.get(DB, key).filter(|entry| !entry.is_expired(past(now)))
    }
}

/// Changes.
impl Cache {
    /// Sets a key to a value, for good, whatever was there before.
    ///
    /// # Errors
    /// The entry is too large, or no other may make room. Then nothing is written.
    pub fn set(
        &mut self,
        now: Now,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Result<(), Error> {
        self.put(now, key.as_ref(), value.as_ref(), None)
    }

    /// As [`set`](Self::set), for a time: parts of a millisecond count as a whole one.
    ///
    /// # Errors
    /// As those of `set`.
    pub fn set_with_ttl(
        &mut self,
        now: Now,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
        ttl: Duration,
    ) -> Result<(), Error> {
        self.put(now, key.as_ref(), value.as_ref(), Some(ttl))
    }

    /// Sets a key that isn't there, for a time or (`None`) for good; gives whether it did.
    ///
    /// # Errors
    /// As those of [`set`](Self::set).
    pub fn insert_if_absent(
        &mut self,
        now: Now,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
        ttl: Option<Duration>,
    ) -> Result<bool, Error> {
        let key = key.as_ref();
        if self.contains(now, key) {
            return Ok(false);
        }
        self.put(now, key, value.as_ref(), ttl).map(|()| true)
    }

    /// Changes how long a key has to live (`None`: forever). `false`: it isn't there.
    pub fn set_ttl(&mut self, now: Now, key: impl AsRef<[u8]>, ttl: Option<Duration>) -> bool {
        let probe = self.keyspace.probe(key.as_ref());
        self.find(now, &probe).is_some()
            && self.keyspace.set_expiry(DB, &probe, expires_ms(now, ttl))
    }

    /// Removes a key. `false`: it isn't there.
    pub fn remove(&mut self, now: Now, key: impl AsRef<[u8]>) -> bool {
        let probe = self.keyspace.probe(key.as_ref());
        self.find(now, &probe).is_some() && self.drop_entry(&probe)
    }

    /// Removes all entries. What has been counted stays.
    pub fn clear(&mut self) {
        self.keyspace.flush(DB);
        self.free();
    }

    /// Removes up to `limit` entries whose time has run out, and gives how many it were.
    ///
    /// Nothing needs it: such entries aren't seen, and are the first to make room. It gives memory
    /// back early, and costs nothing where nothing is due.
    pub fn purge_expired(&mut self, now: Now, limit: usize) -> usize {
        if self.keyspace.volatile_len(DB) == 0 {
            return 0;
        }
        let (now_ms, mut purged) = (past(now), 0);
        // It may look at so many in vain that it pauses for breath.
        while purged == 0 && limit > 0 && self.keyspace.next_expiry().is_some_and(|at| at <= now_ms)
        {
            purged = self.keyspace.take_expired(now_ms, limit).len();
        }
        self.stats.expirations += purged as u64;
        self.free();
        purged
    }

    /// Where a key is, removing it first when its time has run out.
    fn find(&mut self, now: Now, probe: &Probe<'_>) -> Option<Found> {
        let found = self.keyspace.locate(DB, probe)?;
        if !self.keyspace.at(DB, found).is_expired(past(now)) {
            return Some(found);
        }
        self.stats.expirations += 1;
        self.drop_entry(probe);
        None
    }

    fn put(
        &mut self,
        now: Now,
        key: &[u8],
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<(), Error> {
        let bytes = key.len() as u64 + value.len() as u64;
        let limit = self.max_bytes.min(ENTRY_LIMIT);
        if bytes > limit {
            return Err(Error::TooLarge { bytes, limit });
        }
        let probe = self.keyspace.probe(key);
        let found = self.find(now, &probe);
        let old = found.and_then(|found| self.keyspace.at(DB, found).as_string());
        let more = bytes - old.map_or(0, |old| bytes.min((key.len() + old.len()) as u64));
        let mut is_new = found.is_none();
        if !is_new {
            self.note_use(now, &probe);
        }
        if more > 0 {
            is_new |= self.make_room(now, key, more, bytes)?;
        }
        let hash = (is_new && self.is_limited()).then_some(probe.hash);
        let fresh = self.evictor.fresh(&self.keyspace, hash, Moment { config: &self.config, now });
        let content = Content::Bytes(Kind::String, value);
        self.keyspace.put(DB, &probe, content, expires_ms(now, ttl), fresh);
        self.free();
        Ok(())
    }

    /// Lets entries go until there is room for `more` bytes, or for `whole` if `key` was among them;
    /// gives whether it was.
    fn make_room(&mut self, now: Now, key: &[u8], more: u64, whole: u64) -> Result<bool, Error> {
        let mut gone = false;
        loop {
            let more = if gone { whole } else { more };
            if self.used_bytes().saturating_add(more) <= self.max_bytes {
                return Ok(gone);
            }
            if self.purge_expired(now, PURGE) > 0 {
                continue;
            }
            let Cache { keyspace, evictor, config, random, .. } = &mut *self;
            let Some(victim) = evictor.victim(keyspace, Moment { config, now }, random) else {
                return Err(Error::OutOfMemory { used: self.used_bytes(), limit: self.max_bytes });
            };
            gone |= victim.key == key;
            self.stats.evictions += 1;
            self.drop_entry(&self.keyspace.probe(&victim.key));
        }
    }

    fn is_limited(&self) -> bool {
        self.max_bytes != u64::MAX
    }

    /// Updates what eviction knows of a key's use.
    fn note_use(&mut self, now: Now, probe: &Probe<'_>) {
        if !self.is_limited() {
            return;
        }
        let Cache { keyspace, evictor, config, random, .. } = &mut *self;
        let at = Moment { config, now };
        keyspace.touch(DB, probe, |access| evictor.touched(access, probe.hash, at, random));
    }

    fn drop_entry(&mut self, probe: &Probe<'_>) -> bool {
        let there = self.keyspace.remove(DB, probe);
        self.free();
        there
    }

    /// Frees what is too large to be freed in a turn of a node's: here nobody else waits.
    fn free(&mut self) {
        while self.keyspace.pending_frees() > 0 {
            self.keyspace.free_some();
        }
    }
}

/// When what lives so long expires, in wall milliseconds.
fn expires_ms(now: Now, ttl: Option<Duration>) -> Option<u64> {
    let ms = u64::try_from(ttl?.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
    Some(now.wall_ms().saturating_add(ms).min(LATEST_MS))
}

/// What a keyspace takes for the time. There a key lives through the millisecond at which it expires,
/// as Redis has it; here no entry is seen for longer than it was set for.
fn past(now: Now) -> u64 {
    now.wall_ms().saturating_add(1)
}

fn live<'a>(entry: &Entry<'a>, now_ms: u64) -> Option<(&'a [u8], &'a [u8])> {
    if entry.is_expired(now_ms) {
        return None;
    }
    Some((entry.key(), entry.as_string()?))
}
