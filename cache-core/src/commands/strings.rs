//! Strings: GET, SET and their relatives.

mod lcs;
mod set;

use super::{
    Categories, Error, Flags, Flow, Group, KeyFlags, KeySpec, Outcome, Role, Spec, Tips,
};
use crate::config::{Class, Id};
use crate::node::{ConnFlags, Cx, check_reply};
use crate::numbers::parse_i64;
use crate::observer::Observer;
use crate::protocol::request::BULK_LIMIT;
use crate::types::Value;

rows! {
    append: Spec::new("append", 3, bits!(Flags: WRITE | DENYOOM | FAST), Group::String)
    .acl(Categories::STRING)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | INSERT))])
    .docs(
        "2.0.0",
        "O(1)",
        "key value",
        "Adds to the end of a string, which is created when it isn't there.",
    ),
    set::delifeq: Spec::new("delifeq", 3, bits!(Flags: WRITE | FAST), Group::String)
    .acl(Categories::STRING)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RM | DELETE))])
    .docs("9.0.0", "O(1)", "key value", "Deletes a string that equals a given one."),
    get: Spec::new("get", 2, bits!(Flags: READONLY | FAST), Group::String)
    .acl(Categories::STRING)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .docs("1.0.0", "O(1)", "key", "The string at a key."),
    set::getdel: Spec::new("getdel", 2, bits!(Flags: WRITE | FAST), Group::String)
    .acl(Categories::STRING)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | ACCESS | DELETE))])
    .docs("6.2.0", "O(1)", "key", "The string at a key, which is deleted."),
    set::getex: Spec::new("getex", -2, bits!(Flags: WRITE | FAST), Group::String)
    .acl(Categories::STRING)
    .keys(&[
        KeySpec::one(1, bits!(KeyFlags: RW | ACCESS | UPDATE))
            .notes("RW and UPDATE because it changes the TTL"),
    ])
    .docs(
        "6.2.0",
        "O(1)",
        "key [EX seconds | PX milliseconds | EXAT unix-time-seconds \
         | PXAT unix-time-milliseconds | PERSIST]",
        "The string at a key, whose expiry may be changed at once.",
    ),
    getrange: Spec::new("getrange", 4, Flags::READONLY, Group::String)
    .acl(Categories::STRING)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "2.4.0",
        "O(N) for N bytes returned",
        "key start end",
        "A part of a string.",
    ),
    set::getset: Spec::new("getset", 3, bits!(Flags: WRITE | DENYOOM | FAST), Group::String)
    .acl(Categories::STRING)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | ACCESS | UPDATE))])
    .docs("1.0.0", "O(1)", "key value", "Sets a string and gives the one that was there."),
    lcs::lcs: Spec::new("lcs", -3, Flags::READONLY, Group::String)
    .acl(Categories::STRING)
    .keys(&[KeySpec::range(1, 1, 1, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "7.0.0",
        "O(N*M) for strings of N and M bytes",
        "key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]",
        "The longest common subsequence of two strings.",
    ),
    mget: Spec::new("mget", -2, bits!(Flags: READONLY | FAST), Group::String)
    .acl(Categories::STRING)
    .keys(&[KeySpec::range(1, -1, 1, bits!(KeyFlags: RO | ACCESS))])
    .tips(Tips::REQUEST_MULTI_SHARD)
    .docs(
        "1.0.0",
        "O(N) for N keys",
        "key [key ...]",
        "The strings at several keys.",
    ),
    set::mset: Spec::new("mset", -3, bits!(Flags: WRITE | DENYOOM), Group::String)
    .acl(Categories::STRING)
    .keys(&[KeySpec::range(1, -1, 2, bits!(KeyFlags: OW | UPDATE))])
    .tips(bits!(Tips: REQUEST_MULTI_SHARD | RESPONSE_ALL_SUCCEEDED))
    .docs(
        "1.0.1",
        "O(N) for N keys",
        "key value [key value ...]",
        "Sets several strings at once.",
    ),
    set::msetex: Spec::new("msetex", -4, bits!(Flags: WRITE | DENYOOM | MOVABLEKEYS), Group::String)
    .acl(Categories::STRING)
    .keys(&[KeySpec::counted(1, 2, bits!(KeyFlags: OW | UPDATE))])
    .tips(bits!(Tips: REQUEST_MULTI_SHARD | RESPONSE_ALL_SUCCEEDED))
    .docs(
        "9.1.0",
        "O(N) for N keys",
        "numkeys key value [key value ...] [NX | XX] \
         [EX seconds | PX milliseconds | EXAT unix-time-seconds \
         | PXAT unix-time-milliseconds | KEEPTTL]",
        "Sets several strings at once, with one expiry, where all keys are there or none is.",
    ),
    set::msetnx: Spec::new("msetnx", -3, bits!(Flags: WRITE | DENYOOM), Group::String)
    .acl(Categories::STRING)
    .keys(&[KeySpec::range(1, -1, 2, bits!(KeyFlags: OW | INSERT))])
    .docs(
        "1.0.1",
        "O(N) for N keys",
        "key value [key value ...]",
        "Sets several strings at once where none of the keys is there.",
    ),
    set::psetex: Spec::new("psetex", 4, bits!(Flags: WRITE | DENYOOM), Group::String)
    .acl(Categories::STRING)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: OW | UPDATE))])
    .docs(
        "2.6.0",
        "O(1)",
        "key milliseconds value",
        "Sets a string that expires after so many milliseconds.",
    ),
    set::set: Spec::new("set", -3, bits!(Flags: WRITE | DENYOOM), Group::String)
    .role(Role::QUICK)
    .acl(Categories::STRING)
    .keys(&[
        KeySpec::one(1, bits!(KeyFlags: RW | ACCESS | UPDATE | VARIABLE_FLAGS))
            .notes("RW and ACCESS due to the optional `GET` argument"),
    ])
    .docs(
        "1.0.0",
        "O(1)",
        "key value [NX | XX | IFEQ comparison-value] [GET] \
         [EX seconds | PX milliseconds | EXAT unix-time-seconds \
         | PXAT unix-time-milliseconds | KEEPTTL]",
        "Sets a string, whatever was there before, or under a condition.",
    ),
    set::setex: Spec::new("setex", 4, bits!(Flags: WRITE | DENYOOM), Group::String)
    .acl(Categories::STRING)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: OW | UPDATE))])
    .docs(
        "2.0.0",
        "O(1)",
        "key seconds value",
        "Sets a string that expires after so many seconds.",
    ),
    set::setnx: Spec::new("setnx", 3, bits!(Flags: WRITE | DENYOOM | FAST), Group::String)
    .acl(Categories::STRING)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: OW | INSERT))])
    .docs("1.0.0", "O(1)", "key value", "Sets a string where there is no key yet."),
    setrange: Spec::new("setrange", 4, bits!(Flags: WRITE | DENYOOM), Group::String)
    .acl(Categories::STRING)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | UPDATE))])
    .docs(
        "2.2.0",
        "O(N) for N bytes written",
        "key offset value",
        "Overwrites a string from a position on.",
    ),
    strlen: Spec::new("strlen", 2, bits!(Flags: READONLY | FAST), Group::String)
    .acl(Categories::STRING)
    .keys(&[KeySpec::one(1, KeyFlags::RO)])
    .docs("2.2.0", "O(1)", "key", "How long a string is, in bytes."),
    getrange: Spec::new("substr", 4, Flags::READONLY, Group::String)
    .acl(Categories::STRING)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "1.0.0",
        "O(N) for N bytes returned",
        "key start end",
        "A part of a string: GETRANGE's older name.",
    ),
}

