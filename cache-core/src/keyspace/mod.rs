//! Where the keys are: databases, and in each the entries by cluster slot and hash.
//!
//! A clone shares everything and copies what either side writes to afterwards. Enumeration follows
//! an order of the keyspace's own. What must never be here: a command, a connection, an effect.

#[doc(hidden)]
pub mod adaptive;
mod entry;
mod evict;
mod expired;
pub(crate) mod fields;
pub(crate) mod indexed;
mod packed;
mod trash;
mod visit;

pub use entry::Entry;
pub(crate) use evict::{Evictor, Moment, Victim, idle_secs, loaded_access, use_count};
pub(crate) use expired::{Expired, ExpiredParts};
pub(crate) use packed::{Content, Found, Kind, Probe, Shared, Step, Walk};

use crate::hash::HashSeed;
use crate::random::Random;
use crate::types::{Data, LONG};
use adaptive::Candidate;
use alloc::vec::Vec;
use packed::{Place, Removed, Store};
use trash::Trash;

/// All databases of a node.
#[derive(Clone, Debug)]
pub struct Keyspace {
    dbs: Vec<Store>,
    seed: HashSeed,
    /// How many stores there have been.
    stores: u32,
    trash: Trash,
    /// Bytes accounted for all entries.
    used: u64,
}

/// What is there.
impl Keyspace {
    pub(crate) fn new(databases: usize, seed: HashSeed) -> Self {
        let stores = databases as u32;
        let dbs = (1..=stores).map(|number| Store::new(seed, number)).collect();
        Keyspace { dbs, seed, stores, trash: Trash::default(), used: 0 }
    }

    /// An empty one that may take this one's place.
    #[allow(dead_code)]
    pub(crate) fn fresh(&self) -> Self {
        let first = self.stores.wrapping_add(1);
        let stores = first.wrapping_add(self.databases() - 1);
        let numbers = (0..self.databases()).map(|i| first.wrapping_add(i));
        let dbs = numbers.map(|number| Store::new(self.seed, number)).collect();
        Keyspace { dbs, seed: self.seed, stores, trash: Trash::default(), used: 0 }
    }

    /// What hashes are made with.
    pub(crate) fn seed(&self) -> HashSeed {
        self.seed
    }

    /// How many databases there are.
    pub fn databases(&self) -> u32 {
        self.dbs.len() as u32
    }

    /// How many keys a database holds, expired ones that nobody met yet included.
    pub fn len(&self, db: u32) -> usize {
        self.dbs[db as usize].len()
    }

    /// How many keys all databases hold.
    pub(crate) fn total_len(&self) -> u64 {
        self.dbs.iter().map(|db| db.len() as u64).sum()
    }

    /// Whether no database holds a key.
    pub fn is_empty(&self) -> bool {
        self.dbs.iter().all(|db| db.len() == 0)
    }

    /// How many keys of a database have a TTL.
    pub fn volatile_len(&self, db: u32) -> usize {
        self.dbs[db as usize].volatile_len()
    }

    /// Bytes accounted for all entries: the same on every platform.
    pub fn used_bytes(&self) -> u64 {
        self.used
    }

    /// Bytes of pages that hold no entry yet.
    pub fn slack_bytes(&self) -> u64 {
        self.dbs.iter().map(Store::slack).sum()
    }

