//! A small hash: one run of bytes, searched from the front.
//!
//! First the number of fields in two bytes, then the fields: the name's length in one byte, the name,
//! the value's length in one byte, the value. The limits are those of `hash-max-listpack-entries` and
//! `hash-max-listpack-value`, as far as the counters reach.

use crate::types::Limits;
use alloc::vec::Vec;
use core::ops::Range;

/// The most fields that can be counted.
const FIELDS: usize = u16::MAX as usize;
/// The most bytes of a name or a value that can be counted.
const BYTES: usize = u8::MAX as usize;
/// Bytes of the number of fields.
const HEAD: usize = 2;

/// A small hash where it lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a>(pub(super) &'a [u8]);

impl<'a> View<'a> {
    pub(super) fn len(&self) -> usize {
        self.0.first_chunk().map_or(0, |head| u16::from_le_bytes(*head).into())
    }

    pub(super) fn get(&self, name: &[u8]) -> Option<&'a [u8]> {
        self.iter().find(|(n, _)| *n == name).map(|(_, value)| value)
    }

    /// Where a field lies.
    fn find(&self, name: &[u8]) -> Option<Range<usize>> {
        let mut end = HEAD;
        self.iter().find_map(|(n, value)| {
            let start = end;
            end += 2 + n.len() + value.len();
            (n == name).then_some(start..end)
        })
    }

    /// Fields and values, in the order in which the fields came.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let mut rest = self.0.get(HEAD..).unwrap_or_default();
        core::iter::from_fn(move || Some((take(&mut rest)?, take(&mut rest)?)))
    }
}

/// A small hash to change.
#[derive(Clone, Debug)]
pub(super) struct Small(Vec<u8>);

impl Default for Small {
    fn default() -> Self {
        Small(alloc::vec![0; HEAD])
    }
}

impl Small {
    pub(super) fn of(view: View<'_>) -> Self {
        Small(view.0.to_vec())
    }

    pub(super) fn view(&self) -> View<'_> {
        View(&self.0)
    }

    /// Sets a field and says whether it is new. `None`: that would be too large.
    pub(super) fn set(&mut self, name: &[u8], value: &[u8], limits: Limits) -> Option<bool> {
        if name.len().max(value.len()) > limits.bytes.min(BYTES) {
            return None;
        }
        let place = self.view().find(name);
        if place.is_none() && self.view().len() >= limits.entries.min(FIELDS) {
            return None;
        }
        // Both are at most `BYTES` long.
        let field = [&[name.len() as u8], name, &[value.len() as u8], value];
        match &place {
            Some(place) => {
                self.0.splice(place.clone(), field.into_iter().flatten().copied());
            }
            None => {
                self.0.extend(field.into_iter().flatten());
                self.set_len(self.view().len() + 1);
            }
        }
        Some(place.is_none())
    }

    /// Removes a field and says whether it was there.
    pub(super) fn remove(&mut self, name: &[u8]) -> bool {
        let Some(place) = self.view().find(name) else { return false };
        self.0.drain(place);
        self.set_len(self.view().len() - 1);
        true
    }

    fn set_len(&mut self, len: usize) {
        self.0[..HEAD].copy_from_slice(&(len as u16).to_le_bytes());
    }
}

/// Takes a string with its length in front.
fn take<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (&len, tail) = rest.split_first()?;
    let (string, tail) = tail.split_at_checked(usize::from(len))?;
    *rest = tail;
    Some(string)
}