fn get<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (value, out) = cx.read_string(cx.args.at(1))?;
    out.bulk_or_null(value);
    Ok(Flow::Done)
}

/// What isn't a string is answered as if it weren't there.
fn mget<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let keys = cx.args.from(1);
    let mark = cx.out().len();
    cx.out().array(keys.len());
    for key in keys.iter() {
        match cx.read(key) {
            (Some(Value::String(value)), out) => out.bulk(value),
            (_, out) => out.null(),
        }
        check_reply(cx.out().len() - mark)?;
    }
    Ok(Flow::Done)
}

fn strlen<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (value, out) = cx.read_string(cx.args.at(1))?;
    out.count(value.unwrap_or_default().len());
    Ok(Flow::Done)
}

fn getrange<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let start = parse_i64(cx.args.at(2)).ok_or(Error::NotAnInteger)?;
    let end = parse_i64(cx.args.at(3)).ok_or(Error::NotAnInteger)?;
    let (value, out) = cx.read_string(cx.args.at(1))?;
    out.bulk(part(value.unwrap_or_default(), start, end));
    Ok(Flow::Done)
}

/// The bytes from `start` to `end`, both included and counted from the end when negative. What lies
/// before the first byte means the first.
fn part(value: &[u8], start: i64, end: i64) -> &[u8] {
    let len = value.len() as i64;
    if start < 0 && end < 0 && start > end {
        return &[];
    }
    let from_front = |at: i64| if at < 0 { at.saturating_add(len).max(0) } else { at };
    let (start, end) = (from_front(start), from_front(end).min(len - 1));
    if start > end { &[] } else { value.get(start as usize..=end as usize).unwrap_or_default() }
}

