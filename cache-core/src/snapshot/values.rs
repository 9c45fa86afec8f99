//! Writing values, large ones part by part.
//!
//! What is small is written as its parts too, which any version reads; lists and streams as runs of
//! entries in listpacks.

use super::encoder::{COMPRESSED, Encoder};
use super::kind;
use crate::keyspace::fields::{Field, Fields};
use crate::keyspace::{Step, Walk};
use crate::types::{
    Element, Entry, HashView, ListView, SetMember, SetView, SortedSetView, Stream, StreamGroup,
    StreamId, StreamText, Value, View as _,
};

/// Entries of a sorted set that are written in one go.
const ENTRIES: u64 = 128;
/// A longer string may be cut between blocks, in bytes.
const AT_ONCE: usize = *COMPRESSED.end();
/// The longest element that is packed with others, in bytes.
const PACKED: usize = 8192;
/// An entry's flags: it has the fields of the first one.
const SAME_FIELDS: i64 = 2;

/// How far a value has been written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    /// A string, up to this byte.
    Text(usize),
    /// What is found by name, up to this place.
    Fields(Walk),
    /// What has an order, up to this rank.
    Rank(u64),
    /// Entries of a stream, before this id.
    Entries(StreamId),
    /// All entries of a stream.
    Totals,
    /// Groups of a stream, before this one.
    Group(usize),
    /// What is pending in a group, before this id.
    Pending(usize, StreamId),
    /// A group's consumers, before this one.
    Consumer(usize, usize),
    /// What a consumer has, before this id.
    Has(usize, usize, StreamId),
}

/// The number of the form in which a value is written.
pub(super) fn kind_of(value: &Value<'_>) -> u8 {
    match value {
        Value::String(_) => kind::STRING,
        Value::Hash(hash) if hash.first_expiry().is_some() => kind::HASH_EXPIRING,
        Value::Hash(_) => kind::HASH,
        Value::List(_) => kind::LIST_QUICKLIST_2,
        Value::Set(_) => kind::SET,
        Value::SortedSet(_) => kind::SORTED_SET,
        Value::Stream(_) => kind::STREAM_3,
    }
}

impl Encoder {
    /// Writes a value from a part of it on, until there are so many bytes or a few more; gives the
    /// part to go on with, if one is left.
    pub(super) fn value(
        &mut self,
        value: &Value<'_>,
        from: Option<Part>,
        most: usize,
    ) -> Option<Part> {
        match value {
            Value::String(text) => self.string(text, from, most),
            Value::Hash(hash) => self.hash(hash, from, most),
            Value::List(list) => self.list(list, from, most),
            Value::Set(set) => self.set(set, from, most),
            Value::SortedSet(set) => self.sorted_set(set, from, most),
            Value::Stream(stream) => {
                let mut part = from;
                loop {
                    part = self.stream(stream, part);
                    if part.is_none() || self.out.len() >= most {
                        return part;
                    }
                }
            }
        }
    }

    fn string(&mut self, text: &[u8], from: Option<Part>, most: usize) -> Option<Part> {
        let at = match from {
            Some(Part::Text(at)) => at,
            _ if text.len() <= AT_ONCE => {
                self.text(text);
                return None;
            }
            _ => {
                self.length(text.len() as u64);
                0
            }
        };
        let room = most.saturating_sub(self.out.len()).max(1);
        let end = at.saturating_add(room).min(text.len());
        self.bytes(text.get(at..end).unwrap_or_default());
        (end < text.len()).then_some(Part::Text(end))
    }

