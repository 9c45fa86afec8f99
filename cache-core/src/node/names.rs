//! What one connection listens to or watches.

use crate::keyspace::indexed::{Indexed, Keyed};
use alloc::boxed::Box;

/// Channels, patterns or watched keys of one connection.
pub(crate) type Names = Indexed<Name>;

#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub(crate) name: Box<[u8]>,
    pub(crate) hash: u64,
    /// It is a key that had expired when it was watched.
    pub(crate) expired: bool,
}

impl Keyed for Name {
    fn key(&self) -> &[u8] {
        &self.name
    }

    fn hash(&self) -> u64 {
        self.hash
    }
}

/// Adds a name and says whether it is new.
pub(super) fn add(names: &mut Names, hash: u64, name: &[u8], expired: bool) -> bool {
    let new = names.get(hash, name).is_none();
    if new {
        names.push(Name { name: name.into(), hash, expired });
    }
    new
}
