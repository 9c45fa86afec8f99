//! The forms that wait for an element. Each is recorded as the one that doesn't.

use super::super::arguments::wait_seconds;
use super::super::{Flow, Outcome};
use super::moves::{Ends, Several, move_one, pop_from_first};
use super::pop_one;
use crate::node::{Cx, Wait};
use crate::observer::Observer;
use crate::protocol::Args;
use crate::types::{End, List, Structure as _};

pub(super) fn blpop<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    pop(cx, End::First)
}

pub(super) fn brpop<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    pop(cx, End::Last)
}

fn pop<O: Observer>(cx: &mut Cx<'_, O>, end: End) -> Outcome {
    let last = cx.args.len() - 1;
    let until_us = wait_seconds(cx, cx.args.at(last))?;
    let keys = cx.args.slice(1..last);
    for key in keys.iter() {
        if cx.peek_as::<List>(key)?.is_none() {
            continue;
        }
        cx.out().array(2);
        cx.out().bulk(key);
        pop_one(cx, key, end)?;
        let name: &[u8] = if end == End::First { b"LPOP" } else { b"RPOP" };
        cx.effect([name, key]);
        return Ok(Flow::Done);
    }
    wait(cx, keys, until_us)
}

pub(super) fn blmpop<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let several = Several::parse(cx.args, 2)?;
    let until_us = wait_seconds(cx, cx.args.at(1))?;
    if pop_from_first(cx, several)? {
        return Ok(Flow::Done);
    }
    wait(cx, several.keys, until_us)
}

pub(super) fn blmove<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let ends = Ends::parse(cx.args)?;
    let until_us = wait_seconds(cx, cx.args.at(5))?;
    if !move_one(cx, ends)? {
        return wait_to_move(cx, until_us);
    }
    let args = cx.args;
    cx.effect([b"LMOVE", args.at(1), args.at(2), args.at(3), args.at(4)]);
    Ok(Flow::Done)
}

pub(super) fn brpoplpush<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let until_us = wait_seconds(cx, cx.args.at(3))?;
    if !move_one(cx, Ends::RPOPLPUSH)? {
        return wait_to_move(cx, until_us);
    }
    let args = cx.args;
    cx.effect([b"RPOPLPUSH", args.at(1), args.at(2)]);
    Ok(Flow::Done)
}

/// As in Redis, RESP2 shows by the kind of null whether the time was up at once or later.
fn wait_to_move<O: Observer>(cx: &mut Cx<'_, O>, until_us: u64) -> Outcome {
    if !cx.may_wait() {
        cx.out().null();
        return Ok(Flow::Done);
    }
    wait(cx, cx.args.slice(1..2), until_us)
}

fn wait<O: Observer>(cx: &mut Cx<'_, O>, keys: Args<'_>, until_us: u64) -> Outcome {
    let (frame, keys) = (cx.args.into(), keys.into());
    cx.wait(Wait { frame, keys, type_name: List::NAME, or_gone: false, until_us })
}
