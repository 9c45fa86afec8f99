//! Where the keys are: databases, cut by cluster slot, cut into segments.
//!
//! A clone shares everything and copies what either side writes to afterwards. Enumeration follows
//! an order of the keyspace's own. What must never be here: a command, a connection, an effect.

mod db;
mod entry;
mod evict;
pub(crate) mod indexed;
pub(crate) mod segments;

pub use entry::Entry;
pub(crate) use evict::{fresh_access, touch_access, victim};

use crate::hash::{HashSeed, SLOTS, slot_of};
use crate::random::Random;
use crate::types::Data;
use alloc::vec::Vec;
use db::{Db, GROUP, slot_mut};
use segments::Segments;

/// One cluster slot's entries.
type Slot = Segments<Entry>;

/// All databases of a node.
#[derive(Clone, Debug)]
pub struct Keyspace {
    dbs: Vec<Db>,
    seed: HashSeed,
}

impl Keyspace {
    pub(crate) fn new(databases: usize, seed: HashSeed) -> Self {
        Keyspace { dbs: alloc::vec![Db::default(); databases], seed }
    }

    /// How many databases there are.
    pub fn databases(&self) -> u32 {
        self.dbs.len() as u32
    }

    /// How many keys a database holds, expired ones that nobody met yet included.
    pub fn len(&self, db: u32) -> usize {
        self.dbs[db as usize].len
    }

    /// Whether no database holds a key.
    pub fn is_empty(&self) -> bool {
        self.dbs.iter().all(|db| db.len == 0)
    }

    /// How many keys of a database have a TTL.
    pub fn volatile_len(&self, db: u32) -> usize {
        self.dbs[db as usize].volatile
    }

    /// Bytes accounted for all entries: the same on every platform.
    pub fn used_bytes(&self) -> u64 {
        self.dbs.iter().map(|db| db.used).sum()
    }

    /// A key's entry, whether or not its time has run out.
    pub fn get(&self, db: u32, key: &[u8]) -> Option<&Entry> {
        self.dbs[db as usize].slot(slot_of(key))?.get(self.seed.hash(key), key)
    }

