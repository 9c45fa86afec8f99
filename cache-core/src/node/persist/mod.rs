//! Surviving: when a node saves its data and what it logs of each change, and how it comes back.
//!
//! - `file` is what passes between node and host: jobs, and what became of them. The host does them
//!   blindly; which file is written when, and in which order, is decided here.
//! - `save` makes snapshots, `log` appends to the log, `rewrite` gives the log a new base, `manifest`
//!   names its files, `load` reads all of it at the start, `ending` sees that it is safe at the end.
//!
//! At each moment the disk holds a snapshot that is whole, and a manifest all of whose files are. What
//! must never be here: a file, a thread, a clock; how data are encoded.

mod commands;
mod ending;
pub(super) mod file;
mod jobs;
mod load;
mod log;
mod manifest;
mod reload;
mod rewrite;
mod save;
#[cfg(test)]
mod tests;

pub(crate) use reload::{Reload, ReloadFrom};
pub(crate) use save::SaveFor;

use super::effects::Taker;
use super::{ConnId, LogLevel, Node, State};
use crate::config::Id;
use crate::snapshot::Saved;
use crate::time::Now;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use ending::Ending;
use file::{FileError, FileEvent, FileJob};
use jobs::{Jobs, Purpose};
use load::{Load, LoadProgress};
use log::{SyncPolicy, Tail};
use manifest::Manifest;
use rewrite::{Rewrites, Rewriting};
use save::Saves;

/// Whether changes are logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LogState {
    #[default]
    Off,
    /// They will be, once there is a base.
    Starting,
    On,
}

/// A save or a rewrite; only one is under way at a time.
#[derive(Clone, Debug)]
pub(crate) struct Background {
    task: Task,
    /// The job that its next step waits for.
    job: u64,
    pub(crate) began: Now,
    pub(crate) saved: Saved,
}

#[derive(Clone, Debug)]
enum Task {
    Save {
        why: SaveFor,
        /// Changes to the data at its moment.
        dirty: u64,
    },
    Rewrite(Rewriting),
}

impl Background {
    fn new(task: Task, job: u64, began: Now) -> Self {
        Background { task, job, began, saved: Saved::default() }
    }

    pub(crate) fn is_save(&self) -> bool {
        matches!(self.task, Task::Save { .. })
    }

    /// How long it has been under way.
    pub(crate) fn secs(&self, now: Now) -> u64 {
        now.mono_us.saturating_sub(self.began.mono_us) / 1_000_000
    }
}

/// What a node knows of its files.
#[derive(Clone, Debug)]
pub(crate) struct Persist {
    /// Whether the host does jobs.
    pub(crate) is_on: bool,
    jobs: Jobs,
    pub(crate) background: Option<Background>,
    pub(crate) saves: Saves,
    pub(crate) log: LogState,
    pub(crate) tail: Tail,
    manifest: Manifest,
    /// The manifest's job, and from which name to which it is to be renamed then.
    listing: Option<(u64, String, String)>,
    pub(crate) rewrites: Rewrites,
    /// Bytes of the log's files but for what the tail has written, and how much of that stands for.
    older_size: u64,
    counted_from: u64,
    /// When the log was last told the time, in wall seconds.
    stamped_secs: u64,
    load: Option<Box<Load>>,
    pub(crate) loading: Option<LoadProgress>,
    /// What was loaded last: from which file, and of when that is (wall seconds).
    pub(crate) loaded_from: Option<(String, Option<u64>)>,
    ending: Option<Ending>,
    pub(crate) reload: Option<Reload>,
    /// What those are to be answered whose command has waited, and who is yet to be woken for it.
    answers: Vec<(ConnId, bool)>,
    to_wake: Vec<ConnId>,
}

impl Persist {
    pub(crate) fn new(now: Now) -> Self {
        Persist {
            is_on: false,
            jobs: Jobs::default(),
            background: None,
            saves: Saves::new(now),
            log: LogState::Off,
            tail: Tail::default(),
            manifest: Manifest::default(),
            listing: None,
            rewrites: Rewrites::default(),
            older_size: 0,
            counted_from: 0,
            stamped_secs: 0,
            load: None,
            loading: None,
            loaded_from: None,
            ending: None,
            reload: None,
            answers: Vec::new(),
            to_wake: Vec::new(),
        }
    }

    fn answer(&mut self, id: ConnId, is_ok: bool) {
        self.answers.push((id, is_ok));
        self.to_wake.push(id);
    }

    /// What has become of that for which a connection's command has waited.
    pub(crate) fn take_answer(&mut self, id: ConnId) -> Option<bool> {
        let at = self.answers.iter().position(|(waits, _)| *waits == id)?;
        Some(self.answers.swap_remove(at).1)
    }

    /// A connection is gone.
    pub(crate) fn forget(&mut self, id: ConnId) {
        self.answers.retain(|(waits, _)| *waits != id);
    }

