//! WATCH: which connections must have their EXEC refused when a key changes.

use super::conn::{ConnId, Connection};
use super::names;
use crate::hash::HashSeed;
use crate::keyspace::indexed::{Indexed, Keyed};
use crate::sorted;
use alloc::boxed::Box;
use alloc::vec::Vec;

#[derive(Clone, Debug)]
struct Watched {
    place: Box<[u8]>,
    hash: u64,
    /// Sorted.
    watchers: Vec<ConnId>,
}

impl Keyed for Watched {
    fn key(&self) -> &[u8] {
        &self.place
    }

    fn hash(&self) -> u64 {
        self.hash
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Watch {
    keys: Indexed<Watched>,
    /// Connections one of whose keys has changed, sorted.
    dirty: Vec<ConnId>,
    seed: HashSeed,
}

impl Watch {
    pub(crate) fn new(seed: HashSeed) -> Self {
        Watch { keys: Indexed::default(), dirty: Vec::new(), seed }
    }

    /// A connection watches a key, which may have `expired`. Says whether it is new to it.
    pub(crate) fn add(
        &mut self,
        conn: &mut Connection,
        db: u32,
        key: &[u8],
        expired: bool,
    ) -> bool {
        let place = place(db, key);
        let hash = self.seed.hash(&place);
        let new = names::add(&mut conn.watched, hash, &place, expired);
        if new {
            match self.keys.get_mut(hash, &place) {
                Some(watched) => {
                    sorted::insert(&mut watched.watchers, conn.id);
                }
                None => {
                    let watchers = alloc::vec![conn.id];
                    self.keys.push(Watched { place: place.into(), hash, watchers });
                }
            }
        }
        new
    }

    /// A key has changed.
    pub(crate) fn touch(&mut self, db: u32, key: &[u8]) {
        if self.keys.len() == 0 {
            return;
        }
        let place = place(db, key);
        if let Some(watched) = self.keys.get(self.seed.hash(&place), &place) {
            mark(&mut self.dirty, &watched.watchers);
        }
    }

    /// The keys for which `changed` says so have changed: a database was flushed or exchanged.
    pub(crate) fn touch_where(&mut self, changed: impl Fn(u32, &[u8]) -> bool) {
        for watched in self.keys.iter() {
            let (db, key) = key_at(&watched.place);
            if changed(db, key) {
                mark(&mut self.dirty, &watched.watchers);
            }
        }
    }

    pub(crate) fn is_dirty(&self, conn: ConnId) -> bool {
        self.dirty.binary_search(&conn).is_ok()
    }

    /// Forgets all that a connection watches.
    pub(crate) fn forget(&mut self, conn: &Connection) {
        sorted::remove(&mut self.dirty, &conn.id);
        for name in conn.watched.iter() {
            if let Some(watched) = self.keys.get_mut(name.hash, &name.name) {
                sorted::remove(&mut watched.watchers, &conn.id);
                if watched.watchers.is_empty() {
                    self.keys.remove(name.hash, &name.name);
                }
            }
        }
    }
}

fn mark(dirty: &mut Vec<ConnId>, watchers: &[ConnId]) {
    for &conn in watchers {
        sorted::insert(dirty, conn);
    }
}

/// A key with its database before it, as one name.
pub(super) fn place(db: u32, key: &[u8]) -> Vec<u8> {
    [&db.to_le_bytes(), key].concat()
}

/// The database and the key of a place.
pub(crate) fn key_at(place: &[u8]) -> (u32, &[u8]) {
    let (db, key) = place.split_first_chunk().unwrap_or((&[0; 4], &[]));
    (u32::from_le_bytes(*db), key)
}
