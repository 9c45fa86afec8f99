//! What a cache is to be like.

use super::{Cache, Stats};
use crate::config::{Config, Policy};
use crate::hash::HashSeed;
use crate::keyspace::{Evictor, Keyspace};
use crate::random::Random;

/// Limit, policy and seed of a [`Cache`] that is to be.
#[derive(Clone, Copy, Debug)]
pub struct Builder {
    max_bytes: u64,
    policy: Policy,
    seed: u64,
}

impl Default for Builder {
    fn default() -> Self {
        Builder { max_bytes: u64::MAX, policy: Policy::AllkeysAdaptive, seed: 0 }
    }
}

impl Builder {
    /// Bytes that entries may take, with what it takes to find them and what the policy remembers.
    /// Unsaid, there is no limit.
    #[must_use]
    pub fn max_bytes(self, max_bytes: u64) -> Self {
        Builder { max_bytes, ..self }
    }

    /// Which entries make room. Unsaid, it is [`Policy::AllkeysAdaptive`].
    #[must_use]
    pub fn policy(self, policy: Policy) -> Self {
        Builder { policy, ..self }
    }

    /// What hashing and chance come from; the same seed gives the same evictions. Unsaid, it is 0.
    ///
    /// Where strangers choose the keys, give a random one that they don't know: then they can't make
    /// keys that collide.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Builder { seed, ..self }
    }

    /// The cache, empty.
    pub fn build(self) -> Cache {
        let mut random = Random::new(self.seed);
        let hash_seed = HashSeed::new(random.next_u64(), random.next_u64());
        Cache {
            keyspace: Keyspace::new(1, hash_seed),
            evictor: Evictor::default(),
            config: Config::with_policy(self.policy, self.max_bytes),
            max_bytes: self.max_bytes,
            random,
            stats: Stats::default(),
        }
    }
}