    /// A key with what it takes to find it, in this keyspace alone.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(crate) fn probe<'k>(&self, key: &'k [u8]) -> Probe<'k> {
        Probe::new(self.seed, key)
    }

    /// A key's entry, whether or not its time has run out.
    pub fn get(&self, db: u32, key: &[u8]) -> Option<Entry<'_>> {
        self.find(db, &self.probe(key))
    }

    /// Where a key's entry is, until something is added, removed or made longer.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(crate) fn locate(&self, db: u32, probe: &Probe<'_>) -> Option<Found> {
        self.dbs[db as usize].find(probe)
    }

    /// As [`locate`](Self::locate), with the entry.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(crate) fn look_up(&self, db: u32, probe: &Probe<'_>) -> Option<(Found, Entry<'_>)> {
        let store = &self.dbs[db as usize];
        store.look_up(probe).map(|(found, record)| (found, Entry::new(store, record)))
    }

    /// The entry at a place.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(crate) fn at(&self, db: u32, found: Found) -> Entry<'_> {
        let store = &self.dbs[db as usize];
        Entry::new(store, store.found(found))
    }

    /// As [`get`](Self::get), by a probe.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(crate) fn find(&self, db: u32, probe: &Probe<'_>) -> Option<Entry<'_>> {
        let store = &self.dbs[db as usize];
        store.get(probe).map(|record| Entry::new(store, record))
    }

    /// Starts to fetch what finding these keys will read, and notes where they seem to be.
    pub(crate) fn prefetch(&self, db: u32, probes: &mut [Probe<'_>], to_write: bool) {
        self.dbs[db as usize].prefetch(probes, to_write);
    }

    /// Starts to fetch what finding these names below a key will read, if its value is large.
    pub(crate) fn prefetch_below<'k>(
        &self,
        db: u32,
        probe: &Probe<'_>,
        names: impl Iterator<Item = &'k [u8]>,
        to_write: bool,
    ) {
        let found = self.locate(db, probe);
        if let Some(fields) = found.and_then(|found| self.at(db, found).value().fields()) {
            fields.prefetch(names, to_write);
        }
    }

    /// How many keys of a database have values of which a part expires.
    pub(crate) fn timed_len(&self, db: u32) -> usize {
        self.dbs[db as usize].timed_len()
    }

    /// When the first key, or the first part of a value, expires (wall milliseconds).
    pub(crate) fn next_expiry(&self) -> Option<u64> {
        self.dbs.iter().filter_map(Store::next_expiry).min()
    }

    /// A digest of all keys, values and expiries, whatever the order they came in.
    pub fn digest(&self) -> u128 {
        let fixed = [HashSeed::new(1, 2), HashSeed::new(3, 4)];
        let mut bytes = Vec::new();
        let mut sums = [0u64; 2];
        for db in 0..self.databases() {
            for entry in self.iter(db) {
                bytes.clear();
                bytes.extend_from_slice(&db.to_le_bytes());
                bytes.extend_from_slice(&entry.expires_at().unwrap_or(0).to_le_bytes());
                bytes.extend_from_slice(&(entry.key().len() as u64).to_le_bytes());
                bytes.extend_from_slice(entry.key());
                entry.value().digest_into(&mut bytes);
                for (sum, seed) in sums.iter_mut().zip(fixed) {
                    *sum = sum.wrapping_add(seed.hash(&bytes));
                }
            }
        }
        u128::from(sums[0]) << 64 | u128::from(sums[1])
    }
}

