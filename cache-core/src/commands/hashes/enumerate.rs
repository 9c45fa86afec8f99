//! What lists fields: all of them, some by a cursor, some by chance.

use crate::commands::scan::{ScanParts, parse_cursor};
use crate::commands::{Error, Flow, Outcome};
use crate::keyspace::indexed::{Indexed, Keyed};
use crate::node::{Cx, State, check_reply};
use crate::numbers::parse_i64;
use crate::observer::Observer;
use crate::protocol::{Args, Reply, Resp};
use crate::random::Random;
use crate::types::{Hash, HashView, Value};
use alloc::vec::Vec;

pub(super) fn hgetall<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (hash, out) = cx.read_as::<Hash>(cx.args.at(1))?;
    out.map(hash.map_or(0, |hash| hash.len()));
    for (field, value) in hash.iter().flat_map(HashView::iter) {
        out.bulk(field);
        out.bulk(value);
    }
    Ok(Flow::Done)
}

pub(super) fn hkeys<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (hash, out) = cx.read_as::<Hash>(cx.args.at(1))?;
    out.array(hash.map_or(0, |hash| hash.len()));
    for (field, _) in hash.iter().flat_map(HashView::iter) {
        out.bulk(field);
    }
    Ok(Flow::Done)
}

pub(super) fn hvals<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (hash, out) = cx.read_as::<Hash>(cx.args.at(1))?;
    out.array(hash.map_or(0, |hash| hash.len()));
    for (_, value) in hash.iter().flat_map(HashView::iter) {
        out.bulk(value);
    }
    Ok(Flow::Done)
}

pub(super) fn hscan<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, options) = (cx.args.at(1), cx.args.from(3));
    let cursor = parse_cursor(cx.args.at(2))?;
    let mut found = Reply::new(cx.resp());
    let (hash, out) = cx.read_as::<Hash>(key)?;
    let (mut next, mut count) = (0, 0);
    if let Some(hash) = hash {
        // Without a hash nobody looks at the options.
        let wanted = ScanParts::parse(options)?;
        if wanted.no_scores {
            return Err(Error::Text("ERR NOSCORES option can only be used in ZSCAN"));
        }
        next = hash.scan(cursor, wanted.count(), &mut |field, value| {
            if !wanted.fits(field) {
                return;
            }
            found.bulk(field);
            count += 1;
            if !wanted.no_values {
                found.bulk(value);
                count += 1;
            }
        });
    }
    out.array(2);
    out.bulk(itoa::Buffer::new().format(next).as_bytes());
    out.array(count);
    out.raw(found.bytes());
    Ok(Flow::Done)
}

pub(super) fn hrandfield<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (db, key) = (cx.db(), cx.args.at(1));
    let draws = if cx.args.len() == 2 { None } else { Some(parse_draws(cx.args)?) };
    if cx.read_as::<Hash>(key)?.0.is_none() {
        match draws {
            Some(_) => cx.out().array(0),
            None => cx.out().null(),
        }
        return Ok(Flow::Done);
    }
    let State { keyspace, random, .. } = &mut *cx.state;
    let Some(Value::Hash(hash)) = keyspace.get(db, key).map(|entry| entry.value()) else {
        return Err(Error::WrongType);
    };
    let out = &mut cx.conn.out.reply;
    match draws {
        None => out.bulk_or_null(hash.choose(random).map(|(field, _)| field)),
        Some((count, values)) if count < 0 => {
            let count = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
            draw_again_and_again(hash, random, count, values, out)?;
        }
        Some((count, values)) => {
            let count = usize::try_from(count).unwrap_or(usize::MAX).min(hash.len());
            write_head(out, count, values);
            sample(hash, random, count, &mut |field| write_field(out, field, values));
        }
    }
    Ok(Flow::Done)
}

/// The bytes that the shortest string takes in a reply.
const SHORTEST_BULK: usize = b"$0\r\n\r\n".len();

fn draw_again_and_again(
    hash: HashView<'_>,
    random: &mut Random,
    count: usize,
    values: bool,
    out: &mut Reply,
) -> Result<(), Error> {
    check_reply(count.saturating_mul(SHORTEST_BULK))?;
    let mark = out.len();
    write_head(out, count, values);
    // A small hash is gone through for each choice: for many choices once is enough.
    let all: Vec<_> = if count > hash.len() { hash.iter().collect() } else { Vec::new() };
    for _ in 0..count {
        let field = match all.len() {
            0 => hash.choose(random).unwrap_or_default(),
            len => all[random.below(len as u64) as usize],
        };
        write_field(out, field, values);
        check_reply(out.len() - mark)?;
    }
    Ok(())
}

/// RESP3 gives each field and its value as a pair, RESP2 one behind the other.
fn write_head(out: &mut Reply, count: usize, values: bool) {
    out.array(if values && out.resp() == Resp::V2 { count * 2 } else { count });
}

fn write_field(out: &mut Reply, (field, value): (&[u8], &[u8]), values: bool) {
    if values && out.resp() == Resp::V3 {
        out.array(2);
    }
    out.bulk(field);
    if values {
        out.bulk(value);
    }
}

/// A field that was drawn.
struct Name<'a> {
    name: &'a [u8],
    hash: u64,
}

impl Keyed for Name<'_> {
    fn key(&self) -> &[u8] {
        self.name
    }

    fn hash(&self) -> u64 {
        self.hash
    }
}

/// Visits `count` different fields, each set of them as likely as the others.
fn sample<'a>(
    hash: HashView<'a>,
    random: &mut Random,
    count: usize,
    visit: &mut dyn FnMut((&'a [u8], &'a [u8])),
) {
    // Few of many are met by chance sooner than by going through all.
    if count < hash.len() / 3 {
        let mut seen = Indexed::default();
        while seen.len() < count {
            let Some(field) = hash.choose(random) else { return };
            let name = Name { name: field.0, hash: hash.seed().hash(field.0) };
            if seen.get(name.hash, name.name).is_none() {
                seen.push(name);
                visit(field);
            }
        }
        return;
    }
    let chosen = distinct(hash.len(), count, random);
    for (field, _) in hash.iter().zip(chosen).filter(|(_, chosen)| *chosen) {
        visit(field);
    }
}

/// Which `count` of `len` to take, each set of them as likely as the others.
///
/// Source: Bentley and Floyd, "A sample of brilliance", CACM 1987.
fn distinct(len: usize, count: usize, random: &mut Random) -> Vec<bool> {
    let mut chosen = alloc::vec![false; len];
    for last in len.saturating_sub(count)..len {
        let at = random.below(last as u64 + 1) as usize;
        let taken = if chosen[at] { last } else { at };
        chosen[taken] = true;
    }
    chosen
}

/// How many fields to choose (negative: the same one may come again), and whether with values.
fn parse_draws(args: Args<'_>) -> Result<(i64, bool), Error> {
    let count = parse_i64(args.at(2)).ok_or(Error::NotAnInteger)?;
    if count == i64::MIN {
        return Err(Error::Text(
            "ERR value is out of range, value must between -9223372036854775807 and \
             9223372036854775807",
        ));
    }
    let values = match args.get(3) {
        None => false,
        Some(word) if args.len() == 4 && word.eq_ignore_ascii_case(b"withvalues") => true,
        Some(_) => return Err(Error::Syntax),
    };
    if values && count.unsigned_abs() > i64::MAX as u64 / 2 {
        return Err(Error::Text("ERR value is out of range"));
    }
    Ok((count, values))
}
