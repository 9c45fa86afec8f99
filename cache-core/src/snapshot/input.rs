//! Bytes that have come, to be read until they end in the middle of something.
//!
//! What can't be read whole leaves the place where it was, so that reading goes on there when more has
//! come.

use alloc::borrow::Cow;

/// What is wrong with a snapshot.
pub(super) type Problem = Cow<'static, str>;

/// Why reading stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// What is to be read next hasn't come as a whole.
    More,
    /// It can't be read.
    Bad(Problem),
}

pub(super) type Read<T> = Result<T, Stop>;

/// A problem that has always the same text.
pub(super) fn bad<T>(problem: &'static str) -> Read<T> {
    Err(Stop::Bad(Cow::Borrowed(problem)))
}

/// What stands where a length is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    Plain(u64),
    /// No length, but a way to write a string.
    Special(u8),
}

/// Strings that are integers of one, two or four bytes, and those that are compressed.
pub(super) mod special {
    pub(in super::super) const INT8: u8 = 0;
    pub(in super::super) const INT16: u8 = 1;
    pub(in super::super) const INT32: u8 = 2;
    pub(in super::super) const LZF: u8 = 3;
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Input { bytes, at: 0 }
    }

    /// How many bytes have been read.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Those that have not.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Reads several things, or none of them.
    pub(super) fn whole<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        let at = self.at;
        let result = read(self);
        if result.is_err() {
            self.at = at;
        }
        result
    }

    #[inline]
    pub(super) fn take(&mut self, len: usize) -> Read<&'a [u8]> {
        let taken = self.rest().get(..len).ok_or(Stop::More)?;
        self.at += len;
        Ok(taken)
    }

    /// Takes what there is, at most so many bytes.
    pub(super) fn take_some(&mut self, most: u64) -> &'a [u8] {
        let rest = self.rest();
        let len = usize::try_from(most).unwrap_or(usize::MAX).min(rest.len());
        self.at += len;
        rest.get(..len).unwrap_or_default()
    }

    #[inline]
    pub(super) fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        let taken = *self.rest().first_chunk().ok_or(Stop::More)?;
        self.at += N;
        Ok(taken)
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Read<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u32_le(&mut self) -> Read<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// An integer of so many bytes with a sign, the least one first.
    pub(super) fn int<const N: usize>(&mut self) -> Read<i64> {
        let bytes = self.array::<N>()?;
        let is_negative = bytes.last().is_some_and(|last| last & 0x80 != 0);
        let mut wide = [if is_negative { 0xff } else { 0 }; 8];
        wide.iter_mut().zip(bytes).for_each(|(wide, byte)| *wide = byte);
        Ok(i64::from_le_bytes(wide))
    }

    pub(super) fn u64_le(&mut self) -> Read<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// A moment in milliseconds. What lies before 1970 is long past.
    pub(super) fn moment(&mut self) -> Read<u64> {
        let ms = self.array().map(i64::from_le_bytes)?;
        Ok(u64::try_from(ms).unwrap_or(1))
    }

    #[inline]
    pub(super) fn length(&mut self) -> Read<Length> {
        self.whole(|input| {
            let first = input.byte()?;
            let low = first & 0x3f;
            Ok(Length::Plain(match (first >> 6, first) {
                (0, _) => low.into(),
                (1, _) => u64::from(low) << 8 | u64::from(input.byte()?),
                (2, 0x80) => u32::from_be_bytes(input.array()?).into(),
                (2, 0x81) => u64::from_be_bytes(input.array()?),
                (2, _) => return bad("what is no length stands where one should"),
                _ => return Ok(Length::Special(low)),
            }))
        })
    }

    /// A length that must be one.
    #[inline]
    pub(super) fn count(&mut self) -> Read<u64> {
        match self.length()? {
            Length::Plain(count) => Ok(count),
            Length::Special(_) => bad("a string stands where a number should"),
        }
    }
}
