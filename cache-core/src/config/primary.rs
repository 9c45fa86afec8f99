//! `replicaof`: the primary that a node follows.

use super::{Config, Id, Setting};
use alloc::format;
use alloc::string::{String, ToString};

impl Config {
    /// Shows whom the node follows from now on: `host port`, or nobody.
    pub(crate) fn note_replicaof(&mut self, primary: &str) {
        self.settings[Id::Replicaof as usize] = Setting::Text(primary.to_string());
    }
}

/// Reads `host port`, or nobody.
pub(super) fn parse(text: &str) -> Option<String> {
    let mut words = text.split_ascii_whitespace();
    match (words.next(), words.next(), words.next()) {
        (None, ..) => Some(String::new()),
        (Some(no), Some(one), None)
            if no.eq_ignore_ascii_case("no") && one.eq_ignore_ascii_case("one") =>
        {
            Some(String::new())
        }
        (Some(host), Some(port), None) => {
            let port: u16 = port.parse().ok()?;
            Some(format!("{host} {port}"))
        }
        _ => None,
    }
}
