//! Going through entries: all of them, those of a slot, some by a cursor or by chance.

use super::{ALONE, Place, Store};
use crate::hash::slot_of;
use crate::keyspace::adaptive::Candidate;
use crate::keyspace::packed::leaf::Leaf;
use crate::keyspace::packed::probe::first_path;
use crate::keyspace::packed::record::{Kind, Record};
use crate::keyspace::packed::slabs::Handle;
use crate::random::Random;
use alloc::vec::Vec;

/// A place among the records: a leaf's path, and how many of the leaf's have been seen. It holds while
/// nothing changes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Walk {
    path: u64,
    at: usize,
}

/// Where to go on after a record was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// With the next one, at once.
    On,
    /// With the next one, later.
    Stop,
    /// With the same one, later.
    Stay,
}

impl Store {
    /// Shows the records with their access bits, by path, from a place on, until `visit` says to stop;
    /// gives where to go on, if any are left.
    pub(crate) fn walk<'a>(
        &'a self,
        from: Walk,
        visit: &mut dyn FnMut(Record<'a>, u32) -> Step,
    ) -> Option<Walk> {
        let Walk { mut path, mut at } = from;
        loop {
            let reached = self.trie.reach(path);
            self.prefetch_all(reached.leaf);
            for i in at..reached.leaf.len() {
                match visit(self.record(reached.leaf.handle(i)), reached.leaf.access(i)) {
                    Step::On => {}
                    Step::Stop => return Some(Walk { path, at: i + 1 }),
                    Step::Stay => return Some(Walk { path, at: i }),
                }
            }
            (path, at) = (reached.next?, 0);
        }
    }

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
        let path = self.trie.expiring(random.next_u64(), |first| first.key != u64::MAX)?;
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
        let expires = move |handle| match reached.first.key {
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

/// By place, then by key.
fn sort_by_place(due: &mut [(u64, Record<'_>)]) {
    due.sort_unstable_by(|(a, x), (b, y)| (a, x.key()).cmp(&(b, y.key())));
}
