//! The caches, each behind the same few calls.

use cache_core::Now;
use cache_core::config::Policy;
use std::borrow::Borrow;
use std::hash::Hash;
use std::hint::black_box;
use std::sync::Arc;

type Key = [u8; 16];
type Value = [u8; 64];

/// Keys and values of any length; what moka hands out is a clone, hence its shared values.
type Boxed = Box<[u8]>;
type Shared = Arc<[u8]>;

/// Requests that come in a second, by the clock that is given to Larder: the others read none, as
/// nothing expires.
const REQUESTS_PER_SECOND: u64 = 10_000;

/// A cache with entries in it.
pub trait Cache {
    /// Asks for keys, each of which is cached then; gives how many were already. `from` is how many
    /// requests came before.
    fn play(&mut self, keys: &[u32], from: u64) -> u64;

    /// How many entries there are, with all work done that has been put off.
    fn settled_len(&mut self) -> usize;
}

/// One that is measured.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// What the table calls it.
    pub name: &'static str,
    /// Whether it evicts at all.
    pub bounded: bool,
    /// Makes one for so many entries.
    pub make: fn(entries: usize) -> Box<dyn Cache>,
}

const fn bounded(name: &'static str, make: fn(usize) -> Box<dyn Cache>) -> Kind {
    Kind { name, bounded: true, make }
}

/// All of them, Larder first.
pub const CACHES: &[Kind] = &[
    bounded("larder", |entries| Larder::boxed(entries, Policy::AllkeysAdaptive)),
    bounded("larder, allkeys-lru", |entries| Larder::boxed(entries, Policy::AllkeysLru)),
    bounded("larder, allkeys-lfu", |entries| Larder::boxed(entries, Policy::AllkeysLfu)),
    bounded("quick_cache", |n| Box::new(quick_cache::unsync::Cache::<Boxed, Boxed>::new(n))),
    bounded("mini-moka", |n| MiniMoka::<Boxed, Boxed>::boxed(n)),
    bounded("moka", |n| Box::new(moka::sync::Cache::<Boxed, Shared>::new(n as u64))),
    Kind {
        name: "hashbrown",
        bounded: false,
        make: |_| Box::new(hashbrown::HashMap::<Boxed, Boxed>::new()),
    },
    bounded("quick_cache, arrays", |n| Box::new(quick_cache::unsync::Cache::<Key, Value>::new(n))),
    bounded("mini-moka, arrays", |n| MiniMoka::<Key, Value>::boxed(n)),
    bounded("moka, arrays", |n| Box::new(moka::sync::Cache::<Key, Value>::new(n as u64))),
    Kind {
        name: "hashbrown, arrays",
        bounded: false,
        make: |_| Box::new(hashbrown::HashMap::<Key, Value>::new()),
    },
];

/// The bytes of a numbered key: numbers that are near each other have nothing in common.
fn key_of(number: u32) -> Key {
    let number = u64::from(number) + 1;
    let high = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (u128::from(high ^ high >> 29) << 64 | u128::from(number)).to_le_bytes()
}

fn value_of(key: &Key) -> Value {
    [key[0]; 64]
}

/// What each of them can do.
trait Simple {
    /// Looks a key up and reads its value; gives whether it is there. `at` counts requests.
    fn hit(&mut self, at: u64, key: &Key) -> bool;

    /// Puts a key in.
    fn put(&mut self, at: u64, key: &Key);

    fn entries(&mut self) -> usize;
}

impl<C: Simple> Cache for C {
    fn play(&mut self, keys: &[u32], from: u64) -> u64 {
        let mut hits = 0;
        for (number, at) in keys.iter().zip(from..) {
            let key = key_of(*number);
            if self.hit(at, &key) {
                hits += 1;
            } else {
                self.put(at, &key);
            }
        }
        hits
    }

    fn settled_len(&mut self) -> usize {
        self.entries()
    }
}

