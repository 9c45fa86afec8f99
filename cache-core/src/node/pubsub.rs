//! Who listens to which channel and pattern.

use super::conn::{ConnId, Connection};
use super::names;
use crate::glob;
use crate::hash::HashSeed;
use crate::keyspace::indexed::{Indexed, Keyed};
use alloc::sync::Arc;
use alloc::vec::Vec;

#[derive(Clone, Debug)]
struct Topic {
    name: Arc<[u8]>,
    hash: u64,
    /// In the order in which they subscribed.
    listeners: Vec<ConnId>,
}

impl Keyed for Topic {
    fn key(&self) -> &[u8] {
        &self.name
    }

    fn hash(&self) -> u64 {
        self.hash
    }
}

/// What one can listen to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topics {
    Channels,
    Patterns,
    /// Channels that belong to one shard of a cluster.
    ShardChannels,
}

#[derive(Clone, Debug)]
pub(crate) struct PubSub {
    topics: [Indexed<Topic>; 3],
    seed: HashSeed,
}

/// A message's receiver.
#[derive(Clone, Debug)]
pub(crate) struct Receiver {
    pub(crate) conn: ConnId,
    /// The pattern through which it came, unless it listens to the channel itself.
    pub(crate) pattern: Option<Arc<[u8]>>,
}

impl PubSub {
    pub(crate) fn new(seed: HashSeed) -> Self {
        PubSub { topics: Default::default(), seed }
    }

    fn topics(&self, which: Topics) -> &Indexed<Topic> {
        &self.topics[which as usize]
    }

    /// Says whether it is new to the connection.
    pub(crate) fn subscribe(&mut self, conn: &mut Connection, which: Topics, name: &[u8]) -> bool {
        let hash = self.seed.hash(name);
        let new = names::add(&mut conn.topics[which as usize], hash, name, false);
        if new {
            add(&mut self.topics[which as usize], hash, name, conn.id);
        }
        new
    }

    /// Says whether the connection did listen to it.
    pub(crate) fn unsubscribe(
        &mut self,
        conn: &mut Connection,
        which: Topics,
        name: &[u8],
    ) -> bool {
        let hash = self.seed.hash(name);
        let found = conn.topics[which as usize].remove(hash, name).is_some();
        if found {
            remove(&mut self.topics[which as usize], hash, name, conn.id);
        }
        found
    }

    pub(crate) fn forget(&mut self, conn: &Connection) {
        for (topics, names) in self.topics.iter_mut().zip(&conn.topics) {
            for name in names.iter() {
                remove(topics, name.hash, &name.name, conn.id);
            }
        }
    }

    /// Who gets a message to a channel, in order: its listeners, then those of each matching pattern.
    pub(crate) fn receivers(&self, channel: &[u8]) -> Vec<Receiver> {
        let mut receivers = self.listeners_of(Topics::Channels, channel);
        let patterns = self.topics(Topics::Patterns).iter();
        for topic in patterns.filter(|topic| glob::matches(&topic.name, channel)) {
            let pattern = || Some(topic.name.clone());
            let found = topic.listeners.iter().map(|&conn| Receiver { conn, pattern: pattern() });
            receivers.extend(found);
        }
        receivers
    }

    /// Who gets a message to a shard channel, in order.
    pub(crate) fn shard_receivers(&self, channel: &[u8]) -> Vec<Receiver> {
        self.listeners_of(Topics::ShardChannels, channel)
    }

    fn listeners_of(&self, which: Topics, channel: &[u8]) -> Vec<Receiver> {
        let topic = self.topics(which).get(self.seed.hash(channel), channel);
        let listeners = topic.into_iter().flat_map(|topic| &topic.listeners);
        listeners.map(|&conn| Receiver { conn, pattern: None }).collect()
    }

    /// What someone listens to.
    pub(crate) fn names(&self, which: Topics) -> impl Iterator<Item = &[u8]> {
        self.topics(which).iter().map(|topic| &*topic.name)
    }

    /// How many connections listen to it itself.
    pub(crate) fn listeners(&self, which: Topics, name: &[u8]) -> usize {
        let topic = self.topics(which).get(self.seed.hash(name), name);
        topic.map_or(0, |topic| topic.listeners.len())
    }

    /// How many different ones someone listens to.
    pub(crate) fn count(&self, which: Topics) -> usize {
        self.topics(which).len()
    }
}

fn add(topics: &mut Indexed<Topic>, hash: u64, name: &[u8], conn: ConnId) {
    match topics.get_mut(hash, name) {
        Some(topic) => topic.listeners.push(conn),
        None => {
            topics.push(Topic { name: name.into(), hash, listeners: alloc::vec![conn] });
        }
    }
}

fn remove(topics: &mut Indexed<Topic>, hash: u64, name: &[u8], conn: ConnId) {
    if let Some(topic) = topics.get_mut(hash, name) {
        topic.listeners.retain(|&listener| listener != conn);
        if topic.listeners.is_empty() {
            topics.remove(hash, name);
        }
    }
}
