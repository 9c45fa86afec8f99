//! What all actors share: the clock, the queue of what is to happen, the links' chance and the
//! record of what has happened.
//!
//! What must never be here: an actor's state.

use crate::database::{Query, Row};
use crate::event::{EventKind, RequestId};
use crate::queue::Queue;
use crate::random::Random;
use crate::scenario::LinkModel;
use crate::trace::Recorder;
use cache_core::Now;

/// Which of the cache's clients: the application instances by their numbers, then the console.
pub(crate) type ClientId = u32;

/// Something that is to happen.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// The next request of the automatic traffic, unless the traffic was changed since.
    Arrival { generation: u32 },
    /// Bytes reach the cache.
    ToCache(Segment),
    /// Bytes reach a client of the cache.
    FromCache(Segment),
    /// A client learns that the cache closed its connection.
    CacheClosed { client: ClientId, generation: u32 },
    /// A client looks whether it has waited too long for the cache.
    CacheTimeout { client: ClientId, generation: u32 },
    /// The node begins a turn, unless its plans have changed since.
    CacheTurn { plan: u64 },
    /// The node's turn is over.
    CacheTurnEnd { plan: u64 },
    /// The cache process is there again.
    CacheUp { plan: u64 },
    /// A statement reaches the database.
    ToDatabase(Query),
    /// The database is done with a statement.
    DatabaseDone(Query),
    /// The database's answer reaches an application.
    FromDatabase(Answer),
}

/// Bytes on a link, of one connection. What belongs to an earlier connection is lost.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) client: ClientId,
    pub(crate) generation: u32,
    pub(crate) bytes: Vec<u8>,
}

/// What the database answers.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) request: RequestId,
    /// `None`: it refused.
    pub(crate) rows: Option<Vec<Row>>,
}

#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) now_us: u64,
    pub(crate) queue: Queue<Step>,
    pub(crate) recorder: Recorder,
    pub(crate) links: Random,
}

impl World {
    /// Reports what has just happened.
    pub(crate) fn tell(&mut self, kind: EventKind) {
        self.recorder.record(self.now_us, kind);
    }

    /// Plans what is to happen so many microseconds from now.
    pub(crate) fn plan_in(&mut self, after_us: u64, step: Step) {
        self.queue.plan(self.now_us.saturating_add(after_us), step);
    }

    /// How long the next message on a link is under way.
    pub(crate) fn transit_us(&mut self, link: LinkModel) -> u64 {
        link.latency_us + self.links.below(link.jitter_us + 1)
    }

    /// Where a message of `len` bytes is cut in two on its way, if it is.
    pub(crate) fn split(&mut self, link: LinkModel, len: usize) -> Option<usize> {
        // Both are drawn in any case, so that a message's length does not shift what follows.
        let (cut, at) = (self.links.chance(link.split_permille), self.links.next_u64());
        let inner = len.checked_sub(1).filter(|&inner| cut && inner > 0)?;
        Some(1 + (at % inner as u64) as usize)
    }

    /// The moment as the node takes it: both clocks run alike.
    pub(crate) fn node_now(&self) -> Now {
        Now { mono_us: self.now_us, wall_us: crate::scenario::WALL_START_US + self.now_us }
    }
}
