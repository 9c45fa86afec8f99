//! Writing the append log: what waits to be written, what is under way, what is safe.
//!
//! One append is under way at a time; what is recorded meanwhile goes with the next one, so that a slow
//! disk gets fewer and larger writes. When one fails, the file is cut back to the length it is known to
//! have, and the same bytes are written again, until the disk takes them: none is lost or doubled.
//! What must never be here: which files there are; when a log is rewritten.

use super::file::{FileError, FileErrorKind, FileOp, Lane};
use super::jobs::{Jobs, Purpose};
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// How long after a failure the log is tried again, in microseconds.
const RETRY_US: u64 = 1_000_000;
/// How often `everysec` syncs, in microseconds.
const SYNC_US: u64 = 1_000_000;
/// The most bytes that one append carries.
const APPEND: usize = 8 << 20;

/// When what was written is synced (`appendfsync`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum SyncPolicy {
    /// With each write, before it is answered.
    Always,
    /// Once a second.
    #[default]
    EverySecond,
    /// When the system likes to.
    Never,
}

/// Bytes for one file.
#[derive(Clone, Debug)]
struct Segment {
    path: Arc<str>,
    bytes: Vec<u8>,
    /// The offset in the stream of effects behind `bytes`.
    upto: u64,
    /// Nothing more comes for this file: it is synced, and the next segment's begins.
    is_last: bool,
}

/// An append that is under way, or that has failed and is to be done again.
#[derive(Clone, Debug)]
struct Flight {
    job: Option<u64>,
    bytes: Arc<Vec<u8>>,
    upto: u64,
    syncs: bool,
}

/// The log's end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tail {
    segments: VecDeque<Segment>,
    flight: Option<Flight>,
    /// The length of the first segment's file, as far as is known to be written.
    len: u64,
    /// Bytes that have been written to all files since the log was opened, and wait to be.
    pub(super) written: u64,
    waiting: usize,
    /// The offset up to which effects are in files, and up to which they are safe there.
    appended: u64,
    synced: u64,
    /// A sync under way: its job, and up to which offset it makes safe.
    syncing: Option<(u64, u64)>,
    last_sync_us: u64,
    /// Syncs that would have been due while one was under way.
    pub(super) delayed_syncs: u64,
    /// Why the log can't be written.
    error: Option<String>,
    /// A file of which written bytes may be lost, since a sync has failed: only another base makes good
    /// for it.
    doubtful: Option<Arc<str>>,
    retry_at_us: Option<u64>,
}

impl Tail {
    /// A log that goes on at the end of a file of this length.
    pub(super) fn open(path: &str, len: u64, offset: u64) -> Self {
        let mut tail = Tail { len, appended: offset, synced: offset, ..Tail::default() };
        tail.add_segment(path, offset);
        tail
    }

    fn add_segment(&mut self, path: &str, upto: u64) {
        let path = Arc::from(path);
        self.segments.push_back(Segment { path, bytes: Vec::new(), upto, is_last: false });
    }

    /// From here on goes to another file, which is empty; `head` is the first to go there and no part
    /// of the stream.
    pub(super) fn switch(&mut self, path: &str, offset: u64, head: &[u8]) {
        if let Some(last) = self.segments.back_mut() {
            last.is_last = true;
        }
        self.add_segment(path, offset);
        self.push(head, offset);
    }

    /// Takes effects that end at an offset.
    pub(super) fn push(&mut self, bytes: &[u8], upto: u64) {
        let Some(segment) = self.segments.back_mut() else { return };
        segment.bytes.extend_from_slice(bytes);
        segment.upto = upto;
        self.waiting += bytes.len();
    }

