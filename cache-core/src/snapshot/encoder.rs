//! Writing numbers and strings as files have them.

use super::input::special;
use crate::numbers::parse_i64;
use alloc::vec::Vec;

/// Characters of the longest integer that is written as one: those of an `i32`.
const DIGITS: usize = 11;

#[derive(Clone, Debug, Default)]
pub(super) struct Encoder {
    pub(super) out: Vec<u8>,
}

impl Encoder {
    #[inline]
    pub(super) fn byte(&mut self, byte: u8) {
        self.out.push(byte);
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    #[inline]
    pub(super) fn length(&mut self, len: u64) {
        if len < 1 << 6 {
            self.byte(len as u8);
        } else if len < 1 << 14 {
            self.bytes(&(len as u16 | 1 << 14).to_be_bytes());
        } else if let Ok(len) = u32::try_from(len) {
            self.byte(0x80);
            self.bytes(&len.to_be_bytes());
        } else {
            self.byte(0x81);
            self.bytes(&len.to_be_bytes());
        }
    }

    /// A string.
    #[inline]
    pub(super) fn text(&mut self, text: &[u8]) {
        if text.len() > DIGITS || !self.integer(text) {
            self.length(text.len() as u64);
            self.bytes(text);
        }
    }

    /// A string that is an integer of four bytes at the most. `false`: it is none.
    fn integer(&mut self, text: &[u8]) -> bool {
        let number = match text.first() {
            Some(b'-' | b'0'..=b'9') => parse_i64(text).and_then(|n| i32::try_from(n).ok()),
            _ => None,
        };
        let Some(number) = number else { return false };
        if let Ok(number) = i8::try_from(number) {
            self.bytes(&[0xc0 | special::INT8, number as u8]);
        } else if let Ok(number) = i16::try_from(number) {
            self.byte(0xc0 | special::INT16);
            self.bytes(&number.to_le_bytes());
        } else {
            self.byte(0xc0 | special::INT32);
            self.bytes(&number.to_le_bytes());
        }
        true
    }
}
