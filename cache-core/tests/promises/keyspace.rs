//! The keyspace against a plain map with a clock.

use super::{START, say};
use cache_core::config::Config;
use cache_core::{Budget, Node, Now, Peer};
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
enum Op {
    Set(u16, u8),
    SetFor(u16, u8, u16),
    Remove(u16),
    Expire(u16, u16),
    Persist(u16),
    Rename(u16, u16),
    Get(u16),
    Wait(u16),
    Scan(u8),
}

fn op() -> impl Strategy<Value = Op> {
    let key = || 0u16..400;
    prop_oneof![
        6 => (key(), any::<u8>()).prop_map(|(k, v)| Op::Set(k, v)),
        3 => (key(), any::<u8>(), 1u16..500).prop_map(|(k, v, ms)| Op::SetFor(k, v, ms)),
        2 => key().prop_map(Op::Remove),
        2 => (key(), 1u16..500).prop_map(|(k, ms)| Op::Expire(k, ms)),
        1 => key().prop_map(Op::Persist),
        1 => (key(), key()).prop_map(|(a, b)| Op::Rename(a, b)),
        4 => key().prop_map(Op::Get),
        1 => (1u16..200).prop_map(Op::Wait),
        1 => (1u8..50).prop_map(Op::Scan),
    ]
}

#[derive(Default)]
struct Model {
    keys: BTreeMap<String, (String, Option<u64>)>,
}

impl Model {
    fn forget_expired(&mut self, now_ms: u64) {
        self.keys.retain(|_, (_, at)| at.is_none_or(|at| at >= now_ms));
    }
}

/// All keys of one slot, so that it grows and splits; or keys over all slots.
fn name(key: u16, one_slot: bool) -> String {
    if one_slot { format!("{{tag}}{key}") } else { format!("key:{key}") }
}

fn scan_all(node: &Node, count: usize) -> Vec<String> {
    let (mut cursor, mut keys) = (0, Vec::new());
    loop {
        cursor = node.keyspace().scan(0, cursor, count, &mut |entry| {
            keys.push(String::from_utf8(entry.key().to_vec()).expect("a key of ours"));
        });
        if cursor == 0 {
            return keys;
        }
    }
}

