//! Histories that can be true, and such that can't.

use super::*;

const PRIMARY: (Machine, u32) = (0, 1);
const REPLICA: (Machine, u32) = (1, 1);

fn write(history: &mut History, began_us: u64, ended_us: Option<u64>) -> ValueId {
    let (id, value) = history.begin_write(began_us, 0, PRIMARY);
    if let Some(ended_us) = ended_us {
        history.end_write(ended_us, id);
    }
    value
}

fn read(history: &mut History, span: (u64, u64), at: (Machine, u32), value: ValueId) {
    let bytes = (value > 0).then(|| text(value));
    history.read(span, 0, at, bytes.as_deref()).expect("a value that was written");
}

#[test]
fn values_have_texts_that_nobody_else_has() {
    for value in 1..2000 {
        assert_eq!(value_of(&text(value)), Some(value));
    }
    let mut wrong = text(7);
    wrong.push(b'x');
    assert_eq!(value_of(&wrong), None);
    let mut history = History::new(2, 0);
    write(&mut history, 1, None);
    let taken = history.read((1, 2), 1, PRIMARY, Some(&text(1)));
    assert!(taken.is_err(), "it is another key's");
}

#[test]
fn what_overlaps_may_come_in_any_order() {
    let mut history = History::new(1, 0);
    let a = write(&mut history, 10, Some(100));
    let b = write(&mut history, 20, Some(90));
    read(&mut history, (30, 40), PRIMARY, 0);
    read(&mut history, (50, 60), PRIMARY, b);
    read(&mut history, (70, 80), PRIMARY, a);
    assert_eq!(history.check(), Ok(()));
    read(&mut history, (110, 120), PRIMARY, b);
    assert!(history.check().is_err(), "b was before a, and is after it");
}

#[test]
fn a_write_that_was_acknowledged_is_seen() {
    let mut history = History::new(1, 0);
    let a = write(&mut history, 10, Some(20));
    let lost = write(&mut history, 30, None);
    read(&mut history, (40, 50), PRIMARY, a);
    read(&mut history, (60, 70), PRIMARY, lost);
    assert_eq!(history.check(), Ok(()), "nobody knows when it came");
    let mut forgetful = history.clone();
    read(&mut forgetful, (80, 90), PRIMARY, a);
    assert!(forgetful.check().is_err());
    read(&mut history, (80, 90), PRIMARY, 0);
    assert!(history.check().is_err());
}

#[test]
fn nobody_reads_what_is_not_written_yet() {
    let mut history = History::new(1, 0);
    let a = write(&mut history, 10, Some(20));
    let mut early = history.clone();
    read(&mut early, (1, 5), PRIMARY, a);
    assert!(early.check().is_err());
    read(&mut history, (1, 5), REPLICA, a);
    assert!(history.check().is_err());
}

#[test]
fn a_replica_is_late_and_never_goes_back() {
    let mut history = History::new(1, 0);
    let a = write(&mut history, 10, Some(20));
    let b = write(&mut history, 30, Some(40));
    read(&mut history, (50, 60), REPLICA, 0);
    read(&mut history, (70, 80), REPLICA, a);
    read(&mut history, (90, 95), (1, 2), 0);
    read(&mut history, (100, 110), REPLICA, b);
    assert_eq!(history.check(), Ok(()));
    let mut back = history.clone();
    read(&mut back, (120, 130), REPLICA, a);
    assert!(back.check().is_err());
    let mut empty = history.clone();
    read(&mut empty, (120, 130), REPLICA, 0);
    assert!(empty.check().is_err(), "half the data");
    read(&mut history, (105, 130), REPLICA, a);
    assert_eq!(history.check(), Ok(()), "it overlaps");
}

#[test]
fn what_had_to_survive_is_there() {
    let mut history = History::new(1, 0);
    let a = write(&mut history, 10, Some(20));
    let b = write(&mut history, 30, Some(40));
    for (kept_us, there, is_right) in
        [(25, a, true), (25, b, true), (25, 0, false), (40, a, false), (15, 0, true)]
    {
        let mut history = history.clone();
        history.end_age(kept_us);
        read(&mut history, (100, 110), PRIMARY, there);
        assert_eq!(history.check().is_ok(), is_right, "{kept_us} {there}");
        let c = write(&mut history, 120, Some(130));
        read(&mut history, (140, 150), PRIMARY, there);
        assert!(history.check().is_err());
        assert!(c > 0);
    }
}

#[test]
fn what_was_lost_once_need_not_come_back() {
    let mut history = History::new(1, 0);
    let a = write(&mut history, 10, Some(20));
    write(&mut history, 30, Some(40));
    history.end_age(25);
    read(&mut history, (50, 60), PRIMARY, a);
    history.end_age(70);
    let mut other = history.clone();
    read(&mut history, (80, 90), PRIMARY, a);
    assert_eq!(history.check(), Ok(()));
    read(&mut other, (80, 90), PRIMARY, 0);
    assert!(other.check().is_err(), "it had survived once");
}
