//! What lies below one key, found by name: a large hash's fields, a large set's members.
//!
//! A store of its own, whose paths are hashes alone. So it grows without a stall, a clone shares it,
//! and it is freed in small parts.

use super::packed::{Content, Kind, Probe, Record, Removed, Step, Store, Walk};
use crate::hash::HashSeed;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Bits of a path that a cursor leaves out, so that it fits the 53 bits of a JavaScript number.
const CURSOR_BLUR: u32 = 18;

/// Bytes accounted for what there is without a field.
const NONE: u64 = 640;

/// A field where it lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Field<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) value: &'a [u8],
    /// Wall milliseconds; `None` never.
    pub(crate) expires_ms: Option<u64>,
}

/// Fields by name, each with a value and perhaps an expiry.
#[derive(Clone, Debug)]
pub(crate) struct Fields(Box<Store>);

impl<'a> Field<'a> {
    fn of(record: Record<'a>) -> Self {
        let (name, value) = (record.key(), record.value());
        Field { name, value, expires_ms: record.expires_ms() }
    }

    /// One that does not expire.
    pub(crate) fn new(name: &'a [u8], value: &'a [u8]) -> Self {
        Field { name, value, expires_ms: None }
    }

    /// Whether its time has not run out: it lives through the millisecond at which it expires.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(crate) fn lives_at(&self, now_ms: u64) -> bool {
        self.expires_ms.is_none_or(|at_ms| at_ms >= now_ms)
    }
}

/// What is there.
impl Fields {
    pub(crate) fn new(seed: HashSeed) -> Self {
        Fields(Box::new(Store::below_a_key(seed)))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Bytes accounted: the same on every platform.
    pub(crate) fn size(&self) -> u64 {
        NONE + self.0.used()
    }

    fn probe<'k>(&self, name: &'k [u8]) -> Probe<'k> {
        Probe::below_a_key(self.0.seed(), name)
    }

    pub(crate) fn get(&self, name: &[u8]) -> Option<Field<'_>> {
        self.0.get(&self.probe(name)).map(Field::of)
    }

    /// Starts to fetch what finding these names will read.
    pub(crate) fn prefetch<'k>(&self, names: impl Iterator<Item = &'k [u8]>, to_write: bool) {
        /// Names whose waits overlap.
        const BATCH: usize = 32;
        let (mut probes, mut len) = ([Probe::default(); BATCH], 0);
        for (probe, name) in probes.iter_mut().zip(names) {
            *probe = self.probe(name);
            len += 1;
        }
        self.0.prefetch(&mut probes[..len], to_write);
    }

    /// All fields, by hash.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Field<'_>> + use<'_> {
        self.0.iter().map(Field::of)
    }

    /// Shows fields, by hash, from a place on, until `visit` says to stop; gives where to go on, if any
    /// are left. Places hold while nothing changes.
    pub(crate) fn walk(
        &self,
        from: Walk,
        visit: &mut dyn FnMut(Field<'_>) -> Step,
    ) -> Option<Walk> {
        self.0.walk(from, &mut |record, _| visit(Field::of(record)))
    }

    /// The field that comes after `skip` others.
    pub(crate) fn nth(&self, skip: usize) -> Option<Field<'_>> {
        self.0.nth(skip).map(|(record, _)| Field::of(record))
    }

    /// Visits fields from a cursor on, about `count` of them, and gives the cursor to go on with; 0
    /// is both the first and the last. A field that is there throughout is visited exactly once.
    pub(crate) fn scan<'a>(
        &'a self,
        cursor: u64,
        count: usize,
        visit: &mut dyn FnMut(Field<'a>),
    ) -> u64 {
        // A cursor beyond all places can only have been made up.
        if cursor > u64::MAX >> CURSOR_BLUR {
            return 0;
        }
        let (from, count) = (cursor << CURSOR_BLUR, count.max(1));
        self.0
            .scan(from, CURSOR_BLUR, count, &mut |record| visit(Field::of(record)))
            .map_or(0, |path| path >> CURSOR_BLUR)
    }
}

/// Changes.
impl Fields {
    /// Sets a field to a value, whatever was there before, and says whether it is new.
    pub(crate) fn set(&mut self, name: &[u8], value: &[u8], expires_ms: Option<u64>) -> bool {
        let (probe, before) = (self.probe(name), self.len());
        self.0.put(&probe, Content::Bytes(Kind::String, value), expires_ms, 0);
        self.len() > before
    }

    /// Adds a name without a value where it isn't there, and says whether it is new.
    pub(crate) fn add(&mut self, name: &[u8]) -> bool {
        let probe = self.probe(name);
        let absent = self.0.find(&probe).is_none();
        if absent {
            self.0.put(&probe, Content::Bytes(Kind::String, b""), None, 0);
        }
        absent
    }

    /// Removes a field and says whether it was there.
    pub(crate) fn remove(&mut self, name: &[u8]) -> bool {
        let probe = self.probe(name);
        self.0.remove(&probe).is_some()
    }

    /// Drops some of what is left of fields that nobody uses any more. `false`: nothing is left.
    pub(crate) fn drop_some(&mut self) -> bool {
        // What is long and was given away is dropped here and now.
        self.0.drop_some(|removed: Removed| drop(removed))
    }
}

/// Expiry.
impl Fields {
    /// How many fields have a TTL.
    #[cfg(test)]
    pub(crate) fn volatile_len(&self) -> usize {
        self.0.volatile_len()
    }

