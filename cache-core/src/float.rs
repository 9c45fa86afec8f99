//! Floats as decimal text and back, exactly, in little code.
//!
//! The standard library's conversions rest on tables and on two algorithms each, 35 KB of a wasm
//! module that a page downloads. Here numbers of at most 15 digits, which is nearly all that
//! anybody stores, go through floating-point arithmetic that is exact; the rest goes through long
//! integers, by Steele and White, "How to Print Floating-Point Numbers Accurately", and Clinger,
//! "How to Read Floating Point Numbers Accurately" (both PLDI 1990).

mod long;

use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;
use long::Long;

/// Digits that are read; of those behind them only matters whether one isn't zero. The middle
/// between two neighbouring floats has 767 at the most.
const DIGITS_READ: usize = 800;
/// A power of ten to which `f64` holds all that it multiplies exactly, as an exponent.
const EXACT_POWER: i64 = 22;
/// As many decimal digits of a float are always its own.
const EXACT_DIGITS: usize = 15;

/// Reads what Rust's own `f64::from_str` reads, to the same float: digits with a point and an
/// exponent, `inf`, `infinity` and `nan` in any case, with a sign or without.
pub(crate) fn parse(text: &[u8]) -> Option<f64> {
    if let Some(value) = parse_short(text) {
        return Some(value);
    }
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let named = |name: &[u8]| text.eq_ignore_ascii_case(name);
    let magnitude = if named(b"inf") || named(b"infinity") {
        f64::INFINITY
    } else if named(b"nan") {
        f64::NAN
    } else {
        let (digits, exponent) = read(text)?;
        nearest(&digits, exponent)
    };
    Some(if negative { -magnitude } else { magnitude })
}

/// Reads what most numbers are: at most 15 digits, perhaps with a point.
fn parse_short(text: &[u8]) -> Option<f64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let (mut whole, mut places, mut point) = (0u64, 0, false);
    if digits.len() > EXACT_DIGITS || !digits.first()?.is_ascii_digit() {
        return None;
    }
    for &byte in digits {
        match byte {
            b'0'..=b'9' => {
                whole = whole * 10 + u64::from(byte - b'0');
                places += u32::from(point);
            }
            b'.' if !point => point = true,
            _ => return None,
        }
    }
    let magnitude = if places == 0 { whole as f64 } else { whole as f64 / ten_to(places) };
    Some(if negative { -magnitude } else { magnitude })
}

/// The digits of a number, without zeros before them, and the power of ten that they are times.
fn read(text: &[u8]) -> Option<(Vec<u8>, i64)> {
    let (mut digits, mut power) = (Vec::new(), 0i64);
    let (mut some, mut point, mut rest) = (false, false, false);
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'0'..=b'9' => {
                some = true;
                power -= i64::from(point);
                if digits.len() >= DIGITS_READ {
                    power += 1;
                    rest |= byte != b'0';
                } else if byte != b'0' || !digits.is_empty() {
                    digits.push(byte - b'0');
                }
            }
            b'.' if !point => point = true,
            _ => break,
        }
        at += 1;
    }
    if rest {
        digits.push(1);
        power -= 1;
    }
    let given = match text.get(at..)? {
        [] => 0,
        [b'e' | b'E', exponent @ ..] => read_exponent(exponent)?,
        _ => return None,
    };
    some.then_some((digits, power + given))
}

fn read_exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // No text is long enough to make up for an exponent beyond this.
    let add = |sum: i64, &digit: &u8| (sum * 10 + i64::from(digit - b'0')).min(1 << 32);
    let exponent = digits.iter().fold(0, add);
    Some(if negative { -exponent } else { exponent })
}

/// The float that is nearest to the digits times a power of ten; of two the even one.
fn nearest(digits: &[u8], power: i64) -> f64 {
    let end = digits.len() as i64 + power;
    // The greatest float is less than 1e309, half of the least is more than 1e-324.
    if digits.is_empty() || end < -330 {
        return 0.0;
    }
    if end > 310 {
        return f64::INFINITY;
    }
    if digits.len() <= EXACT_DIGITS && power.abs() <= EXACT_POWER {
        let whole = digits.iter().fold(0, |sum, &digit| sum * 10 + u64::from(digit)) as f64;
        let scale = ten_to(power.unsigned_abs() as u32);
        return if power < 0 { whole / scale } else { whole * scale };
    }
    let (mut above, mut below) = (Long::from(0), Long::from(1));
    for &digit in digits {
        above.multiply_add(10, digit.into());
    }
    let longer = if power < 0 { &mut below } else { &mut above };
    longer.times_ten_to(power.unsigned_abs() as u32);
    // Shifted so that the quotient has 63 or 64 bits.
    let shift = 63 - (above.bits() as i64 - below.bits() as i64);
    let shifted = if shift < 0 { &mut below } else { &mut above };
    shifted.shift_left(shift.unsigned_abs() as u32);
    below.shift_left(63);
    let mut quotient = 0u64;
    for _ in 0..64 {
        quotient <<= 1;
        if above.compare(&below).is_ge() {
            above.subtract(&below);
            quotient |= 1;
        }
        above.shift_left(1);
    }
    round(quotient, -shift, above.bits() > 0)
}

