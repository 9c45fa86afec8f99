//! What adds members, changes scores and removes.

use super::limits;
use super::range::{Between, Bounds};
use crate::commands::arguments::{Words, float, is_word};
use crate::commands::{Error, Flow, Outcome};
use crate::config::Class;
use crate::node::Cx;
use crate::numbers::format_double;
use crate::observer::Observer;
use crate::protocol::Args;
use crate::types::{SortedSet, Structure as _, View as _};

options! {
    /// What ZADD and GEOADD were asked for.
    pub(in crate::commands) struct Adding<'a> {
        new_only: "nx",
        old_only: "xx",
        changed: "ch",
        increment: "incr",
        greater: "gt",
        less: "lt",
    }
}

/// What has become of the members of a ZADD.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::commands) struct Added {
    pub(in crate::commands) new: usize,
    pub(in crate::commands) updated: usize,
    /// The last member's score, if it was allowed to have it.
    score: Option<f64>,
    /// A sum of infinities, which no member can have.
    is_nan: bool,
}

impl Added {
    /// What is answered.
    pub(in crate::commands) fn answer(&self, wanted: Adding<'_>) -> usize {
        self.new + if wanted.changed { self.updated } else { 0 }
    }
}

impl Adding<'_> {
    /// Reads those options that GEOADD has.
    pub(in crate::commands) fn parse_placing(words: &mut Words<'_>) -> Self {
        let mut wanted = Adding::default();
        loop {
            if words.is("nx") {
                wanted.new_only = true;
            } else if words.is("xx") {
                wanted.old_only = true;
            } else if words.is("ch") {
                wanted.changed = true;
            } else {
                return wanted;
            }
        }
    }

    /// Whether no member could be given anything.
    pub(in crate::commands) fn contradicts(&self) -> bool {
        self.new_only && self.old_only
    }

    /// GEOADD's options as ZADD has them.
    pub(in crate::commands) fn words(&self) -> impl Iterator<Item = &'static str> {
        let all = [(self.new_only, "NX"), (self.old_only, "XX")];
        all.into_iter().filter(|(said, _)| *said).map(|(_, word)| word)
    }

    /// Which score a member is to have, by the one that it has. `None`: nothing is to be done.
    fn decide(&self, old: Option<f64>, score: f64, added: &mut Added) -> Option<f64> {
        added.score = None;
        let new = match old {
            None if self.old_only => return None,
            Some(_) if self.new_only => return None,
            Some(old) if self.increment => old + score,
            _ => score,
        };
        if new.is_nan() {
            added.is_nan = true;
            return None;
        }
        match old {
            Some(old) if self.less && new >= old || self.greater && new <= old => return None,
            Some(old) => added.updated += usize::from(new != old),
            None => added.new += 1,
        }
        added.score = Some(new);
        Some(new)
    }
}

pub(super) fn zadd<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let mut words = Words::new(cx.args.from(2));
    let wanted = Adding::parse_some(&mut words)?;
    let pairs = words.rest();
    if pairs.is_empty() || !pairs.len().is_multiple_of(2) {
        return Err(Error::Syntax);
    }
    if wanted.contradicts() {
        return Err(Error::Text("ERR XX and NX options at the same time are not compatible"));
    }
    let ways = [wanted.new_only, wanted.greater, wanted.less];
    if ways.into_iter().filter(|way| *way).count() > 1 {
        return Err(Error::Text(
            "ERR GT, LT, and/or NX options at the same time are not compatible",
        ));
    }
    if wanted.increment && pairs.len() > 2 {
        return Err(Error::Text("ERR INCR option supports a single increment-element pair"));
    }
    add(cx, wanted, pairs)
}

pub(super) fn zincrby<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    // ZADD by another name: one of its options in the increment's place leaves half a pair.
    if ["nx", "xx", "gt", "lt", "ch", "incr"].iter().any(|word| is_word(cx.args.at(2), word)) {
        return Err(Error::Syntax);
    }
    let wanted = Adding { increment: true, ..Adding::default() };
    add(cx, wanted, cx.args.from(2))
}

