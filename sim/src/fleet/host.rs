//! A machine with one node: what a server does for the engine, in simulated time.
//!
//! Bytes come in over the network; the node runs in turns that take modelled time; replies leave when
//! their turn is over. A process may end at any moment, and a machine may lose its power. What must never
//! be here: the meaning of a command; when a file is written.

mod process;

use super::disk::{Disk, Loss};
use super::files::{Files, in_words};
use super::network::{Machine, Network, Parcel, WireId};
use super::record::Note;
use super::world::{Step, World};
use crate::random::{Purpose, Random};
use crate::watch::Watch;
use cache_core::node::{Action, FileEvent, FileOp, Run};
use cache_core::time::Timeout;
use cache_core::{Budget, Config, ConnId, Node, Now, Peer};

/// Commands that one turn of the node's loop runs at the most.
const TURN_COMMANDS: u32 = 64;
/// What a turn takes, and each of its commands, in microseconds.
const TURN_US: u64 = 40;
const COMMAND_US: u64 = 4;
/// Ports begin here: node 3 listens on 7003.
pub(crate) const PORTS: u32 = 7000;
/// How far clocks differ at the most, either way, in microseconds.
const SKEW_US: u64 = 40_000;

/// Where a node is in its loop. `plan` tells the steps of this state from those of earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It sleeps until this moment at the latest.
    Asleep { until_us: Option<u64> },
    /// It executes; whether there is more to do at once.
    Busy { more: bool },
}

/// What runs on a machine while it is up.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pub(crate) node: Node,
    phase: Phase,
    /// Connections: by which name the node knows them, and which end of which wire they are.
    conns: Vec<(ConnId, WireId, usize)>,
    /// What the clocks show beside the simulated time.
    mono_us: u64,
    skew_us: u64,
    /// It gets no time to run before this moment.
    frozen_until_us: u64,
    files: Files,
    /// When the turn began that is under way or was last.
    turn_us: u64,
    /// Of which moment the snapshot is that is being written.
    saving_us: Option<u64>,
}

#[derive(Clone, Debug)]
pub(crate) struct Host {
    pub(crate) id: Machine,
    settings: Vec<(String, String)>,
    keeps_files: bool,
    pub(crate) process: Option<Process>,
    /// How often the node was started.
    pub(crate) boot: u32,
    pub(crate) has_power: bool,
    pub(crate) disk: Disk,
    plan: u64,
    seeds: Random,
    /// What a loss of power leaves, and how long disks take.
    dice: Random,
    pub(crate) commands: u64,
    /// Of which moment the last whole snapshot is.
    pub(crate) saved_us: u64,
    /// Since when the disk has failed or been slow.
    pub(crate) ailing_since_us: Option<u64>,
    /// What was safe of files that were being written when power was lost.
    repairs: Vec<(String, usize)>,
}

/// What a host can't do for itself.
#[derive(Clone, Debug)]
pub(crate) enum Wish {
    /// The process is to end, since the node says so: with an error, if there is a line.
    End,
    /// The node can't go on, and says why.
    Halt(String),
    /// A connection to this machine, under the number of its dial.
    Call(Machine, u32),
    /// One to an address that is nobody's.
    CallNobody(u32),
}

/// The file of the snapshot.
const SNAPSHOT: &str = "dump.rdb";

/// Whether a job begins to write the snapshot.
fn is_snapshot(op: &FileOp) -> bool {
    matches!(op, FileOp::Write { path, .. } if path.strip_prefix("temp-") == Some(SNAPSHOT))
}

/// The machine that an address names.
fn machine_of(addr: &str) -> Option<Machine> {
    let (host, port) = addr.rsplit_once(':')?;
    let by_name = host.strip_prefix("node-").and_then(|number| number.parse().ok());
    by_name.or_else(|| port.parse::<u32>().ok()?.checked_sub(PORTS))
}

impl Host {
    pub(crate) fn new(
        id: Machine,
        settings: Vec<(String, String)>,
        keeps_files: bool,
        seeds: Random,
    ) -> Self {
        Host {
            id,
            settings,
            keeps_files,
            process: None,
            boot: 0,
            has_power: true,
            disk: Disk::default(),
            plan: 0,
            dice: Random::new(u64::from(id) ^ seeds.clone().next_u64(), Purpose::Disks),
            seeds,
            commands: 0,
            saved_us: 0,
            ailing_since_us: None,
            repairs: Vec::new(),
        }
    }

    /// The process starts, with what the disk holds.
    pub(crate) fn start(&mut self, world: &mut World) {
        self.boot += 1;
        self.has_power = true;
        world.tell(&Note::Up { host: self.id, boot: self.boot });
        let mut process = Process {
            node: Node::new(Config::default(), 0, Now::default()),
            phase: Phase::Asleep { until_us: None },
            conns: Vec::new(),
            mono_us: 1_000_000 + self.seeds.below(1 << 32),
            skew_us: self.seeds.below(2 * SKEW_US),
            frozen_until_us: 0,
            files: Files::default(),
            turn_us: 0,
            saving_us: None,
        };
        let mut config = Config::default();
        let port = (PORTS + self.id).to_string();
        let own = [("port", port.as_str()), ("proto-max-bulk-len", "1mb")];
        let given = self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in own.into_iter().chain(given) {
            let set = config.set(name, value);
            debug_assert!(set.is_ok(), "{name}: {set:?}");
        }
        process.node = Node::new(config, self.seeds.next_u64(), process.now(world));
        if self.keeps_files {
            let now = process.now(world);
            process.node.keep_files(now);
        }
        self.process = Some(process);
        self.wake(world, world.now_us);
    }

