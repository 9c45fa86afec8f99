//! A map that grows without a stall: a large hash's fields.
//!
//! Extendible hashing (Fagin et al., TODS 1979): a directory over the top bits of each entry's
//! place leads to segments; a full segment is split in two, and a clone copies only the segments
//! that are written to after it.

use super::indexed::{Indexed, Keyed};
use crate::random::Random;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

/// A segment with this many entries is split before it takes another.
const SEGMENT_LIMIT: usize = 128;
/// Directory bits beyond which segments grow instead (2^20 segments, 10^8 entries).
const DEPTH_LIMIT: u32 = 20;

/// The 32 bits of a hash by which entries are ordered and cut into segments. The bits at either end
/// are used up by the hash index.
fn place(hash: u64) -> u32 {
    (hash >> 20) as u32
}

#[derive(Clone, Debug)]
struct Segment<E> {
    entries: Indexed<E>,
    /// How many of the top bits of their places its entries share.
    depth: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct Segments<E> {
    /// From the top `depth` bits of a place to a segment.
    directory: Vec<u32>,
    segments: Vec<Arc<Segment<E>>>,
    depth: u32,
    len: usize,
}

impl<E> Default for Segments<E> {
    fn default() -> Self {
        let segment = Segment { entries: Indexed::default(), depth: 0 };
        Segments { directory: vec![0], segments: vec![Arc::new(segment)], depth: 0, len: 0 }
    }
}

impl<E: Keyed + Clone> Segments<E> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    fn segment_at(&self, place: u32) -> usize {
        self.directory[index(place, self.depth)] as usize
    }

    pub(crate) fn get(&self, hash: u64, key: &[u8]) -> Option<&E> {
        self.segments[self.segment_at(place(hash))].entries.get(hash, key)
    }

    pub(crate) fn get_mut(&mut self, hash: u64, key: &[u8]) -> Option<&mut E> {
        let at = self.segment_at(place(hash));
        // A segment that a clone shares is copied only when there is something to change.
        self.segments[at].entries.position(hash, key)?;
        Arc::make_mut(&mut self.segments[at]).entries.get_mut(hash, key)
    }

    /// Adds an entry whose key is not there yet.
    pub(crate) fn insert(&mut self, hash: u64, entry: E) {
        let mut at = self.segment_at(place(hash));
        while self.segments[at].entries.len() >= SEGMENT_LIMIT
            && self.segments[at].depth < DEPTH_LIMIT
        {
            self.split(place(hash));
            at = self.segment_at(place(hash));
        }
        self.len += 1;
        Arc::make_mut(&mut self.segments[at]).entries.push(entry);
    }

    pub(crate) fn remove(&mut self, hash: u64, key: &[u8]) -> Option<E> {
        let at = self.segment_at(place(hash));
        self.segments[at].entries.position(hash, key)?;
        self.len -= 1;
        Arc::make_mut(&mut self.segments[at]).entries.remove(hash, key)
    }

    /// Drops some of what is left of a map that nobody uses any more. `false`: nothing is left.
    pub(crate) fn drop_some(&mut self) -> bool {
        self.segments.pop().is_some()
    }

    /// The `i`th entry, in an order of their own.
    pub(crate) fn nth(&self, mut i: usize) -> Option<&E> {
        for segment in &self.segments {
            if let Some(entry) = segment.entries.entry_at(i) {
                return Some(entry);
            }
            i -= segment.entries.len();
        }
        None
    }

    /// An entry chosen evenly among all.
    pub(crate) fn choose(&self, random: &mut Random) -> Option<&E> {
        /// Draws before counting entries through: segments are seldom emptier than a quarter.
        const DRAWS: usize = 64;
        if self.len == 0 {
            return None;
        }
        // Segments that can't be split hold more than the limit.
        let draws = if self.depth < DEPTH_LIMIT { DRAWS } else { 0 };
        for _ in 0..draws {
            let segment = &self.segments[random.below(self.segments.len() as u64) as usize];
            let at = random.below(SEGMENT_LIMIT as u64) as usize;
            if let Some(entry) = segment.entries.entry_at(at) {
                return Some(entry);
            }
        }
        self.nth(random.below(self.len as u64) as usize)
    }

    /// All entries, in an order of their own.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &E> {
        self.segments.iter().flat_map(|segment| segment.entries.iter())
    }

    /// Visits entries by rising place from `from` on, until `visit` has been called `limit` times.
    /// Entries of one place are visited together. Gives the place to go on from.
    pub(crate) fn scan<'a>(
        &'a self,
        from: u32,
        limit: usize,
        visit: &mut dyn FnMut(&'a E),
    ) -> Option<u32> {
        let mut visited = 0;
        let mut next = Some(from);
        while let Some(from) = next {
            let segment = &self.segments[self.segment_at(from)];
            let mut due: Vec<&E> =
                segment.entries.iter().filter(|e| place(e.hash()) >= from).collect();
            due.sort_unstable_by(|a, b| {
                (place(a.hash()), a.key()).cmp(&(place(b.hash()), b.key()))
            });
            let mut last = None;
            for entry in due {
                if visited >= limit && last != Some(place(entry.hash())) {
                    return Some(place(entry.hash()));
                }
                last = Some(place(entry.hash()));
                visited += 1;
                visit(entry);
            }
            next = next_prefix(from, segment.depth);
        }
        None
    }

    /// Cuts the segment of a place in two by one more bit of its entries' places.
    fn split(&mut self, of: u32) {
        let at = self.segment_at(of);
        if self.segments[at].depth == self.depth {
            self.directory = self.directory.iter().flat_map(|&s| [s, s]).collect();
            self.depth += 1;
        }
        let new = self.segments.len() as u32;
        let old = Arc::make_mut(&mut self.segments[at]);
        old.depth += 1;
        let bit = 1 << (32 - old.depth);
        let upper = Segment {
            entries: old.entries.split_off(|entry| place(entry.hash()) & bit != 0),
            depth: old.depth,
        };
        self.segments.push(Arc::new(upper));
        // What leads to it lies together; the second half leads to the new one.
        let depth = self.segments[at].depth;
        let width = 1usize << (self.depth - depth);
        let start = (index(of, depth) | 1) * width;
        self.directory[start..start + width].fill(new);
    }
}

/// The top `depth` bits.
fn index(place: u32, depth: u32) -> usize {
    if depth == 0 { 0 } else { (place >> (32 - depth)) as usize }
}

/// The first place behind those that share the top `depth` bits of `place`.
fn next_prefix(place: u32, depth: u32) -> Option<u32> {
    if depth == 0 {
        return None;
    }
    let width = 1u32 << (32 - depth);
    (place & !(width - 1)).checked_add(width)
}
