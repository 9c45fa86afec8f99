//! All that changes a tree.

use super::inner::{Change, Inner, Node, sum_of};
use super::{Chunk, Cursor, End, HEIGHT, Tree};
use crate::keyspace::Shared;
use alloc::vec::Vec;
use core::mem;
use core::ops::Range;

impl<C: Chunk> Tree<C> {
    /// Changes a chunk, however much, and sets the tree right. `None`: the cursor leads nowhere.
    ///
    /// Cursors are no longer good afterwards.
    pub(crate) fn edit<R>(&mut self, at: &Cursor, f: impl FnOnce(&mut C) -> R) -> Option<R> {
        let mut f = Some(f);
        let mut result = None;
        self.edit_dyn(at, &mut |chunk| result = f.take().map(|f| f(chunk)));
        result
    }

    /// Changes the chunk at an end, or a new one there if it has no room for an entry of so many
    /// bytes: whoever pushes fills chunks to the brim and never splits one.
    pub(crate) fn edit_end<R>(&mut self, end: End, bytes: u64, f: impl FnOnce(&mut C) -> R) -> R {
        let mut f = Some(f);
        let mut result = None;
        let mut edit = |chunk: &mut C| {
            if has_room(chunk, bytes) {
                result = f.take().map(|f| f(chunk));
            }
        };
        let at = self.end(end).unwrap_or(Cursor::new(0));
        self.edit_dyn(&at, &mut edit);
        if let Some(f) = f {
            self.push_chunk(end, C::default());
            let at = self.end(end).unwrap_or(Cursor::new(0));
            result = self.edit(&at, f);
        }
        match result {
            Some(result) => result,
            None => unreachable!("a chunk was put at the end"),
        }
    }

    fn edit_dyn(&mut self, at: &Cursor, f: &mut dyn FnMut(&mut C)) {
        let Some(change) = self.change(at, f) else { return };
        if change.is.is_large(C::LIMIT) {
            self.split(at);
        } else if change.untidy {
            self.repair(*at);
        }
    }

    /// Changes a chunk and counts it anew on the way back up.
    fn change(&mut self, at: &Cursor, f: &mut dyn FnMut(&mut C)) -> Option<Change<C::Key>> {
        let mut change = Change::default();
        self.root.to_mut().change(at.path(), f, &mut change)?;
        self.total = self.total.with(change.was, change.is);
        Some(change)
    }

    /// Puts a chunk at an end.
    pub(crate) fn push_chunk(&mut self, end: End, chunk: C) {
        self.insert_chunk(if end == End::First { 0 } else { self.len() }, chunk);
    }

    /// Takes the entries of these ranks out, as a tree of their own: to be read, or to be freed by
    /// and by.
    pub(crate) fn remove(&mut self, ranks: Range<u64>) -> Tree<C> {
        let to = ranks.end.min(self.len());
        if ranks.start >= to {
            return Tree::default();
        }
        if ranks.start == 0 && to == self.len() {
            return mem::take(self);
        }
        let part = self.root.to_mut().cut(ranks.start, to);
        let mut removed = Tree { root: Shared::new(part), height: self.height, ..Tree::default() };
        removed.repair_at(0);
        removed.repair_at(removed.len() - 1);
        self.repair_at(ranks.start.saturating_sub(1));
        self.repair_at(ranks.start);
        removed
    }

    /// Drops some of what is left of a tree that nobody uses any more. `false`: nothing is left.
    pub(crate) fn drop_some(&mut self) -> bool {
        match self.root.own() {
            Some(root) if root.len() > 0 => {
                root.drop_some();
                self.count();
                true
            }
            _ => {
                *self = Tree::default();
                false
            }
        }
    }

