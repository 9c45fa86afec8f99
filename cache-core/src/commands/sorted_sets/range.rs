//! Members in a range: by rank, by score, in their own order.

use super::{limits, write_head, write_member};
use crate::commands::arguments::{Words, integer};
use crate::commands::{Error, Flow, Outcome};
use crate::config::Class;
use crate::node::Cx;
use crate::numbers::parse_f64;
use crate::observer::Observer;
use crate::protocol::Args;
use crate::types::{Edge, SortedSet, SortedSetView, Structure as _};
use alloc::vec::Vec;
use core::ops::Range;

/// What the two ends of a range are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bounds {
    Ranks,
    Scores,
    /// Where all scores are the same.
    Members,
}

/// A range by its two ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Between<'a> {
    /// Both included; negative ones count from behind.
    Ranks(i64, i64),
    Edges(Edge<'a>, Edge<'a>),
}

impl<'a> Between<'a> {
    pub(super) fn parse(bounds: Bounds, low: &'a [u8], high: &'a [u8]) -> Result<Self, Error> {
        let edges = match bounds {
            Bounds::Ranks => return Ok(Between::Ranks(integer(low)?, integer(high)?)),
            Bounds::Scores => score_edge(low, true)
                .zip(score_edge(high, false))
                .ok_or(Error::Text("ERR min or max is not a float"))?,
            Bounds::Members => member_edge(low, true)
                .zip(member_edge(high, false))
                .ok_or(Error::Text("ERR min or max not valid string range item"))?,
        };
        Ok(Between::Edges(edges.0, edges.1))
    }

    /// The ranks of the entries in it.
    pub(super) fn ranks(&self, set: SortedSetView<'_>) -> Range<u64> {
        match *self {
            Between::Ranks(start, end) => {
                let len = set.len();
                let from_behind = |rank: i64| match u64::try_from(rank) {
                    Ok(rank) => Some(rank),
                    Err(_) => len.checked_sub(rank.unsigned_abs()),
                };
                let start = from_behind(start).unwrap_or(0).min(len);
                let end = from_behind(end).map_or(0, |end| end.saturating_add(1).min(len));
                start..end.max(start)
            }
            Between::Edges(low, high) => {
                let start = set.rank(low);
                start..set.rank(high).max(start)
            }
        }
    }
}

/// A score, or behind a parenthesis one that is not included.
fn score_edge(text: &[u8], low: bool) -> Option<Edge<'_>> {
    let (text, included) = match text {
        [b'(', rest @ ..] => (rest, false),
        _ => (text, true),
    };
    // No text at all is zero, as in Redis.
    let score = if text.is_empty() { 0.0 } else { parse_f64(text)? };
    Some(if low == included { Edge::BeforeScore(score) } else { Edge::BehindScore(score) })
}

/// `-`, `+`, or a member behind a bracket, or behind a parenthesis if it is not included.
fn member_edge(text: &[u8], low: bool) -> Option<Edge<'_>> {
    match text {
        b"-" => Some(Edge::Start),
        b"+" => Some(Edge::End),
        [kind @ (b'[' | b'('), member @ ..] if low == (*kind == b'[') => {
            Some(Edge::BeforeMember(member))
        }
        [b'[' | b'(', member @ ..] => Some(Edge::BehindMember(member)),
        _ => None,
    }
}

/// What a command of ZRANGE's family was asked for.
#[derive(Clone, Copy, Debug)]
struct Wanted<'a> {
    between: Between<'a>,
    back: bool,
    /// How many of the range to leave out (negative: all), and how many to take (negative: all).
    limit: (i64, i64),
    scores: bool,
}

/// Which of ZRANGE's options a command has in its name already.
#[derive(Clone, Copy, Debug)]
struct Form {
    bounds: Option<Bounds>,
    back: Option<bool>,
    stores: bool,
}

const ANY: Form = Form { bounds: None, back: None, stores: false };

