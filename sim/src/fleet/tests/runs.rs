//! Whole runs: nothing goes wrong, the seed decides everything, and planted bugs are found.

use crate::fleet::{Plant, play};

#[test]
fn a_seed_gives_the_same_run() {
    let mut lines = [Vec::new(), Vec::new()];
    let reports = lines
        .each_mut()
        .map(|lines| play(7, Plant::None, Some(&mut |line: &str| lines.push(line.to_string()))));
    assert_eq!(reports[0].wrong, None);
    assert_eq!(lines[0], lines[1]);
    assert_eq!(reports[0].digest, reports[1].digest);
    assert_ne!(play(8, Plant::None, None).digest, reports[0].digest);
    assert_eq!(play(7, Plant::None, None).digest, reports[0].digest, "watched or not");
}

#[test]
fn nothing_goes_wrong() {
    for seed in 1..=6 {
        let report = play(seed, Plant::None, None);
        assert_eq!(report.wrong, None, "{report}");
        assert!(report.acknowledged > 100, "{report}");
    }
}

/// How many of some seeds find the bug.
fn found(plant: Plant) -> usize {
    (1..=4).filter(|seed| play(*seed, plant, None).wrong.is_some()).count()
}

#[test]
fn planted_bugs_are_found() {
    for plant in [
        Plant::DoubledPiece,
        Plant::LostPiece,
        Plant::HarmedUnchecked,
        Plant::LostExpiry,
        Plant::LyingDisk,
    ] {
        assert!(found(plant) > 0, "{plant:?}");
    }
}

#[test]
fn what_a_checksum_finds_is_sent_again() {
    assert_eq!(found(Plant::HarmedSnapshot), 0);
}
