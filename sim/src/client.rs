//! A client of the cache: one connection, what it has asked on it, and the link under it.
//!
//! Commands of many requests share the connection and are answered in order, as client libraries
//! do it. What must never be here: what a reply means to a request.

use crate::event::{CacheTrouble, EventKind, MessageKind, Place, RequestId, cut};
use crate::scenario::LinkModel;
use crate::world::{ClientId, Segment, Step, World};
use cache_core::ConnId;
use cache_core::protocol::{ProtocolError, Value};
use std::collections::VecDeque;

/// What reaches the sender of a command.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    /// `None`: it was the console.
    pub(crate) request: Option<RequestId>,
    pub(crate) what: Delivered,
}

#[derive(Clone, Debug)]
pub(crate) enum Delivered {
    /// A reply; for the console its bytes.
    Reply(Value),
    Bytes(Vec<u8>),
    /// The connection is gone, and no reply will come.
    Lost(CacheTrouble),
}

#[derive(Clone, Copy, Debug)]
struct Pending {
    request: Option<RequestId>,
    sent_us: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) place: Place,
    pub(crate) conn: Option<ConnId>,
    /// Counts connections: what still is on the way on an earlier one is lost.
    pub(crate) generation: u32,
    /// Commands whose reply has not arrived, oldest first.
    pending: VecDeque<Pending>,
    /// How many of them the node has executed.
    executed: usize,
    /// To how many of them the reply has left the node.
    answered: usize,
    timer_runs: bool,
    /// The beginning of a reply whose rest has not left the node.
    leaving: Vec<u8>,
    /// The beginning of a reply whose rest has not arrived.
    arriving: Vec<u8>,
    /// When the last bytes arrive, each way: later ones may not overtake them.
    last_there_us: u64,
    last_back_us: u64,
}

impl Client {
    pub(crate) fn new(place: Place) -> Self {
        Client {
            place,
            conn: None,
            generation: 0,
            pending: VecDeque::new(),
            executed: 0,
            answered: 0,
            timer_runs: false,
            leaving: Vec::new(),
            arriving: Vec::new(),
            last_there_us: 0,
            last_back_us: 0,
        }
    }

    /// Sends a command on the open connection.
    pub(crate) fn send(
        &mut self,
        world: &mut World,
        link: LinkModel,
        timeout_us: u64,
        (id, request, kind): (ClientId, Option<RequestId>, MessageKind),
        bytes: Vec<u8>,
    ) {
        // The console may wait for a reply as long as it likes.
        if request.is_some() {
            self.pending.push_back(Pending { request, sent_us: world.now_us });
            if !self.timer_runs {
                self.timer_runs = true;
                let generation = self.generation;
                world.plan_in(timeout_us, Step::CacheTimeout { client: id, generation });
            }
        }
        let arrivals = Arrivals::new(world, link, bytes.len(), &mut self.last_there_us);
        world.tell(EventKind::MessageSent {
            request,
            from: self.place,
            to: Place::Cache,
            kind,
            bytes: cut(&bytes).to_vec(),
            arrives_at_us: arrivals.last_us,
        });
        arrivals.plan(world, bytes, |bytes| Step::ToCache(self.segment(id, bytes)));
    }

    fn segment(&self, client: ClientId, bytes: Vec<u8>) -> Segment {
        Segment { client, generation: self.generation, bytes }
    }

    /// The node executes this client's next command: on whose behalf.
    pub(crate) fn executes(&mut self) -> Option<RequestId> {
        let pending = self.pending.get(self.executed)?;
        self.executed += 1;
        pending.request
    }

    /// The node's replies leave.
    pub(crate) fn send_back(
        &mut self,
        world: &mut World,
        link: LinkModel,
        id: ClientId,
        bytes: Vec<u8>,
    ) {
        if bytes.is_empty() {
            return;
        }
        let arrivals = Arrivals::new(world, link, bytes.len(), &mut self.last_back_us);
        let carried = self.leaving.len();
        self.leaving.extend_from_slice(&bytes);
        let mut at = 0;
        while let Ok(Some((value, len))) = Value::parse(&self.leaving[at..]) {
            let reply = &self.leaving[at..at + len];
            at += len;
            let pending = self.pending.get(self.answered);
            self.answered += usize::from(pending.is_some());
            world.tell(EventKind::MessageSent {
                request: pending.and_then(|pending| pending.request),
                from: Place::Cache,
                to: self.place,
                kind: reply_kind(&value),
                bytes: cut(reply).to_vec(),
                arrives_at_us: arrivals.of(at.saturating_sub(carried)),
            });
        }
        self.leaving.drain(..at);
        // A command that was refused before it ran has its reply all the same.
        self.executed = self.executed.max(self.answered);
        arrivals.plan(world, bytes, |bytes| Step::FromCache(self.segment(id, bytes)));
    }