/// Adds pairs of a score and a member and answers.
fn add<O: Observer>(cx: &mut Cx<'_, O>, wanted: Adding<'_>, pairs: Args<'_>) -> Outcome {
    // Nothing is changed unless all scores are good.
    for text in pairs.iter().step_by(2) {
        float(text)?;
    }
    let scores = pairs.iter().step_by(2).map(|text| float(text).unwrap_or_default());
    let members = pairs.iter().skip(1).step_by(2);
    let key = cx.args.at(1);
    let added = add_all(cx, key, wanted, pairs.at(1), members.zip(scores))?;
    if added.is_nan {
        return Err(Error::Text("ERR resulting score is not a number (NaN)"));
    }
    if wanted.increment {
        // Recorded as the sum, so that whoever reads it twice has the same.
        if let (Some(score), Some(member)) = (added.score, pairs.get(1))
            && added.new + added.updated > 0
        {
            cx.effect([b"ZADD", key, &format_double(score), member]);
        }
        match added.score {
            Some(score) => cx.out().double(score),
            None => cx.out().null(),
        }
        return Ok(Flow::Done);
    }
    cx.out().count(added.answer(wanted));
    Ok(Flow::Done)
}

/// Gives members, of which one is the first, scores, as an [`Adding`] says.
pub(in crate::commands) fn add_all<'a, O: Observer>(
    cx: &mut Cx<'_, O>,
    key: &[u8],
    wanted: Adding<'_>,
    first: &[u8],
    entries: impl ExactSizeIterator<Item = (&'a [u8], f64)>,
) -> Result<Added, Error> {
    let (limits, mut added) = (limits(cx), Added::default());
    let change = |set: &mut SortedSet| {
        // Of one that is there only the number counts.
        let first = if set.view().is_empty() { first.len() } else { 0 };
        set.expect(entries.len(), first, limits);
        for (member, score) in entries {
            set.change(member, limits, |old| wanted.decide(old, score, &mut added));
        }
    };
    if wanted.old_only {
        cx.edit_as(key, change)?;
    } else {
        cx.upsert_as(key, change)?;
    }
    if added.new + added.updated > 0 {
        cx.wrote(key, Class::SORTED_SET, if wanted.increment { "zincr" } else { "zadd" });
    }
    Ok(added)
}

pub(super) fn zrem<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, members) = (cx.args.at(1), cx.args.from(2));
    let removed = cx.edit_as(key, |set: &mut SortedSet| {
        members.iter().filter(|member| set.remove(member)).count()
    })?;
    let removed = removed.unwrap_or(0);
    if removed > 0 {
        cx.shrank(key, Class::SORTED_SET, "zrem");
    }
    cx.out().count(removed);
    Ok(Flow::Done)
}

pub(super) fn zremrangebyrank<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    remove_range(cx, Bounds::Ranks, "zremrangebyrank")
}

pub(super) fn zremrangebyscore<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    remove_range(cx, Bounds::Scores, "zremrangebyscore")
}

pub(super) fn zremrangebylex<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    remove_range(cx, Bounds::Members, "zremrangebylex")
}

fn remove_range<O: Observer>(
    cx: &mut Cx<'_, O>,
    bounds: Bounds,
    event: &'static str,
) -> Outcome {
    let key = cx.args.at(1);
    let between = Between::parse(bounds, cx.args.at(2), cx.args.at(3))?;
    let removed = cx.edit_as(key, |set: &mut SortedSet| {
        let ranks = between.ranks(set.view());
        set.remove_ranks(ranks.clone());
        ranks.end - ranks.start
    })?;
    let removed = removed.unwrap_or(0);
    if removed > 0 {
        cx.shrank(key, Class::SORTED_SET, event);
    }
    cx.out().integer(removed as i64);
    Ok(Flow::Done)
}