    /// Writes fields that are found by name, with what `write` makes of each.
    fn fields(
        &mut self,
        fields: &Fields,
        from: Option<Part>,
        most: usize,
        write: fn(&mut Self, Field<'_>),
        expiring: bool,
    ) -> Option<Part> {
        let from = match from {
            Some(Part::Fields(walk)) => walk,
            _ => Walk::default(),
        };
        let next = fields.walk(from, &mut |field| {
            write(self, field);
            if expiring {
                self.expiry(field);
            }
            if self.out.len() < most { Step::On } else { Step::Stop }
        });
        next.map(Part::Fields)
    }

    fn expiry(&mut self, field: Field<'_>) {
        self.bytes(&field.expires_ms.map_or(-1, |at_ms| at_ms as i64).to_le_bytes());
    }

    fn field(&mut self, field: Field<'_>) {
        self.text(field.name);
        self.text(field.value);
    }

    fn hash(&mut self, hash: &HashView<'_>, from: Option<Part>, most: usize) -> Option<Part> {
        let expiring = hash.first_expiry().is_some();
        if from.is_none() {
            self.length(hash.len() as u64);
        }
        if let Some(fields) = hash.fields() {
            return self.fields(fields, from, most, Self::field, expiring);
        }
        for field in hash.iter() {
            self.field(field);
            if expiring {
                self.expiry(field);
            }
        }
        None
    }

    fn set(&mut self, set: &SetView<'_>, from: Option<Part>, most: usize) -> Option<Part> {
        if from.is_none() {
            self.length(set.len() as u64);
        }
        if let Some(fields) = set.fields() {
            return self.fields(fields, from, most, |this, field| this.text(field.name), false);
        }
        for member in set.iter() {
            match member {
                SetMember::Integer(number) => self.number(number),
                SetMember::Text(text) => self.text(text),
            }
        }
        None
    }

    fn sorted_set(
        &mut self,
        set: &SortedSetView<'_>,
        from: Option<Part>,
        most: usize,
    ) -> Option<Part> {
        let len = set.len();
        let mut rank = match from {
            Some(Part::Rank(rank)) => rank,
            _ => {
                self.length(len);
                0
            }
        };
        while rank < len {
            if self.out.len() >= most {
                return Some(Part::Rank(rank));
            }
            let end = if set.is_large() { len.min(rank + ENTRIES) } else { len };
            set.each(rank..end, false, &mut |member, score| {
                self.text(member);
                self.bytes(&score.to_le_bytes());
            });
            rank = end;
        }
        None
    }

    fn list(&mut self, list: &ListView<'_>, from: Option<Part>, most: usize) -> Option<Part> {
        let mut rank = match from {
            Some(Part::Rank(rank)) => rank,
            _ => {
                self.length(list.runs());
                0
            }
        };
        while let Some((elements, count)) = list.run(rank) {
            if self.out.len() >= most && rank > 0 {
                return Some(Part::Rank(rank));
            }
            self.node(elements, count);
            rank += count;
        }
        None
    }

    /// Writes elements that lie in one run.
    fn node<'a>(&mut self, elements: impl Iterator<Item = Element<'a>> + Clone, count: u64) {
        if count == 1
            && let Some(Element::Text(text)) = elements.clone().next()
            && text.len() > PACKED
        {
            self.length(kind::NODE_PLAIN);
            self.text(text);
            return;
        }
        self.length(kind::NODE_PACKED);
        self.listpack.clear();
        for element in elements {
            match element {
                Element::Text(text) => self.listpack.text(text),
                Element::Number(number) => self.listpack.integer(number),
            }
        }
        self.listpack();
    }

