//! The 24 bits that an entry carries, and the time by which ages are counted.

/// An entry's metadata: the low 24 bits are kept with it.
pub type Meta = u32;

/// Classes of entries: never used again, once, twice, ... and seven times or more.
pub(super) const CLASSES: usize = 8;
/// What a hit and an insertion add to the clock. Insertions are what pushes entries out; a few
/// hits of the same weight keep the clock going when nearly all is hit.
pub(super) const HIT_TICKS: u64 = 1;
pub(super) const MISS_TICKS: u64 = 5;
/// Ticks of as many insertions as there are entries, for each entry, to the nearest power of two.
const TURN_TICKS: u64 = 4;
/// A turn (as many insertions as there are entries) has so many units of age.
const UNITS: u64 = 32;
/// Ages up to one unit, then two for each doubling, up to 11 turns.
pub(super) const BUCKETS: usize = 18;
/// Ages are cut off here, in units, long after the last bucket has begun.
const OLDEST: u64 = 1024;

const TIME_BITS: u32 = 18;
const TIME_MASK: u64 = (1 << TIME_BITS) - 1;
/// Each coarser grain of time is so many bits coarser.
const GRAIN_BITS: u32 = 3;
const GRAINS: u32 = 8;

/// The clock, and how long a turn takes on it.
///
/// Metadata hold the time of the last use in grains, whose size grows with the cache and is noted
/// beside the time: bits 0 to 17 are the time, 18 to 20 the grain, 21 to 23 the class.
#[derive(Clone, Debug)]
pub(super) struct Time {
    now: u64,
    /// Ticks of a unit of age.
    unit: u64,
    /// Units of a tick, a fraction of 40 bits.
    per_tick: u64,
    grain: u32,
}

/// Where an age lies: a bucket, and how far into it of 256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Age {
    pub(super) bucket: usize,
    pub(super) part: u32,
}

impl Time {
    pub(super) fn new() -> Self {
        let mut time = Time { now: 0, unit: 1, per_tick: 0, grain: 0 };
        time.scale(0);
        time
    }

    pub(super) fn now(&self) -> u64 {
        self.now
    }

    pub(super) fn pass(&mut self, ticks: u64) {
        self.now = self.now.wrapping_add(ticks);
    }

    /// Ticks of a turn.
    pub(super) fn turn(&self) -> u64 {
        self.unit * UNITS
    }

    /// Counts ages as a cache of so many entries wants it.
    pub(super) fn scale(&mut self, entries: u64) {
        self.unit = (entries.min(1 << 40) * TURN_TICKS / UNITS).max(1);
        self.per_tick = (1 << 40) / self.unit;
        // Eight to 64 grains to a unit, or one to a tick.
        let bits = self.unit.ilog2().saturating_sub(3);
        self.grain = (bits / GRAIN_BITS).min(GRAINS - 1);
    }

    /// Metadata of an entry of that class used now.
    pub(super) fn stamp(&self, class: usize) -> Meta {
        let time = (self.now >> (self.grain * GRAIN_BITS)) & TIME_MASK;
        (class as u32) << (TIME_BITS + 3) | self.grain << TIME_BITS | time as u32
    }

    /// Ticks since the last use.
    #[inline]
    pub(super) fn ticks(&self, meta: Meta) -> u64 {
        let bits = (meta >> TIME_BITS & 7) * GRAIN_BITS;
        ((self.now >> bits).wrapping_sub(u64::from(meta)) & TIME_MASK) << bits
    }

    /// The age in units, a fraction of 8 bits.
    #[inline]
    fn units(&self, ticks: u64) -> u64 {
        (ticks.min(self.unit * OLDEST) * self.per_tick) >> 32
    }

    /// Whether so much time is part of one burst of uses: less than an eighth of a turn.
    pub(super) fn is_burst(&self, ticks: u64) -> bool {
        ticks < self.unit * (UNITS / 8)
    }

    /// Where an age lies; past the last bucket it lies at its end.
    #[inline]
    pub(super) fn age(&self, ticks: u64) -> Age {
        let units = self.units(ticks) as u32;
        if units < 256 {
            return Age { bucket: 0, part: units };
        }
        let octave = units.ilog2() - 8;
        // The bit below the leading one chooses the half of the octave, the next eight the part.
        let tail = units << 9 >> (octave + 8) & 0x1ff;
        let bucket = 1 + 2 * octave as usize + (tail >> 8) as usize;
        if bucket < BUCKETS {
            Age { bucket, part: tail & 0xff }
        } else {
            Age { bucket: BUCKETS - 1, part: 0xff }
        }
    }

    /// Whether an age is past the last bucket.
    pub(super) fn is_past(&self, ticks: u64) -> bool {
        self.units(ticks) >> 8 >= 362
    }
}

/// The class in an entry's metadata. What isn't ours is read as some class.
pub(super) fn class(meta: Meta) -> usize {
    (meta >> (TIME_BITS + 3)) as usize & (CLASSES - 1)
}

/// How long a bucket is, in half units.
pub(super) fn width(bucket: usize) -> u64 {
    if bucket == 0 { 2 } else { 1 << ((bucket - 1) / 2) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_follow_each_other() {
        let mut time = Time::new();
        time.scale(80_000);
        let (mut last, mut seen) = (Age { bucket: 0, part: 0 }, 0);
        for ticks in (0..4_000_000).step_by(100) {
            let age = time.age(ticks);
            let forward = (age.bucket, age.part) >= (last.bucket, last.part);
            assert!(forward && age.bucket <= last.bucket + 1, "{ticks}: {last:?} then {age:?}");
            seen = seen.max(age.bucket);
            last = age;
        }
        assert_eq!(seen, BUCKETS - 1);
        let end: u64 = (0..BUCKETS).map(width).sum();
        assert_eq!(end / 2, 384);
    }

    #[test]
    fn an_age_survives_the_growth_of_the_cache() {
        let mut time = Time::new();
        time.pass(1000);
        let meta = time.stamp(2);
        time.pass(5000);
        time.scale(1 << 30);
        assert_eq!((class(meta), time.ticks(meta)), (2, 5000));
        assert!(meta < 1 << 24);
        let meta = time.stamp(3);
        time.pass(1 << 30);
        let ticks = time.ticks(meta);
        assert!(ticks.abs_diff(1 << 30) <= 1 << 21, "{ticks}");
    }
}
