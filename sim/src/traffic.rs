//! Automatic traffic: when requests come and what they ask for.
//!
//! Moments form a Poisson process, products follow Zipf's law. Every request draws the same number
//! of random numbers, so that two runs under one seed ask for the same products at the same moments
//! whatever else differs between them. What must never be here: how a request is served.

use crate::database::Table;
use crate::event::Operation;
use crate::random::{Purpose, Random, mix};
use crate::scenario::Traffic;
use std::collections::BinaryHeap;

/// Prices that the traffic sets, in cents, stay inside.
const PRICES: std::ops::RangeInclusive<i64> = 50..=1_000_000;
/// The most by which one write changes a price, in a hundred.
const PRICE_STEP: u64 = 10;
/// The product that is asked for while the table is empty.
const NO_PRODUCT: u32 = 1;

/// What one request of the traffic asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) product: u32,
    pub(crate) operation: Operation,
}

#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) settings: Traffic,
    /// Counts changes: an arrival that was planned before one is dropped.
    pub(crate) generation: u32,
    random: Random,
    popularity: u64,
    popular: Option<Popular>,
}

impl Source {
    pub(crate) fn new(settings: Traffic, seed: u64) -> Self {
        Source {
            settings,
            generation: 0,
            random: Random::new(seed, Purpose::Traffic),
            popularity: Random::new(seed, Purpose::Popularity).next_u64(),
            popular: None,
        }
    }

    pub(crate) fn set(&mut self, settings: Traffic) {
        self.settings = settings.bounded();
        self.generation = self.generation.wrapping_add(1);
        self.popular = None;
    }

    /// A row came or went.
    pub(crate) fn forget_popularity(&mut self) {
        self.popular = None;
    }

    /// Microseconds until the next request; `None`: none comes.
    pub(crate) fn gap_us(&mut self) -> Option<u64> {
        let rate = self.settings.rate_per_s;
        if !self.settings.running || rate == 0 {
            return None;
        }
        // The gaps of a Poisson process are distributed exponentially.
        let gap = -libm::log(self.random.unit()) * 1e6 / f64::from(rate);
        Some(libm::round(gap) as u64)
    }

    pub(crate) fn wish(&mut self, table: &Table) -> Wish {
        let writes = self.random.chance(self.settings.write_permille);
        let [draw, factor, up] = std::array::from_fn(|_| self.random.next_u64());
        let popular = self
            .popular
            .get_or_insert_with(|| Popular::new(table, self.settings.skew_milli, self.popularity));
        let product = popular.pick(draw).unwrap_or(NO_PRODUCT);
        let price = table.get(product).map_or(100, |row| row.price_cents);
        let price_cents = changed_price(price, 1 + factor % PRICE_STEP, up % 2 == 0);
        let operation = if writes { Operation::Write { price_cents } } else { Operation::Read };
        Wish { product, operation }
    }
}

/// Up and down undo each other, so that prices don't wander off.
fn changed_price(price: i64, percent: u64, up: bool) -> i64 {
    let price = price.clamp(*PRICES.start(), *PRICES.end());
    let factor = 100 + percent as i64;
    let changed = if up { price * factor / 100 } else { price * 100 / factor };
    changed.clamp(*PRICES.start(), *PRICES.end())
}

/// Products by popularity, with the weights up to each added up.
#[derive(Clone, Debug)]
struct Popular {
    ids: Vec<u32>,
    sums: Vec<u64>,
}

impl Popular {
    /// Which product is popular is up to the seed, so that it isn't always the first.
    fn new(table: &Table, skew_milli: u32, seed: u64) -> Self {
        let drawn = table.rows().map(|row| (mix(seed ^ u64::from(row.id)), row.id));
        // A heap brings less code to the page than a sort does.
        let ids: Vec<u32> =
            drawn.collect::<BinaryHeap<_>>().into_sorted_vec().iter().map(|&(_, id)| id).collect();
        let exponent = f64::from(skew_milli) / 1000.0;
        let mut sum = 0;
        let sums = (1..=ids.len() as u32)
            .map(|rank| {
                let weight = libm::pow(f64::from(rank), -exponent);
                // In whole numbers, so that adding up rounds nowhere.
                sum += ((weight * (1u64 << 40) as f64) as u64).max(1);
                sum
            })
            .collect();
        Popular { ids, sums }
    }

    fn pick(&self, draw: u64) -> Option<u32> {
        let total = *self.sums.last()?;
        let point = ((u128::from(draw) * u128::from(total)) >> 64) as u64;
        self.ids.get(self.sums.partition_point(|&sum| sum <= point)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(skew_milli: u32) -> Vec<u32> {
        let table = Table::new(&crate::shop::products());
        let settings = Traffic { running: true, rate_per_s: 1000, write_permille: 100, skew_milli };
        let mut source = Source::new(settings, 5);
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..24_000 {
            *counts.entry(source.wish(&table).product).or_insert(0) += 1;
        }
        let mut shares: Vec<u32> = counts.into_values().collect();
        shares.sort_unstable_by(|a, b| b.cmp(a));
        shares
    }

    #[test]
    fn popularity_follows_zipf() {
        let even = shares(0);
        assert!(even.len() == 24 && even.iter().all(|n| (850..1150).contains(n)), "{even:?}");
        let skewed = shares(1000);
        assert!((1800..2200).contains(&(skewed[0] * 1000 / skewed[1])), "{skewed:?}");
    }

    #[test]
    fn requests_come_at_the_rate_asked_for() {
        let settings = Traffic { running: true, rate_per_s: 2000, ..Traffic::default() };
        let mut source = Source::new(settings, 1);
        let sum: u64 = (0..20_000).filter_map(|_| source.gap_us()).sum();
        assert!((9_800_000..10_200_000).contains(&sum), "{sum}");
        source.set(Traffic { running: false, ..settings });
        assert_eq!(source.gap_us(), None);
    }

    #[test]
    fn prices_stay_where_they_make_sense() {
        assert_eq!(changed_price(1000, 10, true), 1100);
        assert_eq!(changed_price(1100, 10, false), 1000);
        assert_eq!(changed_price(i64::MAX, 10, true), 1_000_000);
        assert_eq!(changed_price(i64::MIN, 10, false), 50);
    }
}
