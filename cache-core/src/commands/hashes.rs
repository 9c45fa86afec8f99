//! Hashes: fields and values under one key.

mod enumerate;

use super::{Categories, Error, Flags, Flow, Group, KeyFlags, KeySpec, Outcome, Spec, Tips};
use crate::node::{Cx, check_reply};
use crate::numbers::{add_decimal, parse_f64, parse_i64};
use crate::observer::Observer;
use crate::types::{Data, Hash};

rows! {
    hdel: Spec::new("hdel", -3, bits!(Flags: WRITE | FAST), Group::Hash)
    .acl(Categories::HASH)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | DELETE))])
    .docs("2.0.0", "O(N) for N fields", "key field [field ...]", "Removes fields from a hash."),
    hexists: Spec::new("hexists", 3, bits!(Flags: READONLY | FAST), Group::Hash)
    .acl(Categories::HASH)
    .keys(&[KeySpec::one(1, KeyFlags::RO)])
    .docs("2.0.0", "O(1)", "key field", "Whether a hash has a field."),
    hget: Spec::new("hget", 3, bits!(Flags: READONLY | FAST), Group::Hash)
    .acl(Categories::HASH)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .docs("2.0.0", "O(1)", "key field", "The value of a field."),
    enumerate::hgetall: Spec::new("hgetall", 2, Flags::READONLY, Group::Hash)
    .acl(Categories::HASH)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .tips(Tips::NONDETERMINISTIC_OUTPUT_ORDER)
    .docs("2.0.0", "O(N) for N fields in the hash", "key", "All fields and values of a hash."),
    hincrby: Spec::new("hincrby", 4, bits!(Flags: WRITE | DENYOOM | FAST), Group::Hash)
    .acl(Categories::HASH)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | ACCESS | UPDATE))])
    .docs("2.0.0", "O(1)", "key field increment", "Adds so much to the number in a field."),
    hincrbyfloat: Spec::new("hincrbyfloat", 4, bits!(Flags: WRITE | DENYOOM | FAST), Group::Hash)
    .acl(Categories::HASH)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | ACCESS | UPDATE))])
    .docs(
        "2.6.0",
        "O(1)",
        "key field increment",
        "Adds a number with a fraction to the one in a field.",
    ),
    enumerate::hkeys: Spec::new("hkeys", 2, Flags::READONLY, Group::Hash)
    .acl(Categories::HASH)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .tips(Tips::NONDETERMINISTIC_OUTPUT_ORDER)
    .docs("2.0.0", "O(N) for N fields in the hash", "key", "All fields of a hash."),
    hlen: Spec::new("hlen", 2, bits!(Flags: READONLY | FAST), Group::Hash)
    .acl(Categories::HASH)
    .keys(&[KeySpec::one(1, KeyFlags::RO)])
    .docs("2.0.0", "O(1)", "key", "How many fields a hash has."),
    hmget: Spec::new("hmget", -3, bits!(Flags: READONLY | FAST), Group::Hash)
    .acl(Categories::HASH)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .docs("2.0.0", "O(N) for N fields", "key field [field ...]", "The values of several fields."),
    hmset: Spec::new("hmset", -4, bits!(Flags: WRITE | DENYOOM | FAST), Group::Hash)
    .acl(Categories::HASH)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | UPDATE))])
    .docs(
        "2.0.0",
        "O(N) for N fields",
        "key field value [field value ...]",
        "Sets several fields: HSET's older form.",
    ),
    enumerate::hrandfield: Spec::new("hrandfield", -2, Flags::READONLY, Group::Hash)
    .acl(Categories::HASH)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .tips(Tips::NONDETERMINISTIC_OUTPUT)
    .docs("6.2.0", "O(N) for N fields", "key [count [WITHVALUES]]", "Fields chosen by chance."),
    enumerate::hscan: Spec::new("hscan", -3, Flags::READONLY, Group::Hash)
    .acl(Categories::HASH)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .tips(Tips::NONDETERMINISTIC_OUTPUT)
    .docs(
        "2.8.0",
        "O(1) a call, O(N) for all N fields",
        "key cursor [MATCH pattern] [COUNT count] [NOVALUES]",
        "Some fields, and the cursor with which to ask for more.",
    ),
    hset: Spec::new("hset", -4, bits!(Flags: WRITE | DENYOOM | FAST), Group::Hash)
    .acl(Categories::HASH)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | UPDATE))])
    .docs(
        "2.0.0",
        "O(N) for N fields",
        "key field value [field value ...]",
        "Sets fields of a hash, which is created when it isn't there.",
    ),
    hsetnx: Spec::new("hsetnx", 4, bits!(Flags: WRITE | DENYOOM | FAST), Group::Hash)
    .acl(Categories::HASH)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | INSERT))])
    .docs("2.0.0", "O(1)", "key field value", "Sets a field that isn't there yet."),
    hstrlen: Spec::new("hstrlen", 3, bits!(Flags: READONLY | FAST), Group::Hash)
    .acl(Categories::HASH)
    .keys(&[KeySpec::one(1, KeyFlags::RO)])
    .docs("3.2.0", "O(1)", "key field", "How long a field's value is, in bytes."),
    enumerate::hvals: Spec::new("hvals", 2, Flags::READONLY, Group::Hash)
    .acl(Categories::HASH)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .tips(Tips::NONDETERMINISTIC_OUTPUT_ORDER)
    .docs("2.0.0", "O(N) for N fields in the hash", "key", "All values of a hash."),
}