    /// The process ends at once; with the power, if there is a loss to be had.
    pub(crate) fn stop(&mut self, world: &mut World, network: &mut Network, loss: Option<Loss>) {
        let Some(mut process) = self.process.take() else { return };
        world.tell(&Note::Down { host: self.id, loss });
        self.plan += 1;
        self.has_power = loss.is_none();
        for (_, wire, end) in process.conns {
            match loss {
                None => network.close(world, wire, end),
                Some(_) => network.vanish(wire, end),
            }
        }
        process.files.abandon(&mut self.disk, &mut self.dice);
        self.repairs = Vec::new();
        if let Some(loss) = loss {
            self.repairs = self.disk.torn(loss);
            self.disk.lose_power(loss, &mut self.dice);
        }
    }

    /// Someone wants a connection. `false`: there is no room.
    pub(crate) fn accept(&mut self, world: &World, wire: WireId, from: Machine) -> bool {
        let Some(process) = &mut self.process else { return false };
        let peer = Peer {
            addr: format!("10.0.0.{}:{}", from + 1, 40_000 + wire % 20_000),
            laddr: format!("10.0.0.{}:{}", self.id + 1, PORTS + self.id),
            ..Peer::default()
        };
        let now = process.now(world);
        let Ok(conn) = process.node.handle_connect(now, peer) else { return false };
        process.conns.push((conn, wire, 1));
        true
    }

    /// Something has reached this end of a connection.
    pub(crate) fn take(
        &mut self,
        world: &mut World,
        network: &mut Network,
        (wire, end): (WireId, usize),
        parcel: &Parcel,
    ) -> Option<Machine> {
        let process = self.process.as_mut()?;
        let conn = process.conns.iter().find(|(_, id, at)| (*id, *at) == (wire, end))?.0;
        let mut waits = None;
        match parcel {
            Parcel::Bytes(bytes) => {
                let intake = process.node.handle_bytes(conn, bytes);
                if intake.pause {
                    network.pause(wire, end);
                }
                waits = network.taken(wire, end, bytes.len());
            }
            Parcel::End => {
                process.forget(conn);
                network.close(world, wire, end);
            }
        }
        self.wake(world, world.now_us);
        waits
    }

    /// A connection has broken.
    pub(crate) fn lose(&mut self, world: &mut World, wire: WireId, end: usize) {
        let Some(process) = &mut self.process else { return };
        let found = process.conns.iter().find(|(_, id, at)| (*id, *at) == (wire, end));
        if let Some(&(conn, ..)) = found {
            process.forget(conn);
            self.wake(world, world.now_us);
        }
    }

    /// What its clocks show.
    pub(crate) fn now(&self, world: &World) -> Option<Now> {
        self.process.as_ref().map(|process| process.now(world))
    }

    /// What became of a connection that the node asked for. `false`: nobody wants it any more.
    pub(crate) fn dialed(
        &mut self,
        world: &mut World,
        (boot, dial): (u32, u32),
        outcome: Result<WireId, &'static str>,
    ) -> bool {
        let process = self.process.as_mut().filter(|_| boot == self.boot);
        let Some(process) = process else { return false };
        let now = process.now(world);
        let conn = process.node.handle_dialed(now, dial, outcome.map(|_| Peer::default()));
        if let (Some(conn), Ok(wire)) = (conn, outcome) {
            process.conns.push((conn, wire, 0));
        }
        self.wake(world, world.now_us);
        conn.is_some()
    }

    /// Plans a turn at `at_us`, unless one is under way or comes sooner.
    pub(crate) fn wake(&mut self, world: &mut World, at_us: u64) {
        let Some(process) = &mut self.process else { return };
        let at_us = at_us.max(process.frozen_until_us);
        match &mut process.phase {
            Phase::Busy { more } => *more |= at_us <= world.now_us,
            Phase::Asleep { until_us } if until_us.is_none_or(|until| at_us < until) => {
                *until_us = Some(at_us);
                self.plan += 1;
                world.queue.plan(at_us, Step::Turn { host: self.id, plan: self.plan });
            }
            Phase::Asleep { .. } => {}
        }
    }

    /// The process gets no time for a while.
    pub(crate) fn freeze(&mut self, world: &World, for_us: u64) {
        if let Some(process) = &mut self.process {
            process.frozen_until_us = world.now_us + for_us;
        }
    }

    /// The wall clock jumps.
    pub(crate) fn set_clock(&mut self, skew_us: u64) {
        if let Some(process) = &mut self.process {
            process.skew_us = skew_us;
        }
    }

