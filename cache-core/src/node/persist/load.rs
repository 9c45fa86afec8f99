//! Loading: which files are read, in which order, and what is done when one is not whole.
//!
//! With `appendonly` the manifest says it: the base, then each file that was appended to. Without a
//! manifest there may be a log of one file, as Redis kept before version 7: it becomes the base of a log
//! with one. When there is no log yet, or none is wanted, the snapshot is read. A log's last file may
//! end in the middle of a command, since the machine may have stopped there; whatever else can't be read
//! is told, with the file and the place, and nothing is served. What must never be here: how a snapshot
//! or a command is encoded.

mod part;
mod plan;

use super::LogState;
use super::file::{FileError, FileEvent, FileOp, Lane};
use super::jobs::Purpose;
use super::log::Tail;
use super::manifest::{MANIFEST_LIMIT, Manifest};
use crate::config::Id;
use crate::node::effects::Taker;
use crate::node::{Action, ConnId, LogLevel, Node};
use crate::observer::Observer;
use crate::snapshot::LoadOptions;
use crate::time::Now;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use part::{Digested, Part};

/// Bytes that are read at a time.
const READ: u32 = 1 << 20;

/// Who waits for what is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoadFor {
    Start,
    /// DEBUG RELOAD, DEBUG LOADAOF.
    Client(ConnId),
}

/// How far loading has come.
#[derive(Clone, Debug, Default)]
pub(crate) struct LoadProgress {
    pub(crate) began_secs: u64,
    pub(crate) total: u64,
    pub(crate) done: u64,
}

/// What a file is to the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Manifest,
    OldLog,
    Dump,
    Base,
    Incr,
}

/// A load under way.
#[derive(Clone, Debug)]
pub(super) struct Load {
    why: LoadFor,
    began: Now,
    /// What comes after the file that is read.
    files: VecDeque<(What, String)>,
    reading: Option<Reading>,
    /// Bytes of the log that were loaded.
    log_len: u64,
    /// Where the log goes on: its last file, and how long that is.
    end: Option<(String, u64)>,
    /// Steps that have been taken to give an old log its place.
    moved: u32,
    /// A file of the log ends where it shouldn't: its name, how much of it is whole, and what is wrong.
    /// That is no harm as long as nothing follows, since no file is begun before the one before it is
    /// safe.
    torn: Option<(String, u64, String)>,
    /// All is loaded, and the log is to be opened.
    is_read: bool,
    merge: bool,
    /// Who took effects before: what is loaded was recorded before.
    takers: u8,
}

/// A file that is being read.
#[derive(Clone, Debug)]
struct Reading {
    what: What,
    path: String,
    /// From where on is read next.
    next: u64,
    is_asked: bool,
    is_ended: bool,
    arrived: VecDeque<Vec<u8>>,
    failed: Option<FileError>,
    part: Part,
}

impl Reading {
    fn new(what: What, path: String, merge: bool) -> Self {
        let options = LoadOptions { skip_expired: what == What::Dump, merge };
        Reading {
            what,
            path,
            next: 0,
            is_asked: false,
            is_ended: false,
            arrived: VecDeque::new(),
            failed: None,
            part: Part::new(options),
        }
    }
}

impl Node {
    pub(super) fn load_at_start(&mut self, now: Now) {
        let state = &self.state;
        let files = if state.config.number(Id::Appendonly) == 1 {
            [(What::Manifest, state.manifest_path())].into()
        } else {
            [(What::Dump, state.dump_path())].into()
        };
        self.start_load(now, LoadFor::Start, files, LoadOptions::default());
    }

    /// Reads data again, in place of those that are there (DEBUG RELOAD, DEBUG LOADAOF).
    pub(super) fn start_load(
        &mut self,
        now: Now,
        why: LoadFor,
        files: VecDeque<(What, String)>,
        options: LoadOptions,
    ) {
        self.renew_loader(now);
        let takers = self.state.effects.pause();
        let persist = &mut self.state.persist;
        let began_secs = now.wall_secs();
        persist.loading = Some(LoadProgress { began_secs, ..LoadProgress::default() });
        persist.load = Some(Box::new(Load {
            why,
            began: now,
            files,
            reading: None,
            log_len: 0,
            end: None,
            moved: 0,
            torn: None,
            is_read: false,
            merge: options.merge,
            takers,
        }));
        self.state.read_next_file();
    }

