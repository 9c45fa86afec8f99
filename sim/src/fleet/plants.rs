//! Bugs that are planted, to see whether they would be found: in the network between nodes, in their disks,
//! in a replica's data.
//!
//! What must never be here: a bug of the engine.

use super::network::{Arrived, Machine, Parcel};
use super::{Fleet, Plant};
use crate::watch::Watch;
use cache_core::Peer;

/// Nothing strikes before this, in microseconds, so that there are data.
const NOT_BEFORE_US: u64 = 2_000_000;
/// So many snapshots are harmed, at the most.
const SNAPSHOTS: u32 = 2;
/// So many letters in a row are part of a value.
const LETTERS: usize = 16;

impl Fleet {
    /// What really arrives where this would. Streams go from who was dialed, end 1, to who dialed.
    pub(super) fn harmed(&mut self, end: usize, arrived: Arrived) -> Vec<Arrived> {
        let is_due = self.world.now_us >= NOT_BEFORE_US;
        let is_replica = end == 0 && arrived.machine < self.plan.nodes;
        let Parcel::Bytes(bytes) = &arrived.parcel else { return vec![arrived] };
        if !is_due || !is_replica {
            return vec![arrived];
        }
        let follows = self.follows(arrived.machine);
        let is_whole = bytes.starts_with(b"*") && bytes.ends_with(b"\r\n");
        match self.plan.plant {
            Plant::DoubledPiece | Plant::LostPiece if self.planted == 0 && follows && is_whole => {
                self.planted += 1;
                let doubled = self.plan.plant == Plant::DoubledPiece;
                if doubled { vec![arrived.clone(), arrived] } else { Vec::new() }
            }
            Plant::HarmedSnapshot | Plant::HarmedUnchecked
                if self.planted < SNAPSHOTS && !follows =>
            {
                let Some(at) = inside_a_value(bytes) else { return vec![arrived] };
                self.planted += 1;
                let mut bytes = bytes.clone();
                // Letters stay letters.
                bytes[at] ^= if bytes[at] == b'z' { 3 } else { 1 };
                vec![Arrived { machine: arrived.machine, parcel: Parcel::Bytes(bytes) }]
            }
            _ => vec![arrived],
        }
    }

    fn follows(&self, machine: Machine) -> bool {
        let process = &self.hosts[machine as usize].process;
        process.as_ref().is_some_and(|process| process.node.is_following())
    }

    /// A replica forgets when its keys expire.
    pub(super) fn forget_expiry(&mut self, machine: Machine) {
        let is_due = self.world.now_us >= NOT_BEFORE_US && self.planted == 0;
        if self.plan.plant != Plant::LostExpiry || machine == 0 || !is_due || !self.follows(machine)
        {
            return;
        }
        let host = &mut self.hosts[machine as usize];
        let Some(now) = host.now(&self.world) else { return };
        let Some(process) = &mut host.process else { return };
        let Ok(conn) = process.node.handle_connect(now, Peer::default()) else { return };
        let mut say = |words: &[&str]| {
            process.node.request(now, conn, words, &mut Watch::blind());
        };
        say(&["CONFIG", "SET", "replica-read-only", "no"]);
        for key in 0..200 {
            say(&["PERSIST", &format!("k:{key}")]);
        }
        say(&["CONFIG", "SET", "replica-read-only", "yes"]);
        process.node.handle_disconnect(conn);
        self.planted += 1;
        host.wake(&mut self.world, 0);
    }
}

/// A place in the middle of a value, where a snapshot begins in these bytes.
fn inside_a_value(bytes: &[u8]) -> Option<usize> {
    let begins = |magic: &[u8]| bytes.windows(magic.len()).any(|window| window == magic);
    if !begins(b"REDIS0") && !begins(b"VALKEY0") {
        return None;
    }
    let is_text = |run: &[u8]| run.iter().all(u8::is_ascii_lowercase);
    bytes.windows(LETTERS).position(is_text).map(|at| at + LETTERS / 2)
}
