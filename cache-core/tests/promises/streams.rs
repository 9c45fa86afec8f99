//! Streams of effects from elsewhere are obeyed to the letter, or not at all.

use super::{START, say};
use cache_core::node::{Action, Load, REDIAL_US, Run};
use cache_core::protocol::request;
use cache_core::time::Timeout;
use cache_core::{Budget, Config, Node, Now, Peer};

/// What a primary answers to PING, two REPLCONFs about ports and capabilities, one about the version,
/// and PSYNC.
const GREETINGS: &[u8] = b"+PONG\r\n+OK\r\n+OK\r\n+OK\r\n+CONTINUE\r\n";

fn later(ms: u64) -> Now {
    Now { mono_us: START.mono_us + ms * 1000, wall_us: START.wall_us + ms * 1000 }
}

/// By the time that it is replayed the key would have expired long ago.
#[test]
fn nothing_expires_while_a_stream_is_replayed() {
    let mut source = Node::new(Config::default(), 1, START);
    source.record_effects();
    let conn = source.handle_connect(START, Peer::default()).expect("room");
    say(&mut source, conn, &["SET", "a", "1", "PX", "1000"]);
    say(&mut source, conn, &["SET", "b", "1"]);
    say(&mut source, conn, &["PERSIST", "a"]);
    let effects = source.poll_store().expect("effects").bytes;
    let mut copy = Node::new(Config::default(), 2, later(5000));
    let peer = Peer { replay: true, ..Peer::default() };
    let replayer = copy.handle_connect(later(5000), peer).expect("room");
    for piece in effects.chunks(10) {
        copy.replay(later(5000), replayer, piece, &mut ());
    }
    assert_eq!(copy.digest(), source.digest());
}

#[test]
fn a_follower_hides_expired_keys_and_leaves_them_to_its_primary() {
    let mut node = Node::new(Config::default(), 1, START);
    node.follow(START, "10.0.0.1", 6379);
    let link = node.handle_dialed(START, 1, Ok(Peer::default())).expect("the link's name");
    node.replay(START, link, GREETINGS, &mut ());
    node.replay(
        START,
        link,
        &request::encode(["SET", "a", "xy", "PXAT", "1767225600001"]),
        &mut (),
    );
    node.record_effects();
    let conn = node.handle_connect(START, Peer::default()).expect("room");
    for (command, hidden) in [
        ("GET a", "$-1\r\n"),
        ("STRLEN a", ":0\r\n"),
        ("EXISTS a", ":0\r\n"),
        ("LCS a a LEN", ":0\r\n"),
        ("TTL a", ":-2\r\n"),
        ("KEYS *", "*0\r\n"),
    ] {
        let args: Vec<&str> = command.split(' ').collect();
        let reply = node.request(later(5000), conn, &args, &mut ()).expect("an answer");
        assert_eq!(String::from_utf8_lossy(&reply), hidden, "{command}");
    }
    assert_eq!(node.poll_store(), None, "it decides nothing itself");
    node.replay(later(5000), link, &request::encode(["PERSIST", "a"]), &mut ());
    let reply = node.request(later(5000), conn, &["GET", "a"], &mut ());
    assert_eq!(reply.as_deref(), Some(&b"$2\r\nxy\r\n"[..]));
}

#[test]
fn limits_are_not_for_what_was_taken_before() {
    let mut config = Config::default();
    for (name, value) in [("proto-max-bulk-len", "64kb"), ("client-query-buffer-limit", "1mb")] {
        config.set(name, value).expect("a good setting");
    }
    let mut node = Node::new(config, 1, START);
    node.begin_load(START);
    let value = vec![b'x'; 3 << 20];
    let effect = request::encode([b"SET", &b"a"[..], &value]);
    assert!(node.handle_loaded(START, Load::Bytes(&effect), &mut ()));
    assert!(node.handle_loaded(START, Load::Done, &mut ()));
    assert_eq!(node.keyspace().get(0, b"a").and_then(|e| e.as_string()), Some(&value[..]));
}

#[test]
fn a_primary_is_dialed_until_it_answers_and_then_obeyed() {
    let mut node = Node::new(Config::default(), 2, START);
    let dial = |node: &mut Node| {
        core::iter::from_fn(|| node.poll_action()).find_map(|action| match action {
            Action::Dial { dial, addr } if addr == "10.0.0.1:6379" => Some(dial),
            _ => None,
        })
    };
    node.follow(START, "10.0.0.1", 6379);
    let first = dial(&mut node).expect("a dial");
    assert_eq!(node.handle_dialed(START, first + 1, Ok(Peer::default())), None, "another dial");
    assert_eq!(node.handle_dialed(START, first, Err("connection refused")), None);
    assert_eq!(node.handle_dialed(START, first, Ok(Peer::default())), None, "nobody asked");

    let later = Now { mono_us: START.mono_us + REDIAL_US, ..START };
    assert_eq!(node.poll_timeout(), Some(Timeout::Deadline(later.mono_us)));
    assert_eq!(node.run(START, Budget::default(), &mut ()), Run::Idle);
    assert!(dial(&mut node).is_none(), "too early");
    assert_eq!(node.run(later, Budget::default(), &mut ()), Run::Idle);
    let second = dial(&mut node).expect("a dial");

    let link = node.handle_dialed(later, second, Ok(Peer::default())).expect("the link's name");
    node.replay(later, link, GREETINGS, &mut ());
    node.replay(later, link, b"*3\r\n$5\r\nSETNX\r\n$1\r\na\r\n$1\r\n1\r\n", &mut ());
    assert!(node.keyspace().get(0, b"a").is_some());
    node.handle_disconnect(link);
    assert!(matches!(node.poll_timeout(), Some(Timeout::Deadline(_))), "it will be dialed again");
}
