//! A map from byte strings whose order is its own: entries lie in a vector, found by a hash index.
//!
//! The order depends on the history of inserts and removes alone, never on the hash table (which
//! probes differently on 32 and 64 bits). Everything that enumerates rests on this.

use alloc::vec::Vec;
use hashbrown::HashTable;

/// What can be kept in an [`Indexed`].
pub(crate) trait Keyed {
    fn key(&self) -> &[u8];
    /// The key's hash, the same each time.
    fn hash(&self) -> u64;
}

#[derive(Clone, Debug)]
pub(crate) struct Indexed<E> {
    entries: Vec<E>,
    index: HashTable<u32>,
}

impl<E> Default for Indexed<E> {
    fn default() -> Self {
        Indexed { entries: Vec::new(), index: HashTable::new() }
    }
}

impl<E: Keyed> Indexed<E> {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn iter(&self) -> core::slice::Iter<'_, E> {
        self.entries.iter()
    }

    pub(crate) fn position(&self, hash: u64, key: &[u8]) -> Option<usize> {
        let entries = &self.entries;
        // Hashes that are alike in the bits that the index uses can be made; it shall cost no wait.
        let is_it = |entry: &E| entry.hash() == hash && entry.key() == key;
        self.index.find(hash, |&i| is_it(&entries[i as usize])).map(|&i| i as usize)
    }

    pub(crate) fn get(&self, hash: u64, key: &[u8]) -> Option<&E> {
        self.position(hash, key).map(|i| &self.entries[i])
    }

    /// The caller must not change the entry's key or hash.
    pub(crate) fn get_mut(&mut self, hash: u64, key: &[u8]) -> Option<&mut E> {
        self.position(hash, key).map(|i| &mut self.entries[i])
    }

    /// Adds an entry whose key is not there yet.
    pub(crate) fn push(&mut self, entry: E) -> &mut E {
        debug_assert!(self.position(entry.hash(), entry.key()).is_none());
        let at = self.entries.len();
        let entries = &self.entries;
        self.index.insert_unique(entry.hash(), at as u32, |&i| entries[i as usize].hash());
        self.entries.push(entry);
        &mut self.entries[at]
    }

    pub(crate) fn remove(&mut self, hash: u64, key: &[u8]) -> Option<E> {
        let at = self.position(hash, key)?;
        Some(self.remove_at(at))
    }

    /// Removes by position; the last entry takes the place.
    pub(crate) fn remove_at(&mut self, at: usize) -> E {
        let hash = self.entries[at].hash();
        if let Ok(found) = self.index.find_entry(hash, |&i| i as usize == at) {
            found.remove();
        }
        let last = self.entries.len() - 1;
        if at != last {
            let moved = self.entries[last].hash();
            if let Some(i) = self.index.find_mut(moved, |&i| i as usize == last) {
                *i = at as u32;
            }
        }
        self.entries.swap_remove(at)
    }
}
