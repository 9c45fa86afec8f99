//! `cargo xtask sim`: fleets of nodes under faults, a seed each.

use anyhow::Result;

use crate::job::Job;
use crate::sh;

/// The step plays seeds for so many seconds.
const STEP_SECONDS: &str = "25";

/// What to play.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many seeds
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// The first one
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Only this one
    #[arg(long)]
    seed: Option<u64>,
    /// Print everything that happens
    #[arg(long)]
    trace: bool,
    /// Plant a bug: it is to be found
    #[arg(long)]
    plant: Option<String>,
}

/// Plays them.
pub(crate) fn run(job: &mut Job, options: &Options) -> Result<()> {
    let (from, seeds) = options.seed.map_or((options.from, options.seeds), |seed| (seed, 1));
    let mut command = example();
    command.args(["--from", &from.to_string(), "--seeds", &seeds.to_string()]);
    if options.trace {
        command.arg("--trace");
    }
    if let Some(plant) = &options.plant {
        command.args(["--plant", plant]);
    }
    job.run(&mut command)
}

/// Some seeds, for a bounded time.
pub(crate) fn step(job: &mut Job) -> Result<()> {
    job.run(example().args(["--seeds", "1000", "--seconds", STEP_SECONDS, "--quiet"]))
}

fn example() -> std::process::Command {
    sh::cargo(&["run", "--quiet", "--package", "larder-sim", "--example", "fleet", "--"])
}
