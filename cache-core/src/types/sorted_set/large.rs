//! A large sorted set: a ranked tree of its entries, and the scores by member.

use super::chunk::Chunk;
use super::edge::{Edge, order};
use super::score::{pack, unpack};
use crate::hash::HashSeed;
use crate::keyspace::fields::Fields;
use crate::types::tree::{Chunk as _, Cursor, End, Tree};
use core::cmp::Ordering;
use core::ops::Range;

#[derive(Clone, Debug)]
pub(super) struct Large {
    entries: Tree<Chunk>,
    /// Each member's score, packed.
    scores: Fields,
}

impl Large {
    pub(super) fn new(seed: HashSeed) -> Self {
        Large { entries: Tree::default(), scores: Fields::new(seed) }
    }

    pub(super) fn len(&self) -> u64 {
        self.entries.len()
    }

    pub(super) fn size(&self) -> u64 {
        self.entries.size() + self.scores.size()
    }

    /// What finds a score by its member.
    pub(super) fn index(&self) -> &Fields {
        &self.scores
    }

    pub(super) fn score(&self, member: &[u8]) -> Option<f64> {
        self.scores.get(member).map(|field| unpack(field.value))
    }

    /// The chunk in which a place is. `None`: it lies behind all entries.
    fn find(&self, edge: Edge<'_>) -> Option<Cursor> {
        self.entries.find(&|key| edge.compare_score(key), &|chunk| chunk.ends_before(edge))
    }

    /// How many entries lie before a place.
    pub(super) fn rank(&self, edge: Edge<'_>) -> u64 {
        let Some(at) = self.find(edge) else { return self.len() };
        let inside = self.entries.chunk(&at).map_or(0, |chunk| chunk.position(edge));
        self.entries.rank(&at) + inside as u64
    }

    /// Gives a member a score, which is not the one that it had, `old`.
    pub(super) fn set(&mut self, member: &[u8], old: Option<f64>, score: f64) {
        let moved = old.is_some_and(|old| self.move_nearby(member, old, score));
        if !moved {
            if let Some(old) = old {
                self.take_out(member, old);
            }
            self.put_in(member, score);
        }
        let (bytes, kept) = pack(score);
        self.scores.set(member, bytes.get(..kept).unwrap_or(&bytes), None);
    }

    /// Adds an entry that lies before or behind all others. `None`: it doesn't. `Some(false)`: its
    /// member is there already, and this is no sorted set any more.
    pub(super) fn push(&mut self, member: &[u8], score: f64) -> Option<bool> {
        let entry = (score, member);
        let is = |end: End, wanted: Ordering| {
            let at = self.entries.end(end)?;
            let chunk = self.entries.chunk(&at)?;
            let i = if end == End::First { 0 } else { chunk.len() as usize - 1 };
            let (m, s) = chunk.entry(i)?;
            (order(entry, (s, m)) == wanted).then_some(end)
        };
        let end = is(End::Last, Ordering::Greater).or_else(|| is(End::First, Ordering::Less))?;
        let (bytes, kept) = pack(score);
        let is_new = self.scores.set(member, bytes.get(..kept).unwrap_or(&bytes), None);
        self.entries.edit_end(end, member.len() as u64, |chunk| {
            let at = if end == End::First { 0 } else { chunk.len() as usize };
            chunk.insert(at, member, score);
        });
        Some(is_new)
    }

    /// Moves an entry within its chunk, if its new place is there. `false`: it isn't.
    fn move_nearby(&mut self, member: &[u8], old: f64, score: f64) -> bool {
        let (from, to) = (Edge::Before(old, member), Edge::Before(score, member));
        let Some(at) = self.find(from) else { return false };
        let Some(chunk) = self.entries.chunk(&at) else { return false };
        let (last, target) = (chunk.len() as usize, chunk.position(to));
        // At either end the place may be another chunk's.
        if target == 0 || target == last {
            return false;
        }
        self.entries.edit(&at, |chunk| {
            chunk.remove(chunk.position(from));
            chunk.insert(chunk.position(to), member, score);
        });
        true
    }

