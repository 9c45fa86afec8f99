//! How long single commands take in a node that holds millions of keys, and what stalls it.
//!
//! `cargo run --release -p cache-core --example stalls -- [KEYS] [PART...]`, or `cargo xtask bench
//! stalls`. Each command comes alone: its time is that of `handle_bytes`, `run` and fetching the
//! reply, with what `run` does besides (expiry, eviction, freeing). The node's clock goes on by a
//! microsecond for each.

mod watch;

use cache_core::node::Run;
use cache_core::protocol::request;
use cache_core::{Budget, Config, ConnId, Node, Now, Peer};
use std::time::Duration;
use watch::{Histogram, Watch, load, resident};

const MIB: f64 = 1_048_576.0;
const VALUE: [u8; 64] = [b'v'; 64];
const PARTS: &[&str] = &["plain", "ttl", "eviction", "large"];

struct Bench {
    node: Node,
    conn: ConnId,
    now: Now,
    watch: Watch,
    /// Random numbers (xorshift; Marsaglia, "Xorshift RNGs", 2003).
    random: u64,
}

impl Bench {
    fn new(settings: &[(&str, &str)]) -> Self {
        let now = Now::from_millis(1_767_225_600_000);
        let mut config = Config::default();
        for (name, value) in settings {
            config.set(name, value).expect("a good setting");
        }
        let mut node = Node::new(config, 1, now);
        let conn = node.handle_connect(now, Peer::default()).expect("room");
        Bench { node, conn, now, watch: Watch::start(), random: 1 }
    }

    fn chance(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % below
    }

    /// Runs one command and gives how long it took.
    fn time(&mut self, args: &[&[u8]]) -> Duration {
        let bytes = request::encode(args);
        self.now.mono_us += 1;
        self.now.wall_us += 1;
        self.watch.lap();
        let _ = self.node.handle_bytes(self.conn, &bytes);
        while self.node.run(self.now, Budget::default(), &mut ()) == Run::More {}
        let len = self.node.sendable(self.conn).bytes.len();
        self.node.handle_sent(self.now, self.conn, len);
        self.watch.lap()
    }

    /// Runs what is due without input: slices of freeing.
    fn slices(&mut self, name: &str) {
        let mut times = Histogram::default();
        while self.node.poll_timeout().is_some_and(|at| at.at_us() <= self.now.mono_us) {
            self.watch.lap();
            let _ = self.node.run(self.now, Budget::default(), &mut ());
            times.add(self.watch.lap());
        }
        times.print(name);
    }

    fn fill(&mut self, name: &str, keys: u64, ttl_ms: Option<u64>) {
        let mut times = Histogram::default();
        for i in 0..keys {
            let key = key(i);
            times.add(match ttl_ms {
                None => self.time(&[b"SET", &key, &VALUE]),
                Some(most) => {
                    let ms = (1 + self.chance(most)).to_string();
                    self.time(&[b"SET", &key, &VALUE, b"PX", ms.as_bytes()])
                }
            });
        }
        times.print(name);
    }

    fn each(&mut self, name: &str, times: u64, keys: u64, command: &[u8], more: &[&[u8]]) {
        let mut histogram = Histogram::default();
        for _ in 0..times {
            let key = key(self.chance(keys));
            histogram.add(self.time(&[&[command, &key], more].concat()));
        }
        histogram.print(name);
    }

    fn one(&mut self, name: &str, args: &[&[u8]]) {
        let mut times = Histogram::default();
        times.add(self.time(args));
        times.print(name);
    }
}

