//! What is known of members: scores, ranks, how many there are.

use super::range::{Between, Bounds};
use crate::commands::arguments::is_word;
use crate::commands::{Error, Flow, Outcome};
use crate::node::{Cx, check_reply};
use crate::observer::Observer;
use crate::types::{Edge, SortedSet};

pub(super) fn zcard<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (set, out) = cx.read_as::<SortedSet>(cx.args.at(1))?;
    out.integer(set.map_or(0, |set| set.len() as i64));
    Ok(Flow::Done)
}

pub(super) fn zscore<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, member) = (cx.args.at(1), cx.args.at(2));
    let (set, out) = cx.read_as::<SortedSet>(key)?;
    match set.and_then(|set| set.score(member)) {
        Some(score) => out.double(score),
        None => out.null(),
    }
    Ok(Flow::Done)
}

pub(super) fn zmscore<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, members) = (cx.args.at(1), cx.args.from(2));
    let (set, out) = cx.read_as::<SortedSet>(key)?;
    let mark = out.len();
    out.array(members.len());
    for member in members.iter() {
        match set.and_then(|set| set.score(member)) {
            Some(score) => out.double(score),
            None => out.null(),
        }
        check_reply(out.len() - mark)?;
    }
    Ok(Flow::Done)
}

pub(super) fn zrank<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    rank(cx, false)
}

pub(super) fn zrevrank<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    rank(cx, true)
}

fn rank<O: Observer>(cx: &mut Cx<'_, O>, back: bool) -> Outcome {
    let (key, member) = (cx.args.at(1), cx.args.at(2));
    let with_score = match cx.args.get(3) {
        None => false,
        Some(_) if cx.args.len() > 4 => return Err(Error::Arity(cx.spec.name)),
        Some(word) if is_word(word, "withscore") => true,
        Some(_) => return Err(Error::Syntax),
    };
    let (set, out) = cx.read_as::<SortedSet>(key)?;
    let found = set.and_then(|set| {
        let score = set.score(member)?;
        let rank = set.rank(Edge::Before(score, member));
        Some((if back { set.len().saturating_sub(rank + 1) } else { rank }, score))
    });
    match found {
        Some((rank, score)) if with_score => {
            out.array(2);
            out.integer(rank as i64);
            out.double(score);
        }
        Some((rank, _)) => out.integer(rank as i64),
        None if with_score => out.null_array(),
        None => out.null(),
    }
    Ok(Flow::Done)
}

pub(super) fn zcount<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    count(cx, Bounds::Scores)
}

pub(super) fn zlexcount<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    count(cx, Bounds::Members)
}

fn count<O: Observer>(cx: &mut Cx<'_, O>, bounds: Bounds) -> Outcome {
    let between = Between::parse(bounds, cx.args.at(2), cx.args.at(3))?;
    let (set, out) = cx.read_as::<SortedSet>(cx.args.at(1))?;
    let ranks = set.map_or(0..0, |set| between.ranks(set));
    out.integer((ranks.end - ranks.start) as i64);
    Ok(Flow::Done)
}
