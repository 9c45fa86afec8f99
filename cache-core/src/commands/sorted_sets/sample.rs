//! Some members by a cursor, some by chance.

use super::{write_head, write_member};
use crate::commands::sampling::{self, Pool, SHORTEST_BULK};
use crate::commands::scan::{ScanParts, parse_cursor};
use crate::commands::{Error, Flow, Outcome};
use crate::node::{Cx, check_reply};
use crate::observer::Observer;
use crate::protocol::Reply;
use crate::types::{SortedSet, SortedSetView};

pub(super) fn zscan<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, options) = (cx.args.at(1), cx.args.from(3));
    let cursor = parse_cursor(cx.args.at(2))?;
    let mut found = Reply::new(crate::protocol::Resp::V2);
    let (set, out) = cx.read_as::<SortedSet>(key)?;
    let (mut next, mut count) = (0, 0);
    if let Some(set) = set {
        // Without a set nobody looks at the options.
        let wanted = ScanParts::parse(options)?;
        if wanted.no_values {
            return Err(Error::Text("ERR NOVALUES option can only be used in HSCAN"));
        }
        next = set.scan(cursor, wanted.count(), &mut |member, score| {
            if !wanted.fits(member) {
                return;
            }
            found.bulk(member);
            count += 1;
            if !wanted.no_scores {
                // A string in RESP3 too.
                found.double(score);
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

impl<'a> Pool for SortedSetView<'a> {
    type Part = (&'a [u8], f64);

    fn len(&self) -> usize {
        usize::try_from(SortedSetView::len(self)).unwrap_or(usize::MAX)
    }

    fn nth(&self, at: usize) -> Option<Self::Part> {
        SortedSetView::nth(self, at as u64)
    }

    fn iter(&self) -> impl Iterator<Item = Self::Part> {
        SortedSetView::iter(self)
    }

    fn is_indexed(&self) -> bool {
        self.is_large()
    }
}

pub(super) fn zrandmember<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let draws = match cx.args.len() {
        2 => None,
        _ => Some(sampling::signed_count_with(cx.args.from(2), "withscores")?),
    };
    let (set, random, out) = cx.read_with_random::<SortedSet>(cx.args.at(1))?;
    match (set, draws) {
        (None, Some(_)) => out.array(0),
        (None, None) => out.null(),
        (Some(set), None) => out.bulk_or_null(sampling::draw(&set, random).map(|(name, _)| name)),
        (Some(set), Some((count, scores))) if count < 0 => {
            let times = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
            check_reply(times.saturating_mul(SHORTEST_BULK))?;
            let mark = out.len();
            write_head(out, times, scores);
            sampling::draw_again_and_again(&set, random, times, |(member, score)| {
                write_member(out, member, score, scores);
                check_reply(out.len() - mark)
            })?;
        }
        (Some(set), Some((count, scores))) => {
            let count = usize::try_from(count).unwrap_or(usize::MAX).min(Pool::len(&set));
            write_head(out, count, scores);
            sampling::sample(&set, random, count, &mut |(member, score)| {
                write_member(out, member, score, scores);
            });
        }
    }
    Ok(Flow::Done)
}