fn check(ops: &[Op], one_slot: bool) {
    let mut node = Node::new(Config::default(), 3, START);
    let conn = node.handle_connect(START, Peer::default()).expect("room");
    let mut model = Model::default();
    let mut now = START;
    for op in ops {
        model.forget_expired(now.wall_ms());
        let mut run = |now: Now, args: &[&str]| {
            let reply = node.request(now, conn, args, &mut ()).expect("an answer");
            String::from_utf8(reply).expect("a reply in ASCII")
        };
        match op {
            Op::Set(k, v) => {
                let (k, v) = (name(*k, one_slot), v.to_string());
                assert_eq!(run(now, &["SET", &k, &v]), "+OK\r\n");
                model.keys.insert(k, (v, None));
            }
            Op::SetFor(k, v, ms) => {
                let (k, v) = (name(*k, one_slot), v.to_string());
                assert_eq!(run(now, &["SET", &k, &v, "PX", &ms.to_string()]), "+OK\r\n");
                model.keys.insert(k, (v, Some(now.wall_ms() + u64::from(*ms))));
            }
            Op::Remove(k) => {
                let k = name(*k, one_slot);
                let removed = u8::from(model.keys.remove(&k).is_some());
                assert_eq!(run(now, &["DEL", &k]), format!(":{removed}\r\n"));
            }
            Op::Expire(k, ms) => {
                let k = name(*k, one_slot);
                let found = model.keys.get_mut(&k);
                let reply = run(now, &["PEXPIRE", &k, &ms.to_string()]);
                assert_eq!(reply, format!(":{}\r\n", u8::from(found.is_some())));
                if let Some((_, at)) = found {
                    *at = Some(now.wall_ms() + u64::from(*ms));
                }
            }
            Op::Persist(k) => {
                let k = name(*k, one_slot);
                let had = model.keys.get_mut(&k).and_then(|(_, at)| at.take()).is_some();
                assert_eq!(run(now, &["PERSIST", &k]), format!(":{}\r\n", u8::from(had)));
            }
            Op::Rename(a, b) => {
                let (a, b) = (name(*a, one_slot), name(*b, one_slot));
                let reply = run(now, &["RENAME", &a, &b]);
                match model.keys.remove(&a) {
                    Some(entry) => {
                        assert_eq!(reply, "+OK\r\n");
                        model.keys.insert(b, entry);
                    }
                    None => assert_eq!(reply, "-ERR no such key\r\n"),
                }
            }
            Op::Get(k) => {
                let k = name(*k, one_slot);
                let expected = match model.keys.get(&k) {
                    Some((v, _)) => format!("${}\r\n{v}\r\n", v.len()),
                    None => "$-1\r\n".to_string(),
                };
                assert_eq!(run(now, &["GET", &k]), expected);
            }
            Op::Wait(ms) => {
                now.mono_us += u64::from(*ms) * 1000;
                now.wall_us += u64::from(*ms) * 1000;
                model.forget_expired(now.wall_ms());
                // A second's worth of cycles: nothing that has expired may be left.
                while node.run(now, Budget::default(), &mut ()) == cache_core::node::Run::More {}
            }
            Op::Scan(count) => {
                let mut keys = scan_all(&node, usize::from(*count));
                keys.retain(|k| {
                    let entry = node.keyspace().get(0, k.as_bytes()).expect("just seen");
                    entry.expires_at().is_none_or(|at| at >= now.wall_ms())
                });
                keys.sort();
                assert!(keys.iter().eq(model.keys.keys()), "{keys:?}");
            }
        }
    }
    model.forget_expired(now.wall_ms());
    for (key, (value, at)) in &model.keys {
        let entry = node.keyspace().get(0, key.as_bytes()).expect("a key of the model");
        assert_eq!(entry.expires_at(), *at);
        let reply = node.request(now, conn, &["GET", key], &mut ()).expect("an answer");
        assert_eq!(reply, format!("${}\r\n{value}\r\n", value.len()).into_bytes());
    }
    // Bytes accounted come back to nothing when everything is gone.
    say(&mut node, conn, &["PING"]);
    let keys: Vec<String> = scan_all(&node, 100);
    for key in keys {
        node.request(now, conn, &["DEL", &key], &mut ());
    }
    assert_eq!(node.keyspace().used_bytes(), 0);
    assert_eq!(node.keyspace().len(0), 0);
    assert_eq!(node.keyspace().volatile_len(0), 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn keys_over_all_slots(ops in prop::collection::vec(op(), 1..600)) {
        check(&ops, false);
    }

    #[test]
    fn keys_of_one_slot(ops in prop::collection::vec(op(), 1..1200)) {
        check(&ops, true);
    }
}

/// A key that is there throughout is visited exactly once, however the slot grows meanwhile.
#[test]
fn scan_visits_each_key_once_while_a_slot_grows() {
    let mut node = Node::new(Config::default(), 3, START);
    let conn = node.handle_connect(START, Peer::default()).expect("room");
    for i in 0..1000 {
        say(&mut node, conn, &["SET", &format!("{{tag}}{i}"), "v"]);
    }
    let (mut cursor, mut seen, mut added) = (0, Vec::new(), 1000);
    loop {
        cursor = node.keyspace().scan(0, cursor, 7, &mut |entry| seen.push(entry.key().to_vec()));
        if cursor == 0 {
            break;
        }
        for _ in 0..20 {
            say(&mut node, conn, &["SET", &format!("{{tag}}{added}"), "v"]);
            added += 1;
        }
    }
    for i in 0..1000 {
        let key = format!("{{tag}}{i}").into_bytes();
        assert_eq!(seen.iter().filter(|k| **k == key).count(), 1, "{i}");
    }
}
