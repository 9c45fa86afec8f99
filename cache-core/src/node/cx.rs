//! What a handler sees: the command, its connection, the data, and the one reply.
//!
//! Handlers reach data through this, so that hits are counted, expired keys are met, effects are
//! recorded and watchers are told in one place.

mod due;
mod tell;
mod values;

use super::conn::{ConnFlags, Connection, Connections};
use super::error::Error;
use super::post::Post;
use super::state::State;
use crate::commands::Spec;
use crate::config::{Class, Id};
use crate::keyspace::{Content, Entry, Found, Kind, Moment, Probe};
use crate::observer::{Event, Observer};
use crate::protocol::{Args, Reply, Resp};
use crate::time::Now;
use crate::types::{Data, Limits, Structure, Value, View as _};

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

/// The value as one of a type, without those parts that have expired by `now_ms`.
fn of_type<T: Structure>(
    value: Option<Value<'_>>,
    now_ms: u64,
) -> Result<Option<T::View<'_>>, Error> {
    let view = value.map(|value| T::of(value).ok_or(Error::WrongType)).transpose()?;
    Ok(view.map(|view| view.at(now_ms)))
}

/// A command's first key, with what finds it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FirstKey<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) probe: &'a Probe<'static>,
}

pub(crate) struct Cx<'a, O: Observer> {
    pub(crate) now: Now,
    pub(crate) spec: &'static Spec,
    pub(crate) args: Args<'a>,
    /// The first key, when what finds it is known already.
    pub(crate) first: Option<FirstKey<'a>>,
    pub(crate) conn: &'a mut Connection,
    pub(crate) state: &'a mut State,
    /// All other connections.
    pub(crate) conns: &'a mut Connections,
    pub(crate) observer: &'a mut O,
    /// Keys that may still be looked at in this call of `run` by commands that can be suspended.
    pub(crate) background: &'a mut u32,
    /// Whether this command is one of a transaction's.
    pub(crate) in_exec: bool,
    /// How long it took, where the stopwatch can't know.
    pub(crate) took_ns: Option<u64>,
    /// A bit for each argument that no log and no monitor may show.
    pub(crate) redacted: u64,
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

    /// How large a small form may become, by two settings.
    pub(crate) fn limits(&self, entries: Id, bytes: Id) -> Limits {
        let number = |id| usize::try_from(self.state.config.number(id)).unwrap_or(usize::MAX);
        Limits { entries: number(entries), bytes: number(bytes) }
    }

    /// Wall milliseconds: the time by which keys expire.
    pub(crate) fn now_ms(&self) -> u64 {
        self.now.wall_ms()
    }

    /// As of when parts of values are seen (wall milliseconds; at 0, all are). A replayed stream says
    /// itself when one is to go.
    pub(crate) fn seen_at_ms(&self) -> u64 {
        if self.conn.has(ConnFlags::REPLAY) { 0 } else { self.now.wall_ms() }
    }

    /// As of when what is set finds that the time of the part in whose place it comes is over: as in
    /// Valkey a millisecond before it is no longer seen.
    pub(crate) fn outlived_at_ms(&self) -> u64 {
        match self.seen_at_ms() {
            0 => 0,
            now_ms => now_ms.saturating_add(1),
        }
    }

    fn tell(&mut self, event: Event<'_>) {
        if O::ACTIVE {
            self.observer.event(self.now, event);
        }
    }

    /// A key with what it takes to find it.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn probe<'k>(&self, key: &'k [u8]) -> Probe<'k> {
        match self.first {
            Some(first) if core::ptr::eq(first.key, key) => first.probe.of(key),
            _ => self.state.keyspace.probe(key),
        }
    }

    /// Whether a key is there, removing it first when its time has run out. Counts nothing.
    pub(crate) fn exists(&mut self, db: u32, key: &[u8]) -> bool {
        self.is_there(db, &self.probe(key))
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn is_there(&mut self, db: u32, probe: &Probe<'_>) -> bool {
        self.find(db, probe).is_some()
    }

    /// Where a key is, removing it first when its time has run out.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn find(&mut self, db: u32, probe: &Probe<'_>) -> Option<Found> {
        let (found, entry) = self.state.keyspace.look_up(db, probe)?;
        let expired = entry.is_expired(self.now.wall_ms());
        if expired { self.find_expired(db, probe, found) } else { Some(found) }
    }

    /// Whether a key is there, for a command that asks no more. Counts a hit or miss, but no use.
    pub(crate) fn meet(&mut self, key: &[u8]) -> bool {
        let found = self.exists(self.conn.db, key);
        self.note_met(key, found);
        found
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn note_met(&mut self, key: &[u8], found: bool) {
        let (conn, db) = (self.conn.id, self.conn.db);
        if found {
            self.state.stats.hits += 1;
            self.tell(Event::Hit { conn, db, key });
        } else {
            self.state.stats.misses += 1;
            self.state.notices.note(Class::MISS, "keymiss", db, key);
            self.tell(Event::Miss { conn, db, key });
        }
    }

    /// A key's value for a command that reads, and the reply to write it to. Counts a hit or miss.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(crate) fn read(&mut self, key: &[u8]) -> (Option<Value<'_>>, &mut Reply) {
        let (db, probe) = (self.conn.db, self.probe(key));
        let found = self.find(db, &probe);
        self.note_met(key, found.is_some());
        let Some(found) = found else { return (None, &mut self.conn.out.reply) };
        self.note_use(db, &probe);
        (Some(self.state.keyspace.at(db, found).value()), &mut self.conn.out.reply)
    }

    /// As [`read`](Self::read), for commands on strings.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(crate) fn read_string(&mut self, key: &[u8]) -> Result<(Option<&[u8]>, &mut Reply), Error> {
        match self.read(key) {
            (Some(Value::String(bytes)), out) => Ok((Some(bytes), out)),
            (Some(_), _) => Err(Error::WrongType),
            (None, out) => Ok((None, out)),
        }
    }

    /// As [`read`](Self::read), for commands on one type.
    pub(crate) fn read_as<T: Structure>(
        &mut self,
        key: &[u8],
    ) -> Result<(Option<T::View<'_>>, &mut Reply), Error> {
        let now_ms = self.seen_at_ms();
        let (value, out) = self.read(key);
        Ok((of_type::<T>(value, now_ms)?, out))
    }

    /// A key's value as it stands, without counting: for commands that write.
    pub(crate) fn peek(&mut self, key: &[u8]) -> Option<Value<'_>> {
        let (db, probe) = (self.conn.db, self.probe(key));
        let found = self.find(db, &probe)?;
        Some(self.state.keyspace.at(db, found).value())
    }

    /// As [`peek`](Self::peek), for commands on strings.
    pub(crate) fn peek_string(&mut self, key: &[u8]) -> Result<Option<&[u8]>, Error> {
        match self.peek(key) {
            Some(Value::String(bytes)) => Ok(Some(bytes)),
            Some(_) => Err(Error::WrongType),
            None => Ok(None),
        }
    }

    /// As [`peek`](Self::peek), for commands on one type.
    pub(crate) fn peek_as<T: Structure>(
        &mut self,
        key: &[u8],
    ) -> Result<Option<T::View<'_>>, Error> {
        let now_ms = self.seen_at_ms();
        of_type::<T>(self.peek(key), now_ms)
    }

    /// What eviction knows of a key's use, which this is none of. `None`: there is no such key.
    pub(crate) fn access(&mut self, key: &[u8]) -> Option<u32> {
        let (db, probe) = (self.conn.db, self.probe(key));
        let found = self.find(db, &probe)?;
        Some(self.state.keyspace.access(db, &probe, found))
    }

    /// A key's entry as it stands, without counting.
    pub(crate) fn entry(&mut self, key: &[u8]) -> Option<Entry<'_>> {
        let (db, probe) = (self.conn.db, self.probe(key));
        let found = self.find(db, &probe)?;
        Some(self.state.keyspace.at(db, found))
    }

    /// When a key that is there expires, in wall milliseconds.
    pub(crate) fn expires_at(&self, key: &[u8]) -> Option<u64> {
        self.state.keyspace.get(self.conn.db, key)?.expires_at()
    }

    /// The bytes of a string that is there, `len` of them, to write to; those beyond its old end are
    /// 0. `None`: there is no memory for them. Call [`changed`](Self::changed) afterwards.
    pub(crate) fn resize(&mut self, key: &[u8], len: usize) -> Option<&mut [u8]> {
        let (db, probe) = (self.conn.db, self.probe(key));
        self.note_use(db, &probe);
        self.state.keyspace.resize(db, &probe, len)
    }

    /// Sets a key of this connection's database to a string, whatever was there before.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(crate) fn put_string(&mut self, key: &[u8], value: &[u8], expires_ms: Option<u64>) {
        self.store(self.conn.db, key, Content::Bytes(Kind::String, value), expires_ms);
        self.changed(key);
    }

    /// Makes an empty string of a key that isn't there, which nobody hears of yet.
    pub(crate) fn make_string(&mut self, key: &[u8]) {
        self.store(self.conn.db, key, Content::Bytes(Kind::String, b""), None);
    }

    /// Sets a key of this connection's database to a value, whatever was there before.
    pub(crate) fn put(&mut self, key: &[u8], data: Data, expires_ms: Option<u64>) {
        self.put_in(self.conn.db, key, data, expires_ms);
    }

    /// Sets a key of any database to a value, whatever was there before.
    pub(crate) fn put_in(&mut self, db: u32, key: &[u8], data: Data, expires_ms: Option<u64>) {
        let replaces = self.state.keyspace.get(db, key).is_some();
        self.store_data(db, key, data, expires_ms);
        if replaces {
            // As if what was there had been removed first.
            self.state.notices.note(Class::NEW, "new", db, key);
        }
        self.state.note_come(db, key);
        self.changed_in(db, key);
    }

    /// Sets a key of this connection's database to a result, which never expires. As in Valkey, those
    /// who wait for a key of its type hear of it only when there was no key.
    pub(crate) fn put_as<T: Structure>(&mut self, key: &[u8], value: T) {
        self.store_data(self.conn.db, key, value.into_data(), None);
        self.changed(key);
    }

    fn store_data(&mut self, db: u32, key: &[u8], data: Data, expires_ms: Option<u64>) {
        match data.as_bytes() {
            Some((kind, bytes)) => self.store(db, key, Content::Bytes(kind, bytes), expires_ms),
            None => self.store(db, key, Content::Object(data), expires_ms),
        }
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn store(&mut self, db: u32, key: &[u8], content: Content<'_>, expires_ms: Option<u64>) {
        let probe = self.probe(key);
        let counts = self.state.notes_use;
        let tells_new = self.state.notices.wants(Class::NEW);
        let tells_waiters = self.state.blocked.keys() > 0;
        let asks = counts || tells_new || tells_waiters;
        let is_new = asks && self.state.keyspace.locate(db, &probe).is_none();
        if counts && !is_new {
            // A key that is overwritten often is used often.
            self.note_use(db, &probe);
        }
        let State { keyspace, evictor, config, .. } = &mut *self.state;
        let hash = (counts && is_new).then_some(probe.hash);
        let fresh = evictor.fresh(keyspace, hash, Moment { config, now: self.now });
        keyspace.put(db, &probe, content, expires_ms, fresh);
        if tells_new && is_new {
            self.state.notices.note(Class::NEW, "new", db, key);
        }
        match (tells_waiters, is_new) {
            (true, true) => self.state.note_come(db, key),
            (true, false) => self.state.blocked.touch_gone(db, key),
            _ => {}
        }
    }

    /// Removes a key of this connection's database that is there, and says so to those who listen for
    /// `del`. `false`: it isn't.
    pub(crate) fn delete(&mut self, key: &[u8]) -> bool {
        let (db, probe) = (self.conn.db, self.probe(key));
        if !self.is_there(db, &probe) || !self.state.keyspace.remove(db, &probe) {
            return false;
        }
        self.note_deleted(db, key);
        self.state.notices.note(Class::GENERIC, "del", db, key);
        true
    }

    /// Removes a key of this connection's database that was given a time that has passed. `false`: it
    /// isn't there.
    pub(crate) fn expire_at_once(&mut self, key: &[u8]) -> bool {
        let (db, probe) = (self.conn.db, self.probe(key));
        if !self.is_there(db, &probe) || !self.state.keyspace.remove(db, &probe) {
            return false;
        }
        self.state.stats.expired += 1;
        self.note_deleted(db, key);
        self.notify(Class::EXPIRED, "expired", key);
        true
    }

    /// Removes a key of this connection's database and gives its value and when it would have
    /// expired. `None`: there is no such key.
    pub(crate) fn take(&mut self, key: &[u8]) -> Option<(Data, Option<u64>)> {
        let (db, probe) = (self.conn.db, self.probe(key));
        if !self.is_there(db, &probe) {
            return None;
        }
        let taken = self.state.keyspace.take(db, &probe)?;
        self.note_deleted(db, key);
        Some(taken)
    }

    fn note_deleted(&mut self, db: u32, key: &[u8]) {
        self.state.key_changed(db, key);
        self.state.blocked.touch_gone(db, key);
        self.tell(Event::Deleted { db, key });
    }

    /// Changes when a key that is there expires.
    pub(crate) fn set_expiry(&mut self, key: &[u8], at_ms: Option<u64>) {
        let (db, probe) = (self.conn.db, self.probe(key));
        self.state.keyspace.set_expiry(db, &probe, at_ms);
        self.changed_in(db, key);
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

    /// Keeps an argument from being shown in any log.
    pub(crate) fn redact(&mut self, arg: usize) {
        self.redacted |= 1u64.checked_shl(arg as u32).unwrap_or(0);
    }

    /// What sends messages to any connection, this one included.
    pub(crate) fn post(&mut self) -> Post<'_> {
        Post { now: self.now, state: self.state, conns: self.conns, own: Some(self.conn) }
    }

    /// Updates what eviction knows of a key's use, unless the connection asked not to.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn note_use(&mut self, db: u32, probe: &Probe<'_>) {
        if self.state.notes_use && !self.conn.has(ConnFlags::NO_TOUCH) {
            self.touch_at(db, probe);
        }
    }

    /// Updates what eviction knows of a key's use.
    pub(crate) fn touch(&mut self, db: u32, key: &[u8]) {
        if self.state.notes_use {
            self.touch_at(db, &self.probe(key));
        }
    }

    fn touch_at(&mut self, db: u32, probe: &Probe<'_>) {
        let State { keyspace, evictor, config, random, .. } = &mut *self.state;
        let moment = Moment { config, now: self.now };
        keyspace.touch(db, probe, |access| evictor.touched(access, probe.hash, moment, random));
    }
}
