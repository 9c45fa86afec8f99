//! Strings as files have them: raw, as integers, or compressed.

use super::input::{Input, Length, Read, Stop, bad, special};
use alloc::borrow::Cow;
use alloc::vec::Vec;

/// A string of more bytes is taken in as it comes; a shorter one is waited for.
const LONG: u64 = 64 * 1024;

/// A string that is being taken in.
#[derive(Clone, Debug)]
struct Long {
    bytes: Vec<u8>,
    /// Bytes that are to come.
    left: u64,
}

/// Reads strings, one after the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Texts {
    long: Option<Long>,
    /// The last one, unless it could be read where it lies.
    scratch: Vec<u8>,
}

impl Texts {
    /// The next string. When it hasn't come as a whole, a part of it may have been taken in: the place
    /// has moved then.
    #[inline]
    pub(super) fn next<'t, 'i: 't>(&'t mut self, input: &mut Input<'i>) -> Read<Cow<'t, [u8]>> {
        if self.long.is_none()
            && let Some(text) = raw(input)
        {
            return Ok(Cow::Borrowed(text));
        }
        self.other(input)
    }

    fn other<'t, 'i: 't>(&'t mut self, input: &mut Input<'i>) -> Read<Cow<'t, [u8]>> {
        if self.long.is_none() {
            let start = *input;
            match input.length()? {
                Length::Plain(len) if len > LONG => {
                    self.long = Some(Long { bytes: Vec::new(), left: len });
                }
                Length::Plain(len) => match input.take(len as usize) {
                    Ok(text) => return Ok(Cow::Borrowed(text)),
                    Err(stop) => {
                        *input = start;
                        return Err(stop);
                    }
                },
                Length::Special(how) => {
                    let number = match integer(how, input) {
                        Ok(number) => number,
                        Err(stop) => {
                            *input = start;
                            return Err(stop);
                        }
                    };
                    self.scratch.clear();
                    let mut digits = itoa::Buffer::new();
                    self.scratch.extend_from_slice(digits.format(number).as_bytes());
                    return Ok(Cow::Borrowed(&self.scratch));
                }
            }
        }
        let Some(long) = &mut self.long else { return Err(Stop::More) };
        long.take_in(input)?;
        let bytes = core::mem::take(&mut long.bytes);
        self.long = None;
        Ok(Cow::Owned(bytes))
    }
}

impl Long {
    fn take_in(&mut self, input: &mut Input<'_>) -> Read<()> {
        let more = input.take_some(self.left);
        reserve(&mut self.bytes, more.len(), self.left)?;
        self.bytes.extend_from_slice(more);
        self.left -= more.len() as u64;
        if self.left > 0 { Err(Stop::More) } else { Ok(()) }
    }
}

/// Room for more bytes: at least twice as many as there are, but not more than are to come, whatever
/// is said to come.
fn reserve(bytes: &mut Vec<u8>, more: usize, most: u64) -> Read<()> {
    if bytes.capacity() - bytes.len() >= more {
        return Ok(());
    }
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let wanted = more.max(bytes.len()).min(most.max(more));
    bytes.try_reserve_exact(wanted).or_else(|_| bad("no memory for a string"))
}

/// A short raw string that has come as a whole.
#[inline]
fn raw<'a>(input: &mut Input<'a>) -> Option<&'a [u8]> {
    let (&len, rest) = input.rest().split_first()?;
    if len >= 0x40 {
        return None;
    }
    rest.get(..usize::from(len))?;
    let taken = input.take(usize::from(len) + 1).ok()?;
    taken.get(1..)
}

fn integer(how: u8, input: &mut Input<'_>) -> Read<i64> {
    Ok(match how {
        special::INT8 => i8::from_le_bytes(input.array()?).into(),
        special::INT16 => i16::from_le_bytes(input.array()?).into(),
        special::INT32 => i32::from_le_bytes(input.array()?).into(),
        _ => return bad("a string is written in a way that nobody knows"),
    })
}
