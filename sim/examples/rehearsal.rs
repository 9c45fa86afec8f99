//! Prints the digests of the rehearsal, to be compared with those of another platform.
//!
//! `cargo run -p larder-sim --example rehearsal -- SEED`

use larder_sim::rehearsal;
use std::process::ExitCode;

fn main() -> ExitCode {
    let seed = std::env::args().nth(1).unwrap_or_else(|| String::from("1"));
    let Ok(seed) = seed.parse() else {
        eprintln!("the seed is a whole number, not {seed}");
        return ExitCode::FAILURE;
    };
    print!("{}", rehearsal::summary(&rehearsal::rehearse(seed)));
    ExitCode::SUCCESS
}
