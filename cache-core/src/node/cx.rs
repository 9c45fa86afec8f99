//! What a handler sees: the command, its connection, the data, and the one reply.
//!
//! Handlers reach data through this, so that hits are counted, expired keys are met, effects are
//! recorded and watchers are told in one place.

use super::conn::{ConnFlags, ConnId, Connection, Connections};
use super::error::Error;
use super::state::State;
use crate::commands::Spec;
use crate::config::Id;
use crate::keyspace::{Edit, Entry, fresh_access, touch_access};
use crate::observer::{Event, ExpiredBy, Observer};
use crate::protocol::{Args, Reply, Resp};
use crate::time::Now;
use crate::types::{Data, Hash};

/// The longest reply of a command that could name the same data over and over, and of a transaction,
/// in bytes.
const REPLY_LIMIT: usize = 512 << 20;

/// Whether such a command may write a reply of this many bytes.
pub(crate) fn check_reply(len: usize) -> Result<(), Error> {
    if len <= REPLY_LIMIT {
        return Ok(());
    }
    Err(Error::Text("ERR the reply would be longer than 512 MB: ask for less at a time"))
}

pub(crate) struct Cx<'a, O: Observer> {
    pub(crate) now: Now,
    pub(crate) spec: &'static Spec,
    pub(crate) args: Args<'a>,
    pub(crate) conn: &'a mut Connection,
    pub(crate) state: &'a mut State,
    /// All other connections.
    pub(crate) conns: &'a mut Connections,
    pub(crate) observer: &'a mut O,
    /// Keys that may still be looked at in this call of `run` by commands that can be suspended.
    pub(crate) background: &'a mut u32,
    /// Whether this command is one of a transaction's.
    pub(crate) in_exec: bool,
    /// Whether the handler has recorded this command's effects itself.
    pub(crate) effects_done: bool,
}

