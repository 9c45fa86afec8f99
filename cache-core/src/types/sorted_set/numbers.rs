//! Whole numbers side by side, all of as many bytes as the range asks for in which they lie.

use super::chunk::make_room;
use alloc::vec::Vec;

/// Numbers for which there is room at once.
const ROOM: usize = 16;
/// The greatest offset of eight bytes.
const MOST: u64 = u64::MAX >> 2;

/// What each number is beyond the base.
#[derive(Clone, Debug)]
enum Offsets {
    Two(Vec<u16>),
    Four(Vec<u32>),
    Eight(Vec<u64>),
}

/// Whole numbers in ascending order, of 55 bits at the most.
#[derive(Clone, Debug)]
pub(super) struct Numbers {
    base: i64,
    offsets: Offsets,
}

impl Default for Numbers {
    fn default() -> Self {
        Numbers { base: 0, offsets: Offsets::Two(Vec::new()) }
    }
}

/// The same for offsets of any width.
macro_rules! each_width {
    ($offsets:expr, $vec:ident => $do:expr) => {
        match $offsets {
            Offsets::Two($vec) => $do,
            Offsets::Four($vec) => $do,
            Offsets::Eight($vec) => $do,
        }
    };
}

impl Numbers {
    #[inline]
    pub(super) fn len(&self) -> usize {
        each_width!(&self.offsets, vec => vec.len())
    }

    /// Bytes of all.
    #[inline]
    pub(super) fn size(&self) -> u64 {
        self.len() as u64 * self.width()
    }

    #[inline]
    fn width(&self) -> u64 {
        match self.offsets {
            Offsets::Two(_) => 2,
            Offsets::Four(_) => 4,
            Offsets::Eight(_) => 8,
        }
    }

