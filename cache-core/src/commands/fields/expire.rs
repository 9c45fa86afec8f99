//! HEXPIRE and its like, HPERSIST.

use super::{WRONG_COUNT, counted, fields_behind_key, split_at_fields};
use crate::commands::arguments::integer;
use crate::commands::expire::Condition;
use crate::commands::ttl::{Unit, has_passed};
use crate::commands::{Error, Flow, Outcome};
use crate::config::Class;
use crate::node::Cx;
use crate::observer::Observer;
use crate::protocol::Args;
use crate::types::{Hash, Structure as _, View as _};
use alloc::vec::Vec;

/// What is answered for a field.
const NOT_THERE: i64 = -2;
const NEVER_EXPIRES: i64 = -1;
const CONDITION_FAILED: i64 = 0;
const CHANGED: i64 = 1;
const REMOVED: i64 = 2;

pub(super) fn hexpire<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    expire_in(cx, Unit::Seconds)
}

pub(super) fn hpexpire<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    expire_in(cx, Unit::Millis)
}

pub(super) fn hexpireat<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    expire_in(cx, Unit::UnixSeconds)
}

pub(super) fn hpexpireat<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    expire_in(cx, Unit::UnixMillis)
}

fn expire_in<O: Observer>(cx: &mut Cx<'_, O>, unit: Unit) -> Outcome {
    let key = cx.args.at(1);
    let (options, behind) = split_at_fields(cx.args, 3)?;
    let condition = Condition::parse(options)?;
    let fields = counted(behind, 1, WRONG_COUNT)?;
    let amount = integer(cx.args.at(2))?;
    let at_ms = (amount >= 0).then(|| unit.moment(amount, cx.now_ms())).flatten();
    let at_ms = at_ms.ok_or(Error::InvalidExpire(cx.spec.name))?.unsigned_abs();
    let (at_once, now_ms) = (has_passed(cx, at_ms), cx.seen_at_ms());
    let changed = each(cx, key, fields, |hash, name| match hash.view().at(now_ms).get_field(name) {
        None => NOT_THERE,
        Some(field) if !condition.holds(field.expires_ms, at_ms) => CONDITION_FAILED,
        Some(_) if at_once => {
            hash.remove(name);
            REMOVED
        }
        Some(_) => {
            hash.set_expiry(name, Some(at_ms));
            CHANGED
        }
    })?;
    if changed.is_empty() {
        return Ok(Flow::Done);
    }
    if at_once {
        tell_gone(cx, key, &changed);
    } else {
        tell_expiry(cx, key, at_ms, &changed);
    }
    Ok(Flow::Done)
}

pub(super) fn hpersist<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let key = cx.args.at(1);
    let fields = fields_behind_key(cx.args, WRONG_COUNT)?;
    let now_ms = cx.seen_at_ms();
    let changed = each(cx, key, fields, |hash, name| match hash.view().at(now_ms).get_field(name) {
        None => NOT_THERE,
        Some(field) if field.expires_ms.is_none() => NEVER_EXPIRES,
        Some(_) => {
            hash.set_expiry(name, None);
            CHANGED
        }
    })?;
    if !changed.is_empty() {
        tell_no_expiry(cx, key, &changed);
    }
    Ok(Flow::Done)
}

/// Does the same to each field, answers what comes of it, and gives those that have changed.
fn each<'a, O: Observer>(
    cx: &mut Cx<'_, O>,
    key: &[u8],
    fields: Args<'a>,
    change: impl Fn(&mut Hash, &[u8]) -> i64,
) -> Result<Vec<&'a [u8]>, Error> {
    let answers = cx.edit_as(key, |hash: &mut Hash| {
        fields.iter().map(|name| change(hash, name)).collect::<Vec<i64>>()
    })?;
    let answers = answers.unwrap_or_else(|| alloc::vec![NOT_THERE; fields.len()]);
    let out = cx.out();
    out.array(answers.len());
    answers.iter().for_each(|&answer| out.integer(answer));
    let changed = fields.iter().zip(answers).filter(|(_, answer)| *answer > 0);
    Ok(changed.map(|(name, _)| name).collect())
}

/// Fields were given a time that has passed, and are gone.
pub(super) fn tell_gone<O: Observer>(cx: &mut Cx<'_, O>, key: &[u8], fields: &[&[u8]]) {
    cx.state.stats.expired_fields += fields.len() as u64;
    cx.shrank(key, Class::HASH, "hexpired");
    cx.effect([&[&b"HDEL"[..], key], fields].concat());
}

/// Fields were given another expiry.
pub(super) fn tell_expiry<O: Observer>(
    cx: &mut Cx<'_, O>,
    key: &[u8],
    at_ms: u64,
    fields: &[&[u8]],
) {
    cx.wrote(key, Class::HASH, "hexpire");
    let (mut at, mut count) = (itoa::Buffer::new(), itoa::Buffer::new());
    let (at, count) = (at.format(at_ms).as_bytes(), count.format(fields.len()).as_bytes());
    cx.effect([&[&b"HPEXPIREAT"[..], key, at, b"FIELDS", count], fields].concat());
}

/// Fields were given no expiry in place of one.
pub(super) fn tell_no_expiry<O: Observer>(cx: &mut Cx<'_, O>, key: &[u8], fields: &[&[u8]]) {
    cx.wrote(key, Class::HASH, "hpersist");
    note_no_expiry(cx, key, fields);
}

/// Records that fields, if any, don't expire any more.
pub(super) fn note_no_expiry<O: Observer>(cx: &mut Cx<'_, O>, key: &[u8], fields: &[&[u8]]) {
    let mut count = itoa::Buffer::new();
    let count = count.format(fields.len()).as_bytes();
    if !fields.is_empty() {
        cx.effect([&[&b"HPERSIST"[..], key, b"FIELDS", count], fields].concat());
    }
}
