//! The list against a plain queue, in all its forms.

use super::*;
use crate::types::View as _;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use proptest::prelude::*;

type Model = VecDeque<Vec<u8>>;

fn new() -> List {
    List::new(HashSeed::new(1, 2))
}

fn text(element: Element<'_>) -> Vec<u8> {
    element.bytes(&mut itoa::Buffer::new()).to_vec()
}

fn all(list: &List) -> Model {
    list.view().iter(0, End::Last).map(text).collect()
}

fn is_tree(list: &List) -> bool {
    matches!(list.0, Form::Many(..))
}

fn check(list: &List, model: &Model) {
    assert_eq!(all(list), *model);
    assert_eq!(list.len(), model.len() as u64);
    if let Form::Many(tree, _) = &list.0 {
        tree.check();
    }
    let last = (model.len() as u64).saturating_sub(1);
    let backwards: Model = list.view().iter(last, End::First).map(text).collect();
    assert!(backwards.iter().eq(model.iter().rev()));
    if let Some(bytes) = list.as_bytes() {
        assert_eq!(all(&ListView::small(bytes, HashSeed::new(1, 2)).to_owned()), *model);
    }
}

#[derive(Clone, Debug)]
enum Op {
    Push(bool, Vec<u8>),
    /// Pushes so many at once.
    Fill(bool, u16),
    Pop(bool),
    Set(u16, Vec<u8>),
    Insert(u16, Vec<u8>),
    Cut(u16, u16),
    Remove(bool, u8, Vec<u8>),
    Walk(u16, bool),
    /// The list is changed no more; its clone is.
    Clone,
}

fn element() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => prop::sample::select(vec!["", "a", "7", "-300", "abc"]).prop_map(|s| s.as_bytes().to_vec()),
        4 => any::<i64>().prop_map(|n| format!("{n}").into_bytes()),
        4 => prop::collection::vec(any::<u8>(), 0..40),
        1 => (100usize..9000).prop_map(|len| vec![b'x'; len]),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (any::<bool>(), element()).prop_map(|(first, e)| Op::Push(first, e)),
        2 => (any::<bool>(), 0u16..3000).prop_map(|(first, n)| Op::Fill(first, n)),
        3 => any::<bool>().prop_map(Op::Pop),
        2 => (any::<u16>(), element()).prop_map(|(at, e)| Op::Set(at, e)),
        2 => (any::<u16>(), element()).prop_map(|(at, e)| Op::Insert(at, e)),
        1 => (any::<u16>(), any::<u16>()).prop_map(|(a, b)| Op::Cut(a, b)),
        2 => (any::<bool>(), 0u8..5, element()).prop_map(|(first, n, e)| Op::Remove(first, n, e)),
        1 => (any::<u16>(), any::<bool>()).prop_map(|(at, first)| Op::Walk(at, first)),
        1 => Just(Op::Clone),
    ]
}

fn end(first: bool) -> End {
    if first { End::First } else { End::Last }
}

/// A place in something so long.
fn place(of: u16, len: usize) -> usize {
    (usize::from(of) * (len + 1)) >> 16
}

fn push(model: &mut Model, first: bool, element: Vec<u8>) {
    if first { model.push_front(element) } else { model.push_back(element) }
}

fn play(list: &mut List, model: &mut Model, op: &Op) {
    match op {
        Op::Push(first, element) => {
            list.push(end(*first), element);
            push(model, *first, element.clone());
        }
        Op::Fill(first, count) => {
            for i in 0..*count {
                let element = if i % 3 == 0 { format!("{i}") } else { format!("element:{i}") };
                list.push(end(*first), element.as_bytes());
                push(model, *first, element.into_bytes());
            }
        }
        Op::Pop(first) => {
            let popped = if *first { model.pop_front() } else { model.pop_back() };
            assert_eq!(list.pop(end(*first), text), popped);
        }
        Op::Set(at, element) => {
            let at = place(*at, model.len());
            assert_eq!(list.set(at as u64, element), at < model.len());
            if let Some(place) = model.get_mut(at) {
                place.clone_from(element);
            }
        }
        Op::Insert(at, element) => {
            let at = place(*at, model.len());
            list.insert(at as u64, element);
            model.insert(at, element.clone());
        }
        Op::Cut(a, b) => {
            let (a, b) = (place(*a, model.len()), place(*b, model.len()));
            let range = a.min(b)..a.max(b);
            let cut: Model = model.drain(range.clone()).collect();
            check(&list.cut(range.start as u64..range.end as u64), &cut);
        }
        Op::Remove(first, most, element) => {
            let most = if *most == 0 { usize::MAX } else { usize::from(*most) };
            let mut found: Vec<usize> =
                (0..model.len()).filter(|&i| model[i] == *element).collect();
            if !*first {
                found.reverse();
            }
            found.truncate(most);
            assert_eq!(list.remove_equal(element, end(*first), most as u64), found.len() as u64);
            found.sort_unstable();
            for i in found.into_iter().rev() {
                model.remove(i);
            }
        }
        Op::Walk(at, first) => {
            let at = place(*at, model.len());
            let walked: Vec<_> = list.view().iter(at as u64, end(*first)).map(text).collect();
            let expected: Vec<_> = match first {
                _ if at >= model.len() => vec![],
                true => model.range(..=at).rev().cloned().collect(),
                false => model.range(at..).cloned().collect(),
            };
            assert_eq!(walked, expected);
            assert_eq!(list.view().get(at as u64).map(text), model.get(at).cloned());
        }
        Op::Clone => {}
    }
    list.has_shrunk(Packed::of(-2));
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 2 } else { 60 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_list_does_what_a_queue_does(ops in prop::collection::vec(op(), 1..40)) {
        let (mut list, mut model) = (new(), Model::new());
        let mut clones = Vec::new();
        for op in &ops {
            if matches!(op, Op::Clone) {
                clones.push((list.clone(), model.clone()));
            }
            play(&mut list, &mut model, op);
            check(&list, &model);
        }
        for (list, model) in &clones {
            check(list, model);
        }
    }
}

