use super::*;
use alloc::collections::BTreeSet;
use alloc::format;
use proptest::prelude::*;

const LIMIT: usize = 3000;

/// A sparse one whose runs are these bytes, whatever they say.
fn crafted(runs: &[u8]) -> Vec<u8> {
    [&HyperLogLog::new().0[..HEAD], runs].concat()
}

#[test]
fn estimates_are_close() {
    let (mut sketch, mut seen) = (HyperLogLog::new(), 0u64);
    for (until, most) in [(10, 0), (1000, 15), (20_000, 400), (200_000, 4000)] {
        while seen < until {
            sketch.add(format!("element:{seen}").as_bytes(), LIMIT).unwrap();
            seen += 1;
        }
        assert!(sketch.view().count().unwrap().abs_diff(until) <= most, "{until}");
    }
    assert!(sketch.view().is_dense());
}

#[test]
fn what_was_met_changes_nothing() {
    let mut sketch = HyperLogLog::new();
    for i in 0..3000u32 {
        sketch.add(&i.to_le_bytes(), LIMIT).unwrap();
        if sketch.view().is_dense() {
            assert!(sketch.view().has_met(&i.to_le_bytes()));
        }
        assert!(!sketch.add(&i.to_le_bytes(), LIMIT).unwrap());
    }
}

/// Runs that come to too few registers, to too many, and that end in the middle.
#[test]
fn crafted_runs_are_refused() {
    for runs in [
        &b""[..],
        b"\x7f\xfe",
        b"\x7f\xff\x00",
        b"\x7f\xff\x7f\xff",
        b"\x7f\xff\xff",
        b"\x7f",
        b"\x00\x7f",
        &b"\x7f\xff".repeat(40_000),
        &b"\xff".repeat(70_000),
    ] {
        let bytes = crafted(runs);
        let view = View::of(&bytes).unwrap();
        assert_eq!(view.count(), Err(Corrupt), "{runs:?}");
        assert_eq!(Union::new().add(view), Err(Corrupt));
        assert_eq!(view.to_owned().make_dense(), Err(Corrupt));
    }
}

proptest! {
    #[test]
    fn both_forms_have_the_registers_of_a_plain_array(
        values in prop::collection::vec((0..REGISTERS, 1u8..=MOST), 0..600),
        limit in 16usize..4000,
        near in prop::bool::ANY,
    ) {
        let (mut sketch, mut model) = (HyperLogLog::new(), alloc::vec![0; REGISTERS]);
        for (index, value) in values {
            // Close to each other they make runs.
            let (index, value) = if near { (index % 300, value % 3 + 1) } else { (index, value) };
            let changed = sketch.raise(index, value, limit).unwrap();
            prop_assert_eq!(changed, model[index] < value);
            model[index] = value.max(model[index]);
            let sparse = !sketch.view().is_dense();
            prop_assert!(!sparse || sketch.0.len() <= limit.max(HEAD + 2));
        }
        prop_assert_eq!(&Union::of([sketch.view()]).unwrap().0, &model);
        let count = sketch.view().count();
        prop_assert_eq!(count, Ok(Union(model.clone()).count()));
        sketch.make_dense().unwrap();
        prop_assert_eq!(sketch.view().count(), count);
        prop_assert!(sketch.view().registers().eq(model));
    }

    #[test]
    fn any_runs_at_all(
        runs in prop::collection::vec(any::<u8>(), 0..200),
        elements in prop::collection::vec(any::<u32>(), 0..20),
        limit in 0usize..300,
    ) {
        let bytes = crafted(&runs);
        let view = View::of(&bytes).unwrap();
        let _ = (view.count(), view.describe(), Union::new().add(view));
        let mut sketch = view.to_owned();
        for element in elements {
            let _ = sketch.add(&element.to_le_bytes(), limit);
        }
        let _ = sketch.take(&Union(alloc::vec![3; REGISTERS]), limit);
        let _ = sketch.make_dense();
    }

    #[test]
    fn a_union_has_met_what_its_parts_have(
        parts in prop::collection::vec(prop::collection::btree_set(0u32..2000, 0..800), 1..4),
    ) {
        let (mut union, mut whole) = (Union::new(), HyperLogLog::new());
        for part in &parts {
            let mut sketch = HyperLogLog::new();
            for element in part {
                sketch.add(&element.to_le_bytes(), 600).unwrap();
                whole.add(&element.to_le_bytes(), 600).unwrap();
            }
            union.add(sketch.view()).unwrap();
        }
        let all: BTreeSet<_> = parts.iter().flatten().collect();
        prop_assert_eq!(union.count(), whole.view().count().unwrap());
        prop_assert!(union.count().abs_diff(all.len() as u64) <= 10 + all.len() as u64 / 20);
        let mut target = HyperLogLog::new();
        target.take(&union, 600).unwrap();
        prop_assert_eq!(target.view().count(), whole.view().count());
    }
}
