//! What becomes of entries: when those of a sample were used again, in the cache or not.
//!
//! Keys are sampled by hash (Waldspurger and others, "Efficient MRC Construction with SHARDS",
//! FAST 2015): of a key in the sample every use is seen, so that what happens after an eviction
//! is known as well as what happens before. When the sample grows too large, half of it goes.

use super::meta::{self, BUCKETS, CLASSES, Meta, Time};
use super::model::{ONE, Table};
use alloc::vec;
use alloc::vec::Vec;

/// Slots for the sample at least and at most: 2 and 64 KiB.
const LEAST_SLOTS: usize = 256;
const MOST_SLOTS: usize = 8 * 1024;
/// Bytes of a slot.
const SLOT: u64 = 8;
/// Odd, and without a pattern: 2^64 divided by the golden ratio.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
const META_BITS: u32 = 24;
const META_MASK: u64 = (1 << META_BITS) - 1;
/// A lesson leaves this of the counts before it: 31 parts of 32.
const FORGET_BITS: u32 = 5;

/// The sample, and counts of how its entries' ages ended.
#[derive(Clone, Debug)]
pub(super) struct Learner {
    /// Open addressing: 40 bits of the hash and the entry's metadata when it was used last. 0 is
    /// a free slot.
    slots: Vec<u64>,
    /// So many slots may be taken: a power of two. Three in four of them may be used.
    most: usize,
    live: usize,
    /// A key is sampled when as many of its hash's low bits are 0.
    level: u32,
    /// By class and age: those used again, and those given up as too old.
    again: Table,
    gone: Table,
}

impl Learner {
    pub(super) fn new() -> Self {
        let none = [[0; BUCKETS]; CLASSES];
        let slots = vec![0; LEAST_SLOTS];
        Learner { slots, most: MOST_SLOTS, live: 0, level: 0, again: none, gone: none }
    }

    /// So many slots fit so many bytes.
    pub(super) fn slots_in(bytes: u64) -> usize {
        let slots = (bytes / SLOT).clamp(LEAST_SLOTS as u64, MOST_SLOTS as u64);
        1 << slots.ilog2()
    }

    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// Lets the sample have so many slots, a power of two.
    pub(super) fn set_most(&mut self, most: usize, time: &Time) {
        self.most = most;
        self.thin_out(time);
        if self.slots.len() > most {
            self.rebuild(time);
        }
    }

    /// Halves the sample until it isn't too large.
    fn thin_out(&mut self, time: &Time) {
        while self.live > self.most / 4 * 3 && self.level < META_BITS {
            self.level += 1;
            self.rebuild(time);
            // As if the others had never been in it.
            fade(&mut self.again, 1);
            fade(&mut self.gone, 1);
        }
    }

    /// Whether uses of that key are to be shown.
    #[inline]
    pub(super) fn samples(&self, hash: u64) -> bool {
        hash & ((1 << self.level) - 1) == 0
    }

    /// A key of the sample is used, and has these metadata from now on.
    pub(super) fn observe(&mut self, hash: u64, meta: Meta, time: &Time) {
        let key = key(hash);
        let slot = self.find(key);
        let Some(old) = self.slots.get(slot).copied() else { return };
        if old == 0 {
            self.live += 1;
        } else {
            self.end(old, time);
        }
        self.slots[slot] = key << META_BITS | u64::from(meta) & META_MASK;
        self.thin_out(time);
        if self.live * 4 > self.slots.len() * 3 {
            self.rebuild(time);
        }
    }

    /// Forgets what is too old, and gives by class and age: those used again; those that are
    /// still waiting for it; those given up. Then lets the counts fade.
    pub(super) fn lesson(&mut self, time: &Time) -> (Table, Table, Table) {
        self.rebuild(time);
        let mut waiting = [[0; BUCKETS]; CLASSES];
        for slot in self.slots.iter().filter(|slot| **slot != 0) {
            let meta = meta_of(*slot);
            waiting[meta::class(meta)][time.age(time.ticks(meta)).bucket] += ONE;
        }
        let counts = (self.again, waiting, self.gone);
        fade(&mut self.again, FORGET_BITS);
        fade(&mut self.gone, FORGET_BITS);
        counts
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> u64 {
        Self::bytes_of(self.slots.len())
    }

    /// Bytes of one that has so many slots.
    pub(super) fn bytes_of(slots: usize) -> u64 {
        slots as u64 * SLOT + (2 * 4 * CLASSES * BUCKETS) as u64
    }

    /// Counts a life that has ended by a use.
    fn end(&mut self, slot: u64, time: &Time) {
        let meta = meta_of(slot);
        let ticks = time.ticks(meta);
        let table = if time.is_past(ticks) { &mut self.gone } else { &mut self.again };
        let count = &mut table[meta::class(meta)][time.age(ticks).bucket];
        *count = count.saturating_add(ONE);
    }

    /// The slot of a key, or the free one where it belongs.
    fn find(&self, key: u64) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = (key.wrapping_mul(SPREAD) >> 40) as usize & mask;
        // There is always a free slot.
        while self.slots[at] != 0 && self.slots[at] >> META_BITS != key {
            at = (at + 1) & mask;
        }
        at
    }

    /// Drops those that are too old or no longer sampled, and makes room for as many again.
    fn rebuild(&mut self, time: &Time) {
        let old = core::mem::take(&mut self.slots);
        let mut kept = Vec::with_capacity(self.live);
        for slot in old.into_iter().filter(|slot| *slot != 0) {
            let meta = meta_of(slot);
            if !self.samples(slot >> META_BITS) {
                continue;
            }
            if time.is_past(time.ticks(meta)) {
                let count = &mut self.gone[meta::class(meta)][BUCKETS - 1];
                *count = count.saturating_add(ONE);
            } else {
                kept.push(slot);
            }
        }
        self.live = kept.len();
        let slots = (kept.len() * 3 / 2).next_power_of_two().clamp(LEAST_SLOTS, self.most);
        // While it is being thinned out, too, there must be a free one.
        self.slots = vec![0; slots.max((kept.len() + 1).next_power_of_two())];
        for slot in kept {
            let at = self.find(slot >> META_BITS);
            self.slots[at] = slot;
        }
    }
}

/// 40 bits of the hash, of which the lowest say whether it is sampled. Never 0.
fn key(hash: u64) -> u64 {
    let key = hash & ((1 << 40) - 1);
    if key == 0 { 1 << 39 } else { key }
}

fn meta_of(slot: u64) -> Meta {
    (slot & META_MASK) as Meta
}

fn fade(table: &mut Table, bits: u32) {
    for count in table.iter_mut().flatten() {
        *count -= count.div_ceil(1 << bits);
    }
}
