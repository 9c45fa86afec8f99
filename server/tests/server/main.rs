//! The built `larder`, started as a user starts it and spoken to over sockets.
//!
//! What one command answers is tested in the core; here is what only a host can get wrong:
//! sockets, limits, files, signals, HTTP. What must never be here: a fixed port, a server that
//! outlives its test.

// Helpers are tests too, and clippy's exception knows only functions marked as such.
#![allow(clippy::unwrap_used)]

mod bench;
mod clients;
mod following;
mod harness;
mod hostile;
mod http;
mod rust_client;
mod shutdown;
mod start;
mod survival;
