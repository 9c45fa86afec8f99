//! Lists: strings in an order, to be added, read and taken at either end and in between.
//!
//! [`change`] is what reaches into a list, [`search`] looks for elements, [`moves`] takes from one of
//! several lists or from one to another, and [`blocking`] are the forms that wait for an element.

mod blocking;
mod change;
mod moves;
mod search;

use super::arguments::{integer, is_word, positive_or_out_of_range, ranks};
use super::{Categories, Error, Flags, Flow, Group, KeyFlags, KeySpec, Outcome, Spec};
use crate::config::{Class, Id};
use crate::node::Cx;
use crate::observer::Observer;
use crate::protocol::{Args, Reply};
use crate::types::{End, List, Packed};

rows! {
    blocking::blmove: Spec::new(
        "blmove",
        6,
        bits!(Flags: WRITE | DENYOOM | BLOCKING),
        Group::List,
    )
    .acl(Categories::LIST)
    .keys(&[
        KeySpec::one(1, bits!(KeyFlags: RW | ACCESS | DELETE)),
        KeySpec::one(2, bits!(KeyFlags: RW | INSERT)),
    ])
    .docs(
        "6.2.0",
        "O(1)",
        "source destination <LEFT | RIGHT> <LEFT | RIGHT> timeout",
        "LMOVE that waits until there is an element.",
    ),
    blocking::blmpop: Spec::new(
        "blmpop",
        -5,
        bits!(Flags: WRITE | BLOCKING | MOVABLEKEYS),
        Group::List,
    )
    .acl(Categories::LIST)
    .keys(&[KeySpec::counted(2, 1, bits!(KeyFlags: RW | ACCESS | DELETE))])
    .docs(
        "7.0.0",
        "O(N + M) for N keys and M elements",
        "timeout numkeys key [key ...] <LEFT | RIGHT> [COUNT count]",
        "LMPOP that waits until there is an element.",
    ),
    blocking::blpop: Spec::new("blpop", -3, bits!(Flags: WRITE | BLOCKING), Group::List)
    .acl(Categories::LIST)
    .keys(&[KeySpec::range(1, -2, 1, bits!(KeyFlags: RW | ACCESS | DELETE))])
    .docs(
        "2.0.0",
        "O(N) for N keys",
        "key [key ...] timeout",
        "Takes the first element of the first list that has any, and waits until one has.",
    ),
    blocking::brpop: Spec::new("brpop", -3, bits!(Flags: WRITE | BLOCKING), Group::List)
    .acl(Categories::LIST)
    .keys(&[KeySpec::range(1, -2, 1, bits!(KeyFlags: RW | ACCESS | DELETE))])
    .docs(
        "2.0.0",
        "O(N) for N keys",
        "key [key ...] timeout",
        "Takes the last element of the first list that has any, and waits until one has.",
    ),
    blocking::brpoplpush: Spec::new(
        "brpoplpush",
        4,
        bits!(Flags: WRITE | DENYOOM | BLOCKING),
        Group::List,
    )
    .acl(Categories::LIST)
    .keys(&[
        KeySpec::one(1, bits!(KeyFlags: RW | ACCESS | DELETE)),
        KeySpec::one(2, bits!(KeyFlags: RW | INSERT)),
    ])
    .docs(
        "2.2.0",
        "O(1)",
        "source destination timeout",
        "RPOPLPUSH that waits until there is an element.",
    ),
    lindex: Spec::new("lindex", 3, Flags::READONLY, Group::List)
    .acl(Categories::LIST)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "1.0.0",
        "O(log N) for N elements",
        "key index",
        "The element at a place, counted from 0, or from -1 at the end.",
    ),
    change::linsert: Spec::new("linsert", 5, bits!(Flags: WRITE | DENYOOM), Group::List)
    .acl(Categories::LIST)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | INSERT))])
    .docs(
        "2.2.0",
        "O(N) for N elements up to the pivot",
        "key <BEFORE | AFTER> pivot element",
        "Puts an element beside the first one that is the same as the pivot.",
    ),
    llen: Spec::new("llen", 2, bits!(Flags: READONLY | FAST), Group::List)
    .acl(Categories::LIST)
    .keys(&[KeySpec::one(1, KeyFlags::RO)])
    .docs("1.0.0", "O(1)", "key", "How many elements a list has."),
    moves::lmove: Spec::new("lmove", 5, bits!(Flags: WRITE | DENYOOM), Group::List)
    .acl(Categories::LIST)
    .keys(&[
        KeySpec::one(1, bits!(KeyFlags: RW | ACCESS | DELETE)),
        KeySpec::one(2, bits!(KeyFlags: RW | INSERT)),
    ])
    .docs(
        "6.2.0",
        "O(1)",
        "source destination <LEFT | RIGHT> <LEFT | RIGHT>",
        "Moves an element from an end of a list to an end of another, or of the same.",
    ),
    moves::lmpop: Spec::new("lmpop", -4, bits!(Flags: WRITE | MOVABLEKEYS), Group::List)
    .acl(Categories::LIST)
    .keys(&[KeySpec::counted(1, 1, bits!(KeyFlags: RW | ACCESS | DELETE))])
    .docs(
        "7.0.0",
        "O(N + M) for N keys and M elements",
        "numkeys key [key ...] <LEFT | RIGHT> [COUNT count]",
        "Takes elements from an end of the first list that has any.",
    ),
    lpop: Spec::new("lpop", -2, bits!(Flags: WRITE | FAST), Group::List)
    .acl(Categories::LIST)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | ACCESS | DELETE))])
    .docs("1.0.0", "O(N) for N elements", "key [count]", "Takes the first element or elements."),
    search::lpos: Spec::new("lpos", -3, Flags::READONLY, Group::List)
    .acl(Categories::LIST)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "6.0.6",
        "O(N) for N elements that are looked at",
        "key element [RANK rank] [COUNT num-matches] [MAXLEN len]",
        "Where in a list an element is.",
    ),
    lpush: Spec::new("lpush", -3, bits!(Flags: WRITE | DENYOOM | FAST), Group::List)
    .acl(Categories::LIST)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | INSERT))])
    .docs(
        "1.0.0",
        "O(N) for N elements",
        "key element [element ...]",
        "Adds elements in front, one before the other, to a list that may be new.",
    ),
    lpushx: Spec::new("lpushx", -3, bits!(Flags: WRITE | DENYOOM | FAST), Group::List)
    .acl(Categories::LIST)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | INSERT))])
    .docs(
        "2.2.0",
        "O(N) for N elements",
        "key element [element ...]",
        "Adds elements in front of a list that is there.",
    ),
    lrange: Spec::new("lrange", 4, Flags::READONLY, Group::List)
    .acl(Categories::LIST)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "1.0.0",
        "O(log N + M) for a list of N and M elements",
        "key start stop",
        "The elements from one place to another.",
    ),
    change::lrem: Spec::new("lrem", 4, Flags::WRITE, Group::List)
    .acl(Categories::LIST)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | DELETE))])
    .docs(
        "1.0.0",
        "O(N) for N elements",
        "key count element",
        "Removes elements that are the same as one: the first so many, the last or all.",
    ),
    change::lset: Spec::new("lset", 4, bits!(Flags: WRITE | DENYOOM), Group::List)
    .acl(Categories::LIST)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | UPDATE))])
    .docs(
        "1.0.0",
        "O(log N) for N elements",
        "key index element",
        "Puts another element in a place.",
    ),
    change::ltrim: Spec::new("ltrim", 4, Flags::WRITE, Group::List)
    .acl(Categories::LIST)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | DELETE))])
    .docs(
        "1.0.0",
        "O(log N) for N elements",
        "key start stop",
        "Leaves only the elements from one place to another.",
    ),
    rpop: Spec::new("rpop", -2, bits!(Flags: WRITE | FAST), Group::List)
    .acl(Categories::LIST)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | ACCESS | DELETE))])
    .docs("1.0.0", "O(N) for N elements", "key [count]", "Takes the last element or elements."),
    moves::rpoplpush: Spec::new("rpoplpush", 3, bits!(Flags: WRITE | DENYOOM), Group::List)
    .acl(Categories::LIST)
    .keys(&[
        KeySpec::one(1, bits!(KeyFlags: RW | ACCESS | DELETE)),
        KeySpec::one(2, bits!(KeyFlags: RW | INSERT)),
    ])
    .docs(
        "1.2.0",
        "O(1)",
        "source destination",
        "Moves the last element of a list to the front of another: LMOVE's older form.",
    ),
    rpush: Spec::new("rpush", -3, bits!(Flags: WRITE | DENYOOM | FAST), Group::List)
    .acl(Categories::LIST)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | INSERT))])
    .docs(
        "1.0.0",
        "O(N) for N elements",
        "key element [element ...]",
        "Adds elements at the end, to a list that may be new.",
    ),
    rpushx: Spec::new("rpushx", -3, bits!(Flags: WRITE | DENYOOM | FAST), Group::List)
    .acl(Categories::LIST)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | INSERT))])
    .docs(
        "2.2.0",
        "O(N) for N elements",
        "key element [element ...]",
        "Adds elements at the end of a list that is there.",
    ),
}

