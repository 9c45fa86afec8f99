//! A small hash: one run of bytes, searched from the front.
//!
//! First the number of fields in two bytes, then the fields: the name's length in one byte, the name,
//! the value's length in one byte, the value. The limits are those of `hash-max-listpack-entries` and
//! `hash-max-listpack-value`, as far as the counters reach.
//!
//! Once a field is to expire, the top bit of the number is set and stays so. Behind the number then
//! stands when the first field expires (8 bytes), and each field ends with its own expiry: a length in
//! one byte, and as many bytes (8, or none for a field that does not expire).

use crate::keyspace::fields::Field;
use crate::types::{Limits, with_spare};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;

/// The bit that says that fields have expiries.
const TIMED: u16 = 1 << 15;
/// The most fields that can be counted.
const FIELDS: usize = (TIMED - 1) as usize;
/// The most bytes of a name or a value that can be counted.
const BYTES: usize = u8::MAX as usize;
/// Bytes of the number of fields.
const HEAD: usize = 2;
/// Bytes of an expiry.
const EXPIRY: usize = 8;
/// What stands for none where there is room for one.
const NEVER: u64 = u64::MAX;

/// A small hash where it lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a>(pub(super) &'a [u8]);

impl<'a> View<'a> {
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn head(&self) -> u16 {
        self.0.first_chunk().map_or(0, |head| u16::from_le_bytes(*head))
    }

    pub(super) fn len(&self) -> usize {
        (self.head() & !TIMED).into()
    }

    /// Whether its fields have room for expiries.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn is_timed(&self) -> bool {
        self.head() & TIMED != 0
    }

    /// When the first field expires.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn first_expiry(&self) -> Option<u64> {
        if !self.is_timed() {
            return None;
        }
        let bytes = self.0.get(HEAD..)?.first_chunk()?;
        Some(u64::from_le_bytes(*bytes)).filter(|&at_ms| at_ms != NEVER)
    }

    fn body(&self) -> &'a [u8] {
        let head = HEAD + if self.is_timed() { EXPIRY } else { 0 };
        self.0.get(head..).unwrap_or_default()
    }

    pub(super) fn get(&self, name: &[u8]) -> Option<Field<'a>> {
        self.iter().find(|field| field.name == name)
    }

    /// Where a field lies, and what it is.
    fn find(&self, name: &[u8]) -> Option<(Range<usize>, Field<'a>)> {
        let ends = self.0.len();
        let (mut rest, timed) = (self.body(), self.is_timed());
        while !rest.is_empty() {
            let start = ends - rest.len();
            let field = take_field(&mut rest, timed)?;
            if field.name == name {
                return Some((start..ends - rest.len(), field));
            }
        }
        None
    }

    /// Fields in the order in which they came.
    pub(super) fn iter(&self) -> impl Iterator<Item = Field<'a>> + use<'a> {
        let (mut rest, timed) = (self.body(), self.is_timed());
        core::iter::from_fn(move || take_field(&mut rest, timed))
    }
}

/// A small hash to change.
#[derive(Clone, Debug)]
pub(super) struct Small(Vec<u8>);

impl Default for Small {
    fn default() -> Self {
        Small(alloc::vec![0; HEAD])
    }
}

/// Fields and bytes of each for which there is room at once.
const ROOM: u64 = 32;
const ROOM_EACH: u64 = 32;

impl Small {
    /// An empty one to which so many fields are said to come.
    pub(super) fn with_room(fields: u64) -> Self {
        let mut bytes = Vec::with_capacity(HEAD + (fields.min(ROOM) * ROOM_EACH) as usize);
        bytes.resize(HEAD, 0);
        Small(bytes)
    }

    pub(super) fn of(view: View<'_>) -> Self {
        Small(with_spare(view.0))
    }

