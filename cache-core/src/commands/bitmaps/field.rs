//! BITFIELD: integers of any width that lie anywhere in a string.

use super::{at_least, bit_offset};
use crate::commands::arguments::{Words, is_word};
use crate::commands::{Error, Flow, Outcome};
use crate::config::Class;
use crate::node::Cx;
use crate::numbers::parse_i64;
use crate::observer::Observer;
use crate::protocol::Args;
use alloc::vec::Vec;

/// How an integer is kept: `i8`, `u63`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    signed: bool,
    /// 1 to 64, and 63 at the most for one without a sign.
    width: u32,
}

/// What to do with a number that doesn't fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Overflow {
    Wrap,
    Saturate,
    Fail,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Get,
    Set(i64),
    Add(i64),
}

#[derive(Clone, Copy, Debug)]
struct Operation {
    action: Action,
    overflow: Overflow,
    shape: Shape,
    /// Where its first bit lies.
    offset: u64,
}

pub(super) fn bitfield<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let operations = parse(cx)?;
    let writes = operations.iter().filter(|operation| operation.action != Action::Get);
    let Some(end) = writes.map(Operation::end).max() else { return read(cx, &operations) };
    let key = cx.args.at(1);
    let (bytes, grown) = at_least(cx, key, end.div_ceil(8))?;
    let (mut wrote, mut changed) = (false, grown);
    let answers: Vec<_> = (operations.iter())
        .map(|operation| {
            let old = operation.get(bytes);
            let answer = operation.run(bytes);
            wrote |= operation.action != Action::Get && answer.is_some();
            changed |= operation.get(bytes) != old;
            answer
        })
        .collect();
    if wrote && changed {
        cx.wrote(key, Class::STRING, "setbit");
    } else if grown {
        // As in Valkey nobody hears of it.
        cx.changed_within(key);
    }
    let out = cx.out();
    out.array(answers.len());
    for answer in answers {
        match answer {
            Some(number) => out.integer(number),
            None => out.null(),
        }
    }
    Ok(Flow::Done)
}

pub(super) fn bitfield_ro<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let operations = parse(cx)?;
    if operations.iter().any(|operation| operation.action != Action::Get) {
        return Err(Error::Text("ERR BITFIELD_RO only supports the GET subcommand"));
    }
    read(cx, &operations)
}

fn read<O: Observer>(cx: &mut Cx<'_, O>, operations: &[Operation]) -> Outcome {
    let (value, out) = cx.read_string(cx.args.at(1))?;
    let value = value.unwrap_or_default();
    out.array(operations.len());
    for operation in operations {
        out.integer(operation.get(value));
    }
    Ok(Flow::Done)
}

/// Reads what is to be done, all of it before any of it is done.
fn parse<O: Observer>(cx: &Cx<'_, O>) -> Result<Vec<Operation>, Error> {
    let mut words = Words::new(cx.args.from(2));
    let mut overflow = Overflow::Wrap;
    let mut operations = Vec::new();
    while words.left() > 0 {
        if words.left() > 1 && words.is("overflow") {
            overflow = parse_overflow(words.bytes()?)?;
            continue;
        }
        let (get, add, set) = (words.is("get"), words.is("incrby"), words.is("set"));
        let wanted = if get { 2 } else { 3 };
        if !(get || add || set) || words.left() < wanted {
            return Err(Error::Syntax);
        }
        let shape = Shape::parse(words.bytes()?).ok_or(Error::Text(
            "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported \
             but i64 is.",
        ))?;
        // `#n` is the place of the nth of integers that lie side by side.
        let (number, scale) = match words.bytes()? {
            [b'#', number @ ..] => (number, shape.width),
            number => (number, 1),
        };
        let offset = bit_offset(cx, number, scale, shape.width)?;
        let action = match get {
            true => Action::Get,
            false if add => Action::Add(words.integer()?),
            false => Action::Set(words.integer()?),
        };
        operations.push(Operation { action, overflow, shape, offset });
    }
    Ok(operations)
}

fn parse_overflow(word: &[u8]) -> Result<Overflow, Error> {
    let all = [("wrap", Overflow::Wrap), ("sat", Overflow::Saturate), ("fail", Overflow::Fail)];
    let found = all.into_iter().find(|(name, _)| is_word(word, name));
    let wrong = Error::Text("ERR Invalid OVERFLOW type specified");
    found.map(|(_, overflow)| overflow).ok_or(wrong)
}

/// Whether a BITFIELD, as far as it makes sense, changes nothing.
pub(in crate::commands) fn only_reads(args: Args<'_>) -> bool {
    let mut words = Words::new(args.from(2));
    while words.left() > 0 {
        let skipped = if words.is("get") {
            words.several(2).is_ok()
        } else {
            words.is("overflow") && words.several(1).is_ok()
        };
        if !skipped {
            return false;
        }
    }
    true
}

impl Shape {
    fn parse(text: &[u8]) -> Option<Self> {
        let (&kind, width) = text.split_first()?;
        let signed = match kind {
            b'i' => true,
            b'u' => false,
            _ => return None,
        };
        let most = if signed { 64 } else { 63 };
        let width = u32::try_from(parse_i64(width)?).ok().filter(|w| (1..=most).contains(w))?;
        Some(Shape { signed, width })
    }

