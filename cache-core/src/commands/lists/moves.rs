//! Elements that go from one list to another, and those taken from the first of several that has any.

use super::super::arguments::{Words, counted_keys_or, positive};
use super::super::{Error, Flow, Outcome};
use super::{add, end, packed, pop_event, pop_some, push_event};
use crate::config::Class;
use crate::node::Cx;
use crate::observer::Observer;
use crate::protocol::{Args, Frame};
use crate::types::{End, List};

/// From which end of a list to which end of another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    pub(super) from: End,
    pub(super) to: End,
}

impl Ends {
    pub(super) const RPOPLPUSH: Ends = Ends { from: End::Last, to: End::First };

    /// As LMOVE and BLMOVE name them.
    pub(super) fn parse(args: Args<'_>) -> Result<Self, Error> {
        Ok(Ends { from: end(args.at(3))?, to: end(args.at(4))? })
    }
}

pub(super) fn lmove<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let ends = Ends::parse(cx.args)?;
    move_or_null(cx, ends)
}

pub(super) fn rpoplpush<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    move_or_null(cx, Ends::RPOPLPUSH)
}

fn move_or_null<O: Observer>(cx: &mut Cx<'_, O>, ends: Ends) -> Outcome {
    if !move_one(cx, ends)? {
        cx.out().null();
    }
    Ok(Flow::Done)
}

/// Moves an element from the list that the first key names to the second's, and answers with it.
/// `false`: there is none.
pub(super) fn move_one<O: Observer>(cx: &mut Cx<'_, O>, ends: Ends) -> Result<bool, Error> {
    let (source, destination) = (cx.args.at(1), cx.args.at(2));
    if cx.peek_as::<List>(source)?.is_none() {
        return Ok(false);
    }
    cx.peek_as::<List>(destination)?;
    let packed = packed(cx);
    let moved = cx.edit_as(source, |list: &mut List| {
        let mut buffer = itoa::Buffer::new();
        let moved: Option<Frame> = list.pop(ends.from, |element| {
            core::iter::once(element.bytes(&mut buffer)).collect()
        });
        list.has_shrunk(packed);
        moved
    })?;
    let Some(moved) = moved.flatten() else { return Ok(false) };
    cx.upsert_as(destination, |list| add(list, ends.to, moved.args(), packed))?;
    cx.wrote(destination, Class::LIST, push_event(ends.to));
    cx.shrank(source, Class::LIST, pop_event(ends.from));
    cx.out().bulk(moved.args().at(0));
    Ok(true)
}

/// What LMPOP and BLMPOP were asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Several<'a> {
    pub(super) keys: Args<'a>,
    end: End,
    count: u64,
}

impl<'a> Several<'a> {
    /// Reads it from where the number of keys stands on.
    pub(super) fn parse(args: Args<'a>, at: usize) -> Result<Self, Error> {
        let (keys, rest) = counted_keys_or(args, at, Error::Syntax)?;
        let mut words = Words::new(rest);
        let end = end(words.bytes()?)?;
        let mut count = 1;
        if words.is("count") {
            let wrong = || Error::Text("ERR count should be greater than 0");
            count = positive(words.bytes()?, wrong())?;
            if count == 0 {
                return Err(wrong());
            }
        }
        if words.left() > 0 {
            return Err(Error::Syntax);
        }
        Ok(Several { keys, end, count })
    }
}

pub(super) fn lmpop<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let several = Several::parse(cx.args, 1)?;
    if !pop_from_first(cx, several)? {
        cx.out().null_array();
    }
    Ok(Flow::Done)
}

/// Takes elements from the first list that is there, and answers with its key and them. `false`: none
/// is there.
pub(super) fn pop_from_first<O: Observer>(
    cx: &mut Cx<'_, O>,
    several: Several<'_>,
) -> Result<bool, Error> {
    let Several { keys, end, count } = several;
    for key in keys.iter() {
        let Some(list) = cx.peek_as::<List>(key)? else { continue };
        let count = count.min(list.len());
        cx.out().array(2);
        cx.out().bulk(key);
        pop_some(cx, key, end, count)?;
        let name: &[u8] = if end == End::First { b"LPOP" } else { b"RPOP" };
        cx.effect([name, key, itoa::Buffer::new().format(count).as_bytes()]);
        return Ok(true);
    }
    Ok(false)
}
