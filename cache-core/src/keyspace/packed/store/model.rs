//! The store against a plain map with a clock.

mod ops;

pub(super) use ops::CRAFTED;

use super::*;
use crate::hash::slot_of;
use crate::keyspace::fields::Field;
use crate::keyspace::packed::slabs::SLOT_LIMIT;
use crate::random::Random;
use crate::types::{Hash, Limits, Structure};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use ops::{Op, Style, op};
use proptest::prelude::*;
use std::vec;

extern crate std;

const LIMITS: Limits = Limits { entries: 512, bytes: 64 };
pub(super) const SEED: HashSeed = HashSeed::new(1, 2);
/// Bits of a path that a cursor leaves out.
const BLUR: u32 = 18;
const KEYS: u16 = 300;
const MIRI: bool = cfg!(miri);

/// Names with values and expiries.
type Fields = BTreeMap<Vec<u8>, (Vec<u8>, Option<u64>)>;

#[derive(Clone, Debug, PartialEq)]
enum Is {
    String(Vec<u8>),
    Hash(Fields),
}

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    is: Is,
    expires_ms: Option<u64>,
    access: u32,
}

impl Entry {
    /// When the first field expires.
    fn part(&self) -> Option<u64> {
        match &self.is {
            Is::String(_) => None,
            Is::Hash(fields) => fields.values().filter_map(|(_, expires_ms)| *expires_ms).min(),
        }
    }

    fn due(&self) -> Due {
        Due::of(self.expires_ms, self.part())
    }
}

/// A scan that is under way.
#[derive(Clone, Debug, Default)]
struct Scan {
    from: u64,
    /// Keys that have been there since it began.
    there: BTreeSet<Vec<u8>>,
    seen: BTreeSet<Vec<u8>>,
}

/// A store and what it should hold.
#[derive(Clone, Debug)]
struct Side {
    store: Store,
    model: BTreeMap<Vec<u8>, Entry>,
    now: u64,
    held: Vec<(Vec<u8>, Probe<'static>)>,
    scan: Option<Scan>,
    /// What the next value is filled with.
    fill: u8,
}

impl Side {
    fn new() -> Self {
        Side {
            store: Store::new(SEED, 1),
            model: BTreeMap::new(),
            now: 1,
            held: Vec::new(),
            scan: None,
            fill: 0,
        }
    }

    fn gone(&mut self, key: &[u8]) {
        if let Some(scan) = &mut self.scan {
            scan.there.remove(key);
        }
    }

    fn put(&mut self, key: Vec<u8>, is: Is, expires_ms: Option<u64>) {
        let probe = Probe::new(SEED, &key);
        let data = match &is {
            Is::String(bytes) => Data::String(bytes.clone()),
            Is::Hash(fields) => {
                let mut hash = Hash::new(SEED);
                for (name, (value, expires_ms)) in fields {
                    let field = Field { name, value, expires_ms: *expires_ms };
                    hash.set_field(field, LIMITS);
                }
                Data::Hash(hash)
            }
        };
        match data.as_bytes() {
            Some((kind, bytes)) => {
                self.store.put(&probe, Content::Bytes(kind, bytes), expires_ms, 7)
            }
            None => self.store.put(&probe, Content::Object(data), expires_ms, 7),
        };
        let access = self.model.get(&key).map_or(7, |entry| entry.access);
        let expires_ms = expires_ms.map(|at| at.max(1));
        self.model.insert(key, Entry { is, expires_ms, access });
    }

    fn put_string(&mut self, key: Vec<u8>, len: usize, expires_ms: Option<u64>) {
        self.fill = self.fill.wrapping_add(1);
        self.put(key, Is::String(alloc::vec![self.fill; len]), expires_ms);
    }

    fn remove(&mut self, key: &[u8]) {
        let probe = Probe::new(SEED, key);
        assert_eq!(self.store.remove(&probe).is_some(), self.model.remove(key).is_some());
        self.gone(key);
    }

