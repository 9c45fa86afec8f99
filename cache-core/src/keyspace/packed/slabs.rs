//! Pages of slots of one size each: where records lie.
//!
//! The slots in use of a size are the first ones, but for a few holes: where there are more, the last
//! record of that size is moved into one. So memory never fragments, whatever is written and deleted;
//! and records that grow and shrink by turns, and take one another's slots, move no third one. Slab
//! classes are memcached's idea (Fitzpatrick, "Distributed Caching with Memcached", Linux Journal
//! 2004); keeping them dense is what a store can do whose records are found by key alone.

use super::pages::{Pages, Place};
use super::prefetch::{LINE, prefetch};
use super::shared::Shared;
pub(super) use super::sizes::SLOT_LIMIT;
use super::sizes::{parts, rough_slot_size, slot_size};
use super::table::Table;
use alloc::vec::Vec;

/// Bits of a handle that say which slot of its page it is.
pub(super) const SLOT_BITS: u32 = 10;
/// Page numbers that fit a handle whose top bit is left to others: 34 GB.
const PAGES: usize = 1 << (31 - SLOT_BITS);

/// Bytes of slots up to which there are few records.
const FEW: u64 = 16 * 1024;

/// Holes of a size at most, where any are left, and one for so many slots.
pub(super) const HOLES: usize = 64;
const SLOTS_A_HOLE: usize = 16;

/// The number of no page.
const NONE: u32 = u32::MAX;

/// Where a record lies: page and slot.
pub(super) type Handle = u32;

/// What a handle leads to, as long as no record is added, removed or given another place.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Slot {
    place: Place,
    /// Its bytes; 0: it lies elsewhere than in a whole page.
    size: u16,
}

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
#[derive(Clone, Debug)]
struct Class {
    size: u16,
    /// The page that was begun last; all others are full.
    last: u32,
    /// Slots in use and holes, at least one.
    len: u32,
    /// Slots among these that are free; the one that was freed last is taken first.
    holes: Vec<Handle>,
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
    /// Holes of a size at most.
    most_holes: usize,
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

    /// Its last slot.
    fn last_handle(&self) -> Handle {
        self.last << SLOT_BITS | (self.tail() - 1) as u32
    }

    /// Slots that its last page grows by: an eighth of what there is, so that few records of a size
    /// take no large page.
    fn step(&self) -> usize {
        /// Bytes that are not worth growing for.
        const LEAST: usize = 64;
        (self.len as usize / 8).max(LEAST / usize::from(self.size)).max(1)
    }
}

