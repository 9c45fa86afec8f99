//! Choosing which key makes room: Redis's policies, by comparing a few random keys.
//!
//! An entry's access bits hold the minute and second of its last use for LRU (24 bits of seconds),
//! or for LFU the minute of the last decay (16 bits) and a logarithmic counter (8 bits), as Redis
//! describes under "Approximated LRU algorithm" and "The new LFU mode".

use super::{Entry, Keyspace};
use crate::config::{Config, Id, Policy};
use crate::random::Random;
use alloc::vec::Vec;

/// A new key's counter: high enough to live to see its second use.
const LFU_INIT: u32 = 5;
const LRU_MASK: u32 = (1 << 24) - 1;

/// The access bits of a key that is created now.
pub(crate) fn fresh_access(policy: Policy, now_secs: u64) -> u32 {
    if policy.is_lfu() { lfu_minutes(now_secs) << 8 | LFU_INIT } else { now_secs as u32 & LRU_MASK }
}

/// The access bits of a key that is used now.
pub(crate) fn touch_access(
    access: u32,
    config: &Config,
    now_secs: u64,
    random: &mut Random,
) -> u32 {
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
pub(crate) fn idle_access(access: u32, now_secs: u64) -> u64 {
    u64::from((now_secs as u32 & LRU_MASK).wrapping_sub(access) & LRU_MASK)
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

/// The next key to go, with its database. `None`: the policy lets none go.
pub(crate) fn victim(
    keyspace: &mut Keyspace,
    config: &Config,
    now_secs: u64,
    random: &mut Random,
) -> Option<(u32, Vec<u8>)> {
    let policy = config.policy();
    if policy == Policy::NoEviction {
        return None;
    }
    let volatile = policy.is_volatile();
    if matches!(policy, Policy::AllkeysRandom | Policy::VolatileRandom) {
        let db = keyspace.random_database(volatile, random)?;
        return keyspace.random(db, volatile, random).map(|(entry, _)| (db, entry.key().to_vec()));
    }
    let samples = config.number(Id::MaxmemorySamples);
    let mut best: Option<(u64, u32, Vec<u8>)> = None;
    for db in 0..keyspace.databases() {
        for _ in 0..samples {
            let Some((entry, access)) = keyspace.random(db, volatile, random) else { break };
            let score = score(entry, access, config, policy, now_secs);
            if best.as_ref().is_none_or(|(least, ..)| score > *least) {
                best = Some((score, db, entry.key().to_vec()));
            }
        }
    }
    best.map(|(_, db, key)| (db, key))
}

/// The higher, the sooner it goes.
fn score(entry: Entry<'_>, access: u32, config: &Config, policy: Policy, now_secs: u64) -> u64 {
    match policy {
        Policy::VolatileTtl => u64::MAX - entry.expires_at().unwrap_or(u64::MAX),
        Policy::AllkeysLfu | Policy::VolatileLfu => {
            255 - u64::from(decayed(access, config, now_secs))
        }
        Policy::AllkeysLru | Policy::VolatileLru => idle_access(access, now_secs),
        Policy::AllkeysRandom | Policy::VolatileRandom | Policy::NoEviction => 0,
    }
}
