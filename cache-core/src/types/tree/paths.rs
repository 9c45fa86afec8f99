//! Cursors: finding a chunk and walking from one to the next.

use super::inner::Inner;
use super::{Chunk, End, HEIGHT, Tree};
use core::cmp::Ordering;

/// Where a chunk is: which child to take at each level. Good until the tree changes; after that it
/// leads to some chunk or to none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    levels: u8,
    path: [u8; HEIGHT],
}

impl Cursor {
    pub(super) fn new(levels: u8) -> Self {
        Cursor { levels, path: [0; HEIGHT] }
    }

    pub(super) fn path(&self) -> &[u8] {
        &self.path[..usize::from(self.levels)]
    }

    pub(super) fn path_mut(&mut self) -> &mut [u8] {
        &mut self.path[..usize::from(self.levels)]
    }
}

impl<C: Chunk> Tree<C> {
    /// The chunk at a cursor.
    pub(crate) fn chunk(&self, at: &Cursor) -> Option<&C> {
        let (&last, upper) = at.path().split_last()?;
        let mut inner = &*self.root;
        for &i in upper {
            inner = inner.inner(usize::from(i))?;
        }
        inner.chunk(usize::from(last))
    }

    /// Goes down, at each node where `choose` says.
    fn descend(&self, mut choose: impl FnMut(&Inner<C>) -> Option<usize>) -> Option<Cursor> {
        let mut at = Cursor::new(self.height);
        let mut inner = &*self.root;
        let (last, upper) = at.path_mut().split_last_mut()?;
        for step in upper {
            let i = choose(inner)?;
            *step = i as u8;
            inner = inner.inner(i)?;
        }
        *last = choose(inner)? as u8;
        Some(at)
    }

    /// The first or the last chunk. `None`: there is none.
    pub(crate) fn end(&self, end: End) -> Option<Cursor> {
        let at = if end == End::First { Cursor::new(self.height) } else { self.last };
        (self.root.len() > 0).then_some(at)
    }

    pub(super) fn find_last(&self) -> Option<Cursor> {
        self.descend(|inner| inner.len().checked_sub(1))
    }

    /// The chunk that has the entry of a rank, counted from 0, and the entry's number in it.
    pub(crate) fn seek(&self, rank: u64) -> Option<(Cursor, u32)> {
        let mut rank = rank;
        let at = self.descend(|inner| {
            let (i, rest) = inner.sums.locate(rank)?;
            rank = rest;
            Some(i)
        })?;
        Some((at, rank as u32))
    }

    /// The first chunk whose last entry is not before what is sought. `None`: all entries are.
    ///
    /// `key` compares the key of a last entry with what is sought; where that doesn't decide
    /// (`Equal`), `before` is asked whether the last entry of the chunk is before it.
    pub(crate) fn find(
        &self,
        key: &dyn Fn(C::Key) -> Ordering,
        before: &dyn Fn(&C) -> bool,
    ) -> Option<Cursor> {
        self.descend(|inner| {
            let (mut low, mut high) = (0, inner.len());
            while low < high {
                let middle = low.midpoint(high);
                let is_before = match key(inner.keys[middle]) {
                    Ordering::Less => true,
                    Ordering::Greater => false,
                    Ordering::Equal => last_chunk(inner, middle).is_some_and(before),
                };
                if is_before { low = middle + 1 } else { high = middle }
            }
            (low < inner.len()).then_some(low)
        })
    }

    /// Entries before a chunk.
    pub(crate) fn rank(&self, at: &Cursor) -> u64 {
        let mut inner = &*self.root;
        let mut rank = 0;
        for &i in at.path() {
            rank += inner.sums.before(usize::from(i));
            match inner.inner(usize::from(i)) {
                Some(below) => inner = below,
                None => break,
            }
        }
        rank
    }

    /// The chunk after one.
    pub(crate) fn next(&self, at: &Cursor) -> Option<Cursor> {
        self.step(at, End::Last)
    }

    /// The chunk before one.
    pub(crate) fn prev(&self, at: &Cursor) -> Option<Cursor> {
        self.step(at, End::First)
    }

    fn step(&self, at: &Cursor, toward: End) -> Option<Cursor> {
        // The lowest node that has another child on that side.
        let mut inner = &*self.root;
        let mut turn = None;
        for (level, &i) in at.path().iter().enumerate() {
            let i = usize::from(i);
            let next = match toward {
                End::First => i.checked_sub(1),
                End::Last => Some(i + 1),
            };
            if let Some(next) = next.filter(|&next| next < inner.len()) {
                turn = Some((level, next));
            }
            match inner.inner(i) {
                Some(below) => inner = below,
                None => break,
            }
        }
        let (turn, next) = turn?;
        let mut level = 0;
        self.descend(|inner| {
            let last = inner.len().checked_sub(1)?;
            let i = match (level.cmp(&turn), toward) {
                (Ordering::Less, _) => usize::from(at.path[level]),
                (Ordering::Equal, _) => next,
                (Ordering::Greater, End::Last) => 0,
                (Ordering::Greater, End::First) => last,
            };
            level += 1;
            Some(i)
        })
    }
}

/// The last chunk below a child.
fn last_chunk<C: Chunk>(mut inner: &Inner<C>, mut i: usize) -> Option<&C> {
    while let Some(below) = inner.inner(i) {
        inner = below;
        i = below.len().checked_sub(1)?;
    }
    inner.chunk(i)
}

/// Chunks, one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Chunks<'a, C: Chunk> {
    pub(super) tree: &'a Tree<C>,
    pub(super) at: Option<Cursor>,
    pub(super) toward: End,
}

impl<'a, C: Chunk> Iterator for Chunks<'a, C> {
    type Item = &'a C;

    fn next(&mut self) -> Option<&'a C> {
        let at = self.at.take()?;
        self.at = self.tree.step(&at, self.toward);
        self.tree.chunk(&at)
    }
}
