//! The figures as tables and as the section of `docs/performance.md`.

use std::fmt::Write;

use anyhow::Result;

use super::measure::{CONNECTIONS, PIPELINE};
use super::{Results, Row};
use crate::bench::page;
use crate::bench::section::HEADING;

/// Bytes of a unit in tables.
const MEGABYTE: f64 = 1e6;

/// The section.
pub(super) fn section(results: &Results) -> Result<String> {
    let Results { size, valkey, busy, .. } = results;
    let mut text = format!(
        "{HEADING}Larder beside Valkey, each filled with the same data and asked the same requests. This \
         section is written by

```sh
cargo xtask bench types --write
```

| | |
|---|---|
| when | {} |
| machine | {} |
| busy | {} processes wanted a core on average before, {} after, the measured ones included |
| speed | {} requests a figure, the best of {} rounds; {CONNECTIONS} connections, P={PIPELINE} |
| valkey | {valkey} |
",
        page::when()?,
        page::machine()?,
        busy.0,
        busy.1,
        size.requests,
        size.rounds,
    );
    for Row { case, .. } in &results.rows {
        let what = case.what.replace("{}", &case.count(size).to_string());
        let _ = writeln!(text, "| {} | {what} |", case.name);
    }
    text.push('\n');
    Ok(text + &tables(results))
}

/// All tables, in Markdown.
pub(super) fn tables(results: &Results) -> String {
    let mut text = String::from(
        "### CPU time of the types\nNanoseconds that a request costs the server, user + system, and \
         the user time as a multiple of Valkey's, with what it is to stay below.\n\n\
         | | | valkey | larder | user | goal |\n|---|---|---|---|---|---|\n",
    );
    for row in &results.rows {
        for (at, test) in row.case.tests.iter().enumerate() {
            let (Some(valkey), Some(larder)) = (row.valkey.cpu.get(at), row.larder.cpu.get(at))
            else {
                continue;
            };
            let _ = writeln!(
                text,
                "| {} | {} | {:.0} + {:.0} | {:.0} + {:.0} | {} |",
                row.case.name,
                test.name,
                valkey.0,
                valkey.1,
                larder.0,
                larder.1,
                beside(larder.0, valkey.0, test.goal)
            );
        }
    }
    text += "\n### Memory of the types\nMegabytes beyond the empty server's, by the server's own \
             account (`used_memory`) / resident, and the first as a multiple of Valkey's.\n\n\
             | | valkey | larder | used | goal |\n|---|---|---|---|---|\n";
    for Row { case, valkey, larder } in &results.rows {
        let _ = writeln!(
            text,
            "| {} | {:.1} / {:.1} | {:.1} / {:.1} | {} |",
            case.name,
            megabytes(valkey.used),
            megabytes(valkey.resident),
            megabytes(larder.used),
            megabytes(larder.resident),
            beside(megabytes(larder.used), megabytes(valkey.used), case.memory_goal)
        );
    }
    text
}

/// What one round came to, for who waits.
pub(super) fn lines(row: &Row) -> String {
    let mut text = format!(
        "  memory {:.1} / {:.1} MB, ×{:.2}\n",
        megabytes(row.larder.used),
        megabytes(row.valkey.used),
        row.larder.used as f64 / row.valkey.used as f64
    );
    let both = row.larder.cpu.iter().zip(&row.valkey.cpu);
    for (test, (larder, valkey)) in row.case.tests.iter().zip(both) {
        let _ = writeln!(
            text,
            "  {:<24} user {:>6.0} / {:>6.0} ns, ×{:.2}",
            test.name,
            larder.0,
            valkey.0,
            larder.0 / valkey.0
        );
    }
    text
}

/// A ratio and its goal.
fn beside(larder: f64, valkey: f64, goal: Option<f64>) -> String {
    let ratio = larder / valkey;
    match goal {
        None => format!("×{ratio:.2} | -"),
        Some(goal) if ratio <= goal => format!("×{ratio:.2} | {goal}"),
        Some(goal) => format!("**×{ratio:.2}** | {goal}"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a machine has less memory")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / MEGABYTE
}

#[cfg(test)]
mod tests {
    use super::super::cases::CASES;
    use super::super::measure::{Figures, Size};
    use super::*;

    #[test]
    fn ratios_stand_beside_their_goals() {
        let case = &CASES[0];
        let figures = |used, user| Figures {
            used,
            resident: used,
            cpu: vec![(user, 100.0); case.tests.len()],
        };
        let row =
            Row { case, valkey: figures(2_000_000, 500.0), larder: figures(1_000_000, 300.0) };
        let results = Results {
            size: Size { keys: 1000, requests: 1000, rounds: 1 },
            rows: vec![row],
            valkey: "9".into(),
            busy: ("0".into(), "1".into()),
        };
        let text = tables(&results);
        for line in [
            "| small hashes | HGET | 500 + 100 | 300 + 100 | **×0.60** | 0.5 |",
            "| small hashes | HGETALL | 500 + 100 | 300 + 100 | ×0.60 | - |",
            "| small hashes | 2.0 / 2.0 | 1.0 / 1.0 | ×0.50 | 0.8 |",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn names_tell_cases_apart() {
        let mut names: Vec<_> = CASES.iter().map(|case| case.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), CASES.len());
        assert!(CASES.iter().all(|case| !case.tests.is_empty() && !case.fill.is_empty()));
    }
}
