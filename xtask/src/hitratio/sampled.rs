//! Policies that rank a few entries instead of keeping all in order: Redis's, and ours.

use cache_core::keyspace::adaptive::{Adaptive, Candidate, Meta};

use super::Policy;

/// SplitMix64's mixing function: Steele, Lea, Flood, OOPSLA 2014.
pub(super) fn mix(number: u64) -> u64 {
    let z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Random numbers: the same seed gives the same.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        ((u128::from(mix(self.0)) * u128::from(bound)) >> 64) as u64
    }
}

const ABSENT: u32 = u32::MAX;

/// Redis's `allkeys-lru` and `allkeys-lfu`: five random entries for each eviction, the best of which
/// is taken from a pool of 16 kept between evictions.
pub(super) struct Redis {
    cached: Vec<u32>,
    place: Vec<u32>,
    last: Vec<u64>,
    count: Vec<u8>,
    pool: Vec<(u64, u32)>,
    now: u64,
    size: usize,
    lfu: bool,
    random: Random,
}

/// There are no minutes in a trace: the LFU counters decay by one in so many requests.
const DECAY: u64 = 100_000;

impl Redis {
    pub(super) fn new(keys: usize, size: usize, lfu: bool, seed: u64) -> Self {
        let (place, last, count) = (vec![ABSENT; keys], vec![0; keys], vec![0; keys]);
        let random = Random(seed);
        Redis { cached: vec![], place, last, count, pool: vec![], now: 0, size, lfu, random }
    }

    fn decayed(&self, key: u32) -> u8 {
        let periods = (self.now - self.last[key as usize]) / DECAY;
        self.count[key as usize].saturating_sub(periods.min(255) as u8)
    }

    fn evict(&mut self) {
        for _ in 0..5 {
            let key = self.cached[self.random.below(self.cached.len() as u64) as usize];
            let idle = self.now - self.last[key as usize];
            let score = if self.lfu { 255 - u64::from(self.decayed(key)) } else { idle };
            if self.pool.iter().all(|(_, pooled)| *pooled != key) {
                let at = self.pool.partition_point(|(other, _)| *other < score);
                self.pool.insert(at, (score, key));
            }
        }
        let excess = self.pool.len().saturating_sub(16);
        self.pool.drain(..excess);
        while let Some((_, key)) = self.pool.pop() {
            let place = self.place[key as usize];
            if place != ABSENT {
                self.place[key as usize] = ABSENT;
                self.cached.swap_remove(place as usize);
                if let Some(moved) = self.cached.get(place as usize) {
                    self.place[*moved as usize] = place;
                }
                return;
            }
        }
    }
}

impl Policy for Redis {
    fn request(&mut self, key: u32) -> bool {
        self.now += 1;
        let hit = self.place[key as usize] != ABSENT;
        if hit {
            let count = self.decayed(key);
            let above = u64::from(count.saturating_sub(5));
            let up = count < 255 && self.random.below(above * 10 + 1) == 0;
            self.count[key as usize] = count + u8::from(up);
        } else {
            while self.cached.len() >= self.size {
                self.evict();
            }
            self.count[key as usize] = 5;
            self.place[key as usize] = self.cached.len() as u32;
            self.cached.push(key);
        }
        self.last[key as usize] = self.now;
        hit
    }
}

/// A segment is divided when it would have more entries.
const SEGMENT: usize = 64;

/// The engine's policy over segments as the engine has them: a key's segment is found by the first
/// bits of its hash, and a full one is divided (extendible hashing).
pub(super) struct Larder {
    policy: Adaptive,
    hashes: Vec<u64>,
    cached: Vec<bool>,
    segments: Vec<Segment>,
    hand: usize,
    count: usize,
    size: usize,
}

struct Segment {
    /// The first hash of the next segment, less one.
    last: u64,
    entries: Vec<(u32, Meta)>,
}

impl Larder {
    pub(super) fn new(keys: usize, size: usize, seed: u64) -> Self {
        let hashes = (0..keys as u64).map(|key| mix(mix(key) ^ mix(seed))).collect();
        let segments = vec![Segment { last: u64::MAX, entries: vec![] }];
        let (policy, cached) = (Adaptive::new(), vec![false; keys]);
        Larder { policy, hashes, cached, segments, hand: 0, count: 0, size }
    }

    fn segment(&self, key: u32) -> usize {
        let hash = self.hashes[key as usize];
        self.segments.partition_point(|segment| segment.last < hash)
    }

    fn evict(&mut self) {
        let mut search = self.policy.search(0);
        loop {
            self.policy.step();
            while self.policy.passes(self.segments[self.hand].entries.len() as u64) {
                self.hand = (self.hand + 1) % self.segments.len();
            }
            let hand = self.hand;
            let candidate = |(at, (_, meta)): (usize, &(u32, Meta))| {
                ((hand, at), Candidate { meta: *meta, size: 1, expires: None })
            };
            let candidates = self.segments[hand].entries.iter().enumerate().map(candidate);
            if self.policy.look(&mut search, candidates) {
                break;
            }
        }
        if let Some((segment, at)) = search.victim() {
            let (key, meta) = self.segments[segment].entries.swap_remove(at);
            self.policy.evicted(self.hashes[key as usize], meta, self.count as u64);
            self.cached[key as usize] = false;
            self.count -= 1;
        }
    }

    /// Cuts a segment's share of the hashes in halves until one has room.
    fn divide(&mut self, at: usize) {
        let start = at.checked_sub(1).map_or(0, |before| self.segments[before].last + 1);
        let segment = &mut self.segments[at];
        let middle = start + (segment.last - start) / 2;
        let hashes = &self.hashes;
        let (low, high) =
            segment.entries.drain(..).partition(|(key, _)| hashes[*key as usize] <= middle);
        segment.entries = high;
        self.segments.insert(at, Segment { last: middle, entries: low });
        self.hand += usize::from(self.hand > at);
    }
}

impl Policy for Larder {
    fn request(&mut self, key: u32) -> bool {
        let hash = self.hashes[key as usize];
        if self.cached[key as usize] {
            let segment = self.segment(key);
            let entry = self.segments[segment].entries.iter_mut().find(|(other, _)| *other == key);
            if let Some((_, meta)) = entry {
                *meta = self.policy.hit(hash, *meta);
            }
            return true;
        }
        if self.count == self.size {
            self.evict();
        }
        self.count += 1;
        self.cached[key as usize] = true;
        let meta = self.policy.fresh(hash, self.count as u64);
        while self.segments[self.segment(key)].entries.len() == SEGMENT {
            self.divide(self.segment(key));
        }
        let segment = self.segment(key);
        self.segments[segment].entries.push((key, meta));
        false
    }

    fn bytes(&self) -> Option<u64> {
        Some(self.policy.bytes())
    }
}
