//! Removing what has expired: keys, and parts of values.

use super::Keyspace;
use super::packed::DueParts;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// What is gone since its time had run out.
#[derive(Debug)]
pub(crate) struct Expired {
    pub(crate) db: u32,
    pub(crate) key: Box<[u8]>,
    /// The parts of the value that are gone; `None`: the key is.
    pub(crate) parts: Option<ExpiredParts>,
}

/// Parts of a value that are gone since their time had run out.
#[derive(Debug)]
pub(crate) struct ExpiredParts {
    pub(crate) names: Vec<Box<[u8]>>,
    /// No others were left: the key is gone too.
    pub(crate) emptied: bool,
}

impl Keyspace {
    /// Removes up to `limit` expired keys and parts of values, and gives what went.
    pub(crate) fn take_expired(&mut self, now_ms: u64, limit: usize) -> Vec<Expired> {
        let (mut all, mut left) = (Vec::new(), limit);
        for db in 0..self.databases() {
            for (key, removed) in self.change(db, |store| store.take_due(now_ms, left)) {
                left = left.saturating_sub(1);
                all.push(Expired { db, key, parts: None });
                self.trash.take(removed);
            }
            // As in Valkey, which doesn't leave them the last millisecond that it leaves keys.
            let parts_ms = now_ms.saturating_add(1);
            for (key, due) in self.change(db, |store| store.take_due_parts(parts_ms, left)) {
                left = left.saturating_sub(1 + due.names.len());
                let parts = self.settle_parts(due);
                all.push(Expired { db, key, parts: Some(parts) });
            }
        }
        all
    }

    fn settle_parts(&mut self, due: DueParts) -> ExpiredParts {
        let emptied = due.emptied.is_some();
        self.trash.take(due.emptied.unwrap_or_default());
        ExpiredParts { names: due.names, emptied }
    }
}
