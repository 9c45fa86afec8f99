//! `cargo xtask bench library`: the engine as a library beside other caches, on the same traces.
//!
//! Requests a second, hit ratios and bytes an entry, from one thread. The caches and the measuring
//! are in `cache-core/bench-peers`; here are the traces.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::hitratio::{self, Trace};
use crate::job::Job;
use crate::{paths, sh};

const PACKAGE: &str = "cache-core-bench-peers";
/// The generated trace: so many keys, and so many requests.
const KEYS: u32 = 1_000_000;
const REQUESTS: u32 = 5_000_000;
/// Of the recorded ones, these.
const RECORDED: &[&str] = &["OLTP", "web12"];

/// What to measure.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The directory of the recorded traces; `shared/traces` beside the project when not given
    #[arg(long, value_name = "DIR")]
    traces: Option<PathBuf>,
    /// Only the table, with the speeds of the last time
    #[arg(long)]
    table: bool,
}

/// Measures and prints the table.
pub(crate) fn run(options: &Options) -> Result<()> {
    let traces = paths::scratch()?.join("traces");
    write_all(options, &traces)?;
    let mut job = Job::on_terminal();
    if !options.table {
        let mut bench = sh::cargo(&["bench", "--package", PACKAGE, "--bench", "requests"]);
        job.run(bench.env("LARDER_BENCH_TRACES", &traces))?;
    }
    let mut table = sh::cargo(&["run", "--release", "--package", PACKAGE, "--"]);
    job.run(table.arg(&traces).arg(paths::target().join("criterion")))
}

/// Writes the traces, begun anew, in the format that the package reads.
fn write_all(options: &Options, to: &Path) -> Result<()> {
    match fs::remove_dir_all(to) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => fs::create_dir_all(to)?,
    }
    write(&hitratio::zipf("zipf", KEYS, 0.99, REQUESTS), to)?;
    match hitratio::recorded(options.traces.as_deref(), |name| RECORDED.contains(&name)) {
        Ok(traces) => traces.iter().try_for_each(|trace| write(trace, to)),
        Err(error) if options.traces.is_none() => {
            println!("without recorded traces: {error:#}");
            Ok(())
        }
        Err(error) => Err(error),
    }
}

fn write(trace: &Trace, to: &Path) -> Result<()> {
    let numbers = std::iter::once(trace.unique as u32).chain(trace.keys.iter().copied());
    let bytes: Vec<u8> = numbers.flat_map(u32::to_le_bytes).collect();
    let file = to.join(&trace.name);
    fs::write(&file, bytes).with_context(|| format!("cannot write {}", file.display()))
}
