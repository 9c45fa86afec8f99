//! When data are saved, and how a server ends.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// A snapshot is made when so much time has passed since the last one, and so much has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SavePoint {
    /// Seconds.
    pub secs: u64,
    /// Changes.
    pub changes: u64,
}

/// How the server is to be ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShutdownWish {
    /// Save, or don't; when nothing is said, save if `save` has save points.
    pub save: Option<bool>,
    /// Don't wait for clients to take their replies.
    pub now: bool,
    /// End even when nothing could be saved.
    pub force: bool,
}

impl ShutdownWish {
    /// Reads `default`, or words of `save`, `nosave`, `now` and `force`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut wish = ShutdownWish::default();
        let mut words = 0;
        for word in text.split_ascii_whitespace() {
            words += 1;
            match word.to_ascii_lowercase().as_str() {
                "default" => {}
                "save" if wish.save != Some(false) => wish.save = Some(true),
                "nosave" if wish.save != Some(true) => wish.save = Some(false),
                "now" => wish.now = true,
                "force" => wish.force = true,
                _ => return None,
            }
        }
        (words > 0).then_some(wish)
    }

    pub(super) fn show(self) -> String {
        let save = match self.save {
            None => "",
            Some(true) => "save",
            Some(false) => "nosave",
        };
        let words =
            [save, if self.now { "now" } else { "" }, if self.force { "force" } else { "" }];
        let said: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        if said.is_empty() { String::from("default") } else { said.join(" ") }
    }
}

/// Pairs that `save` takes.
const SAVE_POINTS_LIMIT: usize = 64;

/// Reads `3600 1 300 100`; nothing is no points.
pub(super) fn parse_save_points(value: &str) -> Option<Vec<SavePoint>> {
    let words: Vec<u64> = value
        .split_ascii_whitespace()
        .map(|word| crate::numbers::parse_i64(word.as_bytes()).and_then(|n| n.try_into().ok()))
        .collect::<Option<_>>()?;
    let points = words.chunks_exact(2).map(|pair| SavePoint { secs: pair[0], changes: pair[1] });
    let points: Vec<SavePoint> = points.collect();
    let fits = words.len().is_multiple_of(2) && points.len() <= SAVE_POINTS_LIMIT;
    (fits && points.iter().all(|point| point.secs > 0)).then_some(points)
}

pub(super) fn show_save_points(points: &[SavePoint]) -> String {
    let shown: Vec<String> = points.iter().map(|p| format!("{} {}", p.secs, p.changes)).collect();
    shown.join(" ")
}
