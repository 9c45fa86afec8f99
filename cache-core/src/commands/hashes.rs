//! Hashes: fields and values under one key.

mod enumerate;

use super::{Categories, Error, Flags, Flow, Group, KeyFlags, KeySpec, Outcome, Spec, Tips};
use crate::config::{Class, Id};
use crate::keyspace::fields::Field;
use crate::node::{Cx, check_reply};
use crate::numbers::{add_decimal, parse_f64, parse_i64};
use crate::observer::Observer;
use crate::protocol::Args;
use crate::types::{Hash, Limits, Structure as _, View as _};
use alloc::vec::Vec;

rows! {
    hdel: Spec::new("hdel", -3, bits!(Flags: WRITE | FAST), Group::Hash)
    .acl(Categories::HASH)
    .looks_up(2)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | DELETE))])
    .docs("2.0.0", "O(N) for N fields", "key field [field ...]", "Removes fields from a hash."),
    hexists: Spec::new("hexists", 3, bits!(Flags: READONLY | FAST), Group::Hash)
    .acl(Categories::HASH)
    .looks_up(2)
    .keys(&[KeySpec::one(1, KeyFlags::RO)])
    .docs("2.0.0", "O(1)", "key field", "Whether a hash has a field."),
    hget: Spec::new("hget", 3, bits!(Flags: READONLY | FAST), Group::Hash)
    .acl(Categories::HASH)
    .looks_up(2)
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
    .looks_up(2)
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
    let (hash, out) = cx.read_as::<Hash>(key)?;
    out.bulk_or_null(hash.and_then(|hash| hash.get(field)));
    Ok(Flow::Done)
}

fn hmget<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, fields) = (cx.args.at(1), cx.args.from(2));
    let (hash, out) = cx.read_as::<Hash>(key)?;
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
    let (hash, out) = cx.read_as::<Hash>(key)?;
    out.integer(hash.is_some_and(|hash| hash.get(field).is_some()).into());
    Ok(Flow::Done)
}

fn hlen<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (hash, out) = cx.read_as::<Hash>(cx.args.at(1))?;
    out.count(hash.map_or(0, |hash| hash.len()));
    Ok(Flow::Done)
}

fn hstrlen<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, field) = (cx.args.at(1), cx.args.at(2));
    let (hash, out) = cx.read_as::<Hash>(key)?;
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
    let (limits, now_ms) = (limits(cx), cx.outlived_at_ms());
    let mut outlived = 0;
    let added = cx.upsert_as(key, |hash: &mut Hash| {
        let values = pairs.iter().skip(1).step_by(2);
        let fields = pairs.iter().step_by(2);
        let mut is_new = |name: &[u8], value: &[u8]| {
            let hidden = hash.view().at(now_ms).hides(name);
            outlived += u64::from(hidden);
            hash.set(name, value, limits) || hidden
        };
        fields.zip(values).filter(|(name, value)| is_new(name, value)).count()
    })?;
    note_outlived(cx, key, outlived);
    cx.wrote(key, Class::HASH, "hset");
    Ok(added)
}

/// Counts and tells that fields were overwritten whose time was over, as if they had gone before.
pub(super) fn note_outlived<O: Observer>(cx: &mut Cx<'_, O>, key: &[u8], fields: u64) {
    if fields > 0 {
        cx.state.stats.expired_fields += fields;
        cx.notify(Class::HASH, "hexpired", key);
    }
}

/// How large a hash's small form may become.
pub(super) fn limits<O: Observer>(cx: &Cx<'_, O>) -> Limits {
    cx.limits(Id::HashMaxListpackEntries, Id::HashMaxListpackValue)
}

/// Sets one field.
fn set_field<O: Observer>(
    cx: &mut Cx<'_, O>,
    key: &[u8],
    field: Field<'_>,
    event: &'static str,
) -> Result<(), Error> {
    let (limits, now_ms) = (limits(cx), cx.outlived_at_ms());
    let outlived = cx.upsert_as(key, |hash: &mut Hash| {
        let hidden = hash.view().at(now_ms).hides(field.name);
        hash.set_field(field, limits);
        hidden
    })?;
    note_outlived(cx, key, outlived.into());
    cx.wrote(key, Class::HASH, event);
    Ok(())
}