    /// Splits a chunk that is too large.
    #[cold]
    fn split(&mut self, at: &Cursor) {
        let mut rank = self.rank(at);
        let len = self.len();
        let mut pieces = Vec::new();
        let change = self.change(at, &mut |chunk| {
            // At an end it will go on growing there: the other part keeps what it can.
            let middle = match u64::from(chunk.len()) {
                all if rank + all == len => chunk.len() - 1,
                _ if rank == 0 => 1,
                _ => middle_of(chunk),
            };
            pieces.push(chunk.split(middle));
            while sum_of(chunk).is_large(C::LIMIT) {
                pieces.push(chunk.split(middle_of(chunk)));
            }
        });
        rank += change.map_or(0, |change| change.is.count);
        while let Some(mut piece) = pieces.pop() {
            while sum_of(&piece).is_large(C::LIMIT) {
                let upper = piece.split(middle_of(&piece));
                pieces.push(upper);
            }
            let entries = u64::from(piece.len());
            self.insert_chunk(rank, piece);
            rank += entries;
        }
    }

    /// Puts a chunk before the entry of a rank, which no chunk has in its middle.
    #[cold]
    fn insert_chunk(&mut self, rank: u64, chunk: C) {
        let mut at = Cursor::new(self.height);
        if let Some(before) = rank.checked_sub(1)
            && let Some((before, _)) = self.seek(before)
        {
            at = before;
            if let Some(last) = at.path_mut().last_mut() {
                *last += 1;
            }
        }
        let node = Node::Chunk(Shared::new(chunk));
        if let Some(upper) = insert(self.root.to_mut(), at.path(), node) {
            assert!(usize::from(self.height) < HEIGHT, "no memory holds so many chunks");
            let lower = mem::replace(&mut self.root, Shared::new(Inner::default()));
            let root = self.root.to_mut();
            root.push(Node::Inner(lower));
            root.push(Node::Inner(Shared::new(upper)));
            self.height += 1;
        }
        self.count();
    }

    /// Counts the tree anew after its nodes have changed.
    fn count(&mut self) {
        self.total = self.root.sums.total();
        self.last = self.find_last().unwrap_or(Cursor::new(0));
    }

    /// Sets the nodes right that lead to the entry of a rank, after some were taken out beside it.
    fn repair_at(&mut self, rank: u64) {
        self.lower_root();
        if let Some((at, _)) = self.seek(rank) {
            self.repair(at);
        }
    }

    #[cold]
    fn repair(&mut self, mut at: Cursor) {
        repair(self.root.to_mut(), at.path_mut());
        self.lower_root();
        self.count();
    }

    fn lower_root(&mut self) {
        while self.height > 1
            && self.root.len() == 1
            && let Some(Node::Inner(only)) = self.root.child(0)
        {
            self.root = only.clone();
            self.height -= 1;
        }
    }
}

fn has_room<C: Chunk>(chunk: &C, bytes: u64) -> bool {
    chunk.len() == 0
        || (chunk.len() < C::LIMIT.entries && chunk.size().saturating_add(bytes) <= C::LIMIT.bytes)
}

/// Before which entry to split a chunk of more than one.
fn middle_of(chunk: &impl Chunk) -> u32 {
    chunk.middle().clamp(1, chunk.len() - 1)
}

/// Puts a chunk where a path leads, and gives the upper part of the node when it had no room.
fn insert<C: Chunk>(inner: &mut Inner<C>, path: &[u8], node: Node<C>) -> Option<Inner<C>> {
    let (&at, below) = path.split_first()?;
    let at = usize::from(at);
    if below.is_empty() {
        return inner.insert_or_split(at, node);
    }
    let upper = insert(inner.inner_mut(at)?, below, node);
    inner.refresh(at);
    inner.insert_or_split(at + 1, Node::Inner(Shared::new(upper?)))
}

/// Sees to it that all nodes on a path have enough children, and tidies the chunk at its end.
///
/// A node is filled up on the way down, so that those below it have neighbours, and again on the way
/// up, if it has lost some to that.
fn repair<C: Chunk>(inner: &mut Inner<C>, path: &mut [u8]) {
    if let [at] = path {
        return inner.tidy_chunk(usize::from(*at));
    }
    inner.fill_up(path);
    let Some((at, below)) = path.split_first_mut() else { return };
    let i = usize::from(*at);
    let Some(child) = inner.inner_mut(i) else { return };
    repair(child, below);
    inner.refresh(i);
    inner.fill_up(path);
}
