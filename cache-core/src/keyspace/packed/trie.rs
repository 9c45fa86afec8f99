//! From a key's path to its leaf.
//!
//! A trie whose nodes are directories of extendible hashing (Fagin et al., TODS 1979), seven bits of
//! the path each. A full leaf is split in two; one that has used up the bits of its directory
//! becomes a directory. So no step copies more than 128 entries, however many keys there are and
//! however their paths crowd; a clone shares everything, and a write copies the way to its leaf.
//! Two leaves that have become small are one again.
//!
//! Paths begin with the cluster slot: the keys of a slot are together, small slots share leaves, and
//! a huge one has many.

#[cfg(test)]
mod check;

use super::dir::{
    CHILD_SIZE, DIR_BITS, Dir, Facts, MERGE, Node, PATH_BITS, PLACES, behind, place_of,
};
use super::leaf::{Item, Leaf};
use super::prefetch::prefetch;
use super::shared::Shared;
use super::slabs::Handle;

#[derive(Clone, Debug)]
pub(super) struct Trie {
    root: Shared<Dir>,
    /// Bytes of leaves and directories.
    size: u64,
}

/// A way that is gone step by step, so that others can be gone meanwhile.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way<'a> {
    dir: &'a Dir,
    rest: u64,
}

impl<'a> Way<'a> {
    /// Goes one directory further. `Err`: to a leaf.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn step(self) -> Result<Way<'a>, &'a Leaf> {
        match &self.dir.children[self.dir.index(self.rest)] {
            Node::Leaf(leaf) => Err(leaf),
            Node::Dir(dir) => Ok(Way { dir, rest: self.rest << DIR_BITS }),
        }
    }

    /// Starts to fetch the directory.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn prefetch_dir(self) {
        prefetch(&self.dir.places[place_of(self.rest)]);
    }

    /// Starts to fetch where the directory keeps the next step.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn prefetch_child(self) {
        prefetch(&self.dir.children[self.dir.index(self.rest)]);
    }

    /// Goes to the end.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn leaf(mut self) -> &'a Leaf {
        loop {
            match self.step() {
                Ok(way) => self = way,
                Err(leaf) => return leaf,
            }
        }
    }
}

/// A leaf, and which paths lead to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reached<'a> {
    pub(super) leaf: &'a Leaf,
    /// The first path behind those that lead here; `None`: these are the last.
    pub(super) next: Option<u64>,
    /// No key of it expires before this (wall milliseconds).
    pub(super) earliest: u64,
}

impl Default for Trie {
    fn default() -> Self {
        Trie { root: Shared::new(Dir::default()), size: 0 }
    }
}

impl Trie {
    /// Bytes accounted: leaves, and directories but for the first one's first child.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The earliest moment at which a key may expire; `u64::MAX`: none does.
    ///
    /// A directory's is always the least of its children's, and only
    /// [`settle_expiry`](Self::settle_expiry) makes one later: so below each directory that promises
    /// something due there is a leaf that does.
    pub(super) fn earliest(&self) -> u64 {
        self.root.earliest()
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn leaf(&self, path: u64) -> &Leaf {
        self.way(path).leaf()
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn way(&self, path: u64) -> Way<'_> {
        Way { dir: &self.root, rest: path }
    }

    /// The leaves of several paths, on the way to which the waits for memory overlap.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn leaves<const N: usize>(&self, paths: &[u64]) -> [Option<&Leaf>; N] {
        let mut ways = [self.way(0); N];
        let ways = &mut ways[..paths.len().min(N)];
        for (way, &path) in ways.iter_mut().zip(paths) {
            *way = self.way(path);
            if let Ok(next) = way.step() {
                next.prefetch_dir();
                *way = next;
            }
        }
        ways.iter().for_each(|way| way.prefetch_child());
        let mut leaves = [None; N];
        for (leaf, way) in leaves.iter_mut().zip(ways) {
            let found = way.leaf();
            found.prefetch();
            *leaf = Some(found);
        }
        leaves
    }

