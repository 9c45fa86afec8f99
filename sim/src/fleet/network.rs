//! The network: connections between machines, and all that can happen to them.
//!
//! A connection carries bytes in order, each way for itself, cut anywhere, and holds so many of them at
//! the most. While two machines can't reach each other, what is under way waits, as it does where lost
//! packets are sent again; when a connection breaks, what is under way is gone, and each end learns of it
//! in its own time, if it ever does. What must never be here: what the bytes mean.

use super::world::{Step, World};
use crate::random::Random;
use std::collections::VecDeque;

/// A machine: the nodes by their numbers, then the clients.
pub(crate) type Machine = u32;
/// Names a connection; none is used twice.
pub(crate) type WireId = u64;

/// Bytes of one direction that may be under way: past it the sender has to wait.
const WINDOW: u32 = 256 << 10;
/// The most bytes that travel in one piece.
const PIECE: usize = 32 << 10;
/// A lost packet is sent again after this, in microseconds.
const RESEND_US: u64 = 200_000;
/// An end learns after at most this, in microseconds, that its connection is broken.
const LEARN_US: u64 = 3_000_000;

/// How links are when nothing is wrong with them, in microseconds and in thousandths of all pieces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Links {
    pub(crate) latency_us: u64,
    pub(crate) jitter_us: u64,
    /// Pieces that are cut in two on their way.
    pub(crate) split_permille: u32,
    /// Pieces that get lost and are sent again.
    pub(crate) loss_permille: u32,
}

/// What goes from one end of a connection to the other.
#[derive(Clone, Debug)]
pub(crate) enum Parcel {
    Bytes(Vec<u8>),
    /// Nothing more comes.
    End,
}

/// What has arrived at an end of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Arrived {
    pub(crate) machine: Machine,
    pub(crate) parcel: Parcel,
}

/// One direction of a connection.
#[derive(Clone, Debug, Default)]
struct Way {
    /// When the last piece arrives: nothing overtakes it.
    last_us: u64,
    /// Bytes that were sent and not taken yet.
    under_way: u32,
    /// What can't get through now.
    held: VecDeque<Parcel>,
    /// What has arrived, and the other end doesn't want yet.
    waiting: VecDeque<Parcel>,
    is_paused: bool,
}

#[derive(Clone, Debug)]
struct Wire {
    /// Who dialed, and who was dialed.
    machines: [Machine; 2],
    /// Whether the end still holds it.
    is_open: [bool; 2],
    is_broken: bool,
    /// From this end to the other.
    ways: [Way; 2],
}

#[derive(Clone, Debug)]
pub(crate) struct Network {
    links: Links,
    random: Random,
    machines: u32,
    /// By id, which rises.
    wires: Vec<(WireId, Wire)>,
    last_id: WireId,
    /// For each ordered pair of machines, how many partitions stand between them.
    walls: Vec<u16>,
    /// And how much longer a piece takes, in microseconds.
    delays: Vec<u64>,
}

impl Network {
    pub(crate) fn new(machines: u32, links: Links, random: Random) -> Self {
        let pairs = (machines * machines) as usize;
        Network {
            links,
            random,
            machines,
            wires: Vec::new(),
            last_id: 0,
            walls: vec![0; pairs],
            delays: vec![0; pairs],
        }
    }

    fn pair(&self, from: Machine, to: Machine) -> usize {
        (from * self.machines + to) as usize
    }

    fn place(&self, id: WireId) -> Option<usize> {
        self.wires.binary_search_by_key(&id, |(id, _)| *id).ok()
    }

    fn wire(&mut self, id: WireId) -> Option<&mut Wire> {
        let at = self.place(id)?;
        Some(&mut self.wires[at].1)
    }

    /// How long the next piece takes from one machine to another.
    pub(crate) fn transit_us(&mut self, from: Machine, to: Machine) -> u64 {
        let Links { latency_us, jitter_us, loss_permille, .. } = self.links;
        let lost = self.random.chance(loss_permille);
        let again_us = if lost { RESEND_US } else { 0 };
        let delay_us = self.delays[self.pair(from, to)];
        latency_us + self.random.below(jitter_us + 1) + again_us + delay_us
    }

    /// Whether anything gets from one machine to another.
    pub(crate) fn is_walled(&self, from: Machine, to: Machine) -> bool {
        self.walls[self.pair(from, to)] > 0
    }

