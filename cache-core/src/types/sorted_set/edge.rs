//! Places between two entries, and the order that entries have.

use core::cmp::Ordering;

/// Zero without a sign, so that there is one zero only.
pub(crate) fn plain(score: f64) -> f64 {
    score + 0.0
}

/// By score; those that have the same, by their bytes.
pub(crate) fn order(a: (f64, &[u8]), b: (f64, &[u8])) -> Ordering {
    plain(a.0).total_cmp(&plain(b.0)).then_with(|| a.1.cmp(b.1))
}

/// A place between two entries: some lie before it, all others behind it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Edge<'a> {
    Start,
    End,
    BeforeScore(f64),
    BehindScore(f64),
    /// Where all have the same score.
    BeforeMember(&'a [u8]),
    /// Where all have the same score.
    BehindMember(&'a [u8]),
    /// Right before this entry, whether or not there is one.
    Before(f64, &'a [u8]),
}

impl Edge<'_> {
    /// Whether entries of a score lie before it (`Less`) or behind it (`Greater`); `Equal` when their
    /// members decide.
    #[inline]
    pub(super) fn compare_score(&self, score: f64) -> Ordering {
        match *self {
            Edge::Start => Ordering::Greater,
            Edge::End => Ordering::Less,
            Edge::BeforeScore(edge) if score < plain(edge) => Ordering::Less,
            Edge::BehindScore(edge) if score <= plain(edge) => Ordering::Less,
            Edge::BeforeScore(_) | Edge::BehindScore(_) => Ordering::Greater,
            Edge::BeforeMember(_) | Edge::BehindMember(_) => Ordering::Equal,
            Edge::Before(edge, _) => score.total_cmp(&plain(edge)),
        }
    }

    /// Whether a member lies before it, where the score doesn't decide.
    #[inline]
    pub(super) fn is_behind_member(&self, member: &[u8]) -> bool {
        match *self {
            Edge::BeforeMember(edge) | Edge::Before(_, edge) => member < edge,
            Edge::BehindMember(edge) => member <= edge,
            _ => false,
        }
    }

    /// Whether an entry lies before it.
    #[inline]
    pub(super) fn is_behind(&self, score: f64, member: &[u8]) -> bool {
        match self.compare_score(score) {
            Ordering::Less => true,
            Ordering::Greater => false,
            Ordering::Equal => self.is_behind_member(member),
        }
    }
}