    /// The leaf of a path, with where the next one begins.
    pub(super) fn reach(&self, path: u64) -> Reached<'_> {
        let (mut dir, mut skip) = (&*self.root, 0);
        loop {
            let i = dir.index(behind(path, skip));
            match &dir.children[i] {
                Node::Leaf(leaf) => {
                    let shared = skip + u32::from(dir.facts[i].depth);
                    let width = u64::MAX.checked_shr(shared).unwrap_or(0);
                    let (next, earliest) = ((path | width).checked_add(1), dir.facts[i].earliest);
                    return Reached { leaf, next, earliest };
                }
                Node::Dir(below) => dir = below,
            }
            skip += DIR_BITS;
        }
    }

    /// The leaf of a path to change what it knows of its keys, not which they are.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn leaf_mut(&mut self, path: u64) -> &mut Leaf {
        self.walk_mut(path, |_| {})
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn walk_mut(&mut self, path: u64, visit: impl Fn(&mut Facts)) -> &mut Leaf {
        let (mut dir, mut rest) = (self.root.to_mut(), path);
        loop {
            let i = dir.index(rest);
            visit(&mut dir.facts[i]);
            match &mut dir.children[i] {
                Node::Leaf(leaf) => return leaf,
                Node::Dir(below) => dir = below.to_mut(),
            }
            rest <<= DIR_BITS;
        }
    }

    /// Adds a key. `path_of` gives the path of any key in the leaf.
    pub(super) fn insert(&mut self, path: u64, item: Item, path_of: impl Fn(Handle) -> u64) {
        while self.leaf(path).is_full(item.tag) && self.split(path, &path_of) {}
        let leaf = self.walk_mut(path, |facts| facts.len += 1);
        let before = leaf.size();
        leaf.push(item);
        let grown = leaf.size() - before;
        self.size += grown;
    }

    /// Makes two leaves of one. `false`: no bit is left to tell its keys apart by.
    fn split(&mut self, path: u64, path_of: impl Fn(Handle) -> u64) -> bool {
        let (mut dir, mut skip) = (self.root.to_mut(), 0);
        loop {
            let place = place_of(behind(path, skip));
            let i = usize::from(dir.places[place]);
            let depth = u32::from(dir.facts[i].depth);
            let position = skip + depth;
            if let Node::Leaf(leaf) = &dir.children[i] {
                if position >= PATH_BITS {
                    return false;
                }
                let before = leaf.size();
                if depth < DIR_BITS {
                    let bit = |handle| behind(path_of(handle), position) >> (PATH_BITS - 1) == 1;
                    dir.split(place, bit);
                    let sizes = [i, dir.len() - 1].map(|i| match &dir.children[i] {
                        Node::Leaf(leaf) => leaf.size(),
                        Node::Dir(_) => 0,
                    });
                    self.size = self.size - before + sizes[0] + sizes[1] + CHILD_SIZE;
                    return true;
                }
                let mut below = Dir::default();
                below.children[0] = dir.children[i].clone();
                below.facts[0] = Facts { depth: 0, ..dir.facts[i] };
                self.size += below.size();
                dir.children[i] = Node::Dir(Shared::new(below));
            }
            let Node::Dir(below) = &mut dir.children[i] else { return false };
            dir = below.to_mut();
            skip += DIR_BITS;
        }
    }

    /// Takes key `i` out of the leaf of a path.
    pub(super) fn remove(&mut self, path: u64, i: usize) {
        let freed = remove_below(self.root.to_mut(), path, i);
        self.size -= freed;
    }

    /// Takes note that a key of this path expires at `at_ms`.
    pub(super) fn note_expiry(&mut self, path: u64, at_ms: u64) {
        self.walk_mut(path, |facts| facts.earliest = facts.earliest.min(at_ms));
    }

    /// A path at whose leaf something may expire by `by_ms`: the first from `from` on, or else the
    /// first of all.
    pub(super) fn expiring(&self, from: u64, by_ms: u64) -> Option<u64> {
        let (mut dir, mut rest, mut skip, mut path) = (&*self.root, from, 0, 0);
        loop {
            let start = place_of(rest);
            let due = |place: &usize| dir.facts[usize::from(dir.places[*place])].earliest <= by_ms;
            let place = (start..PLACES).chain(0..start).find(due)?;
            path |= ((place as u64) << (PATH_BITS - DIR_BITS)) >> skip;
            match &dir.children[usize::from(dir.places[place])] {
                Node::Leaf(_) => return Some(path),
                Node::Dir(below) => dir = below,
            }
            rest = if place == start { rest << DIR_BITS } else { 0 };
            skip += DIR_BITS;
        }
    }

    /// Finds anew when the first key of the leaf of a path expires.
    pub(super) fn settle_expiry(&mut self, path: u64, expiry: impl Fn(Handle) -> Option<u64>) {
        settle_below(self.root.to_mut(), path, &expiry);
    }

    /// The leaf, and the key in it, that come after `skip` others.
    pub(super) fn nth(&self, mut skip: usize) -> Option<(&Leaf, usize)> {
        let mut dir = &*self.root;
        loop {
            let i = dir.facts.iter().position(|facts| {
                let here = skip < facts.len as usize;
                skip -= if here { 0 } else { facts.len as usize };
                here
            })?;
            match &dir.children[i] {
                Node::Leaf(leaf) => return Some((leaf, skip)),
                Node::Dir(below) => dir = below,
            }
        }
    }

    /// Drops some of what is left of a trie that nobody uses any more. `false`: nothing is left.
    pub(super) fn drop_some(&mut self) -> bool {
        drop_below(self.root.to_mut())
    }
}

