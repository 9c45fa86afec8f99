//! Giving those that wait for a key their turn, once it has changed.

use super::Node;
use super::admit::{check_state, lookup};
use super::blocking::{Change, Wait};
use super::conn::{ConnFlags, ConnId};
use super::error::{Error, Flow};
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
        while self.state.blocked.any_changed()
            && self.state.pause.is_none()
            && self.state.replication.failover.is_none()
        {
            for (place, change) in self.state.blocked.take_changed() {
                self.serve_key((&place, change), now, background, observer);
            }
        }
    }

    /// Lets those who wait for the key of a place try again, one after the other.
    fn serve_key<O: Observer>(
        &mut self,
        (place, change): (&[u8], Change),
        now: Now,
        background: &mut u32,
        observer: &mut O,
    ) {
        // What has come in the place of another is no news to those who wait for its type.
        let type_at = |node: &Self| {
            if change == Change::Come { node.type_at(place, now) } else { None }
        };
        let mut type_name = type_at(self);
        let mut passed = 0;
        while let Some(id) = self.state.blocked.waiter(place, passed) {
            if type_name.is_none() && !self.state.blocked.any_or_gone(place) {
                break;
            }
            if self.ends_wait(id, type_name) && self.try_again(id, now, background, observer) {
                type_name = type_at(self);
            } else {
                passed += 1;
            }
        }
    }

    /// What the key of a place holds; `None` if it isn't there.
    fn type_at(&self, place: &[u8], now: Now) -> Option<&'static str> {
        let (db, key) = key_at(place);
        let entry = self.state.keyspace.get(db, key).filter(|e| !e.is_expired(now.wall_ms()));
        entry.map(|entry| entry.type_name())
    }

    /// Whether a connection waits for a key with a value of this type.
    fn ends_wait(&self, id: ConnId, type_name: Option<&str>) -> bool {
        let Some(conn) = self.conns.get(id).filter(|conn| !conn.has(ConnFlags::ABORT)) else {
            return false;
        };
        conn.wait.as_ref().is_some_and(|wait| wait.or_gone || type_name == Some(wait.type_name))
    }

    /// Runs the command of a connection that waits. `false`: it waits on.
    fn try_again<O: Observer>(
        &mut self,
        id: ConnId,
        now: Now,
        background: &mut u32,
        observer: &mut O,
    ) -> bool {
        let Some(mut conn) = self.conns.take(id) else { return false };
        let before = conn.out.len();
        let done = match conn.wait.take() {
            Some(wait) => {
                let conn = &mut *conn;
                Bench { now, node: self, conn, observer, background }.execute_waiting(wait)
            }
            None => false,
        };
        self.state.unsent += conn.out.len().saturating_sub(before);
        self.end_turn(&mut conn, now);
        self.conns.put_back(conn);
        if done {
            self.conns.unblock(id);
            self.conns.wake(id);
            self.conns.offer(id);
        }
        done
    }
}

impl<O: Observer> Bench<'_, O> {
    /// Runs a command that has waited. `false`: it has to wait on.
    fn execute_waiting(&mut self, wait: Box<Wait>) -> bool {
        let mark = self.conn.out.len();
        match self.run_again(&wait) {
            Ok(Flow::Waits(_)) => {
                self.conn.wait = Some(wait);
                return false;
            }
            Ok(_) => {}
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

    fn run_again(&mut self, wait: &Wait) -> Result<Flow, Error> {
        let id = lookup(wait.frame.args())?;
        check_state(&mut self.node.state, id.spec().flags, self.now, self.observer)?;
        Ok(self.call(id, wait.frame.args(), None))
    }
}
