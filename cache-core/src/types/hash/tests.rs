use super::*;
use crate::random::Random;
use crate::types::View as _;
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

/// Fields with their values and expiries.
type Model = BTreeMap<Vec<u8>, (Vec<u8>, Option<u64>)>;

fn check(hash: &Hash, model: &Model, now: u64) {
    let all: Model = (hash.view().iter())
        .map(|field| (field.name.to_vec(), (field.value.to_vec(), field.expires_ms)))
        .collect();
    assert_eq!((&all, hash.view().len()), (model, model.len()));
    let first = model.values().filter_map(|(_, expires)| *expires).min();
    assert_eq!(hash.view().first_expiry(), first);
    let seen = hash.view().at(now);
    let alive = |(_, (_, expires)): &(&Vec<u8>, &(Vec<u8>, Option<u64>))| {
        expires.is_none_or(|at| at >= now)
    };
    let names: Vec<&[u8]> = model.iter().filter(alive).map(|(name, _)| &name[..]).collect();
    let mut there: Vec<&[u8]> = seen.iter().map(|field| field.name).collect();
    there.sort_unstable();
    assert_eq!((&there, seen.seen(), seen.len()), (&names, names.len(), model.len()));
    let hidden = model.iter().filter(|field| !alive(field));
    assert!(hidden.clone().all(|(name, _)| seen.hides(name)));
    assert_eq!(seen.hides_some(), hidden.count() > 0);
    let mut scanned = BTreeSet::new();
    let mut cursor = 0;
    loop {
        cursor = seen.scan(cursor, 7, &mut |field| assert!(scanned.insert(field.name)));
        if cursor == 0 {
            break;
        }
    }
    assert!(scanned.iter().eq(&names));
    let mut by_place: Vec<&[u8]> =
        (0..seen.seen()).filter_map(|at| seen.nth(at)).map(|field| field.name).collect();
    by_place.sort_unstable();
    assert_eq!((by_place, seen.nth(seen.seen())), (names, None));
}

/// Whatever is done, a hash in either form has the fields of a map, each with its clock.
#[test]
fn both_forms_do_what_a_map_with_clocks_does() {
    let steps = if cfg!(miri) { 150 } else { 20_000 };
    for (limit, timed) in [(60, false), (60, true), (5000, false), (5000, true)] {
        let (mut hash, mut model, mut old) = (new(), Model::new(), None);
        let mut random = Random::new(9);
        for step in 0..steps {
            let name = format!("field:{}", random.below(limit)).into_bytes();
            let expires_ms = (timed && step % 3 > 0).then(|| step + 1 + random.below(500));
            match random.below(9) {
                0..3 => assert_eq!(hash.remove(&name), model.remove(&name).is_some()),
                3 => {
                    let there = model.get_mut(&name).map(|(_, at)| *at = expires_ms);
                    assert_eq!(hash.set_expiry(&name, expires_ms), there.is_some());
                }
                4 if step % 5 == 0 => {
                    for name in hash.take_due(step, 9) {
                        let (_, expires) = model.remove(&*name).expect("it is there");
                        assert!(expires.is_some_and(|at| at < step));
                    }
                }
                _ => {
                    let value = format!("{}", 7u64.pow((step % 9) as u32)).into_bytes();
                    let field = Field { name: &name, value: &value, expires_ms };
                    let is_new = hash.set_field(field, LIMITS);
                    assert_eq!(is_new, model.insert(name, (value, expires_ms)).is_none());
                }
            }
            if step % (steps / 50) == 0 {
                check(&hash, &model, step);
                // A clone doesn't change with the other.
                if let Some((hash, model)) = old.replace((hash.clone(), model.clone())) {
                    check(&hash, &model, step);
                }
            }
        }
        assert_eq!(is_large(&hash), limit > 512 && !cfg!(miri));
        while hash.view().first_expiry().is_some_and(|at| at < steps) {
            for name in hash.take_due(steps, 50) {
                model.remove(&*name);
            }
        }
        check(&hash, &model, steps);
        model.keys().for_each(|name| assert!(hash.remove(name)));
        let empty =
            if is_large(&hash) { Fields::new(hash.seed).size() } else { 2 + 8 * u64::from(timed) };
        assert_eq!((hash.view().len(), hash.size()), (0, empty));
    }
}

/// The form that a small hash takes for its first expiry is that of another name in Valkey.
#[test]
fn a_small_hash_shows_that_fields_have_had_expiries() {
    let mut hash = new();
    assert!(hash.set(b"a", b"1", LIMITS));
    let before = hash.size();
    assert!(!hash.set_expiry(b"z", Some(5)) && hash.set_expiry(b"a", None));
    assert_eq!((hash.view().encoding(), hash.size()), ("listpack", before));
    assert!(hash.set_expiry(b"a", Some(5)));
    assert_eq!((hash.view().encoding(), hash.size()), ("hashtable", before + 17));
    assert!(hash.set_expiry(b"a", None));
    assert_eq!((hash.view().encoding(), hash.size()), ("hashtable", before + 9));
    assert_eq!(hash.view().digest(), {
        let mut plain = new();
        plain.set(b"a", b"1", LIMITS);
        plain.view().digest()
    });
}

#[test]
fn a_scan_visits_each_field_once() {
    let mut hash = new();
    for i in 0..3000 {
        hash.set(format!("{i}").as_bytes(), b"", LIMITS);
    }
    let (mut seen, mut cursor, mut calls) = (BTreeSet::new(), 0, 0);
    loop {
        cursor = hash.view().scan(cursor, 10, &mut |field| assert!(seen.insert(field.name)));
        calls += 1;
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(seen.len(), 3000);
    assert!((200..=300).contains(&calls), "{calls}");
}