    fn edit(&mut self, key: &[u8], fields: core::ops::Range<u16>, set: bool) {
        let Some(entry) = self.model.get_mut(key) else { return };
        let Is::Hash(model) = &mut entry.is else { return };
        let probe = Probe::new(SEED, key);
        self.store.edit(&probe, |data| {
            let Data::Hash(hash) = data else { panic!("a hash") };
            for field in fields {
                let name = format!("{field}").into_bytes();
                if set {
                    let value = alloc::vec![b'v'; usize::from(field % 70)];
                    let is_new = hash.set(&name, &value, LIMITS);
                    assert_eq!(is_new, model.insert(name, (value, None)).is_none());
                } else {
                    assert_eq!(hash.remove(&name), model.remove(&name).is_some());
                }
            }
        });
    }

    fn time(&mut self, key: &[u8], fields: core::ops::Range<u16>, expires_ms: Option<u64>) {
        let Some(Entry { is: Is::Hash(model), .. }) = self.model.get_mut(key) else { return };
        self.store.edit(&Probe::new(SEED, key), |data| {
            let Data::Hash(hash) = data else { panic!("a hash") };
            for name in fields.map(|field| format!("{field}").into_bytes()) {
                let there = hash.set_expiry(&name, expires_ms);
                let field = model.get_mut(&name);
                assert_eq!(there, field.is_some());
                field.into_iter().for_each(|(_, at)| *at = expires_ms.map(|at| at.max(1)));
            }
        });
    }

    fn take_due(&mut self, ms: u16, limit: usize) {
        self.now += u64::from(ms);
        let now = self.now;
        let taken = self.store.take_due(now, limit);
        assert!(taken.len() <= limit);
        for (key, _) in &taken {
            let entry = self.model.remove(&**key).expect("a key of the model");
            assert!(entry.expires_ms.is_some_and(|at| at < now));
            self.gone(key);
        }
        for (key, parts) in self.store.take_due_parts(now, limit) {
            let entry = self.model.get_mut(&*key).expect("a key of the model");
            let Is::Hash(fields) = &mut entry.is else { panic!("a hash") };
            for name in &parts.names {
                let (_, expires) = fields.remove(&**name).expect("a field of the model");
                assert!(expires.is_some_and(|at| at < now));
            }
            assert_eq!(parts.emptied.is_some(), fields.is_empty());
            if fields.is_empty() {
                self.model.remove(&*key);
                self.gone(&key);
            }
        }
    }

    fn scan(&mut self, count: usize) {
        let mut scan = self.scan.take().unwrap_or_else(|| Scan {
            there: self.model.keys().cloned().collect(),
            ..Scan::default()
        });
        let mut visited = 0;
        let next = self.store.scan(scan.from, BLUR, count, &mut |record| {
            visited += 1;
            assert!(scan.seen.insert(record.key().to_vec()), "a key is visited once");
        });
        match next {
            Some(from) => {
                assert!(visited >= count && from > scan.from);
                self.scan = Some(Scan { from, ..scan });
            }
            None => assert!(scan.there.is_subset(&scan.seen), "no key is left out"),
        }
    }

    fn hold(&mut self, style: Style, first: u16) {
        let keys: Vec<Vec<u8>> = (first..first + 40).map(|i| style.key(i)).collect();
        let mut probes: Vec<_> =
            keys.iter().map(|key| Probe::new(SEED, key).without_key()).collect();
        self.store.prefetch(&mut probes, first.is_multiple_of(2));
        self.held = keys.into_iter().zip(probes).collect();
    }

    fn draw(&mut self, chance: u64) {
        let mut random = Random::new(chance);
        if let Some(place) = self.store.volatile_near(&mut random) {
            let (record, access) = self.store.at(place);
            let entry = &self.model[record.key()];
            assert!(entry.expires_ms.is_some());
            assert_eq!(entry.access, access);
        } else {
            assert_eq!(self.store.volatile_len(), 0);
        }
    }

    fn flush(&mut self) {
        let new = Store::new(SEED, (self.store.version >> VERSION_BITS) as u32 + 1);
        let mut old = core::mem::replace(&mut self.store, new);
        let (mut alone, mut objects) = (0, 0);
        while old.drop_some(|removed| {
            alone += usize::from(removed.alone.is_some());
            objects += usize::from(removed.object.is_some());
        }) {}
        let is_large = |e: &Entry| matches!(&e.is, Is::String(bytes) if bytes.len() > SLOT_LIMIT);
        assert!(alone + objects >= self.model.values().filter(|e| is_large(e)).count());
        assert!(objects <= self.model.len());
        self.model.clear();
        if let Some(scan) = &mut self.scan {
            scan.there.clear();
        }
    }

