//! Peers that mean no good: an error or a closed connection, bounded memory, everyone else served.

use crate::harness::{Server, Wire, until};
use std::io::Write;
use std::time::Duration;

/// Sends what may be refused in the middle, and gives what comes back until the close.
fn spit(server: &Server, bytes: &[u8]) -> String {
    let mut wire = server.connect();
    // The server may close before all is sent.
    let _ = wire.stream.write_all(bytes);
    wire.rest()
}

/// That others are served.
#[track_caller]
fn serves(server: &Server) {
    server.connect().ask("PING\r\n", "+PONG\r\n");
}

#[test]
fn garbage_is_answered_and_closed() {
    let server = Server::start(&[]);
    for (bytes, error) in [
        (&b"*abc\r\n"[..], "-ERR Protocol error: invalid multibulk length\r\n"),
        (b"*99999999999\r\n", "-ERR Protocol error: invalid multibulk length\r\n"),
        (b"*1\r\n$-5\r\n", "-ERR Protocol error: invalid bulk length\r\n"),
        (b"*1\r\n$99999999999\r\n", "-ERR Protocol error: invalid bulk length\r\n"),
        (b"*1\r\n:5\r\n", "-ERR Protocol error: expected '$', got ':'\r\n"),
        (b"GET \"a\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n"),
    ] {
        assert_eq!(spit(&server, bytes), error, "{}", bytes.escape_ascii());
    }
    // A browser or a TLS client that lost its way is told so, or at least let go.
    let mut tls = server.connect();
    tls.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03garbage\r\n");
    assert!(tls.line().starts_with("-ERR"));
    serves(&server);
}

#[test]
fn a_million_open_brackets() {
    let server = Server::start(&[]);
    let brackets = vec![b'['; 1 << 20];
    let inline = spit(&server, &brackets);
    assert!(inline.is_empty() || inline.contains("too big inline request"), "{inline}");
    // RESP requests don't nest: the second bracket is where a bulk must be.
    let nested = spit(&server, &b"*1\r\n".repeat(1 << 18));
    assert!(nested.is_empty() || nested.contains("expected '$', got '*'"), "{nested}");
    serves(&server);
}

#[test]
fn a_promised_length_takes_no_memory() {
    let server = Server::start(&[]);
    let mut promises: Vec<Wire> = (0..20).map(|_| server.connect()).collect();
    for wire in &mut promises {
        wire.send("*1000000\r\n$536870912\r\nonly this much comes");
    }
    serves(&server);
    if let Some(bytes) = server.resident_bytes() {
        assert!(bytes < 100 << 20, "{bytes} bytes for 20 promises");
    }
}

#[test]
fn a_bulk_never_finished_waits_and_times_out() {
    let server = Server::start(&["--timeout", "1"]);
    let mut wire = server.connect();
    wire.send("*2\r\n$3\r\nGET\r\n$1000\r\nabc");
    serves(&server);
    assert_eq!(wire.rest(), "");
}

#[test]
fn an_endless_command_meets_the_query_limit() {
    let server = Server::start(&["--client-query-buffer-limit", "4mb"]);
    let mut wire = server.connect();
    wire.send("*2\r\n$3\r\nGET\r\n$500000000\r\n");
    let chunk = vec![b'x'; 1 << 20];
    let closed = (0..200).any(|_| wire.stream.write_all(&chunk).is_err());
    assert!(closed, "200 MB were taken in past a limit of 4 MB");
    serves(&server);
    if let Some(bytes) = server.resident_bytes() {
        assert!(bytes < 100 << 20, "{bytes} bytes");
    }
}

#[test]
fn before_the_password_little_is_taken() {
    let server = Server::start(&["--requirepass", "secret"]);
    let many = spit(&server, b"*100000\r\n");
    assert_eq!(many, "-ERR Protocol error: unauthenticated multibulk length\r\n");
    let long = spit(&server, b"*2\r\n$4\r\nECHO\r\n$1000000\r\n");
    assert_eq!(long, "-ERR Protocol error: unauthenticated bulk length\r\n");
    // A flood is answered, and those who know the password are served meanwhile.
    let mut flood = server.connect();
    flood.stream.set_nonblocking(true).unwrap();
    let mut good = server.connect();
    good.ask("AUTH secret\r\n", "+OK\r\n");
    for _ in 0..200 {
        let _ = flood.stream.write(&b"GET k\r\n".repeat(5_000));
        good.ask("PING\r\n", "+PONG\r\n");
    }
}

