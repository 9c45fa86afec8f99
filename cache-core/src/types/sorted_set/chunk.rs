//! A run of entries of a large sorted set: the scores side by side, and the members' bytes.

use super::edge::{Edge, plain};
use crate::types::tree::{self, Limit};
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::ops::Range;

/// Bytes of an entry beyond its member: the score, and where the member ends.
const ENTRY: u64 = 12;

#[derive(Clone, Debug, Default)]
pub(super) struct Chunk {
    scores: Vec<f64>,
    /// Where each member ends in `bytes`.
    ends: Vec<u32>,
    bytes: Vec<u8>,
}

impl Chunk {
    fn start(&self, i: usize) -> usize {
        match i.checked_sub(1) {
            Some(before) => self.ends.get(before).map_or(0, |&end| end as usize),
            None => 0,
        }
    }

    /// A member and its score.
    #[inline]
    pub(super) fn entry(&self, i: usize) -> Option<(&[u8], f64)> {
        let (&score, &end) = (self.scores.get(i)?, self.ends.get(i)?);
        Some((self.bytes.get(self.start(i)..end as usize)?, score))
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
        let ends = self.ends.get(which.clone()).unwrap_or_default();
        let scores = self.scores.get(which).unwrap_or_default();
        for (&end, &score) in ends.iter().zip(scores) {
            visit(self.bytes.get(start..end as usize).unwrap_or_default(), score);
            start = end as usize;
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
            let is_before = match edge.compare_score(self.scores[middle]) {
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
        make_room(&mut self.scores, 1, ROOM);
        self.scores.insert(at, plain(score));
        make_room(&mut self.ends, 1, ROOM);
        self.ends.insert(at, (start + len) as u32);
        for end in &mut self.ends[at + 1..] {
            *end += len as u32;
        }
        make_room(&mut self.bytes, len, ROOM_BYTES);
        self.bytes.extend_from_slice(member);
        self.bytes[start..].rotate_right(len);
    }

    pub(super) fn remove(&mut self, at: usize) {
        if at >= self.scores.len() {
            return;
        }
        let (start, end) = (self.start(at), self.ends[at]);
        let len = end - start as u32;
        self.bytes.drain(start..end as usize);
        self.scores.remove(at);
        self.ends.remove(at);
        for end in &mut self.ends[at..] {
            *end -= len;
        }
    }
}

/// Entries for which there is room at once.
const ROOM: usize = 16;
/// Bytes of members for which there is room at once.
const ROOM_BYTES: usize = 256;

/// Room for some more, by steps: so there are few sizes of allocations, and what one chunk gives back
/// the next one takes.
fn make_room<T>(vec: &mut Vec<T>, more: usize, step: usize) {
    let wanted = vec.len() + more;
    if wanted > vec.capacity() {
        vec.reserve_exact(wanted.next_multiple_of(step) - vec.len());
    }
}

/// Takes out what stands from `at` on, and gives back what isn't used any more.
fn split_off<T: Copy>(vec: &mut Vec<T>, at: usize, step: usize) -> Vec<T> {
    let mut upper = Vec::new();
    make_room(&mut upper, vec.len() - at, step);
    upper.extend_from_slice(&vec[at..]);
    vec.truncate(at);
    vec.shrink_to(at.next_multiple_of(step));
    upper
}

impl tree::Chunk for Chunk {
    type Key = f64;

    const LIMIT: Limit = Limit { entries: 128, bytes: 8192 };

    fn len(&self) -> u32 {
        self.scores.len() as u32
    }

    fn size(&self) -> u64 {
        self.bytes.len() as u64 + self.scores.len() as u64 * ENTRY
    }

    fn last_key(&self) -> f64 {
        self.scores.last().copied().unwrap_or_default()
    }

    fn middle(&self) -> u32 {
        let half = self.bytes.len() as u64 / 2;
        let by_bytes = self.ends.partition_point(|&end| u64::from(end) < half);
        // Both halves shall have less, of entries too.
        let len = self.scores.len();
        (by_bytes as u32).clamp(len as u32 / 4, len as u32 / 4 * 3 + 1)
    }

    fn split(&mut self, at: u32) -> Self {
        let at = at as usize;
        let start = self.start(at);
        let scores = split_off(&mut self.scores, at, ROOM);
        let mut ends = split_off(&mut self.ends, at, ROOM);
        ends.iter_mut().for_each(|end| *end -= start as u32);
        let bytes = split_off(&mut self.bytes, start, ROOM_BYTES);
        Chunk { scores, ends, bytes }
    }

    fn append(&mut self, next: &Self) {
        let start = self.bytes.len() as u32;
        self.scores.extend_from_slice(&next.scores);
        self.ends.extend(next.ends.iter().map(|end| end + start));
        self.bytes.extend_from_slice(&next.bytes);
    }
}
