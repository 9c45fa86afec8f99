//! Writing numbers and strings as files have them.

use super::input::special;
use super::lzf::Packer;
use super::packed::Listpack;
use crate::numbers::parse_i64;
use alloc::vec::Vec;

/// Strings of fewer bytes are not compressed, as in Redis; nor are those of more, since each is
/// compressed in one go.
pub(super) const COMPRESSED: core::ops::RangeInclusive<usize> = 21..=256 * 1024;
/// Characters of the longest integer that is written as one: those of an `i32`.
const DIGITS: usize = 11;

#[derive(Clone, Debug, Default)]
pub(super) struct Encoder {
    pub(super) out: Vec<u8>,
    /// What compresses strings, if they are to be.
    packer: Option<Packer>,
    /// Kept for its memory.
    pub(super) listpack: Listpack,
}

impl Encoder {
    pub(super) fn new(compresses: bool) -> Self {
        let packer = compresses.then(Packer::default);
        Encoder { packer, ..Encoder::default() }
    }

    #[inline]
    pub(super) fn byte(&mut self, byte: u8) {
        self.out.push(byte);
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    #[inline]
    pub(super) fn length(&mut self, len: u64) {
        put_length(&mut self.out, len);
    }

    /// A string.
    #[inline]
    pub(super) fn text(&mut self, text: &[u8]) {
        if text.len() <= DIGITS && self.integer(text) {
            return;
        }
        if COMPRESSED.contains(&text.len())
            && let Some(packed) = self.packer.as_mut().and_then(|packer| packer.pack(text))
        {
            put_packed(&mut self.out, packed, text.len());
            return;
        }
        self.length(text.len() as u64);
        self.bytes(text);
    }

    /// The listpack that was made, as a string.
    pub(super) fn listpack(&mut self) {
        let mut listpack = core::mem::take(&mut self.listpack);
        self.text(listpack.finish());
        self.listpack = listpack;
    }

    /// A string that is an integer of four bytes at the most. `false`: it is none.
    fn integer(&mut self, text: &[u8]) -> bool {
        let number = match text.first() {
            Some(b'-' | b'0'..=b'9') => parse_i64(text),
            _ => None,
        };
        number.is_some_and(|number| self.short_number(number))
    }

    /// A string that spells this number.
    pub(super) fn number(&mut self, number: i64) {
        if !self.short_number(number) {
            self.text(itoa::Buffer::new().format(number).as_bytes());
        }
    }

    /// As [`number`](Self::number), in four bytes at the most. `false`: it takes more.
    fn short_number(&mut self, number: i64) -> bool {
        let Ok(number) = i32::try_from(number) else { return false };
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

#[inline]
fn put_length(out: &mut Vec<u8>, len: u64) {
    if len < 1 << 6 {
        out.push(len as u8);
    } else if len < 1 << 14 {
        out.extend_from_slice(&(len as u16 | 1 << 14).to_be_bytes());
    } else if let Ok(len) = u32::try_from(len) {
        out.push(0x80);
        out.extend_from_slice(&len.to_be_bytes());
    } else {
        out.push(0x81);
        out.extend_from_slice(&len.to_be_bytes());
    }
}

fn put_packed(out: &mut Vec<u8>, packed: &[u8], len: usize) {
    out.push(0xc0 | special::LZF);
    put_length(out, packed.len() as u64);
    put_length(out, len as u64);
    out.extend_from_slice(packed);
}
