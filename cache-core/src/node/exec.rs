//! Executing: whose turn it is, running a command, and holding its reply back until it is safe.

use super::admit::{Admitted, admit, lookup, must_log_in};
use super::batch::Ahead;
use super::call::{call, distrust};
use super::conn::{ConnFlags, Connection};
use super::cx::{Cx, FirstKey};
use super::error::{Error, Flow};
use super::output::Gate;
use super::post::Post;
use super::replication::Obeyed;
use super::{Action, Budget, Durability, LogLevel, Node, Run, State, timers};
use crate::commands::{self, CommandId, Role};
use crate::config::Id;
use crate::observer::Observer;
use crate::protocol::request::{Limits, Parser};
use crate::protocol::{Args, Frame};
use crate::time::Now;
use alloc::format;
use alloc::vec::Vec;

/// Commands that one connection may run before the others have their turn.
const TURN: u32 = 256;
/// Executed input that is kept in the buffer before the rest is moved to its front, in bytes.
const COMPACT_INPUT: usize = 64 * 1024;

/// A reply is not heard, or the next one is not.
const UNHEARD: ConnFlags =
    ConnFlags::REPLY_OFF.union(ConnFlags::REPLY_SKIP).union(ConnFlags::REPLY_SKIP_NEXT);

impl Node {
    /// Executes what connections have sent, in turns, and what time has made due.
    ///
    /// Gives [`Run::Idle`] also when more than [`EFFECTS_HIGH_WATER`](super::EFFECTS_HIGH_WATER)
    /// wait to be fetched: call again after [`poll_store`](Self::poll_store).
    pub fn run<O: Observer>(&mut self, now: Now, budget: Budget, observer: &mut O) -> Run {
        let now = now.clamped();
        let loads_more = self.state.persist.is_on && self.load_some(now, observer);
        self.tend_files(now);
        let done = self.run_turns(now, budget, observer);
        self.hand_out();
        let feeds_more = self.feed_followers(now);
        self.tend_files(now);
        Post { now, state: &mut self.state, conns: &mut self.conns, own: None }.answer_ack_waits();
        if loads_more || feeds_more { Run::More } else { done }
    }

    fn run_turns<O: Observer>(&mut self, now: Now, budget: Budget, observer: &mut O) -> Run {
        if self.state.sleeps(now) {
            return Run::Idle;
        }
        let expire = budget.background.saturating_add(core::mem::take(&mut self.ran));
        timers::tick(&mut self.state, &mut self.conns, now, expire, observer);
        self.serve_waiting(now, &mut { budget.background }, observer);
        // Not what the expired keys have left of it: with many of them nobody would be served.
        let mut background = budget.background;
        let mut left = budget.commands;
        while left > 0 && background > 0 {
            if self.state.effects.is_backed_up() || self.state.sleeps(now) {
                return Run::Idle;
            }
            self.glance.before_turn(&self.state, &self.conns);
            let Some(id) = self.conns.ready.pop_front() else { return Run::Idle };
            let Some(mut conn) = self.conns.take(id) else { continue };
            conn.flags.remove(ConnFlags::IN_READY);
            let before = conn.out.len();
            let more = self.turn(&mut conn, now, &mut left, &mut background, observer);
            self.state.unsent += conn.out.len().saturating_sub(before);
            self.end_turn(&mut conn, now);
            let goes_on = conn.turn_left > 0;
            self.conns.put_back(conn);
            self.serve_waiting(now, &mut background, observer);
            match (more, goes_on) {
                (true, true) => self.conns.wake_first(id),
                (true, false) => self.conns.wake(id),
                (false, _) => {}
            }
            self.conns.offer(id);
        }
        Run::More
    }