    /// The node closed the connection; the client learns of it after all that was sent before.
    pub(crate) fn plan_close(&mut self, world: &mut World, link: LinkModel, id: ClientId) {
        let transit_us = world.transit_us(link);
        self.last_back_us = self.last_back_us.max(world.now_us + transit_us);
        let step = Step::CacheClosed { client: id, generation: self.generation };
        world.queue.plan(self.last_back_us, step);
    }

    /// Replies that are whole now.
    pub(crate) fn receive(&mut self, bytes: &[u8]) -> Result<Vec<Delivery>, ProtocolError> {
        self.arriving.extend_from_slice(bytes);
        let mut deliveries = Vec::new();
        let mut at = 0;
        while let Some((value, len)) = Value::parse(&self.arriving[at..])? {
            let reply = &self.arriving[at..at + len];
            at += len;
            if self.place == Place::Console {
                let what = Delivered::Bytes(reply.to_vec());
                deliveries.push(Delivery { request: None, what });
            } else if let Some(pending) = self.pending.pop_front() {
                self.executed = self.executed.saturating_sub(1);
                self.answered = self.answered.saturating_sub(1);
                let what = Delivered::Reply(value);
                deliveries.push(Delivery { request: pending.request, what });
            }
        }
        self.arriving.drain(..at);
        Ok(deliveries)
    }

    /// The timer has rung: whether the oldest command waits too long. If not, it is set again.
    pub(crate) fn is_overdue(&mut self, world: &mut World, id: ClientId, timeout_us: u64) -> bool {
        let Some(oldest) = self.pending.front() else {
            self.timer_runs = false;
            return false;
        };
        let due_us = oldest.sent_us + timeout_us;
        if due_us <= world.now_us {
            return true;
        }
        let step = Step::CacheTimeout { client: id, generation: self.generation };
        world.queue.plan(due_us, step);
        false
    }

    /// Forgets the connection and all that was asked on it.
    pub(crate) fn reset(&mut self, trouble: CacheTrouble) -> Vec<Delivery> {
        let fresh =
            Client { generation: self.generation.wrapping_add(1), ..Client::new(self.place) };
        let old = std::mem::replace(self, fresh);
        let mut lost: Vec<Option<RequestId>> = old.pending.iter().map(|p| p.request).collect();
        if self.place == Place::Console {
            lost.push(None);
        }
        let what = Delivered::Lost(trouble);
        lost.into_iter().map(|request| Delivery { request, what: what.clone() }).collect()
    }
}

fn reply_kind(value: &Value) -> MessageKind {
    match value {
        Value::Bulk(_) => MessageKind::Found,
        Value::Null => MessageKind::NotFound,
        Value::Error(_) => MessageKind::Error,
        _ => MessageKind::Reply,
    }
}

/// When the parts of a message arrive.
struct Arrivals {
    split: Option<usize>,
    first_us: u64,
    last_us: u64,
}

impl Arrivals {
    fn new(world: &mut World, link: LinkModel, len: usize, last_us: &mut u64) -> Self {
        let split = world.split(link, len);
        let first_us = (world.now_us + world.transit_us(link)).max(*last_us);
        let again_us = world.now_us + world.transit_us(link);
        *last_us = if split.is_some() { again_us.max(first_us) } else { first_us };
        Arrivals { split, first_us, last_us: *last_us }
    }

    /// When the first `len` bytes are there.
    fn of(&self, len: usize) -> u64 {
        if self.split.is_some_and(|split| len <= split) { self.first_us } else { self.last_us }
    }

    fn plan(&self, world: &mut World, mut bytes: Vec<u8>, step: impl Fn(Vec<u8>) -> Step) {
        if let Some(split) = self.split {
            let rest = bytes.split_off(split);
            world.queue.plan(self.first_us, step(bytes));
            bytes = rest;
        }
        world.queue.plan(self.last_us, step(bytes));
    }
}
