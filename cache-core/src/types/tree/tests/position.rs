//! By position, as lists use it.

use super::*;

#[derive(Clone, Debug)]
enum Op {
    /// So many strings of a length at an end.
    Push(bool, u16, u8),
    /// So many strings of a length before one, in one edit.
    Insert(u16, u8, u8),
    Remove(u16),
    Resize(u16, u8),
    Pop(bool, u8),
    Cut(u16, u16),
    Trim(u16, u16),
    /// From here on the clone is kept.
    Fork,
    /// Goes on with the other.
    Other,
}

fn op() -> impl Strategy<Value = Op> {
    let len = || prop_oneof![8 => 0u8..10, 1 => 30u8..60, 1 => Just(250u8)];
    prop_oneof![
        3 => (any::<bool>(), 0u16..if cfg!(miri) { 60 } else { 1500 }, len()).prop_map(|(e, n, l)| Op::Push(e, n, l)),
        8 => (any::<u16>(), 0u8..30, len()).prop_map(|(i, n, l)| Op::Insert(i, n, l)),
        8 => any::<u16>().prop_map(Op::Remove),
        4 => (any::<u16>(), len()).prop_map(|(i, l)| Op::Resize(i, l)),
        2 => (any::<bool>(), any::<u8>()).prop_map(|(e, n)| Op::Pop(e, n)),
        2 => (any::<u16>(), 0u16..5000).prop_map(|(i, n)| Op::Cut(i, n)),
        3 => (any::<u16>(), any::<u16>()).prop_map(|(i, n)| Op::Cut(i, n)),
        1 => (0u16..20000, any::<u16>()).prop_map(|(a, b)| Op::Trim(a, b)),
        1 => Just(Op::Fork),
        1 => Just(Op::Other),
    ]
}

#[derive(Clone, Default)]
struct Pair {
    tree: Tree<Strings>,
    model: Vec<Vec<u8>>,
    /// So that no two strings are alike.
    next: u32,
}

impl Pair {
    fn string(&mut self, len: u8) -> Vec<u8> {
        self.next += 1;
        let mut string = self.next.to_le_bytes().to_vec();
        string.resize(4 + usize::from(len), 0);
        string
    }

    fn push(&mut self, end: End, len: u8) {
        let string = self.string(len);
        let at = if end == End::First { 0 } else { self.model.len() };
        self.model.insert(at, string.clone());
        self.tree.edit_end(end, string.len() as u64 + 2, |chunk| {
            let at = if end == End::First { 0 } else { chunk.0.len() };
            chunk.0.insert(at, string);
        });
    }

    fn edit(&mut self, rank: usize, f: impl Fn(&mut Vec<Vec<u8>>, usize)) {
        let Some((at, offset)) = self.tree.seek(rank as u64) else { return };
        assert_eq!(self.tree.rank(&at) + u64::from(offset), rank as u64);
        self.tree.edit(&at, |chunk| f(&mut chunk.0, offset as usize)).expect("there");
        f(&mut self.model, rank);
    }

    fn cut(&mut self, from: usize, to: usize) {
        let removed = self.tree.remove(from as u64..to as u64);
        removed.check();
        let to = to.min(self.model.len());
        let expected: Vec<_> = self.model.drain(from.min(to)..to).collect();
        assert_eq!(strings(&removed), expected);
    }

    fn apply(&mut self, op: &Op) {
        let end = |first| if first { End::First } else { End::Last };
        let len = self.model.len();
        match *op {
            Op::Push(first, n, len) => (0..n).for_each(|_| self.push(end(first), len)),
            Op::Insert(i, n, l) => {
                let new: Vec<_> = (0..n).map(|_| self.string(l)).collect();
                self.edit(place(i, len), |all, at| {
                    all.splice(at..at, new.iter().cloned());
                });
            }
            Op::Remove(i) => self.edit(place(i, len), |all, at| {
                all.remove(at);
            }),
            Op::Resize(i, l) => {
                let string = self.string(l);
                self.edit(place(i, len), |all, at| all[at].clone_from(&string));
            }
            Op::Pop(first, n) => {
                for _ in 0..n {
                    let last = self.model.len().saturating_sub(1);
                    self.edit(if first { 0 } else { last }, |all, at| {
                        all.remove(at);
                    });
                }
            }
            Op::Cut(i, n) => self.cut(place(i, len), place(i, len) + usize::from(n)),
            Op::Trim(a, b) => {
                let keep = place(a, len)..place(b, len);
                self.cut(keep.end.max(keep.start), len);
                self.cut(0, keep.start);
            }
            Op::Fork | Op::Other => {}
        }
        self.check();
    }

    fn check(&self) {
        self.tree.check();
        assert_eq!(self.tree.len(), self.model.len() as u64);
        assert_eq!(strings(&self.tree), self.model);
        let Some(last) = self.tree.end(End::Last) else { return assert!(self.model.is_empty()) };
        let mut back: Vec<_> = self.tree.chunks_from(last, End::First).cloned().collect();
        back.reverse();
        assert!(back.iter().eq(self.tree.chunks()), "backwards");
        assert!(self.tree.seek(self.tree.len()).is_none());
    }
}

proptest! {
    #![proptest_config(config())]
    #[test]
    fn a_tree_is_a_vector(ops in prop::collection::vec(op(), 1..STEPS)) {
        let (mut one, mut other) = (Pair::default(), Pair::default());
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

/// Nodes that a cut leaves with too few children, some levels below each other.
#[test]
#[cfg_attr(miri, ignore = "takes too long")]
fn cuts_in_a_tall_tree() {
    const N: u64 = 20_000;
    let chunk = |i: u64| Strings(alloc::vec![i.to_le_bytes().to_vec()]);
    let tall = Tree::from_chunks((0..N).map(chunk));
    assert_eq!(tall.height, 4);
    let is = |tree: &Tree<Strings>, ranks: &mut dyn Iterator<Item = u64>| {
        tree.check();
        assert!(tree.chunks().cloned().eq(ranks.map(chunk)));
    };
    let mut random = crate::random::Random::new(1);
    for i in 0..60 {
        let (a, b) = (random.below(N), random.below(N));
        let (from, to) = if i % 2 == 0 { (a, a + b % 1500) } else { (a.min(b), a.max(b)) };
        let to = to.min(N);
        let mut tree = tall.clone();
        is(&tree.remove(from..to), &mut (from..to));
        is(&tree, &mut (0..from).chain(to..N));
    }
    is(&tall, &mut (0..N));
}
