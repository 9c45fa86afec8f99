//! A sign of life on standard error while a run goes on: on a terminal a line that is redrawn,
//! elsewhere a line now and then.

use super::tally::Counters;
use std::io::{IsTerminal, Write, stderr};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How often a terminal's line is redrawn.
const REDRAW: Duration = Duration::from_millis(250);
/// How often a log gets a line.
const LINE: Duration = Duration::from_secs(5);

/// The progress of one run.
pub(crate) struct Progress<'a> {
    name: &'a str,
    counters: &'a [Counters],
    start: Instant,
    /// What ends it: a time, or a number of requests.
    duration: Option<Duration>,
    requests: Option<u64>,
    terminal: bool,
    last: Seen,
}

/// The totals at a moment.
#[derive(Clone, Copy, Default)]
struct Seen {
    at: Duration,
    answered: u64,
    errors: u64,
    waited: u64,
}

impl<'a> Progress<'a> {
    /// Begins now.
    pub(crate) fn new(
        name: &'a str,
        counters: &'a [Counters],
        duration: Option<Duration>,
        requests: Option<u64>,
    ) -> Self {
        let (terminal, last) = (stderr().is_terminal(), Seen::default());
        Progress { name, counters, start: Instant::now(), duration, requests, terminal, last }
    }

    /// Shows where it is, when it is time to.
    pub(crate) fn tick(&mut self) {
        let at = self.start.elapsed();
        if at < self.last.at + if self.terminal { REDRAW } else { LINE } {
            return;
        }
        let sum = |of: fn(&Counters) -> u64| self.counters.iter().map(of).sum::<u64>();
        let now = Seen {
            at,
            answered: sum(|c| c.answered.load(Ordering::Relaxed)),
            errors: sum(|c| c.errors.load(Ordering::Relaxed)),
            waited: sum(|c| c.waited.load(Ordering::Relaxed)),
        };
        let line = self.line(now);
        self.last = now;
        if self.terminal {
            say(&format!("\r\x1b[2K{line}"));
        } else {
            say(&format!("{line}\n"));
        }
    }

    /// Clears the terminal's line.
    pub(crate) fn finish(self) {
        if self.terminal && self.last.at > Duration::ZERO {
            say("\r\x1b[2K");
        }
    }

    fn line(&self, now: Seen) -> String {
        let answered = now.answered - self.last.answered;
        let rate = answered as f64 / (now.at - self.last.at).as_secs_f64();
        let mean = (now.waited - self.last.waited) as f64 / answered.max(1) as f64 / 1e6;
        let by_time = self.duration.map(|all| now.at.as_secs_f64() / all.as_secs_f64());
        let by_count = self.requests.map(|all| now.answered as f64 / all as f64);
        let part = by_time.unwrap_or(0.0).max(by_count.unwrap_or(0.0)).min(1.0) * 100.0;
        let mut line = format!(
            "{}: {part:3.0} %, {} requests, {rate:.0} a second, mean {mean:.3} ms",
            self.name, now.answered
        );
        if now.errors > 0 {
            line += &format!(", {} errors", now.errors);
        }
        line
    }
}

/// Writes at once. A terminal or pipe that has gone away is no reason to stop.
fn say(text: &str) {
    let mut err = stderr().lock();
    let _ = err.write_all(text.as_bytes());
    let _ = err.flush();
}