fn append<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, tail) = (cx.args.at(1), cx.args.at(2));
    let Some(len) = cx.peek_string(key)?.map(<[u8]>::len) else {
        cx.put_string(key, tail, None);
        cx.notify(Class::STRING, "append", key);
        cx.out().count(tail.len());
        return Ok(Flow::Done);
    };
    let end = longer(cx, len as u64, tail.len() as u64)?;
    write_at(cx, key, len, tail)?;
    cx.notify(Class::STRING, "append", key);
    cx.out().count(end);
    Ok(Flow::Done)
}

fn setrange<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, patch) = (cx.args.at(1), cx.args.at(3));
    let offset = parse_i64(cx.args.at(2)).ok_or(Error::NotAnInteger)?;
    let offset = u64::try_from(offset).map_err(|_| Error::Text("ERR offset is out of range"))?;
    let value = cx.peek_string(key)?;
    let (len, absent) = (value.unwrap_or_default().len(), value.is_none());
    if patch.is_empty() {
        cx.out().count(len);
        return Ok(Flow::Done);
    }
    let end = longer(cx, offset, patch.len() as u64)?;
    if absent {
        cx.put_string(key, &[], None);
    }
    write_at(cx, key, end - patch.len(), patch)?;
    cx.notify(Class::STRING, "setrange", key);
    cx.out().count(len.max(end));
    Ok(Flow::Done)
}

/// The length of `more` bytes behind `len` others, when a string may have it.
fn longer<O: Observer>(cx: &Cx<'_, O>, len: u64, more: u64) -> Result<usize, Error> {
    len.checked_add(more)
        .filter(|&sum| sum <= longest(cx))
        .and_then(|sum| usize::try_from(sum).ok())
        .ok_or(Error::StringTooLong)
}

/// The most bytes that a command may make a string have.
pub(super) fn longest<O: Observer>(cx: &Cx<'_, O>) -> u64 {
    if cx.conn.has(ConnFlags::REPLAY) {
        // What was taken once is taken again, whatever the limit is now.
        return u64::MAX;
    }
    cx.state.config.number(Id::ProtoMaxBulkLen).unsigned_abs().min(BULK_LIMIT.into())
}

/// Writes into the string at a key, which is there, behind zeros where it is shorter.
fn write_at<O: Observer>(
    cx: &mut Cx<'_, O>,
    key: &[u8],
    offset: usize,
    patch: &[u8],
) -> Result<(), Error> {
    let end = offset.checked_add(patch.len()).ok_or(Error::StringTooLong)?;
    let len = cx.peek_string(key)?.unwrap_or_default().len();
    let value = cx.resize(key, end.max(len)).ok_or(Error::StringTooLong)?;
    value[offset..end].copy_from_slice(patch);
    cx.changed(key);
    Ok(())
}

/// Sets what is a string or isn't there yet, and leaves its expiry as it is.
pub(super) fn replace<O: Observer>(cx: &mut Cx<'_, O>, key: &[u8], value: &[u8]) {
    let expires_ms = cx.peek(key).is_some().then(|| cx.expires_at(key)).flatten();
    cx.put_string(key, value, expires_ms);
}
