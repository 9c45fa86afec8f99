//! FAILOVER: a primary hands its part over to one of its followers, and loses nothing by it.
//!
//! Writes wait; when the follower has all that was written, this node follows it, and asks it by its
//! PSYNC to become the primary. What must never be here: a decision that nobody asked for.

use super::super::conn::Connections;
use super::super::post::Post;
use super::super::state::State;
use super::super::{LogLevel, Node};
use super::Replication;
use crate::time::Now;
use alloc::string::String;

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FailoverWish {
    /// Which follower is to be the primary, by where it listens; any when not said.
    pub(crate) target: Option<(String, u16)>,
    /// When time is up the target is to be the primary, whatever it lacks.
    pub(crate) force: bool,
    /// Until when followers may take to have everything (monotonic microseconds).
    pub(crate) until_us: Option<u64>,
}

/// A failover that is under way.
#[derive(Clone, Debug)]
pub(crate) struct Failover {
    wish: FailoverWish,
    /// This node follows the target already, which has yet to become the primary.
    handed: bool,
}

impl Failover {
    pub(super) fn until_us(&self) -> Option<u64> {
        self.wish.until_us.filter(|_| !self.handed)
    }

    /// As INFO names it.
    pub(crate) fn state_name(&self) -> &'static str {
        if self.handed { "failover-in-progress" } else { "waiting-for-sync" }
    }
}

impl Replication {
    /// Whether the primary that this node has begun to follow has yet to become one.
    pub(super) fn failover_target(&self) -> bool {
        self.failover.as_ref().is_some_and(|failover| failover.handed)
    }
}

impl Post<'_> {
    /// Begins.
    pub(crate) fn begin_failover(&mut self, wish: FailoverWish) {
        self.state.replication.failover = Some(Failover { wish, handed: false });
        // They say at once how far they are.
        self.state.effects.feed.say(["REPLCONF", "GETACK", "*"]);
        self.go_on_with_failover();
    }

    /// Gives it up: this node stays, or becomes again, the primary.
    pub(crate) fn abort_failover(&mut self, reason: &str) {
        let Some(failover) = self.state.replication.failover.take() else { return };
        self.state.log(LogLevel::Warning, alloc::format!("Failover is given up: {reason}"));
        if failover.handed {
            self.lead();
        }
        self.resume_writers();
    }

    /// Follows the target once it has everything.
    pub(crate) fn go_on_with_failover(&mut self) {
        let Some(failover) = &self.state.replication.failover else { return };
        if failover.handed {
            return;
        }
        let offset = self.state.effects.feed.offset();
        let late = failover.wish.until_us.is_some_and(|until_us| until_us <= self.now.mono_us);
        let has_all = self.state.replication.followers.iter().find_map(|&id| {
            let conn = self.get(id)?;
            let follower = conn.follower.as_deref()?;
            let (ip, port) = (conn.listens_at(), follower.greeted.port);
            let wanted = failover.wish.target.as_ref();
            let fits = wanted.is_none_or(|(host, wanted)| *host == ip && *wanted == port);
            (fits && follower.is_online() && follower.acked == offset).then_some((ip, port))
        });
        let forced = failover.wish.target.clone().filter(|_| late && failover.wish.force);
        match has_all.or(forced) {
            Some((host, port)) => {
                if let Some(failover) = &mut self.state.replication.failover {
                    failover.handed = true;
                }
                self.follow(&host, port, false);
            }
            None if late => self.abort_failover("no follower had everything in time"),
            None => {}
        }
    }

    /// Lets those go on whose writes have waited.
    fn resume_writers(&mut self) {
        for id in self.conns.waited_until(u64::MAX) {
            let waits = |c: &super::super::Connection| c.wait.is_some() || c.acks.is_some();
            if self.conns.get(id).is_some_and(|conn| !waits(conn)) {
                self.conns.unblock(id);
                self.conns.wake(id);
            }
        }
    }
}

impl Node {
    /// The target is the primary now.
    pub(super) fn end_failover_by_demotion(&mut self, now: Now) {
        if self.state.replication.failover_target() {
            self.state.replication.failover = None;
            self.state.log(LogLevel::Notice, "Failover is done: this node is a replica".into());
            self.post(now).resume_writers();
        }
    }
}

pub(super) fn tick(state: &mut State, conns: &mut Connections, now: Now) {
    let failover = state.replication.failover.as_ref();
    if failover.and_then(Failover::until_us).is_some_and(|until_us| until_us <= now.mono_us) {
        Post { now, state, conns, own: None }.go_on_with_failover();
    }
}
