//! How entries lie in memory: packed, in arenas, shared between clones until they are written.
//!
//! `trie` leads from a key's path to a `leaf`, which knows for each of its keys a tag, a handle and
//! access bits; the handle leads to a `record` in `slabs`, in which key, expiry and value are one run
//! of bytes. What is too long for a slab lies alone; a value in its large form is an object, and its
//! record holds the object's number. What must never be here: a policy, a command, a clock.
//!
//! Sizes are counted in bytes of these arenas, the same on every platform.

mod dir;
mod leaf;
mod leaves;
mod pages;
mod prefetch;
mod probe;
mod record;
mod shared;
mod sizes;
mod slabs;
mod store;
mod table;
mod trie;

pub(crate) use probe::{Found, Probe};
pub(crate) use record::{Kind, Record};
pub(crate) use shared::Shared;
pub(crate) use store::{Content, DueParts, Place, Removed, Step, Store, Walk};
