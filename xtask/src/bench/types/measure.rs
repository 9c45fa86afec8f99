//! One case on one server: filling it, what it weighs, and what requests cost.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use super::cases::{Case, Fill};
use crate::bench::load;
use crate::bench::peers::{Peer, Server};

/// Requests that a connection sends before it waits.
pub(super) const PIPELINE: u32 = 16;
pub(super) const CONNECTIONS: u32 = 50;
/// So long a filled server may tidy up.
const SETTLE: Duration = Duration::from_secs(1);

/// How large everything is, with `--scale` applied.
pub(super) struct Size {
    pub(super) keys: u32,
    /// Requests of a measurement.
    pub(super) requests: u32,
    pub(super) rounds: u32,
}

/// What a case came to on one server.
#[derive(Clone, Debug)]
pub(super) struct Figures {
    /// Bytes that it holds by its own account, the empty server's taken off.
    pub(super) used: u64,
    /// And by the kernel's.
    pub(super) resident: u64,
    /// Nanoseconds of a request for each test, user and system.
    pub(super) cpu: Vec<(f64, f64)>,
}

impl Figures {
    /// The lower ones.
    pub(super) fn best(mut self, other: &Figures) -> Self {
        self.used = self.used.min(other.used);
        self.resident = self.resident.min(other.resident);
        for (cpu, other) in self.cpu.iter_mut().zip(&other.cpu) {
            if other.0 < cpu.0 {
                *cpu = *other;
            }
        }
        self
    }
}

impl Case {
    /// How many keys, or members, there are.
    pub(super) fn count(&self, size: &Size) -> u32 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it shrinks")]
        let count = (f64::from(size.keys) * self.keys) as u32;
        count.max(100)
    }
}

/// Fills a fresh server and measures.
pub(super) fn one(peer: &Peer, case: &Case, size: &Size) -> Result<Figures> {
    let server = peer.start()?;
    let empty = server.memory()?;
    for Fill { command, drawn } in case.fill {
        let keys = case.count(size);
        let args = match drawn {
            None => format!("--distribution sequential -n {keys} -P 64"),
            Some(times) => format!("-n {} -P 64", keys * times),
        };
        send(peer, &server, case, size, command, &args).context("cannot fill it")?;
    }
    thread::sleep(SETTLE);
    let full = server.memory()?;
    let mut cpu = Vec::new();
    for test in case.tests {
        let before = server.cpu()?;
        let args = format!("-n {} -c {CONNECTIONS} -P {PIPELINE}", size.requests);
        let answered = send(peer, &server, case, size, test.command, &args)
            .with_context(|| test.name.to_owned())?;
        let after = server.cpu()?;
        let each = |spent: Duration| spent.as_secs_f64() * 1e9 / answered;
        cpu.push((each(after.user - before.user), each(after.system - before.system)));
    }
    Ok(Figures {
        used: full.used.saturating_sub(empty.used),
        resident: full.resident.saturating_sub(empty.resident),
        cpu,
    })
}

/// Sends a command over and over; gives how many were answered.
fn send(
    peer: &Peer,
    server: &Server,
    case: &Case,
    size: &Size,
    command: &str,
    more: &str,
) -> Result<f64> {
    let args = format!("-r {} -d {} {more}", case.count(size), case.data);
    Ok(load::run_command(peer, server, command, &args)?.answered)
}
