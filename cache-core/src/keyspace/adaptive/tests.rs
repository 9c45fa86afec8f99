use super::*;
use crate::random::Random;
use alloc::vec::Vec;

/// A cache of one segment.
#[derive(Clone)]
struct Cache {
    policy: Adaptive,
    entries: Vec<(u64, Meta)>,
    size: usize,
}

impl Cache {
    fn new(size: usize) -> Self {
        Cache { policy: Adaptive::new(), entries: Vec::new(), size }
    }

    fn request(&mut self, key: u64) -> bool {
        let hash = Random::new(key).next_u64();
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.0 == key) {
            entry.1 = self.policy.hit(hash, entry.1);
            return true;
        }
        if self.entries.len() == self.size {
            let mut search = self.policy.search(0);
            let candidates = || self.entries.iter().map(|entry| of(entry.1)).enumerate();
            while !self.policy.look(&mut search, candidates()) {}
            let (gone, meta) = self.entries.swap_remove(search.victim().expect("some"));
            self.policy.evicted(Random::new(gone).next_u64(), meta, self.size as u64);
        }
        self.entries.push((key, self.policy.fresh(hash, self.entries.len() as u64 + 1)));
        false
    }

    fn hits(&mut self, keys: impl Iterator<Item = u64>) -> usize {
        keys.filter(|key| self.request(*key)).count()
    }
}

fn of(meta: Meta) -> Candidate {
    Candidate { meta, size: 1, expires: None }
}

#[test]
fn keeps_part_of_a_loop() {
    let hits = Cache::new(60).hits((0..20_000).map(|at| at % 100));
    // Belady's policy hits 0.6 of it, LRU none.
    assert!(hits > 10_000, "{hits}");
}

#[test]
fn a_scan_does_not_wash_out_what_is_used() {
    let keys = |at: u64| if at.is_multiple_of(2) { at / 2 % 40 } else { 1_000 + at };
    let hits = Cache::new(60).hits((0..20_000).map(keys));
    assert!(hits > 9_000, "{hits}");
}

#[test]
fn a_clone_goes_on_the_same_way_and_alone() {
    let mut random = Random::new(1);
    let mut cache = Cache::new(50);
    cache.hits((0..5_000).map(|_| random.below(200)));
    let (mut one, mut other) = (cache.clone(), cache.clone());
    one.hits(0..3_000);
    let keys: Vec<u64> = (0..3_000).map(|_| random.below(200)).collect();
    let hits = cache.hits(keys.iter().copied());
    assert_eq!(other.hits(keys.iter().copied()), hits);
    assert_eq!(other.entries, cache.entries);
}

#[test]
fn what_is_expired_goes_first_and_then_what_is_large() {
    let mut policy = Adaptive::new();
    let meta = policy.fresh(1, 1);
    let victim = |policy: &mut Adaptive, candidates: [Candidate; 3]| {
        let mut search = policy.search(1_000);
        policy.look(&mut search, candidates.into_iter().enumerate());
        search.victim()
    };
    let large = Candidate { size: 100, ..of(meta) };
    let expired = Candidate { expires: Some(1_000), ..of(meta) };
    assert_eq!(victim(&mut policy, [of(meta), expired, large]), Some(1));
    assert_eq!(victim(&mut policy, [of(meta), of(meta), large]), Some(2));
}

#[test]
fn what_expires_soon_goes_before_what_does_not() {
    let mut policy = Adaptive::new();
    policy.look(&mut policy.clone().search::<()>(0), []);
    let mut search = policy.search::<usize>(1);
    policy.look(&mut search, []);
    let metas: Vec<Meta> = (0..5_000).map(|hash| policy.fresh(hash, 1_000)).collect();
    let meta = metas[4_999];
    let soon = Candidate { expires: Some(1_001_000), ..of(meta) };
    let later = Candidate { expires: Some(9_000_000), ..of(meta) };
    // A thousand seconds for 5 000 insertions; one second is nothing beside a turn.
    let mut search = policy.search(1_000_000);
    policy.look(&mut search, [(0, later), (1, soon)]);
    assert_eq!(search.victim(), Some(1));
}

#[test]
fn any_metadata_and_any_numbers_are_taken() {
    let (mut policy, mut random) = (Adaptive::new(), Random::new(3));
    for _ in 0..50_000 {
        let (hash, meta) = (random.next_u64(), random.next_u64() as u32);
        let entries = random.next_u64() >> random.below(64);
        assert!(policy.hit(hash, meta) < 1 << 24);
        assert!(policy.fresh(hash, entries) < 1 << 24);
        policy.evicted(hash, meta, random.below(5_000));
        let expires = random.below(2).checked_sub(1).map(|_| random.next_u64());
        let size = random.next_u64() as u32;
        let mut search = policy.search(random.next_u64());
        policy.look(&mut search, [((), Candidate { meta, size, expires })]);
        policy.step();
        policy.passes(random.next_u64());
    }
}
