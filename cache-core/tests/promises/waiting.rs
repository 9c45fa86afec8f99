//! Commands that wait for a key: nothing is lost, nobody is passed over, nobody is forgotten.

use super::{START, node, say};
use crate::hostile::settle;
use cache_core::node::{Action, INPUT_HIGH_WATER, Run};
use cache_core::protocol::{Value, request};
use cache_core::time::Timeout;
use cache_core::{Budget, Config, ConnId, Node, Now, Peer};
use proptest::prelude::*;
use std::collections::{BTreeSet, VecDeque};

fn connect(node: &mut Node) -> ConnId {
    node.handle_connect(START, Peer::default()).expect("room")
}

/// Sends a command and gives what the connection has been sent by then.
fn tell(node: &mut Node, now: Now, conn: ConnId, args: &[&str]) -> String {
    let _ = node.handle_bytes(conn, &request::encode(args));
    hear(node, now, conn)
}

fn hear(node: &mut Node, now: Now, conn: ConnId) -> String {
    while node.run(now, Budget::default(), &mut ()) == Run::More {}
    let bytes = node.sendable(conn).bytes.to_vec();
    node.handle_sent(now, conn, bytes.len());
    String::from_utf8(bytes).expect("ASCII")
}

fn after(ms: u64) -> Now {
    Now { mono_us: START.mono_us + ms * 1000, wall_us: START.wall_us + ms * 1000 }
}

#[derive(Clone, Debug)]
enum Op {
    /// A client waits for some of the keys, until so many milliseconds have passed.
    Wait(usize, Vec<u8>, u16),
    /// So many elements are pushed to a key.
    Push(u8, u8),
    /// An element goes from a key to another.
    Move(u8, u8),
    Gone(usize),
    Unblock(usize),
    Pass(u16),
}

const CLIENTS: usize = 6;
const KEYS: u8 = 3;

fn op() -> impl Strategy<Value = Op> {
    let keys = prop::collection::vec(0..KEYS, 1..4);
    prop_oneof![
        6 => (0..CLIENTS, keys, 1u16..500).prop_map(|(who, keys, ms)| Op::Wait(who, keys, ms)),
        4 => (0..KEYS, 1u8..4).prop_map(|(key, count)| Op::Push(key, count)),
        1 => (0..KEYS, 0..KEYS).prop_map(|(from, to)| Op::Move(from, to)),
        1 => (0..CLIENTS).prop_map(Op::Gone),
        1 => (0..CLIENTS).prop_map(Op::Unblock),
        2 => (1u16..300).prop_map(Op::Pass),
    ]
}

/// A waiting client as it should be.
#[derive(Debug)]
struct Waiter {
    client: usize,
    keys: Vec<u8>,
    until: u64,
}

/// What should be: lists, and those who wait in the order in which they came.
#[derive(Debug, Default)]
struct Model {
    lists: [VecDeque<u32>; KEYS as usize],
    waiters: Vec<Waiter>,
    heard: Vec<(usize, String)>,
}

impl Model {
    fn take(&mut self, client: usize, keys: &[u8]) -> bool {
        for &key in keys {
            if let Some(element) = self.lists[usize::from(key)].pop_front() {
                let text = element.to_string();
                let reply = format!("*2\r\n$1\r\n{key}\r\n${}\r\n{text}\r\n", text.len());
                self.heard.push((client, reply));
                return true;
            }
        }
        false
    }

    /// A key has a list that it may not have had before.
    fn serve(&mut self, key: u8) {
        let mut i = 0;
        while i < self.waiters.len() {
            let Waiter { client, keys, .. } = &self.waiters[i];
            let (client, keys) = (*client, keys.clone());
            if keys.contains(&key)
                && !self.lists[usize::from(key)].is_empty()
                && self.take(client, &keys)
            {
                self.waiters.remove(i);
            } else {
                i += 1;
            }
        }
    }