/// Drops the leaves of one directory at the most. `false`: there are none.
fn drop_below(dir: &mut Dir) -> bool {
    let Some(last) = dir.len().checked_sub(1) else { return false };
    // What a clone shares costs nothing to let go.
    if let Node::Dir(below) = &mut dir.children[last]
        && let Some(below) = below.own()
        && below.children.iter().any(|child| matches!(child, Node::Dir(_)))
        && drop_below(below)
    {
        return true;
    }
    dir.facts.pop();
    dir.children[last] = Node::Leaf(Leaf::default());
    true
}

/// Gives the bytes that were freed.
fn remove_below(dir: &mut Dir, rest: u64, item: usize) -> u64 {
    let i = dir.index(rest);
    dir.facts[i].len -= 1;
    let mut freed = 0;
    match &mut dir.children[i] {
        Node::Leaf(leaf) => {
            let before = leaf.size();
            leaf.remove(item);
            freed += before - leaf.size();
            if leaf.len() > MERGE {
                return freed;
            }
        }
        Node::Dir(below) => {
            let below = below.to_mut();
            freed += remove_below(below, rest << DIR_BITS, item);
            let Node::Leaf(only) = &below.children[0] else { return freed };
            if below.len() > 1 {
                return freed;
            }
            // One leaf needs no directory.
            freed += below.size();
            let facts = Facts { depth: DIR_BITS as u8, ..below.facts[0] };
            dir.children[i] = Node::Leaf(only.clone());
            dir.facts[i] = facts;
        }
    }
    while let Some(more) = dir.merge(place_of(rest)) {
        freed += more;
    }
    freed
}

fn settle_below(dir: &mut Dir, rest: u64, expiry: &impl Fn(Handle) -> Option<u64>) {
    let i = dir.index(rest);
    dir.facts[i].earliest = match &mut dir.children[i] {
        Node::Leaf(leaf) => {
            leaf.items().filter_map(|item| expiry(item.handle)).min().unwrap_or(u64::MAX)
        }
        Node::Dir(below) => {
            let below = below.to_mut();
            settle_below(below, rest << DIR_BITS, expiry);
            below.earliest()
        }
    };
}
