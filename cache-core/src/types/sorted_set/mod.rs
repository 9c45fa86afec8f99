//! The sorted set: members with scores, in the order of the scores; where those are the same, of the
//! members' bytes.
//!
//! A small one is one run of bytes in that order; a large one a ranked tree and an index by member.
//! What has grown large stays large. A score is never NaN, and its zero has no sign.

mod chunk;
mod edge;
mod large;
mod numbers;
mod score;
mod scores;
mod small;
#[cfg(test)]
mod tests;

pub(crate) use edge::{Edge, order};

use super::tree::End;
use super::{Limits, Structure};
use crate::hash::HashSeed;
use crate::keyspace::fields::Fields;
use alloc::vec::Vec;
use core::ops::Range;
use edge::plain;
use large::Large;
use small::{Small, View};

#[derive(Clone, Debug)]
enum Form {
    Small(Small),
    Large(Large),
}

/// A sorted set to change.
#[derive(Clone, Debug)]
pub(crate) struct SortedSet {
    form: Form,
    seed: HashSeed,
}

#[derive(Clone, Copy, Debug)]
enum FormView<'a> {
    Small(View<'a>),
    Large(&'a Large),
}

/// A sorted set to read where it lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SortedSetView<'a> {
    form: FormView<'a>,
    seed: HashSeed,
}

impl Structure for SortedSet {
    type View<'a> = SortedSetView<'a>;

    const NAME: &'static str = "zset";
    const TAG: u8 = b'z';

    fn new(seed: HashSeed) -> Self {
        SortedSet { form: Form::Small(Small::default()), seed }
    }

    fn view(&self) -> SortedSetView<'_> {
        let form = match &self.form {
            Form::Small(small) => FormView::Small(small.view()),
            Form::Large(large) => FormView::Large(large),
        };
        SortedSetView { form, seed: self.seed }
    }

    fn as_bytes(&self) -> Option<&[u8]> {
        match &self.form {
            Form::Small(small) => Some(small.view().0),
            Form::Large(_) => None,
        }
    }

    fn size(&self) -> u64 {
        match &self.form {
            Form::Small(small) => small.view().0.len() as u64,
            Form::Large(large) => large.size(),
        }
    }

    fn drop_some(&mut self) -> bool {
        match &mut self.form {
            Form::Small(_) => false,
            Form::Large(large) => large.drop_some(),
        }
    }
}

impl SortedSet {
    /// A new one of these entries.
    pub(crate) fn of<'a>(
        entries: impl IntoIterator<Item = (&'a [u8], f64)>,
        limits: Limits,
        seed: HashSeed,
    ) -> Self {
        let mut set = SortedSet::new(seed);
        for (member, score) in entries {
            set.change(member, limits, |_| Some(score));
        }
        set
    }

    /// Says how many entries are about to come, and how long the first one's member is: when that is
    /// too much, it becomes large, as in Redis, even if some turn out to be the same.
    pub(crate) fn expect(&mut self, entries: usize, first: usize, limits: Limits) {
        if entries > limits.entries || first > limits.bytes {
            self.grow();
        }
    }

    /// Gives a member the score that `decide` makes of its old one, if it makes any.
    pub(crate) fn change(
        &mut self,
        member: &[u8],
        limits: Limits,
        decide: impl FnOnce(Option<f64>) -> Option<f64>,
    ) {
        let old = self.view().score(member);
        let Some(score) = decide(old).filter(|score| !score.is_nan()).map(plain) else { return };
        if old == Some(score) {
            return;
        }
        if let Form::Small(small) = &mut self.form {
            if small.set(member, score, limits) {
                return;
            }
            self.grow();
        }
        if let Form::Large(large) = &mut self.form {
            large.set(member, old, score);
        }
    }

    /// Adds an entry of a set that is made anew, in order or in the opposite one where it can be had.
    /// `false`: its member is there already, and the set is to be dropped.
    pub(crate) fn push(&mut self, member: &[u8], score: f64, limits: Limits) -> bool {
        if let Form::Large(large) = &mut self.form
            && let Some(is_new) = large.push(member, plain(score))
        {
            return is_new;
        }
        let mut is_new = true;
        self.change(member, limits, |old| {
            is_new = old.is_none();
            Some(score)
        });
        is_new
    }

    fn grow(&mut self) {
        if let Form::Small(small) = &self.form {
            let mut large = Large::new(self.seed);
            for (member, score) in small.view().iter() {
                large.set(member, None, score);
            }
            self.form = Form::Large(large);
        }
    }

