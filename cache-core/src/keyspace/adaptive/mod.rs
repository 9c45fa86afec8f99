//! The eviction policy `adaptive`: learns from what becomes of keys which entries earn their place.
//!
//! Each entry has a class (how often it was used again) and an age (the time since its last use,
//! counted in insertions and some hits). A sample of the keys is watched wherever they are, in the
//! cache or not, and tells for each class at what ages entries are used again ([`learner`]). From
//! that comes a worth for each class and age ([`model`]). The entry with the least worth a byte
//! goes, among those of one to four segments.
//!
//! What it owes to others, beside what the parts cite:
//! - 2Q (Johnson, Shasha, VLDB 1994) and Clock2Q+: uses in a burst count once.
//! - ARC (Megiddo, Modha, FAST 2003), S3-FIFO (Yang and others, SOSP 2023): keys that return soon
//!   after their eviction are no longer new ([`ghosts`]).
//! - LHD (Beckmann, Chen, Cidon, NSDI 2018): to rank a few entries by a learned density of hits
//!   needs no queue. Hyperbolic caching (Blankstein, Sen, Freedman, ATC 2017): the same, and
//!   values by the byte.
//! - EVA (Beckmann, Sanchez, HPCA 2017): classes, ages and their counts as a model of the cache.
//!
//! The order of calls: [`Adaptive::fresh`] for each insertion, [`Adaptive::hit`] for each use. To
//! evict: [`Adaptive::search`]; then [`Adaptive::step`] once and [`Adaptive::passes`] for each
//! segment from where the hand is, until one isn't passed; [`Adaptive::look`] at that one; again
//! until it is satisfied; and [`Adaptive::evicted`] for the victim. Which segments there are and
//! where the hand is, the caller knows.

mod ghosts;
mod learner;
mod meta;
mod model;
#[cfg(test)]
mod tests;

pub use meta::Meta;

use alloc::sync::Arc;
use ghosts::Ghosts;
use learner::Learner;
use meta::{CLASSES, HIT_TICKS, MISS_TICKS, Time};
use model::Worth;

/// The hand goes on by so many entries for each look: about a segment.
const STRIDE: u64 = 48;
/// Segments looked at for one eviction, at most.
const LOOKS: u32 = 4;
/// What victims usually cost moves towards what the latest did by one part in 64.
const USUAL_BITS: u32 = 6;
/// A lesson takes place after half a turn, but not before so many ticks.
const LEAST_LESSON: u64 = 1024;

/// An entry that could go.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    /// Its metadata.
    pub meta: Meta,
    /// Its bytes; 0 counts as 1.
    pub size: u32,
    /// When it expires, in milliseconds of wall time.
    pub expires: Option<u64>,
}

/// A search for the entry to go. `P` is a place: whatever names an entry to the caller.
#[derive(Clone, Copy, Debug)]
pub struct Search<P> {
    now_ms: u64,
    looks: u32,
    best: Option<(Price, P)>,
}

/// What an entry is worth, and for how many bytes.
#[derive(Clone, Copy, Debug)]
struct Price {
    worth: u32,
    size: u32,
    /// Buckets of age, a fraction of 8 bits.
    age: u32,
}

/// The policy's state. Clones share its memory until one of them goes on.
#[derive(Clone, Debug)]
pub struct Adaptive {
    time: Time,
    worth: Worth,
    ghosts: Ghosts,
    learner: Arc<Learner>,
    next_lesson: u64,
    /// Wall time and ticks since which ticks are counted, and how many there were in a second.
    pace_since: Option<(u64, u64)>,
    ticks_per_second: u64,
    /// What victims have cost of late: worth a byte, a fraction of 16 bits.
    usual: u64,
    /// Entries that the hand has still to pass.
    ahead: u64,
}

impl Default for Adaptive {
    fn default() -> Self {
        Self::new()
    }
}

impl Adaptive {
    /// A policy that knows nothing yet, and orders as LRU does.
    pub fn new() -> Self {
        let none = [[0; meta::BUCKETS]; CLASSES];
        Adaptive {
            time: Time::new(),
            worth: model::worth(&none, &none, &none),
            ghosts: Ghosts::default(),
            learner: Arc::new(Learner::new()),
            next_lesson: LEAST_LESSON,
            pace_since: None,
            ticks_per_second: 0,
            usual: 0,
            ahead: 0,
        }
    }

    /// Lets the sample of keys take no more than so many bytes, or than the least it can do with.
    pub fn limit_sample(&mut self, bytes: u64) {
        let most = Learner::slots_in(bytes);
        if most != self.learner.most() {
            Arc::make_mut(&mut self.learner).set_most(most, &self.time);
        }
    }

    /// The metadata of an entry inserted now, in a cache of so many entries.
    ///
    /// `hash` must be the same for a key each time, and each of its bits a fair one.
    pub fn fresh(&mut self, hash: u64, entries: u64) -> Meta {
        self.time.pass(MISS_TICKS);
        if self.time.now() >= self.next_lesson {
            self.lesson(entries);
        }
        let class = match self.ghosts.take(hash) {
            None => 0,
            Some(false) => 1,
            Some(true) => 2,
        };
        let meta = self.time.stamp(class);
        self.observe(hash, meta);
        meta
    }

    /// The metadata of an entry that is used now.
    #[inline]
    pub fn hit(&mut self, hash: u64, meta: Meta) -> Meta {
        self.time.pass(HIT_TICKS);
        let again = !self.time.is_burst(self.time.ticks(meta));
        let class = (meta::class(meta) + usize::from(again)).min(CLASSES - 1);
        let meta = self.time.stamp(class);
        self.observe(hash, meta);
        meta
    }

