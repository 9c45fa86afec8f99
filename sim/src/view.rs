//! What one can see of a run at a moment, read straight from the actors.
//!
//! What must never be here: anything that changes the run.

use crate::counters::{Counters, Latencies};
use crate::database::Row;
use crate::event::cut;
use crate::scenario::{Pattern, Traffic};
use crate::sim::Sim;
use cache_core::Node;
use std::collections::BinaryHeap;
use std::fmt::Write as _;

/// The most keys that [`Sim::cache_keys`](crate::Sim::cache_keys) shows.
pub const MAX_KEYS_SHOWN: u32 = 256;

/// A key in the cache.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CacheKey {
    /// Its logical database.
    pub db: u32,
    /// The key.
    pub key: Vec<u8>,
    /// The type's name, as TYPE answers.
    pub kind: &'static str,
    /// The beginning of a string's value, at most
    /// [`MAX_SHOWN_BYTES`](crate::event::MAX_SHOWN_BYTES); `None` for the other types.
    pub value: Option<Vec<u8>>,
    /// Milliseconds left; 0 when its time has run out and it has not been met yet; `None` when it
    /// never expires.
    pub ttl_ms: Option<u64>,
}

/// How hard the database works at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DatabaseLoad {
    /// Connections of the pool that work.
    pub busy: u32,
    /// All connections of the pool.
    pub pool: u32,
    /// Statements that wait for one.
    pub waiting: u32,
    /// The most that may wait.
    pub queue: u32,
}

impl Sim {
    /// How many events were dropped because nobody fetched them.
    pub fn dropped_events(&self) -> u64 {
        self.all().world.recorder.dropped()
    }

    /// How many events there were, fetched or not.
    pub fn recorded_events(&self) -> u64 {
        self.all().world.recorder.recorded()
    }

    /// A digest of all events since the start, fetched or not. Equal for equal runs, natively and
    /// in WebAssembly.
    pub fn trace_digest(&self) -> u64 {
        self.all().world.recorder.digest()
    }

    /// The events that wait to be fetched, as prose, a line each.
    pub fn trace_text(&self) -> String {
        let mut text = String::new();
        for event in self.all().world.recorder.waiting() {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{event}");
        }
        text
    }

    /// Totals since the start.
    pub fn counters(&self) -> Counters {
        self.all().world.recorder.counters
    }

    /// How long the last users waited.
    pub fn latencies(&self) -> Latencies {
        self.all().world.recorder.latencies.latencies(self.now_us())
    }

    /// The cache node itself. While it is down: the empty one that will come up.
    pub fn node(&self) -> &Node {
        &self.all().cache.node
    }

    /// Whether the cache node is there.
    pub fn cache_is_up(&self) -> bool {
        self.all().cache.is_up()
    }

    /// The keys in the cache with their values' beginnings, sorted by database and key, at most
    /// [`MAX_KEYS_SHOWN`].
    pub fn cache_keys(&self) -> Vec<CacheKey> {
        let keyspace = self.node().keyspace();
        let now_ms = self.all().world.node_now().wall_ms();
        let keys: BinaryHeap<CacheKey> = (0..keyspace.databases())
            .flat_map(|db| keyspace.iter(db).map(move |entry| (db, entry)))
            .take(MAX_KEYS_SHOWN as usize)
            .map(|(db, entry)| CacheKey {
                db,
                key: cut(entry.key()).to_vec(),
                kind: entry.type_name(),
                value: entry.as_string().map(|value| cut(value).to_vec()),
                ttl_ms: entry.expires_at().map(|at| at.saturating_sub(now_ms)),
            })
            .collect();
        // The smallest code of all sorts.
        keys.into_sorted_vec()
    }

    /// The table as it is now, by id.
    pub fn database_rows(&self) -> impl ExactSizeIterator<Item = &Row> {
        self.all().database.table.rows()
    }

    /// How hard the database works now.
    pub fn database_load(&self) -> DatabaseLoad {
        let (database, model) = (&self.all().database, self.scenario().database);
        DatabaseLoad {
            busy: database.busy(),
            pool: model.pool,
            waiting: database.waiting(),
            queue: model.queue,
        }
    }

    /// How many requests an application instance works on now; 0 when there is no such instance.
    pub fn in_flight(&self, app: u32) -> u32 {
        self.all().apps.in_flight(app)
    }

    /// How the applications use the cache now.
    pub fn pattern(&self) -> Pattern {
        self.all().pattern
    }

    /// The time to live of what is stored now, in seconds; 0 is none.
    pub fn ttl_s(&self) -> u32 {
        self.all().ttl_s
    }

    /// The traffic now.
    pub fn traffic(&self) -> Traffic {
        self.all().traffic.settings
    }
}
