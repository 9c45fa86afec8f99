//! From counts to worth: by what rate an entry of a class and an age will earn its place.
//!
//! The chance of being used in each bucket of age, given that one got so far, comes from the
//! counts by Kaplan and Meier's estimate ("Nonparametric Estimation from Incomplete
//! Observations", 1958), which takes those into account that are still waiting. The worth is
//! Gittins's index ("Bandit Processes and Dynamic Allocation Indices", 1979): the best ratio of
//! the chance of a use to the time spent waiting for it, over all times up to which one could
//! wait. It is what hit density is in LHD (Beckmann, Chen, Cidon, NSDI 2018), with the end of the
//! wait chosen rather than found. Where the chance falls with age it orders as LRU does, within a
//! class; in a loop it grows with age, and the youngest go.

use super::meta::{BUCKETS, CLASSES, width};

/// Counts by class and bucket of age; `ONE` is one entry.
pub(super) type Table = [[u32; BUCKETS]; CLASSES];
pub(super) const ONE: u32 = 256;

/// The worth at the beginning of each bucket, and at the end of the last.
pub(super) type Worth = [[u32; BUCKETS + 1]; CLASSES];

/// Of a class that isn't known yet, so many entries of all classes are taken to be in it.
const SHARED: u64 = 8;
/// Before anything is known, one in four is used in each bucket, and one in two in the first, as
/// counts of so many entries.
const ASSUMED: u64 = 4;
const CHANCE: u64 = 4;
/// A smaller chance can't be told from none: a few thousand keys are watched.
const NONE: u64 = FULL >> 12;
/// What nothing is expected of is worth so much: there is less for what soon expires.
const LEAST: u32 = 256;

/// A wait from the start of a bucket: fractions of 32 bits of those who start it.
#[derive(Clone, Copy)]
struct Wait {
    /// The chance that it ends by a use.
    used: u64,
    /// How long it takes on average, in half units.
    time: u64,
    /// The chance that it ends unused.
    left: u64,
}

const FULL: u64 = 1 << 32;

/// The worth of entries, from what became of those in a sample.
pub(super) fn worth(again: &Table, waiting: &Table, gone: &Table) -> Worth {
    let mut all_used = [ASSUMED * ONE as u64 / CHANCE; BUCKETS];
    let mut all_there = [ASSUMED * ONE as u64; BUCKETS];
    all_used[0] *= 2;
    for class in 0..CLASSES {
        let there = at_risk(&again[class], &waiting[class], &gone[class]);
        for bucket in 0..BUCKETS {
            all_used[bucket] += u64::from(again[class][bucket]);
            all_there[bucket] += there[bucket];
        }
    }
    let mut worth = [[0; BUCKETS + 1]; CLASSES];
    for class in 0..CLASSES {
        let there = at_risk(&again[class], &waiting[class], &gone[class]);
        let mut chances = [0; BUCKETS];
        for bucket in 0..BUCKETS {
            // Both in fractions of 16 bits, since what is shared may be much less than one.
            let shared =
                |count: u64| ((SHARED * u64::from(ONE) * count) << 16) / all_there[0].max(1);
            let used = (u64::from(again[class][bucket]) << 16) + shared(all_used[bucket]);
            let there = (there[bucket] << 16) + shared(all_there[bucket]);
            let chance = (u128::from(used) << 32) / u128::from(there.max(1));
            let chance = u64::try_from(chance).unwrap_or(FULL).min(FULL);
            chances[bucket] = if chance < NONE { 0 } else { chance };
        }
        worth[class] = indices(&chances);
    }
    worth
}

/// How many came to each bucket; those who wait in it are half through.
fn at_risk(
    again: &[u32; BUCKETS],
    waiting: &[u32; BUCKETS],
    gone: &[u32; BUCKETS],
) -> [u64; BUCKETS] {
    let mut there = [0; BUCKETS];
    let mut sum = 0;
    for bucket in (0..BUCKETS).rev() {
        let here = u64::from(waiting[bucket]);
        sum += u64::from(again[bucket]) + u64::from(gone[bucket]) + here;
        there[bucket] = sum - here / 2;
    }
    there
}

/// Gittins's index at the start of each bucket. From the last bucket back: to wait on pays as
/// long as what follows has a better ratio than what one has so far.
fn indices(chances: &[u64; BUCKETS]) -> [u32; BUCKETS + 1] {
    let mut worth = [0; BUCKETS + 1];
    let mut following = [Wait { used: 0, time: 1, left: 0 }; BUCKETS];
    let mut count = 0;
    for bucket in (0..BUCKETS).rev() {
        let used = chances[bucket];
        let mut wait = Wait { used, time: (FULL - used / 2) * width(bucket), left: FULL - used };
        while count > 0 && following[count - 1].better_than(wait) {
            count -= 1;
            wait = wait.then(following[count]);
        }
        worth[bucket] = wait.ratio();
        following[count] = wait;
        count += 1;
    }
    worth[BUCKETS] = worth[BUCKETS - 1];
    worth
}

impl Wait {
    fn then(self, next: Wait) -> Wait {
        let times = |a: u64, b: u64| ((u128::from(a) * u128::from(b)) >> 32) as u64;
        Wait {
            used: self.used + times(self.left, next.used),
            time: self.time + times(self.left, next.time),
            left: times(self.left, next.left),
        }
    }

    fn better_than(self, other: Wait) -> bool {
        u128::from(self.used) * u128::from(other.time)
            > u128::from(other.used) * u128::from(self.time)
    }

    fn ratio(self) -> u32 {
        let ratio = (u128::from(self.used) << 32) / u128::from(self.time.max(1));
        u32::try_from(ratio).unwrap_or(u32::MAX).max(LEAST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: Table = [[0; BUCKETS]; CLASSES];

    #[test]
    fn knowing_nothing_the_oldest_goes() {
        let worth = worth(&EMPTY, &EMPTY, &EMPTY);
        assert!(worth[0].windows(2).all(|pair| pair[0] >= pair[1]), "{worth:?}");
        assert_eq!(worth[0], worth[3]);
    }

    #[test]
    fn in_a_loop_the_youngest_goes() {
        let mut again = EMPTY;
        again[1][12] = 1000 * ONE;
        let worth = worth(&again, &EMPTY, &EMPTY);
        assert!(worth[1][..13].windows(2).all(|pair| pair[0] < pair[1]), "{worth:?}");
        assert!(worth[1][13] < worth[1][12]);
    }

    #[test]
    fn a_class_that_is_used_more_is_worth_more() {
        let (mut again, mut gone) = (EMPTY, EMPTY);
        again[0] = [10 * ONE; BUCKETS];
        again[2] = [50 * ONE; BUCKETS];
        gone[0][BUCKETS - 1] = 2000 * ONE;
        gone[2][BUCKETS - 1] = 100 * ONE;
        let worth = worth(&again, &EMPTY, &gone);
        assert!(worth[2].iter().zip(worth[0]).all(|(more, less)| *more > less), "{worth:?}");
    }

    #[test]
    fn those_who_wait_count() {
        let (mut again, mut waiting) = (EMPTY, EMPTY);
        again[0][3] = 100 * ONE;
        let sure = worth(&again, &waiting, &EMPTY)[0][0];
        waiting[0][10] = 900 * ONE;
        assert!(worth(&again, &waiting, &EMPTY)[0][0] < sure / 4);
    }
}
