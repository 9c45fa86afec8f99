//! When requests are due, and being woken in time for them.
//!
//! With a rate, a request is due at its time whether or not the server has answered those before:
//! the load doesn't wait for the server, as users don't. Its latency counts from then, so that a
//! stall is felt by all who would have come during it ("coordinated omission" is to leave them out).
//! What must never be here: connections.

use mio::{Registry, Token};
use std::io;
use std::time::Duration;

/// A wait that is shorter than this is spent looking: to fall asleep and wake up takes as long.
const SPIN: Duration = Duration::from_micros(20);

/// Equal steps in time, the requests of several threads in turns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pace {
    /// Requests a second, of all threads together.
    rate: f64,
    /// So many are due at once.
    burst: u64,
    part: u64,
    parts: u64,
}

impl Pace {
    /// The requests of thread `part` of `parts`, which together send `rate` a second, in bursts of
    /// `burst`.
    pub(crate) fn new(rate: f64, burst: u64, part: u64, parts: u64) -> Self {
        Pace { rate, burst, part, parts }
    }

    /// The place among the requests of all threads that this thread's request `index` has.
    pub(crate) fn place(&self, index: u64) -> u64 {
        index * self.parts + self.part
    }

    /// Nanoseconds from the start to when this thread's request `index` is due.
    pub(crate) fn due(&self, index: u64) -> u64 {
        let place = self.place(index);
        ((place - place % self.burst) as f64 * 1e9 / self.rate) as u64
    }

    /// How many of this thread's requests are due by that time.
    pub(crate) fn due_by(&self, nanos: u64) -> u64 {
        let bursts = (nanos as f64 * self.rate / 1e9) as u64 / self.burst + 1;
        self.share(bursts * self.burst)
    }

    /// How many of the first `all` requests of all threads are this thread's.
    pub(crate) fn share(&self, all: u64) -> u64 {
        all.saturating_sub(self.part).div_ceil(self.parts)
    }
}

/// Ends a poll at a time. A poll's own timeout is in milliseconds, too coarse for thousands of
/// requests a second.
pub(crate) struct Alarm {
    #[cfg(target_os = "linux")]
    timer: std::os::fd::OwnedFd,
}

#[cfg(target_os = "linux")]
impl Alarm {
    /// An alarm that wakes whoever polls `registry`.
    pub(crate) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};
        use std::os::fd::AsRawFd;
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        let mut source = mio::unix::SourceFd(&timer.as_raw_fd());
        registry.register(&mut source, token, mio::Interest::READABLE)?;
        Ok(Alarm { timer })
    }

    /// Prepares to be woken after `wait`; gives the timeout to poll with, which is `most` at most.
    pub(crate) fn set(&self, wait: Duration, most: Duration) -> io::Result<Duration> {
        use rustix::time::{Itimerspec, TimerfdTimerFlags, Timespec, timerfd_settime};
        if wait < SPIN {
            return Ok(Duration::ZERO);
        }
        if wait < most {
            let tv_nsec = wait.subsec_nanos().into();
            let it_value = Timespec { tv_sec: wait.as_secs() as i64, tv_nsec };
            let it_interval = Timespec { tv_sec: 0, tv_nsec: 0 };
            // It is never read: each setting makes it ready anew, and polls tell edges.
            let value = Itimerspec { it_interval, it_value };
            timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &value)?;
        }
        Ok(most)
    }
}

#[cfg(not(target_os = "linux"))]
impl Alarm {
    /// An alarm that wakes whoever polls `registry`.
    pub(crate) fn new(_: &Registry, _: Token) -> io::Result<Self> {
        Ok(Alarm {})
    }

    /// Prepares to be woken after `wait`; gives the timeout to poll with, which is `most` at most.
    pub(crate) fn set(&self, wait: Duration, most: Duration) -> io::Result<Duration> {
        Ok(if wait < SPIN { Duration::ZERO } else { wait.min(most) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_equal_and_shared() {
        let alone = Pace::new(1000.0, 1, 0, 1);
        assert_eq!([0, 1, 2].map(|index| alone.due(index)), [0, 1_000_000, 2_000_000]);
        assert_eq!(alone.due(1_000_000), 1_000_000_000_000);
        let (first, second) = (Pace::new(1000.0, 1, 0, 2), Pace::new(1000.0, 1, 1, 2));
        assert_eq!([first.due(0), second.due(0)], [0, 1_000_000]);
        assert_eq!([first.due(1), second.due(1)], [2_000_000, 3_000_000]);
        // A rate that doesn't divide the second doesn't drift.
        assert_eq!(Pace::new(3.0, 1, 0, 1).due(3_000_000), 1_000_000_000_000_000);
    }

    #[test]
    fn bursts_are_due_at_once() {
        let pace = Pace::new(1000.0, 3, 0, 1);
        let due: Vec<u64> = (0..7).map(|index| pace.due(index) / 1_000_000).collect();
        assert_eq!(due, [0, 0, 0, 3, 3, 3, 6]);
        assert_eq!([0, 2_999_999, 3_000_000].map(|nanos| pace.due_by(nanos)), [3, 3, 6]);
    }

    #[test]
    fn what_is_due_is_what_has_come_due() {
        for pace in [
            Pace::new(7.0, 1, 0, 1),
            Pace::new(123_456.7, 1, 2, 3),
            Pace::new(2e6, 1, 1, 2),
            Pace::new(5000.0, 64, 1, 3),
        ] {
            for nanos in (0..2_000_000_000).step_by(7_654_321) {
                let count = pace.due_by(nanos);
                assert!(count == 0 || pace.due(count - 1) <= nanos);
                assert!(pace.due(count) > nanos.saturating_sub(1), "{pace:?} {nanos} {count}");
            }
        }
    }
}
