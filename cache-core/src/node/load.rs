//! Data that the host loads for the node: bytes come, end or fail. Behind a snapshot, or without one,
//! they are a stream of effects, which is obeyed as it is.

use super::{Budget, ConnFlags, ConnId, Connection, LogLevel, Node, Peer, Run};
use crate::numbers::parse_i64;
use crate::observer::Observer;
use crate::snapshot::{self, Begins, Fed, LoadOptions, Loaded, Loader, Target};
use crate::time::Now;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// What a load has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load<'a> {
    /// The next bytes of recorded effects, cut anywhere.
    Bytes(&'a [u8]),
    /// That was all.
    Done,
    /// It can't be read, for this reason. The node keeps what it has got and goes on refusing
    /// commands: serving half of the data would be worse than none.
    Failed(&'a str),
}

/// What of a load is being read.
#[derive(Clone, Debug)]
enum LoadStage {
    /// These first bytes don't tell yet.
    Start(Vec<u8>),
    Snapshot(Box<Loader>),
    Effects,
    Failed,
}

/// Data that the host loads.
#[derive(Clone, Debug)]
pub(crate) struct Loading {
    /// The connection through which effects are obeyed.
    conn: ConnId,
    options: LoadOptions,
    stage: LoadStage,
}

/// Completions of what the node asked its host for.
impl Node {
    /// Starts to load: until [`Load::Done`] commands that need data are answered with LOADING.
    ///
    /// What is loaded is a snapshot (an RDB, by whatever version of Redis or Valkey), a stream of
    /// effects, or a snapshot and then effects.
    pub fn begin_load(&mut self, now: Now) {
        self.begin_load_with(now, LoadOptions::default());
    }

    /// As [`begin_load`](Self::begin_load); says how a snapshot is to be taken in.
    pub fn begin_load_with(&mut self, now: Now, options: LoadOptions) {
        let peer = Peer { replay: true, ..Peer::default() };
        let conn = self.conns.insert(peer, now.clamped().mono_us);
        self.state.loading = Some(Loading { conn, options, stage: LoadStage::Start(Vec::new()) });
    }

    /// A part of what the host loads has come. `false`: it can't be read, or not be obeyed, or isn't
    /// whole, and the node goes on refusing commands. Without [`begin_load`](Self::begin_load)
    /// nothing happens.
    ///
    /// Nothing expires meanwhile but by what is loaded, whatever `now` says.
    pub fn handle_loaded<O: Observer>(
        &mut self,
        now: Now,
        load: Load<'_>,
        observer: &mut O,
    ) -> bool {
        let Some(loading) = &mut self.state.loading else { return false };
        let (conn, options) = (loading.conn, loading.options);
        let mut stage = core::mem::replace(&mut loading.stage, LoadStage::Failed);
        let outcome = match load {
            Load::Bytes(bytes) => {
                self.load_bytes(now, (conn, options), &mut stage, bytes, observer)
            }
            Load::Done => self.end_load(conn, &stage),
            Load::Failed(reason) => Err(String::from(reason)),
        };
        if outcome.is_ok() && load == Load::Done {
            self.state.loading = None;
        }
        // A host that fails to read may find the rest yet.
        if let Some(loading) = &mut self.state.loading
            && (outcome.is_ok() || matches!(load, Load::Failed(_)))
        {
            loading.stage = stage;
        }
        if let Err(reason) = &outcome {
            self.state.log(LogLevel::Warning, format!("Loading data failed: {reason}"));
        }
        outcome.is_ok()
    }

    /// What the snapshot had in it that was loaded last, as far as it has come.
    pub fn loaded(&self) -> Option<&Loaded> {
        match &self.state.loading {
            Some(Loading { stage: LoadStage::Snapshot(loader), .. }) => Some(loader.loaded()),
            _ => self.state.loaded.as_ref(),
        }
    }

    fn load_bytes<O: Observer>(
        &mut self,
        now: Now,
        (conn, options): (ConnId, LoadOptions),
        stage: &mut LoadStage,
        bytes: &[u8],
        observer: &mut O,
    ) -> Result<(), String> {
        let started;
        let mut bytes = bytes;
        if let LoadStage::Start(start) = stage {
            start.extend_from_slice(bytes);
            let next = match snapshot::begins(start) {
                Begins::Unclear => return Ok(()),
                Begins::Snapshot => LoadStage::Snapshot(Box::new(Loader::new(options))),
                Begins::Otherwise => LoadStage::Effects,
            };
            started = core::mem::take(start);
            *stage = next;
            bytes = &started;
        }
        if let LoadStage::Snapshot(loader) = stage {
            let fed = loader.feed(bytes, &mut self.state.load_target(now));
            let Fed::End(end) = fed.map_err(|error| error.to_string())? else { return Ok(()) };
            bytes = bytes.get(end..).unwrap_or_default();
            let loaded = loader.loaded().clone();
            self.enter_effects(conn, &loaded);
            self.state.loaded = Some(loaded);
            *stage = LoadStage::Effects;
        }
        if matches!(stage, LoadStage::Failed) {
            return Err(String::from("it has failed before"));
        }
        self.replay(now, conn, bytes, observer);
        // Nothing but bytes that are no commands, or commands that fail, closes a loader.
        match self.sendable(conn).close {
            true => Err(String::from("it holds what can't be obeyed")),
            false => Ok(()),
        }
    }

    /// After a snapshot: effects may follow, in the database that it names.
    fn enter_effects(&mut self, conn: ConnId, loaded: &Loaded) {
        let db = loaded.aux("repl-stream-db").and_then(parse_i64);
        let db = db.and_then(|db| u32::try_from(db).ok());
        if let Some(db) = db.filter(|&db| db < self.state.keyspace.databases())
            && let Some(conn) = self.conns.get_mut(conn)
        {
            conn.db = db;
        }
    }

    fn end_load(&mut self, conn: ConnId, stage: &LoadStage) -> Result<(), String> {
        let between = |conn: &Connection| conn.unread_input() == 0 && !conn.has(ConnFlags::MULTI);
        let whole = match stage {
            LoadStage::Start(start) => start.is_empty(),
            LoadStage::Snapshot(_) => {
                return Err(String::from("it ends in the middle of a snapshot"));
            }
            LoadStage::Effects => {
                self.conns.get(conn).is_some_and(between) && !self.sendable(conn).close
            }
            LoadStage::Failed => return Err(String::from("it has failed before")),
        };
        if !whole {
            return Err(String::from("it ends in the middle of a command or a transaction"));
        }
        self.handle_disconnect(conn);
        Ok(())
    }

    /// The connection through which what is loaded is obeyed.
    pub(super) fn loader(&self) -> Option<ConnId> {
        self.state.loading.as_ref().map(|loading| loading.conn)
    }

    /// Loads through a new connection from here on, as whoever reads another file does.
    pub(super) fn renew_loader(&mut self, now: Now) {
        self.end_loading();
        self.begin_load(now);
    }

    /// Serves commands again.
    pub(super) fn end_loading(&mut self) {
        if let Some(loading) = self.state.loading.take() {
            self.handle_disconnect(loading.conn);
        }
    }

    /// A snapshot has been loaded by someone else than [`handle_loaded`](Self::handle_loaded).
    pub(super) fn snapshot_loaded(&mut self, loaded: Loaded) {
        if let Some(loader) = self.loader() {
            self.enter_effects(loader, &loaded);
        }
        self.state.loaded = Some(loaded);
    }

    /// Executes recorded effects on a connection made with [`Peer::replay`]. They may be cut
    /// anywhere between two calls.
    pub fn replay<O: Observer>(
        &mut self,
        now: Now,
        replayer: ConnId,
        bytes: &[u8],
        observer: &mut O,
    ) {
        let _ = self.handle_bytes(replayer, bytes);
        while self.run(now, Budget::default(), observer) == Run::More {}
    }
}

impl super::State {
    /// Where a snapshot is taken to that becomes this node's data, or is added to them.
    pub(crate) fn load_target(&mut self, now: Now) -> Target<'_> {
        Target { keyspace: &mut self.keyspace, config: &self.config, now }
    }
}
