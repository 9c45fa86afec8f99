//! Parts of a value that are drawn by chance: fields of a hash, members of a set.

use super::Error;
use super::arguments::Words;
use crate::protocol::Args;
use crate::random::Random;
use alloc::vec::Vec;

/// The bytes that the shortest string takes in a reply.
pub(super) const SHORTEST_BULK: usize = b"$0\r\n\r\n".len();

/// What can be drawn from.
pub(super) trait Pool {
    type Part: Copy;

    fn len(&self) -> usize;

    /// The part at a place.
    fn nth(&self, at: usize) -> Option<Self::Part>;

    /// All parts, in any order.
    fn iter(&self) -> impl Iterator<Item = Self::Part>;

    /// Whether a part is found by its place without going through those before it.
    fn is_indexed(&self) -> bool;
}

/// One part.
pub(super) fn draw<P: Pool>(pool: &P, random: &mut Random) -> Option<P::Part> {
    match pool.len() {
        0 => None,
        len => pool.nth(random.below(len as u64) as usize),
    }
}

/// Visits `count` parts, any of which may come again and again.
pub(super) fn draw_again_and_again<P: Pool>(
    pool: &P,
    random: &mut Random,
    count: usize,
    mut visit: impl FnMut(P::Part) -> Result<(), Error>,
) -> Result<(), Error> {
    // To go through all of them once is enough.
    let all: Vec<_> = if pool.is_indexed() { Vec::new() } else { pool.iter().collect() };
    for _ in 0..count {
        let part = match all.len() {
            0 => draw(pool, random),
            len => all.get(random.below(len as u64) as usize).copied(),
        };
        visit(part.ok_or(Error::NoSuchKey)?)?;
    }
    Ok(())
}

/// Visits `count` different parts, each set of them as likely as the others.
pub(super) fn sample<P: Pool>(
    pool: &P,
    random: &mut Random,
    count: usize,
    visit: &mut dyn FnMut(P::Part),
) {
    let len = pool.len();
    let chosen = distinct(len, count, random);
    // Few of many are looked up sooner than all are gone through.
    if pool.is_indexed() && count < len / 3 {
        chosen.iter().filter_map(|at| pool.nth(at)).for_each(visit);
        return;
    }
    for (at, part) in pool.iter().enumerate() {
        if chosen.contains(at) {
            visit(part);
        }
    }
}

/// Places that were chosen.
pub(super) struct Chosen {
    places: Vec<usize>,
    /// A bit for each place, once there are many.
    bits: Vec<u64>,
}

/// As many are gone through one by one.
const FEW: usize = 32;

impl Chosen {
    pub(super) fn contains(&self, at: usize) -> bool {
        match self.bits.get(at / 64) {
            Some(bits) => bits >> (at % 64) & 1 == 1,
            None => self.places.contains(&at),
        }
    }

    fn iter(&self) -> impl Iterator<Item = usize> {
        self.places.iter().copied()
    }

    fn insert(&mut self, at: usize) {
        self.places.push(at);
        if let Some(bits) = self.bits.get_mut(at / 64) {
            *bits |= 1 << (at % 64);
        }
    }
}

/// `count` of `len` places, each set of them as likely as the others.
///
/// Source: Bentley and Floyd, "A sample of brilliance", CACM 1987.
pub(super) fn distinct(len: usize, count: usize, random: &mut Random) -> Chosen {
    let count = count.min(len);
    let bits = if count > FEW { alloc::vec![0; len.div_ceil(64)] } else { Vec::new() };
    let mut chosen = Chosen { places: Vec::with_capacity(count), bits };
    for last in len - count..len {
        let at = random.below(last as u64 + 1) as usize;
        chosen.insert(if chosen.contains(at) { last } else { at });
    }
    chosen
}

/// Reads how many are wanted; a negative number: the same one may come again.
pub(super) fn signed_count(words: &mut Words<'_>) -> Result<i64, Error> {
    match words.integer()? {
        i64::MIN => Err(Error::Text(
            "ERR value is out of range, value must between -9223372036854775807 and \
             9223372036854775807",
        )),
        count => Ok(count),
    }
}

/// Reads how many are wanted, and whether with what belongs to them, for which a word asks.
pub(super) fn signed_count_with(args: Args<'_>, word: &str) -> Result<(i64, bool), Error> {
    let mut words = Words::new(args);
    let count = signed_count(&mut words)?;
    let with = words.is(word);
    if words.left() > 0 {
        return Err(Error::Syntax);
    }
    if with && count.unsigned_abs() > i64::MAX as u64 / 2 {
        return Err(Error::Text("ERR value is out of range"));
    }
    Ok((count, with))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;

    /// Each pair of five is drawn about as often as each other one.
    #[test]
    fn samples_are_even() {
        let (mut random, mut times) = (Random::new(1), BTreeMap::new());
        for _ in 0..10_000 {
            let mut pair: Vec<_> = distinct(5, 2, &mut random).iter().collect();
            pair.sort_unstable();
            *times.entry(pair).or_insert(0u32) += 1;
        }
        assert_eq!(times.len(), 10);
        assert!(times.values().all(|times| (900..1100).contains(times)), "{times:?}");
    }

    #[test]
    fn places_are_distinct_and_as_many_as_asked_for() {
        let mut random = Random::new(1);
        for len in [0, 1, 31, 33, 64, 1000] {
            for count in [0, 1, 32, 33, 64, 500, 2000] {
                let mut places: Vec<_> = distinct(len, count, &mut random).iter().collect();
                places.sort_unstable();
                places.dedup();
                assert_eq!(places.len(), count.min(len));
                assert!(places.last().is_none_or(|&last| last < len));
            }
        }
    }
}
