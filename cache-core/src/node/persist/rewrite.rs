//! Rewriting the append log: a new base that holds all data as they are, and a new file behind it.
//!
//! From a moment on (the cut) effects go to a new file; a snapshot of that moment is written beside;
//! and the manifest that names both, and no more the files before, takes the place of the old one in
//! one step. Until then the old base with all files behind it is whole, and the manifest names them.
//! What must never be here: how a log is appended to.

use super::commands::Commands;
use super::file::{Content, FileError, FileErrorKind, FileOp, Lane};
use super::jobs::Purpose;
use super::log::Tail;
use super::manifest::{Manifest, Part};
use super::{Background, LogState, Task};
use crate::config::Id;
use crate::node::{LogLevel, Node, State, Taker};
use crate::protocol::request;
use crate::snapshot::Snapshot;
use crate::time::Now;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// How long after a failure the log is rewritten again by itself, in microseconds, the first time; it
/// doubles each time.
const RETRY_US: u64 = 2_000_000;
/// How often it doubles.
const DOUBLINGS: u32 = 8;

/// A rewrite under way.
#[derive(Clone, Debug)]
pub(super) struct Rewriting {
    base: Part,
    /// The file that is appended to behind the new base; none while the log is off.
    incr: Option<Part>,
    /// The offset of the stream of effects up to which the new base has them.
    cut: u64,
    base_len: u64,
    /// What the log had been written to in all at the cut.
    written: u64,
    /// It is to come to nothing: the log has been closed meanwhile.
    is_unwanted: bool,
}

/// What is known of rewrites.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rewrites {
    pub(crate) is_scheduled: bool,
    pub(crate) done: u64,
    /// How many have failed since one succeeded.
    pub(crate) failures: u64,
    pub(crate) took_secs: Option<u64>,
    /// Bytes of the log when it was rewritten last or the node started.
    pub(crate) base_size: u64,
    /// None is begun by itself before this moment (monotonic microseconds).
    pub(super) not_before_us: u64,
}

impl State {
    /// Begins to rewrite the log. Nothing else may be under way.
    pub(crate) fn start_rewrite(&mut self, now: Now) {
        let prefix = self.config.text(Id::Appendfilename);
        let is_snapshot = self.config.number(Id::AofUseRdbPreamble) == 1;
        let persist = &mut self.persist;
        let base = persist.manifest.next_base(prefix, is_snapshot);
        let incr = (persist.log != LogState::Off).then(|| persist.manifest.next_incr(prefix));
        persist.rewrites.is_scheduled = false;
        let op = FileOp::MakeDir { path: String::from(self.config.text(Id::Appenddirname)) };
        let job = persist.jobs.ask(Lane::Log, op, Purpose::DirMade);
        let rewriting =
            Rewriting { base, incr, cut: 0, base_len: 0, written: 0, is_unwanted: false };
        persist.background = Some(Background::new(Task::Rewrite(rewriting), job, now));
        self.log(LogLevel::Notice, String::from("Background append only file rewriting started"));
    }

    /// Stops the rewrite that is under way. While its base is written that is at once; steps that take no
    /// time come to their end first, so that it is known which manifest there is.
    pub(super) fn stop_rewrite(&mut self) {
        let Some(Background { task: Task::Rewrite(_), job, .. }) = self.persist.background else {
            return;
        };
        match self.persist.jobs.purpose(job) {
            Some(Purpose::BaseWritten) => {
                self.stop_job(job);
                self.fail_rewrite(&super::save::stopped_error());
            }
            _ => {
                if let Some(rewriting) = self.rewriting() {
                    rewriting.is_unwanted = true;
                }
            }
        }
    }

    fn rewriting(&mut self) -> Option<&mut Rewriting> {
        match &mut self.persist.background.as_mut()?.task {
            Task::Rewrite(rewriting) => Some(rewriting),
            Task::Save { .. } => None,
        }
    }

    /// Asks for the next step of the rewrite.
    fn next_step(&mut self, lane: Lane, op: FileOp, purpose: Purpose) {
        let job = self.persist.jobs.ask(lane, op, purpose);
        if let Some(background) = &mut self.persist.background {
            background.job = job;
        }
    }

    fn in_log_dir(&self, name: &str) -> String {
        format!("{}/{name}", self.config.text(Id::Appenddirname))
    }

    pub(super) fn manifest_path(&self) -> String {
        self.in_log_dir(&format!("{}.manifest", self.config.text(Id::Appendfilename)))
    }

    fn temp_base_path(&self) -> String {
        self.in_log_dir("temp-rewriteaof.aof")
    }