    /// A connection from one machine to another.
    pub(crate) fn open(&mut self, from: Machine, to: Machine) -> WireId {
        self.last_id += 1;
        let ways = [Way::default(), Way::default()];
        let wire = Wire { machines: [from, to], is_open: [true; 2], is_broken: false, ways };
        self.wires.push((self.last_id, wire));
        self.last_id
    }

    /// How many more bytes an end may send now.
    pub(crate) fn room(&self, id: WireId, end: usize) -> usize {
        let way = self.place(id).map(|at| &self.wires[at].1.ways[end]);
        way.map_or(0, |way| WINDOW.saturating_sub(way.under_way) as usize)
    }

    /// An end sends bytes.
    pub(crate) fn send(&mut self, world: &mut World, id: WireId, end: usize, bytes: &[u8]) {
        for piece in bytes.chunks(PIECE) {
            let (cut, at) = (self.random.chance(self.links.split_permille), self.random.next_u64());
            let inner = piece.len().saturating_sub(1) as u64;
            let split = if cut && inner > 0 { 1 + (at % inner) as usize } else { 0 };
            let (head, tail) = piece.split_at(split);
            for part in [head, tail].into_iter().filter(|part| !part.is_empty()) {
                self.post(world, id, end, Parcel::Bytes(part.to_vec()));
            }
        }
    }

    /// An end wants no more of the connection: the other one learns of it behind what was sent.
    pub(crate) fn close(&mut self, world: &mut World, id: WireId, end: usize) {
        let Some(wire) = self.wire(id) else { return };
        if std::mem::take(&mut wire.is_open[end]) {
            self.post(world, id, end, Parcel::End);
            self.forget_if_over(id);
        }
    }

    /// An end's machine has lost its power: the other end isn't told before that machine is back.
    pub(crate) fn vanish(&mut self, id: WireId, end: usize) {
        let Some(wire) = self.wire(id) else { return };
        wire.is_open[end] = false;
        wire.is_broken = true;
        self.forget_if_over(id);
    }

    /// A machine is back: whoever still holds a connection to what it was before learns better.
    pub(crate) fn disown(&mut self, world: &mut World, machine: Machine) {
        for (id, wire) in &self.wires {
            for end in [0, 1] {
                let is_orphan = wire.machines[1 - end] == machine && !wire.is_open[1 - end];
                if is_orphan && wire.is_broken && wire.is_open[end] {
                    world.plan_in(RESEND_US, Step::Broken { wire: *id, end });
                }
            }
        }
    }

    fn forget_if_over(&mut self, id: WireId) {
        if let Some(at) = self.place(id)
            && self.wires[at].1.is_open == [false; 2]
        {
            self.wires.remove(at);
        }
    }

    fn post(&mut self, world: &mut World, id: WireId, end: usize, parcel: Parcel) {
        let Some(at) = self.place(id) else { return };
        let [from, to] = [end, 1 - end].map(|end| self.wires[at].1.machines[end]);
        let transit_us = self.transit_us(from, to);
        let wire = &mut self.wires[at].1;
        let way = &mut wire.ways[end];
        if let Parcel::Bytes(bytes) = &parcel {
            way.under_way += bytes.len() as u32;
        }
        if wire.is_broken {
            return;
        }
        way.last_us = way.last_us.max(world.now_us + transit_us);
        let at_us = way.last_us;
        world.queue.plan(at_us, Step::Arrive { wire: id, end, parcel });
    }

    /// A piece that this end sent would arrive now. Gives it when it does.
    pub(crate) fn arrive(&mut self, id: WireId, end: usize, parcel: Parcel) -> Option<Arrived> {
        let at = self.place(id)?;
        let wire = &self.wires[at].1;
        if wire.is_broken {
            return None;
        }
        let walled = self.is_walled(wire.machines[end], wire.machines[1 - end]);
        let way = &mut self.wires[at].1.ways[end];
        if walled || !way.held.is_empty() {
            way.held.push_back(parcel);
            return None;
        }
        self.deliver(at, end, parcel)
    }

    fn deliver(&mut self, at: usize, end: usize, parcel: Parcel) -> Option<Arrived> {
        let wire = &mut self.wires[at].1;
        let machine = wire.machines[1 - end];
        if !wire.is_open[1 - end] {
            return None;
        }
        let way = &mut wire.ways[end];
        if way.is_paused || !way.waiting.is_empty() {
            way.waiting.push_back(parcel);
            return None;
        }
        Some(Arrived { machine, parcel })
    }

