//! Plays fleets of nodes under faults, a seed each, and tells what can't be.
//!
//! `cargo run -p larder-sim --example fleet -- --seeds 100 --from 1`, or `--seed 7 --trace` for one.

use larder_sim::fleet::{Plant, Report, play};
use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

struct Options {
    from: u64,
    seeds: u64,
    trace: bool,
    quiet: bool,
    /// No other seed is begun after so many seconds.
    seconds: u64,
    plant: Plant,
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        from: 1,
        seeds: 20,
        trace: false,
        quiet: false,
        seconds: u64::MAX,
        plant: Plant::None,
    };
    let mut args = std::env::args().skip(1);
    while let Some(name) = args.next() {
        match name.as_str() {
            "--trace" => options.trace = true,
            "--quiet" => options.quiet = true,
            _ => {
                let value = args.next().ok_or(format!("{name} needs a value"))?;
                let number = || value.parse::<u64>().map_err(|e| format!("{name} {value}: {e}"));
                match name.as_str() {
                    "--seeds" => options.seeds = number()?,
                    "--from" => options.from = number()?,
                    "--seed" => (options.from, options.seeds) = (number()?, 1),
                    "--seconds" => options.seconds = number()?,
                    "--plant" => {
                        options.plant = Plant::named(&value).ok_or_else(|| {
                            let names = Plant::ALL.map(|(name, _)| name).join(", ");
                            format!("--plant {value}: one of {names}")
                        })?;
                    }
                    _ => return Err(format!("there is no option {name}")),
                }
            }
        }
    }
    Ok(options)
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let began = Instant::now();
    let (mut reports, mut wrong) = (Vec::new(), Vec::new());
    for seed in options.from..options.from.saturating_add(options.seeds) {
        if began.elapsed() >= Duration::from_secs(options.seconds) {
            break;
        }
        let report = one(seed, &options);
        if !options.quiet || report.wrong.is_some() {
            println!("{report}");
        }
        if report.wrong.is_some() {
            wrong.push(seed);
        }
        reports.push(report);
    }
    sum_up(&reports, began.elapsed());
    for seed in &wrong {
        println!("to see it again: cargo xtask sim --seed {seed} --trace");
    }
    if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn one(seed: u64, options: &Options) -> Report {
    if !options.trace {
        return play(seed, options.plant, None);
    }
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    play(
        seed,
        options.plant,
        Some(&mut |line: &str| {
            // Who reads no more has seen enough.
            let _ = writeln!(out, "{line}");
        }),
    )
}

fn sum_up(reports: &[Report], took: Duration) {
    let sum = |get: fn(&Report) -> u64| reports.iter().map(get).sum::<u64>();
    let (steps, simulated_us) = (sum(|r| r.steps), sum(|r| r.simulated_us));
    let secs = took.as_secs_f64();
    println!(
        "{} seeds, {} s simulated, {steps} steps, {} commands, {} judged, in {secs:.1} s: \
         {:.0} times as fast as time, {:.0} steps a second",
        reports.len(),
        simulated_us / 1_000_000,
        sum(|r| r.commands),
        sum(|r| r.judged),
        simulated_us as f64 / 1e6 / secs,
        steps as f64 / secs,
    );
    let kinds = reports.first().map_or(0, |report| report.faults.len());
    let faults: Vec<String> = (0..kinds)
        .map(|at| {
            let count: u64 = reports.iter().map(|report| report.faults[at].1).sum();
            format!("{} {count}", reports[0].faults[at].0)
        })
        .collect();
    println!("faults: {}", faults.join(", "));
    let failed = reports.iter().filter(|report| report.wrong.is_some()).count();
    println!("{} passed, {failed} failed", reports.len() - failed);
}
