//! Changing values that are made of parts, and waiting for them.

use super::Cx;
use crate::node::blocking::Wait;
use crate::node::conn::ConnFlags;
use crate::node::error::{Error, Flow, Outcome};
use crate::observer::Observer;
use crate::protocol::Reply;
use crate::types::{Data, Structure, View as _};
use alloc::boxed::Box;

impl<O: Observer> Cx<'_, O> {
    /// Changes the value at a key. `None`: there is no such key. After a real change, call
    /// [`wrote`](Self::wrote) or [`shrank`](Self::shrank).
    pub(crate) fn edit_as<T: Structure, R>(
        &mut self,
        key: &[u8],
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<Option<R>, Error> {
        let (db, probe) = (self.conn.db, self.probe(key));
        if !self.is_there(db, &probe) {
            return Ok(None);
        }
        self.note_use(db, &probe);
        let edit = |data: &mut Data| T::of_data(data).map(change);
        match self.state.keyspace.edit(db, &probe, edit) {
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
        if !self.is_there(db, &probe) {
            return Ok(None);
        }
        self.note_use(db, &probe);
        let out = &mut self.conn.out.reply;
        let edit = |data: &mut Data| T::of_data(data).map(|data| change(data, out));
        match self.state.keyspace.edit(db, &probe, edit) {
            Some(None) => Err(Error::WrongType),
            done => Ok(done.flatten()),
        }
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
        if self.peek(key).is_some() {
            return self.edit_as(key, change)?.ok_or(Error::WrongType);
        }
        let mut new = T::new(self.state.hash_seed);
        let result = change(&mut new);
        if !new.view().is_empty() {
            let db = self.conn.db;
            self.store_data(db, key, new.into_data(), None);
        }
        Ok(result)
    }

    /// Whether the command may wait: it may not in a transaction and in a stream of effects.
    pub(crate) fn may_wait(&self) -> bool {
        !self.in_exec && !self.conn.has(ConnFlags::REPLAY)
    }

    /// Ends the command until one of the keys that it names changes, or until its time is up. Where
    /// nothing may wait it is up at once.
    pub(crate) fn wait(&mut self, wait: Wait) -> Outcome {
        if !self.may_wait() {
            wait.empty.write(self.out());
            return Ok(Flow::Done);
        }
        Ok(Flow::Waits(Box::new(wait)))
    }
}
