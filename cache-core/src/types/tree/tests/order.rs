//! By order, as sorted sets and streams use it.

use super::*;
use alloc::collections::BTreeSet;

#[derive(Clone, Debug)]
enum Op {
    Insert(u8, u32),
    /// So many from one on.
    InsertMany(u8, u32, u32),
    Remove(u8, u32),
    /// The so-manieth.
    RemoveAt(u16),
    /// All between two.
    RemoveBetween((u8, u32), (u8, u32)),
    Fork,
    Other,
}

const MANY: u32 = if cfg!(miri) { 60 } else { 1500 };

fn op() -> impl Strategy<Value = Op> {
    let pair = || (0u8..4, 0u32..MANY * 2);
    prop_oneof![
        10 => pair().prop_map(|(a, b)| Op::Insert(a, b)),
        4 => (pair(), 0..MANY).prop_map(|((a, b), n)| Op::InsertMany(a, b, n)),
        10 => pair().prop_map(|(a, b)| Op::Remove(a, b)),
        10 => any::<u16>().prop_map(Op::RemoveAt),
        3 => (pair(), pair()).prop_map(|(a, b)| Op::RemoveBetween(a, b)),
        1 => Just(Op::Fork),
        1 => Just(Op::Other),
    ]
}

#[derive(Clone, Default)]
struct Both {
    tree: Tree<Pairs>,
    model: BTreeSet<(u8, u32)>,
}

impl Both {
    fn insert(&mut self, pair: (u8, u32)) {
        let put = |chunk: &mut Pairs| {
            let place = chunk.0.binary_search(&pair);
            place.map_err(|at| chunk.0.insert(at, pair)).is_err()
        };
        let is_new = match find(&self.tree, pair) {
            Some(at) => self.tree.edit(&at, put).expect("there"),
            None => self.tree.edit_end(End::Last, 5, put),
        };
        assert_eq!(is_new, self.model.insert(pair));
    }

    fn remove(&mut self, pair: (u8, u32)) {
        let was = find(&self.tree, pair).is_some_and(|at| {
            let take = |chunk: &mut Pairs| {
                chunk.0.binary_search(&pair).map(|at| chunk.0.remove(at)).is_ok()
            };
            self.tree.edit(&at, take).expect("there")
        });
        assert_eq!(was, self.model.remove(&pair));
    }

    /// How many are before a pair.
    fn rank(&self, pair: (u8, u32)) -> u64 {
        find(&self.tree, pair).map_or(self.tree.len(), |at| {
            let chunk = self.tree.chunk(&at).expect("there");
            self.tree.rank(&at) + chunk.0.partition_point(|one| *one < pair) as u64
        })
    }

    fn apply(&mut self, op: &Op) {
        match *op {
            Op::Insert(a, b) => self.insert((a, b)),
            Op::InsertMany(a, b, n) => (b..b + n).for_each(|b| self.insert((a, b))),
            Op::Remove(a, b) => self.remove((a, b)),
            Op::RemoveAt(i) => {
                let rank = place(i, self.model.len());
                if let Some((at, offset)) = self.tree.seek(rank as u64) {
                    let pair = self.tree.edit(&at, |chunk| chunk.0.remove(offset as usize));
                    assert_eq!(pair.as_ref(), self.model.iter().nth(rank));
                    self.model.remove(&pair.expect("there"));
                }
            }
            Op::RemoveBetween(a, b) => {
                let (low, high) = (a.min(b), a.max(b));
                let removed = self.tree.remove(self.rank(low)..self.rank(high));
                removed.check();
                let expected: Vec<_> = self.model.range(low..high).copied().collect();
                assert_eq!(pairs(&removed), expected);
                self.model.retain(|pair| *pair < low || *pair >= high);
            }
            Op::Fork | Op::Other => {}
        }
        self.check();
    }

    fn check(&self) {
        self.tree.check();
        assert!(pairs(&self.tree).iter().eq(&self.model));
        assert_eq!(self.rank((2, 100)), self.model.range(..(2, 100)).count() as u64);
    }
}

proptest! {
    #![proptest_config(config())]
    #[test]
    fn a_tree_is_a_sorted_set(ops in prop::collection::vec(op(), 1..STEPS)) {
        let (mut one, mut other) = (Both::default(), Both::default());
        for op in &ops {
            match op {
                Op::Fork => other = one.clone(),
                Op::Other => core::mem::swap(&mut one, &mut other),
                _ => one.apply(op),
            }
            other.check();
        }
    }
}

/// A predicate that is not monotone finds something or nothing.
#[test]
fn a_wrong_predicate_is_not_the_end() {
    let tree = Tree::from_chunks((0..2000u32).map(|i| Pairs(alloc::vec![((i % 7) as u8, i)])));
    for sought in 0..8u8 {
        let at = tree.find(&|key| key.cmp(&sought), &|chunk| chunk.0[0].1 % 2 == 0);
        assert!(at.is_none_or(|at| tree.chunk(&at).is_some()));
    }
}
