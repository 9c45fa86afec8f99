//! A directory of a trie: seven bits of a path, and the leaf or directory that they lead to.

use super::leaf::{Item, LIMIT, Leaf, SAME};
use super::shared::Shared;
use super::slabs::Handle;
use alloc::vec;
use alloc::vec::Vec;

/// Bits of the path that one directory takes.
pub(super) const DIR_BITS: u32 = 7;
pub(super) const PLACES: usize = 1 << DIR_BITS;
/// Bits of a path.
pub(super) const PATH_BITS: u32 = u64::BITS;
/// Two leaves with so many keys together become one.
pub(super) const MERGE: usize = LIMIT / 2 - 8;
/// Bytes accounted for a directory and for each of its children.
pub(super) const DIR_SIZE: u64 = 192;
pub(super) const CHILD_SIZE: u64 = 32;

#[derive(Clone, Debug)]
pub(super) enum Node {
    Leaf(Leaf),
    Dir(Shared<Dir>),
}

/// What is known of a child without going there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    /// When the first key below expires (wall milliseconds).
    pub(super) earliest: u64,
    /// Keys below.
    pub(super) len: u32,
    /// Bits of the path that the keys of a leaf share within its directory.
    pub(super) depth: u8,
}

/// What a lookup reads lies together and without a detour: a place, then a child.
#[derive(Clone, Debug)]
pub(super) struct Dir {
    /// From seven bits of a path to a child.
    pub(super) places: [u8; PLACES],
    /// Behind those that there are, empty leaves.
    pub(super) children: [Node; PLACES],
    /// Of each child there is.
    pub(super) facts: Vec<Facts>,
}

impl Default for Facts {
    fn default() -> Self {
        Facts { earliest: u64::MAX, len: 0, depth: 0 }
    }
}

impl Default for Node {
    fn default() -> Self {
        Node::Leaf(Leaf::default())
    }
}

/// The first bits of what is left of a path: its place in a directory.
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
pub(super) fn place_of(rest: u64) -> usize {
    (rest >> (PATH_BITS - DIR_BITS)) as usize
}

/// The bits of a path behind the first `skip`, at the top.
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
pub(super) fn behind(path: u64, skip: u32) -> u64 {
    path.checked_shl(skip).unwrap_or(0)
}

impl Dir {
    /// A directory over one leaf.
    pub(super) fn of(leaf: &Leaf, facts: Facts) -> Self {
        let empty = Leaf::default();
        let mut children = core::array::from_fn(|_| Node::Leaf(empty.clone()));
        children[0] = Node::Leaf(leaf.clone());
        Dir { places: [0; PLACES], children, facts: vec![Facts { depth: 0, ..facts }] }
    }

    /// Which child the path, given from this directory's bits on, leads to.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn index(&self, rest: u64) -> usize {
        usize::from(self.places[place_of(rest)]) % PLACES
    }

    /// How many children there are.
    pub(super) fn len(&self) -> usize {
        self.facts.len()
    }

    /// The places that lead to child `i`, given one of them.
    pub(super) fn places_of(&self, place: usize) -> core::ops::Range<usize> {
        let depth = self.facts[usize::from(self.places[place])].depth;
        let width = PLACES >> depth;
        let start = place & !(width - 1);
        start..start + width
    }

    /// Cuts the leaf at a place in two. `bit` tells of a key whether it goes to the second.
    pub(super) fn split(&mut self, place: usize, bit: impl Fn(Handle) -> bool) {
        let (i, new, places) = (usize::from(self.places[place]), self.len(), self.places_of(place));
        let Node::Leaf(leaf) = &self.children[i] else { return };
        let (upper, lower): (Vec<Item>, Vec<Item>) =
            leaf.items().partition(|item| bit(item.handle));
        let old = self.facts[i];
        let depth = old.depth + 1;
        self.facts[i] = Facts { len: lower.len() as u32, depth, ..old };
        self.facts.push(Facts { len: upper.len() as u32, depth, ..old });
        self.children[i] = Node::Leaf(Leaf::of(lower.into_iter()));
        self.children[new] = Node::Leaf(Leaf::of(upper.into_iter()));
        let middle = places.start + places.len() / 2;
        self.places[middle..places.end].fill(new as u8);
    }

    /// Makes the leaf at a place and its neighbour one if they are small and have few keys of any one
    /// tag. Gives how many bytes that
    /// frees.
    pub(super) fn merge(&mut self, place: usize) -> Option<u64> {
        let (i, places) = (usize::from(self.places[place]), self.places_of(place));
        let depth = self.facts[i].depth;
        if depth == 0 {
            return None;
        }
        let beside = places.start ^ places.len();
        let other = usize::from(self.places[beside]);
        let (Node::Leaf(leaf), Node::Leaf(more)) = (&self.children[i], &self.children[other])
        else {
            return None;
        };
        if self.facts[other].depth != depth || leaf.len() + more.len() > MERGE {
            return None;
        }
        let items: Vec<Item> = leaf.items().chain(more.items()).collect();
        // Half as many as part a leaf: to add and remove one key again and again does not pay.
        let count = |tag| items.iter().filter(|item| item.tag == tag).count();
        if items.iter().any(|item| count(item.tag) > SAME / 2) {
            return None;
        }
        let before = leaf.size() + more.size();
        let earliest = self.facts[i].earliest.min(self.facts[other].earliest);
        let len = items.len() as u32;
        let leaf = Leaf::of(items.into_iter());
        let freed = before + CHILD_SIZE - leaf.size();
        self.children[i] = Node::Leaf(leaf);
        self.facts[i] = Facts { earliest, len, depth: depth - 1 };
        self.places[beside..beside + places.len()].fill(i as u8);
        // The last child takes the place of the one that is gone.
        let last = self.len() - 1;
        self.children.swap(other, last);
        self.children[last] = Node::Leaf(Leaf::default());
        self.facts.swap_remove(other);
        for child in self.places.iter_mut().filter(|child| usize::from(**child) == last) {
            *child = other as u8;
        }
        Some(freed)
    }

    pub(super) fn earliest(&self) -> u64 {
        self.facts.iter().map(|facts| facts.earliest).min().unwrap_or(u64::MAX)
    }

    pub(super) fn size(&self) -> u64 {
        DIR_SIZE + CHILD_SIZE * self.len() as u64
    }
}