impl Slabs {
    /// Slabs in which a few slots may be free, so that little is moved.
    pub(super) fn with_holes() -> Self {
        Slabs { most_holes: HOLES, ..Slabs::default() }
    }

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
        self.classes.iter().map(|class| class.len as usize - class.holes.len()).sum()
    }

    /// A slot for a record of `len` bytes, at most [`SLOT_LIMIT`]. `None`: there can be no more.
    pub(super) fn alloc(&mut self, len: usize) -> Option<Handle> {
        let size = if self.used < FEW { rough_slot_size(len) } else { slot_size(len) } as u16;
        let at = match self.find_class(size) {
            Ok(at) => {
                if let Some(hole) = self.classes[at].holes.pop() {
                    self.used += u64::from(size);
                    return Some(hole);
                }
                if self.classes[at].tail() == parts(size) {
                    self.classes[at].last = self.begin_page(size, self.classes[at].last)?;
                }
                at
            }
            Err(at) => {
                let last = self.begin_page(size, NONE)?;
                self.classes.insert(at, Class { size, last, len: 0, holes: Vec::new() });
                at
            }
        };
        let class = &mut self.classes[at];
        class.len += 1;
        let (handle, slot) = (class.last_handle(), class.tail() - 1);
        let (page, room) = (class.last, slot + class.step());
        if self.table.get(page).is_some_and(|page| page.room() == slot) {
            self.resize_page(page, room);
        }
        self.used += u64::from(size);
        Some(handle)
    }

    fn find_class(&self, size: u16) -> Result<usize, usize> {
        self.classes.binary_search_by_key(&size, |class| class.size)
    }

    /// Whether a record of `len` bytes would get no better slot than one of this size.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn fits(size: usize, len: usize) -> bool {
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

    /// Gives a slot back, and says whether there are too many holes of its size now: then call
    /// [`fill`](Self::fill) until it moves nothing.
    pub(super) fn free(&mut self, handle: Handle) -> bool {
        let size = self.get(handle).len() as u16;
        let Ok(at) = self.find_class(size) else { return false };
        self.used -= u64::from(size);
        self.classes[at].holes.push(handle);
        self.has_many_holes(at)
    }

    fn has_many_holes(&self, at: usize) -> bool {
        let Class { len, ref holes, .. } = self.classes[at];
        holes.len() > self.most_holes.min(len as usize / SLOTS_A_HOLE)
    }

    /// Moves the last record of a size into a hole, if there are too many.
    pub(super) fn fill(&mut self, size: u16) -> Option<Moved> {
        loop {
            let at = self.find_class(size).ok().filter(|&at| self.has_many_holes(at))?;
            let class = &mut self.classes[at];
            let last = class.last_handle();
            if let Some(hole) = class.holes.iter().position(|&hole| hole == last) {
                class.holes.swap_remove(hole);
                self.drop_last(at);
                continue;
            }
            let hole = class.holes.pop()?;
            let mut record = [0; SLOT_LIMIT];
            let record = &mut record[..usize::from(size)];
            record.copy_from_slice(self.get(last));
            self.get_mut(hole).copy_from_slice(record);
            self.drop_last(at);
            return Some(Moved { from: last, to: hole });
        }
    }

    /// Takes the last slot of a class away.
    fn drop_last(&mut self, at: usize) {
        let class = &mut self.classes[at];
        let (number, slot) = (class.last, class.tail() - 1);
        class.len -= 1;
        let (len, room) = (class.len, slot + class.step());
        let most = slot + 2 * class.step();
        if slot > 0 {
            if self.table.get(number).is_some_and(|page| page.room() > most) {
                self.resize_page(number, room);
            }
            return;
        }
        let Some(page) = self.table.remove(number) else { return };
        match page {
            Page::Whole { place, .. } => self.free_place(place),
            Page::Begun { ref bytes, .. } => self.begun -= bytes.len() as u64,
        }
        self.classes[at].last = page.before();
        if len == 0 {
            self.classes.remove(at);
        }
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

    /// Where a handle leads.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn slot(&self, handle: Handle) -> Slot {
        match self.table.get(handle >> SLOT_BITS) {
            Some(&Page::Whole { size, place, .. }) => Slot { place, size },
            _ => Slot::default(),
        }
    }

    /// As [`get`](Self::get), where it is known where the handle leads. `None`: look it up.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn get_at(&self, handle: Handle, slot: Slot) -> Option<&[u8]> {
        (slot.size > 0).then(|| self.pages.get(slot.place, slot_range(handle, slot.size)))
    }

    /// As [`get_at`](Self::get_at), to write to.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn get_at_mut(&mut self, handle: Handle, slot: Slot) -> Option<&mut [u8]> {
        (slot.size > 0).then(|| self.pages.get_mut(slot.place, slot_range(handle, slot.size)))
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

    /// Starts to fetch a record, and before a write what tells whether a clone shares its page. Gives
    /// where the handle leads.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn prefetch(&self, handle: Handle, to_write: bool) -> Slot {
        let slot = self.slot(handle);
        let record = self.get_at(handle, slot).unwrap_or_default();
        if to_write && slot.size > 0 {
            self.pages.prefetch_count(slot.place);
        }
        record.first().into_iter().for_each(prefetch);
        if record.len() > LINE {
            prefetch(&record[LINE]);
        }
        slot
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

    /// Whatever is freed in between, what is there is found again, and few slots are free.
    #[test]
    fn slots_stay_dense() {
        dense(Slabs::default());
        dense(Slabs::with_holes());
    }

    type Model = Vec<(Handle, usize, u8)>;

    fn free(slabs: &mut Slabs, model: &mut Model, handle: Handle, size: u16) {
        if !slabs.free(handle) {
            assert_eq!(slabs.fill(size), None);
        }
        while let Some(Moved { from, to }) = slabs.fill(size) {
            model.iter_mut().find(|(h, ..)| *h == from).expect("known").0 = to;
        }
    }

    fn dense(mut slabs: Slabs) {
        let most_holes = slabs.most_holes;
        let mut random = Random::new(4);
        let mut model = Model::new();
        let steps = if cfg!(miri) { 300 } else { 30_000u32 };
        for step in 0..steps {
            let grows = step < steps / 2;
            if model.is_empty() || random.below(3) < if grows { 2 } else { 1 } {
                let len = 16 + random.below(1000) as usize / 50 * 50;
                let handle = slabs.alloc(len).expect("there is room");
                slabs.get_mut(handle).fill(step as u8);
                model.push((handle, len, step as u8));
            } else {
                let (handle, len, _) = model.swap_remove(random.below(model.len() as u64) as usize);
                let size = slabs.get(handle).len() as u16;
                assert!(usize::from(size) >= len);
                free(&mut slabs, &mut model, handle, size);
            }
            for class in &slabs.classes {
                assert!(class.holes.len() <= most_holes.min(class.len as usize / SLOTS_A_HOLE));
            }
            if step % 1000 == 0 {
                for &(handle, len, fill) in &model {
                    assert!(Slabs::fits(slabs.get(handle).len(), len));
                    assert!(slabs.get(handle).iter().all(|&b| b == fill));
                }
                let used: usize = model.iter().map(|&(h, ..)| slabs.get(h).len()).sum();
                assert_eq!(slabs.used(), used as u64);
            }
        }
        assert_eq!(slabs.len(), model.len());
        while let Some((handle, ..)) = model.pop() {
            let size = slabs.get(handle).len() as u16;
            free(&mut slabs, &mut model, handle, size);
        }
        assert_eq!((slabs.used(), slabs.slack(), slabs.table.len()), (0, 0, 0));
    }
}
