//! The stream: entries in the order of their ids, and groups of consumers that share them.
//!
//! - `id`, `pack`: ids; strings in few bytes.
//! - `block`, `weight`, `log`: entries, packed in blocks that are cut as Valkey would cut them.
//! - `ordered`, `group`: what was given to whom.
//! - `progress`: how many entries a group has read, and how many are left.
//!
//! There is no small form, and an empty stream stays: its last id must not be given again.

mod block;
mod group;
mod id;
mod log;
mod ordered;
mod pack;
mod progress;
mod weight;

#[cfg(test)]
mod tests;

use block::Fields;
pub(crate) use block::{BlockLimits, Entry};
pub(crate) use group::{Consumer, Group, Pending};
pub(crate) use id::StreamId;
pub(crate) use log::{Keep, Trim};
pub(crate) use ordered::Ordered;
pub(crate) use pack::StreamText;

use super::{Structure, View};
use crate::hash::HashSeed;
use crate::keyspace::Shared;
use alloc::vec::Vec;
use core::ops::Deref;
use log::Log;

/// Bytes of a stream beside its entries and groups, as accounted.
const OVERHEAD: u64 = 160;

/// A stream to change.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    log: Log,
    /// The last id that was given.
    last: StreamId,
    /// The greatest id that was removed by name.
    deleted: StreamId,
    /// How many entries were ever added.
    added: u64,
    /// By name.
    groups: Vec<Shared<Group>>,
    groups_size: u64,
}

/// A stream to read where it lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StreamView<'a>(&'a Stream);

impl Deref for StreamView<'_> {
    type Target = Stream;

    fn deref(&self) -> &Stream {
        self.0
    }
}

static EMPTY: Stream = Stream::EMPTY;

impl Structure for Stream {
    type View<'a> = StreamView<'a>;

    const NAME: &'static str = "stream";
    const TAG: u8 = b'x';

    fn new(_: HashSeed) -> Self {
        Stream::EMPTY
    }

    fn view(&self) -> StreamView<'_> {
        StreamView(self)
    }

    fn as_bytes(&self) -> Option<&[u8]> {
        None
    }

    fn size(&self) -> u64 {
        OVERHEAD + self.log.size() + self.groups_size
    }

    fn drop_some(&mut self) -> bool {
        if self.log.drop_some() {
            return true;
        }
        if let Some(group) = self.groups.last_mut() {
            if !group.own().is_some_and(Group::drop_some) {
                self.groups.pop();
            }
            return true;
        }
        false
    }
}

impl<'a> View<'a> for StreamView<'a> {
    type Owned = Stream;

    fn small(_: &'a [u8], _: HashSeed) -> Self {
        StreamView(&EMPTY)
    }

    fn to_owned(self) -> Stream {
        self.0.clone()
    }

    fn is_empty(&self) -> bool {
        false
    }

    fn encoding(&self) -> &'static str {
        "stream"
    }

    fn digest_into(&self, out: &mut Vec<u8>) {
        let seed = HashSeed::new(7, 8);
        let mut parts = Vec::new();
        // Each part's hash has all before it in it.
        let chain = |part: &mut Vec<u8>| {
            let digest = seed.hash(part);
            part.clear();
            part.extend_from_slice(&digest.to_le_bytes());
        };
        put_id(&mut parts, self.last);
        put_id(&mut parts, self.deleted);
        parts.extend_from_slice(&self.added.to_le_bytes());
        for entry in self.range(StreamId::MIN, StreamId::MAX) {
            chain(&mut parts);
            put_id(&mut parts, entry.id);
            for (name, value) in entry.fields() {
                put_text(&mut parts, &name.to_vec());
                put_text(&mut parts, &value.to_vec());
            }
        }
        for group in self.groups() {
            chain(&mut parts);
            digest_group(group, &mut parts);
        }
        out.extend_from_slice(&parts);
    }
}

fn put_id(out: &mut Vec<u8>, id: StreamId) {
    out.extend_from_slice(&id.ms.to_le_bytes());
    out.extend_from_slice(&id.seq.to_le_bytes());
}

fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    out.extend_from_slice(&(text.len() as u64).to_le_bytes());
    out.extend_from_slice(text);
}

/// When its consumers asked last is left out: no effect tells that.
fn digest_group(group: &Group, out: &mut Vec<u8>) {
    put_text(out, &group.name);
    put_id(out, group.last);
    out.extend_from_slice(&group.read.unwrap_or(u64::MAX).to_le_bytes());
    for (_, consumer) in group.consumers() {
        put_text(out, consumer.map_or(&[], |consumer| &consumer.name));
    }
    for pending in group.pending().iter() {
        put_id(out, pending.id);
        out.extend_from_slice(&pending.at_ms.to_le_bytes());
        out.extend_from_slice(&pending.count.to_le_bytes());
        put_text(out, group.name_of(pending.consumer));
    }
}