#[test]
fn a_client_that_never_reads_costs_bounded_memory() {
    let server = Server::start(&[]);
    let mut wire = server.connect();
    wire.send(format!("SET big {}\r\n", "x".repeat(60_000)));
    wire.expect("+OK\r\n");
    // 100 000 replies of 60 KB would be 6 GB.
    let mut greedy = server.connect();
    greedy.stream.set_nonblocking(true).unwrap();
    let request = b"GET big\r\n".repeat(1_000);
    let mut most = 0;
    for _ in 0..100 {
        let _ = greedy.stream.write(&request);
        wire.ask("PING\r\n", "+PONG\r\n");
        most = most.max(server.resident_bytes().unwrap_or_default());
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(most < 256 << 20, "{most} bytes");
}

#[test]
fn one_that_reads_late_gets_everything() {
    let server = Server::start(&[]);
    let mut wire = server.connect();
    let value = "x".repeat(60_000);
    wire.send(format!("SET big {value}\r\n"));
    wire.expect("+OK\r\n");
    let mut writer = wire.stream.try_clone().unwrap();
    // 180 MB: past what the server keeps for one client, so that it must stop and go on.
    let sender = std::thread::spawn(move || {
        for _ in 0..3_000 {
            writer.write_all(b"GET big\r\n").unwrap();
        }
        writer.write_all(b"PING last\r\n").unwrap();
    });
    std::thread::sleep(Duration::from_millis(500));
    let reply = format!("$60000\r\n{value}\r\n");
    for _ in 0..3_000 {
        wire.expect(&reply);
    }
    wire.expect("$4\r\nlast\r\n");
    sender.join().unwrap();
}

#[test]
fn the_output_limit_closes() {
    let server = Server::start(&["--client-output-buffer-limit", "normal", "1mb", "0", "0"]);
    let mut wire = server.connect();
    wire.send(format!("SET big {}\r\n", "x".repeat(60_000)));
    wire.expect("+OK\r\n");
    let mut greedy = server.connect();
    let _ = greedy.stream.write_all(&b"GET big\r\n".repeat(1_000));
    until("the log tells of it", || server.log().contains("bytes of output unread"));
    greedy.rest();
    serves(&server);
}

#[test]
fn a_subscriber_that_never_reads_is_closed() {
    let limit = ["--client-output-buffer-limit", "pubsub", "2mb", "0", "0"];
    let server = Server::start(&limit);
    let mut deaf = server.connect();
    deaf.ask("SUBSCRIBE c\r\n", "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n");
    let mut publisher = server.connect();
    let message = format!("PUBLISH c {}\r\n", "x".repeat(60_000));
    until("nobody is subscribed any more", || {
        for _ in 0..50 {
            publisher.send(&message);
            publisher.line();
        }
        publisher.send("PUBLISH c x\r\n");
        publisher.line() == ":0"
    });
    if let Some(bytes) = server.resident_bytes() {
        assert!(bytes < 256 << 20, "{bytes} bytes");
    }
}

#[test]
fn connecting_and_resetting_leaves_nothing() {
    let server = Server::start(&["--maxclients", "50"]);
    for _ in 0..500 {
        let mut wire = server.connect();
        let _ = wire.stream.write_all(b"PING\r\nPING\r\n");
        // Unread input makes the close a reset.
        drop(wire);
    }
    until("there is room for all again", || {
        let mut wires: Vec<Wire> = (0..49).map(|_| server.connect()).collect();
        wires
            .iter_mut()
            .all(|wire| wire.stream.write_all(b"PING\r\n").is_ok() && wire.line() == "+PONG")
    });
}

#[test]
fn without_file_descriptors_it_waits_and_goes_on() {
    // The server lowers maxclients to what fits; here it is told otherwise.
    let server = Server::start_after("ulimit -n 64", &[]);
    until("it says so", || server.log().contains("limit on open files"));
    let mut told = server.connect();
    told.ask("CONFIG SET maxclients 1000\r\n", "+OK\r\n");
    let wires: Vec<Wire> = (0..80).map(|_| server.connect()).collect();
    until("it complains", || server.log().contains("Accepting client connections fails"));
    let before = server.cpu_ticks();
    std::thread::sleep(Duration::from_secs(1));
    if let (Some(before), Some(after)) = (before, server.cpu_ticks()) {
        assert!(after - before < 20, "it spins: {} ticks", after - before);
    }
    told.ask("PING\r\n", "+PONG\r\n");
    drop(wires);
    serves(&server);
}
