//! Peers that lie, fall silent, never read or know another history: nothing grows, nothing breaks.

use super::World;
use super::world::Dice;
use cache_core::node::Action;
use cache_core::protocol::request;
use cache_core::{Budget, ConnId, Peer};

/// Follows a primary that the test itself plays: gives the link's name at the replica.
fn dialed(world: &mut World) -> ConnId {
    for _ in 0..700 {
        let _ = world.nodes[0].run(world.now, Budget::default(), &mut ());
        while let Some(action) = world.nodes[0].poll_action() {
            if let Action::Dial { dial, .. } = action {
                let peer = Peer::default();
                return world.nodes[0].handle_dialed(world.now, dial, Ok(peer)).expect("wanted");
            }
        }
        world.advance(100);
    }
    panic!("never dialed");
}

fn is_closed(world: &World, conn: ConnId) -> bool {
    world.nodes[0].sendable(conn).close
}

#[test]
fn other_histories_and_places_are_sent_everything() {
    let mut world = World::new(2, 30, &[("repl-backlog-size", "16kb")]);
    world.follow(1, 0);
    world.agree(&[0, 1]);
    for i in 0..3000 {
        world.say(0, &format!("SET k{} {i}", i % 10));
    }
    world.settle();
    let (id, offset) = (world.info(0, "master_replid"), world.offset(0));
    let other = "0123456789012345678901234567890123456789";
    let first: u64 = world.info(0, "repl_backlog_first_byte_offset").parse().expect("a number");
    assert!(first > 1 && offset - first < 80_000, "{first} {offset}");
    for (id, next, goes_on) in [
        (id.as_str(), (offset + 1).to_string(), true),
        (&id, first.to_string(), true),
        (&id, (first - 1).to_string(), false),
        (&id, (offset + 2).to_string(), false),
        (&id, "0".into(), false),
        (&id, "-1".into(), false),
        (&id, i64::MAX.to_string(), false),
        (&id, i64::MIN.to_string(), false),
        (other, (offset + 1).to_string(), false),
        ("?", "-1".into(), false),
        ("", "1".into(), false),
    ] {
        let conn = world.connect(0);
        let answer = world.exchange(0, conn, &["PSYNC", id, &next]);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert_eq!(answer.starts_with("+CONTINUE"), goes_on, "{id} {next}: {answer}");
        assert_eq!(answer.starts_with("+FULLRESYNC"), !goes_on, "{id} {next}: {answer}");
        world.nodes[0].handle_disconnect(conn);
    }
}

#[test]
fn a_follower_is_answered_nothing_but_the_stream() {
    let mut world = World::new(1, 31, &[]);
    let conn = world.connect(0);
    let greeting = world.exchange(0, conn, &["REPLCONF", "capa", "eof"]);
    assert_eq!(greeting, b"+OK\r\n");
    let sent = world.exchange(0, conn, &["PSYNC", "?", "-1"]);
    let text = String::from_utf8_lossy(&sent).into_owned();
    let mark = text.split("$EOF:").nth(1).expect("a mark")[..40].to_owned();
    assert!(text.ends_with(&mark), "the mark ends it");
    // The stream begins when it has loaded.
    world.say(0, "SET a 1");
    for words in [&["GET", "a"][..], &["SET", "b", "1"], &["SUBSCRIBE", "x"], &["PING"], &["NO"]] {
        assert_eq!(world.exchange(0, conn, words), b"", "{words:?}");
    }
    let stream = world.exchange(0, conn, &["REPLCONF", "ACK", "0"]);
    let wanted = [request::encode(["SELECT", "0"]), request::encode(["SET", "a", "1"])].concat();
    assert_eq!(stream, wanted);
    // It can't have what was never sent.
    world.exchange(0, conn, &["REPLCONF", "ACK", "99999999999"]);
    let offset = world.offset(0);
    let shown = world.info(0, "slave0");
    assert!(shown.contains(&format!("offset={offset},")), "{shown}");
}

