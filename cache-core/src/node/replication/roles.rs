//! Becoming a replica and becoming a primary, and what a primary does for one that wants to follow.

use super::super::conn::{ConnFlags, ConnId};
use super::super::post::Post;
use super::super::state::State;
use super::super::{LogLevel, Node};
use super::data::Outgoing;
use super::{Link, Role, Stage, address};
use crate::config::Id;
use crate::time::Now;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What those are told who wait for a key of a node that becomes a replica.
const ROLE_CHANGED: &[u8] =
    b"UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)";

impl Node {
    pub(in crate::node) fn post(&mut self, now: Now) -> Post<'_> {
        let Node { state, conns, .. } = self;
        Post { now, state, conns, own: None }
    }
}

impl Post<'_> {
    /// Follows a primary. `unsure`: what has been written is not all in the stream, so that the data
    /// must come as a whole.
    pub(crate) fn follow(&mut self, host: &str, port: u16, unsure: bool) {
        let now_us = self.now.mono_us;
        let state = &mut *self.state;
        if !state.replication.is_replica() {
            state.effects.feed.end_transaction();
            state.replication.stream_db = state.effects.feed.db().unwrap_or(0);
        }
        self.drop_link();
        self.unblock_all();
        let state = &mut *self.state;
        let mut link = Link::new(String::from(host), port, now_us);
        link.whole = unsure;
        state.replication.role = Role::Replica(Box::new(link));
        // Those who follow this node may go on if the primary's history is theirs, too.
        state.effects.feed.keep();
        state.settle_feed();
        state.config.note_replicaof(&format!("{host} {port}"));
        let line = format!("Following {}", address(host, port));
        state.log(LogLevel::Notice, line);
        if state.loading.is_none() {
            state.dial(now_us);
        }
    }

    /// Follows nobody any more: from here on this node writes the stream, under a name of its own.
    pub(crate) fn lead(&mut self) {
        if !self.state.replication.is_replica() {
            return;
        }
        self.drop_link();
        let state = &mut *self.state;
        let offset = state.effects.feed.offset();
        state.replication.role = Role::Primary;
        state.replication.fork_history(offset);
        state.replication.alone_since_us = None;
        state.effects.feed.keep();
        state.effects.feed.forget_db();
        state.settle_feed();
        state.config.note_replicaof("");
        let id = state.replication.id;
        state.log(LogLevel::Notice, format!("This node is the primary, as of {id}:{offset}"));
        // They come back and learn the new name.
        self.close_followers();
    }

    /// Closes the connection to the primary, if there is one.
    fn drop_link(&mut self) {
        let now_us = self.now.mono_us;
        let Some(link) = self.state.replication.link_mut() else { return };
        let conn = link.conn();
        let stage = link.fall(now_us);
        stage.discard(self.state);
        let Some(id) = conn else { return };
        if let Some(conn) = self.get_mut(id) {
            conn.flags.insert(ConnFlags::ABORT);
        }
        self.conns.offer(id);
    }

    /// Closes all who follow.
    pub(crate) fn close_followers(&mut self) {
        for id in core::mem::take(&mut self.state.replication.followers) {
            if let Some(conn) = self.get_mut(id) {
                conn.flags.insert(ConnFlags::ABORT);
            }
            self.conns.offer(id);
        }
    }

    /// Ends all waiting, and the connections with it, as in Redis: what is waited for may never come
    /// to a replica.
    fn unblock_all(&mut self) {
        let ids: Vec<ConnId> = self.conns.waited_until(u64::MAX);
        for id in ids {
            let ended = self.end_wait(id, |out| out.error(ROLE_CHANGED))
                || self.end_ack_wait(id, |out| out.error(ROLE_CHANGED));
            if let Some(conn) = self.conns.get_mut(id).filter(|_| ended) {
                conn.flags.insert(ConnFlags::CLOSING);
            }
        }
    }

    /// Lets the connection whose turn it is follow, and sends it what it lacks: the stream from where it
    /// is, if that is known, or all data. `place`: the name of a history and the next byte of it.
    pub(crate) fn serve_follower(&mut self, place: Option<(&[u8], i64)>) {
        let now_us = self.now.mono_us;
        let state = &mut *self.state;
        let Some(conn) = self.own.as_deref_mut() else { return };
        let id = conn.id;
        conn.flags.insert(ConnFlags::REPLY_OFF);
        let greeted = conn.follower.take().map(|follower| follower.greeted).unwrap_or_default();
        let mut follower = Box::new(super::Follower::new(greeted, now_us));
        let known =
            place.and_then(|(id, next)| state.replication.place_of(&state.effects.feed, id, next));
        let asked = place.is_some_and(|(id, _)| id != b"?");
        if let Some(at) = known {
            state.replication.counts.partial += 1;
            follower.answer = match follower.greeted.takes_names {
                true => format!("+CONTINUE {}\r\n", state.replication.id),
                false => String::from("+CONTINUE\r\n"),
            };
            (follower.next, follower.acked) = (at, at);
            follower.stage = Stage::Online;
            state.replication.note_acked(id, now_us);
        } else {
            state.replication.counts.full += 1;
            state.replication.counts.partial_refused += u64::from(asked);
            state.begin_feed();
            // Whoever begins here has been told of no database.
            state.effects.feed.forget_db();
            let offset = state.effects.feed.offset();
            follower.next = offset;
            let snapshot = Box::new(Outgoing::new(state, self.now));
            let reads_to_mark = follower.greeted.reads_to_mark;
            if place.is_some() {
                follower.answer = format!("+FULLRESYNC {} {offset}\r\n", state.replication.id);
            }
            follower.stage = if reads_to_mark {
                let mark = state.replication.draw_mark();
                let text = core::str::from_utf8(&mark).unwrap_or_default();
                follower.answer.push_str(&format!("$EOF:{text}\r\n"));
                Stage::Sending { snapshot, mark: Some(mark) }
            } else {
                Stage::Measuring { measured: snapshot.clone(), snapshot, len: 0 }
            };
        }
        let how = if known.is_some() { "goes on at" } else { "is sent all data as of" };
        let line = format!("Follower id={} {how} {}", id.id, follower.next);
        conn.follower = Some(follower);
        if state.replication.followers.is_empty() {
            let period = state.config.number(Id::ReplPingReplicaPeriod).unsigned_abs();
            state.replication.next_ping_us =
                now_us.saturating_add(period.saturating_mul(1_000_000));
        }
        state.replication.followers.push(id);
        state.replication.alone_since_us = None;
        state.log(LogLevel::Notice, line);
    }
}

