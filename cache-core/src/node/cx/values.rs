//! Reading and changing values that are made of parts, and waiting for them.

use super::{Cx, of_type};
use crate::node::blocking::Wait;
use crate::node::conn::ConnFlags;
use crate::node::error::{Error, Flow, Outcome};
use crate::node::state::State;
use crate::observer::{Event, Observer};
use crate::protocol::{Args, Reply};
use crate::random::Random;
use crate::types::{Data, Structure, View as _};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// The values of several keys, in their order.
type Views<'a, T> = Vec<Option<<T as Structure>::View<'a>>>;

impl<O: Observer> Cx<'_, O> {
    /// As [`read_as`](Self::read_as), for several keys at once.
    pub(crate) fn read_several_as<T: Structure>(
        &mut self,
        keys: Args<'_>,
    ) -> Result<(Views<'_, T>, &mut Reply), Error> {
        let mut there = Vec::with_capacity(keys.len());
        for key in keys.iter() {
            there.push(self.read_as::<T>(key)?.0.is_some());
        }
        let now_ms = self.seen_at_ms();
        let (db, keyspace) = (self.conn.db, &self.state.keyspace);
        let values = keys.iter().zip(there).map(|(key, there)| {
            let entry = if there { keyspace.get(db, key) } else { None };
            of_type::<T>(entry.map(|entry| entry.value()), now_ms)
        });
        Ok((values.collect::<Result<_, _>>()?, &mut self.conn.out.reply))
    }

    /// As [`read_as`](Self::read_as), with what chooses by chance.
    pub(crate) fn read_with_random<T: Structure>(
        &mut self,
        key: &[u8],
    ) -> Result<(Option<T::View<'_>>, &mut Random, &mut Reply), Error> {
        let now_ms = self.seen_at_ms();
        let there = self.read_as::<T>(key)?.0.is_some();
        let State { keyspace, random, .. } = &mut *self.state;
        let entry = if there { keyspace.get(self.conn.db, key) } else { None };
        let value = of_type::<T>(entry.map(|entry| entry.value()), now_ms)?;
        Ok((value, random, &mut self.conn.out.reply))
    }

    /// Changes the value at a key. `None`: there is no such key. After a real change, call
    /// [`wrote`](Self::wrote) or [`shrank`](Self::shrank).
    pub(crate) fn edit_as<T: Structure, R>(
        &mut self,
        key: &[u8],
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<Option<R>, Error> {
        let (db, probe) = (self.conn.db, self.probe(key));
        let Some(found) = self.find(db, &probe) else { return Ok(None) };
        self.note_use(db, &probe);
        let edit = |data: &mut Data| T::of_data(data).map(change);
        match self.state.keyspace.edit(db, &probe, found, edit) {
            Some(None) => Err(Error::WrongType),
            done => Ok(done.flatten()),
        }
    }

    /// As [`edit_as`](Self::edit_as), with the reply, to which what goes can be written.
    pub(crate) fn edit_replying_as<T: Structure, R>(
        &mut self,
        key: &[u8],
        change: impl FnOnce(&mut T, &mut Reply) -> R,
    ) -> Result<Option<R>, Error> {
        let (db, probe) = (self.conn.db, self.probe(key));
        let Some(found) = self.find(db, &probe) else { return Ok(None) };
        self.note_use(db, &probe);
        let out = &mut self.conn.out.reply;
        let edit = |data: &mut Data| T::of_data(data).map(|data| change(data, out));
        match self.state.keyspace.edit(db, &probe, found, edit) {
            Some(None) => Err(Error::WrongType),
            done => Ok(done.flatten()),
        }
    }

    /// As [`put`](Self::put), for a key that may be there and is a new one all the same.
    pub(crate) fn replace(&mut self, key: &[u8], data: Data, expires_ms: Option<u64>) {
        let (db, probe) = (self.conn.db, self.probe(key));
        if self.is_there(db, &probe) && self.state.keyspace.remove(db, &probe) {
            self.tell(Event::Deleted { db, key });
        }
        self.put(key, data, expires_ms);
    }

    /// Frees a value that is no key's any more, by and by if it is large.
    pub(crate) fn discard(&mut self, value: impl Structure) {
        self.state.keyspace.discard(value.into_data());
    }

    /// Changes the value at a key, which is made when it isn't there, unless the change leaves a new
    /// one empty. After a real change, call [`wrote`](Self::wrote).
    pub(crate) fn upsert_as<T: Structure, R>(
        &mut self,
        key: &[u8],
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<R, Error> {
        let mut change = Some(change);
        let changed = self.edit_as(key, |value| change.take().map(|change| change(value)))?;
        if let Some(result) = changed.flatten() {
            return Ok(result);
        }
        let Some(change) = change else { return Err(Error::WrongType) };
        let mut new = T::new(self.state.hash_seed);
        let result = change(&mut new);
        if !new.view().is_empty() {
            let db = self.conn.db;
            self.store_data(db, key, new.into_data(), None);
        }
        Ok(result)
    }

    /// Whether the command may wait: it may not in a transaction, in a stream of effects, and where
    /// nobody could end its waiting.
    pub(crate) fn may_wait(&self) -> bool {
        !self.in_exec && !self.conn.has(ConnFlags::REPLAY | ConnFlags::ALONE)
    }

    /// Ends the command until one of the keys that it names changes, or until its time is up. Where
    /// nothing may wait it is up at once.
    pub(crate) fn wait(&mut self, wait: Wait) -> Outcome {
        if !self.may_wait() {
            self.out().null_array();
            return Ok(Flow::Done);
        }
        Ok(Flow::Waits(Box::new(wait)))
    }
}
