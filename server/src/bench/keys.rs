//! Which key comes next, how long its value is, and the randomness for both.
//!
//! What must never be here: bytes of a protocol.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The most keys there may be: their numbers have twelve digits.
pub(crate) const MAX_KEYS: u64 = 1_000_000_000_000;

/// The law by which keys are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Distribution {
    /// Each as likely as any other.
    Uniform,
    /// The k-th most popular key is drawn in proportion to 1 / k^exponent.
    Zipf(f64),
    /// One after the other, from the first again after the last.
    Sequential,
}

impl FromStr for Distribution {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "uniform" => Ok(Self::Uniform),
            None if text == "sequential" => Ok(Self::Sequential),
            None if text == "zipf" => Ok(Self::Zipf(0.99)),
            Some(("zipf", exponent)) => match exponent.parse::<f64>() {
                Ok(s) if s > 0.0 && s <= 10.0 => Ok(Self::Zipf(s)),
                _ => Err("zipf's exponent is above 0 and at most 10, as in zipf:0.99".into()),
            },
            _ => Err("one of uniform, zipf:EXPONENT and sequential".into()),
        }
    }
}

impl std::fmt::Display for Distribution {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Uniform => f.write_str("uniform"),
            Self::Zipf(exponent) => write!(f, "zipf:{exponent}"),
            Self::Sequential => f.write_str("sequential"),
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014): a
/// counter whose bits are mixed. Small and quick, and one draw never waits for the last one's.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// A stream of numbers for this seed; `stream` tells those of several threads apart.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut random = Random(seed);
        let start = random.next().wrapping_add(stream.wrapping_mul(0xd1b5_4a32_d192_ed03));
        Random(start)
    }

    /// 64 bits.
    #[inline]
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`, which isn't 0. The bias is below n / 2^64.
    #[inline]
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u64
    }

    /// A number in [0, 1).
    #[inline]
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }
}

/// Draws the numbers of keys, from 0 up to the number of keys less one. Clones, one for each
/// thread, share a sequence: together they draw every key of it.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    count: u64,
    law: Law,
}

#[derive(Clone, Debug)]
enum Law {
    Uniform,
    Zipf { zipf: Zipf, stride: u64 },
    Sequential { next: Arc<AtomicU64> },
}

impl Keys {
    /// Keys `0..count`.
    pub(crate) fn new(count: u64, distribution: Distribution) -> Self {
        let law = match distribution {
            Distribution::Uniform => Law::Uniform,
            Distribution::Zipf(exponent) => {
                Law::Zipf { zipf: Zipf::new(count, exponent), stride: stride(count) }
            }
            Distribution::Sequential => Law::Sequential { next: Arc::default() },
        };
        Keys { count, law }
    }

    /// The number of the next key.
    #[inline]
    pub(crate) fn draw(&mut self, random: &mut Random) -> u64 {
        match &mut self.law {
            Law::Uniform => random.below(self.count),
            // Popular keys would otherwise be those that were loaded first, and lie side by side
            // in a server's memory, which real ones don't.
            Law::Zipf { zipf, stride } => {
                let rank = zipf.draw(random) - 1;
                (u128::from(rank) * u128::from(*stride) % u128::from(self.count)) as u64
            }
            Law::Sequential { next } => next.fetch_add(1, Ordering::Relaxed) % self.count,
        }
    }
}

/// A number without a common divisor with `count`, at about the golden section: its multiples,
/// modulo `count`, visit every key once and keep away from each other.
fn stride(count: u64) -> u64 {
    let mut stride = (count as f64 * 0.618_033_988_749_895) as u64 | 1;
    while gcd(stride, count) != 1 {
        stride += 1;
    }
    stride
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Zipf's law by rejection-inversion (Hörmann, Derflinger: "Rejection-inversion to generate
/// variates from monotone discrete distributions", 1996): no table, any exponent, and a draw costs
/// the same for ten keys and for a billion.
///
/// `h(x) = x^-s` bounds the law from above between the integers; `H`, an antiderivative of `h`, is
/// inverted at a uniform point, and the integer nearest to what comes out is taken unless the point
/// lies where `h` exceeds the law.
#[derive(Clone, Debug)]
struct Zipf {
    count: f64,
    exponent: f64,
    /// `H(1.5) - h(1)` and `H(count + 0.5)`: the ends of the uniform point's interval.
    from: f64,
    to: f64,
    /// Closer than this to an integer from above, and no test is needed.
    sure: f64,
}

impl Zipf {
    fn new(count: u64, exponent: f64) -> Self {
        let count = count as f64;
        let mut zipf = Zipf { count, exponent, from: 0.0, to: 0.0, sure: 0.0 };
        zipf.from = zipf.antiderivative(1.5) - 1.0;
        zipf.to = zipf.antiderivative(count + 0.5);
        zipf.sure = 2.0 - zipf.inverse(zipf.antiderivative(2.5) - zipf.density(2.0));
        zipf
    }

    /// A rank from 1 to `count`.
    fn draw(&self, random: &mut Random) -> u64 {
        loop {
            let point = self.to + random.unit() * (self.from - self.to);
            let x = self.inverse(point);
            let rank = (x + 0.5).floor().clamp(1.0, self.count);
            if rank - x <= self.sure
                || point >= self.antiderivative(rank + 0.5) - self.density(rank)
            {
                return rank as u64;
            }
        }
    }

    fn density(&self, x: f64) -> f64 {
        (-self.exponent * x.ln()).exp()
    }

    /// `(x^(1-s) - 1) / (1-s)`, which is `ln x` for s = 1.
    fn antiderivative(&self, x: f64) -> f64 {
        let (log, t) = (x.ln(), 1.0 - self.exponent);
        if (t * log).abs() < 1e-9 { log } else { (t * log).exp_m1() / t }
    }

    fn inverse(&self, y: f64) -> f64 {
        let t = 1.0 - self.exponent;
        // Rounding may leave the range where the inverse is defined, by the last bit.
        if (t * y).abs() < 1e-9 { y.exp() } else { ((t * y).max(-1.0).ln_1p() / t).exp() }
    }
}

/// How long values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// The least.
    pub(crate) least: usize,
    /// The most.
    pub(crate) most: usize,
}

impl Sizes {
    /// The longest value there may be: a megabyte is what Memcached takes, and far from what a
    /// cache is good for.
    const LIMIT: usize = 1 << 24;

    /// The length of the next value; all lengths of the range are as likely.
    #[inline]
    pub(crate) fn draw(self, random: &mut Random) -> usize {
        self.least + random.below((self.most - self.least) as u64 + 1) as usize
    }
}

impl FromStr for Sizes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (least, most) = text.split_once('-').unwrap_or((text, text));
        match (least.parse(), most.parse()) {
            (Ok(least), Ok(most)) if least <= most && most <= Self::LIMIT => {
                Ok(Sizes { least, most })
            }
            _ => Err(format!("bytes or a range such as 8-64, at most {}", Self::LIMIT)),
        }
    }
}

impl std::fmt::Display for Sizes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Sizes { least, most } = self;
        if least == most { write!(f, "{least}") } else { write!(f, "{least}-{most}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: u32 = 400_000;

    #[test]
    fn zipf_has_the_mean_rank_and_the_first_rank_that_theory_gives() {
        for (count, exponent) in [(10u64, 0.5), (1000, 0.99), (1000, 1.0), (100_000, 1.2), (1, 2.0)]
        {
            let weight = |rank: u64| (rank as f64).powf(-exponent);
            let all: f64 = (1..=count).map(weight).sum();
            let mean = (1..=count).map(|r| r as f64 * weight(r)).sum::<f64>() / all;
            let square = (1..=count).map(|r| (r as f64).powi(2) * weight(r)).sum::<f64>() / all;
            let deviation = ((square - mean * mean) / f64::from(DRAWS)).sqrt();

            let (zipf, mut random) = (Zipf::new(count, exponent), Random::new(7, 0));
            let (mut sum, mut first) = (0.0, 0u32);
            for _ in 0..DRAWS {
                let rank = zipf.draw(&mut random);
                assert!((1..=count).contains(&rank));
                sum += rank as f64;
                first += u32::from(rank == 1);
            }
            let got = sum / f64::from(DRAWS);
            assert!(
                (got - mean).abs() <= 5.0 * deviation,
                "{count} keys, {exponent}: mean rank {got}, theory {mean}"
            );
            let (share, theory) = (f64::from(first) / f64::from(DRAWS), 1.0 / all);
            assert!((share - theory).abs() < 0.005, "first rank {share}, theory {theory}");
        }
    }

    #[test]
    fn popular_keys_are_spread_and_all_are_reached() {
        for count in [1u64, 2, 3, 10, 1000, 1001] {
            let stride = stride(count);
            let mut seen: Vec<u64> = (0..count).map(|rank| rank * stride % count).collect();
            seen.sort_unstable();
            assert!(seen.iter().copied().eq(0..count));
        }
        let keys: Vec<u64> = (0..3).map(|rank| rank * stride(1000) % 1000).collect();
        assert!(keys[1].abs_diff(keys[0]) > 100 && keys[2].abs_diff(keys[1]) > 100);
    }

    #[test]
    fn uniform_reaches_all_evenly() {
        let mut keys = Keys::new(10, Distribution::Uniform);
        let mut random = Random::new(1, 0);
        let mut counts = [0u32; 10];
        for _ in 0..DRAWS {
            counts[keys.draw(&mut random) as usize] += 1;
        }
        assert!(counts.iter().all(|c| c.abs_diff(DRAWS / 10) < DRAWS / 100), "{counts:?}");
    }

    #[test]
    fn clones_share_a_sequence() {
        let mut random = Random::new(1, 0);
        let mut first = Keys::new(3, Distribution::Sequential);
        let mut second = first.clone();
        let drawn = [(); 2].map(|()| [first.draw(&mut random), second.draw(&mut random)]);
        assert_eq!(drawn, [[0, 1], [2, 0]]);
    }

    #[test]
    fn words_are_read() {
        assert_eq!("zipf:1.2".parse(), Ok(Distribution::Zipf(1.2)));
        assert_eq!("zipf".parse(), Ok(Distribution::Zipf(0.99)));
        assert!(
            ["zipf:", "zipf:-1", "zipf:nan", "zipf:inf", "even", ""]
                .iter()
                .all(|word| word.parse::<Distribution>().is_err())
        );
        assert_eq!("8-64".parse(), Ok(Sizes { least: 8, most: 64 }));
        assert_eq!("0".parse(), Ok(Sizes { least: 0, most: 0 }));
        assert!(
            ["9-8", "-1", "x", "", "1-", "99999999999"]
                .iter()
                .all(|word| word.parse::<Sizes>().is_err())
        );
        let mut random = Random::new(1, 0);
        let drawn: Vec<usize> =
            (0..1000).map(|_| Sizes { least: 3, most: 5 }.draw(&mut random)).collect();
        assert!((3..=5).all(|size| drawn.contains(&size)) && drawn.iter().all(|s| *s <= 5));
    }
}
