//! How fast snapshots are written and read, by a thread's own CPU time:
//! `cargo run --release --example snapshots -- [keys] [file]`. Each file that is written (FILE.strings
//! and so on) can be given to another server, for comparison.

use cache_core::node::{Load, Run};
use cache_core::protocol::request;
use cache_core::{Budget, Config, ConnId, Node, Now, Peer};
use rustix::time::{ClockId, clock_gettime};

const NOW: Now = Now::from_millis(1_767_225_600_000);

fn cpu_secs() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Digits that no one can compress by much.
fn noise(seed: u64, len: usize) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut text = String::new();
    while text.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        text.push_str(&format!("{state:016x}"));
    }
    text.truncate(len);
    text
}

/// Commands that make the `i`th key.
type Make = fn(u64) -> Vec<String>;

fn words(line: &[&str]) -> Vec<String> {
    line.iter().map(|&word| word.to_owned()).collect()
}

const KINDS: [(&str, Make); 6] = [
    ("strings", |i| words(&["SET", &format!("key:{i:012}"), &noise(i, 64)])),
    ("texts", |i| {
        let name = noise(i, 6);
        let text = format!(
            "{{\"id\":{i},\"name\":\"user {name}\",\"mail\":\"{name}@example.org\",\"active\":true}}"
        );
        words(&["SET", &format!("key:{i:012}"), &text, "PX", &(1_000_000 + i).to_string()])
    }),
    ("hashes", |i| {
        let mut line = words(&["HSET", &format!("key:{i:012}")]);
        for field in 0..5 {
            line.extend([format!("field:{field}"), noise(i + field, 12)]);
        }
        line
    }),
    ("sorted", |i| {
        words(&[
            "ZADD",
            &format!("key:{}", i / 1000),
            &(i * 7919 % 100_000).to_string(),
            &format!("member:{i}"),
        ])
    }),
    ("lists", |i| {
        words(&["RPUSH", &format!("key:{}", i / 1000), &format!("element {}", noise(i, 20))])
    }),
    ("streams", |i| {
        let id = format!("{}-0", i + 1);
        words(&[
            "XADD",
            &format!("key:{}", i / 1000),
            &id,
            "sensor",
            &(i % 50).to_string(),
            "value",
            &noise(i, 8),
        ])
    }),
];

fn fill(node: &mut Node, conn: ConnId, make: Make, keys: u64) {
    for i in 0..keys {
        let _ = node.handle_bytes(conn, &request::encode(make(i)));
        if i % 64 == 63 || i == keys - 1 {
            while node.run(NOW, Budget::default(), &mut ()) == Run::More {}
            let sent = node.sendable(conn).bytes.len();
            node.handle_sent(NOW, conn, sent);
        }
    }
}

fn main() {
    let mut args = std::env::args().skip(1);
    let count: u64 = args.next().map_or(1_000_000, |keys| keys.parse().expect("a number of keys"));
    let file = args.next();
    println!("{count} of each: megabytes written, and CPU seconds to write and to read");
    for (kind, make) in KINDS {
        let mut node = Node::new(Config::default(), 1, NOW);
        let conn = node.handle_connect(NOW, Peer::default()).expect("room");
        fill(&mut node, conn, make, count);
        let start = cpu_secs();
        let (mut snapshot, mut blocks) = (node.snapshot(NOW), Vec::new());
        while let Some(block) = snapshot.next_block() {
            blocks.push(block);
        }
        let written = cpu_secs();
        let mut copy = Node::new(Config::default(), 2, NOW);
        copy.begin_load(NOW);
        for block in &blocks {
            assert!(copy.handle_loaded(NOW, Load::Bytes(block), &mut ()));
        }
        let read = cpu_secs();
        assert!(copy.handle_loaded(NOW, Load::Done, &mut ()) && copy.digest() == node.digest());
        let bytes: usize = blocks.iter().map(Vec::len).sum();
        println!(
            "{kind:8} {:7.1} {:6.2} {:6.2}",
            bytes as f64 / 1e6,
            written - start,
            read - written
        );
        if let Some(file) = &file {
            std::fs::write(format!("{file}.{kind}"), blocks.concat()).expect("a file");
        }
    }
}
