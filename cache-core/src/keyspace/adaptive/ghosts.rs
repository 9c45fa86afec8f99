//! Who was evicted lately: ten bits for each, in buckets of six.

use alloc::sync::Arc;
use alloc::vec::Vec;

/// Buckets of a chunk, which is what clones share and what growth allocates.
const CHUNK: usize = 128;
/// Bits of a ghost. A word is a bucket, with the youngest ghost lowest; 0 is none.
const BITS: u32 = 10;
/// A cache however small has so many buckets.
const LEAST: u64 = 16;
/// Buckets for 16 entries: 18 ghosts.
const PER_16: u64 = 3;
/// Buckets added for each eviction until there are enough: they take less memory than it frees.
const GROWTH: u64 = 1;

/// The lowest bit of each ghost, the highest, and all bits of all six.
const ONES: u64 = 1 | 1 << 10 | 1 << 20 | 1 << 30 | 1 << 40 | 1 << 50;
const HIGHS: u64 = ONES << (BITS - 1);
const ALL: u64 = (1 << (6 * BITS)) - 1;

/// A queue of fingerprints in each bucket. A fingerprint has 9 bits, so that a key never seen is
/// taken for a ghost once in 85 times; the tenth bit says whether it had been used again.
///
/// The buckets are divided one at a time (linear hashing). A divided bucket's ghosts stay in both
/// halves, since their fingerprints don't tell to which they belong, and soon age out of one.
#[derive(Clone, Debug, Default)]
pub(super) struct Ghosts {
    chunks: Vec<Arc<[u64; CHUNK]>>,
    buckets: u64,
}

impl Ghosts {
    /// Remembers an evicted key, in a cache of so many entries.
    pub(super) fn put(&mut self, hash: u64, used_again: bool, entries: u64) {
        self.fit(entries);
        let ghost = fingerprint(hash) << 1 | u64::from(used_again);
        if let Some(bucket) = self.bucket_mut(hash) {
            *bucket = (*bucket << BITS | ghost) & ALL;
        }
    }

    /// Forgets a key and tells whether it had been used again, if it was there.
    pub(super) fn take(&mut self, hash: u64) -> Option<bool> {
        let place = self.place(hash);
        let bucket = *self.chunks.get(place / CHUNK)?.get(place % CHUNK)?;
        // Ghosts with that fingerprint become 0, and the high bit of the lowest such is found.
        let differ = (bucket & (ALL - ONES)) ^ (ONES * (fingerprint(hash) << 1));
        let found = differ.wrapping_sub(ONES) & !differ & HIGHS;
        if found == 0 {
            return None;
        }
        let shift = found.trailing_zeros() / BITS * BITS;
        let younger = bucket & !(u64::MAX << shift);
        let older = bucket >> shift >> BITS << shift;
        *self.bucket_mut(hash)? = older | younger;
        Some(bucket >> shift & 1 == 1)
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> u64 {
        self.chunks.len() as u64 * (CHUNK as u64 * 8)
    }

    fn bucket_mut(&mut self, hash: u64) -> Option<&mut u64> {
        let place = self.place(hash);
        Arc::make_mut(self.chunks.get_mut(place / CHUNK)?).get_mut(place % CHUNK)
    }

    fn place(&self, hash: u64) -> usize {
        let mask = self.buckets.next_power_of_two().wrapping_sub(1);
        let place = hash & mask;
        (if place < self.buckets { place } else { place & (mask >> 1) }) as usize
    }

    /// Goes some steps towards what so many entries want.
    fn fit(&mut self, entries: u64) {
        let wanted = (entries.min(1 << 34) * PER_16 / 16).max(LEAST);
        let mut steps = if self.buckets == 0 { LEAST } else { GROWTH };
        while self.buckets < wanted && steps > 0 {
            self.divide();
            steps -= 1;
        }
        // One that shrinks and grows again in turn keeps what it has.
        if self.buckets > wanted + wanted / 4 + LEAST {
            self.buckets -= 1;
            self.chunks.truncate((self.buckets as usize).div_ceil(CHUNK));
        }
    }

    fn divide(&mut self) {
        let place = self.buckets as usize;
        let from = place & (place.next_power_of_two() / 2).wrapping_sub(1);
        let ghosts = self.chunks.get(from / CHUNK).map_or(0, |chunk| chunk[from % CHUNK]);
        if place.is_multiple_of(CHUNK) {
            self.chunks.push(Arc::new([0; CHUNK]));
        }
        if let Some(chunk) = self.chunks.get_mut(place / CHUNK) {
            Arc::make_mut(chunk)[place % CHUNK] = if place == 0 { 0 } else { ghosts };
        }
        self.buckets += 1;
    }
}

/// 1 to 511, from bits that choose no bucket.
fn fingerprint(hash: u64) -> u64 {
    (hash >> 40) % 511 + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn remembers_the_last_and_forgets_the_rest() {
        let (mut ghosts, mut random) = (Ghosts::default(), Random::new(1));
        let keys: Vec<u64> = (0..40_000).map(|_| random.next_u64()).collect();
        for (at, key) in keys.iter().enumerate() {
            ghosts.put(*key, at % 3 == 0, 8_000);
        }
        let found = |ghosts: &mut Ghosts, keys: &[u64]| {
            keys.iter().filter(|key| ghosts.take(**key).is_some()).count()
        };
        assert!(found(&mut ghosts.clone(), &keys[36_000..]) > 3_900);
        assert!(found(&mut ghosts.clone(), &keys[..4_000]) < 400);
        assert_eq!(ghosts.bytes(), 12_288);
        // Each is given once, and with its bit.
        assert_eq!(ghosts.take(keys[39_999]), Some(true));
        assert_eq!(ghosts.take(keys[39_998]), Some(false));
        assert_eq!(ghosts.take(keys[39_999]), None);
        for key in &keys {
            ghosts.put(*key, false, 0);
        }
        assert_eq!(ghosts.bytes(), 1024);
    }

    #[test]
    fn keeps_ghosts_while_it_grows() {
        let (mut ghosts, mut random) = (Ghosts::default(), Random::new(2));
        let keys: Vec<u64> = (0..1_000).map(|_| random.next_u64()).collect();
        for key in &keys {
            ghosts.put(*key, true, 100_000);
        }
        let kept = keys.iter().filter(|key| ghosts.take(**key) == Some(true)).count();
        assert!(kept > 950, "{kept}");
    }
}
