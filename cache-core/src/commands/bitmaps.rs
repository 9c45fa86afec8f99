//! Bitmaps: strings taken as rows of bits, the highest bit of the first byte first.

mod count;
mod field;
mod op;

pub(super) use field::only_reads;

use super::strings::longest;
use super::{Categories, Error, Flags, Flow, Group, KeyFlags, KeySpec, Outcome, Spec};
use crate::config::Class;
use crate::node::Cx;
use crate::numbers::parse_i64;
use crate::observer::Observer;
use crate::protocol::request::BULK_LIMIT;

rows! {
    count::bitcount: Spec::new("bitcount", -2, Flags::READONLY, Group::Bitmap)
    .acl(Categories::BITMAP)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "2.6.0",
        "O(N) for N bytes looked at",
        "key [start [end [BYTE | BIT]]]",
        "How many bits are set in a string, or in a part of it.",
    ),
    field::bitfield: Spec::new("bitfield", -2, bits!(Flags: WRITE | DENYOOM), Group::Bitmap)
    .acl(Categories::BITMAP)
    .keys(&[
        KeySpec::one(1, bits!(KeyFlags: RW | ACCESS | UPDATE | VARIABLE_FLAGS))
            .notes("This command allows both access and modification of the key"),
    ])
    .docs(
        "3.2.0",
        "O(N) for N operations",
        "key [GET encoding offset | [OVERFLOW <WRAP | SAT | FAIL>] \
         <SET encoding offset value | INCRBY encoding offset increment> ...]",
        "Reads and changes integers of any width that lie anywhere in a string.",
    ),
    field::bitfield_ro: Spec::new(
        "bitfield_ro",
        -2,
        bits!(Flags: READONLY | FAST),
        Group::Bitmap,
    )
    .acl(Categories::BITMAP)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "6.0.0",
        "O(N) for N operations",
        "key [GET encoding offset ...]",
        "Reads integers of any width that lie anywhere in a string.",
    ),
    op::bitop: Spec::new("bitop", -4, bits!(Flags: WRITE | DENYOOM), Group::Bitmap)
    .acl(Categories::BITMAP)
    .keys(&[
        KeySpec::one(2, bits!(KeyFlags: OW | UPDATE)),
        KeySpec::range(3, -1, 1, bits!(KeyFlags: RO | ACCESS)),
    ])
    .docs(
        "2.6.0",
        "O(N) for N bytes in all strings",
        "<AND | OR | XOR | NOT> destkey key [key ...]",
        "Combines strings bit by bit and keeps the result.",
    ),
    count::bitpos: Spec::new("bitpos", -3, Flags::READONLY, Group::Bitmap)
    .acl(Categories::BITMAP)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "2.8.7",
        "O(N) for N bytes looked at",
        "key bit [start [end [BYTE | BIT]]]",
        "Where the first bit lies that is set, or that is not.",
    ),
    getbit: Spec::new("getbit", 3, bits!(Flags: READONLY | FAST), Group::Bitmap)
    .acl(Categories::BITMAP)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .docs("2.2.0", "O(1)", "key offset", "One bit of a string."),
    setbit: Spec::new("setbit", 4, bits!(Flags: WRITE | DENYOOM), Group::Bitmap)
    .acl(Categories::BITMAP)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | ACCESS | UPDATE))])
    .docs(
        "2.2.0",
        "O(1)",
        "key offset value",
        "Sets or clears one bit of a string, which grows as far as it must.",
    ),
}

const BAD_OFFSET: Error = Error::Text("ERR bit offset is not an integer or out of range");

/// Reads the offset of `width` bits, in units of `scale` bits. It lies within the longest string that
/// there may be.
fn bit_offset<O: Observer>(
    cx: &Cx<'_, O>,
    text: &[u8],
    scale: u32,
    width: u32,
) -> Result<u64, Error> {
    let offset = parse_i64(text)
        .and_then(|number| u64::try_from(number).ok())
        .and_then(|number| number.checked_mul(scale.into()))
        .ok_or(BAD_OFFSET)?;
    // What was let in once may be replayed under a lower limit, but never past this one.
    let last = u64::from(BULK_LIMIT) * 8 - u64::from(width);
    if offset / 8 < longest(cx) && offset <= last { Ok(offset) } else { Err(BAD_OFFSET) }
}

/// The bytes of a string to write to, at least `len` of them, and whether it has grown. It is made
/// where there is none.
fn at_least<'c, O: Observer>(
    cx: &'c mut Cx<'_, O>,
    key: &[u8],
    len: u64,
) -> Result<(&'c mut [u8], bool), Error> {
    let len = usize::try_from(len).map_err(|_| Error::StringTooLong)?;
    let old = cx.peek_string(key)?.map(<[u8]>::len);
    if old.is_none() {
        cx.make_string(key);
    }
    let old = old.unwrap_or_default();
    let bytes = cx.resize(key, len.max(old)).ok_or(Error::StringTooLong)?;
    Ok((bytes, len > old))
}

fn getbit<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let offset = bit_offset(cx, cx.args.at(2), 1, 1)?;
    let (value, out) = cx.read_string(cx.args.at(1))?;
    let (byte, mask) = place(offset);
    let byte = value.and_then(|bytes| bytes.get(byte)).copied().unwrap_or_default();
    out.integer((byte & mask != 0).into());
    Ok(Flow::Done)
}

fn setbit<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let key = cx.args.at(1);
    let offset = bit_offset(cx, cx.args.at(2), 1, 1)?;
    let on = match cx.args.at(3) {
        b"0" => false,
        b"1" => true,
        _ => return Err(Error::Text("ERR bit is not an integer or out of range")),
    };
    let (bytes, grown) = at_least(cx, key, offset / 8 + 1)?;
    let (at, mask) = place(offset);
    let byte = bytes.get_mut(at).ok_or(Error::StringTooLong)?;
    let was = *byte & mask != 0;
    *byte = if on { *byte | mask } else { *byte & !mask };
    if grown || was != on {
        cx.wrote(key, Class::STRING, "setbit");
    }
    cx.out().integer(was.into());
    Ok(Flow::Done)
}

/// The byte of a bit, and the bit in it.
fn place(offset: u64) -> (usize, u8) {
    (usize::try_from(offset / 8).unwrap_or(usize::MAX), 0x80 >> (offset % 8))
}
