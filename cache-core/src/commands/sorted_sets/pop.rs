//! What takes the lowest or the highest members.

use super::{write_head, write_member};
use crate::commands::arguments::{Words, positive_or_out_of_range};
use crate::commands::{Error, Flow, Outcome};
use crate::config::Class;
use crate::node::Cx;
use crate::numbers::parse_i64;
use crate::observer::Observer;
use crate::protocol::{Args, Reply};
use crate::types::{SortedSet, Structure as _};

/// From which end members are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Min,
    Max,
}

pub(super) fn zpopmin<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    reply(cx, Side::Min)
}

pub(super) fn zpopmax<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    reply(cx, Side::Max)
}

fn reply<O: Observer>(cx: &mut Cx<'_, O>, side: Side) -> Outcome {
    if cx.args.len() > 3 {
        return Err(Error::Syntax);
    }
    let count = cx.args.get(2).map(positive_or_out_of_range).transpose()?;
    let mut taken = Reply::new(cx.resp());
    // Without a count there are no pairs, even in RESP3.
    let popped = pop(cx, cx.args.at(1), side, count.unwrap_or(1), |member, score| {
        match count {
            Some(_) => write_member(&mut taken, member, score, true),
            None => {
                taken.bulk(member);
                taken.double(score);
            }
        }
    })?;
    match (count, popped) {
        (None, 1) => cx.out().array(2),
        _ => write_head(cx.out(), popped as usize, true),
    }
    cx.out().raw(taken.bytes());
    Ok(Flow::Done)
}

/// Takes members of a sorted set, if there is one, and says how many.
pub(super) fn pop<O: Observer>(
    cx: &mut Cx<'_, O>,
    key: &[u8],
    side: Side,
    count: u64,
    mut visit: impl FnMut(&[u8], f64),
) -> Result<u64, Error> {
    let popped = cx.edit_as(key, |set: &mut SortedSet| {
        let len = set.view().len();
        let count = count.min(len);
        let ranks = if side == Side::Min { 0..count } else { len - count..len };
        set.view().each(ranks.clone(), side == Side::Max, &mut visit);
        set.remove_ranks(ranks);
        count
    })?;
    let popped = popped.unwrap_or(0);
    if popped > 0 {
        let event = if side == Side::Min { "zpopmin" } else { "zpopmax" };
        cx.shrank(key, Class::SORTED_SET, event);
    }
    Ok(popped)
}

/// Says in the effects what was taken from which key.
pub(super) fn record<O: Observer>(cx: &mut Cx<'_, O>, key: &[u8], side: Side, count: u64) {
    let name: &[u8] = if side == Side::Min { b"ZPOPMIN" } else { b"ZPOPMAX" };
    cx.effect([name, key, itoa::Buffer::new().format(count).as_bytes()]);
}

/// What ZMPOP and BZMPOP were asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Several<'a> {
    pub(super) keys: Args<'a>,
    side: Side,
    count: u64,
}

impl<'a> Several<'a> {
    /// Reads the number of keys and all behind it.
    pub(super) fn parse(args: Args<'a>) -> Result<Self, Error> {
        let at_least_one = |text: &[u8], wrong| {
            let number = parse_i64(text).and_then(|number| u64::try_from(number).ok());
            number.filter(|&number| number > 0).ok_or(Error::Text(wrong))
        };
        let mut words = Words::new(args);
        let keys = at_least_one(words.bytes()?, "ERR numkeys should be greater than 0")?;
        let keys = words.several(usize::try_from(keys).unwrap_or(usize::MAX))?;
        let side = match () {
            () if words.is("min") => Side::Min,
            () if words.is("max") => Side::Max,
            () => return Err(Error::Syntax),
        };
        let mut count = None;
        while words.left() > 0 {
            if count.is_some() || words.left() < 2 || !words.is("count") {
                return Err(Error::Syntax);
            }
            count = Some(at_least_one(words.bytes()?, "ERR count should be greater than 0")?);
        }
        Ok(Several { keys, side, count: count.unwrap_or(1) })
    }

    /// Takes members of the first key that has any, and answers. `false`: none has.
    pub(super) fn pop<O: Observer>(&self, cx: &mut Cx<'_, O>) -> Result<bool, Error> {
        let mut taken = Reply::new(cx.resp());
        for key in self.keys.iter() {
            let popped = pop(cx, key, self.side, self.count, |member, score| {
                taken.array(2);
                taken.bulk(member);
                taken.double(score);
            })?;
            if popped > 0 {
                record(cx, key, self.side, popped);
                let out = cx.out();
                out.array(2);
                out.bulk(key);
                out.array(popped as usize);
                out.raw(taken.bytes());
                return Ok(true);
            }
        }
        Ok(false)
    }
}

pub(super) fn zmpop<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    if !Several::parse(cx.args.from(1))?.pop(cx)? {
        cx.out().null_array();
    }
    Ok(Flow::Done)
}
