//! A large hash: fields found by the hashes of their names.

use crate::keyspace::indexed::Keyed;
use crate::keyspace::segments::Segments;
use crate::random::Random;
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

impl Field {
    fn size(&self) -> u64 {
        FIELD_OVERHEAD + self.name.len() as u64 + self.value.len() as u64
    }

    fn pair(&self) -> (&[u8], &[u8]) {
        (&self.name, &self.value)
    }
}

impl Keyed for Field {
    fn key(&self) -> &[u8] {
        &self.name
    }

    fn hash(&self) -> u64 {
        self.hash
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Large {
    fields: Segments<Field>,
    size: u64,
}

impl Large {
    pub(super) fn len(&self) -> usize {
        self.fields.len()
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn get(&self, hash: u64, name: &[u8]) -> Option<&[u8]> {
        self.fields.get(hash, name).map(|field| field.value.as_slice())
    }

    /// Sets a field and says whether it is new.
    pub(super) fn set(&mut self, hash: u64, name: &[u8], value: &[u8]) -> bool {
        if let Some(field) = self.fields.get_mut(hash, name) {
            self.size -= field.size();
            field.value = value.to_vec();
            self.size += field.size();
            return false;
        }
        let field = Field { name: name.into(), value: value.to_vec(), hash };
        self.size += field.size();
        self.fields.insert(hash, field);
        true
    }

    /// Removes a field and says whether it was there.
    pub(super) fn remove(&mut self, hash: u64, name: &[u8]) -> bool {
        let Some(field) = self.fields.remove(hash, name) else { return false };
        self.size -= field.size();
        true
    }

    /// Drops some of what is left of a hash that nobody uses any more. `false`: nothing is left.
    pub(super) fn drop_some(&mut self) -> bool {
        self.fields.drop_some()
    }

    /// Fields and values, in an order of their own.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.fields.iter().map(Field::pair)
    }

    /// A field and its value, chosen evenly among all.
    pub(super) fn choose(&self, random: &mut Random) -> Option<(&[u8], &[u8])> {
        self.fields.choose(random).map(Field::pair)
    }

    /// Visits about `count` fields from a cursor on and gives the cursor to go on with.
    pub(super) fn scan<'a>(
        &'a self,
        cursor: u64,
        count: usize,
        visit: &mut dyn FnMut(&'a [u8], &'a [u8]),
    ) -> u64 {
        // A cursor beyond all places can only have been made up.
        let Ok(from) = u32::try_from(cursor) else { return 0 };
        let mut visit = |field: &'a Field| visit(&field.name, &field.value);
        self.fields.scan(from, count, &mut visit).map_or(0, u64::from)
    }
}
