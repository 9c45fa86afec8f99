//! The types of values. Each family of values is a file here.

mod hash;

pub(crate) use hash::Hash;

use alloc::vec::Vec;

/// A key's value.
#[derive(Clone, Debug)]
pub(crate) enum Data {
    String(Vec<u8>),
    Hash(Hash),
}

impl Data {
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Data::String(_) => "string",
            Data::Hash(_) => "hash",
        }
    }

    /// Bytes accounted for it: the same on every platform, allocator slack left out.
    pub(crate) fn size(&self) -> u64 {
        match self {
            Data::String(bytes) => bytes.len() as u64,
            Data::Hash(hash) => hash.size(),
        }
    }

    /// Appends what tells this value from every other one.
    pub(crate) fn digest_into(&self, out: &mut Vec<u8>) {
        match self {
            Data::String(bytes) => {
                out.push(b's');
                out.extend_from_slice(bytes);
            }
            Data::Hash(hash) => {
                out.push(b'h');
                out.extend_from_slice(&hash.digest().to_le_bytes());
            }
        }
    }
}