    /// Forgets what waits for other files than the newest: another base holds all up to `offset`.
    pub(super) fn drop_old_files(&mut self, offset: u64) {
        while self.segments.len() > 1 {
            let Some(dropped) = self.segments.pop_front() else { break };
            let flight = self.flight.take().map_or(0, |flight| flight.bytes.len());
            self.waiting -= dropped.bytes.len() + flight;
            self.len = 0;
            self.syncing = None;
            self.retry_at_us = None;
            self.error = None;
        }
        self.appended = self.appended.max(offset);
        self.synced = self.synced.max(offset);
        if self.doubtful.as_deref() != self.path() {
            self.doubtful = None;
        }
        if self.doubtful.is_none() && self.retry_at_us.is_none() {
            self.error = None;
        }
    }

    /// Whether only another base makes good for what a failed sync may have lost.
    pub(super) fn is_doubtful(&self) -> bool {
        self.doubtful.is_some()
    }

    /// Nothing is logged any more: what waits is written as well as may be, and nobody hears of it.
    pub(super) fn close(&mut self, jobs: &mut Jobs) {
        for segment in core::mem::take(&mut self.segments) {
            let path = String::from(&*segment.path);
            if self.error.is_none() {
                let op = FileOp::Append { path, bytes: Arc::new(segment.bytes), sync: true };
                jobs.ask(Lane::Log, op, Purpose::Tidied);
            }
        }
        *self = Tail::default();
    }

    /// Bytes that wait while the disk takes them: those that wait for a broken one don't count, since
    /// nothing but what expires comes to them.
    pub(super) fn backlog(&self) -> usize {
        if self.error.is_none() { self.waiting } else { 0 }
    }

    /// The file that is appended to.
    pub(super) fn path(&self) -> Option<&str> {
        self.segments.back().map(|segment| &*segment.path)
    }

    /// Bytes that wait to be written or are being written.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// The offset up to which effects are safe on disk.
    pub(crate) fn synced(&self) -> u64 {
        self.synced
    }

    /// Whether all that was taken is written and synced.
    pub(super) fn is_safe(&self, offset: u64) -> bool {
        self.synced >= offset
    }

    pub(super) fn syncs_pending(&self) -> u64 {
        u64::from(self.syncing.is_some())
    }

    pub(crate) fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// When [`tend`](Self::tend) has something to do without more input.
    pub(super) fn next_us(&self, policy: SyncPolicy) -> Option<u64> {
        if self.retry_at_us.is_some() {
            return self.retry_at_us;
        }
        let due = policy == SyncPolicy::EverySecond
            && self.appended > self.synced
            && self.syncing.is_none()
            && self.flight.is_none();
        due.then_some(self.last_sync_us.saturating_add(SYNC_US))
    }

    /// Asks for what is to be done now. `at_once`: a sync may not wait, whatever the policy says.
    pub(super) fn tend(&mut self, jobs: &mut Jobs, policy: SyncPolicy, now_us: u64, at_once: bool) {
        if self.retry_at_us.is_some_and(|at| at <= now_us) {
            self.retry_at_us = None;
            self.repair(jobs);
        }
        if self.retry_at_us.is_none() && self.flight.is_none() {
            self.append(jobs, policy);
        }
        let due = match policy {
            SyncPolicy::EverySecond => now_us >= self.last_sync_us.saturating_add(SYNC_US),
            // What was written before the policy was changed.
            SyncPolicy::Always => self.flight.is_none(),
            SyncPolicy::Never => false,
        };
        if self.appended > self.synced && (due || at_once) && self.doubtful.is_none() {
            self.sync(jobs, now_us);
        }
    }

    fn sync(&mut self, jobs: &mut Jobs, now_us: u64) {
        if self.syncing.is_some() {
            if now_us >= self.last_sync_us.saturating_add(2 * SYNC_US) {
                self.last_sync_us = now_us;
                self.delayed_syncs += 1;
            }
            return;
        }
        let Some(segment) = self.segments.front() else { return };
        let op = FileOp::Sync { path: String::from(&*segment.path) };
        let job = jobs.ask(Lane::Log, op, Purpose::Synced);
        self.syncing = Some((job, self.appended));
        self.last_sync_us = now_us;
    }

