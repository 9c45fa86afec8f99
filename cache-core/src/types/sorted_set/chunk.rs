//! A run of entries of a large sorted set: the scores side by side, and the members' bytes.

use super::edge::Edge;
use super::numbers::Numbers;
use super::scores::Scores;
use crate::types::tree::{self, Limit};
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::ops::Range;

#[derive(Clone, Debug, Default)]
pub(super) struct Chunk {
    scores: Scores,
    /// Where each member ends in `bytes`.
    ends: Numbers,
    bytes: Vec<u8>,
}

impl Chunk {
    #[inline]
    fn start(&self, i: usize) -> usize {
        i.checked_sub(1).and_then(|before| self.end(before)).unwrap_or(0)
    }

    #[inline]
    fn end(&self, i: usize) -> Option<usize> {
        self.ends.get(i).map(|end| end as usize)
    }

    /// A member and its score.
    #[inline]
    pub(super) fn entry(&self, i: usize) -> Option<(&[u8], f64)> {
        Some((self.bytes.get(self.start(i)..self.end(i)?)?, self.scores.get(i)?))
    }

    fn member(&self, i: usize) -> &[u8] {
        self.entry(i).map_or(&[], |(member, _)| member)
    }

    /// Entries in order.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (&[u8], f64)> {
        (0..self.scores.len()).filter_map(|i| self.entry(i))
    }

    pub(super) fn each<'a>(&'a self, which: Range<usize>, visit: &mut dyn FnMut(&'a [u8], f64)) {
        let mut start = self.start(which.start);
        for i in which {
            let (Some(end), Some(score)) = (self.end(i), self.scores.get(i)) else { return };
            visit(self.bytes.get(start..end).unwrap_or_default(), score);
            start = end;
        }
    }

    pub(super) fn each_back<'a>(
        &'a self,
        which: Range<usize>,
        visit: &mut dyn FnMut(&'a [u8], f64),
    ) {
        for (member, score) in which.rev().filter_map(|i| self.entry(i)) {
            visit(member, score);
        }
    }

    /// How many entries lie before a place.
    pub(super) fn position(&self, edge: Edge<'_>) -> usize {
        let (mut low, mut high) = (0, self.scores.len());
        while low < high {
            let middle = low.midpoint(high);
            let Some(score) = self.scores.get(middle) else { return low };
            let is_before = match edge.compare_score(score) {
                Ordering::Less => true,
                Ordering::Greater => false,
                Ordering::Equal => edge.is_behind_member(self.member(middle)),
            };
            if is_before { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// Whether the last entry lies before a place.
    pub(super) fn ends_before(&self, edge: Edge<'_>) -> bool {
        let last = self.scores.len().checked_sub(1);
        last.and_then(|last| self.entry(last))
            .is_some_and(|(member, score)| edge.is_behind(score, member))
    }

    pub(super) fn insert(&mut self, at: usize, member: &[u8], score: f64) {
        let at = at.min(self.scores.len());
        let (start, len) = (self.start(at), member.len());
        self.scores.insert(at, score);
        self.ends.add_from(at, len as i64);
        self.ends.insert(at, (start + len) as i64);
        make_room(&mut self.bytes, len, ROOM_BYTES);
        self.bytes.extend_from_slice(member);
        self.bytes[start..].rotate_right(len);
    }

    pub(super) fn remove(&mut self, at: usize) {
        if at >= self.scores.len() {
            return;
        }
        let (start, end) = (self.start(at), self.end(at).unwrap_or_default());
        self.bytes.drain(start..end);
        self.scores.remove(at);
        self.ends.remove(at);
        self.ends.add_from(at, -((end - start) as i64));
    }
}

/// Bytes of members for which there is room at once.
const ROOM_BYTES: usize = 256;

/// Room for some more, by steps: so there are few sizes of allocations, and what one chunk gives back
/// the next one takes.
pub(super) fn make_room<T>(vec: &mut Vec<T>, more: usize, step: usize) {
    let wanted = vec.len() + more;
    if wanted > vec.capacity() {
        vec.reserve_exact(wanted.next_multiple_of(step) - vec.len());
    }
}

impl tree::Chunk for Chunk {
    type Key = f64;

    const LIMIT: Limit = Limit { entries: 128, bytes: 8192 };

    fn len(&self) -> u32 {
        self.scores.len() as u32
    }

    fn size(&self) -> u64 {
        self.bytes.len() as u64 + self.scores.size() + self.ends.size()
    }

    fn last_key(&self) -> f64 {
        self.scores.last().unwrap_or_default()
    }

    fn middle(&self) -> u32 {
        let half = self.bytes.len() as i64 / 2;
        let by_bytes = self.ends.iter().take_while(|&end| end < half).count();
        // Both halves shall have less, of entries too.
        let len = self.scores.len();
        (by_bytes as u32).clamp(len as u32 / 4, len as u32 / 4 * 3 + 1)
    }

    fn split(&mut self, at: u32) -> Self {
        let at = at as usize;
        let start = self.start(at);
        let (scores, mut ends) = (self.scores.split(at), self.ends.split(at));
        ends.add_from(0, -(start as i64));
        let mut bytes = Vec::new();
        make_room(&mut bytes, self.bytes.len() - start, ROOM_BYTES);
        bytes.extend_from_slice(&self.bytes[start..]);
        self.bytes.truncate(start);
        self.bytes.shrink_to(start.next_multiple_of(ROOM_BYTES));
        Chunk { scores, ends, bytes }
    }

    fn append(&mut self, next: &Self) {
        let start = self.bytes.len() as i64;
        self.scores.append(&next.scores);
        self.ends.append(&next.ends, start);
        self.bytes.extend_from_slice(&next.bytes);
    }
}
