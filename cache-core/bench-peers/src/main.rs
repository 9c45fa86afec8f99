//! Hit ratios and memory, and the table with all figures.
//!
//! Memory is what the allocator is asked for: what it rounds that up to is its own affair, and hits
//! those harder that ask for many small pieces.

use anyhow::{Context, Result, bail};
use cache_core_bench_peers::{CACHES, Kind, Trace, read_all};
use peak_alloc::PeakAlloc;
use std::path::{Path, PathBuf};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// What a trace did to a cache.
struct Outcome {
    hit_ratio: f64,
    entries: usize,
    bytes: usize,
}

impl Outcome {
    fn bytes_each(&self) -> f64 {
        self.bytes as f64 / self.entries as f64
    }
}

fn main() -> Result<()> {
    let args: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [traces, measured] = &args[..] else {
        bail!("needs the directory of the traces and that of criterion's results");
    };
    let traces = read_all(traces)?;
    for trace in &traces {
        let (requests, unique) = (trace.keys.len(), trace.unique);
        println!("\n{}: {requests} requests for {unique} keys\n", trace.name);
        println!(
            "| | M requests/s | hits % | entries | B/entry | hits %, in the first one's heap |"
        );
        println!("|---|---|---|---|---|---|");
        let heap = play(&CACHES[0], trace, trace.capacity()).bytes;
        for kind in CACHES {
            let outcome = play(kind, trace, trace.capacity());
            let speed = requests_per_second(measured, &trace.name, kind.name)? / 1e6;
            println!(
                "| {} | {speed:.2} | {:.1} | {} | {:.1} | {} |",
                kind.name,
                100.0 * outcome.hit_ratio,
                outcome.entries,
                outcome.bytes_each(),
                if kind.bounded { in_heap(kind, trace, &outcome, heap) } else { String::new() },
            );
        }
    }
    Ok(())
}

fn play(kind: &Kind, trace: &Trace, capacity: usize) -> Outcome {
    let before = ALLOCATOR.current_usage();
    let mut cache = (kind.make)(capacity);
    let hits = cache.play(&trace.keys, 0);
    let entries = cache.settled_len();
    let bytes = ALLOCATOR.current_usage() - before;
    Outcome { hit_ratio: hits as f64 / trace.keys.len() as f64, entries, bytes }
}

/// The hit ratio with as many entries as fit into so many bytes.
fn in_heap(kind: &Kind, trace: &Trace, outcome: &Outcome, heap: usize) -> String {
    let capacity = trace.capacity() as f64 * heap as f64 / outcome.bytes as f64;
    format!("{:.1}", 100.0 * play(kind, trace, capacity as usize).hit_ratio)
}

/// What criterion measured.
fn requests_per_second(measured: &Path, trace: &str, cache: &str) -> Result<f64> {
    let results = measured.join(trace).join(cache).join("new");
    let number = |file: &str, pointer: &str| {
        let path = results.join(file);
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let json: serde_json::Value = serde_json::from_str(&text)?;
        let number = json.pointer(pointer).and_then(serde_json::Value::as_f64);
        number.with_context(|| format!("no {pointer} in {}", path.display()))
    };
    let nanoseconds = number("estimates.json", "/median/point_estimate")?;
    Ok(number("benchmark.json", "/throughput/Elements")? / nanoseconds * 1e9)
}