impl<'a> Wanted<'a> {
    /// Reads both ends of the range and the options behind them.
    fn parse(args: Args<'a>, form: Form) -> Result<Self, Error> {
        let Form { mut bounds, mut back, stores } = form;
        let (mut limit, mut scores) = ((0, -1), false);
        let mut words = Words::new(args.from(2));
        while words.left() > 0 {
            if !stores && words.is("withscores") {
                scores = true;
            } else if words.left() >= 3 && words.is("limit") {
                limit = (words.integer()?, words.integer()?);
            } else if back.is_none() && words.is("rev") {
                back = Some(true);
            } else if bounds.is_none() && words.is("bylex") {
                bounds = Some(Bounds::Members);
            } else if bounds.is_none() && words.is("byscore") {
                bounds = Some(Bounds::Scores);
            } else {
                return Err(Error::Syntax);
            }
        }
        let (bounds, back) = (bounds.unwrap_or(Bounds::Ranks), back.unwrap_or(false));
        if limit.1 != -1 && bounds == Bounds::Ranks {
            return Err(Error::Text(
                "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or \
                BYLEX",
            ));
        }
        if scores && bounds == Bounds::Members {
            return Err(Error::Text(
                "ERR syntax error, WITHSCORES not supported in combination with BYLEX",
            ));
        }
        let (mut low, mut high) = (args.at(0), args.at(1));
        if back && bounds != Bounds::Ranks {
            core::mem::swap(&mut low, &mut high);
        }
        Ok(Wanted { between: Between::parse(bounds, low, high)?, back, limit, scores })
    }

    /// The ranks of the entries that are wanted.
    fn ranks(&self, set: SortedSetView<'_>) -> Range<u64> {
        let Range { mut start, mut end } = self.between.ranks(set);
        if matches!(self.between, Between::Ranks(..)) {
            // Ranks are counted from the end at which the reply begins.
            let len = set.len();
            return if self.back { len - end..len - start } else { start..end };
        }
        let skip = u64::try_from(self.limit.0).unwrap_or(u64::MAX);
        let most = u64::try_from(self.limit.1).unwrap_or(u64::MAX);
        if self.back {
            end = end.saturating_sub(skip).max(start);
            start = start.max(end.saturating_sub(most));
        } else {
            start = start.saturating_add(skip).min(end);
            end = end.min(start.saturating_add(most));
        }
        start..end
    }
}

/// Answers a range.
fn reply<O: Observer>(cx: &mut Cx<'_, O>, form: Form) -> Outcome {
    let wanted = Wanted::parse(cx.args.from(2), form)?;
    let (set, out) = cx.read_as::<SortedSet>(cx.args.at(1))?;
    let Some(set) = set else {
        out.array(0);
        return Ok(Flow::Done);
    };
    let ranks = wanted.ranks(set);
    write_head(out, (ranks.end - ranks.start) as usize, wanted.scores);
    set.each(ranks, wanted.back, &mut |member, score| {
        write_member(out, member, score, wanted.scores);
    });
    Ok(Flow::Done)
}

pub(super) fn zrange<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    reply(cx, ANY)
}

pub(super) fn zrevrange<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    reply(cx, Form { bounds: Some(Bounds::Ranks), back: Some(true), ..ANY })
}

pub(super) fn zrangebyscore<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    reply(cx, Form { bounds: Some(Bounds::Scores), back: Some(false), ..ANY })
}

pub(super) fn zrevrangebyscore<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    reply(cx, Form { bounds: Some(Bounds::Scores), back: Some(true), ..ANY })
}

pub(super) fn zrangebylex<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    reply(cx, Form { bounds: Some(Bounds::Members), back: Some(false), ..ANY })
}

pub(super) fn zrevrangebylex<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    reply(cx, Form { bounds: Some(Bounds::Members), back: Some(true), ..ANY })
}

pub(super) fn zrangestore<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (target, source) = (cx.args.at(1), cx.args.at(2));
    let wanted = Wanted::parse(cx.args.from(3), Form { stores: true, ..ANY })?;
    let (limits, seed) = (limits(cx), cx.state.hash_seed);
    let (set, _) = cx.read_as::<SortedSet>(source)?;
    let mut entries = Vec::new();
    if let Some(set) = set {
        set.each(wanted.ranks(set), false, &mut |member, score| entries.push((member, score)));
    }
    let stored = SortedSet::of(entries, limits, seed);
    store(cx, target, stored, "zrangestore")
}

/// Sets a key to a result, or removes it when the result is empty, and answers how many members there
/// are.
pub(in crate::commands) fn store<O: Observer>(
    cx: &mut Cx<'_, O>,
    target: &[u8],
    set: SortedSet,
    event: &'static str,
) -> Outcome {
    let len = set.view().len();
    if len == 0 {
        cx.delete(target);
    } else {
        cx.put_as(target, set);
        cx.notify(Class::SORTED_SET, event, target);
    }
    cx.out().integer(len as i64);
    Ok(Flow::Done)
}
