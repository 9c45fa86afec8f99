//! A run of elements to change, with room at both ends.
//!
//! In front of the elements stands a head of two bytes, how many there are and a mark, so that the
//! whole is also a small list's value as it lies in a key's record.

use super::run::{self, Element};
use crate::types::tree::{self, End, Limit};
use alloc::vec::Vec;
use core::ops::Range;

/// Bytes of the head.
const HEAD: usize = 2;
/// Bytes of a full chunk.
const MOST: usize = HEAD + <Chunk as tree::Chunk>::LIMIT.bytes as usize;
/// The bit of the head that says that Redis would call the list a quicklist by now.
const QUICK: u16 = 1 << 15;
/// Bytes that are set aside at each end of a run that comes out of a record.
const SPARE: usize = 64;

/// How much is set aside for what will be pushed next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Growth {
    /// Little: the run may be all there is.
    Tight,
    /// All that a chunk may have: it will be filled to the brim.
    Full,
}

/// A run of elements, to read where it lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run<'a>(pub(super) &'a [u8]);

impl<'a> Run<'a> {
    fn head(self) -> u16 {
        self.0.first_chunk().map_or(0, |head| u16::from_le_bytes(*head))
    }

    pub(super) fn len(self) -> usize {
        usize::from(self.head() & !QUICK)
    }

    pub(super) fn is_quick(self) -> bool {
        self.head() & QUICK != 0
    }

    /// The elements without the head.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn elements(self) -> &'a [u8] {
        self.0.get(HEAD..).unwrap_or_default()
    }

    /// Where an element begins among them.
    fn offset(self, index: usize) -> usize {
        run::offset(self.elements(), self.len(), index)
    }

    /// The elements from one on, toward an end: that one is the first to be taken from the other.
    pub(super) fn elements_from(self, index: usize, toward: End) -> &'a [u8] {
        let elements = self.elements();
        let part = match toward {
            End::Last => elements.get(self.offset(index)..),
            End::First => elements.get(..self.offset(index + 1)),
        };
        part.unwrap_or_default()
    }

    /// How many elements in this range are the same as one.
    pub(super) fn count(self, wanted: Element<'_>, within: Range<usize>) -> usize {
        let mut rest = self.elements_from(within.start, End::Last);
        within.filter(|_| run::take_first(&mut rest) == Some(wanted)).count()
    }
}

/// A run of elements to change: what lies before `start` is room.
#[derive(Clone, Debug, Default)]
pub(super) struct Chunk {
    buf: Vec<u8>,
    start: u32,
}

impl Chunk {
    pub(super) fn of(run: Run<'_>) -> Self {
        let mut buf = Vec::with_capacity(run.0.len() + 2 * SPARE);
        buf.resize(SPARE, 0);
        buf.extend_from_slice(run.0);
        Chunk { buf, start: SPARE as u32 }
    }

    fn start(&self) -> usize {
        self.start as usize
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn run(&self) -> Run<'_> {
        Run(self.buf.get(self.start()..).unwrap_or_default())
    }

    pub(super) fn len(&self) -> usize {
        self.run().len()
    }

    /// Bytes of the elements, lengths included.
    pub(super) fn bytes(&self) -> usize {
        self.run().elements().len()
    }

