//! Numbers as text: strict integers, floats, and the decimal addition behind INCRBYFLOAT.

use crate::float;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

/// A count that input gives, unless it is below zero. More than there can be of anything is as good as
/// the most: where the platform's words are shorter nothing else is answered.
pub(crate) fn count_of(number: i64) -> Option<usize> {
    (number >= 0).then(|| usize::try_from(number).unwrap_or(usize::MAX))
}

/// Parses a canonical decimal integer: no plus sign, no leading zero, no white space.
///
/// What doesn't print back as it was read is refused, as Redis does, so that a string that holds a
/// number can be kept as one.
pub(crate) fn parse_i64(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    match digits {
        [b'0'] if !negative => return Some(0),
        [b'1'..=b'9', ..] if digits.len() <= 19 => {}
        _ => return None,
    }
    // Counting down reaches i64::MIN, counting up would not.
    let mut value: i64 = 0;
    for &digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value.checked_mul(10)?.checked_sub(i64::from(digit - b'0'))?;
    }
    if negative { Some(value) } else { value.checked_neg() }
}

/// Longer texts are no floats (`MAX_LONG_DOUBLE_CHARS` in Redis).
const FLOAT_LIMIT: usize = 5 * 1024;

/// Parses a float as Redis takes it: decimal, exponent, `inf`, `+inf`, `-inf`, `infinity`; no NaN,
/// no white space.
pub(crate) fn parse_f64(text: &[u8]) -> Option<f64> {
    if text.len() >= FLOAT_LIMIT {
        return None;
    }
    float::parse(text).filter(|value| !value.is_nan())
}

/// Digits behind the point that INCRBYFLOAT keeps (Redis prints with `%.17Lf`).
const FRACTION_DIGITS: u32 = 17;

/// Adds two decimal numbers given as text and gives the sum as text, without exponent and without
/// trailing zeros.
///
/// The sum is exact to 17 digits behind the point, where binary floats would print
/// `0.1 + 0.2 = 0.30000000000000004`. Redis adds in C's `long double`, which is another type on each
/// platform (its noise begins behind 19 digits on x86-64, behind 34 on ARM); this is what both mean.
/// Numbers beyond 1e20 go through `f64`.
///
/// `None`: one of them is no number. `Some(None)`: the sum is no finite number.
pub(crate) fn add_decimal(a: &[u8], b: &[u8]) -> Option<Option<Vec<u8>>> {
    let (float_a, float_b) = (parse_f64(a)?, parse_f64(b)?);
    let exact = fixed(a).zip(fixed(b)).and_then(|(a, b)| a.checked_add(b));
    Some(match exact {
        Some(sum) => Some(format_sum(sum)),
        None => {
            let sum = float_a + float_b;
            sum.is_finite().then(|| format_f64(sum))
        }
    })
}

