//! Connections that the node asks for itself, and data that the host loads for it.
//!
//! Both end in events: a dial succeeds or fails, a load brings bytes, ends or fails. What arrives
//! by either is a stream of effects, which is obeyed as it is.

use super::{Action, Budget, ConnFlags, ConnId, Connection, LogLevel, Node, Peer, Run};
use crate::observer::Observer;
use crate::time::Now;
use alloc::format;
use alloc::string::String;

/// How long after a failed dial the next one follows, in microseconds.
pub const REDIAL_US: u64 = 1_000_000;

/// The primary that a node follows.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    addr: String,
    state: LinkState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LinkState {
    /// The host has been asked to dial and hasn't said yet what came of it.
    Dialing,
    Up(ConnId),
    /// The last dial failed or the connection broke; the next dial is at this moment.
    Down {
        redial_at_us: u64,
    },
}

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

/// Completions of what the node asked its host for.
impl Node {
    /// Starts to load: until [`Load::Done`] commands that need data are answered with LOADING.
    pub fn begin_load(&mut self, now: Now) {
        let peer = Peer { replay: true, ..Peer::default() };
        self.state.loading = Some(self.conns.insert(peer, now.clamped().mono_us));
    }

    /// A part of what the host loads has come. `false`: it is no whole stream of effects, or not one
    /// that can be obeyed here, and the node goes on refusing commands. Without
    /// [`begin_load`](Self::begin_load) nothing happens.
    ///
    /// Nothing expires meanwhile but by what is loaded, whatever `now` says.
    pub fn handle_loaded<O: Observer>(
        &mut self,
        now: Now,
        load: Load<'_>,
        observer: &mut O,
    ) -> bool {
        let Some(loader) = self.state.loading else { return false };
        let reason = match load {
            Load::Bytes(bytes) => {
                self.replay(now, loader, bytes, observer);
                // Nothing but bytes that are no commands, or commands that fail, closes a loader.
                if !self.sendable(loader).close {
                    return true;
                }
                "it holds what can't be obeyed"
            }
            Load::Done => {
                let between =
                    |conn: &Connection| conn.unread_input() == 0 && !conn.has(ConnFlags::MULTI);
                if self.conns.get(loader).is_some_and(between) && !self.sendable(loader).close {
                    self.handle_disconnect(loader);
                    self.state.loading = None;
                    return true;
                }
                "it ends in the middle of a command or a transaction"
            }
            Load::Failed(reason) => reason,
        };
        self.state.log(LogLevel::Warning, format!("Loading data failed: {reason}"));
        false
    }

    /// Follows the primary at an address: asks the host to dial it by [`Action::Dial`], and again
    /// [`REDIAL_US`] after each failure. What the primary sends is obeyed as it is.
    pub fn follow(&mut self, addr: &str) {
        self.state.link = Some(Link { addr: String::from(addr), state: LinkState::Dialing });
        self.state.act(Action::Dial { addr: String::from(addr) });
    }

    /// The host's answer to [`Action::Dial`]: the connection is up, or why it isn't. Gives the name
    /// under which its bytes are to be handed in.
    pub fn handle_dialed(&mut self, now: Now, outcome: Result<(), &str>) -> Option<ConnId> {
        let now = now.clamped();
        let link = self.state.link.as_mut().filter(|link| link.state == LinkState::Dialing)?;
        match outcome {
            Ok(()) => {
                let peer = Peer { addr: link.addr.clone(), replay: true, ..Peer::default() };
                let id = self.conns.insert(peer, now.mono_us);
                link.state = LinkState::Up(id);
                Some(id)
            }
            Err(reason) => {
                let line = format!("Connecting to primary {} failed: {reason}", link.addr);
                link.state = LinkState::Down { redial_at_us: now.mono_us + REDIAL_US };
                self.state.log(LogLevel::Warning, line);
                None
            }
        }
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
    /// When the primary is to be dialed again.
    pub(super) fn redial_at(&self) -> Option<u64> {
        match self.link.as_ref()?.state {
            LinkState::Down { redial_at_us } => Some(redial_at_us),
            _ => None,
        }
    }

    /// Asks for another dial when it is time.
    pub(super) fn redial(&mut self, now: Now) {
        if self.redial_at().is_some_and(|at| at <= now.mono_us)
            && let Some(link) = &mut self.link
        {
            link.state = LinkState::Dialing;
            let addr = link.addr.clone();
            self.act(Action::Dial { addr });
        }
    }

    /// Takes note that a connection is gone: the link, perhaps.
    pub(super) fn note_link_lost(&mut self, id: ConnId) {
        let redial_at_us = self.clock.mono_us + REDIAL_US;
        if let Some(link) = &mut self.link
            && link.state == LinkState::Up(id)
        {
            link.state = LinkState::Down { redial_at_us };
        }
    }
}
