//! BITCOUNT and BITPOS: bits of a string, or of a part of it, gone through.

use crate::commands::arguments::{Words, integer, is_word};
use crate::commands::{Error, Flow, Outcome};
use crate::node::Cx;
use crate::observer::Observer;
use core::ops::Range;

/// A part of a string, as it is asked for: both ends included, from the end when negative.
struct Part {
    start: i64,
    /// `None`: the string's end.
    end: Option<i64>,
    in_bits: bool,
}

impl Part {
    /// Reads `[start [end [BYTE | BIT]]]`, as Redis does: the unit before the end.
    fn parse(mut words: Words<'_>) -> Result<Self, Error> {
        if words.left() > 3 {
            return Err(Error::Syntax);
        }
        let start = if words.left() > 0 { words.integer()? } else { 0 };
        let (end, unit) = (words.take(), words.take());
        let in_bits = unit.is_some_and(|unit| is_word(unit, "bit"));
        if unit.is_some_and(|unit| !in_bits && !is_word(unit, "byte")) {
            return Err(Error::Syntax);
        }
        Ok(Part { start, end: end.map(integer).transpose()?, in_bits })
    }

    /// The bits of a string that are meant. A negative place before the first one means the first.
    fn range(&self, len: usize) -> Range<u64> {
        let unit = if self.in_bits { 1 } else { 8 };
        let whole = (len as i64).saturating_mul(8 / unit);
        let from_front = |at: i64| if at < 0 { at.saturating_add(whole).max(0) } else { at };
        let start = from_front(self.start);
        let end = from_front(self.end.unwrap_or(-1)).min(whole - 1);
        if start > end {
            return 0..0;
        }
        start.saturating_mul(unit) as u64..(end + 1).saturating_mul(unit) as u64
    }
}

pub(super) fn bitcount<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let part = Part::parse(Words::new(cx.args.from(2)))?;
    let (value, out) = cx.read_string(cx.args.at(1))?;
    let value = value.unwrap_or_default();
    let backwards = part.end.is_some_and(|end| part.start < 0 && end < 0 && part.start > end);
    let range = if backwards { 0..0 } else { part.range(value.len()) };
    out.integer(ones(value, range) as i64);
    Ok(Flow::Done)
}

pub(super) fn bitpos<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let bit = match integer(cx.args.at(2))? {
        0 => false,
        1 => true,
        _ => return Err(Error::Text("ERR The bit argument must be 1 or 0.")),
    };
    let part = Part::parse(Words::new(cx.args.from(3)))?;
    let (value, out) = cx.read_string(cx.args.at(1))?;
    let Some(value) = value else {
        // What isn't there is zeros without end.
        out.integer(if bit { -1 } else { 0 });
        return Ok(Flow::Done);
    };
    let range = part.range(value.len());
    let zero_follows = !bit && part.end.is_none() && !range.is_empty();
    let behind = zero_follows.then_some(range.end);
    out.integer(first(value, range, bit).or(behind).map_or(-1, |at| at as i64));
    Ok(Flow::Done)
}

/// The bits of a byte that lie in a range, where the byte's first one is at `from`.
fn mask(from: u64, range: &Range<u64>) -> u8 {
    let before = range.start.saturating_sub(from).min(8) as u32;
    let behind = (from + 8).saturating_sub(range.end).min(8) as u32;
    0xffu8.checked_shr(before).unwrap_or(0) & 0xffu8.checked_shl(behind).unwrap_or(0)
}

/// A range of bits as the bytes that it touches. It lies within the string.
fn touched(range: &Range<u64>) -> Range<usize> {
    (range.start / 8) as usize..range.end.div_ceil(8) as usize
}

/// How many bits of a range are set.
fn ones(bytes: &[u8], range: Range<u64>) -> u64 {
    let touched = touched(&range);
    let Some([first, middle @ ..]) = bytes.get(touched.clone()) else { return 0 };
    let at = |i: usize| i as u64 * 8;
    let mut sum = u64::from((first & mask(at(touched.start), &range)).count_ones());
    let Some((last, middle)) = middle.split_last() else { return sum };
    sum += u64::from((last & mask(at(touched.end - 1), &range)).count_ones());
    let (words, rest) = middle.as_chunks::<8>();
    sum += words.iter().map(|&w| u64::from(u64::from_le_bytes(w).count_ones())).sum::<u64>();
    sum + rest.iter().map(|b| u64::from(b.count_ones())).sum::<u64>()
}

/// Where the first bit of a range lies that is as asked.
fn first(bytes: &[u8], range: Range<u64>, bit: bool) -> Option<u64> {
    let touched = touched(&range);
    let run = bytes.get(touched.clone())?;
    let none = if bit { 0 } else { 0xff };
    // A byte at an end may hold such bits outside the range; those between hold none.
    let mut i = 0;
    while i < run.len() {
        let from = (touched.start + i) as u64 * 8;
        let hits = (run[i] ^ none) & mask(from, &range);
        if hits != 0 {
            return Some(from + u64::from(hits.leading_zeros()));
        }
        i += 1;
        let (words, _) = run[i..].as_chunks::<8>();
        i += 8 * words.iter().take_while(|word| **word == [none; 8]).count();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bit(bytes: &[u8], at: u64) -> bool {
        bytes[(at / 8) as usize] >> (7 - at % 8) & 1 == 1
    }

    proptest! {
        #[test]
        fn bits_are_counted_and_found_as_one_by_one(
            bytes in prop::collection::vec(prop_oneof![Just(0u8), Just(0xff), any::<u8>()], 0..40),
            ends in (0u64..330, 0u64..330),
        ) {
            let len = bytes.len() as u64 * 8;
            let range = ends.0.min(ends.1).min(len)..ends.0.max(ends.1).min(len);
            let set = range.clone().filter(|&at| bit(&bytes, at)).count();
            prop_assert_eq!(ones(&bytes, range.clone()), set as u64);
            for wanted in [false, true] {
                let found = range.clone().find(|&at| bit(&bytes, at) == wanted);
                prop_assert_eq!(first(&bytes, range.clone(), wanted), found);
            }
        }
    }
}
