//! Jobs with files: a process's two lanes of them, done on the machine's disk in modelled time.
//!
//! A job is done in parts, so that whatever ends the process or the machine may come between them. What
//! must never be here: why a file is written.

use super::disk::{Disk, Trouble};
use crate::random::Random;
use cache_core::node::{Content, FileError, FileErrorKind, FileEvent, FileJob, FileOp, Lane};
use std::collections::VecDeque;

/// What any part of a job takes, in microseconds.
const PART_US: u64 = 25;
/// Bytes that are written or read in a microsecond.
const BYTES: u64 = 1_000;
/// What a sync takes, in microseconds, and bytes that are synced in each.
const SYNC_US: u64 = 250;
const SYNC_BYTES: u64 = 200;

/// A job under way.
#[derive(Clone, Debug)]
struct Work {
    id: u64,
    op: FileOp,
    stage: Stage,
    written: u64,
    is_stopped: bool,
}

/// What is done next of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    First,
    Filling,
    Syncing,
    SyncingName,
}

/// What came of a part of a job.
enum Part {
    /// There is more of it.
    Next(Stage),
    Done(FileEvent),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Files {
    lanes: [(VecDeque<FileJob>, Option<Work>); 2],
}

fn failed(trouble: Trouble) -> FileEvent {
    let kind = match trouble {
        Trouble::NotFound => FileErrorKind::NotFound,
        Trouble::Full | Trouble::Broken => FileErrorKind::Other,
    };
    FileEvent::Failed(FileError { kind, reason: trouble.reason().to_string() })
}

/// The job in a few words.
pub(crate) fn in_words(op: &FileOp) -> String {
    match op {
        FileOp::MakeDir { path } => format!("make {path}"),
        FileOp::Read { path, from, most } => format!("read {most} of {path} from {from}"),
        FileOp::Write { path, .. } => format!("write {path}"),
        FileOp::Append { path, bytes, sync } => {
            let sync = if *sync { " and sync" } else { "" };
            format!("append {} to {path}{sync}", bytes.len())
        }
        FileOp::Sync { path } => format!("sync {path}"),
        FileOp::Truncate { path, len } => format!("cut {path} to {len}"),
        FileOp::Rename { from, to } => format!("rename {from} to {to}"),
        FileOp::Remove { path } => format!("remove {path}"),
        _ => String::from("do what is not known here"),
    }
}

impl Files {
    /// Takes a job. Gives the lane that begins to work and what its first part takes, in microseconds.
    pub(crate) fn push(&mut self, job: FileJob, disk: &mut Disk) -> Option<(usize, u64)> {
        let lane = match job.lane {
            Lane::Log => 0,
            Lane::Snapshot => 1,
        };
        self.lanes[lane].0.push_back(job);
        if self.lanes[lane].1.is_some() {
            return None;
        }
        self.begin(lane, disk).map(|us| (lane, us))
    }

    /// Begins the next job of a lane: what its first part takes.
    fn begin(&mut self, lane: usize, disk: &mut Disk) -> Option<u64> {
        let (jobs, work) = &mut self.lanes[lane];
        let FileJob { id, op, .. } = jobs.pop_front()?;
        *work = Some(Work { id, op, stage: Stage::First, written: 0, is_stopped: false });
        work.as_ref().map(|work| work.takes_us(disk))
    }

    /// Leaves a job undone, if it is one that writes a file anew and isn't done.
    pub(crate) fn stop(&mut self, id: u64) {
        for (_, work) in &mut self.lanes {
            if let Some(work) = work.as_mut().filter(|work| work.id == id) {
                work.is_stopped = true;
            }
        }
    }

    /// A part of a job is done. Gives what came of the job, in words too, if that was its last part; and
    /// what the next part of this lane takes.
    pub(crate) fn part(
        &mut self,
        lane: usize,
        disk: &mut Disk,
        dice: &mut Random,
    ) -> (Option<(u64, FileEvent, FileOp)>, Option<u64>) {
        let Some(mut work) = self.lanes[lane].1.take() else { return (None, None) };
        match work.part(disk, dice).unwrap_or_else(|trouble| Part::Done(failed(trouble))) {
            Part::Next(stage) => {
                work.stage = stage;
                let us = work.takes_us(disk);
                self.lanes[lane].1 = Some(work);
                (None, Some(us))
            }
            Part::Done(event) => {
                let next = self.begin(lane, disk);
                (Some((work.id, event, work.op)), next)
            }
        }
    }