/// Reading.
impl Stream {
    const EMPTY: Stream = Stream {
        log: Log::EMPTY,
        last: StreamId::MIN,
        deleted: StreamId::MIN,
        added: 0,
        groups: Vec::new(),
        groups_size: 0,
    };

    /// How many entries there are.
    pub(crate) fn len(&self) -> u64 {
        self.log.len()
    }

    /// How many blocks they are in.
    pub(crate) fn blocks(&self) -> u64 {
        self.log.blocks()
    }

    /// The last id that was given.
    pub(crate) fn last_id(&self) -> StreamId {
        self.last
    }

    /// The greatest id that was removed by name.
    pub(crate) fn deleted_id(&self) -> StreamId {
        self.deleted
    }

    /// How many entries were ever added.
    pub(crate) fn added(&self) -> u64 {
        self.added
    }

    pub(crate) fn first(&self) -> Option<Entry<'_>> {
        self.log.first()
    }

    pub(crate) fn last(&self) -> Option<Entry<'_>> {
        self.log.last()
    }

    /// The id of the last entry.
    pub(crate) fn top_id(&self) -> Option<StreamId> {
        self.log.top()
    }

    pub(crate) fn get(&self, id: StreamId) -> Option<Entry<'_>> {
        self.log.get(id)
    }

    /// The entries from one id to another, both included.
    pub(crate) fn range(&self, from: StreamId, to: StreamId) -> impl Iterator<Item = Entry<'_>> {
        self.log.range(from, to)
    }

    /// The same, the last one first.
    pub(crate) fn range_back(
        &self,
        from: StreamId,
        to: StreamId,
    ) -> impl Iterator<Item = Entry<'_>> {
        self.log.range_back(from, to)
    }

    /// The entries of one block from an id on, and the least id behind that block; the first such
    /// block. `None`: there is none.
    pub(crate) fn block(
        &self,
        from: StreamId,
    ) -> Option<(impl Iterator<Item = Entry<'_>> + Clone, Option<StreamId>)> {
        let block = self.log.block_from(from)?;
        Some((block.iter_from(from), block.end().next()))
    }

    /// All groups, by name.
    pub(crate) fn groups(&self) -> impl ExactSizeIterator<Item = &Group> {
        self.groups.iter().map(|group| &**group)
    }

    pub(crate) fn group(&self, name: &[u8]) -> Option<&Group> {
        self.groups.get(self.group_place(name).ok()?).map(|group| &**group)
    }

    fn group_place(&self, name: &[u8]) -> Result<usize, usize> {
        self.groups.binary_search_by(|group| (*group.name).cmp(name))
    }
}

/// Writing.
impl Stream {
    /// Adds an entry. `id` must be greater than the last one; `bytes` are those of its strings.
    pub(crate) fn push<'a>(
        &mut self,
        id: StreamId,
        fields: impl Fields<'a>,
        bytes: u64,
        limits: BlockLimits,
    ) {
        self.log.push(id, fields, bytes, limits);
        self.last = id;
        self.added = self.added.saturating_add(1);
    }

    /// Removes an entry by its id. `false`: it isn't there.
    pub(crate) fn remove(&mut self, id: StreamId) -> bool {
        let removed = self.log.remove(id);
        if removed {
            self.deleted = self.deleted.max(id);
        }
        removed
    }

    /// Removes the oldest entries and says how many.
    pub(crate) fn trim(&mut self, trim: Trim) -> u64 {
        self.log.trim(trim)
    }

    /// Says what the last id was, how many entries were ever added, and which was the greatest id
    /// that was removed.
    pub(crate) fn set_counters(
        &mut self,
        last: StreamId,
        added: Option<u64>,
        deleted: Option<StreamId>,
    ) {
        self.last = last;
        self.added = added.unwrap_or(self.added);
        self.deleted = deleted.unwrap_or(self.deleted);
    }

    /// Makes a group. `false`: there is one of that name.
    pub(crate) fn add_group(&mut self, name: &[u8], last: StreamId, read: Option<u64>) -> bool {
        self.put_group(Group::new(name, last, read))
    }

    /// Adds a group that was made elsewhere. `false`: there is one of that name.
    pub(crate) fn put_group(&mut self, group: Group) -> bool {
        let place = self.group_place(&group.name);
        if let Err(at) = place {
            self.groups_size += group.size();
            self.groups.insert(at, Shared::new(group));
        }
        place.is_err()
    }

    /// Removes a group. `false`: there is none of that name.
    pub(crate) fn remove_group(&mut self, name: &[u8]) -> bool {
        let Ok(at) = self.group_place(name) else { return false };
        self.groups_size -= self.groups.remove(at).size();
        true
    }

    /// Changes a group.
    pub(crate) fn edit_group<R>(
        &mut self,
        name: &[u8],
        edit: impl FnOnce(&mut Group) -> R,
    ) -> Option<R> {
        let at = self.group_place(name).ok()?;
        let group = self.groups.get_mut(at)?.to_mut();
        let before = group.size();
        let result = edit(group);
        self.groups_size = self.groups_size - before + group.size();
        Some(result)
    }
}
