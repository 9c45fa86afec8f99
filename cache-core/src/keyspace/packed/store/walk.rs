//! Going through entries: all of them, those of a slot, those that expire, some by a cursor or by
//! chance.

use super::{ALONE, Place, Removed, Store, slot};
use crate::hash::slot_of;
use crate::keyspace::adaptive::Candidate;
use crate::keyspace::packed::leaf::{Item, Leaf};
use crate::keyspace::packed::probe::first_path;
use crate::keyspace::packed::record::{Kind, Record};
use crate::keyspace::packed::slabs::Handle;
use crate::random::Random;
use alloc::boxed::Box;
use alloc::vec::Vec;

impl Store {
    /// All records, by path.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Record<'_>> {
        self.leaves(0).flat_map(Leaf::items).map(|item| self.record(item.handle))
    }

    /// The records of one cluster slot.
    pub(crate) fn slot_records(&self, slot: u16) -> impl Iterator<Item = Record<'_>> {
        let range = first_path(slot)..=first_path(slot) | (first_path(1) - 1);
        let mut next = Some(*range.start());
        let leaves = core::iter::from_fn(move || {
            let reached = self.trie.reach(next.filter(|path| range.contains(path))?);
            next = reached.next;
            Some(reached.leaf)
        });
        leaves
            .flat_map(Leaf::items)
            .map(|item| self.record(item.handle))
            .filter(move |record| slot_of(record.key()) == slot)
    }

    fn leaves(&self, from: u64) -> impl Iterator<Item = Leaf<'_>> {
        let mut next = Some(from);
        core::iter::from_fn(move || {
            let reached = self.trie.reach(next?);
            next = reached.next;
            Some(reached.leaf)
        })
    }

    /// Visits records from a path on, at least `count` of them if there are, and gives the path to go
    /// on from. Records whose paths differ only in the `blur` last bits are visited together, and no
    /// path within them is given.
    pub(crate) fn scan<'a>(
        &'a self,
        from: u64,
        blur: u32,
        count: usize,
        visit: &mut dyn FnMut(Record<'a>),
    ) -> Option<u64> {
        let (mut visited, mut next, mut last) = (0, Some(from), None);
        while let Some(from) = next {
            let reached = self.trie.reach(from);
            let place =
                |record: &Record<'a>| self.paths.probe(self.seed, record.key()).path >> blur;
            let mut due: Vec<(u64, Record<'a>)> = reached
                .leaf
                .items()
                .map(|item| self.record(item.handle))
                .map(|record| (place(&record), record))
                .filter(|&(place, _)| place >= from >> blur)
                .collect();
            sort_by_place(&mut due);
            for (place, record) in due {
                if visited >= count && last != Some(place) {
                    return Some(place << blur);
                }
                last = Some(place);
                visited += 1;
                visit(record);
            }
            next = reached.next;
        }
        None
    }

    /// The record that comes after `skip` others, with its access bits.
    pub(crate) fn nth(&self, skip: usize) -> Option<(Record<'_>, u32)> {
        let (leaf, at) = self.trie.nth(skip)?;
        Some((self.record(leaf.handle(at)), leaf.access(at)))
    }

    /// Where some record lies that expires, near a path chosen by chance.
    pub(crate) fn volatile_near(&self, random: &mut Random) -> Option<Place> {
        let path = self.trie.expiring(random.next_u64(), u64::MAX - 1)?;
        let leaf = self.trie.leaf(path);
        let expires = |&i: &usize| self.record(leaf.handle(i)).expires_ms().is_some();
        let from = random.below(leaf.len().max(1) as u64) as usize;
        let at = (from..leaf.len()).chain(0..from).find(expires)?;
        Some(Place { path, at })
    }

    /// The record at a place, with its access bits.
    pub(crate) fn at(&self, Place { path, at }: Place) -> (Record<'_>, u32) {
        let leaf = self.trie.leaf(path);
        (self.record(leaf.handle(at)), leaf.access(at))
    }
}

