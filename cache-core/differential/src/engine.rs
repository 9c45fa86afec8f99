//! Larder's side: a node in this process, under a clock that we hold.

use anyhow::{Result, bail};
use cache_core::node::{Load, Run};
use cache_core::protocol::request;
use cache_core::{Budget, Config, ConnId, Node, Now, Peer};

use crate::pools::EPOCH_MS;
use crate::server::{LOG_IN, NO_CYCLE};
use crate::story::{EVERYONE, KEEPER};

/// What a client was sent, and whether its connection was closed then.
pub(crate) type Heard = (Vec<u8>, bool);

pub(crate) struct Engine {
    node: Node,
    now: Now,
    conns: Vec<ConnId>,
    /// The effects of everything so far.
    effects: Vec<u8>,
}

impl Engine {
    pub(crate) fn new() -> Result<Self> {
        let now = Now::from_millis(EPOCH_MS);
        let mut node = Node::new(config()?, 1, now);
        node.record_effects();
        let mut engine = Engine { node, now, conns: Vec::new(), effects: Vec::new() };
        for _ in 0..EVERYONE {
            let conn = engine.connect()?;
            engine.conns.push(conn);
        }
        engine.say(KEEPER, &request::encode(LOG_IN));
        engine.say(KEEPER, &request::encode(NO_CYCLE));
        if engine.heard(KEEPER).0 != b"+OK\r\n+OK\r\n" {
            bail!("the expiry cycle can't be stopped");
        }
        Ok(engine)
    }

    fn connect(&mut self) -> Result<ConnId> {
        match self.node.handle_connect(self.now, Peer::default()) {
            Ok(conn) => Ok(conn),
            Err(error) => bail!("{error}"),
        }
    }

    pub(crate) fn reconnect(&mut self, client: usize) -> Result<()> {
        self.node.handle_disconnect(self.conns[client]);
        self.conns[client] = self.connect()?;
        Ok(())
    }

    pub(crate) fn say(&mut self, client: usize, bytes: &[u8]) {
        let _ = self.node.handle_bytes(self.conns[client], bytes);
        self.settle();
    }

    pub(crate) fn wait(&mut self, ms: u64) {
        // A microsecond short: Valkey's waiting ends when more than the time-out has passed, Larder's
        // when all of it has.
        self.now.mono_us += ms * 1000 - 1;
        self.now.wall_us += ms * 1000;
        self.settle();
    }

    fn settle(&mut self) {
        loop {
            let more = self.node.run(self.now, Budget::default(), &mut ()) == Run::More;
            while let Some(store) = self.node.poll_store() {
                self.effects.extend_from_slice(&store.bytes);
                self.node.handle_stored(store.offset + store.bytes.len() as u64);
            }
            while self.node.poll_action().is_some() {}
            if !more {
                return;
            }
        }
    }

    /// What a client was sent since it was last asked.
    pub(crate) fn heard(&mut self, client: usize) -> Heard {
        let conn = self.conns[client];
        let sendable = self.node.sendable(conn);
        let heard = (sendable.bytes.to_vec(), sendable.close);
        self.node.handle_sent(self.now, conn, heard.0.len());
        heard
    }

    /// Replays all effects into an empty node; says what is wrong with it then.
    pub(crate) fn replay(&self) -> Result<Option<&'static str>> {
        let mut copy = Node::new(config()?, 2, self.now);
        copy.begin_load(self.now);
        let obeyed = copy.handle_loaded(self.now, Load::Bytes(&self.effects), &mut ());
        if !obeyed || !copy.handle_loaded(self.now, Load::Done, &mut ()) {
            return Ok(Some("the effects can't be obeyed"));
        }
        Ok((copy.digest() != self.node.digest())
            .then_some("the effects, replayed, give other data"))
    }

    /// Loads a snapshot into an empty node, and saves it from there; or says why it can't be loaded.
    pub(crate) fn pass_on(&self, snapshot: &[u8]) -> Result<Result<Vec<u8>, String>> {
        let mut node = Node::new(config()?, 3, self.now);
        node.begin_load(self.now);
        for load in [Load::Bytes(snapshot), Load::Done] {
            if !node.handle_loaded(self.now, load, &mut ()) {
                return Ok(Err(format!("{:?}", node.poll_action())));
            }
        }
        let (mut written, mut bytes) = (node.snapshot(self.now), Vec::new());
        while let Some(block) = written.next_block() {
            bytes.extend_from_slice(&block);
        }
        Ok(Ok(bytes))
    }

    /// The effects, for whoever looks for what is wrong with them.
    pub(crate) fn effects(&self) -> &[u8] {
        &self.effects
    }
}

fn config() -> Result<Config> {
    let mut config = Config::default();
    // For the expiry cycle.
    if let Err(error) = config.set("enable-debug-command", "yes") {
        bail!("{error}");
    }
    for (name, value) in crate::server::SETTINGS {
        // Not every setting of the other server is one of ours.
        if cache_core::config::PARAMS.iter().any(|param| param.name == *name)
            && let Err(error) = config.set(name, value)
        {
            bail!("{error}");
        }
    }
    Ok(config)
}
