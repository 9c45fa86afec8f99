//! Meeting what has expired: keys, and parts of values.

use super::Cx;
use crate::commands::Flags;
use crate::config::Class;
use crate::keyspace::{DueBy, Found, Probe};
use crate::node::conn::ConnFlags;
use crate::observer::{Event, ExpiredBy, Observer};
use alloc::vec::Vec;

/// Parts of a value that go at once when a command meets them after their time. What is left is not
/// seen, and goes by and by.
const PARTS_AT_ONCE: usize = 256;

impl<O: Observer> Cx<'_, O> {
    /// Where a key is whose time has run out, or that of a part of its value.
    #[cold]
    pub(super) fn find_due(&mut self, db: u32, probe: &Probe<'_>) -> Option<Found> {
        let found = self.state.keyspace.locate(db, probe)?;
        if self.state.keyspace.at(db, found).is_expired(self.now.wall_ms()) {
            return self.outlives_its_time(db, probe).then_some(found);
        }
        // Reads leave out what has expired, whatever is still there.
        if self.conn.has(ConnFlags::REPLAY) || self.state.obeys_stream(self.conns) {
            return Some(found);
        }
        // What the command names goes in any case: whoever changes it finds it gone.
        let named: Vec<&[u8]> = self.args.iter().skip(1).collect();
        let due = DueBy { now_ms: self.now.wall_ms(), limit: PARTS_AT_ONCE, named: &named };
        let gone = self.state.keyspace.take_parts(db, probe, due);
        if !gone.names.is_empty() {
            // As in Valkey: whoever writes tells of the hash, time tells of what has expired.
            let writes = self.spec.flags.contains(Flags::WRITE);
            let class = if writes { Class::HASH } else { Class::EXPIRED };
            let watcher = (self.now, &mut *self.observer);
            self.state.note_parts_expired(watcher, class, (db, probe.key), &gone);
        }
        self.state.keyspace.locate(db, probe)
    }

    /// Whether a key whose time has run out is to be seen all the same; otherwise it is removed.
    #[cold]
    fn outlives_its_time(&mut self, db: u32, probe: &Probe<'_>) -> bool {
        // A replayed stream says itself when a key is to go.
        if self.conn.has(ConnFlags::REPLAY) {
            return true;
        }
        // Until then clients don't see it.
        if self.state.obeys_stream(self.conns) {
            return false;
        }
        self.state.keyspace.remove(db, probe);
        self.state.note_expired(db, probe.key);
        self.tell(Event::Expired { db, key: probe.key, by: ExpiredBy::Access });
        false
    }
}
