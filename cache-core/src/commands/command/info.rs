//! COMMAND and COMMAND INFO: ten facts about each command.

use super::super::spec::{Begin, Find, KeySpec, Spec};
use super::super::{Flow, Outcome, find, subcommands};
use super::{asked, top_level};
use crate::node::Cx;
use crate::observer::Observer;
use crate::protocol::Reply;
use alloc::string::String;
use alloc::vec::Vec;

pub(super) fn everything<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let specs: Vec<&Spec> = top_level().collect();
    cx.out().array(specs.len());
    for spec in specs {
        describe(cx.out(), spec);
    }
    Ok(Flow::Done)
}

pub(super) fn info<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let asked = asked(cx)?;
    if asked.is_empty() {
        return everything(cx);
    }
    let out = cx.out();
    out.array(asked.len());
    for name in asked.iter() {
        match find(name) {
            Some(spec) => describe(out, spec),
            None => out.null(),
        }
    }
    Ok(Flow::Done)
}

fn describe(out: &mut Reply, spec: &'static Spec) {
    let (first, last, step) = legacy_range(spec.keys);
    out.array(10);
    out.bulk(spec.name.as_bytes());
    out.integer(spec.arity.into());
    names(out, spec.flags.names());
    out.integer(first);
    out.integer(last);
    out.integer(step);
    names(out, spec.categories().iter().map(|name| String::from("@") + name));
    let tips: Vec<String> = spec.tips.names().collect();
    out.set(tips.len());
    for tip in tips {
        out.bulk(tip.as_bytes());
    }
    out.set(spec.keys.len());
    for key in spec.keys {
        key_spec(out, key);
    }
    let subs: Vec<&'static Spec> = subcommands(spec).collect();
    out.array(subs.len());
    for sub in subs {
        describe(out, sub);
    }
}

/// A set of words.
pub(super) fn names(out: &mut Reply, names: impl Iterator<Item = String>) {
    let names: Vec<String> = names.collect();
    out.set(names.len());
    for name in names {
        out.simple(&name);
    }
}

/// First key, last key and step, as one could say them before there were key specifications:
/// what the ranges at fixed positions cover as long as they lie side by side.
fn legacy_range(keys: &[KeySpec]) -> (i64, i64, i64) {
    let mut ranges = keys.iter().filter_map(|key| match (key.begin, key.find) {
        (Begin::Index(at), Find::Range { last, step, .. }) => {
            let at = i64::from(at);
            let last = i64::from(last);
            Some((at, if last >= 0 { at + last } else { last }, i64::from(step)))
        }
        _ => None,
    });
    let Some((first, mut last, step)) = ranges.next() else { return (0, 0, 0) };
    for (at, to, _) in ranges {
        if at == last + 1 {
            last = to;
        }
    }
    (first, last, if keys.len() == 1 { step } else { 1 })
}

fn key_spec(out: &mut Reply, key: &KeySpec) {
    out.map(if key.notes.is_empty() { 3 } else { 4 });
    if !key.notes.is_empty() {
        out.bulk(b"notes");
        out.bulk(key.notes.as_bytes());
    }
    out.bulk(b"flags");
    names(out, key.flags.names());
    out.bulk(b"begin_search");
    match key.begin {
        Begin::Index(at) => {
            typed(out, "index", 1);
            pair(out, "index", at.into());
        }
        Begin::Keyword(word, from) => {
            typed(out, "keyword", 2);
            out.bulk(b"keyword");
            out.bulk(word.as_bytes());
            pair(out, "startfrom", from.into());
        }
        Begin::Unknown => typed(out, "unknown", 0),
    }
    out.bulk(b"find_keys");
    match key.find {
        Find::Range { last, step, limit } => {
            typed(out, "range", 3);
            pair(out, "lastkey", last.into());
            pair(out, "keystep", step.into());
            pair(out, "limit", limit.into());
        }
        Find::KeyNum { num, first, step } => {
            typed(out, "keynum", 3);
            pair(out, "keynumidx", num.into());
            pair(out, "firstkey", first.into());
            pair(out, "keystep", step.into());
        }
        Find::Unknown => typed(out, "unknown", 0),
    }
}

/// `{type: ..., spec: {` with `n` pairs to follow.
fn typed(out: &mut Reply, kind: &str, n: usize) {
    out.map(2);
    out.bulk(b"type");
    out.bulk(kind.as_bytes());
    out.bulk(b"spec");
    out.map(n);
}

fn pair(out: &mut Reply, name: &str, value: i64) {
    out.bulk(name.as_bytes());
    out.integer(value);
}