    /// Bytes of the log's files.
    pub(crate) fn log_size(&self) -> u64 {
        self.older_size + self.tail.written.saturating_sub(self.counted_from)
    }

    /// Bytes of the log that wait to be written.
    pub(crate) fn log_waiting(&self) -> usize {
        self.tail.waiting()
    }

    pub(crate) fn log_syncs_pending(&self) -> u64 {
        self.tail.syncs_pending()
    }

    pub(crate) fn log_delayed_syncs(&self) -> u64 {
        self.tail.delayed_syncs
    }

    /// Whether nothing runs until files have been written: at the end, and before data are read again.
    pub(crate) fn holds_all(&self) -> bool {
        self.ending.is_some() || self.reload.is_some()
    }
}

/// What the host asks and answers.
impl Node {
    /// Keeps data in files from here on: the host will do the jobs that
    /// [`poll_file`](Self::poll_file) gives. What its files hold is loaded first, as `appendonly` says,
    /// and commands that need data are answered with LOADING until that is done. When it can't be read
    /// there will be an [`Action::Halt`](super::Action::Halt).
    ///
    /// To be called once, before anything has run.
    pub fn keep_files(&mut self, now: Now) {
        self.state.persist.is_on = true;
        self.load_at_start(now.clamped());
    }

    /// Whether data are being loaded, by whomever, and commands that need them are refused.
    pub fn is_loading(&self) -> bool {
        self.state.loading.is_some()
    }

    /// The next job for the host's files. Any number may be under way, in the order of their lanes.
    pub fn poll_file(&mut self) -> Option<FileJob> {
        self.state.persist.jobs.next()
    }

    /// What has become of a job, or how far it has come. Nothing is executed: call
    /// [`run`](Self::run) afterwards, and [`poll_file`](Self::poll_file).
    pub fn handle_file(&mut self, now: Now, id: u64, event: FileEvent) {
        let now = now.clamped();
        self.state.clock = now;
        let persist = &mut self.state.persist;
        let Some(purpose) = persist.jobs.close(id, &event) else { return };
        if let FileEvent::Progress(saved) = event {
            if let Some(background) = persist.background.as_mut().filter(|b| b.job == id) {
                background.saved = saved;
            }
            return;
        }
        if purpose == Purpose::Loaded {
            return self.part_loaded(event);
        }
        let done = match event {
            FileEvent::Done { written } => Ok(written),
            FileEvent::Failed(error) => Err(error),
            FileEvent::Read { .. } | FileEvent::Progress(_) => Ok(0),
        };
        self.go_on(purpose, id, done, now);
        self.tend_files(now);
    }

    fn go_on(&mut self, purpose: Purpose, id: u64, done: Result<u64, FileError>, now: Now) {
        let state = &mut self.state;
        match purpose {
            Purpose::Tidied | Purpose::Loaded => {}
            Purpose::Moved | Purpose::Cut => self.load_step(purpose, done, now),
            Purpose::Appended | Purpose::Synced | Purpose::Repaired => {
                let done = done.map(|_| ());
                let Persist { tail, jobs, .. } = &mut state.persist;
                let was_ok = tail.error().is_none();
                let line = match purpose {
                    Purpose::Appended => tail.appended(id, done, now.mono_us),
                    Purpose::Synced => tail.synced_by(id, done),
                    _ => {
                        tail.repaired(jobs, id, done, now.mono_us);
                        None
                    }
                };
                let level = if was_ok { LogLevel::Warning } else { LogLevel::Notice };
                if let Some(line) = line {
                    state.log(level, line);
                }
                state.effects.note_waiting(state.persist.tail.backlog());
                if state.log_gates {
                    self.offer_all();
                }
            }
            Purpose::SaveWritten => state.save_written(done),
            Purpose::SaveNamed => state.save_named(&done),
            Purpose::DirMade
            | Purpose::IncrMade
            | Purpose::IncrListed
            | Purpose::BaseWritten
            | Purpose::BaseNamed
            | Purpose::BaseListed => self.rewrite_step(purpose, done),
            Purpose::Listed => state.listed(done.is_ok()),
        }
    }

    /// Looks at what time, settings and changes ask to be saved or logged.
    pub(super) fn tend_files(&mut self, now: Now) {
        let state = &mut self.state;
        if !state.persist.is_on {
            return;
        }
        if state.persist.loading.is_none() {
            state.follow_appendonly();
        }
        let policy = state.sync_policy();
        let ending = state.persist.ending.is_some();
        let at_once = state.persist.holds_all();
        let Persist { tail, jobs, .. } = &mut state.persist;
        tail.tend(jobs, policy, now.mono_us, at_once);
        if ending {
            self.tend_ending(now);
        } else if state.persist.reload.is_some() {
            self.tend_reload(now);
        } else if state.persist.background.is_none() && state.persist.listing.is_none() {
            state.start_what_is_due(now);
        }
        for id in core::mem::take(&mut self.state.persist.to_wake) {
            self.conns.unblock(id);
            self.conns.wake(id);
        }
    }