fn hsetnx<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, field, value) = (cx.args.at(1), cx.args.at(2), cx.args.at(3));
    let absent = cx.peek_as::<Hash>(key)?.is_none_or(|hash| hash.get(field).is_none());
    if absent {
        set_field(cx, key, Field::new(field, value), "hset")?;
        cx.effect([b"HSET", key, field, value]);
    }
    cx.out().integer(absent.into());
    Ok(Flow::Done)
}

fn hdel<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, fields) = (cx.args.at(1), cx.args.from(2));
    let now_ms = cx.seen_at_ms();
    // Only where there are fields that are not seen any more; they would go too where no time passes.
    let mut gone = Vec::new();
    let removed = cx.edit_as(key, |hash: &mut Hash| {
        if !hash.view().at(now_ms).hides_some() {
            return fields.iter().filter(|field| hash.remove(field)).count();
        }
        gone = remove_seen(hash, fields, now_ms);
        gone.len()
    })?;
    let removed = removed.unwrap_or(0);
    if removed > 0 {
        cx.shrank(key, Class::HASH, "hdel");
    }
    if !gone.is_empty() {
        cx.effect([&[&b"HDEL"[..], key], &gone[..]].concat());
    }
    cx.out().count(removed);
    Ok(Flow::Done)
}

/// Removes those of these fields that are seen, and gives them.
fn remove_seen<'a>(hash: &mut Hash, fields: Args<'a>, now_ms: u64) -> Vec<&'a [u8]> {
    let seen = |hash: &Hash, name: &[u8]| hash.view().at(now_ms).get(name).is_some();
    fields.iter().filter(|name| seen(hash, name) && hash.remove(name)).collect()
}

fn hincrby<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, name) = (cx.args.at(1), cx.args.at(2));
    let by = parse_i64(cx.args.at(3)).ok_or(Error::NotAnInteger)?;
    let hash = cx.peek_as::<Hash>(key)?;
    let hidden = hash.is_some_and(|hash| hash.hides(name));
    let old = hash.and_then(|hash| hash.get_field(name));
    let expires_ms = old.and_then(|old| old.expires_ms);
    let old = match old {
        Some(old) => {
            parse_i64(old.value).ok_or(Error::Text("ERR hash value is not an integer"))?
        }
        None => 0,
    };
    let sum = old.checked_add(by).ok_or(Error::Overflow)?;
    let mut value = itoa::Buffer::new();
    let value = value.format(sum).as_bytes();
    set_field(cx, key, Field { name, value, expires_ms }, "hincrby")?;
    if hidden {
        // Where no time passes it would be added to what was there.
        cx.effect([b"HSET", key, name, value]);
    }
    cx.out().integer(sum);
    Ok(Flow::Done)
}

/// Recorded as what comes of it: what a sum of fractions prints as must not be computed twice.
fn hincrbyfloat<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, name, by) = (cx.args.at(1), cx.args.at(2), cx.args.at(3));
    if parse_f64(by).ok_or(Error::NotAFloat)?.is_infinite() {
        return Err(Error::Text("ERR value is NaN or Infinity"));
    }
    let old = cx.peek_as::<Hash>(key)?.and_then(|hash| hash.get_field(name));
    let expires_ms = old.and_then(|old| old.expires_ms);
    let sum = add_decimal(old.map_or(b"0", |old| old.value), by)
        .ok_or(Error::Text("ERR hash value is not a float"))?
        .ok_or(Error::Text("ERR increment would produce NaN or Infinity"))?;
    set_field(cx, key, Field { name, value: &sum, expires_ms }, "hincrbyfloat")?;
    match expires_ms {
        Some(_) => cx.effect([b"HSETEX", key, b"KEEPTTL", b"FIELDS", b"1", name, &sum]),
        None => cx.effect([b"HSET", key, name, &sum]),
    }
    cx.out().bulk(&sum);
    Ok(Flow::Done)
}
