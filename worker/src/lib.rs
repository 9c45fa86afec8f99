//! Larder at the edge: a Cloudflare Worker with the engine inside a Durable Object.
//!
//! A request goes through two places. The *door*, a Worker without state, checks the token, reads
//! the Upstash REST protocol ([`rest`]) and turns it into RESP. The *object* holds the node and its
//! stored log ([`shard`]): RESP in, RESP out, every write stored before it is answered. So the one
//! thread that owns the keys spends no time on JSON, and whoever has no token never wakes it.
//!
//! All of that is plain Rust and is tested natively; `edge` is the thin glue to the Workers runtime
//! and exists only on wasm32. What must never be here: a command's semantics.

pub mod auth;
#[cfg(target_arch = "wasm32")]
mod edge;
pub mod rest;
pub mod shard;