    /// Runs a connection's commands. `true`: it has more that could run at once.
    fn turn<O: Observer>(
        &mut self,
        conn: &mut Connection,
        now: Now,
        left: &mut u32,
        background: &mut u32,
        observer: &mut O,
    ) -> bool {
        conn.active_us = now.mono_us;
        if conn.follower.is_some() {
            conn.note_heard(now);
        }
        if conn.has(ConnFlags::GREETS) {
            return self.greet(conn, now);
        }
        let mut obeyed = Obeyed::new(conn);
        let input = core::mem::take(&mut conn.input);
        let mut parser = core::mem::take(&mut conn.parser);
        let mut batch = core::mem::take(&mut self.batch);
        let quota = if conn.turn_left > 0 { conn.turn_left } else { TURN };
        let granted = quota.min(*left);
        let mut turn = granted;
        let mut is_cut = false;
        self.conns.any_unblocked = false;
        let more = loop {
            if conn.has(ConnFlags::CLOSING | ConnFlags::ABORT)
                || conn.blocked_until_us.is_some()
                || conn.out.len() > self.state.output_high_water()
            {
                break false;
            }
            // Nobody tells a connection when effects have been fetched: it stays in the queue.
            if turn == 0 || *background == 0 || self.state.effects.is_backed_up() {
                is_cut = *left == 0 || *background == 0;
                break true;
            }
            if batch.is_empty() && conn.suspended.is_none() {
                batch.gather(&self.state, conn, &input, &mut parser, turn as usize);
            }
            let mut cx = Bench { now, node: self, conn, observer, background };
            let done = if let Some(suspended) = cx.conn.suspended.take() {
                cx.resume(*suspended)
            } else if let Some(Ahead { args, len, id, first }) = batch.pop(&input) {
                cx.run_read(args, len, id, first)
            } else {
                match cx.next_command(&input, &mut parser) {
                    Some(done) => done,
                    None => break false,
                }
            };
            obeyed.note(conn);
            turn -= 1;
            *left -= 1;
            self.ran += 1;
            if !done {
                // Blocked or suspended: the others go on.
                break conn.suspended.is_some();
            }
            if self.state.blocked.any_changed() || self.conns.any_unblocked {
                // Those that waited for it come first.
                break true;
            }
        };
        if !batch.is_empty() || conn.blocked_until_us.is_some() {
            // What was read ahead and not run is read again, and so is what comes behind it.
            parser.next();
        }
        // How much the host lets be done at a time decides nothing about whose turn it is.
        conn.turn_left = if is_cut { quota - (granted - turn) } else { 0 };
        batch.clear();
        obeyed.pass_on(&mut self.state, conn, &input, now);
        self.batch = batch;
        conn.parser = parser;
        conn.input = input;
        more
    }

    /// After a turn: gives input memory back, lets the host read again, and looks at limits.
    pub(super) fn end_turn(&mut self, conn: &mut Connection, now: Now) {
        if conn.consumed == conn.input.len() {
            conn.input.clear();
            conn.consumed = 0;
            if conn.input.capacity() > COMPACT_INPUT {
                conn.input.shrink_to(COMPACT_INPUT);
            }
        } else if conn.consumed > COMPACT_INPUT {
            conn.input.drain(..conn.consumed);
            conn.consumed = 0;
        }
        let backlog = conn.parser.backlog(conn.unread_input());
        if conn.has(ConnFlags::READING_PAUSED) && backlog <= super::INPUT_HIGH_WATER / 2 {
            conn.flags.remove(ConnFlags::READING_PAUSED);
            self.state.act(Action::ResumeReading(conn.id));
        }
        if self.state.passes_output_limit(conn, now) {
            self.state.close_for_output(conn);
        }
    }
}

/// All that running commands of one connection needs.
pub(super) struct Bench<'a, O: Observer> {
    pub(super) now: Now,
    pub(super) node: &'a mut Node,
    pub(super) conn: &'a mut Connection,
    pub(super) observer: &'a mut O,
    pub(super) background: &'a mut u32,
}

