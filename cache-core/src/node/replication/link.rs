//! A replica's link to its primary: dialed, kept up, and dialed again when it breaks.

use super::super::conn::{ConnFlags, ConnId, Connection, Peer};
use super::super::state::State;
use super::super::{Action, LogLevel, LogState, Node};
use super::greeting::Greeting;
use super::transfer::Transfer;
use super::{ReplId, Role, address};
use crate::config::Id;
use crate::time::Now;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// How long after a failed dial, or after the link broke, the next dial follows, in microseconds.
pub const REDIAL_US: u64 = 1_000_000;
/// It follows so much later each time that the data had to be asked for anew at once, up to this.
const REDIAL_LATEST_US: u64 = 60_000_000;
/// What the primary sent and a transaction has yet to end with may take so many bytes.
const HELD_LIMIT: usize = 1 << 30;
/// How often the primary is told how far this node is, in microseconds.
const ACK_US: u64 = 1_000_000;

/// The link.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(super) stage: LinkStage,
    /// The number of the last dial.
    dials: u32,
    /// The data at hand are not those of the stream at its offset: they are to be asked for as a whole.
    pub(super) whole: bool,
    /// How many times in a row the data proved to be others.
    pub(super) strayed: u32,
    /// When the primary last sent anything (monotonic microseconds).
    pub(crate) heard_at_us: u64,
    pub(crate) down_since_us: u64,
    pub(super) online_since_us: u64,
    pub(super) next_ack_us: u64,
    /// The primary is to be told at once.
    pub(super) ack_wanted: bool,
    /// A place in the stream whose effects the log had not synced yet, and the offset of those.
    unsynced: Option<(u64, u64)>,
    /// The place up to which the log is known to be safe.
    synced: u64,
    /// What was obeyed and isn't passed on before its transaction has ended.
    held: Vec<u8>,
}

#[derive(Clone, Debug)]
pub(super) enum LinkStage {
    /// The last dial failed or the connection broke; the next dial is at this moment.
    Down { redial_at_us: u64 },
    /// The host has been asked to dial and hasn't said yet what came of it.
    Dialing { since_us: u64 },
    /// The two get to know each other.
    Greeting(ConnId, Greeting),
    /// The data are on their way.
    Receiving(ConnId, Box<Transfer>),
    /// The stream is obeyed.
    Online(ConnId),
}

impl Link {
    /// The data at hand are those of the stream at its offset, which may be less than before.
    pub(super) fn begin_history(&mut self) {
        self.whole = false;
        self.unsynced = None;
        self.synced = 0;
    }

    pub(super) fn new(host: String, port: u16, now_us: u64) -> Self {
        Link {
            host,
            port,
            stage: LinkStage::Down { redial_at_us: now_us },
            dials: 0,
            whole: false,
            strayed: 0,
            heard_at_us: now_us,
            down_since_us: now_us,
            online_since_us: now_us,
            next_ack_us: 0,
            ack_wanted: false,
            unsynced: None,
            synced: 0,
            held: Vec::new(),
        }
    }

    pub(crate) fn conn(&self) -> Option<ConnId> {
        match self.stage {
            LinkStage::Down { .. } | LinkStage::Dialing { .. } => None,
            LinkStage::Greeting(id, _) | LinkStage::Receiving(id, _) | LinkStage::Online(id) => {
                Some(id)
            }
        }
    }

    /// Its state as ROLE names it.
    pub(crate) fn state_name(&self) -> &'static str {
        match self.stage {
            LinkStage::Down { .. } => "connect",
            LinkStage::Dialing { .. } => "connecting",
            LinkStage::Greeting(..) => "handshake",
            LinkStage::Receiving(..) => "sync",
            LinkStage::Online(_) => "connected",
        }
    }

    /// Bytes of the data that have come, while they do.
    pub(crate) fn received(&self) -> Option<u64> {
        match &self.stage {
            LinkStage::Receiving(_, transfer) => Some(transfer.received),
            _ => None,
        }
    }

    /// The primary wants to know how far this node is.
    pub(crate) fn want_ack(&mut self) {
        self.ack_wanted = true;
    }

    pub(crate) fn is_online(&self) -> bool {
        matches!(self.stage, LinkStage::Online(_))
    }

    /// The link is gone: the next dial follows in a while. Gives what was loaded in vain.
    pub(super) fn fall(&mut self, now_us: u64) -> LinkStage {
        let wait_us = match self.strayed {
            0 | 1 => REDIAL_US,
            often => (REDIAL_US << (often - 1).min(10)).min(REDIAL_LATEST_US),
        };
        if self.is_online() {
            self.down_since_us = now_us;
        }
        self.held = Vec::new();
        let down = LinkStage::Down { redial_at_us: now_us.saturating_add(wait_us) };
        core::mem::replace(&mut self.stage, down)
    }

    /// The data have proved not to be those of the stream.
    pub(super) fn stray(&mut self) {
        self.whole = true;
        self.strayed = self.strayed.saturating_add(1);
    }

    /// Takes what was obeyed, of which the last `open` bytes belong to a transaction that has yet to
    /// end (`None`: all, and what is held), and gives what may be passed on.
    fn take_obeyed(&mut self, bytes: &[u8], open: Option<usize>) -> Vec<u8> {
        self.held.extend_from_slice(bytes);
        let done = open.map_or(0, |open| self.held.len() - open.min(self.held.len()));
        let rest = self.held.split_off(done);
        core::mem::replace(&mut self.held, rest)
    }
}

