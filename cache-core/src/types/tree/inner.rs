//! An inner node, and what is done to one level of the tree.

use super::sums::{Sum, Sums};
use super::{CHUNK_OVERHEAD, Chunk, FAN, MIN, NODE_OVERHEAD};
use crate::keyspace::Shared;

/// What a node has for a child. All children of a node are of one kind.
#[derive(Clone, Debug)]
pub(super) enum Node<C: Chunk> {
    Chunk(Shared<C>),
    Inner(Shared<Inner<C>>),
}

/// In one piece with all that is looked at on the way down: no pointer leads to counts or keys.
#[derive(Clone, Debug)]
pub(super) struct Inner<C: Chunk> {
    pub(super) sums: Sums,
    /// The last key below each child.
    pub(super) keys: [C::Key; FAN],
    children: [Option<Node<C>>; FAN],
}

impl<C: Chunk> Default for Inner<C> {
    fn default() -> Self {
        Inner {
            sums: Sums::default(),
            keys: [C::Key::default(); FAN],
            children: [const { None }; FAN],
        }
    }
}

/// What has become of a chunk.
pub(super) struct Change<K> {
    pub(super) was: Sum,
    pub(super) is: Sum,
    /// Whether it is to be taken away or joined with another.
    pub(super) untidy: bool,
    /// Its last key, as far up as it is the last one of a node too.
    key: Option<K>,
}

impl<K> Default for Change<K> {
    fn default() -> Self {
        Change { was: Sum::default(), is: Sum::default(), untidy: false, key: None }
    }
}

/// What a node counts of a chunk.
pub(super) fn sum_of(chunk: &impl Chunk) -> Sum {
    Sum { count: u64::from(chunk.len()), size: chunk.size() + CHUNK_OVERHEAD }
}

impl<C: Chunk> Node<C> {
    fn sum(&self) -> Sum {
        match self {
            Node::Chunk(chunk) => sum_of(&**chunk),
            Node::Inner(inner) => {
                let total = inner.sums.total();
                Sum { size: total.size + NODE_OVERHEAD, ..total }
            }
        }
    }

    fn key(&self) -> C::Key {
        match self {
            Node::Chunk(chunk) => chunk.last_key(),
            Node::Inner(inner) => inner.keys[inner.len().saturating_sub(1)],
        }
    }
}

impl<C: Chunk> Inner<C> {
    pub(super) fn len(&self) -> usize {
        self.sums.len()
    }

    pub(super) fn child(&self, i: usize) -> Option<&Node<C>> {
        self.children.get(i)?.as_ref()
    }

    pub(super) fn inner(&self, i: usize) -> Option<&Inner<C>> {
        match self.child(i)? {
            Node::Inner(inner) => Some(inner),
            Node::Chunk(_) => None,
        }
    }

    pub(super) fn chunk(&self, i: usize) -> Option<&C> {
        match self.child(i)? {
            Node::Chunk(chunk) => Some(chunk),
            Node::Inner(_) => None,
        }
    }

    pub(super) fn inner_mut(&mut self, i: usize) -> Option<&mut Inner<C>> {
        match self.children.get_mut(i)? {
            Some(Node::Inner(inner)) => Some(inner.to_mut()),
            _ => None,
        }
    }

    pub(super) fn chunk_mut(&mut self, i: usize) -> Option<&mut C> {
        match self.children.get_mut(i)? {
            Some(Node::Chunk(chunk)) => Some(chunk.to_mut()),
            _ => None,
        }
    }

    /// Counts a child anew.
    pub(super) fn refresh(&mut self, i: usize) {
        let Some(node) = self.child(i) else { return };
        let (sum, key) = (node.sum(), node.key());
        self.sums.set(i, sum);
        self.keys[i] = key;
    }

    /// Changes the chunk at the end of a path and notes what has become of it. `None`: there is none.
    pub(super) fn change(
        &mut self,
        path: &[u8],
        f: &mut dyn FnMut(&mut C),
        change: &mut Change<C::Key>,
    ) -> Option<()> {
        let (&i, below) = path.split_first()?;
        let i = usize::from(i);
        match self.children.get_mut(i)?.as_mut()? {
            Node::Inner(inner) => inner.to_mut().change(below, f, change)?,
            Node::Chunk(chunk) if below.is_empty() => {
                let chunk = chunk.to_mut();
                f(chunk);
                change.was = self.sums.get(i);
                change.is = sum_of(chunk);
                change.key = Some(chunk.last_key());
            }
            Node::Chunk(_) => return None,
        }
        self.sums.set(i, self.sums.get(i).with(change.was, change.is));
        if below.is_empty() {
            change.untidy = change.is.count == 0
                || change.is.is_less(change.was) && self.sums.small_pair(i, C::LIMIT).is_some();
        }
        if let Some(key) = change.key {
            self.keys[i] = key;
        }
        if i + 1 < self.len() {
            change.key = None;
        }
        Some(())
    }

    /// Puts a child where there is room for one.
    pub(super) fn insert(&mut self, at: usize, node: Node<C>) {
        let len = self.len();
        self.sums.insert(at, node.sum());
        self.keys.copy_within(at..len, at + 1);
        self.keys[at] = node.key();
        self.children[at..=len].rotate_right(1);
        self.children[at] = Some(node);
    }

    pub(super) fn push(&mut self, node: Node<C>) {
        self.insert(self.len(), node);
    }

