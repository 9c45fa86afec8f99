//! A run of entries, packed.
//!
//! In front stand the first entry's fields, each name with its length and its value. Then come entries:
//!
//! ```text
//! head      number: the bytes behind it, times 2; plus 1 if the fields are those of the first entry
//! id        number: ms beyond the block's first id, times 2; plus 1 if a seq follows.
//!           From 2^62 ms on: 2^62 times 2, as above, and the ms as another number
//!           seq: a number; in the first id's millisecond, what it is beyond that one's
//! fields    unless they are those of the first entry: their number; then names and values in turn
//! values    if they are; one that is the first entry's too is a byte that says so
//! ```
//!
//! What was removed is gone; only its number is kept, since Valkey's blocks count it.

use super::id::StreamId;
use super::pack::{AS_FIRST, StreamText, as_integer, put_number, put_packed, put_text};
use super::pack::{take_bytes, take_number, take_packed, take_text};
use super::weight;
use crate::types::tree::{Chunk, Limit};
use alloc::vec::Vec;

/// Bytes of a block beside its entries, as accounted.
const OVERHEAD: u64 = 96;
/// Entries of a block at most, whatever the settings say: a look for one of them goes through them.
const ENTRIES_LIMIT: u64 = 4096;
/// Bytes of a block at most, unless its first entry is longer.
const BYTES_LIMIT: u64 = 64 * 1024;
/// Milliseconds beyond the first id that leave no room for a flag: another number says them.
const FAR: u64 = 1 << 62;

/// Fields whose values are compared with those of the first entry.
const ALIKE: usize = 64;
/// The longest value of a block's first entry that others may refer to, in bytes.
const KEPT_VALUE: usize = 64;

/// How large blocks may become, by the settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockLimits {
    /// Entries, those included that were removed.
    pub(crate) entries: u64,
    /// Bytes that the block would have in Valkey.
    pub(crate) bytes: u64,
}

/// An entry's fields and values to be added.
pub(crate) trait Fields<'a>: Iterator<Item = (&'a [u8], &'a [u8])> + Clone {}

impl<'a, I: Iterator<Item = (&'a [u8], &'a [u8])> + Clone> Fields<'a> for I {}

#[derive(Clone, Debug, Default)]
pub(crate) struct Block {
    /// The id of its first entry ever.
    base: StreamId,
    /// The id of the entry that was added last.
    end: StreamId,
    /// The id of its last entry.
    top: StreamId,
    live: u32,
    /// Entries that were removed.
    dead: u32,
    /// Bytes that it would have in Valkey, but for its two counts.
    weight: u64,
    /// Fields of the first entry ever.
    names: u32,
    /// Bytes of their names and values.
    front: u32,
    bytes: Vec<u8>,
}

impl Chunk for Block {
    type Key = StreamId;
    const LIMIT: Limit = Limit::KEPT;

    fn len(&self) -> u32 {
        self.live
    }

    fn size(&self) -> u64 {
        self.bytes.len() as u64 + OVERHEAD
    }

    fn last_key(&self) -> StreamId {
        self.end
    }

    fn split(&mut self, at: u32) -> Self {
        let mut upper = Block::default();
        for entry in self.iter().skip(at as usize) {
            upper.push_entry(&entry);
        }
        let end = self.places().nth(at as usize).map_or(self.bytes.len(), |(place, _)| place);
        self.bytes.truncate(end);
        self.live = at.min(self.live);
        self.find_top();
        self.end = self.top;
        upper
    }

    fn append(&mut self, next: &Self) {
        next.iter().for_each(|entry| self.push_entry(&entry));
    }
}

/// Reading.
impl Block {
    /// The id that was added last.
    pub(super) fn end(&self) -> StreamId {
        self.end
    }

    /// The id of its last entry; whatever it likes when it has none.
    pub(super) fn top(&self) -> StreamId {
        self.top
    }

    fn find_top(&mut self) {
        self.top = self.iter().last().map_or(self.base, |entry| entry.id);
    }

    /// Whether an entry may be added, its strings of so many bytes together.
    pub(super) fn has_room(&self, bytes: u64, limits: BlockLimits) -> bool {
        let of = |limit: u64, most: u64| if limit == 0 { most } else { limit.min(most) };
        let counts = weight::integer(self.live.into()) + weight::integer(self.dead.into());
        let entries = u64::from(self.live) + u64::from(self.dead);
        (self.weight + counts).saturating_add(bytes) < of(limits.bytes, BYTES_LIMIT)
            && entries < of(limits.entries, ENTRIES_LIMIT)
    }

    /// The names and values of its first entry ever.
    fn front(&self) -> &[u8] {
        self.bytes.get(..self.front as usize).unwrap_or_default()
    }