    /// Takes effects that are new for the log.
    pub(super) fn log_effects(&mut self, bytes: &[u8]) {
        let state = &mut self.state;
        let offset = state.effects.offset();
        if state.config.number(Id::AofTimestampEnabled) == 1
            && state.persist.stamped_secs != state.clock.wall_secs()
        {
            let secs = state.clock.wall_secs();
            state.persist.stamped_secs = secs;
            state.persist.tail.push(alloc::format!("#TS:{secs}\r\n").as_bytes(), offset);
        }
        state.persist.tail.push(bytes, offset);
        state.effects.note_waiting(state.persist.tail.backlog());
    }
}

impl State {
    /// Begins what was asked for, or what time and changes ask for.
    fn start_what_is_due(&mut self, now: Now) {
        let persist = &self.persist;
        if persist.log == LogState::Starting && self.rewrite_is_due(now) {
            self.start_rewrite(now);
        } else if self.loading.is_some() {
            // Not all data are there.
        } else if persist.rewrites.is_scheduled {
            self.start_rewrite(now);
        } else if persist.saves.is_scheduled || self.save_is_due(now) {
            self.start_save(now, SaveFor::Nobody);
        } else if self.rewrite_is_due(now) {
            self.start_rewrite(now);
        }
    }

    /// When files are to be tended without input, in monotonic microseconds.
    pub(super) fn next_file_us(&self) -> Option<u64> {
        let persist = &self.persist;
        if !persist.is_on {
            return None;
        }
        let tail = persist.tail.next_us(self.sync_policy());
        if persist.background.is_some() || persist.listing.is_some() || persist.holds_all() {
            return tail;
        }
        let again = persist.log == LogState::Starting || persist.tail.is_doubtful();
        let again = again.then_some(persist.rewrites.not_before_us);
        let save = self.next_save_us().filter(|_| self.loading.is_none());
        [tail, again, save].into_iter().flatten().min()
    }

    /// When the log is synced, as things are.
    fn sync_policy(&self) -> SyncPolicy {
        let busy = self.persist.background.is_some()
            && self.config.number(Id::NoAppendfsyncOnRewrite) == 1;
        match self.config.word(Id::Appendfsync) {
            "always" => SyncPolicy::Always,
            "no" => SyncPolicy::Never,
            _ if busy => SyncPolicy::Never,
            _ => SyncPolicy::EverySecond,
        }
    }

    /// Turns the log on or off, as the setting says.
    fn follow_appendonly(&mut self) {
        let wanted = self.config.number(Id::Appendonly) == 1;
        match self.persist.log {
            LogState::Off if wanted => {
                self.persist.log = LogState::Starting;
                self.persist.rewrites.not_before_us = 0;
            }
            LogState::On | LogState::Starting if !wanted => self.close_log(),
            _ => {}
        }
        self.log_settings_changed();
    }

    /// Logs nothing more, until there is another base: the log is turned off, or the data are others all
    /// at once. What is on disk stays whole, as of this moment.
    pub(super) fn close_log(&mut self) {
        if self.persist.log == LogState::Off {
            return;
        }
        self.stop_rewrite();
        self.persist.log = LogState::Off;
        self.effects.set_taker(Taker::Log, false);
        self.effects.note_waiting(0);
        self.persist.tail.close(&mut self.persist.jobs);
        self.log_settings_changed();
    }

    /// Whether replies wait for the log.
    pub(super) fn log_settings_changed(&mut self) {
        let is_on = self.persist.log == LogState::On;
        self.log_gates = is_on && self.config.word(Id::Appendfsync) == "always";
    }

    /// Why writes are refused, if they are, for the disk's sake.
    pub(crate) fn disk_error(&self) -> Option<String> {
        let persist = &self.persist;
        if persist.saves.is_ok && persist.tail.error().is_none() {
            return None;
        }
        if let Some(reason) = persist.tail.error().filter(|_| persist.log == LogState::On) {
            return Some(alloc::format!("MISCONF Errors writing to the AOF file: {reason}"));
        }
        let stops = !persist.saves.is_ok
            && !self.config.save_points().is_empty()
            && self.config.number(Id::StopWritesOnBgsaveError) == 1;
        stops.then(|| String::from(NO_SNAPSHOTS))
    }
}

const NO_SNAPSHOTS: &str = "MISCONF Larder is configured to save RDB snapshots, but it's currently \
                            unable to persist to disk. Commands that may modify the data set are \
                            disabled, because this instance is configured to report errors during \
                            writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). \
                            Please check the Larder logs for details about the RDB error.";
