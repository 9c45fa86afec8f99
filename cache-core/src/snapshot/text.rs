//! Strings as files have them: raw, as integers, or compressed.

use super::input::{Input, Length, Read, Stop, bad, special};
use super::lzf::{self, Unpacker};
use alloc::borrow::Cow;
use alloc::vec::Vec;

/// A string of more bytes is taken in as it comes; a shorter one is waited for.
const LONG: u64 = 64 * 1024;

/// What is set aside from one string to the next, in bytes, at the most.
const SCRATCH: usize = 256 * 1024;

/// A string that is being taken in.
#[derive(Clone, Debug)]
struct Long {
    bytes: Vec<u8>,
    /// Bytes that are to come.
    left: u64,
    /// Bytes that it will have.
    len: u64,
    unpacker: Option<Unpacker>,
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
        if self.long.is_none()
            && let Some(text) = input.whole(|input| self.begin(input))?
        {
            return Ok(Cow::Borrowed(text.unwrap_or(&self.scratch)));
        }
        let Some(long) = &mut self.long else { return Err(Stop::More) };
        long.take_in(input)?;
        let bytes = core::mem::take(&mut long.bytes);
        self.long = None;
        Ok(Cow::Owned(bytes))
    }

    /// Reads a string where it lies, or into `scratch` (an inner `None`); or begins to take it in
    /// (`None`).
    fn begin<'i>(&mut self, input: &mut Input<'i>) -> Read<Option<Option<&'i [u8]>>> {
        if self.scratch.capacity() > SCRATCH {
            self.scratch = Vec::new();
        }
        let (left, len, unpacker) = match input.length()? {
            Length::Plain(len) if len <= LONG => return Ok(Some(Some(input.take(len as usize)?))),
            Length::Plain(len) => (len, len, None),
            Length::Special(special::LZF) => {
                let (packed, len) = (input.count()?, input.count()?);
                let size = usize::try_from(len).ok().filter(|_| lzf::is_possible(packed, len));
                let Some(size) = size else {
                    return bad("a compressed string says that it is longer than it can be");
                };
                if packed <= LONG {
                    lzf::unpack(input.take(packed as usize)?, size, &mut self.scratch)?;
                    return Ok(Some(None));
                }
                (packed, len, Some(Unpacker::new(size)))
            }
            Length::Special(how) => {
                let number = match how {
                    special::INT8 => input.int::<1>()?,
                    special::INT16 => input.int::<2>()?,
                    special::INT32 => input.int::<4>()?,
                    _ => return bad("a string is written in a way that nobody knows"),
                };
                self.scratch.clear();
                let mut digits = itoa::Buffer::new();
                self.scratch.extend_from_slice(digits.format(number).as_bytes());
                return Ok(Some(None));
            }
        };
        self.long = Some(Long { bytes: Vec::new(), left, len, unpacker });
        Ok(None)
    }
}

impl Long {
    fn take_in(&mut self, input: &mut Input<'_>) -> Read<()> {
        while self.left > 0 {
            let more = input.take_some(self.left.min(LONG));
            if more.is_empty() {
                return Err(Stop::More);
            }
            self.left -= more.len() as u64;
            match &mut self.unpacker {
                None => {
                    reserve(&mut self.bytes, more.len(), self.len)?;
                    self.bytes.extend_from_slice(more);
                }
                Some(unpacker) => {
                    // What so many bytes can stand for, at the most.
                    reserve(&mut self.bytes, lzf::most(more.len()), self.len)?;
                    unpacker.unpack(more, &mut self.bytes)?;
                }
            }
        }
        match &self.unpacker {
            Some(unpacker) => unpacker.finish(&self.bytes),
            None => Ok(()),
        }
    }
}

/// Room for more bytes, of which there will be `len`: so much that bytes are moved a few times only,
/// but no more than there will be, and little while few have come, whatever is said to come.
fn reserve(bytes: &mut Vec<u8>, more: usize, len: u64) -> Read<()> {
    if bytes.capacity() - bytes.len() >= more {
        return Ok(());
    }
    let to_come = usize::try_from(len).unwrap_or(usize::MAX).saturating_sub(bytes.len());
    let wanted = more.max(bytes.len()).min(to_come);
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