    /// When the first field expires (wall milliseconds).
    pub(crate) fn first_expiry(&self) -> Option<u64> {
        self.0.first_expiry()
    }

    /// Changes when a field expires (wall milliseconds; `None` never). `false`: no such field.
    pub(crate) fn set_expiry(&mut self, name: &[u8], at_ms: Option<u64>) -> bool {
        let probe = self.probe(name);
        self.0.set_expiry(&probe, at_ms)
    }

    /// Removes fields that have expired, about `limit` at the most, and gives their names. There are
    /// more as long as [`first_expiry`](Self::first_expiry) has passed.
    pub(crate) fn take_due(&mut self, now_ms: u64, limit: usize) -> Vec<Box<[u8]>> {
        self.0.take_due(now_ms, limit).into_iter().map(|(name, _)| name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use alloc::collections::{BTreeMap, BTreeSet};
    use alloc::format;

    const SEED: HashSeed = HashSeed::new(1, 2);
    const MIRI: bool = cfg!(miri);

    type Model = BTreeMap<Vec<u8>, (Vec<u8>, Option<u64>)>;

    fn check(fields: &Fields, model: &Model) {
        assert_eq!(fields.len(), model.len());
        let all: Model =
            (fields.iter()).map(|f| (f.name.to_vec(), (f.value.to_vec(), f.expires_ms))).collect();
        assert_eq!(&all, model);
        let first = model.values().filter_map(|(_, expires)| *expires).min();
        assert_eq!(fields.volatile_len(), model.values().filter(|(_, e)| e.is_some()).count());
        assert_eq!(fields.first_expiry(), first);
        let by_order: BTreeSet<_> =
            (0..fields.len()).map(|i| fields.nth(i).map(|f| f.name)).collect();
        assert_eq!((by_order.len(), fields.nth(fields.len())), (fields.len(), None));
    }

    #[test]
    fn they_do_what_a_map_with_a_clock_does() {
        let (mut fields, mut model) = (Fields::new(SEED), Model::new());
        let (mut random, mut old) = (Random::new(5), None);
        let steps = if MIRI { 150 } else { 30_000u64 };
        for step in 0..steps {
            let name = format!("field:{}", random.below(steps / 10)).into_bytes();
            let expires = Some(step + random.below(1000)).filter(|at| at % 3 == 0);
            match random.below(8) {
                0..3 => assert_eq!(fields.remove(&name), model.remove(&name).is_some()),
                3 => {
                    let there = model.get_mut(&name).map(|(_, at)| *at = expires).is_some();
                    assert_eq!(fields.set_expiry(&name, expires), there);
                }
                _ => {
                    // Empty, as of a set, to too long for a slot.
                    let value = alloc::vec![step as u8; random.below(1100) as usize / 11 * 4];
                    let new = model.insert(name.clone(), (value.clone(), expires)).is_none();
                    assert_eq!(fields.set(&name, &value, expires), new);
                }
            }
            let (value, expires_ms) = model.get(&name).map_or((None, None), |(v, e)| (Some(v), *e));
            let wanted = value.map(|value| Field { name: &name, value, expires_ms });
            assert_eq!(fields.get(&name), wanted);
            if step % 100 == 99 {
                while fields.first_expiry().is_some_and(|at| at < step) {
                    for name in fields.take_due(step, 7) {
                        let (_, expires) = model.remove(&*name).expect("it is there");
                        assert!(expires.is_some_and(|at| at < step));
                    }
                }
                assert!(model.values().all(|(_, at)| at.is_none_or(|at| at >= step)));
            }
            if step % (steps / 10) == 0 {
                check(&fields, &model);
                if let Some((fields, model)) = old.replace((fields.clone(), model.clone())) {
                    check(&fields, &model);
                }
            }
        }
        let names: Vec<_> = model.keys().cloned().collect();
        names.iter().for_each(|name| assert!(fields.remove(name)));
        assert_eq!((fields.size(), fields.nth(0)), (NONE, None));
        assert!(size_of::<Store>() as u64 <= NONE);
    }

    /// Fields take little more than what is in them, few of them too.
    #[test]
    #[cfg_attr(miri, ignore = "counts and nothing else")]
    fn they_take_little_room() {
        for (len, most) in [(1, 16.0), (20, 3.5), (200, 1.6), (1000, 1.3), (10_000, 1.25)] {
            let (mut fields, mut random, mut payload) = (Fields::new(SEED), Random::new(1), 0);
            for i in 0..len {
                let (name, value) = (format!("field:{i}"), [0; 64]);
                let value = &value[..8 + random.below(57) as usize];
                payload += name.len() + value.len();
                fields.set(name.as_bytes(), value, None);
            }
            let bytes = fields.size() + fields.0.slack();
            let times = bytes as f64 / (payload + 16 * len) as f64;
            assert!(times < most, "{len} fields: {times}");
        }
    }

    /// Whoever knows the seed makes a way longer, and not a table larger.
    #[test]
    #[cfg_attr(miri, ignore = "crafting takes too long")]
    fn fields_whose_hashes_begin_alike_take_no_more_room() {
        let size = |like: &dyn Fn(u64) -> bool| {
            let mut fields = Fields::new(SEED);
            let names = (0..).map(u32::to_le_bytes).filter(|name| like(SEED.hash(name)));
            names.take(500).for_each(|name| _ = fields.set(&name, b"", None));
            fields.size()
        };
        let (plain, made) = (size(&|_| true), size(&|hash| hash >> 54 == 0x155));
        assert!(made < plain + plain / 4, "{made} {plain}");
    }
}
