//! Chance: a stream of numbers for each purpose, all from the run's one seed.
//!
//! Purposes are kept apart so that, say, another TTL does not change which products are asked for:
//! two runs under one seed can be compared. SplitMix64: Steele, Lea, Flood, "Fast Splittable
//! Pseudorandom Number Generators", OOPSLA 2014.

/// What a stream is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// When requests come, and for what.
    Traffic,
    /// Links' jitter and splits.
    Links,
    /// The database's service times.
    Database,
    /// The cache node's own seed.
    Node,
    /// Which products are popular.
    Popularity,
    /// What a fleet is made of and what it is to go through.
    Plan,
    /// Which faults befall a fleet, and when.
    Faults,
    /// What a loss of power leaves on disks, and how long they take.
    Disks,
    /// What a fleet's clients do.
    Clients,
}

#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64, purpose: Purpose) -> Self {
        let mut random = Random(seed ^ (purpose as u64 + 1).wrapping_mul(0xd6e8_feb8_6659_fd93));
        // Neighbouring seeds part ways at once.
        random.0 = random.next_u64();
        random
    }

    pub(crate) fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below `bound`; 0 when `bound` is 0. The bias is at most `bound / 2^64`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// Whether something happens that happens `permille` times in a thousand.
    pub(crate) fn chance(&mut self, permille: u32) -> bool {
        self.below(1000) < u64::from(permille)
    }

    /// A float in (0, 1]: its 53 bits are exact, so it is the same everywhere.
    pub(crate) fn unit(&mut self) -> f64 {
        ((self.next_u64() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }
}

/// Scatters a number's bits.
pub(crate) fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
