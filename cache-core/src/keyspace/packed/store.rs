//! One database's entries: the way to them, their records, and what is too large for a record.

mod ahead;
#[cfg(test)]
mod crafted;
mod due;
#[cfg(test)]
mod model;
mod place;
#[cfg(test)]
mod tests;
mod walk;

pub(crate) use due::DueParts;
pub(crate) use walk::{Step, Walk};

use super::dir::Due;
use super::leaf::{Item, Keeps};
use super::probe::{Found, Paths, Probe};
use super::record::{self, Kind, Parts, Record};
use super::shared::Shared;
use super::slabs::{Handle, Slabs, Slot};
use super::table::Table;
use super::trie::Trie;
use crate::hash::HashSeed;
use crate::types::{Data, Value};
use alloc::vec::Vec;
use due::due_of;

/// The bit of a handle that says that the record lies alone.
const ALONE: Handle = 1 << 31;
/// Bytes accounted for a record that lies alone and for an object, beyond their own.
const ALONE_OVERHEAD: u64 = 48;

/// Bits of a version that count changes; those above tell stores apart.
const VERSION_BITS: u32 = 40;

/// A database's entries.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    seed: HashSeed,
    paths: Paths,
    /// Another one when entries take other places in their leaves, or a record that somebody may have
    /// seen lies elsewhere with its key still in the old place; never 0, which is nobody's.
    version: u64,
    trie: Trie,
    slabs: Slabs,
    /// Records that are too long for a slab.
    alone: Table<Shared<Vec<u8>>>,
    objects: Table<Shared<Data>>,
    /// Bytes accounted for `alone` and `objects`.
    large: u64,
    len: usize,
    volatile: usize,
    /// Keys whose values have parts that expire.
    timed: usize,
}

/// What is to be stored under a key.
#[derive(Debug)]
pub(crate) enum Content<'a> {
    /// A value that is one run of bytes.
    Bytes(Kind, &'a [u8]),
    /// A value in its large form.
    Object(Data),
}

impl Content<'_> {
    /// When the first part of it expires (wall milliseconds).
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn first_expiry(&self, seed: HashSeed) -> Option<u64> {
        match self {
            Content::Bytes(Kind::String, _) => None,
            Content::Bytes(kind, bytes) => Value::from_bytes(*kind, bytes, seed).first_expiry(),
            Content::Object(data) => data.value().first_expiry(),
        }
    }
}

/// What was under a key that is gone, where it was too large to be dropped by the way.
#[derive(Debug, Default)]
pub(crate) struct Removed {
    pub(crate) alone: Option<Shared<Vec<u8>>>,
    pub(crate) object: Option<Shared<Data>>,
}

/// A place in a leaf, until something is added or removed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) path: u64,
    pub(crate) at: usize,
}

/// What is there.
impl Store {
    /// `number` is another one for each store of a keyspace, from 1 on.
    pub(crate) fn new(seed: HashSeed, number: u32) -> Self {
        Store {
            seed,
            paths: Paths::Slots,
            // Counted from 1: the number's upper bits don't fit.
            version: u64::from(number) << VERSION_BITS | 1,
            trie: Trie::new(Keeps::Access),
            slabs: Slabs::with_holes(),
            alone: Table::default(),
            objects: Table::default(),
            large: 0,
            len: 0,
            volatile: 0,
            timed: 0,
        }
    }

    /// A store for what lies below one key.
    pub(crate) fn below_a_key(seed: HashSeed) -> Self {
        let trie = Trie::new(Keeps::Nothing);
        Store { paths: Paths::Hashes, trie, ..Store::new(seed, 0) }
    }

