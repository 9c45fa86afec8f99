//! Elements one behind the other in one run of bytes, to be walked from either end.
//!
//! Each has its length in front and, in mirror image, behind it: a string of up to 191 bytes in one
//! byte, a longer one in a mark and two or four bytes. A string that is how a whole number prints is
//! kept as that number, in as few bytes as it needs, and prints the same again.

use crate::numbers::parse_i64;
use crate::protocol::Reply;
use crate::types::tree::End;
use alloc::vec::Vec;

/// The longest string whose length takes one byte.
const SHORT: usize = 191;
/// The mark of a number of one byte; that of one of two is the next, and so on.
const NUMBER: u8 = 0xc0;
/// The mark of a number of eight bytes.
const NUMBER_LAST: u8 = NUMBER + 7;
/// The mark of a length of two bytes.
const WIDE: u8 = 0xfe;
/// The mark of a length of four bytes.
const WIDEST: u8 = 0xff;
/// Characters of the longest number.
const DIGITS: usize = 20;

/// An element of a list, where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Element<'a> {
    Text(&'a [u8]),
    /// The string that this number prints as.
    Number(i64),
}

impl<'a> Element<'a> {
    /// The element that a string is.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        match bytes {
            [b'-' | b'0'..=b'9', ..] if bytes.len() <= DIGITS => {
                parse_i64(bytes).map_or(Element::Text(bytes), Element::Number)
            }
            _ => Element::Text(bytes),
        }
    }

    /// The string that it is; a number is printed into `buffer`.
    pub(crate) fn bytes<'b>(&self, buffer: &'b mut itoa::Buffer) -> &'b [u8]
    where
        'a: 'b,
    {
        match self {
            Element::Text(text) => text,
            Element::Number(number) => buffer.format(*number).as_bytes(),
        }
    }

    /// Answers with it.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(crate) fn write(self, out: &mut Reply) {
        match self {
            Element::Text(text) => out.bulk(text),
            Element::Number(number) => out.bulk_integer(number),
        }
    }

    /// Bytes that it takes in a run.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn size(&self) -> usize {
        match self {
            Element::Text(text) => match text.len() {
                len @ ..=SHORT => len + 2,
                len if u16::try_from(len).is_ok() => len + 6,
                len => len + 10,
            },
            Element::Number(number) => width(*number) + 2,
        }
    }

    /// Writes it behind a run.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn append(self, run: &mut Vec<u8>) {
        match self {
            // Nothing so long is to be written twice.
            Element::Text(text) if text.len() > SHORT => append_long(text, run),
            _ => {
                let at = run.len();
                run.resize(at + self.size(), 0);
                self.place(run.get_mut(at..).unwrap_or_default());
            }
        }
    }

    /// Writes it to a place of its size.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn place(self, place: &mut [u8]) {
        match self {
            Element::Text(text) if text.len() <= SHORT => {
                if let [front, middle @ .., back] = place {
                    (*front, *back) = (text.len() as u8, text.len() as u8);
                    middle.copy_from_slice(text);
                }
            }
            Element::Text(text) => place_long(text, place),
            Element::Number(number) => {
                let width = width(number);
                if let [front, middle @ .., back] = place {
                    (*front, *back) = (NUMBER + width as u8 - 1, width as u8);
                    middle.copy_from_slice(&number.to_le_bytes()[..width]);
                }
            }
        }
    }
}

/// The mark of a long string, its length, and in how many bytes that is written.
fn long(text: &[u8]) -> (u8, [u8; 4], usize) {
    let len = text.len() as u32;
    let (mark, bytes) = if len <= u32::from(u16::MAX) { (WIDE, 2) } else { (WIDEST, 4) };
    (mark, len.to_le_bytes(), bytes)
}

fn place_long(text: &[u8], place: &mut [u8]) {
    let (mark, len, bytes) = long(text);
    let (front, rest) = place.split_at_mut(1 + bytes);
    let (middle, back) = rest.split_at_mut(text.len());
    front[0] = mark;
    front[1..].copy_from_slice(&len[..bytes]);
    middle.copy_from_slice(text);
    back[..bytes].copy_from_slice(&len[..bytes]);
    back[bytes] = mark;
}

fn append_long(text: &[u8], run: &mut Vec<u8>) {
    let (mark, len, bytes) = long(text);
    run.push(mark);
    run.extend_from_slice(&len[..bytes]);
    run.extend_from_slice(text);
    run.extend_from_slice(&len[..bytes]);
    run.push(mark);
}

/// Bytes that a number needs.
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
fn width(number: i64) -> usize {
    // One bit for the sign.
    let bits = 65 - (number ^ (number >> 63)).leading_zeros();
    bits.div_ceil(8) as usize
}

/// Takes the first element off.
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
pub(super) fn take_first<'a>(rest: &mut &'a [u8]) -> Option<Element<'a>> {
    let (&front, tail) = rest.split_first()?;
    let len = usize::from(front);
    if len > SHORT {
        return take_other(rest, front, tail);
    }
    let (text, tail) = tail.split_at_checked(len)?;
    *rest = tail.get(1..)?;
    Some(Element::Text(text))
}

