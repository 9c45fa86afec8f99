//! A small sorted set: one run of bytes, entries in order, searched from the front.
//!
//! An entry begins with a byte whose upper half is the number of the score's bytes and whose lower
//! half is the member's length; 15 there says that the length stands in the next byte. Then come the
//! score and the member. The limits are those of `zset-max-listpack-entries` and
//! `zset-max-listpack-value`, as far as the counters reach.

use super::edge::Edge;
use super::score::{pack, unpack};
use crate::types::{Limits, with_spare};
use alloc::vec::Vec;
use core::ops::Range;

/// The most entries, whatever the settings say: each look goes through all of them.
const ENTRIES: usize = u16::MAX as usize;
/// The most bytes of a member that can be counted.
const BYTES: usize = u8::MAX as usize;
/// The member's length stands in a byte of its own.
const LONG: u8 = 15;

/// A small sorted set where it lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a>(pub(super) &'a [u8]);

/// An entry where it lies.
#[derive(Clone, Copy, Debug)]
struct Place {
    start: usize,
    end: usize,
}

impl<'a> View<'a> {
    pub(super) fn len(&self) -> usize {
        self.iter().count()
    }

    /// Members and scores in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a [u8], f64)> + use<'a> {
        let mut rest = self.0;
        core::iter::from_fn(move || take(&mut rest))
    }

    pub(super) fn score(&self, member: &[u8]) -> Option<f64> {
        self.iter().find(|(m, _)| *m == member).map(|(_, score)| score)
    }

    /// How many entries lie before a place.
    pub(super) fn rank(&self, edge: Edge<'_>) -> usize {
        self.iter().take_while(|(member, score)| edge.is_behind(*score, member)).count()
    }

    /// Where entries begin: those of these ranks.
    fn bytes_of(&self, ranks: Range<usize>) -> Range<usize> {
        let place = |rank| {
            let mut rest = self.0;
            (0..rank).all(|_| take(&mut rest).is_some());
            self.0.len() - rest.len()
        };
        place(ranks.start)..place(ranks.end)
    }
}

/// A small sorted set to change.
#[derive(Clone, Debug, Default)]
pub(super) struct Small(Vec<u8>);

impl Small {
    pub(super) fn of(view: View<'_>) -> Self {
        Small(with_spare(view.0))
    }

    pub(super) fn view(&self) -> View<'_> {
        View(&self.0)
    }

    /// Gives a member a score, which is not the one it has. `false`: that would be too large.
    pub(super) fn set(&mut self, member: &[u8], score: f64, limits: Limits) -> bool {
        if member.len() > limits.bytes.min(BYTES) {
            return false;
        }
        let (mut old, mut len) = (None, 0);
        // Where the entry goes, counted without the old one.
        let mut at = 0;
        let (mut rest, edge) = (self.0.as_slice(), Edge::Before(score, member));
        let (all, mut start) = (self.0.len(), 0);
        while let Some((m, s)) = take(&mut rest) {
            let end = all - rest.len();
            if m == member {
                old = Some(Place { start, end });
            } else if edge.is_behind(s, m) {
                at = end;
            }
            len += 1;
            start = end;
        }
        match old {
            Some(old) => {
                self.0.drain(old.start..old.end);
                if at >= old.end {
                    at -= old.end - old.start;
                }
            }
            None if len >= limits.entries.min(ENTRIES) => return false,
            None => {}
        }
        let (head, head_len, bytes, kept) = head_of(member.len() as u8, score);
        let entry = [&head[..head_len], &bytes[..kept], member];
        self.0.splice(at..at, entry.into_iter().flatten().copied());
        true
    }

    /// Removes a member and says whether it was there.
    pub(super) fn remove(&mut self, member: &[u8]) -> bool {
        let Some(rank) = self.view().iter().position(|(m, _)| m == member) else { return false };
        self.remove_ranks(rank..rank + 1);
        true
    }

    pub(super) fn remove_ranks(&mut self, ranks: Range<usize>) {
        let bytes = self.view().bytes_of(ranks);
        self.0.drain(bytes);
    }
}

/// What stands before a member: one or two bytes, and the score's bytes that are kept.
fn head_of(len: u8, score: f64) -> ([u8; 2], usize, [u8; 8], usize) {
    let (bytes, kept) = pack(score);
    let upper = (kept as u8) << 4;
    let (head, head_len) =
        if len < LONG { ([upper | len, 0], 1) } else { ([upper | LONG, len], 2) };
    (head, head_len, bytes, kept)
}

/// Takes an entry.
#[inline]
fn take<'a>(rest: &mut &'a [u8]) -> Option<(&'a [u8], f64)> {
    let (&head, tail) = rest.split_first()?;
    let (len, tail) = match head & LONG {
        LONG => tail.split_first().map(|(len, tail)| (*len, tail))?,
        len => (len, tail),
    };
    let (kept, tail) = tail.split_at_checked(usize::from(head >> 4))?;
    let (member, tail) = tail.split_at_checked(usize::from(len))?;
    *rest = tail;
    Some((member, unpack(kept)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_scores_are_short() {
        let limits = Limits { entries: 10, bytes: 64 };
        let mut small = Small::default();
        assert!(small.set(b"a", 0.0, limits));
        assert_eq!(small.0, b"\x01a");
        assert!(small.set(b"b", 100.0, limits));
        assert_eq!(small.0.len(), 2 + 4);
        assert!(small.set(&[b'x'; 15], 0.1, limits));
        assert_eq!(small.0.len(), 2 + 4 + 2 + 8 + 15);
        assert_eq!(small.view().score(b"b"), Some(100.0));
        assert_eq!(small.view().score(&[b'x'; 15]), Some(0.1));
    }

    #[test]
    fn any_bytes_can_be_read() {
        for bytes in [&b"\xff"[..], b"\x9f\xff", b"\x01", b"\xf1aaaaaaaaaaaaaaaaaaaa", b"\x20aaa"] {
            let view = View(bytes);
            let _ = (view.len(), view.score(b"a"), view.rank(Edge::BeforeScore(1.0)));
            let mut small = Small::of(view);
            small.set(b"a", 1.0, Limits { entries: 9, bytes: 9 });
            small.remove_ranks(0..3);
        }
    }
}
