//! Going through the entries of a database.

use super::packed::{Record, Step, Walk};
use super::{Entry, Keyspace};

/// Bits of a path that a cursor leaves out, so that it fits the 53 bits of a JavaScript number.
const CURSOR_BLUR: u32 = 18;

impl Keyspace {
    /// Visits keys from a cursor on, about `count` of them, and gives the cursor to go on with; 0
    /// is both the first and the last.
    ///
    /// Keys have a fixed order (slot, then hash), so that a key that is there throughout is visited
    /// exactly once, whatever is added, removed or grown in between.
    pub fn scan<'a>(
        &'a self,
        db: u32,
        cursor: u64,
        count: usize,
        visit: &mut dyn FnMut(Entry<'a>),
    ) -> u64 {
        let store = &self.dbs[db as usize];
        // A cursor beyond all places can only have been made up.
        if cursor > u64::MAX >> CURSOR_BLUR {
            return 0;
        }
        let mut visit = |record: Record<'a>| visit(Entry::new(store, record));
        store
            .scan(cursor << CURSOR_BLUR, CURSOR_BLUR, count.max(1), &mut visit)
            .map_or(0, |path| path >> CURSOR_BLUR)
    }

    /// All entries of a database, in an order of the keyspace's own.
    pub fn iter(&self, db: u32) -> impl Iterator<Item = Entry<'_>> {
        let store = &self.dbs[db as usize];
        store.iter().map(move |record| Entry::new(store, record))
    }

    /// Shows a database's entries with their access bits, in their order, from a place on, until
    /// `visit` says to stop; gives where to go on, if any are left. Places hold while nothing changes.
    pub(crate) fn walk<'a>(
        &'a self,
        db: u32,
        from: Walk,
        visit: &mut dyn FnMut(Entry<'a>, u32) -> Step,
    ) -> Option<Walk> {
        let store = &self.dbs[db as usize];
        store.walk(from, &mut |record, access| visit(Entry::new(store, record), access))
    }

    /// All entries of one slot of a database.
    pub fn slot_entries(&self, db: u32, slot: u16) -> impl Iterator<Item = Entry<'_>> {
        let store = &self.dbs[db as usize];
        store.slot_records(slot).map(move |record| Entry::new(store, record))
    }
}
