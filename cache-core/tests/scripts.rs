//! Runs `tests/scripts/*.script`: commands with their replies inline.
//!
//! ```text
//! # A comment.
//! > SET greeting "hello"       a command of connection 1, quoted as in redis-cli
//! OK                            the reply, as redis-cli shows it
//! 2> GET greeting               a command of connection 2
//! "hello"
//! @ +1500ms                     time passes
//! 2<                            what connection 2 has been sent since
//! 1) "message"
//! 3! HELLO 3                    a command whose reply is no matter: servers differ in it
//! > CLIENT UNBLOCK $ID2         the client id of connection 2
//! @ close 2                     connection 2 goes
//! ```
//!
//! `SCRIPTS_AGAINST=127.0.0.1:6379` runs the scripts against a real server (which is flushed!) and
//! shows where it answers otherwise; time passes for real then.
//!
//! `SCRIPTS=lists,blocking` runs those two alone.
//!
//! Several replies to one command stand one below the other. `UPDATE_SCRIPTS=1` writes down what
//! the engine answers in place of what was expected; look at the difference before keeping it.

use cache_core::node::Run;
use cache_core::protocol::{Value, display, request, words};
use cache_core::{Budget, Config, ConnId, Node, Now, Peer};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

/// Scripts begin on 1 January 2026.
const EPOCH_MS: u64 = 1_767_225_600_000;

/// What answers a script.
trait Target {
    /// Sends a command on a connection.
    fn send(&mut self, conn: u32, command: &[u8]);
    /// The bytes that a connection was sent since it was last asked, and whether it was closed.
    fn receive(&mut self, conn: u32) -> (Vec<u8>, bool);
    fn advance(&mut self, ms: u64);
    /// A connection's client id.
    fn id(&mut self, conn: u32) -> u64;
    fn close(&mut self, conn: u32);
}

struct Engine {
    node: Node,
    now: Now,
    conns: BTreeMap<u32, ConnId>,
}

impl Engine {
    fn new() -> Self {
        let (now, mut config) = (Now::from_millis(EPOCH_MS), Config::default());
        config.set("enable-debug-command", "yes").expect("a setting");
        Engine { node: Node::new(config, 1, now), now, conns: BTreeMap::new() }
    }

    fn conn(&mut self, number: u32) -> ConnId {
        let (node, now) = (&mut self.node, self.now);
        *self.conns.entry(number).or_insert_with(|| {
            let peer = Peer {
                addr: format!("127.0.0.1:{}", 50_000 + number),
                laddr: "127.0.0.1:6379".into(),
                ..Peer::default()
            };
            node.handle_connect(now, peer).expect("room for a connection")
        })
    }

    fn settle(&mut self) {
        while self.node.run(self.now, Budget::default(), &mut ()) == Run::More {}
    }
}

impl Target for Engine {
    fn send(&mut self, conn: u32, command: &[u8]) {
        let conn = self.conn(conn);
        let _ = self.node.handle_bytes(conn, command);
        self.settle();
    }

    fn receive(&mut self, number: u32) -> (Vec<u8>, bool) {
        let conn = self.conn(number);
        let sendable = self.node.sendable(conn);
        let (bytes, close) = (sendable.bytes.to_vec(), sendable.close);
        self.node.handle_sent(self.now, conn, bytes.len());
        if close {
            self.node.handle_disconnect(conn);
            self.conns.remove(&number);
        }
        (bytes, close)
    }

    fn advance(&mut self, ms: u64) {
        self.now.mono_us += ms * 1000;
        self.now.wall_us += ms * 1000;
        self.settle();
    }

    fn id(&mut self, conn: u32) -> u64 {
        self.conn(conn).id
    }

    fn close(&mut self, conn: u32) {
        if let Some(id) = self.conns.remove(&conn) {
            self.node.handle_disconnect(id);
        }
        self.settle();
    }
}

/// A real server, spoken to over TCP.
struct Server {
    addr: String,
    /// Each with its client id: one that waits for a key can't be asked.
    conns: BTreeMap<u32, (TcpStream, u64)>,
}

impl Server {
    /// A reply is taken to be complete when nothing more has come for this long.
    const QUIET: Duration = Duration::from_millis(30);

    fn conn(&mut self, number: u32) -> &mut TcpStream {
        let (stream, _) = self.conns.entry(number).or_insert_with(|| {
            let mut stream = TcpStream::connect(&self.addr).expect("a server that listens");
            stream.set_nodelay(true).expect("an option that can be set");
            let id = ask_id(&mut stream);
            stream.set_read_timeout(Some(Self::QUIET)).expect("a time-out that can be set");
            (stream, id)
        });
        stream
    }
}

fn ask_id(stream: &mut TcpStream) -> u64 {
    stream.write_all(b"CLIENT ID\r\n").expect("a server that reads");
    let mut reply = Vec::new();
    while reply.last() != Some(&b'\n') {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("an answer");
        reply.extend(byte);
    }
    String::from_utf8_lossy(&reply).trim_start_matches(':').trim().parse().expect("a number")
}

impl Target for Server {
    fn send(&mut self, conn: u32, command: &[u8]) {
        self.conn(conn).write_all(command).expect("a server that reads");
    }