/// What a turn of the link obeys.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Obeyed {
    is_link: bool,
    /// Where the turn began, in the connection's input.
    from: usize,
    /// Where the last command ended that leaves no transaction open.
    upto: Option<usize>,
}

impl Obeyed {
    pub(in crate::node) fn new(conn: &Connection) -> Self {
        let is_link = conn.has(ConnFlags::LINK);
        Obeyed { is_link, from: conn.consumed, upto: None }
    }

    /// A command has run.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(in crate::node) fn note(&mut self, conn: &Connection) {
        if self.is_link && !conn.has(ConnFlags::MULTI | ConnFlags::CLOSING) {
            self.upto = Some(conn.consumed);
        }
    }

    /// The turn is over: what was obeyed goes to those who follow this node.
    pub(in crate::node) fn pass_on(
        self,
        state: &mut State,
        conn: &mut Connection,
        input: &[u8],
        now: Now,
    ) {
        if !self.is_link {
            return;
        }
        if let Some(link) = state.replication.link_mut() {
            link.heard_at_us = now.mono_us;
        }
        // One that can't be obeyed is not passed on, nor is what stands behind it.
        let is_closing = conn.has(ConnFlags::CLOSING);
        let end = if is_closing { self.upto.unwrap_or(self.from) } else { conn.consumed };
        let bytes = input.get(self.from..end).unwrap_or_default();
        let open = self.upto.map(|upto| end - upto);
        if !conn.has(ConnFlags::ABORT) && !state.pass_on(bytes, open) {
            conn.flags.insert(ConnFlags::ABORT);
            state.log(LogLevel::Warning, "The primary sends too long a transaction".into());
        }
        // Within a transaction it is that of before still.
        state.replication.stream_db = conn.db;
        state.acknowledge_if_asked(conn, now);
    }
}

/// Completions of what the node asked its host for.
impl Node {
    /// Follows the primary at an address: asks the host to dial it by [`Action::Dial`], and again
    /// [`REDIAL_US`] after each failure.
    pub fn follow(&mut self, now: Now, host: &str, port: u16) {
        self.state.clock = now.clamped();
        let mut post = self.post(now.clamped());
        post.follow(host, port, false);
    }

    /// The host's answer to [`Action::Dial`]: the connection is up, or why it isn't. Gives the name
    /// under which its bytes are to be handed in. `None`: nobody wants it any more; close it.
    pub fn handle_dialed(
        &mut self,
        now: Now,
        dial: u32,
        outcome: Result<Peer, &str>,
    ) -> Option<ConnId> {
        let now = now.clamped();
        let link = self.state.replication.link_mut()?;
        if link.dials != dial || !matches!(link.stage, LinkStage::Dialing { .. }) {
            return None;
        }
        let addr = address(&link.host, link.port);
        match outcome {
            Ok(peer) => {
                let addr = if peer.addr.is_empty() { addr } else { peer.addr };
                let id = self.conns.insert(Peer { addr, replay: false, ..peer }, now.mono_us);
                link.heard_at_us = now.mono_us;
                if let Some(conn) = self.conns.get_mut(id) {
                    conn.flags.insert(
                        ConnFlags::LINK
                            | ConnFlags::GREETS
                            | ConnFlags::REPLAY
                            | ConnFlags::REPLY_OFF
                            | ConnFlags::TRUSTED,
                    );
                    let before = conn.out.len();
                    link.stage = LinkStage::Greeting(id, Greeting::begin(conn));
                    self.state.unsent += conn.out.len() - before;
                }
                self.conns.offer(id);
                Some(id)
            }
            Err(reason) => {
                link.fall(now.mono_us);
                let line = format!("Connecting to primary {addr} failed: {reason}");
                self.state.log(LogLevel::Warning, line);
                None
            }
        }
    }
}

impl State {
    /// Follows the primary that the settings name, if they do.
    pub(in crate::node) fn follow_configured(&mut self) {
        let mut words = self.config.text(Id::Replicaof).split_ascii_whitespace();
        let (host, port) = (words.next(), words.next().and_then(|port| port.parse().ok()));
        if let Some((host, port)) = host.zip(port) {
            let link = Link::new(String::from(host), port, self.clock.mono_us);
            self.replication.role = Role::Replica(Box::new(link));
            self.effects.feed.keep();
        }
    }

