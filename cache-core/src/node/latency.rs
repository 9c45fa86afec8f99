//! How long things took: spikes above a threshold (LATENCY LATEST, HISTORY ...) and how often each
//! command took how long (LATENCY HISTOGRAM).
//!
//! All of it is measured by the host's stopwatch: without one there is nothing to tell.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Spikes of one kind that are kept.
const SPIKES: usize = 160;
/// Buckets of a histogram: the first up to 1 microsecond, each of the others twice as far.
pub(crate) const BUCKETS: usize = 32;

/// What is watched for spikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Spike {
    Command,
    FastCommand,
    ExpireCycle,
}

impl Spike {
    /// In the order of their names.
    pub(crate) const ALL: [Spike; 3] = [Spike::Command, Spike::ExpireCycle, Spike::FastCommand];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Spike::Command => "command",
            Spike::FastCommand => "fast-command",
            Spike::ExpireCycle => "expire-cycle",
        }
    }
}

/// The spikes of one kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spikes {
    /// Seconds since the Unix epoch, and milliseconds that it took; the latest last.
    pub(crate) samples: VecDeque<(u64, u64)>,
    pub(crate) max_ms: u64,
    pub(crate) sum_ms: u64,
    pub(crate) count: u64,
}

impl Spikes {
    fn add(&mut self, unix_secs: u64, ms: u64) {
        self.max_ms = self.max_ms.max(ms);
        self.sum_ms = self.sum_ms.saturating_add(ms);
        self.count += 1;
        match self.samples.back_mut() {
            // Of one second the longest is kept.
            Some((at, longest)) if *at == unix_secs => *longest = ms.max(*longest),
            _ => self.samples.push_back((unix_secs, ms)),
        }
        if self.samples.len() > SPIKES {
            self.samples.pop_front();
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Latency {
    spikes: [Spikes; Spike::ALL.len()],
    /// Milliseconds from which on something is a spike; 0: nothing is.
    pub(super) threshold_ms: u64,
    /// Whether histograms are kept.
    pub(super) tracks: bool,
    /// By the commands' places in the table.
    histograms: Vec<[u64; BUCKETS]>,
}

impl Latency {
    pub(super) fn note_spike(&mut self, spike: Spike, unix_secs: u64, took_ns: u64) {
        let ms = took_ns / 1_000_000;
        if self.threshold_ms > 0 && ms >= self.threshold_ms {
            self.spikes[spike as usize].add(unix_secs, ms);
        }
    }

    pub(super) fn note_call(&mut self, index: usize, took_ns: u64) {
        if !self.tracks {
            return;
        }
        if self.histograms.len() <= index {
            self.histograms.resize(index + 1, [0; BUCKETS]);
        }
        self.histograms[index][bucket(took_ns)] += 1;
    }

    pub(crate) fn spikes(&self, spike: Spike) -> &Spikes {
        &self.spikes[spike as usize]
    }

    /// Forgets the spikes of one kind and says whether there were any.
    pub(crate) fn forget(&mut self, spike: Spike) -> bool {
        core::mem::take(&mut self.spikes[spike as usize]).count > 0
    }

    /// How often the command at a place of the table took how long: up to 2^i microseconds.
    pub(crate) fn histogram(&self, index: usize) -> [u64; BUCKETS] {
        self.histograms.get(index).copied().unwrap_or([0; BUCKETS])
    }

    pub(crate) fn forget_calls(&mut self) {
        self.histograms.clear();
    }
}

/// Which bucket so many nanoseconds fall in.
fn bucket(ns: u64) -> usize {
    let us = ns.div_ceil(1000).max(1);
    (us.next_power_of_two().trailing_zeros() as usize).min(BUCKETS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_powers_of_two() {
        let cases = [(0, 0), (1000, 0), (1001, 1), (2000, 1), (2001, 2), (10_047, 4)];
        for (ns, at) in cases {
            assert_eq!(bucket(ns), at, "{ns}");
        }
        assert_eq!(bucket(u64::MAX >> 1), BUCKETS - 1);
    }

    #[test]
    fn of_a_second_the_longest_spike_is_kept() {
        let mut latency = Latency { threshold_ms: 5, ..Latency::default() };
        for (secs, ms) in [(1, 4), (1, 5), (1, 9), (1, 6), (2, 5)] {
            latency.note_spike(Spike::Command, secs, ms * 1_000_000);
        }
        let spikes = latency.spikes(Spike::Command);
        assert_eq!(spikes.samples, [(1, 9), (2, 5)]);
        assert_eq!((spikes.max_ms, spikes.sum_ms, spikes.count), (9, 25, 4));
        assert!(latency.forget(Spike::Command) && !latency.forget(Spike::Command));
    }
}
