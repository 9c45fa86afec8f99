use super::*;
use crate::keyspace::packed::Kind;
use alloc::format;

fn store() -> Store {
    Store::new(HashSeed::new(1, 2), 1)
}

fn set(store: &mut Store, key: &str, expires_ms: Option<u64>) {
    let probe = Probe::new(store.seed, key.as_bytes());
    store.put(&probe, Content::Bytes(Kind::String, b"v"), expires_ms, 0);
}

fn remove(store: &mut Store, key: &str) {
    let probe = Probe::new(store.seed, key.as_bytes());
    assert!(store.remove(&probe).is_some());
}

/// A leaf may lose all its keys and stay, beside one that is full. What it knew of their expiry must
/// not stand before that of others.
#[test]
fn a_key_that_is_gone_does_not_hide_one_that_is_due() {
    for first in 0..100 {
        let mut store = store();
        for i in 0..100 {
            set(&mut store, &format!("{{b}}{i}"), (i == first).then_some(10));
        }
        set(&mut store, "{a}", Some(20));
        let path = Probe::new(store.seed, format!("{{b}}{first}").as_bytes()).path;
        let leaf: Vec<Vec<u8>> = (store.trie.leaf(path).items())
            .map(|item| store.record(item.handle).key().to_vec())
            .collect();
        for key in &leaf {
            remove(&mut store, core::str::from_utf8(key).expect("a key of ours"));
        }
        assert_eq!(store.take_due(30, 1000).len(), 1, "{first}");
        assert_eq!((store.volatile_len(), store.next_expiry()), (0, None));
    }
}