impl<O: Observer> Bench<'_, O> {
    /// Reads and runs the next command. `None`: it isn't complete yet. `false`: it blocks or is
    /// suspended.
    fn next_command(&mut self, input: &[u8], parser: &mut Parser) -> Option<bool> {
        let limits = limits(&self.node.state, self.conn);
        let buf = &input[self.conn.consumed..];
        let parsed = match parser.parse(buf, limits) {
            Ok(Some(parsed)) => parsed,
            Ok(None) => return None,
            Err(error) => {
                self.conn.out.reply.error(format!("ERR Protocol error: {error}").as_bytes());
                self.conn.flags.insert(ConnFlags::CLOSING);
                self.conn.consumed = input.len();
                parser.next();
                let line = format!("Protocol error from client id={}: {error}", self.conn.id.id);
                self.node.state.log(LogLevel::Verbose, line);
                return Some(true);
            }
        };
        let done = self.run_read(parser.args(buf), parsed.len, None, None);
        parser.next();
        Some(done)
    }

    /// Runs a command that has been read and took so many bytes. `false`: it blocks or is suspended.
    fn run_read(
        &mut self,
        args: Args<'_>,
        len: usize,
        known: Option<CommandId>,
        first: Option<FirstKey<'_>>,
    ) -> bool {
        // Counted here and not when they came in, so that how they were cut shows nowhere.
        self.conn.bytes_in += len as u64;
        self.node.state.stats.net_input_bytes += len as u64;
        let blocked = !args.is_empty() && !self.execute(args, known, first);
        if self.conn.blocked_until_us.is_none() || self.conn.waits() {
            self.conn.consumed += len;
        } else {
            // It will be read again.
            self.conn.bytes_in -= len as u64;
            self.node.state.stats.net_input_bytes -= len as u64;
        }
        !blocked
    }

    /// Goes on with a suspended command.
    fn resume(&mut self, suspended: super::Suspended) -> bool {
        let frame = suspended.frame.clone();
        self.conn.suspended = Some(alloc::boxed::Box::new(suspended));
        self.execute(frame.args(), None, None)
    }

    /// Runs one command or queues it, and writes its reply. `false`: it blocks or is suspended.
    fn execute(
        &mut self,
        args: Args<'_>,
        known: Option<CommandId>,
        first: Option<FirstKey<'_>>,
    ) -> bool {
        let mark = self.conn.out.len();
        let (state, conn) = (&mut self.node.state, &mut *self.conn);
        let flow = match admit(state, conn, args, known, self.now, self.observer) {
            Ok(Admitted::Run(id)) => self.call(id, args, first),
            Ok(Admitted::Queue) => {
                enqueue(conn, args);
                Flow::Done
            }
            Ok(Admitted::Wait { until_us }) => Flow::Blocked { until_us },
            Err(error) => {
                // A command that was under way and is refused now does not go on.
                conn.suspended = None;
                let passed_over = conn.has(ConnFlags::LINK) && lookup(args).is_err();
                if conn.has(ConnFlags::MULTI) && !passed_over {
                    conn.flags.insert(ConnFlags::DIRTY_EXEC);
                }
                if let Ok(id) = lookup(args) {
                    state.tally.calls_mut(id.index()).rejected += 1;
                }
                let message = refusal(&error, args, conn, state);
                state.note_error(&message);
                conn.out.reply.error(&message);
                if passed_over {
                    state.note_unknown(&message);
                } else if conn.has(ConnFlags::REPLAY) {
                    distrust(state, conn, &message);
                }
                // It shows nothing that could be lost, and says why others wait.
                if conn.has(UNHEARD) || !conn.pushes.is_empty() {
                    settle_unheard(conn, mark);
                }
                self.post().tell_news();
                return true;
            }
        };
        match flow {
            Flow::Done => {
                if self.node.state.has_news() {
                    self.post().tell_news();
                }
                self.settle(mark);
                true
            }
            Flow::Blocked { until_us } => {
                self.block(until_us);
                false
            }
            Flow::Waits(wait) => {
                self.block(wait.until_us);
                self.node.state.blocked.add(self.conn.id, self.conn.db, &wait);
                self.conn.wait = Some(wait);
                false
            }
            Flow::Acks(wait) => {
                self.block(wait.until_us);
                self.node.state.replication.waiters.push(self.conn.id);
                self.conn.acks = Some(wait);
                false
            }
            Flow::Suspended => false,
        }
    }

    pub(super) fn call(
        &mut self,
        id: CommandId,
        args: Args<'_>,
        first: Option<FirstKey<'_>>,
    ) -> Flow {
        let Node { state, conns, .. } = &mut *self.node;
        let mut cx = Cx {
            now: self.now,
            spec: id.spec(),
            args,
            first,
            conn: self.conn,
            state,
            conns,
            observer: &mut *self.observer,
            background: &mut *self.background,
            in_exec: false,
            redacted: 0,
            took_ns: None,
            effects_done: false,
        };
        call(&mut cx, id)
    }

    fn block(&mut self, until_us: u64) {
        self.conn.blocked_until_us = Some(until_us);
        self.node.conns.block(self.conn.id, until_us);
    }

    pub(super) fn post(&mut self) -> Post<'_> {
        let Node { state, conns, .. } = &mut *self.node;
        Post { now: self.now, state, conns, own: Some(&mut *self.conn) }
    }

    /// Applies what CLIENT REPLY says to the reply that begins at `mark`, lets pushes follow it, and
    /// holds it back until it is safe.
    pub(super) fn settle(&mut self, mark: usize) {
        let conn = &mut *self.conn;
        if conn.has(UNHEARD) || !conn.pushes.is_empty() {
            settle_unheard(conn, mark);
        }
        let state = &self.node.state;
        let is_gated = state.durability != Durability::Async || state.log_gates;
        if !is_gated || conn.is_follower() || conn.out.len() == mark {
            return;
        }
        // Reads are held back too: they may show what isn't safe yet.
        let effects = &state.effects;
        let offset = effects.offset();
        if state.log_gates && offset > state.persist.tail.synced() {
            conn.out.hold_back(mark, Gate::Logged(offset));
        }
        match self.node.state.durability {
            Durability::Stored if offset > effects.stored() => {
                conn.out.hold_back(mark, Gate::Stored(offset));
            }
            Durability::Replicated if offset > effects.replicated() => {
                conn.out.hold_back(mark, Gate::Replicated(offset));
            }
            _ => {}
        }
    }
}

