//! The end: nothing runs any more until all is saved that is to be.
//!
//! Who sends SHUTDOWN, or the host that got a signal, begins it. When something can't be saved the node
//! goes on, unless it was to end by force. What must never be here: how a process ends.

use super::{LogState, SaveFor};
use crate::config::ShutdownWish;
use crate::node::{Action, ConnFlags, ConnId, LogLevel, Node, State};
use crate::time::Now;
use alloc::string::String;

/// An end that is under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ending {
    by: Option<ConnId>,
    wish: ShutdownWish,
    save: Save,
    /// The host has been told.
    is_done: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Save {
    Wanted,
    Begun,
    Failed,
    /// It is done, or none was wanted.
    Done,
}

impl State {
    /// Begins to end. `by`: who is to hear when it can't.
    pub(crate) fn begin_ending(&mut self, wish: ShutdownWish, by: Option<ConnId>) {
        if self.persist.ending.is_some() {
            return;
        }
        if !self.persist.is_on {
            return self.act(Action::Shutdown { now: wish.now });
        }
        self.log(LogLevel::Warning, String::from("User requested shutdown..."));
        if self.persist.loading.is_some() {
            // Not all data are there to be saved.
            return self.act(Action::Shutdown { now: wish.now });
        }
        self.stop_save();
        self.stop_rewrite();
        let saves = wish.save.unwrap_or(!self.config.save_points().is_empty());
        let save = if saves { Save::Wanted } else { Save::Done };
        self.persist.ending = Some(Ending { by, wish, save, is_done: false });
    }

    pub(super) fn ending_saved(&mut self, is_ok: bool) {
        if let Some(ending) = &mut self.persist.ending {
            ending.save = if is_ok { Save::Done } else { Save::Failed };
        }
    }
}

impl Node {
    /// Whether the end has begun.
    pub fn is_ending(&self) -> bool {
        self.state.persist.ending.is_some()
    }

    /// Begins to end, as SHUTDOWN does: nothing runs any more, what is to be saved is, and then there
    /// is an [`Action::Shutdown`]. When it can't be saved a line of the log says so and the node goes
    /// on.
    pub fn shut_down(&mut self, now: Now, wish: ShutdownWish) {
        self.state.begin_ending(wish, None);
        self.tend_files(now.clamped());
    }

    pub(super) fn tend_ending(&mut self, now: Now) {
        let Some(mut ending) = self.state.persist.ending else { return };
        if ending.is_done {
            return;
        }
        let state = &mut self.state;
        if ending.save == Save::Wanted && state.persist.background.is_none() {
            state.log(
                LogLevel::Notice,
                String::from("Saving the final RDB snapshot before exiting."),
            );
            ending.save = Save::Begun;
            state.persist.ending = Some(ending);
            state.start_save(now, SaveFor::Ending);
        }
        let persist = &state.persist;
        let is_logged = persist.log != LogState::On || persist.tail.is_safe(state.effects.offset());
        let has_failed = ending.save == Save::Failed
            || (persist.log == LogState::On && persist.tail.error().is_some());
        if has_failed && !ending.wish.force {
            state.persist.ending = None;
            let line = "Error trying to save the DB, can't exit.";
            state.log(LogLevel::Warning, String::from(line));
            if let Some(by) = ending.by {
                state.persist.answer(by, false);
            }
        } else if has_failed || (is_logged && ending.save == Save::Done) {
            ending.is_done = true;
            state.persist.ending = Some(ending);
            state.act(Action::Shutdown { now: ending.wish.now });
            if let Some(by) = ending.by {
                if let Some(conn) = self.conns.get_mut(by) {
                    conn.flags.insert(ConnFlags::CLOSING);
                }
                self.conns.offer(by);
            }
        }
    }
}