    /// Writes a manifest under another name and then gives it its own. Gives the last step's job.
    pub(super) fn list(&mut self, manifest: &Manifest, purpose: Purpose) -> u64 {
        let to = self.manifest_path();
        let name = format!("temp-{}.manifest", self.config.text(Id::Appendfilename));
        let from = self.in_log_dir(&name);
        let content = Content::bytes(manifest.write());
        // When it can't be written the one before stays; to be renamed there must be a whole file.
        let op = FileOp::Write { path: from.clone(), content };
        let wrote = self.persist.jobs.ask(Lane::Log, op, purpose);
        self.persist.listing = Some((wrote, from, to));
        wrote
    }

    /// The manifest has been written: it gets its name. `false`: that has been done already.
    fn name_manifest(&mut self, purpose: Purpose) -> bool {
        let Some((_, from, to)) = self.persist.listing.take() else { return false };
        self.next_step(Lane::Log, FileOp::Rename { from, to }, purpose);
        true
    }

    fn fail_rewrite(&mut self, error: &FileError) {
        let Some(background) = self.persist.background.take() else { return };
        self.persist.listing = None;
        // What has failed may have happened all the same: no name is used twice.
        if let Task::Rewrite(rewriting) = &background.task {
            self.persist.manifest.pass(&rewriting.base, rewriting.incr.as_ref());
        }
        let op = FileOp::Remove { path: self.temp_base_path() };
        self.persist.jobs.ask(Lane::Snapshot, op, Purpose::Tidied);
        let now = self.clock;
        let rewrites = &mut self.persist.rewrites;
        rewrites.took_secs = Some(background.secs(now));
        if error.kind != FileErrorKind::Stopped {
            let wait_us = RETRY_US << rewrites.failures.min(DOUBLINGS.into());
            rewrites.failures += 1;
            rewrites.not_before_us = now.mono_us.saturating_add(wait_us);
            let line = format!("Background AOF rewrite terminated with error: {}", error.reason);
            self.log(LogLevel::Warning, line);
        }
        if self.persist.log == LogState::Starting {
            // What was appended stands behind no base: it is of no use.
            self.persist.tail = Tail::default();
            self.effects.set_taker(Taker::Log, false);
        }
    }

    /// Whether the log has grown so much that it is to be rewritten, or must be to be whole.
    pub(super) fn rewrite_is_due(&self, now: Now) -> bool {
        let persist = &self.persist;
        if now.mono_us < persist.rewrites.not_before_us {
            return false;
        }
        let grown = || {
            let percent = self.config.number(Id::AutoAofRewritePercentage).unsigned_abs();
            let least = self.config.number(Id::AutoAofRewriteMinSize).unsigned_abs();
            let (size, base) = (persist.log_size(), persist.rewrites.base_size.max(1));
            let growth = (size.saturating_mul(100) / base).saturating_sub(100);
            percent > 0 && size > least && growth >= percent
        };
        match persist.log {
            LogState::Off => false,
            LogState::Starting => true,
            LogState::On => persist.tail.is_doubtful() || grown(),
        }
    }
}

impl Node {
    /// A step of the rewrite is done, or has failed.
    pub(super) fn rewrite_step(&mut self, purpose: Purpose, done: Result<u64, FileError>) {
        let state = &mut self.state;
        let written = match done {
            Ok(written) => written,
            Err(error) => return state.fail_rewrite(&error),
        };
        let Some(rewriting) = state.rewriting().cloned() else { return };
        match purpose {
            Purpose::DirMade => match &rewriting.incr {
                Some(incr) => {
                    let path = state.in_log_dir(&incr.name);
                    let op = FileOp::Write { path, content: Content::bytes(Vec::new()) };
                    state.next_step(Lane::Log, op, Purpose::IncrMade);
                }
                None => self.cut(rewriting),
            },
            Purpose::IncrMade if state.persist.log == LogState::On => {
                let mut manifest = state.persist.manifest.clone();
                manifest.incrs.extend(rewriting.incr.clone());
                let job = state.list(&manifest, Purpose::IncrListed);
                state.set_step(job);
            }
            Purpose::IncrMade => self.cut(rewriting),
            Purpose::IncrListed if state.name_manifest(Purpose::IncrListed) => {}
            Purpose::IncrListed => {
                if let Some(incr) = rewriting.incr.clone() {
                    state.persist.manifest.push_incr(incr);
                }
                self.cut(rewriting);
            }
            Purpose::BaseWritten => {
                if let Some(rewriting) = state.rewriting() {
                    rewriting.base_len = written;
                }
                let (from, to) = (state.temp_base_path(), state.in_log_dir(&rewriting.base.name));
                state.next_step(Lane::Snapshot, FileOp::Rename { from, to }, Purpose::BaseNamed);
            }
            Purpose::BaseNamed => {
                let job =
                    state.list(&rewriting.manifest(&state.persist.manifest), Purpose::BaseListed);
                state.set_step(job);
            }
            Purpose::BaseListed if state.name_manifest(Purpose::BaseListed) => {}
            Purpose::BaseListed => {
                state.end_rewrite(&rewriting);
                self.offer_all();
            }
            _ => {}
        }
    }

