//! Choosing which key makes room: Redis's policies, by comparing a few random keys, and the one of
//! our own (see `adaptive`), by comparing the keys of a few leaves.
//!
//! An entry's access bits hold the minute and second of its last use for LRU (24 bits of seconds),
//! or for LFU the minute of the last decay (16 bits) and a logarithmic counter (8 bits), as Redis
//! describes under "Approximated LRU algorithm" and "The new LFU mode".

use super::adaptive::Adaptive;
use super::{Entry, Keyspace};
use crate::config::{Config, Id, Policy};
use crate::random::Random;
use crate::time::Now;
use alloc::vec::Vec;

/// A new key's counter: high enough to live to see its second use.
const LFU_INIT: u32 = 5;
const LRU_MASK: u32 = (1 << 24) - 1;

/// The sample that the adaptive policy learns from takes this part of `maxmemory` at the most.
const SAMPLE_SHARE: u64 = 16;

fn sample_bytes(config: &Config) -> u64 {
    config.number(Id::Maxmemory).unsigned_abs() / SAMPLE_SHARE
}

/// The access bits of a key that is created now.
fn fresh_access(policy: Policy, now_secs: u64) -> u32 {
    if policy.is_lfu() { lfu_minutes(now_secs) << 8 | LFU_INIT } else { now_secs as u32 & LRU_MASK }
}

/// The access bits of a key that comes from elsewhere, by what is known of its use there.
pub(crate) fn loaded_access(
    config: &Config,
    now_secs: u64,
    idle_secs: Option<u64>,
    freq: Option<u8>,
) -> u32 {
    let policy = config.policy();
    if policy.is_adaptive() {
        return 0;
    }
    if policy.is_lfu() {
        return lfu_minutes(now_secs) << 8 | freq.map_or(LFU_INIT, u32::from);
    }
    fresh_access(policy, now_secs.saturating_sub(idle_secs.unwrap_or(0)))
}

/// The access bits of a key that is used now.
fn touch_access(access: u32, config: &Config, now_secs: u64, random: &mut Random) -> u32 {
    if !config.policy().is_lfu() {
        return now_secs as u32 & LRU_MASK;
    }
    let counter = decayed(access, config, now_secs);
    let above = f64::from(counter.saturating_sub(LFU_INIT));
    let chance = 1.0 / (above * config.number(Id::LfuLogFactor) as f64 + 1.0);
    // 53 bits of chance, the same on every platform.
    let draw = (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    let counter = if counter < 255 && draw < chance { counter + 1 } else { counter };
    lfu_minutes(now_secs) << 8 | counter
}

/// Seconds since the last use, for OBJECT IDLETIME and the LRU policies.
pub(crate) fn idle_secs(access: u32, now_secs: u64) -> u64 {
    u64::from((now_secs as u32 & LRU_MASK).wrapping_sub(access) & LRU_MASK)
}

/// How often a key is used by the counter of the LFU policies, for OBJECT FREQ: 0 to 255.
pub(crate) fn use_count(access: u32, config: &Config, now_secs: u64) -> u8 {
    decayed(access, config, now_secs) as u8
}

fn lfu_minutes(now_secs: u64) -> u32 {
    (now_secs / 60) as u32 & 0xffff
}

fn decayed(access: u32, config: &Config, now_secs: u64) -> u32 {
    let counter = access & 0xff;
    let elapsed = lfu_minutes(now_secs).wrapping_sub(access >> 8) & 0xffff;
    match config.number(Id::LfuDecayTime) {
        0 => counter,
        minutes => counter.saturating_sub((i64::from(elapsed) / minutes) as u32),
    }
}

/// What eviction knows beyond the entries' own access bits.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evictor {
    adaptive: Adaptive,
    /// Where the adaptive policy's hand is: a database and a path.
    hand: (u32, u64),
}

/// The settings and the moment that a decision depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment<'a> {
    pub(crate) config: &'a Config,
    pub(crate) now: Now,
}

/// A key that is to go.
#[derive(Debug)]
pub(crate) struct Victim {
    pub(crate) db: u32,
    pub(crate) key: Vec<u8>,
}

impl Evictor {
    /// Bytes of memory beside what the entries carry, while a policy is in force that takes some. The
    /// sample's share counts from the start: when it grows no room has to be made.
    pub(crate) fn bytes(&self, config: &Config) -> u64 {
        let in_force = config.number(Id::Maxmemory) > 0 && config.policy().is_adaptive();
        if in_force { self.adaptive.most_bytes(sample_bytes(config)) } else { 0 }
    }

