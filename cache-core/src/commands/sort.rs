//! SORT: the elements of a list, a set or a sorted set, by their own values or by those of other keys.

mod order;
mod pattern;

use super::arguments::Words;
use super::{Begin, Categories, Error, Find, Flags, Flow, Group, KeyFlags, KeySpec, Outcome, Spec};
use crate::config::{Class, Id};
use crate::node::{Cx, check_reply};
use crate::observer::Observer;
use crate::protocol::{Args, Frame, Reply};
use crate::types::{End, List, Packed, Structure as _, Value};
use alloc::vec::Vec;
use core::ops::Range;
use pattern::Pattern;

/// Keys that nothing but the data tells.
const BY_CONTENT: KeySpec =
    KeySpec { begin: Begin::Unknown, find: Find::Unknown, flags: bits!(KeyFlags: RO | ACCESS), notes: "" }
        .notes(
            "For the optional BY/GET keyword. It is marked 'unknown' because the key names derive \
             from the content of the key we sort",
        );

/// The key behind STORE.
const STORED: KeySpec =
    KeySpec { begin: Begin::Unknown, find: Find::Unknown, flags: bits!(KeyFlags: OW | UPDATE), notes: "" }
        .notes(
            "For the optional STORE keyword. It is marked 'unknown' because the keyword can appear \
             anywhere in the argument array",
        );

rows! {
    sort: Spec::new("sort", -2, bits!(Flags: WRITE | DENYOOM | MOVABLEKEYS), Group::Generic)
    .acl(bits!(Categories: SET | SORTEDSET | LIST | DANGEROUS))
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS)), BY_CONTENT, STORED])
    .docs(
        "1.0.0",
        "O(N+M*log(M)) for N elements of which M are answered, O(N) when nothing is sorted",
        "key [BY by-pattern] [LIMIT offset count] [GET get-pattern ...] [ASC | DESC] [ALPHA] \
         [STORE destination]",
        "The elements of a list, set or sorted set in order, which may be kept as a list.",
    ),
    sort: Spec::new("sort_ro", -2, bits!(Flags: READONLY | MOVABLEKEYS), Group::Generic)
    .acl(bits!(Categories: SET | SORTEDSET | LIST | DANGEROUS))
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS)), BY_CONTENT])
    .docs(
        "7.0.0",
        "O(N+M*log(M)) for N elements of which M are answered, O(N) when nothing is sorted",
        "key [BY by-pattern] [LIMIT offset count] [GET get-pattern ...] [ASC | DESC] [ALPHA]",
        "The elements of a list, set or sorted set in order.",
    ),
}

/// What SORT was asked for.
#[derive(Debug)]
struct Wanted<'a> {
    descending: bool,
    alpha: bool,
    /// Whose values to compare in place of the elements.
    by: Option<Pattern<'a>>,
    /// BY names one key for all: they stay as they are.
    as_they_are: bool,
    gets: Vec<Pattern<'a>>,
    start: i64,
    count: i64,
    store: Option<&'a [u8]>,
}

impl<'a> Wanted<'a> {
    fn parse(args: Args<'a>, may_store: bool) -> Result<Self, Error> {
        let mut wanted = Wanted {
            descending: false,
            alpha: false,
            by: None,
            as_they_are: false,
            gets: Vec::new(),
            start: 0,
            count: -1,
            store: None,
        };
        let mut words = Words::new(args);
        while words.left() > 0 {
            if words.is("asc") {
                wanted.descending = false;
            } else if words.is("desc") {
                wanted.descending = true;
            } else if words.is("alpha") {
                wanted.alpha = true;
            } else if words.is("limit") && words.left() >= 2 {
                (wanted.start, wanted.count) = (words.integer()?, words.integer()?);
            } else if may_store && words.is("store") {
                wanted.store = Some(words.bytes()?);
            } else if words.is("by") {
                wanted.by = Some(Pattern::new(words.bytes()?));
                wanted.as_they_are |= wanted.by.is_some_and(Pattern::is_constant);
            } else if words.is("get") {
                wanted.gets.push(Pattern::new(words.bytes()?));
            } else {
                return Err(Error::Syntax);
            }
        }
        Ok(wanted)
    }

    /// Which of so many elements are answered.
    fn range(&self, len: usize) -> Range<usize> {
        let within = |n: i64| usize::try_from(n).unwrap_or(usize::MAX).min(len);
        let start = within(self.start.max(0));
        let end = if self.count < 0 { len } else { start + within(self.count).min(len - start) };
        start..end
    }
}