    /// The least and the greatest number that fit.
    fn ends(self) -> (i128, i128) {
        match self.signed {
            true => (-(1 << (self.width - 1)), (1 << (self.width - 1)) - 1),
            false => (0, (1 << self.width) - 1),
        }
    }

    /// The number that bits mean, those above its width left aside.
    fn number(self, bits: u64) -> i64 {
        let above = 64 - self.width;
        match self.signed {
            true => (bits << above) as i64 >> above,
            false => (bits << above >> above) as i64,
        }
    }

    /// A sum as it is to be kept; `None`: it doesn't fit and is not to be kept.
    fn fit(self, number: i64, more: i64, overflow: Overflow) -> Option<i64> {
        let (least, most) = self.ends();
        let number = if self.signed { number.into() } else { i128::from(number as u64) };
        let sum = number + i128::from(more);
        // Redis, which counts the way up to the greatest number in 64 bits, takes one that is set
        // from too far below for one from above.
        let far_below = self.signed && self.width < 64 && most - number > i64::MAX.into();
        match overflow {
            _ if sum >= least && sum <= most => Some(sum as i64),
            Overflow::Wrap => Some(self.number(sum as u64)),
            Overflow::Saturate if sum > most || far_below => Some(most as i64),
            Overflow::Saturate => Some(least as i64),
            Overflow::Fail => None,
        }
    }
}

impl Operation {
    /// Where the bits end.
    fn end(&self) -> u64 {
        self.offset + u64::from(self.shape.width)
    }

    fn get(&self, bytes: &[u8]) -> i64 {
        self.shape.number(read_bits(bytes, self.offset, self.shape.width))
    }

    /// Does it and gives the answer; `None`: the number didn't fit, and nothing was done.
    fn run(&self, bytes: &mut [u8]) -> Option<i64> {
        let old = self.get(bytes);
        let (new, answers_new) = match self.action {
            Action::Get => return Some(old),
            Action::Set(number) => (self.shape.fit(number, 0, self.overflow)?, false),
            Action::Add(more) => (self.shape.fit(old, more, self.overflow)?, true),
        };
        write_bits(bytes, self.offset, self.shape.width, new as u64);
        Some(if answers_new { new } else { old })
    }
}

/// As many bytes as 64 bits can touch, and some more.
type Window = [u8; 16];

/// The bytes from that of a bit on, zeros behind the end, and how far the bits lie from the right.
fn window(bytes: &[u8], offset: u64, width: u32) -> (Window, usize, u32) {
    let at = usize::try_from(offset / 8).unwrap_or(usize::MAX);
    let mut window = Window::default();
    let there = bytes.get(at..).unwrap_or_default();
    let len = there.len().min(window.len());
    window[..len].copy_from_slice(&there[..len]);
    (window, at, 128 - width - (offset % 8) as u32)
}

fn read_bits(bytes: &[u8], offset: u64, width: u32) -> u64 {
    let (window, _, right) = window(bytes, offset, width);
    let bits = u128::from_be_bytes(window) >> right;
    (bits & ((1 << width) - 1)) as u64
}

/// Writes the low bits of a number, as far as there are bytes.
fn write_bits(bytes: &mut [u8], offset: u64, width: u32, bits: u64) {
    let (window, at, right) = window(bytes, offset, width);
    let mask = ((1u128 << width) - 1) << right;
    let bits = (u128::from(bits) << right) & mask;
    let new = (u128::from_be_bytes(window) & !mask | bits).to_be_bytes();
    let there = bytes.get_mut(at..).unwrap_or_default();
    let len = there.len().min(new.len());
    there[..len].copy_from_slice(&new[..len]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bits_are_read_and_written_as_one_by_one(
            mut bytes in prop::collection::vec(any::<u8>(), 0..24),
            offset in 0u64..200,
            width in 1u32..65,
            number: u64,
        ) {
            let model: Vec<bool> =
                (0..400).map(|at| bytes.get(at / 8).is_some_and(|b| b >> (7 - at % 8) & 1 == 1)).collect();
            let (from, to) = (offset as usize, offset as usize + width as usize);
            let read = model[from..to].iter().fold(0u64, |bits, &bit| bits << 1 | u64::from(bit));
            prop_assert_eq!(read_bits(&bytes, offset, width), read);
            write_bits(&mut bytes, offset, width, number);
            for at in 0..bytes.len() * 8 {
                let expected = match (from..to).contains(&at) {
                    true => number >> (to - 1 - at) & 1 == 1,
                    false => model[at],
                };
                prop_assert_eq!(bytes[at / 8] >> (7 - at % 8) & 1 == 1, expected, "{}", at);
            }
        }

        #[test]
        fn a_number_that_fits_is_itself_and_another_one_wraps(
            number: i64, signed: bool, width in 1u32..64
        ) {
            let shape = Shape { signed, width };
            let (least, most) = shape.ends();
            let kept = shape.fit(number, 0, Overflow::Wrap).map(i128::from);
            let range = most - least + 1;
            let wrapped = (i128::from(number) - least).rem_euclid(range) + least;
            prop_assert_eq!(kept, Some(wrapped));
            let fits = i128::from(number) == wrapped;
            prop_assert_eq!(shape.fit(number, 0, Overflow::Fail).is_some(), fits);
        }
    }
}
