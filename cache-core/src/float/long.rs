//! Whole numbers of any length, with what conversions of floats need.

use alloc::vec::Vec;
use core::cmp::Ordering;

/// A whole number of any length: digits to the base 2^32, the least first, no zeros behind.
pub(super) struct Long(pub(super) Vec<u32>);

impl From<u64> for Long {
    fn from(value: u64) -> Self {
        let mut long = Long(alloc::vec![value as u32, (value >> 32) as u32]);
        long.trim();
        long
    }
}

impl Long {
    pub(super) fn trim(&mut self) {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }

    pub(super) fn bits(&self) -> u32 {
        self.0.last().map_or(0, |last| self.0.len() as u32 * 32 - last.leading_zeros())
    }

    pub(super) fn multiply_add(&mut self, by: u32, add: u32) {
        let mut carry = u64::from(add);
        for digit in &mut self.0 {
            carry += u64::from(*digit) * u64::from(by);
            *digit = carry as u32;
            carry >>= 32;
        }
        self.0.push(carry as u32);
        self.trim();
    }

    pub(super) fn times_ten_to(&mut self, power: u32) {
        for _ in 0..power {
            self.multiply_add(10, 0);
        }
    }

    pub(super) fn shift_left(&mut self, bits: u32) {
        self.multiply_add(1 << (bits % 32), 0);
        let mut digits = alloc::vec![0; bits as usize / 32];
        digits.append(&mut self.0);
        self.0 = digits;
        self.trim();
    }

    pub(super) fn plus(&self, other: &Long) -> Long {
        let (mut sum, mut carry) = (Vec::new(), 0);
        for at in 0..self.0.len().max(other.0.len()) {
            let digit = |long: &Long| u64::from(long.0.get(at).copied().unwrap_or(0));
            carry += digit(self) + digit(other);
            sum.push(carry as u32);
            carry >>= 32;
        }
        sum.push(carry as u32);
        let mut sum = Long(sum);
        sum.trim();
        sum
    }

    /// Takes away what is not more.
    pub(super) fn subtract(&mut self, other: &Long) {
        let mut borrow = 0;
        for (at, digit) in self.0.iter_mut().enumerate() {
            borrow += i64::from(*digit) - i64::from(other.0.get(at).copied().unwrap_or(0));
            *digit = borrow as u32;
            borrow >>= 32;
        }
        self.trim();
    }

    pub(super) fn compare(&self, other: &Long) -> Ordering {
        let length = self.0.len().cmp(&other.0.len());
        length.then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }
}
