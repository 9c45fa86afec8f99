//! How it ends.

use crate::harness::{Server, until};
use std::time::{Duration, Instant};

#[test]
fn sigterm_ends_it_in_good_order() {
    for signal in ["TERM", "INT"] {
        let mut server = Server::start(&[]);
        let mut wire = server.connect();
        wire.ask("PING\r\n", "+PONG\r\n");
        server.signal(signal);
        assert!(server.wait().success());
        assert_eq!(wire.rest(), "");
        until("the end is logged", || server.log().contains("bye bye"));
        assert!(server.log().contains(&format!("Received SIG{signal}")));
    }
}

#[test]
fn replies_that_wait_are_taken_first() {
    let mut server = Server::start(&[]);
    let mut wire = server.connect();
    let value = "x".repeat(1_000_000);
    wire.send(format!("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1000000\r\n{value}\r\n"));
    wire.expect("+OK\r\n");
    wire.send("GET k\r\n".repeat(20));
    std::thread::sleep(Duration::from_millis(300));
    server.signal("TERM");
    std::thread::sleep(Duration::from_millis(200));
    let reply = format!("$1000000\r\n{value}\r\n");
    for _ in 0..20 {
        wire.expect(&reply);
    }
    assert!(server.wait().success());
}

#[test]
fn it_waits_no_longer_than_it_may() {
    let mut server = Server::start(&["--shutdown-timeout", "1"]);
    let mut wire = server.connect();
    wire.send(format!("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$9000000\r\n{}\r\n", "x".repeat(9_000_000)));
    wire.expect("+OK\r\n");
    wire.send("GET k\r\nGET k\r\n");
    std::thread::sleep(Duration::from_millis(300));
    let since = Instant::now();
    server.signal("TERM");
    assert!(server.wait().success());
    let took = since.elapsed();
    assert!(took > Duration::from_millis(900) && took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut server = Server::start(&["--shutdown-timeout", "3600"]);
    let mut wire = server.connect();
    wire.send(format!("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$9000000\r\n{}\r\n", "x".repeat(9_000_000)));
    wire.expect("+OK\r\n");
    wire.send("GET k\r\nGET k\r\n");
    std::thread::sleep(Duration::from_millis(300));
    server.signal("TERM");
    until("the first is heard", || server.log().contains("Received SIGTERM"));
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(1));
}

#[test]
fn the_command_ends_it_too() {
    let mut server = Server::start(&[]);
    let mut wire = server.connect();
    wire.send("SHUTDOWN NOSAVE\r\n");
    assert_eq!(wire.rest(), "");
    assert!(server.wait().success());
}
