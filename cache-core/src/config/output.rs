//! When unread output closes a client.

use super::parse_memory;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// When unread output closes a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutputLimit {
    /// Bytes at which it is closed at once; 0 never.
    pub hard: u64,
    /// Bytes that it may not pass for longer than `soft_secs`; 0 never.
    pub soft: u64,
    /// Seconds.
    pub soft_secs: u64,
}

/// Classes of clients with an output limit of their own, in the order of the directive.
const CLASSES: [(&str, &str); 3] =
    [("normal", "normal"), ("slave", "replica"), ("pubsub", "pubsub")];

pub(super) fn parse_output_limits(
    mut limits: [OutputLimit; 3],
    value: &str,
) -> Result<[OutputLimit; 3], String> {
    let words: Vec<&str> = value.split_ascii_whitespace().collect();
    if words.is_empty() || !words.len().is_multiple_of(4) {
        return Err("Wrong number of arguments in buffer limit configuration.".into());
    }
    for group in words.chunks_exact(4) {
        let class = CLASSES
            .iter()
            .position(|(old, new)| {
                old.eq_ignore_ascii_case(group[0]) || new.eq_ignore_ascii_case(group[0])
            })
            .ok_or("Invalid client class specified in buffer limit configuration.")?;
        let parsed = (parse_memory(group[1]), parse_memory(group[2]), group[3].parse::<u64>());
        let (Some(hard), Some(soft), Ok(soft_secs)) = parsed else {
            return Err(
                "Error in hard, soft or soft_seconds setting in buffer limit configuration.".into(),
            );
        };
        limits[class] = OutputLimit { hard: hard as u64, soft: soft as u64, soft_secs };
    }
    Ok(limits)
}

pub(super) fn show_output_limits(limits: &[OutputLimit; 3]) -> String {
    let shown: Vec<String> = CLASSES
        .iter()
        .zip(limits)
        .map(|((name, _), l)| format!("{name} {} {} {}", l.hard, l.soft, l.soft_secs))
        .collect();
    shown.join(" ")
}
