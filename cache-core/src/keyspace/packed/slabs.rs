//! Pages of slots of one size each: where records lie.
//!
//! The slots in use of a size are always the first ones: whoever frees a slot moves the last record
//! of that size into it. So no page but the last of each size has a hole, and memory never
//! fragments, whatever is written and deleted. Slab classes are memcached's idea (Fitzpatrick,
//! "Distributed Caching with Memcached", Linux Journal 2004); keeping them dense is what a store can
//! do whose records are found by key alone.

use super::pages::{PAGE_BYTES as PAGE, Pages, Place};
use super::prefetch::{LINE, prefetch};
use super::shared::Shared;
use super::table::Table;
use alloc::vec::Vec;

/// The longest record that lies in a page.
pub(super) const SLOT_LIMIT: usize = 1023;
/// Bits of a handle that say which slot of its page it is.
const SLOT_BITS: u32 = 10;
/// Page numbers that fit a handle whose top bit is left to others: 34 GB.
const PAGES: usize = 1 << (31 - SLOT_BITS);

/// Sizes rise in steps of 2 up to 128 and of 4 up to 256; beyond, a page is cut into equal parts.
const FINE: usize = 128;
const COARSE: usize = 256;
const SMALLEST: usize = 16;
/// Parts of a page of the first size beyond `COARSE`.
const MOST_PARTS: usize = PAGE / (COARSE + 1);
const FINE_CLASSES: usize = (FINE - SMALLEST) / 2 + 1;
const COARSE_CLASSES: usize = (COARSE - FINE) / 4;

/// Bytes of slots up to which there are few records.
const FEW: u64 = 16 * 1024;

/// The number of no page.
const NONE: u32 = u32::MAX;

/// Where a record lies: page and slot.
pub(super) type Handle = u32;

/// A record has moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moved {
    pub(super) from: Handle,
    pub(super) to: Handle,
}

/// A page: slots of one size.
#[derive(Clone, Debug)]
enum Page {
    Whole {
        size: u16,
        /// The page of this size that came before, if there is one.
        before: u32,
        place: Place,
    },
    /// The last one of its size, as long as it is short.
    Begun { size: u16, before: u32, bytes: Shared<Vec<u8>> },
}

// Four to a line of memory: finding a record waits for one.
const _: () = assert!(size_of::<Option<Page>>() <= 16);

/// All slots of a size.
#[derive(Clone, Copy, Debug)]
struct Class {
    size: u16,
    /// The page that was begun last; all others are full.
    last: u32,
    /// Slots in use, at least one.
    len: u32,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Slabs {
    table: Table<Page>,
    pages: Pages,
    /// Those in use, by size.
    classes: Vec<Class>,
    /// Bytes of the pages that are begun.
    begun: u64,
    /// Bytes of the slots in use.
    used: u64,
}

impl Page {
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn size(&self) -> u16 {
        match *self {
            Page::Whole { size, .. } | Page::Begun { size, .. } => size,
        }
    }

    fn before(&self) -> u32 {
        match *self {
            Page::Whole { before, .. } | Page::Begun { before, .. } => before,
        }
    }

    /// Slots that there is memory for.
    fn room(&self) -> usize {
        match self {
            Page::Whole { size, .. } => parts(*size),
            Page::Begun { size, bytes, .. } => bytes.len() / usize::from(*size),
        }
    }
}

impl Class {
    /// Slots in use of the last page.
    fn tail(&self) -> usize {
        match self.len as usize % parts(self.size) {
            0 => parts(self.size),
            some => some,
        }
    }

    /// Slots that its last page grows by: an eighth of what there is, so that few records of a size
    /// take no large page.
    fn step(&self) -> usize {
        /// Bytes that are not worth growing for.
        const LEAST: usize = 64;
        (self.len as usize / 8).max(LEAST / usize::from(self.size)).max(1)
    }
}

/// Slots in a page.
fn parts(size: u16) -> usize {
    PAGE / usize::from(size)
}

/// The size class of a record of `len` bytes, at most [`SLOT_LIMIT`].
fn class_of(len: usize) -> usize {
    if len <= FINE {
        (len.max(SMALLEST) - SMALLEST).div_ceil(2)
    } else if len <= COARSE {
        FINE_CLASSES - 1 + (len - FINE).div_ceil(4)
    } else {
        FINE_CLASSES + COARSE_CLASSES + MOST_PARTS - PAGE / len
    }
}

/// Bytes of a slot of this class.
fn size_of_class(class: usize) -> usize {
    if class < FINE_CLASSES {
        SMALLEST + 2 * class
    } else if class < FINE_CLASSES + COARSE_CLASSES {
        FINE + 4 * (class + 1 - FINE_CLASSES)
    } else {
        PAGE / (MOST_PARTS + FINE_CLASSES + COARSE_CLASSES - class)
    }
}

/// Bytes of the slot that a record of `len` bytes gets.
fn slot_size(len: usize) -> usize {
    size_of_class(class_of(len))
}

/// The same where there are few records: then some padding costs less than one more size does.
fn rough_slot_size(len: usize) -> usize {
    slot_size(len.next_multiple_of(8).min(SLOT_LIMIT))
}

impl Slabs {
    /// Bytes of the slots in use.
    pub(super) fn used(&self) -> u64 {
        self.used
    }

