//! Commands that wait for a key: who waits for which, and what happens when one is there.
//!
//! A command that finds nothing hands in a [`Wait`], and its connection executes nothing until one of
//! its keys has changed and holds what it waits for. Then the command runs again from the start. Those
//! that wait for one key have their turn in the order in which they came, right behind the command (or
//! the transaction) that changed it. What must never be here: what a command waits for.

use super::conn::{ConnFlags, ConnId, Connection};
use super::post::Post;
use super::watch::{key_at, place};
use crate::hash::HashSeed;
use crate::keyspace::indexed::{Indexed, Keyed};
use crate::protocol::{Frame, Reply};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// For what a command waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wait {
    /// The command as it is to run again.
    pub(crate) frame: Frame,
    /// Keys of the connection's database. Any of them will do.
    pub(crate) keys: Frame,
    /// The type of value that ends the waiting.
    pub(crate) type_name: &'static str,
    /// A key that is gone, or holds another type, ends it too.
    pub(crate) or_gone: bool,
    /// Monotonic microseconds at which waiting ends; `u64::MAX` never.
    pub(crate) until_us: u64,
}

#[derive(Clone, Debug)]
struct Waiters {
    place: Box<[u8]>,
    hash: u64,
    /// In the order in which they came.
    conns: VecDeque<ConnId>,
    /// How many of them wait for the key to go, too.
    or_gone: usize,
    /// Whether it is among those that have changed.
    changed: Option<Change>,
}

/// What has become of a key that someone waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Change {
    /// It has gone, or another has come in its place: that is for those who wait for this, too.
    Gone,
    /// It is there, or there is more of it.
    Come,
}

impl Keyed for Waiters {
    fn key(&self) -> &[u8] {
        &self.place
    }

    fn hash(&self) -> u64 {
        self.hash
    }
}

/// Who waits for which key.
#[derive(Clone, Debug)]
pub(crate) struct Blocked {
    keys: Indexed<Waiters>,
    /// Places of keys that someone waits for and that have changed, in that order.
    changed: Vec<Box<[u8]>>,
    clients: usize,
    /// How many of them wait for a key of which type.
    by_type: Vec<(&'static str, usize)>,
    seed: HashSeed,
}

impl Blocked {
    pub(crate) fn new(seed: HashSeed) -> Self {
        let (keys, changed, by_type) = (Indexed::default(), Vec::new(), Vec::new());
        Blocked { keys, changed, clients: 0, by_type, seed }
    }

    /// How many connections wait.
    pub(crate) fn clients(&self) -> usize {
        self.clients
    }

    /// How many keys are waited for.
    pub(crate) fn keys(&self) -> usize {
        self.keys.len()
    }

    /// Whether anyone waits for a key of this type.
    pub(super) fn any_for(&self, type_name: &str) -> bool {
        self.by_type.iter().any(|&(name, clients)| name == type_name && clients > 0)
    }

    pub(super) fn add(&mut self, conn: ConnId, db: u32, wait: &Wait) {
        self.clients += 1;
        match self.by_type.iter_mut().find(|(name, _)| *name == wait.type_name) {
            Some((_, clients)) => *clients += 1,
            None => self.by_type.push((wait.type_name, 1)),
        }
        for key in wait.keys.args().iter() {
            let place = place(db, key);
            let hash = self.seed.hash(&place);
            if self.keys.position(hash, &place).is_none() {
                let (conns, place) = (VecDeque::new(), place.as_slice().into());
                self.keys.push(Waiters { place, hash, conns, or_gone: 0, changed: None });
            }
            // A key may be named twice.
            if let Some(waiters) = self.keys.get_mut(hash, &place)
                && waiters.conns.back() != Some(&conn)
            {
                waiters.conns.push_back(conn);
                waiters.or_gone += usize::from(wait.or_gone);
            }
        }
    }

    pub(super) fn remove(&mut self, conn: ConnId, db: u32, wait: &Wait) {
        self.clients -= 1;
        let of_type = self.by_type.iter_mut().find(|(name, _)| *name == wait.type_name);
        if let Some((_, clients)) = of_type {
            *clients = clients.saturating_sub(1);
        }
        for key in wait.keys.args().iter() {
            let place = place(db, key);
            let hash = self.seed.hash(&place);
            let Some(waiters) = self.keys.get_mut(hash, &place) else { continue };
            // Mostly it is the first.
            let Some(at) = waiters.conns.iter().position(|&waiter| waiter == conn) else {
                continue;
            };
            waiters.conns.remove(at);
            waiters.or_gone -= usize::from(wait.or_gone);
            if waiters.conns.is_empty() {
                self.keys.remove(hash, &place);
            }
        }
    }

