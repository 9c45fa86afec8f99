//! Fields that expire: what is due is not seen, but counted until it has been removed.

use crate::{START, say};
use cache_core::protocol::request;
use cache_core::{Budget, Config, ConnId, Node, Now, Peer};

/// Before the cycle that looks for what has expired.
const DUE_MS: u64 = 1050;
const FIELDS: usize = 5000;

fn later(ms: u64) -> Now {
    Now { mono_us: START.mono_us + ms * 1000, wall_us: START.wall_us + ms * 1000 }
}

fn ask(node: &mut Node, now: Now, conn: ConnId, command: &str) -> String {
    let args: Vec<&str> = command.split(' ').collect();
    let reply = node.request(now, conn, &args, &mut ()).expect("an answer");
    String::from_utf8(reply).expect("a reply in ASCII")
}

/// A node whose hash has many fields that expire at the same moment, and three that don't.
fn many() -> (Node, ConnId) {
    let mut node = Node::new(Config::default(), 1, START);
    node.record_effects();
    let conn = node.handle_connect(START, Peer::default()).expect("room");
    let at = (START.wall_us / 1000 + DUE_MS).to_string();
    let count = FIELDS.to_string();
    let mut args = vec!["HSETEX", "h", "PXAT", &at, "FIELDS", &count];
    let names: Vec<String> = (0..FIELDS).map(|i| format!("f{i}")).collect();
    args.extend(names.iter().flat_map(|name| [name, "v"]));
    assert_eq!(say(&mut node, conn, &args).as_deref(), Some(":1\r\n"));
    say(&mut node, conn, &["HSET", "h", "a", "1", "b", "2", "c", "3"]);
    (node, conn)
}

/// What clients see and do of what is due, one command after the other.
const DEALINGS: &[(&str, &str)] = &[
    ("HLEN h", ":5003\r\n"),
    ("HGET h f77", "$-1\r\n"),
    ("HDEL h f78", ":0\r\n"),
    ("HSETNX h f79 new", ":1\r\n"),
    ("HSET h f80 new", ":1\r\n"),
    ("HTTL h FIELDS 2 f80 f81", "*2\r\n:-1\r\n:-2\r\n"),
    ("HSETEX h FXX FIELDS 1 f82 x", ":0\r\n"),
    ("HSETEX h FNX KEEPTTL FIELDS 1 f83 5", ":1\r\n"),
    ("HINCRBY h f84 5", ":5\r\n"),
    ("HGETDEL h FIELDS 1 f85", "*1\r\n$-1\r\n"),
    ("HEXPIRE h 100 FIELDS 2 f86 f84", "*2\r\n:-2\r\n:1\r\n"),
    ("HLEN h", ":5003\r\n"),
    ("HDEL h f79 f80 f83 f84", ":4\r\n"),
    ("HRANDFIELD h 0", "*0\r\n"),
];

/// What is seen and done in the last millisecond of fields: they are there until something is set in
/// their place.
const LAST_DEALINGS: &[(&str, &str)] = &[
    ("HGET h f1", "$1\r\nv\r\n"),
    ("HPTTL h FIELDS 1 f1", "*1\r\n:0\r\n"),
    ("HSETNX h f1 x", ":0\r\n"),
    ("HSETEX h FNX FIELDS 1 f1 x", ":0\r\n"),
    ("HSET h f1 4", ":1\r\n"),
    ("HSET h f1 5", ":0\r\n"),
    ("HTTL h FIELDS 1 f1", "*1\r\n:-1\r\n"),
    ("HSETEX h FXX KEEPTTL FIELDS 1 f2 x", ":1\r\n"),
    ("HTTL h FIELDS 1 f2", "*1\r\n:-1\r\n"),
    ("HINCRBYFLOAT h f1 0.5", "$3\r\n5.5\r\n"),
    ("HGETEX h PERSIST FIELDS 1 f3", "*1\r\n$1\r\nv\r\n"),
    ("HDEL h f4", ":1\r\n"),
    ("HLEN h", ":5002\r\n"),
];

#[test]
fn fields_live_through_their_last_millisecond() {
    let (mut node, conn) = many();
    let mut replica = Node::new(Config::default(), 2, START);
    let link = replica.handle_connect(START, Peer { replay: true, ..Peer::default() });
    let link = link.expect("room");
    for (command, reply) in LAST_DEALINGS {
        assert_eq!(&ask(&mut node, later(DUE_MS), conn, command), reply, "{command}");
        while let Some(store) = node.poll_store() {
            replica.replay(later(DUE_MS), link, &store.bytes, &mut ());
        }
        assert_eq!(replica.digest(), node.digest(), "{command}");
    }
}

