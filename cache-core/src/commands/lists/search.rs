//! LPOS: where an element is.

use super::super::arguments::{Words, positive, symmetric_integer};
use super::super::{Error, Flow, Outcome};
use crate::node::Cx;
use crate::observer::Observer;
use crate::types::{Element, End, List};

options! {
    /// What LPOS was asked for.
    struct Wanted<'a> {
        rank: "rank" => i64 = rank,
        count: "count" => u64 = count,
        most: "maxlen" => u64 = most,
    }
}

fn rank(words: &mut Words<'_>) -> Result<i64, Error> {
    match symmetric_integer(words.bytes()?)? {
        0 => Err(Error::Text(
            "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or \
             use negative to start from the end of the list",
        )),
        rank => Ok(rank),
    }
}

fn count(words: &mut Words<'_>) -> Result<u64, Error> {
    positive(words.bytes()?, Error::Text("ERR COUNT can't be negative"))
}

fn most(words: &mut Words<'_>) -> Result<u64, Error> {
    positive(words.bytes()?, Error::Text("ERR MAXLEN can't be negative"))
}

pub(super) fn lpos<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, element) = (cx.args.at(1), Element::of(cx.args.at(2)));
    let wanted = Wanted::parse(cx.args.from(3))?;
    let rank = wanted.rank.unwrap_or(1);
    let (list, out) = cx.read_as::<List>(key)?;
    let len = list.map_or(0, |list| list.len());
    let (first, toward) = if rank > 0 { (0, End::Last) } else { (len.saturating_sub(1), End::First) };
    let elements = list.into_iter().flat_map(|list| list.iter(first, toward));
    let looked_at = match wanted.most {
        None | Some(0) => u64::MAX,
        Some(most) => most,
    };
    let place = |nth: u64| if rank > 0 { nth } else { first - nth };
    let mut matches = (0..looked_at)
        .zip(elements)
        .filter(|(_, other)| *other == element)
        .map(|(nth, _)| place(nth) as i64)
        .skip(usize::try_from(rank.unsigned_abs() - 1).unwrap_or(usize::MAX));
    match wanted.count {
        None => match matches.next() {
            Some(place) => out.integer(place),
            None => out.null(),
        },
        Some(count) => {
            let most = if count == 0 { usize::MAX } else { usize::try_from(count).unwrap_or(usize::MAX) };
            let deferred = out.deferred();
            let mut found = 0;
            for place in matches.take(most) {
                out.integer(place);
                found += 1;
            }
            out.set_array(deferred, found);
        }
    }
    Ok(Flow::Done)
}
