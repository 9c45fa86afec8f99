//! SET and its relatives: what sets, and how it is told to the effects.

use crate::commands::ttl::{Expiry, Options, Takes, Ttl, Unit, When, has_passed};
use crate::commands::{Error, Flow, Outcome};
use crate::config::Class;
use crate::node::Cx;
use crate::observer::Observer;
use crate::protocol::Args;
use alloc::vec::Vec;

pub(super) fn set<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, value) = (cx.args.at(1), cx.args.at(2));
    if cx.args.len() == 3 {
        put(cx, key, value, None);
        cx.out().ok();
        return Ok(Flow::Done);
    }
    let takes = Takes::PRESENCE | Takes::IFEQ | Takes::GET | Takes::KEEPTTL;
    let options = Options::parse(cx.args.from(3), takes)?;
    let expires_ms = expiry(cx, options.ttl)?;
    if options.get {
        let (old, out) = cx.read_string(key)?;
        out.bulk_or_null(old);
    }
    let met = match options.when {
        When::Always => true,
        When::Absent => cx.peek(key).is_none(),
        When::Present => cx.peek(key).is_some(),
        When::Equal(wanted) => cx.peek_string(key)? == Some(wanted),
    };
    if met {
        set_and_tell(cx, key, value, options.ttl, expires_ms);
    }
    match (options.get, met) {
        (true, _) => {}
        (false, true) => cx.out().ok(),
        (false, false) => cx.out().null(),
    }
    Ok(Flow::Done)
}

/// Sets a key and records it without the condition under which it was set.
fn set_and_tell<O: Observer>(
    cx: &mut Cx<'_, O>,
    key: &[u8],
    value: &[u8],
    ttl: Ttl<'_>,
    expires_ms: Option<u64>,
) {
    if let Some(at_ms) = expires_ms {
        return set_until(cx, key, value, at_ms);
    }
    if let Ttl::Keep = ttl {
        let kept = current_expiry(cx, key);
        put(cx, key, value, kept);
        cx.effect([b"SET", key, value, b"KEEPTTL"]);
    } else {
        put(cx, key, value, None);
        cx.effect([b"SET", key, value]);
    }
}

/// Sets a key and tells those who listen.
fn put<O: Observer>(cx: &mut Cx<'_, O>, key: &[u8], value: &[u8], expires_ms: Option<u64>) {
    cx.put_string(key, value, expires_ms);
    cx.notify(Class::STRING, "set", key);
}

/// Sets a key that expires; one that would have expired already is removed.
fn set_until<O: Observer>(cx: &mut Cx<'_, O>, key: &[u8], value: &[u8], at_ms: u64) {
    if has_passed(cx, at_ms) {
        if cx.expire_at_once(key) {
            cx.effect([b"DEL", key]);
        }
        return;
    }
    put(cx, key, value, Some(at_ms));
    cx.notify(Class::GENERIC, "expire", key);
    let at = itoa::Buffer::new().format(at_ms).as_bytes().to_vec();
    cx.effect([b"SET", key, value, b"PXAT", &at]);
}

/// When a key expires, if it is there and does.
fn current_expiry<O: Observer>(cx: &mut Cx<'_, O>, key: &[u8]) -> Option<u64> {
    cx.peek(key)?;
    cx.expires_at(key)
}

/// The moment in wall milliseconds that the options name.
fn expiry<O: Observer>(cx: &Cx<'_, O>, ttl: Ttl<'_>) -> Result<Option<u64>, Error> {
    match ttl {
        Ttl::At(expiry) => expiry.at_ms(cx.spec.name, cx.now_ms()).map(Some),
        Ttl::Unsaid | Ttl::Keep | Ttl::Persist => Ok(None),
    }
}

pub(super) fn setnx<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, value) = (cx.args.at(1), cx.args.at(2));
    let absent = cx.peek(key).is_none();
    if absent {
        set_and_tell(cx, key, value, Ttl::Unsaid, None);
    }
    cx.out().integer(absent.into());
    Ok(Flow::Done)
}

pub(super) fn setex<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    set_for(cx, Unit::Seconds)
}

pub(super) fn psetex<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    set_for(cx, Unit::Millis)
}

fn set_for<O: Observer>(cx: &mut Cx<'_, O>, unit: Unit) -> Outcome {
    let expiry = Expiry { text: cx.args.at(2), unit };
    let at_ms = expiry.at_ms(cx.spec.name, cx.now_ms())?;
    set_until(cx, cx.args.at(1), cx.args.at(3), at_ms);
    cx.out().ok();
    Ok(Flow::Done)
}

pub(super) fn getset<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, value) = (cx.args.at(1), cx.args.at(2));
    let (old, out) = cx.read_string(key)?;
    out.bulk_or_null(old);
    set_and_tell(cx, key, value, Ttl::Unsaid, None);
    Ok(Flow::Done)
}

pub(super) fn getdel<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let key = cx.args.at(1);
    let (old, out) = cx.read_string(key)?;
    out.bulk_or_null(old);
    if cx.delete(key) {
        cx.effect([b"DEL", key]);
    }
    Ok(Flow::Done)
}

pub(super) fn delifeq<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, wanted) = (cx.args.at(1), cx.args.at(2));
    let equal = cx.peek_string(key)? == Some(wanted);
    if equal && cx.delete(key) {
        cx.effect([b"DEL", key]);
    }
    cx.out().integer(equal.into());
    Ok(Flow::Done)
}

