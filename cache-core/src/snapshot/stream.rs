//! Streams as files have them: entries in listpacks, each with an id to count from; then counters; then
//! groups, what is pending in each, and who has it.

use super::builder::Making;
use super::input::{Input, Read, bad};
use super::kind;
use super::packed::{Form, Items};
use super::text::Texts;
use crate::types::{Pending, Stream, StreamGroup, StreamId, Structure};
use alloc::vec::Vec;

/// What an entry's flags say.
const DELETED: i64 = 1;
const SAME_FIELDS: i64 = 2;

/// Makes a stream of what comes.
#[derive(Clone, Debug)]
pub(super) struct StreamBuilder {
    stream: Stream,
    stage: Stage,
    /// Entries are counted, and then told.
    entries: u64,
    strings: Strings,
    group: Option<GroupBuilder>,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// So many listpacks are left.
    Nodes(u64),
    /// The same, after the id of the next one.
    Node(u64, StreamId),
    Totals,
    /// So many groups are left.
    Groups(u64),
    /// The same, within the next one.
    Group(u64),
}

/// A group that is being read.
#[derive(Clone, Debug)]
struct GroupBuilder {
    group: StreamGroup,
    stage: GroupStage,
    pending: Vec<Unowned>,
    /// How many have an owner.
    owned: usize,
}

#[derive(Clone, Copy, Debug)]
enum GroupStage {
    /// Its name was read.
    Head,
    Pending(u64),
    Consumers(u64),
    /// The consumer of this number, of which so much is pending.
    Consumer(u64, u32, Option<u64>),
}

/// What was delivered, until it is told to whom.
#[derive(Clone, Copy, Debug)]
struct Unowned {
    id: StreamId,
    at_ms: u64,
    count: u64,
    is_owned: bool,
}

/// Strings of an entry, one behind the other.
#[derive(Clone, Debug, Default)]
struct Strings {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Strings {
    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len());
    }

    fn iter(&self) -> Each<'_> {
        Each { bytes: &self.bytes, ends: &self.ends, start: 0 }
    }

    /// Two at a time.
    fn pairs(&self) -> impl Iterator<Item = (&[u8], &[u8])> + Clone {
        let mut each = self.iter();
        core::iter::from_fn(move || Some((each.next()?, each.next()?)))
    }
}

#[derive(Clone, Copy, Debug)]
struct Each<'a> {
    bytes: &'a [u8],
    ends: &'a [usize],
    start: usize,
}

impl<'a> Iterator for Each<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let (&end, rest) = self.ends.split_first()?;
        let text = self.bytes.get(self.start..end)?;
        (self.start, self.ends) = (end, rest);
        Some(text)
    }
}

fn id(input: &mut Input<'_>) -> Read<StreamId> {
    input.whole(|input| {
        let (ms, seq) = (input.array()?, input.array()?);
        Ok(StreamId { ms: u64::from_be_bytes(ms), seq: u64::from_be_bytes(seq) })
    })
}

/// An id as two numbers.
fn counted_id(input: &mut Input<'_>) -> Read<StreamId> {
    Ok(StreamId { ms: input.count()?, seq: input.count()? })
}

impl StreamBuilder {
    pub(super) fn new(nodes: u64, making: &Making<'_>) -> Self {
        StreamBuilder {
            stream: Stream::new(making.seed),
            stage: Stage::Nodes(nodes),
            entries: 0,
            strings: Strings::default(),
            group: None,
        }
    }

