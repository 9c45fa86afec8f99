//! What waits for members to take.

use super::pop::{Several, Side, pop, record};
use crate::commands::arguments::wait_seconds;
use crate::commands::{Error, Flow, Outcome};
use crate::node::{Cx, Wait};
use crate::observer::Observer;
use crate::protocol::{Args, Frame, Reply};
use crate::types::{SortedSet, Structure as _};

pub(super) fn bzpopmin<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    pop_first(cx, Side::Min)
}

pub(super) fn bzpopmax<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    pop_first(cx, Side::Max)
}

fn pop_first<O: Observer>(cx: &mut Cx<'_, O>, side: Side) -> Outcome {
    let last = cx.args.len() - 1;
    let until_us = wait_seconds(cx, cx.args.at(last))?;
    let keys = cx.args.slice(1..last);
    let mut taken = Reply::new(cx.resp());
    for key in keys.iter() {
        let popped = pop(cx, key, side, 1, |member, score| {
            taken.array(3);
            taken.bulk(key);
            taken.bulk(member);
            taken.double(score);
        })?;
        if popped > 0 {
            record(cx, key, side, 1);
            cx.out().raw(taken.bytes());
            return Ok(Flow::Done);
        }
    }
    wait(cx, keys, until_us)
}

pub(super) fn bzmpop<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let wanted = Several::parse(cx.args.from(2))?;
    let until_us = wait_seconds(cx, cx.args.at(1))?;
    if wanted.pop(cx)? {
        return Ok(Flow::Done);
    }
    wait(cx, wanted.keys, until_us)
}

fn wait<O: Observer>(cx: &mut Cx<'_, O>, keys: Args<'_>, until_us: u64) -> Result<Flow, Error> {
    let frame = Frame::from(cx.args);
    cx.wait(Wait {
        frame,
        keys: Frame::from(keys),
        type_name: SortedSet::NAME,
        or_gone: false,
        until_us,
    })
}