    /// What this end sent and couldn't get through may arrive now.
    pub(crate) fn released(&mut self, id: WireId, end: usize) -> Vec<Arrived> {
        let Some(at) = self.place(id) else { return Vec::new() };
        let wire = &self.wires[at].1;
        if self.is_walled(wire.machines[end], wire.machines[1 - end]) {
            return Vec::new();
        }
        let held = std::mem::take(&mut self.wires[at].1.ways[end].held);
        held.into_iter().filter_map(|parcel| self.deliver(at, end, parcel)).collect()
    }

    /// An end has taken bytes: the other one has room for more. Gives whom that is to be told.
    pub(crate) fn taken(&mut self, id: WireId, end: usize, bytes: usize) -> Option<Machine> {
        let wire = self.wire(id)?;
        let way = &mut wire.ways[1 - end];
        let was_full = way.under_way >= WINDOW;
        way.under_way = way.under_way.saturating_sub(bytes as u32);
        was_full.then_some(wire.machines[1 - end])
    }

    /// An end wants no more bytes for now.
    pub(crate) fn pause(&mut self, id: WireId, end: usize) {
        if let Some(wire) = self.wire(id) {
            wire.ways[1 - end].is_paused = true;
        }
    }

    /// An end wants bytes again: what has waited for that comes at once.
    pub(crate) fn resume(&mut self, world: &mut World, id: WireId, end: usize) {
        let Some(wire) = self.wire(id) else { return };
        wire.ways[1 - end].is_paused = false;
        world.queue.plan(world.now_us, Step::Resume { wire: id, end });
    }

    /// The next piece that has waited until this end wanted it.
    pub(crate) fn next_waiting(&mut self, id: WireId, end: usize) -> Option<Arrived> {
        let wire = self.wire(id)?;
        let machine = wire.machines[end];
        let way = &mut wire.ways[1 - end];
        let parcel = if way.is_paused { None } else { way.waiting.pop_front() };
        parcel.map(|parcel| Arrived { machine, parcel })
    }

    /// A connection breaks: what is under way is gone, and each end learns of it some time.
    pub(crate) fn break_wire(&mut self, world: &mut World, id: WireId) {
        let Some(at) = self.place(id) else { return };
        let wire = &mut self.wires[at].1;
        if std::mem::replace(&mut wire.is_broken, true) {
            return;
        }
        for way in &mut wire.ways {
            way.held.clear();
        }
        for end in [0, 1] {
            // Often at once, sometimes only when nobody expects it.
            let most_us = if self.random.chance(700) { RESEND_US } else { LEARN_US };
            let after_us = self.random.below(most_us);
            world.plan_in(after_us, Step::Broken { wire: id, end });
        }
    }

    /// An end learns that its connection is broken: which machine that is, if it still cares.
    pub(crate) fn learn(&mut self, id: WireId, end: usize) -> Option<Machine> {
        let wire = self.wire(id)?;
        let machine = wire.machines[end];
        std::mem::take(&mut wire.is_open[end]).then_some(machine)
    }

    /// Called when an end has learnt it.
    pub(crate) fn learnt(&mut self, id: WireId) {
        self.forget_if_over(id);
    }

    /// The connections between machines, and of any machine.
    pub(crate) fn wires(&self) -> impl Iterator<Item = (WireId, [Machine; 2])> + '_ {
        self.wires.iter().filter(|(_, wire)| !wire.is_broken).map(|(id, wire)| (*id, wire.machines))
    }

    /// From now on nothing gets from one machine to the other.
    pub(crate) fn wall(&mut self, from: Machine, to: Machine) {
        let pair = self.pair(from, to);
        self.walls[pair] += 1;
    }

    /// One partition less stands between them: what was held goes on when there is none left.
    pub(crate) fn unwall(&mut self, world: &mut World, from: Machine, to: Machine) {
        let pair = self.pair(from, to);
        self.walls[pair] = self.walls[pair].saturating_sub(1);
        if self.walls[pair] > 0 {
            return;
        }
        for at in 0..self.wires.len() {
            for end in [0, 1] {
                let (id, wire) = &self.wires[at];
                let is_between = wire.machines[end] == from && wire.machines[1 - end] == to;
                if is_between && !wire.ways[end].held.is_empty() {
                    world.queue.plan(world.now_us, Step::Release { wire: *id, end });
                }
            }
        }
    }

    /// From now on pieces take so much longer from one machine to the other.
    pub(crate) fn delay(&mut self, from: Machine, to: Machine, by_us: u64) {
        let pair = self.pair(from, to);
        self.delays[pair] = by_us;
    }

    /// Whether nothing stands between any machines.
    pub(crate) fn is_healed(&self) -> bool {
        self.walls.iter().all(|walls| *walls == 0)
    }
}
