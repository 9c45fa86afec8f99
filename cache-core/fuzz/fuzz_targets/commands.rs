//! Every data command with arguments of all kinds, to two nodes: one keeps values in their small forms
//! as long as it can, the other makes them large at once. Both answer alike and hold the same, their
//! effects bring an empty node to the same, and when all is flushed no byte is left.
#![no_main]

use cache_core::commands::{self, Flags, Spec, Tips};
use cache_core::node::Run;
use cache_core::protocol::{Value, request};
use cache_core::{Budget, Config, ConnId, Node, Now, Peer};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

const START_MS: u64 = 1_767_225_600_000;
/// The groups of commands about data.
const GROUPS: [&str; 11] = [
    "bitmap",
    "generic",
    "geo",
    "hash",
    "hyperloglog",
    "list",
    "set",
    "sorted-set",
    "stream",
    "string",
    "transactions",
];
/// What tells of forms, or takes by an order or a chance that differs between them.
const LEFT_OUT: [&str; 9] =
    ["debug", "dump", "migrate", "move", "object", "restore", "sort", "spop", "wait"];
/// Limits of small forms.
const LIMITS: [&str; 8] = [
    "hash-max-listpack-entries",
    "hash-max-listpack-value",
    "list-max-listpack-size",
    "set-max-intset-entries",
    "set-max-listpack-entries",
    "set-max-listpack-value",
    "zset-max-listpack-entries",
    "zset-max-listpack-value",
];
const EXTREMES: [&str; 16] = [
    "0",
    "-0",
    "-1",
    "+1",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "4294967296",
    "2147483648",
    "inf",
    "-inf",
    "nan",
    "1e400",
    "(1.5",
    "5e-324",
    "3-1",
];

#[derive(Arbitrary, Debug)]
enum Arg {
    Key(u8),
    /// One of the words that the command knows.
    Word(u8),
    Integer(i8),
    Extreme(u8),
    Float(f32),
    Text(u8),
    Bytes(Vec<u8>),
    /// Many of the same kind, each another one.
    Many(u8),
}

#[derive(Arbitrary, Debug)]
struct Call {
    command: u16,
    args: Vec<Arg>,
    ms: u16,
}

static COMMANDS: LazyLock<Vec<&'static Spec>> = LazyLock::new(|| {
    let left_out = |spec: &Spec| {
        LEFT_OUT.iter().any(|name| spec.name.split(['|', '_']).next() == Some(*name))
    };
    commands::all()
        .filter(|spec| GROUPS.contains(&spec.group.name()) && !left_out(spec))
        .filter(|spec| commands::subcommands(spec).next().is_none())
        .collect()
});

struct World {
    node: Node,
    conn: ConnId,
    effects: Vec<u8>,
}

impl World {
    fn new(limit: &str) -> Self {
        let mut config = Config::default();
        for name in LIMITS {
            config.set(name, limit).expect("a good setting");
        }
        // A long string is as good as a very long one, and the fuzzer has a limit of its own.
        config.set("proto-max-bulk-len", "1mb").expect("a good setting");
        let now = Now::from_millis(START_MS);
        let mut node = Node::new(config, 1, now);
        node.record_effects();
        let peer = Peer { alone: true, ..Peer::default() };
        let conn = node.handle_connect(now, peer).expect("room");
        World { node, conn, effects: Vec::new() }
    }

    /// What a command is answered with.
    fn ask<T: AsRef<[u8]>>(&mut self, now: Now, words: &[T]) -> Vec<u8> {
        let _ = self.node.handle_bytes(self.conn, &request::encode(words));
        while self.node.run(now, Budget::default(), &mut ()) == Run::More {}
        let bytes = self.node.sendable(self.conn).bytes.to_vec();
        self.node.handle_sent(now, self.conn, bytes.len());
        while let Some(store) = self.node.poll_store() {
            self.effects.extend(store.bytes);
        }
        bytes
    }