/// Up to which size Redis calls a list a listpack.
fn packed<O: Observer>(cx: &Cx<'_, O>) -> Packed {
    Packed::of(cx.state.config.number(Id::ListMaxListpackSize))
}

/// The end that a word names.
fn end(word: &[u8]) -> Result<End, Error> {
    match word {
        _ if is_word(word, "left") => Ok(End::First),
        _ if is_word(word, "right") => Ok(End::Last),
        _ => Err(Error::Syntax),
    }
}

/// The notice of what was added at an end.
fn push_event(end: End) -> &'static str {
    if end == End::First { "lpush" } else { "rpush" }
}

/// The notice of what was taken from an end.
fn pop_event(end: End) -> &'static str {
    if end == End::First { "lpop" } else { "rpop" }
}

fn lpush<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    push(cx, End::First)
}

fn rpush<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    push(cx, End::Last)
}

fn push<O: Observer>(cx: &mut Cx<'_, O>, end: End) -> Outcome {
    let (key, elements) = (cx.args.at(1), cx.args.from(2));
    let packed = packed(cx);
    let len = cx.upsert_as(key, |list| add(list, end, elements, packed))?;
    cx.wrote(key, Class::LIST, push_event(end));
    cx.out().integer(len as i64);
    Ok(Flow::Done)
}

