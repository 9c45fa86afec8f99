//! The data path: one thread, one event loop, every Redis client's socket and the node.
//!
//! Clients' sockets are served by io_uring where the kernel lets us and by epoll where not, all
//! else by epoll. Each turn of the loop: wait for events, read the clocks once, accept, read, let the node
//! execute what all connections have sent, do what it asks, write. While the node has more to do
//! than one budget, sockets are looked at in between without waiting. What must never be here:
//! anything that blocks other than the one wait; knowledge of a command; a file.

mod accept;
mod ask;
mod clients;
mod completion;
mod dial;
#[cfg(target_os = "linux")]
mod ring;
#[cfg(not(target_os = "linux"))]
#[path = "no_ring.rs"]
mod ring;

pub(crate) use ask::{Asker, Health, Snapshot};

use crate::clock::{Clock, Stopwatch};
use crate::disk::Disk;
use crate::log::Log;
use accept::Acceptor;
use ask::Ask;
use cache_core::config::{Config, Id, ShutdownWish};
use cache_core::node::{Action, Run};
use cache_core::{Budget, Node, Now};
use clients::Clients;
use dial::Dialer;
use mio::{Events, Poll, Token};
use ring::Ring;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook_mio::v1_0::Signals;
use std::io;
use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::Duration;

/// Tokens below this one are listeners.
const FIRST_OTHER: usize = 64;
const WAKER: Token = Token(FIRST_OTHER);
const SIGNALS: Token = Token(FIRST_OTHER + 1);
const DIAL: Token = Token(FIRST_OTHER + 2);
/// Tokens from this one on are clients, by their index in the node.
const FIRST_CLIENT: usize = 128;
/// Events that one wait may bring.
const EVENTS: usize = 1024;

/// How long clients wait for what is loaded before they are told that it is.
const QUIET_LOAD: Duration = Duration::from_millis(500);

/// What the loop is made from.
#[derive(Debug)]
pub(crate) struct Parts {
    /// The settings.
    pub(crate) config: Config,
    /// The listening sockets; none when `port` is 0.
    pub(crate) listeners: Vec<TcpListener>,
    /// Where it logs.
    pub(crate) log: Log,
}

/// The event loop and all that it owns.
pub(crate) struct Reactor {
    poll: Poll,
    node: Node,
    clock: Clock,
    now: Now,
    log: Log,
    acceptor: Acceptor,
    clients: Clients,
    disk: Disk,
    dialer: Dialer,
    signals: Signals,
    /// Once set, a further signal ends the process at once, even in the middle of a turn.
    armed: Arc<AtomicBool>,
    asks: Receiver<Ask>,
    /// The node has more to do at once.
    more: bool,
    ending: Option<Ending>,
}

/// A shutdown under way.
#[derive(Clone, Copy, Debug)]
struct Ending {
    /// Clients that haven't taken their replies by this monotonic moment don't get them.
    deadline_us: u64,
}

