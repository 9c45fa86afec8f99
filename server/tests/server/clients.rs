//! Ordinary clients on ordinary sockets: every way in which bytes may arrive, and the limits that
//! a host keeps.

use crate::harness::{Server, Wire, until};
use std::io::Write;
use std::net::{IpAddr, Shutdown, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

#[test]
fn inline_resp_and_pipelines() {
    let server = Server::start(&[]);
    let mut wire = server.connect();
    wire.ask("PING\r\n", "+PONG\r\n");
    wire.ask("ping \"a b\"\n", "$3\r\na b\r\n");
    wire.ask("*2\r\n$4\r\nECHO\r\n$5\r\na\0b\r\n\r\n", "$5\r\na\0b\r\n\r\n");
    wire.ask(
        "SET k v\r\nGET k\r\nNOSUCH\r\nGET none\r\n",
        "+OK\r\n$1\r\nv\r\n-ERR unknown command",
    );
}

#[test]
fn a_long_pipeline_comes_back_in_order() {
    let server = Server::start(&[]);
    let mut wire = server.connect();
    const COMMANDS: usize = 100_000;
    let mut writer = wire.stream.try_clone().unwrap();
    let sender = std::thread::spawn(move || {
        let mut all = Vec::new();
        for n in 0..COMMANDS {
            let number = n.to_string();
            write!(all, "*2\r\n$4\r\nECHO\r\n${}\r\n{number}\r\n", number.len()).unwrap();
        }
        writer.write_all(&all).unwrap();
    });
    for n in 0..COMMANDS {
        let number = n.to_string();
        wire.expect(format!("${}\r\n{number}\r\n", number.len()));
    }
    sender.join().unwrap();
}

#[test]
fn byte_by_byte() {
    let server = Server::start(&[]);
    let mut slow = server.connect();
    let mut other = server.connect();
    for byte in b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\nabc\r\n" {
        slow.send([*byte]);
        other.ask("PING\r\n", "+PONG\r\n");
    }
    slow.expect("+OK\r\n");
    slow.ask("GET k\r\n", "$3\r\nabc\r\n");
}

#[test]
fn a_large_value_goes_both_ways() {
    let server = Server::start(&[]);
    let mut wire = server.connect();
    let value: Vec<u8> = (0..20_000_000u32).map(|i| (i % 251) as u8).collect();
    let mut writer = wire.stream.try_clone().unwrap();
    let sent = value.clone();
    let sender = std::thread::spawn(move || {
        write!(writer, "*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n${}\r\n", sent.len()).unwrap();
        writer.write_all(&sent).unwrap();
        writer.write_all(b"\r\nGET big\r\n").unwrap();
    });
    wire.expect(format!("+OK\r\n${}\r\n", value.len()));
    let mut got = vec![0; value.len()];
    std::io::Read::read_exact(&mut wire.stream, &mut got).unwrap();
    assert!(got == value);
    wire.expect("\r\n");
    sender.join().unwrap();
}

#[test]
fn what_was_sent_before_half_closing_is_answered() {
    let server = Server::start(&[]);
    let mut wire = server.connect();
    wire.send("SET k v\r\nGET k\r\nPI");
    wire.stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(wire.rest(), "+OK\r\n$1\r\nv\r\n");
}

#[test]
fn who_leaves_without_reading_is_obeyed_and_forgotten() {
    let server = Server::start(&[]);
    for n in 0..50 {
        let mut wire = server.connect();
        wire.send(format!("SET left:{n} x\r\nPING\r\n"));
    }
    let mut wire = server.connect();
    until("all 50 keys are there", || {
        wire.send("DBSIZE\r\n");
        wire.line() == ":50"
    });
    until("all 50 connections are gone", || {
        wire.send("INFO clients\r\n");
        let length: usize = wire.line().trim_start_matches(['$', '=']).parse().unwrap();
        let mut text = vec![0; length + 2];
        std::io::Read::read_exact(&mut wire.stream, &mut text).unwrap();
        String::from_utf8(text).unwrap().contains("connected_clients:1\r\n")
    });
}