fn lpushx<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    push_to_existing(cx, End::First)
}

fn rpushx<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    push_to_existing(cx, End::Last)
}

fn push_to_existing<O: Observer>(cx: &mut Cx<'_, O>, end: End) -> Outcome {
    let (key, elements) = (cx.args.at(1), cx.args.from(2));
    let packed = packed(cx);
    let len = cx.edit_as(key, |list| add(list, end, elements, packed))?;
    if len.is_some() {
        cx.wrote(key, Class::LIST, push_event(end));
    }
    cx.out().integer(len.unwrap_or(0) as i64);
    Ok(Flow::Done)
}

/// Adds elements at an end, one after the other, and says how many there are now.
fn add(list: &mut List, end: End, elements: Args<'_>, packed: Packed) -> u64 {
    list.will_grow(elements.len(), elements.total_len(), packed);
    list.reserve(end, elements.len(), elements.total_len());
    elements.iter().for_each(|element| list.push(end, element));
    list.len()
}

fn lpop<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    pop(cx, End::First)
}

fn rpop<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    pop(cx, End::Last)
}

fn pop<O: Observer>(cx: &mut Cx<'_, O>, end: End) -> Outcome {
    if cx.args.len() > 3 {
        return Err(Error::Arity(cx.spec.name));
    }
    let (key, count) = (cx.args.at(1), cx.args.get(2));
    let Some(count) = count.map(positive_or_out_of_range).transpose()? else {
        if !pop_one(cx, key, end)? {
            cx.out().null();
        }
        return Ok(Flow::Done);
    };
    match cx.peek_as::<List>(key)? {
        None => cx.out().null_array(),
        Some(_) if count == 0 => cx.out().array(0),
        Some(_) => pop_some(cx, key, end, count)?,
    }
    Ok(Flow::Done)
}

