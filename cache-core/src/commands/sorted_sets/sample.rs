//! Some members by a cursor, some by chance.

use super::{write_head, write_member};
use crate::commands::arguments::is_word;
use crate::commands::scan::{ScanParts, parse_cursor};
use crate::commands::{Error, Flow, Outcome};
use crate::node::{Cx, State, check_reply};
use crate::numbers::parse_i64;
use crate::observer::Observer;
use crate::protocol::{Args, Reply};
use crate::random::Random;
use crate::types::{SortedSet, SortedSetView, Value};
use alloc::vec::Vec;

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

pub(super) fn zrandmember<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (db, key) = (cx.db(), cx.args.at(1));
    let draws = if cx.args.len() == 2 { None } else { Some(parse_draws(cx.args)?) };
    if cx.read_as::<SortedSet>(key)?.0.is_none() {
        match draws {
            Some(_) => cx.out().array(0),
            None => cx.out().null(),
        }
        return Ok(Flow::Done);
    }
    let State { keyspace, random, .. } = &mut *cx.state;
    let Some(Value::SortedSet(set)) = keyspace.get(db, key).map(|entry| entry.value()) else {
        return Err(Error::WrongType);
    };
    let out = &mut cx.conn.out.reply;
    match draws {
        None => out.bulk_or_null(set.choose(random).map(|(member, _)| member)),
        Some((count, scores)) if count < 0 => {
            let count = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
            draw_again_and_again(set, random, count, scores, out)?;
        }
        Some((count, scores)) => {
            let count = count.unsigned_abs().min(set.len());
            write_head(out, count as usize, scores);
            draw_once(set, random, count, &mut |member, score| {
                write_member(out, member, score, scores);
            });
        }
    }
    Ok(Flow::Done)
}

/// The bytes that the shortest string takes in a reply.
const SHORTEST_BULK: usize = b"$0\r\n\r\n".len();

fn draw_again_and_again(
    set: SortedSetView<'_>,
    random: &mut Random,
    count: usize,
    scores: bool,
    out: &mut Reply,
) -> Result<(), Error> {
    check_reply(count.saturating_mul(SHORTEST_BULK))?;
    let (mark, len) = (out.len(), set.len());
    write_head(out, count, scores);
    // For many draws from few members going through them once is enough.
    let all: Vec<_> = if count as u64 > len { set.iter().collect() } else { Vec::new() };
    for _ in 0..count {
        let drawn = random.below(len.max(1));
        let (member, score) = match all.get(drawn as usize) {
            Some(entry) => *entry,
            None => set.nth(drawn).unwrap_or_default(),
        };
        write_member(out, member, score, scores);
        check_reply(out.len() - mark)?;
    }
    Ok(())
}

/// Visits `count` different members, each set of them as likely as the others, in order.
///
/// Source: Vitter, "Faster methods for random sampling", CACM 1984, method S.
fn draw_once<'a>(
    set: SortedSetView<'a>,
    random: &mut Random,
    count: u64,
    visit: &mut dyn FnMut(&'a [u8], f64),
) {
    let (mut wanted, mut left) = (count, set.len());
    // Few of many are met by chance sooner than by going through all.
    if wanted < left / 16 {
        for rank in distinct(wanted, left, random) {
            if let Some((member, score)) = set.nth(rank) {
                visit(member, score);
            }
        }
        return;
    }
    for (member, score) in set.iter() {
        if wanted == 0 {
            return;
        }
        if random.below(left) < wanted {
            visit(member, score);
            wanted -= 1;
        }
        left -= 1;
    }
}

/// So many different numbers below `below`, of which there are many more.
fn distinct(count: u64, below: u64, random: &mut Random) -> Vec<u64> {
    let mut drawn = Vec::new();
    while (drawn.len() as u64) < count {
        let missing = count - drawn.len() as u64;
        drawn.extend((0..missing).map(|_| random.below(below)));
        drawn.sort_unstable();
        drawn.dedup();
    }
    drawn
}

/// How many members to choose (negative: the same one may come again), and whether with scores.
fn parse_draws(args: Args<'_>) -> Result<(i64, bool), Error> {
    let count = parse_i64(args.at(2)).ok_or(Error::NotAnInteger)?;
    if count == i64::MIN {
        return Err(Error::Text(
            "ERR value is out of range, value must between -9223372036854775807 and \
             9223372036854775807",
        ));
    }
    let scores = match args.get(3) {
        None => false,
        Some(word) if args.len() == 4 && is_word(word, "withscores") => true,
        Some(_) => return Err(Error::Syntax),
    };
    if scores && count.unsigned_abs() > i64::MAX as u64 / 2 {
        return Err(Error::Text("ERR value is out of range"));
    }
    Ok((count, scores))
}