    /// All entries in order.
    pub(super) fn iter(&self) -> Entries<'_> {
        Entries { block: self, rest: self.bytes.get(self.front as usize..).unwrap_or_default() }
    }

    /// Where each entry begins, and its id.
    fn places(&self) -> impl Iterator<Item = (usize, StreamId)> {
        let mut entries = self.iter();
        core::iter::from_fn(move || {
            let place = self.bytes.len() - entries.rest.len();
            Some((place, entries.next()?.id))
        })
    }

    /// The entries from one on.
    pub(super) fn iter_from(&self, id: StreamId) -> Entries<'_> {
        let mut entries = self.iter();
        if id > self.base {
            let mut ahead = entries;
            while ahead.next().is_some_and(|entry| entry.id < id) {
                entries = ahead;
            }
        }
        entries
    }

    /// The entries up to one, the last one first.
    pub(super) fn iter_back(&self, id: StreamId) -> impl Iterator<Item = Entry<'_>> + use<'_> {
        let mut places: Vec<u32> = Vec::with_capacity(self.live as usize);
        places.extend(
            self.places().take_while(|&(_, other)| other <= id).map(|(place, _)| place as u32),
        );
        places.into_iter().rev().filter_map(|place| {
            Entries { block: self, rest: self.bytes.get(place as usize..)? }.next()
        })
    }
}

/// Writing.
impl Block {
    /// Adds an entry behind all others.
    pub(super) fn push<'a>(&mut self, id: StreamId, fields: impl Fields<'a>) {
        let count = fields.clone().count() as u32;
        if self.live == 0 && self.dead == 0 {
            self.begin(id, count, fields.clone());
        }
        let alike = if count == self.names { self.alike(fields.clone()) } else { None };
        let start = self.bytes.len();
        // Most heads are a byte long.
        self.bytes.push(0);
        self.put_id(id);
        if let Some(alike) = alike {
            for (i, (_, value)) in fields.enumerate() {
                let is_alike = i < ALIKE && alike >> i & 1 == 1;
                self.put_value(value, is_alike);
            }
        } else {
            put_number(&mut self.bytes, u64::from(count));
            for (name, value) in fields {
                self.put_value(name, false);
                self.put_value(value, false);
            }
        }
        self.put_head(start, alike.is_some());
        self.weight += weight::entry(self.base, id, count, alike.is_some());
        self.live += 1;
        self.end = id;
        self.top = id;
    }

    fn begin<'a>(&mut self, id: StreamId, count: u32, fields: impl Fields<'a>) {
        self.base = id;
        self.names = count;
        self.weight = weight::EMPTY + weight::front(count);
        self.bytes.clear();
        for (name, value) in fields {
            put_text(&mut self.bytes, name);
            self.weight += weight_of(name, as_integer(name));
            // A long one would stay when its entry is gone.
            let value = if value.len() <= KEPT_VALUE { value } else { &[] };
            put_packed(&mut self.bytes, value, as_integer(value));
        }
        self.front = self.bytes.len() as u32;
    }

    /// For an entry with the names of the first one: which of its first values are that one's too.
    fn alike<'a>(&self, fields: impl Fields<'a>) -> Option<u64> {
        let (mut front, mut alike) = (self.front(), 0);
        for (i, (name, value)) in fields.enumerate() {
            if take_text(&mut front) != Some(name) {
                return None;
            }
            let is_alike = take_packed(&mut front).is_some_and(|first| first.is(value));
            if i < ALIKE {
                alike |= u64::from(is_alike) << i;
            }
        }
        Some(alike)
    }

    fn put_id(&mut self, id: StreamId) {
        let ms = id.ms.wrapping_sub(self.base.ms);
        let seq = if ms == 0 { id.seq.wrapping_sub(self.base.seq) } else { id.seq };
        put_number(&mut self.bytes, ms.min(FAR) << 1 | u64::from(seq != 0));
        if ms >= FAR {
            put_number(&mut self.bytes, ms);
        }
        if seq != 0 {
            put_number(&mut self.bytes, seq);
        }
    }

    fn put_value(&mut self, text: &[u8], is_alike: bool) {
        let integer = as_integer(text);
        if is_alike {
            self.bytes.push(AS_FIRST);
        } else {
            put_packed(&mut self.bytes, text, integer);
        }
        self.weight += weight_of(text, integer);
    }

    /// Writes the head of the entry that was written last, for which a byte was kept.
    fn put_head(&mut self, start: usize, same: bool) {
        let len = self.bytes.len() - start - 1;
        let head = (len as u64) << 1 | u64::from(same);
        if head < 0x80 {
            if let Some(kept) = self.bytes.get_mut(start) {
                *kept = head as u8;
            }
            return;
        }
        let mut bytes = Vec::new();
        put_number(&mut bytes, head);
        self.bytes.splice(start..=start, bytes);
    }

    fn push_entry(&mut self, entry: &Entry<'_>) {
        let fields: Vec<(Vec<u8>, Vec<u8>)> =
            entry.fields().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
        self.push(entry.id, fields.iter().map(|(name, value)| (&name[..], &value[..])));
    }

    /// Removes an entry. `false`: it isn't there.
    pub(super) fn remove(&mut self, id: StreamId) -> bool {
        let mut entries = self.iter_from(id);
        let start = self.bytes.len() - entries.rest.len();
        if entries.next().is_none_or(|entry| entry.id != id) {
            return false;
        }
        let end = self.bytes.len() - entries.rest.len();
        self.bytes.drain(start..end);
        self.live -= 1;
        self.dead += 1;
        if id == self.top {
            self.find_top();
        }
        true
    }

    /// Removes so many entries from the front.
    pub(super) fn remove_first(&mut self, count: u32) {
        let count = count.min(self.live);
        let mut entries = self.iter();
        for _ in 0..count {
            entries.take_bytes();
        }
        let end = self.bytes.len() - entries.rest.len();
        self.bytes.drain(self.front as usize..end);
        self.live -= count;
        self.dead += count;
    }

    /// Leaves it as it will stay, without room to grow, and gives its memory to the next one.
    pub(super) fn seal(&mut self) -> Block {
        let exact = self.bytes.as_slice().to_vec();
        let bytes = core::mem::replace(&mut self.bytes, exact);
        Block { bytes, ..Block::default() }
    }
}