    pub(super) fn view(&self) -> View<'_> {
        View(&self.0)
    }

    /// Sets a field and says whether it is new. `None`: that would be too large.
    pub(super) fn set(&mut self, field: Field<'_>, limits: Limits) -> Option<bool> {
        if field.name.len().max(field.value.len()) > limits.bytes.min(BYTES) {
            return None;
        }
        let found = self.view().find(field.name);
        if found.is_none() && self.view().len() >= limits.entries.min(FIELDS) {
            return None;
        }
        if field.expires_ms.is_some() && !self.view().is_timed() {
            self.make_room();
            return self.set(field, limits);
        }
        let (is_new, timed) = (found.is_none(), self.view().is_timed());
        let end = self.0.len();
        // A new field comes last.
        let (place, old) = found.map_or((end..end, None), |(place, old)| (place, old.expires_ms));
        write_field(open(&mut self.0, place, field_len(field, timed)), field, timed);
        if is_new {
            self.set_len(self.view().len() + 1);
        }
        self.settle(old, field.expires_ms);
        Some(is_new)
    }

    /// Removes a field and says whether it was there.
    pub(super) fn remove(&mut self, name: &[u8]) -> bool {
        let Some((place, old)) = self.view().find(name) else { return false };
        let old = old.expires_ms;
        self.0.drain(place);
        self.set_len(self.view().len() - 1);
        self.settle(old, None);
        true
    }

    /// Changes when a field expires. `false`: no such field.
    pub(super) fn set_expiry(&mut self, name: &[u8], at_ms: Option<u64>) -> bool {
        if !self.view().is_timed() {
            if at_ms.is_none() || self.view().find(name).is_none() {
                return self.view().find(name).is_some();
            }
            self.make_room();
        }
        let Some((field, old)) = self.view().find(name) else { return false };
        let old = old.expires_ms;
        let place = field.end - expiry_len(old)..field.end;
        write_expiry(open(&mut self.0, place, expiry_len(at_ms)), at_ms);
        self.settle(old, at_ms);
        true
    }

    /// Removes all fields that have expired by then, and gives their names.
    pub(super) fn take_due(&mut self, now_ms: u64) -> Vec<Box<[u8]>> {
        if self.view().first_expiry().is_none_or(|at_ms| at_ms >= now_ms) {
            return Vec::new();
        }
        let due = |field: &Field<'_>| !field.lives_at(now_ms);
        let names: Vec<Box<[u8]>> =
            self.view().iter().filter(due).map(|field| field.name.into()).collect();
        let mut left = Small::default();
        left.set_head(TIMED | (self.view().len() - names.len()) as u16);
        left.0.extend(NEVER.to_le_bytes());
        self.view().iter().filter(|field| !due(field)).for_each(|field| left.push(field));
        left.find_next();
        *self = left;
        names
    }

    /// Gives the fields room for expiries.
    fn make_room(&mut self) {
        let mut new = Small::default();
        new.set_head(self.view().head() | TIMED);
        new.0.extend(NEVER.to_le_bytes());
        self.view().iter().for_each(|field| new.push(field));
        *self = new;
    }

    /// Appends a field, which has room for an expiry.
    fn push(&mut self, field: Field<'_>) {
        let end = self.0.len();
        write_field(open(&mut self.0, end..end, field_len(field, true)), field, true);
    }

    /// After a field's expiry has become another: when the first one expires.
    fn settle(&mut self, old: Option<u64>, new: Option<u64>) {
        let next = self.view().first_expiry();
        if old != new && old.is_some() && old == next {
            self.find_next();
        } else if let Some(at_ms) = new
            && next.is_none_or(|next| at_ms < next)
        {
            self.set_next(at_ms);
        }
    }

    fn find_next(&mut self) {
        let first = self.view().iter().filter_map(|field| field.expires_ms).min();
        self.set_next(first.unwrap_or(NEVER));
    }

    fn set_next(&mut self, at_ms: u64) {
        if let Some(bytes) = self.0.get_mut(HEAD..HEAD + EXPIRY) {
            bytes.copy_from_slice(&at_ms.to_le_bytes());
        }
    }

    fn set_len(&mut self, len: usize) {
        self.set_head(self.view().head() & TIMED | len as u16);
    }

    fn set_head(&mut self, head: u16) {
        self.0[..HEAD].copy_from_slice(&head.to_le_bytes());
    }
}

/// Takes a field from the front.
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
fn take_field<'a>(rest: &mut &'a [u8], timed: bool) -> Option<Field<'a>> {
    let (name, value) = (take(rest)?, take(rest)?);
    let expires_ms = match timed {
        true => take(rest)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes)),
        false => None,
    };
    Some(Field { name, value, expires_ms })
}

/// Takes a string with its length in front.
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
fn take<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (&len, tail) = rest.split_first()?;
    let (string, tail) = tail.split_at_checked(usize::from(len))?;
    *rest = tail;
    Some(string)
}

/// Bytes that a field takes.
fn field_len(field: Field<'_>, timed: bool) -> usize {
    let expiry = if timed { expiry_len(field.expires_ms) } else { 0 };
    2 + field.name.len() + field.value.len() + expiry
}

fn expiry_len(at_ms: Option<u64>) -> usize {
    1 + if at_ms.is_some() { EXPIRY } else { 0 }
}

/// Writes a field, neither string of which is longer than [`BYTES`], to where it just fits.
fn write_field(out: &mut [u8], field: Field<'_>, timed: bool) {
    let rest = put(put(out, field.name), field.value);
    if timed {
        write_expiry(rest, field.expires_ms);
    }
}

fn write_expiry(out: &mut [u8], at_ms: Option<u64>) {
    match at_ms {
        Some(at_ms) => put(out, &at_ms.to_le_bytes()),
        None => put(out, b""),
    };
}

/// Writes a string with its length in front, and gives the room behind it.
fn put<'a>(out: &'a mut [u8], string: &[u8]) -> &'a mut [u8] {
    out[0] = string.len() as u8;
    let (place, rest) = out[1..].split_at_mut(string.len());
    place.copy_from_slice(string);
    rest
}

/// Makes the bytes at a place so many, and gives them to be written.
fn open(bytes: &mut Vec<u8>, place: Range<usize>, len: usize) -> &mut [u8] {
    let (old, new) = (bytes.len(), bytes.len() - place.len() + len);
    bytes.resize(old.max(new), 0);
    bytes.copy_within(place.end..old, place.start + len);
    bytes.truncate(new);
    &mut bytes[place.start..place.start + len]
}
