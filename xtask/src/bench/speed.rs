//! CPU time of a request, throughput and latency, as fast as replies come.

use anyhow::{Context, Result};

use super::Size;
use super::load::{self, Latency};
use super::peers::{Cpu, Peer, Server};

/// Bytes of a value; the null server's replies have as many.
pub(crate) const VALUE: u32 = 64;

/// What is measured.
pub(crate) struct Cell {
    pub(crate) test: &'static str,
    pub(crate) connections: u32,
    pub(crate) pipeline: u32,
}

pub(crate) const CELLS: &[Cell] = &[
    Cell { test: "get", connections: 50, pipeline: 1 },
    Cell { test: "get", connections: 50, pipeline: 16 },
    Cell { test: "get", connections: 50, pipeline: 64 },
    Cell { test: "set", connections: 50, pipeline: 1 },
    Cell { test: "set", connections: 50, pipeline: 16 },
    Cell { test: "set", connections: 50, pipeline: 64 },
    Cell { test: "get", connections: 1000, pipeline: 1 },
];

/// The figures of one server in one cell, each the best of the rounds.
#[derive(Clone, Copy)]
pub(crate) struct Speed {
    /// Nanoseconds of a request.
    pub(crate) user: f64,
    pub(crate) system: f64,
    /// Requests a second.
    pub(crate) rate: f64,
    pub(crate) latency: Latency,
}

impl Cell {
    /// As it stands in tables.
    pub(crate) fn name(&self) -> String {
        let Cell { test, connections, pipeline } = self;
        let more =
            if *connections == 50 { String::new() } else { format!(", {connections} conn.") };
        format!("{} P={pipeline}{more}", test.to_uppercase())
    }
}

impl Speed {
    /// Nanoseconds of a request, user and system.
    pub(crate) fn cpu(&self) -> f64 {
        self.user + self.system
    }

    fn best(self, other: Option<Speed>) -> Speed {
        let Some(other) = other else { return self };
        let (cheap, _) = if self.cpu() < other.cpu() { (self, other) } else { (other, self) };
        Speed {
            user: cheap.user,
            system: cheap.system,
            rate: self.rate.max(other.rate),
            latency: self.latency.best(other.latency),
        }
    }
}

/// For each cell the figures of each peer.
pub(crate) fn measure(peers: &[Peer], size: &Size) -> Result<Vec<Vec<Option<Speed>>>> {
    let mut best = vec![vec![None; peers.len()]; CELLS.len()];
    for round in 1..=size.rounds {
        for (at, peer) in peers.iter().enumerate() {
            let server = peer.start()?;
            if peer.keeps {
                load::fill(peer, &server, size.keys, VALUE, "")
                    .with_context(|| peer.name.to_owned())?;
            }
            for (row, cell) in best.iter_mut().zip(CELLS) {
                let speed = one(peer, &server, cell, size)
                    .with_context(|| format!("{}, {}", peer.name, cell.name()))?;
                println!(
                    "speed, round {round} of {}: {:<9} {:<20} {:>6.0} ns, {:>9.0} a second",
                    size.rounds,
                    peer.name,
                    cell.name(),
                    speed.cpu(),
                    speed.rate
                );
                row[at] = Some(speed.best(row[at]));
            }
        }
    }
    Ok(best)
}

fn one(peer: &Peer, server: &Server, cell: &Cell, size: &Size) -> Result<Speed> {
    let Cell { test, connections, pipeline } = cell;
    let args = format!(
        "-t {test} -c {connections} -P {pipeline} -r {} -d {VALUE} --duration {}",
        size.keys, size.seconds
    );
    let before = server.cpu()?;
    let figures = load::run(peer, server, &args)?;
    let after = server.cpu()?;
    let each = |of: fn(Cpu) -> std::time::Duration| {
        (of(after) - of(before)).as_secs_f64() * 1e9 / figures.answered
    };
    Ok(Speed {
        user: each(|cpu| cpu.user),
        system: each(|cpu| cpu.system),
        rate: figures.rate,
        latency: figures.latency,
    })
}
