//! A stopwatch that counts only while the thread runs, and a histogram.

use rustix::time::{ClockId, clock_gettime};
use std::time::{Duration, Instant};

/// What takes longer by the wall's clock is told by the thread's own, which is dearer to ask.
const SLOW: Duration = Duration::from_micros(10);
/// Parts of each doubling.
const PARTS: u64 = 32;

/// Times one thing after the other.
pub(crate) struct Watch {
    wall: Instant,
    ran: Duration,
}

impl Watch {
    pub(crate) fn start() -> Self {
        let ran = ran();
        Watch { wall: Instant::now(), ran }
    }

    /// Time since the last call, without that in which others had the processor.
    pub(crate) fn lap(&mut self) -> Duration {
        let wall = self.wall.elapsed();
        let now = ran();
        let lap = if wall > SLOW { wall.min(now - self.ran) } else { wall };
        *self = Watch { wall: Instant::now(), ran: now };
        lap
    }
}

/// How long this thread has had a processor.
fn ran() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

/// Memory of the process that is in use, in bytes.
pub(crate) fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text.split_whitespace().nth(1).and_then(|n| n.parse::<u64>().ok());
    pages.unwrap_or(0) * 4096
}

/// What else the machine does.
pub(crate) fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load: Vec<_> = text.split(' ').take(3).collect();
    format!("load {} on {cores} cores", load.join(" "))
}

/// Durations in classes a thirty-second of a doubling wide.
#[derive(Default)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    all: u64,
    sum: Duration,
    max: Duration,
}

impl Histogram {
    pub(crate) fn add(&mut self, time: Duration) {
        let class = class(time.as_nanos() as u64);
        if self.counts.len() <= class {
            self.counts.resize(class + 1, 0);
        }
        self.counts[class] += 1;
        self.all += 1;
        self.sum += time;
        self.max = self.max.max(time);
    }

    /// The duration that so large a part of all is at most.
    fn at(&self, part: f64) -> Duration {
        let mut left = (self.all as f64 * part).ceil() as u64;
        let reached = |count: &u64| {
            left = left.saturating_sub(*count);
            left == 0
        };
        let class = self.counts.iter().position(reached).unwrap_or(0);
        Duration::from_nanos(end_of(class as u64)).min(self.max)
    }

    pub(crate) fn print(&self, name: &str) {
        let shown = |time: Duration| format!("{:.1}", time.as_nanos() as f64 / 1000.0);
        let parts = [0.5, 0.99, 0.999, 0.9999].map(|part| shown(self.at(part)));
        let [p50, p99, p999, p9999] = parts;
        println!(
            "| {name} | {} | {p50} | {p99} | {p999} | {p9999} | {} | {:.0} |",
            self.all,
            shown(self.max),
            self.sum.as_millis()
        );
    }
}

fn class(nanos: u64) -> usize {
    if nanos < PARTS {
        return nanos as usize;
    }
    let doubling = u64::from(nanos.ilog2() - PARTS.ilog2());
    (PARTS * (doubling + 1) + (nanos >> doubling) - PARTS) as usize
}

fn end_of(class: u64) -> u64 {
    if class < PARTS {
        return class;
    }
    let doubling = class / PARTS - 1;
    ((PARTS + class % PARTS + 1) << doubling) - 1
}
