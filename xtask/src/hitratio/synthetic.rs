//! Generated traces, each of one habit that policies are known to stumble over.

use super::sampled::Random;
use super::traces::Trace;

/// Requests of a trace, and keys of which most are drawn.
const REQUESTS: u32 = 1_000_000;
const KEYS: u64 = 50_000;

/// All of them; the same each time.
pub(super) fn all() -> Vec<Trace> {
    let mut random = Random(1);
    let random = &mut random;
    let zipf = |exponent: f64| Zipf::new(KEYS, exponent);
    let (flat, usual, steep) = (zipf(0.7), zipf(0.9), zipf(1.1));
    let k = KEYS;
    vec![
        make("zipf-0.7", |_| flat.draw(random)),
        make("zipf-1.1", |_| steep.draw(random)),
        // Every hundred thousand requests, fifty thousand keys are read that never come again.
        make("zipf+scan", |at| match at % 100_000 {
            0..50_000 => usual.draw(random),
            _ => k + at,
        }),
        make("zipf+loop", |at| match at % 2 {
            0 => usual.draw(random),
            _ => k + at / 2 % k,
        }),
        // Other keys are wanted after each eighth.
        make("phases", |at| usual.draw(random) + at / 125_000 * k),
        make("drift", |at| usual.draw(random) + at / 20),
        make("wonders", |at| match random.below(10) {
            0..6 => 2 * k + at,
            _ => usual.draw(random),
        }),
        // Each key four times in a row; half of them never again.
        make("bursts", |at| match at / 4 % 2 {
            0 => usual.draw(&mut Random(at / 4)),
            _ => k + at / 4,
        }),
        make("loop-then-lru", |at| match at / 250_000 % 2 {
            0 => at % 30_000,
            _ => k + at / 40 + random.below(3_000),
        }),
        stack("lru-stack", random),
        make("uniform", |_| random.below(k)),
    ]
}

/// Keys drawn by Zipf's law; they keep their ranks as numbers.
pub(crate) fn zipf(name: &str, keys: u32, exponent: f64, requests: u32) -> Trace {
    let (zipf, mut random) = (Zipf::new(keys.into(), exponent), Random(1));
    let drawn = (0..requests).map(|_| zipf.draw(&mut random) as u32).collect();
    Trace::new(name, drawn, keys as usize)
}

fn make(name: &str, mut key: impl FnMut(u64) -> u64) -> Trace {
    numbered(name, (0..u64::from(REQUESTS)).map(&mut key))
}

fn numbered(name: &str, keys: impl Iterator<Item = u64>) -> Trace {
    let mut of = std::collections::HashMap::new();
    let mut number = |key| {
        let fresh = of.len() as u32;
        *of.entry(key).or_insert(fresh)
    };
    let keys: Vec<_> = keys.map(&mut number).collect();
    Trace::new(name, keys, of.len())
}

/// The chance to ask for a key falls with the number of other keys since: what LRU is made for.
fn stack(name: &str, random: &mut Random) -> Trace {
    let mut recent: Vec<u64> = Vec::new();
    let mut fresh = 0;
    let mut key = || {
        // A distance with equal chances for each doubling, up to 2^16.
        let distance = (1 << random.below(16)) + random.below(1 << 15) % (1 << random.below(16));
        let at = recent.len().checked_sub(distance as usize);
        let key = at.map_or_else(
            || {
                fresh += 1;
                fresh
            },
            |at| recent[at],
        );
        recent.push(key);
        key
    };
    numbered(name, (0..REQUESTS).map(|_| key()))
}

struct Zipf(Vec<f64>);

impl Zipf {
    fn new(keys: u64, exponent: f64) -> Self {
        let mut sum = 0.0;
        let weight = |rank: u64| {
            sum += (rank as f64).powf(-exponent);
            sum
        };
        Zipf((1..=keys).map(weight).collect())
    }

    fn draw(&self, random: &mut Random) -> u64 {
        let most = self.0.last().copied().unwrap_or_default();
        let drawn = random.below(1 << 53) as f64 / (1u64 << 53) as f64 * most;
        self.0.partition_point(|sum| *sum < drawn) as u64
    }
}