/// Old replicas and `SYNC` want the length first.
#[test]
fn who_can_not_read_to_a_mark_is_told_the_length() {
    let mut world = World::new(1, 32, &[]);
    for i in 0..5000 {
        world.say(0, &format!("SET key-{i} {}", "v".repeat(90)));
    }
    let conn = world.connect(0);
    let sent = world.exchange(0, conn, &["SYNC"]);
    let end = sent.iter().position(|&b| b == b'\n').expect("a line");
    let length: usize = std::str::from_utf8(&sent[1..end - 1]).expect("text").parse().expect("len");
    assert_eq!(sent[0], b'$');
    assert_eq!(sent.len() - end - 1, length);
    world.say(0, "SET a 1");
    let stream = world.exchange(0, conn, &["REPLCONF", "ACK", "0"]);
    assert!(stream.ends_with(&request::encode(["SET", "a", "1"])));
}

#[test]
fn a_follower_that_never_reads_is_closed_and_costs_no_more_than_it_may() {
    let limit = "normal 0 0 0 replica 300kb 0 0 pubsub 0 0 0";
    let settings = [("client-output-buffer-limit", limit), ("repl-backlog-size", "16kb")];
    let mut world = World::new(1, 33, &settings);
    let conn = world.connect(0);
    world.exchange(0, conn, &["REPLCONF", "capa", "eof"]);
    world.exchange(0, conn, &["PSYNC", "?", "-1"]);
    world.exchange(0, conn, &["REPLCONF", "ACK", "0"]);
    let value = "v".repeat(10_000);
    let mut written = 0;
    while !world.nodes[0].sendable(conn).close {
        world.say(0, &format!("SET a {value}"));
        written += 1;
        assert!(written < 100, "it is never closed");
    }
    assert!(written >= 29, "{written}");
    world.nodes[0].handle_disconnect(conn);
    world.say(0, "SET a 1");
    let kept: u64 = world.info(0, "repl_backlog_histlen").parse().expect("a number");
    assert!(kept <= 80_000, "{kept}");
    assert_eq!(world.info(0, "connected_slaves"), "0");
}

#[test]
fn who_is_silent_counts_as_gone() {
    let settings = [("repl-timeout", "5"), ("repl-ping-replica-period", "1")];
    let mut world = World::new(3, 34, &settings);
    world.follow(1, 0);
    world.agree(&[0, 1]);
    // Pings and reports go on while nobody writes.
    world.pass(30_000);
    assert_eq!(world.info(0, "sync_full"), "1");
    assert_eq!(world.info(0, "sync_partial_ok"), "0");
    // A follower that says nothing more.
    let conn = world.connect(0);
    world.exchange(0, conn, &["REPLCONF", "capa", "eof"]);
    world.exchange(0, conn, &["PSYNC", "?", "-1"]);
    world.exchange(0, conn, &["REPLCONF", "ACK", "0"]);
    world.pass(3000);
    assert!(!is_closed(&world, conn));
    world.pass(4000);
    assert!(is_closed(&world, conn));
    // A primary that stops in the middle of its data, or at any other place.
    for said in [
        &b""[..],
        b"+PONG\r\n",
        b"+PONG\r\n+OK\r\n+OK\r\n+OK\r\n",
        b"+PONG\r\n+OK\r\n+OK\r\n+OK\r\n+FULLRESYNC 0123456789012345678901234567890123456789 9\r\n",
        b"+PONG\r\n+OK\r\n+OK\r\n+OK\r\n+FULLRESYNC 0123456789012345678901234567890123456789 9\r\n\
          $1000\r\nREDIS0011",
        b"+PONG\r\n+OK\r\n+OK\r\n+OK\r\n+CONTINUE\r\n*1\r\n$4\r\nPI",
    ] {
        let mut world = World::new(1, 35, &[("repl-timeout", "5")]);
        world.say(0, "SET old 1");
        world.say(0, "REPLICAOF elsewhere 1");
        let link = dialed(&mut world);
        world.exchange_raw(0, link, said);
        world.advance(4000);
        let _ = world.nodes[0].run(world.now, Budget::default(), &mut ());
        assert!(!is_closed(&world, link));
        world.advance(1100);
        let _ = world.nodes[0].run(world.now, Budget::default(), &mut ());
        assert!(is_closed(&world, link), "{}", String::from_utf8_lossy(said));
        world.nodes[0].handle_disconnect(link);
        assert_eq!(world.text(0, "GET old"), "1");
        dialed(&mut world);
    }
}

