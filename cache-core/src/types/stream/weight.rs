//! How large Valkey's block of the same entries would be: its limits and `~` go by that.
//!
//! A block there is a listpack (<https://github.com/antirez/listpack>, "Listpack specification"): each
//! element is a head, its bytes, and its length once more to be read backwards.

use super::id::StreamId;

/// Bytes of an empty block: a header of six, and the end.
pub(super) const EMPTY: u64 = 7;

/// An integer's element.
pub(super) fn integer(number: i64) -> u64 {
    match number {
        0..=0x7f => 2,
        -0x1000..=0xfff => 3,
        -0x8000..=0x7fff => 4,
        -0x80_0000..=0x7f_ffff => 5,
        -0x8000_0000..=0x7fff_ffff => 6,
        _ => 10,
    }
}

/// A string's element.
pub(super) fn text(len: usize) -> u64 {
    let len = len as u64;
    let head = match len {
        0..64 => 1,
        64..4096 => 2,
        _ => 5,
    };
    let back = match head + len {
        0..=127 => 1,
        128..16_383 => 2,
        16_383..2_097_151 => 3,
        2_097_151..268_435_455 => 4,
        _ => 5,
    };
    head + len + back
}

/// What stands in front of a block's entries, but for its two counts: the number of the first one's
/// fields, and an end. Their names come on top.
pub(super) fn front(fields: u32) -> u64 {
    integer(i64::from(fields)) + integer(0)
}

/// What an entry has beside its values: flags, the id as two differences, how many elements it is.
/// One with other fields than the block's first has their number too, and their names come on top.
pub(super) fn entry(base: StreamId, id: StreamId, fields: u32, same: bool) -> u64 {
    let fields = i64::from(fields);
    let (elements, number) = match same {
        true => (fields + 3, 0),
        false => (fields * 2 + 4, integer(fields)),
    };
    let difference = |to: u64, from: u64| integer(to.wrapping_sub(from) as i64);
    let id = difference(id.ms, base.ms) + difference(id.seq, base.seq);
    integer(i64::from(same) * 2) + id + number + integer(elements)
}
