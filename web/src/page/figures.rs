//! Figures of the last few seconds, made from the simulation's counters and answers.

use larder_sim::{Counters, Event, EventKind, Latencies, Outcome, Sim};
use std::collections::VecDeque;

/// How far back a rate looks, in simulated microseconds, and how often it is sampled.
const WINDOW_US: u64 = 5_000_000;
const EVERY_US: u64 = 100_000;
/// How much the newest answer weighs in an average latency.
const NEWEST: f64 = 0.12;

/// What the page's strip of figures shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Figures {
    pub(crate) now_us: u64,
    pub(crate) totals: Counters,
    pub(crate) latencies: Latencies,
    /// Of the last seconds: the part of keys read that were there.
    pub(crate) hit_ratio: Option<f64>,
    pub(crate) database_reads_per_s: f64,
    pub(crate) requests_per_s: f64,
    /// Average answers, in milliseconds, from the cache and from the database.
    pub(crate) hit_ms: Option<f64>,
    pub(crate) miss_ms: Option<f64>,
}

/// Watches the simulation.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    samples: VecDeque<(u64, Counters)>,
    hit_ms: Option<f64>,
    miss_ms: Option<f64>,
}

impl Meter {
    pub(crate) fn take(&mut self, event: &Event) {
        let EventKind::RequestDone { latency_us, outcome, .. } = event.kind else { return };
        let average = match outcome {
            Outcome::Hit | Outcome::Stale => &mut self.hit_ms,
            Outcome::Miss | Outcome::Direct => &mut self.miss_ms,
            _ => return,
        };
        let ms = latency_us as f64 / 1000.0;
        *average = Some(average.map_or(ms, |old| old + (ms - old) * NEWEST));
    }

    /// The pattern has changed, and with it what an answer costs.
    pub(crate) fn forget_latencies(&mut self) {
        self.hit_ms = None;
        self.miss_ms = None;
    }

    pub(crate) fn sample(&mut self, sim: &Sim) {
        let now = sim.now_us();
        if self.samples.back().is_none_or(|(at, _)| at + EVERY_US <= now) {
            self.samples.push_back((now, sim.counters()));
            while self.samples.front().is_some_and(|(at, _)| at + WINDOW_US < now) {
                self.samples.pop_front();
            }
        }
    }

    pub(crate) fn figures(&self, sim: &Sim) -> Figures {
        let (now_us, totals) = (sim.now_us(), sim.counters());
        let (since, before) = self.samples.front().copied().unwrap_or_default();
        let seconds = (now_us.saturating_sub(since) as f64 / 1e6).max(0.2);
        let rate = |now: u64, then: u64| (now - then) as f64 / seconds;
        let (hits, misses) = (totals.hits - before.hits, totals.misses - before.misses);
        Figures {
            now_us,
            latencies: sim.latencies(),
            hit_ratio: (hits + misses > 0).then(|| hits as f64 / (hits + misses) as f64),
            database_reads_per_s: rate(totals.database_reads, before.database_reads),
            requests_per_s: rate(totals.done, before.done),
            hit_ms: self.hit_ms,
            miss_ms: self.miss_ms,
            totals,
        }
    }
}
