//! What a run starts from: how many instances there are, how they use the cache, how fast links
//! and machines are, and the limits that hold for every run.
//!
//! Plain data in whole numbers, so that a scenario can stand in a URL and mean the same everywhere.
//! What must never be here: anything that changes while a run goes on.

use crate::database::{MAX_ROWS, Row};
use crate::shop;

/// The most application instances.
pub const MAX_APPS: u32 = 8;
/// The most requests that automatic traffic may start in a second.
pub const MAX_RATE_PER_S: u32 = 20_000;
/// The most requests that one application instance works on; more are turned away at once.
pub const MAX_IN_FLIGHT: u32 = 1024;
/// The steepest Zipf skew, in thousandths.
pub const MAX_SKEW_MILLI: u32 = 5_000;
/// The longest time to live that one may ask for, in seconds: thirty days.
pub const MAX_TTL_S: u32 = 30 * 24 * 3600;
/// The longest latency, jitter or service time that a model may have, in microseconds.
pub const MAX_MODEL_US: u64 = 10_000_000;
/// The most connections of the database's pool.
pub const MAX_POOL: u32 = 1_000;
/// The most statements that may wait for a connection of the pool.
pub const MAX_QUEUE: u32 = 10_000;
/// The wall clock at the start of every run: 2026-01-01T00:00:00Z, in microseconds since 1970.
pub const WALL_START_US: u64 = 1_767_225_600_000_000;

/// How the application uses the cache.
///
/// Whenever there is a cache, a read that misses loads the row from the database and stores it with
/// the TTL; the patterns differ in what a write does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// The cache is switched off: reads and writes go to the database alone.
    NoCache,
    /// Cache-aside: a write changes the database only. Until the TTL runs out, reads may be stale.
    #[default]
    LazyLoading,
    /// Cache-aside, and a write deletes the key after it has changed the database.
    LazyWithInvalidation,
    /// A write changes the database, then stores the new row in the cache with the TTL.
    WriteThrough,
}

impl Pattern {
    /// All of them, in the order in which a menu would show them.
    pub const ALL: [Pattern; 4] = [
        Pattern::NoCache,
        Pattern::LazyLoading,
        Pattern::LazyWithInvalidation,
        Pattern::WriteThrough,
    ];

    /// The pattern's name in a sentence.
    pub const fn name(self) -> &'static str {
        match self {
            Pattern::NoCache => "no cache",
            Pattern::LazyLoading => "lazy loading",
            Pattern::LazyWithInvalidation => "lazy loading with invalidation",
            Pattern::WriteThrough => "write-through",
        }
    }
}

/// Requests that come by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Traffic {
    /// Whether any come at all.
    pub running: bool,
    /// How many start in a second on average, at random moments (a Poisson process); at most
    /// [`MAX_RATE_PER_S`].
    pub rate_per_s: u32,
    /// How many in a thousand are writes.
    pub write_permille: u32,
    /// How unevenly products are asked for: the exponent of Zipf's law in thousandths. 0 asks for
    /// all alike, 1000 for the second half as often as for the first.
    pub skew_milli: u32,
}

impl Default for Traffic {
    fn default() -> Self {
        Traffic { running: false, rate_per_s: 20, write_permille: 50, skew_milli: 900 }
    }
}

/// A link's speed. Bytes arrive in the order in which they were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinkModel {
    /// The least time from one end to the other, in microseconds.
    pub latency_us: u64,
    /// The most that chance adds to it, in microseconds.
    pub jitter_us: u64,
    /// How many messages in a thousand arrive in two parts.
    pub split_permille: u32,
}

/// The cache node's speed and size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CacheModel {
    /// What each turn of the node's loop takes, in microseconds.
    pub turn_us: u64,
    /// What each command takes on top of it, in microseconds.
    pub command_us: u64,
    /// `maxmemory` in bytes; 0 stands for the most that is allowed, 256 MiB. Past it the least
    /// recently used keys go.
    pub max_memory: u64,
    /// How long the node is away when it is restarted, in microseconds.
    pub restart_us: u64,
}

