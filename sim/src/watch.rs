//! The observer that turns the node's own words into events of the run.
//!
//! What must never be here: a conclusion. What the node does not say did not happen.

use crate::client::Client;
use crate::event::{EventKind, ExpiredBy, RequestId, cut};
use crate::scenario::WALL_START_US;
use crate::trace::Recorder;
use crate::world::World;
use cache_core::{Event, Now, Observer};

/// The observer that turns the node's own words into events of the run.
///
/// It owns what it writes to while the node runs, as an observer may not borrow. Outside of a run
/// only [`blind`](Self::blind) ones can be made.
#[derive(Debug)]
pub struct Watch {
    /// Somebody reads the record.
    sees: bool,
    now_us: u64,
    recorder: Recorder,
    clients: Vec<Client>,
    /// On whose behalf the command that runs was sent.
    request: Option<RequestId>,
    commands: u32,
}

impl Watch {
    /// One that sees nothing. The engine is compiled once for each type of observer: a host that
    /// has a simulation beside a node of its own, and is small, gives this to the node.
    pub fn blind() -> Self {
        Watch {
            sees: false,
            now_us: 0,
            recorder: Recorder::default(),
            clients: Vec::new(),
            request: None,
            commands: 0,
        }
    }

    /// Takes the record and the clients until [`give_back`](Self::give_back).
    pub(crate) fn new(world: &mut World, clients: &mut Vec<Client>) -> Self {
        Watch {
            sees: true,
            now_us: world.now_us,
            recorder: std::mem::take(&mut world.recorder),
            clients: std::mem::take(clients),
            request: None,
            commands: 0,
        }
    }

    pub(crate) fn give_back(self, world: &mut World, clients: &mut Vec<Client>) {
        world.recorder = self.recorder;
        *clients = self.clients;
    }

    /// How many commands ran.
    pub(crate) fn commands(&self) -> u32 {
        self.commands
    }
}

impl Observer for Watch {
    fn event(&mut self, _now: Now, event: Event<'_>) {
        if !self.sees {
            return;
        }
        let request = self.request;
        let owned = |bytes: &[u8]| cut(bytes).to_vec();
        let kind = match event {
            Event::Command { conn, .. } => {
                self.commands += 1;
                let client = self.clients.iter_mut().find(|client| client.conn == Some(conn));
                self.request = client.and_then(Client::executes);
                return;
            }
            Event::Hit { key, .. } => EventKind::CacheHit { request, key: owned(key) },
            Event::Miss { key, .. } => EventKind::CacheMiss { request, key: owned(key) },
            Event::Written { key, expires_at_ms, .. } => {
                let since_start =
                    |at_ms: u64| at_ms.saturating_mul(1000).saturating_sub(WALL_START_US);
                let expires_at_us = expires_at_ms.map(since_start);
                EventKind::CacheWritten { request, key: owned(key), expires_at_us }
            }
            Event::Deleted { key, .. } => EventKind::CacheDeleted { request, key: owned(key) },
            Event::Expired { key, by, .. } => {
                // The cycle works for nobody in particular.
                let request = request.filter(|_| by == ExpiredBy::Access);
                EventKind::CacheExpired { request, key: owned(key), by }
            }
            Event::Evicted { key, .. } => EventKind::CacheEvicted { request, key: owned(key) },
            Event::Published { channel, receivers } => {
                EventKind::CachePublished { channel: owned(channel), receivers }
            }
            _ => return,
        };
        self.recorder.record(self.now_us, kind);
    }
}
