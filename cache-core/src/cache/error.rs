//! Why an entry was not stored.

use core::fmt;

/// Why an entry was not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// Key and value together are longer than the whole cache, or than 512 MB.
    TooLarge {
        /// Bytes of the key and the value.
        bytes: u64,
        /// Bytes that they may have.
        limit: u64,
    },
    /// The policy lets no entry go: it is `NoEviction`, or one for entries with a TTL, and there is
    /// none.
    OutOfMemory {
        /// Bytes that the entries take.
        used: u64,
        /// Bytes that they may take.
        limit: u64,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::TooLarge { bytes, limit } => {
                write!(f, "key and value have {bytes} bytes, and may have {limit}")
            }
            Error::OutOfMemory { used, limit } => write!(
                f,
                "{used} of {limit} bytes are in use, and the policy lets no entry make room"
            ),
        }
    }
}

impl core::error::Error for Error {}
