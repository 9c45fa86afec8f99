//! How a key with its value lies in memory.
//!
//! A record is one run of bytes: flags, the key's length (LEB128, one byte for most), the key, when
//! it expires (8 bytes, only where it does or the record is long), the value, and the padding to
//! the size of its slot. So no record holds a pointer, and only the slot's size says how long the
//! value is.

use core::ops::Range;

/// What a record's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A string's bytes.
    String,
    /// The number of an object: a value in its large form.
    Object,
    /// These in their small form, as one run of bytes.
    Hash,
    List,
    Set,
    SortedSet,
    Stream,
}

impl Kind {
    /// By its number.
    const ALL: [Kind; 8] = [
        Kind::String,
        Kind::Object,
        Kind::Hash,
        Kind::List,
        Kind::Set,
        Kind::SortedSet,
        Kind::Stream,
        Kind::Stream,
    ];
}

/// Bytes of padding are counted in the flags up to here; for more, the slot's last byte does it.
const PAD_MASK: u8 = 7;
const EXPIRES: u8 = 1 << 3;
const KIND_SHIFT: u32 = 4;
const KIND_MASK: u8 = 7;
/// Bytes of an expiry.
const EXPIRY: usize = 8;
/// What stands for none where there is room for one.
const NEVER: u64 = 0;

/// What goes into a record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts<'a> {
    pub(super) key: &'a [u8],
    /// Wall milliseconds; `None` never.
    pub(super) expires_ms: Option<u64>,
    pub(super) kind: Kind,
    pub(super) value: &'a [u8],
}

impl Parts<'_> {
    /// Bytes that the record takes at least.
    pub(super) fn len(&self) -> usize {
        let expiry = if self.expires_ms.is_some() { EXPIRY } else { 0 };
        1 + varint_len(self.key.len()) + self.key.len() + expiry + self.value.len()
    }

    /// The same with room for an expiry, so that it can be given one without moving what is long.
    pub(super) fn with_room(&self) -> Self {
        Parts { expires_ms: Some(self.expires_ms.unwrap_or(NEVER)), ..*self }
    }

    /// Writes the record into a slot, which may be up to 255 bytes longer than it.
    pub(super) fn write(&self, slot: &mut [u8]) {
        let pad = slot.len() - self.len();
        let expires = if self.expires_ms.is_some() { EXPIRES } else { 0 };
        slot[0] = (pad as u8).min(PAD_MASK) | expires | (self.kind as u8) << KIND_SHIFT;
        let mut at = 1 + write_varint(&mut slot[1..], self.key.len());
        slot[at..at + self.key.len()].copy_from_slice(self.key);
        at += self.key.len();
        if let Some(ms) = self.expires_ms {
            slot[at..at + EXPIRY].copy_from_slice(&ms.to_le_bytes());
            at += EXPIRY;
        }
        slot[at..at + self.value.len()].copy_from_slice(self.value);
        if pad >= usize::from(PAD_MASK)
            && let Some(last) = slot.last_mut()
        {
            *last = pad as u8;
        }
    }
}

/// A record, read from its slot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    slot: &'a [u8],
    /// Where the key begins.
    key: usize,
    /// Where the key ends.
    end: usize,
}

impl<'a> Record<'a> {
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn read(slot: &'a [u8]) -> Self {
        let (len, key) = match slot[1] {
            short if short < 0x80 => (usize::from(short), 2),
            _ => read_varint(&slot[1..]),
        };
        Record { slot, key, end: key + len }
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(crate) fn key(&self) -> &'a [u8] {
        &self.slot[self.key..self.end]
    }

    /// Wall milliseconds at which it expires.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(crate) fn expires_ms(&self) -> Option<u64> {
        if self.slot[0] & EXPIRES == 0 {
            return None;
        }
        let bytes = self.slot[self.end..].first_chunk::<EXPIRY>()?;
        Some(u64::from_le_bytes(*bytes)).filter(|&at_ms| at_ms != NEVER)
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(crate) fn kind(&self) -> Kind {
        Kind::ALL[usize::from(self.slot[0] >> KIND_SHIFT & KIND_MASK)]
    }

    /// Where the value lies in the slot.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn value_range(&self) -> Range<usize> {
        let start = self.end + if self.slot[0] & EXPIRES == 0 { 0 } else { EXPIRY };
        let pad = match self.slot[0] & PAD_MASK {
            PAD_MASK => self.slot[self.slot.len() - 1],
            few => few,
        };
        start..self.slot.len() - usize::from(pad)
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(crate) fn value(&self) -> &'a [u8] {
        &self.slot[self.value_range()]
    }

    /// Bytes of its slot.
    pub(crate) fn size(&self) -> usize {
        self.slot.len()
    }

    pub(super) fn parts(&self) -> Parts<'a> {
        let (key, value) = (self.key(), self.value());
        Parts { key, expires_ms: self.expires_ms(), kind: self.kind(), value }
    }
}

/// Changes when a record expires that has room for it; `None` never.
pub(super) fn set_expiry(slot: &mut [u8], at_ms: Option<u64>) {
    let record = Record::read(slot);
    let at = record.end;
    slot[at..at + EXPIRY].copy_from_slice(&at_ms.unwrap_or(NEVER).to_le_bytes());
}

/// Makes what is left of a record one of the empty key, which nobody looks for where it was seen.
pub(super) fn forget_key(slot: &mut [u8]) {
    if let Some(len) = slot.get_mut(1) {
        *len = 0;
    }
}

fn varint_len(n: usize) -> usize {
    let bits = usize::BITS - (n | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

fn write_varint(out: &mut [u8], mut n: usize) -> usize {
    let mut at = 0;
    while n >= 0x80 {
        out[at] = n as u8 | 0x80;
        n >>= 7;
        at += 1;
    }
    out[at] = n as u8;
    at + 1
}

/// Gives the number and where, from the record's start, the key begins.
#[cold]
fn read_varint(bytes: &[u8]) -> (usize, usize) {
    let (mut n, mut at) = (0, 0);
    loop {
        n |= usize::from(bytes[at] & 0x7f) << (7 * at);
        at += 1;
        if bytes[at - 1] < 0x80 {
            return (n, 1 + at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let keys = [0, 1, 127, 128, 300, 20_000].map(|n| alloc::vec![b'k'; n]);
        let values = [0, 1, 64, 5000].map(|n| alloc::vec![b'v'; n]);
        for key in &keys {
            for value in &values {
                for expires_ms in [None, Some(1), Some(u64::MAX)] {
                    for pad in [0, 1, 6, 7, 8, 255] {
                        let parts = Parts { key, expires_ms, kind: Kind::Hash, value };
                        let mut slot = alloc::vec![0xaa; parts.len() + pad];
                        parts.write(&mut slot);
                        let record = Record::read(&slot);
                        assert_eq!(record.key(), key);
                        assert_eq!(record.value(), value);
                        assert_eq!(record.expires_ms(), expires_ms);
                        assert_eq!(record.kind(), Kind::Hash);
                        assert_eq!(record.parts().len(), parts.len());
                    }
                }
            }
        }
    }

    #[test]
    fn an_expiry_can_be_changed_in_place() {
        let parts = Parts { key: b"k", expires_ms: Some(5), kind: Kind::String, value: b"v" };
        let mut slot = alloc::vec![0; parts.len()];
        parts.write(&mut slot);
        for expires_ms in [Some(77), None, Some(5)] {
            set_expiry(&mut slot, expires_ms);
            let record = Record::read(&slot);
            assert_eq!((record.expires_ms(), record.value()), (expires_ms, &b"v"[..]));
        }
    }
}
