//! All that changes a tree.

use super::inner::{Inner, Node, sum_of};
use super::sums::Sum;
use super::{Chunk, Cursor, End, HEIGHT, Tree};
use crate::keyspace::Shared;
use alloc::vec;
use core::mem;
use core::ops::Range;

/// What is known of a chunk on the way down to change it.
struct Opened {
    was: Sum,
    /// The last level at which the path doesn't take the last child: from there on down, nodes have
    /// the chunk's last key as the key of the child on the path.
    keyed: usize,
}

impl<C: Chunk> Tree<C> {
    /// Changes a chunk, however much, and sets the tree right. `None`: the cursor leads nowhere.
    ///
    /// Cursors are no longer good afterwards.
    pub(crate) fn edit<R>(&mut self, at: &Cursor, f: impl FnOnce(&mut C) -> R) -> Option<R> {
        let (chunk, opened) = self.open(at)?;
        let result = f(chunk);
        let (is, key) = (sum_of(chunk), chunk.last_key());
        self.note(at, &opened, is, key);
        if is.is_large(C::LIMIT) {
            self.split(at);
        } else if is.count == 0 || (is.is_less(opened.was) && is.is_small(C::LIMIT)) {
            self.repair(*at);
        }
        Some(result)
    }

    /// Changes the chunk at an end, or a new one there if it has no room for an entry of so many
    /// bytes: whoever pushes fills chunks to the brim and never splits one.
    pub(crate) fn edit_end<R>(&mut self, end: End, bytes: u64, f: impl FnOnce(&mut C) -> R) -> R {
        let at = self.end_with_room(end, bytes);
        match self.edit(&at, f) {
            Some(result) => result,
            None => unreachable!("there is a chunk at the end"),
        }
    }

    fn end_with_room(&mut self, end: End, bytes: u64) -> Cursor {
        if let Some(at) = self.end(end)
            && let Some(chunk) = self.chunk(&at)
            && chunk.len() < C::LIMIT.entries
            && chunk.size().saturating_add(bytes) <= C::LIMIT.bytes
        {
            return at;
        }
        self.push_chunk(end, C::default());
        match self.end(end) {
            Some(at) => at,
            None => unreachable!("a chunk was put there"),
        }
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
        let mut removed =
            Tree { total: part.sums.total(), root: Shared::new(part), height: self.height };
        removed.repair_at(0);
        removed.repair_at(removed.len() - 1);
        self.total = self.root.sums.total();
        self.repair_at(ranks.start.saturating_sub(1));
        self.repair_at(ranks.start);
        removed
    }

    /// Drops some of what is left of a tree that nobody uses any more. `false`: nothing is left.
    pub(crate) fn drop_some(&mut self) -> bool {
        match self.root.own() {
            Some(root) if root.len() > 0 => {
                root.drop_some();
                self.total = self.root.sums.total();
                true
            }
            _ => {
                *self = Tree::default();
                false
            }
        }
    }

    /// The chunk at a cursor, to be changed.
    fn open(&mut self, at: &Cursor) -> Option<(&mut C, Opened)> {
        let (&last, upper) = at.path().split_last()?;
        let mut inner = self.root.to_mut();
        let mut keyed = 0;
        for (level, &i) in upper.iter().enumerate() {
            let i = usize::from(i);
            if i + 1 < inner.len() {
                keyed = level;
            }
            inner = inner.inner_mut(i)?;
        }
        let last = usize::from(last);
        if last >= inner.len() {
            return None;
        }
        if last + 1 < inner.len() {
            keyed = upper.len();
        }
        let was = inner.sums.get(last);
        Some((inner.chunk_mut(last)?, Opened { was, keyed }))
    }

    /// Notes on the way down what has become of a chunk.
    fn note(&mut self, at: &Cursor, opened: &Opened, is: Sum, key: C::Key) {
        self.total = self.total.with(opened.was, is);
        let mut inner = self.root.to_mut();
        for (level, &i) in at.path().iter().enumerate() {
            let i = usize::from(i);
            inner.sums.set(i, inner.sums.get(i).with(opened.was, is));
            if level >= opened.keyed {
                inner.keys[i] = key;
            }
            match inner.inner_mut(i) {
                Some(below) => inner = below,
                None => break,
            }
        }
    }

    /// Splits a chunk that is too large.
    #[cold]
    fn split(&mut self, at: &Cursor) {
        let mut rank = self.rank(at);
        let len = self.len();
        let Some((chunk, opened)) = self.open(at) else { return };
        // At an end it will go on growing there: the other part keeps what it can.
        let middle = match u64::from(chunk.len()) {
            all if rank + all == len => chunk.len() - 1,
            _ if rank == 0 => 1,
            _ => middle_of(chunk),
        };
        let mut pieces = vec![chunk.split(middle)];
        while sum_of(chunk).is_large(C::LIMIT) {
            pieces.push(chunk.split(middle_of(chunk)));
        }
        let (is, key) = (sum_of(chunk), chunk.last_key());
        self.note(at, &opened, is, key);
        rank += is.count;
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
        self.total = self.root.sums.total();
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
        self.total = self.root.sums.total();
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
