//! Those who take part: relays that are cut, real Valkeys, writers, and what servers hold.

use crate::harness::{PATIENCE, free_port, until};
use redis::{Connection, Value};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// Passes connections on to a server, until they are cut.
pub(super) struct Relay {
    pub(super) port: u16,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Relay {
    pub(super) fn to(target: u16) -> Self {
        Self::at(0, target)
    }

    pub(super) fn at(port: u16, target: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let open = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&open);
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let Ok(far) = TcpStream::connect(("127.0.0.1", target)) else { continue };
                let ends = [near.try_clone().unwrap(), far.try_clone().unwrap()];
                all.lock().unwrap().extend(ends);
                let (near_too, far_too) = (near.try_clone().unwrap(), far.try_clone().unwrap());
                std::thread::spawn(move || pass(near, far));
                std::thread::spawn(move || pass(far_too, near_too));
            }
        });
        Relay { port, open }
    }

    pub(super) fn cut(&self) {
        for stream in self.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

pub(super) fn pass(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = [0; 5000];
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

/// A real Valkey; ended when dropped.
pub(super) struct Valkey {
    child: Child,
    pub(super) port: u16,
}

impl Valkey {
    /// `None`: nobody has said where it is.
    pub(super) fn start() -> Option<Self> {
        let program = std::env::var("VALKEY_SERVER").ok()?;
        let port = free_port();
        let child = Command::new(program)
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .args(["--repl-diskless-sync-delay", "0", "--dir"])
            .arg(std::env::temp_dir())
            .args(["--dbfilename", &format!("larder-following-{port}.rdb")])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        until("Valkey is up", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Some(Valkey { child, port })
    }
}

impl Drop for Valkey {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let rdb = format!("larder-following-{}.rdb", self.port);
        let _ = std::fs::remove_file(std::env::temp_dir().join(rdb));
    }
}

pub(super) fn connect(port: u16) -> Connection {
    let client = redis::Client::open(format!("redis://127.0.0.1:{port}")).unwrap();
    let connection = client.get_connection().unwrap();
    connection.set_read_timeout(Some(PATIENCE)).unwrap();
    connection
}

/// Says a command, words apart.
pub(super) fn say(connection: &mut Connection, command: &str) -> Value {
    let mut words = command.split(' ');
    let mut cmd = redis::cmd(words.next().unwrap());
    words.for_each(|word| {
        cmd.arg(word);
    });
    match cmd.query(connection) {
        Ok(value) => value,
        Err(error) => panic!("{command}: {error}"),
    }
}

pub(super) fn text(connection: &mut Connection, command: &str) -> String {
    match say(connection, command) {
        Value::BulkString(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Value::SimpleString(text) => text,
        Value::Okay => "OK".into(),
        Value::VerbatimString { text, .. } => text,
        other => format!("{other:?}"),
    }
}

pub(super) fn info(connection: &mut Connection, field: &str) -> String {
    let info = text(connection, "INFO all");
    let line = info.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.unwrap_or_default().trim().to_owned()
}

/// Writes random commands of all types until it is stopped.
pub(super) struct Writer {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<u64>>,
}

impl Writer {
    pub(super) fn start(port: u16) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut connection = connect(port);
            let (mut state, mut count) = (u64::from(port), 0);
            while !stopped.load(Ordering::Relaxed) {
                // Some are refused for the type that a key has; all the others are done.
                say_all(&mut connection, (0..50).map(|_| random_command(&mut state)));
                count += 50;
                std::thread::sleep(Duration::from_millis(2));
            }
            count
        });
        Writer { stop, thread: Some(thread) }
    }

    pub(super) fn end(mut self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap()
    }
}

/// Within a second, or not while the test runs.
pub(super) fn soon(number: u64) -> u64 {
    if number.is_multiple_of(2) { 1 + number % 1000 } else { 1_000_000 + number }
}

