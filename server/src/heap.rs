//! Where memory comes from: the C library's allocator, and for the engine's chunks of 128 KiB a run of
//! addresses of their own, in huge pages.
//!
//! A lookup in a large keyspace waits for memory, and with pages of 4 KiB also for where that lies
//! (decision 8). Chunks beside each other can share pages of 2 MiB, and as they go back to the system
//! one by one, none of them holds what others have freed.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::{Mutex, PoisonError};

/// Bytes of a cell: a chunk, with what an allocator would add.
const CELL: usize = 128 * 1024;
/// Blocks that may have a cell, in bytes: what is shorter would leave too much of it empty.
const SIZES: std::ops::RangeInclusive<usize> = CELL - 4096..=CELL;
/// Cells of a huge page.
const HUGE: usize = (2 << 20) / CELL;
/// So many huge pages come as small ones, so that little data takes little memory: a processor knows
/// the way to as much by heart.
const SMALL: usize = 4;
/// The most cells there are: 256 GB.
const MOST: usize = (256 << 30) / CELL;

/// The cells, in the order of their addresses.
struct Cells {
    /// The first one's address.
    start: usize,
    /// How many there are addresses for.
    len: usize,
    /// How many of them may be read and written.
    open: usize,
    /// A bit for each that is in use.
    used: [u64; MOST / 64],
    /// In the words before this one all are.
    first: usize,
}

static CELLS: Mutex<Cells> =
    Mutex::new(Cells { start: 0, len: 0, open: 0, used: [0; MOST / 64], first: 0 });

#[global_allocator]
static HEAP: Heap = Heap;

struct Heap;

fn with_cells<R>(act: impl FnOnce(&mut Cells) -> R) -> R {
    // Whoever panicked in here has changed nothing yet.
    act(&mut CELLS.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Whether a block may have a cell; a cell has any alignment up to its own size.
fn fits(layout: Layout) -> bool {
    SIZES.contains(&layout.size()) && layout.align() <= CELL
}

// SAFETY: a block is either the system allocator's, to which it then goes back with the layout that it
// was asked for by, or a cell of at least its size and alignment, which nobody else has until it is
// given back. Which of them is told by the address.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if fits(layout)
            && let Some(cell) = with_cells(Cells::take)
        {
            return cell;
        }
        // SAFETY: what the caller promises of the layout.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if fits(layout)
            && let Some(cell) = with_cells(Cells::take)
        {
            return cell;
        }
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if fits(layout) && with_cells(|cells| cells.give(block)) {
            return;
        }
        // SAFETY: it is no cell, so it came from there, with this layout.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !fits(layout) {
            // SAFETY: it has never been a cell, and the caller promises the rest.
            return unsafe { System.realloc(block, layout, size) };
        }
        // SAFETY: the caller promises that the size, rounded up to the alignment, is one.
        let new = unsafe { self.alloc(Layout::from_size_align_unchecked(size, layout.align())) };
        if !new.is_null() {
            // SAFETY: both are of at least that length, and nobody else has the new one; the old one
            // is given back once.
            unsafe {
                block.copy_to_nonoverlapping(new, layout.size().min(size));
                self.dealloc(block, layout);
            }
        }
        new
    }
}

impl Cells {
    /// A cell whose bytes are 0.
    fn take(&mut self) -> Option<*mut u8> {
        let words = self.used.iter().skip(self.first);
        let word = self.first + words.take_while(|word| **word == u64::MAX).count();
        let bit = self.used.get(word)?.trailing_ones() as usize;
        self.first = word;
        let cell = word * 64 + bit;
        if cell >= self.open && !self.open_more() {
            return None;
        }
        self.used[word] |= 1 << bit;
        Some(std::ptr::with_exposed_provenance_mut(self.start + cell * CELL))
    }

    /// Takes a cell back. `false`: it is none.
    fn give(&mut self, block: *mut u8) -> bool {
        let Some(offset) = block.addr().checked_sub(self.start) else { return false };
        let cell = offset / CELL;
        if cell >= self.open {
            return false;
        }
        system::give_back(block, CELL);
        self.used[cell / 64] &= !(1 << (cell % 64));
        self.first = self.first.min(cell / 64);
        true
    }

    /// Makes a huge page's cells more usable. `false`: there are no more.
    fn open_more(&mut self) -> bool {
        let at = self.start + self.open * CELL;
        let opens = self.open + HUGE <= self.len && system::open(at, HUGE * CELL);
        self.open += if opens { HUGE } else { 0 };
        opens
    }
}

/// Keeps chunks apart from all else, in huge pages if the kernel has such and they are wanted. To be
/// called before there are threads.
pub(crate) fn keep_chunks_apart(huge_pages: bool) {
    system::keep_mappings_apart();
    if !huge_pages {
        return;
    }
    // More than there is memory is of no use.
    let len = (system::memory() / CELL / HUGE * HUGE).min(MOST);
    if let Some(start) = system::addresses(len * CELL, HUGE * CELL, SMALL * HUGE * CELL) {
        with_cells(|cells| (cells.start, cells.len) = (start, len));
    }
}

