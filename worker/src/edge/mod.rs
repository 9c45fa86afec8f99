//! The glue to the Workers runtime: everything that only exists on wasm32.
//!
//! What must never be here: a decision that could be made, and tested, in plain Rust.

mod door;
mod object;
mod runtime;
mod sql;

use worker::Env;

/// The Durable Object namespace's binding.
const NAMESPACE: &str = "LARDER";

/// A variable or a secret; `None` when it is absent or empty.
fn setting(env: &Env, name: &str) -> Option<String> {
    env.var(name).ok().map(|value| value.to_string()).filter(|value| !value.is_empty())
}
