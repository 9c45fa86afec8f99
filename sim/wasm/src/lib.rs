//! The simulated fleet in WebAssembly. Nobody downloads it: `web/tests/fleet.test.mjs` compares what it
//! plays with what the same seed gives natively.

use larder_sim::fleet;
use wasm_bindgen::prelude::*;

/// Plays a seed and gives all that happened, a line each, and what came of it: what
/// `cargo xtask sim --seed SEED --trace` prints.
#[wasm_bindgen]
pub fn trace(seed: u64) -> String {
    let mut text = String::new();
    let mut tell = |line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    let report = fleet::play(seed, fleet::Plant::None, Some(&mut tell));
    format!("{text}{report}\n")
}