    fn put_in(&mut self, member: &[u8], score: f64) {
        let edge = Edge::Before(score, member);
        match self.find(edge) {
            Some(at) => {
                self.entries.edit(&at, |chunk| chunk.insert(chunk.position(edge), member, score));
            }
            None => self.entries.edit_end(End::Last, member.len() as u64, |chunk| {
                chunk.insert(chunk.len() as usize, member, score);
            }),
        }
    }

    fn take_out(&mut self, member: &[u8], score: f64) {
        let edge = Edge::Before(score, member);
        if let Some(at) = self.find(edge) {
            self.entries.edit(&at, |chunk| {
                let i = chunk.position(edge);
                let is_it = |(m, s)| order((s, m), (score, member)) == Ordering::Equal;
                debug_assert!(chunk.entry(i).is_some_and(is_it));
                chunk.remove(i);
            });
        }
    }

    /// Removes a member and says whether it was there.
    pub(super) fn remove(&mut self, member: &[u8]) -> bool {
        let Some(score) = self.score(member) else { return false };
        self.take_out(member, score);
        self.scores.remove(member)
    }

    pub(super) fn remove_ranks(&mut self, ranks: Range<u64>) {
        let removed = self.entries.remove(ranks);
        for (member, _) in removed.chunks().flat_map(Chunk::iter) {
            self.scores.remove(member);
        }
    }

    /// Visits the entries of these ranks, from either end.
    pub(super) fn each<'a>(
        &'a self,
        ranks: Range<u64>,
        toward: End,
        visit: &mut dyn FnMut(&'a [u8], f64),
    ) {
        let Some(last) = ranks.end.checked_sub(1) else { return };
        let first = if toward == End::Last { ranks.start } else { last };
        let Some((at, offset)) = self.entries.seek(first) else { return };
        let mut left = ranks.end.saturating_sub(ranks.start) as usize;
        // Entries of the chunk that are passed over; those after the first are gone through whole.
        let mut from = Some(offset as usize);
        for chunk in self.entries.chunks_from(at, toward) {
            let len = chunk.len() as usize;
            let here = match (toward, from.take()) {
                (End::Last, from) => from.unwrap_or(0)..len.min(from.unwrap_or(0) + left),
                (End::First, from) => {
                    let to = from.map_or(len, |from| from + 1);
                    to.saturating_sub(left)..to
                }
            };
            left -= here.len();
            match toward {
                End::Last => chunk.each(here, visit),
                End::First => chunk.each_back(here, visit),
            }
            if left == 0 {
                return;
            }
        }
    }

    /// Entries in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], f64)> {
        self.entries.chunks().flat_map(Chunk::iter)
    }

    pub(super) fn nth(&self, rank: u64) -> Option<(&[u8], f64)> {
        let (at, offset) = self.entries.seek(rank)?;
        self.entries.chunk(&at)?.entry(offset as usize)
    }

    /// Visits about `count` members from a cursor on and gives the cursor to go on with.
    pub(super) fn scan<'a>(
        &'a self,
        cursor: u64,
        count: usize,
        visit: &mut dyn FnMut(&'a [u8], f64),
    ) -> u64 {
        self.scores.scan(cursor, count, &mut |field| visit(field.name, unpack(field.value)))
    }

    /// Drops some of what is left of one that nobody uses any more. `false`: nothing is left.
    pub(super) fn drop_some(&mut self) -> bool {
        self.entries.drop_some() || self.scores.drop_some()
    }

    #[cfg(test)]
    pub(super) fn check(&self) {
        self.entries.check();
        assert_eq!(self.entries.len(), self.scores.len() as u64);
        for (member, score) in self.iter() {
            assert_eq!(self.score(member), Some(score));
        }
    }
}