    /// From here on effects go to the new file, and what the data are now makes the new base.
    fn cut(&mut self, mut rewriting: Rewriting) {
        if rewriting.is_unwanted {
            return self.state.fail_rewrite(&super::save::stopped_error());
        }
        self.hand_out();
        let state = &mut self.state;
        rewriting.cut = state.effects.offset();
        if let Some(incr) = &rewriting.incr {
            let path = state.in_log_dir(&incr.name);
            let mut head = Vec::new();
            // Whoever reads the file begins in database 0.
            if let Some(db) = state.effects.db() {
                request::encode_into(&mut head, ["SELECT", &db.to_string()]);
            }
            if state.persist.log == LogState::On {
                state.persist.tail.switch(&path, rewriting.cut, &head);
            } else {
                state.effects.set_taker(Taker::Log, true);
                state.persist.tail = Tail::open(&path, 0, rewriting.cut);
                state.persist.tail.push(&head, rewriting.cut);
            }
        }
        rewriting.written = state.persist.tail.written + state.persist.tail.waiting() as u64;
        let keyspace = state.keyspace.clone();
        let content = if state.config.number(Id::AofUseRdbPreamble) == 1 {
            let mut snapshot = Snapshot::new(keyspace, &state.config, state.clock);
            snapshot.note("aof-base", "1");
            Content::snapshot(snapshot)
        } else {
            Content::commands(Commands::new(keyspace))
        };
        let op = FileOp::Write { path: state.temp_base_path(), content };
        state.next_step(Lane::Snapshot, op, Purpose::BaseWritten);
        if let Some(kept) = state.rewriting() {
            *kept = rewriting;
        }
    }
}

impl Rewriting {
    /// The manifest in which the new base has taken its place.
    fn manifest(&self, old: &Manifest) -> Manifest {
        let mut manifest = old.clone();
        if let Some(incr) = self.incr.as_ref().filter(|incr| !manifest.incrs.contains(incr)) {
            manifest.push_incr(incr.clone());
        }
        manifest.rebase(self.base.clone(), self.incr.as_ref());
        manifest
    }
}

impl State {
    fn set_step(&mut self, job: u64) {
        if let Some(background) = &mut self.persist.background {
            background.job = job;
        }
    }

    /// The manifest names the new base.
    fn end_rewrite(&mut self, rewriting: &Rewriting) {
        let Some(background) = self.persist.background.take() else { return };
        let now = self.clock;
        let persist = &mut self.persist;
        persist.manifest = rewriting.manifest(&persist.manifest);
        if rewriting.is_unwanted {
            return self.remove_history();
        }
        if persist.log == LogState::Starting {
            persist.log = LogState::On;
        }
        persist.tail.drop_old_files(rewriting.cut);
        persist.older_size = rewriting.base_len;
        persist.counted_from = rewriting.written;
        persist.rewrites.base_size = persist.log_size();
        persist.rewrites.took_secs = Some(background.secs(now));
        persist.rewrites.done += 1;
        persist.rewrites.failures = 0;
        persist.rewrites.not_before_us = 0;
        self.log(LogLevel::Notice, String::from("Background AOF rewrite finished successfully"));
        self.log_settings_changed();
        self.remove_history();
    }

    /// Removes the files that the log no longer needs, and then their lines.
    pub(super) fn remove_history(&mut self) {
        let history = core::mem::take(&mut self.persist.manifest.history);
        if history.is_empty() {
            return;
        }
        for part in history {
            let op = FileOp::Remove { path: self.in_log_dir(&part.name) };
            self.persist.jobs.ask(Lane::Log, op, Purpose::Tidied);
        }
        let manifest = self.persist.manifest.clone();
        self.list(&manifest, Purpose::Listed);
    }

    /// A manifest that nothing waits for has been written.
    pub(super) fn listed(&mut self, is_ok: bool) {
        let Some((_, from, to)) = self.persist.listing.take() else { return };
        if is_ok {
            self.persist.jobs.ask(Lane::Log, FileOp::Rename { from, to }, Purpose::Tidied);
        }
    }
}
