//! What was measured.
//!
//! What must never be here: how it is shown.

use hdrhistogram::Histogram;
use std::sync::atomic::{AtomicU64, Ordering};

/// Latencies are kept in nanoseconds up to this one, with three digits.
const LONGEST: u64 = 100_000_000_000;

/// An empty histogram of nanoseconds.
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST, 3).expect("the bounds are in order")
}

/// What one kind of request met.
#[derive(Clone, Debug)]
pub(crate) struct OpTally {
    /// Nanoseconds from when a request was due, or without a rate was sent, to its reply.
    pub(crate) latencies: Histogram<u64>,
    pub(crate) nils: u64,
    pub(crate) errors: u64,
}

/// What one run, or one thread of it, measured.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    /// For each kind of request, in the order of the workload.
    pub(crate) ops: Vec<OpTally>,
    pub(crate) sent: u64,
    /// With a rate: nanoseconds by which requests left after they were due.
    pub(crate) late: Histogram<u64>,
    /// With a rate: requests that were due and never left, since all connections were busy.
    pub(crate) unsent: u64,
    /// Nanoseconds from the start to the last reply.
    pub(crate) last: u64,
    pub(crate) bytes_sent: u64,
    pub(crate) bytes_received: u64,
    /// The first error that the server answered, in full.
    pub(crate) first_error: Option<String>,
    /// Why it ended before its time.
    pub(crate) failure: Option<String>,
}

impl Tally {
    /// Nothing yet, of so many kinds of requests.
    pub(crate) fn new(ops: usize) -> Self {
        let op = OpTally { latencies: histogram(), nils: 0, errors: 0 };
        Tally {
            ops: vec![op; ops],
            sent: 0,
            late: histogram(),
            unsent: 0,
            last: 0,
            bytes_sent: 0,
            bytes_received: 0,
            first_error: None,
            failure: None,
        }
    }

    /// Adds what another thread measured.
    pub(crate) fn add(&mut self, other: &Tally) {
        for (op, more) in self.ops.iter_mut().zip(&other.ops) {
            *op = op.with(more);
        }
        self.sent += other.sent;
        self.late.add(&other.late).expect("their bounds are the same");
        self.unsent += other.unsent;
        self.last = self.last.max(other.last);
        self.bytes_sent += other.bytes_sent;
        self.bytes_received += other.bytes_received;
        self.first_error = self.first_error.take().or_else(|| other.first_error.clone());
        self.failure = self.failure.take().or_else(|| other.failure.clone());
    }

    /// All kinds of requests together.
    pub(crate) fn all(&self) -> OpTally {
        let none = OpTally { latencies: histogram(), nils: 0, errors: 0 };
        self.ops.iter().fold(none, |sum, op| sum.with(op))
    }
}

impl OpTally {
    fn with(&self, more: &OpTally) -> OpTally {
        let mut latencies = self.latencies.clone();
        latencies.add(&more.latencies).expect("their bounds are the same");
        OpTally { latencies, nils: self.nils + more.nils, errors: self.errors + more.errors }
    }

    /// Replies.
    pub(crate) fn answered(&self) -> u64 {
        self.latencies.len()
    }
}

/// What a thread lets others see while it runs: totals so far.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) answered: AtomicU64,
    pub(crate) errors: AtomicU64,
    /// Nanoseconds of latency, all replies together.
    pub(crate) waited: AtomicU64,
}

impl Counters {
    /// Adds to the totals; only the thread whose they are does.
    pub(crate) fn add(&self, answered: u64, errors: u64, waited: u64) {
        for (total, more) in
            [(&self.answered, answered), (&self.errors, errors), (&self.waited, waited)]
        {
            total.store(total.load(Ordering::Relaxed) + more, Ordering::Relaxed);
        }
    }
}