    fn receive(&mut self, number: u32) -> (Vec<u8>, bool) {
        let mut bytes = Vec::new();
        let mut chunk = [0; 65536];
        loop {
            match self.conn(number).read(&mut chunk) {
                Ok(0) => {
                    self.conns.remove(&number);
                    return (bytes, true);
                }
                Ok(n) => bytes.extend_from_slice(&chunk[..n]),
                Err(_) => return (bytes, false),
            }
        }
    }

    fn advance(&mut self, ms: u64) {
        std::thread::sleep(Duration::from_millis(ms));
    }

    fn id(&mut self, conn: u32) -> u64 {
        self.conn(conn);
        self.conns[&conn].1
    }

    fn close(&mut self, conn: u32) {
        self.conns.remove(&conn);
        std::thread::sleep(Self::QUIET);
    }
}

fn send(target: &mut dyn Target, conn: u32, line: &str) {
    let mut args = words::split(line.as_bytes()).expect("balanced quotes");
    for arg in &mut args {
        if let Some(number) = arg.strip_prefix(b"$ID") {
            let number = String::from_utf8_lossy(number).parse().expect("a connection");
            *arg = target.id(number).to_string().into();
        }
    }
    target.send(conn, &request::encode(&args));
}

/// What a connection has been sent since it was last asked, as redis-cli shows it.
fn replies(target: &mut dyn Target, conn: u32) -> String {
    let (bytes, closed) = target.receive(conn);
    let mut shown = String::new();
    let mut rest = &bytes[..];
    while let Some((value, used)) = Value::parse(rest).expect("a reply of the protocol") {
        writeln!(shown, "{}", display::show(&value)).expect("a string takes all");
        rest = &rest[used..];
    }
    assert!(rest.is_empty(), "an unfinished reply: {rest:?}");
    if closed {
        shown.push_str("(closed)\n");
    }
    shown
}

/// `> x`, `2> x`, `2<`, `2! x`: the connection, which of the three, and what it sends.
fn directive(line: &str) -> Option<(u32, char, &str)> {
    let at = line.find(['>', '<', '!'])?;
    let number = match &line[..at] {
        "" => 1,
        digits => digits.parse().ok()?,
    };
    Some((number, char::from(line.as_bytes()[at]), line[at + 1..].trim()))
}

/// Runs a script and gives it with the replies that came.
fn run(script: &str, target: &mut dyn Target) -> String {
    let mut out = String::new();
    for line in script.lines() {
        if line.is_empty() || line.starts_with('#') {
            writeln!(out, "{line}").expect("a string takes all");
        } else if let Some(time) = line.strip_prefix("@ +") {
            let ms = time.trim().strip_suffix("ms").expect("a time in ms");
            writeln!(out, "{line}").expect("a string takes all");
            target.advance(ms.parse().expect("a number of ms"));
        } else if let Some(number) = line.strip_prefix("@ close ") {
            writeln!(out, "{line}").expect("a string takes all");
            target.close(number.parse().expect("a connection"));
        } else if let Some((number, kind, command)) = directive(line) {
            writeln!(out, "{line}").expect("a string takes all");
            if kind != '<' {
                send(target, number, command);
            }
            let replies = replies(target, number);
            if kind != '!' {
                out.push_str(&replies);
            }
        }
        // Anything else is an expected reply, which the real one takes the place of.
    }
    out
}

fn check(path: &Path) -> Result<(), String> {
    let expected = std::fs::read_to_string(path).expect("a readable script");
    let actual = match std::env::var("SCRIPTS_AGAINST") {
        Ok(addr) => {
            let mut server = Server { addr, conns: BTreeMap::new() };
            run("0> FLUSHALL", &mut server);
            run(&expected, &mut server)
        }
        Err(_) => run(&expected, &mut Engine::new()),
    };
    if actual == expected {
        return Ok(());
    }
    if std::env::var_os("UPDATE_SCRIPTS").is_some() {
        std::fs::write(path, actual).expect("a writable script");
        return Ok(());
    }
    Err(difference(path, &expected, &actual))
}

/// The blocks (a line of a script and the replies below it) that differ.
fn difference(path: &Path, expected: &str, actual: &str) -> String {
    let mut report = format!("{}:\n", path.display());
    for (expected, actual) in blocks(expected).iter().zip(blocks(actual)) {
        if *expected != actual {
            let replies = &actual[1..];
            writeln!(report, "  expected:\n    {}", expected.join("\n    ")).expect("room");
            writeln!(report, "  got:\n    {}", replies.join("\n    ")).expect("room");
        }
    }
    report
}

fn blocks(script: &str) -> Vec<Vec<&str>> {
    let mut blocks: Vec<Vec<&str>> = Vec::new();
    for line in script.lines().filter(|line| !line.is_empty()) {
        let begins = line.starts_with(['#', '@']) || directive(line).is_some();
        match blocks.last_mut() {
            Some(block) if !begins => block.push(line),
            _ => blocks.push(vec![line]),
        }
    }
    blocks
}

fn is_wanted(path: &Path) -> bool {
    let name = path.file_stem().and_then(|stem| stem.to_str());
    std::env::var("SCRIPTS").map_or(true, |only| only.split(',').any(|only| Some(only) == name))
}

#[test]
fn scripts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .expect("a folder of scripts")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|e| e == "script"))
        .filter(|path| is_wanted(path))
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "no scripts");
    let failures: Vec<String> = paths.iter().filter_map(|path| check(path).err()).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