    /// An empty node that obeys the effects holds the same.
    fn check_effects(&self, now: Now) {
        let mut node = Node::new(Config::default(), 2, now);
        let peer = Peer { replay: true, ..Peer::default() };
        let replayer = node.handle_connect(now, peer).expect("room");
        node.replay(now, replayer, &self.effects, &mut ());
        assert!(!node.sendable(replayer).close, "an effect that can't be obeyed");
        assert_eq!(node.digest(), self.node.digest(), "the effects tell it otherwise");
    }
}

fn words(call: &Call) -> (&'static Spec, Vec<Vec<u8>>) {
    let spec = COMMANDS[usize::from(call.command) % COMMANDS.len()];
    let known: Vec<&str> = spec
        .syntax
        .split(|c: char| !c.is_ascii_alphanumeric() && !"=~$*-_".contains(c))
        .filter(|word| !word.is_empty() && !word.bytes().any(|b| b.is_ascii_lowercase()))
        .collect();
    let mut words: Vec<Vec<u8>> = spec.name.split('|').map(Into::into).collect();
    for arg in call.args.iter().take(64) {
        match arg {
            Arg::Key(k) => words.push(format!("key:{}", k % 6).into()),
            Arg::Word(n) if known.is_empty() => words.push(n.to_string().into()),
            Arg::Word(n) => words.push(known[usize::from(*n) % known.len()].into()),
            Arg::Integer(n) => words.push(n.to_string().into()),
            Arg::Extreme(n) => words.push(EXTREMES[usize::from(*n) % EXTREMES.len()].into()),
            Arg::Float(f) => words.push(f.to_string().into()),
            Arg::Text(n) => words.push("t".repeat(usize::from(*n) * usize::from(*n)).into()),
            Arg::Bytes(bytes) => words.push(bytes.clone()),
            Arg::Many(n) => words.extend((0..=*n).map(|i| i.to_string().into_bytes())),
        }
    }
    let fewest = usize::from(spec.arity.unsigned_abs());
    while words.len() < fewest {
        words.push(format!("key:{}", words.len() % 3).into());
    }
    (spec, words)
}

/// Whether the answer depends on nothing but what is held.
fn is_certain(spec: &Spec) -> bool {
    let chance = Tips::NONDETERMINISTIC_OUTPUT | Tips::NONDETERMINISTIC_OUTPUT_ORDER;
    !spec.tips.intersects(chance) && spec.group.name() != "transactions"
}

fuzz_target!(|calls: Vec<Call>| {
    let (mut small, mut large) = (World::new("10000"), World::new("1"));
    let mut now = Now::from_millis(START_MS);
    for call in calls.iter().take(256) {
        now.mono_us += u64::from(call.ms) * 1000;
        now.wall_us += u64::from(call.ms) * 1000;
        let (spec, words) = words(call);
        let by_chance = spec.flags.contains(Flags::WRITE) && spec.tips.contains(Tips::NONDETERMINISTIC_OUTPUT);
        if by_chance {
            continue;
        }
        let (one, other) = (small.ask(now, &words), large.ask(now, &words));
        let mut rest = &one[..];
        while let Some((_, used)) = Value::parse(rest).expect("our own replies can be read") {
            rest = &rest[used..];
        }
        assert!(rest.is_empty(), "a reply without its end");
        if is_certain(spec) {
            assert_eq!(one, other, "{} answers otherwise from its large form", spec.name);
        }
    }
    assert_eq!(small.node.digest(), large.node.digest(), "the forms came to hold different things");
    small.ask(now, &["DISCARD"]);
    large.ask(now, &["DISCARD"]);
    small.check_effects(now);
    large.check_effects(now);
    for mut world in [small, large] {
        world.ask(now, &["FLUSHALL"]);
        // What is large is freed by and by.
        for _ in 0..10_000 {
            if world.node.keyspace().used_bytes() == 0 {
                break;
            }
            let _ = world.node.run(now, Budget::default(), &mut ());
        }
        assert_eq!(world.node.keyspace().used_bytes(), 0);
    }
});