fn sort<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let key = cx.args.at(1);
    let mut wanted = Wanted::parse(cx.args.from(2), cx.spec.flags.contains(Flags::WRITE))?;
    // A list that is kept must not depend on the order in which a set happens to lie.
    let value = if wanted.store.is_some() { cx.peek(key) } else { cx.read(key).0 };
    if wanted.as_they_are && wanted.store.is_some() && matches!(value, Some(Value::Set(_))) {
        wanted = Wanted { as_they_are: false, alpha: true, by: None, ..wanted };
    }
    let (elements, range) = load(value, &wanted)?;
    let order = match wanted.as_they_are {
        true => range.collect(),
        false => order::of(cx, &elements, &wanted, range)?,
    };
    match wanted.store {
        None => answer(cx, &elements, &order, &wanted.gets),
        Some(target) => store(cx, &elements, &order, &wanted.gets, target),
    }
}

/// The elements, as far as they are needed, and which of them are answered.
fn load(value: Option<Value<'_>>, wanted: &Wanted<'_>) -> Result<(Frame, Range<usize>), Error> {
    let (mut elements, mut buffer) = (Frame::default(), itoa::Buffer::new());
    // Of those that have an order already and keep it, the others are left where they are.
    let ranks = |len: u64| match usize::try_from(len).unwrap_or(usize::MAX) {
        len if wanted.as_they_are => wanted.range(len),
        len => 0..len,
    };
    let back = wanted.as_they_are && wanted.descending;
    match value {
        None => {}
        Some(Value::List(list)) => {
            let ranks = ranks(list.len());
            let (first, toward) = match back {
                true => (list.len().saturating_sub(1 + ranks.start as u64), End::First),
                false => (ranks.start as u64, End::Last),
            };
            for element in list.iter(first, toward).take(ranks.len()) {
                elements.push(element.bytes(&mut buffer));
            }
        }
        Some(Value::SortedSet(set)) => {
            let (len, ranks) = (set.len(), ranks(set.len()));
            let (start, end) = (ranks.start as u64, ranks.end as u64);
            let ranks = if back { len - end..len - start } else { start..end };
            set.each(ranks, back, &mut |member, _| elements.push(member));
        }
        Some(Value::Set(set)) => {
            set.iter().for_each(|member| elements.push(member.text(&mut buffer)));
            let range = wanted.range(elements.args().len());
            return Ok((elements, range));
        }
        Some(_) => return Err(Error::WrongType),
    }
    let len = elements.args().len();
    let range = if wanted.as_they_are { 0..len } else { wanted.range(len) };
    Ok((elements, range))
}

fn answer<O: Observer>(
    cx: &mut Cx<'_, O>,
    elements: &Frame,
    order: &[usize],
    gets: &[Pattern<'_>],
) -> Outcome {
    let mark = cx.out().len();
    cx.out().array(order.len().saturating_mul(gets.len().max(1)));
    let mut found = |out: &mut Reply, value: Option<&[u8]>| {
        out.bulk_or_null(value);
        check_reply(out.len() - mark)
    };
    for &at in order {
        let element = elements.args().at(at);
        if gets.is_empty() {
            found(cx.out(), Some(element))?;
        }
        for pattern in gets {
            pattern.read(cx, element, &mut found)?;
        }
    }
    Ok(Flow::Done)
}

fn store<O: Observer>(
    cx: &mut Cx<'_, O>,
    elements: &Frame,
    order: &[usize],
    gets: &[Pattern<'_>],
    target: &[u8],
) -> Outcome {
    let mut list = List::new(cx.state.hash_seed);
    let packed = Packed::of(cx.state.config.number(Id::ListMaxListpackSize));
    let (mut len, mut bytes) = (0, 0);
    let mut add = |value: &[u8]| {
        list.will_grow(1, value.len(), packed);
        list.push(End::Last, value);
        len += 1;
        bytes += value.len();
        check_reply(bytes)
    };
    for &at in order {
        let element = elements.args().at(at);
        if gets.is_empty() {
            add(element)?;
        }
        for pattern in gets {
            pattern.read(cx, element, &mut |_, value| add(value.unwrap_or_default()))?;
        }
    }
    if len == 0 {
        cx.delete(target);
    } else {
        cx.put_as(target, list);
        cx.notify(Class::LIST, "sortstore", target);
    }
    cx.out().count(len);
    Ok(Flow::Done)
}

/// Where the name of the key stands that STORE names last.
pub(super) fn stored_key(args: Args<'_>) -> Option<usize> {
    let (mut stored, mut at) = (None, 2);
    while at < args.len() {
        let is = |word: &str| super::arguments::is_word(args.at(at), word);
        if is("limit") {
            at += 2;
        } else if is("get") || is("by") {
            at += 1;
        } else if is("store") && at + 1 < args.len() {
            stored = Some(at + 1);
        }
        at += 1;
    }
    stored
}