    /// Writes a part of a stream, and gives the next one.
    fn stream(&mut self, stream: &Stream, from: Option<Part>) -> Option<Part> {
        let group = |at: usize| stream.groups().nth(at);
        match from {
            None => {
                self.length(stream.blocks());
                Some(Part::Entries(StreamId::MIN))
            }
            Some(Part::Entries(from)) => match stream.block(from) {
                Some((entries, next)) => {
                    self.block(entries);
                    Some(next.map_or(Part::Totals, Part::Entries))
                }
                None => Some(Part::Totals),
            },
            Some(Part::Totals) => {
                self.totals(stream);
                Some(Part::Group(0))
            }
            Some(Part::Group(at)) => {
                let group = group(at)?;
                self.text(&group.name);
                self.counted_id(group.last);
                self.length(group.read.unwrap_or(u64::MAX));
                self.length(group.pending().len());
                Some(Part::Pending(at, StreamId::MIN))
            }
            Some(Part::Pending(at, from)) => {
                let group = group(at)?;
                let next = self.pending(group, from);
                if next.is_none() {
                    self.length(group.consumers().len() as u64);
                }
                Some(next.map_or(Part::Consumer(at, 0), |next| Part::Pending(at, next)))
            }
            Some(Part::Consumer(at, number)) => {
                let Some((_, consumer)) = group(at)?.consumers().nth(number) else {
                    return Some(Part::Group(at + 1));
                };
                let consumer = consumer?;
                self.text(&consumer.name);
                self.bytes(&consumer.seen_ms.to_le_bytes());
                let active_ms = consumer.active_ms.map_or(-1, |at_ms| at_ms as i64);
                self.bytes(&active_ms.to_le_bytes());
                self.length(consumer.pending.len());
                Some(Part::Has(at, number, StreamId::MIN))
            }
            Some(Part::Has(at, number, from)) => {
                let group = group(at)?;
                let (_, consumer) = group.consumers().nth(number)?;
                let mut ids = consumer?.pending.iter_from(from);
                for &id in ids.by_ref().take(ENTRIES as usize) {
                    self.id(id);
                }
                let next = ids.next().map(|&id| Part::Has(at, number, id));
                Some(next.unwrap_or(Part::Consumer(at, number + 1)))
            }
            Some(_) => None,
        }
    }

    /// Writes some of what is pending, and gives the id to go on with.
    fn pending(&mut self, group: &StreamGroup, from: StreamId) -> Option<StreamId> {
        let mut pending = group.pending().iter_from(from);
        for pending in pending.by_ref().take(ENTRIES as usize) {
            self.id(pending.id);
            self.bytes(&pending.at_ms.to_le_bytes());
            self.length(pending.count);
        }
        pending.next().map(|pending| pending.id)
    }

    fn totals(&mut self, stream: &Stream) {
        self.length(stream.len());
        self.counted_id(stream.last_id());
        self.counted_id(stream.first_id());
        self.counted_id(stream.deleted_id());
        self.length(stream.added());
        self.length(stream.groups().len() as u64);
    }

    /// Writes entries as a listpack, the id of the first before it.
    fn block<'a>(&mut self, entries: impl Iterator<Item = Entry<'a>> + Clone) {
        let Some(first) = entries.clone().next() else { return };
        let base = first.id;
        self.length(16);
        self.id(base);
        let listpack = &mut self.listpack;
        listpack.clear();
        listpack.integer(entries.clone().count() as i64);
        // Those that were removed are not written.
        listpack.integer(0);
        listpack.integer(first.len.into());
        for (name, _) in first.fields() {
            put(listpack, name);
        }
        listpack.integer(0);
        for (i, entry) in entries.enumerate() {
            let same = i == 0 || entry.is_like(&first);
            listpack.integer(if same { SAME_FIELDS } else { 0 });
            listpack.integer(entry.id.ms.wrapping_sub(base.ms) as i64);
            listpack.integer(entry.id.seq.wrapping_sub(base.seq) as i64);
            if !same {
                listpack.integer(entry.len.into());
            }
            for (name, value) in entry.fields() {
                if !same {
                    put(listpack, name);
                }
                put(listpack, value);
            }
            let len = i64::from(entry.len);
            listpack.integer(if same { len + 3 } else { 2 * len + 4 });
        }
        self.listpack();
    }

    fn id(&mut self, id: StreamId) {
        self.bytes(&id.ms.to_be_bytes());
        self.bytes(&id.seq.to_be_bytes());
    }

    /// An id as two numbers.
    fn counted_id(&mut self, id: StreamId) {
        self.length(id.ms);
        self.length(id.seq);
    }
}

fn put(listpack: &mut super::packed::Listpack, text: StreamText<'_>) {
    match text {
        StreamText::Text(text) => listpack.text(text),
        StreamText::Integer(number) => listpack.integer(number),
    }
}
