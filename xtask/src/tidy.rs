//! `cargo xtask tidy`: what a reader trips over and no compiler says.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::job::Job;
use crate::{paths, proc, sh};

/// A Rust file with more lines than this has a reason, which stands in `LONG`.
const LINES: usize = 450;
/// Columns of a line of Rust. rustfmt keeps to fewer, but leaves comments and strings alone.
const COLUMNS: usize = 120;
/// Bytes of a file that git carries for ever.
const BYTES: u64 = 512 * 1024;

/// Long files, each with its reason.
const LONG: &[(&str, &str)] = &[];
/// Where `unsafe` may stand: small modules of the storage layer, and, by way of exception, what is
/// shared with the kernel (decision 10) and where the engine's chunks come from (decision 8).
const UNSAFE: &[&str] = &[
    "cache-core/src/keyspace/packed/prefetch.rs",
    "cache-core/src/keyspace/packed/shared.rs",
    "server/src/data/ring/kernel.rs",
    "server/src/heap.rs",
];
/// Marks of unfinished work. Split, so that this file has none itself.
const UNFINISHED: &[&str] =
    &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:"), concat!("db", "g!(")];
/// Macros that stand for code that isn't there.
const STUBS: &[&str] = &[concat!("to", "do!("), concat!("unimple", "mented!(")];
/// Endings of the files that people write.
const TEXT: &[&str] = &["rs", "toml", "js", "mjs", "ts", "py", "html", "css", "sh", "yml", "sql"];

/// Reads every file that git has or would take, and fails when something is amiss.
pub(crate) fn check(job: &mut Job) -> Result<()> {
    let list = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
    let files = proc::output(sh::plain("git").args(list))?;
    let mut amiss = Vec::new();
    for name in files.split_terminator('\0') {
        let path = paths::root().join(name);
        // One that was removed and not yet committed is still in the list.
        let Ok(meta) = path.symlink_metadata() else { continue };
        if meta.is_file() {
            check_file(name, &path, meta.len(), &mut amiss)?;
        }
    }
    for line in &amiss {
        job.say(line)?;
    }
    if amiss.is_empty() { Ok(()) } else { bail!("{} places are untidy", amiss.len()) }
}

fn check_file(name: &str, path: &Path, bytes: u64, amiss: &mut Vec<String>) -> Result<()> {
    if bytes > BYTES {
        amiss.push(format!(
            "{name}: {bytes} bytes, more than {BYTES}; generate it, or make it small"
        ));
    }
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    if !TEXT.contains(&&*ending) {
        return Ok(());
    }
    let text = fs::read_to_string(path).with_context(|| format!("{name} is not UTF-8"))?;
    let lines = text.lines().count();
    if ending == "rs" && lines > LINES && !LONG.iter().any(|(long, _)| *long == name) {
        amiss.push(format!("{name}: {lines} lines, more than {LINES}; divide it"));
    }
    for (at, line) in text.lines().enumerate() {
        for fault in faults(name, &ending, line) {
            amiss.push(format!("{name}:{}: {fault}", at + 1));
        }
    }
    Ok(())
}

/// What is wrong with one line.
fn faults(name: &str, ending: &str, line: &str) -> Vec<String> {
    let rust = ending == "rs";
    let mut faults = Vec::new();
    for word in UNFINISHED.iter().chain(if rust { STUBS } else { &[] }) {
        if line.contains(word) {
            faults.push(format!("`{word}`: finish it, or file an issue"));
        }
    }
    if line.ends_with([' ', '\t']) {
        faults.push("ends in blanks".to_owned());
    }
    if line.contains('\t') {
        faults.push("has a tab; use spaces".to_owned());
    }
    if rust && line.chars().count() > COLUMNS {
        faults.push(format!("longer than {COLUMNS} columns"));
    }
    if rust && uses_unsafe(line) && !UNSAFE.contains(&name) {
        faults.push("`unsafe` outside the modules that xtask/src/tidy.rs allows".to_owned());
    }
    faults
}

/// Whether the keyword stands in the code of a line.
fn uses_unsafe(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    let followed = [concat!("unsa", "fe {"), concat!("unsa", "fe fn"), concat!("unsa", "fe impl")];
    followed.iter().any(|words| code.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_found_and_only_they() {
        let of = |line: &str| faults("a.rs", "rs", line).len();
        assert_eq!(of("let x = 1; // unsafe would be wrong here"), 0);
        assert_eq!(of("#![deny(unsafe_code)]"), 0);
        assert_eq!(of(concat!("unsa", "fe { *p }")), 1);
        assert_eq!(of("let x = 1; "), 1);
        assert_eq!(of(concat!("// TO", "DO: more")), 1);
        assert_eq!(of(concat!("to", "do!()")), 1);
        assert_eq!(of(&"x".repeat(121)), 1);
    }
}