impl<O: Observer> Cx<'_, O> {
    /// Where the reply is written.
    pub(crate) fn out(&mut self) -> &mut Reply {
        &mut self.conn.out.reply
    }

    pub(crate) fn resp(&self) -> Resp {
        self.conn.out.reply.resp()
    }

    pub(crate) fn db(&self) -> u32 {
        self.conn.db
    }

    /// Wall milliseconds: the time by which keys expire.
    pub(crate) fn now_ms(&self) -> u64 {
        self.now.wall_ms()
    }

    fn tell(&mut self, event: Event<'_>) {
        if O::ACTIVE {
            self.observer.event(self.now, event);
        }
    }

    /// Whether a key is there, removing it first when its time has run out. Counts nothing.
    pub(crate) fn exists(&mut self, db: u32, key: &[u8]) -> bool {
        let Some(entry) = self.state.keyspace.get(db, key) else { return false };
        // A replayed stream says itself when a key is to go.
        if !entry.is_expired(self.now.wall_ms()) || self.conn.has(ConnFlags::REPLAY) {
            return true;
        }
        // Until then clients don't see it.
        if self.state.obeys_stream(self.conns) {
            return false;
        }
        self.state.keyspace.remove(db, key);
        self.state.note_expired(db, key);
        self.tell(Event::Expired { db, key, by: ExpiredBy::Access });
        false
    }

    /// Whether a key is there, for a command that asks no more. Counts a hit or miss, but no use.
    pub(crate) fn meet(&mut self, key: &[u8]) -> bool {
        let (conn, db) = (self.conn.id, self.conn.db);
        let found = self.exists(db, key);
        if found {
            self.state.stats.hits += 1;
            self.tell(Event::Hit { conn, db, key });
        } else {
            self.state.stats.misses += 1;
            self.tell(Event::Miss { conn, db, key });
        }
        found
    }

    /// A key's value for a command that reads, and the reply to write it to. Counts a hit or miss.
    pub(crate) fn read(&mut self, key: &[u8]) -> (Option<&Data>, &mut Reply) {
        let db = self.conn.db;
        let found = self.meet(key);
        if found {
            self.note_use(db, key);
        }
        let data = self.state.keyspace.get(db, key).filter(|_| found).map(|entry| &entry.data);
        (data, &mut self.conn.out.reply)
    }

    /// As [`read`](Self::read), for commands on strings.
    pub(crate) fn read_string(&mut self, key: &[u8]) -> Result<(Option<&[u8]>, &mut Reply), Error> {
        match self.read(key) {
            (Some(Data::String(bytes)), out) => Ok((Some(bytes), out)),
            (Some(_), _) => Err(Error::WrongType),
            (None, out) => Ok((None, out)),
        }
    }

    /// As [`read`](Self::read), for commands on hashes.
    pub(crate) fn read_hash(&mut self, key: &[u8]) -> Result<(Option<&Hash>, &mut Reply), Error> {
        match self.read(key) {
            (Some(Data::Hash(hash)), out) => Ok((Some(hash), out)),
            (Some(_), _) => Err(Error::WrongType),
            (None, out) => Ok((None, out)),
        }
    }

    /// A key's value as it stands, without counting: for commands that write.
    pub(crate) fn peek(&mut self, key: &[u8]) -> Option<&Data> {
        let db = self.conn.db;
        if !self.exists(db, key) {
            return None;
        }
        self.state.keyspace.get(db, key).map(|entry| &entry.data)
    }

    /// As [`peek`](Self::peek), for commands on strings.
    pub(crate) fn peek_string(&mut self, key: &[u8]) -> Result<Option<&[u8]>, Error> {
        match self.peek(key) {
            Some(Data::String(bytes)) => Ok(Some(bytes)),
            Some(_) => Err(Error::WrongType),
            None => Ok(None),
        }
    }

    /// As [`peek`](Self::peek), for commands on hashes.
    pub(crate) fn peek_hash(&mut self, key: &[u8]) -> Result<Option<&Hash>, Error> {
        match self.peek(key) {
            Some(Data::Hash(hash)) => Ok(Some(hash)),
            Some(_) => Err(Error::WrongType),
            None => Ok(None),
        }
    }

    /// When a key that is there expires, in wall milliseconds.
    pub(crate) fn expires_at(&self, key: &[u8]) -> Option<u64> {
        self.state.keyspace.get(self.conn.db, key)?.expires_at()
    }

    /// Changes a key's value in place. `None`: no such key. Call [`changed`](Self::changed) after a
    /// real change.
    pub(crate) fn edit(&mut self, key: &[u8]) -> Option<Edit<'_>> {
        let db = self.conn.db;
        if !self.exists(db, key) {
            return None;
        }
        self.note_use(db, key);
        self.state.keyspace.edit(db, key)
    }

    /// Sets a key of this connection's database to a value, whatever was there before.
    pub(crate) fn put(&mut self, key: &[u8], data: Data, expires_ms: Option<u64>) {
        self.put_in(self.conn.db, key, data, expires_ms);
    }

    /// Sets a key of any database to a value, whatever was there before.
    pub(crate) fn put_in(&mut self, db: u32, key: &[u8], data: Data, expires_ms: Option<u64>) {
        let now = self.now.wall_secs();
        let State { keyspace, config, random, .. } = &mut *self.state;
        let counts = config.number(Id::Maxmemory) > 0 && !self.conn.has(ConnFlags::NO_TOUCH);
        // A key that is overwritten often is used often.
        keyspace.put(db, key, data, expires_ms, |old| match old {
            None => fresh_access(config.policy(), now),
            Some(access) if counts => touch_access(access, config, now, random),
            Some(access) => access,
        });
        self.changed_in(db, key);
    }

    /// Removes a key of this connection's database that is there. `false`: it isn't.
    pub(crate) fn delete(&mut self, key: &[u8]) -> bool {
        self.take(key).is_some()
    }

    /// Removes a key of this connection's database and gives its value and when it would have
    /// expired. `None`: there is no such key.
    pub(crate) fn take(&mut self, key: &[u8]) -> Option<(Data, Option<u64>)> {
        let db = self.conn.db;
        if !self.exists(db, key) {
            return None;
        }
        let entry = self.state.keyspace.remove(db, key)?;
        self.state.key_changed(db, key);
        self.tell(Event::Deleted { db, key });
        let expires_at = entry.expires_at();
        Some((entry.data, expires_at))
    }

    /// Changes when a key that is there expires.
    pub(crate) fn set_expiry(&mut self, key: &[u8], at_ms: Option<u64>) {
        let db = self.conn.db;
        self.state.keyspace.set_expiry(db, key, at_ms);
        self.changed_in(db, key);
    }

    /// A key of this connection's database has another value now.
    pub(crate) fn changed(&mut self, key: &[u8]) {
        self.changed_in(self.conn.db, key);
    }

    fn changed_in(&mut self, db: u32, key: &[u8]) {
        self.state.key_changed(db, key);
        if O::ACTIVE {
            let expires_at_ms = self.state.keyspace.get(db, key).and_then(Entry::expires_at);
            self.tell(Event::Written { db, key, expires_at_ms });
        }
    }

    /// Records an effect in place of the command as it was sent.
    pub(crate) fn effect<T: AsRef<[u8]>>(
        &mut self,
        args: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>,
    ) {
        self.effects_done = true;
        self.state.effects.append(self.conn.db, args);
    }

    /// This command has no effects beyond those already recorded.
    pub(crate) fn no_effect(&mut self) {
        self.effects_done = true;
    }

    /// Sends a message to any connection, its own included (it follows this command's reply).
    pub(crate) fn deliver(&mut self, to: ConnId, write: impl FnOnce(&mut Reply)) {
        if to == self.conn.id {
            let mut reply = Reply::new(self.conn.out.reply.resp());
            write(&mut reply);
            self.conn.pushes.extend_from_slice(reply.bytes());
            return;
        }
        let Some(conn) = self.conns.get_mut(to) else { return };
        if conn.has(ConnFlags::CLOSING | ConnFlags::ABORT) {
            return;
        }
        let before = conn.out.len();
        write(&mut conn.out.reply);
        self.state.unsent += conn.out.len() - before;
        if self.state.passes_output_limit(conn, self.now) {
            self.state.close_for_output(conn);
        }
        self.conns.offer(to);
    }

    /// Updates what eviction knows of a key's use, unless the connection asked not to.
    fn note_use(&mut self, db: u32, key: &[u8]) {
        if !self.conn.has(ConnFlags::NO_TOUCH) {
            self.touch(db, key);
        }
    }

    /// Updates what eviction knows of a key's use.
    pub(crate) fn touch(&mut self, db: u32, key: &[u8]) {
        let state = &mut *self.state;
        if state.config.number(Id::Maxmemory) == 0 {
            return;
        }
        let (config, random, now) = (&state.config, &mut state.random, self.now.wall_secs());
        state.keyspace.touch(db, key, |access| touch_access(access, config, now, random));
    }
}
