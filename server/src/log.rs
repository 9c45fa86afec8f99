//! The log: lines as Redis writes them, `pid:role time level message`.
//!
//! `12345:M 22 Nov 2026 10:00:00.123 * Ready to accept connections tcp`. The level is one
//! character: `.` debug, `-` verbose, `*` notice, `#` warning. What must never be here: anything
//! that waits for a reader of the log, or that fails because nobody takes it.

use cache_core::node::LogLevel;
use std::fmt::{Display, Write as _};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A handle on the log; clones write to the same place.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// The least important level that is written; past the last one nothing is.
    threshold: AtomicU8,
    sink: Option<Mutex<File>>,
    pid: u32,
}

impl Log {
    /// Opens the log: the file to append to, or standard output when `path` is empty.
    pub(crate) fn open(path: &str, loglevel: &str) -> io::Result<Self> {
        let sink = if path.is_empty() {
            None
        } else {
            let file = OpenOptions::new().create(true).append(true).open(Path::new(path))?;
            Some(Mutex::new(file))
        };
        let threshold = AtomicU8::new(threshold(loglevel));
        Ok(Log { inner: Arc::new(Inner { threshold, sink, pid: std::process::id() }) })
    }

    /// Follows a new value of `loglevel`.
    pub(crate) fn set_level(&self, loglevel: &str) {
        self.inner.threshold.store(threshold(loglevel), Ordering::Relaxed);
    }

    /// Of interest now and then.
    pub(crate) fn verbose(&self, message: impl Display) {
        self.line(LogLevel::Verbose, &message);
    }

    /// What an operator wants to read.
    pub(crate) fn notice(&self, message: impl Display) {
        self.line(LogLevel::Notice, &message);
    }

    /// What an operator must read.
    pub(crate) fn warning(&self, message: impl Display) {
        self.line(LogLevel::Warning, &message);
    }

    /// Writes one line, if its level is wanted.
    pub(crate) fn line(&self, level: LogLevel, message: &dyn Display) {
        if (level as u8) < self.inner.threshold.load(Ordering::Relaxed) {
            return;
        }
        let time = jiff::Zoned::now().strftime("%d %b %Y %H:%M:%S%.3f").to_string();
        let line = format(self.inner.pid, level, &time, message);
        // A log that can't be written is no reason to stop serving.
        let _ = match &self.inner.sink {
            Some(file) => {
                file.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes())
            }
            None => io::stdout().lock().write_all(line.as_bytes()),
        };
    }
}

/// The number of the least important level that a word of `loglevel` lets through.
fn threshold(loglevel: &str) -> u8 {
    match loglevel {
        "debug" => LogLevel::Debug as u8,
        "verbose" => LogLevel::Verbose as u8,
        "warning" => LogLevel::Warning as u8,
        "nothing" => u8::MAX,
        _ => LogLevel::Notice as u8,
    }
}

fn format(pid: u32, level: LogLevel, time: &str, message: &dyn Display) -> String {
    let mark = match level {
        LogLevel::Debug => '.',
        LogLevel::Verbose => '-',
        LogLevel::Notice => '*',
        LogLevel::Warning => '#',
    };
    let mut line = format!("{pid}:M {time} {mark} ");
    for c in message.to_string().chars() {
        // Clients choose some of what is logged; none of it may begin a line of its own.
        if c.is_control() {
            let _ = write!(line, "{}", c.escape_default());
        } else {
            line.push(c);
        }
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_looks_as_in_redis_and_stays_one_line() {
        let line = format(7, LogLevel::Notice, "22 Nov 2026 10:00:00.123", &"hello\nfake");
        assert_eq!(line, "7:M 22 Nov 2026 10:00:00.123 * hello\\nfake\n");
    }

    #[test]
    fn levels_are_ordered() {
        let mut last = 0;
        for word in ["debug", "verbose", "notice", "warning", "nothing"] {
            assert!(threshold(word) >= last);
            last = threshold(word);
        }
        assert!(threshold("nothing") > LogLevel::Warning as u8);
    }
}
