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
mod shrink;

use super::dir::{
    CHILD_SIZE, DIR_BITS, DIR_SIZE, Dir, Due, Facts, Node, PATH_BITS, PLACES, behind, place_of,
};
use super::leaf::{Item, Keeps, LAST_LIMIT, LIMIT, Leaf, LeafMut, SAME};
use super::leaves::{EMPTY, Leaves};
use super::prefetch::prefetch;
use super::shared::Shared;
use super::slabs::Handle;
use alloc::vec::Vec;

#[derive(Clone, Debug)]
pub(super) struct Trie {
    /// The first directory, if there is more than one leaf.
    root: Option<Shared<Dir>>,
    /// The only leaf otherwise.
    leaf: Handle,
    /// What is known of all keys.
    facts: Facts,
    leaves: Leaves,
    /// Bytes of directories.
    dirs: u64,
}

/// A way that is gone step by step, so that others can be gone meanwhile.
#[derive(Clone, Copy, Debug)]
enum Way<'a> {
    Dir { dir: &'a Dir, rest: u64 },
    Leaf(Handle),
}

impl<'a> Way<'a> {
    /// Goes one directory further.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn step(self) -> Self {
        let Way::Dir { dir, rest } = self else { return self };
        match dir.children[dir.index(rest)].dir() {
            Ok(place) => Way::Dir { dir: &dir.dirs[place], rest: rest << DIR_BITS },
            Err(leaf) => Way::Leaf(leaf),
        }
    }

    /// Starts to fetch the directory.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn prefetch_dir(self) {
        if let Way::Dir { dir, rest } = self {
            prefetch(&dir.places[place_of(rest)]);
        }
    }

    /// Starts to fetch where the directory keeps the next step.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn prefetch_child(self) {
        if let Way::Dir { dir, rest } = self {
            prefetch(&dir.children[dir.index(rest)]);
        }
    }

    /// Goes to the end.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn leaf(mut self) -> Handle {
        loop {
            match self {
                Way::Leaf(leaf) => return leaf,
                dir => self = dir.step(),
            }
        }
    }
}

/// A leaf, and which paths lead to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reached<'a> {
    pub(super) leaf: Leaf<'a>,
    /// The first path behind those that lead here; `None`: these are the last.
    pub(super) next: Option<u64>,
    /// When something of it expires for the first time.
    pub(super) first: Due,
}

/// What is there.
impl Trie {
    pub(super) fn new(keeps: Keeps) -> Self {
        let (facts, leaves) = (Facts::default(), Leaves::new(keeps));
        Trie { root: None, leaf: EMPTY, facts, leaves, dirs: 0 }
    }

    /// Bytes accounted: leaves and directories.
    pub(super) fn size(&self) -> u64 {
        self.dirs + self.leaves.used()
    }

    /// Bytes of pages that hold no leaf yet.
    pub(super) fn slack(&self) -> u64 {
        self.leaves.slack()
    }

    /// When something expires for the first time.
    ///
    /// A directory's is always the least of its children's. A leaf's is that of its keys, provided
    /// that [`settle_expiry`](Self::settle_expiry) is called when the first of them does so no more.
    pub(super) fn first(&self) -> Due {
        self.facts.first
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn leaf(&self, path: u64) -> Leaf<'_> {
        self.leaves.get(self.way(path).leaf())
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn way(&self, path: u64) -> Way<'_> {
        match &self.root {
            Some(dir) => Way::Dir { dir, rest: path },
            None => Way::Leaf(self.leaf),
        }
    }

