//! A directory of a trie: seven bits of a path, and the leaf or directory that they lead to.

use super::leaf::{Item, LAST_LIMIT, LIMIT, SAME};
use super::leaves::{EMPTY, Leaves};
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
const MERGE: usize = LIMIT / 2 - 8;
/// As [`MERGE`], of a directory that has no others: then it is needed no more.
pub(super) const LAST_MERGE: usize = LAST_LIMIT / 2 - 8;
/// Bytes accounted for a directory, and for what it knows of each of its children.
pub(super) const DIR_SIZE: u64 = 704;
pub(super) const CHILD_SIZE: u64 = 24;

/// A child: the handle of a leaf or, above all of those, the place of a directory among its parent's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Node(u32);

const FIRST_DIR: u32 = EMPTY + 1;

impl Node {
    pub(super) fn of_leaf(handle: Handle) -> Self {
        Node(handle)
    }

    pub(super) fn of_dir(place: usize) -> Self {
        Node(FIRST_DIR + place as u32)
    }

    /// `Err`: it is a leaf.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn dir(self) -> Result<usize, Handle> {
        match self.0.checked_sub(FIRST_DIR) {
            Some(place) => Ok(place as usize),
            None => Err(self.0),
        }
    }
}

/// What is known of a child without going there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    /// When something below expires for the first time.
    pub(super) first: Due,
    /// Keys below.
    pub(super) len: u32,
    /// Bits of the path that the keys of a leaf share within its directory.
    pub(super) depth: u8,
}

/// When something expires, in wall milliseconds; `u64::MAX`: never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    /// A key.
    pub(super) key: u64,
    /// A part of a key's value.
    pub(super) part: u64,
}

impl Due {
    pub(super) const NEVER: Due = Due { key: u64::MAX, part: u64::MAX };

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn of(key: Option<u64>, part: Option<u64>) -> Self {
        Due { key: key.unwrap_or(u64::MAX), part: part.unwrap_or(u64::MAX) }
    }

    /// The earlier of each.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn min(self, other: Self) -> Self {
        Due { key: self.key.min(other.key), part: self.part.min(other.part) }
    }
}

/// What a lookup reads lies together: a place, then a child.
#[derive(Clone, Debug)]
pub(super) struct Dir {
    /// From seven bits of a path to a child.
    pub(super) places: [u8; PLACES],
    pub(super) children: [Node; PLACES],
    /// Of each child there is.
    pub(super) facts: Vec<Facts>,
    /// Those children that are directories.
    pub(super) dirs: Vec<Shared<Dir>>,
}

impl Default for Facts {
    fn default() -> Self {
        Facts { first: Due::NEVER, len: 0, depth: 0 }
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
    pub(super) fn of(leaf: Handle, facts: Facts) -> Self {
        let children = [Node::of_leaf(leaf); PLACES];
        Dir {
            places: [0; PLACES],
            children,
            facts: vec![Facts { depth: 0, ..facts }],
            dirs: Vec::new(),
        }
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

    /// Puts two leaves in the place of one, each given with how many keys it has and when something
    /// of it expires for the first time.
    pub(super) fn split(&mut self, place: usize, leaves: [(Handle, usize, Due); 2]) {
        let (i, new, places) = (usize::from(self.places[place]), self.len(), self.places_of(place));
        let depth = self.facts[i].depth + 1;
        let [lower, upper] = leaves.map(|(leaf, len, first)| {
            (Node::of_leaf(leaf), Facts { first, len: len as u32, depth })
        });
        (self.children[i], self.facts[i]) = lower;
        // A vector that doubles would have much in reserve.
        self.facts.reserve_exact(if new.is_multiple_of(8) { 8 } else { 0 });
        self.facts.push(upper.1);
        self.children[new] = upper.0;
        let middle = places.start + places.len() / 2;
        self.places[middle..places.end].fill(new as u8);
    }

    /// Makes a leaf a directory below this one.
    pub(super) fn deepen(&mut self, i: usize, leaf: Handle) {
        let below = Dir::of(leaf, self.facts[i]);
        self.children[i] = Node::of_dir(self.dirs.len());
        self.dirs.push(Shared::new(below));
    }

    /// Puts a leaf in the place of child `i`, a directory.
    pub(super) fn flatten(&mut self, i: usize, (leaf, facts): (Handle, Facts)) {
        let Ok(place) = self.children[i].dir() else { return };
        self.children[i] = Node::of_leaf(leaf);
        self.facts[i] = Facts { depth: DIR_BITS as u8, ..facts };
        self.dirs.swap_remove(place);
        let moved = Node::of_dir(self.dirs.len());
        let len = self.len();
        self.children[..len].iter_mut().filter(|node| **node == moved).for_each(|node| {
            *node = Node::of_dir(place);
        });
    }

    /// The leaf if there is nothing but one.
    pub(super) fn only(&self) -> Option<(Handle, Facts)> {
        match (&self.facts[..], self.children[0].dir()) {
            ([facts], Err(leaf)) => Some((leaf, *facts)),
            _ => None,
        }
    }

    /// Makes the leaf at a place, to which `path` leads, and its neighbour one if they are small and
    /// have few keys of any one tag. Gives those that are to be removed.
    pub(super) fn merge(
        &mut self,
        place: usize,
        path: u64,
        leaves: &mut Leaves,
    ) -> Option<[Handle; 2]> {
        let (i, places) = (usize::from(self.places[place]), self.places_of(place));
        let depth = self.facts[i].depth;
        if depth == 0 {
            return None;
        }
        let beside = places.start ^ places.len();
        let other = usize::from(self.places[beside]);
        let (Err(one), Err(two)) = (self.children[i].dir(), self.children[other].dir()) else {
            return None;
        };
        let len = self.facts[i].len + self.facts[other].len;
        let most = if self.len() == 2 { LAST_MERGE } else { MERGE };
        if self.facts[other].depth != depth || len as usize > most {
            return None;
        }
        let items: Vec<Item> = leaves.get(one).items().chain(leaves.get(two).items()).collect();
        // Half as many as part a leaf: to add and remove one key again and again does not pay.
        let count = |tag| items.iter().filter(|item| item.tag == tag).count();
        if items.iter().any(|item| count(item.tag) > SAME / 2) {
            return None;
        }
        let first = self.facts[i].first.min(self.facts[other].first);
        self.children[i] = Node::of_leaf(leaves.add(path, &items));
        self.facts[i] = Facts { first, len, depth: depth - 1 };
        self.places[beside..beside + places.len()].fill(i as u8);
        // The last child takes the place of the one that is gone.
        let last = self.len() - 1;
        self.children[other] = self.children[last];
        self.facts.swap_remove(other);
        for child in self.places.iter_mut().filter(|child| usize::from(**child) == last) {
            *child = other as u8;
        }
        Some([one, two])
    }

    pub(super) fn first(&self) -> Due {
        self.facts.iter().fold(Due::NEVER, |first, facts| first.min(facts.first))
    }

    /// Bytes accounted for it, what is below it left out.
    pub(super) fn size(&self) -> u64 {
        DIR_SIZE + CHILD_SIZE * self.len() as u64
    }
}
