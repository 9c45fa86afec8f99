//! Places of single members.

use super::cell::{Cell, Place, STANDARD_LAT_MAX, STEPS};
use super::shape::distance;
use super::{distance_text, read_place, unit};
use crate::commands::arguments::Words;
use crate::commands::sorted_sets::{Adding, add_all};
use crate::commands::{Error, Flow, Outcome};
use crate::node::{Cx, check_reply};
use crate::numbers::{format_fixed, format_double};
use crate::observer::Observer;
use crate::protocol::{Frame, Reply, Resp};
use crate::types::SortedSet;
use alloc::vec::Vec;

pub(super) fn geoadd<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let mut words = Words::new(cx.args.from(2));
    let wanted = Adding::parse_placing(&mut words);
    let args = words.rest();
    if !args.len().is_multiple_of(3) || args.is_empty() || wanted.contradicts() {
        return Err(Error::Syntax);
    }
    let mut entries = Vec::with_capacity(args.len() / 3);
    for at in (0..args.len()).step_by(3) {
        let place = read_place(args.at(at), args.at(at + 1))?;
        entries.push((args.at(at + 2), place.score()));
    }
    let key = cx.args.at(1);
    let added = add_all(cx, key, wanted, args.at(2), entries.iter().copied())?;
    if added.new + added.updated > 0 {
        // Recorded as scores: nobody shall have to compute them twice.
        let mut effect: Frame = [b"ZADD", key].into_iter().collect();
        wanted.words().for_each(|word| effect.push(word.as_bytes()));
        for (member, score) in &entries {
            effect.push(&format_double(*score));
            effect.push(member);
        }
        cx.effect(effect.args().iter());
    }
    cx.out().count(added.answer(wanted));
    Ok(Flow::Done)
}

pub(super) fn geodist<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (one, other) = (cx.args.at(2), cx.args.at(3));
    let unit = match cx.args.get(4) {
        None => 1.0,
        Some(word) if cx.args.len() == 5 => unit(word)?,
        Some(_) => return Err(Error::Syntax),
    };
    let (set, out) = cx.read_as::<SortedSet>(cx.args.at(1))?;
    let scores = set.and_then(|set| set.score(one).zip(set.score(other)));
    match scores {
        Some((one, other)) => {
            let metres = distance(Place::of_score(one), Place::of_score(other));
            out.bulk(distance_text(metres, unit).as_bytes());
        }
        None => out.null(),
    }
    Ok(Flow::Done)
}

/// Digits behind the point of a degree, of which zeros at the end are left out.
const PLACES: u32 = 17;

pub(super) fn write_place(out: &mut Reply, place: Place) {
    out.array(2);
    for degrees in [place.lon, place.lat] {
        let text = format_fixed(degrees, PLACES);
        let text = text.trim_end_matches('0').trim_end_matches('.');
        match out.resp() {
            Resp::V2 => out.bulk(text.as_bytes()),
            Resp::V3 => out.raw(&[b",", text.as_bytes(), b"\r\n"].concat()),
        }
    }
}

pub(super) fn geopos<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, members) = (cx.args.at(1), cx.args.from(2));
    let (set, out) = cx.read_as::<SortedSet>(key)?;
    let mark = out.len();
    out.array(members.len());
    for member in members.iter() {
        match set.and_then(|set| set.score(member)) {
            Some(score) => write_place(out, Place::of_score(score)),
            None => out.null_array(),
        }
        check_reply(out.len() - mark)?;
    }
    Ok(Flow::Done)
}

/// The letters of standard geohashes.
const LETTERS: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";
/// Letters of a standard geohash: five bits each, the last of which there are no more bits for.
const LEN: u32 = 11;

pub(super) fn geohash<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, members) = (cx.args.at(1), cx.args.from(2));
    let (set, out) = cx.read_as::<SortedSet>(key)?;
    let mark = out.len();
    out.array(members.len());
    for member in members.iter() {
        match set.and_then(|set| set.score(member)) {
            Some(score) => {
                let place = Place::of_score(score);
                let bits = Cell::at(place, STEPS, STANDARD_LAT_MAX).bits();
                let letter = |at: u32| match (2 * u32::from(STEPS)).checked_sub(5 * (at + 1)) {
                    Some(shift) => LETTERS[(bits >> shift) as usize % LETTERS.len()],
                    None => LETTERS[0],
                };
                out.bulk(&(0..LEN).map(letter).collect::<Vec<_>>());
            }
            None => out.null(),
        }
        check_reply(out.len() - mark)?;
    }
    Ok(Flow::Done)
}
