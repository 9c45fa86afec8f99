//! What happened, told moment by moment: what the page draws and what the trace is made of.
//!
//! An event says what an actor did. Hits, misses, expiries and evictions are the cache node's own
//! words (its observer's); nothing here is inferred from replies. The one exception is
//! [`EventKind::StaleRead`]: it takes a checker that looks at both sides at once, which nobody in a
//! real deployment can. What must never be here: a type whose value depends on the platform.

use cache_core::protocol::Value;

pub use cache_core::observer::ExpiredBy;

/// The most bytes of a message, key or value that an event carries; longer ones are cut.
pub const MAX_SHOWN_BYTES: u32 = 512;
/// The most bytes of a console reply. A longer one is replaced by an error that says so.
pub const MAX_CONSOLE_REPLY_BYTES: u32 = 1 << 20;

/// A request's number: counts up from 1.
pub type RequestId = u64;

/// Where messages come from and go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// An application instance, counted from 0.
    App(u32),
    /// The cache node.
    Cache,
    /// The database.
    Database,
    /// Whoever types at the cache's console.
    Console,
}

/// What a user asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Show a product.
    Read,
    /// Change a product's price.
    Write {
        /// The new price.
        price_cents: i64,
    },
}

/// What a message is for. It decides nothing; it spares the page from parsing bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// GET, to the cache.
    Get,
    /// SET, to the cache.
    Set,
    /// DEL, to the cache.
    Del,
    /// A console's command, to the cache.
    Command,
    /// A value that was in the cache.
    Found,
    /// The cache has no such key.
    NotFound,
    /// The cache has done what it was asked, or says anything else.
    Reply,
    /// The cache or the database answers with an error.
    Error,
    /// SELECT, to the database.
    Select,
    /// UPDATE, to the database.
    Update,
    /// Rows, from the database.
    Rows,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Read: served from the cache, and what was served is true.
    Hit,
    /// Read: served from the cache, and the row had been something else throughout the request.
    Stale,
    /// Read: the cache had no such key, so it was served from the database.
    Miss,
    /// Read: served from the database, since there is no cache or it could not be reached.
    Direct,
    /// Read or write: there is no such row.
    NoSuchRow,
    /// Write: done.
    Written,
    /// The user got an error.
    Failed(Failure),
}

/// Why a user got an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Failure {
    /// The application instance has [`MAX_IN_FLIGHT`](crate::scenario::MAX_IN_FLIGHT) requests.
    AppBusy,
    /// Too many statements wait for the database already.
    DatabaseBusy,
}

/// Why an application could not use the cache and went on without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CacheTrouble {
    /// No connection: the node is down or takes no more clients.
    Unreachable,
    /// The connection was closed.
    Closed,
    /// No reply within the scenario's `cache_timeout_us`; the connection was dropped.
    Timeout,
    /// The node answered with an error.
    ErrorReply,
}

/// One thing that happened, and when.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    /// Microseconds since the start of the run.
    pub at_us: u64,
    /// What happened.
    pub kind: EventKind,
}