#[test]
fn digests_tell_lists_apart_whatever_their_form() {
    let digest = |list: &List| {
        let mut out = Vec::new();
        list.view().digest_into(&mut out);
        out
    };
    let (mut forwards, mut backwards) = (new(), new());
    for i in 0..3000 {
        forwards.push(End::Last, format!("element:{i}").as_bytes());
        backwards.push(End::First, format!("element:{}", 2999 - i).as_bytes());
    }
    assert!(is_tree(&forwards));
    assert_eq!(digest(&forwards), digest(&backwards));
    let mut one = forwards.clone();
    let rest = one.cut(10..3000);
    one.has_shrunk(Packed::of(-2));
    assert!(!is_tree(&one) && is_tree(&rest));
    let mut new = new();
    for i in 0..10 {
        new.push(End::Last, format!("element:{i}").as_bytes());
    }
    assert_eq!(digest(&one), digest(&new));
    new.set(3, b"element:4");
    assert_ne!(digest(&one), digest(&new));
}

#[test]
fn the_name_of_the_form_is_that_of_redis() {
    let name = |list: &List| list.view().encoding();
    let grow = |list: &mut List, packed, elements: &[&[u8]]| {
        list.will_grow(elements.len(), elements.iter().map(|e| e.len()).sum(), packed);
        elements.iter().for_each(|element| list.push(End::Last, element));
    };
    let mut list = new();
    let four = Packed::of(4);
    grow(&mut list, four, &[b"a", b"b", b"c", b"d"]);
    assert_eq!(name(&list), "listpack");
    grow(&mut list, four, &[b"e"]);
    assert_eq!(name(&list), "quicklist");
    assert!(list.as_bytes().is_some(), "how it lies is another matter");
    for left in [4, 3, 2] {
        list.pop(End::First, |_| ());
        list.has_shrunk(four);
        assert_eq!(name(&list), if left == 2 { "listpack" } else { "quicklist" });
    }
    // Its name goes along into the record and out of it.
    let mut list = new();
    grow(&mut list, Packed::of(0), &[b"a", b"b"]);
    let bytes = list.as_bytes().expect("small").to_vec();
    assert_eq!(ListView::small(&bytes, HashSeed::new(1, 2)).encoding(), "quicklist");
    assert_eq!(name(&ListView::small(&bytes, HashSeed::new(1, 2)).to_owned()), "quicklist");
    // 64 KiB are several runs, but no quicklist.
    let mut list = new();
    let large = Packed::of(-5);
    for _ in 0..60 {
        grow(&mut list, large, &[&[b'x'; 1000]]);
    }
    assert!(is_tree(&list));
    assert_eq!(name(&list), "listpack");
    grow(&mut list, large, &[&[b'x'; 6000]]);
    assert_eq!(name(&list), "quicklist");
    let mut list = new();
    grow(&mut list, Packed::of(-1), &[&[b'x'; 5000]]);
    assert_eq!(name(&list), "quicklist");
}

#[test]
fn a_large_list_is_packed() {
    for first in [true, false] {
        let mut list = new();
        let bytes: usize = (0..100_000)
            .map(|i| {
                let element = format!("element:{i:06}");
                list.push(end(first), element.as_bytes());
                element.len()
            })
            .sum();
        let size = list.size() as usize;
        assert!(size < bytes + 2 * 100_000 + bytes / 50, "{size} for {bytes}");
        let mut steps = 0;
        while list.drop_some() {
            steps += 1;
        }
        assert!(steps > 150, "{steps}");
        assert_eq!(list.len(), 0);
    }
}

#[test]
fn an_element_of_any_size_has_its_place() {
    let huge = vec![b'x'; 20_000_000];
    let mut list = new();
    for i in 0..10 {
        list.push(End::Last, format!("{i}").as_bytes());
    }
    list.push(End::First, &huge);
    list.insert(5, &huge);
    assert!(list.set(7, &huge));
    let lens: Vec<_> = all(&list).iter().map(Vec::len).collect();
    assert_eq!(lens, [huge.len(), 1, 1, 1, 1, huge.len(), 1, huge.len(), 1, 1, 1, 1]);
    assert!(list.set(7, b"small"));
    assert_eq!(list.remove_equal(&huge, End::First, 5), 2);
    list.has_shrunk(Packed::of(-2));
    assert_eq!((list.len(), is_tree(&list)), (10, false));
    let mut one = new();
    one.push(End::First, &huge);
    assert!(one.as_bytes().is_none());
    assert_eq!(one.pop(End::Last, |element| text(element) == huge), Some(true));
    assert_eq!(one.len(), 0);
}
