//! Making values of what files have of them, part by part.

use super::forms::Forms;
use super::input::{Input, Read, Stop, bad};
use super::kind;
use super::packed::{Form, Items};
use super::stream::StreamBuilder;
use super::text::Texts;
use super::unpack::{push_all, unpack};
use crate::hash::HashSeed;
use crate::keyspace::fields::Field;
use crate::numbers::parse_f64;
use crate::types::{Data, End, Hash, List, Set, SortedSet, Structure};
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// What decides how values are made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Making<'a> {
    pub(super) forms: &'a Forms,
    pub(super) seed: HashSeed,
    /// Whether numbers of types are Valkey's where they differ from Redis's.
    pub(super) valkey: bool,
    /// Fields that have expired by then are left out; at 0, none are.
    pub(super) skip_expired_by_ms: u64,
}

/// A value that was read.
#[derive(Debug)]
pub(super) enum Built<'t> {
    Text(Cow<'t, [u8]>),
    Data(Data),
    /// There is nothing in it, which no key may have.
    Empty,
}

/// Reads one value after the other, each cut anywhere.
#[derive(Clone, Debug, Default)]
pub(super) struct Builder {
    stage: Stage,
    pairs: Pairs,
    /// Before a field: when it expires.
    ttl: Option<u64>,
}

#[derive(Clone, Debug, Default)]
enum Stage {
    #[default]
    Start,
    /// All of it comes as one string.
    Packed,
    Parts(Parts),
    /// Parts that are packed themselves. `bool`: whether the next one's head was read, and it is one
    /// element.
    Nodes {
        left: u64,
        list: List,
        head: Option<bool>,
    },
    Stream(Box<StreamBuilder>),
}

#[derive(Clone, Debug)]
struct Parts {
    left: u64,
    data: Data,
    /// What expiries count from.
    base_ms: u64,
}

/// What stands behind a part's strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tail {
    Nothing,
    /// A score as eight bytes or as text; its bits.
    Score,
    ScoreText,
    /// When a field expires, in milliseconds; -1 never.
    Expiry,
}

impl Tail {
    fn read(self, input: &mut Input<'_>) -> Read<u64> {
        match self {
            Tail::Nothing => Ok(0),
            Tail::Score | Tail::Expiry => input.u64_le(),
            Tail::ScoreText => input.whole(|input| {
                let score = match input.byte()? {
                    253 => f64::NAN,
                    254 => f64::INFINITY,
                    255 => f64::NEG_INFINITY,
                    len => number(input.take(len.into())?)?,
                };
                Ok(score.to_bits())
            }),
        }
    }
}

pub(super) fn number(text: &[u8]) -> Read<f64> {
    parse_f64(text).ok_or(Stop::Bad(Cow::Borrowed("a score is no number")))
}

/// A name, a value and what stands behind them.
type Pair<'t> = (Cow<'t, [u8]>, Cow<'t, [u8]>, u64);

/// Strings that belong together, of which some may have come before the others.
#[derive(Clone, Debug, Default)]
struct Pairs {
    names: Texts,
    values: Texts,
    name: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
}

impl Pairs {
    /// The next string, or two if `has_value`, and what stands behind.
    fn next<'t, 'i: 't>(
        &'t mut self,
        input: &mut Input<'i>,
        has_value: bool,
        tail: Tail,
    ) -> Read<Pair<'t>> {
        let Pairs { names, values, name: held_name, value: held_value } = self;
        let name = match held_name.take() {
            Some(name) => Cow::Owned(name),
            None => names.next(input)?,
        };
        let mut value = Cow::Borrowed(&[][..]);
        if has_value {
            value = match held_value.take() {
                Some(value) => Cow::Owned(value),
                None => match values.next(input) {
                    Ok(value) => value,
                    Err(stop) => {
                        *held_name = Some(name.into_owned());
                        return Err(stop);
                    }
                },
            };
        }
        match tail.read(input) {
            Ok(tail) => Ok((name, value, tail)),
            Err(stop) => {
                *held_name = Some(name.into_owned());
                *held_value = has_value.then(|| value.into_owned());
                Err(stop)
            }
        }
    }
}

