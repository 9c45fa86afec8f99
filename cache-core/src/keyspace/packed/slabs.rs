//! Pages of slots of one size each: where records lie.
//!
//! The slots in use of a size are always the first ones: whoever frees a slot moves the last record
//! of that size into it. So no page but the last of each size has a hole, and memory never
//! fragments, whatever is written and deleted. Slab classes are memcached's idea (Fitzpatrick,
//! "Distributed Caching with Memcached", Linux Journal 2004); keeping them dense is what a store can
//! do whose records are found by key alone.

use super::prefetch::{LINE, prefetch};
use super::shared::Shared;
use super::table::Table;
use alloc::vec::Vec;

/// Bytes of a page: with what an `Arc` and a common allocator add, 16 KiB.
const PAGE: usize = 16_384 - 24;
/// The longest record that lies in a page.
pub(super) const SLOT_LIMIT: usize = 1022;
/// Bits of a handle that say which slot of its page it is.
const SLOT_BITS: u32 = 10;
/// Page numbers that fit a handle whose top bit is left to others: 34 GB.
const PAGES: usize = 1 << (31 - SLOT_BITS);

/// Sizes rise in steps of 2 up to 128 and of 4 up to 256; beyond, a page is cut into equal parts.
const FINE: usize = 128;
const COARSE: usize = 256;
const SMALLEST: usize = 16;
/// Parts of a page of the first size beyond `COARSE`, and of the last.
const MOST_PARTS: usize = PAGE / (COARSE + 1);
const LEAST_PARTS: usize = PAGE / SLOT_LIMIT;
const FINE_CLASSES: usize = (FINE - SMALLEST) / 2 + 1;
const COARSE_CLASSES: usize = (COARSE - FINE) / 4;
const CLASSES: usize = FINE_CLASSES + COARSE_CLASSES + (MOST_PARTS - LEAST_PARTS + 1);

/// Where a record lies: page and slot.
pub(super) type Handle = u32;

/// A record has moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moved {
    pub(super) from: Handle,
    pub(super) to: Handle,
}

#[derive(Clone, Debug)]
struct Page {
    bytes: Shared<[u8; PAGE]>,
    size: u16,
    class: u16,
}

/// All slots of a size.
#[derive(Clone, Debug, Default)]
struct Class {
    /// Page numbers; all but the last page are full.
    pages: Vec<u32>,
    /// Slots in use.
    len: usize,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Slabs {
    pages: Table<Page>,
    spare: Spare,
    classes: Vec<Class>,
    page_count: usize,
    /// Bytes of the slots in use.
    used: u64,
}

/// Pages that hold nothing, for the next one that needs a page. Given back to the allocator they would
/// be cut up for smaller things, and the next page would be taken from new memory.
#[derive(Debug, Default)]
struct Spare(Vec<Shared<[u8; PAGE]>>);

/// A clone has pages enough that it shares.
impl Clone for Spare {
    fn clone(&self) -> Self {
        Spare::default()
    }
}

impl Spare {
    /// Pages that are kept beside `used` others.
    fn limit(used: usize) -> usize {
        used / 4 + 16
    }

    fn take(&mut self) -> Shared<[u8; PAGE]> {
        self.0.pop().unwrap_or_else(|| Shared::new([0; PAGE]))
    }

    /// Keeps a page unless a clone has it too or there are many.
    fn put(&mut self, mut page: Shared<[u8; PAGE]>, used: usize) {
        if page.own().is_some() && self.0.len() < Self::limit(used) {
            self.0.push(page);
        }
        while self.0.len() > Self::limit(used) {
            self.0.pop();
        }
    }
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
pub(super) fn slot_size(len: usize) -> usize {
    size_of_class(class_of(len))
}

impl Slabs {
    /// Bytes of the slots in use.
    pub(super) fn used(&self) -> u64 {
        self.used
    }

    /// Bytes of pages beyond the slots in use.
    pub(super) fn slack(&self) -> u64 {
        (self.page_count * PAGE) as u64 - self.used
    }

