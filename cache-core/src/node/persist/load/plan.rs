//! Which file is read next.

use super::{Load, READ, Reading, What};
use crate::config::Id;
use crate::node::State;
use crate::node::persist::file::{Content, FileError, FileErrorKind, FileOp, Lane};
use crate::node::persist::jobs::Purpose;
use crate::node::persist::manifest::{MANIFEST_LIMIT, Manifest};
use alloc::format;
use alloc::string::{String, ToString};

/// Parts of a file that are read ahead.
const AHEAD: usize = 2;

impl State {
    pub(in crate::node::persist) fn dump_path(&self) -> String {
        self.config.text(Id::Dbfilename).to_string()
    }

    fn log_path(&self, name: &str) -> String {
        format!("{}/{name}", self.config.text(Id::Appenddirname))
    }

    pub(super) fn read_next_file(&mut self) {
        if let Some(mut load) = self.persist.load.take() {
            self.read_next(&mut load);
            self.persist.load = Some(load);
        }
    }

    /// Goes on with the next file.
    pub(super) fn read_next(&mut self, load: &mut Load) {
        match load.files.pop_front() {
            Some((what, path)) => {
                load.reading = Some(Reading::new(what, path, load.merge));
                self.ask_for(load);
            }
            None => load.is_read = true,
        }
    }

    /// Asks for the next part of the file, if it is time.
    pub(super) fn read_on(&mut self) {
        if let Some(mut load) = self.persist.load.take() {
            self.ask_for(&mut load);
            self.persist.load = Some(load);
        }
    }

    fn ask_for(&mut self, load: &mut Load) {
        let Some(reading) = &mut load.reading else { return };
        let is_full = reading.arrived.len() >= AHEAD;
        if reading.is_asked || reading.is_ended || is_full || reading.failed.is_some() {
            return;
        }
        let most = match reading.what {
            What::Manifest => MANIFEST_LIMIT,
            What::OldLog => 1,
            _ => READ,
        };
        // One part is all of these that is wanted.
        if reading.next > 0 && most != READ {
            return;
        }
        reading.is_asked = true;
        let op = FileOp::Read { path: reading.path.clone(), from: reading.next, most };
        self.persist.jobs.ask(Lane::Log, op, Purpose::Loaded);
    }

    /// A file can't be read, or isn't there.
    pub(super) fn not_had(
        &mut self,
        load: &mut Load,
        reading: Reading,
        error: &FileError,
    ) -> Result<(), String> {
        let is_missing = error.kind == FileErrorKind::NotFound;
        let old_log = self.config.text(Id::Appendfilename).to_string();
        match reading.what {
            What::Manifest if is_missing => load.files.push_back((What::OldLog, old_log)),
            What::OldLog if is_missing => {
                let path = self.dump_path();
                load.files.push_back((What::Dump, path));
            }
            What::Dump if is_missing => {}
            What::Base
                if is_missing
                    && reading.path.ends_with(&format!("/{old_log}"))
                    && load.moved == 0 =>
            {
                // It stopped after the manifest was there and before the log had moved.
                load.files.push_front((What::Base, reading.path));
                load.moved = MOVE_STEPS - 1;
                self.move_old_log(load);
                return Ok(());
            }
            _ => return Err(format!("{}: {}", reading.path, error.reason)),
        }
        self.read_next(load);
        Ok(())
    }

    /// Reads the files that a manifest names.
    pub(super) fn plan(&mut self, load: &mut Load, manifest: Manifest) {
        if let Some(base) = &manifest.base {
            load.files.push_back((What::Base, self.log_path(&base.name)));
        }
        for incr in &manifest.incrs {
            load.files.push_back((What::Incr, self.log_path(&incr.name)));
        }
        self.persist.manifest = manifest;
        self.read_next(load);
    }

    /// The next step by which a log without a manifest becomes the base of one that has one. The
    /// manifest comes first: it says where the log is to be found, even if it has not moved.
    pub(super) fn move_old_log(&mut self, load: &mut Load) {
        let name = self.config.text(Id::Appendfilename).to_string();
        let manifest = Manifest::of_old_log(&name);
        let to = self.manifest_path();
        let from = self.log_path(&format!("temp-{name}.manifest"));
        let op = match load.moved {
            0 => FileOp::MakeDir { path: self.config.text(Id::Appenddirname).to_string() },
            1 => FileOp::Write { path: from, content: Content::bytes(manifest.write()) },
            2 => FileOp::Rename { from, to },
            3 => FileOp::Rename { from: name.clone(), to: self.log_path(&name) },
            _ => {
                if load.files.is_empty() {
                    self.plan(load, manifest);
                } else {
                    self.read_next(load);
                }
                return;
            }
        };
        load.moved += 1;
        self.persist.jobs.ask(Lane::Log, op, Purpose::Moved);
    }
}

/// Steps of [`State::move_old_log`].
const MOVE_STEPS: u32 = 4;
