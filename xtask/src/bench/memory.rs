//! What a key costs beyond its own bytes and those of its value.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use super::Size;
use super::load;
use super::peers::Peer;

/// Bytes of a key: `key:` and twelve digits.
const KEY: f64 = 16.0;
/// So long a filled server may tidy up: tables that grow step by step, pages to give back.
const SETTLE: Duration = Duration::from_secs(1);

/// What is measured: bytes of a value, and whether keys expire (in a day).
pub(crate) const CELLS: &[(u32, bool)] =
    &[(8, false), (32, false), (64, false), (8, true), (32, true), (64, true)];

/// Bytes a key beyond key and value, the empty server's own taken off.
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    /// By the server's own account.
    pub(crate) used: f64,
    /// By the kernel's.
    pub(crate) resident: f64,
}

/// As it stands in tables.
pub(crate) fn name((value, expire): (u32, bool)) -> String {
    format!("{value} B{}", if expire { " with TTL" } else { "" })
}

/// For each cell the figures of each peer, from a fresh server each; none of one that keeps
/// nothing.
pub(crate) fn measure(peers: &[Peer], size: &Size) -> Result<Vec<Vec<Option<Memory>>>> {
    let mut rows = Vec::new();
    for cell in CELLS {
        let mut row = Vec::new();
        for peer in peers {
            row.push(if peer.keeps {
                let memory = one(peer, *cell, size).with_context(|| peer.name.to_owned())?;
                let name = name(*cell);
                println!(
                    "memory: {:<9} {name:<13} {:>5.1} B used, {:>5.1} B resident beyond key and value",
                    peer.name, memory.used, memory.resident
                );
                Some(memory)
            } else {
                None
            });
        }
        rows.push(row);
    }
    Ok(rows)
}

fn one(peer: &Peer, (value, expire): (u32, bool), size: &Size) -> Result<Memory> {
    let server = peer.start()?;
    let empty = server.memory()?;
    load::fill(peer, &server, size.keys, value, if expire { " --expire 86400" } else { "" })?;
    thread::sleep(SETTLE);
    let full = server.memory()?;
    #[expect(clippy::cast_precision_loss, reason = "a machine has less memory")]
    let each = |empty: u64, full: u64| {
        full.saturating_sub(empty) as f64 / f64::from(size.keys) - KEY - f64::from(value)
    };
    Ok(Memory { used: each(empty.used, full.used), resident: each(empty.resident, full.resident) })
}
