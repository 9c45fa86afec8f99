//! A process by itself: its clocks and its connections.
//!
//! What must never be here: what comes after it has ended.

use super::{Process, SKEW_US};
use crate::fleet::network::Network;
use crate::fleet::world::World;
use crate::scenario::WALL_START_US;
use cache_core::{ConnId, Now};

impl Process {
    pub(super) fn now(&self, world: &World) -> Now {
        Now {
            mono_us: self.mono_us + world.now_us,
            wall_us: WALL_START_US - SKEW_US + self.skew_us + world.now_us,
        }
    }

    pub(super) fn forget(&mut self, conn: ConnId) {
        self.conns.retain(|(id, ..)| *id != conn);
        self.node.handle_disconnect(conn);
    }

    /// Sends what a connection has and the network takes, and closes it when the node wants that.
    /// `true`: the node may have more now.
    pub(super) fn transmit(
        &mut self,
        world: &mut World,
        network: &mut Network,
        conn: ConnId,
    ) -> bool {
        let Some(&(_, wire, end)) = self.conns.iter().find(|(id, ..)| *id == conn) else {
            return false;
        };
        let room = network.room(wire, end);
        let sendable = self.node.sendable(conn);
        let (len, close) = (sendable.bytes.len(), sendable.close);
        let bytes = sendable.bytes[..len.min(room)].to_vec();
        if !bytes.is_empty() {
            network.send(world, wire, end, &bytes);
            let now = self.now(world);
            self.node.handle_sent(now, conn, bytes.len());
        }
        if close && bytes.len() == len {
            self.forget(conn);
            network.close(world, wire, end);
        }
        bytes.len() >= room / 2
    }
}
