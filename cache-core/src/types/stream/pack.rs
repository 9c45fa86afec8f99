//! Numbers and strings in as few bytes as will do.
//!
//! A number takes a byte for each seven bits. A string begins with a byte that says what it is:
//!
//! | byte | what |
//! |---|---|
//! | 0 to 127 | a string that spells this integer |
//! | 128 to 223 | a string of 0 to 95 bytes, which follow |
//! | 224 to 231 | a string that spells an integer of 1 to 8 bytes, zigzag, least byte first |
//! | 232 | a longer string: its length as a number, and the bytes |
//! | 255 | none of these: whoever packs strings knows what else it may be |
//!
//! Reading stops (`None`) where bytes are missing, whatever they say.

use crate::numbers::parse_i64;
use alloc::vec::Vec;

const TEXT: u8 = 128;
const TEXT_LIMIT: usize = 96;
const INTEGER: u8 = 224;
const LONG_TEXT: u8 = 232;
/// In the place of a value: that of the block's first entry.
pub(super) const AS_FIRST: u8 = 255;

/// The longest text of an integer: `-9223372036854775808`.
const INTEGER_LIMIT: usize = 20;

/// A packed string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamText<'a> {
    Text(&'a [u8]),
    Integer(i64),
}

impl StreamText<'_> {
    /// Whether it is this one.
    pub(super) fn is(self, text: &[u8]) -> bool {
        match self {
            StreamText::Text(own) => own == text,
            StreamText::Integer(number) => as_integer(text) == Some(number),
        }
    }

    /// The string.
    pub(crate) fn to_vec(self) -> Vec<u8> {
        match self {
            StreamText::Text(text) => text.to_vec(),
            StreamText::Integer(number) => itoa::Buffer::new().format(number).as_bytes().to_vec(),
        }
    }
}

/// Reads digits alone.
pub(super) fn parse_u64(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u64, |value, &digit| {
        let digit = digit.wrapping_sub(b'0');
        let value = if digit > 9 { None } else { value.checked_mul(10) };
        value?.checked_add(u64::from(digit))
    })
}

/// The integer that a string spells, if it is one and spelled as usual.
pub(super) fn as_integer(text: &[u8]) -> Option<i64> {
    match text {
        [b'0'..=b'9' | b'-', ..] if text.len() <= INTEGER_LIMIT => parse_i64(text),
        _ => None,
    }
}

pub(super) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

pub(super) fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let (&first, rest) = bytes.split_first()?;
    *bytes = rest;
    if first < 0x80 {
        return Some(u64::from(first));
    }
    let mut number = u64::from(first & 0x7f);
    for shift in (7..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    Some(number)
}

/// Appends a string; `integer` is what it spells.
pub(super) fn put_packed(out: &mut Vec<u8>, text: &[u8], integer: Option<i64>) {
    match integer {
        Some(number @ 0..=127) => out.push(number as u8),
        Some(number) => {
            let zigzag = ((number << 1) ^ (number >> 63)) as u64;
            let len = (64 - zigzag.leading_zeros()).div_ceil(8).max(1) as u8;
            out.push(INTEGER + len - 1);
            out.extend_from_slice(&zigzag.to_le_bytes()[..usize::from(len)]);
        }
        None if text.len() < TEXT_LIMIT => {
            out.push(TEXT + text.len() as u8);
            out.extend_from_slice(text);
        }
        None => {
            out.push(LONG_TEXT);
            put_text(out, text);
        }
    }
}

pub(super) fn take_packed<'a>(bytes: &mut &'a [u8]) -> Option<StreamText<'a>> {
    let (&first, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(match first {
        0..TEXT => StreamText::Integer(i64::from(first)),
        TEXT..INTEGER => StreamText::Text(take_bytes(bytes, u64::from(first - TEXT))?),
        INTEGER..LONG_TEXT => {
            let mut zigzag = [0; 8];
            let digits = take_bytes(bytes, u64::from(first - INTEGER) + 1)?;
            zigzag.get_mut(..digits.len())?.copy_from_slice(digits);
            let zigzag = u64::from_le_bytes(zigzag);
            StreamText::Integer((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64))
        }
        LONG_TEXT => StreamText::Text(take_text(bytes)?),
        _ => return None,
    })
}

/// Appends a string with its length and nothing else.
pub(super) fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    put_number(out, text.len() as u64);
    out.extend_from_slice(text);
}

pub(super) fn take_text<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = take_number(bytes)?;
    take_bytes(bytes, len)
}

pub(super) fn take_bytes<'a>(bytes: &mut &'a [u8], len: u64) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(usize::try_from(len).ok()?)?;
    *bytes = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn what_is_packed_comes_out_again() {
        let mut texts: Vec<Vec<u8>> = [0, 1, 20, 21, 95, 96, 127, 128, 300, 70_000]
            .iter()
            .flat_map(|&len| [vec![b'x'; len], vec![b'1'; len], vec![b'-'; len]])
            .collect();
        for bits in 0..64 {
            for number in [1i64 << bits, i64::MAX >> bits, -1 << bits, i64::MIN + bits] {
                texts.push(itoa::Buffer::new().format(number).as_bytes().to_vec());
            }
        }
        for text in ["-0", "007", "+1", "9223372036854775808", " 1", "1 "] {
            texts.push(text.as_bytes().to_vec());
        }
        let mut bytes = Vec::new();
        for text in &texts {
            put_packed(&mut bytes, text, as_integer(text));
        }
        let mut rest = &bytes[..];
        for text in &texts {
            assert_eq!(take_packed(&mut rest).map(StreamText::to_vec).as_ref(), Some(text));
        }
        assert_eq!(take_packed(&mut rest), None);
    }

    #[test]
    fn numbers_come_out_again() {
        let mut bytes = Vec::new();
        let numbers: Vec<u64> = (0..64).flat_map(|bit| [1 << bit, u64::MAX >> bit]).collect();
        numbers.iter().for_each(|&number| put_number(&mut bytes, number));
        let mut rest = &bytes[..];
        for number in numbers {
            assert_eq!(take_number(&mut rest), Some(number));
        }
        assert_eq!(take_number(&mut rest), None);
    }

    #[test]
    fn bytes_that_are_cut_short_are_no_string() {
        for bytes in [&[TEXT + 3, b'a', b'b'][..], &[INTEGER + 7, 1], &[LONG_TEXT], &[255, 5, 1]] {
            assert_eq!(take_packed(&mut &*bytes), None, "{bytes:?}");
        }
        let huge = [LONG_TEXT, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255];
        assert_eq!(take_packed(&mut &huge[..]), None);
    }
}
