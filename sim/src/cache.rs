//! The cache node's host: what a server does for the engine, in simulated time.
//!
//! Bytes come in over links; the node runs in turns that take modelled time; replies leave when
//! their turn is over. What must never be here: the meaning of a command, and anything about hits
//! and misses but what the observer says.

use crate::client::{Client, Delivery};
use crate::event::{CacheTrouble, EventKind, MessageKind, Place, RequestId};
use crate::random::{Purpose, Random};
use crate::scenario::{MAX_APPS, Scenario};
use crate::watch::Watch;
use crate::world::{ClientId, Segment, Step, World};
use cache_core::node::{Action, Run};
use cache_core::time::Timeout;
use cache_core::{Budget, Config, ConnId, Node, Peer};

/// Commands that one turn of the node's loop runs at the most.
const TURN_COMMANDS: u32 = 64;
/// Output of one turn at which commands may have been held back: another turn looks.
const LARGE_OUTPUT: usize = 1 << 20;
/// `proto-max-bulk-len` of simulated nodes: a browser tab is no place for strings of 512 MB.
const MAX_BULK: &str = "1mb";
/// A limit on memory holds even when the scenario asks for none.
const MAX_MEMORY: u64 = 256 << 20;

/// Where the node is in its loop. `plan` tells the steps of this state from those of earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The process is gone.
    Down,
    /// It sleeps until this moment at the latest.
    Asleep { until_us: Option<u64> },
    /// It executes; whether there is more to do at once.
    Busy { more: bool },
}

#[derive(Clone, Debug)]
pub(crate) struct Cache {
    pub(crate) node: Node,
    pub(crate) clients: Vec<Client>,
    scenario: Scenario,
    seeds: Random,
    phase: Phase,
    plan: u64,
}

impl Cache {
    pub(crate) fn new(scenario: &Scenario, seed: u64, world: &World) -> Self {
        let mut seeds = Random::new(seed, Purpose::Node);
        let mut clients: Vec<Client> =
            (0..scenario.apps).map(|app| Client::new(Place::App(app))).collect();
        clients.push(Client::new(Place::Console));
        Cache {
            node: fresh_node(scenario, &mut seeds, world),
            clients,
            scenario: scenario.clone(),
            seeds,
            phase: Phase::Asleep { until_us: None },
            plan: 0,
        }
    }

    /// The console's number among the clients.
    pub(crate) fn console(&self) -> ClientId {
        self.clients.len() as u32 - 1
    }

    pub(crate) fn is_up(&self) -> bool {
        self.phase != Phase::Down
    }

    /// A client sends a command, opening a connection when it has none.
    pub(crate) fn send(
        &mut self,
        world: &mut World,
        client: ClientId,
        request: Option<RequestId>,
        kind: MessageKind,
        bytes: Vec<u8>,
    ) -> Result<(), CacheTrouble> {
        self.connect(world, client)?;
        let link = self.scenario.cache_link;
        let timeout_us = self.scenario.cache_timeout_us;
        self.clients[client as usize].send(world, link, timeout_us, (client, request, kind), bytes);
        Ok(())
    }

    /// Handshakes are not modelled: a connection is there at once.
    fn connect(&mut self, world: &World, client: ClientId) -> Result<(), CacheTrouble> {
        let this = &mut self.clients[client as usize];
        if this.conn.is_some() {
            return Ok(());
        }
        if self.phase == Phase::Down {
            return Err(CacheTrouble::Unreachable);
        }
        let peer = Peer {
            addr: format!("10.0.0.{}:{}", client + 1, 40_000 + this.generation % 20_000),
            laddr: String::from("10.0.1.1:6379"),
            trusted: this.place == Place::Console,
            ..Peer::default()
        };
        let conn = self.node.handle_connect(world.node_now(), peer);
        this.conn = Some(conn.map_err(|_| CacheTrouble::Unreachable)?);
        Ok(())
    }

    /// Bytes reached the node.
    pub(crate) fn handle_segment(&mut self, world: &mut World, segment: &Segment) {
        let client = &self.clients[segment.client as usize];
        let Some(conn) = client.conn.filter(|_| client.generation == segment.generation) else {
            return;
        };
        // Clients have a bounded number of commands under way, so reading need not pause.
        let _ = self.node.handle_bytes(conn, &segment.bytes);
        self.wake(world, world.now_us);
    }

    /// Plans a turn at `at_us`, unless one is under way or comes sooner. What a turn under way
    /// leaves is seen at its end.
    fn wake(&mut self, world: &mut World, at_us: u64) {
        match &mut self.phase {
            Phase::Busy { more } => *more |= at_us <= world.now_us,
            Phase::Asleep { until_us } if until_us.is_none_or(|until| at_us < until) => {
                *until_us = Some(at_us);
                self.plan += 1;
                world.queue.plan(at_us, Step::CacheTurn { plan: self.plan });
            }
            Phase::Asleep { .. } | Phase::Down => {}
        }
    }

