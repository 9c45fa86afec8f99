//! Giving those that wait for a key their turn, once it has changed.

use super::Node;
use super::admit::{check_state, lookup};
use super::blocking::Wait;
use super::conn::ConnId;
use super::error::Flow;
use super::exec::Bench;
use super::watch::key_at;
use crate::observer::Observer;
use crate::time::Now;
use alloc::boxed::Box;

impl Node {
    /// Lets those who wait for keys that have changed try again.
    pub(super) fn serve_waiting<O: Observer>(
        &mut self,
        now: Now,
        background: &mut u32,
        observer: &mut O,
    ) {
        // A paused client's command may not run yet.
        while self.state.blocked.any_changed() && self.state.pause.is_none() {
            for place in self.state.blocked.take_changed() {
                for id in self.state.blocked.waiters(&place) {
                    if self.ends_wait(id, &place, now) {
                        self.try_again(id, now, background, observer);
                    }
                }
            }
        }
    }

    /// Whether the key of a place holds what a connection waits for.
    fn ends_wait(&self, id: ConnId, place: &[u8], now: Now) -> bool {
        let (db, key) = key_at(place);
        let entry = self.state.keyspace.get(db, key).filter(|e| !e.is_expired(now.wall_ms()));
        let type_name = entry.map(|entry| entry.type_name());
        let wait = self.conns.get(id).and_then(|conn| conn.wait.as_ref());
        wait.is_some_and(|wait| wait.or_gone || type_name == Some(wait.type_name))
    }

    fn try_again<O: Observer>(
        &mut self,
        id: ConnId,
        now: Now,
        background: &mut u32,
        observer: &mut O,
    ) {
        let Some(mut conn) = self.conns.take(id) else { return };
        let before = conn.out.len();
        let done = match conn.wait.take() {
            Some(wait) => {
                let conn = &mut *conn;
                Bench { now, node: self, conn, observer, background }.execute_waiting(wait)
            }
            None => false,
        };
        self.state.unsent += conn.out.len().saturating_sub(before);
        self.conns.put_back(conn);
        if done {
            self.conns.unblock(id);
            self.conns.wake(id);
            self.conns.offer(id);
        }
    }
}

impl<O: Observer> Bench<'_, O> {
    /// Runs a command that has waited. `false`: it has to wait on.
    fn execute_waiting(&mut self, wait: Box<Wait>) -> bool {
        let mark = self.conn.out.len();
        let Ok(id) = lookup(wait.frame.args()) else { return true };
        let flags = id.spec().flags;
        match check_state(&mut self.node.state, flags, self.now, self.observer) {
            Ok(()) => {
                if let Flow::Waits(_) = self.call(id, wait.frame.args(), None) {
                    self.conn.wait = Some(wait);
                    return false;
                }
            }
            Err(error) => {
                let message = error.message();
                self.node.state.note_error(&message);
                self.conn.out.reply.error(&message);
            }
        }
        self.node.state.blocked.remove(self.conn.id, self.conn.db, &wait);
        self.post().tell_news();
        self.settle(mark);
        true
    }
}
