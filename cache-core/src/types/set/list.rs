//! A small set of strings: one run of bytes, searched from the front.
//!
//! First a 0, which tells it from a set of integers, then the number of members in two bytes, then
//! the members in the order in which they came: the length in one byte, the bytes.

use crate::types::{Limits, with_spare};
use alloc::vec::Vec;

/// The most members that can be counted.
const MEMBERS: usize = u16::MAX as usize;
/// The most bytes of a member that can be counted.
const BYTES: usize = u8::MAX as usize;
/// Bytes before the first member.
const HEAD: usize = 3;

/// Where it lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a>(&'a [u8]);

/// To change.
#[derive(Clone, Debug)]
pub(super) struct List(Vec<u8>);

impl Default for List {
    fn default() -> Self {
        List(alloc::vec![0; HEAD])
    }
}

impl<'a> View<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        View(bytes)
    }

    pub(super) fn bytes(self) -> &'a [u8] {
        self.0
    }

    pub(super) fn len(self) -> usize {
        let count = self.0.get(1..).and_then(<[u8]>::first_chunk);
        count.map_or(0, |count| u16::from_le_bytes(*count).into())
    }

    pub(super) fn iter(self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let mut rest = self.0.get(HEAD..).unwrap_or_default();
        core::iter::from_fn(move || {
            let (&len, tail) = rest.split_first()?;
            let (member, tail) = tail.split_at_checked(len.into())?;
            rest = tail;
            Some(member)
        })
    }

    pub(super) fn contains(self, member: &[u8]) -> bool {
        self.iter().any(|there| there == member)
    }
}

impl List {
    pub(super) fn of(view: View<'_>) -> Self {
        if view.0.len() < HEAD {
            return List::default();
        }
        List(with_spare(view.0))
    }

    pub(super) fn view(&self) -> View<'_> {
        View(&self.0)
    }

    /// Adds a member that isn't there. `false`: that would be too much.
    pub(super) fn add(&mut self, member: &[u8], limits: Limits) -> bool {
        let len = self.view().len();
        if member.len() > limits.bytes.min(BYTES) || len >= limits.entries.min(MEMBERS) {
            return false;
        }
        self.push(member);
        self.set_len(len + 1);
        true
    }

    /// Appends a member, of `BYTES` at the most, without counting it.
    fn push(&mut self, member: &[u8]) {
        self.0.push(member.len() as u8);
        self.0.extend_from_slice(member);
    }

    /// Removes a member and says whether it was there.
    pub(super) fn remove(&mut self, member: &[u8]) -> bool {
        let mut end = HEAD;
        let place = self.view().iter().find_map(|there| {
            let start = end;
            end += 1 + there.len();
            (there == member).then_some(start..end)
        });
        let Some(place) = place else { return false };
        self.0.drain(place);
        self.set_len(self.view().len().saturating_sub(1));
        true
    }

    /// Removes those for which `chosen` says so, in their order.
    pub(super) fn remove_where(&mut self, mut chosen: impl FnMut() -> bool) {
        let (mut kept, mut len) = (List::default(), 0);
        for member in self.view().iter().filter(|_| !chosen()) {
            kept.push(member);
            len += 1;
        }
        kept.set_len(len);
        *self = kept;
    }

    fn set_len(&mut self, len: usize) {
        self.0[1..HEAD].copy_from_slice(&(len as u16).to_le_bytes());
    }
}