    /// Takes note of a command of the stream that this node doesn't know. It is passed over, as
    /// other replicas do: what it changes is nothing that this node could hold.
    pub(in crate::node) fn note_unknown(&mut self, message: &[u8]) {
        self.replication.counts.unknown += 1;
        if self.replication.counts.unknown.is_power_of_two() {
            let message = String::from_utf8_lossy(message);
            let line = format!("The primary's stream has what is not known here: {message}");
            self.log(LogLevel::Warning, line);
        }
    }

    /// Asks the host to dial the primary.
    pub(super) fn dial(&mut self, now_us: u64) {
        let Some(link) = self.replication.link_mut() else { return };
        link.dials = link.dials.wrapping_add(1);
        link.stage = LinkStage::Dialing { since_us: now_us };
        let (dial, addr) = (link.dials, address(&link.host, link.port));
        self.act(Action::Dial { dial, addr });
    }

    /// Takes note that a connection is gone: the link, perhaps.
    pub(in crate::node) fn note_link_lost(&mut self, conn: &Connection) {
        let now_us = self.clock.mono_us;
        let Some(link) = self.replication.link_mut().filter(|link| link.conn() == Some(conn.id))
        else {
            return;
        };
        let addr = address(&link.host, link.port);
        let stage = link.fall(now_us);
        stage.discard(self);
        self.log(LogLevel::Notice, format!("The link to primary {addr} is down"));
    }

    /// Passes on what a turn of the link has obeyed: `bytes`, of which the last `open` belong to a
    /// transaction that has yet to end (`None`: all of them). `false`: it has grown too long.
    pub(in crate::node) fn pass_on(&mut self, bytes: &[u8], open: Option<usize>) -> bool {
        let Role::Replica(link) = &mut self.replication.role else { return false };
        if link.held.is_empty() && open == Some(0) {
            self.effects.feed.pass_on(bytes);
            return true;
        }
        let done = link.take_obeyed(bytes, open);
        let fits = link.held.len() <= HELD_LIMIT;
        self.effects.feed.pass_on(&done);
        fits
    }

    /// Tells the primary how far this node is.
    pub(super) fn acknowledge(&mut self, conn: &mut Connection, now_us: u64) {
        let offset = self.effects.feed.offset();
        let logs = self.persist.log == LogState::On;
        let (logged, synced) = (self.effects.offset(), self.persist.tail.synced());
        let Some(link) = self.replication.link_mut() else { return };
        link.next_ack_us = now_us.saturating_add(ACK_US);
        link.ack_wanted = false;
        if let Some((place, _)) = link.unsynced.take_if(|(_, logged)| *logged <= synced) {
            link.synced = place;
        }
        if logged <= synced {
            link.synced = offset;
        } else {
            link.unsynced.get_or_insert((offset, logged));
        }
        let stored = link.synced.to_string();
        let before = conn.out.len();
        match logs {
            true => send(conn, &["REPLCONF", "ACK", &offset.to_string(), "FACK", &stored]),
            false => send(conn, &["REPLCONF", "ACK", &offset.to_string()]),
        }
        self.unsent += conn.out.len() - before;
    }

    /// Answers the primary that wants to know how far this node is.
    pub(in crate::node) fn acknowledge_if_asked(&mut self, conn: &mut Connection, now: Now) {
        if self.replication.link().is_some_and(|link| link.ack_wanted) {
            // It belongs to the turn, which accounts for its output.
            let unsent = self.unsent;
            self.acknowledge(conn, now.mono_us);
            self.unsent = unsent;
        }
    }

    /// The primary's stream says what can't be true here: the data are others than its own.
    pub(in crate::node) fn note_strayed(&mut self) {
        if let Some(link) = self.replication.link_mut() {
            link.stray();
        }
    }

    /// The link is up, and the stream goes on where this node's data stand.
    pub(super) fn go_online(
        &mut self,
        conn: &mut Connection,
        id: Option<ReplId>,
        now: Now,
    ) -> bool {
        let offset = self.effects.feed.offset();
        let replication = &mut self.replication;
        let renamed = id.filter(|id| *id != replication.id);
        if let Some(id) = renamed {
            replication.second = Some((replication.id, offset));
            replication.id = id;
        }
        conn.db = replication.stream_db;
        conn.flags.remove(ConnFlags::GREETS);
        if let Role::Replica(link) = &mut replication.role {
            link.stage = LinkStage::Online(conn.id);
            link.heard_at_us = now.mono_us;
            link.online_since_us = now.mono_us;
            link.next_ack_us = now.mono_us;
            link.ack_wanted = true;
        }
        self.effects.feed.keep();
        renamed.is_some()
    }
}

impl LinkStage {
    /// Frees what was loaded in vain, by and by.
    pub(super) fn discard(self, state: &mut State) {
        if let LinkStage::Receiving(_, transfer) = self {
            transfer.discard(state);
        }
    }
}

/// Sends the primary a command.
pub(super) fn send(conn: &mut Connection, args: &[&str]) {
    let bytes = crate::protocol::request::encode(args);
    conn.out.reply.raw(&bytes);
}
