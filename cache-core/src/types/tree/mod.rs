//! A ranked tree of chunks: what large lists, sorted sets and streams are made of.
//!
//! A B+tree (Bayer & McCreight, "Organization and maintenance of large ordered indexes", Acta
//! Informatica 1, 1972) whose leaves are *chunks*, each a run of many entries, and whose inner nodes
//! count the entries below each child (a counted B-tree), so that an entry is found by position as
//! well as by order. Nodes and chunks are shared between clones and copied when written to.
//!
//! - `sums`: what a node counts, the same code for all kinds of chunks.
//! - `inner`: a node, and what is done to one level.
//! - `paths`: cursors, finding and walking.
//! - `edit`: all that changes a tree.
//!
//! What must never be here: what an entry looks like.

mod edit;
mod inner;
mod paths;
mod sums;

#[cfg(test)]
mod check;
#[cfg(test)]
mod tests;

pub(crate) use paths::{Chunks, Cursor};

use crate::keyspace::Shared;
use core::fmt::Debug;
use inner::Inner;
use sums::Sum;

/// Children of an inner node at most.
const FAN: usize = 32;
/// Children of an inner node at least, but for the root.
const MIN: usize = 8;
/// Inner nodes on the way to a chunk at most.
const HEIGHT: usize = 15;
/// Bytes of an inner node, as accounted: of each child count, size, key and pointer.
pub(crate) const NODE_OVERHEAD: u64 = 1280;
/// Bytes that a chunk takes beyond its own `size`, as accounted.
pub(crate) const CHUNK_OVERHEAD: u64 = 48;

// One more level would need more chunks than memory can be addressed for.
const _: () = assert!(2 * (MIN as u128).pow(HEIGHT as u32) * CHUNK_OVERHEAD as u128 > 1 << 51);
const _: () = assert!(FAN <= u8::MAX as usize && MIN >= 4 && MIN * 3 <= FAN);

/// When a chunk is too large: it is then split, if it has more than one entry. One that has lost
/// entries and is below a quarter is joined with a neighbour if both make at most three quarters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    pub(crate) entries: u32,
    pub(crate) bytes: u64,
}

impl Limit {
    /// For chunks that stay as they were put: none is split or joined.
    pub(crate) const KEPT: Limit = Limit { entries: u32::MAX, bytes: u64::MAX >> 1 };

    fn keeps(self) -> bool {
        self.entries == u32::MAX
    }
}

/// A run of entries in one piece.
pub(crate) trait Chunk: Clone + Debug + Default {
    /// By which a chunk is found without a look at it: something short of an entry that never falls
    /// from one entry to the next, say a score or an id. `()` where entries have no order.
    type Key: Copy + Debug + Default;

    const LIMIT: Limit;

    /// Entries in it. Must be cheap, as must `size` and `last_key`.
    fn len(&self) -> u32;

    /// Bytes accounted for its entries: the same on every platform.
    fn size(&self) -> u64;

    /// The key of its last entry; whatever it likes when it has none.
    fn last_key(&self) -> Self::Key;

    /// Before which entry to split it, so that the halves are about equal in bytes.
    fn middle(&self) -> u32 {
        self.len() / 2
    }

    /// Takes out the entries from `at` on, of which there are some on both sides.
    fn split(&mut self, at: u32) -> Self;

    /// Appends all entries of the next chunk.
    fn append(&mut self, next: &Self);
}

/// One of the two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    First,
    Last,
}

/// The tree. With n chunks, what each does costs, beyond the work in a chunk itself:
///
/// | what | costs |
/// |---|---|
/// | `len`, `size`, `end`, `clone` | constant |
/// | `seek`, `find`, `rank`, `chunk`, `next`, `prev` | a look at a node a level: log n |
/// | `edit`, `edit_end` | the same; a node that is shared with a clone is copied |
/// | a split or a join of chunks, seldom needed after an edit | some nodes a level |
/// | `remove` of a range, however long | some nodes a level; of two chunks a part is copied |
/// | `drop_some` | a chunk |
///
/// Where the entries have no order, one is reached by `seek`, and `edit_end` pushes. Where they have
/// one, `find` gives the chunk to look into or to insert into, and if it gives none, the new entry
/// goes to the last chunk by `edit_end`.
///
/// Nodes have 8 to 32 children, and those that grow at an end 24 or more: a million entries, a
/// hundred a chunk, are three levels.
#[derive(Clone, Debug)]
pub(crate) struct Tree<C: Chunk> {
    root: Shared<Inner<C>>,
    /// Levels of inner nodes, at least 1.
    height: u8,
    /// Of all that lies below the root.
    total: Sum,
    /// The last chunk, if there is any.
    last: Cursor,
}

impl<C: Chunk> Default for Tree<C> {
    fn default() -> Self {
        let root = Shared::new(Inner::default());
        Tree { root, height: 1, total: Sum::default(), last: Cursor::new(0) }
    }
}

impl<C: Chunk> Tree<C> {
    /// A tree of these chunks, none of them empty, in this order.
    pub(crate) fn from_chunks(chunks: impl IntoIterator<Item = C>) -> Self {
        let mut tree = Tree::default();
        for chunk in chunks {
            tree.push_chunk(End::Last, chunk);
        }
        tree
    }

    /// Entries in it.
    pub(crate) fn len(&self) -> u64 {
        self.total.count
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.total.count == 0
    }

    /// Bytes accounted for it: the chunks' sizes and what is added for each chunk and node.
    pub(crate) fn size(&self) -> u64 {
        self.total.size + NODE_OVERHEAD
    }

    /// All chunks in order.
    pub(crate) fn chunks(&self) -> Chunks<'_, C> {
        Chunks { tree: self, at: self.end(End::First), toward: End::Last }
    }

    /// The chunks from one on, toward either end.
    pub(crate) fn chunks_from(&self, at: Cursor, toward: End) -> Chunks<'_, C> {
        Chunks { tree: self, at: Some(at), toward }
    }
}