/// What the system is asked for.
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod system {
    use std::ptr::{null_mut, with_exposed_provenance_mut};

    /// By itself glibc maps a chunk of 128 KiB alone until it has unmapped one; from then on it takes
    /// them from its heap, which goes back to the system only from its end. What has grown and shrunk
    /// would stay (decision 8). musl maps them alone in any case.
    pub(super) fn keep_mappings_apart() {
        #[cfg(target_env = "gnu")]
        {
            /// Blocks that are mapped alone, at most: a process has 65530 mappings, unless the system
            /// was told otherwise, and without one to spare nothing could be unmapped.
            const MAPPED: libc::c_int = 60_000;
            // SAFETY: both set a number of the allocator's, which keeps to it from then on; where it
            // knows no such number, nothing happens.
            unsafe {
                libc::mallopt(libc::M_MMAP_THRESHOLD, super::CELL as libc::c_int);
                libc::mallopt(libc::M_MMAP_MAX, MAPPED);
            }
        }
    }

    /// Bytes of memory that the machine has.
    pub(super) fn memory() -> usize {
        // SAFETY: asks for two numbers.
        let (pages, size) =
            unsafe { (libc::sysconf(libc::_SC_PHYS_PAGES), libc::sysconf(libc::_SC_PAGESIZE)) };
        usize::try_from(pages).unwrap_or(0).saturating_mul(usize::try_from(size).unwrap_or(0))
    }

    /// Addresses that nobody else gets, beginning at a multiple of `align`, all but the first `small`
    /// bytes for huge pages. None of them may be used before [`open`].
    pub(super) fn addresses(len: usize, align: usize, small: usize) -> Option<usize> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: new memory, wherever the kernel likes; nothing that is there changes.
        let run = unsafe { libc::mmap(null_mut(), len + align, libc::PROT_NONE, flags, -1, 0) };
        if len <= small || run == libc::MAP_FAILED {
            return None;
        }
        let start = run.expose_provenance().next_multiple_of(align);
        // SAFETY: it lies within what was just mapped, and is advice.
        let advised = unsafe {
            let huge = with_exposed_provenance_mut(start + small);
            libc::madvise(huge, len - small, libc::MADV_HUGEPAGE)
        };
        (advised == 0).then_some(start)
    }

    /// Lets some of these addresses be used: what is there is 0. `false`: the system refuses.
    pub(super) fn open(at: usize, len: usize) -> bool {
        let prot = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: they are our own, and nothing is there yet.
        unsafe { libc::mprotect(with_exposed_provenance_mut(at), len, prot) == 0 }
    }

    /// Gives memory back. What is there then is 0.
    pub(super) fn give_back(at: *mut u8, len: usize) {
        // SAFETY: a cell, which nobody has any more.
        unsafe {
            if libc::madvise(at.cast(), len, libc::MADV_DONTNEED) != 0 {
                at.write_bytes(0, len);
            }
        }
    }
}

/// Elsewhere there are no cells.
#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
mod system {
    pub(super) fn keep_mappings_apart() {}

    pub(super) fn memory() -> usize {
        0
    }

    pub(super) fn addresses(_len: usize, _align: usize, _small: usize) -> Option<usize> {
        None
    }

    pub(super) fn open(_at: usize, _len: usize) -> bool {
        false
    }

    pub(super) fn give_back(_at: *mut u8, _len: usize) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chunk comes with zeros, is nobody else's, and its memory is taken again.
    #[test]
    fn chunks_lie_apart() {
        keep_chunks_apart(true);
        let cells = || with_cells(|cells| cells.used.iter().map(|word| word.count_ones()).sum());
        let before: u32 = cells();
        let mut chunks: Vec<Vec<u8>> = (0..40).map(|_| vec![0; CELL - 16]).collect();
        let there = cells() - before;
        assert!(there == 40 || with_cells(|cells| cells.len == 0), "{there}");
        for (i, chunk) in chunks.iter_mut().enumerate() {
            assert!(chunk.iter().all(|&byte| byte == 0));
            chunk.fill(i as u8 + 1);
        }
        for (i, chunk) in chunks.iter().enumerate() {
            assert!(chunk.iter().all(|&byte| byte == i as u8 + 1));
        }
        // A block that grows out of its cell, and one that shrinks.
        let mut chunk = chunks.swap_remove(7);
        chunk.push(1);
        chunk.extend_from_slice(&[1; CELL]);
        assert!(chunk[..CELL - 16].iter().all(|&byte| byte == 8));
        let mut chunk = chunks.swap_remove(0);
        chunk.truncate(100);
        chunk.shrink_to_fit();
        assert_eq!(chunk, [1; 100]);
        drop(chunks);
        assert_eq!(cells(), before);
        let again = vec![0u8; CELL - 16];
        assert!(again.iter().all(|&byte| byte == 0));
    }
}
