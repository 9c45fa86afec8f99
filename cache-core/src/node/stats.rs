//! What a node counts.

use alloc::boxed::Box;
use alloc::vec::Vec;

/// Counters since the start or the last CONFIG RESETSTAT.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Commands executed.
    pub commands: u64,
    /// Connections taken in.
    pub connections_received: u64,
    /// Connections refused for `maxclients`.
    pub rejected_connections: u64,
    /// Bytes of the commands that were executed.
    pub net_input_bytes: u64,
    /// Bytes that went out.
    pub net_output_bytes: u64,
    /// Reads of keys that were there.
    pub hits: u64,
    /// Reads of keys that were not there.
    pub misses: u64,
    /// Keys whose time ran out.
    pub expired: u64,
    /// Of these, keys found by the background cycle.
    pub expired_by_cycle: u64,
    /// Fields of hashes whose time ran out.
    pub expired_fields: u64,
    /// Keys removed to make room.
    pub evicted: u64,
    /// Replies that were errors.
    pub errors: u64,
    /// Clients closed for unread output.
    pub output_limit_closes: u64,
    /// Clients closed for unprocessed input.
    pub query_limit_closes: u64,
    /// Messages published.
    pub published: u64,
    /// The most bytes that data has taken.
    pub peak_bytes: u64,
}

/// What became of one command's calls.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Calls {
    /// It ran.
    pub(crate) done: u64,
    /// It was refused before it ran.
    pub(crate) rejected: u64,
    /// It ran and answered with an error.
    pub(crate) failed: u64,
    /// Calls that were timed.
    pub(crate) timed: u64,
    /// Nanoseconds that those took.
    pub(crate) timed_ns: u64,
}

impl Calls {
    /// Nanoseconds that all calls took, judged by those that were timed.
    pub(crate) fn total_ns(&self) -> u64 {
        let each = self.timed_ns as f64 / self.timed.max(1) as f64;
        (each * self.done as f64) as u64
    }
}

/// Kinds of errors that are counted one by one; those beyond it only count in the sum.
const ERROR_KINDS_LIMIT: usize = 128;

/// Counts by command and by kind of error: INFO's commandstats and errorstats.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    calls: Vec<Calls>,
    /// By kind, sorted.
    errors: Vec<(Box<[u8]>, u64)>,
}

impl Tally {
    /// The counts of the command at a place of the table.
    pub(crate) fn calls_mut(&mut self, index: usize) -> &mut Calls {
        if self.calls.len() <= index {
            self.calls.resize(index + 1, Calls::default());
        }
        &mut self.calls[index]
    }

    pub(crate) fn calls(&self, index: usize) -> Calls {
        self.calls.get(index).copied().unwrap_or_default()
    }

    /// Counts an error by its code, the message's first word.
    pub(crate) fn note_error(&mut self, message: &[u8]) {
        let code = message.split(|&b| b == b' ').next().unwrap_or_default();
        match self.errors.binary_search_by_key(&code, |(code, _)| code) {
            Ok(at) => self.errors[at].1 += 1,
            Err(at) if self.errors.len() < ERROR_KINDS_LIMIT => {
                self.errors.insert(at, (code.into(), 1));
            }
            Err(_) => {}
        }
    }

    pub(crate) fn errors(&self) -> impl Iterator<Item = (&[u8], u64)> {
        self.errors.iter().map(|(code, count)| (&**code, *count))
    }
}

/// Looks at the counters at most so often, in microseconds.
const SAMPLE_US: u64 = 100_000;
/// How many looks the present rates are the mean of (as in Redis).
const SAMPLES: usize = 16;

/// How fast counters grow at present: commands, bytes in, bytes out, each a second.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rates {
    since_us: u64,
    before: [u64; 3],
    samples: [[u64; 3]; SAMPLES],
    next: usize,
}

impl Rates {
    /// Takes a sample when it is time for one.
    pub(crate) fn look(&mut self, stats: &Stats, now_us: u64) {
        let passed = now_us.saturating_sub(self.since_us);
        if passed < SAMPLE_US {
            return;
        }
        let counters = [stats.commands, stats.net_input_bytes, stats.net_output_bytes];
        for (i, counter) in counters.into_iter().enumerate() {
            // Counters may have been reset.
            let grown = counter.saturating_sub(self.before[i]);
            self.samples[self.next][i] = grown.saturating_mul(1_000_000) / passed;
        }
        self.before = counters;
        self.since_us = now_us;
        self.next = (self.next + 1) % SAMPLES;
    }

    /// Commands, bytes in and bytes out a second.
    pub(crate) fn per_second(&self) -> [u64; 3] {
        let mut sums = [0u64; 3];
        for sample in &self.samples {
            for (sum, value) in sums.iter_mut().zip(sample) {
                *sum = sum.saturating_add(*value);
            }
        }
        sums.map(|sum| sum / SAMPLES as u64)
    }
}
