//! A thread of the load generator: its connections around one event loop.
//!
//! Without a rate each connection sends a batch of `pipeline` requests, waits for all their
//! replies and sends the next: the load waits for the server. With a rate requests leave when they
//! are due, on whichever connection has room for one, at most `pipeline` at a time on each.
//! What must never be here: what is in a request or a reply.

use super::connection::{Came, Connection};
use super::keys::{Keys, Random};
use super::pace::{Alarm, Pace};
use super::tally::{Counters, Tally};
use super::workload::Workload;
use mio::event::Event;
use mio::{Events, Interest, Poll, Token};
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Bytes read at once: a batch of replies, and small enough to stay in the cache.
const READ: usize = 64 * 1024;
/// How often a thread looks whether it is to end, when nothing else happens.
const LOOK: Duration = Duration::from_millis(20);
/// So long after the end of its time a run waits for the last replies.
const GRACE: Duration = Duration::from_secs(5);
/// The alarm's token; connections have the smaller ones.
const ALARM: Token = Token(usize::MAX - 1);

/// What all threads of a run share.
pub(crate) struct Shared<'a> {
    pub(crate) workload: &'a Workload,
    pub(crate) pipeline: usize,
    pub(crate) start: Instant,
    /// No request leaves later than this after the start.
    pub(crate) duration: Option<Duration>,
    /// How many requests there are to send.
    pub(crate) requests: Option<u64>,
    /// Requests that a thread has taken on itself, without a rate.
    pub(crate) taken: AtomicU64,
    /// Somebody asked to end.
    pub(crate) interrupted: &'a AtomicBool,
    /// A thread failed.
    pub(crate) failed: AtomicBool,
}

/// What one thread has for itself.
pub(crate) struct Own<'a> {
    pub(crate) connections: Vec<Connection>,
    pub(crate) keys: Keys,
    pub(crate) random: Random,
    /// None: as fast as replies come.
    pub(crate) pace: Option<Pace>,
    pub(crate) counters: &'a Counters,
}

/// The thread.
struct Worker<'a> {
    shared: &'a Shared<'a>,
    own: Own<'a>,
    poll: Poll,
    alarm: Alarm,
    buffer: Vec<u8>,
    tally: Tally,
    in_flight: u64,
    /// With a rate: requests sent so far, connections with room, and those with bytes to write.
    next: u64,
    roomy: VecDeque<usize>,
    unwritten: Vec<usize>,
    /// When it was over, in nanoseconds from the start.
    over: Option<u64>,
}

/// Runs until requests or time are used up, somebody asks to end, or a connection fails.
pub(crate) fn run(shared: &Shared<'_>, own: Own<'_>) -> Tally {
    let mut worker = match Worker::new(shared, own) {
        Ok(worker) => worker,
        Err(error) => {
            shared.failed.store(true, Ordering::Relaxed);
            let mut tally = Tally::new(shared.workload.ops.len());
            tally.failure = Some(format!("the event loop: {error}"));
            return tally;
        }
    };
    if let Err(failure) = worker.serve() {
        shared.failed.store(true, Ordering::Relaxed);
        worker.tally.failure = Some(failure);
    }
    worker.tally
}

impl<'a> Worker<'a> {
    fn new(shared: &'a Shared<'a>, mut own: Own<'a>) -> io::Result<Self> {
        let poll = Poll::new()?;
        for (at, connection) in own.connections.iter_mut().enumerate() {
            let both = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(&mut connection.stream, Token(at), both)?;
        }
        Ok(Worker {
            alarm: Alarm::new(poll.registry(), ALARM)?,
            poll,
            buffer: vec![0; READ],
            tally: Tally::new(shared.workload.ops.len()),
            in_flight: 0,
            next: 0,
            roomy: (0..own.connections.len()).collect(),
            unwritten: Vec::new(),
            over: None,
            shared,
            own,
        })
    }

    fn serve(&mut self) -> Result<(), String> {
        let mut events = Events::with_capacity(1024);
        if self.own.pace.is_none() {
            for at in 0..self.own.connections.len() {
                self.send_batch(at)?;
            }
        }
        loop {
            self.send_due()?;
            let now = self.now();
            self.look_for_the_end(now);
            if let Some(over) = self.over
                && (self.in_flight == 0 || now > over + GRACE.as_nanos() as u64)
            {
                return Ok(());
            }
            let timeout = self.timeout().map_err(broken)?;
            match self.poll.poll(&mut events, Some(timeout)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                done => done.map_err(broken)?,
            }
            let mut came = Came::default();
            for event in events.iter().filter(|event| event.token() != ALARM) {
                self.on_event(event, &mut came)?;
            }
            self.own.counters.add(came.answered, came.errors, came.waited);
        }
    }