pub(super) fn random_command(state: &mut u64) -> String {
    let mut below = |bound: u64| {
        *state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*state >> 33) % bound
    };
    let (key, number, member) = (below(60), below(10_000), below(200));
    match below(30) {
        0..=3 => format!("SET s{key} {number}"),
        4 => format!("SET s{key} {} PX {}", "v".repeat(number as usize / 10), soon(number)),
        5 => format!("INCRBYFLOAT f{key} 0.25"),
        6 => format!("APPEND s{key} {number}"),
        7 => format!("PEXPIRE l{key} {}", soon(number)),
        8 | 9 => format!("RPUSH l{key} {number} {member} x{number}"),
        10 => format!("LPOP l{key} 2"),
        11 => format!("LMOVE l{key} l{} LEFT RIGHT", key / 2),
        12 | 13 => format!("HSET h{key} f{member} {number} g{member} x"),
        14 => format!("HDEL h{key} f{member}"),
        15 => format!("HINCRBY h{key} n 3"),
        16 | 17 => format!("SADD t{key} {member} m{number}"),
        18 => format!("SPOP t{key}"),
        19 => format!("SREM t{key} {member}"),
        20 | 21 => format!("ZADD z{key} {number}.5 {member} {key} m{number}"),
        22 => format!("ZPOPMIN z{key}"),
        23 => format!("XADD x{key} MAXLEN 50 * f {number}"),
        24 => format!("DEL {}{key}", ["s", "l", "h", "t", "z", "x"][below(6) as usize]),
        25 => format!("SELECT {}", below(2)),
        26 => format!("SETRANGE s{key} {} abc", below(300)),
        27 => format!("RENAME l{key} l{}", below(60)),
        28 => format!("XGROUP CREATE x{key} g{} 0", below(3)),
        _ => format!("PFADD p{key} {number} {member}"),
    }
}

/// Says commands in one go, words apart, and gives their answers; none for those that are refused.
pub(super) fn say_all(
    connection: &mut Connection,
    commands: impl IntoIterator<Item = String>,
) -> Vec<Value> {
    let mut pipe = redis::pipe();
    for command in commands {
        let mut words = command.split(' ');
        let cmd = pipe.cmd(words.next().unwrap());
        words.for_each(|word| {
            cmd.arg(word);
        });
    }
    if pipe.is_empty() {
        return Vec::new();
    }
    match pipe.ignore_errors().query(connection) {
        Ok(Value::Array(answers)) => answers,
        other => panic!("{other:?}"),
    }
}

/// All data in one text, in an order that no server's own decides.
pub(super) fn dump(connection: &mut Connection) -> String {
    let mut lines = Vec::new();
    for db in 0..2 {
        say(connection, &format!("SELECT {db}"));
        let Value::Array(keys) = say(connection, "KEYS *") else { panic!("keys") };
        let name = |key: &Value| match key {
            Value::BulkString(name) => String::from_utf8_lossy(name).into_owned(),
            other => panic!("{other:?}"),
        };
        let keys: Vec<String> = keys.iter().map(name).collect();
        let types = say_all(connection, keys.iter().map(|key| format!("TYPE {key}")));
        let read = |(key, kind): (&String, &Value)| match kind {
            Value::SimpleString(kind) => match kind.as_str() {
                "string" => format!("GET {key}"),
                "list" => format!("LRANGE {key} 0 -1"),
                "hash" => format!("HGETALL {key}"),
                "set" => format!("SMEMBERS {key}"),
                "zset" => format!("ZRANGE {key} 0 -1 WITHSCORES"),
                "stream" => format!("XRANGE {key} - +"),
                _ => format!("EXISTS {key}"),
            },
            other => panic!("{other:?}"),
        };
        let values = say_all(connection, keys.iter().zip(&types).map(read));
        let expiries = say_all(connection, keys.iter().map(|key| format!("PEXPIRETIME {key}")));
        for (((key, kind), mut value), expires) in
            keys.iter().zip(types).zip(values).zip(expires_of(expiries))
        {
            let parts = match &kind {
                Value::SimpleString(kind) if kind == "hash" => 2,
                Value::SimpleString(kind) if kind == "set" => 1,
                _ => 0,
            };
            if let Value::Array(items) = &mut value
                && parts > 0
            {
                let mut parts: Vec<Vec<Value>> = items.chunks(parts).map(<[_]>::to_vec).collect();
                parts.sort_by_key(|part| format!("{part:?}"));
                *items = parts.concat();
            }
            lines.push(format!("{db} {key} {expires} {value:?}"));
        }
    }
    lines.sort();
    lines.join("\n")
}

pub(super) fn expires_of(expiries: Vec<Value>) -> impl Iterator<Item = String> {
    expiries.into_iter().map(|at| format!("{at:?}"))
}