    /// Removes a member and says whether it was there.
    pub(crate) fn remove(&mut self, member: &[u8]) -> bool {
        match &mut self.form {
            Form::Small(small) => small.remove(member),
            Form::Large(large) => large.remove(member),
        }
    }

    /// Removes the entries of these ranks.
    pub(crate) fn remove_ranks(&mut self, ranks: Range<u64>) {
        match &mut self.form {
            Form::Small(small) => small.remove_ranks(ranks.start as usize..ranks.end as usize),
            Form::Large(large) => large.remove_ranks(ranks),
        }
    }
}

impl<'a> super::View<'a> for SortedSetView<'a> {
    type Owned = SortedSet;

    fn small(bytes: &'a [u8], seed: HashSeed) -> Self {
        SortedSetView { form: FormView::Small(View(bytes)), seed }
    }

    fn to_owned(self) -> SortedSet {
        let form = match self.form {
            FormView::Small(view) => Form::Small(Small::of(view)),
            FormView::Large(large) => Form::Large(large.clone()),
        };
        SortedSet { form, seed: self.seed }
    }

    fn is_empty(&self) -> bool {
        match self.form {
            FormView::Small(small) => small.0.is_empty(),
            FormView::Large(large) => large.len() == 0,
        }
    }

    fn fields(&self) -> Option<&'a Fields> {
        match self.form {
            FormView::Small(_) => None,
            FormView::Large(large) => Some(large.index()),
        }
    }

    fn encoding(&self) -> &'static str {
        match self.form {
            FormView::Small(_) => "listpack",
            FormView::Large(_) => "skiplist",
        }
    }

    fn digest_into(&self, out: &mut Vec<u8>) {
        for (member, score) in self.iter() {
            out.extend_from_slice(&score.to_le_bytes());
            out.extend_from_slice(&(member.len() as u64).to_le_bytes());
            out.extend_from_slice(member);
        }
    }
}

impl<'a> SortedSetView<'a> {
    pub(crate) fn len(&self) -> u64 {
        match self.form {
            FormView::Small(small) => small.len() as u64,
            FormView::Large(large) => large.len(),
        }
    }

    pub(crate) fn score(&self, member: &[u8]) -> Option<f64> {
        match self.form {
            FormView::Small(small) => small.score(member),
            FormView::Large(large) => large.score(member),
        }
    }

    /// How many entries lie before a place.
    pub(crate) fn rank(&self, edge: Edge<'_>) -> u64 {
        match self.form {
            FormView::Small(small) => small.rank(edge) as u64,
            FormView::Large(large) => large.rank(edge),
        }
    }

    /// Visits the entries of these ranks, from the first to the last or the other way round.
    pub(crate) fn each(&self, ranks: Range<u64>, back: bool, visit: &mut dyn FnMut(&'a [u8], f64)) {
        let len = ranks.end.saturating_sub(ranks.start) as usize;
        match self.form {
            FormView::Small(small) => {
                let entries = small.iter().skip(ranks.start as usize).take(len);
                if back {
                    let entries: Vec<_> = entries.collect();
                    entries.iter().rev().for_each(|&(member, score)| visit(member, score));
                } else {
                    entries.for_each(|(member, score)| visit(member, score));
                }
            }
            FormView::Large(large) => {
                large.each(ranks, if back { End::First } else { End::Last }, visit);
            }
        }
    }

    /// Members and scores in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'a [u8], f64)> + use<'a> {
        let (small, large) = match self.form {
            FormView::Small(small) => (Some(small.iter()), None),
            FormView::Large(large) => (None, Some(large.iter())),
        };
        small.into_iter().flatten().chain(large.into_iter().flatten())
    }

    /// The entry of a rank.
    pub(crate) fn nth(&self, rank: u64) -> Option<(&'a [u8], f64)> {
        match self.form {
            FormView::Small(small) => small.iter().nth(rank as usize),
            FormView::Large(large) => large.nth(rank),
        }
    }

    /// Whether it is in its large form.
    pub(crate) fn is_large(&self) -> bool {
        matches!(self.form, FormView::Large(_))
    }

    /// Visits about `count` members from a cursor on and gives the cursor to go on with; 0 is both
    /// the first and the last. A member that is there throughout is visited exactly once, except that
    /// those of a small set all come at once, whatever the cursor.
    pub(crate) fn scan(
        &self,
        cursor: u64,
        count: usize,
        visit: &mut dyn FnMut(&'a [u8], f64),
    ) -> u64 {
        match self.form {
            FormView::Small(small) => {
                small.iter().for_each(|(member, score)| visit(member, score));
                0
            }
            FormView::Large(large) => large.scan(cursor, count, visit),
        }
    }
}
