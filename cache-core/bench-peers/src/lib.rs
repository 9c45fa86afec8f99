//! Larder's engine as a library beside quick_cache, moka, mini-moka and a plain hashbrown map: the
//! same requests to each, from one thread.
//!
//! A request is lazy loading: it asks for a key, and puts it in where it is missing. Keys have 16
//! bytes, values 64. Each cache may hold a tenth of a trace's keys; the map holds all. The others
//! come twice: with keys and values of any length, as Larder's are, and with arrays, where the
//! compiler knows the lengths and nothing lies apart from its entry.
//!
//! `benches/requests.rs` measures how fast that goes; the binary hit ratios and memory, and prints
//! the table. `cargo xtask bench library` runs both.

mod caches;
mod trace;

pub use caches::{CACHES, Cache, Kind};
pub use trace::{Trace, read_all};
