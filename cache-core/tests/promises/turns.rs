//! Who is served when: nobody is forgotten, and nobody waits for what could be done by and by.

use super::{START, node, say};
use crate::hostile::settle;
use cache_core::config::Config;
use cache_core::node::{EFFECTS_HIGH_WATER, Run};
use cache_core::protocol::request;
use cache_core::{Budget, Event, Node, Now, Observer, Peer};

#[test]
fn keys_that_expire_all_at_once_hold_nobody_up() {
    let (mut node, conn) = node(&[]);
    for i in 0..3 * Budget::default().background {
        say(&mut node, conn, &["SET", &i.to_string(), "v", "PX", "1"]);
    }
    let later = Now { mono_us: START.mono_us + 10_000, wall_us: START.wall_us + 10_000 };
    let _ = node.handle_bytes(conn, b"PING\r\n");
    let _ = node.run(later, Budget::default(), &mut ());
    assert_eq!(node.sendable(conn).bytes, b"+PONG\r\n");
    assert!(node.keyspace().len(0) > 0, "some are left for the next call");
}

/// However little is removed in one call.
#[test]
fn keys_that_expire_go_as_fast_as_they_come() {
    let (mut node, conn) = node(&[]);
    let budget = Budget { background: 16, ..Budget::default() };
    let mut now = START;
    for turn in 0..200 {
        let sets: Vec<Vec<u8>> = (0..100)
            .map(|i| {
                request::encode([&b"SET"[..], format!("{turn}:{i}").as_bytes(), b"v", b"PX", b"1"])
            })
            .collect();
        let _ = node.handle_bytes(conn, &sets.concat());
        while node.run(now, budget, &mut ()) == Run::More {}
        now.mono_us += 100_000;
        now.wall_us += 100_000;
    }
    assert!(node.keyspace().len(0) < 1000, "{}", node.keyspace().len(0));
}

/// Its replies could have woken it: there are none.
#[test]
fn who_waits_for_effects_to_be_fetched_goes_on_without_being_answered() {
    let mut node = Node::new(Config::default(), 1, START);
    node.record_effects();
    let conn = node.handle_connect(START, Peer::default()).expect("room");
    say(&mut node, conn, &["CLIENT", "REPLY", "OFF"]);
    let value = vec![b'x'; EFFECTS_HIGH_WATER / 4];
    let commands: Vec<Vec<u8>> =
        (0..12).map(|i| request::encode([&b"SET"[..], i.to_string().as_bytes(), &value])).collect();
    let _ = node.handle_bytes(conn, &commands.concat());
    settle(&mut node);
    assert!(node.keyspace().len(0) < commands.len());
    while node.poll_store().is_some() {
        settle(&mut node);
    }
    assert_eq!(node.keyspace().len(0), commands.len());
}

#[test]
fn a_suspended_command_that_is_refused_is_answered_once() {
    let (mut node, conn) = node(&[]);
    for i in 0..100 {
        say(&mut node, conn, &["SET", &i.to_string(), "v"]);
    }
    let _ = node.handle_bytes(conn, b"KEYS *\r\nECHO x\r\n");
    let _ = node.run(START, Budget { commands: 10, background: 10 }, &mut ());
    assert!(node.sendable(conn).bytes.is_empty(), "it has only begun");
    node.begin_load(START);
    settle(&mut node);
    let heard = String::from_utf8_lossy(node.sendable(conn).bytes);
    assert!(heard.starts_with("-LOADING") && heard.ends_with("\r\n$1\r\nx\r\n"), "{heard}");
    assert_eq!(heard.matches("LOADING").count(), 1);
}

#[derive(Default)]
struct Commands(u32);

impl Observer for Commands {
    fn event(&mut self, _now: Now, event: Event<'_>) {
        self.0 += u32::from(matches!(event, Event::Command { .. }));
    }
}

#[test]
fn a_suspended_command_is_told_of_once() {
    let (mut node, conn) = node(&[]);
    for i in 0..100 {
        say(&mut node, conn, &["SET", &i.to_string(), "v"]);
    }
    let mut seen = Commands::default();
    let _ = node.handle_bytes(conn, b"KEYS *\r\n");
    while node.run(START, Budget { commands: 10, background: 10 }, &mut seen) == Run::More {}
    assert!(node.sendable(conn).bytes.starts_with(b"*100\r\n"));
    assert_eq!(seen.0, 1);
}

/// What comes behind a command that is held back may have been begun to be read: the command is read
/// again from its own first byte all the same.
#[test]
fn a_command_that_is_held_back_is_read_again_from_its_start() {
    let mut node = Node::new(Config::default(), 1, START);
    let [pauser, conn] =
        [(); 2].map(|()| node.handle_connect(START, Peer::default()).expect("room"));
    say(&mut node, pauser, &["CLIENT", "PAUSE", "100"]);
    let set = request::encode(["SET", "key", "first"]);
    let get = request::encode(["GET", "key"]);
    let half = get.len() / 2;
    let _ = node.handle_bytes(conn, &[&set, &get[..half]].concat());
    settle(&mut node);
    assert!(node.sendable(conn).bytes.is_empty());
    let later = Now { mono_us: START.mono_us + 200_000, wall_us: START.wall_us + 200_000 };
    let _ = node.handle_bytes(conn, &get[half..]);
    while node.run(later, Budget::default(), &mut ()) == Run::More {}
    assert_eq!(node.sendable(conn).bytes, b"+OK\r\n$5\r\nfirst\r\n");
}
