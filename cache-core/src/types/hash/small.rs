//! A small hash: one run of bytes, searched from the front.
//!
//! A field is its name's length in one byte, the name, its value's length in one byte, the value.
//! The limits are those of `hash-max-listpack-entries` and `hash-max-listpack-value`.

use alloc::vec::Vec;
use core::ops::Range;

/// The most fields.
const FIELDS: usize = 512;
/// The most bytes of a name or a value.
const BYTES: usize = 64;

#[derive(Clone, Debug, Default)]
pub(super) struct Small {
    bytes: Vec<u8>,
    len: usize,
}

impl Small {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    pub(super) fn get(&self, name: &[u8]) -> Option<&[u8]> {
        self.iter().find(|(n, _)| *n == name).map(|(_, value)| value)
    }

    /// Sets a field and says whether it is new. `None`: that would be too large.
    pub(super) fn set(&mut self, name: &[u8], value: &[u8]) -> Option<bool> {
        if name.len() > BYTES || value.len() > BYTES {
            return None;
        }
        let place = self.find(name);
        if place.is_none() && self.len >= FIELDS {
            return None;
        }
        // Both are at most `BYTES` long.
        let field = [&[name.len() as u8], name, &[value.len() as u8], value];
        match &place {
            Some(place) => {
                self.bytes.splice(place.clone(), field.into_iter().flatten().copied());
            }
            None => {
                self.bytes.extend(field.into_iter().flatten());
                self.len += 1;
            }
        }
        Some(place.is_none())
    }

    /// Removes a field and says whether it was there.
    pub(super) fn remove(&mut self, name: &[u8]) -> bool {
        let Some(place) = self.find(name) else { return false };
        self.bytes.drain(place);
        self.len -= 1;
        true
    }

    /// Where a field lies.
    fn find(&self, name: &[u8]) -> Option<Range<usize>> {
        let mut end = 0;
        self.iter().find_map(|(n, value)| {
            let start = end;
            end += 2 + n.len() + value.len();
            (n == name).then_some(start..end)
        })
    }

    /// Fields and values, in the order in which the fields came.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut rest = self.bytes.as_slice();
        core::iter::from_fn(move || Some((take(&mut rest)?, take(&mut rest)?)))
    }
}

/// Takes a string with its length in front.
fn take<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (&len, tail) = rest.split_first()?;
    let (string, tail) = tail.split_at_checked(usize::from(len))?;
    *rest = tail;
    Some(string)
}