pub(super) fn getex<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let key = cx.args.at(1);
    let options = Options::parse(cx.args.from(2), Takes::PERSIST)?;
    let expires_ms = expiry(cx, options.ttl)?;
    let (value, out) = cx.read_string(key)?;
    out.bulk_or_null(value);
    if value.is_none() {
        return Ok(Flow::Done);
    }
    match (expires_ms, options.ttl) {
        (Some(at_ms), _) if has_passed(cx, at_ms) => {
            cx.expire_at_once(key);
            cx.effect([b"DEL", key]);
        }
        (Some(at_ms), _) => {
            cx.set_expiry(key, Some(at_ms));
            cx.notify(Class::GENERIC, "expire", key);
            let at = itoa::Buffer::new().format(at_ms).as_bytes().to_vec();
            cx.effect([b"PEXPIREAT", key, &at]);
        }
        (None, Ttl::Persist) if cx.expires_at(key).is_some() => {
            cx.set_expiry(key, None);
            cx.notify(Class::GENERIC, "persist", key);
            cx.effect([b"PERSIST", key]);
        }
        _ => {}
    }
    Ok(Flow::Done)
}

pub(super) fn mset<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let pairs = even(cx, cx.args.from(1))?;
    put_all(cx, pairs, false, |_, _| None);
    cx.out().ok();
    Ok(Flow::Done)
}

pub(super) fn msetnx<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let pairs = even(cx, cx.args.from(1))?;
    let met = all_keys(cx, pairs, false);
    if met {
        put_all(cx, pairs, false, |_, _| None);
        tell_all(cx, b"MSET", None, pairs, &[]);
    }
    cx.out().integer(met.into());
    Ok(Flow::Done)
}

pub(super) fn msetex<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let number = crate::numbers::parse_i64(cx.args.at(1)).filter(|n| (1..=MOST_PAIRS).contains(n));
    let Some(number) = number else {
        return Err(Error::Text("ERR invalid numkeys value or out of range"));
    };
    if number > cx.args.len() as i64 / 2 - 1 {
        return Err(Error::Syntax);
    }
    let end = 2 + number as usize * 2;
    let pairs = cx.args.slice(2..end);
    let options = Options::parse(cx.args.from(end), Takes::PRESENCE | Takes::KEEPTTL)?;
    let expires_ms = expiry(cx, options.ttl)?;
    let met = match options.when {
        When::Absent => all_keys(cx, pairs, false),
        When::Present => all_keys(cx, pairs, true),
        When::Always | When::Equal(_) => true,
    };
    if met {
        set_pairs(cx, pairs, options.ttl, expires_ms);
    }
    cx.out().integer(met.into());
    Ok(Flow::Done)
}

/// The most pairs that MSETEX takes.
const MOST_PAIRS: i64 = i32::MAX as i64;

fn set_pairs<O: Observer>(
    cx: &mut Cx<'_, O>,
    pairs: Args<'_>,
    ttl: Ttl<'_>,
    expires_ms: Option<u64>,
) {
    let count = itoa::Buffer::new().format(pairs.len() / 2).as_bytes().to_vec();
    match (expires_ms, ttl) {
        // Also when that has passed: they go as soon as somebody meets them.
        (Some(at_ms), _) => {
            put_all(cx, pairs, true, |_, _| Some(at_ms));
            let at = itoa::Buffer::new().format(at_ms).as_bytes().to_vec();
            tell_all(cx, b"MSETEX", Some(&count), pairs, &[b"PXAT", &at]);
        }
        (None, Ttl::Keep) => {
            put_all(cx, pairs, false, current_expiry);
            tell_all(cx, b"MSETEX", Some(&count), pairs, &[b"KEEPTTL"]);
        }
        (None, _) => {
            put_all(cx, pairs, false, |_, _| None);
            tell_all(cx, b"MSET", None, pairs, &[]);
        }
    }
}

/// Keys and values in turn: their number must be even.
fn even<'a, O: Observer>(cx: &Cx<'_, O>, pairs: Args<'a>) -> Result<Args<'a>, Error> {
    if pairs.len().is_multiple_of(2) { Ok(pairs) } else { Err(Error::Arity(cx.spec.name)) }
}

/// Whether all keys are there (`present`), or none of them (`!present`).
fn all_keys<O: Observer>(cx: &mut Cx<'_, O>, pairs: Args<'_>, present: bool) -> bool {
    pairs.iter().step_by(2).all(|key| cx.peek(key).is_some() == present)
}

fn put_all<O: Observer>(
    cx: &mut Cx<'_, O>,
    pairs: Args<'_>,
    tells_expiry: bool,
    expires_ms: impl Fn(&mut Cx<'_, O>, &[u8]) -> Option<u64>,
) {
    let values = pairs.iter().skip(1).step_by(2);
    for (key, value) in pairs.iter().step_by(2).zip(values) {
        let at_ms = expires_ms(cx, key);
        // One that is named twice may have expired by now.
        cx.peek(key);
        put(cx, key, value, at_ms);
        if tells_expiry {
            cx.notify(Class::GENERIC, "expire", key);
        }
    }
}

/// Records a command over all pairs.
fn tell_all<O: Observer>(
    cx: &mut Cx<'_, O>,
    name: &[u8],
    count: Option<&[u8]>,
    pairs: Args<'_>,
    options: &[&[u8]],
) {
    let mut args: Vec<&[u8]> = Vec::with_capacity(pairs.len() + 2 + options.len());
    args.push(name);
    args.extend(count);
    args.extend(pairs.iter());
    args.extend(options);
    cx.effect(args);
}
