//! What was removed and is too large to be freed at once.
//!
//! A clone has none of it: it is nobody's data any more.

use super::packed::{Removed, Shared, Store};
use crate::types::Data;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// What is at most so long is freed at once, in bytes.
const AT_ONCE: usize = 256 * 1024;
/// Bytes of a long run of bytes that are freed in one go.
const CUT: usize = 4 << 20;

#[derive(Debug)]
enum Item {
    Bytes(Vec<u8>),
    Data(Data),
    Store(Store),
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
        self.0.push_back(Item::Store(store));
    }

    /// Frees a part.
    pub(super) fn free_some(&mut self) {
        let Some(item) = self.0.front_mut() else { return };
        let more = match item {
            Item::Bytes(bytes) => {
                // The allocator gives the pages at the end back without moving the others.
                bytes.truncate(bytes.len().saturating_sub(CUT));
                bytes.shrink_to_fit();
                !bytes.is_empty()
            }
            Item::Data(data) => data.drop_some(),
            Item::Store(store) => match store.drop_some() {
                Some(removed) => {
                    self.take(removed);
                    true
                }
                None => false,
            },
        };
        if !more {
            self.0.pop_front();
        }
    }
}