impl State {
    /// Begins to keep the stream, under a new name: what was written before is in none.
    fn begin_feed(&mut self) {
        if !self.effects.feed.is_kept() {
            self.replication.begin_history();
            self.effects.feed.keep();
            self.settle_feed();
        }
    }

    /// Forgets the stream, and with it the name: what will be written is in none.
    pub(super) fn end_feed(&mut self) {
        self.effects.feed.drop_backlog();
        self.replication.begin_history();
        self.settle_feed();
    }

    /// Writes effects into the stream if it is kept, and is this node's to write.
    pub(super) fn settle_feed(&mut self) {
        let writes = self.effects.feed.is_kept() && !self.replication.is_replica();
        self.effects.set_feeds(writes);
    }

    /// Why a write may not run for what concerns replication, as a bit of an error's text.
    pub(in crate::node) fn refuses_writes(&self) -> bool {
        self.replication.is_replica() && self.config.number(Id::ReplicaReadOnly) == 1
    }

    /// Whether the data may be old and aren't to be shown then.
    pub(in crate::node) fn hides_stale_data(&self) -> bool {
        self.config.number(Id::ReplicaServeStaleData) == 0
            && self.replication.link().is_some_and(|link| !link.is_online())
    }

    /// Whether eviction is the primary's affair.
    pub(in crate::node) fn leaves_eviction(&self) -> bool {
        self.replication.is_replica() && self.config.number(Id::ReplicaIgnoreMaxmemory) == 1
    }
}
