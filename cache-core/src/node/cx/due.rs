//! Meeting keys that have expired. Parts of values that have are left out by whoever reads, until the
//! expiry cycle takes them: see [`Cx::seen_at_ms`].

use super::Cx;
use crate::keyspace::{Found, Probe};
use crate::node::conn::ConnFlags;
use crate::observer::{Event, ExpiredBy, Observer};

impl<O: Observer> Cx<'_, O> {
    /// Where a key is whose time has run out, when it is to be seen all the same; otherwise it is
    /// removed.
    #[cold]
    pub(super) fn find_expired(
        &mut self,
        db: u32,
        probe: &Probe<'_>,
        found: Found,
    ) -> Option<Found> {
        // A replayed stream says itself when a key is to go.
        if self.conn.has(ConnFlags::REPLAY) {
            return Some(found);
        }
        // Until then clients don't see it.
        if self.state.obeys_stream(self.conns) {
            return None;
        }
        self.state.keyspace.remove(db, probe);
        self.state.note_expired(db, probe.key);
        self.tell(Event::Expired { db, key: probe.key, by: ExpiredBy::Access });
        None
    }
}
