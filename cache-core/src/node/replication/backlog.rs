//! The last part of the stream: what followers are still to be sent, and what is kept for those who
//! come back.
//!
//! Positions count the bytes of the whole stream from 0. There is one copy, whoever reads it, in
//! blocks that clones share. What must never be here: a follower, a command.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Bytes of a block.
const BLOCK: usize = 64 * 1024;

#[derive(Clone, Debug)]
pub(crate) struct Backlog {
    /// Full ones, each of [`BLOCK`] bytes.
    blocks: VecDeque<Arc<Vec<u8>>>,
    /// The last one, which isn't full.
    tail: Vec<u8>,
    /// The position of the first byte that may be read.
    start: u64,
    /// The position behind the last byte.
    end: u64,
}

impl Backlog {
    /// Nothing yet of a stream that goes on at a position.
    pub(crate) fn new(at: u64) -> Self {
        Backlog { blocks: VecDeque::new(), tail: Vec::new(), start: at, end: at }
    }

    pub(crate) fn start(&self) -> u64 {
        self.start
    }

    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// Appends what `write` writes at the end of what it is given, and says how many bytes that were.
    pub(crate) fn append(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> usize {
        let before = self.tail.len();
        write(&mut self.tail);
        let len = self.tail.len() - before;
        self.end += len as u64;
        if self.tail.len() >= BLOCK {
            self.cut();
        }
        len
    }

    #[cold]
    fn cut(&mut self) {
        let whole = self.tail.len() / BLOCK * BLOCK;
        let rest = self.tail[whole..].to_vec();
        let full = core::mem::replace(&mut self.tail, rest);
        if whole == BLOCK {
            let mut full = full;
            full.truncate(BLOCK);
            full.shrink_to_fit();
            self.blocks.push_back(Arc::new(full));
        } else {
            let blocks = full[..whole].chunks(BLOCK).map(|block| Arc::new(block.to_vec()));
            self.blocks.extend(blocks);
        }
    }

    /// The bytes from a position on, as many as lie together; none behind the end, or where they are
    /// kept no more.
    pub(crate) fn read(&self, at: u64) -> &[u8] {
        if at < self.start || at >= self.end {
            return &[];
        }
        // Whole blocks lie before the tail, whose beginning is therefore known.
        let first = self.end - self.tail.len() as u64 - self.blocks.len() as u64 * BLOCK as u64;
        let into = at - first;
        let block = match self.blocks.get((into / BLOCK as u64) as usize) {
            Some(block) => block.get((into % BLOCK as u64) as usize..),
            None => self.tail.get((into - self.blocks.len() as u64 * BLOCK as u64) as usize..),
        };
        block.unwrap_or_default()
    }

    /// Keeps no more than the last `size` bytes, but everything from `needed` on.
    pub(crate) fn trim(&mut self, size: u64, needed: u64) {
        let start = self.end.saturating_sub(size).min(needed).min(self.end);
        self.start = self.start.max(start);
        let first = self.end - self.tail.len() as u64 - self.blocks.len() as u64 * BLOCK as u64;
        let unused = (self.start.saturating_sub(first) / BLOCK as u64) as usize;
        self.blocks.drain(..unused.min(self.blocks.len()));
    }

    /// Bytes that it holds.
    #[cfg(test)]
    fn held(&self) -> u64 {
        self.blocks.len() as u64 * BLOCK as u64 + self.tail.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against a plain vector: every position reads as it was written, and none that is gone.
    #[test]
    fn reads_back_what_was_appended() {
        let mut random = crate::random::Random::new(5);
        let (mut backlog, mut all) = (Backlog::new(1000), Vec::new());
        let mut needed = 1000;
        for round in 0..400u32 {
            let len = match random.below(10) {
                0 => random.below(3 * BLOCK as u64 + 2),
                1 => BLOCK as u64,
                _ => random.below(2000),
            };
            let bytes: Vec<u8> = (0..len).map(|i| (i as u32 ^ round) as u8).collect();
            assert_eq!(backlog.append(|out| out.extend_from_slice(&bytes)), bytes.len());
            all.extend_from_slice(&bytes);
            let end = 1000 + all.len() as u64;
            assert_eq!(backlog.end(), end);
            if round % 7 == 0 {
                needed = needed.max(end.saturating_sub(random.below(300_000)));
            }
            let size = random.below(200_000) + 1;
            let start = backlog.start().max(end.saturating_sub(size).min(needed));
            backlog.trim(size, needed);
            assert_eq!(backlog.start(), start);
            assert!(backlog.held() < end - start + 2 * BLOCK as u64);
            for _ in 0..20 {
                let at = 900 + random.below(all.len() as u64 + 200);
                let read = backlog.read(at);
                if at < backlog.start() || at >= end {
                    assert!(read.is_empty());
                } else {
                    let from = (at - 1000) as usize;
                    assert!(!read.is_empty());
                    assert_eq!(read, &all[from..from + read.len()]);
                }
            }
        }
    }
}
