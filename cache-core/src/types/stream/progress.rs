//! How many entries a group has read, and how many are left.
//!
//! Both are told only where they follow from what is counted: entries that were removed by name leave
//! gaps that nobody counts. The rules are Valkey's.

use super::{Group, Pending, Stream, StreamId};

impl Stream {
    /// The id of the first entry; the least one if there is none.
    pub(crate) fn first_id(&self) -> StreamId {
        self.first().map_or(StreamId::MIN, |entry| entry.id)
    }

    /// Whether there may be gaps behind an id.
    fn has_gaps_behind(&self, id: StreamId) -> bool {
        self.len() > 0 && self.deleted != StreamId::MIN && id <= self.deleted
    }

    /// The how-manieth entry ever an id is, where that is known.
    fn rank_of(&self, id: StreamId) -> Option<u64> {
        if self.added == 0 {
            return Some(0);
        }
        if self.len() == 0 && id <= self.last {
            return Some(self.added);
        }
        if id != StreamId::MIN && id < self.deleted {
            return None;
        }
        if id >= self.last {
            return (id == self.last).then_some(self.added);
        }
        let first = self.first_id();
        if self.deleted != StreamId::MIN && self.deleted >= first || id > first {
            return None;
        }
        let before = self.added.saturating_sub(self.len());
        Some(before.saturating_add(u64::from(id == first)))
    }

    /// How far a group is, and how many entries it has read, once it was given the next one.
    fn step(&self, (last, read): (StreamId, Option<u64>), id: StreamId) -> (StreamId, Option<u64>) {
        if id <= last {
            return (last, read);
        }
        let read = match read {
            Some(read) if last >= self.first_id() && !self.has_gaps_behind(last) => {
                Some(read.saturating_add(1))
            }
            read if self.added == 0 => read,
            _ => self.rank_of(id),
        };
        (id, read)
    }

    /// Gives entries to a consumer, for good or until it acknowledges them.
    pub(crate) fn deliver(
        &mut self,
        group: &[u8],
        ids: &[StreamId],
        consumer: u32,
        until_acknowledged: bool,
        now_ms: u64,
    ) {
        let Some(before) = self.group(group).map(|group| (group.last, group.read)) else { return };
        let after = ids.iter().fold(before, |progress, &id| self.step(progress, id));
        self.edit_group(group, |group| {
            (group.last, group.read) = after;
            if until_acknowledged {
                for &id in ids {
                    group.give(Pending { id, at_ms: now_ms, count: 1, consumer });
                }
                group.served(consumer, now_ms);
            }
        });
    }

    /// How many entries a group has still to read, where that is known. Negative where a group was
    /// said to have read more than there were.
    pub(crate) fn lag(&self, group: &Group) -> Option<i64> {
        if self.added == 0 {
            return Some(0);
        }
        let counted = group.read.filter(|_| !self.has_gaps_behind(group.last));
        let read = counted.or_else(|| self.rank_of(group.last))?;
        Some((self.added as i64).wrapping_sub(read as i64))
    }
}
