//! Numbers with fractions as text.
//!
//! JavaScript's own conversions: Rust's would bring 20 KB of code and tables.

use js_sys::Number;

/// With so many places behind the point.
pub(crate) fn fixed(value: f64, places: u8) -> String {
    Number::from(value).to_fixed(places).map_or_else(|_| String::new(), String::from)
}

/// With as many places as there are.
pub(crate) fn number(value: f64) -> String {
    Number::from(value).to_string_with_radix(10).map_or_else(|_| String::new(), String::from)
}
