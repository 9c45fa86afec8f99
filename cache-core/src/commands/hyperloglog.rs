//! HyperLogLogs: about how many different elements were added to a key.

use super::arguments::is_word;
use super::strings::replace;
use super::{Categories, Error, Flags, Flow, Group, KeyFlags, KeySpec, Outcome, Spec, shown};
use crate::config::{Class, Id};
use crate::node::{ConnFlags, Cx};
use crate::observer::Observer;
use crate::types::hyperloglog::{self, Corrupt, HyperLogLog, Union, View};

rows! {
    pfadd: Spec::new("pfadd", -2, bits!(Flags: WRITE | DENYOOM | FAST), Group::HyperLogLog)
    .acl(Categories::HYPERLOGLOG)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | INSERT))])
    .docs(
        "2.8.9",
        "O(N) for N elements",
        "key [element [element ...]]",
        "Adds elements to a HyperLogLog, which is created when it isn't there.",
    ),
    pfcount: Spec::new("pfcount", -2, Flags::READONLY, Group::HyperLogLog)
    .acl(Categories::HYPERLOGLOG)
    .keys(&[
        KeySpec::range(1, -1, 1, bits!(KeyFlags: RW | ACCESS)).notes(
            "RW because it may change the internal representation of the key, and propagate to \
             replicas",
        ),
    ])
    .docs(
        "2.8.9",
        "O(1) for one key whose count is known, O(N) for N keys",
        "key [key ...]",
        "About how many different elements were added to HyperLogLogs.",
    ),
    pfdebug: Spec::new("pfdebug", 3, bits!(Flags: WRITE | DENYOOM | ADMIN), Group::HyperLogLog)
    .acl(Categories::HYPERLOGLOG)
    .keys(&[KeySpec::one(2, bits!(KeyFlags: RW | ACCESS))])
    .docs("2.8.9", "O(1)", "subcommand key", "Looks into a HyperLogLog, for developers."),
    pfmerge: Spec::new("pfmerge", -2, bits!(Flags: WRITE | DENYOOM), Group::HyperLogLog)
    .acl(Categories::HYPERLOGLOG)
    .keys(&[
        KeySpec::one(1, bits!(KeyFlags: RW | ACCESS | INSERT)),
        KeySpec::range(2, -1, 1, bits!(KeyFlags: RO | ACCESS)),
    ])
    .docs(
        "2.8.9",
        "O(N) for N keys",
        "destkey [sourcekey [sourcekey ...]]",
        "Makes a HyperLogLog of all elements that others have met.",
    ),
    pfselftest: Spec::new("pfselftest", 1, Flags::ADMIN, Group::HyperLogLog)
    .acl(Categories::HYPERLOGLOG)
    .docs("2.8.9", "O(1)", "", "Tests what HyperLogLogs rest on, for developers."),
}

impl From<Corrupt> for Error {
    fn from(_: Corrupt) -> Self {
        Error::Text("INVALIDOBJ Corrupted HLL object detected")
    }
}

fn view(bytes: &[u8]) -> Result<View<'_>, Error> {
    View::of(bytes).ok_or(Error::Text("WRONGTYPE Key is not a valid HyperLogLog string value."))
}

/// How long a HyperLogLog may become before each register has its place.
fn limit<O: Observer>(cx: &Cx<'_, O>) -> usize {
    usize::try_from(cx.state.config.number(Id::HllSparseMaxBytes)).unwrap_or(usize::MAX)
}

fn pfadd<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, elements, limit) = (cx.args.at(1), cx.args.from(2), limit(cx));
    let there = cx.peek_string(key)?.map(view).transpose()?;
    if let Some(view) = there.filter(|view| view.is_dense()) {
        let changed = elements.iter().any(|element| !view.has_met(element));
        if changed {
            add_in_place(cx, key)?;
        }
        cx.out().integer(changed.into());
        return Ok(Flow::Done);
    }
    let mut changed = there.is_none();
    let mut sketch = there.map_or_else(HyperLogLog::new, View::to_owned);
    for element in elements.iter() {
        changed |= sketch.add(element, limit)?;
    }
    if changed {
        sketch.forget_count();
        replace(cx, key, sketch.as_bytes());
        cx.notify(Class::STRING, "pfadd", key);
    }
    cx.out().integer(changed.into());
    Ok(Flow::Done)
}

/// Adds to a dense one where it lies.
fn add_in_place<O: Observer>(cx: &mut Cx<'_, O>, key: &[u8]) -> Result<(), Error> {
    let elements = cx.args.from(2);
    let bytes = to_write(cx, key)?;
    for element in elements.iter() {
        hyperloglog::add_to_dense(bytes, element);
    }
    hyperloglog::keep_count(bytes, None);
    cx.wrote(key, Class::STRING, "pfadd");
    Ok(())
}

/// The bytes of a string that is there.
fn to_write<'c, O: Observer>(cx: &'c mut Cx<'_, O>, key: &[u8]) -> Result<&'c mut [u8], Error> {
    let len = cx.peek_string(key)?.unwrap_or_default().len();
    cx.resize(key, len).ok_or(Error::NoSuchKey)
}

