//! Who is served when: nobody is forgotten, and nobody waits for what could be done by and by.

use super::{START, say};
use cache_core::config::Config;
use cache_core::{Budget, Node, Now, Peer};

#[test]
fn keys_that_expire_all_at_once_hold_nobody_up() {
    let mut node = Node::new(Config::default(), 1, START);
    let conn = node.handle_connect(START, Peer::default()).expect("room");
    for i in 0..3 * Budget::default().background {
        say(&mut node, conn, &["SET", &i.to_string(), "v", "PX", "1"]);
    }
    let later = Now { mono_us: START.mono_us + 10_000, wall_us: START.wall_us + 10_000 };
    let _ = node.handle_bytes(conn, b"PING\r\n");
    let _ = node.run(later, Budget::default(), &mut ());
    assert_eq!(node.sendable(conn).bytes, b"+PONG\r\n");
    assert!(node.keyspace().len(0) > 0, "some are left for the next call");
}
