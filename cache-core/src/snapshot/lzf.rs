//! LZF, the compression of strings: runs of bytes as they are, and copies of what came before.
//!
//! A byte below 32 says that so many bytes and one follow as they are. Any other one has in its upper
//! three bits how many bytes are copied, less two (7: the next byte adds to it), and in the others,
//! with the next byte, from how far behind, less one. Source: the description in Marc Lehmann's
//! LibLZF of the stream that it writes.

use super::input::{Read, Stop, bad};
use alloc::vec::Vec;

/// The longest run of bytes as they are.
const RUN: usize = 32;
/// The longest and the farthest copy.
const COPY: usize = 2 + 7 + 255;
const FAR: usize = 1 << 13;
/// The shortest copy.
const SHORTEST: usize = 3;
/// What three bytes can stand for at the most.
const MOST_FOR_THREE: u64 = COPY as u64;

/// Whether so many bytes can come out of so many.
pub(super) fn is_possible(packed: u64, len: u64) -> bool {
    packed > 0 && len > 0 && len <= packed.saturating_mul(MOST_FOR_THREE / 3)
}

/// What so many bytes can stand for at the most, when others came before them.
pub(super) fn most(packed: usize) -> usize {
    packed.saturating_mul(MOST_FOR_THREE as usize / 3).saturating_add(COPY)
}

#[derive(Clone, Copy, Debug, Default)]
enum Next {
    #[default]
    Any,
    /// Bytes as they are.
    Run(usize),
    /// What a copy's length lacks; its length so far, and how far it is so far.
    More(usize, usize),
    /// What its distance lacks.
    Distance(usize, usize),
}

/// Unpacks what comes by and by.
#[derive(Clone, Debug)]
pub(super) struct Unpacker {
    next: Next,
    /// How long the whole is to be.
    len: usize,
}

impl Unpacker {
    pub(super) fn new(len: usize) -> Self {
        Unpacker { next: Next::Any, len }
    }

    /// Appends what these bytes stand for.
    pub(super) fn unpack(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Read<()> {
        let mut rest = bytes;
        while let Some((&byte, tail)) = rest.split_first() {
            let (kind, low) = (usize::from(byte >> 5), usize::from(byte & 31));
            self.next = match self.next {
                Next::Run(left) => {
                    let (run, tail) = rest.split_at(left.min(rest.len()));
                    self.check(run.len(), out)?;
                    out.extend_from_slice(run);
                    rest = tail;
                    if left == run.len() { Next::Any } else { Next::Run(left - run.len()) }
                }
                Next::Any => {
                    rest = tail;
                    match kind {
                        0 => Next::Run(low + 1),
                        7 => Next::More(kind + 2, low << 8),
                        _ => Next::Distance(kind + 2, low << 8),
                    }
                }
                Next::More(len, far) => {
                    rest = tail;
                    Next::Distance(len + usize::from(byte), far)
                }
                Next::Distance(len, far) => {
                    rest = tail;
                    self.check(len, out)?;
                    copy(out, len, far + usize::from(byte) + 1)?;
                    Next::Any
                }
            };
        }
        Ok(())
    }

    fn check(&self, more: usize, out: &[u8]) -> Read<()> {
        match out.len() + more <= self.len {
            true => Ok(()),
            false => bad("a compressed string is longer than it says"),
        }
    }

    /// To be called behind the last byte.
    pub(super) fn finish(&self, out: &[u8]) -> Read<()> {
        match self.next {
            Next::Any if out.len() == self.len => Ok(()),
            _ => bad("a compressed string is shorter than it says"),
        }
    }
}

fn copy(out: &mut Vec<u8>, len: usize, far: usize) -> Read<()> {
    let Some(mut from) = out.len().checked_sub(far) else {
        return bad("a compressed string copies from before its start");
    };
    // What is copied may overlap itself: it then repeats.
    let mut left = len;
    while left > 0 {
        let part = left.min(out.len() - from);
        out.extend_from_within(from..from + part);
        from += part;
        left -= part;
    }
    Ok(())
}

/// Unpacks what has come as a whole.
pub(super) fn unpack(bytes: &[u8], len: usize, out: &mut Vec<u8>) -> Read<()> {
    out.clear();
    out.try_reserve(len).map_err(|_| Stop::Bad("no memory for a string".into()))?;
    let mut unpacker = Unpacker::new(len);
    unpacker.unpack(bytes, out)?;
    unpacker.finish(out)
}

/// Places that are remembered.
const PLACES: usize = 1 << 13;
/// Bytes without a match after which every second place is tried only, and so on.
const PATIENCE: usize = 64;

/// Packs strings.
#[derive(Clone, Debug, Default)]
pub(super) struct Packer {
    /// Where three bytes were seen last, by their hash: counted on from string to string, so that what
    /// an earlier one left is known by its number.
    places: Vec<u32>,
    base: u32,
    out: Vec<u8>,
}

impl Packer {
    /// Packs a string. `None`: it would hardly be shorter.
    pub(super) fn pack(&mut self, text: &[u8]) -> Option<&[u8]> {
        let most = text.len().checked_sub(4)?;
        let len = u32::try_from(text.len()).ok()?;
        let base = match self.base.checked_add(len) {
            Some(next) if self.base > 0 => core::mem::replace(&mut self.base, next),
            _ => {
                self.places.clear();
                self.places.resize(PLACES, 0);
                self.base = len.checked_add(1)?;
                1
            }
        };
        self.out.clear();
        let (mut at, mut run) = (0, 0);
        while let Some(&[a, b, c]) = text.get(at..).and_then(<[u8]>::first_chunk) {
            let hash = u32::from_le_bytes([a, b, c, 0]).wrapping_mul(0x9e37_79b1) >> 19;
            let place = self.places.get_mut(hash as usize)?;
            let before = core::mem::replace(place, base + at as u32);
            let from = before.checked_sub(base).map(|from| from as usize);
            let found = from
                .filter(|from| at - from <= FAR && text.get(*from..from + 3) == Some(&[a, b, c]));
            let Some(from) = found else {
                at += 1 + (at - run) / PATIENCE;
                continue;
            };
            let most_here = COPY.min(text.len() - at);
            let (old, new) = (text.get(from..)?.iter(), text.get(at..at + most_here)?);
            let len = new.iter().zip(old).take_while(|(new, old)| new == old).count();
            self.put_run(text.get(run..at)?);
            self.put_copy(len, at - from - 1);
            if self.out.len() > most {
                return None;
            }
            at += len;
            run = at;
        }
        self.put_run(text.get(run..)?);
        (self.out.len() <= most).then_some(&self.out)
    }