    /// Reads on, to the end.
    pub(super) fn read(
        &mut self,
        code: u8,
        input: &mut Input<'_>,
        names: &mut Texts,
        texts: &mut Texts,
        making: &Making<'_>,
    ) -> Read<()> {
        loop {
            self.stage = match self.stage {
                Stage::Nodes(0) => Stage::Totals,
                Stage::Nodes(left) => Stage::Node(left, node_id(&names.next(input)?)?),
                Stage::Node(left, id) => {
                    let bytes = texts.next(input)?;
                    self.add_node(id, &bytes, making)?;
                    Stage::Nodes(left - 1)
                }
                Stage::Totals => Stage::Groups(self.read_totals(code, input)?),
                Stage::Groups(0) => return Ok(()),
                Stage::Groups(left) => {
                    let name = names.next(input)?;
                    self.group = Some(GroupBuilder {
                        group: StreamGroup::new(&name, StreamId::MIN, None),
                        stage: GroupStage::Head,
                        pending: Vec::new(),
                        owned: 0,
                    });
                    Stage::Group(left)
                }
                Stage::Group(left) => {
                    if let Some(group) = &mut self.group {
                        group.read(code, input, names)?;
                    }
                    let group = self.group.take();
                    if !group.is_some_and(|group| self.stream.put_group(group.group)) {
                        return bad("a stream has the same group twice");
                    }
                    Stage::Groups(left - 1)
                }
            };
        }
    }

    pub(super) fn finish(self) -> Stream {
        self.stream
    }

    /// What stands between the entries and the groups; gives how many groups there are.
    fn read_totals(&mut self, code: u8, input: &mut Input<'_>) -> Read<u64> {
        let (len, last, more, groups) = input.whole(|input| {
            let (len, last) = (input.count()?, counted_id(input)?);
            let more = match code {
                kind::STREAM => None,
                // The first entry's id follows from the entries.
                _ => Some((counted_id(input)?, counted_id(input)?, input.count()?)),
            };
            Ok((len, last, more, input.count()?))
        })?;
        if len != self.entries {
            return bad("a stream has not as many entries as it says");
        }
        if self.stream.top_id().is_some_and(|top| top > last) {
            return bad("a stream has entries behind its last id");
        }
        // What older files don't say is what can be seen.
        let (_, deleted, added) = more.unwrap_or((StreamId::MIN, StreamId::MIN, len));
        self.stream.set_counters(last, Some(added), Some(deleted));
        Ok(groups)
    }

    fn add_node(&mut self, base: StreamId, bytes: &[u8], making: &Making<'_>) -> Read<()> {
        let mut items = Items::open(Form::Listpack, bytes)?;
        let mut digits = itoa::Buffer::new();
        let (mut live, mut deleted) = (items.integer()?, items.integer()?);
        let names = items.integer()?;
        let mut front = Strings::default();
        for _ in 0..names {
            front.push(items.must()?.text(&mut digits));
        }
        if items.integer()? != 0 {
            return bad("a part of a stream has no end of its first fields");
        }
        while live > 0 || deleted > 0 {
            let flags = items.integer()?;
            let (ms, seq) = (items.integer()? as u64, items.integer()? as u64);
            let id = StreamId { ms: base.ms.wrapping_add(ms), seq: base.seq.wrapping_add(seq) };
            let same = flags & SAME_FIELDS != 0;
            let count = if same { names } else { items.integer()? };
            self.strings.clear();
            let mut front = front.iter();
            for _ in 0..count {
                match same {
                    true => self.strings.push(front.next().unwrap_or_default()),
                    false => self.strings.push(items.must()?.text(&mut digits)),
                }
                self.strings.push(items.must()?.text(&mut digits));
            }
            let behind =
                if same { count.wrapping_add(3) } else { count.wrapping_mul(2).wrapping_add(4) };
            if items.integer()? != behind {
                return bad("an entry of a stream has not as many parts as it says");
            }
            if flags & DELETED != 0 {
                deleted -= 1;
            } else {
                live -= 1;
                self.add_entry(id, making)?;
            }
        }
        if live < 0 || deleted < 0 || items.next()?.is_some() {
            return bad("a part of a stream has not as many entries as it says");
        }
        Ok(())
    }

    fn add_entry(&mut self, id: StreamId, making: &Making<'_>) -> Read<()> {
        let is_next = match self.stream.top_id() {
            Some(top) => id > top,
            None => id != StreamId::MIN,
        };
        if !is_next {
            return bad("entries of a stream are not in order");
        }
        if self.strings.ends.is_empty() {
            return bad("an entry of a stream has no fields");
        }
        let fields = self.strings.pairs();
        self.stream.push(id, fields, self.strings.bytes.len() as u64, making.forms.stream);
        self.entries += 1;
        Ok(())
    }
}