/// Takes the element at an end of a list and answers with it. `false`: there is no list.
fn pop_one<O: Observer>(cx: &mut Cx<'_, O>, key: &[u8], end: End) -> Result<bool, Error> {
    let packed = packed(cx);
    let left = cx.edit_replying_as(key, |list: &mut List, out| {
        list.pop(end, |element| element.write(out))?;
        list.has_shrunk(packed);
        Some(list.len())
    })?;
    let Some(left) = left.flatten() else { return Ok(false) };
    cx.shrank_to(key, left == 0, Class::LIST, pop_event(end));
    Ok(true)
}

/// Takes up to so many elements from an end of a list that is there, and answers with them in the
/// order in which they went.
fn pop_some<O: Observer>(
    cx: &mut Cx<'_, O>,
    key: &[u8],
    end: End,
    count: u64,
) -> Result<(), Error> {
    let packed = packed(cx);
    let popped = cx.edit_replying_as(key, |list: &mut List, out| {
        let (len, count) = (list.len(), count.min(list.len()));
        let popped = match end {
            End::First => list.cut(0..count),
            End::Last => list.cut(len - count..len),
        };
        list.has_shrunk(packed);
        write_all(&popped, end, out);
        popped
    })?;
    if let Some(popped) = popped {
        cx.discard(popped);
        cx.shrank(key, Class::LIST, pop_event(end));
    }
    Ok(())
}

/// Answers with all elements of a list, from an end on.
fn write_all(list: &List, from: End, out: &mut Reply) {
    use crate::types::Structure as _;
    out.array(list.len() as usize);
    let elements = match from {
        End::First => list.view().iter(0, End::Last),
        End::Last => list.view().iter(list.len().saturating_sub(1), End::First),
    };
    elements.for_each(|element| element.write(out));
}

fn llen<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (list, out) = cx.read_as::<List>(cx.args.at(1))?;
    out.integer(list.map_or(0, |list| list.len()) as i64);
    Ok(Flow::Done)
}

/// The rank of a place that counts from the end when it is negative. `None`: there is no such place.
fn rank(index: i64, len: u64) -> Option<u64> {
    let rank = if index < 0 { len.checked_add_signed(index)? } else { index as u64 };
    (rank < len).then_some(rank)
}

fn lindex<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, index) = (cx.args.at(1), cx.args.at(2));
    let (list, out) = cx.read_as::<List>(key)?;
    let Some(list) = list else {
        out.null();
        return Ok(Flow::Done);
    };
    match rank(integer(index)?, list.len()).and_then(|rank| list.get(rank)) {
        Some(element) => element.write(out),
        None => out.null(),
    }
    Ok(Flow::Done)
}

fn lrange<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (start, stop) = (integer(cx.args.at(2))?, integer(cx.args.at(3))?);
    let (list, out) = cx.read_as::<List>(cx.args.at(1))?;
    let Some(list) = list else {
        out.array(0);
        return Ok(Flow::Done);
    };
    let ranks = ranks(start, stop, list.len());
    let count = ranks.end - ranks.start;
    out.array(count as usize);
    let elements = list.iter(ranks.start, End::Last).take(count as usize);
    elements.for_each(|element| element.write(out));
    Ok(Flow::Done)
}