/// Changes.
impl Keyspace {
    /// Changes a database and accounts for it.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn change<R>(&mut self, db: u32, change: impl FnOnce(&mut Store) -> R) -> R {
        let store = &mut self.dbs[db as usize];
        let before = store.used();
        let result = change(store);
        self.used = self.used - before + store.used();
        result
    }

    /// The access bits of a key that was found.
    pub(crate) fn access(&self, db: u32, probe: &Probe<'_>, found: Found) -> u32 {
        self.dbs[db as usize].access(probe, found)
    }

    /// Changes a key's access bits.
    ///
    /// What a clone shares is copied for it as for any write. Left out, what is evicted later would
    /// depend on whether there has been a clone.
    pub(crate) fn touch(&mut self, db: u32, probe: &Probe<'_>, access: impl FnOnce(u32) -> u32) {
        self.dbs[db as usize].touch(probe, access);
    }

    /// Sets a key to a value, whatever was there before. `fresh` are the access bits of a new one.
    pub(crate) fn put(
        &mut self,
        db: u32,
        probe: &Probe<'_>,
        content: Content<'_>,
        expires_ms: Option<u64>,
        fresh: u32,
    ) {
        let content = match content {
            Content::Bytes(Kind::String, bytes) if bytes.len() > LONG => {
                Content::Object(Data::String(bytes.to_vec()))
            }
            content => content,
        };
        let removed = self.change(db, |store| store.put(probe, content, expires_ms, fresh));
        self.trash.take(removed);
    }

    /// Changes a value that was found. `None`: it isn't there.
    pub(crate) fn edit<R>(
        &mut self,
        db: u32,
        probe: &Probe<'_>,
        found: Found,
        change: impl FnOnce(&mut Data) -> R,
    ) -> Option<R> {
        self.change(db, |store| store.edit_found(probe, found, change))
    }

    /// Gives a string's bytes, `len` of them, to write to; those beyond the old end are 0. `None`:
    /// there is no such key, or no such memory.
    pub(crate) fn resize(&mut self, db: u32, probe: &Probe<'_>, len: usize) -> Option<&mut [u8]> {
        self.change(db, |store| store.resize(probe, len))?;
        self.dbs[db as usize].string_mut(probe)
    }

    /// Changes when a key expires (wall milliseconds; `None` never). `false`: no such key.
    pub(crate) fn set_expiry(&mut self, db: u32, probe: &Probe<'_>, at_ms: Option<u64>) -> bool {
        self.change(db, |store| store.set_expiry(probe, at_ms))
    }

    /// Removes a key. `false`: it isn't there.
    pub(crate) fn remove(&mut self, db: u32, probe: &Probe<'_>) -> bool {
        let removed = self.change(db, |store| store.remove(probe));
        let there = removed.is_some();
        self.trash.take(removed.unwrap_or_default());
        there
    }

    /// Removes a key and gives its value and when it would have expired.
    pub(crate) fn take(&mut self, db: u32, probe: &Probe<'_>) -> Option<(Data, Option<u64>)> {
        let record = self.dbs[db as usize].get(probe)?;
        let expires_at = record.expires_ms();
        let small = (record.kind() != Kind::Object)
            .then(|| Data::from_bytes(record.kind(), record.value(), self.seed));
        let Removed { alone, object } = self.change(db, |store| store.remove(probe))?;
        self.trash.take(Removed { alone, object: None });
        // A large form is moved and not copied.
        let data = small.or_else(|| object.map(Shared::into_inner))?;
        Some((data, expires_at))
    }

    /// Removes all keys of a database and gives how many there were.
    pub(crate) fn flush(&mut self, db: u32) -> usize {
        self.stores = self.stores.wrapping_add(1);
        let new = Store::new(self.seed, self.stores);
        let old = core::mem::replace(&mut self.dbs[db as usize], new);
        let len = old.len();
        self.used -= old.used();
        self.trash.take_store(old);
        len
    }

    /// Exchanges two databases.
    pub(crate) fn swap(&mut self, a: u32, b: u32) {
        self.dbs.swap(a as usize, b as usize);
    }

    /// Frees a value that is no key's any more, by and by if it is large.
    pub(crate) fn discard(&mut self, data: Data) {
        self.trash.take(Removed { alone: None, object: Some(Shared::new(data)) });
    }

    /// Frees what a clone has and this one has not, by and by.
    pub(crate) fn discard_clone(&mut self, clone: Keyspace) {
        clone.dbs.into_iter().for_each(|store| self.trash.take_clone(store));
    }

    /// An empty keyspace for data that are to take the place of these by [`replace`](Self::replace).
    pub(crate) fn beside(&self) -> Keyspace {
        let (first, len) = (self.stores, self.databases());
        let dbs = (1..=len).map(|n| Store::new(self.seed, first.wrapping_add(n))).collect();
        let stores = first.wrapping_add(len);
        Keyspace { dbs, seed: self.seed, stores, trash: Trash::default(), used: 0 }
    }

    /// Puts another's data in the place of these, which are freed by and by.
    pub(crate) fn replace(&mut self, other: Keyspace) {
        let old = core::mem::replace(&mut self.dbs, other.dbs);
        self.used = other.used;
        self.stores = self.stores.max(other.stores);
        old.into_iter().for_each(|store| self.trash.take_store(store));
    }

    /// How many things that were removed are still to be freed.
    pub(crate) fn pending_frees(&self) -> usize {
        self.trash.len()
    }

    /// Frees a part of what was removed and was too large to be freed at once.
    pub(crate) fn free_some(&mut self) {
        self.trash.free_some(self.used);
    }
}