    fn put_run(&mut self, bytes: &[u8]) {
        for run in bytes.chunks(RUN) {
            self.out.push(run.len() as u8 - 1);
            self.out.extend_from_slice(run);
        }
    }

    fn put_copy(&mut self, len: usize, far: usize) {
        let (high, low) = ((far >> 8) as u8, far as u8);
        match len - 2 {
            len @ ..7 => self.out.push((len as u8) << 5 | high),
            len => self.out.extend_from_slice(&[7 << 5 | high, (len - 7) as u8]),
        }
        self.out.push(low);
    }
}

const _: () = assert!(SHORTEST == 3 && PLACES == 1 << (32 - 19));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn what_is_packed_is_unpacked() {
        let (mut packer, mut random) = (Packer::default(), Random::new(1));
        let mut saved = 0;
        for round in 0..2000u64 {
            let (len, letters) = (random.below(1 + round * 5) as usize, 1 + random.below(40));
            let mut text: Vec<u8> = (0..len).map(|_| random.below(letters) as u8).collect();
            if round % 3 == 0 {
                text.extend_from_within(..len / 2);
            }
            let Some(packed) = packer.pack(&text) else { continue };
            assert!(packed.len() + 4 <= text.len());
            saved += text.len() - packed.len();
            assert!(is_possible(packed.len() as u64, text.len() as u64));
            let mut out = Vec::new();
            assert_eq!(unpack(packed, text.len(), &mut out), Ok(()));
            assert_eq!(out, text);
            // Cut anywhere.
            let (mut unpacker, mut out) = (Unpacker::new(text.len()), Vec::new());
            let cut = 1 + random.below(9) as usize;
            packed.chunks(cut).for_each(|part| assert_eq!(unpacker.unpack(part, &mut out), Ok(())));
            assert_eq!((unpacker.finish(&out), &out), (Ok(()), &text));
        }
        assert!(saved > 1_000_000, "{saved}");
    }

    #[test]
    fn what_lies_is_found_out() {
        let long = packed_zeros(10_000);
        let mut out = Vec::new();
        for (bytes, len) in [
            (&b"\x02ab"[..], 3),
            (b"\x02abc", 2),
            (b"\x02abc", 4),
            (b"\x00a\x20\x01", 4),
            (b"\x00a\xe0\xff", 270),
            (b"\x20\x00", 3),
            (&long, 9_999),
            (&long, 10_001),
        ] {
            assert!(unpack(bytes, len, &mut out).is_err(), "{bytes:?}");
        }
        assert_eq!(unpack(b"\x00a\x20\x00", 4, &mut out), Ok(()));
        assert_eq!(out, b"aaaa");
        assert!(!is_possible(10, 1 << 40) && !is_possible(0, 1) && !is_possible(1, 0));
        assert!(is_possible(long.len() as u64, 10_000));
    }

    fn packed_zeros(len: usize) -> Vec<u8> {
        Packer::default().pack(&alloc::vec![0; len]).expect("it gets shorter").to_vec()
    }
}
