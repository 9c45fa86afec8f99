//! A small set of integers: sorted, all of as many bytes as the longest one asks for.
//!
//! First the bytes of each (2, 4 or 8) in one byte, then the integers, little-endian. None gets
//! narrower again, as in Redis.

use crate::types::with_spare;
use alloc::vec::Vec;

/// The most integers, whatever the settings say: each change moves those behind it.
pub(super) const MOST: usize = 1 << 16;

/// Where it lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    bytes: &'a [u8],
}

/// To change.
#[derive(Clone, Debug)]
pub(super) struct Integers(Vec<u8>);

impl Default for Integers {
    fn default() -> Self {
        Integers(alloc::vec![2])
    }
}

/// The bytes that an integer takes.
fn width(number: i64) -> usize {
    if i16::try_from(number).is_ok() {
        2
    } else if i32::try_from(number).is_ok() {
        4
    } else {
        8
    }
}

impl<'a> View<'a> {
    /// The set in these bytes, if it is one of integers.
    pub(super) fn of(bytes: &'a [u8]) -> Option<Self> {
        matches!(bytes.first(), Some(2 | 4 | 8)).then_some(View { bytes })
    }

    pub(super) fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    fn width(self) -> usize {
        self.bytes.first().map_or(2, |&width| width.into())
    }

    pub(super) fn len(self) -> usize {
        self.bytes.len().saturating_sub(1) / self.width()
    }

    pub(super) fn get(self, at: usize) -> Option<i64> {
        let rest = self.bytes.get(at.checked_mul(self.width())? + 1..)?;
        Some(match self.width() {
            2 => i16::from_le_bytes(*rest.first_chunk()?).into(),
            4 => i32::from_le_bytes(*rest.first_chunk()?).into(),
            _ => i64::from_le_bytes(*rest.first_chunk()?),
        })
    }

    pub(super) fn iter(self) -> impl Iterator<Item = i64> + use<'a> {
        (0..self.len()).map_while(move |at| self.get(at))
    }

    /// Where an integer is, or else where it would be.
    fn find(self, number: i64) -> Result<usize, usize> {
        let (mut from, mut to) = (0, self.len());
        // Most are added in ascending order.
        match to.checked_sub(1).and_then(|last| self.get(last)) {
            Some(last) if last >= number => {}
            _ => return Err(to),
        }
        while from < to {
            let middle = from.midpoint(to);
            match self.get(middle) {
                Some(there) if there == number => return Ok(middle),
                Some(there) if there < number => from = middle + 1,
                _ => to = middle,
            }
        }
        Err(from)
    }

    pub(super) fn contains(self, number: i64) -> bool {
        self.find(number).is_ok()
    }

    /// How many bytes the longest one takes as text. They are sorted: it is at an end.
    pub(super) fn longest(self) -> usize {
        let ends = [self.get(0), self.len().checked_sub(1).and_then(|last| self.get(last))];
        let lens = ends.into_iter().flatten().map(|n| itoa::Buffer::new().format(n).len());
        lens.max().unwrap_or_default()
    }
}

impl Integers {
    pub(super) fn of(view: View<'_>) -> Self {
        Integers(with_spare(view.bytes))
    }

    pub(super) fn view(&self) -> View<'_> {
        View { bytes: &self.0 }
    }

    /// Adds an integer and says whether it is new.
    pub(super) fn insert(&mut self, number: i64) -> bool {
        let Err(at) = self.view().find(number) else { return false };
        if width(number) > self.view().width() {
            self.widen(width(number));
        }
        let width = self.view().width();
        let start = at * width + 1;
        self.0.splice(start..start, number.to_le_bytes().into_iter().take(width));
        true
    }

    fn widen(&mut self, width: usize) {
        let mut wider = Vec::with_capacity(1 + (self.view().len() + 1) * width);
        // 2, 4 or 8.
        wider.push(width as u8);
        for number in self.view().iter() {
            wider.extend_from_slice(&number.to_le_bytes()[..width]);
        }
        self.0 = wider;
    }

    /// Removes an integer and says whether it was there.
    pub(super) fn remove(&mut self, number: i64) -> bool {
        let Ok(at) = self.view().find(number) else { return false };
        let width = self.view().width();
        self.0.drain(at * width + 1..(at + 1) * width + 1);
        true
    }

    /// Removes those for which `chosen` says so, in their order.
    pub(super) fn remove_where(&mut self, mut chosen: impl FnMut() -> bool) {
        let width = self.view().width();
        let mut kept = Vec::with_capacity(self.0.len());
        kept.extend(self.0.first());
        let integers = self.0.get(1..).unwrap_or_default().chunks_exact(width);
        integers.filter(|_| !chosen()).for_each(|integer| kept.extend_from_slice(integer));
        self.0 = kept;
    }
}