#[test]
fn what_is_due_is_gone_for_all_who_ask() {
    let (mut node, conn) = many();
    let now = later(DUE_MS + 1);
    for (command, reply) in DEALINGS {
        assert_eq!(&ask(&mut node, now, conn, command), reply, "{command}");
    }
    for command in ["HGETALL h", "HRANDFIELD h 5 WITHVALUES"] {
        assert_eq!(ask(&mut node, now, conn, command).matches('$').count(), 6, "{command}");
    }
    let drawn = ask(&mut node, now, conn, "HRANDFIELD h -50");
    assert_eq!((drawn.matches('$').count(), drawn.contains('f')), (50, false));
    // The cycle removes all that nobody has overwritten.
    while node.stats().expired_fields < FIELDS as u64 {
        let _ = node.run(later(DUE_MS + 100), Budget::default(), &mut ());
    }
    assert_eq!(node.stats().expired_fields, FIELDS as u64);
    assert_eq!(ask(&mut node, later(DUE_MS + 101), conn, "HLEN h"), ":3\r\n");
}

#[test]
fn a_replica_shows_none_that_is_due_and_removes_what_it_is_told_to() {
    let (mut node, conn) = many();
    let mut replica = Node::new(Config::default(), 2, START);
    let reader = replica.handle_connect(START, Peer::default()).expect("room");
    let link = replica.handle_connect(START, Peer { replay: true, ..Peer::default() });
    let link = link.expect("room");
    let follow = |node: &mut Node, replica: &mut Node, now| {
        while let Some(store) = node.poll_store() {
            replica.replay(now, link, &store.bytes, &mut ());
        }
        assert_eq!(replica.digest(), node.digest());
    };
    follow(&mut node, &mut replica, START);
    let now = later(DUE_MS + 1);
    assert_eq!(ask(&mut replica, now, reader, "HLEN h"), ":5003\r\n");
    assert_eq!(ask(&mut replica, now, reader, "HGET h f1"), "$-1\r\n");
    assert_eq!(ask(&mut replica, now, reader, "HGETALL h").matches('$').count(), 6);
    assert_eq!(replica.stats().expired_fields, 0);
    for (command, _) in DEALINGS {
        ask(&mut node, now, conn, command);
        follow(&mut node, &mut replica, now);
    }
    while node.stats().expired_fields < FIELDS as u64 {
        let _ = node.run(later(DUE_MS + 100), Budget::default(), &mut ());
        follow(&mut node, &mut replica, now);
    }
}

#[test]
fn a_hash_goes_with_its_last_field() {
    for form in ["512", "0"] {
        let (mut node, conn) = crate::node(&[("hash-max-listpack-entries", form)]);
        node.record_effects();
        say(&mut node, conn, &["HSETEX", "h", "PX", "150", "FIELDS", "2", "a", "1", "b", "2"]);
        say(&mut node, conn, &["HPEXPIRE", "h", "20", "FIELDS", "1", "a"]);
        while node.poll_store().is_some() {}
        for (ms, len) in [(30, ":2\r\n"), (100, ":1\r\n"), (151, ":1\r\n")] {
            assert_eq!(ask(&mut node, later(ms), conn, "EXISTS h"), ":1\r\n");
            assert_eq!(ask(&mut node, later(ms), conn, "HLEN h"), len);
            assert_eq!(ask(&mut node, later(ms), conn, "HGET h a"), "$-1\r\n");
            let gone = node.poll_store().map(|store| store.bytes);
            assert_eq!(gone, (ms == 100).then(|| request::encode(["HDEL", "h", "a"])));
            let info = ask(&mut node, later(ms), conn, "INFO keyspace");
            let line = "keys=1,expires=0,avg_ttl=0,keys_with_volatile_items=1";
            assert!(info.contains(line), "{info}");
        }
        assert_eq!(ask(&mut node, later(200), conn, "TYPE h"), "+none\r\n");
        let effect = node.poll_store().expect("the other has gone").bytes;
        assert_eq!(effect, request::encode(["HDEL", "h", "b"]));
        assert_eq!((node.keyspace().used_bytes(), node.stats().expired), (0, 0));
        assert_eq!((node.stats().expired_fields, node.poll_timeout()), (2, None));
    }
}
