//! Messages to connections, whoever's turn it is.

use super::conn::{ConnFlags, ConnId, Connection, Connections};
use super::notices;
use super::state::State;
use crate::protocol::Reply;
use crate::time::Now;

/// What sending a message needs.
pub(crate) struct Post<'a> {
    pub(crate) now: Now,
    pub(crate) state: &'a mut State,
    /// All connections but `own`.
    pub(crate) conns: &'a mut Connections,
    /// The connection whose turn it is.
    pub(crate) own: Option<&'a mut Connection>,
}

impl Post<'_> {
    pub(super) fn get(&self, id: ConnId) -> Option<&Connection> {
        match self.own.as_deref() {
            Some(own) if own.id == id => Some(own),
            _ => self.conns.get(id),
        }
    }

    pub(super) fn get_mut(&mut self, id: ConnId) -> Option<&mut Connection> {
        match self.own.as_deref_mut() {
            Some(own) if own.id == id => Some(own),
            _ => self.conns.get_mut(id),
        }
    }

    /// Sends a message to a connection. One to the connection whose turn it is follows the reply of
    /// its command.
    pub(crate) fn deliver(&mut self, to: ConnId, write: impl FnOnce(&mut Reply)) {
        if let Some(own) = self.own.as_mut().filter(|own| own.id == to) {
            let mut reply = Reply::new(own.out.reply.resp());
            write(&mut reply);
            own.pushes.extend_from_slice(reply.bytes());
            return;
        }
        let Some(conn) = self.conns.get_mut(to) else { return };
        if conn.has(ConnFlags::CLOSING | ConnFlags::ABORT) {
            return;
        }
        let before = conn.out.len();
        write(&mut conn.out.reply);
        self.state.unsent += conn.out.len() - before;
        if self.state.passes_output_limit(conn, self.now) {
            self.state.close_for_output(conn);
        }
        self.conns.offer(to);
    }

    /// Sends a message to all who listen to a channel, and says how many they are.
    pub(crate) fn publish(&mut self, channel: &[u8], message: &[u8]) -> usize {
        let receivers = self.state.pubsub.receivers(channel);
        for receiver in &receivers {
            self.deliver(receiver.conn, |out| match &receiver.pattern {
                None => {
                    out.push(3);
                    out.bulk(b"message");
                    out.bulk(channel);
                    out.bulk(message);
                }
                Some(pattern) => {
                    out.push(4);
                    out.bulk(b"pmessage");
                    out.bulk(pattern);
                    out.bulk(channel);
                    out.bulk(message);
                }
            });
        }
        receivers.len()
    }

    /// Sends a message to all who listen to a shard channel, and says how many they are.
    pub(crate) fn publish_to_shard(&mut self, channel: &[u8], message: &[u8]) -> usize {
        let receivers = self.state.pubsub.shard_receivers(channel);
        for receiver in &receivers {
            self.deliver(receiver.conn, |out| {
                out.push(3);
                out.bulk(b"smessage");
                out.bulk(channel);
                out.bulk(message);
            });
        }
        receivers.len()
    }

    /// Sends what has happened and is yet to be told.
    pub(super) fn tell_news(&mut self) {
        if !self.state.notices.is_empty() {
            notices::tell(self);
        }
        if self.state.tracking.has_news() {
            self.tell_tracking();
        }
    }
}