    /// Whether so many bytes more, in an element of their own, leave it within its limit.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        let limit = <Self as tree::Chunk>::LIMIT;
        self.len() == 0
            || self.len() < limit.entries as usize
                && self.bytes().saturating_add(bytes) as u64 <= limit.bytes
    }

    fn set_head(&mut self, head: u16) {
        let start = self.start();
        if let Some(place) = self.buf.get_mut(start..start + HEAD) {
            place.copy_from_slice(&head.to_le_bytes());
        }
    }

    fn set_len(&mut self, len: usize) {
        self.set_head(self.run().head() & QUICK | len as u16);
    }

    pub(super) fn set_quick(&mut self, quick: bool) {
        if self.buf.is_empty() {
            self.buf.resize(HEAD, 0);
        }
        let head = self.run().head() & !QUICK;
        self.set_head(head | if quick { QUICK } else { 0 });
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn push(&mut self, end: End, element: Element<'_>, growth: Growth) {
        let size = element.size();
        // A long one is written once.
        let end = if self.len() == 0 && size > MOST { End::Last } else { end };
        self.make_room(end, size, growth);
        let head = self.run().head();
        match end {
            End::First => {
                self.start -= size as u32;
                let at = self.start() + HEAD;
                element.place(self.buf.get_mut(at..at + size).unwrap_or_default());
            }
            End::Last => element.append(&mut self.buf),
        }
        self.set_head(head + 1);
    }

    /// Makes room at an end. What was to spare is spread such that pushing at either end, or at both
    /// in turns, moves each byte a few times only.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn make_room(&mut self, end: End, size: usize, growth: Growth) {
        let has_room = match end {
            End::First => self.start() >= size && !self.buf.is_empty(),
            End::Last => self.buf.capacity() - self.buf.len() >= size && !self.buf.is_empty(),
        };
        if !has_room {
            self.move_over(end, size, growth);
        }
    }

    #[cold]
    fn move_over(&mut self, end: End, size: usize, growth: Growth) {
        let len = (self.buf.len() - self.start()).max(HEAD);
        let need = len + size;
        let capacity = match growth {
            Growth::Tight => (need + need / 16 + SPARE / 2).min(MOST),
            Growth::Full => MOST,
        };
        let capacity = capacity.max(need);
        let spare = capacity - need;
        if end == End::Last && self.start == 0 {
            self.buf.reserve_exact(capacity - self.buf.len());
            if self.buf.is_empty() {
                self.buf.resize(HEAD, 0);
            }
            return;
        }
        let gap = if end == End::First { size + spare } else { spare / 2 };
        let mut buf = Vec::with_capacity(capacity);
        buf.resize(gap, 0);
        buf.extend_from_slice(self.run().0);
        buf.resize(gap + len, 0);
        self.buf = buf;
        self.start = gap as u32;
    }

    /// Takes the element at an end off and shows it before it goes.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn pop<R>(&mut self, end: End, f: impl FnOnce(Element<'_>) -> R) -> Option<R> {
        let run = self.run();
        let head = run.head();
        let mut rest = run.elements();
        let before = rest.len();
        let result = f(run::take(&mut rest, end)?);
        let size = before - rest.len();
        match end {
            End::First => self.start += size as u32,
            End::Last => self.buf.truncate(self.buf.len() - size),
        }
        self.set_head(head.saturating_sub(1));
        self.give_back();
        Some(result)
    }

    /// Gives memory back when most of it is room.
    fn give_back(&mut self) {
        if self.buf.capacity() > 256 && self.run().0.len() < self.buf.capacity() / 8 {
            self.buf = self.run().0.to_vec();
            self.start = 0;
        }
    }

    /// Replaces so many elements from one on by another one, or by none.
    pub(super) fn replace(&mut self, index: usize, count: usize, with: Option<Element<'_>>) {
        let run = self.run();
        let from = HEAD + run.offset(index);
        let to = HEAD + run.offset(index + count);
        let (len, size) = (run.len(), with.map_or(0, |element| element.size()));
        let mut buf = Vec::with_capacity(HEAD.max(run.0.len() - (to - from) + size));
        buf.extend_from_slice(&run.0[..from.min(run.0.len())]);
        // A run of no element may have no head.
        buf.resize(from, 0);
        if let Some(element) = with {
            element.append(&mut buf);
        }
        buf.extend_from_slice(run.0.get(to..).unwrap_or_default());
        self.buf = buf;
        self.start = 0;
        self.set_len(len - count + usize::from(with.is_some()));
    }

    /// Takes elements out.
    pub(super) fn cut(&mut self, range: Range<usize>) -> Chunk {
        let run = self.run();
        let (from, to) = (run.offset(range.start), run.offset(range.end));
        let mut part = Chunk { buf: Vec::with_capacity(HEAD + to - from), start: 0 };
        part.buf.resize(HEAD, 0);
        part.buf.extend_from_slice(run.elements().get(from..to).unwrap_or_default());
        part.set_len(range.len());
        self.replace(range.start, range.len(), None);
        part
    }

    /// Removes elements in a range that are the same as one: at most so many, the first or the last
    /// ones. Says how many.
    pub(super) fn remove_equal(
        &mut self,
        wanted: Element<'_>,
        within: Range<usize>,
        end: End,
        most: usize,
    ) -> usize {
        let run = self.run();
        let found = run.count(wanted, within.clone());
        let gone = found.min(most);
        // How many are passed over.
        let mut keep = if end == End::Last { found - gone } else { 0 };
        let mut left = gone;
        let mut buf = Vec::with_capacity(run.0.len());
        buf.extend_from_slice(run.0.get(..HEAD).unwrap_or_default());
        let mut rest = run.elements();
        for index in 0..run.len() {
            let before = rest;
            let element = run::take_first(&mut rest);
            let same = within.contains(&index) && element == Some(wanted);
            if same && keep == 0 && left > 0 {
                left -= 1;
                continue;
            }
            keep -= usize::from(same && keep > 0);
            buf.extend_from_slice(&before[..before.len() - rest.len()]);
        }
        let len = run.len() - gone;
        self.buf = buf;
        self.start = 0;
        self.set_len(len);
        gone
    }
}

impl tree::Chunk for Chunk {
    type Key = ();

    const LIMIT: Limit = Limit { entries: 4096, bytes: 8192 };

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn len(&self) -> u32 {
        self.run().len() as u32
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn size(&self) -> u64 {
        self.bytes() as u64
    }

    fn last_key(&self) {}

    fn middle(&self) -> u32 {
        let elements = self.run().elements();
        let (mut rest, mut index) = (elements, 0);
        while rest.len() > elements.len() / 2 && run::take_first(&mut rest).is_some() {
            index += 1;
        }
        index
    }

    fn split(&mut self, at: u32) -> Self {
        let at = at as usize;
        self.cut(at..self.len())
    }

    fn append(&mut self, next: &Self) {
        let elements = next.run().elements();
        self.make_room(End::Last, elements.len(), Growth::Tight);
        self.buf.extend_from_slice(elements);
        self.set_len(self.len() + next.len());
    }
}