fn hget<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, field) = (cx.args.at(1), cx.args.at(2));
    let (hash, out) = cx.read_hash(key)?;
    out.bulk_or_null(hash.and_then(|hash| hash.get(field)));
    Ok(Flow::Done)
}

fn hmget<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, fields) = (cx.args.at(1), cx.args.from(2));
    let (hash, out) = cx.read_hash(key)?;
    let mark = out.len();
    out.array(fields.len());
    for field in fields.iter() {
        out.bulk_or_null(hash.and_then(|hash| hash.get(field)));
        check_reply(out.len() - mark)?;
    }
    Ok(Flow::Done)
}

fn hexists<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, field) = (cx.args.at(1), cx.args.at(2));
    let (hash, out) = cx.read_hash(key)?;
    out.integer(hash.is_some_and(|hash| hash.get(field).is_some()).into());
    Ok(Flow::Done)
}

fn hlen<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (hash, out) = cx.read_hash(cx.args.at(1))?;
    out.count(hash.map_or(0, |hash| hash.len()));
    Ok(Flow::Done)
}

fn hstrlen<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, field) = (cx.args.at(1), cx.args.at(2));
    let (hash, out) = cx.read_hash(key)?;
    out.count(hash.and_then(|hash| hash.get(field)).unwrap_or_default().len());
    Ok(Flow::Done)
}

fn hset<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let added = set_fields(cx)?;
    cx.out().count(added);
    Ok(Flow::Done)
}

fn hmset<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    set_fields(cx)?;
    cx.out().ok();
    Ok(Flow::Done)
}

/// Sets all fields that the command names and says how many of them are new.
fn set_fields<O: Observer>(cx: &mut Cx<'_, O>) -> Result<usize, Error> {
    let (key, pairs) = (cx.args.at(1), cx.args.from(2));
    if !pairs.len().is_multiple_of(2) {
        return Err(Error::Arity(cx.spec.name));
    }
    change(cx, key, |hash| {
        let values = pairs.iter().skip(1).step_by(2);
        let fields = pairs.iter().step_by(2);
        fields.zip(values).filter(|(field, value)| hash.set(field, value)).count()
    })
}

/// Changes the hash at a key, which is created when it isn't there.
fn change<O: Observer, T>(
    cx: &mut Cx<'_, O>,
    key: &[u8],
    change: impl FnOnce(&mut Hash) -> T,
) -> Result<T, Error> {
    if cx.peek_hash(key)?.is_none() {
        let mut hash = Hash::new(cx.state.hash_seed);
        let result = change(&mut hash);
        cx.put(key, Data::Hash(hash), None);
        return Ok(result);
    }
    let result = edit(cx, key, change)?;
    cx.changed(key);
    Ok(result)
}

/// Changes the hash at a key, which is there.
fn edit<O: Observer, T>(
    cx: &mut Cx<'_, O>,
    key: &[u8],
    change: impl FnOnce(&mut Hash) -> T,
) -> Result<T, Error> {
    let result = cx.edit(key, |data| match data {
        Data::Hash(hash) => Some(change(hash)),
        Data::String(_) => None,
    });
    result.flatten().ok_or(Error::WrongType)
}

fn hsetnx<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, field, value) = (cx.args.at(1), cx.args.at(2), cx.args.at(3));
    let absent = cx.peek_hash(key)?.is_none_or(|hash| hash.get(field).is_none());
    if absent {
        change(cx, key, |hash| hash.set(field, value))?;
        cx.effect([b"HSET", key, field, value]);
    }
    cx.out().integer(absent.into());
    Ok(Flow::Done)
}

fn hdel<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, fields) = (cx.args.at(1), cx.args.from(2));
    if cx.peek_hash(key)?.is_none() {
        cx.out().integer(0);
        return Ok(Flow::Done);
    }
    let (removed, empty) = edit(cx, key, |hash| {
        let removed = fields.iter().filter(|field| hash.remove(field)).count();
        (removed, hash.view().is_empty())
    })?;
    if empty {
        cx.delete(key);
    } else if removed > 0 {
        cx.changed(key);
    }
    cx.out().count(removed);
    Ok(Flow::Done)
}

fn hincrby<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, field) = (cx.args.at(1), cx.args.at(2));
    let by = parse_i64(cx.args.at(3)).ok_or(Error::NotAnInteger)?;
    let old = match cx.peek_hash(key)?.and_then(|hash| hash.get(field)) {
        Some(text) => parse_i64(text).ok_or(Error::Text("ERR hash value is not an integer"))?,
        None => 0,
    };
    let sum = old.checked_add(by).ok_or(Error::Overflow)?;
    change(cx, key, |hash| hash.set(field, itoa::Buffer::new().format(sum).as_bytes()))?;
    cx.out().integer(sum);
    Ok(Flow::Done)
}

/// Recorded as an HSET: what a sum of fractions prints as must not be computed twice.
fn hincrbyfloat<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, field, by) = (cx.args.at(1), cx.args.at(2), cx.args.at(3));
    if parse_f64(by).ok_or(Error::NotAFloat)?.is_infinite() {
        return Err(Error::Text("ERR value is NaN or Infinity"));
    }
    let old = cx.peek_hash(key)?.and_then(|hash| hash.get(field)).unwrap_or(b"0");
    let sum = add_decimal(old, by)
        .ok_or(Error::Text("ERR hash value is not a float"))?
        .ok_or(Error::Text("ERR increment would produce NaN or Infinity"))?;
    change(cx, key, |hash| hash.set(field, &sum))?;
    cx.effect([b"HSET", key, field, &sum]);
    cx.out().bulk(&sum);
    Ok(Flow::Done)
}
