//! Fields that are read or written together with their expiry: HGETEX, HSETEX, HGETDEL.

use super::expire::{note_no_expiry, tell_expiry, tell_gone, tell_no_expiry};
use super::{WRONG_COUNT, counted, fields_behind_key, split_at_fields};
use crate::commands::hashes::{limits, note_outlived};
use crate::commands::ttl::{Options, Takes, Ttl, has_passed};
use crate::commands::{Error, Flow, Outcome};
use crate::config::Class;
use crate::keyspace::fields::Field;
use crate::node::{Cx, check_reply};
use crate::observer::Observer;
use crate::protocol::{Args, Reply};
use crate::types::{Hash, Structure as _, View as _};
use alloc::vec::Vec;

pub(super) fn hgetex<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let key = cx.args.at(1);
    let (options, behind) = split_at_fields(cx.args, 2)?;
    let ttl = Options::parse(options, Takes::PERSIST)?.ttl;
    let fields = counted(behind, 1, WRONG_COUNT)?;
    cx.peek_as::<Hash>(key)?;
    let at_ms = expiry(cx, ttl)?;
    if at_ms.is_some_and(|at_ms| has_passed(cx, at_ms)) {
        cx.meet(key);
        let gone = take_fields(cx, key, fields)?;
        if !gone.is_empty() {
            tell_gone(cx, key, &gone);
        }
        return Ok(Flow::Done);
    }
    answer_fields(cx, key, fields)?;
    if at_ms.is_none() && !matches!(ttl, Ttl::Persist) {
        return Ok(Flow::Done);
    }
    let now_ms = cx.seen_at_ms();
    let changed = cx.edit_as(key, |hash: &mut Hash| {
        let mut changed = |name: &&[u8]| {
            let field = hash.view().at(now_ms).get_field(name);
            let changes = field.is_some_and(|f| at_ms.is_some() || f.expires_ms.is_some());
            changes && hash.set_expiry(name, at_ms)
        };
        fields.iter().filter(|name| changed(name)).collect::<Vec<_>>()
    })?;
    match (at_ms, changed.unwrap_or_default()) {
        (_, none) if none.is_empty() => {}
        (Some(at_ms), changed) => tell_expiry(cx, key, at_ms, &changed),
        (None, changed) => tell_no_expiry(cx, key, &changed),
    }
    Ok(Flow::Done)
}

pub(super) fn hgetdel<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let key = cx.args.at(1);
    let fields = fields_behind_key(cx.args, WRONG_COUNT)?;
    let gone = take_fields(cx, key, fields)?;
    if !gone.is_empty() {
        cx.shrank(key, Class::HASH, "hdel");
        cx.effect([&[&b"HDEL"[..], key], &gone[..]].concat());
    }
    Ok(Flow::Done)
}

/// Answers fields' values.
fn answer_fields<O: Observer>(
    cx: &mut Cx<'_, O>,
    key: &[u8],
    fields: Args<'_>,
) -> Result<(), Error> {
    let (hash, out) = cx.read_as::<Hash>(key)?;
    let mark = out.len();
    out.array(fields.len());
    for name in fields.iter() {
        out.bulk_or_null(hash.and_then(|hash| hash.get(name)));
        check_reply(out.len() - mark)?;
    }
    Ok(())
}

/// Answers fields' values, removes the fields, and gives those that were there.
fn take_fields<'a, O: Observer>(
    cx: &mut Cx<'_, O>,
    key: &[u8],
    fields: Args<'a>,
) -> Result<Vec<&'a [u8]>, Error> {
    let (mut values, now_ms) = (Reply::new(cx.resp()), cx.seen_at_ms());
    let mut take = |hash: &mut Hash, name: &[u8]| {
        let value = hash.view().at(now_ms).get(name);
        values.bulk_or_null(value);
        value.is_some() && hash.remove(name)
    };
    let gone = cx.edit_as(key, |hash: &mut Hash| {
        fields.iter().filter(|name| take(hash, name)).collect::<Vec<_>>()
    })?;
    let out = cx.out();
    out.array(fields.len());
    match gone {
        Some(_) => out.raw(values.bytes()),
        None => fields.iter().for_each(|_| out.null()),
    }
    Ok(gone.unwrap_or_default())
}

