//! Saying what has become of keys, to whoever watches, waits or listens.

use super::Cx;
use crate::config::Class;
use crate::keyspace::Entry;
use crate::observer::{Event, Observer};

impl<O: Observer> Cx<'_, O> {
    /// A key of this connection's database has another value now.
    pub(crate) fn changed(&mut self, key: &[u8]) {
        self.changed_in(self.conn.db, key);
    }

    /// A key's value has changed in a part that nobody watches or waits for: what was given to whom.
    pub(crate) fn changed_within(&mut self, key: &[u8]) {
        self.state.dirty += 1;
        self.tell_written(self.conn.db, key);
    }

    /// A key of this connection's database has another value now: those who listen for `event` hear
    /// of it.
    pub(crate) fn wrote(&mut self, key: &[u8], class: Class, event: &'static str) {
        self.changed(key);
        self.notify(class, event, key);
    }

    /// Lets those who wait for a key of this connection's database look at it again: there is more of
    /// it, or something of it has gone. When it is made, goes or becomes another they do so anyway.
    pub(crate) fn tell_waiters(&mut self, key: &[u8]) {
        self.state.note_come(self.conn.db, key);
    }

    /// As [`wrote`](Self::wrote) where who watches the key sees no change, as in Redis.
    pub(crate) fn wrote_within(&mut self, key: &[u8], class: Class, event: &'static str) {
        self.changed_within(key);
        self.notify(class, event, key);
    }

    /// As [`wrote`](Self::wrote) after something was taken away: a key whose value is empty now goes.
    pub(crate) fn shrank(&mut self, key: &[u8], class: Class, event: &'static str) {
        let is_empty = self.peek(key).is_some_and(|value| value.is_empty());
        self.shrank_to(key, is_empty, class, event);
    }

    /// As [`shrank`](Self::shrank), where it is known whether the value is empty.
    pub(crate) fn shrank_to(
        &mut self,
        key: &[u8],
        is_empty: bool,
        class: Class,
        event: &'static str,
    ) {
        self.notify(class, event, key);
        if is_empty {
            self.delete(key);
        } else {
            self.changed(key);
        }
    }

    /// Tells those who listen that something has happened to a key of this connection's database.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(crate) fn notify(&mut self, class: Class, event: &'static str, key: &[u8]) {
        self.state.notices.note(class, event, self.conn.db, key);
    }

    pub(super) fn changed_in(&mut self, db: u32, key: &[u8]) {
        self.state.key_changed(db, key);
        self.tell_written(db, key);
    }

    fn tell_written(&mut self, db: u32, key: &[u8]) {
        if O::ACTIVE {
            let entry = self.state.keyspace.get(db, key);
            let expires_at_ms = entry.and_then(|entry: Entry<'_>| entry.expires_at());
            self.tell(Event::Written { db, key, expires_at_ms });
        }
    }
}