fn pfcount<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    if cx.args.len() > 2 {
        return count_several(cx);
    }
    let key = cx.args.at(1);
    let (value, out) = cx.read_string(key)?;
    let Some(view) = value.map(view).transpose()? else {
        out.integer(0);
        return Ok(Flow::Done);
    };
    if let Some(count) = view.cached_count() {
        out.integer(count as i64);
        return Ok(Flow::Done);
    }
    let count = view.count()?;
    out.integer(count as i64);
    keep_count(cx, key, count)?;
    Ok(Flow::Done)
}

/// Keeps what was counted, where that may be written: what obeys a stream has what the stream says,
/// and nothing is changed while effects can't be stored.
fn keep_count<O: Observer>(cx: &mut Cx<'_, O>, key: &[u8], count: u64) -> Result<(), Error> {
    let obeys = cx.state.obeys_stream(cx.conns);
    if !cx.conn.has(ConnFlags::REPLAY) && (obeys || cx.state.store_error.is_some()) {
        return Ok(());
    }
    hyperloglog::keep_count(to_write(cx, key)?, Some(count));
    cx.changed(key);
    cx.effect([&b"PFCOUNT"[..], key]);
    Ok(())
}

fn count_several<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let mut union = Union::new();
    for key in cx.args.from(1).iter() {
        if let Some(bytes) = cx.read_string(key)?.0 {
            union.add(view(bytes)?)?;
        }
    }
    cx.out().integer(union.count() as i64);
    Ok(Flow::Done)
}

/// The result is dense where one of its parts is.
fn pfmerge<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (target, limit) = (cx.args.at(1), limit(cx));
    let (mut union, mut dense) = (Union::new(), false);
    for key in cx.args.from(1).iter() {
        if let Some(bytes) = cx.read_string(key)?.0 {
            let view = view(bytes)?;
            dense |= view.is_dense();
            union.add(view)?;
        }
    }
    let there = cx.peek_string(target)?.map(view).transpose()?;
    let mut sketch = there.map_or_else(HyperLogLog::new, View::to_owned);
    if dense {
        sketch.make_dense()?;
    }
    sketch.take(&union, limit)?;
    sketch.forget_count();
    replace(cx, target, sketch.as_bytes());
    cx.notify(Class::STRING, "pfadd", target);
    cx.out().ok();
    Ok(Flow::Done)
}

fn pfdebug<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (word, key) = (cx.args.at(1), cx.args.at(2));
    if is_word(word, "simd") {
        return simd(cx);
    }
    let missing = Error::Text("ERR The specified key does not exist");
    let view = view(cx.peek_string(key)?.ok_or(missing)?)?;
    if is_word(word, "getreg") {
        make_dense(cx, key)?;
        return registers(cx, key);
    }
    if is_word(word, "decode") {
        if view.is_dense() {
            return Err(Error::Text("ERR HLL encoding is not sparse"));
        }
        let text = view.describe();
        cx.out().bulk(&text);
    } else if is_word(word, "encoding") {
        let dense = view.is_dense();
        cx.out().simple(if dense { "dense" } else { "sparse" });
    } else if is_word(word, "todense") {
        let changed = make_dense(cx, key)?;
        cx.out().integer(changed.into());
    } else {
        let text = alloc::format!("ERR Unknown PFDEBUG subcommand '{}'", shown(word));
        return Err(Error::Owned(text));
    }
    Ok(Flow::Done)
}

/// There is no code here to turn on or off; it is answered as if there were.
fn simd<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let answer = match cx.args.at(2) {
        word if is_word(word, "on") => "enabled",
        word if is_word(word, "off") => "disabled",
        _ => return Err(Error::Text("ERR Argument must be ON or OFF")),
    };
    cx.out().simple(answer);
    Ok(Flow::Done)
}

fn registers<O: Observer>(cx: &mut Cx<'_, O>, key: &[u8]) -> Outcome {
    let registers: alloc::vec::Vec<u8> =
        cx.peek_string(key)?.map(view).transpose()?.into_iter().flat_map(View::registers).collect();
    let out = cx.out();
    out.array(registers.len());
    registers.iter().for_each(|&register| out.integer(register.into()));
    Ok(Flow::Done)
}

/// Gives each register of a HyperLogLog that is there its place. `false`: each has one.
fn make_dense<O: Observer>(cx: &mut Cx<'_, O>, key: &[u8]) -> Result<bool, Error> {
    let mut sketch = view(cx.peek_string(key)?.unwrap_or_default())?.to_owned();
    let changed = sketch.make_dense()?;
    if changed {
        replace(cx, key, sketch.as_bytes());
    }
    Ok(changed)
}

/// Elements that the self-test adds, and by how many it may be wrong: 4 %, five standard errors.
const TESTED: u64 = 20_000;
const WRONG: u64 = TESTED / 25;

fn pfselftest<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (mut sketch, mut dense) = (HyperLogLog::new(), HyperLogLog::new());
    dense.make_dense()?;
    let limit = limit(cx);
    for i in 0..TESTED {
        let changed = sketch.add(&i.to_le_bytes(), limit)?;
        if changed != dense.add(&i.to_le_bytes(), limit)? {
            let text = alloc::format!("TESTFAILED the two encodings disagree at element {i}");
            return Err(Error::Owned(text));
        }
    }
    let count = view(sketch.as_bytes())?.count()?;
    if count.abs_diff(TESTED) > WRONG {
        let text = alloc::format!("TESTFAILED {TESTED} elements are taken for {count}");
        return Err(Error::Owned(text));
    }
    cx.out().ok();
    Ok(Flow::Done)
}
