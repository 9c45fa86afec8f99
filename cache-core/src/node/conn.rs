//! Connections: what the node knows of each client, and the queues that say whose turn it is.

use super::blocking::Wait;
use super::error::Error;
use super::names::Names;
use super::output::Output;
use super::pubsub::Topics;
use super::replication::{AckWait, Follower};
use super::tracking::Tracker;
use crate::protocol::request::Parser;
use crate::protocol::{Args, Frame, Reply, Resp};
use crate::sorted;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use bitflags::bitflags;

/// Bytes that the names of channels, patterns and watched keys of one connection may take.
const NAMES_LIMIT: usize = 64 << 20;
/// Bytes that a name takes beyond its own, as accounted: the same on every platform.
const NAME_OVERHEAD: usize = 64;

/// A connection's name between host and node. Never used again once the connection is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId {
    /// The place in the node's table; may be taken again by a later connection.
    pub index: u32,
    /// The client id of CLIENT ID: counts up from 1, never repeats.
    pub id: u64,
}

/// Who connects.
#[derive(Clone, Debug, Default)]
pub struct Peer {
    /// The client's address as CLIENT LIST shows it, `ip:port`.
    pub addr: String,
    /// The server's own address, `ip:port`.
    pub laddr: String,
    /// The peer needs no password: the host itself speaks through this connection.
    pub trusted: bool,
    /// What arrives are effects of another node (or of this one's past): they are obeyed as they
    /// are, unanswered, and while the peer is there nothing expires but by them. One that can't be
    /// obeyed closes the connection.
    pub replay: bool,
    /// Nobody else could end its waiting, or it will be gone by then: commands that would wait for a
    /// key answer as if their time were up.
    pub alone: bool,
}

bitflags! {
    /// A connection's state.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(crate) struct ConnFlags: u32 {
        const AUTHENTICATED = 1;
        /// No more input; goes when its output has left.
        const CLOSING = 1 << 1;
        /// Goes at once, its output with it.
        const ABORT = 1 << 2;
        /// Between MULTI and EXEC.
        const MULTI = 1 << 3;
        /// A command could not be queued: EXEC will refuse.
        const DIRTY_EXEC = 1 << 4;
        const NO_EVICT = 1 << 5;
        const NO_TOUCH = 1 << 6;
        const REPLY_OFF = 1 << 7;
        const REPLY_SKIP_NEXT = 1 << 8;
        const REPLY_SKIP = 1 << 9;
        const REPLAY = 1 << 10;
        const IN_READY = 1 << 11;
        const IN_TRANSMIT = 1 << 12;
        /// The host was asked to stop reading.
        const READING_PAUSED = 1 << 13;
        const TRUSTED = 1 << 14;
        /// CLIENT CAPA redirect.
        const CAN_REDIRECT = 1 << 15;
        /// It is shown what everybody does.
        const MONITOR = 1 << 16;
        /// See [`Peer::alone`].
        const ALONE = 1 << 17;
        /// The link to the primary.
        const LINK = 1 << 18;
        /// What it sends are a primary's answers and data, and no commands yet.
        const GREETS = 1 << 19;
    }
}

/// The place of a suspended command.
#[derive(Clone, Debug)]
pub(crate) struct Suspended {
    pub(crate) frame: Frame,
    pub(crate) cursor: u64,
    pub(crate) count: usize,
    /// What it has gathered so far, already encoded.
    pub(crate) gathered: Reply,
}

#[derive(Clone, Debug)]
pub(crate) struct Connection {
    pub(crate) id: ConnId,
    pub(crate) addr: String,
    pub(crate) laddr: String,
    pub(crate) flags: ConnFlags,
    pub(crate) db: u32,
    pub(crate) user: String,
    pub(crate) name: String,
    pub(crate) lib_name: String,
    pub(crate) lib_ver: String,

    pub(crate) input: Vec<u8>,
    /// How much of `input` has been executed.
    pub(crate) consumed: usize,
    pub(crate) parser: Parser,
    pub(crate) out: Output,
    /// Messages that came while a command of its own ran: they follow its reply.
    pub(crate) pushes: Vec<u8>,

    pub(crate) queued: Vec<Frame>,
    pub(crate) queued_bytes: usize,
    /// What it listens to, by [`Topics`].
    pub(crate) topics: [Names; 3],
    /// Watched keys, each with its database: see [`key_at`](super::watch::key_at).
    pub(crate) watched: Names,
    /// Bytes that the names of all these take.
    names_bytes: usize,

