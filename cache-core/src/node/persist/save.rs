//! Snapshots of all data in one file: when one is made, and the steps of it.
//!
//! It is written under another name and synced, and takes the place of the last one only then, so that
//! whatever happens there is a whole one. What must never be here: what stands in a snapshot.

use super::file::{Content, FileError, FileErrorKind, FileOp, Lane};
use super::jobs::Purpose;
use super::{Background, Task};
use crate::config::Id;
use crate::node::{Action, ConnId, LogLevel, State};
use crate::snapshot::Snapshot;
use crate::time::Now;
use alloc::format;
use alloc::string::String;

/// How long after a failure save points count again, in microseconds (as in Redis).
const RETRY_US: u64 = 5_000_000;

/// What is known of snapshots that were made.
#[derive(Clone, Debug)]
pub(crate) struct Saves {
    /// Wall seconds of the last one that succeeded; before it, of the start.
    pub(crate) last_secs: u64,
    /// Monotonic microseconds of the same.
    last_us: u64,
    /// Monotonic microseconds at which one was begun last.
    tried_us: Option<u64>,
    /// Whether the last one succeeded.
    pub(crate) is_ok: bool,
    /// Changes to the data that the last one has.
    pub(crate) dirty: u64,
    /// Seconds that the last one took.
    pub(crate) took_secs: Option<u64>,
    pub(crate) done: u64,
    /// One is to be made when nothing else is under way (BGSAVE SCHEDULE).
    pub(crate) is_scheduled: bool,
}

impl Saves {
    pub(super) fn new(now: Now) -> Self {
        Saves {
            last_secs: now.wall_secs(),
            last_us: now.mono_us,
            tried_us: None,
            is_ok: true,
            dirty: 0,
            took_secs: None,
            done: 0,
            is_scheduled: false,
        }
    }
}

/// Why a snapshot is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SaveFor {
    /// A save point, or BGSAVE.
    Nobody,
    /// Someone waits for it (SAVE).
    Client(ConnId),
    /// Data are to be read again.
    Reload,
    /// The end.
    Ending,
}

impl State {
    /// Begins to save. Nothing else may be under way.
    pub(crate) fn start_save(&mut self, now: Now, why: SaveFor) {
        let mut snapshot = Snapshot::new(self.keyspace.clone(), &self.config, now);
        self.note_place(&mut snapshot);
        let persist = &mut self.persist;
        let op =
            FileOp::Write { path: temp_name(&self.config), content: Content::snapshot(snapshot) };
        let job = persist.jobs.ask(Lane::Snapshot, op, Purpose::SaveWritten);
        persist.saves.tried_us = Some(now.mono_us);
        persist.saves.is_scheduled = false;
        let task = Task::Save { why, dirty: self.dirty };
        persist.background = Some(Background::new(task, job, now));
        if why == SaveFor::Nobody {
            self.log(LogLevel::Notice, String::from("Background saving started"));
        }
    }

    /// Stops the save that is under way.
    pub(crate) fn stop_save(&mut self) {
        let stopped = self.persist.background.take_if(|b| matches!(b.task, Task::Save { .. }));
        if let Some(background) = stopped {
            self.stop_job(background.job);
            self.end_save(&background, Err(&stopped_error()));
        }
    }

    /// Lets the host leave a file unwritten; what became of it no longer counts.
    pub(super) fn stop_job(&mut self, job: u64) {
        self.persist.jobs.forget(job);
        self.act(Action::StopFile(job));
    }

    pub(super) fn save_written(&mut self, done: Result<u64, FileError>) {
        let Some(background) = self.persist.background.as_mut() else { return };
        match done {
            Ok(_) => {
                let to = String::from(self.config.text(Id::Dbfilename));
                let op = FileOp::Rename { from: temp_name(&self.config), to };
                background.job = self.persist.jobs.ask(Lane::Snapshot, op, Purpose::SaveNamed);
            }
            Err(error) => {
                if let Some(background) = self.persist.background.take() {
                    self.end_save(&background, Err(&error));
                }
            }
        }
    }

    pub(super) fn save_named(&mut self, done: &Result<u64, FileError>) {
        if let Some(background) = self.persist.background.take() {
            self.end_save(&background, done.as_ref().map(|_| ()));
        }
    }

    fn end_save(&mut self, background: &Background, done: Result<(), &FileError>) {
        let Task::Save { why, dirty } = background.task else { return };
        let now = self.clock;
        let saves = &mut self.persist.saves;
        let took_us = now.mono_us.saturating_sub(background.began.mono_us);
        let is_stopped = matches!(&done, Err(error) if error.kind == FileErrorKind::Stopped);
        if !is_stopped {
            saves.took_secs = Some(took_us / 1_000_000);
        }
        let line = match &done {
            Ok(_) => {
                (saves.last_secs, saves.last_us) = (background.began.wall_secs(), now.mono_us);
                (saves.is_ok, saves.dirty) = (true, dirty);
                saves.done += 1;
                Some((LogLevel::Notice, String::from("DB saved on disk")))
            }
            Err(_) if is_stopped => None,
            Err(error) => {
                saves.is_ok = false;
                Some((LogLevel::Warning, format!("Background saving error: {}", error.reason)))
            }
        };
        if done.is_err() {
            let op = FileOp::Remove { path: temp_name(&self.config) };
            self.persist.jobs.ask(Lane::Snapshot, op, Purpose::Tidied);
        }
        if let Some((level, line)) = line {
            self.log(level, line);
        }
        match why {
            SaveFor::Nobody => {}
            SaveFor::Client(id) => self.persist.answer(id, done.is_ok()),
            SaveFor::Reload => self.reload_saved(done.is_ok()),
            SaveFor::Ending => self.ending_saved(done.is_ok()),
        }
    }

    /// Whether it is time to save, by the save points.
    pub(super) fn save_is_due(&self, now: Now) -> bool {
        self.next_save_us().is_some_and(|at_us| at_us <= now.mono_us)
    }

    /// When the next save is due, unless something else is under way or more is changed by then.
    pub(super) fn next_save_us(&self) -> Option<u64> {
        let saves = &self.persist.saves;
        let changes = self.dirty.saturating_sub(saves.dirty);
        let points = self.config.save_points().iter();
        let reached = points.filter(|point| changes >= point.changes.max(1));
        let at_us = reached
            .map(|point| saves.last_us.saturating_add(point.secs.saturating_mul(1_000_000)))
            .min()?;
        let again_us = saves.tried_us.filter(|_| !saves.is_ok).map_or(0, |at_us| at_us + RETRY_US);
        Some(at_us.max(again_us))
    }
}

pub(super) fn stopped_error() -> FileError {
    FileError { kind: FileErrorKind::Stopped, reason: String::from("stopped") }
}

/// Under which name a snapshot is written until it is whole.
fn temp_name(config: &crate::Config) -> String {
    format!("temp-{}", config.text(Id::Dbfilename))
}