    pub(super) fn remove(&mut self, at: usize) -> Option<Node<C>> {
        let len = self.len();
        let node = self.children.get_mut(at)?.take()?;
        self.sums.remove(at);
        self.keys.copy_within(at + 1..len, at);
        self.children[at..len].rotate_left(1);
        Some(node)
    }

    /// Puts a child, and gives the upper part of the node when there was no room.
    ///
    /// Where a tree grows at an end, the part away from the end keeps most: nobody comes back to
    /// fill it.
    pub(super) fn insert_or_split(&mut self, at: usize, node: Node<C>) -> Option<Inner<C>> {
        if self.len() < FAN {
            self.insert(at, node);
            return None;
        }
        let keep = match at {
            FAN => FAN - MIN,
            0 | 1 => MIN,
            _ => FAN / 2,
        };
        let mut upper = self.split_off(keep);
        match at.checked_sub(keep) {
            Some(at) if at > 0 => upper.insert(at, node),
            _ => self.insert(at, node),
        }
        Some(upper)
    }

    fn split_off(&mut self, keep: usize) -> Inner<C> {
        let mut upper = Inner::default();
        while self.len() > keep
            && let Some(node) = self.remove(self.len() - 1)
        {
            upper.insert(0, node);
        }
        upper
    }

    /// Makes of two neighbouring nodes below this one, of which one has too few children, one, or
    /// two that have enough. Gives the number of children of the first.
    fn join_inner(&mut self, left: usize) -> usize {
        let Some(Node::Inner(right)) = self.remove(left + 1) else { return 0 };
        let mut right = right.into_inner();
        let Some(inner) = self.inner_mut(left) else { return 0 };
        let children = inner.len() + right.len();
        let keep = if children <= FAN - MIN { children } else { children / 2 };
        while inner.len() < keep
            && let Some(node) = right.remove(0)
        {
            inner.push(node);
        }
        while inner.len() > keep
            && let Some(node) = inner.remove(inner.len() - 1)
        {
            right.insert(0, node);
        }
        self.refresh(left);
        if right.len() > 0 {
            self.insert(left + 1, Node::Inner(Shared::new(right)));
        }
        keep
    }

    /// Sees to it that the node at the beginning of a path has enough children, if it has any
    /// neighbour, and keeps the path leading where it led.
    pub(super) fn fill_up(&mut self, path: &mut [u8]) {
        let [at, below, ..] = path else { return };
        while self.len() > 1 && self.inner(usize::from(*at)).is_some_and(|inner| inner.len() < MIN)
        {
            let left = usize::from(at.saturating_sub(1));
            if *at > 0 {
                *below += self.inner(left).map_or(0, |inner| inner.len() as u8);
            }
            let children = self.len();
            let lower = self.join_inner(left) as u8;
            let is_lower = *below < lower || self.len() < children;
            *at = left as u8 + u8::from(!is_lower);
            *below -= if is_lower { 0 } else { lower };
        }
    }

    /// Takes an empty chunk away and joins a small one with a neighbour.
    pub(super) fn tidy_chunk(&mut self, i: usize) {
        if i >= self.len() {
            return;
        }
        if self.sums.get(i).count == 0 {
            self.remove(i);
        } else if let Some(left) = self.sums.small_pair(i, C::LIMIT) {
            self.join_chunks(left);
        }
    }

    fn join_chunks(&mut self, left: usize) {
        let Some(Node::Chunk(right)) = self.remove(left + 1) else { return };
        if let Some(chunk) = self.chunk_mut(left) {
            chunk.append(&right);
        }
        self.refresh(left);
    }

    /// Takes the entries from one rank to before another out, into a node of as many levels.
    pub(super) fn cut(&mut self, from: u64, to: u64) -> Inner<C> {
        let mut out = Inner::default();
        let (mut i, mut start) = (0, 0);
        while i < self.len() && start < to {
            let end = start + self.sums.get(i).count;
            if end <= from {
                i += 1;
            } else if from <= start && end <= to {
                if let Some(node) = self.remove(i) {
                    out.push(node);
                }
            } else {
                let part = self.cut_child(i, from.max(start) - start, to.min(end) - start);
                if let Some(node) = part {
                    out.push(node);
                }
                self.refresh(i);
                i += 1;
            }
            start = end;
        }
        out
    }

    fn cut_child(&mut self, i: usize, from: u64, to: u64) -> Option<Node<C>> {
        match self.children.get_mut(i)?.as_mut()? {
            Node::Chunk(chunk) => {
                let part = cut_chunk(chunk.to_mut(), from as u32, to as u32);
                Some(Node::Chunk(Shared::new(part)))
            }
            Node::Inner(inner) => Some(Node::Inner(Shared::new(inner.to_mut().cut(from, to)))),
        }
    }

    /// Drops a chunk that nobody else holds, or a part that somebody holds.
    pub(super) fn drop_some(&mut self) {
        let Some(last) = self.len().checked_sub(1) else { return };
        if let Some(Node::Inner(inner)) = &mut self.children[last]
            && let Some(inner) = inner.own()
        {
            inner.drop_some();
            if inner.len() > 0 {
                return self.refresh(last);
            }
        }
        self.remove(last);
    }
}

/// Takes entries out of a chunk that has others too.
fn cut_chunk<C: Chunk>(chunk: &mut C, from: u32, to: u32) -> C {
    let rest = if to < chunk.len() { chunk.split(to) } else { C::default() };
    if from == 0 {
        return core::mem::replace(chunk, rest);
    }
    let part = chunk.split(from);
    if rest.len() > 0 {
        chunk.append(&rest);
    }
    part
}