    /// Bytes of pages beyond the slots in use.
    pub(super) fn slack(&self) -> u64 {
        self.begun + self.pages.reserved() - self.used
    }

    /// Slots in use.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.classes.iter().map(|class| class.len as usize).sum()
    }

    /// A slot for a record of `len` bytes, at most [`SLOT_LIMIT`]. `None`: there can be no more.
    pub(super) fn alloc(&mut self, len: usize) -> Option<Handle> {
        let size = if self.used < FEW { rough_slot_size(len) } else { slot_size(len) } as u16;
        let at = match self.classes.binary_search_by_key(&size, |class| class.size) {
            Ok(at) => {
                if self.classes[at].tail() == parts(size) {
                    self.classes[at].last = self.begin_page(size, self.classes[at].last)?;
                }
                at
            }
            Err(at) => {
                let last = self.begin_page(size, NONE)?;
                self.classes.insert(at, Class { size, last, len: 0 });
                at
            }
        };
        let class = &mut self.classes[at];
        class.len += 1;
        let (class, slot) = (*class, class.tail() - 1);
        if self.table.get(class.last).is_some_and(|page| page.room() == slot) {
            self.resize_page(class.last, slot + class.step());
        }
        self.used += u64::from(size);
        Some(class.last << SLOT_BITS | slot as u32)
    }

    /// Whether a record of `len` bytes would get no better slot than this one.
    pub(super) fn fits(&self, handle: Handle, len: usize) -> bool {
        let size = self.get(handle).len();
        len <= SLOT_LIMIT && (size == slot_size(len) || size == rough_slot_size(len))
    }

    /// A page without memory.
    fn begin_page(&mut self, size: u16, before: u32) -> Option<u32> {
        let bytes = Shared::default();
        (self.table.len() < PAGES).then(|| self.table.insert(Page::Begun { size, before, bytes }))
    }

    /// Gives a page memory for so many slots.
    fn resize_page(&mut self, number: u32, room: usize) {
        let Slabs { table, pages, begun, .. } = self;
        let Some(page) = table.get_mut(number) else { return };
        let (size, before) = (page.size(), page.before());
        let len = room * usize::from(size);
        match page {
            Page::Begun { bytes, .. } if room < parts(size) => {
                *begun = *begun - bytes.len() as u64 + len as u64;
                let bytes = bytes.to_mut();
                bytes.reserve_exact(len.saturating_sub(bytes.len()));
                bytes.resize(len, 0);
                bytes.shrink_to_fit();
            }
            Page::Begun { bytes, .. } => {
                *begun -= bytes.len() as u64;
                let place = pages.alloc(number);
                pages.get_mut(place, 0..bytes.len()).copy_from_slice(bytes);
                *page = Page::Whole { size, before, place };
            }
            Page::Whole { place, .. } => {
                *begun += len as u64;
                let bytes = pages.get(*place, 0..len).to_vec();
                let place = *place;
                *page = Page::Begun { size, before, bytes: Shared::new(bytes) };
                self.free_place(place);
            }
        }
    }

    fn free_place(&mut self, place: Place) {
        if let Some(owner) = self.pages.free(place)
            && let Some(Page::Whole { place: moved, .. }) = self.table.get_mut(owner)
        {
            *moved = place;
        }
    }

