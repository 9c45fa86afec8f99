//! Bytes that no good client sends: a clear error, a closed connection, and bounded memory.

use super::{START, node};
use cache_core::node::{Action, INPUT_HIGH_WATER, OUTPUT_HIGH_WATER, Run};
use cache_core::protocol::request;
use cache_core::{Budget, ConnId, Node, Peer};
use proptest::prelude::*;

pub(crate) fn settle(node: &mut Node) {
    while node.run(START, Budget::default(), &mut ()) == Run::More {}
}

/// Whether the host is asked to go on reading.
fn is_resumed(node: &mut Node, conn: ConnId) -> bool {
    core::iter::from_fn(|| node.poll_action()).any(|a| a == Action::ResumeReading(conn))
}

/// What these bytes are answered with, and whether the connection is closed then.
fn answer(settings: &[(&str, &str)], bytes: &[u8]) -> (String, bool) {
    let (mut node, conn) = node(settings);
    let _ = node.handle_bytes(conn, bytes);
    settle(&mut node);
    let sendable = node.sendable(conn);
    (String::from_utf8_lossy(sendable.bytes).into_owned(), sendable.close)
}

#[test]
fn protocol_errors_name_what_is_wrong_and_close() {
    for (bytes, expected) in [
        (&b"*-5\r\n*x\r\n"[..], "invalid multibulk length"),
        (b"*1048577\r\n", "invalid multibulk length"),
        (b"*99999999999999999999\r\n", "invalid multibulk length"),
        (b"*1\r\n$-1\r\n", "invalid bulk length"),
        (b"*1\r\n$536870913\r\n", "invalid bulk length"),
        (b"*1\r\n$x\r\n", "invalid bulk length"),
        (b"*1\r\nPING\r\n", "expected '$', got 'P'"),
        (b"*1\r\n\x00\r\n", "expected '$', got '?'"),
        (b"SET \"a\r\n", "unbalanced quotes in request"),
    ] {
        let (reply, closed) = answer(&[], bytes);
        let shown = String::from_utf8_lossy(bytes);
        assert_eq!(reply, format!("-ERR Protocol error: {expected}\r\n"), "{shown}");
        assert!(closed, "{shown}");
    }
}

#[test]
fn lines_without_an_end_are_cut_off() {
    let (reply, closed) = answer(&[], &[b'a'; 70_000]);
    assert_eq!((reply.as_str(), closed), ("-ERR Protocol error: too big inline request\r\n", true));
    let (reply, closed) = answer(&[], &[&b"*"[..], &[b'1'; 70_000]].concat());
    assert_eq!(
        (reply.as_str(), closed),
        ("-ERR Protocol error: too big mbulk count string\r\n", true)
    );
    let (reply, _) = answer(&[], &[&b"*1\r\n$"[..], &[b'1'; 70_000]].concat());
    assert_eq!(reply, "-ERR Protocol error: too big bulk count string\r\n");
}

