//! The differential test: one seeded stream of random commands goes to Larder's engine and to a real
//! Valkey, and what both answer is compared to the byte.
//!
//! `cargo xtask diff` starts the server, whose clock is a file that we write, and then this program.
//! A run is divided into episodes, each of which begins with no data and ends with a comparison of
//! all data, and with the engine's effects replayed into an empty node. The commands and their
//! arguments follow the engine's own table ([`table`]), so that a new row is tried at once.
//!
//! What may differ stands in [`normalise`], and what is never tried in [`table`], both with reasons.

mod client;
mod engine;
mod generate;
mod normalise;
mod pools;
mod random;
mod run;
mod script;
mod server;
mod shrink;
mod story;
mod table;

use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Parser;

use crate::generate::Generator;
use crate::run::{Difference, Run};
use crate::server::Server;
use crate::story::Step;
use crate::table::Command;

/// Commands of an episode.
const EPISODE: u64 = 5000;

#[derive(Parser)]
#[command(
    about = "Random commands to Larder's engine and to a real Valkey, their replies compared"
)]
struct Options {
    /// Where the server listens
    #[arg(long)]
    server: SocketAddr,
    /// The file that its clock is read from
    #[arg(long)]
    clock: PathBuf,
    /// How many commands
    #[arg(long, default_value_t = 100_000)]
    commands: u64,
    /// What to begin with
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The dialect
    #[arg(long, default_value = "3", value_parser = ["2", "3"])]
    resp: String,
    /// Only commands of this group, and what goes with each
    #[arg(long)]
    only: Option<String>,
    /// Go on after a difference, and list one of each kind
    #[arg(long)]
    all: bool,
    /// So many seconds at the most to look for the shortest story of a difference
    #[arg(long, default_value_t = 60)]
    shrink: u64,
}

fn main() -> ExitCode {
    match compare(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether both sides said the same throughout.
fn compare(options: &Options) -> Result<bool> {
    let resp = if options.resp == "2" { "2" } else { "3" };
    let commands = table::commands(options.only.as_deref())?;
    let mut server = Server::connect(options.server, options.clock.clone())?;
    let (start, mut said, mut seed) = (Instant::now(), 0, options.seed);
    let mut kinds = BTreeSet::new();
    while said < options.commands {
        let found = episode(&mut server, resp, &commands, seed, options.commands - said)?;
        said += found.said;
        if let Some(difference) = &found.difference
            && options.all
        {
            let kind = format!(
                "{} {} {}",
                difference.kind(),
                class(&difference.ours),
                class(&difference.theirs)
            );
            if kinds.insert(kind) {
                println!("\rseed {seed}");
                report(difference);
            }
        } else if let Some(difference) = &found.difference {
            println!("after {said} commands; seed {seed}, RESP{resp}");
            report(difference);
            let limit = Duration::from_secs(options.shrink);
            explain(&mut server, resp, &found.steps, limit)?;
            return Ok(false);
        }
        seed += 1;
        if seed.is_multiple_of(16) && std::io::stdout().is_terminal() {
            print!("\r{said} commands, {} s ", start.elapsed().as_secs());
            std::io::stdout().flush()?;
        }
    }
    if !kinds.is_empty() {
        println!("\r{} kinds of difference", kinds.len());
        return Ok(false);
    }
    let rate = said as f64 / start.elapsed().as_secs_f64();
    println!(
        "\r{said} commands of {} kinds, RESP{resp}, seed {}: no difference; {rate:.0}/s",
        commands.len(),
        options.seed
    );
    Ok(true)
}

struct Episode {
    said: u64,
    difference: Option<Difference>,
    steps: Vec<Step>,
}

fn episode(
    server: &mut Server,
    resp: &'static str,
    commands: &[Command],
    seed: u64,
    most: u64,
) -> Result<Episode> {
    let mut generator = Generator::new(commands, seed);
    let mut run = Run::begin(server, resp)?;
    let mut steps = Vec::new();
    let most = most.min(EPISODE);
    while run.said < most {
        let step = generator.step();
        steps.push(step.clone());
        let (difference, _) = run.step(&step)?;
        if difference.is_some() {
            return Ok(Episode { said: run.said, difference, steps });
        }
    }
    let difference = run.check_state()?;
    Ok(Episode { said: run.said, difference, steps })
}

/// A reply's type, or which error it is.
fn class(shown: &str) -> String {
    let line = shown.lines().next().unwrap_or_default();
    if line.starts_with("(error)") {
        // Without what was sent.
        line.split('\'').next().unwrap_or_default().to_owned()
    } else {
        line.chars().filter(|c| !c.is_alphanumeric()).take(4).collect()
    }
}

fn report(difference: &Difference) {
    let words = difference.command.iter().flatten();
    let words: Vec<String> = words.map(|w| script::word(w)).collect();
    println!("client {} said   {}", difference.client + 1, words.join(" "));
    println!("  Larder  {}", difference.ours.replace('\n', "\n          "));
    println!("  Valkey  {}", difference.theirs.replace('\n', "\n          "));
}

/// Steps that are shown of a story that takes more than one command at a time.
const LAST_STEPS: usize = 3;

/// Prints the shortest story that can be found, as a script.
fn explain(server: &mut Server, resp: &'static str, steps: &[Step], limit: Duration) -> Result<()> {
    let whole = steps;
    let steps = shrink::single(steps);
    println!("looking for a shorter story than {} steps", steps.len());
    // Panics while looking are told once, at the end.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let again = shrink::play(server, resp, &steps)?.0;
    let Some(again) = again else {
        println!(
            "it does not happen again, one command at a time; the last of what was said at once:"
        );
        for step in whole.iter().rev().take(LAST_STEPS).rev() {
            println!("{step:?}");
        }
        return Ok(());
    };
    let steps = shrink::shrink(server, resp, steps, &again, limit)?;
    std::panic::set_hook(hook);
    if let Some(difference) = shrink::play(server, resp, &steps)?.0 {
        report(&difference);
    }
    println!("\n{}", script::write(server, resp, &steps)?);
    Ok(())
}
