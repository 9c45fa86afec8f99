//! What lists fields: all of them, some by a cursor, some by chance.

use crate::commands::sampling::{self, Pool, SHORTEST_BULK};
use crate::commands::scan::{ScanParts, parse_cursor};
use crate::commands::{Error, Flow, Outcome};
use crate::keyspace::fields::Field;
use crate::node::{Cx, check_reply};
use crate::observer::Observer;
use crate::protocol::{Reply, Resp};
use crate::types::{Hash, HashView};

pub(super) fn hgetall<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (hash, out) = cx.read_as::<Hash>(cx.args.at(1))?;
    out.map(hash.map_or(0, |hash| hash.seen()));
    for field in hash.iter().flat_map(HashView::iter) {
        out.bulk(field.name);
        out.bulk(field.value);
    }
    Ok(Flow::Done)
}

pub(super) fn hkeys<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (hash, out) = cx.read_as::<Hash>(cx.args.at(1))?;
    out.array(hash.map_or(0, |hash| hash.seen()));
    for field in hash.iter().flat_map(HashView::iter) {
        out.bulk(field.name);
    }
    Ok(Flow::Done)
}

pub(super) fn hvals<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (hash, out) = cx.read_as::<Hash>(cx.args.at(1))?;
    out.array(hash.map_or(0, |hash| hash.seen()));
    for field in hash.iter().flat_map(HashView::iter) {
        out.bulk(field.value);
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
        next = hash.scan(cursor, wanted.count(), &mut |field| {
            if !wanted.fits(field.name) {
                return;
            }
            found.bulk(field.name);
            count += 1;
            if !wanted.no_values {
                found.bulk(field.value);
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

impl<'a> Pool for HashView<'a> {
    type Part = Field<'a>;

    fn len(&self) -> usize {
        HashView::seen(self)
    }

    fn nth(&self, at: usize) -> Option<Self::Part> {
        HashView::nth(self, at)
    }

    fn iter(&self) -> impl Iterator<Item = Self::Part> {
        HashView::iter(self)
    }

    fn is_indexed(&self) -> bool {
        HashView::is_indexed(self)
    }
}

pub(super) fn hrandfield<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let draws = match cx.args.len() {
        2 => None,
        _ => Some(sampling::signed_count_with(cx.args.from(2), "withvalues")?),
    };
    let (hash, random, out) = cx.read_with_random::<Hash>(cx.args.at(1))?;
    match (hash, draws) {
        (None, Some(_)) => out.array(0),
        (None, None) => out.null(),
        (Some(hash), None) => out.bulk_or_null(sampling::draw(&hash, random).map(|field| field.name)),
        (Some(hash), Some((count, values))) if count < 0 => {
            let times = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
            let times = if hash.seen() == 0 { 0 } else { times };
            check_reply(times.saturating_mul(SHORTEST_BULK))?;
            let mark = out.len();
            write_head(out, times, values);
            sampling::draw_again_and_again(&hash, random, times, |field| {
                write_field(out, field, values);
                check_reply(out.len() - mark)
            })?;
        }
        (Some(hash), Some((count, values))) => {
            let count = usize::try_from(count).unwrap_or(usize::MAX).min(hash.seen());
            write_head(out, count, values);
            sampling::sample(&hash, random, count, &mut |field| write_field(out, field, values));
        }
    }
    Ok(Flow::Done)
}

/// RESP3 gives each field and its value as a pair, RESP2 one behind the other.
fn write_head(out: &mut Reply, count: usize, values: bool) {
    out.array(if values && out.resp() == Resp::V2 { count * 2 } else { count });
}

fn write_field(out: &mut Reply, field: Field<'_>, values: bool) {
    if values && out.resp() == Resp::V3 {
        out.array(2);
    }
    out.bulk(field.name);
    if values {
        out.bulk(field.value);
    }
}
