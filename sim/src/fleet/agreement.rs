//! Whether replicas hold what their primary holds: at each place of the stream, and all of it in calm.
//!
//! What must never be here: how they come to.

use super::Fleet;
use super::network::Machine;
use std::collections::VecDeque;

/// How many of the primary's moments are remembered.
const MOMENTS: usize = 256;
/// Of so many turns of the primary one is remembered.
const ONE_IN: u32 = 6;

/// What the primary held at a place of the stream.
#[derive(Clone, Debug)]
struct Moment {
    history: String,
    offset: u64,
    digest: u128,
}

/// What the primary held lately.
#[derive(Clone, Debug, Default)]
pub(super) struct Moments {
    moments: VecDeque<Moment>,
    turns: u32,
    pub(super) compared: u64,
}

impl Fleet {
    /// A node's turn is over: what the primary holds is remembered, and a replica compared with it.
    pub(super) fn compare(&mut self, machine: Machine) {
        let Some(process) = &self.hosts[machine as usize].process else { return };
        let Some((history, offset)) = process.node.place() else { return };
        let moments = &mut self.moments;
        let place = |moment: &&Moment| moment.offset == offset && moment.history == history;
        let known = moments.moments.iter().find(place);
        if machine == 0 {
            moments.turns += 1;
            if known.is_some() || !moments.turns.is_multiple_of(ONE_IN) {
                return;
            }
            if moments.moments.len() >= MOMENTS {
                moments.moments.pop_front();
            }
            let (history, digest) = (history.to_string(), process.node.digest());
            moments.moments.push_back(Moment { history, offset, digest });
            return;
        }
        let Some(known) = known.filter(|_| process.node.is_following()) else { return };
        moments.compared += 1;
        if process.node.digest() != known.digest {
            let what =
                format!("node {machine} is at {offset} and holds other data than node 0 did");
            self.wrong.get_or_insert(what);
        }
    }

    /// What nodes don't agree on.
    pub(super) fn disagreement(&self) -> Option<String> {
        let all = self.hosts.iter().map(|host| host.process.as_ref().map(|process| &process.node));
        let Some(nodes) = all.collect::<Option<Vec<_>>>() else {
            return Some(String::from("a node is down"));
        };
        let (primary, replicas) = nodes.split_first()?;
        for (at, replica) in replicas.iter().enumerate() {
            let at = at + 1;
            if !replica.is_following() {
                return Some(format!("node {at} doesn't follow"));
            }
            if replica.place() != primary.place() {
                return Some(format!(
                    "node {at} is at {:?} and the primary at {:?}",
                    replica.place(),
                    primary.place()
                ));
            }
            if replica.digest() != primary.digest() {
                return Some(format!("node {at} is where the primary is and holds other data"));
            }
        }
        None
    }
}
