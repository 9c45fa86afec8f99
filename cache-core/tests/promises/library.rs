//! `Cache` against a plain map with a clock.

use cache_core::cache::{Error, Stats};
use cache_core::config::Policy;
use cache_core::{Cache, Now};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Clone, Debug)]
enum Op {
    Get(u16),
    Set(u16, Vec<u8>),
    SetFor(u16, Vec<u8>, u64),
    InsertIfAbsent(u16, Vec<u8>, Option<u64>),
    SetTtl(u16, Option<u64>),
    Remove(u16),
    Purge(usize),
    Wait(u64),
    Snapshot,
    Clear,
}

fn op() -> impl Strategy<Value = Op> {
    let key = || 0u16..300;
    // Some lie alone, and some few are too long to be freed in one go.
    let value = || {
        let len = prop_oneof![20 => 0usize..100, 3 => 900usize..2000, 1 => Just(300_000)];
        (any::<u8>(), len).prop_map(|(byte, len)| vec![byte; len])
    };
    let ttl = || 0u64..500;
    prop_oneof![
        8 => key().prop_map(Op::Get),
        8 => (key(), value()).prop_map(|(k, v)| Op::Set(k, v)),
        4 => (key(), value(), ttl()).prop_map(|(k, v, ms)| Op::SetFor(k, v, ms)),
        3 => (key(), value(), prop::option::of(ttl()))
            .prop_map(|(k, v, ms)| Op::InsertIfAbsent(k, v, ms)),
        2 => (key(), prop::option::of(ttl())).prop_map(|(k, ms)| Op::SetTtl(k, ms)),
        3 => key().prop_map(Op::Remove),
        1 => (0usize..20).prop_map(Op::Purge),
        2 => (1u64..200).prop_map(Op::Wait),
        1 => Just(Op::Snapshot),
        1 => Just(Op::Clear),
    ]
    .boxed()
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    // `Clear` seldom: caches are to fill.
    prop::collection::vec(op(), 1..400).prop_map(|mut ops| {
        let mut clears = 0;
        ops.retain(|op| {
            clears += usize::from(matches!(op, Op::Clear));
            clears <= 1 || !matches!(op, Op::Clear)
        });
        ops
    })
}

/// What the adaptive policy remembers in a small cache: the sample's least, and the first ghosts.
const REMEMBERED: u64 = 2048 + 1152 + 1024;

/// Keys, and with each its value and when it expires.
type Model = BTreeMap<Vec<u8>, (Vec<u8>, Option<u64>)>;

fn name(key: u16) -> Vec<u8> {
    format!("key:{key}").into_bytes()
}

