//! The one place of the data path where clocks are read.
//!
//! What must never be here: a decision that depends on the time.

use cache_core::observer::{Event, Observer};
use cache_core::time::Now;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Both clocks, the monotonic one counted from when the server started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: Instant,
}

impl Clock {
    /// Begins to count.
    pub(crate) fn start() -> Self {
        Clock { origin: Instant::now() }
    }

    /// Reads both clocks.
    pub(crate) fn now(&self) -> Now {
        // A wall clock before 1970 is wrong anyway; zero keeps us going.
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { mono_us: self.origin.elapsed().as_micros() as u64, wall_us: wall.as_micros() as u64 }
    }
}

/// Times commands, for the slow log. Nothing else is observed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(pub(crate) Clock);

impl Observer for Stopwatch {
    const ACTIVE: bool = false;

    fn event(&mut self, _now: Now, _event: Event<'_>) {}

    fn stopwatch_ns(&mut self) -> Option<u64> {
        Some(self.0.origin.elapsed().as_nanos() as u64)
    }
}
