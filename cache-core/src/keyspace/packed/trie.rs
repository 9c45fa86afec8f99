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

#[derive(Clone, Debug, Default)]
pub(super) struct Trie {
    root: Node,
    facts: Facts,
    /// Bytes of leaves and directories.
    size: u64,
}

/// A way that is gone step by step, so that others can be gone meanwhile.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way<'a> {
    node: &'a Node,
    rest: u64,
}

impl<'a> Way<'a> {
    /// Goes one directory further. `Err`: to a leaf.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn step(self) -> Result<Way<'a>, &'a Leaf> {
        match self.node {
            Node::Leaf(leaf) => Err(leaf),
            Node::Dir(dir) => {
                let node = &dir.children[dir.index(self.rest)];
                Ok(Way { node, rest: self.rest << DIR_BITS })
            }
        }
    }

    /// Starts to fetch the directory.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn prefetch_dir(self) {
        if let Node::Dir(dir) = self.node {
            prefetch(&dir.places[place_of(self.rest)]);
        }
    }

    /// Starts to fetch where the directory keeps the next step.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn prefetch_child(self) {
        if let Node::Dir(dir) = self.node {
            prefetch(&dir.children[dir.index(self.rest)]);
        }
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

impl Trie {
    /// Bytes accounted: leaves and directories.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The earliest moment at which a key expires; `u64::MAX`: none does.
    ///
    /// A directory's is always the least of its children's. A leaf's is that of its keys, provided
    /// that [`settle_expiry`](Self::settle_expiry) is called when the first of them does so no more.
    pub(super) fn earliest(&self) -> u64 {
        self.facts.earliest
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn leaf(&self, path: u64) -> &Leaf {
        self.way(path).leaf()
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn way(&self, path: u64) -> Way<'_> {
        Way { node: &self.root, rest: path }
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
        let (mut node, mut facts, mut skip) = (&self.root, self.facts, 0);
        loop {
            skip += u32::from(facts.depth);
            match node {
                Node::Leaf(leaf) => {
                    let width = u64::MAX.checked_shr(skip).unwrap_or(0);
                    let next = (path | width).checked_add(1);
                    return Reached { leaf, next, earliest: facts.earliest };
                }
                Node::Dir(dir) => {
                    let i = dir.index(behind(path, skip));
                    (node, facts) = (&dir.children[i], dir.facts[i]);
                }
            }
        }
    }

    /// The leaf of a path to change what it knows of its keys, not which they are.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn leaf_mut(&mut self, path: u64) -> &mut Leaf {
        self.walk_mut(path, |_| {})
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn walk_mut(&mut self, path: u64, visit: impl Fn(&mut Facts)) -> &mut Leaf {
        visit(&mut self.facts);
        let (mut node, mut rest) = (&mut self.root, path);
        loop {
            match node {
                Node::Leaf(leaf) => return leaf,
                Node::Dir(dir) => {
                    let dir = dir.to_mut();
                    let i = dir.index(rest);
                    visit(&mut dir.facts[i]);
                    node = &mut dir.children[i];
                }
            }
            rest <<= DIR_BITS;
        }
    }

    /// Adds a key. `path_of` and `expiry_of` tell of any key in the leaf.
    pub(super) fn insert(
        &mut self,
        path: u64,
        item: Item,
        path_of: impl Fn(Handle) -> u64,
        expiry_of: impl Fn(Handle) -> Option<u64>,
    ) {
        while self.leaf(path).is_full(item.tag) && self.split(path, &path_of, &expiry_of) {}
        let leaf = self.walk_mut(path, |facts| facts.len += 1);
        let before = leaf.size();
        leaf.push(item);
        let grown = leaf.size() - before;
        self.size += grown;
    }

    /// Makes two leaves of one. `false`: no bit is left to tell its keys apart by.
    fn split(
        &mut self,
        path: u64,
        path_of: impl Fn(Handle) -> u64,
        expiry_of: impl Fn(Handle) -> Option<u64>,
    ) -> bool {
        let (mut node, mut facts, mut skip) = (&mut self.root, self.facts, 0);
        while skip < PATH_BITS {
            if let Node::Leaf(leaf) = node {
                let below = Dir::of(leaf, facts);
                self.size += below.size();
                *node = Node::Dir(Shared::new(below));
            }
            let Node::Dir(dir) = node else { return false };
            let dir = dir.to_mut();
            let place = place_of(behind(path, skip));
            let i = dir.index(behind(path, skip));
            facts = dir.facts[i];
            let position = skip + u32::from(facts.depth);
            if let Node::Leaf(leaf) = &dir.children[i]
                && u32::from(facts.depth) < DIR_BITS
            {
                if position >= PATH_BITS {
                    return false;
                }
                let before = leaf.size();
                dir.split(place, |handle| {
                    behind(path_of(handle), position) >> (PATH_BITS - 1) == 1
                });
                self.size = self.size - before + CHILD_SIZE;
                for i in [i, dir.len() - 1] {
                    let Node::Leaf(leaf) = &dir.children[i] else { continue };
                    self.size += leaf.size();
                    if facts.earliest != u64::MAX {
                        dir.facts[i].earliest = earliest(leaf, &expiry_of);
                    }
                }
                return true;
            }
            node = &mut dir.children[i];
            skip += DIR_BITS;
        }
        false
    }

    /// Takes key `i` out of the leaf of a path.
    pub(super) fn remove(&mut self, path: u64, i: usize) {
        let freed = remove_below(&mut self.root, &mut self.facts, path, i);
        self.size -= freed;
    }

    /// Takes note that a key of this path expires at `at_ms`.
    pub(super) fn note_expiry(&mut self, path: u64, at_ms: u64) {
        self.walk_mut(path, |facts| facts.earliest = facts.earliest.min(at_ms));
    }

    /// A path at whose leaf something expires by `by_ms`: the first from `from` on, or else the
    /// first of all.
    pub(super) fn expiring(&self, from: u64, by_ms: u64) -> Option<u64> {
        if self.facts.earliest > by_ms {
            return None;
        }
        let (mut node, mut rest, mut skip, mut path) = (&self.root, from, 0, 0);
        while let Node::Dir(dir) = node {
            let start = place_of(rest);
            let due = |place: &usize| dir.facts[usize::from(dir.places[*place])].earliest <= by_ms;
            let place = (start..PLACES).chain(0..start).find(due)?;
            path |= ((place as u64) << (PATH_BITS - DIR_BITS)) >> skip;
            node = &dir.children[usize::from(dir.places[place])];
            rest = if place == start { rest << DIR_BITS } else { 0 };
            skip += DIR_BITS;
        }
        Some(path)
    }

    /// Finds anew when the first key of the leaf of a path expires.
    pub(super) fn settle_expiry(&mut self, path: u64, expiry: impl Fn(Handle) -> Option<u64>) {
        settle_below(&mut self.root, &mut self.facts, path, &expiry);
    }

    /// The leaf, and the key in it, that come after `skip` others.
    pub(super) fn nth(&self, mut skip: usize) -> Option<(&Leaf, usize)> {
        if skip >= self.facts.len as usize {
            return None;
        }
        let mut node = &self.root;
        loop {
            match node {
                Node::Leaf(leaf) => return Some((leaf, skip)),
                Node::Dir(dir) => {
                    let i = dir.facts.iter().position(|facts| {
                        let here = skip < facts.len as usize;
                        skip -= if here { 0 } else { facts.len as usize };
                        here
                    })?;
                    node = &dir.children[i];
                }
            }
        }
    }

    /// Drops some of what is left of a trie that nobody uses any more. `false`: nothing is left.
    pub(super) fn drop_some(&mut self) -> bool {
        // What a clone shares costs nothing to let go.
        let more = match &mut self.root {
            Node::Dir(dir) => dir.own().is_some_and(drop_below),
            Node::Leaf(_) => false,
        };
        if !more {
            *self = Trie::default();
        }
        more
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
fn remove_below(node: &mut Node, facts: &mut Facts, rest: u64, item: usize) -> u64 {
    facts.len -= 1;
    let dir = match node {
        Node::Leaf(leaf) => {
            let before = leaf.size();
            leaf.remove(item);
            return before - leaf.size();
        }
        Node::Dir(dir) => dir.to_mut(),
    };
    let i = dir.index(rest);
    let mut freed = remove_below(&mut dir.children[i], &mut dir.facts[i], rest << DIR_BITS, item);
    if matches!(&dir.children[i], Node::Leaf(leaf) if leaf.len() <= MERGE) {
        while let Some(more) = dir.merge(place_of(rest)) {
            freed += more;
        }
    }
    if let [only] = dir.facts[..]
        && let Node::Leaf(leaf) = &dir.children[0]
    {
        // One leaf needs no directory.
        freed += dir.size();
        *facts = Facts { depth: facts.depth, ..only };
        *node = Node::Leaf(leaf.clone());
    }
    freed
}

fn settle_below(
    node: &mut Node,
    facts: &mut Facts,
    rest: u64,
    expiry: &impl Fn(Handle) -> Option<u64>,
) {
    facts.earliest = match node {
        Node::Leaf(leaf) => earliest(leaf, expiry),
        Node::Dir(dir) => {
            let dir = dir.to_mut();
            let i = dir.index(rest);
            settle_below(&mut dir.children[i], &mut dir.facts[i], rest << DIR_BITS, expiry);
            dir.earliest()
        }
    };
}

/// When the first key of a leaf expires.
fn earliest(leaf: &Leaf, expiry: &impl Fn(Handle) -> Option<u64>) -> u64 {
    leaf.items().filter_map(|item| expiry(item.handle)).min().unwrap_or(u64::MAX)
}
