//! The set: members without order.
//!
//! A set of integers is a sorted run of them; another small one is a run of strings in the order in
//! which they came; a large one has a store for its members. A form gives way to the next one and
//! never comes back, except where a set is made anew.

mod integers;
mod list;
#[cfg(test)]
mod tests;

use super::{Limits, Structure};
use crate::hash::HashSeed;
use crate::keyspace::fields::{Field, Fields};
use crate::numbers::parse_i64;
use crate::protocol::Reply;
use alloc::vec::Vec;
use integers::Integers;
use list::List;

/// How large the small forms of a set may become.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SetLimits {
    /// The most members of one that holds nothing but integers.
    pub(crate) integers: usize,
    /// Those of any other one.
    pub(crate) list: Limits,
}

/// A member where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Member<'a> {
    Integer(i64),
    Text(&'a [u8]),
}

#[derive(Clone, Debug)]
enum Form {
    Integers(Integers),
    List(List),
    Large(Fields),
}

/// A set to change.
#[derive(Clone, Debug)]
pub(crate) struct Set {
    form: Form,
    seed: HashSeed,
}

#[derive(Clone, Copy, Debug)]
enum FormView<'a> {
    Integers(integers::View<'a>),
    List(list::View<'a>),
    Large(&'a Fields),
}

/// A set to read where it lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SetView<'a> {
    form: FormView<'a>,
    seed: HashSeed,
}

impl<'a> Member<'a> {
    fn of(field: Field<'a>) -> Self {
        Member::Text(field.name)
    }

    /// It as text.
    pub(crate) fn text<'b>(&'b self, buffer: &'b mut itoa::Buffer) -> &'b [u8] {
        match self {
            Member::Integer(number) => buffer.format(*number).as_bytes(),
            Member::Text(text) => text,
        }
    }

    pub(crate) fn write(self, out: &mut Reply) {
        match self {
            Member::Integer(number) => out.bulk_integer(number),
            Member::Text(text) => out.bulk(text),
        }
    }

    /// It as a number, if it is one in its plain form.
    pub(crate) fn integer(self) -> Option<i64> {
        match self {
            Member::Integer(number) => Some(number),
            Member::Text(text) => parse_i64(text),
        }
    }
}

impl Structure for Set {
    type View<'a> = SetView<'a>;

    const NAME: &'static str = "set";
    const TAG: u8 = b'e';

    fn new(seed: HashSeed) -> Self {
        Set { form: Form::Integers(Integers::default()), seed }
    }

    fn view(&self) -> SetView<'_> {
        let form = match &self.form {
            Form::Integers(integers) => FormView::Integers(integers.view()),
            Form::List(list) => FormView::List(list.view()),
            Form::Large(large) => FormView::Large(large),
        };
        SetView { form, seed: self.seed }
    }

    fn as_bytes(&self) -> Option<&[u8]> {
        match &self.form {
            Form::Integers(integers) => Some(integers.view().bytes()),
            Form::List(list) => Some(list.view().bytes()),
            Form::Large(_) => None,
        }
    }

    fn size(&self) -> u64 {
        match &self.form {
            Form::Large(large) => large.size(),
            _ => self.as_bytes().unwrap_or_default().len() as u64,
        }
    }

    fn drop_some(&mut self) -> bool {
        match &mut self.form {
            Form::Large(large) => large.drop_some(),
            _ => false,
        }
    }
}

/// Changes.
impl Set {
    /// An empty one that is to hold strings.
    pub(crate) fn of_strings(seed: HashSeed) -> Self {
        Set { form: Form::List(List::default()), seed }
    }

    /// An empty one in its large form.
    pub(crate) fn large(seed: HashSeed) -> Self {
        Set { form: Form::Large(Fields::new(seed)), seed }
    }

    /// Takes the form for so many members more, of which `first` is one: Redis counts those that are
    /// there already too.
    pub(crate) fn expect(&mut self, first: &[u8], more: usize, limits: SetLimits) {
        let fits = match &self.form {
            Form::Integers(integers) if integers.view().len() == 0 => {
                let of_integers = parse_i64(first).is_some() && more <= limits.integers;
                if !of_integers {
                    self.form = Form::List(List::default());
                }
                of_integers || more <= limits.list.entries
            }
            Form::Integers(_) => more <= limits.integers,
            Form::List(_) => more <= limits.list.entries,
            Form::Large(_) => true,
        };
        if !fits {
            self.grow();
        }
    }

    /// Adds a member and says whether it is new.
    pub(crate) fn add(&mut self, member: &[u8], limits: SetLimits) -> bool {
        match &mut self.form {
            Form::Integers(integers) => {
                if let Some(number) = parse_i64(member) {
                    let new = integers.insert(number);
                    if integers.view().len() > limits.integers.min(integers::MOST) {
                        self.grow();
                    }
                    return new;
                }
                let (view, most) = (integers.view(), limits.list);
                let mut list = List::default();
                let fits = view.longest() <= most.bytes
                    && view
                        .iter()
                        .all(|n| list.add(itoa::Buffer::new().format(n).as_bytes(), most));
                if fits && list.add(member, most) {
                    self.form = Form::List(list);
                    return true;
                }
            }
            Form::List(list) => {
                if list.view().contains(member) {
                    return false;
                }
                if list.add(member, limits.list) {
                    return true;
                }
            }
            Form::Large(large) => return large.add(member),
        }
        self.grow().add(member)
    }

    /// Takes the large form.
    fn grow(&mut self) -> &mut Fields {
        if !matches!(self.form, Form::Large(_)) {
            let mut large = Fields::new(self.seed);
            for member in self.view().iter() {
                large.add(member.text(&mut itoa::Buffer::new()));
            }
            self.form = Form::Large(large);
        }
        match &mut self.form {
            Form::Large(large) => large,
            _ => unreachable!("it has just become large"),
        }
    }

