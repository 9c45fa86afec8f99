//! A table of things by number, in chunks that a clone shares. Freed numbers are given out again.

use super::prefetch::prefetch;
use super::shared::Shared;
use alloc::vec::Vec;

/// Things in a chunk.
const CHUNK: usize = 32;
/// And in the first one at first.
const FIRST: usize = 4;

/// Things by number.
#[derive(Clone, Debug)]
pub(super) struct Table<T> {
    /// All but the first are of full length.
    chunks: Vec<Shared<[Option<T>]>>,
    free: Vec<u32>,
    /// From here on no number has been given out.
    next: u32,
    len: usize,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Table { chunks: Vec::new(), free: Vec::new(), next: 0, len: 0 }
    }
}

impl<T: Clone> Table<T> {
    /// How many things there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn get(&self, number: u32) -> Option<&T> {
        self.chunks.get(number as usize / CHUNK)?.get(number as usize % CHUNK)?.as_ref()
    }

    /// Starts to fetch what the table itself holds at a number.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn prefetch(&self, number: u32) {
        if let Some(chunk) = self.chunks.get(number as usize / CHUNK)
            && let Some(place) = chunk.get(number as usize % CHUNK)
        {
            prefetch(place);
        }
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut T> {
        let chunk = self.chunks.get_mut(number as usize / CHUNK)?;
        chunk.slice_mut().get_mut(number as usize % CHUNK)?.as_mut()
    }

    /// Puts a thing in and gives its number: the one that was freed last, or the next.
    pub(super) fn insert(&mut self, thing: T) -> u32 {
        let number = self.free.pop().unwrap_or_else(|| {
            self.next += 1;
            self.next - 1
        });
        let (chunk, at) = (number as usize / CHUNK, number as usize % CHUNK);
        if chunk == self.chunks.len() {
            let len = if chunk == 0 { FIRST } else { CHUNK };
            self.chunks.push(Shared::with_len(&[], len, None));
        }
        let chunk = &mut self.chunks[chunk];
        if at >= chunk.len() {
            *chunk = Shared::with_len(chunk, 2 * chunk.len(), None);
        }
        chunk.slice_mut()[at] = Some(thing);
        self.len += 1;
        number
    }

    pub(super) fn remove(&mut self, number: u32) -> Option<T> {
        let chunk = self.chunks.get_mut(number as usize / CHUNK)?;
        let thing = chunk.slice_mut().get_mut(number as usize % CHUNK)?.take()?;
        self.len -= 1;
        if self.len == 0 {
            // Numbers begin anew; what was there for many is given back by and by.
            (self.next, self.free) = (0, Vec::new());
            self.chunks.truncate(self.chunks.len().saturating_sub(CHUNK));
        } else {
            self.free.push(number);
        }
        Some(thing)
    }

    /// Drops some of what is left of a table that nobody uses any more. `false`: nothing is left.
    pub(super) fn drop_some(&mut self) -> bool {
        /// Chunks that are dropped at once: most things are none of any size.
        const SOME: usize = 16;
        self.chunks.truncate(self.chunks.len().saturating_sub(SOME));
        !self.chunks.is_empty()
    }

    /// Takes anything out of a table that nobody uses any more.
    pub(super) fn take_any(&mut self) -> Option<T> {
        while let Some(chunk) = self.chunks.last_mut() {
            if let Some(thing) = chunk.slice_mut().iter_mut().find_map(Option::take) {
                return Some(thing);
            }
            self.chunks.pop();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_given_out_again() {
        let mut table = Table::default();
        let all: Vec<u32> = (0..200).map(|i| table.insert(i)).collect();
        assert_eq!(all, (0..200).collect::<Vec<_>>());
        let clone = table.clone();
        assert_eq!(table.remove(70), Some(70));
        assert_eq!(table.remove(70), None);
        assert_eq!((table.get(70), clone.get(70)), (None, Some(&70)));
        assert_eq!(table.insert(1000), 70);
        assert_eq!(table.get_mut(70), Some(&mut 1000));
        assert_eq!((table.get(5000), table.len()), (None, 200));
    }
}
