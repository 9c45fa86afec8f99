//! The scores of a chunk's entries, in their order: whole numbers in few bytes, all others as floats.

use super::chunk::make_room;
use super::edge::plain;
use super::numbers::Numbers;
use alloc::vec::Vec;

/// Scores for which there is room at once.
const ROOM: usize = 16;
/// Up to here every whole number is a float.
const WHOLE: f64 = (1u64 << 53) as f64;

#[derive(Clone, Debug)]
pub(super) enum Scores {
    Whole(Numbers),
    Any(Vec<f64>),
}

impl Default for Scores {
    fn default() -> Self {
        Scores::Whole(Numbers::default())
    }
}

/// The whole number that a score is.
#[inline]
fn whole(score: f64) -> Option<i64> {
    let number = score as i64;
    (-WHOLE..=WHOLE).contains(&score).then_some(number).filter(|&n| n as f64 == score)
}

impl Scores {
    #[inline]
    pub(super) fn len(&self) -> usize {
        match self {
            Scores::Whole(numbers) => numbers.len(),
            Scores::Any(floats) => floats.len(),
        }
    }

    /// Bytes of all.
    #[inline]
    pub(super) fn size(&self) -> u64 {
        match self {
            Scores::Whole(numbers) => numbers.size(),
            Scores::Any(floats) => floats.len() as u64 * 8,
        }
    }

    #[inline]
    pub(super) fn get(&self, i: usize) -> Option<f64> {
        match self {
            Scores::Whole(numbers) => numbers.get(i).map(|number| number as f64),
            Scores::Any(floats) => floats.get(i).copied(),
        }
    }

    pub(super) fn last(&self) -> Option<f64> {
        self.get(self.len().checked_sub(1)?)
    }

    fn iter(&self) -> impl Iterator<Item = f64> + Clone {
        (0..self.len()).filter_map(|i| self.get(i))
    }

    fn of(scores: impl Iterator<Item = f64> + Clone) -> Self {
        if scores.clone().all(|score| whole(score).is_some()) {
            return Scores::Whole(Numbers::of(scores.map(|score| score as i64)));
        }
        let mut floats = Vec::new();
        make_room(&mut floats, scores.clone().count(), ROOM);
        floats.extend(scores);
        Scores::Any(floats)
    }

    /// Puts a score before the one at a place.
    pub(super) fn insert(&mut self, at: usize, score: f64) {
        let score = plain(score);
        if let Scores::Whole(numbers) = self {
            if let Some(number) = whole(score) {
                return numbers.insert(at, number);
            }
            let mut floats = Vec::new();
            make_room(&mut floats, self.len() + 1, ROOM);
            floats.extend(self.iter());
            *self = Scores::Any(floats);
        }
        if let Scores::Any(floats) = self {
            make_room(floats, 1, ROOM);
            floats.insert(at.min(floats.len()), score);
        }
    }

    pub(super) fn remove(&mut self, at: usize) {
        match self {
            Scores::Whole(numbers) => numbers.remove(at),
            Scores::Any(floats) if at < floats.len() => _ = floats.remove(at),
            Scores::Any(_) => {}
        }
    }

    /// Takes out those from a place on.
    pub(super) fn split(&mut self, at: usize) -> Self {
        let upper = Self::of(self.iter().skip(at));
        *self = Self::of(self.iter().take(at));
        upper
    }

    pub(super) fn append(&mut self, next: &Self) {
        *self = Self::of(self.iter().chain(next.iter()));
    }
}