/// Chance.
impl Keyspace {
    /// A key chosen evenly among all of a database, or by chance among those with a TTL, with its
    /// access bits.
    pub(crate) fn random(
        &mut self,
        db: u32,
        volatile: bool,
        random: &mut Random,
    ) -> Option<(Entry<'_>, u32)> {
        /// Draws before giving up on meeting one of few volatile keys by chance.
        const DRAWS: usize = 8;
        let store = &mut self.dbs[db as usize];
        if store.len() == 0 || volatile && store.volatile_len() == 0 {
            return None;
        }
        for _ in 0..DRAWS {
            let nth = random.below(store.len() as u64) as usize;
            let expires = store.nth(nth).is_some_and(|(record, _)| record.expires_ms().is_some());
            if !volatile || expires {
                let (record, access) = store.nth(nth)?;
                return Some((Entry::new(store, record), access));
            }
        }
        let place = store.volatile_near(random)?;
        let (record, access) = store.at(place);
        Some((Entry::new(store, record), access))
    }

    /// A database chosen by how many keys it has, all of them or those with a TTL.
    pub(crate) fn random_database(&self, volatile: bool, random: &mut Random) -> Option<u32> {
        let count = |db: &Store| if volatile { db.volatile_len() } else { db.len() } as u64;
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
}

/// Leaves: the few keys that lie together, named by a database and a path that leads there.
impl Keyspace {
    fn leaf_len(&self, (db, path): (u32, u64)) -> u64 {
        self.dbs[db as usize].leaf_len(path)
    }

    /// The leaf behind, of the next database behind the last; the first behind all.
    fn next_leaf(&self, (db, path): (u32, u64)) -> (u32, u64) {
        match self.dbs[db as usize].next_leaf(path) {
            Some(path) => (db, path),
            None => ((db + 1) % self.databases(), 0),
        }
    }

    /// The keys of a leaf that may be evicted, each with its place there.
    fn candidates(
        &self,
        (db, path): (u32, u64),
        volatile: bool,
    ) -> impl Iterator<Item = (usize, Candidate)> {
        let candidates = self.dbs[db as usize].candidates(path);
        candidates.filter(move |(_, candidate)| !volatile || candidate.expires.is_some())
    }

    fn entry_in_leaf(&self, (db, path): (u32, u64), at: usize) -> (Entry<'_>, u32) {
        let store = &self.dbs[db as usize];
        let (record, access) = store.at(Place { path, at });
        (Entry::new(store, record), access)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn address(keyspace: &Keyspace, key: &[u8]) -> Option<*const u8> {
        Some(keyspace.get(0, key)?.as_string()?.as_ptr())
    }

    #[test]
    fn a_long_string_is_moved_to_another_key_and_not_copied() {
        let mut keyspace = Keyspace::new(1, HashSeed::new(1, 2));
        let (from, to) = (keyspace.probe(b"from"), keyspace.probe(b"to"));
        let long = vec![b'x'; LONG + 1];
        keyspace.put(0, &to, Content::Bytes(Kind::String, &long), None, 0);
        // Both ways in which a string becomes long.
        for grows in [false, true] {
            let start = &long[..if grows { 5 } else { long.len() }];
            keyspace.put(0, &from, Content::Bytes(Kind::String, start), Some(7), 0);
            assert!(keyspace.resize(0, &from, long.len()).is_some());
            let before = address(&keyspace, b"from");
            assert!(before.is_some());
            let (data, expires_at) = keyspace.take(0, &from).expect("it is there");
            assert_eq!((data.size(), expires_at), (long.len() as u64, Some(7)));
            keyspace.put(0, &to, Content::Object(data), expires_at, 0);
            assert_eq!((address(&keyspace, b"to"), address(&keyspace, b"from")), (before, None));
        }
        assert!(keyspace.remove(0, &to));
        assert_eq!(keyspace.used_bytes(), 0);
    }
}
