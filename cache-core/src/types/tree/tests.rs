//! The tree against plain vectors: by position, and by order.

mod order;
mod position;

use super::*;
use alloc::vec::Vec;
use proptest::prelude::*;

/// Strings in one vector each: a list's chunk, but not packed.
#[derive(Clone, Debug, Default, PartialEq)]
struct Strings(Vec<Vec<u8>>);

impl Chunk for Strings {
    type Key = ();
    const LIMIT: Limit = Limit { entries: 8, bytes: 200 };

    fn len(&self) -> u32 {
        self.0.len() as u32
    }

    fn size(&self) -> u64 {
        self.0.iter().map(|string| string.len() as u64 + 2).sum()
    }

    fn last_key(&self) {}

    fn split(&mut self, at: u32) -> Self {
        assert!(0 < at && at < self.len());
        Strings(self.0.split_off(at as usize))
    }

    fn append(&mut self, next: &Self) {
        self.0.extend_from_slice(&next.0);
    }
}

/// Ordered pairs, of which the first has few values and is the key: as in a sorted set where many
/// have the same score.
#[derive(Clone, Debug, Default, PartialEq)]
struct Pairs(Vec<(u8, u32)>);

impl Chunk for Pairs {
    type Key = u8;
    const LIMIT: Limit = Limit { entries: 8, bytes: 1000 };

    fn len(&self) -> u32 {
        self.0.len() as u32
    }

    fn size(&self) -> u64 {
        self.0.len() as u64 * 5
    }

    fn last_key(&self) -> u8 {
        self.0.last().map_or(0, |pair| pair.0)
    }

    fn split(&mut self, at: u32) -> Self {
        assert!(0 < at && at < self.len());
        Pairs(self.0.split_off(at as usize))
    }

    fn append(&mut self, next: &Self) {
        self.0.extend_from_slice(&next.0);
    }
}

fn find(tree: &Tree<Pairs>, pair: (u8, u32)) -> Option<Cursor> {
    tree.find(&|key| key.cmp(&pair.0), &|chunk| chunk.0.last().is_some_and(|last| *last < pair))
}

fn strings(tree: &Tree<Strings>) -> Vec<Vec<u8>> {
    tree.chunks().flat_map(|chunk| chunk.0.clone()).collect()
}

fn pairs(tree: &Tree<Pairs>) -> Vec<(u8, u32)> {
    tree.chunks().flat_map(|chunk| chunk.0.clone()).collect()
}

/// Stories for each property, and steps in each.
fn config() -> ProptestConfig {
    let cases = if cfg!(miri) { 2 } else { 200 };
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

const STEPS: usize = if cfg!(miri) { 12 } else { 40 };

/// A place in something so long, from a number of which the top 16 bits count.
fn place(of: u16, len: usize) -> usize {
    (usize::from(of) * (len + 1)) >> 16
}

#[test]
fn an_empty_tree() {
    let mut tree = Tree::<Strings>::default();
    tree.check();
    assert!(tree.is_empty() && tree.end(End::First).is_none() && tree.seek(0).is_none());
    assert_eq!((tree.len(), tree.size(), tree.chunks().count()), (0, NODE_OVERHEAD, 0));
    assert!(tree.remove(0..10).is_empty());
    assert!(!tree.drop_some());
    tree.edit_end(End::First, 1, |_| ());
    tree.check();
    assert!(tree.is_empty(), "an empty chunk doesn't stay");
}

#[test]
#[cfg_attr(miri, ignore = "takes too long")]
fn pushes_fill_chunks_to_the_brim() {
    for end in [End::First, End::Last] {
        let mut tree = Tree::<Strings>::default();
        for i in 0..8000u32 {
            tree.edit_end(end, 6, |chunk| {
                let at = if end == End::First { 0 } else { chunk.0.len() };
                chunk.0.insert(at, i.to_le_bytes().to_vec());
            });
        }
        tree.check();
        assert_eq!((tree.chunks().count(), tree.height), (1000, 3));
        let nodes = tree.size() - 8000 * 6 - 1000 * CHUNK_OVERHEAD;
        assert!(nodes / NODE_OVERHEAD <= 1000 / 24 + 4, "{}", nodes / NODE_OVERHEAD);
    }
}

#[test]
fn a_cursor_of_another_tree_leads_nowhere_worse() {
    let chunks = if cfg!(miri) { 60 } else { 2000 };
    let chunk = |i: u32| Pairs(alloc::vec![((i >> 8) as u8, i)]);
    let mut large = Tree::from_chunks((0..chunks).map(chunk));
    let mut small = Tree::from_chunks((0..3).map(chunk));
    let from_large: Vec<_> =
        (0..large.len()).map(|rank| large.seek(rank).expect("there").0).collect();
    let from_small = small.end(End::Last).expect("there");
    for at in from_large {
        small.chunk(&at);
        small.rank(&at);
        small.next(&at);
        small.prev(&at);
        small.edit(&at, |_| ());
        assert!(small.chunks_from(at, End::First).count() <= 3);
    }
    large.edit(&from_small, |_| ());
    large.rank(&from_small);
    large.next(&from_small);
    large.prev(&from_small);
    large.check();
    small.check();
}

#[test]
#[cfg_attr(miri, ignore = "takes too long")]
fn what_nobody_uses_goes_by_and_by() {
    let mut tree =
        Tree::from_chunks((0..3000u32).map(|i| Strings(alloc::vec![i.to_le_bytes().to_vec()])));
    let mut steps = 0;
    while tree.drop_some() {
        steps += 1;
    }
    assert_eq!((steps, tree.len(), tree.size()), (3000, 0, NODE_OVERHEAD));
    // What a clone holds is let go at once.
    let mut tree =
        Tree::from_chunks((0..3000u32).map(|i| Strings(alloc::vec![i.to_le_bytes().to_vec()])));
    let clone = tree.clone();
    assert!(!tree.drop_some());
    clone.check();
    assert_eq!(clone.len(), 3000);
}

#[test]
fn an_edit_may_change_a_chunk_much() {
    let mut tree = Tree::<Pairs>::default();
    tree.edit_end(End::Last, 5, |chunk| chunk.0.extend((0..5000).map(|i| (7, i))));
    tree.check();
    assert_eq!(pairs(&tree), (0..5000).map(|i| (7, i)).collect::<Vec<_>>());
    let (at, _) = tree.seek(2500).expect("there");
    let rank = tree.rank(&at);
    let len = tree.edit(&at, |chunk| core::mem::take(&mut chunk.0).len() as u32).expect("there");
    tree.check();
    let left = (0..5000).filter(|&i| u64::from(i) < rank || u64::from(i) >= rank + u64::from(len));
    assert_eq!(pairs(&tree), left.map(|i| (7, i)).collect::<Vec<_>>());
}
