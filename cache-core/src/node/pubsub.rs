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

#[derive(Clone, Debug)]
pub(crate) struct PubSub {
    channels: Indexed<Topic>,
    patterns: Indexed<Topic>,
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
        PubSub { channels: Indexed::default(), patterns: Indexed::default(), seed }
    }

    /// Says whether it is new to the connection.
    pub(crate) fn subscribe(&mut self, conn: &mut Connection, channel: &[u8]) -> bool {
        let hash = self.seed.hash(channel);
        let new = names::add(&mut conn.channels, hash, channel, false);
        if new {
            add(&mut self.channels, hash, channel, conn.id);
        }
        new
    }

    /// Says whether it is new to the connection.
    pub(crate) fn psubscribe(&mut self, conn: &mut Connection, pattern: &[u8]) -> bool {
        let hash = self.seed.hash(pattern);
        let new = names::add(&mut conn.patterns, hash, pattern, false);
        if new {
            add(&mut self.patterns, hash, pattern, conn.id);
        }
        new
    }

    /// Says whether the connection did listen to it.
    pub(crate) fn unsubscribe(&mut self, conn: &mut Connection, channel: &[u8]) -> bool {
        let hash = self.seed.hash(channel);
        let found = conn.channels.remove(hash, channel).is_some();
        if found {
            remove(&mut self.channels, hash, channel, conn.id);
        }
        found
    }

    /// Says whether the connection did listen to it.
    pub(crate) fn punsubscribe(&mut self, conn: &mut Connection, pattern: &[u8]) -> bool {
        let hash = self.seed.hash(pattern);
        let found = conn.patterns.remove(hash, pattern).is_some();
        if found {
            remove(&mut self.patterns, hash, pattern, conn.id);
        }
        found
    }

    pub(crate) fn forget(&mut self, conn: &Connection) {
        for channel in conn.channels.iter() {
            remove(&mut self.channels, channel.hash, &channel.name, conn.id);
        }
        for pattern in conn.patterns.iter() {
            remove(&mut self.patterns, pattern.hash, &pattern.name, conn.id);
        }
    }

    /// Who gets a message, in order: the channel's listeners, then those of each matching pattern.
    pub(crate) fn receivers(&self, channel: &[u8]) -> Vec<Receiver> {
        let direct = self.channels.get(self.seed.hash(channel), channel);
        let mut receivers: Vec<Receiver> = direct
            .into_iter()
            .flat_map(|topic| &topic.listeners)
            .map(|&conn| Receiver { conn, pattern: None })
            .collect();
        for topic in self.patterns.iter().filter(|topic| glob::matches(&topic.name, channel)) {
            receivers.extend(
                topic
                    .listeners
                    .iter()
                    .map(|&conn| Receiver { conn, pattern: Some(topic.name.clone()) }),
            );
        }
        receivers
    }

    /// Channels that someone listens to.
    pub(crate) fn channels(&self) -> impl Iterator<Item = &[u8]> {
        self.channels.iter().map(|topic| &*topic.name)
    }

    /// How many connections listen to a channel itself.
    pub(crate) fn listeners(&self, channel: &[u8]) -> usize {
        self.channels.get(self.seed.hash(channel), channel).map_or(0, |t| t.listeners.len())
    }

    /// How many channels someone listens to.
    pub(crate) fn channel_count(&self) -> usize {
        self.channels.len()
    }

    /// How many different patterns someone listens to.
    pub(crate) fn pattern_count(&self) -> usize {
        self.patterns.len()
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
