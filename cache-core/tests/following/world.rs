//! Several nodes in one thread, and the wires between them: bytes cut anywhere, connections broken at
//! any moment, from one seed.

use cache_core::node::{Action, Run};
use cache_core::protocol::{Value, request};
use cache_core::{Budget, Config, ConnId, Node, Now, Peer};

pub(crate) const START: Now = Now::from_millis(1_767_225_600_000);

/// A small generator: the same seed, the same run.
#[derive(Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound.max(1)
    }
}

/// One end of a wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct End {
    node: usize,
    conn: ConnId,
}

/// A connection between two nodes.
#[derive(Clone)]
struct Wire {
    ends: [End; 2],
    /// What is under way from each end to the other.
    on_way: [Vec<u8>; 2],
    /// Whether the node at each end wants no more for now.
    paused: [bool; 2],
}

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) nodes: Vec<Node>,
    pub(crate) now: Now,
    clients: Vec<ConnId>,
    wires: Vec<Wire>,
    pub(crate) dice: Dice,
    /// The most bytes that a wire carries at a time.
    pub(crate) piece: u64,
    /// Pairs of nodes that can't reach each other.
    pub(crate) apart: Vec<(usize, usize)>,
    /// Lines of all logs.
    pub(crate) log: Vec<String>,
}

impl World {
    /// So many nodes, each with one client.
    pub(crate) fn new(count: usize, seed: u64, settings: &[(&str, &str)]) -> Self {
        let mut world = World {
            nodes: Vec::new(),
            now: START,
            clients: Vec::new(),
            wires: Vec::new(),
            dice: Dice::new(seed),
            piece: u64::MAX,
            apart: Vec::new(),
            log: Vec::new(),
        };
        for at in 0..count {
            let mut config = Config::default();
            config.set("port", &format!("{}", 7000 + at)).expect("a good port");
            for (name, value) in settings {
                config.set(name, value).expect("a good setting");
            }
            let mut node = Node::new(config, seed * 100 + at as u64, START);
            world.clients.push(node.handle_connect(START, Peer::default()).expect("room"));
            world.nodes.push(node);
        }
        world
    }

    /// Sends a command, words apart, and gives the answer; `None` if there is none yet.
    pub(crate) fn say(&mut self, node: usize, command: &str) -> Option<Value> {
        let words: Vec<&str> = command.split(' ').collect();
        self.send(node, &words)
    }

    pub(crate) fn send<T: AsRef<[u8]>>(&mut self, node: usize, words: &[T]) -> Option<Value> {
        let (client, now) = (self.clients[node], self.now);
        let reply = self.nodes[node].request(now, client, words, &mut ())?;
        Some(Value::parse(&reply).expect("a reply")?.0)
    }

    /// What a client was sent since.
    pub(crate) fn hear(&mut self, node: usize) -> Vec<u8> {
        let (client, now) = (self.clients[node], self.now);
        let bytes = self.nodes[node].sendable(client).bytes.to_vec();
        self.nodes[node].handle_sent(now, client, bytes.len());
        bytes
    }

    /// As [`say`](Self::say), for what answers with a text.
    pub(crate) fn text(&mut self, node: usize, command: &str) -> String {
        match self.say(node, command).expect("an answer") {
            Value::Simple(text) | Value::Error(text) | Value::Verbatim(text) => text,
            Value::Bulk(bytes) => String::from_utf8(bytes).expect("text"),
            Value::Integer(number) => number.to_string(),
            Value::Null => "(nil)".into(),
            other => format!("{other:?}"),
        }
    }

    /// A field of INFO.
    pub(crate) fn info(&mut self, node: usize, field: &str) -> String {
        let info = self.text(node, "INFO all");
        let line = info.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        line.unwrap_or_else(|| panic!("no {field} in {info}")).to_owned()
    }

    pub(crate) fn offset(&mut self, node: usize) -> u64 {
        self.info(node, "master_repl_offset").parse().expect("a number")
    }

    pub(crate) fn follow(&mut self, node: usize, primary: usize) {
        let reply = self.text(node, &format!("REPLICAOF node-{primary} {}", 7000 + primary));
        assert!(reply.starts_with("OK"), "{reply}");
    }

    pub(crate) fn advance(&mut self, ms: u64) {
        self.now.mono_us += ms * 1000;
        self.now.wall_us += ms * 1000;
    }

    /// Lets everyone do what can be done at once.
    pub(crate) fn settle(&mut self) {
        for _ in 0..100_000 {
            if !self.step() {
                return;
            }
        }
        panic!("the nodes never come to rest");
    }

    /// Lets time pass, in steps of 100 ms.
    pub(crate) fn pass(&mut self, ms: u64) {
        self.settle();
        for _ in 0..ms.div_ceil(100) {
            self.advance(100);
            self.settle();
        }
    }

    /// Passes time until `done`, at most a minute.
    pub(crate) fn until(&mut self, what: &str, mut done: impl FnMut(&mut World) -> bool) {
        for _ in 0..600 {
            self.settle();
            if done(self) {
                return;
            }
            self.advance(100);
        }
        panic!("never: {what}\n{}", self.log.join("\n"));
    }

