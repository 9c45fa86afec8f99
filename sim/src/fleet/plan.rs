//! What a fleet is made of and what it goes through: drawn from a seed, or chosen by a test.
//!
//! What must never be here: a moment of the run.

use super::host::PORTS;
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
    /// A network that changes a letter in a snapshot: it is to be refused and sent again.
    HarmedSnapshot,
    /// The same, to replicas that don't look at the checksum.
    HarmedUnchecked,
    /// A replica that forgets when keys expire.
    LostExpiry,
    /// Disks that say that they have synced and have not.
    LyingDisk,
}

impl Plant {
    /// Each with its name.
    pub const ALL: [(&str, Plant); 7] = [
        ("none", Plant::None),
        ("doubled-piece", Plant::DoubledPiece),
        ("lost-piece", Plant::LostPiece),
        ("harmed-snapshot", Plant::HarmedSnapshot),
        ("harmed-unchecked", Plant::HarmedUnchecked),
        ("lost-expiry", Plant::LostExpiry),
        ("lying-disk", Plant::LyingDisk),
    ];

    /// The one that is called so.
    pub fn named(name: &str) -> Option<Self> {
        Plant::ALL.iter().find(|(known, _)| *known == name).map(|(_, plant)| *plant)
    }

    /// Gives a plan what it takes for the bug to strike.
    fn prepare(self, plan: &mut Plan) {
        match self {
            Plant::None => {}
            Plant::LyingDisk => (plan.nodes, plan.kills) = (1, true),
            _ => (plan.nodes, plan.is_chain) = (3, false),
        }
        let settings = match self {
            Plant::HarmedSnapshot => [("rdbcompression", "no"), ("rdbchecksum", "yes")],
            Plant::HarmedUnchecked => [("rdbcompression", "no"), ("rdbchecksum", "no")],
            _ => return,
        };
        plan.settings.extend(settings.map(|(name, value)| (name, value.to_string())));
    }
}

/// What nodes keep on their disks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeps {
    Nothing,
    /// Snapshots of moments.
    Snapshots,
    /// A log of each change, synced once a second.
    EverySecond,
    /// The same, synced before each answer.
    Always,
}

/// What a fleet is made of.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) nodes: u32,
    /// Each node follows the one before it, and not all the first.
    pub(crate) is_chain: bool,
    /// Settings of all nodes.
    settings: Vec<(&'static str, String)>,
    pub(crate) writers: u32,
    pub(crate) readers: u32,
    pub(crate) links: Links,
    /// How often there is load and faults, and then calm and a look at all nodes.
    pub(crate) rounds: u32,
    pub(crate) round_us: u64,
    /// The mean time between two faults.
    pub(crate) fault_us: u64,
    pub(crate) keeps: Keeps,
    /// Whether nodes are killed.
    pub(crate) kills: bool,
    pub(crate) plant: Plant,
}

impl std::fmt::Display for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shape = match (self.nodes, self.is_chain) {
            (1, _) => String::from("one node"),
            (nodes, false) => format!("a primary and {} replicas", nodes - 1),
            (nodes, true) => format!("a chain of {nodes} nodes"),
        };
        let kills = if self.kills { ", killed" } else { "" };
        let keeps = match self.keeps {
            Keeps::Nothing => "",
            Keeps::Snapshots => ", snapshots",
            Keeps::EverySecond => ", a log synced every second",
            Keeps::Always => ", a log always synced",
        };
        write!(f, "{shape}{keeps}{kills}, {} clients", self.writers + self.readers)
    }
}

impl Plan {
    /// The settings of a node.
    pub(crate) fn settings_of(&self, node: Machine) -> Vec<(String, String)> {
        let mut settings = self.settings.clone();
        if node > 0 {
            let of = if self.is_chain { node - 1 } else { 0 };
            settings.push(("replicaof", format!("node-{of} {}", PORTS + of)));
        }
        settings.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
    }

    pub(crate) fn of(seed: u64, plant: Plant) -> Self {
        let mut random = Random::new(seed, Purpose::Plan);
        let keeps = [Keeps::Nothing, Keeps::Snapshots, Keeps::EverySecond, Keeps::Always]
            [random.below(4) as usize];
        let keeps = if plant == Plant::LyingDisk { Keeps::Always } else { keeps };
        let mut plan = Plan {
            nodes: if random.chance(250) { 1 } else { draw(&mut random, 2, 4) as u32 },
            is_chain: random.chance(300),
            settings: settings(&mut random, keeps),
            writers: draw(&mut random, 2, 6) as u32,
            readers: draw(&mut random, 1, 4) as u32,
            links: Links {
                latency_us: draw(&mut random, 50, 3_000),
                jitter_us: draw(&mut random, 0, 5_000),
                split_permille: draw(&mut random, 0, 200) as u32,
                loss_permille: draw(&mut random, 0, 15) as u32,
            },
            rounds: draw(&mut random, 2, 3) as u32,
            round_us: draw(&mut random, 3, 9) * 1_000_000,
            fault_us: draw(&mut random, 200, 2_000) * 1_000,
            keeps,
            kills: draw(&mut random, 0, 1) == 1,
            plant,
        };
        plant.prepare(&mut plan);
        plan
    }
}

fn draw(random: &mut Random, from: u64, to: u64) -> u64 {
    from + random.below(to - from + 1)
}

/// Settings that bring a node's limits near.
fn settings(random: &mut Random, keeps: Keeps) -> Vec<(&'static str, String)> {
    let backlog = ["2kb", "16kb", "128kb", "10mb"][random.below(4) as usize];
    let limit = ["0 0 0", "256kb 64kb 2", "1mb 0 0"][random.below(3) as usize];
    let save =
        ["1 1", "2 20", ""][random.below(if keeps == Keeps::Snapshots { 2 } else { 3 }) as usize];
    let mut settings = vec![
        ("repl-backlog-size", backlog.to_string()),
        ("client-output-buffer-limit", format!("replica {limit}")),
        ("repl-timeout", draw(random, 4, 12).to_string()),
        ("repl-ping-replica-period", draw(random, 1, 3).to_string()),
        ("repl-diskless-sync-delay", draw(random, 0, 1).to_string()),
        ("repl-backlog-ttl", ["0", "3", "3600"][random.below(3) as usize].to_string()),
        ("save", if keeps == Keeps::Nothing { String::new() } else { save.to_string() }),
    ];
    if let Keeps::EverySecond | Keeps::Always = keeps {
        let sync = if keeps == Keeps::Always { "always" } else { "everysec" };
        let least = ["4kb", "64kb", "64mb"][random.below(3) as usize];
        let preamble = if random.chance(700) { "yes" } else { "no" };
        settings.extend([
            ("appendonly", String::from("yes")),
            ("appendfsync", sync.to_string()),
            ("auto-aof-rewrite-min-size", least.to_string()),
            ("aof-use-rdb-preamble", preamble.to_string()),
            ("aof-timestamp-enabled", String::from(if random.chance(300) { "yes" } else { "no" })),
        ]);
    }
    settings
}
