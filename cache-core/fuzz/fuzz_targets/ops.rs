//! Pipelines of commands against a plain map with a clock: the same answers, the same data, bytes
//! that come back to nothing, and clones that go their own way.
#![no_main]

use cache_core::node::Run;
use cache_core::protocol::request;
use cache_core::{Budget, Config, ConnId, Node, Now, Peer};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use std::collections::BTreeMap;

const START_MS: u64 = 1_767_225_600_000;
const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Op {
    Set(u8, u16),
    SetFor(u8, u16, u8),
    SetMany(u8, u16),
    Get(u8),
    Del(u8),
    DelMany(u8),
    Append(u8, u16),
    SetRange(u8, u16, u8),
    Expire(u8, u8),
    Persist(u8),
    Rename(u8, u8),
    HSet(u8, u8, u8),
    HSetMany(u8, u16),
    HDel(u8, u8),
    HGet(u8, u8),
    Flush,
}

/// What is sent at once, and how long it takes until then.
#[derive(Arbitrary, Debug)]
struct Turn {
    ms: u8,
    /// Whether a clone goes on beside it from here.
    fork: bool,
    ops: Vec<Op>,
}

#[derive(Clone, Debug)]
enum Value {
    String(Vec<u8>),
    Hash(BTreeMap<String, String>),
}

type Model = BTreeMap<Vec<u8>, (Value, Option<u64>)>;

#[derive(Clone)]
struct World {
    node: Node,
    conn: ConnId,
    model: Model,
    ms: u64,
    sent: Vec<u8>,
    wanted: Vec<u8>,
}

/// Half of all keys are of one slot; some are long.
fn key(k: u8) -> Vec<u8> {
    let name = if k < 128 { format!("{{t}}{k}") } else { format!("key:{k}") };
    let len = if k % 7 == 0 { 40 * usize::from(k) / 7 } else { 0 };
    format!("{name:x<len$}").into_bytes()
}

fn value(seed: u16) -> Vec<u8> {
    vec![seed as u8; usize::from(seed % 3000)]
}

impl World {
    fn new() -> Self {
        let now = Now::from_millis(START_MS);
        let mut node = Node::new(Config::default(), 1, now);
        let conn = node.handle_connect(now, Peer::default()).expect("room");
        let (model, sent, wanted) = (Model::new(), Vec::new(), Vec::new());
        World { node, conn, model, ms: START_MS, sent, wanted }
    }

    fn say(&mut self, args: &[&[u8]], answer: impl AsRef<[u8]>) {
        self.sent.extend(request::encode(args));
        self.wanted.extend_from_slice(answer.as_ref());
    }

    fn number(&mut self, args: &[&[u8]], n: usize) {
        self.say(args, format!(":{n}\r\n"));
    }

