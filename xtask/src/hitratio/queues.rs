//! Policies of several queues: 2Q, S3-FIFO, Clock2Q+ and LIRS.

use super::Policy;
use super::lists::Lists;

const SMALL: usize = 0;
const MAIN: usize = 1;
const GHOST: usize = 2;

/// 2Q (Johnson, Shasha, VLDB 1994), with Kin a quarter and Kout half of the size.
pub(super) struct TwoQ {
    lists: Lists<3>,
    size: usize,
}

impl TwoQ {
    pub(super) fn new(keys: usize, size: usize) -> Self {
        TwoQ { lists: Lists::new(keys), size }
    }
}

impl Policy for TwoQ {
    fn request(&mut self, key: u32) -> bool {
        let was = self.lists.of(key);
        match was {
            Some(MAIN) => self.lists.push(MAIN, key),
            Some(SMALL) => {}
            _ => {
                if self.lists.len(SMALL) + self.lists.len(MAIN) == self.size {
                    if self.lists.len(SMALL) > self.size / 4 || self.lists.len(MAIN) == 0 {
                        if let Some(gone) = self.lists.pop(SMALL) {
                            self.lists.push(GHOST, gone);
                        }
                        // The key itself may be the ghost to go.
                        if self.lists.len(GHOST) > self.size / 2 {
                            self.lists.pop(GHOST);
                        }
                    } else {
                        self.lists.pop(MAIN);
                    }
                }
                self.lists.push(if was == Some(GHOST) { MAIN } else { SMALL }, key);
            }
        }
        matches!(was, Some(SMALL | MAIN))
    }
}

/// S3-FIFO (Yang and others, SOSP 2023): a tenth for new keys, those used twice go on to the rest.
/// Clock2Q+ (2025): the same, but uses in the younger half of the small queue don't count, and one
/// later use suffices.
pub(super) struct S3Fifo {
    lists: Lists<3>,
    uses: Vec<u8>,
    /// How many keys had been put into the small queue when this one was.
    born: Vec<u64>,
    births: u64,
    size: usize,
    small: usize,
    ghosts: usize,
    plus: bool,
}

impl S3Fifo {
    pub(super) fn new(keys: usize, size: usize, plus: bool) -> Self {
        let small = (size / 10).max(1);
        let ghosts = size * 9 / 10;
        let (uses, born) = (vec![0; keys], vec![0; keys]);
        S3Fifo { lists: Lists::new(keys), uses, born, births: 0, size, small, ghosts, plus }
    }

    fn evict(&mut self) {
        let threshold = if self.plus { 1 } else { 2 };
        let full = self.lists.len(MAIN) >= self.size - self.small;
        if self.lists.len(SMALL) >= self.small || !full {
            while let Some(key) = self.lists.pop(SMALL) {
                let uses = std::mem::take(&mut self.uses[key as usize]);
                if uses < threshold {
                    self.lists.push(GHOST, key);
                    if self.lists.len(GHOST) > self.ghosts {
                        self.lists.pop(GHOST);
                    }
                    return;
                }
                self.lists.push(MAIN, key);
                if self.lists.len(MAIN) > self.size - self.small {
                    break;
                }
            }
        }
        while let Some(key) = self.lists.tail(MAIN) {
            if self.uses[key as usize] == 0 {
                self.lists.remove(key);
                return;
            }
            self.uses[key as usize] -= 1;
            self.lists.push(MAIN, key);
        }
    }
}

impl Policy for S3Fifo {
    fn request(&mut self, key: u32) -> bool {
        let was = self.lists.of(key);
        if matches!(was, Some(SMALL | MAIN)) {
            let young = self.births - self.born[key as usize] < self.small as u64 / 2;
            if !(self.plus && was == Some(SMALL) && young) {
                let most = if self.plus { 1 } else { 3 };
                let uses = &mut self.uses[key as usize];
                *uses = (*uses + 1).min(most);
            }
            return true;
        }
        let ghost = was == Some(GHOST);
        self.lists.remove(key);
        let filling = self.lists.len(GHOST) == 0 && self.lists.len(SMALL) >= self.small;
        while self.lists.len(SMALL) + self.lists.len(MAIN) >= self.size {
            self.evict();
        }
        let filling = filling && self.lists.len(GHOST) == 0;
        self.uses[key as usize] = 0;
        // Until the first eviction the small queue doesn't grow beyond its share.
        if ghost || filling {
            self.lists.push(MAIN, key);
        } else {
            self.births += 1;
            self.born[key as usize] = self.births;
            self.lists.push(SMALL, key);
        }
        false
    }
}

const CACHED: usize = 0;
const GONE: usize = 1;

/// LIRS (Jiang, Zhang, SIGMETRICS 2002), with one entry in a hundred for cold ones, and as many
/// ghosts in the stack as there are entries.
pub(super) struct Lirs {
    /// The stack S: all hot keys, and those used lately.
    stack: Lists<1>,
    /// The queue Q of cold keys that are in the cache, and the ghosts in the order of eviction.
    queue: Lists<2>,
    hot: Vec<bool>,
    hots: usize,
    most_hot: usize,
    size: usize,
}

impl Lirs {
    pub(super) fn new(keys: usize, size: usize) -> Self {
        let most_hot = size - (size / 100).max(1);
        let (stack, queue) = (Lists::new(keys), Lists::new(keys));
        Lirs { stack, queue, hot: vec![false; keys], hots: 0, most_hot, size }
    }

    /// Lets the stack end with a hot key.
    fn prune(&mut self) {
        while let Some(key) = self.stack.tail(0).filter(|key| !self.hot[*key as usize]) {
            self.stack.remove(key);
            if self.queue.of(key) == Some(GONE) {
                self.queue.remove(key);
            }
        }
    }

    /// Makes a key hot, and the oldest hot one cold if there are too many.
    fn heat(&mut self, key: u32) {
        self.queue.remove(key);
        self.hot[key as usize] = true;
        self.hots += 1;
        if self.hots > self.most_hot
            && let Some(oldest) = self.stack.pop(0)
        {
            self.hot[oldest as usize] = false;
            self.hots -= 1;
            self.queue.push(CACHED, oldest);
            self.prune();
        }
    }
}

impl Policy for Lirs {
    fn request(&mut self, key: u32) -> bool {
        if self.hot[key as usize] {
            self.stack.push(0, key);
            self.prune();
            return true;
        }
        let hit = self.queue.of(key) == Some(CACHED);
        if !hit && self.hots + self.queue.len(CACHED) == self.size {
            if let Some(gone) = self.queue.pop(CACHED)
                && self.stack.of(gone).is_some()
            {
                self.queue.push(GONE, gone);
            }
            if self.queue.len(GONE) > self.size
                && let Some(oldest) = self.queue.pop(GONE)
            {
                self.stack.remove(oldest);
            }
        }
        let in_stack = self.stack.of(key).is_some();
        self.stack.push(0, key);
        if in_stack || self.hots < self.most_hot {
            self.heat(key);
        } else {
            self.queue.push(CACHED, key);
        }
        hit
    }
}
