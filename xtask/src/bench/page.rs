//! The figures as tables, as the page `docs/performance.md`, and as JSON.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::load::Latency;
use super::memory::Memory;
use super::speed::{CELLS, Speed, VALUE};
use super::{Results, loading, memory, speed};
use crate::{proc, sh};

/// Whom the others are compared with.
const YARDSTICK: &str = "valkey";
/// And under load, where the machine itself is part of every figure.
const FLOOR: &str = "null";

/// The page.
pub(crate) fn page(results: &Results) -> Result<String> {
    let (keys, loaded) = (results.size.keys, results.size.loaded);
    let mut text = format!(
        "# Performance

Larder beside Redis, Valkey, Memcached and a server that counts requests and writes fixed replies
(\"null\": what is below it belongs to the kernel and the wire). This page is written by

```sh
cargo xtask bench compare --write
```

which takes about twenty minutes; `cargo xtask bench compare --scale 0.1` prints a small one.
`larder bench` is the load, over loopback, on the machine of the servers; each server has one thread
for requests, and writes nothing to disk. Figures drift with the machine: compare those of one run.

| | |
|---|---|
| when | {} |
| machine | {} |
| busy | {} processes wanted a core on average before, {} after, the measured ones included |
| keys | {keys} of 16 bytes, drawn evenly; values of {VALUE} bytes where nothing else is said |
| speed | {} s a figure, the best of {} rounds |
| loading | {loaded} keys, the best of {} rounds |
",
        when()?,
        machine()?,
        results.busy.0,
        results.busy.1,
        results.size.seconds,
        results.size.rounds,
        results.size.rounds,
    );
    for (name, version) in &results.peers {
        let _ = writeln!(text, "| {name} | {version} |");
    }
    text.push('\n');
    for note in notes(results) {
        let _ = writeln!(text, "{note}\n");
    }
    Ok(text + &tables(results))
}

/// What a reader must know of this run before the figures.
fn notes(results: &Results) -> Vec<&'static str> {
    let mut notes = Vec::new();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    if results.busy.0.parse::<f64>().is_ok_and(|busy| busy * 2.0 > cores as f64) {
        notes.push(
            "**The machine was busy with other work when this run began.** Throughput and latency tell \
             about that as much as about the servers; CPU time less so, memory not at all.",
        );
    }
    let is_libc =
        |(name, version): &(&str, String)| *name == YARDSTICK && version.contains("malloc=libc");
    if results.peers.iter().any(is_libc) {
        notes.push(
            "This Valkey is built with the C library's allocator. Builds with jemalloc, its default, \
             need another amount of memory.",
        );
    }
    notes
}

/// The day and the commit, in a line.
pub(super) fn when() -> Result<String> {
    let date = proc::output(sh::plain("date").args(["-u", "+%-d %B %Y"]))?;
    let commit = proc::output(sh::plain("git").args(["rev-parse", "--short", "HEAD"]))?;
    Ok(format!("{}, at commit {}", date.trim(), commit.trim()))
}

/// The machine, in a line.
pub(super) fn machine() -> Result<String> {
    let read = |path: &str| {
        fs::read_to_string(Path::new(path)).with_context(|| format!("cannot read {path}"))
    };
    let value = |text: &str, name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_default().trim_start_matches([' ', '\t', ':']).to_owned()
    };
    let (cpus, memory) = (read("/proc/cpuinfo")?, read("/proc/meminfo")?);
    let cores = cpus.lines().filter(|line| line.starts_with("processor")).count();
    let kilobytes: u64 =
        value(&memory, "MemTotal").trim_end_matches(" kB").parse().unwrap_or_default();
    Ok(format!(
        "{cores} cores of {}, {} GB, Linux {}",
        value(&cpus, "model name"),
        kilobytes >> 20,
        read("/proc/sys/kernel/osrelease")?.trim()
    ))
}

/// All tables, in Markdown.
pub(crate) fn tables(results: &Results) -> String {
    let mut text = String::new();
    if !results.speed.is_empty() {
        text += &speed_tables(results);
    }
    if !results.memory.is_empty() {
        text += "## Memory\nBytes a key beyond its own and its value's, the empty server's taken off: \
                 by the server's own account (`used_memory`; Memcached's `bytes`, which leaves out \
                 what its size classes waste) / resident. In brackets the first as a multiple of \
                 Valkey's. With a TTL every key expires in a day.\n\n";
        let cell = |m: Memory, base: Option<Memory>| {
            format!("{:.1} / {:.1}{}", m.used, m.resident, ratio(m.used, base.map(|b| b.used)))
        };
        let rows = memory::CELLS.iter().map(|cell| memory::name(*cell));
        text += &table(results, rows, &results.memory, cell);
    }
    if !results.loading.is_empty() {
        text += &loading_table(results);
    }
    text
}