    /// Removes a member and says whether it was there.
    pub(crate) fn remove(&mut self, member: &[u8]) -> bool {
        match &mut self.form {
            Form::Integers(integers) => parse_i64(member).is_some_and(|n| integers.remove(n)),
            Form::List(list) => list.remove(member),
            Form::Large(large) => large.remove(member),
        }
    }

    /// Removes the members of a small set for which `chosen` says so, in their order.
    pub(crate) fn remove_where(&mut self, mut chosen: impl FnMut() -> bool) {
        match &mut self.form {
            Form::Integers(integers) => integers.remove_where(chosen),
            Form::List(list) => list.remove_where(chosen),
            Form::Large(large) => {
                let names: Vec<Vec<u8>> =
                    large.iter().filter(|_| chosen()).map(|field| field.name.to_vec()).collect();
                names.iter().for_each(|name| _ = large.remove(name));
            }
        }
    }

    /// Becomes a set of integers where each member is one.
    pub(crate) fn become_integers(&mut self, limits: SetLimits) {
        if self.view().len() > limits.integers.min(integers::MOST) {
            return;
        }
        let numbers: Option<Vec<i64>> = self.view().iter().map(Member::integer).collect();
        if let Some(mut numbers) = numbers {
            numbers.sort_unstable();
            let mut integers = Integers::default();
            numbers.into_iter().for_each(|number| _ = integers.insert(number));
            self.form = Form::Integers(integers);
        }
    }
}

impl<'a> super::View<'a> for SetView<'a> {
    type Owned = Set;

    fn small(bytes: &'a [u8], seed: HashSeed) -> Self {
        let form = match integers::View::of(bytes) {
            Some(integers) => FormView::Integers(integers),
            None => FormView::List(list::View::of(bytes)),
        };
        SetView { form, seed }
    }

    fn to_owned(self) -> Set {
        let form = match self.form {
            FormView::Integers(view) => Form::Integers(Integers::of(view)),
            FormView::List(view) => Form::List(List::of(view)),
            FormView::Large(large) => Form::Large(large.clone()),
        };
        Set { form, seed: self.seed }
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn encoding(&self) -> &'static str {
        match self.form {
            FormView::Integers(_) => "intset",
            FormView::List(_) => "listpack",
            FormView::Large(_) => "hashtable",
        }
    }

    fn fields(&self) -> Option<&'a Fields> {
        match self.form {
            FormView::Large(large) => Some(large),
            _ => None,
        }
    }

    fn digest_into(&self, out: &mut Vec<u8>) {
        let seed = HashSeed::new(5, 6);
        let hashes = self.iter().map(|member| seed.hash(member.text(&mut itoa::Buffer::new())));
        out.extend_from_slice(&hashes.fold(0, u64::wrapping_add).to_le_bytes());
    }
}

impl<'a> SetView<'a> {
    pub(crate) fn len(&self) -> usize {
        match self.form {
            FormView::Integers(integers) => integers.len(),
            FormView::List(list) => list.len(),
            FormView::Large(large) => large.len(),
        }
    }

    pub(crate) fn contains(&self, member: &[u8]) -> bool {
        match self.form {
            FormView::Integers(integers) => parse_i64(member).is_some_and(|n| integers.contains(n)),
            FormView::List(list) => list.contains(member),
            FormView::Large(large) => large.get(member).is_some(),
        }
    }

    /// As [`contains`](Self::contains), for a member of another set.
    pub(crate) fn shares(&self, member: Member<'_>) -> bool {
        match (self.form, member) {
            (FormView::Integers(integers), Member::Integer(number)) => integers.contains(number),
            _ => self.contains(member.text(&mut itoa::Buffer::new())),
        }
    }

    /// Whether nothing but integers is in it, as its form tells.
    pub(crate) fn is_of_integers(&self) -> bool {
        matches!(self.form, FormView::Integers(_))
    }

    /// Whether a member is found by its place without going through those before it.
    pub(crate) fn is_indexed(&self) -> bool {
        !matches!(self.form, FormView::List(_))
    }

    /// Whether it is in its large form.
    pub(crate) fn is_large(&self) -> bool {
        matches!(self.form, FormView::Large(_))
    }

    /// All members, in the set's own order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Member<'a>> + use<'a> {
        let (integers, list, large) = match self.form {
            FormView::Integers(integers) => (Some(integers.iter()), None, None),
            FormView::List(list) => (None, Some(list.iter()), None),
            FormView::Large(large) => (None, None, Some(large.iter())),
        };
        let integers = integers.into_iter().flatten().map(Member::Integer);
        let list = list.into_iter().flatten().map(Member::Text);
        integers.chain(list).chain(large.into_iter().flatten().map(Member::of))
    }

    /// The member at a place. The order is not that of [`iter`](Self::iter).
    pub(crate) fn nth(&self, at: usize) -> Option<Member<'a>> {
        match self.form {
            FormView::Integers(integers) => integers.get(at).map(Member::Integer),
            FormView::List(list) => list.iter().nth(at).map(Member::Text),
            FormView::Large(large) => large.nth(at).map(Member::of),
        }
    }

    /// Visits about `count` members from a cursor on and gives the cursor to go on with; 0 is both
    /// the first and the last. A member that is there throughout is visited exactly once, except
    /// that those of a small set all come at once, whatever the cursor.
    pub(crate) fn scan(&self, cursor: u64, count: usize, visit: &mut dyn FnMut(Member<'a>)) -> u64 {
        match self.form {
            FormView::Large(large) => {
                large.scan(cursor, count, &mut |field| visit(Member::of(field)))
            }
            _ => {
                self.iter().for_each(visit);
                0
            }
        }
    }
}
