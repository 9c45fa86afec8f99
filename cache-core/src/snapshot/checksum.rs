//! The checksum of files and payloads: a CRC of 64 bits with Jones's polynomial, as the catalogue of
//! parametrised CRCs has it under CRC-64/REDIS.

use core::fmt;
use crc::{CRC_64_REDIS, Crc, Digest, Table};

/// The page is to be small, servers are to be fast.
#[cfg(target_arch = "wasm32")]
type Tables = Table<1>;
#[cfg(not(target_arch = "wasm32"))]
type Tables = Table<16>;

static CRC: Crc<u64, Tables> = Crc::<u64, Tables>::new(&CRC_64_REDIS);

/// A checksum of bytes that come by and by.
#[derive(Clone)]
pub(super) struct Checksum(Digest<'static, u64, Tables>);

impl Default for Checksum {
    fn default() -> Self {
        Checksum(CRC.digest())
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.value())
    }
}

impl Checksum {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(super) fn value(&self) -> u64 {
        self.0.clone().finalize()
    }
}
