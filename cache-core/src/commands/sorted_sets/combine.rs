//! What makes one sorted set of several: unions, intersections, differences.

use super::range::store;
use super::{limits, write_head, write_member};
use crate::commands::arguments::{Words, is_word, positive, try_float};
use crate::commands::{Error, Flow, Outcome};
use crate::keyspace::Keyspace;
use crate::node::Cx;
use crate::numbers::{count_of, parse_i64};
use crate::observer::Observer;
use crate::protocol::Args;
use crate::types::{SetMember, SetView, SortedSet, SortedSetView, Value, order};
use alloc::borrow::Cow;
use alloc::vec::Vec;

/// What is made of the sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Union,
    Inter,
    Diff,
}

/// What becomes of the scores of a member that several sources have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Aggregate {
    #[default]
    Sum,
    Min,
    Max,
}

impl Aggregate {
    fn of(self, a: f64, b: f64) -> f64 {
        match self {
            // Infinities that cancel each other out.
            Aggregate::Sum if (a + b).is_nan() => 0.0,
            Aggregate::Sum => a + b,
            Aggregate::Min if b < a => b,
            Aggregate::Max if b > a => b,
            Aggregate::Min | Aggregate::Max => a,
        }
    }
}

/// A key's value as a source.
#[derive(Clone, Copy, Debug)]
enum Content<'a> {
    Nothing,
    Sorted(SortedSetView<'a>),
    /// All members have the score 1.
    Plain(SetView<'a>),
}

/// A member of a source; that of a set of numbers is written out.
type Name<'a> = Cow<'a, [u8]>;

impl<'a> Content<'a> {
    /// The value of a key. `None`: it is of a type that is no source.
    fn of(value: Option<Value<'a>>) -> Option<Self> {
        match value {
            None => Some(Content::Nothing),
            Some(Value::SortedSet(set)) => Some(Content::Sorted(set)),
            Some(Value::Set(set)) => Some(Content::Plain(set)),
            Some(_) => None,
        }
    }

    fn len(&self) -> u64 {
        match self {
            Content::Nothing => 0,
            Content::Sorted(set) => set.len(),
            Content::Plain(set) => set.len() as u64,
        }
    }

    fn score(&self, member: &[u8]) -> Option<f64> {
        match self {
            Content::Nothing => None,
            Content::Sorted(set) => set.score(member),
            Content::Plain(set) => set.contains(member).then_some(1.0),
        }
    }

    fn iter(&self) -> impl Iterator<Item = (Name<'a>, f64)> + use<'a> {
        let (sorted, plain) = match self {
            Content::Nothing => (None, None),
            Content::Sorted(set) => (Some(set.iter()), None),
            Content::Plain(set) => (None, Some(set.iter())),
        };
        let name = |member| match member {
            SetMember::Text(text) => Cow::Borrowed(text),
            SetMember::Integer(number) => {
                Cow::Owned(itoa::Buffer::new().format(number).as_bytes().to_vec())
            }
        };
        let sorted = sorted.into_iter().flatten().map(|(member, score)| (member.into(), score));
        sorted.chain(plain.into_iter().flatten().map(move |member| (name(member), 1.0)))
    }
}

#[derive(Clone, Copy, Debug)]
struct Source<'a> {
    content: Content<'a>,
    weight: f64,
}

impl Source<'_> {
    fn weigh(&self, score: f64) -> f64 {
        self.weight * score
    }
}

/// Zero instead of what infinity times zero is.
fn number(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}

/// What one of these commands was asked for.
#[derive(Clone, Debug)]
struct Wanted<'a> {
    keys: Args<'a>,
    /// Which keys are there: one whose time has run out may still be in the keyspace.
    there: Vec<bool>,
    weights: Vec<f64>,
    aggregate: Aggregate,
    scores: bool,
    /// How many members ZINTERCARD counts at most; 0 all.
    limit: u64,
}

/// Which options a command has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Replies,
    Stores,
    Counts,
}

impl<'a> Wanted<'a> {
    /// Reads the number of keys and all behind it, and looks at the keys where Redis does: before the
    /// options.
    fn parse<O: Observer>(
        cx: &mut Cx<'_, O>,
        args: Args<'a>,
        way: Way,
        form: Form,
    ) -> Result<Self, Error> {
        let mut words = Words::new(args);
        let count = parse_i64(words.bytes()?).ok_or(Error::NotAnInteger)?;
        let Some(count) = count_of(count).filter(|&count| count > 0) else {
            return Err(Error::Owned(alloc::format!(
                "ERR at least 1 input key is needed for '{}' command",
                cx.spec.name
            )));
        };
        let keys = words.several(count)?;
        let mut there = Vec::new();
        for key in keys.iter() {
            let (value, _) = cx.read(key);
            there.push(value.is_some());
            Content::of(value).ok_or(Error::WrongType)?;
        }
        let mut wanted = Wanted {
            keys,
            there,
            weights: Vec::new(),
            aggregate: Aggregate::Sum,
            scores: false,
            limit: 0,
        };
        wanted.parse_options(&mut words, way, form)?;
        Ok(wanted)
    }