    pub(crate) fn is_up(&mut self, node: usize) -> bool {
        self.info(node, "role") == "slave" && self.info(node, "master_link_status") == "up"
    }

    /// Waits until the nodes hold the same and stand at the same place.
    pub(crate) fn agree(&mut self, nodes: &[usize]) {
        let all = nodes.to_vec();
        self.until("all agree", |world| {
            let offsets: Vec<u64> = all.iter().map(|&node| world.offset(node)).collect();
            let up = all[1..].iter().all(|&node| world.is_up(node));
            up && offsets.iter().all(|offset| *offset == offsets[0])
        });
        let ids: Vec<String> = all.iter().map(|&node| self.info(node, "master_replid")).collect();
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        let digests: Vec<u128> = all.iter().map(|&node| self.nodes[node].digest()).collect();
        if digests.iter().any(|digest| *digest != digests[0]) {
            panic!("data differ: {}", self.show(nodes));
        }
    }

    /// The keys that are not alike everywhere, for one who has to find out why.
    pub(crate) fn show(&mut self, nodes: &[usize]) -> String {
        let mut text = self.log.join("\n");
        let all: Vec<Vec<String>> = nodes.iter().map(|&node| keys_of(&self.nodes[node])).collect();
        for (node, keys) in nodes.iter().zip(&all) {
            let odd = |key: &&String| all.iter().any(|other| !other.contains(key));
            let odd: Vec<&str> = keys.iter().filter(odd).map(String::as_str).collect();
            text += &format!("\nnode {node}: {}", odd.join(" "));
        }
        text
    }

    /// The node's part.
    pub(crate) fn info_role(&mut self, node: usize) -> String {
        self.info(node, "role")
    }

    /// Bytes of its primary's data that have come to a node, while they do.
    pub(crate) fn read_bytes(&mut self, node: usize) -> u64 {
        let info = self.text(node, "INFO replication");
        let read = info.lines().find_map(|line| line.strip_prefix("master_sync_read_bytes:"));
        read.map_or(0, |bytes| bytes.parse().expect("a number"))
    }

    /// Takes one more node in.
    pub(crate) fn add(&mut self, mut node: Node) {
        self.clients.push(node.handle_connect(self.now, Peer::default()).expect("room"));
        self.nodes.push(node);
    }

    /// A few steps, so that what has happened is taken note of.
    pub(crate) fn settle_few(&mut self) {
        for _ in 0..5 {
            self.step();
        }
    }

    /// Breaks a wire between two nodes, what is on it lost. `false`: there is none.
    pub(crate) fn cut(&mut self, a: usize, b: usize) -> bool {
        let between = |wire: &Wire| {
            let [x, y] = wire.ends;
            (x.node, y.node) == (a, b) || (x.node, y.node) == (b, a)
        };
        let Some(at) = self.wires.iter().position(between) else { return false };
        self.break_wire(at);
        true
    }

    pub(crate) fn cut_any(&mut self) {
        if !self.wires.is_empty() {
            let at = self.dice.below(self.wires.len() as u64) as usize;
            self.break_wire(at);
        }
    }

    fn break_wire(&mut self, at: usize) {
        let wire = self.wires.remove(at);
        for end in wire.ends {
            self.nodes[end.node].handle_disconnect(end.conn);
        }
    }

    /// `true`: something happened.
    pub(crate) fn step(&mut self) -> bool {
        let mut busy = false;
        for node in 0..self.nodes.len() {
            while self.nodes[node].run(self.now, Budget::default(), &mut ()) == Run::More {
                busy = true;
            }
            busy |= self.act(node);
            busy |= self.send_off(node);
        }
        for at in 0..self.wires.len() {
            busy |= self.carry(at, 0) | self.carry(at, 1);
        }
        busy
    }

    fn act(&mut self, node: usize) -> bool {
        let mut busy = false;
        while let Some(action) = self.nodes[node].poll_action() {
            match action {
                Action::Dial { dial, addr } => {
                    busy = true;
                    self.dial(node, dial, &addr);
                }
                Action::ResumeReading(conn) => {
                    for wire in &mut self.wires {
                        for side in 0..2 {
                            if wire.ends[side] == (End { node, conn }) {
                                wire.paused[side] = false;
                            }
                        }
                    }
                }
                Action::Log { message, .. } => {
                    let secs = (self.now.mono_us - START.mono_us) / 1000;
                    self.log.push(format!("{secs} ms: node {node}: {message}"));
                }
                _ => {}
            }
        }
        busy
    }

