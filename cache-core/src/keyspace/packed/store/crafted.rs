//! Keys that somebody made who knows the seed cost at most four times as much as others.
//!
//! Counted are the waits for memory of a lookup: directories, the leaf, records.

use super::model::{CRAFTED, SEED};
use super::*;
use crate::keyspace::packed::probe::first_path;
use alloc::format;
use std::println;

extern crate std;

/// How many times as much.
const TIMES: f64 = 4.0;

fn put(store: &mut Store, key: &[u8]) {
    store.put(&Probe::new(SEED, key), Content::Bytes(Kind::String, &[0; 16]), None, 0);
}

fn store(keys: &[Vec<u8>]) -> Store {
    let mut store = Store::new(SEED, 1);
    keys.iter().for_each(|key| put(&mut store, key));
    store
}

/// Waits of a lookup on average: of a key that is there, and of one that isn't.
fn waits(store: &Store, there: &[Vec<u8>], missing: &[Vec<u8>]) -> [f64; 2] {
    let one = |key: &Vec<u8>| {
        let probe = Probe::new(SEED, key);
        let handle = store.find(&probe).map(|found| found.handle);
        store.trie.waits(probe.path, probe.tag(), handle)
    };
    [there, missing].map(|keys| keys.iter().map(one).sum::<usize>() as f64 / keys.len() as f64)
}

fn ordinary(len: usize) -> Vec<Vec<u8>> {
    (0..len).map(|i| format!("key:{i}").into_bytes()).collect()
}

fn crafted(like: impl Fn(u64) -> bool, form: impl Fn(u64) -> Vec<u8>, len: usize) -> Vec<Vec<u8>> {
    (0..).map(form).filter(|key| like(SEED.hash(key))).take(len).collect()
}

/// Halves them: keys that are there and keys that aren't.
fn halves(keys: &[Vec<u8>]) -> [&[Vec<u8>]; 2] {
    let (there, missing) = keys.split_at(keys.len() / 2);
    [there, missing]
}

fn check(ordinary: &[Vec<u8>], crafted: &[Vec<u8>]) {
    let [plain, made] = [ordinary, crafted].map(|keys| {
        let [there, missing] = halves(keys);
        waits(&store(there), there, missing)
    });
    println!("waits, there and missing: ordinary {plain:.2?}, crafted {made:.2?}");
    assert!(made[0] <= TIMES * plain[0] && made[1] <= TIMES * plain[1], "{plain:?} {made:?}");
}

#[test]
#[cfg_attr(miri, ignore = "crafting takes too long")]
fn keys_of_one_tag() {
    let made = crafted(|hash| hash as u8 == 7, |i| format!("{i}").into_bytes(), 4000);
    check(&ordinary(4000), &made);
}

#[test]
#[cfg_attr(miri, ignore = "crafting takes too long")]
fn keys_whose_paths_are_alike_and_of_one_tag() {
    check(&ordinary(CRAFTED.len()), &CRAFTED);
}

/// More alike than many keys can be made: 24 bits of the hash and the tag, 2^32 tries for each key.
#[test]
#[cfg_attr(miri, ignore = "counts and nothing else")]
fn the_longest_ways() {
    let ordinary = ordinary(60_000);
    let [there, missing] = halves(&ordinary);
    let plain = waits(&store(there), there, missing);
    let mut trie = Trie::new(Keeps::Access);
    let path = |handle: Handle| first_path(5) | u64::from(handle) << 18;
    for handle in 0..256 {
        trie.insert(path(handle), Item { tag: 7, handle, access: 0 }, path, |_| Due::NEVER);
    }
    for handle in 0..256 {
        let [hit, miss] = [Some(handle), None].map(|h| trie.waits(path(handle), 7, h) as f64);
        assert!(hit <= TIMES * plain[0] && miss <= TIMES * plain[1], "{plain:?} {hit} {miss}");
    }
    for handle in 0..256 {
        let at = trie.leaf(path(handle)).find(7, |met| met == handle).expect("it is there");
        trie.remove(path(handle), at);
    }
    assert_eq!(trie.size(), 0);
}