    /// Commands that it may still run of a turn that the host's budget has cut.
    pub(crate) turn_left: u32,
    /// It executes nothing until something happens or this moment (monotonic microseconds) comes.
    pub(crate) blocked_until_us: Option<u64>,
    pub(crate) suspended: Option<Box<Suspended>>,
    /// How it tracks keys, if it does.
    pub(crate) tracker: Option<Box<Tracker>>,
    /// For what its last command waits.
    pub(crate) wait: Option<Box<Wait>>,
    /// For which followers its last command waits.
    pub(crate) acks: Option<Box<AckWait>>,
    /// What it said of itself as one that follows, and what it is sent.
    pub(crate) follower: Option<Box<Follower>>,
    /// The position of the stream behind the last thing that it wrote.
    pub(crate) wrote_upto: u64,

    pub(crate) created_us: u64,
    pub(crate) active_us: u64,
    /// Since when output is above the soft limit.
    pub(crate) over_soft_since_us: Option<u64>,
    pub(crate) last_command: &'static str,
    pub(crate) commands: u64,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
}

impl Connection {
    pub(crate) fn new(id: ConnId, peer: Peer, now_us: u64) -> Self {
        let mut flags = ConnFlags::empty();
        flags.set(ConnFlags::TRUSTED, peer.trusted || peer.replay);
        flags.set(ConnFlags::REPLAY | ConnFlags::REPLY_OFF, peer.replay);
        flags.set(ConnFlags::ALONE, peer.alone);
        Connection {
            id,
            addr: peer.addr,
            laddr: peer.laddr,
            flags,
            db: 0,
            user: String::from("default"),
            name: String::new(),
            lib_name: String::new(),
            lib_ver: String::new(),
            input: Vec::new(),
            consumed: 0,
            parser: Parser::default(),
            out: Output::new(Resp::V2),
            pushes: Vec::new(),
            queued: Vec::new(),
            queued_bytes: 0,
            topics: Default::default(),
            watched: Names::default(),
            names_bytes: 0,
            turn_left: 0,
            blocked_until_us: None,
            suspended: None,
            tracker: None,
            wait: None,
            acks: None,
            follower: None,
            wrote_upto: 0,
            created_us: now_us,
            active_us: now_us,
            over_soft_since_us: None,
            last_command: "NULL",
            commands: 0,
            bytes_in: 0,
            bytes_out: 0,
        }
    }

    pub(crate) fn has(&self, flag: ConnFlags) -> bool {
        self.flags.intersects(flag)
    }

    /// Whether its last command waits for something else than the end of a pause.
    pub(crate) fn waits(&self) -> bool {
        self.wait.is_some() || self.acks.is_some()
    }

    /// Whether it may listen to or watch so many names more.
    pub(crate) fn check_names(&self, names: Args<'_>) -> Result<(), Error> {
        let more = names.total_len() + names.len() * NAME_OVERHEAD;
        if self.names_bytes.saturating_add(more) <= NAMES_LIMIT {
            return Ok(());
        }
        Err(Error::Text(
            "ERR the names of channels, patterns and watched keys of one connection can't take more \
             than 64 MB",
        ))
    }

    /// It listens to or watches one name more.
    pub(crate) fn note_name(&mut self, name: &[u8]) {
        self.names_bytes += name.len() + NAME_OVERHEAD;
    }

    /// It listens to or watches one name less.
    pub(crate) fn drop_name(&mut self, name: &[u8]) {
        self.names_bytes -= name.len() + NAME_OVERHEAD;
    }

    /// How many it listens to.
    pub(crate) fn subscriptions(&self, which: Topics) -> usize {
        self.topics[which as usize].len()
    }

    /// Whether it listens to anything.
    pub(crate) fn listens(&self) -> bool {
        self.topics.iter().any(|names| names.len() > 0)
    }

    /// Input that hasn't been executed, in bytes; 0 while its own commands run.
    pub(crate) fn unread_input(&self) -> usize {
        self.input.len().saturating_sub(self.consumed)
    }

    /// Bytes held for it: input, output, what MULTI has queued, what it listens to and watches.
    ///
    /// Of the input what has been executed doesn't count: how long it stays in the buffer depends on
    /// how it was cut.
    pub(crate) fn held_bytes(&self) -> usize {
        let gathered = self.suspended.as_ref().map_or(0, |s| s.gathered.len() + s.frame.size());
        let buffers = self.unread_input() + self.out.len() + self.pushes.len();
        buffers + self.queued_bytes + self.names_bytes + gathered + self.waiting_bytes()
    }
}

