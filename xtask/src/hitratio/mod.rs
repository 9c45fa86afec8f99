//! `cargo xtask bench hitratio`: the miss ratios of the engine's eviction policy and the classics.
//!
//! All entries count the same. A policy's score is how much of the way from LRU's misses to those
//! of Belady's MIN it goes, averaged over some cells (trace and size). What was best in one of them
//! tells little: look at the average, and at the worst beside LRU.

mod classics;
mod lists;
mod queues;
mod sampled;
mod synthetic;
mod traces;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, thread};

use anyhow::{Result, anyhow, bail};

use crate::job::Job;
use crate::{paths, sh};
pub(crate) use synthetic::zipf;
pub(crate) use traces::Trace;

/// Cache sizes, in thousandths of the unique keys.
const SIZES: &[u64] = &[1, 10, 100, 500];
/// Smaller caches are left out.
const LEAST: usize = 99;
/// The cells that are averaged, by trace and thousandths.
const SCORED: &[(&str, u64)] = &[
    ("OLTP", 10),
    ("OLTP", 100),
    ("w106", 10),
    ("w106", 100),
    ("scarab", 10),
    ("scarab", 100),
    ("loop", 500),
    ("2_pools", 10),
    ("2_pools", 100),
    ("web12", 10),
    ("web12", 100),
];
/// Our policy is run with so many ways to hash the keys.
const SEEDS: u64 = 3;

/// What to run.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The directory of the traces; `shared/traces` beside the project when not given
    #[arg(long, value_name = "DIR")]
    traces: Option<PathBuf>,
    /// Generated traces instead
    #[arg(long)]
    synthetic: bool,
    /// Only traces whose names contain this
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
}

/// A cache of some size under some policy.
trait Policy {
    /// Asks for a key, which is cached then; gives whether it was.
    fn request(&mut self, key: u32) -> bool;

    /// Bytes that the policy takes beside what each entry carries.
    fn bytes(&self) -> Option<u64> {
        None
    }
}

type Make = fn(keys: usize, size: usize, seed: u64) -> Box<dyn Policy>;

/// The policies by name; LRU is first, and the last is ours.
const POLICIES: &[(&str, Make)] = &[
    ("LRU", |keys, size, _| Box::new(classics::Queue::new(keys, size, true))),
    ("FIFO", |keys, size, _| Box::new(classics::Queue::new(keys, size, false))),
    ("CLOCK", |keys, size, _| Box::new(classics::Clock::new(keys, size, false))),
    ("LFU", |keys, size, _| Box::new(classics::Lfu::new(keys, size))),
    ("redis-lru", |keys, size, seed| Box::new(sampled::Redis::new(keys, size, false, seed))),
    ("redis-lfu", |keys, size, seed| Box::new(sampled::Redis::new(keys, size, true, seed))),
    ("ARC", |keys, size, _| Box::new(classics::Arc::new(keys, size))),
    ("LIRS", |keys, size, _| Box::new(queues::Lirs::new(keys, size))),
    ("2Q", |keys, size, _| Box::new(queues::TwoQ::new(keys, size))),
    ("SIEVE", |keys, size, _| Box::new(classics::Clock::new(keys, size, true))),
    ("S3-FIFO", |keys, size, _| Box::new(queues::S3Fifo::new(keys, size, false))),
    ("Clock2Q+", |keys, size, _| Box::new(queues::S3Fifo::new(keys, size, true))),
    ("adaptive", |keys, size, seed| Box::new(sampled::Larder::new(keys, size, seed))),
];

/// A trace at a size.
struct Cell<'a> {
    trace: &'a Trace,
    thousandths: u64,
    size: usize,
}

/// What a cell gave.
struct Row {
    /// Miss ratios in the order of `POLICIES`; ours is the mean of some seeds.
    misses: Vec<f64>,
    belady: f64,
    /// From the least to the most of ours.
    spread: f64,
    /// Bytes an entry beside what it carries.
    overhead: f64,
}

/// Runs all policies over all traces and prints the tables.
pub(crate) fn run(options: &Options) -> Result<()> {
    if cfg!(debug_assertions) {
        // Minutes instead of an hour.
        Job::on_terminal().run(&mut sh::cargo(&["build", "--release", "--package", "xtask"]))?;
        let mut optimized = sh::plain(paths::target().join("release/xtask"));
        return sh::become_program(optimized.args(env::args_os().skip(1)));
    }
    let wanted = |name: &str| options.only.as_ref().is_none_or(|only| name.contains(only));
    let mut traces = if options.synthetic {
        synthetic::all()
    } else {
        recorded(options.traces.as_deref(), wanted)?
    };
    traces.retain(|trace| wanted(&trace.name));
    if traces.is_empty() {
        bail!("there is no trace of that name");
    }
    let cells: Vec<_> = traces.iter().flat_map(cells_of).collect();
    print_tables(&cells, &rows(&cells)?);
    Ok(())
}