    fn play(&mut self, style: Style, op: &Op) {
        let at = |ms: &Option<u16>, now: u64| ms.map(|ms| now + u64::from(ms));
        match op {
            Op::Put(k, len, ms) => self.put_string(style.key(*k), *len, at(ms, self.now)),
            Op::PutMany(k, n, len) => {
                let expires_ms = n.is_multiple_of(2).then_some(self.now + u64::from(*n));
                (*k..k + n).for_each(|k| self.put_string(style.key(k), *len, expires_ms));
            }
            Op::RemoveMany(k, n) => (*k..k + n).for_each(|k| self.remove(&style.key(k))),
            Op::Edit(k, first, n, set) => self.edit(&style.key(*k), *first..first + n, *set),
            Op::Time(k, first, n, ms) => {
                self.time(&style.key(*k), *first..first + n, at(ms, self.now));
            }
            Op::PutHash(k, n) => {
                let expires = |i: u16| i.is_multiple_of(7).then_some(u64::from(i + n + 1));
                let field = |i: u16| (format!("{i}").into_bytes(), (vec![b'h'; 9], expires(i)));
                self.put(style.key(*k), Is::Hash((0..*n).map(field).collect()), None);
            }
            Op::Expire(k, ms) => {
                let (key, at) = (style.key(*k), at(ms, self.now));
                let there = self.store.set_expiry(&Probe::new(SEED, &key), at);
                let entry = self.model.get_mut(&key);
                assert_eq!(there, entry.is_some());
                entry.into_iter().for_each(|entry| entry.expires_ms = at);
            }
            Op::Remove(k) => self.remove(&style.key(*k)),
            Op::Resize(k, len) => {
                let key = style.key(*k);
                if let Some(Entry { is: Is::String(bytes), .. }) = self.model.get_mut(&key) {
                    let probe = Probe::new(SEED, &key);
                    bytes.resize(*len, 0);
                    assert_eq!(self.store.resize(&probe, *len), Some(()));
                    let now = self.store.string_mut(&probe).expect("a string");
                    assert_eq!(now, bytes);
                    now.iter_mut().chain(bytes).take(*len * 2).for_each(|byte| *byte ^= 1);
                }
            }
            Op::Touch(k, bits) => {
                let key = style.key(*k);
                self.store.touch(&Probe::new(SEED, &key), |_| *bits);
                self.model.get_mut(&key).into_iter().for_each(|entry| entry.access = *bits);
            }
            Op::Due(ms, limit) => self.take_due(*ms, (*limit).into()),
            Op::Scan(count) => self.scan((*count).into()),
            Op::Hold(k) => self.hold(style, *k),
            Op::Draw(chance) => self.draw(*chance),
            Op::Flush => self.flush(),
            Op::Fork | Op::Other => {}
        }
        assert_eq!(self.store.len(), self.model.len());
        for (key, held) in &self.held {
            let place = |found: Found| (found.at, found.handle);
            let wanted = self.store.find(&Probe::new(SEED, key)).map(place);
            assert_eq!(self.store.find(&held.of(key)).map(place), wanted);
        }
    }

