//! Registers of six bits side by side, the lowest bits of the first byte first.

use super::REGISTERS;
use super::estimate::Histogram;
use alloc::vec::Vec;

/// The greatest value of six bits.
const MASK: u8 = 63;

/// Where a register begins: its byte, and how many bits into it.
fn place(index: usize) -> (usize, u32) {
    (index * 6 / 8, (index * 6 % 8) as u32)
}

/// A byte and the next one; behind the last one lies nothing.
fn two(body: &[u8], at: usize) -> u16 {
    let byte = |at: usize| body.get(at).copied().unwrap_or_default();
    u16::from_le_bytes([byte(at), byte(at + 1)])
}

pub(super) fn get(body: &[u8], index: usize) -> u8 {
    let (at, shift) = place(index);
    (two(body, at) >> shift) as u8 & MASK
}

/// Raises a register to at least a value and says whether it was lower.
pub(super) fn raise(body: &mut [u8], index: usize, value: u8) -> bool {
    if get(body, index) >= value {
        return false;
    }
    let (at, shift) = place(index);
    let kept = two(body, at) & !(u16::from(MASK) << shift);
    let new = (kept | u16::from(value & MASK) << shift).to_le_bytes();
    for (byte, new) in body.iter_mut().skip(at).zip(new) {
        *byte = new;
    }
    true
}

/// Four registers lie in three bytes.
fn fours(body: &[u8]) -> impl Iterator<Item = [u8; 4]> {
    let (threes, _) = body.as_chunks::<3>();
    threes.iter().map(|&[a, b, c]| {
        let bits = u32::from_le_bytes([a, b, c, 0]);
        [0, 6, 12, 18].map(|shift| (bits >> shift) as u8 & MASK)
    })
}

pub(super) fn histogram(body: &[u8]) -> Histogram {
    let mut histogram = Histogram::default();
    fours(body).flatten().for_each(|value| histogram.add(value, 1));
    histogram
}

/// Raises each of the registers, a byte each, to that of a dense one.
pub(super) fn merge(registers: &mut [u8], body: &[u8]) {
    for (mine, theirs) in registers.as_chunks_mut::<4>().0.iter_mut().zip(fours(body)) {
        for (mine, theirs) in mine.iter_mut().zip(theirs) {
            *mine = theirs.max(*mine);
        }
    }
}

/// Appends the registers, given as a byte each.
pub(super) fn write(out: &mut Vec<u8>, registers: &[u8]) {
    out.reserve_exact(REGISTERS * 6 / 8);
    for four in registers.as_chunks::<4>().0 {
        let bits = four.iter().rev().fold(0u32, |bits, &value| bits << 6 | u32::from(value & MASK));
        out.extend_from_slice(&bits.to_le_bytes()[..3]);
    }
}