/// The recorded traces whose names are wanted; from `shared/traces` beside the project when no
/// directory is given.
pub(crate) fn recorded(dir: Option<&Path>, wanted: impl Fn(&str) -> bool) -> Result<Vec<Trace>> {
    let beside = paths::root().join("../shared/traces");
    traces::read_all(dir.unwrap_or(&beside), wanted)
}

fn cells_of(trace: &Trace) -> impl Iterator<Item = Cell<'_>> {
    let cell = |thousandths: &u64| {
        let size = (trace.unique as u64 * thousandths / 1000) as usize;
        Cell { trace, thousandths: *thousandths, size }
    };
    SIZES.iter().map(cell).filter(|cell| cell.size >= LEAST)
}

/// Runs the cells, as many at a time as there are processors.
fn rows(cells: &[Cell<'_>]) -> Result<Vec<Row>> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(cell) = cells.get(at) else { break };
                    eprintln!("{}", cell.name());
                    let row = cell.run();
                    if let Ok(mut done) = done.lock() {
                        done.push((at, row));
                    }
                }
            });
        }
    });
    let mut done = done.into_inner().map_err(|_| anyhow!("a cell failed"))?;
    done.sort_by_key(|(at, _)| *at);
    Ok(done.into_iter().map(|(_, row)| row).collect())
}

impl Cell<'_> {
    fn name(&self) -> String {
        format!("{}@{}% ({})", self.trace.name, self.thousandths as f64 / 10.0, self.size)
    }

    fn is_scored(&self) -> bool {
        SCORED.contains(&(self.trace.name.as_str(), self.thousandths))
    }

    fn run(&self) -> Row {
        let mut misses = Vec::new();
        let (mut ours, mut overhead) = (Vec::new(), 0.0_f64);
        for (_, make) in POLICIES {
            ours.clear();
            for seed in 1..=SEEDS {
                let mut policy = make(self.trace.unique, self.size, seed);
                let hits = self.trace.keys.iter().filter(|key| policy.request(**key)).count();
                ours.push(1.0 - hits as f64 / self.trace.keys.len() as f64);
                let Some(bytes) = policy.bytes() else { break };
                overhead = overhead.max(bytes as f64 / self.size as f64);
            }
            misses.push(ours.iter().sum::<f64>() / ours.len() as f64);
        }
        let most = ours.iter().copied().fold(0.0, f64::max);
        let spread = most - ours.iter().copied().fold(1.0, f64::min);
        Row { misses, belady: classics::belady(self.trace, self.size), spread, overhead }
    }
}

impl Row {
    fn share(&self, policy: usize) -> f64 {
        let gap = self.misses[0] - self.belady;
        if gap > 0.0 { (self.misses[0] - self.misses[policy]) / gap } else { 0.0 }
    }
}

fn print_tables(cells: &[Cell<'_>], rows: &[Row]) {
    println!(
        "miss ratios (* is averaged below); spread: of ours, from least to most, by {SEEDS} seeds"
    );
    print_heads(&["Belady", "spread", "B/entry"]);
    for (cell, row) in cells.iter().zip(rows) {
        print_name(cell);
        row.misses.iter().for_each(|misses| print!("{misses:>10.4}"));
        println!("{:>10.4}{:>10.4}{:>10.1}", row.belady, row.spread, row.overhead);
    }
    println!("\nshares of the gap from LRU to Belady");
    print_heads(&[]);
    for (cell, row) in cells.iter().zip(rows) {
        print_name(cell);
        (0..POLICIES.len()).for_each(|policy| print!("{:>10.3}", row.share(policy)));
        println!();
    }
    let all: Vec<_> = cells.iter().zip(rows).collect();
    let scored: Vec<_> = all.iter().copied().filter(|(cell, _)| cell.is_scored()).collect();
    for (what, some) in [("average of *", &scored), ("average of all", &all)] {
        if some.is_empty() {
            continue;
        }
        print!("{what:<26}");
        for policy in 0..POLICIES.len() {
            let sum: f64 = some.iter().map(|(_, row)| row.share(policy)).sum();
            print!("{:>10.3}", sum / some.len() as f64);
        }
        println!("  over {} cells", some.len());
    }
    print!("{:<26}", "worst beside LRU");
    for policy in 0..POLICIES.len() {
        let beside = all.iter().map(|(_, row)| row.misses[policy] / row.misses[0]);
        print!("{:>10.3}", beside.fold(0.0, f64::max));
    }
    println!();
}

fn print_heads(more: &[&str]) {
    print!("{:<26}", "");
    for name in POLICIES.iter().map(|(name, _)| name).chain(more) {
        print!("{name:>10}");
    }
    println!();
}

fn print_name(cell: &Cell<'_>) {
    let mark = if cell.is_scored() { "*" } else { "" };
    print!("{:<26}", format!("{}{mark}", cell.name()));
}
