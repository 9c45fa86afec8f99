//! From registers to a count.
//!
//! Source: Ertl, "New cardinality estimation algorithms for HyperLogLog sketches",
//! arXiv:1702.01284, algorithm 6, as in Redis.

use super::{MOST, REGISTERS};

/// How many registers have which value. Six bits may say more than any hash gives.
#[derive(Clone, Debug)]
pub(super) struct Histogram([u32; 64]);

impl Default for Histogram {
    fn default() -> Self {
        Histogram([0; 64])
    }
}

impl Histogram {
    pub(super) fn add(&mut self, value: u8, registers: u32) {
        self.0[usize::from(value % 64)] += registers;
    }
}

/// 1 / (2 ln 2).
const ALPHA: f64 = 0.721_347_520_444_481_7;

pub(super) fn count(Histogram(registers): &Histogram) -> u64 {
    let all = REGISTERS as f64;
    let full = f64::from(registers[usize::from(MOST)]);
    let mut z = all * tau((all - full) / all);
    for &some in registers[1..usize::from(MOST)].iter().rev() {
        z = (z + f64::from(some)) * 0.5;
    }
    z += all * sigma(f64::from(registers[0]) / all);
    let count = ALPHA * all * all / z;
    // Registers that only a forger can have written come to no finite count.
    if count < i64::MAX as f64 { (count + 0.5) as u64 } else { 1 << 63 }
}

/// What the registers that are still 0 tell.
fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}

/// What the registers tell that can't grow any more.
fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = square_root(x);
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if z == before {
            return z / 3.0;
        }
    }
}

/// The square root of a number between 0 and 1 that is not tiny, by Newton's method. `core` has none.
fn square_root(x: f64) -> f64 {
    let half_the_exponent = (x.to_bits() >> 1) + (1023 << 51);
    (0..5).fold(f64::from_bits(half_the_exponent), |root, _| (root + x / root) * 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_roots() {
        for i in 1..=REGISTERS {
            let x = i as f64 / REGISTERS as f64;
            assert!((square_root(x) - x.sqrt()).abs() <= f64::EPSILON / 2.0, "{x}");
        }
    }
}