/// Reads a decimal as a multiple of 10^-17, rounding half away from zero. `None` when out of range.
fn fixed(text: &[u8]) -> Option<i128> {
    let text = core::str::from_utf8(text).ok()?;
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((m, e)) => (m, e.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = || whole.bytes().chain(fraction.bytes());
    if digits().any(|d| !d.is_ascii_digit()) || !(-400..=400).contains(&exponent) {
        return None;
    }
    // The decimal place, in units of 10^-17, of the digit at hand.
    let mut place = whole.len() as i64 - 1 + i64::from(exponent) + i64::from(FRACTION_DIGITS);
    let mut value: i128 = 0;
    for digit in digits() {
        let digit = i128::from(digit - b'0');
        if place >= 0 {
            let scale = u32::try_from(place).ok().filter(|&p| p < 38 || digit == 0)?;
            if digit != 0 {
                value = value.checked_add(digit.checked_mul(10i128.checked_pow(scale)?)?)?;
            }
        } else if place == -1 && digit >= 5 {
            value = value.checked_add(1)?;
        }
        place -= 1;
    }
    Some(if negative { -value } else { value })
}

fn format_sum(value: i128) -> Vec<u8> {
    // From the end; a Display of 128 bits would be more code.
    let (mut text, mut rest, mut places) = (Vec::new(), value.unsigned_abs(), 0);
    while rest > 0 || places <= FRACTION_DIGITS {
        let digit = (rest % 10) as u8;
        if places == FRACTION_DIGITS && !text.is_empty() {
            text.push(b'.');
        }
        if digit > 0 || places >= FRACTION_DIGITS || !text.is_empty() {
            text.push(b'0' + digit);
        }
        rest /= 10;
        places += 1;
    }
    if value < 0 {
        text.push(b'-');
    }
    text.reverse();
    text
}

/// A float with so many digits behind the point (17 at most), rounded to even as C's `%f` does. Beyond
/// 2^53 the digits are those of the shortest decimal.
pub(crate) fn format_fixed(value: f64, places: u32) -> String {
    let mut text = String::new();
    let magnitude = value.abs();
    if magnitude >= (1u64 << 53) as f64 {
        text = float::print(value);
        text.push('.');
        text.extend((0..places).map(|_| '0'));
        return text;
    }
    let (fraction, exponent) =
        (magnitude.to_bits() % (1 << 52), (magnitude.to_bits() >> 52) as u32);
    let whole = if exponent == 0 { fraction } else { fraction + (1 << 52) };
    // The number is `whole` over 2 to the power of this.
    let below = 1075 - exponent.clamp(1, 1075);
    let scale = 10u128.pow(places.min(17));
    let scaled = u128::from(whole) * scale;
    let rounded = match (scaled.checked_shr(below), 1u128.checked_shl(below)) {
        (Some(down), Some(one)) if below > 0 => {
            let (rest, half) = (scaled & (one - 1), one / 2);
            down + u128::from(rest > half || rest == half && down % 2 == 1)
        }
        (Some(exact), _) if below == 0 => exact,
        _ => 0,
    };
    if value.is_sign_negative() {
        text.push('-');
    }
    text.push_str(itoa::Buffer::new().format((rounded / scale) as u64));
    text.push('.');
    let (mut rest, mut place) = (rounded % scale, scale / 10);
    while place > 0 {
        text.push(char::from(b'0' + (rest / place) as u8));
        rest %= place;
        place /= 10;
    }
    text
}

/// A float whose whole part fits is shown as a whole number, as far as this.
const WHOLE: f64 = (1u64 << 62) as f64;

/// A float as replies show it: the shortest digits that read back as the same number; where a whole
/// number doesn't do, by the rules of C's `%g` with other limits, which are those of Redis.
///
/// Source: what a Valkey 9.1 answers; its conversion is Loitsch's Grisu2 (PLDI 2010).
pub(crate) fn format_double(value: f64) -> Vec<u8> {
    let mut text = Vec::new();
    if !value.is_finite() {
        let name: &[u8] = match value.partial_cmp(&0.0) {
            Some(Ordering::Greater) => b"inf",
            Some(_) => b"-inf",
            None => b"nan",
        };
        text.extend_from_slice(name);
        return text;
    }
    if value.is_sign_negative() {
        text.push(b'-');
    }
    let magnitude = value.abs();
    if magnitude <= WHOLE && magnitude as u64 as f64 == magnitude {
        text.extend_from_slice(itoa::Buffer::new().format(magnitude as u64).as_bytes());
        return text;
    }
    let (digits, end) = float::digits(magnitude);
    let (len, exponent) = (digits.len() as i64, end - 1);
    let digit =
        |at: i64| usize::try_from(at).ok().and_then(|at| digits.get(at)).map_or(b'0', |d| b'0' + d);
    // How many places the last digit stands behind the point, or, negative, before it.
    let places = len - end;
    let plain = if places <= 0 { exponent < len + 7 } else { places < 7 || exponent.abs() < 4 };
    if plain {
        text.extend((0..end.max(1)).map(|at| digit(at + end.min(1) - 1)));
        if places > 0 {
            text.push(b'.');
            text.extend((end..len).map(digit));
        }
        return text;
    }
    text.push(digit(0));
    if len > 1 {
        text.push(b'.');
        text.extend((1..len).map(digit));
    }
    text.extend_from_slice(if exponent < 0 { b"e-" } else { b"e+" });
    text.extend_from_slice(itoa::Buffer::new().format(exponent.abs()).as_bytes());
    text
}

/// A float: the shortest text that reads back as the same number, without
/// exponent; `inf`, `-inf`, `nan`.
pub(crate) fn format_f64(value: f64) -> Vec<u8> {
    let text = if value.is_nan() {
        String::from("nan")
    } else if value.is_infinite() {
        String::from(if value > 0.0 { "inf" } else { "-inf" })
    } else {
        float::print(value)
    };
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(a: &str, b: &str) -> String {
        let sum = add_decimal(a.as_bytes(), b.as_bytes()).unwrap().unwrap();
        String::from_utf8(sum).unwrap()
    }

    #[test]
    fn integers_are_strict() {
        assert_eq!(parse_i64(b"0"), Some(0));
        assert_eq!(parse_i64(b"-9223372036854775808"), Some(i64::MIN));
        assert_eq!(parse_i64(b"9223372036854775807"), Some(i64::MAX));
        for bad in ["", "-", "-0", "+1", "01", " 1", "1 ", "9223372036854775808", "1e3"] {
            assert_eq!(parse_i64(bad.as_bytes()), None, "{bad:?}");
        }
    }

    #[test]
    fn doubles_are_shown_as_redis_shows_them() {
        for (value, shown) in [
            (1e17, "100000000000000000"),
            (1.2e19, "1.2e+19"),
            (12345678901234567890.0, "12345678901234567000"),
            (1234567890123456789012.0, "1234567890123456800000"),
            (1e20, "1e+20"),
            (-4611686018427388928.0, "-4611686018427389000"),
            (4611686018427387904.0, "4611686018427387904"),
            (0.1, "0.1"),
            (-0.25, "-0.25"),
            (-0.0, "-0"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (1.5e-7, "1.5e-7"),
            (0.00012, "0.00012"),
            (1.234e-4, "1.234e-4"),
            (0.00001234, "1.234e-5"),
            (123456.789, "123456.789"),
            (123456.123456789, "1.23456123456789e+5"),
            (17179869184.5, "17179869184.5"),
            (f64::MAX, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(String::from_utf8(format_double(value)).unwrap(), shown);
        }
    }

    #[test]
    fn places_behind_the_point_are_rounded_to_even() {
        for value in [0.0, -0.5, 0.125, 13.361389338970184, 1e-9, 179.99999999999997, 1e15, 2e-5] {
            for places in [0, 4, 6, 17] {
                let expected = alloc::format!("{value:.places$}");
                let shown = format_fixed(value, places as u32);
                assert_eq!(shown.strip_suffix('.').unwrap_or(&shown), expected);
            }
        }
        assert_eq!(format_fixed(1e20, 2), "100000000000000000000.00");
    }

    #[test]
    fn decimal_sums() {
        assert_eq!(sum("10.50", "0.1"), "10.6");
        assert_eq!(sum("1", "-1.1"), "-0.1");
        assert_eq!(sum("0.1", "0.2"), "0.3");
        assert_eq!(sum("5.0e3", "2.0e2"), "5200");
        assert_eq!(sum("17179869184", "1.5"), "17179869185.5");
        assert_eq!(sum("1", "-1"), "0");
        assert_eq!(sum("1e300", "1"), format_text(1e300));
        assert_eq!(add_decimal(b"1", b"x"), None);
        assert_eq!(add_decimal(b"1", b"inf"), Some(None));
    }

    fn format_text(value: f64) -> String {
        String::from_utf8(format_f64(value)).unwrap()
    }
}
