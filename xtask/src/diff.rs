//! `cargo xtask diff`: random commands to Larder's engine and to a real Valkey, their replies
//! compared. What is compared and how stands in `cache-core/differential`; here the server is started,
//! under a clock that the test moves.

use std::fs;

use anyhow::{Context, Result};

use crate::job::Job;
use crate::tools::Group;
use crate::valkey::{Clock, Valkey};
use crate::{paths, setup, sh};

/// The moment at which the server starts, in libfaketime's words.
const START: &str = "2026-01-01 00:00:00\n";
/// Commands of a step of `cargo xtask test`, in each dialect: together half a million, in about a
/// minute of CPU time.
const COMMANDS: u64 = 250_000;

/// What to try.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many commands
    #[arg(long, default_value_t = 1_000_000)]
    commands: u64,
    /// What the commands follow from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The dialect
    #[arg(long, default_value = "3", value_parser = ["2", "3"])]
    resp: String,
    /// Only commands of this group of COMMAND DOCS, and what goes with each
    #[arg(long, value_name = "GROUP")]
    only: Option<String>,
    /// Go on after a difference, and list one of each kind
    #[arg(long)]
    all: bool,
}

/// Compares as many commands as one wants.
pub(crate) fn run(job: &mut Job, options: &Options) -> Result<()> {
    setup::ensure(&[Group::Valkey])?;
    job.run(&mut sh::cargo(&["build", "--quiet", "--package", "cache-core-differential"]))?;
    let clock = paths::scratch()?.join("clock");
    fs::write(&clock, START).context("cannot write the clock")?;
    let mut valkey = Valkey::start(&Clock::File(clock.clone()))?;
    let mut command = sh::plain(paths::target().join("debug/cache-core-differential"));
    command.args(["--server", &valkey.address().to_string()]).arg("--clock").arg(&clock);
    command.args(["--commands", &options.commands.to_string()]);
    command.args(["--seed", &options.seed.to_string(), "--resp", &options.resp]);
    if let Some(group) = &options.only {
        command.args(["--only", group]);
    }
    if options.all {
        command.arg("--all");
    }
    let done = job.run(&mut command);
    valkey.end()?;
    done
}

/// The step of `cargo xtask test`.
pub(crate) fn step(job: &mut Job) -> Result<()> {
    for (resp, seed) in [("3", 1), ("2", 1_000_000)] {
        let resp = resp.to_owned();
        run(job, &Options { commands: COMMANDS, seed, resp, only: None, all: false })?;
    }
    job.remark(&format!("{} commands", 2 * COMMANDS));
    Ok(())
}
