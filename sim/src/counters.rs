//! Counting: totals since the start, and latencies of the last requests.
//!
//! Every total is counted from events and from nothing else, so that figures and pictures agree.

use crate::event::{EventKind, ExpiredBy, Operation, Outcome};
use std::collections::{BinaryHeap, VecDeque};

/// How far back [`Latencies`] look, in microseconds.
pub const LATENCY_WINDOW_US: u64 = 10_000_000;
/// The most requests that [`Latencies`] look at.
pub const LATENCY_SAMPLES: u32 = 4096;

/// Totals since the start of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Counters {
    /// Requests that reached an application to read.
    pub reads: u64,
    /// Requests that reached an application to write.
    pub writes: u64,
    /// Requests answered, errors included.
    pub done: u64,
    /// Requests that ended with an error.
    pub failed: u64,
    /// Keys that the node read and that were there (the console's reads included).
    pub hits: u64,
    /// Keys that the node read and that were not there (the console's reads included).
    pub misses: u64,
    /// Keys that the node created or changed.
    pub cache_writes: u64,
    /// Keys whose time had run out when a command met them.
    pub expired_by_access: u64,
    /// Keys whose time had run out when the node's own cycle met them.
    pub expired_by_cycle: u64,
    /// Keys removed to make room.
    pub evicted: u64,
    /// Reads that were served what the row was at no moment of the request.
    pub stale_reads: u64,
    /// Times that an application had to go on without the cache.
    pub cache_failures: u64,
    /// Statements by which the database looked for a row.
    pub database_reads: u64,
    /// Rows inserted or changed.
    pub database_writes: u64,
    /// Statements that had to wait for a connection.
    pub database_queued: u64,
    /// Statements that the database refused.
    pub database_refused: u64,
}

impl Counters {
    /// Hits among the keys read, in thousandths; `None` before the first.
    pub fn hit_permille(&self) -> Option<u32> {
        let reads = self.hits + self.misses;
        (self.hits * 1000).checked_div(reads).map(|permille| permille as u32)
    }

    pub(crate) fn count(&mut self, kind: &EventKind) {
        match kind {
            EventKind::RequestStarted { operation: Operation::Read, .. } => self.reads += 1,
            EventKind::RequestStarted { operation: Operation::Write { .. }, .. } => {
                self.writes += 1;
            }
            EventKind::RequestDone { outcome, .. } => {
                self.done += 1;
                self.failed += u64::from(matches!(outcome, Outcome::Failed(_)));
            }
            EventKind::CacheHit { .. } => self.hits += 1,
            EventKind::CacheMiss { .. } => self.misses += 1,
            EventKind::CacheWritten { .. } => self.cache_writes += 1,
            EventKind::CacheExpired { by: ExpiredBy::Access, .. } => self.expired_by_access += 1,
            EventKind::CacheExpired { by: ExpiredBy::Cycle, .. } => self.expired_by_cycle += 1,
            EventKind::CacheEvicted { .. } => self.evicted += 1,
            EventKind::CacheFailed { .. } => self.cache_failures += 1,
            EventKind::StaleRead { .. } => self.stale_reads += 1,
            EventKind::RowRead { .. } => self.database_reads += 1,
            EventKind::RowWritten { .. } => self.database_writes += 1,
            EventKind::DatabaseQueued { .. } => self.database_queued += 1,
            EventKind::DatabaseRefused { .. } => self.database_refused += 1,
            _ => {}
        }
    }
}

/// How long users waited: requests of the last [`LATENCY_WINDOW_US`], at most the last
/// [`LATENCY_SAMPLES`]. All zero without any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Latencies {
    /// How many requests were looked at.
    pub samples: u32,
    /// Half of them took at most this long, in microseconds.
    pub p50_us: u64,
    /// 95 in a hundred took at most this long.
    pub p95_us: u64,
    /// 99 in a hundred took at most this long.
    pub p99_us: u64,
    /// The longest.
    pub max_us: u64,
}

/// The latencies of the last requests, with their moments.
#[derive(Clone, Debug, Default)]
pub(crate) struct LatencyWindow {
    samples: VecDeque<(u64, u64)>,
}

impl LatencyWindow {
    pub(crate) fn add(&mut self, now_us: u64, latency_us: u64) {
        if self.samples.len() >= LATENCY_SAMPLES as usize {
            self.samples.pop_front();
        }
        self.samples.push_back((now_us, latency_us));
    }

    pub(crate) fn latencies(&self, now_us: u64) -> Latencies {
        let since = now_us.saturating_sub(LATENCY_WINDOW_US);
        let recent = self.samples.iter().rev().take_while(|&&(at, _)| at >= since);
        // A heap brings less code to the page than a sort does.
        let sorted =
            recent.map(|&(_, latency)| latency).collect::<BinaryHeap<_>>().into_sorted_vec();
        // Nearest rank: the least value that so many in a hundred don't exceed.
        let rank = |percent: usize| {
            let rank = (sorted.len() * percent).div_ceil(100);
            sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0)
        };
        Latencies {
            samples: sorted.len() as u32,
            p50_us: rank(50),
            p95_us: rank(95),
            p99_us: rank(99),
            max_us: rank(100),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_by_nearest_rank_within_the_window() {
        let mut window = LatencyWindow::default();
        assert_eq!(window.latencies(0), Latencies::default());
        window.add(0, 9_999);
        for latency in 1..=100 {
            window.add(LATENCY_WINDOW_US + 1, latency);
        }
        let expected = Latencies { samples: 100, p50_us: 50, p95_us: 95, p99_us: 99, max_us: 100 };
        assert_eq!(window.latencies(LATENCY_WINDOW_US + 1), expected);
    }

    #[test]
    fn the_hit_ratio_needs_a_read() {
        assert_eq!(Counters::default().hit_permille(), None);
        assert_eq!(Counters { hits: 2, misses: 1, ..Default::default() }.hit_permille(), Some(666));
    }
}