    /// A part of a file has come, or it can't be had.
    pub(super) fn part_loaded(&mut self, event: FileEvent) {
        let state = &mut self.state;
        let Some(load) = &mut state.persist.load else { return };
        let Some(reading) = &mut load.reading else { return };
        reading.is_asked = false;
        match event {
            FileEvent::Read { bytes, of } => {
                reading.next += bytes.len() as u64;
                reading.is_ended = bytes.is_empty() || reading.next >= of;
                let is_data = !matches!(reading.what, What::Manifest | What::OldLog);
                if let Some(progress) = state.persist.loading.as_mut().filter(|_| is_data)
                    && reading.next == bytes.len() as u64
                {
                    progress.total += of;
                }
                reading.arrived.push_back(bytes);
                state.read_on();
            }
            FileEvent::Failed(error) => reading.failed = Some(error),
            FileEvent::Done { .. } | FileEvent::Progress(_) => {}
        }
    }

    /// Takes in what has come of the files. `true`: there may be more at once.
    pub(in crate::node) fn load_some<O: Observer>(&mut self, now: Now, observer: &mut O) -> bool {
        let Some(mut load) = self.state.persist.load.take() else { return false };
        let more = match self.digest_part(&mut load, now, observer) {
            Ok(more) => more,
            Err(reason) => {
                self.fail_load(&load, &reason);
                return false;
            }
        };
        self.state.persist.load = Some(load);
        self.state.read_on();
        if self.state.persist.load.as_ref().is_some_and(|load| load.is_read) {
            self.end_load_files(now);
        }
        more
    }

    fn digest_part<O: Observer>(
        &mut self,
        load: &mut Load,
        now: Now,
        observer: &mut O,
    ) -> Result<bool, String> {
        let Some(mut reading) = load.reading.take() else { return Ok(false) };
        if let Some(error) = reading.failed.take() {
            self.state.not_had(load, reading, &error)?;
            return Ok(true);
        }
        let Some(bytes) = reading.arrived.pop_front() else {
            if reading.is_ended && !reading.is_asked {
                self.file_ended(load, reading, now)?;
                return Ok(true);
            }
            load.reading = Some(reading);
            return Ok(false);
        };
        let place = reading.path.clone();
        let wrong = |what: String| format!("{place}: {what}");
        match reading.what {
            What::Manifest => {
                let manifest = if reading.is_ended {
                    Manifest::read(&bytes)
                } else {
                    Err(format!("it is longer than {MANIFEST_LIMIT} bytes"))
                };
                self.state.plan(load, manifest.map_err(wrong)?);
            }
            What::OldLog => self.state.move_old_log(load),
            What::Dump | What::Base | What::Incr => {
                if let Some(progress) = &mut self.state.persist.loading {
                    progress.done += bytes.len() as u64;
                }
                let Digested { failed } =
                    self.digest_bytes(&mut reading.part, &bytes, now, observer);
                if let Some(what) = failed {
                    return Err(wrong(what));
                }
                if reading.what == What::Dump && reading.part.holds_commands() {
                    return Err(wrong(String::from("it doesn't begin as an RDB does")));
                }
                load.reading = Some(reading);
            }
        }
        Ok(true)
    }

    /// A file has been taken in to its end.
    fn file_ended(&mut self, load: &mut Load, reading: Reading, now: Now) -> Result<(), String> {
        let place = reading.path;
        let end = reading.part.end();
        if let Some(loaded) = self.loaded() {
            let time = loaded.aux("ctime").and_then(crate::numbers::parse_i64);
            let time = time.and_then(|secs| u64::try_from(secs).ok());
            self.state.persist.loaded_from = Some((place.clone(), time));
        }
        let mut len = reading.next;
        if let Some((path, _, what)) = load.torn.as_ref().filter(|_| len > 0) {
            return Err(format!("{path}: {what}, and {place} follows"));
        }
        if let Err(torn) = end {
            if !torn.may_be_cut || reading.what == What::Base {
                return Err(format!("{place}: {}", torn.what));
            }
            len = torn.whole;
            load.torn = Some((place.clone(), len, torn.what));
        }
        if reading.what != What::Dump {
            load.log_len += len;
        }
        if reading.what == What::Incr {
            load.end = Some((place, len));
        }
        // Whoever reads the next file begins in database 0.
        self.renew_loader(now);
        if load.files.is_empty()
            && let Some((path, whole, what)) = load.torn.take()
        {
            return self.cut_torn(path, whole, &what);
        }
        self.state.read_next(load);
        Ok(())
    }

