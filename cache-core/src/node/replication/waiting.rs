//! Waiting until followers, and this node's own disk, have what a connection wrote: WAIT and WAITAOF.

use super::super::conn::{ConnId, Connection, Connections};
use super::super::post::Post;
use super::super::state::State;
use crate::protocol::Reply;
use alloc::vec::Vec;

/// For what a connection waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AckWait {
    /// The position behind the last byte that it wrote.
    pub(crate) offset: u64,
    /// How many followers are to have it.
    pub(crate) followers: u64,
    /// Whether followers are to have it on their disks.
    pub(crate) stored: bool,
    /// The offset up to which this node's own log is to be safe; `None` if that is no matter.
    pub(crate) logged: Option<u64>,
    /// Monotonic microseconds at which waiting ends; `u64::MAX` never.
    pub(crate) until_us: u64,
}

impl AckWait {
    /// How many followers have it now.
    fn count(&self, state: &State, get: impl Fn(ConnId) -> Option<u64>) -> u64 {
        let has = |id: &&ConnId| get(**id).is_some_and(|upto| upto >= self.offset);
        state.replication.followers.iter().filter(has).count() as u64
    }

    fn upto(&self, conn: Option<&Connection>) -> Option<u64> {
        let follower = conn?.follower.as_deref().filter(|follower| follower.is_online())?;
        Some(if self.stored { follower.stored } else { follower.acked })
    }

    /// How many followers have it now, by all connections but one, which is another's turn.
    pub(crate) fn count_in(&self, state: &State, conns: &Connections, own: &Connection) -> u64 {
        self.count(state, |id| self.upto(if own.id == id { Some(own) } else { conns.get(id) }))
    }

    /// Whether this node's own log is as far as it is waited for.
    pub(crate) fn is_logged(&self, state: &State) -> bool {
        self.logged.is_none_or(|upto| state.persist.tail.synced() >= upto)
    }

    /// Writes the answer.
    pub(crate) fn answer(&self, out: &mut Reply, (count, is_logged): (u64, bool)) {
        if self.stored {
            out.array(2);
            out.integer(i64::from(self.logged.is_some() && is_logged));
        }
        out.integer(i64::try_from(count).unwrap_or(i64::MAX));
    }
}

impl State {
    /// Asks followers how far they are.
    pub(crate) fn ask_followers(&mut self) {
        if !self.replication.followers.is_empty() {
            self.effects.feed.say(["REPLCONF", "GETACK", "*"]);
        }
    }
}

impl Post<'_> {
    fn count_acks(&self, wait: &AckWait) -> u64 {
        wait.count(self.state, |id| wait.upto(self.get(id)))
    }

    /// Answers those who waited for no more than followers have by now.
    pub(crate) fn answer_ack_waits(&mut self) {
        if self.state.replication.waiters.is_empty() {
            return;
        }
        let ids: Vec<ConnId> = self.state.replication.waiters.clone();
        for id in ids {
            let wait = self.conns.get(id).and_then(|conn| conn.acks.as_deref());
            let is_over = |wait: &AckWait| {
                self.count_acks(wait) >= wait.followers && wait.is_logged(self.state)
            };
            if wait.is_some_and(is_over) {
                self.end_ack_wait(id, |_| {});
            }
        }
    }

    /// Ends such a waiting: what `other` writes is the answer, or the count if that is nothing.
    /// `false`: the connection doesn't wait so.
    pub(crate) fn end_ack_wait(&mut self, id: ConnId, other: impl FnOnce(&mut Reply)) -> bool {
        let Some(wait) = self.conns.get_mut(id).and_then(|conn| conn.acks.take()) else {
            return false;
        };
        self.state.replication.waiters.retain(|waiter| *waiter != id);
        let reached = (self.count_acks(&wait), wait.is_logged(self.state));
        self.conns.unblock(id);
        self.answer_waiter(id, |out| {
            let before = out.len();
            other(out);
            if out.len() == before {
                wait.answer(out, reached);
            }
        });
        self.conns.wake(id);
        true
    }
}
