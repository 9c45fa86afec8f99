//! The hash: fields and their values, in an order of its own. Each field may expire.
//!
//! A small hash is one run of bytes, in the order in which its fields came; a large one has a store
//! for its fields. What has grown large stays large.

mod small;
#[cfg(test)]
mod tests;

use super::{Limits, Structure};
use crate::hash::HashSeed;
use crate::keyspace::fields::{Field, Fields};
use alloc::boxed::Box;
use alloc::vec::Vec;
use small::{Small, View};

#[derive(Clone, Debug)]
enum Form {
    Small(Small),
    Large(Fields),
}

/// A hash to change.
#[derive(Clone, Debug)]
pub(crate) struct Hash {
    form: Form,
    seed: HashSeed,
}

#[derive(Clone, Copy, Debug)]
enum FormView<'a> {
    Small(View<'a>),
    Large(&'a Fields),
}

/// A hash to read where it lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HashView<'a> {
    form: FormView<'a>,
    seed: HashSeed,
    /// Fields that have expired by then (wall milliseconds) are not seen; at 0, all are.
    now_ms: u64,
}

impl Structure for Hash {
    type View<'a> = HashView<'a>;

    const NAME: &'static str = "hash";
    const TAG: u8 = b'h';

    fn new(seed: HashSeed) -> Self {
        Hash { form: Form::Small(Small::default()), seed }
    }

    fn view(&self) -> HashView<'_> {
        let form = match &self.form {
            Form::Small(small) => FormView::Small(small.view()),
            Form::Large(large) => FormView::Large(large),
        };
        HashView { form, seed: self.seed, now_ms: 0 }
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

    fn take_due(&mut self, now_ms: u64, limit: usize) -> Vec<Box<[u8]>> {
        match &mut self.form {
            Form::Small(small) => small.take_due(now_ms),
            Form::Large(large) => large.take_due(now_ms, limit),
        }
    }
}

impl Hash {
    /// An empty one to which so many fields are said to come.
    pub(crate) fn with_room(seed: HashSeed, fields: u64) -> Self {
        Hash { form: Form::Small(Small::with_room(fields)), seed }
    }

    /// An empty one in its large form.
    pub(crate) fn large(seed: HashSeed) -> Self {
        Hash { form: Form::Large(Fields::new(seed)), seed }
    }

    /// Sets a field that does not expire, and says whether it is new.
    pub(crate) fn set(&mut self, name: &[u8], value: &[u8], limits: Limits) -> bool {
        self.set_field(Field::new(name, value), limits)
    }

    /// Sets a field, its expiry too, and says whether it is new.
    pub(crate) fn set_field(&mut self, field: Field<'_>, limits: Limits) -> bool {
        // 0 is for a look at all fields.
        let field = Field { expires_ms: field.expires_ms.map(|at_ms| at_ms.max(1)), ..field };
        if let Form::Small(small) = &mut self.form {
            if let Some(new) = small.set(field, limits) {
                return new;
            }
            let mut large = Fields::new(self.seed);
            for field in small.view().iter() {
                large.set(field.name, field.value, field.expires_ms);
            }
            self.form = Form::Large(large);
        }
        match &mut self.form {
            Form::Small(_) => false,
            Form::Large(large) => large.set(field.name, field.value, field.expires_ms),
        }
    }

    /// Removes a field and says whether it was there.
    pub(crate) fn remove(&mut self, name: &[u8]) -> bool {
        match &mut self.form {
            Form::Small(small) => small.remove(name),
            Form::Large(large) => large.remove(name),
        }
    }

    /// Changes when a field expires (wall milliseconds; `None` never). `false`: no such field.
    pub(crate) fn set_expiry(&mut self, name: &[u8], at_ms: Option<u64>) -> bool {
        let at_ms = at_ms.map(|at_ms| at_ms.max(1));
        match &mut self.form {
            Form::Small(small) => small.set_expiry(name, at_ms),
            Form::Large(large) => large.set_expiry(name, at_ms),
        }
    }
}

