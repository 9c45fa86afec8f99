//! All data as commands: the base of a log where no snapshot is wanted.

use crate::keyspace::{Keyspace, Step, Walk};
use crate::node::dump::write_entry;
use crate::protocol::request;
use crate::snapshot::Saved;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::convert::Infallible;

/// Bytes of a block, about; one value is never cut.
const BLOCK: usize = 64 * 1024;

/// The data of one moment, given out as commands.
#[derive(Clone, Debug)]
pub(super) struct Commands {
    keyspace: Keyspace,
    db: u32,
    walk: Option<Walk>,
    saved: Saved,
}

impl Commands {
    pub(super) fn new(keyspace: Keyspace) -> Self {
        let saved = Saved { of_keys: keyspace.total_len(), ..Saved::default() };
        Commands { keyspace, db: 0, walk: None, saved }
    }

    pub(super) fn saved(&self) -> Saved {
        self.saved
    }

    pub(super) fn next_block(&mut self) -> Option<Vec<u8>> {
        let mut block = Vec::new();
        while block.len() < BLOCK && self.db < self.keyspace.databases() {
            if self.walk.is_none() && self.keyspace.len(self.db) > 0 {
                request::encode_into(&mut block, ["SELECT", &self.db.to_string()]);
                self.walk = Some(Walk::default());
            }
            let Some(walk) = self.walk else {
                self.db += 1;
                continue;
            };
            let saved = &mut self.saved;
            self.walk = self.keyspace.walk(self.db, walk, &mut |entry, _| {
                let Ok(()) = write_entry(&mut block, entry, &mut |_| Ok::<_, Infallible>(()));
                saved.keys += 1;
                if block.len() < BLOCK { Step::On } else { Step::Stop }
            });
            self.db += u32::from(self.walk.is_none());
        }
        self.saved.bytes += block.len() as u64;
        (!block.is_empty()).then_some(block)
    }
}
