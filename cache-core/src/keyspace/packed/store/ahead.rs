//! Fetching what lookups will read, so that their waits for memory overlap.

use super::{ALONE, Store};
use crate::keyspace::packed::probe::{Found, Hint, Probe};
use crate::keyspace::packed::slabs::Slot;

impl Store {
    /// Starts to fetch what finding these keys will read, and notes where they seem to be.
    pub(crate) fn prefetch(&self, probes: &mut [Probe<'_>], to_write: bool) {
        /// Keys whose waits overlap.
        const BATCH: usize = 32;
        for probes in probes.chunks_mut(BATCH) {
            let mut paths = [0; BATCH];
            paths.iter_mut().zip(&*probes).for_each(|(path, probe)| *path = probe.path);
            let leaves = self.trie.leaves::<BATCH>(&paths[..probes.len()]);
            // One key in eight lies behind another one with its tag: two are fetched.
            let mut seen = [[None; 2]; BATCH];
            for ((leaf, probe), seen) in leaves.iter().zip(&*probes).zip(&mut seen) {
                let mut room = seen.iter_mut();
                leaf.find_place(probe.tag(), |at| {
                    leaf.prefetch_handle(at);
                    room.next().into_iter().for_each(|seen| *seen = Some((at, 0)));
                    room.len() == 0
                });
            }
            for (leaf, seen) in leaves.iter().zip(&mut seen[..probes.len()]) {
                for (at, handle) in seen.iter_mut().flatten() {
                    *handle = leaf.handle(*at);
                    self.slabs.prefetch_page(*handle);
                }
            }
            for (probe, seen) in probes.iter_mut().zip(&seen) {
                probe.hint = Hint { version: self.version, seen: None };
                // The first one last: most often it is the one.
                for &(at, handle) in seen.iter().flatten().rev() {
                    let slot = match handle & ALONE {
                        0 => self.slabs.prefetch(handle, to_write),
                        _ => Slot::default(),
                    };
                    probe.hint.seen = Some(Found { at: at as u32, handle, slot });
                }
            }
        }
    }
}
