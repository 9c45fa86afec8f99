//! Up to 64 keys that share the beginning of their paths: for each a tag and a handle, and access bits
//! where keys may be evicted.
//!
//! All of it is one block of bytes, so that a leaf costs one slot and one wait for the memory. Keys
//! are found by comparing eight tags at once (Lamport, "Multiple byte processing with full-word
//! instructions", CACM 1975); nothing is ordered and there is no empty place between two keys. With
//! 64 keys and tags of 8 bits a lookup meets a wrong tag once in four times.

use super::prefetch::{LINE, prefetch};
use super::slabs::Handle;

/// Keys in a leaf that can be split within its directory.
pub(super) const LIMIT: usize = 64;
/// Keys in a leaf that would have to become a directory, which takes as much as that many handles. One
/// that can't be split at all may have more.
pub(super) const LAST_LIMIT: usize = 120;
/// Keys of one tag in a leaf that can be split. Chance brings more to one full leaf in five hundred;
/// whoever knows the seed and makes keys of one tag gets small leaves, and not a search through all
/// of a large one.
pub(super) const SAME: usize = 4;
/// Tags that are looked at together.
const GROUP: usize = 16;
/// Keys for which a block grows at once.
const STEP: usize = 8;
/// Bytes at the front: how many keys there are, and a path that leads here.
const HEAD: usize = COUNT + 8;
const COUNT: usize = 4;
const HANDLE: usize = 4;
/// Bytes of the access bits: what Redis has, 24 bits.
const ACCESS: usize = 3;

/// What a leaf keeps of each key beside tag and handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keeps {
    /// Access bits, since any of its keys may be evicted.
    Access,
    /// Nothing.
    Nothing,
}

impl Keeps {
    /// Bytes of a key.
    const fn each(self) -> usize {
        match self {
            Keeps::Access => 1 + HANDLE + ACCESS,
            Keeps::Nothing => 1 + HANDLE,
        }
    }

    /// Keys that a block has room for.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    const fn capacity(self, block: &[u8]) -> usize {
        let room = block.len() - HEAD;
        // Dividing by what is known is a shift or a product.
        let keys = match self {
            Keeps::Access => room / Keeps::Access.each(),
            Keeps::Nothing => room / Keeps::Nothing.each(),
        };
        keys / STEP * STEP
    }
}

/// What a leaf knows of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) tag: u8,
    pub(super) handle: Handle,
    /// 24 bits, or 0 where a leaf keeps none.
    pub(super) access: u32,
}

/// A leaf where it lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaf<'a> {
    block: &'a [u8],
    /// Keys that it has room for.
    capacity: usize,
    keeps: Keeps,
}

/// A leaf to change.
#[derive(Debug)]
pub(super) struct LeafMut<'a> {
    block: &'a mut [u8],
    capacity: usize,
    keeps: Keeps,
}

/// Bytes of the block for so many keys, rounded up.
pub(super) fn block_len(keys: usize, keeps: Keeps) -> usize {
    HEAD + keys.next_multiple_of(STEP) * keeps.each()
}

