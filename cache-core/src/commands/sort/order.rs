//! The order of elements: by number or by bytes, their own or those of other keys.

use super::Wanted;
use super::pattern::Pattern;
use crate::commands::Error;
use crate::node::{Cx, check_reply};
use crate::numbers::parse_f64;
use crate::observer::Observer;
use crate::protocol::Frame;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::ops::Range;

/// Places of elements in order, those of a range of it.
pub(super) fn of<O: Observer>(
    cx: &mut Cx<'_, O>,
    elements: &Frame,
    wanted: &Wanted<'_>,
    range: Range<usize>,
) -> Result<Vec<usize>, Error> {
    let args = elements.args();
    // What is alike otherwise is compared byte by byte, so that the order is the same everywhere.
    let by_bytes = |a: usize, b: usize| args.at(a).cmp(args.at(b));
    let sorted = |compare: &dyn Fn(usize, usize) -> Ordering| {
        let descending = wanted.descending;
        pick(args.len(), range.clone(), |a, b| {
            let order = compare(a, b).then_with(|| by_bytes(a, b));
            if descending { order.reverse() } else { order }
        })
    };
    Ok(match (wanted.by, wanted.alpha) {
        (None, true) => sorted(&by_bytes),
        (Some(pattern), true) => {
            let values = values(cx, elements, pattern)?;
            sorted(&|a, b| values[a].cmp(&values[b]))
        }
        (by, false) => {
            let numbers = numbers(cx, elements, by)?;
            sorted(&|a, b| numbers[a].partial_cmp(&numbers[b]).unwrap_or(Ordering::Equal))
        }
    })
}

/// The places from 0 to `len`, in order, those of a range of it.
fn pick(
    len: usize,
    range: Range<usize>,
    compare: impl Fn(usize, usize) -> Ordering,
) -> Vec<usize> {
    let mut places: Vec<usize> = (0..len).collect();
    let compare = |a: &usize, b: &usize| compare(*a, *b);
    // The others are only set aside.
    if range.end < places.len() {
        places.select_nth_unstable_by(range.end, compare);
        places.truncate(range.end);
    }
    if range.start > 0 && range.start < places.len() {
        places.select_nth_unstable_by(range.start, compare);
    }
    places.drain(..range.start.min(places.len()));
    places.sort_unstable_by(compare);
    places
}

/// What the pattern means for each element; what isn't there comes first.
fn values<O: Observer>(
    cx: &mut Cx<'_, O>,
    elements: &Frame,
    pattern: Pattern<'_>,
) -> Result<Vec<Option<Vec<u8>>>, Error> {
    let (mut values, mut bytes) = (Vec::new(), 0);
    for element in elements.args().iter() {
        pattern.read(cx, element, &mut |_, value| {
            values.push(value.map(<[u8]>::to_vec));
            bytes += value.unwrap_or_default().len();
            check_reply(bytes)
        })?;
    }
    Ok(values)
}

/// The number of each element, or what the pattern means for it; 0 for what isn't there.
fn numbers<O: Observer>(
    cx: &mut Cx<'_, O>,
    elements: &Frame,
    by: Option<Pattern<'_>>,
) -> Result<Vec<f64>, Error> {
    let by = by.unwrap_or(Pattern::Element);
    let (mut numbers, mut wrong) = (Vec::new(), false);
    for element in elements.args().iter() {
        by.read(cx, element, &mut |_, value| {
            let number = value.map_or(Some(0.0), number);
            wrong |= number.is_none();
            numbers.push(number.unwrap_or_default());
            Ok(())
        })?;
    }
    match wrong {
        true => Err(Error::Text("ERR One or more scores can't be converted into double")),
        false => Ok(numbers),
    }
}

/// A number; one that is too large or too small for a float is none.
fn number(text: &[u8]) -> Option<f64> {
    let number = parse_f64(text)?;
    let mantissa = text.split(|byte| matches!(byte, b'e' | b'E')).next().unwrap_or_default();
    let lost = match number {
        0.0 => mantissa.iter().any(|byte| matches!(byte, b'1'..=b'9')),
        number => number.is_infinite() && text.iter().any(u8::is_ascii_digit),
    };
    (!lost).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_range_of_an_order_is_what_sorting_all_gives(
            values in prop::collection::vec(0u8..20, 0..60), from in 0usize..70, len in 0usize..70
        ) {
            let compare = |a: usize, b: usize| values[a].cmp(&values[b]).then(a.cmp(&b));
            let mut all: Vec<usize> = (0..values.len()).collect();
            all.sort_by(|a, b| compare(*a, *b));
            let range = from.min(all.len())..(from + len).min(all.len());
            prop_assert_eq!(pick(values.len(), range.clone(), compare), &all[range]);
        }
    }
}