    /// Gives a slot back. The last record of its size takes the place.
    pub(super) fn free(&mut self, handle: Handle) -> Option<Moved> {
        let size = self.table.get(handle >> SLOT_BITS)?.size();
        let at = self.classes.binary_search_by_key(&size, |class| class.size).ok()?;
        let class = self.classes[at];
        let slot = class.tail() - 1;
        let last = class.last << SLOT_BITS | slot as u32;
        if last != handle {
            let mut record = [0; SLOT_LIMIT];
            let record = &mut record[..usize::from(size)];
            record.copy_from_slice(self.get(last));
            self.get_mut(handle).copy_from_slice(record);
        }
        self.used -= u64::from(size);
        self.classes[at].len -= 1;
        if slot == 0 {
            let page = self.table.remove(class.last)?;
            match page {
                Page::Whole { place, .. } => self.free_place(place),
                Page::Begun { ref bytes, .. } => self.begun -= bytes.len() as u64,
            }
            self.classes[at].last = page.before();
            if class.len == 1 {
                self.classes.remove(at);
            }
        } else {
            let (class, page) = (self.classes[at], self.table.get(class.last)?);
            if page.room() > slot + 2 * class.step() {
                self.resize_page(class.last, slot + class.step());
            }
        }
        (last != handle).then_some(Moved { from: last, to: handle })
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn get(&self, handle: Handle) -> &[u8] {
        match self.table.get(handle >> SLOT_BITS) {
            Some(Page::Whole { size, place, .. }) => {
                self.pages.get(*place, slot_range(handle, *size))
            }
            Some(Page::Begun { size, bytes, .. }) => &bytes[slot_range(handle, *size)],
            None => &[],
        }
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn get_mut(&mut self, handle: Handle) -> &mut [u8] {
        match self.table.get(handle >> SLOT_BITS) {
            Some(Page::Whole { size, place, .. }) => {
                self.pages.get_mut(*place, slot_range(handle, *size))
            }
            Some(Page::Begun { .. }) => self.begun_mut(handle),
            None => &mut [],
        }
    }

    fn begun_mut(&mut self, handle: Handle) -> &mut [u8] {
        match self.table.get_mut(handle >> SLOT_BITS) {
            Some(Page::Begun { size, bytes, .. }) => &mut bytes.to_mut()[slot_range(handle, *size)],
            _ => &mut [],
        }
    }

    /// Starts to fetch where a record's page is.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn prefetch_page(&self, handle: Handle) {
        self.table.prefetch(handle >> SLOT_BITS);
    }

    /// Starts to fetch a record, and before a write what tells whether a clone shares its page.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn prefetch(&self, handle: Handle, to_write: bool) {
        let record = self.get(handle);
        if to_write && let Some(Page::Whole { place, .. }) = self.table.get(handle >> SLOT_BITS) {
            self.pages.prefetch_count(*place);
        }
        if let Some(first) = record.first() {
            prefetch(first);
        }
        if record.len() > LINE {
            prefetch(&record[LINE]);
        }
    }

    /// Drops some of what is left of slabs that nobody uses any more. `false`: nothing is left.
    pub(super) fn drop_some(&mut self) -> bool {
        self.pages.drop_some() || self.table.drop_some()
    }
}

#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
fn slot_range(handle: Handle, size: u16) -> core::ops::Range<usize> {
    let start = (handle & ((1 << SLOT_BITS) - 1)) as usize * usize::from(size);
    start..start + usize::from(size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    #[cfg_attr(miri, ignore = "counts and nothing else")]
    fn each_length_has_the_least_slot_that_fits() {
        let classes = class_of(SLOT_LIMIT) + 1;
        let sizes: Vec<usize> = (0..classes).map(size_of_class).collect();
        assert!(sizes.is_sorted(), "{sizes:?}");
        assert_eq!((sizes[0], sizes[classes - 1]), (SMALLEST, SLOT_LIMIT));
        for len in 1..=SLOT_LIMIT {
            let least = sizes.iter().copied().find(|&size| size >= len);
            assert_eq!(Some(slot_size(len)), least, "{len}");
            assert!(slot_size(len) - len <= 255);
            assert!(PAGE / slot_size(len) <= 1 << SLOT_BITS);
            assert_eq!(size_of_class(class_of(slot_size(len))), slot_size(len));
        }
    }

    /// Whatever is freed in between, what is there is found again, and only one page of each size
    /// has room.
    #[test]
    fn slots_stay_dense() {
        let mut slabs = Slabs::default();
        let mut random = Random::new(4);
        let mut model: Vec<(Handle, usize, u8)> = Vec::new();
        let steps = if cfg!(miri) { 300 } else { 30_000u32 };
        for step in 0..steps {
            let grows = step < steps / 2;
            if model.is_empty() || random.below(3) < if grows { 2 } else { 1 } {
                let len = 16 + random.below(1000) as usize / 50 * 50;
                let handle = slabs.alloc(len).expect("there is room");
                slabs.get_mut(handle).fill(step as u8);
                model.push((handle, len, step as u8));
            } else {
                let (handle, ..) = model.swap_remove(random.below(model.len() as u64) as usize);
                if let Some(moved) = slabs.free(handle) {
                    let it = model.iter_mut().find(|(h, ..)| *h == moved.from).expect("known");
                    it.0 = moved.to;
                }
            }
            if step % 1000 == 0 {
                for &(handle, len, fill) in &model {
                    assert!(slabs.fits(handle, len));
                    assert!(slabs.get(handle).iter().all(|&b| b == fill));
                }
                let used: usize = model.iter().map(|&(h, ..)| slabs.get(h).len()).sum();
                assert_eq!(slabs.used(), used as u64);
            }
        }
        for (handle, ..) in core::mem::take(&mut model) {
            if slabs.used() == 0 {
                break;
            }
            // Handles shift as others are freed: free whatever lies first.
            let _ = handle;
            slabs.free(slabs.classes[0].last << SLOT_BITS);
        }
        assert_eq!((slabs.used(), slabs.slack(), slabs.table.len()), (0, 0, 0));
    }
}