    /// A key's entry to change in place. Its expiry is changed by [`set_expiry`](Self::set_expiry).
    pub(crate) fn edit(&mut self, db: u32, key: &[u8]) -> Option<Edit<'_>> {
        let hash = self.seed.hash(key);
        let Db { groups, used, .. } = &mut self.dbs[db as usize];
        let entry = slot_mut(groups, slot_of(key))?.get_mut(hash, key)?;
        Some(Edit { before: entry.size(), used, entry })
    }

    /// Changes a key's access bits.
    ///
    /// What a clone shares is copied for it as for any write. Left out, what is evicted later would
    /// depend on whether there has been a clone.
    pub(crate) fn touch(&mut self, db: u32, key: &[u8], access: impl FnOnce(u32) -> u32) {
        let Some(before) = self.get(db, key).map(|entry| entry.access) else { return };
        let after = access(before);
        // Most uses change nothing: a key is used often in the same second.
        if after == before {
            return;
        }
        let hash = self.seed.hash(key);
        let entry = slot_mut(&mut self.dbs[db as usize].groups, slot_of(key))
            .and_then(|slot| slot.get_mut(hash, key));
        if let Some(entry) = entry {
            entry.access = after;
        }
    }

    /// Sets a key to a value, whatever was there before. `access` makes the access bits from those of
    /// what was there.
    pub(crate) fn put(
        &mut self,
        db: u32,
        key: &[u8],
        data: Data,
        expires_ms: Option<u64>,
        access: impl FnOnce(Option<u32>) -> u32,
    ) {
        let old = self.remove(db, key);
        let hash = self.seed.hash(key);
        let mut entry = Entry::new(key, hash, data);
        entry.access = access(old.map(|old| old.access));
        let db = &mut self.dbs[db as usize];
        db.insert(slot_of(key), hash, entry);
        if expires_ms.is_some() {
            db.set_expiry(slot_of(key), hash, key, expires_ms);
        }
    }

    /// Changes when a key expires (wall milliseconds; `None` never). `false`: no such key.
    pub(crate) fn set_expiry(&mut self, db: u32, key: &[u8], at_ms: Option<u64>) -> bool {
        self.dbs[db as usize].set_expiry(slot_of(key), self.seed.hash(key), key, at_ms)
    }

    /// Removes a key.
    pub(crate) fn remove(&mut self, db: u32, key: &[u8]) -> Option<Entry> {
        self.dbs[db as usize].remove(slot_of(key), self.seed.hash(key), key)
    }

    /// Removes all keys of a database and gives how many there were.
    pub(crate) fn flush(&mut self, db: u32) -> usize {
        core::mem::take(&mut self.dbs[db as usize]).len
    }

    /// Exchanges two databases.
    pub(crate) fn swap(&mut self, a: u32, b: u32) {
        self.dbs.swap(a as usize, b as usize);
    }

    /// A key chosen evenly among all of a database, or by chance among those with a TTL.
    pub(crate) fn random(&self, db: u32, volatile: bool, random: &mut Random) -> Option<&Entry> {
        let db = &self.dbs[db as usize];
        if volatile && db.volatile == 0 {
            return None;
        }
        /// Draws before giving up on meeting one of few volatile keys by chance.
        const DRAWS: usize = 8;
        for _ in 0..DRAWS {
            let entry = db.choose(random)?;
            if !volatile || entry.expires_at().is_some() {
                return Some(entry);
            }
        }
        db.volatile_near(random)
    }

    /// A database chosen by how many keys it has, all of them or those with a TTL.
    pub(crate) fn random_database(&self, volatile: bool, random: &mut Random) -> Option<u32> {
        let count = |db: &Db| if volatile { db.volatile } else { db.len } as u64;
        let all: u64 = self.dbs.iter().map(count).sum();
        if all == 0 {
            return None;
        }
        let mut at = random.below(all);
        self.dbs
            .iter()
            .position(|db| {
                let here = at < count(db);
                at = at.saturating_sub(count(db));
                here
            })
            .map(|i| i as u32)
    }

    /// Visits keys from a cursor on, about `count` of them, and gives the cursor to go on with; 0
    /// is both the first and the last.
    ///
    /// Keys have a fixed order (slot, then hash), so that a key that is there throughout is visited
    /// exactly once, whatever is added, removed or grown in between.
    pub fn scan<'a>(
        &'a self,
        db: u32,
        cursor: u64,
        count: usize,
        visit: &mut dyn FnMut(&'a Entry),
    ) -> u64 {
        let db = &self.dbs[db as usize];
        let mut left = count.max(1);
        let mut slot = (cursor >> 32) as usize;
        let mut from = cursor as u32;
        while slot < SLOTS as usize {
            let Some(group) = db.groups.get(slot / GROUP).and_then(Option::as_ref) else {
                slot = (slot / GROUP + 1) * GROUP;
                from = 0;
                continue;
            };
            if let Some(entries) = &group.slots[slot % GROUP]
                && entries.len() > 0
            {
                if left == 0 {
                    return (slot as u64) << 32;
                }
                let mut visited = 0;
                let next = entries.scan(from, left, &mut |entry| {
                    visited += 1;
                    visit(entry);
                });
                if let Some(place) = next {
                    return (slot as u64) << 32 | u64::from(place);
                }
                left = left.saturating_sub(visited);
            }
            slot += 1;
            from = 0;
        }
        0
    }

    /// All entries of a database, in an order of the keyspace's own.
    pub fn iter(&self, db: u32) -> impl Iterator<Item = &Entry> {
        self.dbs[db as usize].iter()
    }

    /// All entries of one slot of a database.
    pub fn slot_entries(&self, db: u32, slot: u16) -> impl Iterator<Item = &Entry> {
        self.dbs[db as usize].slot(slot).into_iter().flat_map(Slot::iter)
    }

    /// The earliest moment (wall milliseconds) at which some key may expire.
    pub(crate) fn next_expiry(&self) -> Option<u64> {
        self.dbs.iter().filter_map(|db| db.earliest).min()
    }

    /// Removes up to `limit` expired entries and gives them, each with its database.
    pub(crate) fn take_expired(&mut self, now_ms: u64, limit: usize) -> Vec<(u32, Entry)> {
        let mut all = Vec::new();
        for (i, db) in self.dbs.iter_mut().enumerate() {
            if db.earliest.is_some_and(|at| at <= now_ms) && all.len() < limit {
                let mut taken = Vec::new();
                db.take_expired(now_ms, limit - all.len(), &mut taken);
                all.extend(taken.into_iter().map(|entry| (i as u32, entry)));
            }
        }
        all
    }

    /// A digest of all keys, values and expiries, whatever the order they came in.
    pub fn digest(&self) -> u128 {
        let fixed = [HashSeed::new(1, 2), HashSeed::new(3, 4)];
        let mut bytes = Vec::new();
        let mut sums = [0u64; 2];
        for (i, db) in self.dbs.iter().enumerate() {
            for entry in db.iter() {
                bytes.clear();
                bytes.extend_from_slice(&(i as u32).to_le_bytes());
                bytes.extend_from_slice(&entry.expires_at().unwrap_or(0).to_le_bytes());
                bytes.extend_from_slice(&(entry.key().len() as u64).to_le_bytes());
                bytes.extend_from_slice(entry.key());
                entry.data.digest_into(&mut bytes);
                for (sum, seed) in sums.iter_mut().zip(fixed) {
                    *sum = sum.wrapping_add(seed.hash(&bytes));
                }
            }
        }
        u128::from(sums[0]) << 64 | u128::from(sums[1])
    }
}

/// An entry being changed; its new size is accounted for when this is dropped.
pub(crate) struct Edit<'a> {
    entry: &'a mut Entry,
    before: u64,
    used: &'a mut u64,
}

impl Edit<'_> {
    pub(crate) fn data(&mut self) -> &mut Data {
        &mut self.entry.data
    }
}

impl Drop for Edit<'_> {
    fn drop(&mut self) {
        *self.used = *self.used - self.before + self.entry.size();
    }
}
