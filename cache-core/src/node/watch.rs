//! WATCH: which connections must have their EXEC refused when a key changes.

use super::conn::{ConnId, Connection};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, Default)]
pub(crate) struct Watch {
    keys: BTreeMap<(u32, Box<[u8]>), BTreeSet<ConnId>>,
    /// Connections one of whose keys has changed.
    dirty: BTreeSet<ConnId>,
}

impl Watch {
    pub(crate) fn add(&mut self, conn: ConnId, db: u32, key: &[u8]) {
        self.keys.entry((db, key.into())).or_default().insert(conn);
    }

    /// A key has changed.
    pub(crate) fn touch(&mut self, db: u32, key: &[u8]) {
        if self.keys.is_empty() {
            return;
        }
        if let Some(watchers) = self.keys.get(&(db, Box::from(key))) {
            self.dirty.extend(watchers);
        }
    }

    /// The keys for which `changed` says so have changed: a database was flushed or exchanged.
    pub(crate) fn touch_where(&mut self, changed: impl Fn(u32, &[u8]) -> bool) {
        for ((db, key), watchers) in &self.keys {
            if changed(*db, key) {
                self.dirty.extend(watchers);
            }
        }
    }

    pub(crate) fn is_dirty(&self, conn: ConnId) -> bool {
        self.dirty.contains(&conn)
    }

    /// Forgets all that a connection watches.
    pub(crate) fn forget(&mut self, conn: &Connection) {
        self.dirty.remove(&conn.id);
        for place in conn.watched.keys() {
            if let Some(watchers) = self.keys.get_mut(place) {
                watchers.remove(&conn.id);
                if watchers.is_empty() {
                    self.keys.remove(place);
                }
            }
        }
    }
}
