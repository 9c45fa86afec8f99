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

/// What a byte does to the sum, with so many others behind it (Kounavis and Berry, "A Systematic
/// Approach to Building High Performance, Software-based, CRC Generators", ISCC 2005).
static CRC16: [[u16; 256]; 4] = {
    let mut tables = [[0u16; 256]; 4];
    let mut i = 0;
    while i < 256 {
        let mut crc = (i as u16) << 8;
        let mut bit = 0;
        while bit < 32 {
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
    let (fours, rest) = bytes.as_chunks::<4>();
    let crc = fours.iter().fold(0u16, |crc, four| {
        let [high, low] = crc.to_be_bytes();
        CRC16[3][usize::from(four[0] ^ high)]
            ^ CRC16[2][usize::from(four[1] ^ low)]
            ^ CRC16[1][usize::from(four[2])]
            ^ CRC16[0][usize::from(four[3])]
    });
    rest.iter().fold(crc, |crc, &b| (crc << 8) ^ CRC16[0][usize::from((crc >> 8) as u8 ^ b)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_follow_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
        assert_eq!(slot_of(b"foo"), 12182);
        assert_eq!(slot_of(b"{user1000}.following"), slot_of(b"{user1000}.followers"));
        assert_eq!(hash_tag(b"foo{}{bar}"), b"foo{}{bar}");
        assert_eq!(hash_tag(b"foo{{bar}}zap"), b"{bar");
        assert_eq!(hash_tag(b"foo{bar}{zap}"), b"bar");
    }
}