/// Whether a value of this type can be read.
pub(super) fn is_known(code: u8, valkey: bool) -> bool {
    use kind::*;
    match code {
        STRING..=SORTED_SET | HASH_ZIPMAP..=HASH_EXPIRING => true,
        HASH_LISTPACK_EXPIRING_EARLY..=HASH_LISTPACK_EXPIRING => !valkey,
        _ => false,
    }
}

impl Builder {
    /// Reads the value of this type that is next.
    #[inline]
    pub(super) fn next<'t, 'i: 't>(
        &'t mut self,
        code: u8,
        input: &mut Input<'i>,
        making: &Making<'_>,
    ) -> Read<Built<'t>> {
        match code {
            kind::STRING => self.pairs.values.next(input).map(Built::Text),
            _ => self.build(code, input, making).map(|data| data.map_or(Built::Empty, Built::Data)),
        }
    }

    fn build(
        &mut self,
        code: u8,
        input: &mut Input<'_>,
        making: &Making<'_>,
    ) -> Read<Option<Data>> {
        if let Stage::Start = self.stage {
            self.stage = begin(code, input, making)?;
        }
        let data = match &mut self.stage {
            Stage::Start => None,
            Stage::Packed => {
                let bytes = self.pairs.values.next(input)?;
                Some(unpack(code, &bytes, making)?)
            }
            Stage::Parts(parts) => {
                while parts.left > 0 {
                    parts.add_next(code, &mut self.pairs, &mut self.ttl, input, making)?;
                    parts.left -= 1;
                }
                None
            }
            Stage::Nodes { left, list, head } => {
                while *left > 0 {
                    add_node(code, list, head, &mut self.pairs.values, input)?;
                    *left -= 1;
                }
                None
            }
            Stage::Stream(stream) => {
                stream.read(code, input, &mut self.pairs.names, &mut self.pairs.values, making)?;
                None
            }
        };
        let data = match (data, core::mem::take(&mut self.stage)) {
            (Some(data), _) => data,
            (None, Stage::Parts(parts)) => parts.data,
            (None, Stage::Nodes { list, .. }) => Data::List(list),
            (None, Stage::Stream(stream)) => Data::Stream(stream.finish()),
            (None, _) => return Ok(None),
        };
        Ok(finish(data, making))
    }
}

/// Reads what stands before a value's parts.
fn begin(code: u8, input: &mut Input<'_>, making: &Making<'_>) -> Read<Stage> {
    use kind::*;
    let is_early = code == HASH_LISTPACK_EXPIRING_EARLY;
    Ok(match code {
        HASH_ZIPMAP..=HASH_ZIPLIST | HASH_LISTPACK | SORTED_SET_LISTPACK | SET_LISTPACK => {
            Stage::Packed
        }
        _ if is_early => Stage::Packed,
        HASH_LISTPACK_EXPIRING => {
            // When the first field expires follows from the fields.
            input.u64_le()?;
            Stage::Packed
        }
        LIST_QUICKLIST | LIST_QUICKLIST_2 => {
            let (left, mut list) = (input.count()?, List::new(making.seed));
            list.set_quick(left > 1);
            Stage::Nodes { left, list, head: None }
        }
        STREAM | STREAM_2 | STREAM_3 => {
            Stage::Stream(Box::new(StreamBuilder::new(input.count()?, making)))
        }
        _ => input.whole(|input| {
            let base_ms = if code == HASH_EXPIRING_REDIS { input.u64_le()? } else { 0 };
            let left = input.count()?;
            Ok(Stage::Parts(Parts { left, data: empty(code, left, making), base_ms }))
        })?,
    })
}

/// An empty value, to which so many parts will come.
pub(super) fn empty(code: u8, parts: u64, making: &Making<'_>) -> Data {
    let (seed, forms) = (making.seed, making.forms);
    let exceeds = |limit: usize| parts > limit as u64;
    match code {
        kind::LIST => Data::List(List::new(seed)),
        kind::SET if exceeds(forms.set.integers.max(forms.set.list.entries)) => {
            Data::Set(Set::large(seed))
        }
        kind::SET => Data::Set(Set::new(seed)),
        kind::SORTED_SET | kind::SORTED_SET_TEXT => {
            let mut set = SortedSet::new(seed);
            set.expect(usize::try_from(parts).unwrap_or(usize::MAX), 0, forms.sorted_set);
            Data::SortedSet(set)
        }
        _ if exceeds(forms.hash.entries) => Data::Hash(Hash::large(seed)),
        _ => Data::Hash(Hash::with_room(seed, parts)),
    }
}

