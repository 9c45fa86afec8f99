//! Consumer groups: how far a group has read, which entries it was given and hasn't acknowledged, and
//! who has them.

use super::id::StreamId;
use super::ordered::{Item, Ordered};
use crate::keyspace::Shared;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Bytes of a group and of a consumer beside their names and what is pending, as accounted.
const GROUP_OVERHEAD: u64 = 192;
const CONSUMER_OVERHEAD: u64 = 112;
/// Consumers that are dropped in one go.
const DROPPED: usize = 64;

/// An entry that was delivered and not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pending {
    pub(crate) id: StreamId,
    /// When it was delivered last, in wall milliseconds.
    pub(crate) at_ms: u64,
    /// How often it was delivered.
    pub(crate) count: u64,
    /// Who has it: a number in the group.
    pub(crate) consumer: u32,
}

impl Item for Pending {
    const SIZE: u64 = 40;

    fn id(&self) -> StreamId {
        self.id
    }
}

/// A consumer.
#[derive(Clone, Debug)]
pub(crate) struct Consumer {
    pub(crate) name: Box<[u8]>,
    /// When it asked for something last, in wall milliseconds.
    pub(crate) seen_ms: u64,
    /// When it was given something last.
    pub(crate) active_ms: Option<u64>,
    /// The entries it has.
    pub(crate) pending: Ordered<StreamId>,
}

impl Consumer {
    fn size(&self) -> u64 {
        CONSUMER_OVERHEAD + self.name.len() as u64 + self.pending.size()
    }
}

/// A consumer group.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) name: Box<[u8]>,
    /// The last entry that it was given.
    pub(crate) last: StreamId,
    /// How many entries were read or passed over up to `last`, where that is known.
    pub(crate) read: Option<u64>,
    pending: Ordered<Pending>,
    /// By number; those of consumers that are gone are empty and used again.
    consumers: Vec<Option<Shared<Consumer>>>,
    /// Numbers of consumers, by name.
    by_name: Vec<u32>,
    free: Vec<u32>,
    consumers_size: u64,
}

/// Reading.
impl Group {
    pub(crate) fn new(name: &[u8], last: StreamId, read: Option<u64>) -> Self {
        Group {
            name: name.into(),
            last,
            read,
            pending: Ordered::default(),
            consumers: Vec::new(),
            by_name: Vec::new(),
            free: Vec::new(),
            consumers_size: 0,
        }
    }

    pub(super) fn size(&self) -> u64 {
        GROUP_OVERHEAD + self.name.len() as u64 + self.consumers_size + self.pending.size()
    }

    /// All that is pending.
    pub(crate) fn pending(&self) -> &Ordered<Pending> {
        &self.pending
    }

    /// The consumer of a number.
    pub(crate) fn consumer(&self, number: u32) -> Option<&Consumer> {
        self.consumers.get(number as usize)?.as_deref()
    }

    /// A consumer's number.
    pub(crate) fn number(&self, name: &[u8]) -> Option<u32> {
        let at = self.place(name).ok()?;
        self.by_name.get(at).copied()
    }

    fn place(&self, name: &[u8]) -> Result<usize, usize> {
        self.by_name.binary_search_by(|&number| {
            let other = self.consumer(number).map_or(&[][..], |consumer| &consumer.name);
            other.cmp(name)
        })
    }

    /// All consumers, by name.
    pub(crate) fn consumers(&self) -> impl ExactSizeIterator<Item = (u32, Option<&Consumer>)> {
        self.by_name.iter().map(|&number| (number, self.consumer(number)))
    }

    /// The name of a consumer.
    pub(crate) fn name_of(&self, number: u32) -> &[u8] {
        self.consumer(number).map_or(&[], |consumer| &consumer.name)
    }
}

/// Writing.
impl Group {
    /// A consumer's number, and whether it is new.
    pub(crate) fn add_consumer(&mut self, name: &[u8], now_ms: u64) -> (u32, bool) {
        let at = match self.place(name) {
            Ok(at) => return (self.by_name.get(at).copied().unwrap_or(0), false),
            Err(at) => at,
        };
        let consumer = Consumer {
            name: name.into(),
            seen_ms: now_ms,
            active_ms: None,
            pending: Ordered::default(),
        };
        self.consumers_size += consumer.size();
        let consumer = Some(Shared::new(consumer));
        let number = self.free.pop().unwrap_or(self.consumers.len() as u32);
        match self.consumers.get_mut(number as usize) {
            Some(place) => *place = consumer,
            None => self.consumers.push(consumer),
        }
        self.by_name.insert(at, number);
        (number, true)
    }

    /// Removes a consumer and what it has, and says how many entries that were.
    pub(crate) fn remove_consumer(&mut self, name: &[u8]) -> Option<u64> {
        let at = self.place(name).ok()?;
        let number = self.by_name.remove(at);
        let consumer = self.consumers.get_mut(number as usize)?.take()?;
        self.consumers_size -= consumer.size();
        self.free.push(number);
        for &id in consumer.pending.iter() {
            self.pending.take(id);
        }
        Some(consumer.pending.len())
    }

    fn edit_consumer(&mut self, number: u32, edit: impl FnOnce(&mut Consumer)) {
        let place = self.consumers.get_mut(number as usize);
        let Some(consumer) = place.and_then(Option::as_mut) else { return };
        let consumer = consumer.to_mut();
        let before = consumer.size();
        edit(consumer);
        self.consumers_size = self.consumers_size - before + consumer.size();
    }

    /// A consumer has asked for something.
    pub(crate) fn saw(&mut self, number: u32, now_ms: u64) {
        self.edit_consumer(number, |consumer| consumer.seen_ms = now_ms);
    }

    /// A consumer was given something.
    pub(crate) fn served(&mut self, number: u32, now_ms: u64) {
        self.edit_consumer(number, |consumer| consumer.active_ms = Some(now_ms));
    }

    /// Gives an entry to a consumer, whoever had it before.
    pub(crate) fn give(&mut self, pending: Pending) {
        let Pending { id, consumer, .. } = pending;
        let old = self.pending.put(pending).map(|old| old.consumer);
        if old == Some(consumer) {
            return;
        }
        if let Some(old) = old {
            self.edit_consumer(old, |consumer| {
                consumer.pending.take(id);
            });
        }
        self.edit_consumer(consumer, |consumer| {
            consumer.pending.put(id);
        });
    }

    /// Forgets an entry that was pending. `false`: it wasn't.
    pub(crate) fn acknowledge(&mut self, id: StreamId) -> bool {
        let Some(pending) = self.pending.take(id) else { return false };
        self.edit_consumer(pending.consumer, |consumer| {
            consumer.pending.take(id);
        });
        true
    }

    /// Drops some of it. `false`: nothing is left.
    pub(super) fn drop_some(&mut self) -> bool {
        if self.pending.drop_some() {
            return true;
        }
        for _ in 0..DROPPED {
            let Some(last) = self.consumers.last_mut() else { return false };
            if let Some(consumer) = last
                && let Some(consumer) = consumer.own()
                && consumer.pending.drop_some()
            {
                return true;
            }
            self.consumers.pop();
        }
        true
    }
}
