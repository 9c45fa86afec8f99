//! What was removed and is too large to be freed at once.
//!
//! A clone has none of it: it is nobody's data any more.

use super::packed::{Removed, Store};
use crate::types::Data;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// What is at most so long is freed at once, in bytes.
const AT_ONCE: usize = 256 * 1024;
/// Bytes of a long run of bytes that are freed in one go: some 80 µs.
const CUT: u64 = 1 << 20;
/// What one go frees of something that is made of many pieces, taken for granted: a chunk of pages.
const PART: u64 = 128 * 1024;
/// What one go counts at least.
const LEAST: u64 = 16 * 1024;

#[derive(Debug)]
enum Item {
    Bytes(Vec<u8>),
    Data(Data),
    Store(Box<Store>),
}

#[derive(Debug, Default)]
pub(super) struct Trash {
    /// Each with the bytes that it is thought to have.
    items: VecDeque<(Item, u64)>,
    /// Bytes of all of them.
    bytes: u64,
    /// Bytes that were in use or waited when some were freed last.
    before: u64,
}

impl Clone for Trash {
    fn clone(&self) -> Self {
        Trash::default()
    }
}

impl Trash {
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// Takes what was removed; what is small is freed.
    pub(super) fn take(&mut self, removed: Removed) {
        let Removed { alone, object } = removed;
        // What a clone still holds is freed by the clone.
        if let Some(mut record) = alone
            && record.own().is_some_and(|bytes| bytes.capacity() > AT_ONCE)
        {
            let bytes = record.into_inner();
            let len = bytes.len() as u64;
            self.push(Item::Bytes(bytes), len);
        }
        if let Some(mut data) = object
            && data.own().is_some_and(|data| data.size() > AT_ONCE as u64)
        {
            let bytes = data.size();
            let item = match data.into_inner() {
                Data::String(bytes) => Item::Bytes(bytes),
                data => Item::Data(data),
            };
            self.push(item, bytes);
        }
    }

    pub(super) fn take_store(&mut self, store: Store) {
        let bytes = store.used() + store.slack();
        if bytes > AT_ONCE as u64 {
            self.push(Item::Store(Box::new(store)), bytes);
        }
    }

    /// Takes a clone's store, the bytes of which nobody took since some were freed last.
    pub(super) fn take_clone(&mut self, store: Store) {
        let before = self.bytes;
        self.take_store(store);
        self.before += self.bytes - before;
    }

    fn push(&mut self, item: Item, bytes: u64) {
        self.bytes += bytes;
        self.items.push_back((item, bytes));
    }

    /// Frees a part; `used` bytes are in use. When these and what waits have become more since the
    /// last time, it frees as much: however fast clients write, no more memory is taken while
    /// anything waits.
    pub(super) fn free_some(&mut self, used: u64) {
        let grown = (used + self.bytes).saturating_sub(self.before);
        let mut freed = 0;
        while !self.items.is_empty() && freed <= grown {
            freed += self.free_a_part_of_the_first().max(LEAST);
        }
        self.before = used + self.bytes;
    }

    /// Gives how many bytes that were.
    fn free_a_part_of_the_first(&mut self) -> u64 {
        let Some((mut item, bytes)) = self.items.pop_front() else { return 0 };
        let before = self.bytes;
        self.bytes -= bytes;
        let others = self.bytes;
        let more = match &mut item {
            Item::Bytes(bytes) => {
                // The allocator gives the pages at the end back without moving the others.
                bytes.truncate(bytes.len().saturating_sub(CUT as usize));
                bytes.shrink_to_fit();
                !bytes.is_empty()
            }
            Item::Data(data) => data.drop_some(),
            Item::Store(store) => store.drop_some(|removed| self.take(removed)),
        };
        if more {
            let given_away = self.bytes - others;
            let part = if matches!(item, Item::Bytes(_)) { CUT } else { PART + given_away };
            let left = bytes.saturating_sub(part);
            self.bytes += left;
            self.items.push_front((item, left));
        }
        before.saturating_sub(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::HashSeed;
    use crate::keyspace::packed::{Content, Kind, Probe};

    fn value(len: usize) -> Store {
        let seed = HashSeed::new(1, 2);
        let mut store = Store::new(seed, 1);
        let bytes = alloc::vec![0; len];
        store.put(&Probe::new(seed, b"key"), Content::Bytes(Kind::String, &bytes), None, 0);
        store
    }

    #[test]
    fn what_is_small_does_not_wait() {
        let mut trash = Trash::default();
        trash.take_store(value(1));
        assert!(trash.items.is_empty());
    }

    /// Clients may remove more in a turn than is freed in one, and write as much anew.
    #[test]
    fn what_waits_does_not_pile_up() {
        let mut trash = Trash::default();
        for _ in 0..1000 {
            for _ in 0..8 {
                trash.take_store(value(AT_ONCE + 1));
            }
            trash.free_some(1 << 20);
        }
        assert!(trash.len() < 20, "{}", trash.len());
        while trash.len() > 0 {
            trash.free_some(1 << 20);
        }
        assert_eq!(trash.bytes, 0);
    }

    /// What was in use before may wait as long as it likes.
    #[test]
    fn what_is_removed_at_once_is_freed_by_and_by() {
        let mut trash = Trash::default();
        trash.free_some(100 << 20);
        for _ in 0..100 {
            trash.take_store(value(1 << 20));
        }
        for freed in 1..50 {
            trash.free_some(0);
            assert!(trash.len() >= 100 - freed);
        }
    }

    /// A clone that nobody needs any more must not stall whoever drops it.
    #[test]
    fn a_clone_is_freed_by_and_by() {
        let mut trash = Trash::default();
        trash.free_some(1 << 20);
        for _ in 0..100 {
            trash.take_clone(value(1 << 20));
        }
        for freed in 1..50 {
            trash.free_some(1 << 20);
            assert!(trash.len() >= 100 - freed);
        }
    }
}