    /// The leaves of several paths, on the way to which the waits for memory overlap.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn leaves<const N: usize>(&self, paths: &[u64]) -> [Leaf<'_>; N] {
        let mut ways = [self.way(0); N];
        let ways = &mut ways[..paths.len().min(N)];
        for (way, &path) in ways.iter_mut().zip(paths) {
            *way = self.way(path).step();
            way.prefetch_dir();
        }
        ways.iter().for_each(|way| way.prefetch_child());
        let mut leaves = [Leaf::EMPTY; N];
        for (leaf, way) in leaves.iter_mut().zip(ways) {
            *leaf = self.leaves.get(way.leaf());
            leaf.prefetch();
        }
        leaves
    }

    /// The leaf of a path, with where the next one begins.
    pub(super) fn reach(&self, path: u64) -> Reached<'_> {
        let (mut way, mut facts, mut skip) = (self.way(path), self.facts, 0);
        loop {
            skip += u32::from(facts.depth);
            match way {
                Way::Leaf(leaf) => {
                    let width = u64::MAX.checked_shr(skip).unwrap_or(0);
                    let next = (path | width).checked_add(1);
                    let leaf = self.leaves.get(leaf);
                    return Reached { leaf, next, first: facts.first };
                }
                Way::Dir { dir, rest } => {
                    facts = dir.facts[dir.index(rest)];
                    way = way.step();
                }
            }
        }
    }

    /// Whether a leaf is to be parted before it takes another key with this tag.
    pub(super) fn is_full(&self, path: u64, tag: u8) -> bool {
        let leaf = self.leaf(path);
        if leaf.count(tag) >= SAME || leaf.len() >= LAST_LIMIT {
            return true;
        }
        leaf.len() >= LIMIT && self.depth(path) < DIR_BITS
    }

    /// How many bits of its directory's the keys of a leaf share; the only leaf might as well share
    /// all.
    fn depth(&self, path: u64) -> u32 {
        let (mut way, mut depth) = (self.way(path), DIR_BITS as u8);
        while let Way::Dir { dir, rest } = way {
            depth = dir.facts[dir.index(rest)].depth;
            way = way.step();
        }
        depth.into()
    }

    /// A path to a leaf of which `is_due` holds: the first from `from` on, or else the first of all.
    pub(super) fn expiring(&self, from: u64, is_due: impl Fn(Due) -> bool) -> Option<u64> {
        if !is_due(self.facts.first) {
            return None;
        }
        let (mut way, mut skip, mut path) = (self.way(from), 0, 0);
        while let Way::Dir { dir, rest } = way {
            let start = place_of(rest);
            let due = |place: &usize| is_due(dir.facts[usize::from(dir.places[*place])].first);
            let place = (start..PLACES).chain(0..start).find(due)?;
            let bits = (place as u64) << (PATH_BITS - DIR_BITS);
            path |= bits >> skip;
            way = if place == start { way } else { Way::Dir { dir, rest: bits } }.step();
            skip += DIR_BITS;
        }
        Some(path)
    }

    /// The leaf, and the key in it, that come after `skip` others.
    pub(super) fn nth(&self, mut skip: usize) -> Option<(Leaf<'_>, usize)> {
        if skip >= self.facts.len as usize {
            return None;
        }
        let mut dir = self.root.as_ref();
        let mut leaf = self.leaf;
        while let Some(here) = dir {
            let i = here.facts.iter().position(|facts| {
                let here = skip < facts.len as usize;
                skip -= if here { 0 } else { facts.len as usize };
                here
            })?;
            match here.children[i].dir() {
                Ok(place) => dir = here.dirs.get(place),
                Err(last) => (dir, leaf) = (None, last),
            }
        }
        Some((self.leaves.get(leaf), skip))
    }
}