/// All connections, and the queues that say whose turn it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connections {
    slots: Vec<Option<Box<Connection>>>,
    free: Vec<u32>,
    last_id: u64,
    len: usize,
    /// How many of them bring a stream of effects, but for the link to a primary.
    replayers: usize,
    /// Those with input to execute.
    pub(crate) ready: VecDeque<ConnId>,
    /// Those with output or a close for the host.
    pub(crate) transmit: VecDeque<ConnId>,
    /// Whether one has stopped waiting since this was last looked at.
    pub(crate) any_unblocked: bool,
    /// Those that wait, by the moment (monotonic microseconds) at which that ends at the latest;
    /// sorted.
    waiting: Vec<(u64, ConnId)>,
}

impl Connections {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Whether a stream of effects is being obeyed that is not a primary's.
    pub(crate) fn any_replayer(&self) -> bool {
        self.replayers > 0
    }

    pub(crate) fn insert(&mut self, peer: Peer, now_us: u64) -> ConnId {
        self.last_id += 1;
        self.len += 1;
        self.replayers += usize::from(peer.replay);
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            (self.slots.len() - 1) as u32
        });
        let id = ConnId { index, id: self.last_id };
        self.slots[index as usize] = Some(Box::new(Connection::new(id, peer, now_us)));
        id
    }

    pub(crate) fn remove(&mut self, id: ConnId) -> Option<Box<Connection>> {
        let conn = self.take(id)?;
        if let Some(until_us) = conn.blocked_until_us {
            sorted::remove(&mut self.waiting, &(until_us, id));
        }
        self.free.push(id.index);
        self.len -= 1;
        self.replayers -= usize::from(conn.has(ConnFlags::REPLAY) && !conn.has(ConnFlags::LINK));
        Some(conn)
    }

    pub(crate) fn get(&self, id: ConnId) -> Option<&Connection> {
        self.slots.get(id.index as usize)?.as_deref().filter(|conn| conn.id == id)
    }

    pub(crate) fn get_mut(&mut self, id: ConnId) -> Option<&mut Connection> {
        self.slots.get_mut(id.index as usize)?.as_deref_mut().filter(|conn| conn.id == id)
    }

    /// Takes a connection out while its commands run. [`put_back`](Self::put_back) must follow.
    pub(crate) fn take(&mut self, id: ConnId) -> Option<Box<Connection>> {
        self.slots.get_mut(id.index as usize)?.take_if(|conn| conn.id == id)
    }

    pub(crate) fn put_back(&mut self, conn: Box<Connection>) {
        let index = conn.id.index as usize;
        self.slots[index] = Some(conn);
    }

    /// Lets a connection wait, after its turn.
    pub(crate) fn block(&mut self, id: ConnId, until_us: u64) {
        sorted::insert(&mut self.waiting, (until_us, id));
    }

    /// When the first of those that wait has waited long enough.
    pub(crate) fn next_unblock(&self) -> Option<u64> {
        self.waiting.first().map(|&(until_us, _)| until_us).filter(|&until_us| until_us < u64::MAX)
    }

    /// Those whose waiting is over by `now_us`.
    pub(crate) fn waited_until(&self, now_us: u64) -> Vec<ConnId> {
        let over = self.waiting.iter().take_while(|(until_us, _)| *until_us <= now_us);
        over.map(|&(_, id)| id).collect()
    }

    /// Ends a connection's waiting.
    pub(crate) fn unblock(&mut self, id: ConnId) {
        let Some(conn) = self.get_mut(id) else { return };
        if let Some(until_us) = conn.blocked_until_us.take() {
            sorted::remove(&mut self.waiting, &(until_us, id));
            self.any_unblocked = true;
        }
    }

    /// All that are in their places, by place.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Connection> {
        self.slots.iter().flatten().map(|conn| &**conn)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Connection> {
        self.slots.iter_mut().flatten().map(|conn| &mut **conn)
    }

    /// Queues a connection to execute what it has sent.
    pub(crate) fn wake(&mut self, id: ConnId) {
        if let Some(conn) = self.get_mut(id)
            && !conn.has(ConnFlags::IN_READY)
        {
            conn.flags.insert(ConnFlags::IN_READY);
            self.ready.push_back(id);
        }
    }

    /// Queues a connection before all others, to go on with its turn.
    pub(crate) fn wake_first(&mut self, id: ConnId) {
        if let Some(conn) = self.get_mut(id)
            && !conn.has(ConnFlags::IN_READY)
        {
            conn.flags.insert(ConnFlags::IN_READY);
            self.ready.push_front(id);
        }
    }

    /// Queues a connection for the host to send from or to close.
    pub(crate) fn offer(&mut self, id: ConnId) {
        if let Some(conn) = self.get_mut(id)
            && !conn.has(ConnFlags::IN_TRANSMIT)
        {
            conn.flags.insert(ConnFlags::IN_TRANSMIT);
            self.transmit.push_back(id);
        }
    }
}