    pub(crate) fn turn(&mut self, world: &mut World, plan: u64) {
        let Some(process) = self.process.as_mut().filter(|_| plan == self.plan) else { return };
        if process.frozen_until_us > world.now_us {
            let at_us = process.frozen_until_us;
            world.queue.plan(at_us, Step::Turn { host: self.id, plan });
            return;
        }
        process.turn_us = world.now_us;
        let now = process.now(world);
        let budget = Budget { commands: TURN_COMMANDS, ..Budget::default() };
        let before = process.node.stats().commands;
        let run = process.node.run(now, budget, &mut Watch::blind());
        let commands = process.node.stats().commands.saturating_sub(before);
        self.commands += commands;
        process.phase = Phase::Busy { more: run == Run::More };
        self.plan += 1;
        if commands > 0 {
            world.tell(&Note::Turn { host: self.id, commands });
        }
        world.plan_in(
            TURN_US + commands * COMMAND_US,
            Step::TurnEnd { host: self.id, plan: self.plan },
        );
    }

    /// A turn is over: what it made leaves, and the node looks for what to do next.
    pub(crate) fn turn_end(
        &mut self,
        world: &mut World,
        network: &mut Network,
        plan: u64,
    ) -> Vec<Wish> {
        let Some(process) = self.process.as_mut().filter(|_| plan == self.plan) else {
            return Vec::new();
        };
        let Phase::Busy { more } = process.phase else { return Vec::new() };
        let mut more = more;
        while let Some(conn) = process.node.poll_transmit() {
            more |= process.transmit(world, network, conn);
        }
        let mut wishes = Vec::new();
        while let Some(action) = process.node.poll_action() {
            match action {
                Action::Shutdown { .. } => wishes.push(Wish::End),
                Action::Halt { reason } => wishes.push(Wish::Halt(reason)),
                Action::StopFile(job) => process.files.stop(job),
                Action::Dial { dial, addr } => wishes.push(match machine_of(&addr) {
                    Some(machine) => Wish::Call(machine, dial),
                    None => Wish::CallNobody(dial),
                }),
                Action::ResumeReading(conn) => {
                    let found = process.conns.iter().find(|(id, ..)| *id == conn);
                    if let Some(&(_, wire, end)) = found {
                        network.resume(world, wire, end);
                    }
                }
                Action::Log { message, .. } => {
                    world.tell(&Note::Log { host: self.id, line: message });
                }
                _ => {}
            }
        }
        while let Some(job) = process.node.poll_file() {
            world.tell(&Note::Job { host: self.id, what: in_words(&job.op) });
            if is_snapshot(&job.op) {
                process.saving_us = Some(process.turn_us);
            }
            if let Some((lane, us)) = process.files.push(job, &mut self.disk) {
                world.plan_in(us, Step::Disk { host: self.id, boot: self.boot, lane });
            }
        }
        process.phase = Phase::Asleep { until_us: None };
        let timeout = process.node.poll_timeout().map(Timeout::at_us);
        let timeout_us = timeout.map(|at_us| at_us.saturating_sub(process.mono_us));
        let due_us = if more { Some(world.now_us) } else { timeout_us };
        if let Some(at_us) = due_us {
            self.wake(world, at_us.max(world.now_us));
        }
        wishes
    }

    /// The disk is done with a part of a job.
    pub(crate) fn disk_done(&mut self, world: &mut World, boot: u32, lane: usize) {
        let Some(process) = self.process.as_mut().filter(|_| boot == self.boot) else { return };
        let (done, next) = process.files.part(lane, &mut self.disk, &mut self.dice);
        if let Some(us) = next {
            world.plan_in(us, Step::Disk { host: self.id, boot, lane });
        }
        let Some((id, event, op)) = done else { return };
        let ending = match &event {
            FileEvent::Failed(error) => format!("failed: {}", error.reason),
            _ => String::from("done"),
        };
        world.tell(&Note::JobDone { host: self.id, what: format!("{}: {ending}", in_words(&op)) });
        if matches!(&op, FileOp::Rename { to, .. } if to == SNAPSHOT)
            && matches!(event, FileEvent::Done { .. })
        {
            self.saved_us = process.saving_us.take().unwrap_or(self.saved_us);
        }
        let now = process.now(world);
        process.node.handle_file(now, id, event);
        self.wake(world, world.now_us);
    }

    /// What a person does who finds that the node doesn't start since the machine wrote its last files
    /// in no order: cuts them to what is safe. `false`: there is nothing to cut.
    pub(crate) fn repair(&mut self) -> bool {
        let repairs = std::mem::take(&mut self.repairs);
        for (path, len) in &repairs {
            self.disk.keep_safe_part(path, *len);
        }
        !repairs.is_empty()
    }

    /// An end of a connection has room again.
    pub(crate) fn has_room(&mut self, world: &mut World, network: &mut Network, wire: WireId) {
        let Some(process) = &mut self.process else { return };
        let found = process.conns.iter().find(|(_, id, _)| *id == wire);
        if let Some(&(conn, ..)) = found {
            process.transmit(world, network, conn);
            self.wake(world, world.now_us);
        }
    }
}
