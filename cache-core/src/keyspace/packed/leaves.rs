//! Where leaves lie: in slots of slabs of their own, which keeps them as dense as records are.

use super::leaf::{Item, Keeps, Leaf, LeafMut, block_len};
use super::shared::Shared;
use super::slabs::{Handle, SLOT_LIMIT, Slabs};
use super::table::Table;
use alloc::vec;
use alloc::vec::Vec;

/// The bit of a handle that says that the leaf lies alone.
const ALONE: Handle = 1 << 31;
/// The handle of all leaves without keys. Above it there is none.
pub(super) const EMPTY: Handle = u32::MAX - 128;
/// Bytes accounted for a leaf that lies alone, beyond its own.
const ALONE_OVERHEAD: u64 = 48;

#[derive(Clone, Debug)]
pub(super) struct Leaves {
    keeps: Keeps,
    slabs: Slabs,
    /// Leaves that are too large for a slot: keys whose paths can't be told apart.
    alone: Table<Shared<Vec<u8>>>,
    /// Bytes accounted for them.
    large: u64,
}

impl Leaves {
    pub(super) fn new(keeps: Keeps) -> Self {
        Leaves { keeps, slabs: Slabs::default(), alone: Table::default(), large: 0 }
    }

    pub(super) fn keeps(&self) -> Keeps {
        self.keeps
    }

    /// Bytes of all leaves.
    pub(super) fn used(&self) -> u64 {
        self.slabs.used() + self.large
    }

    pub(super) fn slack(&self) -> u64 {
        self.slabs.slack()
    }

    /// How many there are with keys.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.slabs.len() + self.alone.len()
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn get(&self, handle: Handle) -> Leaf<'_> {
        if handle & ALONE == 0 {
            Leaf::read(self.slabs.get(handle), self.keeps)
        } else {
            self.get_alone(handle)
        }
    }

    #[cold]
    fn get_alone(&self, handle: Handle) -> Leaf<'_> {
        self.alone.get(handle & !ALONE).map_or(Leaf::EMPTY, |block| Leaf::read(block, self.keeps))
    }

    /// `None`: it has no keys.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn get_mut(&mut self, handle: Handle) -> Option<LeafMut<'_>> {
        if handle & ALONE == 0 {
            return Some(LeafMut::read(self.slabs.get_mut(handle), self.keeps));
        }
        self.alone.get_mut(handle & !ALONE).map(|block| LeafMut::read(block.to_mut(), self.keeps))
    }

    /// Makes a leaf of these keys, to which `path` leads.
    pub(super) fn add(&mut self, path: u64, items: &[Item]) -> Handle {
        if items.is_empty() {
            return EMPTY;
        }
        let len = block_len(items.len(), self.keeps);
        if len <= SLOT_LIMIT
            && let Some(handle) = self.slabs.alloc(len)
        {
            LeafMut::write(self.slabs.get_mut(handle), self.keeps, path, items);
            return handle;
        }
        let mut block = vec![0; len];
        LeafMut::write(&mut block, self.keeps, path, items);
        self.large += ALONE_OVERHEAD + len as u64;
        self.alone.insert(Shared::new(block)) | ALONE
    }

    /// Removes a leaf. Another one may take its place: gives where that one was.
    pub(super) fn remove(&mut self, handle: Handle) -> Option<Handle> {
        if handle & ALONE == 0 {
            let size = self.slabs.get(handle).len() as u16;
            self.slabs.free(handle);
            return self.slabs.fill(size).map(|moved| moved.from);
        }
        if let Some(block) = self.alone.remove(handle & !ALONE) {
            self.large -= ALONE_OVERHEAD + block.len() as u64;
        }
        None
    }

    /// Drops some of what is left of leaves that nobody uses any more. `false`: nothing is left.
    pub(super) fn drop_some(&mut self) -> bool {
        self.slabs.drop_some() || self.alone.take_any().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn a_leaf_does_what_a_vector_does() {
        [Keeps::Access, Keeps::Nothing].into_iter().for_each(as_a_vector);
    }

    fn as_a_vector(keeps: Keeps) {
        let kept = |access| if keeps == Keeps::Access { access } else { 0 };
        let mut random = Random::new(2);
        let (mut leaves, mut handle) = (Leaves::new(keeps), EMPTY);
        let mut model: Vec<Item> = Vec::new();
        for step in 0..if cfg!(miri) { 60 } else { 20_000u32 } {
            let len = model.len() as u64;
            match random.below(4) {
                // Beyond what a slot holds, too.
                0 | 1 if len < 200 => {
                    let access = kept(step & 0xff_ffff);
                    let item = Item { tag: random.below(4) as u8, handle: step, access };
                    model.push(item);
                    if leaves.get(handle).fits(model.len()) {
                        leaves.get_mut(handle).expect("a leaf").push(item);
                    } else {
                        leaves.remove(handle);
                        handle = leaves.add(7, &model);
                    }
                }
                2 if len > 0 => {
                    let i = random.below(len) as usize;
                    leaves.get_mut(handle).expect("a leaf").remove(i);
                    model.swap_remove(i);
                }
                3 if len > 0 => {
                    let i = random.below(len) as usize;
                    let mut leaf = leaves.get_mut(handle).expect("a leaf");
                    leaf.set_access(i, 0xab_cdef);
                    leaf.set_handle(i, step);
                    model[i] = Item { handle: step, access: kept(0xab_cdef), ..model[i] };
                }
                _ => {}
            }
            let leaf = leaves.get(handle);
            assert!(leaf.items().eq(model.iter().copied()));
            assert_eq!(leaf.path(), if handle == EMPTY { 0 } else { 7 });
            if let Some(item) = model.last() {
                let found = leaf.find(item.tag, |handle| handle == item.handle);
                assert_eq!(found, model.iter().position(|i| i == item));
            }
        }
        leaves.remove(handle);
        assert_eq!((leaves.used(), leaves.slack()), (0, 0));
    }
}
