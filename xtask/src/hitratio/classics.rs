//! The classics, each as its authors describe it, with their constants.

use std::collections::{BTreeSet, BinaryHeap};

use super::lists::Lists;
use super::{Policy, Trace};

/// LRU; or FIFO, where a use moves nothing.
pub(super) struct Queue {
    lists: Lists<1>,
    size: usize,
    moves: bool,
}

impl Queue {
    pub(super) fn new(keys: usize, size: usize, moves: bool) -> Self {
        Queue { lists: Lists::new(keys), size, moves }
    }
}

impl Policy for Queue {
    fn request(&mut self, key: u32) -> bool {
        let hit = self.lists.of(key).is_some();
        if hit && !self.moves {
            return true;
        }
        if !hit && self.lists.len(0) == self.size {
            self.lists.pop(0);
        }
        self.lists.push(0, key);
        hit
    }
}

/// CLOCK: a used entry gets a second chance at the head. SIEVE (Zhang and others, NSDI 2024): it
/// stays where it is.
pub(super) struct Clock {
    lists: Lists<1>,
    used: Vec<bool>,
    size: usize,
    sieve: bool,
    hand: Option<u32>,
}

impl Clock {
    pub(super) fn new(keys: usize, size: usize, sieve: bool) -> Self {
        Clock { lists: Lists::new(keys), used: vec![false; keys], size, sieve, hand: None }
    }

    fn evict(&mut self) {
        let mut at = self.hand.or_else(|| self.lists.tail(0));
        while let Some(key) = at.filter(|key| self.used[*key as usize]) {
            self.used[key as usize] = false;
            if self.sieve {
                at = self.lists.above(key).or_else(|| self.lists.tail(0));
            } else {
                self.lists.push(0, key);
                at = self.lists.tail(0);
            }
        }
        let Some(key) = at else { return };
        self.hand = self.lists.above(key).filter(|_| self.sieve);
        self.lists.remove(key);
    }
}

impl Policy for Clock {
    fn request(&mut self, key: u32) -> bool {
        if self.lists.of(key).is_some() {
            self.used[key as usize] = true;
            return true;
        }
        if self.lists.len(0) == self.size {
            self.evict();
        }
        self.used[key as usize] = false;
        self.lists.push(0, key);
        false
    }
}

/// LFU that forgets an entry's count with the entry; of those with the same count the one goes
/// whose last use is longest ago.
pub(super) struct Lfu {
    order: BTreeSet<(u32, u32, u32)>,
    of: Vec<Option<(u32, u32, u32)>>,
    size: usize,
    now: u32,
}

impl Lfu {
    pub(super) fn new(keys: usize, size: usize) -> Self {
        Lfu { order: BTreeSet::new(), of: vec![None; keys], size, now: 0 }
    }
}

impl Policy for Lfu {
    fn request(&mut self, key: u32) -> bool {
        self.now += 1;
        let old = self.of[key as usize];
        if let Some(old) = old {
            self.order.remove(&old);
        } else if self.order.len() == self.size
            && let Some((.., gone)) = self.order.pop_first()
        {
            self.of[gone as usize] = None;
        }
        let new = (old.map_or(0, |(count, ..)| count) + 1, self.now, key);
        self.order.insert(new);
        self.of[key as usize] = Some(new);
        old.is_some()
    }
}

const T1: usize = 0;
const T2: usize = 1;
const B1: usize = 2;
const B2: usize = 3;

/// ARC (Megiddo, Modha, FAST 2003).
pub(super) struct Arc {
    lists: Lists<4>,
    size: usize,
    /// How many entries T1 should have.
    target: usize,
}

impl Arc {
    pub(super) fn new(keys: usize, size: usize) -> Self {
        Arc { lists: Lists::new(keys), size, target: 0 }
    }

    fn replace(&mut self, in_b2: bool) {
        let first = self.lists.len(T1);
        let (from, to) = if first > 0 && (first > self.target || in_b2 && first == self.target) {
            (T1, B1)
        } else {
            (T2, B2)
        };
        if let Some(key) = self.lists.pop(from) {
            self.lists.push(to, key);
        }
    }
}

impl Policy for Arc {
    fn request(&mut self, key: u32) -> bool {
        let len = |list| self.lists.len(list);
        match self.lists.of(key) {
            Some(T1 | T2) => {
                self.lists.push(T2, key);
                return true;
            }
            Some(list) => {
                let other = if list == B1 { B2 } else { B1 };
                let step = (len(other) / len(list)).max(1);
                self.target = if list == B1 {
                    (self.target + step).min(self.size)
                } else {
                    self.target.saturating_sub(step)
                };
                self.replace(list == B2);
                self.lists.push(T2, key);
            }
            None => {
                if len(T1) + len(B1) == self.size {
                    if len(T1) < self.size {
                        self.lists.pop(B1);
                        self.replace(false);
                    } else {
                        self.lists.pop(T1);
                    }
                } else if len(T1) + len(T2) + len(B1) + len(B2) >= self.size {
                    if len(T1) + len(T2) + len(B1) + len(B2) == 2 * self.size {
                        self.lists.pop(B2);
                    }
                    self.replace(false);
                }
                self.lists.push(T1, key);
            }
        }
        false
    }
}

/// Belady's MIN: the entry goes that is used again last.
pub(super) fn belady(trace: &Trace, size: usize) -> f64 {
    let mut until = vec![0; trace.unique];
    let mut cached = vec![false; trace.unique];
    let mut heap = BinaryHeap::new();
    let (mut count, mut misses) = (0, 0);
    for (key, next) in trace.keys.iter().copied().zip(trace.next.iter().copied()) {
        if !cached[key as usize] {
            misses += 1;
            count += 1;
            if count > size {
                // What was pushed before a later use has been pushed again since.
                while let Some((at, gone)) = heap.pop() {
                    if cached[gone as usize] && until[gone as usize] == at {
                        cached[gone as usize] = false;
                        count -= 1;
                        break;
                    }
                }
            }
            cached[key as usize] = true;
        }
        until[key as usize] = next;
        heap.push((next, key));
    }
    f64::from(misses) / trace.keys.len() as f64
}