#[test]
fn a_password_is_asked_for() {
    let server = Server::start(&["--requirepass", "hunter 2"]);
    let mut wire = server.connect();
    wire.ask("GET k\r\n", "-NOAUTH Authentication required.\r\n");
    wire.ask("AUTH wrong\r\n", "-WRONGPASS");
    assert!(wire.line().contains("invalid username-password pair"));
    wire.ask("AUTH \"hunter 2\"\r\n", "+OK\r\n");
    wire.ask("GET k\r\n", "$-1\r\n");
}

/// An address of this machine that is not the loopback one, if it has any.
fn outer_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    // Nothing is sent: this only asks by which address one would (RFC 5737 keeps the other).
    socket.connect("192.0.2.1:9").ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_loopback())
}

#[test]
fn without_a_password_only_this_machine_may_come() {
    let server = Server::start(&["--bind", "0.0.0.0"]);
    let Some(outer) = outer_address() else { return };
    let connect = || Wire::new(TcpStream::connect((outer, server.port)).unwrap());
    assert!(connect().rest().starts_with("-DENIED Larder is running in protected mode"));
    let mut inner = server.connect();
    inner.ask("PING\r\n", "+PONG\r\n");
    inner.ask("CONFIG SET requirepass secret\r\n", "+OK\r\n");
    connect().ask("AUTH secret\r\n", "+OK\r\n");
}

#[test]
fn maxclients_is_kept() {
    let server = Server::start(&["--maxclients", "3"]);
    let mut first: Vec<Wire> = (0..3).map(|_| server.connect()).collect();
    for wire in &mut first {
        wire.ask("PING\r\n", "+PONG\r\n");
    }
    assert_eq!(server.connect().rest(), "-ERR max number of clients reached\r\n");
    drop(first.pop());
    until("there is room again", || {
        let mut wire = server.connect();
        wire.stream.write_all(b"PING\r\n").is_ok() && wire.line() == "+PONG"
    });
    for wire in &mut first {
        wire.ask("PING\r\n", "+PONG\r\n");
    }
}

#[test]
fn idle_clients_are_closed() {
    let server = Server::start(&["--timeout", "1"]);
    let since = Instant::now();
    assert_eq!(server.connect().rest(), "");
    assert!(since.elapsed() > Duration::from_millis(900));
    let mut busy = server.connect();
    for _ in 0..8 {
        busy.ask("PING\r\n", "+PONG\r\n");
        std::thread::sleep(Duration::from_millis(250));
    }
}

#[test]
fn keys_expire_while_nobody_asks() {
    let server = Server::start(&[]);
    let mut wire = server.connect();
    wire.ask("SET gone x PX 50\r\n", "+OK\r\n");
    std::thread::sleep(Duration::from_millis(300));
    // DBSIZE looks at no key: only the background cycle can have removed it.
    wire.ask("DBSIZE\r\n", ":0\r\n");
}

#[test]
fn messages_reach_who_waits() {
    let server = Server::start(&[]);
    let mut subscriber = server.connect();
    subscriber.ask("SUBSCRIBE news\r\n", "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n");
    let mut publisher = server.connect();
    publisher.ask("PUBLISH news hello\r\n", ":1\r\n");
    subscriber.expect("*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n");
}

#[test]
fn an_idle_server_uses_no_cpu() {
    let server = Server::start(&[]);
    let mut clients: Vec<Wire> = (0..20).map(|_| server.connect()).collect();
    for wire in &mut clients {
        wire.ask("SET k v EX 1000\r\n", "+OK\r\n");
    }
    // One has half a command in, one has closed its side.
    clients[0].send("*2\r\n$3\r\nGET\r\n$100\r\nabc");
    clients[1].stream.shutdown(Shutdown::Write).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let Some(before) = server.cpu_ticks() else { return };
    std::thread::sleep(Duration::from_secs(1));
    // A tick is a hundredth of a second: a loop that spins would use a hundred.
    assert!(server.cpu_ticks().unwrap() - before < 10);
}

#[test]
fn settings_change_while_running() {
    let server = Server::start(&["--loglevel", "warning"]);
    let mut wire = server.connect();
    wire.ask("CONFIG SET maxclients 1 loglevel verbose\r\n", "+OK\r\n");
    assert_eq!(server.connect().rest(), "-ERR max number of clients reached\r\n");
    until("the refusal is logged", || server.log().contains("Refused 127.0.0.1:"));
}
