//! The clock's queue: what is to happen, by moment and then in the order in which it was planned.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The most steps that may be planned at a time. Every actor keeps far below it: requests in flight
/// are bounded, and each plans a handful of steps.
pub const MAX_PLANNED: u32 = 1 << 20;

#[derive(Clone, Debug)]
struct Planned<T> {
    at_us: u64,
    order: u64,
    step: T,
}

impl<T> PartialEq for Planned<T> {
    fn eq(&self, other: &Self) -> bool {
        (self.at_us, self.order) == (other.at_us, other.order)
    }
}

impl<T> Eq for Planned<T> {}

impl<T> PartialOrd for Planned<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Planned<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at_us, self.order).cmp(&(other.at_us, other.order))
    }
}

/// A queue of steps. `order` makes the order of a heap, which is otherwise free among equals, the
/// same everywhere.
#[derive(Clone, Debug)]
pub(crate) struct Queue<T> {
    heap: BinaryHeap<Reverse<Planned<T>>>,
    order: u64,
}

impl<T> Queue<T> {
    pub(crate) fn new() -> Self {
        Queue { heap: BinaryHeap::new(), order: 0 }
    }

    pub(crate) fn plan(&mut self, at_us: u64, step: T) {
        debug_assert!(self.heap.len() < MAX_PLANNED as usize);
        self.order += 1;
        self.heap.push(Reverse(Planned { at_us, order: self.order, step }));
    }

    /// The next step, unless its moment is after `until_us`.
    pub(crate) fn next_until(&mut self, until_us: u64) -> Option<(u64, T)> {
        if self.next_at()? > until_us {
            return None;
        }
        self.heap.pop().map(|Reverse(planned)| (planned.at_us, planned.step))
    }

    /// When the next step is due.
    pub(crate) fn next_at(&self) -> Option<u64> {
        self.heap.peek().map(|Reverse(planned)| planned.at_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_moment_then_by_order_of_planning() {
        let mut queue = Queue::new();
        for (at, name) in [(5, 'c'), (1, 'a'), (5, 'd'), (1, 'b')] {
            queue.plan(at, name);
        }
        let mut names = String::new();
        while let Some((_, name)) = queue.next_until(5) {
            names.push(name);
        }
        assert_eq!(names, "abcd");
        queue.plan(9, 'e');
        assert_eq!(queue.next_until(8), None);
        assert_eq!(queue.next_at(), Some(9));
    }
}