/// Changes.
impl Trie {
    /// The leaf of a path to change what it knows of its keys, not which they are. `None`: it has
    /// none.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn leaf_mut(&mut self, path: u64) -> Option<LeafMut<'_>> {
        let leaf = self.way(path).leaf();
        self.leaves.get_mut(leaf)
    }

    /// Changes what is known on the way to a leaf, and which one that is.
    fn walk_mut(
        &mut self,
        path: u64,
        mut visit: impl FnMut(&mut Facts),
        change: impl FnOnce(&mut Leaves, Handle) -> Handle,
    ) {
        visit(&mut self.facts);
        let Some(root) = &mut self.root else {
            self.leaf = change(&mut self.leaves, self.leaf);
            return;
        };
        let (mut dir, mut rest) = (root.to_mut(), path);
        loop {
            let i = dir.index(rest);
            visit(&mut dir.facts[i]);
            match dir.children[i].dir() {
                Ok(place) => dir = dir.dirs[place].to_mut(),
                Err(leaf) => {
                    dir.children[i] = Node::of_leaf(change(&mut self.leaves, leaf));
                    return;
                }
            }
            rest <<= DIR_BITS;
        }
    }

    /// Adds a key. `path_of` and `due_of` tell of any key in the leaf.
    pub(super) fn insert(
        &mut self,
        path: u64,
        item: Item,
        path_of: impl Fn(Handle) -> u64,
        due_of: impl Fn(Handle) -> Due,
    ) {
        while self.is_full(path, item.tag) && self.split(path, &path_of, &due_of) {}
        let mut removed = None;
        self.walk_mut(
            path,
            |facts| facts.len += 1,
            |leaves, old| {
                let len = leaves.get(old).len();
                if leaves.get(old).fits(len + 1) {
                    leaves.get_mut(old).into_iter().for_each(|mut leaf| leaf.push(item));
                    return old;
                }
                removed = Some(old);
                let items: Vec<Item> = leaves.get(old).items().chain([item]).collect();
                leaves.add(path, &items)
            },
        );
        self.remove_leaves(removed);
    }

    /// Makes two leaves of one. `false`: no bit is left to tell its keys apart by.
    fn split(
        &mut self,
        path: u64,
        path_of: impl Fn(Handle) -> u64,
        due_of: impl Fn(Handle) -> Due,
    ) -> bool {
        let Trie { root, leaf, facts, leaves, dirs } = self;
        let root = root.get_or_insert_with(|| {
            let root = Dir::of(*leaf, *facts);
            *dirs += root.size();
            Shared::new(root)
        });
        let (mut dir, mut skip) = (root.to_mut(), 0);
        let old = loop {
            let i = dir.index(behind(path, skip));
            let depth = u32::from(dir.facts[i].depth);
            let leaf = match dir.children[i].dir() {
                Ok(place) => {
                    dir = dir.dirs[place].to_mut();
                    skip += DIR_BITS;
                    continue;
                }
                Err(leaf) => leaf,
            };
            if skip + depth >= PATH_BITS {
                return false;
            }
            if depth == DIR_BITS {
                dir.deepen(i, leaf);
                *dirs += DIR_SIZE + CHILD_SIZE;
                continue;
            }
            let bit = 1 << (PATH_BITS - 1 - skip - depth);
            let (upper, lower): (Vec<Item>, Vec<Item>) =
                leaves.get(leaf).items().partition(|item| path_of(item.handle) & bit != 0);
            let expires = dir.facts[i].first != Due::NEVER;
            let two = [(path & !bit, lower), (path | bit, upper)].map(|(path, items)| {
                let first = if expires { first(&items, &due_of) } else { Due::NEVER };
                (leaves.add(path, &items), items.len(), first)
            });
            dir.split(place_of(behind(path, skip)), two);
            *dirs += CHILD_SIZE;
            break leaf;
        };
        self.remove_leaves([old]);
        true
    }

    /// Takes note that a key of this path, or a part of its value, expires.
    pub(super) fn note_expiry(&mut self, path: u64, due: Due) {
        self.walk_mut(path, |facts| facts.first = facts.first.min(due), |_, leaf| leaf);
    }

    /// Finds anew when something of the leaf of a path expires for the first time.
    pub(super) fn settle_expiry(&mut self, path: u64, due_of: impl Fn(Handle) -> Due) {
        let items: Vec<Item> = self.leaf(path).items().collect();
        let first = first(&items, &due_of);
        self.facts.first = match &mut self.root {
            Some(root) => settle_below(root.to_mut(), path, first),
            None => first,
        };
    }
}

/// Gives when something below the directory expires for the first time.
fn settle_below(dir: &mut Dir, rest: u64, first: Due) -> Due {
    let i = dir.index(rest);
    dir.facts[i].first = match dir.children[i].dir() {
        Ok(place) => settle_below(dir.dirs[place].to_mut(), rest << DIR_BITS, first),
        Err(_) => first,
    };
    dir.first()
}

/// When something of these keys expires for the first time.
fn first(items: &[Item], due_of: &impl Fn(Handle) -> Due) -> Due {
    items.iter().fold(Due::NEVER, |first, item| first.min(due_of(item.handle)))
}
