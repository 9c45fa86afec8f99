//! The effects of writes, in their deterministic form, as a stream of commands.
//!
//! SET with a relative expiry becomes one with an absolute one, an expired or evicted key becomes a
//! DEL. Replication, the append log, a Durable Object's storage and the history in the page all
//! consume this stream; replaying it into an empty node gives an equal digest. An offset counts its
//! bytes. The form is that of Redis's replication stream: RESP arrays, SELECT where the database
//! changes, MULTI and EXEC around a transaction.

use crate::protocol::request;
use alloc::string::ToString;
use alloc::vec::Vec;

/// Effects that wait to be fetched, in bytes. Past it nothing is executed until the host has
/// fetched them.
pub const EFFECTS_HIGH_WATER: usize = 64 << 20;

#[derive(Clone, Debug, Default)]
pub(crate) struct Effects {
    enabled: bool,
    pending: Vec<u8>,
    /// The offset behind the last byte of `pending`.
    offset: u64,
    /// The offset up to which the host has stored them.
    stored: u64,
    /// The offset up to which enough replicas have them.
    replicated: u64,
    /// The database that a reader of the stream is in.
    db: Option<u32>,
    transaction: Transaction,
}

/// Whether effects belong to a transaction, and whether its MULTI is already in the stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Transaction {
    #[default]
    None,
    Wanted,
    Open,
}

impl Effects {
    pub(crate) fn enable(&mut self) {
        self.enabled = true;
    }

    pub(crate) fn enabled(&self) -> bool {
        self.enabled
    }

    pub(crate) fn append<T: AsRef<[u8]>>(
        &mut self,
        db: u32,
        args: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>,
    ) {
        if !self.enabled {
            return;
        }
        let before = self.pending.len();
        if self.transaction == Transaction::Wanted {
            self.transaction = Transaction::Open;
            request::encode_into(&mut self.pending, ["MULTI"]);
        }
        if self.db != Some(db) {
            self.db = Some(db);
            request::encode_into(&mut self.pending, ["SELECT", &db.to_string()]);
        }
        request::encode_into(&mut self.pending, args);
        self.offset += (self.pending.len() - before) as u64;
    }

    /// Effects from here on belong together.
    pub(crate) fn begin_transaction(&mut self) {
        self.transaction = Transaction::Wanted;
    }

    pub(crate) fn end_transaction(&mut self) {
        let open = core::mem::take(&mut self.transaction) == Transaction::Open;
        if open && self.enabled {
            let before = self.pending.len();
            request::encode_into(&mut self.pending, ["EXEC"]);
            self.offset += (self.pending.len() - before) as u64;
        }
    }

    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The database that a reader of the stream is in; `None` before the first effect.
    pub(crate) fn db(&self) -> Option<u32> {
        self.db
    }

    pub(crate) fn is_backed_up(&self) -> bool {
        self.pending.len() > EFFECTS_HIGH_WATER
    }

    /// Takes what is new: its first byte's offset and the bytes.
    pub(crate) fn take(&mut self) -> Option<(u64, Vec<u8>)> {
        if self.pending.is_empty() {
            return None;
        }
        let bytes = core::mem::take(&mut self.pending);
        Some((self.offset - bytes.len() as u64, bytes))
    }

    pub(crate) fn note_stored(&mut self, upto: u64) {
        self.stored = self.stored.max(upto.min(self.offset));
    }

    pub(crate) fn note_replicated(&mut self, upto: u64) {
        self.replicated = self.replicated.max(upto.min(self.offset));
    }

    pub(crate) fn stored(&self) -> u64 {
        self.stored
    }

    pub(crate) fn replicated(&self) -> u64 {
        self.replicated
    }
}
