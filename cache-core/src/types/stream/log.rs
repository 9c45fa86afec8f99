//! All entries of a stream: blocks that are full, in a tree, and the one that grows.
//!
//! Whoever adds an entry touches the last block alone. It is empty only when the stream is.

use super::block::{Block, BlockLimits, Entry, Fields};
use super::id::StreamId;
use crate::keyspace::Shared;
use crate::types::tree::{Chunk, Cursor, End, Tree};
use core::mem;

/// Bytes accounted for the last block beyond its own.
const LAST_OVERHEAD: u64 = 48;

#[derive(Clone, Debug)]
pub(super) struct Log {
    sealed: Option<Tree<Block>>,
    /// How many blocks are in the tree.
    blocks: u64,
    last: Option<Shared<Block>>,
}

/// Where a block is, until the log changes.
#[derive(Clone, Copy, Debug)]
enum Place {
    Sealed(Cursor),
    Last,
}

/// What a trim leaves.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Keep {
    /// So many of the last entries.
    Last(u64),
    /// The entries from this id on.
    From(StreamId),
}

/// What to trim.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trim {
    pub(crate) keep: Keep,
    /// Only whole blocks.
    pub(crate) approximate: bool,
    /// The most entries that may go; 0 is no limit.
    pub(crate) limit: u64,
}

/// Reading.
impl Log {
    pub(super) const EMPTY: Log = Log { sealed: None, blocks: 0, last: None };

    pub(super) fn len(&self) -> u64 {
        let sealed = self.sealed.as_ref().map_or(0, Tree::len);
        sealed + self.last.as_ref().map_or(0, |last| last.len().into())
    }

    pub(super) fn size(&self) -> u64 {
        let sealed = self.sealed.as_ref().map_or(0, Tree::size);
        sealed + self.last.as_ref().map_or(0, |last| last.size() + LAST_OVERHEAD)
    }

    pub(super) fn blocks(&self) -> u64 {
        self.blocks + u64::from(self.last.is_some())
    }

    fn block(&self, place: Place) -> Option<&Block> {
        match place {
            Place::Sealed(at) => self.sealed.as_ref()?.chunk(&at),
            Place::Last => self.last.as_deref(),
        }
    }

    /// The block in which an entry is, if it is there: the first one that has later ones, if any.
    fn find(&self, id: StreamId) -> Place {
        let sealed = self.sealed.as_ref();
        let found = sealed.and_then(|tree| tree.find(&|key| key.cmp(&id), &|_| false));
        found.map_or(Place::Last, Place::Sealed)
    }

    fn next(&self, place: Place) -> Option<Place> {
        match place {
            Place::Sealed(at) => {
                let next = self.sealed.as_ref()?.next(&at);
                Some(next.map_or(Place::Last, Place::Sealed))
            }
            Place::Last => None,
        }
    }

    fn prev(&self, place: Place) -> Option<Place> {
        let sealed = self.sealed.as_ref()?;
        let prev = match place {
            Place::Sealed(at) => sealed.prev(&at),
            Place::Last => sealed.end(End::Last),
        };
        prev.map(Place::Sealed)
    }

    /// The first block that has an entry of this id or a later one.
    pub(super) fn block_from(&self, id: StreamId) -> Option<&Block> {
        let place = self.find(id);
        let first = self.block(place)?;
        // The end of a block may have been removed.
        match first.top() < id {
            true => self.block(self.next(place)?),
            false => Some(first),
        }
    }

    /// The entries from one id to another, both included.
    pub(super) fn range(&self, from: StreamId, to: StreamId) -> impl Iterator<Item = Entry<'_>> {
        let mut place = Some(self.find(from));
        core::iter::from_fn(move || {
            let block = self.block(place?)?;
            place = self.next(place?);
            Some(block.iter_from(from))
        })
        .flatten()
        .take_while(move |entry| entry.id <= to)
    }

    /// The same, the last one first.
    pub(super) fn range_back(
        &self,
        from: StreamId,
        to: StreamId,
    ) -> impl Iterator<Item = Entry<'_>> {
        let mut place = Some(self.find(to));
        core::iter::from_fn(move || {
            let block = self.block(place?)?;
            place = self.prev(place?);
            Some(block.iter_back(to))
        })
        .flatten()
        .take_while(move |entry| entry.id >= from)
    }

    pub(super) fn get(&self, id: StreamId) -> Option<Entry<'_>> {
        self.block(self.find(id))?.iter_from(id).next().filter(|entry| entry.id == id)
    }

    pub(super) fn first(&self) -> Option<Entry<'_>> {
        self.range(StreamId::MIN, StreamId::MAX).next()
    }

    /// The id of the last entry.
    pub(super) fn top(&self) -> Option<StreamId> {
        self.last.as_ref().map(|last| last.top())
    }

    pub(super) fn last(&self) -> Option<Entry<'_>> {
        self.get(self.top()?)
    }
}

