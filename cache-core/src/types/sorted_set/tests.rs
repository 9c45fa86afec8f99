//! Both forms against a plain map and an ordered set.

use super::*;
use crate::random::Random;
use crate::types::View as _;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::vec;

const LIMITS: Limits = Limits { entries: 128, bytes: 64 };
const MIRI: bool = cfg!(miri);

#[derive(Clone, Default)]
struct Model {
    scores: BTreeMap<Vec<u8>, f64>,
}

impl Model {
    /// Members and scores in order.
    fn entries(&self) -> Vec<(Vec<u8>, f64)> {
        let mut all: Vec<_> = self.scores.iter().map(|(m, s)| (m.clone(), *s)).collect();
        all.sort_by(|a, b| order((a.1, &a.0), (b.1, &b.0)));
        all
    }
}

fn new() -> SortedSet {
    SortedSet::new(HashSeed::new(1, 2))
}

fn is_large(set: &SortedSet) -> bool {
    matches!(set.form, Form::Large(_))
}

fn entries(set: &SortedSet, ranks: Range<u64>, back: bool) -> Vec<(Vec<u8>, f64)> {
    let mut all = Vec::new();
    set.view().each(ranks, back, &mut |member, score| all.push((member.to_vec(), score)));
    all
}

fn check(set: &SortedSet, model: &Model, random: &mut Random) {
    let (view, expected) = (set.view(), model.entries());
    let len = expected.len() as u64;
    assert_eq!((view.len(), view.is_empty()), (len, len == 0));
    assert!(view.iter().map(|(m, s)| (m.to_vec(), s)).eq(expected.iter().cloned()));
    for (rank, (member, score)) in expected.iter().enumerate() {
        assert_eq!(view.score(member), Some(*score));
        assert_eq!(view.rank(Edge::Before(*score, member)), rank as u64);
        assert_eq!(view.nth(rank as u64), Some((member.as_slice(), *score)));
    }
    for score in [-1.0, -0.0, 0.0, 2.5, 5.0, 1e9] {
        let before = expected.iter().filter(|(_, s)| *s < score).count() as u64;
        let behind = expected.iter().filter(|(_, s)| *s <= score).count() as u64;
        assert_eq!(view.rank(Edge::BeforeScore(score)), before);
        assert_eq!(view.rank(Edge::BehindScore(score)), behind);
    }
    let from = random.below(len + 1);
    let to = from + random.below(len + 1 - from);
    let mut part = expected[from as usize..to as usize].to_vec();
    assert_eq!(entries(set, from..to, false), part);
    part.reverse();
    assert_eq!(entries(set, from..to, true), part);
    if let Form::Large(large) = &set.form {
        large.check();
    }
}

#[test]
fn both_forms_do_what_a_map_does() {
    for limit in [90, if MIRI { 200 } else { 3000 }] {
        let (mut set, mut model, mut random) = (new(), Model::default(), Random::new(4));
        let mut old: Option<(SortedSet, Model)> = None;
        let steps = if MIRI { 200 } else { 20_000u64 };
        for step in 0..steps {
            let member = format!("m:{}", random.below(limit)).into_bytes();
            match random.below(40) {
                0..10 => {
                    let was = model.scores.remove(&member).is_some();
                    assert_eq!(set.remove(&member), was);
                }
                10 => {
                    let len = set.view().len();
                    let from = random.below(len + 1);
                    let ranks = from..(from + random.below(limit / 20)).min(len);
                    for (member, _) in entries(&set, ranks.clone(), false) {
                        model.scores.remove(&member);
                    }
                    set.remove_ranks(ranks);
                }
                way => {
                    // Few, so that many are the same, or near the old one, or anything.
                    let score = match way % 4 {
                        0 => random.below(7) as f64 - 1.0,
                        1 => model.scores.get(&member).copied().unwrap_or(-0.0) + 0.01,
                        _ => random.below(1000) as f64 / 8.0,
                    };
                    let expected = model.scores.insert(member.clone(), score);
                    set.change(&member, LIMITS, |old| {
                        assert_eq!(old, expected);
                        Some(score)
                    });
                }
            }
            if step % (steps / 20) == 0 {
                check(&set, &model, &mut random);
                if let Some((set, model)) = old.replace((set.clone(), model.clone())) {
                    check(&set, &model, &mut random);
                }
            }
        }
        assert_eq!(is_large(&set), limit > 100);
        set.remove_ranks(0..set.view().len());
        assert!(set.view().is_empty());
        if let Some((set, model)) = old {
            check(&set, &model, &mut random);
        }
    }
}