    /// The node begins a turn.
    pub(crate) fn handle_turn(&mut self, world: &mut World, plan: u64) {
        if plan != self.plan || !matches!(self.phase, Phase::Asleep { .. }) {
            return;
        }
        let now = world.node_now();
        let budget = Budget { commands: TURN_COMMANDS, ..Budget::default() };
        let mut watch = Watch::new(world, &mut self.clients);
        let run = self.node.run(now, budget, &mut watch);
        let commands = watch.commands();
        watch.give_back(world, &mut self.clients);
        self.phase = Phase::Busy { more: run == Run::More };
        self.plan += 1;
        let model = self.scenario.cache;
        let busy_us = model.turn_us + u64::from(commands) * model.command_us;
        world.plan_in(busy_us, Step::CacheTurnEnd { plan: self.plan });
    }

    /// The node's turn is over: its replies leave, and it looks for what to do next.
    pub(crate) fn handle_turn_end(&mut self, world: &mut World, plan: u64) {
        let Phase::Busy { more } = self.phase else { return };
        if plan != self.plan {
            return;
        }
        let mut more = more;
        while let Some(conn) = self.node.poll_transmit() {
            more |= self.transmit(world, conn) >= LARGE_OUTPUT;
        }
        while let Some(action) = self.node.poll_action() {
            if matches!(action, Action::Shutdown { .. }) {
                return self.go_down(world);
            }
        }
        self.phase = Phase::Asleep { until_us: None };
        let timeout_us = self.node.poll_timeout().map(Timeout::at_us);
        let due_us = if more { Some(world.now_us) } else { timeout_us };
        if let Some(at_us) = due_us {
            self.wake(world, at_us.max(world.now_us));
        }
    }

    /// Sends what a connection has, closes it when the node wants that, and says how much it was.
    fn transmit(&mut self, world: &mut World, conn: ConnId) -> usize {
        let sendable = self.node.sendable(conn);
        let (bytes, close) = (sendable.bytes.to_vec(), sendable.close);
        let len = bytes.len();
        self.node.handle_sent(world.node_now(), conn, len);
        let id = self.clients.iter().position(|client| client.conn == Some(conn));
        if let Some(id) = id {
            let client = &mut self.clients[id];
            client.send_back(world, self.scenario.cache_link, id as u32, bytes);
            if close {
                client.plan_close(world, self.scenario.cache_link, id as u32);
            }
        }
        if close {
            self.node.handle_disconnect(conn);
        }
        len
    }

    /// A client has waited too long: its connection is dropped.
    pub(crate) fn handle_timeout(
        &mut self,
        world: &mut World,
        client: ClientId,
        generation: u32,
    ) -> Vec<Delivery> {
        let timeout_us = self.scenario.cache_timeout_us;
        let this = &mut self.clients[client as usize];
        if this.generation != generation || !this.is_overdue(world, client, timeout_us) {
            return Vec::new();
        }
        self.lose(client, CacheTrouble::Timeout)
    }

    /// A client learns that its connection was closed.
    pub(crate) fn handle_closed(&mut self, client: ClientId, generation: u32) -> Vec<Delivery> {
        if self.clients[client as usize].generation != generation {
            return Vec::new();
        }
        self.lose(client, CacheTrouble::Closed)
    }

    fn lose(&mut self, client: ClientId, trouble: CacheTrouble) -> Vec<Delivery> {
        let this = &mut self.clients[client as usize];
        if let Some(conn) = this.conn.take() {
            self.node.handle_disconnect(conn);
        }
        this.reset(trouble)
    }

    /// Bytes reached a client: the replies that are whole now.
    pub(crate) fn handle_reply(&mut self, segment: &Segment) -> Vec<Delivery> {
        let client = &mut self.clients[segment.client as usize];
        if client.generation != segment.generation {
            return Vec::new();
        }
        match client.receive(&segment.bytes) {
            Ok(deliveries) => deliveries,
            Err(_) => self.lose(segment.client, CacheTrouble::Closed),
        }
    }

    /// The process ends, and its supervisor starts another.
    pub(crate) fn go_down(&mut self, world: &mut World) {
        if self.phase == Phase::Down {
            return;
        }
        self.phase = Phase::Down;
        self.plan += 1;
        world.tell(EventKind::CacheDown);
        for (id, client) in (0..).zip(&mut self.clients) {
            if client.conn.take().is_some() {
                client.plan_close(world, self.scenario.cache_link, id);
            }
        }
        self.node = fresh_node(&self.scenario, &mut self.seeds, world);
        world.plan_in(self.scenario.cache.restart_us, Step::CacheUp { plan: self.plan });
    }

    /// The process is there again.
    pub(crate) fn handle_up(&mut self, world: &mut World, plan: u64) {
        if self.phase == Phase::Down && plan == self.plan {
            self.phase = Phase::Asleep { until_us: None };
            world.tell(EventKind::CacheUp);
        }
    }
}

fn fresh_node(scenario: &Scenario, seeds: &mut Random, world: &World) -> Node {
    const { assert!(MAX_APPS < 200, "clients have an address each") };
    let limit = match scenario.cache.max_memory {
        0 => MAX_MEMORY,
        bytes => bytes.min(MAX_MEMORY),
    };
    let mut node = Node::new(Config::default(), seeds.next_u64(), world.node_now());
    let settings = [
        ("maxmemory", limit.to_string()),
        ("maxmemory-policy", String::from("allkeys-lru")),
        ("proto-max-bulk-len", String::from(MAX_BULK)),
    ];
    for (name, value) in &settings {
        let set = node.configure(name, value);
        debug_assert!(set.is_ok(), "{name}: {set:?}");
    }
    node
}
