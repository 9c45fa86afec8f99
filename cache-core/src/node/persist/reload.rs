//! DEBUG RELOAD and DEBUG LOADAOF: data are read again while the node serves, for test suites.

use super::SaveFor;
use super::load::{LoadFor, What};
use crate::node::{ConnId, Node, State};
use crate::snapshot::LoadOptions;
use crate::time::Now;

/// How data are to be read again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reload {
    pub(crate) by: ConnId,
    pub(crate) from: ReloadFrom,
    /// Save first.
    pub(crate) saves: bool,
    /// What there is goes first.
    pub(crate) flushes: bool,
    /// Keys that are there are replaced.
    pub(crate) merges: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReloadFrom {
    Snapshot,
    Log,
}

impl State {
    /// The save that comes before has ended.
    pub(super) fn reload_saved(&mut self, is_ok: bool) {
        let Some(reload) = &mut self.persist.reload else { return };
        reload.saves = false;
        let by = reload.by;
        if !is_ok {
            self.persist.reload = None;
            self.persist.answer(by, false);
        }
    }
}

impl Node {
    /// Goes on with reading data again: first all is made safe, and nothing else runs meanwhile.
    pub(super) fn tend_reload(&mut self, now: Now) {
        let state = &mut self.state;
        let Some(reload) = state.persist.reload else { return };
        if reload.saves {
            if state.persist.background.is_none() {
                state.start_save(now, SaveFor::Reload);
            }
            return;
        }
        let is_logged = state.persist.tail.is_safe(state.effects.offset());
        if reload.from == ReloadFrom::Log && !is_logged {
            return;
        }
        state.persist.reload = None;
        if reload.flushes {
            for db in 0..state.keyspace.databases() {
                state.keyspace.flush(db);
            }
        }
        let file = match reload.from {
            ReloadFrom::Snapshot => (What::Dump, state.dump_path()),
            ReloadFrom::Log => (What::Manifest, state.manifest_path()),
        };
        let options = LoadOptions { merge: reload.merges, ..LoadOptions::default() };
        self.start_load(now, LoadFor::Client(reload.by), [file].into(), options);
    }
}