    /// A key has come, or there is more of it.
    pub(crate) fn touch(&mut self, db: u32, key: &[u8]) {
        self.note(db, key, Change::Come);
    }

    /// A key has gone, or another has come in its place.
    pub(crate) fn touch_gone(&mut self, db: u32, key: &[u8]) {
        self.note(db, key, Change::Gone);
    }

    fn note(&mut self, db: u32, key: &[u8], change: Change) {
        if self.keys.len() == 0 {
            return;
        }
        let place = place(db, key);
        if let Some(waiters) = self.keys.get_mut(self.seed.hash(&place), &place) {
            if waiters.changed.is_none() {
                self.changed.push(place.into());
            }
            waiters.changed = waiters.changed.max(Some(change));
        }
    }

    /// The keys for which `changed` says so have changed: a database was flushed or exchanged.
    pub(crate) fn touch_where(&mut self, changed: impl Fn(u32) -> bool) {
        let places = self.keys.iter().map(|waiters| &waiters.place);
        let touched: Vec<_> = places.filter(|place| changed(key_at(place).0)).cloned().collect();
        for place in touched {
            let (db, key) = key_at(&place);
            self.touch(db, key);
        }
    }

    /// Whether a key that someone waits for has changed.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn any_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// Takes the places of the keys that have changed.
    pub(super) fn take_changed(&mut self) -> Vec<(Box<[u8]>, Change)> {
        let places = core::mem::take(&mut self.changed);
        let changed = places.into_iter().filter_map(|place| {
            let waiters = self.keys.get_mut(self.seed.hash(&place), &place)?;
            let change = waiters.changed.take()?;
            Some((place, change))
        });
        changed.collect()
    }

    /// Who waits for the key of a place, behind so many others.
    pub(super) fn waiter(&self, place: &[u8], behind: usize) -> Option<ConnId> {
        self.keys.get(self.seed.hash(place), place)?.conns.get(behind).copied()
    }

    /// Whether anybody waits for the key of a place to go.
    pub(super) fn any_or_gone(&self, place: &[u8]) -> bool {
        let waiters = self.keys.get(self.seed.hash(place), place);
        waiters.is_some_and(|waiters| waiters.or_gone > 0)
    }
}

impl Connection {
    /// Bytes held for the command that waits.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.wait.as_ref().map_or(0, |wait| wait.frame.size() + wait.keys.size())
    }
}

impl Post<'_> {
    /// Lets a connection wait no longer, so that nothing is taken for it. `false`: it doesn't wait.
    fn stop_wait(&mut self, id: ConnId) -> bool {
        let Some(conn) = self.conns.get_mut(id) else { return false };
        let Some(wait) = conn.wait.take() else { return false };
        self.state.blocked.remove(id, conn.db, &wait);
        self.conns.unblock(id);
        true
    }

    /// Closes a connection at once, its output with it, and takes nothing for it any more.
    pub(crate) fn abort(&mut self, id: ConnId) {
        self.stop_wait(id);
        if let Some(conn) = self.conns.get_mut(id) {
            conn.flags.insert(ConnFlags::ABORT);
        }
        self.conns.offer(id);
    }

    /// Ends the waiting of a connection without running its command, and answers in its place.
    /// `false`: it doesn't wait.
    pub(crate) fn end_wait(&mut self, id: ConnId, answer: impl FnOnce(&mut Reply)) -> bool {
        if !self.stop_wait(id) {
            return false;
        }
        self.answer_waiter(id, answer);
        self.conns.wake(id);
        true
    }

    /// Answers a connection whose waiting has ended, if it wants to hear.
    pub(super) fn answer_waiter(&mut self, id: ConnId, answer: impl FnOnce(&mut Reply)) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        let heard = !conn.has(ConnFlags::REPLY_OFF | ConnFlags::REPLY_SKIP);
        // What CLIENT REPLY SKIP skips is this one reply.
        conn.flags.remove(ConnFlags::REPLY_SKIP);
        if heard {
            self.deliver(id, answer);
        }
    }
}
