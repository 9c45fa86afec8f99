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
//! ```
//!
//! Several replies to one command stand one below the other. `UPDATE_SCRIPTS=1` writes down what
//! the engine answers in place of what was expected; look at the difference before keeping it.

use cache_core::protocol::{Value, display, words};
use cache_core::{Budget, Config, ConnId, Node, Now, Peer};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

/// Scripts begin on 1 January 2026.
const EPOCH_MS: u64 = 1_767_225_600_000;

struct Runner {
    node: Node,
    now: Now,
    conns: BTreeMap<u32, ConnId>,
}

impl Runner {
    fn new() -> Self {
        let now = Now::from_millis(EPOCH_MS);
        Runner { node: Node::new(Config::default(), 1, now), now, conns: BTreeMap::new() }
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

    fn advance(&mut self, ms: u64) {
        self.now.mono_us += ms * 1000;
        self.now.wall_us += ms * 1000;
        self.settle();
    }

    fn settle(&mut self) {
        while self.node.run(self.now, Budget::default(), &mut ()) == cache_core::node::Run::More {}
    }

    fn send(&mut self, number: u32, line: &str) {
        let conn = self.conn(number);
        let args = words::split(line.as_bytes()).expect("balanced quotes");
        let bytes = cache_core::protocol::request::encode(&args);
        let _ = self.node.handle_bytes(conn, &bytes);
        self.settle();
    }

    /// What a connection has been sent since it was last asked.
    fn replies(&mut self, number: u32) -> String {
        let conn = self.conn(number);
        let sendable = self.node.sendable(conn);
        let (bytes, close) = (sendable.bytes.to_vec(), sendable.close);
        self.node.handle_sent(self.now, conn, bytes.len());
        let mut shown = String::new();
        let mut rest = &bytes[..];
        while let Some((value, used)) = Value::parse(rest).expect("a reply of the protocol") {
            writeln!(shown, "{}", display::show(&value)).expect("a string takes all");
            rest = &rest[used..];
        }
        assert!(rest.is_empty(), "an unfinished reply: {rest:?}");
        if close {
            self.node.handle_disconnect(conn);
            self.conns.remove(&number);
            shown.push_str("(closed)\n");
        }
        shown
    }
}

/// `> x`, `2> x`, `2<`: the connection, whether it sends, and what.
fn directive(line: &str) -> Option<(u32, bool, &str)> {
    let at = line.find(['>', '<'])?;
    let number = match &line[..at] {
        "" => 1,
        digits => digits.parse().ok()?,
    };
    Some((number, line.as_bytes()[at] == b'>', line[at + 1..].trim()))
}

/// Runs a script and gives it with the replies that came.
fn run(script: &str) -> String {
    let mut runner = Runner::new();
    let mut out = String::new();
    for line in script.lines() {
        if line.is_empty() || line.starts_with('#') {
            writeln!(out, "{line}").expect("a string takes all");
        } else if let Some(time) = line.strip_prefix("@ +") {
            let ms = time.trim().strip_suffix("ms").expect("a time in ms");
            writeln!(out, "{line}").expect("a string takes all");
            runner.advance(ms.parse().expect("a number of ms"));
        } else if let Some((number, sends, command)) = directive(line) {
            writeln!(out, "{line}").expect("a string takes all");
            if sends {
                runner.send(number, command);
            }
            out.push_str(&runner.replies(number));
        }
        // Anything else is an expected reply, which the real one takes the place of.
    }
    out
}

/// Replies may be anything, so a reply that looks like a directive would be taken for one.
fn check(path: &Path) -> Result<(), String> {
    let expected = std::fs::read_to_string(path).expect("a readable script");
    let actual = run(&expected);
    if actual == expected {
        return Ok(());
    }
    if std::env::var_os("UPDATE_SCRIPTS").is_some() {
        std::fs::write(path, actual).expect("a writable script");
        return Ok(());
    }
    let mut report = format!("{}:\n", path.display());
    let differing = expected.lines().zip(actual.lines()).position(|(e, a)| e != a);
    let at = differing.unwrap_or_else(|| expected.lines().count().min(actual.lines().count()));
    for (mark, text) in [("expected", &expected), ("got", &actual)] {
        writeln!(report, "  {mark} (line {}):", at + 1).expect("a string takes all");
        for line in text.lines().skip(at.saturating_sub(3)).take(8) {
            writeln!(report, "    {line}").expect("a string takes all");
        }
    }
    Err(report)
}

#[test]
fn scripts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .expect("a folder of scripts")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|e| e == "script"))
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "no scripts");
    let failures: Vec<String> = paths.iter().filter_map(|path| check(path).err()).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
