//! The hash: fields and their values, in an order of its own.
//!
//! A small hash is one run of bytes, in the order in which its fields came; a large one has a store
//! for its fields. What has grown large stays large.

mod small;

use super::{Limits, Structure};
use crate::hash::HashSeed;
use crate::keyspace::fields::{Field, Fields};
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
        HashView { form, seed: self.seed }
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

impl Hash {
    /// Sets a field and says whether it is new.
    pub(crate) fn set(&mut self, name: &[u8], value: &[u8], limits: Limits) -> bool {
        if let Form::Small(small) = &mut self.form {
            if let Some(new) = small.set(name, value, limits) {
                return new;
            }
            let mut large = Fields::new(self.seed);
            for (name, value) in small.view().iter() {
                large.set(name, value, None);
            }
            self.form = Form::Large(large);
        }
        match &mut self.form {
            Form::Small(_) => false,
            Form::Large(large) => large.set(name, value, None),
        }
    }

    /// Removes a field and says whether it was there.
    pub(crate) fn remove(&mut self, name: &[u8]) -> bool {
        match &mut self.form {
            Form::Small(small) => small.remove(name),
            Form::Large(large) => large.remove(name),
        }
    }
}

impl<'a> super::View<'a> for HashView<'a> {
    type Owned = Hash;

    fn small(bytes: &'a [u8], seed: HashSeed) -> Self {
        HashView { form: FormView::Small(View(bytes)), seed }
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

    fn encoding(&self) -> &'static str {
        match self.form {
            FormView::Small(_) => "listpack",
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
        out.extend_from_slice(&self.digest().to_le_bytes());
    }
}

impl<'a> HashView<'a> {
    pub(crate) fn len(&self) -> usize {
        match self.form {
            FormView::Small(small) => small.len(),
            FormView::Large(large) => large.len(),
        }
    }

    pub(crate) fn get(&self, name: &[u8]) -> Option<&'a [u8]> {
        match self.form {
            FormView::Small(small) => small.get(name),
            FormView::Large(large) => large.get(name).map(|field| field.value),
        }
    }

    /// Fields and values, in the hash's own order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let (small, large) = match self.form {
            FormView::Small(small) => (Some(small.iter()), None),
            FormView::Large(large) => (None, Some(large.iter().map(pair))),
        };
        small.into_iter().flatten().chain(large.into_iter().flatten())
    }

    /// The field at a place, and its value. The order is not that of [`iter`](Self::iter).
    pub(crate) fn nth(&self, at: usize) -> Option<(&'a [u8], &'a [u8])> {
        match self.form {
            FormView::Small(small) => small.iter().nth(at),
            FormView::Large(large) => large.nth(at).map(pair),
        }
    }

    /// Whether a field is found by its place without going through those before it.
    pub(crate) fn is_indexed(&self) -> bool {
        matches!(self.form, FormView::Large(_))
    }

    /// Visits about `count` fields from a cursor on and gives the cursor to go on with; 0 is both
    /// the first and the last. A field that is there throughout is visited exactly once, except
    /// that those of a small hash all come at once, whatever the cursor.
    pub(crate) fn scan(
        &self,
        cursor: u64,
        count: usize,
        visit: &mut dyn FnMut(&'a [u8], &'a [u8]),
    ) -> u64 {
        match self.form {
            FormView::Small(small) => {
                small.iter().for_each(|(name, value)| visit(name, value));
                0
            }
            FormView::Large(large) => {
                large.scan(cursor, count, &mut |field| visit(field.name, field.value))
            }
        }
    }

    /// The same for the same fields and values, whatever their order.
    fn digest(&self) -> u64 {
        let seed = HashSeed::new(5, 6);
        self.iter()
            .map(|(name, value)| {
                let mut bytes = (name.len() as u64).to_le_bytes().to_vec();
                bytes.extend_from_slice(name);
                bytes.extend_from_slice(value);
                seed.hash(&bytes)
            })
            .fold(0, u64::wrapping_add)
    }
}

fn pair<'a>(field: Field<'a>) -> (&'a [u8], &'a [u8]) {
    (field.name, field.value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use alloc::collections::{BTreeMap, BTreeSet};
    use alloc::format;

    const LIMITS: Limits = Limits { entries: 512, bytes: 64 };

    fn new() -> Hash {
        Hash::new(HashSeed::new(1, 2))
    }

    fn is_large(hash: &Hash) -> bool {
        matches!(hash.form, Form::Large(_))
    }

    #[test]
    fn the_large_form_begins_past_512_fields_or_64_bytes() {
        let mut hash = new();
        for i in 0..512 {
            hash.set(format!("{i}").as_bytes(), &[b'x'; 64], LIMITS);
        }
        assert!(!is_large(&hash));
        assert!(!hash.set(b"0", b"", LIMITS));
        assert!(!is_large(&hash));
        assert!(hash.set(b"512", b"", LIMITS));
        assert!(is_large(&hash));
        assert_eq!(hash.view().len(), 513);

        let mut hash = new();
        hash.set(b"a", b"1", LIMITS);
        assert!(!hash.set(b"a", &[b'x'; 65], LIMITS));
        assert!(is_large(&hash));
        assert_eq!(hash.view().get(b"a"), Some(&[b'x'; 65][..]));
    }

    #[test]
    fn both_forms_do_what_a_map_does() {
        for limit in [60, 5000] {
            let (mut hash, mut model) = (new(), BTreeMap::new());
            let mut random = Random::new(9);
            for step in 0..20_000u32 {
                let name = format!("field:{}", random.below(limit)).into_bytes();
                if random.below(3) == 0 {
                    assert_eq!(hash.remove(&name), model.remove(&name).is_some());
                } else {
                    let value = format!("{}", step % 1000).into_bytes();
                    assert_eq!(
                        hash.set(&name, &value, LIMITS),
                        model.insert(name, value).is_none()
                    );
                }
            }
            assert_eq!(is_large(&hash), limit > 512);
            assert_eq!(hash.view().len(), model.len());
            let all: BTreeMap<_, _> =
                hash.view().iter().map(|(n, v)| (n.to_vec(), v.to_vec())).collect();
            assert_eq!(all, model);
            let names: Vec<_> = model.keys().cloned().collect();
            for name in &names {
                assert!(hash.remove(name));
            }
            let size = if limit == 60 { 2 } else { Fields::new(HashSeed::new(1, 2)).size() };
            assert_eq!((hash.view().len(), hash.size()), (0, size));
        }
    }

    #[test]
    fn a_scan_visits_each_field_once() {
        let mut hash = new();
        for i in 0..3000 {
            hash.set(format!("{i}").as_bytes(), b"", LIMITS);
        }
        let (mut seen, mut cursor, mut calls) = (BTreeSet::new(), 0, 0);
        loop {
            cursor = hash.view().scan(cursor, 10, &mut |name, _| assert!(seen.insert(name)));
            calls += 1;
            if cursor == 0 {
                break;
            }
        }
        assert_eq!(seen.len(), 3000);
        assert!((200..=300).contains(&calls), "{calls}");
    }

    #[test]
    fn each_field_has_a_place() {
        for len in [10, 2000] {
            let mut hash = new();
            for i in 0..len {
                hash.set(format!("{i}").as_bytes(), b"", LIMITS);
            }
            let by_place: BTreeSet<_> = (0..len).filter_map(|at| hash.view().nth(at)).collect();
            assert!(by_place.into_iter().eq(hash.view().iter().collect::<BTreeSet<_>>()));
            assert_eq!(hash.view().nth(len), None);
        }
    }
}