#[test]
fn the_large_form_begins_past_128_entries_or_64_bytes() {
    let mut set = new();
    let put = |set: &mut SortedSet, member: &[u8]| set.change(member, LIMITS, |_| Some(1.0));
    for i in 0..128 {
        put(&mut set, format!("{i}").as_bytes());
    }
    assert!(!is_large(&set));
    put(&mut set, b"0");
    assert!(!is_large(&set));
    put(&mut set, b"128");
    assert!(is_large(&set));
    assert_eq!(set.view().len(), 129);
    let mut set = new();
    put(&mut set, &[b'x'; 64]);
    assert!(!is_large(&set));
    put(&mut set, &[b'x'; 65]);
    assert!(is_large(&set));
    assert_eq!(set.view().score(&[b'x'; 64]), Some(1.0));
}

#[test]
fn members_of_one_score_are_in_their_own_order() {
    let members = || (0..500u32).map(|i| format!("{i:04}").into_bytes());
    let all: Vec<_> = members().collect();
    for some in [60, 500] {
        let set = SortedSet::of(
            all[..some].iter().rev().map(|m| (m.as_slice(), 7.0)),
            LIMITS,
            HashSeed::new(1, 2),
        );
        let view = set.view();
        assert_eq!(view.rank(Edge::BeforeMember(b"0042")), 42);
        assert_eq!(view.rank(Edge::BehindMember(b"0042")), 43);
        assert_eq!(view.rank(Edge::BehindMember(b"0042x")), 43);
        assert_eq!((view.rank(Edge::Start), view.rank(Edge::End)), (0, some as u64));
    }
}

#[test]
fn long_members_have_chunks_of_their_own() {
    let mut set = new();
    for i in 0..40u8 {
        let member = vec![i; if i % 3 == 0 { 100_000 } else { 10 }];
        set.change(&member, LIMITS, |_| Some(f64::from(i / 2)));
    }
    let scores = set.view().iter().map(|(member, score)| (member.to_vec(), score)).collect();
    check(&set, &Model { scores }, &mut Random::new(1));
    assert_eq!(set.view().len(), 40);
    let mut steps = 0;
    let mut rest = set;
    while rest.drop_some() {
        steps += 1;
    }
    assert!(steps > 10);
}

#[test]
fn a_scan_visits_each_member_once() {
    let names: Vec<_> = (0..2000u32).map(|i| format!("{i}")).collect();
    let set =
        SortedSet::of(names.iter().map(|name| (name.as_bytes(), 1.5)), LIMITS, HashSeed::new(1, 2));
    let (mut seen, mut cursor) = (BTreeSet::new(), 0);
    loop {
        cursor = set.view().scan(cursor, 10, &mut |member, score| {
            assert!(seen.insert(member) && score == 1.5);
        });
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(seen.len(), 2000);
}

/// A large one takes little more than each member twice and a score.
#[test]
#[cfg_attr(miri, ignore = "counts and nothing else")]
fn a_large_one_takes_little_room() {
    let (mut set, mut random, members) = (new(), Random::new(3), 20_000);
    for i in 0..members {
        let member = format!("element:{:012}", i * 7919 % members);
        set.change(member.as_bytes(), LIMITS, |_| Some(random.below(1_000_000) as f64));
    }
    let each = set.size() / members;
    assert!((60..75).contains(&each), "{each}");
}

/// A set that is made anew, in whatever order its entries come, is the one that is made by changes.
#[test]
fn entries_can_be_pushed_in_any_order() {
    let limits = Limits { entries: 4, bytes: 64 };
    let mut random = Random::new(11);
    for order in 0..3 {
        let (mut pushed, mut changed) = (new(), new());
        for i in 0..3000u64 {
            let score = match order {
                0 => i as f64 / 3.0,
                1 => -(i as f64) / 3.0,
                _ => random.below(100) as f64,
            }
            .floor();
            let member = format!("member:{:05}", if order == 1 { 9999 - i } else { i });
            assert!(pushed.push(member.as_bytes(), score, limits));
            changed.change(member.as_bytes(), limits, |_| Some(score));
        }
        assert!(pushed.view().iter().eq(changed.view().iter()));
        if let Form::Large(large) = &pushed.form {
            large.check();
        }
        assert!(!pushed.clone().push(b"member:00007", 1e9, limits) || order == 1);
        assert!(!pushed.push(b"member:09000", 0.0, limits) || order != 1);
    }
}