    /// The access bits of a key that is created now. `hash` is that of a key that is known to be new
    /// and for which room may have to be made.
    pub(crate) fn fresh(&mut self, keyspace: &Keyspace, hash: Option<u64>, at: Moment<'_>) -> u32 {
        let policy = at.config.policy();
        if !policy.is_adaptive() {
            return fresh_access(policy, at.now.wall_secs());
        }
        let Some(hash) = hash else { return 0 };
        self.adaptive.limit_sample(sample_bytes(at.config));
        self.adaptive.fresh(hash, keyspace.total_len())
    }

    /// The access bits of a key that is used now.
    pub(crate) fn touched(
        &mut self,
        access: u32,
        hash: u64,
        at: Moment<'_>,
        random: &mut Random,
    ) -> u32 {
        if at.config.policy().is_adaptive() {
            return self.adaptive.hit(hash, access);
        }
        touch_access(access, at.config, at.now.wall_secs(), random)
    }

    /// The next key to go. `None`: the policy lets none go.
    pub(crate) fn victim(
        &mut self,
        keyspace: &mut Keyspace,
        at: Moment<'_>,
        random: &mut Random,
    ) -> Option<Victim> {
        match at.config.policy() {
            Policy::NoEviction => None,
            policy @ (Policy::AllkeysRandom | Policy::VolatileRandom) => {
                let db = keyspace.random_database(policy.is_volatile(), random)?;
                let (entry, _) = keyspace.random(db, policy.is_volatile(), random)?;
                Some(Victim { db, key: entry.key().to_vec() })
            }
            policy if policy.is_adaptive() => {
                self.adaptive_victim(keyspace, policy.is_volatile(), at.now.wall_ms(), random)
            }
            policy => sampled_victim(keyspace, policy, at, random),
        }
    }

    fn adaptive_victim(
        &mut self,
        keyspace: &mut Keyspace,
        volatile: bool,
        now_ms: u64,
        random: &mut Random,
    ) -> Option<Victim> {
        // Everybody passes an empty leaf.
        if keyspace.total_len() == 0 {
            return None;
        }
        let mut search = self.adaptive.search(now_ms);
        loop {
            self.adaptive.step();
            while self.adaptive.passes(keyspace.leaf_len(self.hand)) {
                self.hand = keyspace.next_leaf(self.hand);
            }
            let hand = self.hand;
            let candidates = keyspace.candidates(hand, volatile).map(|(at, c)| ((hand, at), c));
            if self.adaptive.look(&mut search, candidates) {
                break;
            }
        }
        let Some((hand, at)) = search.victim() else {
            // Few have a TTL: any of them will do.
            let db = keyspace.random_database(volatile, random)?;
            let (entry, _) = keyspace.random(db, volatile, random)?;
            return Some(Victim { db, key: entry.key().to_vec() });
        };
        let (entry, meta) = keyspace.entry_in_leaf(hand, at);
        let (db, key) = (hand.0, entry.key().to_vec());
        let hash = keyspace.probe(&key).hash;
        self.adaptive.evicted(hash, meta, keyspace.total_len());
        Some(Victim { db, key })
    }
}

/// Redis's way: the worst of a few keys chosen by chance.
fn sampled_victim(
    keyspace: &mut Keyspace,
    policy: Policy,
    Moment { config, now }: Moment<'_>,
    random: &mut Random,
) -> Option<Victim> {
    let samples = config.number(Id::MaxmemorySamples);
    let mut best: Option<(u64, Victim)> = None;
    for db in 0..keyspace.databases() {
        for _ in 0..samples {
            let drawn = keyspace.random(db, policy.is_volatile(), random);
            let Some((entry, access)) = drawn else { break };
            let score = score(entry, access, config, policy, now.wall_secs());
            if best.as_ref().is_none_or(|(least, _)| score > *least) {
                best = Some((score, Victim { db, key: entry.key().to_vec() }));
            }
        }
    }
    best.map(|(_, victim)| victim)
}

/// The higher, the sooner it goes.
fn score(entry: Entry<'_>, access: u32, config: &Config, policy: Policy, now_secs: u64) -> u64 {
    match policy {
        Policy::VolatileTtl => u64::MAX - entry.expires_at().unwrap_or(u64::MAX),
        Policy::AllkeysLfu | Policy::VolatileLfu => {
            255 - u64::from(decayed(access, config, now_secs))
        }
        Policy::AllkeysLru | Policy::VolatileLru => idle_secs(access, now_secs),
        Policy::AllkeysRandom
        | Policy::VolatileRandom
        | Policy::VolatileAdaptive
        | Policy::AllkeysAdaptive
        | Policy::NoEviction => 0,
    }
}