    fn append(&mut self, jobs: &mut Jobs, policy: SyncPolicy) {
        let Some(segment) = self.segments.front_mut() else { return };
        if segment.bytes.is_empty() && !segment.is_last {
            return;
        }
        let rest = match segment.bytes.len() > APPEND {
            true => segment.bytes.split_off(APPEND),
            false => Vec::new(),
        };
        let bytes = core::mem::replace(&mut segment.bytes, rest);
        let syncs = policy == SyncPolicy::Always || segment.is_last;
        // Where a command is cut, only the file's end counts: nothing before it is safe on its own.
        let upto = if segment.bytes.is_empty() { segment.upto } else { self.appended };
        let flight = Flight { job: None, bytes: Arc::new(bytes), upto, syncs };
        self.flight = Some(flight);
        self.send(jobs);
    }

    /// Asks for the append that is in flight.
    fn send(&mut self, jobs: &mut Jobs) {
        let (Some(flight), Some(segment)) = (&mut self.flight, self.segments.front()) else {
            return;
        };
        let (path, bytes) = (String::from(&*segment.path), Arc::clone(&flight.bytes));
        let op = FileOp::Append { path, bytes, sync: flight.syncs };
        flight.job = Some(jobs.ask(Lane::Log, op, Purpose::Appended));
    }

    /// After a failure: first what a half-done write has left goes.
    fn repair(&mut self, jobs: &mut Jobs) {
        let Some(segment) = self.segments.front() else { return };
        let op = FileOp::Truncate { path: String::from(&*segment.path), len: self.len };
        let job = jobs.ask(Lane::Log, op, Purpose::Repaired);
        if let Some(flight) = &mut self.flight {
            flight.job = Some(job);
        }
    }

    pub(super) fn repaired(
        &mut self,
        jobs: &mut Jobs,
        job: u64,
        done: Result<(), FileError>,
        now_us: u64,
    ) {
        if self.flight.as_ref().is_none_or(|flight| flight.job != Some(job)) {
            return;
        }
        match done {
            Ok(()) => self.send(jobs),
            Err(error) => self.fail(error, now_us),
        }
    }

    /// An append has ended. Gives a line for the log, when things have changed.
    pub(super) fn appended(
        &mut self,
        job: u64,
        done: Result<(), FileError>,
        now_us: u64,
    ) -> Option<String> {
        let flight = self.flight.take_if(|flight| flight.job == Some(job))?;
        if let Err(error) = done {
            let line = format!("Error writing to the AOF file: {}", error.reason);
            let is_news = self.error.is_none();
            self.flight = Some(Flight { job: None, ..flight });
            self.fail(error, now_us);
            return is_news.then_some(line);
        }
        self.len += flight.bytes.len() as u64;
        self.written += flight.bytes.len() as u64;
        self.waiting -= flight.bytes.len();
        self.appended = self.appended.max(flight.upto);
        if flight.syncs {
            self.synced = self.synced.max(flight.upto);
            self.last_sync_us = now_us;
        }
        if self.segments.front().is_some_and(|segment| segment.is_last && segment.bytes.is_empty())
        {
            self.segments.pop_front();
            self.len = 0;
        }
        if self.doubtful.is_some() || self.error.take().is_none() {
            return None;
        }
        Some(String::from("AOF write error looks solved. The server can write again."))
    }

    /// A sync has ended.
    pub(super) fn synced_by(&mut self, job: u64, done: Result<(), FileError>) -> Option<String> {
        let (_, upto) = self.syncing.take_if(|(id, _)| *id == job)?;
        match done {
            Ok(()) => {
                self.synced = self.synced.max(upto);
                None
            }
            Err(error) => {
                let line = format!("Fail to fsync the AOF file: {}", error.reason);
                self.error = Some(error.reason);
                self.doubtful = self.segments.front().map(|segment| Arc::clone(&segment.path));
                Some(line)
            }
        }
    }

    fn fail(&mut self, error: FileError, now_us: u64) {
        debug_assert!(error.kind != FileErrorKind::Stopped, "an append is never stopped");
        self.error = Some(error.reason);
        self.retry_at_us = Some(now_us.saturating_add(RETRY_US));
    }
}