fn speed_tables(results: &Results) -> String {
    let rows = || CELLS.iter().map(speed::Cell::name);
    let base = |of: fn(&Speed) -> f64| {
        move |speed: Speed, base: Option<Speed>| ratio(of(&speed), base.map(|b| of(&b)))
    };
    let mut text = String::from(
        "## CPU time\nNanoseconds that a request costs the server, user + system, all its threads \
         together, and the sum as a multiple of Valkey's. This is what a small machine can measure \
         honestly. 50 connections where nothing else is said; P is how many requests a connection \
         sends before it waits.\n\n",
    );
    text += &table(results, rows(), &results.speed, |s, b| {
        format!("{:.0} + {:.0}{}", s.user, s.system, base(Speed::cpu)(s, b))
    });
    text += "\n## Throughput\nThousands of requests a second, and as a multiple of Valkey's. The \
             load generator takes a core of its own where there is one; where the null server is \
             not far above, the machine is the limit.\n\n";
    text += &table(results, rows(), &results.speed, |s, b| {
        format!("{:.0}{}", s.rate / 1000.0, base(|s| s.rate)(s, b))
    });
    text += "\n## Latency as fast as it goes\nMilliseconds, p50 / p99 / p99.9 / p99.99, of the same \
             loads: 50 (or 1000) connections always wait, so half of these follows from the \
             throughput. In brackets p99 as a multiple of Valkey's.\n\n";
    text += &table(results, rows(), &results.speed, |s, b| {
        let Latency { p50, p99, p999, p9999, .. } = s.latency;
        let more = base(|s| s.latency.p99)(s, b);
        format!("{p50:.2} / {p99:.2} / {p999:.2} / {p9999:.2}{more}")
    });
    text.push('\n');
    text
}

fn loading_table(results: &Results) -> String {
    let mut text = format!(
        "\n## Latency while keys are loaded\n{} GETs a second on 50 connections, each counted from \
         when it was due, while another program SETs {} new keys at {} a second. Milliseconds; in \
         brackets as a multiple of the null server's, whose tail is the machine's own. \"Left late\" \
         is how late the load generator itself was with 1 of 100 GETs.\n\n\
         | | p50 | p99 | p99.9 | p99.99 | max | left late | SETs a second |\n\
         |---|---|---|---|---|---|---|---|\n",
        loading::GETS,
        results.size.loaded,
        loading::SETS
    );
    let floor = results.loading.iter().find(|l| l.peer == FLOOR).map(|l| l.gets.latency);
    for loading::Loading { peer, gets, loaded } in &results.loading {
        let l = gets.latency;
        let more =
            if *peer == FLOOR { String::new() } else { ratio(l.p9999, floor.map(|f| f.p9999)) };
        let unsent = if gets.unsent > 0.0 {
            format!(", {:.0} never left", gets.unsent)
        } else {
            String::new()
        };
        let _ = writeln!(
            text,
            "| {peer} | {:.3} | {:.3} | {:.3} | {:.3}{more} | {:.3} | {:.3}{unsent} | {loaded:.0} |",
            l.p50,
            l.p99,
            l.p999,
            l.p9999,
            l.max,
            gets.late.unwrap_or_default()
        );
    }
    text
}

/// A table with a column for each peer; `cell` is handed a figure and the yardstick's.
fn table<T: Copy>(
    results: &Results,
    names: impl Iterator<Item = String>,
    rows: &[Vec<Option<T>>],
    cell: impl Fn(T, Option<T>) -> String,
) -> String {
    let yardstick = results.peers.iter().position(|(name, _)| *name == YARDSTICK);
    let mut text = String::from("|");
    for (name, _) in &results.peers {
        let _ = write!(text, " | {name}");
    }
    text += " |\n|---";
    text += &"|---".repeat(results.peers.len());
    text += "|\n";
    for (name, row) in names.zip(rows) {
        let _ = write!(text, "| {name}");
        let base = yardstick.and_then(|at| row[at]);
        for (at, figure) in row.iter().enumerate() {
            let base = if Some(at) == yardstick { None } else { base };
            let shown = figure.map_or_else(|| "-".into(), |figure| cell(figure, base));
            let _ = write!(text, " | {shown}");
        }
        text += " |\n";
    }
    text
}

/// ` (×1.23)`, when there is something to compare with.
fn ratio(figure: f64, base: Option<f64>) -> String {
    match base {
        Some(base) if base > 0.0 => format!(" (×{:.2})", figure / base),
        _ => String::new(),
    }
}

