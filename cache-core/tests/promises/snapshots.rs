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
