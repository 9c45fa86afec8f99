//! What must hold of a trie, whatever was done to it.

use super::*;
use crate::keyspace::packed::leaf::{LAST_LIMIT, SAME};
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

/// What a check tells of all keys.
#[derive(Debug, Default)]
pub(in super::super) struct Seen {
    pub(in super::super) items: Vec<Item>,
    leaves: BTreeSet<Handle>,
    dirs: u64,
}

impl Trie {
    /// Goes through all of it. `known` gives a key's path, tag and expiry by its handle.
    pub(in super::super) fn check(&self, known: &dyn Fn(Handle) -> (u64, u8, Due)) -> Seen {
        let mut seen = Seen::default();
        match &self.root {
            None => self.check_leaf(self.leaf, self.facts, 0, 0, known, &mut seen),
            Some(dir) => self.check_dir(dir, self.facts, 0, 0, known, &mut seen),
        }
        assert_eq!((seen.dirs, self.leaves.len()), (self.dirs, seen.leaves.len()));
        seen
    }
}

/// What a lookup waits for.
impl Trie {
    /// Directories, a leaf, and records with the tag until the one of this handle (with `None`, all of
    /// them).
    pub(in super::super) fn waits(&self, path: u64, tag: u8, handle: Option<Handle>) -> usize {
        let (mut way, mut waits) = (self.way(path), 1);
        while matches!(way, Way::Dir { .. }) {
            waits += 1;
            way = way.step();
        }
        self.leaves.get(way.leaf()).find(tag, |met| {
            waits += 1;
            Some(met) == handle
        });
        waits
    }
}

impl Trie {
    fn check_dir(
        &self,
        dir: &Dir,
        facts: Facts,
        prefix: u64,
        skip: u32,
        known: &dyn Fn(Handle) -> (u64, u8, Due),
        seen: &mut Seen,
    ) {
        seen.dirs += dir.size();
        let mut dirs = 0;
        assert!(dir.len() > 1, "one leaf needs no directory");
        assert_eq!(facts.first, dir.first());
        assert_eq!(facts.len, dir.facts.iter().map(|facts| facts.len).sum::<u32>());
        let mut met = [false; PLACES];
        let mut place = 0;
        while place < PLACES {
            let i = usize::from(dir.places[place]);
            let (facts, places) = (dir.facts[i], dir.places_of(place));
            assert_eq!(places.start, place, "places of a child are together");
            assert!(dir.places[places.clone()].iter().all(|&child| usize::from(child) == i));
            assert!(!core::mem::replace(&mut met[i], true), "a child is met once");
            place = places.end;
            let prefix = prefix | behind_down(places.start, skip);
            let depth = skip + u32::from(facts.depth);
            match dir.children[i].dir() {
                Err(leaf) => self.check_leaf(leaf, facts, prefix, depth, known, seen),
                Ok(below) => {
                    assert_eq!(u32::from(facts.depth), DIR_BITS);
                    dirs += 1;
                    self.check_dir(&dir.dirs[below], facts, prefix, depth, known, seen);
                }
            }
        }
        let children = met.iter().filter(|met| **met).count();
        assert_eq!((children, dirs), (dir.len(), dir.dirs.len()));
    }

    fn check_leaf(
        &self,
        handle: Handle,
        facts: Facts,
        prefix: u64,
        shared: u32,
        known: &dyn Fn(Handle) -> (u64, u8, Due),
        seen: &mut Seen,
    ) {
        let leaf = self.leaves.get(handle);
        assert!(handle == EMPTY || seen.leaves.insert(handle), "a leaf is one child's");
        assert_eq!(handle == EMPTY, leaf.len() == 0);
        assert!(shared_by(leaf.path(), prefix, shared) || handle == EMPTY);
        seen.items.extend(leaf.items());
        assert_eq!(leaf.len(), facts.len as usize);
        assert!(leaf.len() <= LAST_LIMIT || shared >= PATH_BITS);
        let mut first = Due::NEVER;
        for item in leaf.items() {
            assert!(leaf.count(item.tag) <= SAME || shared >= PATH_BITS);
            let (path, tag, due) = known(item.handle);
            assert!(shared_by(path, prefix, shared), "{path:x} is not below {prefix:x}/{shared}");
            assert_eq!(item.tag, tag);
            first = first.min(due);
        }
        assert_eq!(facts.first, first);
    }
}

/// Whether two paths begin with the same bits.
fn shared_by(path: u64, prefix: u64, bits: u32) -> bool {
    (path ^ prefix).checked_shr(PATH_BITS - bits).unwrap_or(0) == 0
}

/// A place of a directory behind `skip` bits, as the bits of a path.
fn behind_down(place: usize, skip: u32) -> u64 {
    ((place as u64) << (PATH_BITS - DIR_BITS)).checked_shr(skip).unwrap_or(0)
}