    fn parse_options(
        &mut self,
        words: &mut Words<'a>,
        way: Way,
        form: Form,
    ) -> Result<(), Error> {
        let weighs = way != Way::Diff && form != Form::Counts;
        while words.left() > 0 {
            if weighs && words.left() > self.keys.len() && words.is("weights") {
                let wrong = Error::Text("ERR weight value is not a float");
                let weights = words.several(self.keys.len())?;
                let read = weights.iter().map(try_float);
                self.weights = read.collect::<Option<_>>().ok_or(wrong)?;
            } else if weighs && words.left() >= 2 && words.is("aggregate") {
                self.aggregate = match words.bytes()? {
                    word if is_word(word, "sum") => Aggregate::Sum,
                    word if is_word(word, "min") => Aggregate::Min,
                    word if is_word(word, "max") => Aggregate::Max,
                    _ => return Err(Error::Syntax),
                };
            } else if form == Form::Replies && words.is("withscores") {
                self.scores = true;
            } else if form == Form::Counts && words.left() >= 2 && words.is("limit") {
                let wrong = Error::Text("ERR LIMIT can't be negative");
                self.limit = positive(words.bytes()?, wrong)?;
            } else {
                return Err(Error::Syntax);
            }
        }
        Ok(())
    }

    /// What the keys hold.
    fn sources<'k>(&self, keyspace: &'k Keyspace, db: u32) -> Vec<Source<'k>> {
        let content = |(key, there): (&[u8], &bool)| {
            let entry = keyspace.get(db, key).filter(|_| *there);
            Content::of(entry.map(|entry| entry.value())).unwrap_or(Content::Nothing)
        };
        let contents = self.keys.iter().zip(&self.there).map(content);
        let weights = self.weights.iter().copied().chain(core::iter::repeat(1.0));
        contents.zip(weights).map(|(content, weight)| Source { content, weight }).collect()
    }
}

/// The members of the result with their scores, in order.
fn combine<'a>(
    mut sources: Vec<Source<'a>>,
    way: Way,
    aggregate: Aggregate,
) -> Vec<(Name<'a>, f64)> {
    // Scores are added up in this order in Redis too, and sums of floats depend on it.
    if way != Way::Diff {
        sources.sort_by_key(|source| source.content.len());
    }
    let Some((first, others)) = sources.split_first() else { return Vec::new() };
    let mut result: Vec<_> = match way {
        Way::Union => unite(&sources, aggregate),
        Way::Inter => {
            let entries = first.content.iter();
            let fold = |(member, score): &(Name<'_>, f64)| {
                others.iter().try_fold(number(first.weigh(*score)), |sum, other| {
                    let score = other.weigh(other.content.score(member)?);
                    Some(aggregate.of(sum, score))
                })
            };
            entries.filter_map(|entry| fold(&entry).map(|score| (entry.0, score))).collect()
        }
        Way::Diff => {
            let is_in = |member: &[u8]| others.iter().any(|o| o.content.score(member).is_some());
            first.content.iter().filter(|(member, _)| !is_in(member)).collect()
        }
    };
    result.sort_by(|a, b| order((a.1, &a.0), (b.1, &b.0)));
    result
}

fn unite<'a>(sources: &[Source<'a>], aggregate: Aggregate) -> Vec<(Name<'a>, f64)> {
    let weighed = |source: &Source<'a>| {
        let source = *source;
        source.content.iter().map(move |(member, score)| (member, number(source.weigh(score))))
    };
    let mut all: Vec<_> = sources.iter().flat_map(weighed).collect();
    // Stable: the scores of a member stay in the order of the sources.
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 = aggregate.of(kept.1, next.1);
        }
        same
    });
    all
}

fn reply<O: Observer>(cx: &mut Cx<'_, O>, way: Way) -> Outcome {
    let wanted = Wanted::parse(cx, cx.args.from(1), way, Form::Replies)?;
    let sources = wanted.sources(&cx.state.keyspace, cx.db());
    let result = combine(sources, way, wanted.aggregate);
    let out = &mut cx.conn.out.reply;
    write_head(out, result.len(), wanted.scores);
    for (member, score) in result {
        write_member(out, &member, score, wanted.scores);
    }
    Ok(Flow::Done)
}

fn reply_and_store<O: Observer>(cx: &mut Cx<'_, O>, way: Way, event: &'static str) -> Outcome {
    let wanted = Wanted::parse(cx, cx.args.from(2), way, Form::Stores)?;
    let (limits, seed) = (limits(cx), cx.state.hash_seed);
    let sources = wanted.sources(&cx.state.keyspace, cx.db());
    let result = combine(sources, way, wanted.aggregate);
    let entries = result.iter().map(|(member, score)| (&**member, *score));
    let result = SortedSet::of(entries, limits, seed);
    store(cx, cx.args.at(1), result, event)
}

pub(super) fn zunion<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    reply(cx, Way::Union)
}

pub(super) fn zinter<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    reply(cx, Way::Inter)
}

pub(super) fn zdiff<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    reply(cx, Way::Diff)
}

pub(super) fn zunionstore<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    reply_and_store(cx, Way::Union, "zunionstore")
}

pub(super) fn zinterstore<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    reply_and_store(cx, Way::Inter, "zinterstore")
}

pub(super) fn zdiffstore<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    reply_and_store(cx, Way::Diff, "zdiffstore")
}

pub(super) fn zintercard<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let wanted = Wanted::parse(cx, cx.args.from(1), Way::Inter, Form::Counts)?;
    let mut sources = wanted.sources(&cx.state.keyspace, cx.db());
    sources.sort_by_key(|source| source.content.len());
    let count = sources.split_first().map_or(0, |(first, others)| {
        let in_all = |member: &[u8]| others.iter().all(|o| o.content.score(member).is_some());
        let most = if wanted.limit == 0 { usize::MAX } else { wanted.limit as usize };
        first.content.iter().filter(|(member, _)| in_all(member)).take(most).count()
    });
    cx.out().count(count);
    Ok(Flow::Done)
}
