//! Up to 64 keys that share the beginning of their paths: for each a tag, a handle, access bits.
//!
//! All of it is one block of bytes, so that a leaf costs one allocation and one wait for the
//! memory. Keys are found by comparing eight tags at once (Lamport, "Multiple byte processing with
//! full-word instructions", CACM 1975); nothing is ordered and there is no empty place between two
//! keys. With 64 keys and tags of 8 bits a lookup meets a wrong tag once in four times.

use super::prefetch::{LINE, prefetch};
use super::shared::Shared;
use super::slabs::Handle;

/// Keys in a leaf; one that can't be split may have more.
pub(super) const LIMIT: usize = 64;
/// Keys of one tag in a leaf that can be split. Chance brings more to one full leaf in five hundred;
/// whoever knows the seed and makes keys of one tag gets small leaves, and not a search through all
/// of a large one.
pub(super) const SAME: usize = 4;
/// Keys for which a block grows at once.
const STEP: usize = 8;
/// Bytes of the count at the front.
const HEAD: usize = 4;
const HANDLE: usize = 4;
/// Bytes of the access bits: what Redis has, 24 bits.
const ACCESS: usize = 3;
const EACH: usize = 1 + HANDLE + ACCESS;

/// What a leaf knows of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) tag: u8,
    pub(super) handle: Handle,
    /// 24 bits.
    pub(super) access: u32,
}

#[derive(Clone, Debug)]
pub(super) struct Leaf {
    block: Shared<[u8]>,
}

impl Default for Leaf {
    fn default() -> Self {
        Leaf { block: Shared::from_slice(&[0; HEAD]) }
    }
}

impl Leaf {
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn len(&self) -> usize {
        self.block.first_chunk::<HEAD>().map_or(0, |head| u32::from_le_bytes(*head) as usize)
    }

    fn capacity(&self) -> usize {
        (self.block.len() - HEAD) / EACH
    }

    /// Bytes of its block; an empty one counts nothing.
    pub(super) fn size(&self) -> u64 {
        if self.capacity() == 0 { 0 } else { self.block.len() as u64 }
    }

