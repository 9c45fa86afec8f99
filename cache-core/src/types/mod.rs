//! The types of values. Each family of values is a file here.

mod hash;
#[cfg_attr(not(test), expect(dead_code, reason = "large lists, sorted sets and streams come next"))]
mod tree;

pub(crate) use hash::{Hash, HashView};

use crate::hash::HashSeed;
use crate::keyspace::Kind;
use alloc::vec::Vec;

/// A key's value, to change and to move.
#[derive(Clone, Debug)]
pub(crate) enum Data {
    String(Vec<u8>),
    Hash(Hash),
}

/// A key's value, to read where it lies.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    String(&'a [u8]),
    Hash(HashView<'a>),
}

impl Data {
    /// Reads a value from its small form.
    pub(crate) fn from_bytes(kind: Kind, bytes: &[u8], seed: HashSeed) -> Self {
        Value::from_bytes(kind, bytes, seed).to_data()
    }

    /// The value as one run of bytes; `None`: it is in its large form.
    pub(crate) fn as_bytes(&self) -> Option<(Kind, &[u8])> {
        match self {
            Data::String(bytes) => Some((Kind::String, bytes)),
            Data::Hash(hash) => hash.as_bytes().map(|bytes| (Kind::Hash, bytes)),
        }
    }

    pub(crate) fn value(&self) -> Value<'_> {
        match self {
            Data::String(bytes) => Value::String(bytes),
            Data::Hash(hash) => Value::Hash(hash.view()),
        }
    }

    /// Bytes accounted for it: the same on every platform, allocator slack left out.
    pub(crate) fn size(&self) -> u64 {
        match self {
            Data::String(bytes) => bytes.len() as u64,
            Data::Hash(hash) => hash.size(),
        }
    }

    /// Drops some of what is left of a value that nobody uses any more. `false`: nothing is left.
    pub(crate) fn drop_some(&mut self) -> bool {
        match self {
            Data::String(_) => false,
            Data::Hash(hash) => hash.drop_some(),
        }
    }
}

impl<'a> Value<'a> {
    /// A value in its small form.
    pub(crate) fn from_bytes(kind: Kind, bytes: &'a [u8], seed: HashSeed) -> Self {
        match kind {
            Kind::Hash => Value::Hash(HashView::small(bytes, seed)),
            Kind::String | Kind::Object => Value::String(bytes),
        }
    }

    pub(crate) fn to_data(self) -> Data {
        match self {
            Value::String(bytes) => Data::String(bytes.to_vec()),
            Value::Hash(hash) => Data::Hash(hash.to_hash()),
        }
    }

    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Value::String(_) => "string",
            Value::Hash(_) => "hash",
        }
    }

    /// Appends what tells this value from every other one.
    pub(crate) fn digest_into(&self, out: &mut Vec<u8>) {
        match self {
            Value::String(bytes) => {
                out.push(b's');
                out.extend_from_slice(bytes);
            }
            Value::Hash(hash) => {
                out.push(b'h');
                out.extend_from_slice(&hash.digest().to_le_bytes());
            }
        }
    }
}
