//! What must hold of a trie, whatever was done to it.

use super::*;
use crate::keyspace::packed::leaf::{LIMIT, SAME};
use alloc::vec::Vec;

/// What a check tells of all keys.
#[derive(Debug, Default)]
pub(in super::super) struct Seen {
    pub(in super::super) items: Vec<Item>,
    size: u64,
}

impl Trie {
    /// Goes through all of it. `known` gives a key's path, tag and expiry by its handle.
    pub(in super::super) fn check(&self, known: &dyn Fn(Handle) -> (u64, u8, Option<u64>)) -> Seen {
        let mut seen = Seen::default();
        match &self.root {
            Node::Leaf(leaf) => {
                check_leaf(leaf, self.facts, 0, 0, known);
                seen.size += leaf.size();
                seen.items.extend(leaf.items());
            }
            Node::Dir(dir) => check_dir(dir, self.facts, 0, 0, known, &mut seen),
        }
        assert_eq!(seen.size, self.size);
        seen
    }
}

/// What a lookup waits for.
impl Trie {
    /// Directories, a leaf, and records with the tag until the one of this handle (with `None`, all of
    /// them).
    pub(in super::super) fn waits(&self, path: u64, tag: u8, handle: Option<Handle>) -> usize {
        let (mut way, mut waits) = (self.way(path), 2);
        while let Ok(next) = way.step() {
            waits += 1;
            way = next;
        }
        way.leaf().find(tag, |met| {
            waits += 1;
            Some(met) == handle
        });
        waits
    }
}

fn check_dir(
    dir: &Dir,
    facts: Facts,
    prefix: u64,
    skip: u32,
    known: &dyn Fn(Handle) -> (u64, u8, Option<u64>),
    seen: &mut Seen,
) {
    seen.size += dir.size();
    assert!(dir.len() > 1, "one leaf needs no directory");
    assert_eq!(facts.earliest, dir.earliest());
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
        match &dir.children[i] {
            Node::Leaf(leaf) => {
                check_leaf(leaf, facts, prefix, skip + u32::from(facts.depth), known);
                seen.size += leaf.size();
                seen.items.extend(leaf.items());
            }
            Node::Dir(below) => {
                assert_eq!(u32::from(facts.depth), DIR_BITS);
                check_dir(below, facts, prefix, skip + DIR_BITS, known, seen);
            }
        }
    }
    let children = met.iter().filter(|met| **met).count();
    assert_eq!(children, dir.len());
    assert!(
        dir.children[children..].iter().all(|node| matches!(node, Node::Leaf(l) if l.len() == 0))
    );
}

fn check_leaf(
    leaf: &Leaf,
    facts: Facts,
    prefix: u64,
    shared: u32,
    known: &dyn Fn(Handle) -> (u64, u8, Option<u64>),
) {
    assert_eq!(leaf.len(), facts.len as usize);
    assert!(leaf.len() <= LIMIT || shared >= PATH_BITS);
    let mut earliest = u64::MAX;
    for item in leaf.items() {
        assert!(leaf.count(item.tag) <= SAME || shared >= PATH_BITS);
        let (path, tag, expires_ms) = known(item.handle);
        let differ = (path ^ prefix).checked_shr(PATH_BITS - shared).unwrap_or(0);
        assert_eq!(differ, 0, "{path:x} is not below {prefix:x}/{shared}");
        assert_eq!(item.tag, tag);
        earliest = earliest.min(expires_ms.unwrap_or(u64::MAX));
    }
    assert_eq!(facts.earliest, earliest);
}

/// A place of a directory behind `skip` bits, as the bits of a path.
fn behind_down(place: usize, skip: u32) -> u64 {
    ((place as u64) << (PATH_BITS - DIR_BITS)).checked_shr(skip).unwrap_or(0)
}