impl Parts {
    fn add_next(
        &mut self,
        code: u8,
        pairs: &mut Pairs,
        ttl: &mut Option<u64>,
        input: &mut Input<'_>,
        making: &Making<'_>,
    ) -> Read<()> {
        let is_hash = matches!(self.data, Data::Hash(_));
        let tail = match code {
            kind::SORTED_SET => Tail::Score,
            kind::SORTED_SET_TEXT => Tail::ScoreText,
            kind::HASH_EXPIRING if making.valkey => Tail::Expiry,
            _ => Tail::Nothing,
        };
        let ttl_is_first = is_hash && code != kind::HASH && tail == Tail::Nothing;
        if ttl_is_first && ttl.is_none() {
            *ttl = Some(input.count()?);
        }
        let (name, value, tail_bits) = pairs.next(input, is_hash, tail)?;
        match &mut self.data {
            Data::List(list) => {
                list.push(End::Last, &name);
                Ok(())
            }
            Data::Set(set) => add_member(set, &name, making),
            Data::SortedSet(set) => add_score(set, &name, f64::from_bits(tail_bits), making),
            Data::Hash(hash) => {
                let expires_ms = match (tail, ttl.take()) {
                    (Tail::Expiry, _) => expiry(tail_bits as i64)?,
                    (_, None | Some(0)) => None,
                    // Counted from the first moment at which one expires, and from 1.
                    (_, Some(ttl)) if self.base_ms > 0 => {
                        Some((ttl - 1).saturating_add(self.base_ms))
                    }
                    (_, ttl) => ttl,
                };
                add_field(hash, Field { name: &name, value: &value, expires_ms }, making)
            }
            _ => bad("this type has no such parts"),
        }
    }
}

/// A field's expiry as Valkey writes it.
fn expiry(ms: i64) -> Read<Option<u64>> {
    match ms {
        -1 => Ok(None),
        _ => match u64::try_from(ms) {
            Ok(ms) => Ok(Some(ms)),
            Err(_) => bad("a field expires before all time"),
        },
    }
}

pub(super) fn add_member(set: &mut Set, member: &[u8], making: &Making<'_>) -> Read<()> {
    match set.add(member, making.forms.set) {
        true => Ok(()),
        false => bad("a set has the same member twice"),
    }
}

pub(super) fn add_field(hash: &mut Hash, field: Field<'_>, making: &Making<'_>) -> Read<()> {
    if !field.lives_at(making.skip_expired_by_ms) {
        return Ok(());
    }
    match hash.set_field(field, making.forms.hash) {
        true => Ok(()),
        false => bad("a hash has the same field twice"),
    }
}

pub(super) fn add_score(
    set: &mut SortedSet,
    member: &[u8],
    score: f64,
    making: &Making<'_>,
) -> Read<()> {
    if score.is_nan() {
        return bad("a score is not a number");
    }
    match set.push(member, score, making.forms.sorted_set) {
        true => Ok(()),
        false => bad("a sorted set has the same member twice"),
    }
}

/// Reads a node of a list.
fn add_node(
    code: u8,
    list: &mut List,
    head: &mut Option<bool>,
    texts: &mut Texts,
    input: &mut Input<'_>,
) -> Read<()> {
    let form = if code == kind::LIST_QUICKLIST { Form::Ziplist } else { Form::Listpack };
    if form == Form::Listpack && head.is_none() {
        *head = match input.count()? {
            kind::NODE_PLAIN => Some(true),
            kind::NODE_PACKED => Some(false),
            _ => return bad("a part of a list is of a kind that nobody knows"),
        };
    }
    let bytes = texts.next(input)?;
    if head.take() == Some(true) {
        list.push(End::Last, &bytes);
        list.set_quick(true);
        return Ok(());
    }
    push_all(list, Items::open(form, &bytes)?)
}

/// `None`: there is nothing in it.
fn finish(mut data: Data, making: &Making<'_>) -> Option<Data> {
    if let Data::List(list) = &mut data {
        list.will_grow(0, 0, making.forms.list);
    }
    (!data.value().is_empty()).then_some(data)
}
