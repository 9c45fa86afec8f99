//! What reaches into a list: LINSERT, LREM, LSET, LTRIM.

use super::super::arguments::{integer, is_word, ranks, symmetric_integer};
use super::super::{Error, Flow, Outcome};
use super::{packed, rank};
use crate::config::Class;
use crate::node::Cx;
use crate::observer::Observer;
use crate::types::{Element, End, List};

pub(super) fn linsert<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let behind = match cx.args.at(2) {
        word if is_word(word, "before") => 0,
        word if is_word(word, "after") => 1,
        _ => return Err(Error::Syntax),
    };
    let (key, pivot, element) = (cx.args.at(1), cx.args.at(3), cx.args.at(4));
    let Some(list) = cx.peek_as::<List>(key)? else {
        cx.out().integer(0);
        return Ok(Flow::Done);
    };
    let pivot = Element::of(pivot);
    let Some(found) = list.iter(0, End::Last).position(|element| element == pivot) else {
        cx.out().integer(-1);
        return Ok(Flow::Done);
    };
    let packed = packed(cx);
    let len = cx.edit_as(key, |list: &mut List| {
        list.will_grow(1, element.len(), packed);
        list.insert(found as u64 + behind, element);
        list.len()
    })?;
    cx.wrote(key, Class::LIST, "linsert");
    cx.out().integer(len.unwrap_or(0) as i64);
    Ok(Flow::Done)
}

pub(super) fn lset<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, index, element) = (cx.args.at(1), cx.args.at(2), cx.args.at(3));
    let list = cx.peek_as::<List>(key)?.ok_or(Error::NoSuchKey)?;
    let rank = rank(integer(index)?, list.len());
    let rank = rank.ok_or(Error::Text("ERR index out of range"))?;
    let packed = packed(cx);
    cx.edit_as(key, |list: &mut List| {
        list.will_grow(1, element.len(), packed);
        list.set(rank, element);
        list.has_shrunk(packed);
    })?;
    cx.wrote(key, Class::LIST, "lset");
    cx.out().ok();
    Ok(Flow::Done)
}

pub(super) fn lrem<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, element) = (cx.args.at(1), cx.args.at(3));
    let count = symmetric_integer(cx.args.at(2))?;
    let from = if count < 0 { End::Last } else { End::First };
    let most = if count == 0 { u64::MAX } else { count.unsigned_abs() };
    let wanted = Element::of(element);
    // A list that stays as it is isn't copied out of what a clone shares.
    let there = cx.peek_as::<List>(key)?;
    if !there.is_some_and(|list| list.iter(0, End::Last).any(|element| element == wanted)) {
        cx.out().integer(0);
        return Ok(Flow::Done);
    }
    let packed = packed(cx);
    let removed = cx.edit_as(key, |list: &mut List| {
        let removed = list.remove_equal(element, from, most);
        list.has_shrunk(packed);
        removed
    })?;
    cx.shrank(key, Class::LIST, "lrem");
    cx.out().integer(removed.unwrap_or(0) as i64);
    Ok(Flow::Done)
}

pub(super) fn ltrim<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (start, stop) = (integer(cx.args.at(2))?, integer(cx.args.at(3))?);
    let key = cx.args.at(1);
    let packed = packed(cx);
    let cut = cx.edit_as(key, |list: &mut List| {
        let left = ranks(start, stop, list.len());
        let cut = [list.cut(left.end..list.len()), list.cut(0..left.start)];
        list.has_shrunk(packed);
        cut
    })?;
    match cut {
        None => {}
        // As in Redis it is told all the same.
        Some(cut) if cut.iter().all(|part| part.len() == 0) => {
            cx.notify(Class::LIST, "ltrim", key);
        }
        Some(cut) => {
            cut.into_iter().for_each(|part| cx.discard(part));
            cx.shrank(key, Class::LIST, "ltrim");
        }
    }
    cx.out().ok();
    Ok(Flow::Done)
}
