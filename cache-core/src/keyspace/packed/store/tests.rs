use super::*;
use crate::keyspace::packed::Kind;
use crate::random::Random;
use crate::types::LONG;
use alloc::format;
use alloc::string::ToString;

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
#[cfg_attr(miri, ignore = "takes too long")]
fn a_key_that_is_gone_does_not_hide_one_that_is_due() {
    for first in 0..100 {
        let mut store = store();
        for i in 0..200 {
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
        assert_eq!(store.take_due(30, 1000).len(), 0, "{first}");
        assert_eq!((store.volatile_len(), store.next_expiry()), (0, None));
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes too long")]
fn keys_that_were_given_more_time_hold_nobody_up() {
    let mut store = store();
    for expires_ms in [10, 1000] {
        for i in 0..20_000 {
            set(&mut store, &i.to_string(), Some(expires_ms));
        }
    }
    assert_eq!(store.next_expiry(), Some(1001));
    assert!(store.take_due(20, 64).is_empty());
    // Nor do those that need none any more, one of which is left.
    for i in 1..20_000 {
        let key = i.to_string();
        let probe = Probe::new(store.seed, key.as_bytes());
        assert!(store.set_expiry(&probe, (i == 77).then_some(500)));
    }
    remove(&mut store, "0");
    assert_eq!((store.volatile_len(), store.next_expiry()), (1, Some(501)));
    let place = store.volatile_near(&mut Random::new(1)).expect("one is left");
    assert_eq!(store.at(place).0.key(), b"77");
}

#[test]
fn eviction_sees_how_large_a_value_in_its_large_form_is() {
    let mut store = store();
    set(&mut store, "small", None);
    let (key, data) = (Probe::new(store.seed, b"large"), Data::String(alloc::vec![0; LONG + 1]));
    store.put(&key, Content::Object(data), None, 0);
    let sizes: Vec<u32> = store.candidates(0).map(|(_, candidate)| candidate.size).collect();
    assert_eq!(sizes.iter().filter(|&&size| size as usize > LONG).count(), 1, "{sizes:?}");
    assert!(sizes.iter().any(|&size| size < 50), "{sizes:?}");
}

#[test]
fn no_number_makes_a_store_take_a_stranger_for_a_hint() {
    for number in [0, 1, 1 << 24, u32::MAX] {
        let store = Store::new(HashSeed::new(1, 2), number);
        assert!(store.get(&Probe::new(store.seed, b"key")).is_none());
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes too long")]
fn one_slots_keys_are_dropped_in_many_parts() {
    let mut store = store();
    for i in 0..20_000 {
        set(&mut store, &format!("{{a}}{i}"), None);
    }
    let mut parts = 0;
    while store.drop_some(drop) {
        parts += 1;
    }
    assert!(parts > 4, "{parts}");
}

/// Whatever is added or removed, a hint from before is not believed if anything has moved.
#[test]
#[cfg_attr(miri, ignore = "takes too long")]
fn hints_are_void_once_something_has_moved() {
    let mut store = store();
    let keys: Vec<_> = (0..200).map(|i| format!("{{t}}{i}")).collect();
    for change in 0..2 * keys.len() {
        let mut held: Vec<_> =
            keys.iter().map(|key| Probe::new(store.seed, key.as_bytes())).collect();
        store.prefetch(&mut held, false);
        match keys.get(change) {
            Some(key) => set(&mut store, key, None),
            None => remove(&mut store, &keys[change - keys.len()]),
        }
        for (key, held) in keys.iter().zip(held) {
            let place = |found: Found| (found.at, found.handle);
            let fresh = Probe::new(store.seed, key.as_bytes());
            assert_eq!(store.find(&held).map(place), store.find(&fresh).map(place), "{change}");
        }
    }
}

/// A command that takes no longer for a longer value must not copy it.
#[test]
fn a_long_record_gets_and_loses_its_expiry_where_it_lies() {
    let mut store = store();
    let (probe, bytes) = (Probe::new(store.seed, b"key"), [1; 5000]);
    store.put(&probe, Content::Bytes(Kind::String, &bytes), None, 0);
    let at = |store: &Store| store.get(&probe).map(|record| record.value().as_ptr());
    let (before, used) = (at(&store), store.used());
    for expires_ms in [Some(5), Some(6), None, None] {
        assert!(store.set_expiry(&probe, expires_ms));
        let record = store.get(&probe).expect("it is there");
        assert_eq!((record.expires_ms(), record.value()), (expires_ms, &bytes[..]));
        assert_eq!((at(&store), store.used()), (before, used));
    }
    assert_eq!(store.volatile_len(), 0);
}
