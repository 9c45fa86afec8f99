//! Time to live: EXPIRE, TTL, PERSIST and their like.

use super::ttl::{Unit, has_passed};
use super::{
    Categories, Error, Flags, Flow, Group, KeyFlags, KeySpec, Outcome, Spec, Tips, shown,
};
use crate::config::Class;
use crate::node::Cx;
use crate::numbers::parse_i64;
use crate::observer::Observer;
use crate::protocol::Args;
use alloc::format;
use alloc::string::ToString;

rows! {
    expire: Spec::new("expire", -3, bits!(Flags: WRITE | FAST), Group::Generic)
    .acl(Categories::KEYSPACE)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | UPDATE))])
    .docs(
        "1.0.0",
        "O(1)",
        "key seconds [NX | XX | GT | LT]",
        "Lets a key expire in so many seconds.",
    ),
    expireat: Spec::new("expireat", -3, bits!(Flags: WRITE | FAST), Group::Generic)
    .acl(Categories::KEYSPACE)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | UPDATE))])
    .docs(
        "1.2.0",
        "O(1)",
        "key unix-time-seconds [NX | XX | GT | LT]",
        "Lets a key expire at a Unix time in seconds.",
    ),
    expiretime: Spec::new("expiretime", 2, bits!(Flags: READONLY | FAST), Group::Generic)
    .acl(Categories::KEYSPACE)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "7.0.0",
        "O(1)",
        "key",
        "When a key expires, as a Unix time in seconds.",
    ),
    persist: Spec::new("persist", 2, bits!(Flags: WRITE | FAST), Group::Generic)
    .acl(Categories::KEYSPACE)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | UPDATE))])
    .docs(
        "2.2.0",
        "O(1)",
        "key",
        "Takes a key's expiry away.",
    ),
    pexpire: Spec::new("pexpire", -3, bits!(Flags: WRITE | FAST), Group::Generic)
    .acl(Categories::KEYSPACE)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | UPDATE))])
    .docs(
        "2.6.0",
        "O(1)",
        "key milliseconds [NX | XX | GT | LT]",
        "Lets a key expire in so many milliseconds.",
    ),
    pexpireat: Spec::new("pexpireat", -3, bits!(Flags: WRITE | FAST), Group::Generic)
    .acl(Categories::KEYSPACE)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | UPDATE))])
    .docs(
        "2.6.0",
        "O(1)",
        "key unix-time-milliseconds [NX | XX | GT | LT]",
        "Lets a key expire at a Unix time in milliseconds.",
    ),
    pexpiretime: Spec::new("pexpiretime", 2, bits!(Flags: READONLY | FAST), Group::Generic)
    .acl(Categories::KEYSPACE)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "7.0.0",
        "O(1)",
        "key",
        "When a key expires, as a Unix time in milliseconds.",
    ),
    pttl: Spec::new("pttl", 2, bits!(Flags: READONLY | FAST), Group::Generic)
    .acl(Categories::KEYSPACE)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .tips(Tips::NONDETERMINISTIC_OUTPUT)
    .docs(
        "2.6.0",
        "O(1)",
        "key",
        "How many milliseconds a key has left.",
    ),
    ttl: Spec::new("ttl", 2, bits!(Flags: READONLY | FAST), Group::Generic)
    .acl(Categories::KEYSPACE)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .tips(Tips::NONDETERMINISTIC_OUTPUT)
    .docs(
        "1.0.0",
        "O(1)",
        "key",
        "How many seconds a key has left.",
    ),
}

fn expire<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    expire_in(cx, Unit::Seconds)
}

fn pexpire<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    expire_in(cx, Unit::Millis)
}

fn expireat<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    expire_in(cx, Unit::UnixSeconds)
}

fn pexpireat<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    expire_in(cx, Unit::UnixMillis)
}

/// Under which condition a new expiry takes the place of the old one.
#[derive(Clone, Copy, Default)]
pub(super) struct Condition {
    /// Only where there is none.
    nx: bool,
    /// Only where there is one.
    xx: bool,
    /// Only when it is later.
    gt: bool,
    /// Only when it is earlier.
    lt: bool,
}

impl Condition {
    pub(super) fn parse(args: Args<'_>) -> Result<Self, Error> {
        let mut condition = Condition::default();
        for option in args.iter() {
            match option.to_ascii_lowercase().as_slice() {
                b"nx" => condition.nx = true,
                b"xx" => condition.xx = true,
                b"gt" => condition.gt = true,
                b"lt" => condition.lt = true,
                _ => {
                    let option = shown(option);
                    return Err(Error::Owned(format!("ERR Unsupported option {option}")));
                }
            }
        }
        if condition.nx && (condition.xx || condition.gt || condition.lt) {
            return Err(Error::Text(
                "ERR NX and XX, GT or LT options at the same time are not compatible",
            ));
        }
        if condition.gt && condition.lt {
            return Err(Error::Text("ERR GT and LT options at the same time are not compatible"));
        }
        Ok(condition)
    }

    /// What has no expiry counts as expiring last of all.
    pub(super) fn holds(self, old: Option<u64>, new: u64) -> bool {
        !(self.nx && old.is_some()
            || self.xx && old.is_none()
            || self.gt && old.is_none_or(|old| new <= old)
            || self.lt && old.is_some_and(|old| new >= old))
    }
}

fn expire_in<O: Observer>(cx: &mut Cx<'_, O>, unit: Unit) -> Outcome {
    let key = cx.args.at(1);
    let condition = Condition::parse(cx.args.from(3))?;
    let amount = parse_i64(cx.args.at(2)).ok_or(Error::NotAnInteger)?;
    let at_ms =
        unit.moment(amount, cx.now_ms()).ok_or(Error::InvalidExpire(cx.spec.name))?;
    // What should have expired before 1970 has expired all the same.
    let at_ms = at_ms.max(0) as u64;
    if cx.peek(key).is_none() || !condition.holds(cx.expires_at(key), at_ms) {
        cx.out().integer(0);
        return Ok(Flow::Done);
    }
    if has_passed(cx, at_ms) {
        cx.expire_at_once(key);
        cx.effect([b"DEL", key]);
    } else {
        cx.set_expiry(key, Some(at_ms));
        cx.notify(Class::GENERIC, "expire", key);
        cx.effect([b"PEXPIREAT", key, at_ms.to_string().as_bytes()]);
    }
    cx.out().integer(1);
    Ok(Flow::Done)
}

fn persist<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let key = cx.args.at(1);
    let had = cx.peek(key).is_some() && cx.expires_at(key).is_some();
    if had {
        cx.set_expiry(key, None);
        cx.notify(Class::GENERIC, "persist", key);
    }
    cx.out().integer(had.into());
    Ok(Flow::Done)
}

fn ttl<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let now = cx.now_ms();
    tell_expiry(cx, |at| (at.saturating_sub(now) + 500) / 1000)
}

fn pttl<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let now = cx.now_ms();
    tell_expiry(cx, |at| at.saturating_sub(now))
}

fn expiretime<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    tell_expiry(cx, |at| (at + 500) / 1000)
}

fn pexpiretime<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    tell_expiry(cx, |at| at)
}

/// Answers -2 for no key, -1 for no expiry, or what `show` makes of the expiry.
fn tell_expiry<O: Observer>(cx: &mut Cx<'_, O>, show: impl Fn(u64) -> u64) -> Outcome {
    let key = cx.args.at(1);
    let answer = if cx.peek(key).is_none() {
        -2
    } else {
        cx.expires_at(key).map_or(-1, |at| show(at) as i64)
    };
    cx.out().integer(answer);
    Ok(Flow::Done)
}