fn weight_of(text: &[u8], integer: Option<i64>) -> u64 {
    integer.map_or_else(|| weight::text(text.len()), weight::integer)
}

/// An entry where it lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) id: StreamId,
    /// Fields it has.
    pub(crate) len: u32,
    /// The block's first entry, if it has the same fields.
    front: Option<&'a [u8]>,
    /// Values, or names and values.
    bytes: &'a [u8],
}

impl<'a> Entry<'a> {
    /// Whether it is known to have the same fields as another entry of its block, in the same order.
    pub(crate) fn is_like(&self, other: &Entry<'_>) -> bool {
        self.front.is_some() && other.front.is_some()
    }

    /// Its fields and values.
    pub(crate) fn fields(
        &self,
    ) -> impl Iterator<Item = (StreamText<'a>, StreamText<'a>)> + use<'a> {
        let (mut front, mut bytes) = (self.front, self.bytes);
        (0..self.len).map_while(move |_| {
            let Some(front) = &mut front else {
                return Some((take_packed(&mut bytes)?, take_packed(&mut bytes)?));
            };
            let (name, first) = (take_text(front)?, take_packed(front)?);
            let value = match bytes.split_first() {
                Some((&AS_FIRST, rest)) => {
                    bytes = rest;
                    first
                }
                _ => take_packed(&mut bytes)?,
            };
            Some((StreamText::Text(name), value))
        })
    }
}

/// Entries of a block, one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entries<'a> {
    block: &'a Block,
    rest: &'a [u8],
}

impl<'a> Entries<'a> {
    /// Takes the next entry's bytes, and whether it has the fields of the first one.
    fn take_bytes(&mut self) -> Option<(&'a [u8], bool)> {
        let head = take_number(&mut self.rest)?;
        Some((take_bytes(&mut self.rest, head >> 1)?, head & 1 == 1))
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        let (mut bytes, same) = self.take_bytes()?;
        let base = self.block.base;
        let first = take_number(&mut bytes)?;
        let ms = match first >> 1 {
            FAR => take_number(&mut bytes)?,
            ms => ms,
        };
        let seq = if first & 1 == 1 { take_number(&mut bytes)? } else { 0 };
        let id = StreamId {
            ms: base.ms.wrapping_add(ms),
            seq: if ms == 0 { base.seq.wrapping_add(seq) } else { seq },
        };
        let (len, front) = match same {
            true => (self.block.names, Some(self.block.front())),
            false => (take_number(&mut bytes)? as u32, None),
        };
        Some(Entry { id, len, front, bytes })
    }
}

#[cfg(test)]
impl Block {
    /// Whether its counters say what is in it.
    pub(super) fn check(&self) {
        assert_eq!(self.iter().count(), self.live as usize);
        assert_eq!(self.iter().last().map(|entry| entry.id), Some(self.top));
        assert!(self.iter().is_sorted_by(|a, b| a.id < b.id));
        assert!(self.iter().all(|entry| self.base <= entry.id && entry.id <= self.end));
    }
}
