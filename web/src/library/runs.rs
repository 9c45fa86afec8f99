//! Runs of the simulation that can be compared with the same runs natively.

use larder_sim::{Advance, Input, Scenario, Sim, Traffic, rehearsal};
use wasm_bindgen::prelude::*;

/// The longest run, in milliseconds.
const MAX_MS: f64 = 3_600_000.0;
/// Steps between two looks at the clock.
const BUDGET: u32 = 10_000;

/// Plays the small shop with automatic traffic for `ms` simulated milliseconds and gives the
/// digest of everything that happened, 16 hex digits. Equal for equal seeds, here and natively.
#[wasm_bindgen]
pub fn simulate(seed: u64, ms: f64) -> String {
    let mut sim = Sim::new(Scenario::default(), seed);
    // An input within all bounds is never refused.
    let _ = sim.input(Input::SetTraffic(Traffic { running: true, ..Traffic::default() }));
    let until_us = (ms.clamp(0.0, MAX_MS) * 1000.0) as u64;
    while sim.advance_to(until_us, BUDGET) == Advance::BudgetSpent {
        let _ = sim.drain_events();
    }
    format!("{:016x}", sim.trace_digest())
}

/// Plays one run that goes through everything, and gives its digests as lines of text: the same
/// that `cargo run -p larder-sim --example rehearsal -- SEED` prints.
#[wasm_bindgen]
pub fn rehearse(seed: u64) -> String {
    rehearsal::summary(&rehearsal::rehearse(seed))
}
