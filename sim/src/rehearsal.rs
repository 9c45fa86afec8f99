//! One run that goes through everything, to be compared between platforms: natively by
//! `cargo run -p larder-sim --example rehearsal`, in WebAssembly by whoever hosts the simulation
//! there. The same seed must give the same lines.
//!
//! What must never be here: anything that a platform could have an opinion about.

use crate::database::Row;
use crate::input::Input;
use crate::scenario::{Pattern, Scenario, Traffic};
use crate::sim::{Advance, Sim};

/// The length of each act, in microseconds.
const ACT_US: u64 = 400_000;
/// Steps between two looks at the clock.
const BUDGET: u32 = 10_000;

/// Plays it. The run that is left can be asked for anything, its digest first.
pub fn rehearse(seed: u64) -> Sim {
    let mut scenario = Scenario { apps: 3, ttl_s: 1, ..Scenario::default() };
    scenario.cache.max_memory = 3_000;
    scenario.cache_link.split_permille = 200;
    let mut sim = Sim::new(scenario, seed);
    for input in acts() {
        // All of it is within bounds; what was refused would show in the digest.
        let _ = sim.input(input);
        let until_us = sim.now_us() + ACT_US;
        while sim.advance_to(until_us, BUDGET) == Advance::BudgetSpent {}
    }
    sim
}

fn acts() -> Vec<Input> {
    let console = |line: &str| Input::CacheCommand(line.split(' ').map(Vec::from).collect());
    let row = Row { id: 99, name: String::from("Crème, 'fraîche'"), price_cents: -3, stock: 0 };
    let traffic =
        Traffic { running: true, rate_per_s: 1500, write_permille: 150, skew_milli: 1100 };
    vec![
        Input::ReadOnce { app: Some(2), product: 4 },
        Input::SetTraffic(traffic),
        Input::SetPattern(Pattern::WriteThrough),
        Input::RowPut(row),
        Input::SetPattern(Pattern::LazyWithInvalidation),
        console("SCAN 0 COUNT 100"),
        console("HELLO 3"),
        console("SUBSCRIBE news"),
        Input::SetTtl(0),
        console("PUBLISH news 1"),
        Input::RestartCache,
        Input::SetPattern(Pattern::LazyLoading),
        Input::WriteOnce { app: None, product: 4, price_cents: 1 },
        console("FLUSHALL"),
        Input::SetPattern(Pattern::NoCache),
        Input::RowDelete(99),
        Input::SetTraffic(Traffic { running: false, ..traffic }),
    ]
}

/// What there is to compare: the digests of trace, data and figures, a line each.
pub fn summary(sim: &Sim) -> String {
    let counters = sim.counters();
    format!(
        "seed {}\ntrace {:016x}\nevents {}\nsteps {}\ndata {:032x}\nfigures {counters:?}\n",
        sim.seed(),
        sim.trace_digest(),
        sim.recorded_events(),
        sim.steps(),
        sim.node().digest(),
    )
}
