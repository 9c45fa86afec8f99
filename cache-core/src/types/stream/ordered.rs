//! What is kept in the order of ids: a short run, or a tree of runs. What has grown large stays large
//! until it is empty.

use super::id::StreamId;
use crate::types::tree::{Chunk, End, Limit, Tree};
use alloc::vec::Vec;
use core::fmt::Debug;
use core::mem;

/// Items of a run at most.
const RUN: u32 = 128;

/// Something that has an id.
pub(crate) trait Item: Copy + Debug {
    /// Bytes accounted for one.
    const SIZE: u64;

    fn id(&self) -> StreamId;
}

impl Item for StreamId {
    const SIZE: u64 = 16;

    fn id(&self) -> StreamId {
        *self
    }
}

#[derive(Clone, Debug)]
struct Run<T>(Vec<T>);

impl<T> Default for Run<T> {
    fn default() -> Self {
        Run(Vec::new())
    }
}

impl<T: Item> Run<T> {
    fn place(&self, id: StreamId) -> Result<usize, usize> {
        match self.0.last() {
            Some(last) if last.id() >= id => self.0.binary_search_by(|item| item.id().cmp(&id)),
            _ => Err(self.0.len()),
        }
    }

    /// Puts an item, and gives the one of its id that was there before.
    fn put(&mut self, item: T) -> Option<T> {
        match self.place(item.id()) {
            Ok(at) => Some(mem::replace(self.0.get_mut(at)?, item)),
            Err(at) => {
                self.0.insert(at, item);
                None
            }
        }
    }

    fn take(&mut self, id: StreamId) -> Option<T> {
        self.place(id).ok().map(|at| self.0.remove(at))
    }
}

impl<T: Item> Chunk for Run<T> {
    type Key = StreamId;
    const LIMIT: Limit = Limit { entries: RUN, bytes: RUN as u64 * T::SIZE };

    fn len(&self) -> u32 {
        self.0.len() as u32
    }

    fn size(&self) -> u64 {
        self.0.len() as u64 * T::SIZE
    }

    fn last_key(&self) -> StreamId {
        self.0.last().map_or(StreamId::MIN, Item::id)
    }

    fn split(&mut self, at: u32) -> Self {
        Run(self.0.split_off(at as usize))
    }

    fn append(&mut self, next: &Self) {
        self.0.extend_from_slice(&next.0);
    }
}

#[derive(Clone, Debug)]
enum Form<T: Item> {
    Few(Run<T>),
    Many(Tree<Run<T>>),
}

/// Items in the order of their ids, each id once.
#[derive(Clone, Debug)]
pub(crate) struct Ordered<T: Item>(Form<T>);

impl<T: Item> Default for Ordered<T> {
    fn default() -> Self {
        Ordered(Form::Few(Run::default()))
    }
}

impl<T: Item> Ordered<T> {
    pub(crate) fn len(&self) -> u64 {
        match &self.0 {
            Form::Few(run) => run.0.len() as u64,
            Form::Many(tree) => tree.len(),
        }
    }

    pub(super) fn size(&self) -> u64 {
        match &self.0 {
            Form::Few(run) => run.size(),
            Form::Many(tree) => tree.size(),
        }
    }

    pub(crate) fn get(&self, id: StreamId) -> Option<&T> {
        let run = match &self.0 {
            Form::Few(run) => run,
            Form::Many(tree) => tree.chunk(&tree.find(&|key| key.cmp(&id), &|_| false)?)?,
        };
        run.0.get(run.place(id).ok()?)
    }

    /// Puts an item, and gives the one of its id that was there before.
    pub(crate) fn put(&mut self, item: T) -> Option<T> {
        match &mut self.0 {
            Form::Few(run) => {
                let old = run.put(item);
                if run.len() > RUN {
                    let upper = run.split(RUN / 2);
                    self.0 = Form::Many(Tree::from_chunks([mem::take(run), upper]));
                }
                old
            }
            Form::Many(tree) => match tree.find(&|key| key.cmp(&item.id()), &|_| false) {
                Some(at) => tree.edit(&at, |run| run.put(item)).flatten(),
                None => tree.edit_end(End::Last, T::SIZE, |run| run.put(item)),
            },
        }
    }

    pub(super) fn take(&mut self, id: StreamId) -> Option<T> {
        match &mut self.0 {
            Form::Few(run) => run.take(id),
            Form::Many(tree) => {
                let at = tree.find(&|key| key.cmp(&id), &|_| false)?;
                let taken = tree.edit(&at, |run| run.take(id)).flatten();
                if tree.is_empty() {
                    *self = Ordered::default();
                }
                taken
            }
        }
    }

    /// The items from an id on.
    pub(crate) fn iter_from(&self, id: StreamId) -> impl Iterator<Item = &T> {
        let (run, tree) = match &self.0 {
            Form::Few(run) => (Some(run), None),
            Form::Many(tree) => (None, Some(tree)),
        };
        let chunks = tree.and_then(|tree| {
            let at = tree.find(&|key| key.cmp(&id), &|_| false)?;
            Some(tree.chunks_from(at, End::Last))
        });
        let from = move |run: &Run<T>| run.place(id).unwrap_or_else(|at| at);
        run.into_iter()
            .chain(chunks.into_iter().flatten())
            .flat_map(move |run| run.0.get(from(run)..).unwrap_or_default())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.iter_from(StreamId::MIN)
    }

    pub(crate) fn last(&self) -> Option<&T> {
        match &self.0 {
            Form::Few(run) => run.0.last(),
            Form::Many(tree) => tree.chunk(&tree.end(End::Last)?)?.0.last(),
        }
    }

    /// Drops some of it. `false`: nothing is left.
    pub(super) fn drop_some(&mut self) -> bool {
        if let Form::Many(tree) = &mut self.0
            && tree.drop_some()
        {
            return true;
        }
        *self = Ordered::default();
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use alloc::collections::BTreeSet;

    #[test]
    fn it_does_what_a_sorted_set_does() {
        for range in [40, 3000] {
            let (mut ordered, mut model) = (Ordered::<StreamId>::default(), BTreeSet::new());
            let mut random = Random::new(5);
            for step in 0..20_000u64 {
                let id = StreamId { ms: random.below(range), seq: step % 2 };
                if random.below(3) == 0 {
                    assert_eq!(ordered.take(id).is_some(), model.remove(&id));
                } else {
                    assert_eq!(ordered.put(id).is_none(), model.insert(id));
                }
                assert_eq!((ordered.len(), ordered.last()), (model.len() as u64, model.last()));
                assert_eq!(ordered.get(id), model.get(&id));
                if step % 100 == 0 {
                    assert!(ordered.iter_from(id).eq(model.range(id..)));
                    assert!(ordered.iter().eq(&model));
                }
            }
            assert_eq!(matches!(ordered.0, Form::Many(_)), range > 1000);
            let ids: Vec<_> = model.iter().copied().collect();
            for &id in &ids {
                assert_eq!(ordered.take(id), Some(id));
            }
            assert_eq!((ordered.len(), ordered.size(), ordered.last()), (0, 0, None));
            ids.iter().for_each(|&id| assert_eq!(ordered.put(id), None));
            while ordered.drop_some() {}
            assert_eq!(ordered.len(), 0);
        }
    }
}
