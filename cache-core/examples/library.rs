//! The engine in a program's own memory: lazy loading in front of a slow database, and sessions that
//! end when nobody uses them.
//!
//! `cargo run --release -p cache-core --example library`

use cache_core::cache::Error;
use cache_core::{Cache, Now};
use std::time::{Duration, Instant, SystemTime};

/// How long a session lasts after its last use.
const SESSION: Duration = Duration::from_millis(30);
/// A server would draw it by chance, so that nobody can choose keys that collide.
const SEED: u64 = 42;

/// Where the cache's time comes from: it reads no clock itself.
struct Clock(Instant);

impl Clock {
    fn now(&self) -> Now {
        let wall = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        Now { mono_us: self.0.elapsed().as_micros() as u64, wall_us: wall.as_micros() as u64 }
    }
}

/// What takes long, and is wanted again and again.
fn query_database(product: u32) -> String {
    std::thread::sleep(Duration::from_micros(200));
    format!("{{\"product\":{product},\"price\":{}}}", product * 7 % 100)
}

/// Lazy loading: from the cache, or else from the database and into the cache for a minute.
fn product(cache: &mut Cache, clock: &Clock, id: u32) -> Result<Vec<u8>, Error> {
    let key = format!("product:{id}");
    if let Some(cached) = cache.get(clock.now(), &key) {
        return Ok(cached.to_vec());
    }
    let loaded = query_database(id);
    cache.set_with_ttl(clock.now(), &key, &loaded, Duration::from_secs(60))?;
    Ok(loaded.into_bytes())
}

/// A session's user, if there is such a session. Each use gives it a new time to live.
fn user_of(cache: &mut Cache, now: Now, session: &str) -> Option<String> {
    cache.set_ttl(now, session, Some(SESSION));
    cache.get(now, session).map(|user| String::from_utf8_lossy(user).into_owned())
}

fn main() -> Result<(), Error> {
    let clock = Clock(Instant::now());
    let mut cache = Cache::builder().max_bytes(32 << 10).seed(SEED).build();

    for request in 0..5_000u32 {
        // Few products are asked for often, and many seldom.
        let id = (request.wrapping_mul(2_654_435_761) >> 16) % (1 + request % 1_000);
        product(&mut cache, &clock, id)?;
    }
    println!("lazy loading: {} products cached", cache.len());

    cache.set_with_ttl(clock.now(), "session:1", "ada", SESSION)?;
    println!("session in use: {:?}", user_of(&mut cache, clock.now(), "session:1"));
    std::thread::sleep(2 * SESSION);
    println!("session left alone: {:?}", user_of(&mut cache, clock.now(), "session:1"));

    let before = cache.clone();
    cache.clear();
    println!("after clear: {} entries, and {} in the clone", cache.len(), before.len());

    let stats = before.stats();
    println!(
        "{} hits, {} misses ({:.0} %), {} evictions, {} expirations, {} bytes",
        stats.hits,
        stats.misses,
        100.0 * stats.hit_ratio(),
        stats.evictions,
        stats.expirations,
        before.used_bytes(),
    );
    Ok(())
}