/// The float that is nearest to `bits` times a power of two; `rest`: it is a little more than that.
fn round(bits: u64, power: i64, rest: bool) -> f64 {
    const LEAST: i64 = -1022;
    let zeros = bits.leading_zeros();
    let bits = u128::from(bits << zeros);
    let exponent = power + 63 - i64::from(zeros);
    let dropped = 11 + (LEAST - exponent).max(0);
    if exponent > 1023 {
        return f64::INFINITY;
    }
    if dropped > 64 {
        return 0.0;
    }
    let (kept, half) = ((bits >> dropped) as u64, 1u128 << (dropped - 1));
    let up = match (bits & (2 * half - 1)).cmp(&half) {
        Ordering::Less => false,
        Ordering::Equal => rest || kept % 2 == 1,
        Ordering::Greater => true,
    };
    // A carry out of the fraction is the next exponent.
    let before = (exponent - LEAST).max(0) as u64;
    f64::from_bits((before << 52) + kept + u64::from(up))
}

/// The shortest decimal, without exponent, that reads back as the same number: what Rust's own
/// `Display` writes. `value` is finite.
pub(crate) fn print(value: f64) -> String {
    let magnitude = value.abs();
    let (digits, end) = digits(magnitude);
    let mut text = String::new();
    if value.is_sign_negative() {
        text.push('-');
    }
    let before = end.max(0) as usize;
    if before == 0 {
        text.push('0');
    }
    for place in 0..before {
        text.push(char::from(b'0' + digits.get(place).copied().unwrap_or(0)));
    }
    if digits.len() > before {
        text.push('.');
        (end..0).for_each(|_| text.push('0'));
        text.extend(digits[before..].iter().map(|digit| char::from(b'0' + digit)));
    }
    text
}

/// The shortest digits that read back as the same number, and how many of them stand before the
/// point. `magnitude` is positive and finite.
pub(crate) fn digits(magnitude: f64) -> (Vec<u8>, i64) {
    short(magnitude).unwrap_or_else(|| shortest(magnitude))
}

/// The digits of a decimal fraction, and how many of them stand before the point, for numbers that
/// need no more than 15. No other number that short reads as the same float.
fn short(magnitude: f64) -> Option<(Vec<u8>, i64)> {
    for places in 0..=EXACT_DIGITS as u32 {
        let scale = ten_to(places);
        let scaled = magnitude * scale;
        if scaled >= 1e15 {
            return None;
        }
        let mut whole = (scaled + 0.5) as u64;
        if whole as f64 / scale == magnitude {
            let mut digits = Vec::new();
            while whole > 0 {
                digits.push((whole % 10) as u8);
                whole /= 10;
            }
            digits.reverse();
            let end = digits.len() as i64 - i64::from(places);
            return Some((digits, end));
        }
    }
    None
}

/// The same for any number but zero.
fn shortest(magnitude: f64) -> (Vec<u8>, i64) {
    let (fraction, exponent) = (magnitude.to_bits() % (1 << 52), magnitude.to_bits() >> 52);
    let whole = if exponent == 0 { fraction } else { fraction + (1 << 52) };
    let power = exponent.max(1) as i64 - 1075;
    // The number and half the ways to its neighbours, all over `below`. The way down is shorter
    // from a power of two.
    let way = if fraction == 0 && exponent > 1 { 1 } else { 2 };
    let mut above = [Long::from(4 * whole), Long::from(2), Long::from(way)];
    let mut below = Long::from(4);
    let inclusive = whole % 2 == 0;
    if power < 0 {
        below.shift_left(power.unsigned_abs() as u32);
    } else {
        above.iter_mut().for_each(|long| long.shift_left(power as u32));
    }
    // By the logarithm of 2, rounded down: never too many.
    let bits = i64::from(64 - whole.leading_zeros());
    let mut end = ((power + bits - 1) * 1233) >> 12;
    if end < 0 {
        above.iter_mut().for_each(|long| long.times_ten_to(end.unsigned_abs() as u32));
    } else {
        below.times_ten_to(end as u32);
    }
    let reaches = |[number, up, _]: &[Long; 3], below: &Long| {
        let order = number.plus(up).compare(below);
        order.is_gt() || inclusive && order.is_eq()
    };
    while reaches(&above, &below) {
        below.multiply_add(10, 0);
        end += 1;
    }
    let mut digits = Vec::new();
    loop {
        above.iter_mut().for_each(|long| long.multiply_add(10, 0));
        let mut digit = 0;
        while above[0].compare(&below).is_ge() {
            above[0].subtract(&below);
            digit += 1;
        }
        let order = above[0].compare(&above[2]);
        let low = order.is_lt() || inclusive && order.is_eq();
        let high = reaches(&above, &below);
        if low || high {
            let nearer_above = above[0].plus(&above[0]).compare(&below).is_ge();
            digits.push(digit + u8::from(high && (!low || nearer_above)));
            return (digits, end);
        }
        digits.push(digit);
    }
}

