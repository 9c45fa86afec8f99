//! What passes between a node and its host.

use super::ConnId;
use crate::config::Id;
use alloc::string::String;
use alloc::vec::Vec;

/// How much one call of [`Node::run`] may do.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Commands to execute at the most.
    pub commands: u32,
    /// Expired keys to remove at the most, beside one for each command of the call before (so that
    /// they go as fast as they come); and as many keys again to look at on behalf of suspended
    /// commands. At least 1, or nothing is executed. A thousand take some half a millisecond.
    pub background: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Budget { commands: 4096, background: 1024 }
    }
}

/// Whether [`Node::run`] has finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Run {
    /// Nothing is left to do now.
    Idle,
    /// The budget is used up: send what there is, look for input, and call again at once.
    More,
}

/// What became of bytes that were handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Intake {
    /// How many were taken: all of them. Those of a connection that is closing are dropped.
    pub consumed: usize,
    /// Stop reading from this connection until [`Action::ResumeReading`].
    pub pause: bool,
}

/// A connection's part for the host.
#[derive(Debug, PartialEq, Eq)]
pub struct Sendable<'a> {
    /// Bytes that may leave now.
    pub bytes: &'a [u8],
    /// Close the connection once `bytes` have left.
    pub close: bool,
}

/// What the node asks of its host.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Read from this connection again.
    ResumeReading(ConnId),
    /// Someone sent SHUTDOWN or the host called [`Node::shut_down`](crate::Node::shut_down), and what was
    /// to be saved is: end the process (or whatever the host has of one).
    Shutdown {
        /// Don't wait for clients to take their replies.
        now: bool,
    },
    /// Connect to this address and answer with [`Node::handle_dialed`]. A dial before it that is still
    /// under way is wanted no more.
    Dial {
        /// Which dial it is.
        dial: u32,
        /// `host:port`.
        addr: String,
    },
    /// Leave the file unwritten that this job is to write, if it isn't written yet, and answer the job
    /// with [`FileErrorKind::Stopped`](super::FileErrorKind::Stopped).
    StopFile(u64),
    /// Nothing can be served: end the process with an error, and say why.
    Halt {
        /// What is wrong, in a line.
        reason: String,
    },
    /// CONFIG SET changed this setting.
    ConfigChanged(Id),
    /// Something worth a line in the log.
    Log {
        /// How important it is.
        level: LogLevel,
        /// The line.
        message: String,
    },
}

/// How important a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum LogLevel {
    Debug,
    Verbose,
    Notice,
    Warning,
}

/// When a write counts as safe enough to be answered, and reads to show it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// At once.
    #[default]
    Async,
    /// When the host has stored its effects.
    Stored,
    /// When enough replicas have its effects.
    Replicated,
}

/// Effects for the host to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// The offset of the first byte.
    pub offset: u64,
    /// Commands in RESP, to be replayed by [`Node::replay`].
    pub bytes: Vec<u8>,
}

/// A connection that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectError;

impl ConnectError {
    /// What to send before closing.
    pub const REPLY: &'static [u8] = b"-ERR max number of clients reached\r\n";
}

impl core::fmt::Display for ConnectError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("max number of clients reached")
    }
}

impl core::error::Error for ConnectError {}