    /// A slot for a record of `len` bytes, at most [`SLOT_LIMIT`]. `None`: there can be no more.
    pub(super) fn alloc(&mut self, len: usize) -> Option<Handle> {
        let class = class_of(len);
        let size = size_of_class(class);
        if self.classes.is_empty() {
            self.classes.resize_with(CLASSES, Class::default);
        }
        let parts = PAGE / size;
        let slot = self.classes[class].len % parts;
        if slot == 0 {
            if self.page_count >= PAGES {
                return None;
            }
            let bytes = self.spare.take();
            let page = Page { bytes, size: size as u16, class: class as u16 };
            let number = self.pages.insert(page);
            self.page_count += 1;
            self.classes[class].pages.push(number);
        }
        let class = &mut self.classes[class];
        class.len += 1;
        self.used += size as u64;
        let number = class.pages.last().copied().unwrap_or_default();
        Some(number << SLOT_BITS | slot as u32)
    }

    /// Gives a slot back. The last record of its size takes the place.
    pub(super) fn free(&mut self, handle: Handle) -> Option<Moved> {
        let Page { size, class, .. } = *self.pages.get(handle >> SLOT_BITS)?;
        let parts = PAGE / usize::from(size);
        let class = &mut self.classes[usize::from(class)];
        class.len -= 1;
        self.used -= u64::from(size);
        let slot = class.len % parts;
        let number = class.pages.last().copied().unwrap_or_default();
        let last = number << SLOT_BITS | slot as u32;
        if slot == 0 {
            class.pages.pop();
        }
        if last != handle {
            let mut record = [0; SLOT_LIMIT];
            let record = &mut record[..usize::from(size)];
            record.copy_from_slice(self.get(last));
            self.get_mut(handle).copy_from_slice(record);
        }
        if slot == 0 {
            self.page_count -= 1;
            if let Some(page) = self.pages.remove(number) {
                self.spare.put(page.bytes, self.page_count);
            }
        }
        (last != handle).then_some(Moved { from: last, to: handle })
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn get(&self, handle: Handle) -> &[u8] {
        match self.pages.get(handle >> SLOT_BITS) {
            Some(page) => &page.bytes[slot_range(handle, page.size)],
            None => &[],
        }
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn get_mut(&mut self, handle: Handle) -> &mut [u8] {
        match self.pages.get_mut(handle >> SLOT_BITS) {
            Some(page) => &mut page.bytes.to_mut()[slot_range(handle, page.size)],
            None => &mut [],
        }
    }

    /// Starts to fetch where a record's page is.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn prefetch_page(&self, handle: Handle) {
        self.pages.prefetch(handle >> SLOT_BITS);
    }

    /// Starts to fetch a record, and before a write what tells whether a clone shares its page.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn prefetch(&self, handle: Handle, to_write: bool) {
        let Some(page) = self.pages.get(handle >> SLOT_BITS) else { return };
        let record = &page.bytes[slot_range(handle, page.size)];
        if to_write {
            page.bytes.prefetch_count();
        }
        prefetch(record);
        if record.len() > LINE {
            prefetch(&record[LINE]);
        }
    }

    /// Drops some of what is left of slabs that nobody uses any more. `false`: nothing is left.
    pub(super) fn drop_some(&mut self) -> bool {
        self.spare.0.pop().is_some() || self.pages.drop_some()
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
        let sizes: Vec<usize> = (0..CLASSES).map(size_of_class).collect();
        assert!(sizes.is_sorted(), "{sizes:?}");
        assert_eq!((sizes[0], sizes[CLASSES - 1]), (SMALLEST, SLOT_LIMIT));
        for len in 1..=SLOT_LIMIT {
            let least = sizes.iter().copied().find(|&size| size >= len);
            assert_eq!(Some(slot_size(len)), least, "{len}");
            assert!(slot_size(len) - len <= 255);
            assert!(PAGE / slot_size(len) <= 1 << SLOT_BITS);
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
                    assert_eq!(slabs.get(handle).len(), slot_size(len));
                    assert!(slabs.get(handle).iter().all(|&b| b == fill));
                }
                let used: usize = model.iter().map(|&(_, len, _)| slot_size(len)).sum();
                assert_eq!(slabs.used(), used as u64);
            }
        }
        for (handle, ..) in core::mem::take(&mut model) {
            if slabs.used() == 0 {
                break;
            }
            // Handles shift as others are freed: free whatever lies first.
            let _ = handle;
            let class = slabs.classes.iter().position(|c| c.len > 0).expect("used");
            let first = slabs.classes[class].pages[0] << SLOT_BITS;
            slabs.free(first);
        }
        assert_eq!((slabs.used(), slabs.slack(), slabs.page_count), (0, 0, 0));
    }
}