    pub(crate) fn seed(&self) -> HashSeed {
        self.seed
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// How many keys have a TTL.
    pub(crate) fn volatile_len(&self) -> usize {
        self.volatile
    }

    /// How many keys have values of which a part expires.
    pub(crate) fn timed_len(&self) -> usize {
        self.timed
    }

    /// Bytes accounted for all entries: the same on every platform.
    pub(crate) fn used(&self) -> u64 {
        self.trie.size() + self.slabs.used() + self.large
    }

    /// Bytes of pages that hold nothing yet.
    pub(crate) fn slack(&self) -> u64 {
        self.slabs.slack() + self.trie.slack()
    }

    /// The first moment (wall milliseconds) at which a key or a part of a value goes by itself: a key
    /// behind its last, a part in its last.
    pub(crate) fn next_expiry(&self) -> Option<u64> {
        let first = self.trie.first();
        Some(first.key.saturating_add(1).min(first.part)).filter(|&at_ms| at_ms != u64::MAX)
    }

    /// When the first key expires (wall milliseconds).
    pub(crate) fn first_expiry(&self) -> Option<u64> {
        Some(self.trie.first().key).filter(|&at_ms| at_ms != u64::MAX)
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(crate) fn get(&self, probe: &Probe<'_>) -> Option<Record<'_>> {
        self.look_up(probe).map(|(_, record)| record)
    }

    /// A value in its large form, by what the record holds.
    pub(crate) fn object(&self, record: &Record<'_>) -> Option<&Data> {
        self.objects.get(object_number(record.value())).map(|data| &**data)
    }

    /// Where a key's entry is.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(crate) fn find(&self, probe: &Probe<'_>) -> Option<Found> {
        self.look_up(probe).map(|(found, _)| found)
    }

    /// Where a key's entry is, and its record.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(crate) fn look_up(&self, probe: &Probe<'_>) -> Option<(Found, Record<'_>)> {
        if probe.hint.version == self.version {
            // Nothing has been added since.
            let found = probe.hint.seen?;
            let record = self.found(found);
            if record.key() == probe.key {
                return Some((found, record));
            }
        }
        self.search(probe)
    }

    /// The whole way to a key's entry.
    fn search(&self, probe: &Probe<'_>) -> Option<(Found, Record<'_>)> {
        let leaf = self.trie.leaf(probe.path);
        let at = leaf.find(probe.tag(), |handle| self.record(handle).key() == probe.key)?;
        let handle = leaf.handle(at);
        let slot = if handle & ALONE == 0 { self.slabs.slot(handle) } else { Slot::default() };
        let found = Found { at: at as u32, handle, slot };
        Some((found, self.found(found)))
    }

    /// The record of an entry that was found.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(crate) fn found(&self, found: Found) -> Record<'_> {
        match self.slabs.get_at(found.handle, found.slot) {
            Some(bytes) => Record::read(bytes),
            None => self.record(found.handle),
        }
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn record(&self, handle: Handle) -> Record<'_> {
        Record::read(self.slot(handle))
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn slot(&self, handle: Handle) -> &[u8] {
        slot(&self.slabs, &self.alone, handle)
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn slot_mut(&mut self, handle: Handle) -> &mut [u8] {
        if handle & ALONE == 0 {
            return self.slabs.get_mut(handle);
        }
        self.alone.get_mut(handle & !ALONE).map_or(&mut [], |record| record.to_mut())
    }
}

/// Changes.
impl Store {
    /// The access bits of an entry that was found.
    pub(crate) fn access(&self, probe: &Probe<'_>, found: Found) -> u32 {
        self.trie.leaf(probe.path).access(found.at as usize)
    }

    /// Changes a key's access bits.
    pub(crate) fn touch(&mut self, probe: &Probe<'_>, access: impl FnOnce(u32) -> u32) {
        let Some(found) = self.find(probe) else { return };
        let at = found.at as usize;
        let before = self.trie.leaf(probe.path).access(at);
        let after = access(before);
        // Most uses change nothing, and what a clone shares is copied only for a change.
        if after != before {
            let leaf = self.trie.leaf_mut(probe.path);
            leaf.into_iter().for_each(|mut leaf| leaf.set_access(at, after));
        }
    }

    /// Sets a key to a value, whatever was there before. `fresh` are the access bits of a new one.
    pub(crate) fn put(
        &mut self,
        probe: &Probe<'_>,
        content: Content<'_>,
        expires_ms: Option<u64>,
        fresh: u32,
    ) -> Removed {
        // 0 would mean that it has expired in any case; so does 1.
        let expires_ms = expires_ms.map(|at| at.max(1));
        let number;
        let part = content.first_expiry(self.seed);
        let (kind, value) = match content {
            Content::Bytes(kind, bytes) => (kind, bytes),
            Content::Object(data) => {
                number = self.add_object(data).to_le_bytes();
                (Kind::Object, &number[..])
            }
        };
        let parts = Parts { key: probe.key, expires_ms, kind, value };
        let mut old = Due::NEVER;
        let removed = match self.look_up(probe) {
            Some((found, record)) => {
                old = due_of(&record, &self.objects, self.seed);
                let object = object_of(&record);
                let object = object.and_then(|number| self.drop_object(number));
                Removed { alone: self.rewrite(probe.path, found, &parts), object }
            }
            None => {
                self.version += 1;
                let handle = self.write(&parts);
                let item = Item { tag: probe.tag(), handle, access: fresh };
                if self.trie.is_full(probe.path, item.tag) {
                    self.prefetch_all(self.trie.leaf(probe.path));
                }
                let (seed, paths) = (self.seed, self.paths);
                let (slabs, alone) = (&self.slabs, &self.alone);
                let record = |handle| Record::read(slot(slabs, alone, handle));
                let path_of = |handle| paths.probe(seed, record(handle).key()).path;
                let objects = &self.objects;
                let due_of = |handle| due_of(&record(handle), objects, seed);
                self.trie.insert(probe.path, item, path_of, due_of);
                self.len += 1;
                Removed::default()
            }
        };
        self.note_due(probe.path, old, Due::of(expires_ms, part));
        removed
    }

    /// Changes when a key expires (wall milliseconds; `None` never). `false`: no such key.
    pub(crate) fn set_expiry(&mut self, probe: &Probe<'_>, at_ms: Option<u64>) -> bool {
        let Some((found, record)) = self.look_up(probe) else { return false };
        let (handle, old) = (found.handle, record.expires_ms());
        let at_ms = at_ms.map(|at| at.max(1));
        let parts = Parts { expires_ms: at_ms, ..record.parts() };
        // One that lies alone has the room.
        let has_room = handle & ALONE != 0 && place::lies_alone(&parts);
        match (old, at_ms) {
            (None, None) => return true,
            (Some(_), Some(_)) => record::set_expiry(self.slot_mut(handle), at_ms),
            _ if has_room => record::set_expiry(self.slot_mut(handle), at_ms),
            _ => {
                let copy = self.slot(handle).to_vec();
                let parts = Parts { expires_ms: at_ms, ..Record::read(&copy).parts() };
                self.rewrite(probe.path, found, &parts);
            }
        }
        self.note_due(probe.path, Due::of(old, None), Due::of(at_ms, None));
        true
    }

    /// Removes a key. `None`: it isn't there.
    pub(crate) fn remove(&mut self, probe: &Probe<'_>) -> Option<Removed> {
        let found = self.find(probe)?;
        let due = self.due(found.handle);
        let removed = self.remove_found(probe.path, found);
        self.note_no_expiry(probe.path, due, Due::NEVER);
        Some(removed)
    }

    /// Removes a key that was found, and leaves it to the caller to find anew when something of its
    /// leaf expires for the first time.
    fn remove_found(&mut self, path: u64, found: Found) -> Removed {
        self.version += 1;
        self.count_due(self.due(found.handle), Due::NEVER);
        let object = object_of(&self.found(found)).and_then(|number| self.drop_object(number));
        self.trie.remove(path, found.at as usize);
        self.len -= 1;
        Removed { alone: self.free(found.handle), object }
    }

    /// Changes a value in whatever form it is. `None`: there is no such key.
    pub(crate) fn edit<R>(
        &mut self,
        probe: &Probe<'_>,
        change: impl FnOnce(&mut Data) -> R,
    ) -> Option<R> {
        let found = self.find(probe)?;
        self.edit_found(probe, found, change)
    }

    /// As [`edit`](Self::edit), of a key that was found.
    pub(crate) fn edit_found<R>(
        &mut self,
        probe: &Probe<'_>,
        found: Found,
        change: impl FnOnce(&mut Data) -> R,
    ) -> Option<R> {
        let record = self.found(found);
        if record.kind() == Kind::Object {
            let data = self.objects.get_mut(object_number(record.value()))?.to_mut();
            let (before, old) = (data.size(), data.value().first_expiry());
            let result = change(data);
            self.large = self.large - before + data.size();
            let new = data.value().first_expiry();
            self.note_due(probe.path, Due::of(None, old), Due::of(None, new));
            return Some(result);
        }
        let mut data = Data::from_bytes(record.kind(), record.value(), self.seed);
        let (expires_ms, old) = (record.expires_ms(), data.value().first_expiry());
        let result = change(&mut data);
        let new = data.value().first_expiry();
        let parts = Parts { key: probe.key, expires_ms, kind: Kind::Object, value: &[] };
        if let Some((kind, value)) = data.as_bytes() {
            self.rewrite(probe.path, found, &Parts { kind, value, ..parts });
        } else {
            let number = self.add_object(data).to_le_bytes();
            self.rewrite(probe.path, found, &Parts { value: &number, ..parts });
        }
        self.note_due(probe.path, Due::of(None, old), Due::of(None, new));
        Some(result)
    }

    /// Drops some of what is left of a store that nobody uses any more, and gives away what may be
    /// too large to be dropped by the way. `false`: nothing is left.
    pub(crate) fn drop_some(&mut self, mut give: impl FnMut(Removed)) -> bool {
        /// Values of either kind that are given away at once.
        const SOME: usize = 16;
        for i in 0..SOME {
            let removed = Removed { object: self.objects.take_any(), alone: self.alone.take_any() };
            if removed.object.is_none() && removed.alone.is_none() {
                return i > 0 || self.slabs.drop_some() || self.trie.drop_some();
            }
            give(removed);
        }
        true
    }
}

pub(super) fn slot<'a>(
    slabs: &'a Slabs,
    alone: &'a Table<Shared<Vec<u8>>>,
    handle: Handle,
) -> &'a [u8] {
    if handle & ALONE == 0 {
        return slabs.get(handle);
    }
    alone.get(handle & !ALONE).map_or(&[0, 0], |record| record)
}

/// The number of a record's object, if it has one.
fn object_of(record: &Record<'_>) -> Option<u32> {
    (record.kind() == Kind::Object).then(|| object_number(record.value()))
}

pub(super) fn object_number(value: &[u8]) -> u32 {
    value.first_chunk().map_or(u32::MAX, |bytes| u32::from_le_bytes(*bytes))
}