#[test]
fn before_the_password_little_is_let_in() {
    let locked = [("requirepass", "secret")];
    let (reply, closed) = answer(&locked, b"*11\r\n");
    assert_eq!(reply, "-ERR Protocol error: unauthenticated multibulk length\r\n");
    assert!(closed);
    let (reply, _) = answer(&locked, b"*1\r\n$16385\r\n");
    assert_eq!(reply, "-ERR Protocol error: unauthenticated bulk length\r\n");
    let (reply, closed) = answer(&locked, b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n");
    assert_eq!((reply.as_str(), closed), ("-NOAUTH Authentication required.\r\n", false));
}

#[test]
fn before_the_password_few_answers_are_kept() {
    let (mut node, conn) = node(&[("requirepass", "secret")]);
    // Whoever reads may ask on and on.
    for _ in 0..100 {
        let _ = node.handle_bytes(conn, &b"GET a\r\n".repeat(100));
        settle(&mut node);
        let heard = node.sendable(conn).bytes.len();
        assert!(heard > 0);
        node.handle_sent(START, conn, heard);
    }
    let _ = node.handle_bytes(conn, &b"GET a\r\n".repeat(10_000));
    settle(&mut node);
    assert!(node.sendable(conn).close);
    assert_eq!(node.stats().output_limit_closes, 1);
    let commands = node.stats().commands;
    settle(&mut node);
    assert_eq!(node.stats().commands, commands);
}

#[test]
fn a_transaction_cannot_ask_for_the_same_data_without_end() {
    let (mut node, conn) = node(&[]);
    let big = "x".repeat(64 << 20);
    node.request(START, conn, &["SET", "big", &big], &mut ());
    node.request(START, conn, &["MULTI"], &mut ());
    for _ in 0..9 {
        node.request(START, conn, &["GET", "big"], &mut ());
    }
    node.request(START, conn, &["SET", "after", "1"], &mut ());
    let reply = node.request(START, conn, &["EXEC"], &mut ()).expect("an answer");
    assert!(reply.starts_with(b"-ERR the transaction ran, but"), "{} bytes", reply.len());
    assert!(node.keyspace().get(0, b"after").is_some());
}

#[test]
fn what_a_connection_listens_to_and_watches_has_a_limit() {
    for (many, few, state) in [
        ("SUBSCRIBE", "UNSUBSCRIBE", "sub=0 psub=0"),
        ("PSUBSCRIBE", "PUNSUBSCRIBE", "sub=0 psub=0"),
        ("WATCH", "UNWATCH", "watch=0"),
    ] {
        let (mut node, conn) = node(&[]);
        node.request(START, conn, &["HELLO", "3"], &mut ());
        let mut accepted = 0;
        loop {
            let name = format!("{accepted}{}", "x".repeat(16 << 20));
            let reply = node.request(START, conn, &[many, &name], &mut ()).expect("an answer");
            if reply.starts_with(b"-ERR the names of channels, patterns and watched keys") {
                break;
            }
            accepted += 1;
        }
        assert_eq!(accepted, 3, "{many}");
        // What is given up makes room.
        node.request(START, conn, &[few], &mut ());
        let info = node.request(START, conn, &["CLIENT", "INFO"], &mut ()).expect("an answer");
        let info = String::from_utf8_lossy(&info).into_owned();
        assert!(info.contains(state) && info.contains("tot-mem=10 "), "{info}");
    }
}

#[test]
fn errors_repeat_little_of_what_was_sent() {
    let (mut node, conn) = node(&[]);
    let long = "x".repeat(1_000_000);
    let many = vec![""; 1_000_000];
    for command in [
        &[&long[..], "a"][..],
        &["NOSUCH", &long],
        &[&["NOSUCH"][..], &many].concat(),
        &["CLIENT", &long],
        &["HELLO", "3", &long],
        &["EXPIRE", "a", "1", &long],
        &["SCAN", "0", "TYPE", &long],
        &["CONFIG", "SET", &long, "1"],
        &["CLIENT", "SETINFO", &long, "1"],
        &["CLIENT", "LIST", "USER", &long],
    ] {
        let reply = node.request(START, conn, command, &mut ()).expect("an answer");
        assert!(reply.starts_with(b"-ERR "), "{:?}", &command[..1]);
        assert!(reply.len() < 500, "{} bytes", reply.len());
    }
}

#[test]
fn counts_of_any_size_cost_what_there_is() {
    let (mut node, conn) = node(&[]);
    let mut ask = |args: &[&str]| {
        let reply = node.request(START, conn, args, &mut ()).expect("an answer");
        String::from_utf8_lossy(&reply[..reply.len().min(60)]).into_owned()
    };
    let (most, least) = ("9223372036854775807", "-9223372036854775807");
    let too_long = "-ERR the reply would be longer than 512 MB";
    assert_eq!(ask(&["SADD", "s", "1", "2", "3"]), ":3\r\n");
    assert!(ask(&["SRANDMEMBER", "s", most]).starts_with("*3\r\n"));
    assert!(ask(&["SRANDMEMBER", "s", least]).starts_with(too_long));
    assert!(ask(&["SSCAN", "s", "18446744073709551615", "COUNT", most]).starts_with("*2\r\n"));
    assert_eq!(ask(&["SINTERCARD", "1", "s", "LIMIT", most]), ":3\r\n");
    assert!(ask(&["SINTERCARD", most, "s"]).starts_with("-ERR Number of keys"));
    assert!(ask(&["SORT", "s", "LIMIT", most, most]).starts_with("*0\r\n"));
    assert!(ask(&["SORT", "s", "LIMIT", least, most]).starts_with("*3\r\n"));
    assert!(ask(&["SPOP", "s", most]).starts_with("*3\r\n"));
    assert!(ask(&["BITFIELD", "b", "GET", "i64", most]).starts_with("-ERR bit offset"));
    assert!(ask(&["BITPOS", "b", "1", least, most, "BIT"]).starts_with(":-1\r\n"));
    // The same data named over and over.
    ask(&["SET", "big:1", &"x".repeat(8 << 20)]);
    ask(&[&["RPUSH", "l"][..], &["1"; 100]].concat());
    assert!(ask(&["SORT", "l", "GET", "big:*"]).starts_with(too_long));
    assert!(ask(&["SORT", "l", "GET", "big:*", "STORE", "d"]).starts_with(too_long));
    assert_eq!(ask(&["EXISTS", "d"]), ":0\r\n");
}

#[test]
fn debug_populate_is_bounded() {
    let (mut node, conn) = node(&[("enable-debug-command", "yes")]);
    let mut ask = |args: &[&str]| {
        let reply = node.request(START, conn, args, &mut ()).expect("an answer");
        String::from_utf8_lossy(&reply).into_owned()
    };
    assert_eq!(ask(&["DEBUG", "POPULATE", "3", "k", "9"]), "+OK\r\n");
    assert_eq!(ask(&["STRLEN", "k:2"]), ":9\r\n");
    let most = "9223372036854775807";
    for sizes in [[most, "0"], ["67108865", "0"], ["4097", "1048576"], ["1", most]] {
        let reply = ask(&["DEBUG", "POPULATE", sizes[0], "k", sizes[1]]);
        assert!(reply.starts_with("-ERR "), "{sizes:?}: {reply}");
    }
    assert_eq!(ask(&["DBSIZE"]), ":3\r\n");
}

/// What takes a time that grows with the square of its input would not come to an end here.
#[test]
fn many_arguments_take_their_time_and_no_more() {
    let (mut node, conn) = node(&[]);
    let members: Vec<String> = (0..300_000).map(|i| format!("m{i}")).collect();
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    let mut ask = |args: &[&str]| {
        let reply = node.request(START, conn, args, &mut ()).expect("an answer");
        String::from_utf8_lossy(&reply[..reply.len().min(60)]).into_owned()
    };
    assert_eq!(ask(&[&["SADD", "s"][..], &members].concat()), ":300000\r\n");
    assert!(ask(&["SRANDMEMBER", "s", "200000"]).starts_with("*200000\r\n"));
    assert!(ask(&["SPOP", "s", "299999"]).starts_with("*299999\r\n"));
    assert_eq!(ask(&["SCARD", "s"]), ":1\r\n");
    assert!(ask(&[&["SINTER"][..], &["s"; 300_000]].concat()).starts_with("*1\r\n"));
    assert!(ask(&[&["SUNIONSTORE", "u"][..], &["s"; 300_000]].concat()).starts_with(":1\r\n"));
    assert!(ask(&[&["SDIFF"][..], &["s"; 300_000]].concat()).starts_with("*0\r\n"));
    assert_eq!(ask(&[&["PFADD", "p"][..], &members].concat()), ":1\r\n");
    assert_eq!(ask(&[&["PFMERGE"][..], &["p"; 100]].concat()), "+OK\r\n");
    let gets = ["GET", "u8", "#99"].repeat(100_000);
    assert!(ask(&[&["BITFIELD", "b"][..], &gets].concat()).starts_with("*100000\r\n"));
}

#[test]
fn empty_lines_and_empty_arrays_are_passed_over() {
    let (reply, closed) = answer(&[], b"\r\n\n*0\r\n*-1\r\nPING\r\n");
    assert_eq!((reply.as_str(), closed), ("+PONG\r\n", false));
}

#[test]
fn a_bulk_that_is_never_finished_costs_what_was_sent_of_it() {
    let (mut node, conn) = node(&[]);
    let _ = node.handle_bytes(conn, b"*2\r\n$4\r\nECHO\r\n$536870912\r\n");
    for _ in 0..100 {
        let intake = node.handle_bytes(conn, &[0; 1000]);
        // It is let in whole: pausing would be waiting for ever.
        assert!(!intake.pause);
        settle(&mut node);
    }
    assert!(node.sendable(conn).bytes.is_empty());
}

/// However it is cut: a command that lacks its end can't be executed to make room.
#[test]
fn a_command_of_many_arguments_is_let_in_whole() {
    let args: Vec<String> = (0..200_000).map(|i| format!("argument:{i}")).collect();
    let command = request::encode([&["MSET".to_string()], &args[..]].concat());
    assert!(command.len() > 4 * INPUT_HIGH_WATER);
    for cut in [64 * 1024, 3 * INPUT_HIGH_WATER, command.len()] {
        let (mut node, conn) = node(&[]);
        for piece in command.chunks(cut) {
            let paused = node.handle_bytes(conn, piece).pause;
            settle(&mut node);
            assert!(!paused || is_resumed(&mut node, conn), "{cut}");
        }
        assert_eq!(node.sendable(conn).bytes, b"+OK\r\n");
    }
}

#[test]
fn a_peer_that_sends_without_end_is_told_to_wait() {
    let (mut node, conn) = node(&[]);
    let commands = b"*1\r\n$4\r\nPING\r\n".repeat(1000);
    let mut paused = false;
    for _ in 0..200 {
        paused |= node.handle_bytes(conn, &commands).pause;
    }
    assert!(paused, "more than {INPUT_HIGH_WATER} bytes wait");
    settle(&mut node);
    assert!(is_resumed(&mut node, conn));
    assert_eq!(node.sendable(conn).bytes.len(), 200 * 1000 * 7);
}

#[test]
fn the_query_buffer_limit_closes() {
    let (mut node, conn) = node(&[("client-query-buffer-limit", "1mb")]);
    let _ = node.handle_bytes(conn, b"*2\r\n$4\r\nECHO\r\n$100000000\r\n");
    for _ in 0..20 {
        let _ = node.handle_bytes(conn, &[0; 100_000]);
    }
    assert!(node.sendable(conn).close);
    assert_eq!(node.stats().query_limit_closes, 1);
}

#[test]
fn a_peer_that_never_reads_stops_being_served_and_the_others_go_on() {
    let (mut node, deaf) = node(&[]);
    let other = node.handle_connect(START, Peer::default()).expect("room");
    let big = "x".repeat(1_000_000);
    node.request(START, other, &["SETNX", "big", &big], &mut ());
    let commands = b"*2\r\n$3\r\nGET\r\n$3\r\nbig\r\n".repeat(1000);
    let _ = node.handle_bytes(deaf, &commands);
    settle(&mut node);
    let held = node.sendable(deaf).bytes.len();
    assert!(held <= OUTPUT_HIGH_WATER + big.len() + 100, "{held}");
    let pong = node.request(START, other, &["PING"], &mut ());
    assert_eq!(pong.as_deref(), Some(&b"+PONG\r\n"[..]));
    // It begins to read: the rest comes.
    let mut total = 0;
    loop {
        let n = node.sendable(deaf).bytes.len();
        if n == 0 {
            break;
        }
        node.handle_sent(START, deaf, n);
        total += n;
        settle(&mut node);
    }
    assert_eq!(total, 1000 * (big.len() + "$1000000\r\n\r\n".len()));
}

#[test]
fn a_subscriber_that_never_reads_is_closed() {
    let (mut node, deaf) = node(&[("client-output-buffer-limit", "pubsub 1mb 0 0")]);
    let loud = node.handle_connect(START, Peer::default()).expect("room");
    node.request(START, deaf, &["SUBSCRIBE", "c"], &mut ());
    let message = "x".repeat(100_000);
    for _ in 0..20 {
        node.request(START, loud, &["PUBLISH", "c", &message], &mut ());
    }
    let sendable = node.sendable(deaf);
    assert!(sendable.close && sendable.bytes.is_empty());
    assert_eq!(node.stats().output_limit_closes, 1);
}

/// The longest time that can be written down is longer than microseconds can count.
#[test]
fn a_soft_limit_may_allow_any_time() {
    let limit = format!("normal 0 1 {}", u64::MAX);
    let (mut node, conn) = node(&[("client-output-buffer-limit", &limit)]);
    let pong = node.request(START, conn, &["PING"], &mut ());
    assert_eq!(pong.as_deref(), Some(&b"+PONG\r\n"[..]));
}

#[test]
fn one_client_cannot_hold_the_floor() {
    let (mut node, greedy) = node(&[]);
    let modest = node.handle_connect(START, Peer::default()).expect("room");
    let _ = node.handle_bytes(greedy, &b"*1\r\n$4\r\nPING\r\n".repeat(50_000));
    let _ = node.handle_bytes(modest, b"PING\r\n");
    let budget = Budget { commands: 1000, ..Budget::default() };
    assert_eq!(node.run(START, budget, &mut ()), Run::More);
    assert_eq!(node.sendable(modest).bytes, b"+PONG\r\n");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_at_all(bytes in prop::collection::vec(any::<u8>(), 0..400), cut in 1usize..40) {
        let (mut node, conn) = node(&[]);
        for piece in bytes.chunks(cut) {
            let _ = node.handle_bytes(conn, piece);
            settle(&mut node);
        }
        prop_assert!(node.clients() <= 1);
    }
}
