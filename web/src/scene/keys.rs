//! What is seen of each product's key: its ring, and what has just happened to it.
//!
//! A ring follows the node's own events, each at the moment at which the request that caused it is
//! seen to arrive. What must never be here: a guess at what the cache holds.

use larder_sim::event::ExpiredBy;
use larder_sim::{EventKind, shop};

/// Milliseconds for which something that happened is seen.
pub(super) const FLASH: f64 = 900.0;
/// Things still to be seen that are kept; the oldest go first, but what they changed is kept.
const MAX_PENDING: usize = 4096;

/// What happened to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Happened {
    Hit,
    Miss,
    Written { expires_at_us: Option<u64> },
    Deleted,
    ExpiredMet,
    ExpiredSwept,
    Evicted,
}

/// What is seen of a key.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ring {
    pub(super) present: bool,
    /// When it was written and when it will expire, in simulated microseconds.
    pub(super) written_at_us: u64,
    pub(super) expires_at_us: Option<u64>,
    /// The last thing that happened to it, and when by the scene's clock.
    pub(super) last: Option<(Happened, f64)>,
    /// The simulated moment up to which this is known. What is seen late changes nothing.
    known_us: u64,
}

#[derive(Clone, Copy, Debug)]
struct Pending {
    cell: usize,
    seen_at: f64,
    at_us: u64,
    what: Happened,
}

/// All rings.
#[derive(Clone, Debug, Default)]
pub(super) struct Rings {
    pub(super) rings: Vec<Ring>,
    /// The key that each ring stands for.
    keys: Vec<Vec<u8>>,
    pending: Vec<Pending>,
}

impl Rings {
    /// Gives each product a ring. What was known of the others is forgotten.
    pub(super) fn set_products(&mut self, products: &[u32]) {
        let keys: Vec<Vec<u8>> = products.iter().map(|&id| shop::key(id)).collect();
        let known = |key| self.keys.iter().position(|old| old == key);
        let ring = |key| known(key).map(|at| self.rings[at]).unwrap_or_default();
        self.rings = keys.iter().map(ring).collect();
        self.keys = keys;
        self.pending.clear();
    }

    /// Takes an event in that is to be seen at `seen_at`.
    pub(super) fn take(&mut self, kind: &EventKind, at_us: u64, seen_at: f64) {
        let (key, what) = match kind {
            EventKind::CacheHit { key, .. } => (key, Happened::Hit),
            EventKind::CacheMiss { key, .. } => (key, Happened::Miss),
            EventKind::CacheWritten { key, expires_at_us, .. } => {
                (key, Happened::Written { expires_at_us: *expires_at_us })
            }
            EventKind::CacheDeleted { key, .. } => (key, Happened::Deleted),
            EventKind::CacheExpired { key, by: ExpiredBy::Access, .. } => {
                (key, Happened::ExpiredMet)
            }
            EventKind::CacheExpired { key, by: ExpiredBy::Cycle, .. } => {
                (key, Happened::ExpiredSwept)
            }
            EventKind::CacheEvicted { key, .. } => (key, Happened::Evicted),
            EventKind::CacheDown => return self.clear(),
            _ => return,
        };
        let Some(cell) = self.keys.iter().position(|known| known == key) else { return };
        if self.pending.len() >= MAX_PENDING {
            let oldest = self.pending.remove(0);
            self.show(oldest);
        }
        self.pending.push(Pending { cell, seen_at, at_us, what });
    }

    fn clear(&mut self) {
        self.pending.clear();
        self.rings.fill(Ring::default());
    }

    /// Shows what is due.
    pub(super) fn play(&mut self, clock: f64) {
        let (due, later): (Vec<_>, Vec<_>) =
            self.pending.iter().copied().partition(|p| p.seen_at <= clock);
        self.pending = later;
        for pending in due {
            self.show(pending);
        }
    }

    fn show(&mut self, pending: Pending) {
        // One request may be seen before another that came earlier and took longer. What it finds
        // then includes what the other did.
        for i in 0..self.pending.len() {
            let earlier = self.pending[i];
            if earlier.cell == pending.cell && earlier.at_us <= pending.at_us {
                self.learn(earlier);
            }
        }
        self.learn(pending);
        let Some(ring) = self.rings.get_mut(pending.cell) else { return };
        // Who meets a key whose time has run out misses it at the same moment. What is the rarer
        // is seen; the miss is seen to go on to the database.
        let met = ring.last == Some((Happened::ExpiredMet, pending.seen_at));
        if !(met && pending.what == Happened::Miss) {
            ring.last = Some((pending.what, pending.seen_at));
        }
    }

    /// Takes over what an event says of a key, unless something later is known.
    fn learn(&mut self, event: Pending) {
        let Some(ring) = self.rings.get_mut(event.cell) else { return };
        if event.at_us < ring.known_us || event.what == Happened::Hit {
            return;
        }
        ring.known_us = event.at_us;
        ring.present = matches!(event.what, Happened::Written { .. });
        if let Happened::Written { expires_at_us } = event.what {
            ring.written_at_us = event.at_us;
            ring.expires_at_us = expires_at_us;
        }
    }

    pub(super) fn is_still(&self, clock: f64) -> bool {
        self.pending.is_empty()
            && self.rings.iter().all(|r| r.last.is_none_or(|(_, at)| clock - at > FLASH))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_met_after_its_time_is_seen_so_rather_than_missed() {
        let mut rings = Rings::default();
        rings.set_products(&[7]);
        let (key, request) = (shop::key(7), Some(1));
        let by = ExpiredBy::Access;
        rings.take(&EventKind::CacheExpired { request, key: key.clone(), by }, 10, 5.0);
        rings.take(&EventKind::CacheMiss { request, key: key.clone() }, 10, 5.0);
        rings.play(5.0);
        assert_eq!(rings.rings[0].last, Some((Happened::ExpiredMet, 5.0)));
        rings.take(&EventKind::CacheMiss { request, key }, 11, 6.0);
        rings.play(6.0);
        assert_eq!(rings.rings[0].last, Some((Happened::Miss, 6.0)));
    }
}
