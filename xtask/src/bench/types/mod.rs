//! `cargo xtask bench types`: user time and memory of each data type, beside Valkey.
//!
//! Each case is filled into a fresh server, weighed, and asked the same number of requests drawn with
//! the same seed, so that both servers come to hold the same. User time is what the servers differ
//! in: the kernel's part, which is the same work for both, is told apart.

mod cases;
mod measure;
mod page;

use anyhow::{Result, bail};

use super::peers::{self, Peer};
use super::{load_average, section};
use crate::job::Job;
use crate::tools::Group;
use crate::{serve, setup};
use cases::{CASES, Case};
use measure::{Figures, Size};

/// What to measure.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many small hashes there are, and how many members, elements or entries of what is large
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1000..=100_000_000))]
    keys: u32,
    /// How many requests each measurement of speed takes
    #[arg(long, default_value_t = 2_000_000, value_parser = clap::value_parser!(u32).range(1000..))]
    requests: u32,
    /// How often all of it is measured; the best counts
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// All of it so much smaller: 0.1 is a tenth of the keys and of the requests
    #[arg(long, default_value_t = 1.0)]
    scale: f64,
    /// Only cases whose names contain this, such as "list"
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Write the tables to docs/performance.md
    #[arg(long)]
    write: bool,
}

/// What one case came to.
struct Row {
    case: &'static Case,
    valkey: Figures,
    larder: Figures,
}

/// All that was measured.
struct Results {
    size: Size,
    rows: Vec<Row>,
    valkey: String,
    /// Processes that wanted a core on average, before and after.
    busy: (String, String),
}

/// Measures and prints the tables.
pub(crate) fn run(options: &Options) -> Result<()> {
    if !(options.scale > 0.0 && options.scale <= 1.0) {
        bail!("--scale {}: above 0 and at most 1", options.scale);
    }
    if options.write && !options.only.is_empty() {
        bail!("--write takes all cases");
    }
    let wanted = |case: &&Case| {
        options.only.is_empty() || options.only.iter().any(|part| case.name.contains(part))
    };
    let cases: Vec<&'static Case> = CASES.iter().filter(wanted).collect();
    if cases.is_empty() {
        let names: Vec<&str> = CASES.iter().map(|case| case.name).collect();
        bail!("--only {}: there are {}", options.only.join(","), names.join(", "));
    }
    setup::ensure(&[Group::Valkey])?;
    serve::build(&mut Job::on_terminal())?;
    let results = measure(options, &cases)?;
    println!("\n{}", page::tables(&results));
    if options.write {
        let section = page::section(&results)?;
        section::rewrite(|old| section::with(old, &section))?;
    }
    Ok(())
}

fn measure(options: &Options, cases: &[&'static Case]) -> Result<Results> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it shrinks")]
    let scaled = |count: u32| ((f64::from(count) * options.scale) as u32).max(1000);
    let size = Size {
        keys: scaled(options.keys),
        requests: scaled(options.requests),
        rounds: options.rounds,
    };
    let (valkey, larder) = (peers::valkey()?, peers::larder());
    let before = load_average();
    let mut rows: Vec<Row> = Vec::new();
    for round in 1..=size.rounds {
        for (at, &case) in cases.iter().enumerate() {
            let row = Row {
                case,
                valkey: one(&valkey, case, &size)?,
                larder: one(&larder, case, &size)?,
            };
            println!("round {round} of {}: {}", size.rounds, case.name);
            print!("{}", page::lines(&row));
            match rows.get_mut(at) {
                Some(known) => {
                    known.valkey = row.valkey.best(&known.valkey);
                    known.larder = row.larder.best(&known.larder);
                }
                None => rows.push(row),
            }
        }
    }
    Ok(Results { size, rows, valkey: valkey.version(), busy: (before, load_average()) })
}

fn one(peer: &Peer, case: &Case, size: &Size) -> Result<Figures> {
    use anyhow::Context;
    measure::one(peer, case, size).with_context(|| format!("{}, {}", peer.name, case.name))
}
