//! The hash: fields and their values, in an order of its own.

use crate::hash::HashSeed;
use crate::keyspace::indexed::{Indexed, Keyed};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Bytes that a field takes beyond its name and value, as accounted.
const FIELD_OVERHEAD: u64 = 32;

#[derive(Clone, Debug)]
struct Field {
    name: Box<[u8]>,
    value: Vec<u8>,
    hash: u64,
}

impl Keyed for Field {
    fn key(&self) -> &[u8] {
        &self.name
    }

    fn hash(&self) -> u64 {
        self.hash
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Hash {
    fields: Indexed<Field>,
    seed: HashSeed,
    size: u64,
}

impl Hash {
    pub(crate) fn new(seed: HashSeed) -> Self {
        Hash { fields: Indexed::default(), seed, size: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.fields.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    pub(crate) fn get(&self, name: &[u8]) -> Option<&[u8]> {
        self.fields.get(self.seed.hash(name), name).map(|f| f.value.as_slice())
    }

    /// Sets a field and says whether it is new.
    pub(crate) fn set(&mut self, name: &[u8], value: &[u8]) -> bool {
        let hash = self.seed.hash(name);
        if let Some(field) = self.fields.get_mut(hash, name) {
            self.size = self.size - field.value.len() as u64 + value.len() as u64;
            field.value = value.to_vec();
            return false;
        }
        self.size += FIELD_OVERHEAD + name.len() as u64 + value.len() as u64;
        self.fields.push(Field { name: name.into(), value: value.to_vec(), hash });
        true
    }

    /// Removes a field and says whether it was there.
    pub(crate) fn remove(&mut self, name: &[u8]) -> bool {
        let Some(field) = self.fields.remove(self.seed.hash(name), name) else { return false };
        self.size -= FIELD_OVERHEAD + field.name.len() as u64 + field.value.len() as u64;
        true
    }

    /// Fields and values, in the hash's own order.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        self.fields.iter().map(|f| (&*f.name, f.value.as_slice()))
    }

    /// The `i`th field and its value, in the hash's own order.
    pub(crate) fn nth(&self, i: usize) -> Option<(&[u8], &[u8])> {
        self.fields.entry_at(i).map(|f| (&*f.name, f.value.as_slice()))
    }

    /// Visits about `count` fields from a cursor on and gives the cursor to go on with; 0 is both
    /// the first and the last. A field that is there throughout is visited exactly once.
    pub(crate) fn scan<'a>(
        &'a self,
        cursor: u64,
        count: usize,
        visit: &mut dyn FnMut(&'a [u8], &'a [u8]),
    ) -> u64 {
        // The order is that of 63 bits of the fields' hashes, so that 0 is free to mean the end.
        let place = |f: &Field| (f.hash >> 1).max(1);
        let mut due: Vec<&Field> = self.fields.iter().filter(|f| place(f) >= cursor).collect();
        due.sort_unstable_by(|a, b| (place(a), a.key()).cmp(&(place(b), b.key())));
        for (i, field) in due.iter().enumerate() {
            if i >= count.max(1) && place(field) != place(due[i - 1]) {
                return place(field);
            }
            visit(&field.name, &field.value);
        }
        0
    }

    /// The same for the same fields and values, whatever their order.
    pub(crate) fn digest(&self) -> u64 {
        let seed = HashSeed::new(5, 6);
        self.iter()
            .map(|(name, value)| {
                let mut bytes = (name.len() as u64).to_le_bytes().to_vec();
                bytes.extend_from_slice(name);
                bytes.extend_from_slice(value);
                seed.hash(&bytes)
            })
            .fold(0, u64::wrapping_add)
    }
}