    fn dial(&mut self, node: usize, dial: u32, addr: &str) {
        let number = |addr: &str| addr.strip_prefix("node-")?.split(':').next()?.parse().ok();
        // After a failover the address is the one that the connection came from.
        let by_port = |addr: &str| {
            let port: usize = addr.rsplit_once(':')?.1.parse().ok()?;
            port.checked_sub(7000)
        };
        let to: Option<usize> = number(addr).or_else(|| by_port(addr));
        let apart =
            |to: usize| self.apart.contains(&(node, to)) || self.apart.contains(&(to, node));
        let Some(to) = to.filter(|&to| to < self.nodes.len() && !apart(to)) else {
            self.nodes[node].handle_dialed(self.now, dial, Err("connection refused"));
            return;
        };
        let peer = Peer { addr: format!("10.0.0.{node}:50000"), ..Peer::default() };
        let theirs = self.nodes[to].handle_connect(self.now, peer).expect("room");
        match self.nodes[node].handle_dialed(self.now, dial, Ok(Peer::default())) {
            Some(ours) => self.wires.push(Wire {
                ends: [End { node, conn: ours }, End { node: to, conn: theirs }],
                on_way: Default::default(),
                paused: [false; 2],
            }),
            None => self.nodes[to].handle_disconnect(theirs),
        }
    }

    /// Puts what a node has to send on its wires.
    fn send_off(&mut self, node: usize) -> bool {
        let mut busy = false;
        while self.nodes[node].poll_transmit().is_some() {
            busy = true;
        }
        let mut at = 0;
        while at < self.wires.len() {
            let side = self.wires[at].ends.iter().position(|end| end.node == node);
            let Some(side) = side else {
                at += 1;
                continue;
            };
            let conn = self.wires[at].ends[side].conn;
            let sendable = self.nodes[node].sendable(conn);
            let (len, close) = (sendable.bytes.len(), sendable.close);
            let taken = (len as u64).min(1 + self.dice.below(self.piece)) as usize;
            // What is under way is bounded, as sockets are.
            let taken = if self.wires[at].on_way[side].len() > 1 << 20 { 0 } else { taken };
            let bytes = sendable.bytes[..taken.min(len)].to_vec();
            if close && bytes.len() == len {
                // What was sent arrives before the end.
                let far = self.wires[at].ends[1 - side];
                let mut rest = std::mem::take(&mut self.wires[at].on_way[side]);
                rest.extend(&bytes);
                let _ = self.nodes[far.node].handle_bytes(far.conn, &rest);
                while self.nodes[far.node].run(self.now, Budget::default(), &mut ()) == Run::More {}
                self.break_wire(at);
                busy = true;
                continue;
            }
            if !bytes.is_empty() {
                self.nodes[node].handle_sent(self.now, conn, bytes.len());
                self.wires[at].on_way[side].extend(bytes);
                busy = true;
            }
            at += 1;
        }
        busy
    }

    /// Carries a piece from one end to the other.
    fn carry(&mut self, at: usize, from: usize) -> bool {
        let Some(wire) = self.wires.get_mut(at) else { return false };
        let to = wire.ends[1 - from];
        if wire.on_way[from].is_empty() || wire.paused[1 - from] {
            return false;
        }
        let len = (wire.on_way[from].len() as u64).min(1 + self.dice.below(self.piece)) as usize;
        let bytes: Vec<u8> = wire.on_way[from].drain(..len).collect();
        let intake = self.nodes[to.node].handle_bytes(to.conn, &bytes);
        self.wires[at].paused[1 - from] = intake.pause;
        true
    }

    /// Opens a connection to a node by hand.
    pub(crate) fn connect(&mut self, node: usize) -> ConnId {
        let peer = Peer { addr: "10.9.9.9:40000".into(), ..Peer::default() };
        self.nodes[node].handle_connect(self.now, peer).expect("room")
    }

    /// Says something on such a connection, and gives what has been sent on it.
    pub(crate) fn exchange(&mut self, node: usize, conn: ConnId, words: &[&str]) -> Vec<u8> {
        let bytes = request::encode(words);
        self.exchange_raw(node, conn, &bytes)
    }

    pub(crate) fn exchange_raw(&mut self, node: usize, conn: ConnId, bytes: &[u8]) -> Vec<u8> {
        let _ = self.nodes[node].handle_bytes(conn, bytes);
        let mut out = Vec::new();
        loop {
            while self.nodes[node].run(self.now, Budget::default(), &mut ()) == Run::More {}
            let bytes = self.nodes[node].sendable(conn).bytes.to_vec();
            if bytes.is_empty() {
                return out;
            }
            self.nodes[node].handle_sent(self.now, conn, bytes.len());
            out.extend(bytes);
        }
    }
}

fn keys_of(node: &Node) -> Vec<String> {
    let keyspace = node.keyspace();
    let show = |db, e: cache_core::keyspace::Entry<'_>| {
        let value = e.as_string().map(|s| String::from_utf8_lossy(s).into_owned());
        let key = String::from_utf8_lossy(e.key()).into_owned();
        format!("{db}:{key}={value:?}@{:?}", e.expires_at())
    };
    let dbs = 0..keyspace.databases();
    dbs.flat_map(|db| keyspace.iter(db).map(move |e| show(db, e)).collect::<Vec<_>>()).collect()
}
