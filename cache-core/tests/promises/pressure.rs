//! What goes when memory is full.

use super::{START, say};
use cache_core::config::Config;
use cache_core::{ConnId, Node, Now, Peer};

fn node(settings: &[(&str, &str)]) -> (Node, ConnId) {
    let mut config = Config::default();
    for (name, value) in settings {
        config.set(name, value).expect("a good setting");
    }
    let mut node = Node::new(config, 1, START);
    let conn = node.handle_connect(START, Peer::default()).expect("room");
    (node, conn)
}

/// Uses that the original took note of must count in the clone too, although they share memory.
#[test]
fn a_clone_evicts_what_the_original_evicts() {
    for policy in ["allkeys-lru", "allkeys-lfu", "allkeys-random"] {
        let (mut node, conn) = node(&[("maxmemory", "4000"), ("maxmemory-policy", policy)]);
        for i in 0..40 {
            say(&mut node, conn, &["SET", &i.to_string(), "v"]);
        }
        let go_on = |node: &mut Node| {
            let mut heard = Vec::new();
            for i in 0..400 {
                let us = i * 1_000_000;
                let now = Now { mono_us: START.mono_us + us, wall_us: START.wall_us + us };
                for command in [format!("GET {}", i % 20), format!("SET n{} v", i / 4)] {
                    let args: Vec<&str> = command.split(' ').collect();
                    heard.extend(node.request(now, conn, &args, &mut ()));
                }
                heard.extend(node.request(now, conn, &["RANDOMKEY"], &mut ()));
            }
            (heard, node.digest())
        };
        let mut clone = node.clone();
        let original = go_on(&mut node);
        assert!(node.stats().evicted > 0);
        assert!(go_on(&mut clone) == original, "{policy}");
    }
}
