//! Scores in few bytes: the float's eight from the greatest on, without the zeros at their end. Whole
//! numbers of three digits take two or three.

use super::edge::plain;

/// The bytes, and how many of them are kept.
#[inline]
pub(super) fn pack(score: f64) -> ([u8; 8], usize) {
    let bits = plain(score).to_bits();
    (bits.to_be_bytes(), 8 - (bits.trailing_zeros() as usize / 8).min(8))
}

/// Reads the bytes that were kept; of more than eight, the first.
#[inline]
pub(super) fn unpack(kept: &[u8]) -> f64 {
    let mut bytes = [0; 8];
    bytes.iter_mut().zip(kept).for_each(|(byte, kept)| *byte = *kept);
    f64::from_be_bytes(bytes)
}