    fn waits(&self, client: usize) -> bool {
        self.waiters.iter().any(|waiter| waiter.client == client)
    }

    fn end(&mut self, client: usize, reply: Option<&str>) {
        self.waiters.retain(|waiter| waiter.client != client);
        if let Some(reply) = reply {
            self.heard.push((client, reply.into()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn elements_go_to_those_who_have_waited_longest(ops in prop::collection::vec(op(), 1..80)) {
        let mut node = Node::new(Config::default(), 1, START);
        let mut clients = [(); CLIENTS].map(|()| connect(&mut node));
        let pusher = connect(&mut node);
        let (mut model, mut ms, mut next) = (Model::default(), 0u64, 0u32);
        for op in &ops {
            match op {
                Op::Wait(who, keys, timeout) => {
                    if model.waits(*who) {
                        continue;
                    }
                    let seconds = format!("0.{timeout:03}");
                    let names: Vec<String> = keys.iter().map(u8::to_string).collect();
                    let mut args = vec!["BLPOP"];
                    args.extend(names.iter().map(String::as_str));
                    args.push(&seconds);
                    let _ = node.handle_bytes(clients[*who], &request::encode(&args));
                    if !model.take(*who, keys) {
                        let until = ms + u64::from(*timeout);
                        model.waiters.push(Waiter { client: *who, keys: keys.clone(), until });
                    }
                }
                Op::Push(key, count) => {
                    let mut args = vec!["RPUSH".to_owned(), key.to_string()];
                    for _ in 0..*count {
                        model.lists[usize::from(*key)].push_back(next);
                        args.push(next.to_string());
                        next += 1;
                    }
                    let args: Vec<&str> = args.iter().map(String::as_str).collect();
                    tell(&mut node, after(ms), pusher, &args);
                    model.serve(*key);
                }
                Op::Move(from, to) => {
                    let (a, b) = (from.to_string(), to.to_string());
                    tell(&mut node, after(ms), pusher, &["LMOVE", &a, &b, "LEFT", "RIGHT"]);
                    if let Some(element) = model.lists[usize::from(*from)].pop_front() {
                        model.lists[usize::from(*to)].push_back(element);
                        model.serve(*to);
                    }
                }
                Op::Gone(who) => {
                    node.handle_disconnect(clients[*who]);
                    clients[*who] = connect(&mut node);
                    model.end(*who, None);
                }
                Op::Unblock(who) => {
                    let id = clients[*who].id.to_string();
                    let reply = tell(&mut node, after(ms), pusher, &["CLIENT", "UNBLOCK", &id]);
                    prop_assert_eq!(reply == ":1\r\n", model.waits(*who));
                    if model.waits(*who) {
                        model.end(*who, Some("*-1\r\n"));
                    }
                }
                Op::Pass(by) => {
                    ms += u64::from(*by);
                    let over = model.waiters.iter().filter(|waiter| waiter.until <= ms);
                    let over: Vec<usize> = over.map(|waiter| waiter.client).collect();
                    over.into_iter().for_each(|who| model.end(who, Some("*-1\r\n")));
                }
            }
            let mut expected: Vec<(usize, String)> = core::mem::take(&mut model.heard);
            expected.sort();
            let mut heard = Vec::new();
            for (who, &conn) in clients.iter().enumerate() {
                let reply = hear(&mut node, after(ms), conn);
                if !reply.is_empty() {
                    heard.push((who, reply));
                }
            }
            prop_assert_eq!(heard, expected, "after {:?}", op);
            let info = tell(&mut node, after(ms), pusher, &["INFO", "clients"]);
            let blocked = format!("blocked_clients:{}\r\n", model.waiters.len());
            prop_assert!(info.contains(&blocked), "{} in {}", blocked, info);
        }
        for (key, list) in model.lists.iter().enumerate() {
            let reply = tell(&mut node, after(ms), pusher, &["LRANGE", &key.to_string(), "0", "-1"]);
            let expected = list.iter().map(|e| Value::Bulk(e.to_string().into_bytes())).collect();
            let (value, _) = Value::parse(reply.as_bytes()).expect("RESP").expect("whole");
            prop_assert_eq!(value, Value::Array(expected));
        }
    }
}

/// A ring of lists, and at each a crowd that hands every element on to the next.
#[test]
fn a_ring_of_lists_comes_to_rest() {
    let mut node = Node::new(Config::default(), 1, START);
    let pusher = connect(&mut node);
    let waiting: Vec<ConnId> = (0..3000)
        .map(|i| {
            let conn = connect(&mut node);
            let (from, to) = ((i % 3).to_string(), ((i + 1) % 3).to_string());
            let args = ["BLMOVE", &from, &to, "LEFT", "RIGHT", "0"];
            assert_eq!(tell(&mut node, START, conn, &args), "");
            conn
        })
        .collect();
    tell(&mut node, START, pusher, &["RPUSH", "0", "x"]);
    let served = waiting.iter().filter(|&&conn| !node.sendable(conn).bytes.is_empty()).count();
    assert_eq!(served, 3000);
    assert_eq!(tell(&mut node, START, pusher, &["LRANGE", "0", "0", "-1"]), "*1\r\n$1\r\nx\r\n");
}

/// Each push has one waiter to look for, however many there are.
#[test]
fn a_crowd_is_served_one_by_one() {
    let mut node = Node::new(Config::default(), 1, START);
    let pusher = connect(&mut node);
    let waiting: Vec<ConnId> = (0..9000).map(|_| connect(&mut node)).collect();
    for &conn in &waiting {
        assert_eq!(tell(&mut node, START, conn, &["BLPOP", "a", "b", "l", "0"]), "");
    }
    for (i, &conn) in waiting.iter().enumerate() {
        let element = i.to_string();
        tell(&mut node, START, pusher, &["RPUSH", "l", &element]);
        let expected = format!("*2\r\n$1\r\nl\r\n${}\r\n{element}\r\n", element.len());
        assert_eq!(hear(&mut node, START, conn), expected);
    }
}

#[test]
fn what_a_waiting_client_sends_is_held_back_at_its_host() {
    let (mut node, conn) = node(&[]);
    let pusher = connect(&mut node);
    tell(&mut node, START, conn, &["BLPOP", "l", "0"]);
    let mut sent = 0;
    while !node.handle_bytes(conn, &request::encode(["INCR", "n"])).pause {
        settle(&mut node);
        sent += 1;
        assert!(sent * 20 < 2 * INPUT_HIGH_WATER, "it should be asked to stop");
    }
    assert_eq!(tell(&mut node, START, pusher, &["EXISTS", "n"]), ":0\r\n");
    tell(&mut node, START, pusher, &["RPUSH", "l", "x"]);
    assert!(core::iter::from_fn(|| node.poll_action()).any(|a| a == Action::ResumeReading(conn)));
    let heard = hear(&mut node, START, conn);
    assert!(heard.starts_with("*2\r\n$1\r\nl\r\n$1\r\nx\r\n:1\r\n:2\r\n"));
    assert!(heard.ends_with(&format!(":{}\r\n", sent + 1)));
}

#[test]
fn a_host_is_told_when_waiting_ends() {
    let (mut node, conn) = node(&[]);
    let other = connect(&mut node);
    assert_eq!(node.poll_timeout(), None);
    tell(&mut node, START, conn, &["BLPOP", "l", "0.25"]);
    tell(&mut node, START, other, &["BRPOP", "l", "0"]);
    assert_eq!(node.poll_timeout(), Some(Timeout::Deadline(after(250).mono_us)));
    assert_eq!(hear(&mut node, after(249), conn), "");
    assert_eq!(hear(&mut node, after(250), conn), "*-1\r\n");
    assert_eq!(node.poll_timeout(), None);
    // A pause that ends lets those be served who were not during it: a link's effects don't wait.
    tell(&mut node, after(250), conn, &["CLIENT", "PAUSE", "100", "WRITE"]);
    let link = Peer { replay: true, ..Peer::default() };
    let link = node.handle_connect(after(250), link).expect("room");
    node.replay(after(250), link, &request::encode(["RPUSH", "l", "x"]), &mut ());
    node.handle_disconnect(link);
    assert_eq!(hear(&mut node, after(300), other), "");
    assert_eq!(node.poll_timeout(), Some(Timeout::Deadline(after(350).mono_us)));
    assert_eq!(hear(&mut node, after(350), other), "*2\r\n$1\r\nl\r\n$1\r\nx\r\n");
}

/// As in the JavaScript library, whose one connection could never be served.
#[test]
fn who_is_alone_does_not_wait() {
    let mut node = Node::new(Config::default(), 1, START);
    let peer = Peer { alone: true, ..Peer::default() };
    let conn = node.handle_connect(START, peer).expect("room");
    assert_eq!(tell(&mut node, START, conn, &["BLPOP", "l", "0"]), "*-1\r\n");
    assert_eq!(tell(&mut node, START, conn, &["RPUSH", "l", "x"]), ":1\r\n");
    assert_eq!(tell(&mut node, START, conn, &["BLPOP", "l", "0"]), "*2\r\n$1\r\nl\r\n$1\r\nx\r\n");
    assert_eq!(tell(&mut node, START, conn, &["BLMOVE", "l", "m", "LEFT", "LEFT", "0"]), "$-1\r\n");
}

#[test]
fn nothing_is_taken_for_who_is_being_closed() {
    let (mut node, killer) = node(&[]);
    let [killed, next] = [(); 2].map(|()| connect(&mut node));
    for conn in [killed, next] {
        tell(&mut node, START, conn, &["BLPOP", "l", "0"]);
    }
    let commands = [
        request::encode(["CLIENT", "KILL", "ID", &killed.id.to_string()]),
        request::encode(["RPUSH", "l", "x"]),
    ];
    let _ = node.handle_bytes(killer, &commands.concat());
    assert_eq!(hear(&mut node, START, killer), ":1\r\n:1\r\n");
    assert!(node.sendable(killed).close);
    assert_eq!(hear(&mut node, START, next), "*2\r\n$1\r\nl\r\n$1\r\nx\r\n");
    node.handle_disconnect(killed);
    assert!(
        say(&mut node, killer, &["INFO", "clients"]).expect("text").contains("blocked_clients:0")
    );
}

/// Its keys may be many, and each is forgotten.
#[test]
fn who_waits_for_many_keys_leaves_none_behind() {
    let (mut node, conn) = node(&[]);
    let pusher = connect(&mut node);
    let names: Vec<String> = (0..20_000).map(|i| format!("key:{}", i % 15_000)).collect();
    let mut args = vec!["BRPOP"];
    args.extend(names.iter().map(String::as_str));
    args.push("0");
    assert_eq!(tell(&mut node, START, conn, &args), "");
    let keys = |info: &str| {
        let line = info.lines().find(|line| line.starts_with("total_blocking_keys:"));
        line.map(str::to_owned)
    };
    let info = tell(&mut node, START, pusher, &["INFO", "clients"]);
    assert_eq!(keys(&info).as_deref(), Some("total_blocking_keys:15000"));
    tell(&mut node, START, pusher, &["LPUSH", "key:14999", "x"]);
    assert_eq!(hear(&mut node, START, conn), "*2\r\n$9\r\nkey:14999\r\n$1\r\nx\r\n");
    let info = tell(&mut node, START, pusher, &["INFO", "clients"]);
    assert_eq!(keys(&info).as_deref(), Some("total_blocking_keys:0"));
    let waiting: BTreeSet<&str> = info.lines().filter(|line| line.contains("blocked")).collect();
    assert!(waiting.contains("blocked_clients:0"), "{waiting:?}");
}
