//! What a fleet is made of and what it goes through: drawn from a seed, or chosen by a test.
//!
//! What must never be here: a moment of the run.

use super::network::{Links, Machine};
use crate::random::{Purpose, Random};

/// A bug that is planted, so that it shows whether it would be found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Plant {
    /// None.
    #[default]
    None,
    /// A network that delivers a piece of the stream between nodes twice.
    DoubledPiece,
    /// A network that loses a piece of the stream between nodes and goes on behind it.
    LostPiece,
    /// Disks that say that they have synced and have not.
    LyingDisk,
}

impl Plant {
    /// What each is called.
    pub const NAMES: [&str; 4] = ["none", "doubled-piece", "lost-piece", "lying-disk"];

    /// The one that is called so.
    pub fn named(name: &str) -> Option<Self> {
        let all = [Plant::None, Plant::DoubledPiece, Plant::LostPiece, Plant::LyingDisk];
        Plant::NAMES.iter().position(|known| *known == name).map(|at| all[at])
    }
}

/// What a fleet is made of.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) nodes: u32,
    pub(crate) writers: u32,
    pub(crate) readers: u32,
    pub(crate) links: Links,
    /// How often there is load and faults, and then calm and a look at all nodes.
    pub(crate) rounds: u32,
    pub(crate) round_us: u64,
    /// The mean time between two faults.
    pub(crate) fault_us: u64,
    /// Whether nodes keep files, and whether they are killed.
    pub(crate) keeps_files: bool,
    pub(crate) kills: bool,
    pub(crate) plant: Plant,
}

impl std::fmt::Display for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} nodes, {} clients", self.nodes, self.writers + self.readers)
    }
}

impl Plan {
    /// The settings of a node.
    pub(crate) fn settings_of(&self, _node: Machine) -> Vec<(String, String)> {
        Vec::new()
    }

    pub(crate) fn of(seed: u64, plant: Plant) -> Self {
        let mut random = Random::new(seed, Purpose::Plan);
        let mut draw = |from: u64, to: u64| from + random.below(to - from + 1);
        Plan {
            nodes: 1,
            writers: draw(2, 6) as u32,
            readers: draw(1, 4) as u32,
            links: Links {
                latency_us: draw(50, 3_000),
                jitter_us: draw(0, 5_000),
                split_permille: draw(0, 200) as u32,
                loss_permille: draw(0, 15) as u32,
            },
            rounds: draw(2, 3) as u32,
            round_us: draw(3, 9) * 1_000_000,
            fault_us: draw(200, 2_000) * 1_000,
            keeps_files: false,
            kills: draw(0, 1) == 1,
            plant,
        }
    }
}
