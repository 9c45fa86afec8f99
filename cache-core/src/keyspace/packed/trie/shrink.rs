//! Taking keys out: leaves that become one, directories that are needed no more.

use super::Trie;
use crate::keyspace::packed::dir::{CHILD_SIZE, DIR_BITS, Dir, Facts, LAST_MERGE, place_of};
use crate::keyspace::packed::leaf::Item;
use crate::keyspace::packed::leaves::Leaves;
use crate::keyspace::packed::shared::Shared;
use crate::keyspace::packed::slabs::Handle;
use alloc::vec::Vec;

impl Trie {
    /// Takes key `i` out of the leaf of a path.
    pub(in super::super) fn remove(&mut self, path: u64, i: usize) {
        let (mut removed, mut small) = (Vec::new(), false);
        self.walk_mut(
            path,
            |facts| facts.len -= 1,
            |leaves, old| {
                let Some(mut leaf) = leaves.get_mut(old) else { return old };
                leaf.remove(i);
                let leaf = leaves.get(old);
                small = leaf.len() <= LAST_MERGE;
                if leaf.len() > 0 && leaf.fits(leaf.len()) {
                    return old;
                }
                removed.push(old);
                let items: Vec<Item> = leaf.items().collect();
                leaves.add(path, &items)
            },
        );
        if let Some(root) = &mut self.root
            && small
        {
            let mut merging = Merging { path, leaves: &mut self.leaves, removed, dirs: self.dirs };
            let only = merging.below(root, path);
            (removed, self.dirs) = (merging.removed, merging.dirs);
            if let Some((leaf, facts)) = only {
                // One leaf needs no directory.
                (self.root, self.leaf) = (None, leaf);
                self.facts = Facts { depth: 0, ..facts };
            }
        }
        self.remove_leaves(removed);
    }

    /// Removes leaves to which nothing leads any more.
    pub(super) fn remove_leaves(&mut self, leaves: impl IntoIterator<Item = Handle>) {
        let mut waiting: Vec<Handle> = leaves.into_iter().collect();
        while let Some(leaf) = waiting.pop() {
            let Some(from) = self.leaves.remove(leaf) else { continue };
            // Another one has taken its place: one of these, or one that a path leads to.
            match waiting.iter_mut().find(|waiting| **waiting == from) {
                Some(waiting) => *waiting = leaf,
                None => {
                    let path = self.leaves.get(leaf).path();
                    self.walk_mut(path, |_| {}, |_, _| leaf);
                }
            }
        }
    }

    /// Drops some of what is left of a trie that nobody uses any more. `false`: nothing is left.
    pub(in super::super) fn drop_some(&mut self) -> bool {
        if self.leaves.drop_some() {
            return true;
        }
        // What a clone shares costs nothing to let go.
        let more = self.root.as_mut().and_then(Shared::own).is_some_and(drop_below);
        if !more {
            *self = Trie::new(self.leaves.keeps());
        }
        more
    }
}

/// Making one leaf of two that have become small, and of a directory with one leaf that leaf.
struct Merging<'a> {
    path: u64,
    leaves: &'a mut Leaves,
    /// To be removed.
    removed: Vec<Handle>,
    /// Bytes of directories.
    dirs: u64,
}

impl Merging<'_> {
    /// Gives the only leaf there is.
    fn below(&mut self, dir: &mut Shared<Dir>, rest: u64) -> Option<(Handle, Facts)> {
        let dir = dir.to_mut();
        let i = dir.index(rest);
        if let Ok(place) = dir.children[i].dir() {
            let only = self.below(&mut dir.dirs[place], rest << DIR_BITS)?;
            dir.flatten(i, only);
        }
        while let Some(two) = dir.merge(place_of(rest), self.path, self.leaves) {
            self.removed.extend(two);
            self.dirs -= CHILD_SIZE;
        }
        let only = dir.only();
        if only.is_some() {
            self.dirs -= dir.size();
        }
        only
    }
}

/// Drops a directory of directories at the most. `false`: there is none.
fn drop_below(dir: &mut Dir) -> bool {
    let Some(last) = dir.dirs.last_mut() else { return false };
    if let Some(below) = last.own()
        && below.dirs.iter().any(|dir| !dir.dirs.is_empty())
        && drop_below(below)
    {
        return true;
    }
    dir.dirs.pop();
    true
}
