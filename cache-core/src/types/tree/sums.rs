//! What an inner node counts of its children.

use super::{CHUNK_OVERHEAD, FAN, Limit};

/// Entries and bytes of a chunk or of all that lies below a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) count: u64,
    pub(super) size: u64,
}

impl Sum {
    /// What it is when a part of it has become another: all parts together are never less than one.
    pub(super) fn with(self, was: Sum, is: Sum) -> Sum {
        Sum {
            count: self.count.wrapping_sub(was.count).wrapping_add(is.count),
            size: self.size.wrapping_sub(was.size).wrapping_add(is.size),
        }
    }

    pub(super) fn and(self, other: Sum) -> Sum {
        Sum { count: self.count + other.count, size: self.size + other.size }
    }

    pub(super) fn is_less(self, than: Sum) -> bool {
        self.count < than.count || self.size < than.size
    }

    /// Whether a chunk must be split.
    pub(super) fn is_large(self, limit: Limit) -> bool {
        let bytes = limit.bytes + CHUNK_OVERHEAD;
        self.count > 1 && (self.count > u64::from(limit.entries) || self.size > bytes)
    }

    /// Whether a chunk would rather be joined with another.
    fn is_small(self, limit: Limit) -> bool {
        !limit.keeps() && self.count < u64::from(limit.entries / 4) && self.size < limit.bytes / 4
    }

    /// Whether two chunks, taken together, still have room.
    fn is_roomy(self, limit: Limit) -> bool {
        self.count <= u64::from(limit.entries / 4 * 3) && self.size <= limit.bytes / 4 * 3
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Sums {
    len: u8,
    counts: [u64; FAN],
    sizes: [u64; FAN],
}

impl Sums {
    /// How many children there are.
    pub(super) fn len(&self) -> usize {
        usize::from(self.len)
    }

    pub(super) fn get(&self, i: usize) -> Sum {
        Sum { count: self.counts[i], size: self.sizes[i] }
    }

    pub(super) fn set(&mut self, i: usize, sum: Sum) {
        self.counts[i] = sum.count;
        self.sizes[i] = sum.size;
    }

    pub(super) fn total(&self) -> Sum {
        Sum { count: self.before(self.len()), size: self.sizes[..self.len()].iter().sum() }
    }

    /// Entries below the children before one.
    pub(super) fn before(&self, i: usize) -> u64 {
        self.counts[..i.min(self.len())].iter().sum()
    }

    /// The child that has the entry of this rank, and the entry's rank there.
    pub(super) fn locate(&self, mut rank: u64) -> Option<(usize, u64)> {
        for (i, &count) in self.counts[..self.len()].iter().enumerate() {
            if rank < count {
                return Some((i, rank));
            }
            rank -= count;
        }
        None
    }

    pub(super) fn insert(&mut self, at: usize, sum: Sum) {
        let len = self.len();
        self.counts.copy_within(at..len, at + 1);
        self.sizes.copy_within(at..len, at + 1);
        self.len += 1;
        self.set(at, sum);
    }

    pub(super) fn remove(&mut self, at: usize) {
        let len = self.len();
        self.counts.copy_within(at + 1..len, at);
        self.sizes.copy_within(at + 1..len, at);
        self.len -= 1;
    }

    /// For a chunk that is small, the first one of two to be joined: it and a neighbour.
    pub(super) fn small_pair(&self, i: usize, limit: Limit) -> Option<usize> {
        if !self.get(i).is_small(limit) {
            return None;
        }
        let is_roomy = |&left: &usize| {
            left + 1 < self.len() && self.get(left).and(self.get(left + 1)).is_roomy(limit)
        };
        i.checked_sub(1).filter(is_roomy).or(Some(i).filter(is_roomy))
    }
}