/// Applies what CLIENT REPLY says to the reply that begins at `mark`, and lets pushes follow it.
#[cold]
fn settle_unheard(conn: &mut Connection, mark: usize) {
    if conn.has(ConnFlags::REPLY_OFF | ConnFlags::REPLY_SKIP) {
        conn.out.reply.truncate(mark);
    }
    let skip = conn.has(ConnFlags::REPLY_SKIP_NEXT);
    conn.flags.remove(ConnFlags::REPLY_SKIP_NEXT);
    conn.flags.set(ConnFlags::REPLY_SKIP, skip);
    let pushes = core::mem::take(&mut conn.pushes);
    conn.out.reply.raw(&pushes);
}

/// What a command that may not run is answered. EXEC, which nobody would send again, ends its
/// transaction.
fn refusal(error: &Error, args: Args<'_>, conn: &mut Connection, state: &mut State) -> Vec<u8> {
    let message = error.message();
    let runs_queue = lookup(args).is_ok_and(|id| id.spec().is(Role::RUNS_QUEUE));
    if !runs_queue || conn.has(ConnFlags::REPLAY) {
        return message;
    }
    commands::abandon(conn, state);
    let reason = message.strip_prefix(b"ERR ").unwrap_or(&message);
    [b"EXECABORT Transaction discarded because of: ", reason].concat()
}

/// What a connection may send at this moment.
pub(super) fn limits(state: &State, conn: &Connection) -> Limits {
    let bulk = match conn.has(ConnFlags::REPLAY) {
        // What was taken once is taken again, whatever the limit is now.
        true => i64::MAX,
        false => state.config.number(Id::ProtoMaxBulkLen),
    };
    Limits { bulk, authenticated: !must_log_in(state, conn) }
}

fn enqueue(conn: &mut Connection, args: Args<'_>) {
    let frame = Frame::from(args);
    conn.queued_bytes += frame.size();
    conn.queued.push(frame);
    conn.out.reply.simple("QUEUED");
}