    #[inline]
    fn observe(&mut self, hash: u64, meta: Meta) {
        if self.learner.samples(hash) {
            Arc::make_mut(&mut self.learner).observe(hash, meta, &self.time);
        }
    }

    /// Begins to look for an entry to evict. `now_ms` is wall time.
    pub fn search<P>(&mut self, now_ms: u64) -> Search<P> {
        self.keep_pace(now_ms);
        Search { now_ms, looks: 0, best: None }
    }

    /// Learns how many ticks a second has, over half a turn and a second or more.
    fn keep_pace(&mut self, now_ms: u64) {
        let now = self.time.now();
        let (then_ms, then) = *self.pace_since.get_or_insert((now_ms, now));
        // Wall time may jump back.
        let passed = now_ms.checked_sub(then_ms);
        if passed.is_none_or(|ms| ms >= 1000 && now.wrapping_sub(then) >= self.time.turn() / 2) {
            let ticks =
                u128::from(now.wrapping_sub(then)) * 1000 / u128::from(passed.unwrap_or(0).max(1));
            if passed.is_some() {
                self.ticks_per_second = u64::try_from(ticks).unwrap_or(u64::MAX);
            }
            self.pace_since = Some((now_ms, now));
        }
    }

    /// Lets the hand go on for one look.
    pub fn step(&mut self) {
        self.ahead = self.ahead.saturating_add(STRIDE);
    }

    /// Whether the hand goes past a segment with so many entries, to the next. So an entry's chance
    /// to be looked at doesn't depend on how full its segment is.
    pub fn passes(&mut self, entries: u64) -> bool {
        let passes = self.ahead >= entries;
        if passes {
            self.ahead -= entries;
        }
        passes
    }

    /// Looks at the entries of a segment; gives whether the search should end. A segment without
    /// candidates counts as a look.
    pub fn look<P>(
        &mut self,
        search: &mut Search<P>,
        candidates: impl IntoIterator<Item = (P, Candidate)>,
    ) -> bool {
        for (place, candidate) in candidates {
            let price = self.price(&candidate, search.now_ms);
            if search.best.as_ref().is_none_or(|(best, _)| price.is_below(*best)) {
                search.best = Some((price, place));
            }
        }
        search.looks += 1;
        let cost = search.best.as_ref().map_or(u64::MAX, |(price, _)| price.per_byte());
        let ends = search.looks >= LOOKS || cost <= self.usual;
        if ends && cost != u64::MAX {
            self.usual = self.usual - (self.usual >> USUAL_BITS) + (cost >> USUAL_BITS);
        }
        ends
    }

    #[inline]
    fn price(&self, candidate: &Candidate, now_ms: u64) -> Price {
        let age = self.time.age(self.time.ticks(candidate.meta));
        let class = &self.worth[meta::class(candidate.meta)];
        let (from, to) = (u64::from(class[age.bucket]), u64::from(class[age.bucket + 1]));
        let part = u64::from(age.part);
        let mut worth = (from * (256 - part) + to * part) >> 8;
        if let Some(expires) = candidate.expires {
            worth = self.until(worth, expires.saturating_sub(now_ms));
        }
        let age = (age.bucket as u32) << 8 | age.part;
        Price { worth: worth as u32, size: candidate.size.max(1), age }
    }

    /// The worth of what expires in so many milliseconds: less, if that is little beside the time
    /// that entries stay.
    fn until(&self, worth: u64, left_ms: u64) -> u64 {
        let left = u128::from(left_ms) * u128::from(self.ticks_per_second) / 1000;
        let some = u128::from(self.time.turn() / 16 + 1);
        match left_ms {
            0 => 0,
            _ if self.ticks_per_second == 0 => worth,
            _ => (u128::from(worth) * left / (left + some)) as u64,
        }
    }

    /// An entry with these metadata has been evicted, in a cache of so many entries.
    pub fn evicted(&mut self, hash: u64, meta: Meta, entries: u64) {
        self.ghosts.put(hash, meta::class(meta) > 0, entries);
    }

    /// Bytes of memory beside what the entries carry.
    pub fn bytes(&self) -> u64 {
        self.ghosts.bytes() + self.learner.bytes()
    }

    /// As [`bytes`](Self::bytes), with a sample of as many bytes as
    /// [`limit_sample`](Self::limit_sample) allows.
    pub fn most_bytes(&self, sample: u64) -> u64 {
        self.ghosts.bytes() + Learner::bytes_of(Learner::slots_in(sample))
    }

    fn lesson(&mut self, entries: u64) {
        let (again, waiting, gone) = Arc::make_mut(&mut self.learner).lesson(&self.time);
        self.worth = model::worth(&again, &waiting, &gone);
        self.time.scale(entries);
        self.next_lesson = self.time.now() + (self.time.turn() / 2).max(LEAST_LESSON);
    }
}

impl Price {
    /// Whether this one goes rather than the other. Of two as good the younger goes: those that
    /// nothing is known of come again late or never, as in a long loop, and the older one sooner.
    fn is_below(self, other: Price) -> bool {
        let mine = u64::from(self.worth) * u64::from(other.size);
        let its = u64::from(other.worth) * u64::from(self.size);
        mine < its || mine == its && self.age < other.age
    }

    fn per_byte(self) -> u64 {
        (u64::from(self.worth) << 16) / u64::from(self.size)
    }
}

impl<P> Search<P> {
    /// The entry to go, of all looked at. `None`: there was no candidate.
    pub fn victim(self) -> Option<P> {
        self.best.map(|(_, place)| place)
    }
}
