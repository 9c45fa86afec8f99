//! Larder in the browser: the playground's page and the JavaScript library.
//!
//! [`library`] is `Cache`, for anyone's JavaScript. [`page`] is the playground, started by the
//! exported function `start`; `scene` is its canvas. Both draw what `larder-sim` reports.
//!
//! What must never be here: a rule of caching. Whether something is a hit, stale or expired is read
//! from the simulation's reports, and a picture that those don't tell isn't drawn.

pub mod library;
pub mod page;
mod scene;
mod text;
