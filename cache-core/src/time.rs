//! The two clocks: monotonic time for timers and leases, wall time for expiry.
//!
//! Nothing here reads a clock; the host passes [`Now`] with every call. Either clock may jump.

/// The moment at which the host calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Now {
    /// Monotonic time in microseconds since an origin of the host's choice.
    pub mono_us: u64,
    /// Wall time in microseconds since the Unix epoch.
    pub wall_us: u64,
}

impl Now {
    /// A moment at which both clocks show the same number of milliseconds.
    ///
    /// Of use to tests and simulations, where the origin of time is a choice.
    pub const fn from_millis(ms: u64) -> Self {
        Now { mono_us: ms * 1000, wall_us: ms * 1000 }
    }

    /// Both clocks held below 2^62 microseconds (146,000 years), so that sums of moments and spans
    /// can't overflow, whatever a host's clocks show.
    pub(crate) fn clamped(self) -> Self {
        const LATEST_US: u64 = 1 << 62;
        Now { mono_us: self.mono_us.min(LATEST_US), wall_us: self.wall_us.min(LATEST_US) }
    }

    /// Wall time in milliseconds since the Unix epoch, rounded down.
    pub const fn wall_ms(self) -> u64 {
        self.wall_us / 1000
    }

    /// Wall time in seconds since the Unix epoch, rounded down.
    pub const fn wall_secs(self) -> u64 {
        self.wall_us / 1_000_000
    }

    /// Monotonic time in milliseconds, rounded down.
    pub const fn mono_ms(self) -> u64 {
        self.mono_us / 1000
    }
}

/// When the host must call [`run`](crate::Node::run) again although no bytes came in.
///
/// A host with a single alarm (a Durable Object) may let housekeeping wait for the next request;
/// a deadline changes what a client sees and must be met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeout {
    /// A client waits for this moment (monotonic microseconds).
    Deadline(u64),
    /// Memory can be given back or an idle client closed at this moment (monotonic microseconds).
    Housekeeping(u64),
}

impl Timeout {
    /// The moment in monotonic microseconds, whichever kind it is.
    pub const fn at_us(self) -> u64 {
        match self {
            Timeout::Deadline(at) | Timeout::Housekeeping(at) => at,
        }
    }
}
