//! Real servers that follow each other over real sockets, which break: Larder and Larder, and, where
//! `VALKEY_SERVER` names the program, Larder and Valkey in either part and in a chain.

mod peers;

use crate::harness::{PATIENCE, Server, free_port, until};
use crate::survival::Dir;
use peers::{Relay, Valkey, Writer, connect, dump, info, random_command, say, say_all, text};
use redis::Connection;
use std::time::{Duration, Instant};

/// How long a test writes.
const WRITING: Duration = Duration::from_secs(4);

/// Waits until the replicas are where the primary is, and compares the data.
fn agree(primary: &mut Connection, replicas: &mut [Connection]) {
    let since = Instant::now();
    loop {
        let offset = info(primary, "master_repl_offset");
        let up = |replica: &mut Connection| {
            info(replica, "master_link_status") == "up"
                && info(replica, "slave_repl_offset") == offset
        };
        if replicas.iter_mut().all(up) && info(primary, "master_repl_offset") == offset {
            break;
        }
        assert!(since.elapsed() < PATIENCE, "they never come to the same place");
        std::thread::sleep(Duration::from_millis(20));
    }
    for replica in replicas {
        while let Some(odd) = difference(primary, replica) {
            // A key's time may run out between the two readings.
            assert!(since.elapsed() < PATIENCE, "data differ:\n{odd}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

/// The keys that two nodes hold otherwise.
fn difference(one: &mut Connection, other: &mut Connection) -> Option<String> {
    let (here, there) = (dump(one), dump(other));
    let only = |a: &str, b: &str| -> Vec<String> {
        a.lines().filter(|line| !b.contains(line)).map(String::from).collect()
    };
    (here != there).then(|| [only(&here, &there), only(&there, &here)].concat().join("\n"))
}

/// Writes to the primary while the wires break, and compares in the end.
fn write_and_cut(primary: u16, relays: &[&Relay], replicas: &[u16]) {
    let mut connections: Vec<Connection> = replicas.iter().map(|&port| connect(port)).collect();
    let mut first = connect(primary);
    let writer = Writer::start(primary);
    let since = Instant::now();
    let mut turn = 0;
    while since.elapsed() < WRITING {
        std::thread::sleep(Duration::from_millis(700));
        relays[turn % relays.len()].cut();
        turn += 1;
    }
    let written = writer.end();
    // What has little time to live is gone before anybody looks.
    std::thread::sleep(Duration::from_millis(1200));
    assert!(written > 5000, "{written}");
    agree(&mut first, &mut connections);
    let partial: u64 = info(&mut first, "sync_partial_ok").parse().unwrap();
    assert!(partial > 0, "nobody has gone on where it was");
}

fn follow(replica: u16, relay: &Relay) {
    let reply = text(&mut connect(replica), &format!("REPLICAOF 127.0.0.1 {}", relay.port));
    assert!(reply.starts_with("OK"), "{reply}");
}

/// So many keys of all types.
fn fill(port: u16) {
    let mut connection = connect(port);
    let mut state = 7;
    let commands = (0..8000).map(|i| match i % 4 {
        0 => format!("SET key-{i} {}", "v".repeat(i % 300)),
        _ => random_command(&mut state),
    });
    say_all(&mut connection, commands);
    say(&mut connection, &format!("SET large {}", "0123456789abcdef".repeat(200_000)));
}

#[test]
fn larder_follows_larder() {
    let (primary, replica) = (Server::start(&[]), Server::start(&[]));
    fill(primary.port);
    let relay = Relay::to(primary.port);
    follow(replica.port, &relay);
    write_and_cut(primary.port, &[&relay], &[replica.port]);
}

#[test]
fn a_chain_of_larders() {
    let servers = [Server::start(&[]), Server::start(&[]), Server::start(&[])];
    let relays = [Relay::to(servers[0].port), Relay::to(servers[1].port)];
    fill(servers[0].port);
    follow(servers[1].port, &relays[0]);
    follow(servers[2].port, &relays[1]);
    let all = [servers[1].port, servers[2].port];
    write_and_cut(servers[0].port, &[&relays[0], &relays[1]], &all);
}

#[test]
fn a_primary_is_named_by_options_and_asked_for_a_password() {
    let primary = Server::start(&["--requirepass", "secret"]);
    let port = primary.port.to_string();
    let options = ["--replicaof", "localhost", &port, "--primaryauth", "secret"];
    let replica = Server::start(&options);
    let mut connection = connect(replica.port);
    until("the link is up", || info(&mut connection, "master_link_status") == "up");
    let wrong = Server::start(&["--replicaof", "localhost", &port, "--masterauth", "wrong"]);
    until("it says so", || wrong.log().contains("WRONGPASS"));
    // A primary that is started later is found.
    let port = free_port();
    let early = Server::start(&["--replicaof", "127.0.0.1", &port.to_string()]);
    until("it says so", || early.log().contains("refused"));
    let late = Server::start(&[]);
    let _relay = Relay::at(port, late.port);
    let mut connection = connect(early.port);
    until("the link is up", || info(&mut connection, "master_link_status") == "up");
}

/// Ends a server in good order, so that it saves.
fn end(mut server: Server) {
    server.signal("TERM");
    assert!(server.wait().success());
}

#[test]
fn who_was_started_anew_goes_on_where_it_was() {
    let (here, there) = (Dir::new(), Dir::new());
    let primary = here.server(&[]);
    fill(primary.port);
    let port = primary.port.to_string();
    let replica = there.server(&["--replicaof", "127.0.0.1", &port]);
    let mut first = connect(primary.port);
    agree(&mut first, &mut [connect(replica.port)]);
    end(replica);
    say(&mut first, "SELECT 1");
    say(&mut first, "SET meanwhile 1");
    let replica = there.server(&["--replicaof", "127.0.0.1", &port]);
    agree(&mut first, &mut [connect(replica.port)]);
    assert_eq!(info(&mut first, "sync_full"), "1");
    assert_eq!(info(&mut first, "sync_partial_ok"), "1");
    // Now the primary.
    end(primary);
    let primary = here.server(&[]);
    let mut first = connect(primary.port);
    say(&mut first, "SET after 1");
    let command = format!("REPLICAOF 127.0.0.1 {}", primary.port);
    assert_eq!(text(&mut connect(replica.port), &command), "OK");
    agree(&mut first, &mut [connect(replica.port)]);
    assert_eq!(info(&mut first, "sync_full"), "0");
}

/// What a replica logs are the data that it took over, and not those that it had.
#[test]
fn the_log_of_a_replica_begins_anew_with_the_primarys_data() {
    let (primary, dir) = (Server::start(&[]), Dir::new());
    let replica = dir.server(&["--appendonly", "yes"]);
    say(&mut connect(replica.port), "SET old 1");
    fill(primary.port);
    let relay = Relay::to(primary.port);
    follow(replica.port, &relay);
    let mut first = connect(primary.port);
    agree(&mut first, &mut [connect(replica.port)]);
    say(&mut first, "SET new 1");
    agree(&mut first, &mut [connect(replica.port)]);
    until("there is a base of them", || {
        let mut connection = connect(replica.port);
        info(&mut connection, "aof_rewrite_in_progress") == "0"
            && info(&mut connection, "aof_enabled") == "1"
    });
    let wanted = dump(&mut first);
    end(replica);
    let replica = dir.server(&["--appendonly", "yes"]);
    assert_eq!(dump(&mut connect(replica.port)), wanted);
}

#[test]
fn valkey_follows_larder() {
    let Some(replica) = Valkey::start() else { return };
    let primary = Server::start(&[]);
    fill(primary.port);
    let relay = Relay::to(primary.port);
    follow(replica.port, &relay);
    write_and_cut(primary.port, &[&relay], &[replica.port]);
}

#[test]
fn larder_follows_valkey() {
    let Some(primary) = Valkey::start() else { return };
    let replica = Server::start(&[]);
    fill(primary.port);
    let relay = Relay::to(primary.port);
    follow(replica.port, &relay);
    write_and_cut(primary.port, &[&relay], &[replica.port]);
}

/// Valkey, Larder, Valkey: one stream, and a partial resync along it.
#[test]
fn larder_stands_between_two_valkeys() {
    let (Some(primary), Some(last)) = (Valkey::start(), Valkey::start()) else { return };
    let middle = Server::start(&[]);
    fill(primary.port);
    let relays = [Relay::to(primary.port), Relay::to(middle.port)];
    follow(middle.port, &relays[0]);
    follow(last.port, &relays[1]);
    let all = [middle.port, last.port];
    write_and_cut(primary.port, &[&relays[0], &relays[1]], &all);
    // The middle one is promoted: the others go on with it.
    let full = info(&mut connect(middle.port), "sync_full");
    text(&mut connect(middle.port), "REPLICAOF NO ONE");
    follow(primary.port, &relays[1]);
    let mut first = connect(middle.port);
    say(&mut first, "SET after 1");
    agree(&mut first, &mut [connect(primary.port), connect(last.port)]);
    assert_eq!(info(&mut first, "sync_full"), full, "someone took all data anew");
}

/// A Valkey primary hands its part over to Larder, and Larder back.
#[test]
fn the_part_moves_between_valkey_and_larder() {
    let Some(valkey) = Valkey::start() else { return };
    let larder = Server::start(&[]);
    let relay = Relay::to(valkey.port);
    follow(larder.port, &relay);
    let mut ports = [valkey.port, larder.port];
    say(&mut connect(ports[0]), "SET a 1");
    agree(&mut connect(ports[0]), &mut [connect(ports[1])]);
    for _ in 0..2 {
        let (mut one, mut other) = (connect(ports[0]), connect(ports[1]));
        text(&mut one, "FAILOVER TIMEOUT 10000");
        until("the part has moved", || {
            info(&mut other, "role") == "master" && info(&mut one, "master_link_status") == "up"
        });
        say(&mut other, "INCR a");
        agree(&mut other, &mut [one]);
        ports.reverse();
    }
    assert_eq!(text(&mut connect(ports[1]), "GET a"), "3");
}
