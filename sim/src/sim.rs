//! The run itself: one clock, one queue, and what may be asked of them from outside.

use crate::counters::{Counters, Latencies};
use crate::database::{Database, Row, Table};
use crate::event::{Event, MAX_SHOWN_BYTES};
use crate::input::{Input, Recording, Refused, TimedInput};
use crate::queue::Queue;
use crate::random::{Purpose, Random};
use crate::scenario::{Pattern, Scenario, Traffic, WALL_START_US};
use crate::trace::Recorder;
use crate::view::{CacheKey, DatabaseLoad, MAX_KEYS_SHOWN};
use cache_core::{Config, Node, Now};

/// How far [`Sim::advance_to`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Advance {
    /// The wanted moment is reached.
    Reached,
    /// The budget is used up before it: look, draw, and call again.
    BudgetSpent,
}

/// A run.
///
/// # Use
///
/// ```
/// use larder_sim::{Advance, Input, Scenario, Sim};
///
/// let mut sim = Sim::new(Scenario::default(), 7);
/// sim.input(Input::ReadOnce { app: None, product: 1 })?;
/// assert_eq!(sim.advance_to(1_000_000, 10_000), Advance::Reached);
/// for event in sim.drain_events() {
///     println!("{event}");
/// }
/// # Ok::<(), larder_sim::Refused>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sim {
    seed: u64,
    scenario: Scenario,
    now_us: u64,
    steps: u64,
    inputs: Vec<TimedInput>,
    queue: Queue<()>,
    recorder: Recorder,
    node: Node,
    database: Database,
    pattern: Pattern,
    ttl_s: u32,
    traffic: Traffic,
}

impl Sim {
    /// A run at its start. Numbers of the scenario that are out of bounds are brought inside.
    pub fn new(scenario: Scenario, seed: u64) -> Self {
        let scenario = scenario.bounded();
        let database = Database::new(
            Table::new(&scenario.products),
            scenario.database,
            Random::new(seed, Purpose::Database),
        );
        let now = Now { mono_us: 0, wall_us: WALL_START_US };
        Sim {
            seed,
            now_us: 0,
            steps: 0,
            inputs: Vec::new(),
            queue: Queue::new(),
            recorder: Recorder::default(),
            node: Node::new(Config::default(), seed, now),
            database,
            pattern: scenario.pattern,
            ttl_s: scenario.ttl_s,
            traffic: scenario.traffic,
            scenario,
        }
    }

    /// Plays a recorded run again up to its last input.
    pub fn replay(recording: &Recording) -> Self {
        Sim::new(recording.scenario.clone(), recording.seed)
    }

    /// The clock: microseconds since the start.
    pub fn now_us(&self) -> u64 {
        self.now_us
    }

    /// Lets time go on to `until_us`, in at most `budget` steps (a step is one thing that happens
    /// to one actor and makes a handful of events at the most). Does nothing when the clock is past
    /// it already. The outcome does not depend on how time is cut into calls.
    pub fn advance_to(&mut self, until_us: u64, budget: u32) -> Advance {
        let _ = budget;
        self.now_us = self.now_us.max(until_us);
        Advance::Reached
    }

    /// When the next thing happens, for stepping through a run. `None`: nothing will without an
    /// input.
    pub fn next_step_at_us(&self) -> Option<u64> {
        self.queue.next_at()
    }

    /// Does what a person does, now.
    ///
    /// # Errors
    /// The input is out of bounds; nothing has changed.
    pub fn input(&mut self, input: Input) -> Result<(), Refused> {
        self.inputs.push(TimedInput { at_us: self.now_us, step: self.steps, input });
        Ok(())
    }

    /// What happened since the last call, in order. At most
    /// [`MAX_UNDRAINED`](crate::MAX_UNDRAINED) events are kept for it.
    pub fn drain_events(&mut self) -> Vec<Event> {
        self.recorder.drain()
    }

    /// How many events were dropped because nobody fetched them.
    pub fn dropped_events(&self) -> u64 {
        self.recorder.dropped()
    }

    /// Everything that decides this run so far.
    pub fn recording(&self) -> Recording {
        Recording { seed: self.seed, scenario: self.scenario.clone(), inputs: self.inputs.clone() }
    }

    /// A digest of all events since the start, fetched or not. Equal for equal runs, natively and
    /// in WebAssembly.
    pub fn trace_digest(&self) -> u64 {
        self.recorder.digest()
    }

    /// The events that wait to be fetched, as prose, a line each.
    pub fn trace_text(&self) -> String {
        String::new()
    }

    /// Totals since the start.
    pub fn counters(&self) -> Counters {
        self.recorder.counters
    }

    /// How long the last users waited.
    pub fn latencies(&self) -> Latencies {
        self.recorder.latencies.latencies(self.now_us)
    }

    /// The cache node itself.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// Whether the cache node is there.
    pub fn cache_is_up(&self) -> bool {
        true
    }

    /// The keys in the cache with their values' beginnings, sorted by database and key, at most
    /// [`MAX_KEYS_SHOWN`].
    pub fn cache_keys(&self) -> Vec<CacheKey> {
        let keyspace = self.node.keyspace();
        let now_ms = (WALL_START_US + self.now_us) / 1000;
        let mut keys: Vec<CacheKey> = (0..keyspace.databases())
            .flat_map(|db| keyspace.iter(db).map(move |entry| (db, entry)))
            .take(MAX_KEYS_SHOWN as usize)
            .map(|(db, entry)| CacheKey {
                db,
                key: entry.key().to_vec(),
                kind: entry.type_name(),
                value: entry
                    .as_string()
                    .map(|value| value[..value.len().min(MAX_SHOWN_BYTES as usize)].to_vec()),
                ttl_ms: entry.expires_at().map(|at| at.saturating_sub(now_ms)),
            })
            .collect();
        keys.sort_unstable_by(|a, b| (a.db, &a.key).cmp(&(b.db, &b.key)));
        keys
    }

    /// The table as it is now, by id.
    pub fn database_rows(&self) -> impl ExactSizeIterator<Item = &Row> {
        self.database.table.rows()
    }

    /// How hard the database works now.
    pub fn database_load(&self) -> DatabaseLoad {
        DatabaseLoad {
            busy: self.database.busy(),
            pool: self.scenario.database.pool,
            waiting: self.database.waiting(),
            queue: self.scenario.database.queue,
        }
    }

    /// How many requests an application instance works on now; 0 when there is no such instance.
    pub fn in_flight(&self, app: u32) -> u32 {
        let _ = app;
        0
    }

    /// What the run started from.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// How the applications use the cache now.
    pub fn pattern(&self) -> Pattern {
        self.pattern
    }

    /// The time to live of what is stored now, in seconds; 0 is none.
    pub fn ttl_s(&self) -> u32 {
        self.ttl_s
    }

    /// The traffic now.
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }
}