/// Leaves.
impl Store {
    pub(crate) fn leaf_len(&self, path: u64) -> u64 {
        self.trie.leaf(path).len() as u64
    }

    /// A path to the leaf behind; `None`: it is the last.
    pub(crate) fn next_leaf(&self, path: u64) -> Option<u64> {
        self.trie.reach(path).next
    }

    /// What eviction compares the keys of a leaf by, each with its place there.
    pub(crate) fn candidates(&self, path: u64) -> impl Iterator<Item = (usize, Candidate)> {
        let reached = self.trie.reach(path);
        let expires = move |handle| match reached.earliest {
            // Nothing expires here: the records needn't be read.
            u64::MAX => None,
            _ => self.record(handle).expires_ms(),
        };
        reached.leaf.items().enumerate().map(move |(at, item)| {
            let size = self.slot(item.handle).len() as u64 + self.object_size(item.handle);
            let size = u32::try_from(size).unwrap_or(u32::MAX);
            (at, Candidate { meta: item.access, size, expires: expires(item.handle) })
        })
    }
}

impl Store {
    /// Bytes of the object that a record leads to.
    fn object_size(&self, handle: Handle) -> u64 {
        if handle & ALONE == 0 {
            return 0;
        }
        let record = self.record(handle);
        match self.object(&record) {
            Some(data) if record.kind() == Kind::Object => data.size(),
            _ => 0,
        }
    }
}

/// Expiry.
impl Store {
    /// Starts to fetch all records of a leaf, so that the waits for them overlap.
    pub(super) fn prefetch_all(&self, leaf: Leaf<'_>) {
        let handles = || leaf.items().map(|item| item.handle).filter(|handle| handle & ALONE == 0);
        handles().for_each(|handle| self.slabs.prefetch_page(handle));
        handles().for_each(|handle| self.slabs.prefetch(handle, false));
    }

    /// Removes up to `limit` keys that have expired by `now_ms` and gives them: fewer where they lie
    /// in many leaves, since to look through one counts too. There are more as long as
    /// [`next_expiry`](Self::next_expiry) has come.
    pub(crate) fn take_due(&mut self, now_ms: u64, limit: usize) -> Vec<(Box<[u8]>, Removed)> {
        /// What looking through a leaf counts, in keys.
        const LOOK: usize = 16;
        let (mut taken, mut done) = (Vec::new(), 0);
        // Who expires now lives through this millisecond.
        let Some(last_ms) = now_ms.checked_sub(1) else { return taken };
        while done < limit
            && let Some(path) = self.trie.expiring(0, last_ms)
        {
            let leaf = self.trie.leaf(path);
            self.prefetch_all(leaf);
            let due: Vec<Box<[u8]>> = leaf
                .items()
                .map(|item| self.record(item.handle))
                .filter(|record| record.expires_ms().is_some_and(|at| at <= last_ms))
                .take(limit - done)
                .map(|record| record.key().into())
                .collect();
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

    /// Takes note that no longer a key of this path expires at `at_ms`.
    pub(super) fn note_no_expiry(&mut self, path: u64, at_ms: Option<u64>) {
        let Some(at_ms) = at_ms else { return };
        let reached = self.trie.reach(path);
        if reached.earliest != at_ms {
            return;
        }
        self.prefetch_all(reached.leaf);
        // Many keys may expire at the same moment.
        let expires = |item: Item| self.record(item.handle).expires_ms() == Some(at_ms);
        if !reached.leaf.items().any(expires) {
            self.settle_expiry(path);
        }
    }

    /// Finds anew when the first key of a leaf expires.
    fn settle_expiry(&mut self, path: u64) {
        let (slabs, alone) = (&self.slabs, &self.alone);
        self.trie
            .settle_expiry(path, |handle| Record::read(slot(slabs, alone, handle)).expires_ms());
    }
}

/// By place, then by key.
fn sort_by_place(due: &mut [(u64, Record<'_>)]) {
    due.sort_unstable_by(|(a, x), (b, y)| (a, x.key()).cmp(&(b, y.key())));
}