    /// Looks at all there is.
    fn check(&self) {
        let store = &self.store;
        for (key, entry) in &self.model {
            let found = store.find(&Probe::new(SEED, key)).expect("a key of the model");
            let record = store.found(found);
            assert_eq!(read(store, &record), entry.is);
            assert_eq!(record.expires_ms(), entry.expires_ms);
        }
        let by_order: BTreeMap<_, _> = (0..store.len())
            .map(|i| store.nth(i).expect("there are as many"))
            .map(|(record, access)| (record.key().to_vec(), access))
            .collect();
        assert!(store.nth(store.len()).is_none());
        assert!(by_order.iter().eq(self.model.iter().map(|(key, e)| (key, &e.access))));
        assert_eq!(store.iter().count(), self.model.len());
        let slots: BTreeSet<u16> = self.model.keys().map(|key| slot_of(key)).collect();
        let in_slots: usize = slots.iter().map(|&slot| store.slot_records(slot).count()).sum();
        assert_eq!(in_slots, self.model.len());
        let volatile = self.model.values().filter(|e| e.expires_ms.is_some());
        assert_eq!(store.volatile_len(), volatile.clone().count());
        let all = self.model.values();
        let first =
            all.clone().flat_map(|e| e.expires_ms.map(|at| at + 1).into_iter().chain(e.part()));
        assert_eq!(store.next_expiry(), first.min());
        assert_eq!(store.timed_len(), all.filter(|entry| entry.part().is_some()).count());
        self.check_bytes();
    }

    /// Bytes accounted are those that there are.
    fn check_bytes(&self) {
        let store = &self.store;
        let seen = store.trie.check(&|handle| {
            let record = store.record(handle);
            let probe = Probe::new(SEED, record.key());
            (probe.path, probe.tag(), self.model[record.key()].due())
        });
        let (mut slabs, mut large, mut handles) = (0, 0, BTreeSet::new());
        for item in seen.items {
            assert!(handles.insert(item.handle), "no two keys have one record");
            let (record, len) = (store.record(item.handle), store.slot(item.handle).len() as u64);
            match item.handle & ALONE {
                0 => slabs += len,
                _ => large += len + ALONE_OVERHEAD,
            }
            if record.kind() == Kind::Object {
                large += store.object(&record).expect("an object").size() + ALONE_OVERHEAD;
            }
        }
        assert_eq!((store.slabs.used(), store.large), (slabs, large));
        assert_eq!(store.used(), store.trie.size() + slabs + large);
    }
}

fn read(store: &Store, record: &Record<'_>) -> Is {
    let is_object = record.kind() == Kind::Object;
    let object = store.object(record).filter(|_| is_object).map(Data::value);
    match object.unwrap_or_else(|| Value::from_bytes(record.kind(), record.value(), SEED)) {
        Value::String(bytes) => Is::String(bytes.to_vec()),
        Value::Hash(hash) => {
            let owned = |f: Field<'_>| (f.name.to_vec(), (f.value.to_vec(), f.expires_ms));
            Is::Hash(hash.iter().map(owned).collect())
        }
        other => panic!("the story has no {}", other.type_name()),
    }
}

fn story(style: Style, ops: &[Op]) {
    let mut sides = [Side::new(), Side::new()];
    for (i, op) in ops.iter().enumerate() {
        match op {
            Op::Fork => sides[1] = sides[0].clone(),
            Op::Other => sides.swap(0, 1),
            op => sides[0].play(style, op),
        }
        if i % 32 == 0 {
            sides[0].check();
        }
    }
    for mut side in sides {
        side.check();
        let keys: Vec<_> = side.model.keys().cloned().collect();
        keys.iter().for_each(|key| side.remove(key));
        assert_eq!((side.store.used(), side.store.slack()), (0, 0));
        assert!(side.store.take_due(u64::MAX - 1, 1000).is_empty());
        assert!(side.store.take_due_parts(u64::MAX - 1, 1000).is_empty());
        assert_eq!((side.store.volatile_len(), side.store.timed_len()), (0, 0));
        assert_eq!(side.store.next_expiry(), None);
        side.check();
    }
}

fn stories(style: Style) {
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(if MIRI { 1 } else { 32 })
    };
    let ops = prop::collection::vec(op(), if MIRI { 6..7 } else { 1..150 });
    proptest!(config, |(ops in ops)| story(style, &ops));
}

#[test]
#[cfg_attr(miri, ignore = "one story is enough")]
fn keys_over_all_slots() {
    stories(Style::Spread);
}

#[test]
fn keys_of_one_slot() {
    stories(Style::OneSlot);
}

#[test]
#[cfg_attr(miri, ignore = "one story is enough")]
fn long_keys() {
    stories(Style::Long);
}

#[test]
#[cfg_attr(miri, ignore = "crafting takes too long")]
fn crafted_keys() {
    stories(Style::Crafted);
}