fn take_other<'a>(rest: &mut &'a [u8], mark: u8, tail: &'a [u8]) -> Option<Element<'a>> {
    let (len, marks, tail) = match mark {
        NUMBER..=NUMBER_LAST => (usize::from(mark - NUMBER) + 1, 1, tail),
        WIDE => {
            let (len, tail) = tail.split_first_chunk()?;
            (usize::from(u16::from_le_bytes(*len)), 3, tail)
        }
        WIDEST => {
            let (len, tail) = tail.split_first_chunk()?;
            (u32::from_le_bytes(*len) as usize, 5, tail)
        }
        _ => return None,
    };
    let (bytes, tail) = tail.split_at_checked(len)?;
    *rest = tail.get(marks..)?;
    if mark > NUMBER_LAST {
        return Some(Element::Text(bytes));
    }
    let sign = if bytes.last()? & 0x80 == 0 { 0 } else { 0xff };
    let mut number = [sign; 8];
    number.get_mut(..len)?.copy_from_slice(bytes);
    Some(Element::Number(i64::from_le_bytes(number)))
}

/// Takes the last element off.
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
pub(super) fn take_last<'a>(rest: &mut &'a [u8]) -> Option<Element<'a>> {
    let (&back, front) = rest.split_last()?;
    let (len, marks) = match back {
        WIDE => (usize::from(u16::from_le_bytes(*front.last_chunk()?)), 3),
        WIDEST => (u32::from_le_bytes(*front.last_chunk()?) as usize, 5),
        len => (usize::from(len), 1),
    };
    let at = rest.len().checked_sub(len.checked_add(2 * marks)?)?;
    let (front, mut last) = rest.split_at_checked(at)?;
    *rest = front;
    take_first(&mut last)
}

/// Takes the element at an end off.
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
pub(super) fn take<'a>(rest: &mut &'a [u8], end: End) -> Option<Element<'a>> {
    match end {
        End::First => take_first(rest),
        End::Last => take_last(rest),
    }
}

/// Where the `index`th of `len` elements begins; the run's end if there is none.
pub(super) fn offset(run: &[u8], len: usize, index: usize) -> usize {
    let mut rest = run;
    if index <= len / 2 {
        for _ in 0..index {
            take_first(&mut rest);
        }
        return run.len() - rest.len();
    }
    for _ in index..len {
        take_last(&mut rest);
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn run(elements: &[&[u8]]) -> Vec<u8> {
        let mut run = Vec::new();
        for (i, element) in elements.iter().enumerate() {
            let element = Element::of(element);
            let mut place = vec![0; element.size()];
            element.place(&mut place);
            element.append(&mut run);
            assert!(run.ends_with(&place), "{i}");
        }
        run
    }

    #[test]
    fn elements_are_walked_from_both_ends() {
        let lengths = [0, 1, 190, 191, 192, 254, 255, 256, 65535, 65536, 70000];
        let mut elements: Vec<Vec<u8>> = lengths.iter().map(|&len| vec![b'x'; len]).collect();
        for number in ["0", "-1", "127", "128", "-128", "-129", "32767", "32768", "-32769"] {
            elements.push(number.into());
        }
        for number in [i64::MAX, i64::MIN, 1 << 31, (1 << 47) - 1, -(1 << 55), 1 << 55] {
            elements.push(alloc::format!("{number}").into());
        }
        for text in ["-0", "007", "+5", "-", "9223372036854775808", "1.5", "123456789012345678901"]
        {
            elements.push(text.into());
        }
        let all: Vec<&[u8]> = elements.iter().map(Vec::as_slice).collect();
        let run = run(&all);
        let mut buffer = itoa::Buffer::new();
        let (mut rest, mut seen) = (&run[..], Vec::new());
        while let Some(element) = take_first(&mut rest) {
            seen.push(element.bytes(&mut buffer).to_vec());
        }
        assert_eq!((seen, rest), (elements.clone(), &b""[..]));
        let (mut rest, mut seen) = (&run[..], Vec::new());
        while let Some(element) = take_last(&mut rest) {
            seen.push(element.bytes(&mut buffer).to_vec());
        }
        seen.reverse();
        assert_eq!((&seen, rest), (&elements, &b""[..]));
        for (i, element) in elements.iter().enumerate() {
            let mut rest = &run[offset(&run, elements.len(), i)..];
            assert_eq!(take_first(&mut rest), Some(Element::of(element)));
        }
        assert_eq!(offset(&run, elements.len(), elements.len()), run.len());
    }

    #[test]
    fn numbers_take_what_they_need() {
        for (text, size) in [("7", 3), ("-128", 3), ("128", 4), ("99999", 5), ("1000000", 5)] {
            assert_eq!(Element::of(text.as_bytes()).size(), size, "{text}");
        }
    }

    /// A loader checks what it reads, but until then any bytes may stand here.
    #[test]
    fn any_bytes_can_be_walked() {
        let mut random = crate::random::Random::new(5);
        for _ in 0..20_000 {
            let len = random.below(12) as usize;
            let bytes: Vec<u8> = (0..len)
                .map(|_| match random.below(3) {
                    0 => random.below(256) as u8,
                    1 => random.below(4) as u8,
                    _ => [WIDE, WIDEST, NUMBER, NUMBER_LAST][random.below(4) as usize],
                })
                .collect();
            for end in [End::First, End::Last] {
                let mut rest = &bytes[..];
                while take(&mut rest, end).is_some() {}
            }
            for index in 0..6 {
                assert!(offset(&bytes, 6, index) <= bytes.len());
            }
        }
    }
}