/// The database's speed and size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DatabaseModel {
    /// How many statements are worked on at a time.
    pub pool: u32,
    /// How many may wait; one more is refused.
    pub queue: u32,
    /// The least time that reading takes, in microseconds.
    pub read_us: u64,
    /// The least time that writing takes, in microseconds.
    pub write_us: u64,
    /// The most that chance adds to either, in microseconds.
    pub jitter_us: u64,
}

/// What a run starts from. With a seed and the inputs, it decides everything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scenario {
    /// How many application instances there are: 1 to [`MAX_APPS`].
    pub apps: u32,
    /// How they use the cache at first.
    pub pattern: Pattern,
    /// The time to live that they give to what they store at first, in seconds; 0 is none.
    pub ttl_s: u32,
    /// The automatic traffic at first.
    pub traffic: Traffic,
    /// How long an application waits for the cache before it drops the connection and goes on
    /// without, in microseconds.
    pub cache_timeout_us: u64,
    /// Between an application instance and the cache.
    pub cache_link: LinkModel,
    /// Between an application instance and the database.
    pub database_link: LinkModel,
    /// The cache node.
    pub cache: CacheModel,
    /// The database.
    pub database: DatabaseModel,
    /// The rows of the table `products` at the start.
    pub products: Vec<Row>,
}

impl Default for Scenario {
    /// A small shop: two instances, one cache node and one database in one zone, no traffic yet.
    fn default() -> Self {
        Scenario {
            apps: 2,
            pattern: Pattern::LazyLoading,
            ttl_s: 10,
            traffic: Traffic::default(),
            cache_timeout_us: 100_000,
            cache_link: LinkModel { latency_us: 200, jitter_us: 100, split_permille: 20 },
            database_link: LinkModel { latency_us: 250, jitter_us: 150, split_permille: 0 },
            cache: CacheModel { turn_us: 5, command_us: 2, max_memory: 0, restart_us: 500_000 },
            database: DatabaseModel {
                pool: 8,
                queue: 400,
                read_us: 4_000,
                write_us: 6_000,
                jitter_us: 3_000,
            },
            products: shop::products(),
        }
    }
}

impl Scenario {
    /// The same scenario with every number inside its limits, so that any scenario whatever can be
    /// run: it may come from a URL.
    pub(crate) fn bounded(mut self) -> Self {
        self.apps = self.apps.clamp(1, MAX_APPS);
        self.ttl_s = self.ttl_s.min(MAX_TTL_S);
        self.traffic = self.traffic.bounded();
        self.cache_timeout_us = self.cache_timeout_us.clamp(1_000, MAX_MODEL_US);
        for link in [&mut self.cache_link, &mut self.database_link] {
            link.latency_us = link.latency_us.clamp(1, MAX_MODEL_US);
            link.jitter_us = link.jitter_us.min(MAX_MODEL_US);
        }
        // A turn that takes no time could be taken forever without time going on.
        self.cache.turn_us = self.cache.turn_us.clamp(1, MAX_MODEL_US);
        self.cache.command_us = self.cache.command_us.min(MAX_MODEL_US);
        self.cache.restart_us = self.cache.restart_us.clamp(1, MAX_MODEL_US);
        let database = &mut self.database;
        database.pool = database.pool.clamp(1, MAX_POOL);
        database.queue = database.queue.min(MAX_QUEUE);
        for time in [&mut database.read_us, &mut database.write_us, &mut database.jitter_us] {
            *time = (*time).min(MAX_MODEL_US);
        }
        self.products.truncate(MAX_ROWS as usize);
        self
    }
}

impl Traffic {
    pub(crate) fn bounded(mut self) -> Self {
        self.rate_per_s = self.rate_per_s.min(MAX_RATE_PER_S);
        self.write_permille = self.write_permille.min(1000);
        self.skew_milli = self.skew_milli.min(MAX_SKEW_MILLI);
        self
    }
}