fn span(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn all(cache: &Cache, now: Now) -> Model {
    let entry = |(key, value): (&[u8], &[u8])| {
        let at = cache.ttl(now, key).map(|ttl| now.wall_ms() + ttl.as_millis() as u64);
        (key.to_vec(), (value.to_vec(), at))
    };
    cache.iter(now).map(entry).collect()
}

/// Takes one step on both sides. What was evicted is missing from the cache and not from the model.
fn step(cache: &mut Cache, model: &mut Model, now: &mut Now, op: &Op) {
    let now_ms = now.wall_ms();
    model.retain(|_, (_, at)| at.is_none_or(|at| at > now_ms));
    let full = |error: Error| assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    match op {
        Op::Get(k) => {
            let (before, k) = (cache.stats(), name(*k));
            let got = cache.get(*now, &k).map(<[u8]>::to_vec);
            assert_eq!(cache.peek(*now, &k), got.as_deref());
            let hit = u64::from(got.is_some());
            let counted = (cache.stats().hits - before.hits, cache.stats().misses - before.misses);
            assert_eq!(counted, (hit, 1 - hit));
        }
        Op::Set(k, v) => match cache.set(*now, name(*k), v) {
            Ok(()) => _ = model.insert(name(*k), (v.clone(), None)),
            Err(error) => full(error),
        },
        Op::SetFor(k, v, ms) => match cache.set_with_ttl(*now, name(*k), v, span(*ms)) {
            Ok(()) => _ = model.insert(name(*k), (v.clone(), Some(now_ms + ms))),
            Err(error) => full(error),
        },
        Op::InsertIfAbsent(k, v, ms) => {
            let there = cache.contains(*now, name(*k));
            match cache.insert_if_absent(*now, name(*k), v, ms.map(span)) {
                Ok(inserted) => {
                    assert_eq!(inserted, !there);
                    if inserted {
                        model.insert(name(*k), (v.clone(), ms.map(|ms| now_ms + ms)));
                    }
                }
                Err(error) => full(error),
            }
        }
        Op::SetTtl(k, ms) => {
            if cache.set_ttl(*now, name(*k), ms.map(span)) {
                model.get_mut(&name(*k)).expect("it is there").1 = ms.map(|ms| now_ms + ms);
            }
        }
        Op::Remove(k) => {
            let there = cache.contains(*now, name(*k));
            assert_eq!(cache.remove(*now, name(*k)), there);
            model.remove(&name(*k));
        }
        Op::Purge(limit) => assert!(cache.purge_expired(*now, *limit) <= *limit),
        Op::Wait(ms) => *now = Now::from_millis(now_ms + ms),
        Op::Snapshot => {}
        Op::Clear => {
            cache.clear();
            model.clear();
            assert_eq!(cache.len(), 0);
            assert!(cache.used_bytes() <= Cache::default().used_bytes() + REMEMBERED);
        }
    }
    let now_ms = now.wall_ms();
    model.retain(|_, (_, at)| at.is_none_or(|at| at > now_ms));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_cache_without_limit_is_a_map(ops in ops()) {
        let (mut cache, mut model) = (Cache::default(), Model::new());
        let mut now = Now::from_millis(1_000_000);
        let mut snapshot = None;
        for op in &ops {
            step(&mut cache, &mut model, &mut now, op);
            if matches!(op, Op::Snapshot) {
                snapshot = Some((cache.clone(), model.clone(), now));
            }
        }
        prop_assert_eq!(&all(&cache, now), &model);
        if let Some((then, model, now)) = snapshot {
            prop_assert_eq!(&all(&then, now), &model);
        }
        while cache.purge_expired(now, 7) > 0 {}
        prop_assert_eq!(cache.len(), model.len());
        prop_assert_eq!(cache.stats().evictions, 0);
    }

    #[test]
    fn a_full_cache_keeps_its_limit_and_tells_no_lies(ops in ops(), policy in 0usize..4) {
        const LIMIT: u64 = 10_000;
        /// What the last entry may take beyond its bytes: its places, and parting a full leaf.
        const OVERHEAD: u64 = 1_000;
        let policy = [
            Policy::AllkeysAdaptive,
            Policy::AllkeysLru,
            Policy::AllkeysLfu,
            Policy::AllkeysRandom,
        ][policy];
        let empty = Cache::default().used_bytes();
        let mut cache = Cache::builder().max_bytes(LIMIT + empty).policy(policy).seed(7).build();
        let mut twin = cache.clone();
        let (mut model, mut now) = (Model::new(), Now::from_millis(1_000_000));
        for op in &ops {
            step(&mut cache, &mut model, &mut now, op);
            prop_assert!(cache.used_bytes() <= LIMIT + empty + OVERHEAD);
        }
        let live = all(&cache, now);
        prop_assert!(live.iter().all(|(key, entry)| model.get(key) == Some(entry)));
        if cache.stats().evictions == 0 {
            prop_assert_eq!(&live, &model);
        }
        // The same calls on a clone do the same.
        let (mut model, mut now) = (Model::new(), Now::from_millis(1_000_000));
        ops.iter().for_each(|op| step(&mut twin, &mut model, &mut now, op));
        prop_assert_eq!((all(&twin, now), twin.stats()), (live, cache.stats()));
    }
}

#[test]
fn what_can_not_be_stored_is_refused_and_changes_nothing() {
    let now = Now::from_millis(0);
    let empty = Cache::default().used_bytes();
    let mut cache = Cache::builder().max_bytes(empty + 1_000).policy(Policy::NoEviction).build();
    cache.set(now, "key", "value").expect("room");
    let limit = empty + 1_000;
    let refused = cache.set(now, "key", vec![0; limit as usize]);
    assert_eq!(refused, Err(Error::TooLarge { bytes: limit + 3, limit }));
    let used = cache.used_bytes();
    assert_eq!(cache.set(now, "more", [0; 990]), Err(Error::OutOfMemory { used, limit }));
    assert_eq!(cache.get(now, "key"), Some(&b"value"[..]));
    assert_eq!(cache.len(), 1);
    // What gets no larger needs no room.
    while cache.set(now, cache.len().to_string(), [1; 50]).is_ok() {}
    cache.set(now, "key", "other").expect("as long as before");
    assert!(cache.stats().evictions == 0 && cache.len() > 5);
}

#[test]
fn what_has_expired_makes_room_first() {
    let empty = Cache::default().used_bytes();
    let mut cache = Cache::builder().max_bytes(empty + 10_000 + 2048 + 1152).build();
    let now = Now::from_millis(5_000);
    for key in 0..50 {
        let key = format!("short-lived {key}");
        cache.set_with_ttl(now, key, [0; 50], span(10)).expect("room");
    }
    for key in 0..40 {
        cache.set(now, format!("lasting {key}"), [0; 50]).expect("room");
    }
    let later = Now::from_millis(5_010);
    for key in 0..50 {
        cache.set(later, format!("late {key}"), [0; 50]).expect("room");
    }
    assert_eq!((cache.stats().evictions, cache.iter(later).count()), (0, 90));
    assert!(cache.stats().expirations > 0);
}

#[test]
fn times_at_the_ends_of_the_clock() {
    let mut cache = Cache::default();
    let late = Now { mono_us: u64::MAX, wall_us: u64::MAX };
    for now in [Now::from_millis(1), late] {
        cache.set_with_ttl(now, "forever", "", Duration::MAX).expect("room");
        assert!(cache.ttl(now, "forever") > Some(Duration::from_secs(1 << 40)));
        cache.set_with_ttl(now, "never", "", Duration::ZERO).expect("room");
        assert!(!cache.contains(now, "never"));
        cache.set_with_ttl(now, "short", "", Duration::from_nanos(1)).expect("room");
        assert_eq!(cache.ttl(now, "short"), Some(span(1)));
    }
    assert_eq!(Stats::default().hit_ratio(), 0.0);
}

#[test]
fn it_goes_to_other_threads() {
    fn check<T: Send + Sync>(_: &T) {}
    check(&Cache::default());
}
