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
use alloc::vec::Vec;

/// What is answered when the time is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Empty {
    Null,
    NullArray,
}

impl Empty {
    pub(crate) fn write(self, out: &mut Reply) {
        match self {
            Empty::Null => out.null(),
            Empty::NullArray => out.null_array(),
        }
    }
}

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
    pub(crate) empty: Empty,
}

#[derive(Clone, Debug)]
struct Waiters {
    place: Box<[u8]>,
    hash: u64,
    /// In the order in which they came.
    conns: Vec<ConnId>,
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
    seed: HashSeed,
}

impl Blocked {
    pub(crate) fn new(seed: HashSeed) -> Self {
        Blocked { keys: Indexed::default(), changed: Vec::new(), clients: 0, seed }
    }

    /// How many connections wait.
    pub(crate) fn clients(&self) -> usize {
        self.clients
    }

    /// How many keys are waited for.
    pub(crate) fn keys(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn add(&mut self, conn: ConnId, db: u32, wait: &Wait) {
        self.clients += 1;
        for key in wait.keys.args().iter() {
            let place = place(db, key);
            let hash = self.seed.hash(&place);
            match self.keys.get_mut(hash, &place) {
                // A key may be named twice.
                Some(waiters) if waiters.conns.last() == Some(&conn) => {}
                Some(waiters) => waiters.conns.push(conn),
                None => {
                    let conns = alloc::vec![conn];
                    self.keys.push(Waiters { place: place.into(), hash, conns });
                }
            }
        }
    }

    pub(super) fn remove(&mut self, conn: ConnId, db: u32, wait: &Wait) {
        self.clients -= 1;
        for key in wait.keys.args().iter() {
            let place = place(db, key);
            let hash = self.seed.hash(&place);
            let Some(waiters) = self.keys.get_mut(hash, &place) else { continue };
            waiters.conns.retain(|&waiter| waiter != conn);
            if waiters.conns.is_empty() {
                self.keys.remove(hash, &place);
            }
        }
    }

    /// A key has changed.
    pub(crate) fn touch(&mut self, db: u32, key: &[u8]) {
        if self.keys.len() == 0 {
            return;
        }
        let place = place(db, key);
        let known = self.keys.position(self.seed.hash(&place), &place).is_some();
        if known && !self.changed.iter().any(|other| **other == *place) {
            self.changed.push(place.into());
        }
    }

    /// The keys for which `changed` says so have changed: a database was flushed or exchanged.
    pub(crate) fn touch_where(&mut self, changed: impl Fn(u32) -> bool) {
        let places = self.keys.iter().map(|waiters| &waiters.place);
        let touched = places.filter(|place| changed(key_at(place).0));
        self.changed.extend(touched.cloned().collect::<Vec<_>>());
    }

    /// Whether a key that someone waits for has changed.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn any_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    pub(super) fn take_changed(&mut self) -> Vec<Box<[u8]>> {
        core::mem::take(&mut self.changed)
    }

    /// Who waits for the key of a place, the first one first.
    pub(super) fn waiters(&self, place: &[u8]) -> Vec<ConnId> {
        let waiters = self.keys.get(self.seed.hash(place), place);
        waiters.map(|waiters| waiters.conns.clone()).unwrap_or_default()
    }
}

impl Connection {
    /// Bytes held for the command that waits.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.wait.as_ref().map_or(0, |wait| wait.frame.size() + wait.keys.size())
    }
}

impl Post<'_> {
    /// Ends the waiting of a connection without running its command, and answers in its place.
    /// `false`: it doesn't wait.
    pub(crate) fn end_wait(&mut self, id: ConnId, answer: impl FnOnce(&mut Reply, &Wait)) -> bool {
        let Some(conn) = self.conns.get_mut(id) else { return false };
        let Some(wait) = conn.wait.take() else { return false };
        let heard = !conn.has(ConnFlags::REPLY_OFF | ConnFlags::REPLY_SKIP);
        self.state.blocked.remove(id, conn.db, &wait);
        self.conns.unblock(id);
        if heard {
            self.deliver(id, |out| answer(out, &wait));
        }
        self.conns.wake(id);
        true
    }
}