/// Sixteen bytes.
fn key(i: u64) -> [u8; 16] {
    let mut key = *b"key:000000000000";
    let mut rest = i;
    for digit in key.iter_mut().rev().take(12) {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    key
}

fn plain(keys: u64) {
    let before = resident();
    let mut bench = Bench::new(&[]);
    bench.fill("SET, new keys", keys, None);
    let full = resident();
    println!("memory: {:.1} bytes a key", (full - before) as f64 / keys as f64);
    bench.each("GET", keys / 5, keys, b"GET", &[]);
    bench.each("SET, there", keys / 5, keys, b"SET", &[&VALUE]);
    bench.each("EXPIRE", keys / 10, keys, b"EXPIRE", &[b"100000"]);
    bench.each("DEL", keys / 10, keys, b"DEL", &[]);
    for _ in 0..3 {
        bench.watch.lap();
        let clone = bench.node.clone();
        println!("clone: {:.1} µs", bench.watch.lap().as_nanos() as f64 / 1000.0);
        drop(clone);
        println!("dropping it: {:.1} µs", bench.watch.lap().as_nanos() as f64 / 1000.0);
    }
    let before = resident();
    let clone = bench.node.clone();
    bench.each("SET, first 100 after a clone", 100, keys, b"SET", &[&VALUE]);
    bench.each("SET, next 10,000", 10_000, keys, b"SET", &[&VALUE]);
    println!("memory: {:.1} MiB for them", (resident() - before) as f64 / MIB);
    bench.each("SET, and next", keys / 10, keys, b"SET", &[&VALUE]);
    println!("memory: {:.1} MiB for all", (resident() - before) as f64 / MIB);
    bench.watch.lap();
    bench.node.discard(clone);
    println!("discarding it: {:.1} µs", bench.watch.lap().as_nanos() as f64 / 1000.0);
    bench.slices("its slices");
    bench.one("FLUSHALL", &[b"FLUSHALL"]);
    bench.slices("its slices");
    println!("memory: {:.1} MiB are left", resident() as f64 / MIB);
}

fn ttl(keys: u64) {
    let mut bench = Bench::new(&[]);
    // A microsecond each: they run out while others come.
    let most = keys / 1000 / 2;
    bench.fill("SET PX, expiring meanwhile", keys, Some(most));
    let stats = bench.node.stats();
    println!("expired: {} by the cycle", stats.expired_by_cycle);
    bench.each("EXPIRE, renewed", keys / 2, keys, b"EXPIRE", &[b"1"]);
    bench.each("GET, renewed and expiring", keys / 5, keys, b"GET", &[]);
}

fn eviction(keys: u64) {
    let limit = (keys * 40).to_string();
    let policies = ["allkeys-adaptive", "allkeys-lru", "allkeys-lfu", "allkeys-random"];
    for policy in policies {
        let mut bench = Bench::new(&[("maxmemory", &limit), ("maxmemory-policy", policy)]);
        bench.fill(&format!("SET, {policy}"), keys, None);
        println!("evicted: {}", bench.node.stats().evicted);
    }
}

fn large(keys: u64) {
    let mut bench = Bench::new(&[]);
    bench.one("SETRANGE, 512 MB from nothing", &[b"SETRANGE", b"s", b"536870911", b"x"]);
    bench.one("APPEND to it", &[b"APPEND", b"s", b"x"]);
    bench.one("SETRANGE in it", &[b"SETRANGE", b"s", b"5", b"x"]);
    bench.one("EXPIRE of it", &[b"EXPIRE", b"s", b"1000"]);
    bench.one("PERSIST of it", &[b"PERSIST", b"s"]);
    bench.one("RENAME of it", &[b"RENAME", b"s", b"t"]);
    bench.slices("slices");
    bench.one("DEL of it", &[b"DEL", b"t"]);
    bench.slices("its slices");
    let (mut times, before) = (Histogram::default(), resident());
    for i in 0..keys {
        times.add(bench.time(&[b"HSET", b"hash", &key(i), b"eight by"]));
    }
    times.print("HSET, one hash");
    println!("memory: {:.1} bytes a field", (resident() - before) as f64 / keys as f64);
    let clone = bench.node.clone();
    bench.one("HSET, first after a clone", &[b"HSET", b"hash", b"f", b"v"]);
    drop(clone);
    bench.one("RENAME of it", &[b"RENAME", b"hash", b"h"]);
    bench.slices("slices");
    bench.one("DEL of it", &[b"DEL", b"h"]);
    bench.slices("its slices");
    println!("memory: {:.1} MiB are left", resident() as f64 / MIB);
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let keys = words.iter().find_map(|word| word.parse().ok()).unwrap_or(10_000_000);
    let named: Vec<&str> = words.iter().map(String::as_str).filter(|w| PARTS.contains(w)).collect();
    let chosen = |part: &str| named.is_empty() || named.contains(&part);
    println!("{keys} keys of 16 bytes with values of 64; times in µs, sums in ms");
    println!("what takes longer than 10 µs is told by the thread's CPU time");
    for part in PARTS.iter().filter(|part| chosen(part)) {
        println!("\n{part}: {}", load());
        println!("| what | times | p50 | p99 | p99.9 | p99.99 | max | sum |");
        match *part {
            "plain" => plain(keys),
            "ttl" => ttl(keys),
            "eviction" => eviction(keys),
            _ => large(keys),
        }
    }
    println!("\n{}", load());
}
