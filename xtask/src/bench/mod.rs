//! `cargo xtask bench compare`: Larder beside Redis, Valkey, Memcached and a server that does
//! nothing, all under the load of `larder bench`.
//!
//! Throughput on a small machine, which the load generator shares, tells much about the machine.
//! The server's own user and system time over a known number of requests doesn't, so that comes
//! first. Figures drift with the machine: compare those of one run.

mod load;
mod loading;
mod memory;
mod page;
mod peers;
mod section;
mod speed;
pub(crate) mod types;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::job::Job;
use crate::tools::Group;
use crate::{serve, setup, sh};
use peers::Peer;

/// What to measure.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many keys there are
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1000..))]
    keys: u32,
    /// How many keys are loaded while latencies are measured
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u32).range(1000..))]
    loaded: u32,
    /// How long each measurement of speed takes
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// How often speed and latency while loading are measured; the best counts
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// All of it so much smaller: 0.1 is a tenth of the keys and of the time
    #[arg(long, default_value_t = 1.0)]
    scale: f64,
    /// Only these parts
    #[arg(long, value_delimiter = ',')]
    part: Vec<Part>,
    /// Only these servers
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Write the figures to this file
    #[arg(long)]
    json: Option<PathBuf>,
    /// Write the tables to docs/performance.md
    #[arg(long)]
    write: bool,
}

/// Times single commands in one process, by an example of the engine.
pub(crate) fn stalls(keys: u32, parts: &[String]) -> Result<()> {
    let words = ["run", "--release", "-p", "cache-core", "--example", "stalls", "--"];
    let mut command = sh::cargo(&words);
    // What the server tells its allocator.
    command.env("MALLOC_MMAP_THRESHOLD_", "131072");
    Job::on_terminal().run(command.arg(keys.to_string()).args(parts))
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// CPU time, throughput and latency
    Speed,
    /// Bytes of a key
    Memory,
    /// Latency while keys are loaded
    Loading,
}

/// How large everything is, with `--scale` applied.
struct Size {
    keys: u32,
    loaded: u32,
    seconds: f64,
    rounds: u32,
}

/// All that was measured. Rows are in the order of `peers`; what wasn't measured is empty.
struct Results {
    size: Size,
    /// Names and versions.
    peers: Vec<(&'static str, String)>,
    /// For each cell the figures of each peer.
    speed: Vec<Vec<Option<speed::Speed>>>,
    memory: Vec<Vec<Option<memory::Memory>>>,
    loading: Vec<loading::Loading>,
    /// Processes that wanted a core on average, before and after.
    busy: (String, String),
}

/// Measures and prints the tables.
pub(crate) fn compare(options: &Options) -> Result<()> {
    if !(options.scale > 0.0 && options.scale <= 1.0) {
        bail!("--scale {}: above 0 and at most 1", options.scale);
    }
    if !(0.1..=600.0).contains(&options.seconds) {
        bail!("--seconds {}: from 0.1 to 600", options.seconds);
    }
    if options.write && !(options.part.is_empty() && options.only.is_empty()) {
        bail!("--write takes all parts and all servers");
    }
    setup::ensure(&[Group::Bench])?;
    let mut job = Job::on_terminal();
    serve::build(&mut job)?;
    // The null server is this program, optimized.
    job.run(&mut sh::cargo(&["build", "--release", "--package", "xtask"]))?;
    let results = measure(options)?;
    println!("\n{}", page::tables(&results));
    if let Some(file) = &options.json {
        let text = format!("{:#}\n", page::json(&results));
        fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    if options.write {
        let page = page::page(&results)?;
        section::rewrite(|old| section::with(&page, section::of(old).unwrap_or_default()))?;
    }
    Ok(())
}

fn measure(options: &Options) -> Result<Results> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it shrinks")]
    let scaled = |count: u32| ((f64::from(count) * options.scale) as u32).max(1000);
    let size = Size {
        keys: scaled(options.keys),
        loaded: scaled(options.loaded),
        seconds: (options.seconds * options.scale).max(0.1),
        rounds: options.rounds,
    };
    let peers = chosen(&options.only)?;
    let wanted = |part| options.part.is_empty() || options.part.contains(&part);
    let before = load_average();
    let mut results = Results {
        peers: peers.iter().map(|peer| (peer.name, peer.version())).collect(),
        speed: Vec::new(),
        memory: Vec::new(),
        loading: Vec::new(),
        busy: (before, String::new()),
        size,
    };
    if wanted(Part::Speed) {
        results.speed = speed::measure(&peers, &results.size)?;
    }
    if wanted(Part::Memory) {
        results.memory = memory::measure(&peers, &results.size)?;
    }
    if wanted(Part::Loading) {
        results.loading = loading::measure(&peers, &results.size)?;
    }
    results.busy.1 = load_average();
    Ok(results)
}

/// The peers that are wanted; all when none is named.
fn chosen(only: &[String]) -> Result<Vec<Peer>> {
    let peers = peers::all()?;
    if let Some(name) = only.iter().find(|name| peers.iter().all(|peer| peer.name != **name)) {
        let names: Vec<&str> = peers.iter().map(|peer| peer.name).collect();
        bail!("--only {name}: there are {}", names.join(", "));
    }
    Ok(peers.into_iter().filter(|p| only.is_empty() || only.iter().any(|o| o == p.name)).collect())
}

/// How many processes want a core, averaged over the last minute.
fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}
