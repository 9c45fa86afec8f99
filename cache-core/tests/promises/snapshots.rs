//! Snapshots: what is saved is loaded, alone or with effects behind it.

use super::*;
use cache_core::LoadOptions;

fn say(node: &mut Node, conn: ConnId, line: &str) {
    let args: Vec<&str> = line.split(' ').collect();
    let reply = node.request(START, conn, &args, &mut ()).expect("a reply");
    assert!(!reply.starts_with(b"-"), "{line}: {}", String::from_utf8_lossy(&reply));
}

/// A snapshot, and the effects recorded from then on.
fn saved() -> (Node, Vec<u8>) {
    let (mut node, conn) = node(&[]);
    node.record_effects();
    for line in ["SELECT 3", "SET a 1", "SET b hello PX 5000", "SELECT 2", "SET c 12345678"] {
        say(&mut node, conn, line);
    }
    while node.poll_store().is_some() {}
    let mut snapshot = node.snapshot(START);
    for line in ["SET c 2", "SELECT 3", "DEL a", "APPEND b x"] {
        say(&mut node, conn, line);
    }
    let mut bytes = Vec::new();
    while let Some(block) = snapshot.next_block() {
        bytes.extend(block);
    }
    node.discard_snapshot(snapshot);
    while let Some(store) = node.poll_store() {
        bytes.extend(store.bytes);
    }
    (node, bytes)
}

#[test]
fn effects_may_follow_a_snapshot() {
    let (original, bytes) = saved();
    for cut in [1, 3, 100, bytes.len()] {
        let (mut node, conn) = node(&[]);
        node.begin_load(START);
        for piece in bytes.chunks(cut) {
            let reply = node.request(START, conn, &["GET", "a"], &mut ()).expect("a reply");
            assert!(reply.starts_with(b"-LOADING"));
            assert!(node.handle_loaded(START, Load::Bytes(piece), &mut ()));
        }
        assert!(node.handle_loaded(START, Load::Done, &mut ()));
        assert_eq!(node.digest(), original.digest());
        assert_eq!(node.loaded().map(|loaded| loaded.keys), Some(3));
        say(&mut node, conn, "GET a");
    }
}

#[test]
fn half_a_snapshot_is_not_served() {
    let (_, bytes) = saved();
    for (len, why) in [(3, "a command"), (30, "a snapshot")] {
        let (mut node, _) = node(&[]);
        node.begin_load_with(START, LoadOptions { skip_expired: true, merge: false });
        assert!(node.handle_loaded(START, Load::Bytes(&bytes[..len]), &mut ()));
        assert!(!node.handle_loaded(START, Load::Done, &mut ()));
        let Some(Action::Log { message, .. }) = node.poll_action() else { panic!("no line") };
        assert!(message.contains(&format!("in the middle of {why}")), "{message}");
        assert!(!node.handle_loaded(START, Load::Bytes(&bytes[len..]), &mut ()));
    }
}

/// The bytes of a snapshot, loaded into a node of another seed, long after.
fn copied(bytes: &[u8], cut: usize) -> Node {
    let later = Now { mono_us: START.mono_us * 2, wall_us: START.wall_us * 2 };
    let mut copy = Node::new(Config::default(), 8, later);
    copy.begin_load(later);
    for piece in bytes.chunks(cut) {
        let taken = copy.handle_loaded(later, Load::Bytes(piece), &mut ());
        assert!(taken, "{:?}", copy.poll_action());
    }
    assert!(copy.handle_loaded(later, Load::Done, &mut ()));
    copy
}

fn written(node: &Node) -> Vec<u8> {
    let mut snapshot = node.snapshot(START);
    let mut bytes = Vec::new();
    while let Some(block) = snapshot.next_block() {
        assert!(block.len() <= 128 * 1024);
        bytes.extend(block);
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    /// Whatever was done, and wherever the bytes are cut.
    #[test]
    fn what_is_saved_is_loaded(story in steps(), cut in 1usize..2000, compress: bool) {
        let mut world = World::new(7);
        let yes = if compress { "yes" } else { "no" };
        world.node.configure("rdbcompression", yes).expect("a good setting");
        for step in &story {
            world.play(step, usize::MAX);
        }
        let bytes = written(&world.node);
        let copy = copied(&bytes, cut);
        prop_assert_eq!(copy.digest(), world.node.digest());
    }
}

/// Commands that make large values of every type, and small ones.
fn large(node: &mut Node, conn: ConnId) {
    for i in 0..5000 {
        let compressible = "the same words again and ".repeat(i % 7);
        say(node, conn, &format!("SADD integers {}", i as i64 * 77_777 - 90_000_000));
        say(node, conn, &format!("ZADD sorted {}.25 m{i}", (i * 7919) % 5000));
        for args in [
            &["HSET", "hash", &format!("field:{i}"), &compressible],
            &["RPUSH", "list", &format!("{i}:{compressible}"), &i.to_string()][..],
            &["SADD", "set", &format!("member {i}{compressible}")],
            &["XADD", "stream", &format!("{}-{}", i / 3 + 1, i % 3 + 1), "name", &compressible],
            &["XADD", "mixed", &format!("{}-1", i + 1), &format!("f{}", i % 4), "1", "other", "x"],
        ] {
            let reply = node.request(START, conn, args, &mut ()).expect("a reply");
            assert!(!reply.starts_with(b"-"), "{}", String::from_utf8_lossy(&reply));
        }
        if i % 10 == 3 {
            say(node, conn, &format!("HPEXPIRE hash {} FIELDS 1 field:{i}", 1000 + i));
            say(node, conn, &format!("XDEL mixed {}-1", i / 2));
        }
    }
    for line in [
        "XGROUP CREATE stream g 0",
        "XGROUP CREATE stream empty $",
        "XREADGROUP GROUP g one COUNT 3000 STREAMS stream >",
        "XREADGROUP GROUP g two COUNT 10 STREAMS stream >",
        "XACK stream g 1-1 1-2 5-1",
        "XGROUP CREATECONSUMER stream g nobody",
        "XGROUP CREATE none g $ MKSTREAM",
        "RPUSH short a b 3",
        "ZADD few 1 a -inf b inf c 0.1 d",
        "SADD digits 1 2 3 70000",
        "SADD words a b 3",
        "HSET pairs a 1 b 2",
        "HPEXPIRE pairs 5000 FIELDS 1 a",
        "PFADD counter a b c",
    ] {
        say(node, conn, line);
    }
    let long = "x".repeat(300_000);
    let uneven: String =
        (0..400_000u64).map(|i| char::from(b'a' + (i * i / 7 % 26) as u8)).collect();
    for args in [["SET", "string", &long], ["SET", "uneven", &uneven], ["RPUSH", "list", &uneven]] {
        node.request(START, conn, &args, &mut ());
    }
}

#[test]
fn large_values_are_cut_between_blocks() {
    let (mut node, conn) = node(&[]);
    large(&mut node, conn);
    let bytes = written(&node);
    assert!(bytes.starts_with(b"VALKEY080"));
    for cut in [7, 4096, bytes.len()] {
        assert_eq!(copied(&bytes, cut).digest(), node.digest(), "{cut}");
    }
}