impl Reactor {
    /// Builds the loop; nothing is served before [`run`](Self::run). The [`Asker`] is how other
    /// threads ask it something.
    pub(crate) fn new(parts: Parts) -> io::Result<(Self, Asker)> {
        let poll = Poll::new()?;
        let clock = Clock::start();
        let now = clock.now();
        let armed = Arc::new(AtomicBool::new(false));
        for signal in [SIGTERM, SIGINT] {
            signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&armed))?;
        }
        let mut signals = Signals::new([SIGTERM, SIGINT])?;
        poll.registry().register(&mut signals, SIGNALS, mio::Interest::READABLE)?;
        let waker = Arc::new(mio::Waker::new(poll.registry(), WAKER)?);
        let disk = Disk::start(&waker)?;
        let dialer = Dialer::new(Arc::clone(&waker));
        let (asker, asks) = ask::channel(waker);
        let clients = Clients::new(ring(&poll, &parts.config, &parts.log));
        let acceptor = Acceptor::new(parts.listeners, poll.registry(), parts.log.clone())?;
        let mut node = Node::new(parts.config, seed()?, now);
        node.keep_files(now);
        let reactor = Reactor {
            poll,
            node,
            clock,
            now,
            log: parts.log,
            acceptor,
            clients,
            disk,
            dialer,
            signals,
            armed,
            asks,
            more: false,
            ending: None,
        };
        Ok((reactor, asker))
    }

    /// Serves until a signal or SHUTDOWN ends it.
    pub(crate) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS);
        if self.load_first()? {
            return Ok(());
        }
        loop {
            self.wait(&mut events)?;
            self.now = self.clock.now();
            self.take_in(&events);
            while let Some((job, event)) = self.disk.answer() {
                self.node.handle_file(self.now, job, event);
            }
            if self.ending.is_none() {
                self.acceptor.accept(
                    self.now,
                    &mut self.node,
                    &mut self.clients,
                    self.poll.registry(),
                );
                self.clients.read(&mut self.node);
                self.dialer.go_on(
                    self.now,
                    &mut self.node,
                    &mut self.clients,
                    self.poll.registry(),
                );
            }
            let mut stopwatch = Stopwatch(self.clock);
            self.more = self.node.run(self.now, Budget::default(), &mut stopwatch) == Run::More;
            self.give_jobs();
            let at_once = self.act()?;
            self.clients.write(self.now, &mut self.node)?;
            self.clients.see_off(&mut self.node, self.more);
            self.answer();
            if at_once || self.has_ended() {
                return Ok(());
            }
        }
    }

    /// Loads what there is before anybody is served, so that who comes early isn't turned away; whoever
    /// comes while much is loaded is told so. `true`: end at once.
    fn load_first(&mut self) -> io::Result<bool> {
        let begun_us = self.now.mono_us;
        loop {
            self.give_jobs();
            self.now = self.clock.now();
            let passed = Duration::from_micros(self.now.mono_us.saturating_sub(begun_us));
            let left = QUIET_LOAD.saturating_sub(passed);
            if !self.node.is_loading() || left.is_zero() {
                break;
            }
            if let Some((job, event)) = self.disk.wait_for_answer(left) {
                self.node.handle_file(self.now, job, event);
            }
            let mut stopwatch = Stopwatch(self.clock);
            while self.node.run(self.now, Budget::default(), &mut stopwatch) == Run::More {}
            if self.act()? {
                return Ok(true);
            }
        }
        self.act()
    }

    /// Has the node's jobs with files done.
    fn give_jobs(&mut self) {
        while let Some(job) = self.node.poll_file() {
            self.disk.give(job);
        }
    }

    /// Waits for the next event, or until something is due.
    fn wait(&mut self, events: &mut Events) -> io::Result<()> {
        let mut patience = self.patience();
        if self.clients.has_ring() {
            events.clear();
            let reads = self.ending.is_none();
            if !self.clients.wait(patience, reads, &mut self.node)? {
                return Ok(());
            }
            patience = Some(Duration::ZERO);
        }
        match self.poll.poll(events, patience) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                events.clear();
                Ok(())
            }
            waited => waited,
        }
    }

    /// How long the next wait may last; `None` is for ever.
    fn patience(&self) -> Option<Duration> {
        let can_take_in = self.clients.can_read() || self.acceptor.is_ready(self.now);
        let dials = self.dialer.can_go_on();
        if self.more || self.clients.can_write() || (can_take_in || dials) && self.ending.is_none()
        {
            return Some(Duration::ZERO);
        }
        let due = [
            self.node.poll_timeout().map(cache_core::time::Timeout::at_us),
            self.acceptor.retry_at_us(),
            self.ending.map(|ending| ending.deadline_us),
        ];
        let at_us = due.into_iter().flatten().min()?;
        Some(Duration::from_micros(at_us.saturating_sub(self.now.mono_us)))
    }

    /// Notes which sockets have become ready, and takes signals.
    fn take_in(&mut self, events: &Events) {
        for event in events {
            match event.token() {
                WAKER => {}
                SIGNALS => self.take_signals(),
                DIAL => self.dialer.note_ready(),
                Token(listener) if listener < FIRST_OTHER => self.acceptor.note_ready(listener),
                Token(client) => {
                    self.clients.note_event(client - FIRST_CLIENT, event, &mut self.node);
                }
            }
        }
    }

    fn take_signals(&mut self) {
        let signals: Vec<_> = self.signals.pending().collect();
        for signal in signals {
            let (name, how) = match signal {
                SIGTERM => ("SIGTERM", Id::ShutdownOnSigterm),
                _ => ("SIGINT", Id::ShutdownOnSigint),
            };
            // First, since whoever reads the line may send the next one at once.
            self.armed.store(true, Ordering::Relaxed);
            self.log.warning(format_args!("Received {name} scheduling shutdown..."));
            let wish = ShutdownWish::parse(self.node.config().text(how)).unwrap_or_default();
            self.node.shut_down(self.now, wish);
        }
    }

    /// Begins the shutdown: no new client, no new command, and what is done may still be read.
    fn end(&mut self) {
        if self.ending.is_some() {
            return;
        }
        self.acceptor.close();
        let patience_us = self.node.config().number(Id::ShutdownTimeout) as u64 * 1_000_000;
        self.ending = Some(Ending { deadline_us: self.now.mono_us + patience_us });
    }

    fn has_ended(&self) -> bool {
        let Some(ending) = self.ending else { return false };
        if !self.more && !self.clients.have_output(&self.node) {
            return true;
        }
        let late = self.now.mono_us >= ending.deadline_us;
        if late {
            self.log.warning("Some clients did not take their replies within shutdown-timeout");
        }
        late
    }

    /// Does what the node asks. `true`: end at once.
    fn act(&mut self) -> io::Result<bool> {
        if !self.node.is_ending() && self.ending.is_none() && self.armed.load(Ordering::Relaxed) {
            // What was to be saved could not be.
            self.armed.store(false, Ordering::Relaxed);
        }
        while let Some(action) = self.node.poll_action() {
            match action {
                Action::ResumeReading(conn) => self.clients.resume_reading(conn)?,
                Action::Log { level, message } => self.log.line(level, &message),
                Action::ConfigChanged(id) => self.follow_setting(id),
                Action::StopFile(job) => self.disk.stop(job),
                Action::Halt { reason } => return Err(io::Error::other(reason)),
                Action::Dial { dial, addr } => self.dialer.dial(dial, &addr),
                Action::Shutdown { now } => {
                    self.end();
                    if now {
                        return Ok(true);
                    }
                }
                // A wish that this host doesn't know is none that it was built with.
                _ => {}
            }
        }
        Ok(false)
    }

    fn follow_setting(&mut self, id: Id) {
        let config = self.node.config();
        match id {
            Id::Loglevel => self.log.set_level(config.word(Id::Loglevel)),
            Id::Maxclients => {
                let wanted = config.number(Id::Maxclients) as u64;
                if let Err(too_few) = crate::limits::allow_clients(wanted) {
                    self.log.warning(too_few);
                }
            }
            _ => {}
        }
    }

    /// Answers the other threads.
    fn answer(&mut self) {
        while let Ok(ask) = self.asks.try_recv() {
            match ask {
                Ask::Health(answer) => {
                    let ending = self.ending.is_some();
                    let _ = answer.send(if ending { Health::Ending } else { Health::Serving });
                }
                Ask::Snapshot(answer) => {
                    let _ = answer.send(Snapshot::of(&self.node, self.now));
                }
            }
        }
    }
}

/// Sets io_uring up, if it is wanted and the kernel lets us.
fn ring(poll: &Poll, config: &Config, log: &Log) -> Option<Ring> {
    if config.number(Id::IoUring) == 0 {
        return None;
    }
    match Ring::new(poll.as_raw_fd()) {
        Ok(ring) => Some(ring),
        Err(error) => {
            log.notice(format_args!("Serving by epoll: io_uring cannot be had: {error}"));
            None
        }
    }
}

/// What hashing and sampling depend on: not to be guessed by a client.
fn seed() -> io::Result<u64> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(u64::from_le_bytes(bytes))
}