    /// Cuts the end of a log off that is no whole command; then loading goes on.
    fn cut_torn(&mut self, path: String, whole: u64, what: &str) -> Result<(), String> {
        if self.state.config.number(Id::AofLoadTruncated) == 0 {
            return Err(format!(
                "{path}: Unexpected end of file reading the append only file: {what}. With \
                 aof-load-truncated yes it is loaded up to there"
            ));
        }
        let lines = [
            format!("!!! Warning: short read while loading the AOF file {path}!!!"),
            format!("AOF {path} loaded anyway because aof-load-truncated is enabled"),
            format!("Truncating the AOF {path} at offset {whole}: {what}"),
        ];
        for line in lines {
            self.state.log(LogLevel::Warning, line);
        }
        let op = FileOp::Truncate { path, len: whole };
        self.state.persist.jobs.ask(Lane::Log, op, Purpose::Cut);
        Ok(())
    }

    /// A step before or after reading is done.
    pub(super) fn load_step(&mut self, purpose: Purpose, done: Result<u64, FileError>, _now: Now) {
        let Some(mut load) = self.state.persist.load.take() else { return };
        if let Err(error) = done {
            let what = if purpose == Purpose::Cut { "cut the log's end" } else { "move the log" };
            return self.fail_load(&load, &format!("can't {what}: {}", error.reason));
        }
        if purpose == Purpose::Cut {
            self.state.read_next(&mut load);
        } else {
            self.state.move_old_log(&mut load);
        }
        self.state.persist.load = Some(load);
    }

    /// All files have been taken in: the log is opened, and then commands are served.
    fn end_load_files(&mut self, now: Now) {
        let state = &mut self.state;
        let wants_log = state.config.number(Id::Appendonly) == 1;
        let Some(load) = state.persist.load.as_mut() else { return };
        if load.why == LoadFor::Start && wants_log && state.persist.log == LogState::Off {
            let (log_len, end) = (load.log_len, load.end.take());
            if let Some((path, len)) = end {
                state.effects.set_taker(Taker::Log, true);
                let persist = &mut state.persist;
                persist.tail = Tail::open(&path, len, state.effects.offset());
                persist.log = LogState::On;
                (persist.older_size, persist.rewrites.base_size) = (log_len, log_len);
                state.log_settings_changed();
                state.remove_history();
            } else {
                state.persist.log = LogState::Starting;
            }
        }
        let state = &mut self.state;
        let is_open = state.persist.log != LogState::Starting;
        let has_failed = state.persist.rewrites.failures > 0;
        if !is_open && has_failed {
            let load = state.persist.load.take();
            if let Some(load) = load {
                self.fail_load(&load, "the append log can't be begun");
            }
            return;
        }
        if !is_open && wants_log {
            return;
        }
        let Some(load) = self.state.persist.load.take() else { return };
        self.end_loading();
        let state = &mut self.state;
        state.effects.resume(load.takers);
        if load.why == LoadFor::Start
            && !wants_log
            && let Some(loaded) = self.loaded().cloned()
        {
            self.state.resume_history(&loaded);
        }
        let state = &mut self.state;
        state.persist.loading = None;
        state.persist.saves.dirty = state.dirty;
        let ms = now.mono_us.saturating_sub(load.began.mono_us) / 1000;
        let what = if load.log_len > 0 { "append only file" } else { "disk" };
        state.log(
            LogLevel::Notice,
            format!("DB loaded from {what}: {}.{:03} seconds", ms / 1000, ms % 1000),
        );
        if let LoadFor::Client(id) = load.why {
            state.persist.answer(id, true);
        }
    }

    fn fail_load(&mut self, load: &Load, reason: &str) {
        let line = format!("Loading data failed: {reason}");
        self.state.log(LogLevel::Warning, line.clone());
        match load.why {
            LoadFor::Start => self.state.act(Action::Halt { reason: line }),
            LoadFor::Client(id) => {
                self.end_loading();
                self.state.effects.resume(load.takers);
                self.state.persist.loading = None;
                self.state.persist.answer(id, false);
            }
        }
    }
}
