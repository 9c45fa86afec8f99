//! The data as a whole, on its way to a follower or from a primary.

use super::super::state::State;
use crate::config::Config;
use crate::keyspace::Keyspace;
use crate::numbers::parse_i64;
use crate::snapshot::{Fed, LoadOptions, Loader, Snapshot, Target};
use crate::time::Now;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// By this name a snapshot says which database the stream behind it is in.
const STREAM_DB: &str = "repl-stream-db";

/// A snapshot that is being sent.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    snapshot: Snapshot,
}

impl Outgoing {
    /// The data as they are now; the stream behind them is in database `db`.
    pub(super) fn new(state: &State, now: Now, db: u32) -> Self {
        let mut snapshot = Snapshot::new(state.keyspace.clone(), &state.config, now);
        snapshot.note(STREAM_DB, &db.to_string());
        snapshot.note("repl-id", state.replication.id.as_str());
        snapshot.note("repl-offset", &state.effects.feed.offset().to_string());
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
        let db = self.loader.loaded().aux(STREAM_DB).and_then(parse_i64);
        db.and_then(|db| u32::try_from(db).ok())
            .filter(|&db| db < self.keyspace.databases())
            .unwrap_or(0)
    }

    pub(super) fn into_keyspace(self) -> Keyspace {
        self.keyspace
    }
}