    /// Nanoseconds from the start.
    fn now(&self) -> u64 {
        self.shared.start.elapsed().as_nanos() as u64
    }

    fn look_for_the_end(&mut self, now: u64) {
        let Shared { duration, requests, interrupted, failed, .. } = self.shared;
        if self.over.is_some() {
            return;
        }
        let late = duration.is_some_and(|duration| now >= duration.as_nanos() as u64);
        let told = interrupted.load(Ordering::Relaxed) || failed.load(Ordering::Relaxed);
        let sent = self
            .own
            .pace
            .is_some_and(|pace| requests.is_some_and(|requests| pace.place(self.next) >= requests));
        if late || told || sent {
            self.over = Some(now);
            // With room, all have left that were due when it was last looked.
            if let Some(pace) = self.own.pace.filter(|_| self.roomy.is_empty()) {
                let until = duration.map_or(now, |d| now.min(d.as_nanos() as u64));
                let due = pace.due_by(until).min(requests.map_or(u64::MAX, |all| pace.share(all)));
                self.tally.unsent = due.saturating_sub(self.next);
            }
        }
    }

    /// How long to poll.
    fn timeout(&self) -> io::Result<Duration> {
        match self.own.pace {
            // With no room there is nothing to be woken for but replies.
            Some(pace) if self.over.is_none() && !self.roomy.is_empty() => {
                let wait = pace.due(self.next).saturating_sub(self.now());
                self.alarm.set(Duration::from_nanos(wait), LOOK)
            }
            _ => Ok(LOOK),
        }
    }

    fn on_event(&mut self, event: &Event, came: &mut Came) -> Result<(), String> {
        let at = event.token().0;
        let connection = &mut self.own.connections[at];
        if event.is_writable() {
            connection.flush(&mut self.tally).map_err(broken)?;
        }
        if !event.is_readable() && !event.is_read_closed() {
            return Ok(());
        }
        let before = connection.in_flight();
        let start = self.shared.start;
        let clock = || start.elapsed().as_nanos() as u64;
        let closed = event.is_read_closed();
        let some = connection.read(&mut self.buffer, clock, closed, &mut self.tally)?;
        came.answered += some.answered;
        came.errors += some.errors;
        came.waited += some.waited;
        self.in_flight -= some.answered;
        let left = connection.in_flight();
        if self.own.pace.is_some() {
            if before >= self.shared.pipeline && left < self.shared.pipeline {
                self.roomy.push_back(at);
            }
        } else if left == 0 {
            self.send_batch(at)?;
        }
        Ok(())
    }

    /// Without a rate: sends the next batch, unless it is over.
    fn send_batch(&mut self, at: usize) -> Result<(), String> {
        let count = if self.over.is_some() { 0 } else { self.take(self.shared.pipeline as u64) };
        if count == 0 {
            return Ok(());
        }
        let now = self.now();
        let Own { connections, keys, random, .. } = &mut self.own;
        let connection = &mut connections[at];
        for _ in 0..count {
            connection.ask(self.shared.workload, keys, random, now);
        }
        self.tally.sent += count;
        self.in_flight += count;
        connection.flush(&mut self.tally).map_err(broken)
    }

    /// Takes up to so many requests of those that are to be sent; with the last it is over.
    fn take(&mut self, wanted: u64) -> u64 {
        let Some(requests) = self.shared.requests else { return wanted };
        let before = self.shared.taken.fetch_add(wanted, Ordering::Relaxed);
        let got = requests.saturating_sub(before).min(wanted);
        if got < wanted {
            self.over = Some(self.now());
        }
        got
    }

    /// With a rate: sends what is due, as far as there is room.
    fn send_due(&mut self) -> Result<(), String> {
        let Some(pace) = self.own.pace else { return Ok(()) };
        if self.over.is_some() {
            return Ok(());
        }
        let end = self.shared.duration.map_or(u64::MAX, |d| d.as_nanos() as u64);
        let now = self.now().min(end);
        while let Some(&at) = self.roomy.front() {
            let due = pace.due(self.next);
            let none = self.shared.requests.is_some_and(|all| pace.place(self.next) >= all);
            if due > now || none {
                break;
            }
            let Own { connections, keys, random, .. } = &mut self.own;
            let connection = &mut connections[at];
            connection.ask(self.shared.workload, keys, random, due);
            self.tally.late.saturating_record(now - due);
            self.roomy.pop_front();
            if connection.in_flight() < self.shared.pipeline {
                self.roomy.push_back(at);
            }
            self.unwritten.push(at);
            self.next += 1;
            self.tally.sent += 1;
            self.in_flight += 1;
        }
        while let Some(at) = self.unwritten.pop() {
            self.own.connections[at].flush(&mut self.tally).map_err(broken)?;
        }
        Ok(())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
fn broken(error: io::Error) -> String {
    format!("the connection broke: {error}")
}