/// The moment in wall milliseconds that the options name: 0 is one too.
fn expiry<O: Observer>(cx: &Cx<'_, O>, ttl: Ttl<'_>) -> Result<Option<u64>, Error> {
    match ttl {
        Ttl::At(expiry) => expiry.at_ms_from(0, cx.spec.name, cx.now_ms()).map(Some),
        Ttl::Unsaid | Ttl::Keep | Ttl::Persist => Ok(None),
    }
}

pub(super) fn hsetex<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let key = cx.args.at(1);
    let (options, behind) = split_at_fields(cx.args, 2)?;
    let takes = Takes::PRESENCE | Takes::FIELDS | Takes::KEEPTTL;
    let options = Options::parse(options, takes)?;
    let pairs = counted(behind, 2, WRONG_COUNT)?;
    let there = cx.peek_as::<Hash>(key)?.is_some();
    if !options.when.allows(there) {
        cx.out().integer(0);
        return Ok(Flow::Done);
    }
    let at_ms = expiry(cx, options.ttl)?;
    let hash = cx.peek_as::<Hash>(key)?;
    let is_there = |name: &[u8]| hash.is_some_and(|hash| hash.get_field(name).is_some());
    let met = pairs.iter().step_by(2).all(|name| options.fields.allows(is_there(name)));
    if met {
        set_fields(cx, key, pairs, options.ttl, at_ms)?;
    }
    cx.out().integer(met.into());
    Ok(Flow::Done)
}

fn set_fields<O: Observer>(
    cx: &mut Cx<'_, O>,
    key: &[u8],
    pairs: Args<'_>,
    ttl: Ttl<'_>,
    at_ms: Option<u64>,
) -> Result<(), Error> {
    if at_ms.is_some_and(|at_ms| has_passed(cx, at_ms)) {
        return set_for_no_time(cx, key, pairs);
    }
    let (limits, now_ms) = (limits(cx), cx.outlived_at_ms());
    let keeps = matches!(ttl, Ttl::Keep);
    let mut outlived = Vec::new();
    cx.upsert_as(key, |hash: &mut Hash| {
        let values = pairs.iter().skip(1).step_by(2);
        for (name, value) in pairs.iter().step_by(2).zip(values) {
            let old = hash.view().at(now_ms);
            outlived.extend(old.hides(name).then_some(name));
            let old = if keeps { old.get_field(name) } else { None };
            let expires_ms = old.map_or(at_ms, |old| old.expires_ms);
            hash.set_field(Field { name, value, expires_ms }, limits);
        }
    })?;
    note_outlived(cx, key, outlived.len() as u64);
    cx.wrote(key, Class::HASH, "hset");
    let (mut at, mut count) = (itoa::Buffer::new(), itoa::Buffer::new());
    let count = count.format(pairs.len() / 2).as_bytes();
    let head = match at_ms {
        Some(at_ms) => {
            cx.notify(Class::HASH, "hexpire", key);
            let at = at.format(at_ms).as_bytes();
            alloc::vec![&b"HSETEX"[..], key, b"PXAT", at, b"FIELDS", count]
        }
        None if keeps => {
            note_no_expiry(cx, key, &outlived);
            alloc::vec![&b"HSETEX"[..], key, b"KEEPTTL", b"FIELDS", count]
        }
        None => alloc::vec![&b"HSET"[..], key],
    };
    cx.effect(head.into_iter().chain(pairs.iter()).collect::<Vec<_>>());
    Ok(())
}

/// Sets fields to expire at a moment that has passed: in the end they aren't there.
fn set_for_no_time<O: Observer>(
    cx: &mut Cx<'_, O>,
    key: &[u8],
    pairs: Args<'_>,
) -> Result<(), Error> {
    cx.notify(Class::HASH, "hset", key);
    cx.notify(Class::HASH, "hexpire", key);
    let gone = cx.edit_as(key, |hash: &mut Hash| {
        pairs.iter().step_by(2).filter(|name| hash.remove(name)).collect::<Vec<_>>()
    })?;
    match gone {
        Some(gone) if !gone.is_empty() => tell_gone(cx, key, &gone),
        there => {
            cx.notify(Class::HASH, "hexpired", key);
            if there.is_none() {
                cx.notify(Class::GENERIC, "del", key);
            }
        }
    }
    Ok(())
}
