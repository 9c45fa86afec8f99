//! What a node asks of its host's disk, and what the host answers.
//!
//! Names are relative to the directory that the host keeps data in. Jobs come in two lanes. Those of
//! one lane must be done one after the other, in the order in which they were asked for, even when one
//! of them fails; the two lanes may go on at the same time. The host decides nothing: which name, which
//! order and what must be synced before what stands in the job.

use crate::snapshot::{Saved, Snapshot};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::commands::Commands;

/// Jobs of one lane are done in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// The append log, and what is read at the start. Clients may wait for these.
    Log,
    /// Snapshots, which may take minutes.
    Snapshot,
}

/// Something to be done with a file.
#[derive(Clone, Debug)]
pub struct FileJob {
    /// To be given back with the answer.
    pub id: u64,
    /// With which jobs it keeps order.
    pub lane: Lane,
    /// What is to be done.
    pub op: FileOp,
}

/// What is to be done with a file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum FileOp {
    /// Make a directory, unless it is there, and sync the one it is in.
    MakeDir {
        /// The directory.
        path: String,
    },
    /// Read a part of a file: fewer bytes than `most` only at its end. Answer with
    /// [`FileEvent::Read`].
    Read {
        /// The file.
        path: String,
        /// The first byte that is wanted.
        from: u64,
        /// The most bytes that are wanted.
        most: u32,
    },
    /// Write a file anew, whatever it held, and sync it and its directory. While it is written the host
    /// may answer with [`FileEvent::Progress`] any number of times. [`Action::StopFile`] may ask to
    /// leave it undone.
    ///
    /// [`Action::StopFile`]: crate::node::Action::StopFile
    Write {
        /// The file.
        path: String,
        /// All that it is to hold.
        content: Content,
    },
    /// Write at the end of a file that is there.
    Append {
        /// The file.
        path: String,
        /// What is to be added.
        bytes: Arc<Vec<u8>>,
        /// Sync its data behind it.
        sync: bool,
    },
    /// Sync a file's data.
    Sync {
        /// The file.
        path: String,
    },
    /// Cut a file to a length, and sync it.
    Truncate {
        /// The file.
        path: String,
        /// Its new length in bytes.
        len: u64,
    },
    /// Give a file another name, replacing what has it, and sync the directories of both.
    Rename {
        /// Its name.
        from: String,
        /// The name it gets.
        to: String,
    },
    /// Remove a file.
    Remove {
        /// The file.
        path: String,
    },
}

/// What a file is to hold. It may be made and dropped on any thread.
#[derive(Clone, Debug)]
pub struct Content(Form);

#[derive(Clone, Debug)]
enum Form {
    Bytes(Vec<u8>),
    Snapshot(Box<Snapshot>),
    Commands(Box<Commands>),
}

impl Content {
    pub(super) fn bytes(bytes: Vec<u8>) -> Self {
        Content(Form::Bytes(bytes))
    }

    pub(super) fn snapshot(snapshot: Snapshot) -> Self {
        Content(Form::Snapshot(Box::new(snapshot)))
    }

    pub(super) fn commands(commands: Commands) -> Self {
        Content(Form::Commands(Box::new(commands)))
    }

    /// The next part of it, of about 64 KiB; `None` when there is no more.
    pub fn next_block(&mut self) -> Option<Vec<u8>> {
        match &mut self.0 {
            Form::Bytes(bytes) => Some(core::mem::take(bytes)).filter(|bytes| !bytes.is_empty()),
            Form::Snapshot(snapshot) => snapshot.next_block(),
            Form::Commands(commands) => commands.next_block(),
        }
    }

    /// How much of it has been given out.
    pub fn saved(&self) -> Saved {
        match &self.0 {
            Form::Bytes(_) => Saved::default(),
            Form::Snapshot(snapshot) => snapshot.saved(),
            Form::Commands(commands) => commands.saved(),
        }
    }
}

/// What has become of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileEvent {
    /// It is done.
    Done {
        /// The bytes that were written.
        written: u64,
    },
    /// A part of a file has been read; the job is done.
    Read {
        /// The bytes.
        bytes: Vec<u8>,
        /// How long the whole file is.
        of: u64,
    },
    /// A file is being written; the job goes on.
    Progress(Saved),
    /// It could not be done, or not wholly.
    Failed(FileError),
}

/// Why a job could not be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError {
    /// Which kind of trouble it is.
    pub kind: FileErrorKind,
    /// What the system says of it, as `No space left on device`.
    pub reason: String,
}

/// Kinds of trouble with files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileErrorKind {
    /// There is no such file or directory.
    NotFound,
    /// The host was asked to stop.
    Stopped,
    /// Anything else.
    Other,
}
