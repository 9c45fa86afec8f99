//! Numbers kept as strings: INCR and its relatives.

use super::strings::replace;
use super::{Categories, Error, Flags, Flow, Group, KeyFlags, KeySpec, Outcome, Spec};
use crate::config::Class;
use crate::node::Cx;
use crate::numbers::{add_decimal, parse_i64};
use crate::observer::Observer;

rows! {
    decr: Spec::new("decr", 2, bits!(Flags: WRITE | DENYOOM | FAST), Group::String)
    .acl(Categories::STRING)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | ACCESS | UPDATE))])
    .docs("1.0.0", "O(1)", "key", "Takes one from the number at a key."),
    decrby: Spec::new("decrby", 3, bits!(Flags: WRITE | DENYOOM | FAST), Group::String)
    .acl(Categories::STRING)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | ACCESS | UPDATE))])
    .docs("1.0.0", "O(1)", "key decrement", "Takes so much from the number at a key."),
    incr: Spec::new("incr", 2, bits!(Flags: WRITE | DENYOOM | FAST), Group::String)
    .acl(Categories::STRING)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | ACCESS | UPDATE))])
    .docs("1.0.0", "O(1)", "key", "Adds one to the number at a key."),
    incrby: Spec::new("incrby", 3, bits!(Flags: WRITE | DENYOOM | FAST), Group::String)
    .acl(Categories::STRING)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | ACCESS | UPDATE))])
    .docs("1.0.0", "O(1)", "key increment", "Adds so much to the number at a key."),
    incrbyfloat: Spec::new("incrbyfloat", 3, bits!(Flags: WRITE | DENYOOM | FAST), Group::String)
    .acl(Categories::STRING)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | ACCESS | UPDATE))])
    .docs("2.6.0", "O(1)", "key increment", "Adds a number with a fraction to the one at a key."),
}

fn incr<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    add(cx, 1)
}

fn decr<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    add(cx, -1)
}

fn incrby<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let by = parse_i64(cx.args.at(2)).ok_or(Error::NotAnInteger)?;
    add(cx, by)
}

fn decrby<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let by = parse_i64(cx.args.at(2)).ok_or(Error::NotAnInteger)?;
    let by = by.checked_neg().ok_or(Error::Text("ERR decrement would overflow"))?;
    add(cx, by)
}

fn add<O: Observer>(cx: &mut Cx<'_, O>, by: i64) -> Outcome {
    let key = cx.args.at(1);
    let old = match cx.peek_string(key)? {
        Some(text) => parse_i64(text).ok_or(Error::NotAnInteger)?,
        None => 0,
    };
    let sum = old.checked_add(by).ok_or(Error::Overflow)?;
    replace(cx, key, itoa::Buffer::new().format(sum).as_bytes());
    cx.notify(Class::STRING, "incrby", key);
    cx.out().integer(sum);
    Ok(Flow::Done)
}

/// Recorded as a SET: what a sum of fractions prints as must not be computed twice.
fn incrbyfloat<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, by) = (cx.args.at(1), cx.args.at(2));
    let old = cx.peek_string(key)?.unwrap_or(b"0");
    let sum = add_decimal(old, by)
        .ok_or(Error::NotAFloat)?
        .ok_or(Error::Text("ERR increment would produce NaN or Infinity"))?;
    replace(cx, key, &sum);
    cx.notify(Class::STRING, "incrbyfloat", key);
    cx.effect([b"SET", key, &sum, b"KEEPTTL"]);
    cx.out().bulk(&sum);
    Ok(Flow::Done)
}
