//! Sets as sorted vectors, for what is short or has no more items than there are connections.
//!
//! An insert moves what follows it: a set that one client can make long is an
//! [`Indexed`](crate::keyspace::indexed::Indexed). A `BTreeSet` would do for both, but every type
//! that one is made for adds 5 to 8 KB to the page's wasm.

use alloc::vec::Vec;

/// Adds an item and says whether it is new.
pub(crate) fn insert<T: Ord>(set: &mut Vec<T>, item: T) -> bool {
    let place = set.binary_search(&item);
    if let Err(at) = place {
        set.insert(at, item);
    }
    place.is_err()
}

/// Removes an item and says whether it was there.
pub(crate) fn remove<T: Ord>(set: &mut Vec<T>, item: &T) -> bool {
    let place = set.binary_search(item);
    if let Ok(at) = place {
        set.remove(at);
    }
    place.is_ok()
}
