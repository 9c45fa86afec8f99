//! The stream that followers obey: written by a primary, passed on by a replica as it came.
//!
//! It has the effects of writes, and what is meant for followers alone: published messages, pings,
//! questions how far they are. Its offset counts the bytes from where its history began, under a name
//! ([`super::ReplId`]) that nobody else has. While nobody wants it nothing is written, and the
//! history ends.

use super::backlog::Backlog;
use crate::protocol::request;
use alloc::string::ToString;
use alloc::vec::Vec;

/// Whether what is written belongs to a transaction, and whether its MULTI is already there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Transaction {
    #[default]
    None,
    Wanted,
    Open,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Feed {
    /// `None`: nobody wants it.
    backlog: Option<Backlog>,
    offset: u64,
    /// The database that a reader is in; `None`: it has yet to be told.
    db: Option<u32>,
    transaction: Transaction,
}

impl Feed {
    /// The position behind the last byte.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    pub(crate) fn db(&self) -> Option<u32> {
        self.db
    }

    pub(crate) fn backlog(&self) -> Option<&Backlog> {
        self.backlog.as_ref()
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.backlog.is_some()
    }

    /// Begins to keep what is written, if that is not so yet.
    pub(crate) fn keep(&mut self) {
        let offset = self.offset;
        self.backlog.get_or_insert_with(|| Backlog::new(offset));
    }

    /// Forgets what was kept.
    pub(crate) fn drop_backlog(&mut self) {
        self.backlog = None;
        self.db = None;
    }

    /// Goes on at a position of another history, of which nothing is known before it.
    pub(crate) fn restart_at(&mut self, offset: u64) {
        self.offset = offset;
        self.db = None;
        self.backlog = Some(Backlog::new(offset));
    }

    /// The next effect says its database, whoever reads it.
    pub(crate) fn forget_db(&mut self) {
        self.db = None;
    }

    pub(crate) fn trim(&mut self, size: u64, needed: u64) {
        if let Some(backlog) = &mut self.backlog {
            backlog.trim(size, needed);
        }
    }

    /// Writes an effect.
    pub(crate) fn append<T: AsRef<[u8]>>(
        &mut self,
        db: u32,
        args: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>,
    ) {
        self.append_encoded(db, |out| request::encode_into(out, args));
    }

    /// Writes an effect that `write` writes.
    pub(crate) fn append_encoded(&mut self, db: u32, write: impl FnOnce(&mut Vec<u8>)) {
        let begin = self.transaction == Transaction::Wanted;
        let select = self.db != Some(db);
        self.write(|out| {
            if begin {
                request::encode_into(out, ["MULTI"]);
            }
            if select {
                request::encode_into(out, ["SELECT", &db.to_string()]);
            }
            write(out);
        });
        self.db = Some(db);
        if begin {
            self.transaction = Transaction::Open;
        }
    }

    pub(crate) fn begin_transaction(&mut self) {
        self.transaction = Transaction::Wanted;
    }

    pub(crate) fn end_transaction(&mut self) {
        if core::mem::take(&mut self.transaction) == Transaction::Open {
            self.write(|out| request::encode_into(out, ["EXEC"]));
        }
    }

    /// Writes what is no effect and needs no database. Never in the middle of a transaction.
    pub(crate) fn say<const N: usize>(&mut self, args: [&str; N]) {
        self.write(|out| request::encode_into(out, args));
    }

    /// Passes on what came from the primary.
    pub(crate) fn pass_on(&mut self, bytes: &[u8]) {
        self.write(|out| out.extend_from_slice(bytes));
    }

    fn write(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if let Some(backlog) = &mut self.backlog {
            self.offset += backlog.append(write) as u64;
        }
    }
}
