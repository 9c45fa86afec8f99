//! Hashing: the keyed hash behind every table, and the cluster slot of a key.
//!
//! Both give the same result on every platform.

use siphasher::sip::SipHasher13;

/// How many slots a keyspace is cut into (Redis Cluster specification).
pub(crate) const SLOTS: u16 = 16384;

/// A seeded hash of bytes: SipHash-1-3, so that keys can't be crafted to collide without the seed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HashSeed(u64, u64);

impl HashSeed {
    pub(crate) const fn new(k0: u64, k1: u64) -> Self {
        HashSeed(k0, k1)
    }

    #[inline]
    pub(crate) fn hash(self, bytes: &[u8]) -> u64 {
        SipHasher13::new_with_keys(self.0, self.1).hash(bytes)
    }
}

/// The cluster slot of a key: CRC16 (XMODEM) of the key or, where it has one, of its hash tag,
/// modulo 16384.
///
/// Source: Redis Cluster specification, "Key distribution model" and "Hash tags".
#[inline]
pub(crate) fn slot_of(key: &[u8]) -> u16 {
    crc16(hash_tag(key)) & (SLOTS - 1)
}

/// The part between the first `{` and the first `}` after it, when that part is not empty.
fn hash_tag(key: &[u8]) -> &[u8] {
    if !has_brace(key) {
        return key;
    }
    let Some(open) = key.iter().position(|&b| b == b'{') else { return key };
    let tail = &key[open + 1..];
    match tail.iter().position(|&b| b == b'}') {
        Some(len) if len > 0 => &tail[..len],
        _ => key,
    }
}

/// Whether there is a `{`, eight bytes at a time.
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
fn has_brace(key: &[u8]) -> bool {
    let (eights, rest) = key.as_chunks::<8>();
    eights.iter().any(|eight| {
        let differs = u64::from_le_bytes(*eight) ^ u64::from_le_bytes([b'{'; 8]);
        // A byte that is 0 borrows; another one may be taken for it, but none is missed
        // (Lamport, "Multiple byte processing with full-word instructions", CACM 1975).
        differs.wrapping_sub(0x0101_0101_0101_0101) & !differs & 0x8080_8080_8080_8080 != 0
    }) || rest.contains(&b'{')
}

/// Bytes that are summed at once.
const SLICE: usize = 8;

/// What a byte does to the sum, with so many others behind it (Kounavis and Berry, "A Systematic
/// Approach to Building High Performance, Software-based, CRC Generators", ISCC 2005).
static CRC16: [[u16; 256]; SLICE] = {
    let mut tables = [[0u16; 256]; SLICE];
    let mut i = 0;
    while i < 256 {
        let mut crc = (i as u16) << 8;
        let mut bit = 0;
        while bit < 8 * SLICE {
            crc = if crc & 0x8000 != 0 { (crc << 1) ^ 0x1021 } else { crc << 1 };
            bit += 1;
            if bit % 8 == 0 {
                tables[bit / 8 - 1][i] = crc;
            }
        }
        i += 1;
    }
    tables
};

fn crc16(bytes: &[u8]) -> u16 {
    let (slices, rest) = bytes.as_chunks::<SLICE>();
    let crc = slices.iter().fold(0, crc_on);
    let (halves, rest) = rest.as_chunks::<{ SLICE / 2 }>();
    let crc = halves.iter().fold(crc, crc_on);
    rest.iter().fold(crc, |crc, &b| (crc << 8) ^ CRC16[0][usize::from((crc >> 8) as u8 ^ b)])
}

/// The sum with some bytes more.
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
fn crc_on<const N: usize>(crc: u16, bytes: &[u8; N]) -> u16 {
    let start = crc.to_be_bytes();
    (0..N).fold(0, |sum, i| {
        let byte = bytes[i] ^ start.get(i).copied().unwrap_or(0);
        sum ^ CRC16[N - 1 - i][usize::from(byte)]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_follow_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
        // However it is cut.
        let by_bit = |bytes: &[u8]| {
            let bits = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
            bits.fold(0u16, |crc, bit| {
                let carries = (crc >> 15) ^ u16::from(bit) == 1;
                crc << 1 ^ if carries { 0x1021 } else { 0 }
            })
        };
        let bytes: alloc::vec::Vec<u8> = (0..40u8).map(|i| i.wrapping_mul(37) + 5).collect();
        for end in 0..bytes.len() {
            assert_eq!(crc16(&bytes[..end]), by_bit(&bytes[..end]), "{end}");
        }
        assert_eq!(slot_of(b"foo"), 12182);
        assert_eq!(slot_of(b"{user1000}.following"), slot_of(b"{user1000}.followers"));
        assert_eq!(hash_tag(b"foo{}{bar}"), b"foo{}{bar}");
        assert_eq!(hash_tag(b"foo{{bar}}zap"), b"{bar");
        assert_eq!(hash_tag(b"foo{bar}{zap}"), b"bar");
    }
}
