//! The checker of stale reads: it knows what every row was and when.
//!
//! Nobody in a real deployment can know this: it takes a look at the database and at the user's
//! screen at the same moment. A read is stale when the row was what was served at no moment between
//! the request's start and its end; a write that comes in between makes nobody wrong. What must
//! never be here: anything that an actor reads.

use crate::database::Row;
use crate::shop;
use std::collections::VecDeque;

/// How many versions of a row are remembered.
const VERSIONS: usize = 16;

/// What a row was from a moment on.
#[derive(Clone, Debug)]
struct Version {
    since_us: u64,
    /// As it would be in the cache; `None`: there was no such row.
    payload: Option<Vec<u8>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Checker {
    /// Sorted by the row's id.
    rows: Vec<(u32, VecDeque<Version>)>,
}

impl Checker {
    pub(crate) fn new<'a>(rows: impl Iterator<Item = &'a Row>) -> Self {
        let mut checker = Checker { rows: Vec::new() };
        for row in rows {
            checker.note(0, row.id, Some(row));
        }
        checker
    }

    /// A row is this from now on.
    pub(crate) fn note(&mut self, now_us: u64, id: u32, row: Option<&Row>) {
        let at = self.place(id).unwrap_or_else(|at| {
            self.rows.insert(at, (id, VecDeque::new()));
            at
        });
        let versions = &mut self.rows[at].1;
        if versions.len() >= VERSIONS {
            versions.pop_front();
        }
        versions.push_back(Version { since_us: now_us, payload: row.map(shop::payload) });
    }

    /// What a row is now, as it would be in the cache.
    pub(crate) fn current(&self, id: u32) -> Option<&[u8]> {
        self.versions(id)?.back()?.payload.as_deref()
    }

    fn versions(&self, id: u32) -> Option<&VecDeque<Version>> {
        self.place(id).ok().map(|at| &self.rows[at].1)
    }

    /// Where a row's versions are, or would be.
    fn place(&self, id: u32) -> Result<usize, usize> {
        self.rows.binary_search_by_key(&id, |(id, _)| *id)
    }

    /// Whether the row was `served` at some moment since `started_us`. What is forgotten (more than
    /// [`VERSIONS`] changes during one request) speaks for the application.
    pub(crate) fn was_true(&self, id: u32, served: &[u8], started_us: u64) -> bool {
        let Some(versions) = self.versions(id) else { return false };
        for version in versions.iter().rev() {
            if version.payload.as_deref() == Some(served) {
                return true;
            }
            if version.since_us < started_us {
                return false;
            }
        }
        versions.len() >= VERSIONS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(price_cents: i64) -> Row {
        Row { id: 1, name: "a".into(), price_cents, stock: 1 }
    }

    #[test]
    fn what_was_true_during_the_request_is_not_stale() {
        let (old, new) = (shop::payload(&row(1)), shop::payload(&row(2)));
        let mut checker = Checker::new([row(1)].iter());
        checker.note(100, 1, Some(&row(2)));
        assert!(checker.was_true(1, &old, 100));
        assert!(!checker.was_true(1, &old, 101));
        assert!(checker.was_true(1, &new, 500));
        assert_eq!(checker.current(1), Some(&new[..]));
        checker.note(600, 1, None);
        assert!(!checker.was_true(1, &new, 601));
        assert!(!checker.was_true(9, &new, 0));
        for price in 0..VERSIONS as i64 {
            checker.note(700, 1, Some(&row(price + 10)));
        }
        assert!(checker.was_true(1, &new, 650), "forgotten");
        assert!(!checker.was_true(1, &new, 701));
    }
}