/// The id that entries of a part are counted from.
fn node_id(bytes: &[u8]) -> Read<StreamId> {
    let mut input = Input::new(bytes);
    match id(&mut input) {
        Ok(id) if input.rest().is_empty() => Ok(id),
        _ => bad("a part of a stream has no id"),
    }
}

impl GroupBuilder {
    /// Reads on, to the group's end.
    fn read(&mut self, code: u8, input: &mut Input<'_>, names: &mut Texts) -> Read<()> {
        loop {
            self.stage = match self.stage {
                GroupStage::Head => GroupStage::Pending(self.read_head(code, input)?),
                GroupStage::Pending(0) => GroupStage::Consumers(input.count()?),
                GroupStage::Pending(left) => {
                    self.read_pending(input)?;
                    GroupStage::Pending(left - 1)
                }
                GroupStage::Consumers(0) => {
                    return match self.owned == self.pending.len() {
                        true => Ok(()),
                        false => bad("a group has pending entries that no consumer has"),
                    };
                }
                GroupStage::Consumers(left) => {
                    let name = names.next(input)?;
                    let (number, is_new) = self.group.add_consumer(&name, 0);
                    if !is_new {
                        return bad("a group has the same consumer twice");
                    }
                    GroupStage::Consumer(left, number, None)
                }
                GroupStage::Consumer(left, number, None) => {
                    let pending = self.read_consumer(code, input, number)?;
                    GroupStage::Consumer(left, number, Some(pending))
                }
                GroupStage::Consumer(left, _, Some(0)) => GroupStage::Consumers(left - 1),
                GroupStage::Consumer(left, number, Some(pending)) => {
                    let id = id(input)?;
                    self.give(id, number)?;
                    GroupStage::Consumer(left, number, Some(pending - 1))
                }
            };
        }
    }

    fn read_head(&mut self, code: u8, input: &mut Input<'_>) -> Read<u64> {
        let (last, read, pending) = input.whole(|input| {
            let last = counted_id(input)?;
            let read = if code == kind::STREAM { u64::MAX } else { input.count()? };
            Ok((last, read, input.count()?))
        })?;
        self.group.last = last;
        // -1: it isn't known.
        self.group.read = (i64::try_from(read).is_ok()).then_some(read);
        Ok(pending)
    }

    fn read_pending(&mut self, input: &mut Input<'_>) -> Read<()> {
        let pending = input.whole(|input| {
            let (id, at_ms, count) = (id(input)?, input.moment()?, input.count()?);
            Ok(Unowned { id, at_ms, count, is_owned: false })
        })?;
        if self.pending.last().is_some_and(|last| last.id >= pending.id) {
            return bad("pending entries of a group are not in order");
        }
        self.pending.push(pending);
        Ok(())
    }

    /// Reads what stands behind a consumer's name, and gives how many entries it has.
    fn read_consumer(&mut self, code: u8, input: &mut Input<'_>, number: u32) -> Read<u64> {
        let (seen_ms, active_ms, pending) = input.whole(|input| {
            let seen_ms = input.moment()?;
            // Who was seen was taken for active, before that was told.
            let active_ms = match code {
                kind::STREAM_3 => u64::try_from(input.int::<8>()?).ok(),
                _ => Some(seen_ms),
            };
            Ok((seen_ms, active_ms, input.count()?))
        })?;
        self.group.saw(number, seen_ms);
        if let Some(active_ms) = active_ms {
            self.group.served(number, active_ms);
        }
        Ok(pending)
    }

    fn give(&mut self, id: StreamId, consumer: u32) -> Read<()> {
        let place = self.pending.binary_search_by(|pending| pending.id.cmp(&id)).ok();
        let Some(pending) = place.and_then(|at| self.pending.get_mut(at)) else {
            return bad("a consumer has an entry that is not pending");
        };
        if core::mem::replace(&mut pending.is_owned, true) {
            return bad("two consumers have the same entry");
        }
        let Unowned { id, at_ms, count, .. } = *pending;
        self.group.give(Pending { id, at_ms, count, consumer });
        self.owned += 1;
        Ok(())
    }
}
