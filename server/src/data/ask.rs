//! What other threads may ask the data path, and how it answers.
//!
//! A question goes through a bounded channel and wakes the event loop; the answer comes back on a
//! channel of its own. What must never be here: shared memory, a lock.

use cache_core::config::Id;
use cache_core::{Node, Now};
use mio::Waker;
use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;
use tokio::sync::oneshot;

/// Questions that may wait.
const QUESTIONS: usize = 64;
/// How long an answer may take before the data path counts as stuck.
const PATIENCE: Duration = Duration::from_secs(1);

/// A question, with the way back.
#[derive(Debug)]
pub(super) enum Ask {
    Health(oneshot::Sender<Health>),
    Snapshot(oneshot::Sender<Snapshot>),
}

/// How the data path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    /// It serves.
    Serving,
    /// It is shutting down.
    Ending,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AskError {
    /// Too many questions wait already.
    Busy,
    /// No answer within the time that one may take.
    Late,
    /// The data path has ended.
    Gone,
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => write!(f, "{QUESTIONS} questions wait for the data thread already"),
            Self::Late => write!(f, "the data thread did not answer within {PATIENCE:?}"),
            Self::Gone => f.write_str("the data thread has ended"),
        }
    }
}

/// Asks the data path. Clones ask the same one.
#[derive(Clone, Debug)]
pub(crate) struct Asker {
    questions: SyncSender<Ask>,
    waker: Arc<Waker>,
}

/// Both ends of the channel for questions.
pub(super) fn channel(waker: Arc<Waker>) -> (Asker, Receiver<Ask>) {
    let (questions, asks) = sync_channel(QUESTIONS);
    (Asker { questions, waker }, asks)
}

impl Asker {
    /// How it is.
    pub(crate) async fn health(&self) -> Result<Health, AskError> {
        self.ask(Ask::Health).await
    }

    /// Its figures.
    pub(crate) async fn snapshot(&self) -> Result<Snapshot, AskError> {
        self.ask(Ask::Snapshot).await
    }

    async fn ask<T>(&self, question: fn(oneshot::Sender<T>) -> Ask) -> Result<T, AskError> {
        let (sender, answer) = oneshot::channel();
        self.questions.try_send(question(sender)).map_err(|_| AskError::Busy)?;
        self.waker.wake().map_err(|_| AskError::Gone)?;
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(answer) => answer.map_err(|_| AskError::Gone),
            Err(_) => Err(AskError::Late),
        }
    }
}

/// The figures of one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot {
    pub(crate) uptime_secs: u64,
    pub(crate) clients: u64,
    pub(crate) max_clients: u64,
    pub(crate) used_bytes: u64,
    pub(crate) peak_bytes: u64,
    pub(crate) max_bytes: u64,
    pub(crate) commands: u64,
    pub(crate) connections_received: u64,
    pub(crate) rejected_connections: u64,
    pub(crate) net_input_bytes: u64,
    pub(crate) net_output_bytes: u64,
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    pub(crate) expired: u64,
    pub(crate) evicted: u64,
    pub(crate) errors: u64,
    pub(crate) output_limit_closes: u64,
    pub(crate) query_limit_closes: u64,
    pub(crate) published: u64,
    /// Of each database that has keys: its number, its keys, those of them with a TTL.
    pub(crate) databases: Vec<(u32, u64, u64)>,
}

impl Snapshot {
    /// Takes the figures.
    pub(super) fn of(node: &Node, now: Now) -> Self {
        let stats = node.stats();
        let keyspace = node.keyspace();
        let databases = (0..keyspace.databases())
            .map(|db| (db, keyspace.len(db) as u64, keyspace.volatile_len(db) as u64))
            .filter(|&(_, keys, _)| keys > 0)
            .collect();
        Snapshot {
            uptime_secs: now.mono_us / 1_000_000,
            clients: node.clients() as u64,
            max_clients: node.config().number(Id::Maxclients) as u64,
            used_bytes: node.used_bytes(),
            peak_bytes: stats.peak_bytes,
            max_bytes: node.config().number(Id::Maxmemory) as u64,
            commands: stats.commands,
            connections_received: stats.connections_received,
            rejected_connections: stats.rejected_connections,
            net_input_bytes: stats.net_input_bytes,
            net_output_bytes: stats.net_output_bytes,
            hits: stats.hits,
            misses: stats.misses,
            expired: stats.expired,
            evicted: stats.evicted,
            errors: stats.errors,
            output_limit_closes: stats.output_limit_closes,
            query_limit_closes: stats.query_limit_closes,
            published: stats.published,
            databases,
        }
    }
}
