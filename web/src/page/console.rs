//! What a line typed at the cache's console means, and what could follow what is typed so far.
//!
//! Names, arguments and summaries are read from the engine's own command table.

use cache_core::commands::{self, Spec};
use cache_core::protocol::words;
use std::fmt::Write;

/// A line typed at the cache's console.
pub(crate) enum Entered {
    Nothing,
    Clear,
    Help(String),
    Command(Vec<Vec<u8>>),
}

/// Reads a line as redis-cli does.
pub(crate) fn parse(line: &str) -> Result<Entered, String> {
    let words = words::split(line.as_bytes())
        .map_err(|_| "Invalid argument(s): a quote is not closed".to_owned())?;
    Ok(match words.first() {
        None => Entered::Nothing,
        Some(word) if word.eq_ignore_ascii_case(b"clear") => Entered::Clear,
        Some(word) if word.eq_ignore_ascii_case(b"help") => {
            Entered::Help(help(&String::from_utf8_lossy(&words[1..].join(&b'|'))))
        }
        Some(_) => Entered::Command(words),
    })
}

fn help(name: &str) -> String {
    if let Some(spec) = commands::find(name.as_bytes()) {
        let title = title(spec);
        return format!(
            "{title} {}\n{}\nSince {}, {}.",
            spec.syntax, spec.summary, spec.since, spec.complexity
        );
    }
    let mut text =
        String::from("help COMMAND tells about one of these; clear empties this console.\n");
    let mut width = 0;
    for spec in commands::all().filter(|spec| spec.container().is_none()) {
        let title = title(spec);
        if width + title.len() > 68 {
            text.push('\n');
            width = 0;
        }
        width += title.len() + 2;
        let _ = write!(text, "{title}  ");
    }
    text
}

/// A command's name as one types it.
fn title(spec: &Spec) -> String {
    spec.name.replace('|', " ").to_ascii_uppercase()
}

/// What is known of the command that a line begins with: the row of the longest name it has.
pub(crate) fn hint(line: &str) -> Option<(String, &'static str)> {
    let mut typed = line.split_ascii_whitespace();
    let first = typed.next()?;
    let sub =
        typed.next().and_then(|second| commands::find(format!("{first}|{second}").as_bytes()));
    let spec = sub.or_else(|| commands::find(first.as_bytes()))?;
    Some((format!("{} {}", title(spec), spec.syntax), spec.summary))
}

/// Names that what is typed could become, the first the one that Tab chooses.
pub(crate) fn completions(line: &str) -> impl Iterator<Item = String> {
    let typed = line.to_ascii_uppercase();
    let wanted = !typed.trim().is_empty();
    commands::all()
        .map(title)
        .filter(move |title| wanted && title.len() > typed.len() && title.starts_with(&typed))
}