/// Writing.
impl Log {
    /// Adds an entry behind all others.
    pub(super) fn push<'a>(
        &mut self,
        id: StreamId,
        fields: impl Fields<'a>,
        bytes: u64,
        limits: BlockLimits,
    ) {
        let last = self.last.get_or_insert_with(|| Shared::new(Block::default()));
        if last.len() > 0 && !last.has_room(bytes, limits) {
            let new = last.to_mut().seal();
            let full = mem::replace(last.to_mut(), new);
            self.sealed.get_or_insert_default().push_chunk(End::Last, full);
            self.blocks += 1;
        }
        last.to_mut().push(id, fields);
    }

    /// Removes an entry. `false`: it isn't there.
    pub(super) fn remove(&mut self, id: StreamId) -> bool {
        let removed = match self.find(id) {
            Place::Sealed(at) => {
                let Some(tree) = &mut self.sealed else { return false };
                let removed = tree.edit(&at, |block| (block.remove(id), block.len() == 0));
                let (removed, is_empty) = removed.unwrap_or_default();
                self.blocks -= u64::from(is_empty);
                removed
            }
            Place::Last => self.last.as_mut().is_some_and(|last| last.to_mut().remove(id)),
        };
        if removed {
            self.settle();
        }
        removed
    }

    /// Removes entries from the front and says how many.
    pub(super) fn trim(&mut self, trim: Trim) -> u64 {
        let (whole, blocks) = self.whole_blocks(trim);
        let sealed = self.sealed.as_ref().map_or(0, Tree::len);
        if let Some(tree) = &mut self.sealed {
            tree.remove(0..whole.min(sealed));
        }
        self.blocks = self.blocks.saturating_sub(blocks);
        if whole > sealed {
            self.last = None;
        }
        let mut part = 0;
        if !trim.approximate {
            part = self.part_of_first(trim.keep);
            self.remove_first(part);
        }
        self.settle();
        whole + u64::from(part)
    }

    /// How many entries are in the blocks at the front that are to go as a whole, and how many
    /// blocks those are.
    fn whole_blocks(&self, trim: Trim) -> (u64, u64) {
        let (mut whole, mut blocks, len) = (0, 0, self.len());
        let sealed = self.sealed.iter().flat_map(Tree::chunks);
        for block in sealed.chain(self.last.as_deref()) {
            let entries = u64::from(block.len());
            let goes = match trim.keep {
                Keep::Last(count) => len - whole - entries >= count,
                Keep::From(id) => block.end() < id,
            };
            if !goes || (trim.limit > 0 && whole + entries > trim.limit) {
                break;
            }
            whole += entries;
            blocks += 1;
        }
        (whole, blocks)
    }

    /// How many entries of the first block are to go.
    fn part_of_first(&self, keep: Keep) -> u32 {
        let first = self.sealed.as_ref().and_then(|tree| tree.chunks().next());
        let Some(block) = first.or(self.last.as_deref()) else { return 0 };
        match keep {
            Keep::Last(count) => self.len().saturating_sub(count).min(block.len().into()) as u32,
            Keep::From(id) => block.iter().take_while(|entry| entry.id < id).count() as u32,
        }
    }

    /// Removes so many entries of the first block.
    fn remove_first(&mut self, count: u32) {
        if count == 0 {
            return;
        }
        if let Some(tree) = &mut self.sealed
            && let Some(at) = tree.end(End::First)
        {
            let is_empty = tree.edit(&at, |block| {
                block.remove_first(count);
                block.len() == 0
            });
            self.blocks -= u64::from(is_empty == Some(true));
        } else if let Some(last) = &mut self.last {
            last.to_mut().remove_first(count);
        }
    }

    /// After something was removed: lets go of what is empty, and of a tree without blocks.
    fn settle(&mut self) {
        if self.last.as_ref().is_some_and(|last| last.len() == 0) {
            self.last = None;
        }
        if let Some(tree) = &mut self.sealed {
            if self.last.is_none()
                && let Some(at) = tree.end(End::Last)
            {
                // The one before it grows again, if there is room in it.
                let block = tree.edit(&at, mem::take);
                self.last = block.map(Shared::new);
                self.blocks -= 1;
            }
            if tree.is_empty() {
                self.sealed = None;
            }
        }
    }

    /// Drops some of it. `false`: nothing is left.
    pub(super) fn drop_some(&mut self) -> bool {
        self.last = None;
        let more = self.sealed.as_mut().is_some_and(Tree::drop_some);
        if !more {
            *self = Log::EMPTY;
        }
        more
    }
}

#[cfg(test)]
impl Log {
    /// Whether all is as it must be.
    pub(super) fn check(&self) {
        if let Some(tree) = &self.sealed {
            tree.check();
            assert!(!tree.is_empty() && self.last.is_some());
            assert_eq!(tree.chunks().count() as u64, self.blocks);
            for block in tree.chunks() {
                block.check();
            }
        }
        if let Some(last) = &self.last {
            assert!(last.len() > 0);
            last.check();
        }
    }
}
