//! Pages of one size, in chunks that go back to the operating system whole.
//!
//! The pages in use are always the first ones: whoever frees one moves the last page into it. So no
//! chunk but the last has a hole. A chunk is large enough for an allocator to map it by itself, and
//! to unmap it when it is empty, whatever else was allocated meanwhile.

use super::shared::Shared;
use alloc::vec::Vec;
use core::ops::Range;

/// Bytes of a page: eight of them, with what an `Arc` and a common allocator add, are 128 KiB.
const PAGE: usize = 16_384 - 4;
/// Bytes of a page that its owner has.
pub(super) const PAGE_BYTES: usize = PAGE - OWNER;
/// Bytes of the owner's number, in front.
const OWNER: usize = 4;
/// Pages in a chunk.
const CHUNK: usize = 8;
/// The last chunk has room for one more page for so many that there are: few pages take no large
/// chunk.
const GROWTH: usize = 4;

/// Where a page lies, until a page is freed.
pub(super) type Place = u32;

#[derive(Clone, Debug, Default)]
pub(super) struct Pages {
    chunks: Vec<Shared<[u8]>>,
    /// Pages in use.
    len: usize,
}

fn split(place: Place) -> (usize, usize) {
    (place as usize / CHUNK, place as usize % CHUNK * PAGE)
}

impl Pages {
    /// Bytes of all pages, those in reserve included.
    pub(super) fn reserved(&self) -> u64 {
        let full = self.chunks.len().saturating_sub(1) * CHUNK * PAGE;
        (full + self.chunks.last().map_or(0, |chunk| chunk.len())) as u64
    }

    /// Pages that there is memory for.
    fn room(&self) -> usize {
        self.reserved() as usize / PAGE
    }

    /// Some bytes of a page.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn get(&self, place: Place, range: Range<usize>) -> &[u8] {
        let (chunk, start) = split(place);
        let start = start + OWNER;
        match self.chunks.get(chunk) {
            Some(chunk) => &chunk[start + range.start..start + range.end],
            None => &[],
        }
    }

    /// Some bytes of a page, to write to.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn get_mut(&mut self, place: Place, range: Range<usize>) -> &mut [u8] {
        let (chunk, start) = split(place);
        let start = start + OWNER;
        match self.chunks.get_mut(chunk) {
            Some(chunk) => &mut chunk.slice_mut()[start + range.start..start + range.end],
            None => &mut [],
        }
    }

    /// Starts to fetch what tells whether a clone shares a page.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn prefetch_count(&self, place: Place) {
        if let Some(chunk) = self.chunks.get(split(place).0) {
            chunk.prefetch_count();
        }
    }

    /// A page for whoever has this number.
    pub(super) fn alloc(&mut self, owner: u32) -> Place {
        if self.len == self.room() {
            let more = (self.len / GROWTH).clamp(1, CHUNK);
            match self.chunks.last_mut() {
                Some(last) if last.len() < CHUNK * PAGE => {
                    let pages = (last.len() / PAGE + more).min(CHUNK);
                    *last = Shared::with_len(last, pages * PAGE, 0);
                }
                _ => self.chunks.push(Shared::with_len(&[], more * PAGE, 0)),
            }
        }
        let place = self.len as Place;
        self.len += 1;
        let (chunk, start) = split(place);
        self.chunks[chunk].slice_mut()[start..start + OWNER].copy_from_slice(&owner.to_le_bytes());
        place
    }

    /// Gives a page back. The last one takes its place: gives whose that is.
    pub(super) fn free(&mut self, place: Place) -> Option<u32> {
        self.len -= 1;
        let last = self.len as Place;
        let moved = (place != last).then(|| self.copy(last, place));
        self.give_back();
        moved
    }

    /// Copies a page with its owner's number, and gives that.
    fn copy(&mut self, from: Place, to: Place) -> u32 {
        let (from_chunk, from) = split(from);
        let (to_chunk, to) = split(to);
        let owner = self.chunks[from_chunk][from..].first_chunk().copied().unwrap_or_default();
        if from_chunk == to_chunk {
            self.chunks[to_chunk].slice_mut().copy_within(from..from + PAGE, to);
        } else if let Ok([from_chunk, to_chunk]) =
            self.chunks.get_disjoint_mut([from_chunk, to_chunk])
        {
            to_chunk.slice_mut()[to..to + PAGE].copy_from_slice(&from_chunk[from..from + PAGE]);
        }
        u32::from_le_bytes(owner)
    }

    /// Frees the last chunk if more pages are in reserve than come and go, or makes the only one
    /// shorter.
    fn give_back(&mut self) {
        let reserve = (self.len / GROWTH).clamp(1, CHUNK) + self.len / 64;
        let last = self.chunks.last().map_or(0, |last| last.len() / PAGE);
        if self.len == 0 {
            self.chunks = Vec::new();
        } else if self.chunks.len() > 1 {
            if self.room() - last >= self.len + reserve {
                self.chunks.pop();
            }
        } else if last > 2 * self.len + reserve
            && let Some(only) = self.chunks.last_mut()
        {
            *only = Shared::with_len(only, (self.len + reserve) * PAGE, 0);
        }
    }

    /// Drops some of what is left of pages that nobody uses any more. `false`: nothing is left.
    pub(super) fn drop_some(&mut self) -> bool {
        self.chunks.pop();
        !self.chunks.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// Pages are told apart, however they are moved, and a clone keeps what it saw.
    #[test]
    fn they_do_what_a_map_does() {
        let (mut pages, mut places) = (Pages::default(), Vec::<Place>::new());
        let mut random = Random::new(6);
        let steps = if cfg!(miri) { 60 } else { 3000 };
        let mut old = (pages.clone(), places.clone());
        let check = |pages: &Pages, places: &[Place]| {
            for (owner, &place) in places.iter().enumerate() {
                let page = pages.get(place, 0..PAGE_BYTES);
                assert_eq!([page[0], page[PAGE_BYTES - 1]], [owner as u8; 2]);
            }
            assert!(pages.room() <= places.len() + places.len() / 4 + 2 * CHUNK);
        };
        for step in 0..steps {
            let more = random.below(5) < if step < steps / 2 { 3 } else { 2 };
            if more {
                let owner = places.len();
                let place = pages.alloc(owner as u32);
                pages.get_mut(place, 0..PAGE_BYTES).fill(owner as u8);
                places.push(place);
            } else if let Some(place) = places.pop()
                && let Some(moved) = pages.free(place)
            {
                places[moved as usize] = place;
            }
            if step % 10 == 0 {
                check(&pages, &places);
                check(&old.0, &old.1);
                old = (pages.clone(), places.clone());
            }
        }
        while let Some(place) = places.pop() {
            if let Some(moved) = pages.free(place) {
                places[moved as usize] = place;
            }
        }
        assert_eq!(pages.reserved(), 0);
    }
}
