//! Following: a primary and the nodes that obey its stream.
//!
//! A node is a primary or a replica ([`Role`]). A primary writes the stream ([`feed`]), and keeps the
//! last part of it ([`backlog`]); a replica holds a [`link`] to its primary, obeys what comes by it, and
//! passes the same bytes on to followers of its own. What a connection that follows is sent is in
//! [`follower`], what it takes to become a copy in [`greeting`] and [`transfer`], who waits for followers
//! in [`waiting`], and what time alone does in [`clockwork`].
//!
//! The stream of a history is named by a [`ReplId`], and a place in it by the bytes before it. Two nodes
//! that name the same place hold the same data. What must never be here: a socket, a clock, a format.

mod backlog;
pub(super) mod clockwork;
mod data;
mod failover;
mod feed;
mod follower;
mod greeting;
mod link;
mod roles;
mod transfer;
mod waiting;

pub use link::REDIAL_US;

pub(crate) use failover::{Failover, FailoverWish};
pub(crate) use feed::Feed;
pub(crate) use follower::{Follower, Greeted, Stage};
pub(crate) use link::{Link, Obeyed};
pub(crate) use waiting::AckWait;

use super::{ConnId, Node};
use crate::hash::HashSeed;
use crate::random::Random;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

/// The name of a history of the stream: 40 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReplId([u8; 40]);

impl ReplId {
    /// What is shown where there is none.
    pub(crate) const NONE: ReplId = ReplId([b'0'; 40]);

    /// Reads one.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let digits: [u8; 40] = text.try_into().ok()?;
        digits.iter().all(u8::is_ascii_hexdigit).then_some(ReplId(digits))
    }

    fn draw(random: &mut Random) -> Self {
        let mut digits = [0; 40];
        for chunk in digits.chunks_mut(16) {
            let mut word = random.next_u64();
            for digit in chunk {
                *digit = b"0123456789abcdef"[(word & 15) as usize];
                word >>= 4;
            }
        }
        ReplId(digits)
    }

    pub(crate) fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl core::fmt::Display for ReplId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who writes the stream.
#[derive(Clone, Debug)]
pub(crate) enum Role {
    /// This node.
    Primary,
    /// Another one, at the other end of the link.
    Replica(Box<Link>),
}

/// What a node knows of those that it follows and of those that follow it.
#[derive(Clone, Debug)]
pub(crate) struct Replication {
    pub(crate) role: Role,
    /// The history that the stream's offset counts in.
    pub(crate) id: ReplId,
    /// The history that this one goes on from, and the position up to which they are the same.
    pub(crate) second: Option<(ReplId, u64)>,
    /// Connections that are sent data or the stream.
    pub(crate) followers: Vec<ConnId>,
    /// When each of those that are sent the stream last said how far it is (monotonic microseconds).
    acked: Vec<(ConnId, u64)>,
    /// Connections that wait until followers have what they wrote.
    pub(crate) waiters: Vec<ConnId>,
    pub(crate) failover: Option<Failover>,
    pub(crate) counts: Counts,
    /// The database that the stream is in where this node's data stand.
    stream_db: u32,
    /// Since when (monotonic microseconds) nobody has followed, while the stream is kept.
    alone_since_us: Option<u64>,
    next_ping_us: u64,
    /// When what isn't urgent is looked at again.
    next_look_us: u64,
    /// From which names are drawn.
    random: Random,
}

/// What INFO counts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) full: u64,
    pub(crate) partial: u64,
    pub(crate) partial_refused: u64,
    /// Commands of the stream that this node doesn't know.
    pub(crate) unknown: u64,
}

impl Replication {
    pub(crate) fn new(seed: HashSeed) -> Self {
        // Names are shown, and tell nothing of the seed: see `State::new`.
        let mut random = Random::new(seed.hash(b"history"));
        Replication {
            role: Role::Primary,
            id: ReplId::draw(&mut random),
            second: None,
            followers: Vec::new(),
            acked: Vec::new(),
            waiters: Vec::new(),
            failover: None,
            counts: Counts::default(),
            stream_db: 0,
            alone_since_us: None,
            next_ping_us: 0,
            next_look_us: 0,
            random,
        }
    }

    pub(crate) fn link(&self) -> Option<&Link> {
        match &self.role {
            Role::Primary => None,
            Role::Replica(link) => Some(link),
        }
    }

    pub(crate) fn link_mut(&mut self) -> Option<&mut Link> {
        match &mut self.role {
            Role::Primary => None,
            Role::Replica(link) => Some(link),
        }
    }

    pub(crate) fn is_replica(&self) -> bool {
        matches!(self.role, Role::Replica(_))
    }

    /// Begins a history that nobody else has.
    fn begin_history(&mut self) {
        self.id = ReplId::draw(&mut self.random);
        self.second = None;
    }

    /// Begins a history that goes on from the one so far.
    fn fork_history(&mut self, offset: u64) {
        self.second = Some((self.id, offset));
        self.id = ReplId::draw(&mut self.random);
    }

    /// A mark that the data themselves won't hold.
    fn draw_mark(&mut self) -> [u8; 40] {
        ReplId::draw(&mut self.random).0
    }

    /// Where a follower that has this much of a history can go on, if what comes behind it is still
    /// known. Places count from 1 in its words.
    pub(crate) fn place_of(&self, feed: &Feed, id: &[u8], next: i64) -> Option<u64> {
        let at = u64::try_from(next.checked_sub(1)?).ok()?;
        let is_second = |(second, upto): (ReplId, u64)| second.0 == id && at <= upto;
        let is_known = self.id.0 == id || self.second.is_some_and(is_second);
        let backlog = feed.backlog()?;
        (is_known && (backlog.start()..=backlog.end()).contains(&at)).then_some(at)
    }
}

impl Node {
    /// Where in its history the data stand: the history's name, and the bytes of its stream before this
    /// place. Nodes at the same place hold the same data. `None`: nobody wants the stream.
    pub fn place(&self) -> Option<(&str, u64)> {
        let feed = &self.state.effects.feed;
        feed.is_kept().then(|| (self.state.replication.id.as_str(), feed.offset()))
    }

    /// Whether it follows a primary and obeys its stream now.
    pub fn is_following(&self) -> bool {
        self.state.replication.link().is_some_and(Link::is_online)
    }
}

/// How an address is written.
fn address(host: &str, port: u16) -> String {
    alloc::format!("{host}:{port}")
}