/// After a stream that can't be obeyed the data are asked for as a whole.
#[test]
fn a_stream_that_can_not_be_obeyed_is_not_gone_on_with() {
    for (said, strays) in [
        (&b"*3\r\n$6\r\nINCRBY\r\n$1\r\na\r\n$1\r\nx\r\n"[..], true),
        (b"*2\r\n$6\r\nSELECT\r\n$2\r\n99\r\n", true),
        (b"*1\r\n%5\r\n", false),
        // What is not known here is passed over.
        (b"*2\r\n$8\r\nFUNCTION\r\n$4\r\nLOAD\r\n", false),
    ] {
        let mut world = World::new(1, 36, &[]);
        world.say(0, "REPLICAOF elsewhere 1");
        let link = dialed(&mut world);
        world.exchange_raw(0, link, b"+PONG\r\n+OK\r\n+OK\r\n+OK\r\n+CONTINUE\r\n");
        world.exchange_raw(0, link, &request::encode(["SET", "a", "text"]));
        world.exchange_raw(0, link, said);
        if !strays && !is_closed(&world, link) {
            assert_eq!(world.info(0, "master_link_status"), "up");
            continue;
        }
        assert!(is_closed(&world, link));
        world.nodes[0].handle_disconnect(link);
        let again = dialed(&mut world);
        world.exchange_raw(0, again, b"+PONG\r\n");
        let asked = world.exchange_raw(0, again, b"+OK\r\n+OK\r\n+OK\r\n");
        let whole = request::encode(["PSYNC", "?", "-1"]);
        assert_eq!(asked.ends_with(&whole), strays, "{}", String::from_utf8_lossy(&asked));
    }
}

/// Whatever a primary says, the node stays what it was: no panic, no data half taken, and it dials
/// again.
#[test]
fn whatever_a_primary_says() {
    let whole = {
        let mut world = World::new(1, 37, &[]);
        for i in 0..30 {
            world.say(0, &format!("SET key-{i} {i} PX {}", 100_000 + i));
        }
        let conn = world.connect(0);
        world.exchange(0, conn, &["REPLCONF", "capa", "eof"]);
        let mut bytes = b"+PONG\r\n+OK\r\n+OK\r\n+OK\r\n".to_vec();
        bytes.extend(world.exchange(0, conn, &["PSYNC", "?", "-1"]));
        bytes.extend(request::encode(["SET", "more", "1"]));
        bytes
    };
    let mut dice = Dice::new(38);
    let mut taken = 0;
    for round in 0..1500 {
        let mut world = World::new(1, 39, &[]);
        world.say(0, "SET old 1");
        let digest = world.nodes[0].digest();
        world.say(0, "REPLICAOF elsewhere 1");
        let link = dialed(&mut world);
        let mut bytes = whole.clone();
        for _ in 0..round % 4 {
            let at = dice.below(bytes.len() as u64) as usize;
            match dice.below(3) {
                0 => bytes[at] = dice.below(256) as u8,
                1 => drop(bytes.drain(at..bytes.len().min(at + 1 + dice.below(20) as usize))),
                _ => bytes.insert(at, dice.below(256) as u8),
            }
        }
        let piece = 1 + dice.below(200) as usize;
        for piece in bytes.chunks(piece) {
            world.exchange_raw(0, link, piece);
        }
        let all = world.text(0, "GET key-7") == "7";
        taken += u32::from(all);
        if world.text(0, "GET old") == "1" && world.text(0, "GET more") != "1" {
            assert_eq!(world.nodes[0].digest(), digest, "half of the data are there");
        }
        world.nodes[0].handle_disconnect(link);
        dialed(&mut world);
    }
    assert!(taken > 300, "{taken}");
}

/// What it has not read is kept for it, however little is kept for those who come back.
#[test]
fn a_slow_follower_misses_nothing() {
    let mut world = World::new(1, 40, &[("repl-backlog-size", "16kb")]);
    let conn = world.connect(0);
    world.exchange(0, conn, &["REPLCONF", "capa", "eof"]);
    world.exchange(0, conn, &["PSYNC", "?", "-1"]);
    world.exchange(0, conn, &["REPLCONF", "ACK", "0"]);
    let value = "v".repeat(10_000);
    let mut wanted = request::encode(["SELECT", "0"]);
    for i in 0..400 {
        world.say(0, &format!("SET key-{i} {value}"));
        wanted.extend(request::encode(["SET", &format!("key-{i}"), &value]));
    }
    let stream = world.exchange_raw(0, conn, b"");
    assert_eq!(stream.len(), wanted.len());
    assert!(stream == wanted, "another stream than was written");
}
