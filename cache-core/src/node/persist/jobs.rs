//! Jobs that wait for the host, and for what each was asked.

use super::file::{FileEvent, FileJob, FileOp, Lane};
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// What goes on when a job has been done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Nothing: a file that is no longer needed is removed.
    Tidied,
    /// The next part of a file that is loaded has come.
    Loaded,
    /// A log of before there were manifests has found its place.
    Moved,
    /// The end of a log has been cut.
    Cut,
    /// The log's end.
    Appended,
    Synced,
    Repaired,
    /// The steps of a save, in order.
    SaveWritten,
    SaveNamed,
    /// The steps of a rewrite, in order.
    DirMade,
    IncrMade,
    IncrListed,
    BaseWritten,
    BaseNamed,
    BaseListed,
    /// A manifest has been written to its temporary file, or has its name, and nothing waits for it.
    Listed,
}

/// Jobs that wait for the host or have been given to it.
#[derive(Clone, Debug, Default)]
pub(super) struct Jobs {
    last_id: u64,
    queue: VecDeque<FileJob>,
    /// Those that are not done, in the order in which they were asked for.
    open: Vec<(u64, Purpose)>,
}

impl Jobs {
    pub(super) fn ask(&mut self, lane: Lane, op: FileOp, purpose: Purpose) -> u64 {
        self.last_id += 1;
        let id = self.last_id;
        self.queue.push_back(FileJob { id, lane, op });
        self.open.push((id, purpose));
        id
    }

    /// The next job for the host.
    pub(super) fn next(&mut self) -> Option<FileJob> {
        self.queue.pop_front()
    }

    /// For what a job was asked. It is open no more, unless the event says that it goes on.
    pub(super) fn close(&mut self, id: u64, event: &FileEvent) -> Option<Purpose> {
        let at = self.open.iter().position(|&(open, _)| open == id)?;
        let (_, purpose) = self.open[at];
        if !matches!(event, FileEvent::Progress(_)) {
            self.open.remove(at);
        }
        Some(purpose)
    }

    /// For what a job was asked that is not done.
    pub(super) fn purpose(&self, id: u64) -> Option<Purpose> {
        self.open.iter().find(|(open, _)| *open == id).map(|(_, purpose)| *purpose)
    }

    /// Nobody waits for a job any more; it is done all the same.
    pub(super) fn forget(&mut self, id: u64) {
        if let Some(open) = self.open.iter_mut().find(|(open, _)| *open == id) {
            open.1 = Purpose::Tidied;
        }
    }
}
