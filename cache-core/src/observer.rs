//! What the engine did, told to whoever watches.
//!
//! The observer is a generic argument of [`Node::run`](crate::Node::run). With `()` the compiler
//! removes every call, so that seeing costs nothing unseen. What must never be here: anything that
//! changes what the engine does.

use crate::commands::Spec;
use crate::node::ConnId;
use crate::protocol::Args;
use crate::time::Now;

/// Receives the engine's events while a batch runs.
///
/// It owns what it gathers (`'static`), since the table of handlers is made for each kind of
/// observer at compile time.
pub trait Observer: 'static {
    /// Whether events are worth making at all. `false` removes the code.
    const ACTIVE: bool = true;

    /// Called for each event, in the order in which things happened.
    fn event(&mut self, now: Now, event: Event<'_>);

    /// What a stopwatch of the host shows, in nanoseconds since whenever; `None`: it has none. Asked
    /// before and after commands that may take long, for the slow log and for INFO commandstats.
    fn stopwatch_ns(&mut self) -> Option<u64> {
        None
    }
}

/// Nobody watches.
impl Observer for () {
    const ACTIVE: bool = false;

    fn event(&mut self, _now: Now, _event: Event<'_>) {}
}

/// How an expired key was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExpiredBy {
    /// A command met it.
    Access,
    /// The background cycle met it.
    Cycle,
}

/// One thing that the engine did.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A command is about to run.
    Command {
        /// Who sent it.
        conn: ConnId,
        /// Its row in the command table.
        spec: &'static Spec,
        /// The whole command, name included.
        args: Args<'a>,
    },
    /// A command read a key that was there.
    Hit {
        /// Who asked.
        conn: ConnId,
        /// The logical database.
        db: u32,
        /// The key.
        key: &'a [u8],
    },
    /// A command read a key that was not there.
    Miss {
        /// Who asked.
        conn: ConnId,
        /// The logical database.
        db: u32,
        /// The key.
        key: &'a [u8],
    },
    /// A key was created or changed, or the time of a part of its value ran out.
    Written {
        /// The logical database.
        db: u32,
        /// The key.
        key: &'a [u8],
        /// When it will expire: wall milliseconds since the Unix epoch.
        expires_at_ms: Option<u64>,
    },
    /// A command removed a key, or the time of the last part of its value ran out.
    Deleted {
        /// The logical database.
        db: u32,
        /// The key.
        key: &'a [u8],
    },
    /// A key's time ran out and it was removed.
    Expired {
        /// The logical database.
        db: u32,
        /// The key.
        key: &'a [u8],
        /// Found by a command or by the background cycle.
        by: ExpiredBy,
    },
    /// A key was removed to make room.
    Evicted {
        /// The logical database.
        db: u32,
        /// The key.
        key: &'a [u8],
    },
    /// All keys of one database or of all were removed.
    Flushed {
        /// The logical database; `None` all.
        db: Option<u32>,
        /// How many keys there were.
        keys: u64,
    },
    /// Two databases were exchanged: the keys of each are the other's now.
    Swapped {
        /// A logical database.
        a: u32,
        /// Another.
        b: u32,
    },
    /// A message was published.
    Published {
        /// The channel.
        channel: &'a [u8],
        /// How many connections got it.
        receivers: u32,
    },
}
