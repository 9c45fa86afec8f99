//! What is done to a store in a story, and with which keys.

use super::{KEYS, MIRI, SEED};
use alloc::format;
use alloc::vec::Vec;
use proptest::prelude::*;
use std::sync::LazyLock;
use std::vec;

extern crate std;

#[derive(Clone, Debug)]
pub(super) enum Op {
    Put(u16, usize, Option<u16>),
    /// So many keys from one on.
    PutMany(u16, u16, usize),
    RemoveMany(u16, u16),
    /// Sets or removes so many fields from one on.
    Edit(u16, u16, u16, bool),
    /// Lets so many fields from one on expire, or no longer.
    Time(u16, u16, u16, Option<u16>),
    PutHash(u16, u16),
    Expire(u16, Option<u16>),
    Remove(u16),
    Resize(u16, usize),
    Touch(u16, u32),
    Due(u16, u8),
    Scan(u8),
    /// Notes where keys from one on are, to be believed for the rest of the story.
    Hold(u16),
    Draw(u64),
    Fork,
    Other,
    Flush,
}

fn len() -> impl Strategy<Value = usize> {
    prop_oneof![4 => 0usize..40, 2 => 100usize..140, 2 => 220usize..270, 3 => 990usize..1030, 1 => 0usize..3000]
}

pub(super) fn op() -> impl Strategy<Value = Op> {
    let key = || 0..KEYS;
    let ms = || prop::option::of(0u16..1000);
    prop_oneof![
        6 => (key(), len(), ms()).prop_map(|(k, len, ms)| Op::Put(k, len, ms)),
        2 => (key(), 0u16..200, len()).prop_map(|(k, n, len)| Op::PutMany(k, n, len)),
        2 => (key(), 0u16..200).prop_map(|(k, n)| Op::RemoveMany(k, n)),
        3 => (key(), 0u16..600, 0u16..300, any::<bool>()).prop_map(|(k, f, n, b)| Op::Edit(k, f, n, b)),
        3 => (key(), 0u16..600, 0u16..30, ms()).prop_map(|(k, f, n, ms)| Op::Time(k, f, n, ms)),
        2 => (key(), 0u16..600).prop_map(|(k, n)| Op::PutHash(k, n)),
        4 => (key(), ms()).prop_map(|(k, ms)| Op::Expire(k, ms)),
        3 => key().prop_map(Op::Remove),
        3 => (key(), len()).prop_map(|(k, len)| Op::Resize(k, len)),
        1 => (key(), 0u32..1 << 24).prop_map(|(k, bits)| Op::Touch(k, bits)),
        2 => (0u16..300, 1u8..100).prop_map(|(ms, limit)| Op::Due(ms, limit)),
        2 => (1u8..60).prop_map(Op::Scan),
        2 => key().prop_map(Op::Hold),
        1 => any::<u64>().prop_map(Op::Draw),
        1 => Just(Op::Fork),
        2 => Just(Op::Other),
        1 => Just(Op::Flush),
    ]
}

/// How keys are made.
#[derive(Clone, Copy, Debug)]
pub(super) enum Style {
    Spread,
    OneSlot,
    Long,
    Crafted,
}

/// Keys of one slot whose hashes begin with the same 8 bits and have the same tag.
pub(in super::super) static CRAFTED: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let alike = |key: &Vec<u8>| {
        let hash = SEED.hash(key);
        hash >> 56 == 0x5a && hash as u8 == 0xa5
    };
    let keys = (0u32..).map(|i| format!("{{t}}{i}").into_bytes());
    keys.filter(alike).take(if MIRI { 0 } else { KEYS.into() }).collect()
});

impl Style {
    pub(super) fn key(self, i: u16) -> Vec<u8> {
        let i = i % KEYS;
        match self {
            Style::Spread => format!("key:{i}").into_bytes(),
            Style::OneSlot => format!("{{t}}{i}").into_bytes(),
            Style::Long => format!("{{t}}{i:0width$}", width = 60 + usize::from(i)).into_bytes(),
            Style::Crafted => CRAFTED[usize::from(i)].clone(),
        }
    }
}
