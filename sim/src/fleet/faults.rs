//! Faults: which there are, when they come, and when they go.
//!
//! What must never be here: what a fault does to a node.

use super::disk::Loss;
use super::network::Machine;
use super::plan::{Keeps, Plan};
use crate::random::Random;

/// Something that befalls a fleet, and stays for a while.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fault {
    /// A connection breaks.
    Cut {
        any: u64,
    },
    /// Nothing gets from these machines to all others, or the other way, or neither way.
    Partition {
        of: Vec<Machine>,
        there: bool,
        back: bool,
    },
    /// All pieces to and from a machine take so much longer.
    Slow {
        of: Machine,
        by_us: u64,
    },
    /// A node's process is killed, and started again at the end of it.
    Kill {
        node: Machine,
    },
    /// A node's machine loses its power.
    PowerCut {
        node: Machine,
        loss: Loss,
    },
    /// A process gets no time.
    Freeze {
        node: Machine,
        for_us: u64,
    },
    /// A wall clock jumps.
    Clock {
        node: Machine,
        skew_us: u64,
    },
    /// A disk takes so many times as long.
    SlowDisk {
        node: Machine,
        times: u64,
    },
    FullDisk {
        node: Machine,
    },
    BrokenDisk {
        node: Machine,
    },
}

/// Kinds of faults, as they are counted.
pub(crate) const KINDS: [&str; 10] = [
    "cut",
    "partition",
    "slow link",
    "kill",
    "power cut",
    "freeze",
    "clock",
    "slow disk",
    "full disk",
    "broken disk",
];

impl Fault {
    /// Its place in [`KINDS`].
    pub(crate) fn kind(&self) -> usize {
        match self {
            Fault::Cut { .. } => 0,
            Fault::Partition { .. } => 1,
            Fault::Slow { .. } => 2,
            Fault::Kill { .. } => 3,
            Fault::PowerCut { .. } => 4,
            Fault::Freeze { .. } => 5,
            Fault::Clock { .. } => 6,
            Fault::SlowDisk { .. } => 7,
            Fault::FullDisk { .. } => 8,
            Fault::BrokenDisk { .. } => 9,
        }
    }
}

/// The faults that last, and what draws more of them.
#[derive(Clone, Debug)]
pub(crate) struct Faults {
    random: Random,
    /// With the number by which each is ended.
    pub(crate) active: Vec<(u64, Fault)>,
    last: u64,
    pub(crate) counts: [u64; KINDS.len()],
}

impl Faults {
    pub(crate) fn new(random: Random) -> Self {
        Faults { random, active: Vec::new(), last: 0, counts: [0; KINDS.len()] }
    }

    pub(crate) fn pause_us(&mut self, plan: &Plan) -> u64 {
        self.random.below(2 * plan.fault_us)
    }

    /// The next fault, and how long it lasts in microseconds.
    pub(crate) fn draw(&mut self, plan: &Plan, machines: u32) -> (Fault, u64) {
        let random = &mut self.random;
        let node = random.below(plan.nodes.into()) as Machine;
        let fault = match random.below(if plan.keeps != Keeps::Nothing { 100 } else { 70 }) {
            0..=19 => Fault::Cut { any: random.next_u64() },
            20..=34 => {
                let picked = |_: &Machine| random.chance(400);
                let of = (0..machines).filter(picked).collect();
                let ways = random.below(4);
                Fault::Partition { of, there: ways != 1, back: ways != 2 }
            }
            35..=44 => {
                let of = random.below(machines.into()) as Machine;
                Fault::Slow { of, by_us: random.below(400_000) }
            }
            45..=54 if plan.kills => Fault::Kill { node },
            55..=59 if plan.kills => {
                let loss = if random.chance(750) { Loss::InOrder } else { Loss::Anyhow };
                Fault::PowerCut { node, loss }
            }
            45..=64 => Fault::Freeze { node, for_us: random.below(1_500_000) },
            65..=69 => Fault::Clock { node, skew_us: random.below(80_000) },
            70..=79 => Fault::PowerCut { node, loss: Loss::InOrder },
            80..=89 => Fault::SlowDisk { node, times: 2 + random.below(400) },
            90..=95 => Fault::FullDisk { node },
            _ => Fault::BrokenDisk { node },
        };
        // Mostly short; what is long outlasts the patience of those who wait.
        let most_us = match random.below(20) {
            0 => 12_000_000,
            1..=5 => 2_500_000,
            _ => 400_000,
        };
        let lasts_us = 20_000 + random.below(most_us);
        (fault, lasts_us)
    }

    /// It has come: the number by which it ends.
    pub(crate) fn add(&mut self, fault: Fault) -> u64 {
        self.last += 1;
        self.counts[fault.kind()] += 1;
        self.active.push((self.last, fault));
        self.last
    }

    pub(crate) fn remove(&mut self, number: u64) -> Option<Fault> {
        let at = self.active.iter().position(|(active, _)| *active == number)?;
        Some(self.active.remove(at).1)
    }

    /// Whether a fault of this kind lasts at a node.
    pub(crate) fn lasts(&self, test: impl Fn(&Fault) -> bool) -> bool {
        self.active.iter().any(|(_, fault)| test(fault))
    }
}