impl<'a> super::View<'a> for HashView<'a> {
    type Owned = Hash;

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn small(bytes: &'a [u8], seed: HashSeed) -> Self {
        HashView { form: FormView::Small(View(bytes)), seed, now_ms: 0 }
    }

    fn to_owned(self) -> Hash {
        let form = match self.form {
            FormView::Small(view) => Form::Small(Small::of(view)),
            FormView::Large(large) => Form::Large(large.clone()),
        };
        Hash { form, seed: self.seed }
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// As in Valkey, where fields that expire take another form, which stays when they do no more.
    fn encoding(&self) -> &'static str {
        match self.form {
            FormView::Small(small) if !small.is_timed() => "listpack",
            _ => "hashtable",
        }
    }

    fn fields(&self) -> Option<&'a Fields> {
        match self.form {
            FormView::Large(large) => Some(large),
            _ => None,
        }
    }

    fn digest_into(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.digest().to_le_bytes());
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn first_expiry(&self) -> Option<u64> {
        match self.form {
            FormView::Small(small) => small.first_expiry(),
            FormView::Large(large) => large.first_expiry(),
        }
    }

    fn at(self, now_ms: u64) -> Self {
        HashView { now_ms, ..self }
    }
}

impl<'a> HashView<'a> {
    /// How many fields there are, those included that are not seen any more and have yet to go.
    pub(crate) fn len(&self) -> usize {
        match self.form {
            FormView::Small(small) => small.len(),
            FormView::Large(large) => large.len(),
        }
    }

    /// How many fields are seen.
    pub(crate) fn seen(&self) -> usize {
        if self.hides_some() { self.iter().count() } else { self.len() }
    }

    /// Whether there are fields that are not seen any more: until they go, what else takes a step
    /// takes one for each field.
    pub(crate) fn hides_some(&self) -> bool {
        self.now_ms > 0 && super::View::first_expiry(self).is_some_and(|at_ms| at_ms < self.now_ms)
    }

    pub(crate) fn get(&self, name: &[u8]) -> Option<&'a [u8]> {
        self.get_field(name).map(|field| field.value)
    }

    /// Whether a field is there that is not seen any more.
    pub(crate) fn hides(&self, name: &[u8]) -> bool {
        self.hides_some()
            && self.get_field(name).is_none()
            && HashView { now_ms: 0, ..*self }.get_field(name).is_some()
    }

    /// A field with all that is known of it.
    pub(crate) fn get_field(&self, name: &[u8]) -> Option<Field<'a>> {
        let field = match self.form {
            FormView::Small(small) => small.get(name),
            FormView::Large(large) => large.get(name),
        };
        field.filter(|field| field.lives_at(self.now_ms))
    }

    /// Fields in the hash's own order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Field<'a>> + use<'a> {
        let (small, large) = match self.form {
            FormView::Small(small) => (Some(small.iter()), None),
            FormView::Large(large) => (None, Some(large.iter())),
        };
        let now_ms = self.now_ms;
        let all = small.into_iter().flatten().chain(large.into_iter().flatten());
        all.filter(move |field| field.lives_at(now_ms))
    }

    /// The field at a place. The order is not that of [`iter`](Self::iter).
    pub(crate) fn nth(&self, at: usize) -> Option<Field<'a>> {
        match self.form {
            FormView::Large(large) if self.is_indexed() => large.nth(at),
            _ => self.iter().nth(at),
        }
    }

    /// Whether a field is found by its place without going through those before it.
    pub(crate) fn is_indexed(&self) -> bool {
        matches!(self.form, FormView::Large(_)) && !self.hides_some()
    }

    /// Visits about `count` fields from a cursor on and gives the cursor to go on with; 0 is both
    /// the first and the last. A field that is there throughout is visited exactly once, except
    /// that those of a small hash all come at once, whatever the cursor.
    pub(crate) fn scan(&self, cursor: u64, count: usize, visit: &mut dyn FnMut(Field<'a>)) -> u64 {
        match self.form {
            FormView::Small(_) => {
                self.iter().for_each(visit);
                0
            }
            FormView::Large(large) => large.scan(cursor, count, &mut |field| {
                if field.lives_at(self.now_ms) {
                    visit(field);
                }
            }),
        }
    }

    /// The same for the same fields, values and expiries, whatever their order.
    fn digest(&self) -> u64 {
        let seed = HashSeed::new(5, 6);
        self.iter()
            .map(|Field { name, value, expires_ms }| {
                let mut bytes = (name.len() as u64).to_le_bytes().to_vec();
                bytes.extend_from_slice(&expires_ms.unwrap_or(0).to_le_bytes());
                bytes.extend_from_slice(name);
                bytes.extend_from_slice(value);
                seed.hash(&bytes)
            })
            .fold(0, u64::wrapping_add)
    }
}
