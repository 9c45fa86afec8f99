//! Every habit of the project as a command: `cargo xtask help`. See README.md beside this crate.

mod bench;
mod compat;
mod crash;
mod debian;
mod diff;
mod fleet;
mod fresh;
mod fuzz;
mod hitratio;
mod imports;
mod install;
mod job;
mod library;
mod memory;
mod null_server;
mod paths;
mod proc;
mod serve;
mod setup;
mod sh;
mod size;
mod steps;
mod test;
mod tidy;
mod tools;
mod ui;
mod valkey;
mod wasm;

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::job::Job;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Every habit of the Larder project as a command")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what is missing on this machine
    Setup {
        /// Only list what is there and what is missing; fail when something is
        #[arg(long)]
        check: bool,
        /// What it is needed for; everything when not given
        group: Vec<tools::Group>,
    },
    /// Build the page and the server, and start `larder serve`
    Run {
        /// Arguments of `larder serve`, after `--`
        #[arg(last = true)]
        args: Vec<String>,
    },
    /// Run every check, or some
    Test {
        /// Only this step and those it needs
        #[arg(long, value_name = "STEP")]
        only: Vec<String>,
        /// Not this step
        #[arg(long, value_name = "STEP")]
        skip: Vec<String>,
        /// Print the steps and what each proves
        #[arg(long)]
        list: bool,
    },
    /// Build the page and the JavaScript library into pkg/
    Web {
        /// Quickly, and large
        #[arg(long)]
        dev: bool,
    },
    /// Build the Cloudflare Worker into worker/build/
    Worker {
        /// Quickly, and large
        #[arg(long)]
        dev: bool,
    },
    /// Compare gzipped sizes with the budgets of xtask/budgets.toml
    Size,
    /// Fuzz one target of cache-core/fuzz, or all
    Fuzz {
        /// The target
        target: Option<String>,
        /// How long, for each
        #[arg(long, default_value_t = 60)]
        seconds: u32,
    },
    /// Measure
    #[command(subcommand)]
    Bench(Bench),
    /// Serve fixed replies: the floor that `bench compare` compares with
    NullServer {
        /// Where to listen, such as 127.0.0.1:7000
        address: SocketAddr,
    },
    /// Compare commands and settings with a real Valkey, and write docs/compatibility.md
    Compat {
        /// Write nothing; fail when the page is out of date
        #[arg(long)]
        check: bool,
    },
    /// Send random commands to Larder's engine and to a real Valkey, and compare what both answer
    Diff(diff::Options),
    /// Play fleets of nodes under faults, a seed each, and look for what can't be
    Sim(fleet::Options),
    /// Kill a server at any moment, again and again, and look at what comes back
    Crash(crash::Options),
    /// Look for unfinished work, long files and stray unsafe
    Tidy,
    /// Run any command in the environment that tests get
    Exec {
        /// The command and its arguments, after `--`
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
}

#[derive(Subcommand)]
enum Bench {
    /// CPU, throughput, latency and memory beside Redis, Valkey, Memcached and a server that does
    /// nothing
    Compare(bench::Options),
    /// CPU and memory of each data type beside Valkey
    Types(bench::types::Options),
    /// Miss ratios of the eviction policy and the classics over request traces
    Hitratio(hitratio::Options),
    /// The engine as a library beside other caches: requests a second, hit ratios, bytes an entry
    Library(library::Options),
    /// How long single commands take among millions of keys, and what stalls a node
    Stalls {
        /// How many keys there are
        #[arg(long, default_value_t = 10_000_000)]
        keys: u32,
        /// Only these parts: plain, ttl, eviction, large
        part: Vec<String>,
    },
}

fn main() -> ExitCode {
    match proc::watch_signals().and_then(|()| run(Cli::parse().command)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(_) if proc::interrupted() => {
            eprintln!("interrupted");
            ExitCode::from(130)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Gives whether all went well; an error is said by the caller.
fn run(command: Command) -> Result<bool> {
    let job = &mut Job::on_terminal();
    match command {
        Command::Setup { check: true, group } => setup::check(&group)?,
        Command::Setup { check: false, group } => {
            setup::ensure(&group)?;
            println!("all is there");
        }
        Command::Run { args } => serve::run(&args)?,
        Command::Test { list: true, .. } => test::list(),
        Command::Test { only, skip, .. } => return test::run(&test::Choice { only, skip }),
        Command::Web { dev } => wasm::PAGE.build(job, dev)?,
        Command::Worker { dev } => wasm::WORKER.build(job, dev)?,
        Command::Size => {
            wasm::PAGE.build(job, false)?;
            wasm::WORKER.build(job, false)?;
            size::check(job)?;
        }
        Command::Fuzz { target, seconds } => fuzz::run(job, target.as_deref(), seconds)?,
        Command::Bench(Bench::Compare(options)) => bench::compare(&options)?,
        Command::Bench(Bench::Types(options)) => bench::types::run(&options)?,
        Command::Bench(Bench::Hitratio(options)) => hitratio::run(&options)?,
        Command::Bench(Bench::Library(options)) => library::run(&options)?,
        Command::Bench(Bench::Stalls { keys, part }) => bench::stalls(keys, &part)?,
        Command::Crash(options) => crash::run(job, &options)?,
        Command::NullServer { address } => null_server::run(address)?,
        Command::Compat { check } => compat::run(job, check)?,
        Command::Diff(options) => diff::run(job, &options)?,
        Command::Sim(options) => fleet::run(job, &options)?,
        Command::Tidy => tidy::check(job)?,
        Command::Exec { command } => sh::become_command(&command)?,
    }
    Ok(true)
}