/// All figures for programs.
pub(crate) fn json(results: &Results) -> Value {
    let latency = |l: Latency| {
        json!({ "p50_ms": l.p50, "p99_ms": l.p99, "p99.9_ms": l.p999, "p99.99_ms": l.p9999,
                "max_ms": l.max })
    };
    let speed = |s: Speed| {
        json!({ "user_ns": s.user, "system_ns": s.system, "requests_per_second": s.rate,
                "latency": latency(s.latency) })
    };
    let memory_of = |m: Memory| json!({ "used_bytes": m.used, "resident_bytes": m.resident });
    let loading = results.loading.iter().map(|l| {
        let figures = json!({ "latency": latency(l.gets.latency), "late_p99_ms": l.gets.late,
                              "unsent": l.gets.unsent, "sets_per_second": l.loaded });
        (l.peer.to_owned(), figures)
    });
    json!({
        "peers": results.peers.iter().cloned().map(|(n, v)| (n.to_owned(), v.into()))
            .collect::<serde_json::Map<_, _>>(),
        "keys": results.size.keys,
        "loaded": results.size.loaded,
        "seconds": results.size.seconds,
        "rounds": results.size.rounds,
        "load_average": [results.busy.0, results.busy.1],
        "speed": by_name(results, CELLS.iter().map(speed::Cell::name), &results.speed, speed),
        "memory": by_name(
            results,
            memory::CELLS.iter().map(|cell| memory::name(*cell)),
            &results.memory,
            memory_of,
        ),
        "loading": loading.collect::<serde_json::Map<_, _>>(),
    })
}

fn by_name<T: Copy>(
    results: &Results,
    names: impl Iterator<Item = String>,
    rows: &[Vec<Option<T>>],
    value: impl Fn(T) -> Value,
) -> Value {
    let row = |row: &Vec<Option<T>>| {
        let cells = results.peers.iter().zip(row);
        let cells =
            cells.filter_map(|((peer, _), cell)| Some(((*peer).to_owned(), value((*cell)?))));
        Value::Object(cells.collect())
    };
    Value::Object(names.zip(rows).map(|(name, cells)| (name, row(cells))).collect())
}

#[cfg(test)]
mod tests {
    use super::super::Size;
    use super::super::load::Figures;
    use super::*;

    const LATENCY: Latency = Latency { p50: 0.5, p99: 1.0, p999: 2.0, p9999: 3.0, max: 4.0 };

    fn results() -> Results {
        let speed = |user| Some(Speed { user, system: 50.0, rate: 1e6, latency: LATENCY });
        let memory = |used| Some(Memory { used, resident: 40.0 });
        let gets =
            Figures { answered: 10.0, rate: 1.0, latency: LATENCY, late: Some(0.1), unsent: 0.0 };
        let loading =
            |peer, gets| loading::Loading { peer, gets, loaded: f64::from(loading::SETS) };
        let slow = Figures { latency: Latency { p9999: 6.0, ..LATENCY }, ..gets };
        Results {
            size: Size { keys: 1000, loaded: 2000, seconds: 1.0, rounds: 1 },
            peers: vec![("valkey", "9".into()), ("larder", "1".into()), ("null", String::new())],
            speed: vec![vec![speed(150.0), speed(50.0), speed(0.0)]; CELLS.len()],
            memory: vec![vec![memory(40.0), memory(20.0), None]; memory::CELLS.len()],
            loading: vec![loading("larder", slow), loading("null", gets)],
            busy: ("0.1".into(), "1.5".into()),
        }
    }

    #[test]
    fn ratios_are_to_the_yardsticks() {
        let text = tables(&results());
        for line in [
            "| | valkey | larder | null |",
            "| GET P=1 | 150 + 50 | 50 + 50 (×0.50) | 0 + 50 (×0.25) |",
            "| SET P=64 | 1000 | 1000 (×1.00) | 1000 (×1.00) |",
            "| 8 B with TTL | 40.0 / 40.0 | 20.0 / 40.0 (×0.50) | - |",
            "| larder | 0.500 | 1.000 | 2.000 | 6.000 (×2.00) | 4.000 | 0.100 | 200000 |",
            "| null | 0.500 | 1.000 | 2.000 | 3.000 | 4.000 | 0.100 | 200000 |",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn json_has_every_figure() {
        let json = json(&results());
        assert_eq!(json["speed"]["GET P=16"]["larder"]["user_ns"], 50.0);
        assert_eq!(json["memory"]["64 B"]["valkey"]["used_bytes"], 40.0);
        assert_eq!(json["memory"]["64 B"]["null"], Value::Null);
        assert_eq!(json["loading"]["larder"]["latency"]["p99.99_ms"], 6.0);
    }

    #[test]
    fn without_the_yardstick_there_are_no_ratios() {
        let mut results = results();
        results.peers.remove(0);
        for row in &mut results.speed {
            row.remove(0);
        }
        results.memory.clear();
        assert!(tables(&results).contains("| GET P=1 | 50 + 50 | 0 + 50 |"));
    }
}