    #[inline]
    pub(super) fn get(&self, i: usize) -> Option<i64> {
        let offset = each_width!(&self.offsets, vec => *vec.get(i)? as i64);
        Some(self.base.wrapping_add(offset))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = i64> + Clone {
        (0..self.len()).filter_map(|i| self.get(i))
    }

    fn last(&self) -> Option<i64> {
        self.get(self.len().checked_sub(1)?)
    }

    /// Whether there are bytes for a number.
    #[inline]
    fn has_way(&self, number: i64) -> bool {
        let offset = number.checked_sub(self.base).and_then(|offset| u64::try_from(offset).ok());
        offset.is_some_and(|offset| offset <= self.most())
    }

    /// The greatest offset.
    #[inline]
    fn most(&self) -> u64 {
        match self.offsets {
            Offsets::Two(_) => u16::MAX.into(),
            Offsets::Four(_) => u32::MAX.into(),
            Offsets::Eight(_) => MOST,
        }
    }

    /// Puts a number before the one at a place.
    pub(super) fn insert(&mut self, at: usize, number: i64) {
        if self.len() == 0 || !self.has_way(number) {
            let least = self.get(0).map_or(number, |first| first.min(number));
            let greatest = self.last().map_or(number, |last| last.max(number));
            *self = Self::within(least, greatest, self.iter());
        }
        let offset = number.wrapping_sub(self.base);
        each_width!(&mut self.offsets, vec => {
            make_room(vec, 1, ROOM);
            vec.insert(at.min(vec.len()), offset as _);
        });
    }

    pub(super) fn remove(&mut self, at: usize) {
        each_width!(&mut self.offsets, vec => if at < vec.len() {
            vec.remove(at);
        });
    }

    /// Adds to all numbers from a place on, which leaves them in order.
    pub(super) fn add_from(&mut self, at: usize, more: i64) {
        let (Some(first), Some(last)) = (self.get(at), self.last()) else { return };
        if !(self.has_way(first.saturating_add(more)) && self.has_way(last.saturating_add(more))) {
            let after = |(i, n): (usize, i64)| if i < at { n } else { n.saturating_add(more) };
            *self = Self::of(self.iter().enumerate().map(after));
            return;
        }
        each_width!(&mut self.offsets, vec => {
            let offsets = vec.get_mut(at..).unwrap_or_default();
            offsets.iter_mut().for_each(|offset| *offset = offset.wrapping_add(more as _));
        });
    }

    /// Takes out those from a place on.
    pub(super) fn split(&mut self, at: usize) -> Self {
        let upper = Self::of(self.iter().skip(at));
        *self = Self::of(self.iter().take(at));
        upper
    }

    /// Appends others, with so much added to each, which leaves all in order.
    pub(super) fn append(&mut self, others: &Self, more: i64) {
        *self = Self::of(self.iter().chain(others.iter().map(|n| n.saturating_add(more))));
    }

    pub(super) fn of(numbers: impl Iterator<Item = i64> + Clone) -> Self {
        let ends = numbers.clone().next().zip(numbers.clone().last());
        ends.map_or(Self::default(), |(first, last)| Self::within(first, last, numbers))
    }

    /// Numbers of a range, which is put in the middle of what there is way for.
    fn within(least: i64, greatest: i64, numbers: impl Iterator<Item = i64> + Clone) -> Self {
        let span = greatest.saturating_sub(least).unsigned_abs();
        let offsets = match span {
            ..0x4000 => Offsets::Two(Vec::new()),
            0x4000..0x4000_0000 => Offsets::Four(Vec::new()),
            _ => Offsets::Eight(Vec::new()),
        };
        let mut new = Numbers { base: 0, offsets };
        new.base = least.saturating_sub_unsigned(new.most().saturating_sub(span) / 2);
        each_width!(&mut new.offsets, vec => {
            make_room(vec, numbers.clone().count(), ROOM);
            numbers.for_each(|number| vec.push(number.wrapping_sub(new.base) as _));
        });
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn they_do_what_a_vector_does() {
        let mut random = Random::new(3);
        for range in [100, 40_000, 1 << 20, 1 << 33, 1 << 54] {
            let (mut numbers, mut model) = (Numbers::default(), Vec::<i64>::new());
            for _ in 0..if cfg!(miri) { 60 } else { 3000 } {
                let len = model.len();
                let at = random.below(len as u64 + 1) as usize;
                match random.below(8) {
                    0 if len > 0 => {
                        numbers.remove(at);
                        model.splice(at..len.min(at + 1), []);
                    }
                    1 => {
                        let least = at.checked_sub(1).map_or(i64::MIN / 2, |before| model[before]);
                        let first = model.get(at).copied().unwrap_or_default();
                        let more = random.below(range) as i64 - (range / 2) as i64;
                        let more = more.max(least - first).min(1 << 56);
                        numbers.add_from(at, more);
                        model[at..].iter_mut().for_each(|number| *number += more);
                    }
                    2 if len > 100 => {
                        let upper = numbers.split(at);
                        assert!(upper.iter().eq(model.split_off(at)));
                    }
                    _ => {
                        let number = random.below(range) as i64 - (range / 2) as i64;
                        let at = model.partition_point(|&other| other < number);
                        numbers.insert(at, number);
                        model.insert(at, number);
                    }
                }
                assert!(numbers.iter().eq(model.iter().copied()));
            }
        }
    }

    #[test]
    fn they_take_little_room() {
        let size = |numbers: &[i64]| {
            let (mut up, mut down) = (Numbers::default(), Numbers::default());
            numbers.iter().enumerate().for_each(|(i, &number)| up.insert(i, number));
            numbers.iter().rev().for_each(|&number| down.insert(0, number));
            assert_eq!(up.size(), down.size());
            up.size() / numbers.len() as u64
        };
        assert_eq!(size(&[5, 6, 7]), 2);
        assert_eq!(size(&[1_700_000_000_000, 1_700_000_010_000]), 2);
        assert_eq!(size(&[-1_000_000, 1_000_000]), 4);
        assert_eq!(size(&[-(1 << 53), 1 << 53]), 8);
    }
}
