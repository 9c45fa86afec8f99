//! The Larder engine: a Redis-compatible cache as a pure state machine.
//!
//! `cache-core` does no I/O, reads no clock, spawns nothing and holds no global. Bytes, time and
//! randomness come in as arguments; bytes and wishes come out by polling. The same code therefore
//! runs in the native server, in a browser tab, in a Cloudflare Worker and under the simulation.
//!
//! Start at [`Node`]: its documentation gives the order in which a host calls it. For a cache in a
//! program's own memory, without protocol and connections, start at [`Cache`].
//!
//! What must never be here: a socket, a file, a thread, a clock, `std`, and anything whose outcome
//! depends on the width of a pointer or on the order of a hash table.

#![no_std]

extern crate alloc;

pub mod cache;
pub mod commands;
pub mod config;
mod float;
mod glob;
mod hash;
pub mod keyspace;
pub mod node;
mod numbers;
pub mod observer;
pub mod protocol;
mod random;
mod snapshot;
mod sorted;
pub mod time;
mod types;

pub use cache::Cache;
pub use config::Config;
pub use node::{Budget, ConnId, Node, Peer};
pub use observer::{Event, Observer};
pub use snapshot::{LoadError, LoadOptions, Loaded, Saved, Snapshot};
pub use time::Now;
