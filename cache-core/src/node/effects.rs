//! The effects of writes, in their deterministic form, as a stream of commands.
//!
//! SET with a relative expiry becomes one with an absolute one, an expired or evicted key becomes a
//! DEL. Replication, the append log, a Durable Object's storage and the history in the page all
//! consume this stream; replaying it into an empty node gives an equal digest. An offset counts its
//! bytes. The form is that of Redis's replication stream: RESP arrays, SELECT where the database
//! changes, MULTI and EXEC around a transaction.
//!
//! The stream is one and has several takers. What a call of `run` recorded is handed to all of them at
//! its end, once ([`Node::hand_out`]); while there is no taker, nothing is recorded and no offset moves.
//! What followers are sent ([`Feed`]) is a stream beside it, with things that are for them alone, and
//! with an offset of its own.

use super::Node;
use super::replication::Feed;
use crate::protocol::{Args, request};
use alloc::string::ToString;
use alloc::vec::Vec;

/// Effects that wait to be fetched, in bytes. Past it nothing is executed until the host has
/// fetched them.
pub const EFFECTS_HIGH_WATER: usize = 64 << 20;
/// Memory that is kept for the effects of the next run, in bytes.
const KEPT: usize = 1 << 20;

/// Who takes effects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Taker {
    /// The host, by `poll_store`.
    Host = 1,
    /// The append log.
    Log = 2,
    /// The stream for those who follow this node.
    Feed = 4,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Effects {
    /// The bits of those who take them.
    takers: u8,
    /// What has been recorded since it was last handed out.
    fresh: Vec<u8>,
    /// What the host has not fetched yet.
    for_host: Vec<u8>,
    /// Bytes that the append log has not written yet.
    for_log: usize,
    /// The offset behind the last byte of `fresh`.
    offset: u64,
    /// The offset up to which the host has stored them.
    stored: u64,
    /// The offset up to which enough replicas have them.
    replicated: u64,
    /// The database that a reader of the stream is in.
    db: Option<u32>,
    transaction: Transaction,
    /// What followers are sent.
    pub(crate) feed: Feed,
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
    /// Someone takes effects from here on, or no longer.
    pub(crate) fn set_taker(&mut self, taker: Taker, takes: bool) {
        if takes && !self.has_taker(taker) {
            self.takers |= taker as u8;
            // It knows of no database yet.
            self.db = None;
        } else if !takes {
            self.takers &= !(taker as u8);
        }
    }

    pub(crate) fn has_taker(&self, taker: Taker) -> bool {
        self.takers & taker as u8 != 0
    }

    /// Whether effects are written into the stream that followers are sent.
    pub(crate) fn set_feeds(&mut self, feeds: bool) {
        self.takers &= !(Taker::Feed as u8);
        self.takers |= if feeds { Taker::Feed as u8 } else { 0 };
    }

    fn is_recorded(&self) -> bool {
        self.takers & !(Taker::Feed as u8) != 0
    }

    pub(crate) fn append<T: AsRef<[u8]>>(
        &mut self,
        db: u32,
        args: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>,
    ) {
        if self.takers == 0 {
            return;
        }
        if !self.is_recorded() {
            return self.feed.append(db, args);
        }
        let before = self.fresh.len();
        if self.transaction == Transaction::Wanted {
            self.transaction = Transaction::Open;
            request::encode_into(&mut self.fresh, ["MULTI"]);
        }
        if self.db != Some(db) {
            self.db = Some(db);
            request::encode_into(&mut self.fresh, ["SELECT", &db.to_string()]);
        }
        let start = self.fresh.len();
        request::encode_into(&mut self.fresh, args);
        self.offset += (self.fresh.len() - before) as u64;
        if self.has_taker(Taker::Feed) {
            let effect = self.fresh.get(start..).unwrap_or_default();
            self.feed.append_encoded(db, |out| out.extend_from_slice(effect));
        }
    }

    /// Records what is for followers alone.
    pub(crate) fn append_for_followers(&mut self, db: u32, args: Args<'_>) {
        if self.has_taker(Taker::Feed) {
            self.feed.append(db, args.iter());
        }
    }

    /// Effects from here on belong together.
    pub(crate) fn begin_transaction(&mut self) {
        self.transaction = Transaction::Wanted;
        self.feed.begin_transaction();
    }

    pub(crate) fn end_transaction(&mut self) {
        self.feed.end_transaction();
        let open = core::mem::take(&mut self.transaction) == Transaction::Open;
        if open && self.is_recorded() {
            let before = self.fresh.len();
            request::encode_into(&mut self.fresh, ["EXEC"]);
            self.offset += (self.fresh.len() - before) as u64;
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
        self.fresh.len() + self.for_host.len().max(self.for_log) > EFFECTS_HIGH_WATER
    }

    /// Whether nothing runs until the log's disk has taken more.
    pub(crate) fn waits_for_log(&self) -> bool {
        self.for_log > EFFECTS_HIGH_WATER
    }

    /// So many bytes wait for the log's disk.
    pub(crate) fn note_waiting(&mut self, bytes: usize) {
        self.for_log = bytes;
    }

    /// Records nothing until [`resume`](Self::resume): what runs meanwhile was recorded before.
    pub(crate) fn pause(&mut self) -> u8 {
        core::mem::take(&mut self.takers)
    }

    pub(crate) fn resume(&mut self, takers: u8) {
        self.takers |= takers;
    }

    /// Takes what the host has not fetched yet: its first byte's offset and the bytes.
    pub(crate) fn take_for_host(&mut self) -> Option<(u64, Vec<u8>)> {
        if self.for_host.is_empty() {
            return None;
        }
        let bytes = core::mem::take(&mut self.for_host);
        let end = self.offset - self.fresh.len() as u64;
        Some((end - bytes.len() as u64, bytes))
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

impl Node {
    /// Hands effects that are new to all who take them. Between commands and behind a transaction, never
    /// inside one.
    pub(super) fn hand_out(&mut self) {
        let effects = &mut self.state.effects;
        if effects.fresh.is_empty() {
            return;
        }
        let mut bytes = core::mem::take(&mut effects.fresh);
        // A taker of its own room (the append log, the backlog) reads `bytes` here; they begin at the
        // offset `effects.offset() - bytes.len()`.
        if effects.has_taker(Taker::Log) {
            self.log_effects(&bytes);
        }
        let effects = &mut self.state.effects;
        if !effects.has_taker(Taker::Host) {
            bytes.clear();
            bytes.shrink_to(KEPT);
            effects.fresh = bytes;
        } else if effects.for_host.is_empty() {
            effects.for_host = bytes;
        } else {
            effects.for_host.extend_from_slice(&bytes);
        }
    }
}