    /// The process ends: of what is being written some may be there.
    pub(crate) fn abandon(&mut self, disk: &mut Disk, dice: &mut Random) {
        for (_, work) in &self.lanes {
            if let Some(Work {
                op: FileOp::Append { path, bytes, .. }, stage: Stage::First, ..
            }) = work
            {
                let len = dice.below(bytes.len() as u64 + 1) as usize;
                // If it fails, nothing is there.
                let _ = disk.append(path, &bytes[..len], dice);
            }
        }
    }
}

impl Work {
    fn path(&self) -> &str {
        match &self.op {
            FileOp::Rename { to, .. } => to,
            FileOp::MakeDir { path }
            | FileOp::Read { path, .. }
            | FileOp::Write { path, .. }
            | FileOp::Append { path, .. }
            | FileOp::Sync { path }
            | FileOp::Truncate { path, .. }
            | FileOp::Remove { path } => path,
            _ => "",
        }
    }

    fn takes_us(&self, disk: &mut Disk) -> u64 {
        let bytes = match (&self.op, self.stage) {
            (FileOp::Read { most, .. }, _) => u64::from(*most) / 16,
            (FileOp::Append { bytes, .. }, Stage::First) => bytes.len() as u64,
            (FileOp::Write { .. }, Stage::Filling) => 64 << 10,
            _ => 0,
        };
        let syncs = match self.op {
            FileOp::Sync { .. } | FileOp::Truncate { .. } => true,
            _ => matches!(self.stage, Stage::Syncing | Stage::SyncingName),
        };
        let sync_us = if syncs { SYNC_US + disk.unsynced(self.path()) / SYNC_BYTES } else { 0 };
        (PART_US + bytes / BYTES + sync_us) * (1 + disk.ailment.slower)
    }

    fn part(&mut self, disk: &mut Disk, dice: &mut Random) -> Result<Part, Trouble> {
        let done = |written| Ok(Part::Done(FileEvent::Done { written }));
        if self.stage == Stage::SyncingName {
            disk.sync_dir(self.path())?;
            if let FileOp::Rename { from, .. } = &self.op {
                disk.sync_dir(from)?;
            }
            return done(self.written);
        }
        match &mut self.op {
            FileOp::Read { path, from, most } => {
                let (bytes, of) = disk.read(path, *from, *most)?;
                Ok(Part::Done(FileEvent::Read { bytes, of }))
            }
            FileOp::Append { path, bytes, sync } => {
                if self.stage == Stage::First {
                    disk.append(path, bytes, dice)?;
                    if *sync {
                        return Ok(Part::Next(Stage::Syncing));
                    }
                } else {
                    disk.sync(path)?;
                }
                done(bytes.len() as u64)
            }
            FileOp::Sync { path } => {
                disk.sync(path)?;
                done(0)
            }
            FileOp::Truncate { path, len } => {
                disk.truncate(path, usize::try_from(*len).unwrap_or(usize::MAX))?;
                done(0)
            }
            FileOp::Rename { from, to } => {
                disk.rename(from, to)?;
                Ok(Part::Next(Stage::SyncingName))
            }
            FileOp::Remove { path } => {
                disk.remove(path)?;
                done(0)
            }
            FileOp::Write { path, content } => {
                let (stage, is_stopped) = (self.stage, self.is_stopped);
                let (part, written) = write(path, content, stage, is_stopped, disk, dice)?;
                self.written += written;
                Ok(part)
            }
            // Directories are there: only what is in them may be lost.
            _ => done(0),
        }
    }
}

/// A part of writing a file anew, and how many bytes it was.
fn write(
    path: &str,
    content: &mut Content,
    stage: Stage,
    is_stopped: bool,
    disk: &mut Disk,
    dice: &mut Random,
) -> Result<(Part, u64), Trouble> {
    match stage {
        Stage::First => {
            disk.create(path)?;
            Ok((Part::Next(Stage::Filling), 0))
        }
        Stage::Filling if is_stopped => {
            let kind = FileErrorKind::Stopped;
            let error = FileError { kind, reason: String::from("stopped") };
            Ok((Part::Done(FileEvent::Failed(error)), 0))
        }
        Stage::Filling => match content.next_block() {
            Some(block) => {
                disk.append(path, &block, dice)?;
                Ok((Part::Next(Stage::Filling), block.len() as u64))
            }
            None => Ok((Part::Next(Stage::Syncing), 0)),
        },
        Stage::Syncing | Stage::SyncingName => {
            disk.sync(path)?;
            Ok((Part::Next(Stage::SyncingName), 0))
        }
    }
}
