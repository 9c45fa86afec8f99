//! Whether a tree is what it should be.

use super::inner::{Inner, Node, sum_of};
use super::sums::Sum;
use super::{Chunk, End, FAN, MIN, NODE_OVERHEAD, Tree};
use alloc::format;

impl<C: Chunk> Tree<C> {
    /// Walks the whole tree and panics at what is wrong.
    pub(crate) fn check(&self) {
        let root = &*self.root;
        assert_eq!(check(root, self.height, true), self.total, "total");
        assert!(self.height == 1 || root.len() > 1, "a root with one child");
        assert_eq!(self.end(End::Last), self.find_last(), "the last chunk");
    }
}

fn check<C: Chunk>(inner: &Inner<C>, height: u8, is_root: bool) -> Sum {
    assert!(inner.len() <= FAN && (is_root || inner.len() >= MIN), "{} children", inner.len());
    let mut total = Sum::default();
    for i in 0..FAN {
        let Some(node) = inner.child(i) else {
            assert!(i >= inner.len(), "a child is missing");
            continue;
        };
        assert!(i < inner.len(), "a child too many");
        let (sum, key) = match node {
            Node::Chunk(chunk) => {
                assert_eq!(height, 1, "a chunk above the lowest level");
                let sum = sum_of(&**chunk);
                assert!(sum.count > 0 && !sum.is_large(C::LIMIT), "{chunk:?}");
                (sum, chunk.last_key())
            }
            Node::Inner(inner) => {
                let sum = check(inner, height - 1, false);
                (Sum { size: sum.size + NODE_OVERHEAD, ..sum }, inner.keys[inner.len() - 1])
            }
        };
        assert_eq!(inner.sums.get(i), sum, "child {i} at height {height}");
        assert_eq!(format!("{:?}", inner.keys[i]), format!("{key:?}"), "key of child {i}");
        total = total.and(sum);
    }
    total
}