/// One thing that happened.
///
/// `request` says on whose behalf; without one it was the console, or the node by itself. Keys,
/// values and messages are cut at [`MAX_SHOWN_BYTES`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventKind {
    /// A user's request reached an application instance.
    RequestStarted {
        /// Its number.
        request: RequestId,
        /// The instance.
        app: u32,
        /// The product's id.
        product: u32,
        /// What is asked for.
        operation: Operation,
    },
    /// A user's request was answered.
    RequestDone {
        /// Its number.
        request: RequestId,
        /// The instance.
        app: u32,
        /// The product's id.
        product: u32,
        /// From start to end.
        latency_us: u64,
        /// How it ended.
        outcome: Outcome,
    },
    /// Bytes left one place for another. A particle moves between `at_us` and `arrives_at_us`.
    MessageSent {
        /// On whose behalf.
        request: Option<RequestId>,
        /// Where they left.
        from: Place,
        /// Where they go.
        to: Place,
        /// What they are for.
        kind: MessageKind,
        /// What they say: RESP to and from the cache, SQL to the database and its rows, columns
        /// parted by `|`, from it.
        bytes: Vec<u8>,
        /// When the last of them arrives (unless the connection breaks before).
        arrives_at_us: u64,
    },
    /// The node read a key that was there.
    CacheHit {
        /// On whose behalf.
        request: Option<RequestId>,
        /// The key.
        key: Vec<u8>,
    },
    /// The node read a key that was not there.
    CacheMiss {
        /// On whose behalf.
        request: Option<RequestId>,
        /// The key.
        key: Vec<u8>,
    },
    /// A key's time ran out and the node removed it.
    CacheExpired {
        /// The request whose command met it.
        request: Option<RequestId>,
        /// The key.
        key: Vec<u8>,
        /// Found by a command or by the node's own cycle.
        by: ExpiredBy,
    },
    /// The node created or changed a key.
    CacheWritten {
        /// On whose behalf.
        request: Option<RequestId>,
        /// The key.
        key: Vec<u8>,
        /// When it will expire, in microseconds since the start of the run.
        expires_at_us: Option<u64>,
    },
    /// A command removed a key.
    CacheDeleted {
        /// On whose behalf.
        request: Option<RequestId>,
        /// The key.
        key: Vec<u8>,
    },
    /// The node removed a key to make room.
    CacheEvicted {
        /// The request whose command needed the room.
        request: Option<RequestId>,
        /// The key.
        key: Vec<u8>,
    },
    /// A message was published on the node.
    CachePublished {
        /// The channel.
        channel: Vec<u8>,
        /// How many connections got it.
        receivers: u32,
    },
    /// An application could not use the cache for a request and goes on without.
    CacheFailed {
        /// On whose behalf.
        request: RequestId,
        /// The instance.
        app: u32,
        /// What was wrong.
        trouble: CacheTrouble,
    },
    /// The cache node went away with all it held.
    CacheDown,
    /// The cache node is there again, empty.
    CacheUp,
    /// The console's connection was closed, or none could be opened. The next command tries again.
    ConsoleClosed,
    /// A reply (or a message of a subscription) reached the console: one RESP value. Commands are
    /// answered in order; SUBSCRIBE and the like answer more than once.
    ConsoleReply {
        /// The exact bytes, whole.
        bytes: Vec<u8>,
    },
    /// All connections of the database's pool are busy: a statement waits.
    DatabaseQueued {
        /// On whose behalf.
        request: RequestId,
        /// How many wait now.
        waiting: u32,
    },
    /// The database refused a statement: too many wait.
    DatabaseRefused {
        /// On whose behalf.
        request: RequestId,
    },
    /// The database looked for a row.
    RowRead {
        /// On whose behalf.
        request: RequestId,
        /// The product's id.
        product: u32,
        /// Whether it was there.
        found: bool,
    },
    /// A row was inserted or changed. Without a request it was the database's console.
    RowWritten {
        /// On whose behalf.
        request: Option<RequestId>,
        /// The product's id.
        product: u32,
        /// The price now.
        price_cents: i64,
    },
    /// A row was deleted on the database's console.
    RowDeleted {
        /// The product's id.
        product: u32,
    },
    /// The checker saw that a user was served what the row was at no moment of the request.
    StaleRead {
        /// The request.
        request: RequestId,
        /// The product's id.
        product: u32,
        /// What was served.
        served: Vec<u8>,
        /// What would have been right; `None` when the row is gone.
        current: Option<Vec<u8>>,
    },
    /// The pattern was changed.
    PatternSet(crate::scenario::Pattern),
    /// The time to live was changed, in seconds; 0 is none.
    TtlSet(u32),
    /// The traffic was changed.
    TrafficSet(crate::scenario::Traffic),
}

impl EventKind {
    /// The value that a [`ConsoleReply`](Self::ConsoleReply) carries.
    pub fn console_value(&self) -> Option<Value> {
        let EventKind::ConsoleReply { bytes } = self else { return None };
        Value::parse(bytes).ok().flatten().map(|(value, _)| value)
    }

    /// The request on whose behalf it happened.
    pub fn request(&self) -> Option<RequestId> {
        match *self {
            EventKind::RequestStarted { request, .. }
            | EventKind::RequestDone { request, .. }
            | EventKind::CacheFailed { request, .. }
            | EventKind::DatabaseQueued { request, .. }
            | EventKind::DatabaseRefused { request }
            | EventKind::RowRead { request, .. }
            | EventKind::StaleRead { request, .. } => Some(request),
            EventKind::MessageSent { request, .. }
            | EventKind::CacheHit { request, .. }
            | EventKind::CacheMiss { request, .. }
            | EventKind::CacheExpired { request, .. }
            | EventKind::CacheWritten { request, .. }
            | EventKind::CacheDeleted { request, .. }
            | EventKind::CacheEvicted { request, .. }
            | EventKind::RowWritten { request, .. } => request,
            EventKind::CachePublished { .. }
            | EventKind::CacheDown
            | EventKind::CacheUp
            | EventKind::ConsoleClosed
            | EventKind::ConsoleReply { .. }
            | EventKind::RowDeleted { .. }
            | EventKind::PatternSet(_)
            | EventKind::TtlSet(_)
            | EventKind::TrafficSet(_) => None,
        }
    }
}

/// As much of `bytes` as an event carries.
pub(crate) fn cut(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(MAX_SHOWN_BYTES as usize)]
}
