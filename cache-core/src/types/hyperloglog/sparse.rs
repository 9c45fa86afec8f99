//! Registers as runs of equal ones.
//!
//! ```text
//! 00nnnnnn            n + 1 registers are 0
//! 01nnnnnn nnnnnnnn   n + 1 registers are 0, the high bits of n first
//! 1vvvvvnn            n + 1 registers are v + 1
//! ```
//!
//! The runs may have been written by anybody: nothing here takes it for given that they come to the
//! right number of registers.

use super::estimate::Histogram;
use super::{Corrupt, HEAD, REGISTERS};
use alloc::vec::Vec;

/// The greatest value that a run can say.
const MOST: u8 = 32;
/// The longest run of a value, and the longest of zeros in one byte.
const LONGEST: usize = 4;
const SHORT_ZEROS: usize = 64;
/// How many runs are looked at for neighbours to join, as in Redis: the bytes are to be the same.
const LOOKED_AT: usize = 5;

/// So many registers side by side have a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    value: u8,
    len: usize,
    /// Bytes in which it is written.
    bytes: usize,
}

impl Run {
    /// The run that begins at a byte; `None`: there is none, or only half of one.
    fn at(bytes: &[u8], at: usize) -> Option<Self> {
        let &head = bytes.get(at)?;
        let short = usize::from(head & 0x3f) + 1;
        Some(match head >> 6 {
            0 => Run { value: 0, len: short, bytes: 1 },
            1 => {
                let low = usize::from(*bytes.get(at + 1)?);
                Run { value: 0, len: (usize::from(head & 0x3f) << 8 | low) + 1, bytes: 2 }
            }
            _ => Run { value: (head >> 2 & 0x1f) + 1, len: usize::from(head & 3) + 1, bytes: 1 },
        })
    }

    /// Writes so many registers of its value.
    fn write(self, out: &mut Vec<u8>, len: usize) {
        match (self.value, len) {
            (_, 0) => {}
            (0, _) => write_zeros(out, len),
            (value, _) => out.push(0x80 | (value - 1) << 2 | (len - 1) as u8),
        }
    }
}

/// Appends a run of 1 to 16384 zeros.
pub(super) fn write_zeros(out: &mut Vec<u8>, len: usize) {
    let [high, low] = (len - 1).to_be_bytes().last_chunk().copied().unwrap_or_default();
    if len > SHORT_ZEROS {
        out.push(0x40 | high);
    }
    out.push(low);
}

/// Goes through all runs, with the register at which each begins.
fn each(body: &[u8], mut visit: impl FnMut(usize, Run)) -> Result<(), Corrupt> {
    let (mut at, mut first) = (0, 0);
    while at < body.len() {
        let run = Run::at(body, at).ok_or(Corrupt)?;
        if run.len > REGISTERS - first {
            return Err(Corrupt);
        }
        visit(first, run);
        at += run.bytes;
        first += run.len;
    }
    if first == REGISTERS { Ok(()) } else { Err(Corrupt) }
}

pub(super) fn histogram(body: &[u8]) -> Result<Histogram, Corrupt> {
    let mut histogram = Histogram::default();
    each(body, |_, run| histogram.add(run.value, run.len as u32))?;
    Ok(histogram)
}

/// Raises each of the registers, a byte each, to that of a sparse one.
pub(super) fn merge(registers: &mut [u8], body: &[u8]) -> Result<(), Corrupt> {
    each(body, |first, run| {
        let covered = registers.get_mut(first..first + run.len).unwrap_or_default();
        covered.iter_mut().for_each(|register| *register = run.value.max(*register));
    })
}

/// What became of a register that was to be raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Raised {
    No,
    Yes,
    /// The runs can't say it, or not in as many bytes as they may take: nothing was done.
    TooLong,
}

/// Raises a register to at least a value, in a HyperLogLog with its head.
pub(super) fn raise(
    bytes: &mut Vec<u8>,
    index: usize,
    value: u8,
    limit: usize,
) -> Result<Raised, Corrupt> {
    if value > MOST {
        return Ok(Raised::TooLong);
    }
    let (mut at, mut first, mut before) = (HEAD, 0, HEAD);
    let run = loop {
        let run = Run::at(bytes, at).ok_or(Corrupt)?;
        if index < first + run.len {
            break run;
        }
        before = at;
        at += run.bytes;
        first += run.len;
    };
    if run.value >= value {
        return Ok(Raised::No);
    }
    let mut parts = Vec::with_capacity(5);
    run.write(&mut parts, index - first);
    Run { value, ..run }.write(&mut parts, 1);
    run.write(&mut parts, first + run.len - 1 - index);
    // In one byte as before it is always at home.
    if parts.len() > run.bytes && bytes.len() + parts.len() - run.bytes > limit {
        return Ok(Raised::TooLong);
    }
    bytes.splice(at..at + run.bytes, parts);
    join(bytes, before);
    super::keep_count(bytes, None);
    Ok(Raised::Yes)
}

/// Joins neighbours of the same value from a run on.
fn join(bytes: &mut Vec<u8>, mut at: usize) {
    for _ in 0..LOOKED_AT {
        let Some(run) = Run::at(bytes, at) else { return };
        let next = Run::at(bytes, at + run.bytes);
        let alike = next.filter(|next| run.value > 0 && next.value == run.value);
        if let Some(next) = alike.filter(|next| run.len + next.len <= LONGEST) {
            let mut joined = Vec::with_capacity(1);
            run.write(&mut joined, run.len + next.len);
            bytes.splice(at..at + 2, joined);
            continue;
        }
        at += run.bytes;
    }
}

/// The runs for people: `z:n` and `Z:n` for zeros in one byte and in two, `v:value,n`.
pub(super) fn describe(body: &[u8]) -> Vec<u8> {
    let (mut out, mut at) = (Vec::new(), 0);
    while let Some(run) = Run::at(body, at) {
        at += run.bytes;
        let text = match run {
            Run { value: 0, len, bytes: 1 } => alloc::format!("z:{len} "),
            Run { value: 0, len, .. } => alloc::format!("Z:{len} "),
            Run { value, len, .. } => alloc::format!("v:{value},{len} "),
        };
        out.extend_from_slice(text.as_bytes());
    }
    out.pop();
    out
}