    fn bulk(&mut self, args: &[&[u8]], bytes: Option<&[u8]>) {
        let bulk =
            |bytes: &[u8]| [format!("${}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
        self.say(args, bytes.map_or(b"$-1\r\n".to_vec(), bulk));
    }

    fn set(&mut self, k: u8, seed: u16) {
        self.say(&[b"SET", &key(k), &value(seed)], "+OK\r\n");
        self.model.insert(key(k), (Value::String(value(seed)), None));
    }

    fn del(&mut self, k: u8) {
        let there = self.model.remove(&key(k)).is_some();
        self.number(&[b"DEL", &key(k)], there.into());
    }

    /// Changes a string that is there or begins as an empty one.
    fn string(&mut self, args: &[&[u8]], change: impl FnOnce(&mut Vec<u8>)) {
        let new = || (Value::String(Vec::new()), None);
        match &mut self.model.entry(args[1].to_vec()).or_insert_with(new).0 {
            Value::String(bytes) => {
                change(bytes);
                let len = bytes.len();
                self.number(args, len);
            }
            Value::Hash(_) => self.say(args, WRONG_TYPE),
        }
    }

    fn hset(&mut self, k: u8, fields: &[(String, String)]) {
        let key = key(k);
        let mut args = vec![&b"HSET"[..], &key];
        args.extend(fields.iter().flat_map(|(name, v)| [name.as_bytes(), v.as_bytes()]));
        let new = || (Value::Hash(BTreeMap::new()), None);
        match &mut self.model.entry(key.clone()).or_insert_with(new).0 {
            Value::Hash(hash) => {
                let before = hash.len();
                hash.extend(fields.iter().cloned());
                let more = hash.len() - before;
                self.number(&args, more);
            }
            Value::String(_) => self.say(&args, WRONG_TYPE),
        }
    }

    fn play(&mut self, op: Op) {
        match op {
            Op::Set(k, seed) => self.set(k, seed),
            Op::SetFor(k, seed, ms) => {
                let ms = u64::from(ms) + 1;
                let px = ms.to_string();
                self.say(&[b"SET", &key(k), &value(seed), b"PX", px.as_bytes()], "+OK\r\n");
                let entry = (Value::String(value(seed)), Some(self.ms + ms));
                self.model.insert(key(k), entry);
            }
            Op::SetMany(k, seed) => (k..=k.saturating_add(70)).for_each(|k| self.set(k, seed)),
            Op::Get(k) => match self.model.get(&key(k)).cloned() {
                Some((Value::Hash(_), _)) => self.say(&[b"GET", &key(k)], WRONG_TYPE),
                Some((Value::String(bytes), _)) => self.bulk(&[b"GET", &key(k)], Some(&bytes)),
                None => self.bulk(&[b"GET", &key(k)], None),
            },
            Op::Del(k) => self.del(k),
            Op::DelMany(k) => (k..=k.saturating_add(70)).for_each(|k| self.del(k)),
            Op::Append(k, seed) => {
                let more = value(seed);
                self.string(&[b"APPEND", &key(k), &more], |bytes| bytes.extend(&more));
            }
            Op::SetRange(k, at, byte) => {
                let (at, end) = (usize::from(at % 4000), usize::from(at % 4000) + 1);
                let offset = at.to_string();
                self.string(&[b"SETRANGE", &key(k), offset.as_bytes(), &[byte]], |bytes| {
                    bytes.resize(bytes.len().max(end), 0);
                    bytes[at] = byte;
                });
            }
            Op::Expire(k, ms) => {
                let ms = u64::from(ms) + 1;
                let found = self.model.get_mut(&key(k)).map(|(_, at)| *at = Some(self.ms + ms));
                self.number(&[b"PEXPIRE", &key(k), ms.to_string().as_bytes()], found.iter().len());
            }
            Op::Persist(k) => {
                let had = self.model.get_mut(&key(k)).and_then(|(_, at)| at.take());
                self.number(&[b"PERSIST", &key(k)], had.iter().len());
            }
            Op::Rename(a, b) => match self.model.remove(&key(a)) {
                Some(entry) => {
                    self.say(&[b"RENAME", &key(a), &key(b)], "+OK\r\n");
                    self.model.insert(key(b), entry);
                }
                None => self.say(&[b"RENAME", &key(a), &key(b)], "-ERR no such key\r\n"),
            },
            Op::HSet(k, f, v) => self.hset(k, &[(f.to_string(), "v".repeat(v.into()))]),
            Op::HSetMany(k, n) => {
                let field = |i: u16| (i.to_string(), "v".to_owned());
                self.hset(k, &(n..=n.saturating_add(300)).map(field).collect::<Vec<_>>());
            }
            Op::HDel(k, f) => {
                let (key, f) = (key(k), f.to_string());
                let args = [&b"HDEL"[..], &key, f.as_bytes()];
                match self.model.get_mut(&key) {
                    Some((Value::String(_), _)) => self.say(&args, WRONG_TYPE),
                    Some((Value::Hash(hash), _)) => {
                        let there = hash.remove(&f).is_some();
                        if hash.is_empty() {
                            self.model.remove(&key);
                        }
                        self.number(&args, there.into());
                    }
                    None => self.number(&args, 0),
                }
            }
            Op::HGet(k, f) => {
                let (key, f) = (key(k), f.to_string());
                let args = [&b"HGET"[..], &key, f.as_bytes()];
                match self.model.get(&key).cloned() {
                    Some((Value::String(_), _)) => self.say(&args, WRONG_TYPE),
                    Some((Value::Hash(h), _)) => self.bulk(&args, h.get(&f).map(|v| v.as_bytes())),
                    None => self.bulk(&args, None),
                }
            }
            Op::Flush => {
                self.say(&[b"FLUSHALL"], "+OK\r\n");
                self.model.clear();
            }
        }
    }

    fn turn(&mut self, turn: &Turn) {
        self.ms += u64::from(turn.ms);
        let ms = self.ms;
        self.model.retain(|_, (_, at)| at.is_none_or(|at| at >= ms));
        turn.ops.iter().for_each(|op| self.play(*op));
        let sent = core::mem::take(&mut self.sent);
        // The node's own clock starts where its wall time does.
        let now = Now::from_millis(ms);
        let _ = self.node.handle_bytes(self.conn, &sent);
        while self.node.run(now, Budget::default(), &mut ()) == Run::More {}
        let heard = self.node.sendable(self.conn).bytes;
        let wanted = core::mem::take(&mut self.wanted);
        if heard != wanted {
            let same = heard.iter().zip(&wanted).take_while(|(a, b)| a == b).count();
            let around = |bytes: &[u8]| {
                let part = &bytes[same.saturating_sub(40)..bytes.len().min(same + 40)];
                String::from_utf8_lossy(part).into_owned()
            };
            panic!("at {same}: heard {:?}, wanted {:?}", around(heard), around(&wanted));
        }
        self.node.handle_sent(now, self.conn, wanted.len());
    }

    /// All that is there is the model's, and nothing is left when it goes.
    fn end(mut self) {
        let ms = self.ms;
        let live = self.node.keyspace().iter(0).filter(|e| e.expires_at().is_none_or(|at| at >= ms));
        assert_eq!(live.count(), self.model.len());
        for (key, (value, at)) in &self.model {
            let entry = self.node.keyspace().get(0, key).expect("a key of the model");
            assert_eq!(entry.expires_at(), *at);
            match value {
                Value::String(bytes) => assert_eq!(entry.as_string(), Some(&bytes[..])),
                Value::Hash(_) => assert_eq!(entry.type_name(), "hash"),
            }
        }
        let keys: Vec<_> = self.node.keyspace().iter(0).map(|e| e.key().to_vec()).collect();
        for key in keys {
            let there = self.model.remove(&key).is_some();
            self.number(&[b"DEL", &key], there.into());
        }
        self.turn(&Turn { ms: 0, fork: false, ops: Vec::new() });
        let keyspace = self.node.keyspace();
        assert_eq!((keyspace.used_bytes(), keyspace.len(0), keyspace.volatile_len(0)), (0, 0, 0));
        assert_eq!(keyspace.slack_bytes(), 0);
    }
}

fuzz_target!(|turns: Vec<Turn>| {
    let mut worlds = vec![World::new()];
    for turn in turns.iter().take(64) {
        if turn.fork && worlds.len() < 4 {
            worlds.push(worlds[0].clone());
        }
        // With an odd number of worlds only every second one goes on.
        let step = 1 + worlds.len() % 2;
        worlds.iter_mut().step_by(step).for_each(|world| world.turn(turn));
    }
    worlds.into_iter().for_each(World::end);
});