/// Reads of a value what takes it into the processor's cache, and gives whether there is one.
fn is_read(value: Option<impl AsRef<[u8]>>) -> bool {
    value.is_some_and(|value| {
        black_box(value.as_ref()[0]);
        true
    })
}

struct Larder(cache_core::Cache);

impl Larder {
    /// Its limit is what so many entries take in a cache that evicts none of them, and two bytes for
    /// each that the policy will remember.
    fn boxed(entries: usize, policy: Policy) -> Box<dyn Cache> {
        let wide = cache_core::Cache::builder().max_bytes(u64::MAX / 2).policy(policy);
        let mut full = Larder(wide.build());
        (0..entries as u32).for_each(|number| full.put(0, &key_of(number)));
        let limit = full.0.used_bytes() + 2 * entries as u64;
        Box::new(Larder(cache_core::Cache::builder().max_bytes(limit).policy(policy).build()))
    }
}

fn moment(at: u64) -> Now {
    Now::from_millis(at * 1000 / REQUESTS_PER_SECOND)
}

impl Simple for Larder {
    fn hit(&mut self, at: u64, key: &Key) -> bool {
        is_read(self.0.get(moment(at), key))
    }

    fn put(&mut self, at: u64, key: &Key) {
        self.0.set(moment(at), key, value_of(key)).expect("others make room");
    }

    fn entries(&mut self) -> usize {
        self.0.len()
    }
}

/// What the keys of the others must be.
trait Bytes: Borrow<[u8]> + AsMut<[u8]> + Hash + Eq + From<Key> {}
impl<K: Borrow<[u8]> + AsMut<[u8]> + Hash + Eq + From<Key>> Bytes for K {}

/// What those do alike that look a key up by its bytes.
macro_rules! by_bytes {
    () => {
        fn hit(&mut self, _: u64, key: &Key) -> bool {
            is_read(self.get(&key[..]))
        }

        fn put(&mut self, _: u64, key: &Key) {
            self.insert(K::from(*key), V::from(value_of(key)));
        }
    };
}

impl<K: Bytes, V: AsRef<[u8]> + From<Value>> Simple for quick_cache::unsync::Cache<K, V> {
    by_bytes!();

    fn entries(&mut self) -> usize {
        self.len()
    }
}

/// It wants a key of its own type to look one up: a boxed one is used over and over.
struct MiniMoka<K, V> {
    cache: mini_moka::unsync::Cache<K, V>,
    key: K,
}

impl<K: Bytes + 'static, V: AsRef<[u8]> + From<Value> + 'static> MiniMoka<K, V> {
    fn boxed(entries: usize) -> Box<dyn Cache> {
        let cache = mini_moka::unsync::Cache::new(entries as u64);
        Box::new(MiniMoka::<K, V> { cache, key: K::from(Key::default()) })
    }
}

impl<K: Bytes, V: AsRef<[u8]> + From<Value>> Simple for MiniMoka<K, V> {
    fn hit(&mut self, _: u64, key: &Key) -> bool {
        self.key.as_mut().copy_from_slice(key);
        is_read(self.cache.get(&self.key))
    }

    fn put(&mut self, _: u64, key: &Key) {
        self.cache.insert(K::from(*key), V::from(value_of(key)));
    }

    fn entries(&mut self) -> usize {
        self.cache.entry_count() as usize
    }
}

impl<K, V> Simple for moka::sync::Cache<K, V>
where
    K: Bytes + Send + Sync + 'static,
    V: AsRef<[u8]> + From<Value> + Clone + Send + Sync + 'static,
{
    by_bytes!();

    fn entries(&mut self) -> usize {
        self.run_pending_tasks();
        self.entry_count() as usize
    }
}

impl<K: Bytes, V: AsRef<[u8]> + From<Value>> Simple for hashbrown::HashMap<K, V> {
    by_bytes!();

    fn entries(&mut self) -> usize {
        self.len()
    }
}
