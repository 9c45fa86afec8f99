//! One database: groups of cluster slots, with counts and the earliest expiry at each level.

use super::Slot;
use super::entry::Entry;
use crate::hash::SLOTS;
use crate::random::Random;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Slots are held in groups, so that an empty or a cloned keyspace costs little.
pub(super) const GROUP: usize = 128;
const GROUPS: usize = SLOTS as usize / GROUP;

#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) slots: Vec<Option<Arc<Slot>>>,
    pub(super) len: usize,
    pub(super) earliest: u64,
}

impl Default for Group {
    fn default() -> Self {
        Group { slots: alloc::vec![None; GROUP], len: 0, earliest: u64::MAX }
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Db {
    /// Empty until the first key, then [`GROUPS`] long.
    pub(super) groups: Vec<Option<Arc<Group>>>,
    pub(super) len: usize,
    /// How many keys have a TTL.
    pub(super) volatile: usize,
    pub(super) earliest: Option<u64>,
    /// Bytes accounted for all entries.
    pub(super) used: u64,
}

impl Db {
    pub(super) fn slot(&self, slot: u16) -> Option<&Slot> {
        let group = self.groups.get(usize::from(slot) / GROUP)?.as_ref()?;
        group.slots[usize::from(slot) % GROUP].as_deref()
    }

    pub(super) fn group_mut(&mut self, slot: u16) -> Option<&mut Group> {
        self.groups.get_mut(usize::from(slot) / GROUP)?.as_mut().map(Arc::make_mut)
    }

    pub(super) fn insert(&mut self, slot: u16, hash: u64, entry: Entry) {
        if self.groups.is_empty() {
            self.groups = alloc::vec![None; GROUPS];
        }
        let group =
            Arc::make_mut(self.groups[usize::from(slot) / GROUP].get_or_insert_with(Arc::default));
        let slot = group.slots[usize::from(slot) % GROUP].get_or_insert_with(Arc::default);
        self.used += entry.size();
        Arc::make_mut(slot).insert(hash, entry);
        group.len += 1;
        self.len += 1;
    }

    pub(super) fn remove(&mut self, slot: u16, hash: u64, key: &[u8]) -> Option<Entry> {
        self.slot(slot)?.get(hash, key)?;
        let group = self.group_mut(slot)?;
        let place = &mut group.slots[usize::from(slot) % GROUP];
        let entries = Arc::make_mut(place.as_mut()?);
        let entry = entries.remove(hash, key)?;
        if entries.len() == 0 {
            *place = None;
        }
        group.len -= 1;
        self.len -= 1;
        self.used -= entry.size();
        self.volatile -= usize::from(entry.expires_at().is_some());
        Some(entry)
    }

    pub(super) fn set_expiry(
        &mut self,
        slot: u16,
        hash: u64,
        key: &[u8],
        at_ms: Option<u64>,
    ) -> bool {
        let Some(entries) = slot_mut(&mut self.groups, slot) else { return false };
        let Some(entry) = entries.get_mut(hash, key) else { return false };
        let was_volatile = entry.expires_at().is_some();
        entry.set_expires(at_ms);
        let at = entry.expires_at();
        if let Some(at) = at {
            entries.note_expiry(hash, at);
            if let Some(group) = self.group_mut(slot) {
                group.earliest = group.earliest.min(at);
            }
            self.earliest = Some(self.earliest.map_or(at, |earliest| earliest.min(at)));
        }
        self.volatile += usize::from(at.is_some());
        self.volatile -= usize::from(was_volatile);
        true
    }

    pub(super) fn take_expired(&mut self, now_ms: u64, limit: usize, out: &mut Vec<Entry>) {
        for place in self.groups.iter_mut().flatten().filter(|g| g.earliest <= now_ms) {
            if out.len() >= limit {
                break;
            }
            let group = Arc::make_mut(place);
            for slot in group
                .slots
                .iter_mut()
                .filter(|s| s.as_ref().is_some_and(|s| s.earliest() <= now_ms))
            {
                let before = out.len();
                if let Some(entries) = slot {
                    Arc::make_mut(entries).take_expired(now_ms, limit - before, out);
                    if entries.len() == 0 {
                        *slot = None;
                    }
                }
                group.len -= out.len() - before;
                if out.len() >= limit {
                    break;
                }
            }
            group.earliest =
                group.slots.iter().flatten().map(|s| s.earliest()).min().unwrap_or(u64::MAX);
        }
        self.len -= out.len();
        self.volatile -= out.len();
        self.used -= out.iter().map(Entry::size).sum::<u64>();
        let earliest = self.groups.iter().flatten().map(|g| g.earliest).min();
        self.earliest = earliest.filter(|&at| at != u64::MAX);
    }

    /// An entry chosen evenly among all.
    pub(super) fn choose(&self, random: &mut Random) -> Option<&Entry> {
        /// A slot with more entries is not counted through: it may have very many segments.
        const COUNTED: usize = 4096;
        if self.len == 0 {
            return None;
        }
        let mut i = random.below(self.len as u64) as usize;
        for group in self.groups.iter().flatten() {
            if i >= group.len {
                i -= group.len;
                continue;
            }
            for slot in group.slots.iter().flatten() {
                if i < slot.len() {
                    return if slot.len() > COUNTED { slot.choose(random) } else { slot.nth(i) };
                }
                i -= slot.len();
            }
        }
        None
    }

    /// The first key with a TTL behind a slot chosen by chance: not quite evenly chosen, but found
    /// without going through all keys, however few have one.
    pub(super) fn volatile_near(&self, random: &mut Random) -> Option<&Entry> {
        let from = random.below(SLOTS.into()) as u16;
        (from..SLOTS).chain(0..from).find_map(|slot| {
            let group = self.groups.get(usize::from(slot) / GROUP)?.as_ref()?;
            if group.earliest == u64::MAX {
                return None;
            }
            let entries = group.slots[usize::from(slot) % GROUP].as_ref()?;
            entries.volatile_near(random)
        })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.groups.iter().flatten().flat_map(|g| g.slots.iter().flatten()).flat_map(|s| s.iter())
    }
}

/// A slot to write to, copied first where a clone shares it.
pub(super) fn slot_mut(groups: &mut [Option<Arc<Group>>], slot: u16) -> Option<&mut Slot> {
    let (group, slot) = (usize::from(slot) / GROUP, usize::from(slot) % GROUP);
    groups.get(group)?.as_ref()?.slots[slot].as_ref()?;
    Arc::make_mut(groups[group].as_mut()?).slots[slot].as_mut().map(Arc::make_mut)
}
