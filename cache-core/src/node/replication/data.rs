//! The data as a whole, on its way to a follower or from a primary.

use super::super::state::State;
use super::ReplId;
use crate::config::Config;
use crate::keyspace::Keyspace;
use crate::numbers::parse_i64;
use crate::snapshot::{Fed, LoadOptions, Loaded, Loader, Snapshot, Target};
use crate::time::Now;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// By this name a snapshot says which database the stream behind it is in.
const STREAM_DB: &str = "repl-stream-db";

/// By these it says of which history its data are, and of which place there.
const ID: &str = "repl-id";
const OFFSET: &str = "repl-offset";

/// A snapshot that is being sent.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    snapshot: Snapshot,
}

impl Outgoing {
    /// The data as they are now.
    pub(super) fn new(state: &State, now: Now) -> Self {
        let mut snapshot = Snapshot::new(state.keyspace.clone(), &state.config, now);
        state.note_place(&mut snapshot);
        Outgoing { snapshot }
    }

    pub(super) fn next_block(&mut self) -> Option<Vec<u8>> {
        self.snapshot.next_block()
    }

    pub(super) fn discard(self, state: &mut State) {
        state.keyspace.discard_clone(self.snapshot.into_keyspace());
    }
}

/// A snapshot that is being loaded beside the data that are there.
#[derive(Clone, Debug)]
pub(super) struct Incoming {
    keyspace: Keyspace,
    loader: Loader,
}

impl Incoming {
    pub(super) fn new(keyspace: Keyspace) -> Self {
        // The stream says what goes, though its time has run out.
        let options = LoadOptions { skip_expired: false, merge: false };
        Incoming { keyspace, loader: Loader::new(options) }
    }

    /// Takes the next bytes. Gives how many of them were the snapshot's, and whether that was its end.
    pub(super) fn feed(
        &mut self,
        bytes: &[u8],
        config: &Config,
        now: Now,
    ) -> Result<(usize, bool), String> {
        let mut target = Target { keyspace: &mut self.keyspace, config, now };
        match self.loader.feed(bytes, &mut target) {
            Ok(Fed::More) => Ok((bytes.len(), false)),
            Ok(Fed::End(used)) => Ok((used, true)),
            Err(error) => Err(format!("sends data that can't be loaded: {error}")),
        }
    }

    /// Which database the stream behind the data is in.
    pub(super) fn stream_db(&self) -> u32 {
        stream_db(self.loader.loaded(), &self.keyspace)
    }

    pub(super) fn into_keyspace(self) -> Keyspace {
        self.keyspace
    }
}

/// Which database the stream behind a snapshot is in.
fn stream_db(loaded: &Loaded, keyspace: &Keyspace) -> u32 {
    let db = loaded.aux(STREAM_DB).and_then(parse_i64).and_then(|db| u32::try_from(db).ok());
    db.filter(|&db| db < keyspace.databases()).unwrap_or(0)
}

impl State {
    /// Notes in a snapshot of the data at which place of the stream they are.
    pub(in crate::node) fn note_place(&self, snapshot: &mut Snapshot) {
        let feed = &self.effects.feed;
        if !feed.is_kept() {
            return;
        }
        let db = match self.replication.is_replica() {
            true => self.replication.stream_db,
            false => feed.db().unwrap_or(0),
        };
        snapshot.note(STREAM_DB, &db.to_string());
        snapshot.note(ID, self.replication.id.as_str());
        snapshot.note(OFFSET, &feed.offset().to_string());
    }

    /// The data were loaded from a snapshot of a place in a stream: a replica can go on from there, and
    /// a primary can let those go on who were there, too.
    pub(in crate::node) fn resume_history(&mut self, loaded: &Loaded) {
        let id = loaded.aux(ID).and_then(ReplId::parse);
        let offset = loaded.aux(OFFSET).and_then(parse_i64);
        let offset = offset.and_then(|offset| u64::try_from(offset).ok());
        let Some((id, offset)) = id.zip(offset) else { return };
        self.effects.feed.restart_at(offset);
        if self.replication.is_replica() {
            self.replication.id = id;
            self.replication.stream_db = stream_db(loaded, &self.keyspace);
        } else {
            self.replication.second = Some((id, offset));
            self.settle_feed();
        }
    }
}
