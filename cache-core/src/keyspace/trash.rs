//! What was removed and is too large to be freed at once.
//!
//! A clone has none of it: it is nobody's data any more.

use super::packed::{Removed, Shared, Store};
use crate::types::Data;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// What is at most so long is freed at once, in bytes.
const AT_ONCE: usize = 256 * 1024;
/// Bytes of a long run of bytes that are freed in one go.
const CUT: usize = 4 << 20;
/// For so many things that wait, one more is seen to each time: however fast they come, they go as
/// fast before memory is full of them.
const WAITING: usize = 4;

#[derive(Debug)]
enum Item {
    Bytes(Vec<u8>),
    Data(Data),
    Store(Box<Store>),
}

#[derive(Debug, Default)]
pub(super) struct Trash(VecDeque<Item>);

impl Clone for Trash {
    fn clone(&self) -> Self {
        Trash::default()
    }
}

impl Trash {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes what was removed; what is small is freed.
    pub(super) fn take(&mut self, removed: Removed) {
        let Removed { alone, object } = removed;
        // What a clone still holds is freed by the clone.
        if let Some(mut record) = alone
            && record.own().is_some_and(|bytes| bytes.capacity() > AT_ONCE)
        {
            self.0.push_back(Item::Bytes(record.into_inner()));
        }
        if let Some(mut data) = object
            && data.own().is_some_and(|data| data.size() > AT_ONCE as u64)
        {
            self.0.push_back(Item::Data(Shared::into_inner(data)));
        }
    }

    pub(super) fn take_store(&mut self, store: Store) {
        if store.used() + store.slack() > AT_ONCE as u64 {
            self.0.push_back(Item::Store(Box::new(store)));
        }
    }

    /// Frees a part.
    pub(super) fn free_some(&mut self) {
        for _ in 0..=self.0.len() / WAITING {
            self.free_a_part_of_the_first();
        }
    }

    fn free_a_part_of_the_first(&mut self) {
        let Some(mut item) = self.0.pop_front() else { return };
        let more = match &mut item {
            Item::Bytes(bytes) => {
                // The allocator gives the pages at the end back without moving the others.
                bytes.truncate(bytes.len().saturating_sub(CUT));
                bytes.shrink_to_fit();
                !bytes.is_empty()
            }
            Item::Data(data) => data.drop_some(),
            Item::Store(store) => store.drop_some(|removed| self.take(removed)),
        };
        if more {
            self.0.push_front(item);
        }
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
        assert!(trash.0.is_empty());
    }

    /// Clients may remove more in a turn than is freed in one.
    #[test]
    fn what_waits_does_not_pile_up() {
        let mut trash = Trash::default();
        for _ in 0..1000 {
            for _ in 0..8 {
                trash.take_store(value(AT_ONCE + 1));
            }
            trash.free_some();
        }
        assert!(trash.0.len() < 200, "{}", trash.0.len());
        while !trash.0.is_empty() {
            trash.free_some();
        }
    }
}