impl<'a> Leaf<'a> {
    /// What stands for a leaf without keys.
    pub(super) const EMPTY: Leaf<'static> =
        Leaf { block: &[0; HEAD], capacity: 0, keeps: Keeps::Nothing };

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn read(block: &'a [u8], keeps: Keeps) -> Self {
        Leaf { block, capacity: keeps.capacity(block), keeps }
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn len(&self) -> usize {
        self.block.first_chunk::<COUNT>().map_or(0, |count| u32::from_le_bytes(*count) as usize)
    }

    /// A path that leads here.
    pub(super) fn path(&self) -> u64 {
        self.block[COUNT..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }

    /// Whether it has room for one key more, and not for many.
    pub(super) fn fits(&self, len: usize) -> bool {
        (len..len + 2 * STEP).contains(&self.capacity)
    }

    /// The first key with this tag that `is_it`.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn find(&self, tag: u8, mut is_it: impl FnMut(Handle) -> bool) -> Option<usize> {
        self.find_place(tag, |i| is_it(self.handle(i)))
    }

    /// As [`find`](Self::find), by place.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn find_place(
        &self,
        tag: u8,
        mut is_it: impl FnMut(usize) -> bool,
    ) -> Option<usize> {
        let len = self.len();
        let (groups, rest) = self.block[HEAD..HEAD + self.capacity].as_chunks::<GROUP>();
        let mut is_it = |i| i < len && is_it(i);
        for (group, tags) in groups.iter().enumerate() {
            // Most hold none, which is seen at once; there is an instruction for it.
            if tags.iter().fold(false, |any, &other| any | (other == tag))
                && let Some(i) = find_tag(tags, tag, |i| is_it(group * GROUP + i))
            {
                return Some(group * GROUP + i);
            }
        }
        let start = groups.len() * GROUP;
        find_tag(rest, tag, |i| is_it(start + i)).map(|i| start + i)
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
        let at = HEAD + self.capacity + i * HANDLE;
        self.block[at..].first_chunk().map_or(0, |bytes| Handle::from_le_bytes(*bytes))
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn access(&self, i: usize) -> u32 {
        if self.keeps == Keeps::Nothing {
            return 0;
        }
        let at = HEAD + self.capacity * (1 + HANDLE) + i * ACCESS;
        match self.block[at..].first_chunk::<ACCESS>() {
            Some(&[a, b, c]) => u32::from_le_bytes([a, b, c, 0]),
            None => 0,
        }
    }

    pub(super) fn item(&self, i: usize) -> Item {
        Item { tag: self.block[HEAD + i], handle: self.handle(i), access: self.access(i) }
    }

    pub(super) fn items(self) -> impl DoubleEndedIterator<Item = Item> + ExactSizeIterator + 'a {
        (0..self.len()).map(move |i| self.item(i))
    }

    /// Starts to fetch the tags.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn prefetch(&self) {
        prefetch(self.block);
        if self.block.len() > LINE {
            prefetch(&self.block[LINE]);
        }
    }

    /// Starts to fetch a handle.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn prefetch_handle(&self, i: usize) {
        prefetch(&self.block[HEAD + self.capacity + i * HANDLE]);
    }
}

impl<'a> LeafMut<'a> {
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn read(block: &'a mut [u8], keeps: Keeps) -> Self {
        LeafMut { capacity: keeps.capacity(block), block, keeps }
    }

    /// Makes a leaf of a block that is long enough for these keys.
    pub(super) fn write(block: &'a mut [u8], keeps: Keeps, path: u64, items: &[Item]) {
        block[COUNT..HEAD].copy_from_slice(&path.to_le_bytes());
        let mut leaf = LeafMut::read(block, keeps);
        leaf.set_len(items.len());
        items.iter().enumerate().for_each(|(i, item)| leaf.set_item(i, *item));
    }

    fn view(&self) -> Leaf<'_> {
        Leaf { block: self.block, capacity: self.capacity, keeps: self.keeps }
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn set_handle(&mut self, i: usize, handle: Handle) {
        let at = HEAD + self.capacity + i * HANDLE;
        self.block[at..at + HANDLE].copy_from_slice(&handle.to_le_bytes());
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn set_access(&mut self, i: usize, access: u32) {
        if self.keeps == Keeps::Nothing {
            return;
        }
        let at = HEAD + self.capacity * (1 + HANDLE) + i * ACCESS;
        self.block[at..at + ACCESS].copy_from_slice(&access.to_le_bytes()[..ACCESS]);
    }

    /// Adds a key, for which there is room.
    pub(super) fn push(&mut self, item: Item) {
        let len = self.view().len();
        self.set_len(len + 1);
        self.set_item(len, item);
    }

    /// Takes a key out; the last one takes its place.
    pub(super) fn remove(&mut self, i: usize) {
        let last = self.view().len() - 1;
        let item = self.view().item(last);
        self.set_item(i, item);
        self.set_len(last);
    }

    fn set_len(&mut self, len: usize) {
        self.block[..COUNT].copy_from_slice(&(len as u32).to_le_bytes());
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn set_item(&mut self, i: usize, item: Item) {
        self.block[HEAD + i] = item.tag;
        self.set_handle(i, item.handle);
        self.set_access(i, item.access);
    }
}

/// The first of some tags that is this one and that `is_it`.
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
fn find_tag(tags: &[u8], tag: u8, mut is_it: impl FnMut(usize) -> bool) -> Option<usize> {
    for (word, eight) in tags.as_chunks::<8>().0.iter().enumerate() {
        let mut same = equal_bytes(u64::from_le_bytes(*eight), tag);
        while same != 0 {
            let i = word * 8 + same.trailing_zeros() as usize / 8;
            if is_it(i) {
                return Some(i);
            }
            same &= same - 1;
        }
    }
    None
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
}
