//! What expires: keys, and parts of values.

use super::{ALONE, Removed, Store, object_number, slot};
use crate::hash::HashSeed;
use crate::keyspace::packed::dir::Due;
use crate::keyspace::packed::leaf::Leaf;
use crate::keyspace::packed::probe::Probe;
use crate::keyspace::packed::record::{Kind, Record};
use crate::keyspace::packed::shared::Shared;
use crate::keyspace::packed::slabs::Handle;
use crate::keyspace::packed::table::Table;
use crate::keyspace::packed::trie::Reached;
use crate::types::{Data, Value};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// What looking through a leaf for what has expired counts, in keys.
const LOOK: usize = 16;

/// Parts of a value whose time has run out and that are gone.
#[derive(Debug, Default)]
pub(crate) struct DueParts {
    pub(crate) names: Vec<Box<[u8]>>,
    /// The key's, if no other parts were left.
    pub(crate) emptied: Option<Removed>,
}

impl Store {
    /// Starts to fetch all records of a leaf, so that the waits for them overlap.
    pub(super) fn prefetch_all(&self, leaf: Leaf<'_>) {
        let handles = || leaf.items().map(|item| item.handle).filter(|handle| handle & ALONE == 0);
        handles().for_each(|handle| self.slabs.prefetch_page(handle));
        handles().for_each(|handle| _ = self.slabs.prefetch(handle, false));
    }

    /// Removes up to `limit` keys that have expired by `now_ms` and gives them: fewer where they lie
    /// in many leaves, since to look through one counts too. There are more as long as
    /// [`next_expiry`](Self::next_expiry) has come.
    pub(crate) fn take_due(&mut self, now_ms: u64, limit: usize) -> Vec<(Box<[u8]>, Removed)> {
        let (mut taken, mut done) = (Vec::new(), 0);
        // What expires now lives through this millisecond.
        while done < limit
            && let Some(path) = self.trie.expiring(0, |first| first.key < now_ms)
        {
            let due = self.due_keys(path, limit - done, |due| due.key < now_ms);
            done += due.len() + LOOK;
            for key in due {
                let probe = self.paths.probe(self.seed, &key);
                if let Some(found) = self.find(&probe) {
                    let removed = self.remove_found(probe.path, found);
                    taken.push((key, removed));
                }
            }
            self.settle_expiry(path);
        }
        taken
    }

    /// Removes about `limit` parts of values at the most that have expired by `now_ms`, and gives them
    /// by keys; a key whose value is empty then goes too. There are more as long as
    /// [`next_expiry`](Self::next_expiry) has come.
    pub(crate) fn take_due_parts(
        &mut self,
        now_ms: u64,
        limit: usize,
    ) -> Vec<(Box<[u8]>, DueParts)> {
        let (mut taken, mut done) = (Vec::new(), 0);
        while done < limit
            && let Some(path) = self.trie.expiring(0, |first| first.part < now_ms)
        {
            done += LOOK;
            for key in self.due_keys(path, limit, |due| due.part < now_ms) {
                let probe = self.paths.probe(self.seed, &key);
                let left = limit.saturating_sub(done).max(1);
                let parts = self.take_parts(&probe, now_ms, left);
                done += 1 + parts.names.len();
                taken.push((key, parts));
                if done >= limit {
                    break;
                }
            }
        }
        taken
    }

    /// Removes expired parts of a value, and the key if its value is empty then.
    fn take_parts(&mut self, probe: &Probe<'_>, now_ms: u64, limit: usize) -> DueParts {
        let take = |data: &mut Data| (data.take_due(now_ms, limit), data.value().is_empty());
        let (names, is_empty) = self.edit(probe, take).unwrap_or_default();
        DueParts { names, emptied: if is_empty { self.remove(probe) } else { None } }
    }

    /// The first keys of a leaf, `limit` at the most, of which `is_due` holds.
    fn due_keys(&self, path: u64, limit: usize, is_due: impl Fn(Due) -> bool) -> Vec<Box<[u8]>> {
        let leaf = self.trie.leaf(path);
        self.prefetch_all(leaf);
        let due = leaf.items().filter(|item| is_due(self.due(item.handle)));
        due.take(limit).map(|item| self.record(item.handle).key().into()).collect()
    }

    /// When a record's key and the first part of its value expire.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn due(&self, handle: Handle) -> Due {
        due_of(&self.record(handle), &self.objects, self.seed)
    }

    /// Takes note that a key of this path, or its value's first part, expires at another time now.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn note_due(&mut self, path: u64, old: Due, new: Due) {
        if old == new {
            return;
        }
        self.count_due(old, new);
        if old.min(new) != old {
            self.trie.note_expiry(path, new);
        }
        self.note_no_expiry(path, old, new);
    }

    pub(super) fn count_due(&mut self, old: Due, new: Due) {
        let count = |at_ms: u64| usize::from(at_ms != u64::MAX);
        self.volatile = self.volatile + count(new.key) - count(old.key);
        self.timed = self.timed + count(new.part) - count(old.part);
    }

    /// Takes note that what was due at this path once is due no longer, or at another time.
    pub(super) fn note_no_expiry(&mut self, path: u64, old: Due, new: Due) {
        if old.key >= new.key && old.part >= new.part {
            return;
        }
        let Reached { leaf, first, .. } = self.trie.reach(path);
        let was_first = (old.key == first.key, old.part == first.part);
        if !(was_first.0 && old.key < new.key || was_first.1 && old.part < new.part) {
            return;
        }
        self.prefetch_all(leaf);
        // Much may expire at the same moment.
        let left = leaf.items().fold(Due::NEVER, |left, item| left.min(self.due(item.handle)));
        if left != first {
            self.settle_expiry(path);
        }
    }

    /// Finds anew when something of a leaf expires for the first time.
    fn settle_expiry(&mut self, path: u64) {
        let (slabs, alone, objects, seed) = (&self.slabs, &self.alone, &self.objects, self.seed);
        self.trie.settle_expiry(path, |handle| {
            due_of(&Record::read(slot(slabs, alone, handle)), objects, seed)
        });
    }
}

/// When a record's key and the first part of its value expire.
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
pub(super) fn due_of(record: &Record<'_>, objects: &Table<Shared<Data>>, seed: HashSeed) -> Due {
    let part = match record.kind() {
        Kind::String => None,
        Kind::Object => {
            objects.get(object_number(record.value())).and_then(|data| data.value().first_expiry())
        }
        kind => Value::from_bytes(kind, record.value(), seed).first_expiry(),
    };
    Due::of(record.expires_ms(), part)
}