    /// The first key with this tag that `is_it`.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn find(&self, tag: u8, mut is_it: impl FnMut(Handle) -> bool) -> Option<usize> {
        let (len, capacity) = (self.len(), self.capacity());
        let tags = &self.block[HEAD..HEAD + capacity];
        for (word, eight) in tags.chunks_exact(8).enumerate() {
            let Some(eight) = eight.first_chunk::<8>() else { break };
            let mut same = equal_bytes(u64::from_le_bytes(*eight), tag);
            while same != 0 {
                let i = word * 8 + same.trailing_zeros() as usize / 8;
                if i < len && is_it(self.handle(i)) {
                    return Some(i);
                }
                same &= same - 1;
            }
        }
        None
    }

    /// Whether it is to be parted before it takes another key with this tag.
    pub(super) fn is_full(&self, tag: u8) -> bool {
        self.len() >= LIMIT || self.count(tag) >= SAME
    }

    /// How many keys have this tag.
    pub(super) fn count(&self, tag: u8) -> usize {
        let mut count = 0;
        self.find(tag, |_| {
            count += 1;
            false
        });
        count
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn handle(&self, i: usize) -> Handle {
        let at = HEAD + self.capacity() + i * HANDLE;
        self.block[at..].first_chunk().map_or(0, |bytes| Handle::from_le_bytes(*bytes))
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn access(&self, i: usize) -> u32 {
        let at = HEAD + self.capacity() * (1 + HANDLE) + i * ACCESS;
        match self.block[at..].first_chunk::<ACCESS>() {
            Some(&[a, b, c]) => u32::from_le_bytes([a, b, c, 0]),
            None => 0,
        }
    }

    pub(super) fn item(&self, i: usize) -> Item {
        Item { tag: self.block[HEAD + i], handle: self.handle(i), access: self.access(i) }
    }

    pub(super) fn items(&self) -> impl DoubleEndedIterator<Item = Item> + '_ {
        (0..self.len()).map(|i| self.item(i))
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn set_handle(&mut self, i: usize, handle: Handle) {
        let at = HEAD + self.capacity() + i * HANDLE;
        self.block.bytes_mut()[at..at + HANDLE].copy_from_slice(&handle.to_le_bytes());
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn set_access(&mut self, i: usize, access: u32) {
        let at = HEAD + self.capacity() * (1 + HANDLE) + i * ACCESS;
        self.block.bytes_mut()[at..at + ACCESS].copy_from_slice(&access.to_le_bytes()[..ACCESS]);
    }

    pub(super) fn push(&mut self, item: Item) {
        let len = self.len();
        if len == self.capacity() {
            self.resize(len + STEP);
        }
        self.set_len(len + 1);
        self.set_item(len, item);
    }

    /// Takes a key out; the last one takes its place.
    pub(super) fn remove(&mut self, i: usize) {
        let last = self.len() - 1;
        let item = self.item(last);
        self.set_item(i, item);
        self.set_len(last);
        if last == 0 {
            *self = Leaf::default();
        } else if self.capacity() >= last + 2 * STEP {
            self.resize(last + STEP);
        }
    }

    /// Builds a leaf from keys.
    pub(super) fn of(items: impl ExactSizeIterator<Item = Item>) -> Self {
        let mut leaf = Leaf::default();
        if items.len() > 0 {
            leaf.resize(items.len());
        }
        items.for_each(|item| leaf.push(item));
        leaf
    }

    /// Starts to fetch the tags.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn prefetch(&self) {
        prefetch(&*self.block);
        if self.block.len() > LINE {
            prefetch(&self.block[LINE]);
        }
    }

    /// Starts to fetch a handle.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn prefetch_handle(&self, i: usize) {
        prefetch(&self.block[HEAD + self.capacity() + i * HANDLE]);
    }

    fn set_len(&mut self, len: usize) {
        self.block.bytes_mut()[..HEAD].copy_from_slice(&(len as u32).to_le_bytes());
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn set_item(&mut self, i: usize, item: Item) {
        self.block.bytes_mut()[HEAD + i] = item.tag;
        self.set_handle(i, item.handle);
        self.set_access(i, item.access);
    }

    /// Gives it a block for so many keys, rounded up.
    fn resize(&mut self, wanted: usize) {
        let (old, new) = (self.capacity(), wanted.next_multiple_of(STEP));
        let len = self.len().min(new);
        let mut on_stack = [0; HEAD + LIMIT * EACH];
        let mut on_heap = alloc::vec::Vec::new();
        let block = match on_stack.get_mut(..HEAD + new * EACH) {
            Some(block) => block,
            None => {
                on_heap.resize(HEAD + new * EACH, 0);
                &mut on_heap[..]
            }
        };
        block[..HEAD].copy_from_slice(&(len as u32).to_le_bytes());
        // Tags, handles and access bits, each behind where they begin for one key.
        for (before, width) in [(0, 1), (1, HANDLE), (1 + HANDLE, ACCESS)] {
            let (from, to) = (HEAD + old * before, HEAD + new * before);
            block[to..to + len * width].copy_from_slice(&self.block[from..from + len * width]);
        }
        self.block = Shared::from_slice(block);
    }
}

/// The top bit of each byte of `word` that equals `byte`, and no other bit.
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
fn equal_bytes(word: u64, byte: u8) -> u64 {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let differs = word ^ u64::from_le_bytes([byte; 8]);
    // A sum of seven bits carries into the eighth unless all are 0, and never beyond.
    !(((differs & LOW) + LOW) | differs | LOW)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use alloc::vec::Vec;

    #[test]
    fn equal_bytes_are_marked_exactly() {
        let mut random = Random::new(1);
        for _ in 0..if cfg!(miri) { 20 } else { 10_000 } {
            // Few values, so that there are runs of equal ones.
            let bytes: [u8; 8] =
                core::array::from_fn(|_| [0, 1, 0x80, 0x7f][random.below(4) as usize]);
            for byte in [0, 1, 0x80, 0x7f, 0xff] {
                let marks = equal_bytes(u64::from_le_bytes(bytes), byte).to_le_bytes();
                let wanted = bytes.map(|b| if b == byte { 0x80 } else { 0 });
                assert_eq!(marks, wanted);
            }
        }
    }

    #[test]
    fn it_does_what_a_vector_does() {
        let mut random = Random::new(2);
        let mut leaf = Leaf::default();
        let mut model: Vec<Item> = Vec::new();
        for step in 0..if cfg!(miri) { 60 } else { 20_000u32 } {
            let len = model.len() as u64;
            match random.below(4) {
                0 | 1 if len < 100 => {
                    let item =
                        Item { tag: random.below(4) as u8, handle: step, access: step & 0xff_ffff };
                    leaf.push(item);
                    model.push(item);
                }
                2 if len > 0 => {
                    let i = random.below(len) as usize;
                    leaf.remove(i);
                    model.swap_remove(i);
                }
                3 if len > 0 => {
                    let i = random.below(len) as usize;
                    leaf.set_access(i, 0xab_cdef);
                    leaf.set_handle(i, step);
                    model[i] = Item { handle: step, access: 0xab_cdef, ..model[i] };
                }
                _ => {}
            }
            assert!(leaf.items().eq(model.iter().copied()));
            assert!(leaf.capacity() <= model.len() + 2 * STEP);
            if let Some(item) = model.last() {
                let found = leaf.find(item.tag, |handle| handle == item.handle);
                assert_eq!(found, model.iter().position(|i| i == item));
            }
        }
        while leaf.len() > 0 {
            leaf.remove(0);
        }
        assert_eq!(leaf.size(), 0);
    }
}
