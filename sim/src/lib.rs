//! A deterministic simulation of a deployment: application instances, a cache node and a database
//! under one seed and one clock.
//!
//! The cache node is the real engine, [`cache_core::Node`], spoken to in real RESP bytes over
//! simulated links; what is told of it comes from its own observer. Start at [`Sim`].
//!
//! A run is its [`Scenario`], its seed and its [`Input`]s ([`Recording`]): played again, natively or
//! in WebAssembly, it gives the same events to the byte, which [`Sim::trace_digest`] proves. A
//! [`Sim`] clones, and the clone goes on as the original would.
//!
//! What must never be here: a clock, a thread, a socket, a file, the order of a hash table, a float
//! whose last bit depends on the platform, a number that depends on the width of a pointer; and no
//! drawing.

mod app;
mod cache;
mod checker;
mod client;
pub mod counters;
pub mod database;
pub mod event;
pub mod fleet;
pub mod input;
mod prose;
mod queue;
mod random;
pub mod rehearsal;
mod run;
pub mod scenario;
pub mod shop;
mod sim;
mod trace;
mod traffic;
pub mod view;
mod watch;
mod world;

pub use counters::{Counters, Latencies};
pub use database::{Row, Statement};
pub use event::{Event, EventKind, MessageKind, Operation, Outcome, Place, RequestId};
pub use input::{Input, Recording, Refused, TimedInput};
pub use queue::MAX_PLANNED;
pub use scenario::{Pattern, Scenario, Traffic};
pub use sim::{Advance, MAX_TIME_US, Sim};
pub use trace::MAX_UNDRAINED;
pub use view::{CacheKey, DatabaseLoad};
pub use watch::Watch;
