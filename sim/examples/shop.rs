//! Plays the shop and prints what happens, as prose, then the figures and the trace's digest.
//!
//! `cargo run -p larder-sim --example shop -- --seed 7 --ms 5000 --rate 20 --pattern lazy --quiet`

use larder_sim::{Advance, Input, Pattern, Scenario, Sim, Traffic};
use std::process::ExitCode;

/// Steps between two looks at the events.
const BUDGET: u32 = 10_000;

struct Options {
    seed: u64,
    ms: u64,
    rate: u32,
    writes: u32,
    ttl: u32,
    pattern: Pattern,
    quiet: bool,
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        seed: 1,
        ms: 2000,
        rate: 20,
        writes: 50,
        ttl: 10,
        pattern: Pattern::LazyLoading,
        quiet: false,
    };
    let mut args = std::env::args().skip(1);
    while let Some(name) = args.next() {
        if name == "--quiet" {
            options.quiet = true;
            continue;
        }
        let value = args.next().ok_or(format!("{name} needs a value"))?;
        let number = || value.parse::<u64>().map_err(|e| format!("{name} {value}: {e}"));
        let small = || value.parse::<u32>().map_err(|e| format!("{name} {value}: {e}"));
        match name.as_str() {
            "--seed" => options.seed = number()?,
            "--ms" => options.ms = number()?,
            "--rate" => options.rate = small()?,
            "--writes-permille" => options.writes = small()?,
            "--ttl" => options.ttl = small()?,
            "--pattern" => {
                options.pattern = match value.as_str() {
                    "none" => Pattern::NoCache,
                    "lazy" => Pattern::LazyLoading,
                    "invalidate" => Pattern::LazyWithInvalidation,
                    "write-through" => Pattern::WriteThrough,
                    _ => {
                        return Err(format!(
                            "--pattern {value}: none, lazy, invalidate or write-through"
                        ));
                    }
                }
            }
            _ => return Err(format!("there is no option {name}")),
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
    let traffic = Traffic {
        running: true,
        rate_per_s: options.rate,
        write_permille: options.writes,
        ..Traffic::default()
    };
    let (pattern, ttl_s) = (options.pattern, options.ttl);
    let mut sim = Sim::new(Scenario { pattern, ttl_s, ..Scenario::default() }, options.seed);
    if let Err(error) = sim.input(Input::SetTraffic(traffic)) {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    let began = std::time::Instant::now();
    loop {
        let advance = sim.advance_to(options.ms * 1000, BUDGET);
        for event in sim.drain_events() {
            if !options.quiet {
                println!("{event}");
            }
        }
        if advance == Advance::Reached {
            break;
        }
    }
    report(&sim, began.elapsed().as_secs_f64());
    ExitCode::SUCCESS
}

fn report(sim: &Sim, took_s: f64) {
    let simulated_s = sim.now_us() as f64 / 1e6;
    println!("{:#?}\n{:#?}", sim.counters(), sim.latencies());
    println!(
        "{} events, {} steps in {took_s:.3} s: {:.0} events a second, {:.0} times real time",
        sim.recorded_events(),
        sim.steps(),
        sim.recorded_events() as f64 / took_s,
        simulated_s / took_s,
    );
    println!("seed {}, trace {:016x}", sim.seed(), sim.trace_digest());
}