/// Exact up to [`EXACT_POWER`].
fn ten_to(power: u32) -> f64 {
    (0..power).fold(1.0, |product, _| product * 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString;
    use proptest::prelude::*;

    fn reads_as_usual(text: &str) {
        let bits = |value: f64| (value.to_bits(), value.is_nan());
        let wanted = text.parse().ok().map(bits);
        assert_eq!(parse(text.as_bytes()).map(bits), wanted, "{text}");
    }

    fn decimal(long: Long) -> String {
        let (mut rest, mut text) = (long, Vec::new());
        while rest.bits() > 0 {
            // By long division, digit by digit from the greatest.
            let mut left = 0;
            for digit in rest.0.iter_mut().rev() {
                left = left << 32 | u64::from(*digit);
                *digit = (left / 10) as u32;
                left %= 10;
            }
            text.push(b'0' + left as u8);
            rest.trim();
        }
        text.reverse();
        String::from_utf8(text).unwrap()
    }

    fn prints_as_usual(value: f64) {
        if value.is_finite() {
            assert_eq!(print(value), value.to_string(), "{value:e}");
            reads_as_usual(&value.to_string());
            reads_as_usual(&format!("{value:e}"));
        }
    }

    #[test]
    fn what_is_at_the_edge() {
        for text in [
            "",
            "+",
            "-",
            ".",
            "e1",
            "1e",
            "1e+",
            "1.e1",
            ".1",
            "1.",
            "0x1",
            "1 ",
            " 1",
            "1..2",
            "1e5.",
            "--1",
            "inf",
            "-INF",
            "+infinity",
            "nan",
            "infin",
            "-0",
            "0e999999999999",
            "1e99999999999999999999",
            "1e-99999999999999999999",
            "1e308",
            "1.8e308",
            "4.9e-324",
            "2.4703282292062327e-324",
            "2.4703282292062328e-324",
            "2.2250738585072011e-308",
            "9007199254740993",
            "9007199254740993.00000000000000000000000000001",
            "1e23",
            "8.5e22",
        ] {
            reads_as_usual(text);
        }
        // Half way from the greatest float to the next power of two.
        let mut half = Long::from((1 << 54) - 1);
        half.shift_left(970);
        reads_as_usual(&decimal(half));
        // Behind what is read.
        let half = "9007199254740993".to_string() + &"0".repeat(900) + ".";
        reads_as_usual(&half);
        reads_as_usual(&(half + &"0".repeat(900) + "1"));
        reads_as_usual(&("0.".to_string() + &"0".repeat(2000) + "123e2000"));
        for value in
            [0.0, -0.0, 0.1, 0.3, 1e15, 1e16, 123456.75, f64::MAX, f64::MIN_POSITIVE, 5e-324]
        {
            prints_as_usual(value);
        }
        for power in -1074..1024 {
            let value = 2f64.powi(power);
            prints_as_usual(value);
            prints_as_usual(f64::from_bits(value.to_bits().saturating_sub(1)));
            prints_as_usual(f64::from_bits(value.to_bits() + 1));
        }
    }

    proptest! {
        #[test]
        fn any_float_is_printed_as_the_standard_library_does(bits: u64) {
            prints_as_usual(f64::from_bits(bits));
        }

        #[test]
        fn any_decimal_is_printed_and_read_as_usual(whole in -1_000_000_000i64.., places in -30..30i32) {
            reads_as_usual(&format!("{whole}e{places}"));
            prints_as_usual(whole as f64 * 10f64.powi(places));
        }

        #[test]
        fn any_text_is_read_as_usual(text in "[+-]?[0-9]{0,30}[.]?[0-9]{0,30}(e[+-]?[0-9]{0,3})?") {
            reads_as_usual(&text);
        }
    }
}
