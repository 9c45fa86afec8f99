//! What combines sets: intersections, unions and differences, answered or kept.

use super::limits;
use crate::commands::arguments::{Words, counted_keys};
use crate::commands::{Error, Flow, Outcome};
use crate::config::Class;
use crate::hash::HashSeed;
use crate::node::Cx;
use crate::observer::Observer;
use crate::protocol::Reply;
use crate::types::{SetMember, Set, SetLimits, SetView, Structure, View as _};
use alloc::vec::Vec;

/// What a combination is made of: the sets in the order in which they were named. `None`: no such
/// key.
type Sets<'a> = [Option<SetView<'a>>];

/// How a result comes to be that is kept.
type Combine = fn(&Sets<'_>, HashSeed, SetLimits) -> Set;

pub(super) fn sinter<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (sets, out) = cx.read_several_as::<Set>(cx.args.from(1))?;
    answer(out, |visit| intersect(&sets, &mut |member| {
        visit(member);
        true
    }));
    Ok(Flow::Done)
}

pub(super) fn sintercard<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (keys, rest) = counted_keys(cx.args, 1)?;
    let limit = Wanted::parse(rest)?.limit.unwrap_or(u64::MAX);
    let (sets, out) = cx.read_several_as::<Set>(keys)?;
    let mut count = 0;
    intersect(&sets, &mut |_| {
        count += 1;
        count < limit
    });
    out.integer(count as i64);
    Ok(Flow::Done)
}

options! {
    /// What SINTERCARD was asked for.
    struct Wanted<'a> {
        limit: "limit" => u64 = limit,
    }
}

/// To how many is counted; 0 is to the end.
fn limit(words: &mut Words<'_>) -> Result<u64, Error> {
    let wrong = Error::Text("ERR LIMIT can't be negative");
    match crate::commands::arguments::positive(words.bytes()?, wrong)? {
        0 => Ok(u64::MAX),
        limit => Ok(limit),
    }
}

pub(super) fn sunion<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let seed = cx.state.hash_seed;
    let limits = limits(cx);
    let (sets, out) = cx.read_several_as::<Set>(cx.args.from(1))?;
    let union = match all_of_integers(&sets) {
        true => unite(&sets, Set::new(seed), limits),
        false => unite(&sets, Set::large(seed), limits),
    };
    answer(out, |visit| union.view().iter().for_each(visit));
    cx.discard(union);
    Ok(Flow::Done)
}

pub(super) fn sdiff<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let seed = cx.state.hash_seed;
    let limits = limits(cx);
    let (sets, out) = cx.read_several_as::<Set>(cx.args.from(1))?;
    if keeps_what_is_left(&sets) {
        answer(out, |visit| each_left(&sets, visit));
    } else {
        let left = subtract(&sets, Set::large(seed), limits);
        answer(out, |visit| left.view().iter().for_each(visit));
        cx.discard(left);
    }
    Ok(Flow::Done)
}

pub(super) fn sinterstore<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    store(cx, "sinterstore", |sets, seed, limits| {
        let smallest = sets.iter().flatten().min_by_key(|set| set.len());
        let integers = smallest.is_some_and(SetView::is_of_integers);
        let mut result = if integers { Set::new(seed) } else { Set::of_strings(seed) };
        intersect(sets, &mut |member| {
            result.add(member.text(&mut itoa::Buffer::new()), limits);
            true
        });
        result.become_integers(limits);
        result
    })
}

pub(super) fn sunionstore<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    store(cx, "sunionstore", |sets, seed, limits| unite(sets, Set::new(seed), limits))
}

pub(super) fn sdiffstore<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    store(cx, "sdiffstore", |sets, seed, limits| {
        let mut result = Set::new(seed);
        if !keeps_what_is_left(sets) {
            return subtract(sets, result, limits);
        }
        each_left(sets, |member| _ = result.add(member.text(&mut itoa::Buffer::new()), limits));
        result
    })
}

fn store<O: Observer>(cx: &mut Cx<'_, O>, event: &'static str, combine: Combine) -> Outcome {
    let target = cx.args.at(1);
    let (seed, limits) = (cx.state.hash_seed, limits(cx));
    let (sets, _) = cx.read_several_as::<Set>(cx.args.from(2))?;
    let result = combine(&sets, seed, limits);
    let len = result.view().len();
    if len == 0 {
        cx.delete(target);
    } else {
        cx.put_as(target, result);
        cx.notify(Class::SET, event, target);
    }
    cx.out().count(len);
    Ok(Flow::Done)
}

/// Writes as a set what `each` visits.
fn answer<'a>(out: &mut Reply, each: impl FnOnce(&mut dyn FnMut(SetMember<'a>))) {
    let (mut found, mut count) = (Reply::new(out.resp()), 0);
    each(&mut |member| {
        member.write(&mut found);
        count += 1;
    });
    out.set(count);
    out.raw(found.bytes());
}

/// Visits what all sets have, in the order of the smallest, as long as `visit` wants more.
fn intersect<'a>(sets: &Sets<'a>, visit: &mut dyn FnMut(SetMember<'a>) -> bool) {
    let sets: Option<Vec<SetView<'a>>> = sets.iter().copied().collect();
    let Some(mut sets) = sets else { return };
    sets.sort_by_key(SetView::len);
    let Some((smallest, others)) = sets.split_first() else { return };
    for member in smallest.iter() {
        if others.iter().all(|set| set.shares(member)) && !visit(member) {
            return;
        }
    }
}

fn all_of_integers(sets: &Sets<'_>) -> bool {
    sets.iter().flatten().all(SetView::is_of_integers)
}

/// Adds the members of all sets to an empty one.
fn unite(sets: &Sets<'_>, mut result: Set, limits: SetLimits) -> Set {
    let mut buffer = itoa::Buffer::new();
    for member in sets.iter().flatten().flat_map(SetView::iter) {
        result.add(member.text(&mut buffer), limits);
    }
    result
}

/// Whether it is less work to ask for each member of the first set whether another one has it than to
/// take the members of all others from a copy, by Redis's reckoning: how the result is kept follows
/// from it.
fn keeps_what_is_left(sets: &Sets<'_>) -> bool {
    let first = sets.first().copied().flatten().map_or(0, |set| set.len());
    let there = sets.iter().flatten();
    let all: usize = there.clone().map(SetView::len).sum();
    first.saturating_mul(there.count()) / 2 <= all
}

/// Visits the members of the first set that no other has.
fn each_left<'a>(sets: &Sets<'a>, mut visit: impl FnMut(SetMember<'a>)) {
    let Some((Some(first), others)) = sets.split_first() else { return };
    // What is there is found soonest in the largest.
    let mut others: Vec<_> = others.iter().flatten().collect();
    others.sort_by_key(|set| core::cmp::Reverse(set.len()));
    first.iter().filter(|&member| !others.iter().any(|set| set.shares(member))).for_each(&mut visit);
}

/// Adds the members of the first set to an empty one and takes those of the others away.
fn subtract(sets: &Sets<'_>, result: Set, limits: SetLimits) -> Set {
    let Some((Some(first), others)) = sets.split_first() else { return result };
    let mut result = unite(&[Some(*first)], result, limits);
    let mut buffer = itoa::Buffer::new();
    for set in others.iter().flatten() {
        if result.view().is_empty() {
            break;
        }
        set.iter().for_each(|member| _ = result.remove(member.text(&mut buffer)));
    }
    result
}
