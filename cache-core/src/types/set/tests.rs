use super::*;
use crate::types::View as _;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::string::ToString;
use proptest::prelude::*;

const LIMITS: SetLimits = SetLimits { integers: 512, list: Limits { entries: 128, bytes: 64 } };

fn new() -> Set {
    Set::new(HashSeed::new(1, 2))
}

fn encoding(set: &Set) -> &'static str {
    set.view().encoding()
}

fn texts(set: &Set) -> Vec<String> {
    let text = |m: Member<'_>| String::from_utf8_lossy(m.text(&mut itoa::Buffer::new())).into();
    set.view().iter().map(text).collect()
}

#[test]
fn forms_give_way_as_in_redis() {
    let mut set = new();
    (0..512).for_each(|i| _ = set.add(i.to_string().as_bytes(), LIMITS));
    assert_eq!(encoding(&set), "intset");
    set.add(b"5", LIMITS);
    assert_eq!(encoding(&set), "intset");
    set.add(b"512", LIMITS);
    assert_eq!(encoding(&set), "hashtable");

    let mut set = new();
    (0..127).for_each(|i| _ = set.add(i.to_string().as_bytes(), LIMITS));
    set.add(b"x", LIMITS);
    assert_eq!(encoding(&set), "listpack");
    assert!(!set.add(b"x", LIMITS));
    set.add(b"y", LIMITS);
    assert_eq!((encoding(&set), set.view().len()), ("hashtable", 129));

    let mut set = new();
    (0..128).for_each(|i| _ = set.add(i.to_string().as_bytes(), LIMITS));
    set.add(b"x", LIMITS);
    assert_eq!(encoding(&set), "hashtable");

    let mut set = new();
    set.add(&[b'x'; 64], LIMITS);
    assert_eq!(encoding(&set), "listpack");
    set.add(&[b'x'; 65], LIMITS);
    assert_eq!(encoding(&set), "hashtable");

    // Integers longer than a string may be.
    let mut set = new();
    set.add(b"-1000", LIMITS);
    set.add(b"x", SetLimits { list: Limits { bytes: 4, ..LIMITS.list }, ..LIMITS });
    assert_eq!(encoding(&set), "hashtable");
}

#[test]
fn integers_are_sorted_and_strings_stay_as_they_came() {
    let mut set = new();
    for member in ["5", "-3", "70000", "9223372036854775807", "-9223372036854775808", "5", "0"] {
        set.add(member.as_bytes(), LIMITS);
    }
    let sorted = ["-9223372036854775808", "-3", "0", "5", "70000", "9223372036854775807"];
    assert_eq!(texts(&set), sorted);
    set.add(b"b", LIMITS);
    set.add(b"a", LIMITS);
    assert!(set.remove(b"5"));
    assert_eq!(texts(&set)[3..], ["70000", "9223372036854775807", "b", "a"]);
    set.remove(b"a");
    set.remove(b"b");
    assert_eq!(encoding(&set), "listpack");
    set.become_integers(LIMITS);
    assert_eq!(encoding(&set), "intset");
    assert_eq!(texts(&set).len(), 5);
}

#[test]
fn bytes_that_nobody_wrote_do_no_harm() {
    for bytes in
        [&b""[..], &[2, 1], &[4, 1, 2, 3], &[8], &[0], &[0, 9], &[0, 9, 0, 200, 1], &[7; 9]]
    {
        let view = SetView::small(bytes, HashSeed::new(1, 2));
        let _ = (view.len(), view.iter().count(), view.nth(3), view.contains(b"1"));
        let mut set = view.to_owned();
        set.add(b"1", LIMITS);
        set.remove(b"2");
    }
}

proptest! {
    #[test]
    fn every_form_does_what_a_set_does(
        steps in prop::collection::vec((0u8..6, 0i64..200, prop::bool::ANY), 1..400),
        integers in 1usize..150,
        entries in 1usize..80,
    ) {
        let limits = SetLimits { integers, list: Limits { entries, bytes: 6 } };
        let (mut set, mut model) = (new(), BTreeSet::new());
        for (kind, number, plain) in steps {
            let number = if number % 5 == 0 { number.wrapping_mul(i64::MAX / 3) } else { number };
            let member = if plain { number.to_string() } else { format!("m{number}") };
            match kind {
                0..4 => prop_assert_eq!(set.add(member.as_bytes(), limits), model.insert(member)),
                4 => prop_assert_eq!(set.remove(member.as_bytes()), model.remove(&member)),
                _ => {
                    let chosen = |number: usize| number.is_multiple_of(7);
                    let mut at = 0..;
                    let gone: Vec<_> = texts(&set).into_iter().step_by(7).collect();
                    set.remove_where(|| at.next().is_some_and(chosen));
                    gone.iter().for_each(|member| assert!(model.remove(member)));
                }
            }
            prop_assert_eq!(set.view().len(), model.len());
        }
        let bytes = set.as_bytes().map(<[u8]>::to_vec);
        if let Some(bytes) = bytes {
            set = SetView::small(&bytes, HashSeed::new(1, 2)).to_owned();
        }
        prop_assert_eq!(texts(&set).into_iter().collect::<BTreeSet<_>>(), model.clone());
        prop_assert!(model.iter().all(|member| set.view().contains(member.as_bytes())));
        let by_place: BTreeSet<_> = (0..model.len()).map(|i| set.view().nth(i)).map(|m| {
            let member = m.expect("a member at each place");
            String::from_utf8_lossy(member.text(&mut itoa::Buffer::new())).into_owned()
        }).collect();
        prop_assert_eq!(by_place, model);
    }
}
