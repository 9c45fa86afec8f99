//! `cargo xtask size`: what a visitor downloads, gzipped, against the budgets of `budgets.toml`.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use anyhow::{Context, Result, bail};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::job::Job;
use crate::paths;

/// Prints the table, into the job's log as well, and fails when a budget is passed.
pub(crate) fn check(job: &mut Job) -> Result<()> {
    let path = paths::root().join("xtask/budgets.toml");
    let text = fs::read_to_string(&path).context("cannot read xtask/budgets.toml")?;
    let budgets: toml::Table = text.parse().context("xtask/budgets.toml is not TOML")?;
    let mut over = Vec::new();
    for (name, entry) in &budgets {
        let (budget, goal, files) = parse(entry).with_context(|| {
            format!(
                "xtask/budgets.toml: [{name}] wants `gzipped = BYTES`, `goal = BYTES` and \
                 `files = [PATH, ...]`"
            )
        })?;
        let mut sum = 0;
        for file in files {
            let (raw, gzipped) = weigh(&paths::root().join(file))?;
            sum += gzipped;
            job.say(&format!("{name:<8} {file:<32} {raw:>9} bytes, {gzipped:>8} gzipped"))?;
        }
        let share = 100 * sum / budget.max(1);
        let head = format!("{name:<8} {:<32} {sum:>9} gzipped", "together");
        job.say(&format!("{head}, {share} % of the budget of {budget}; goal {goal}"))?;
        if sum > budget {
            over.push(format!("{name} by {} bytes", sum - budget));
        }
    }
    if !over.is_empty() {
        bail!("past the budget of xtask/budgets.toml: {}", over.join(", "))
    }
    Ok(())
}

/// The budget, the goal and the files.
fn parse(entry: &toml::Value) -> Option<(u64, u64, Vec<&str>)> {
    let bytes = |key| u64::try_from(entry.get(key)?.as_integer()?).ok();
    let files = entry.get("files")?.as_array()?.iter().map(toml::Value::as_str);
    Some((bytes("gzipped")?, bytes("goal")?, files.collect::<Option<_>>()?))
}

/// The size of a file, or of all files below a directory: as it is, and each after `gzip -9`.
fn weigh(path: &Path) -> Result<(u64, u64)> {
    let cannot = || format!("{} is not built", path.display());
    if !path.is_dir() {
        return Ok((path.metadata().with_context(cannot)?.len(), gzipped(path)?));
    }
    let mut sum = (0, 0);
    for entry in fs::read_dir(path).with_context(cannot)? {
        let (raw, gzipped) = weigh(&entry?.path())?;
        sum = (sum.0 + raw, sum.1 + gzipped);
    }
    Ok(sum)
}

/// The size of a file after `gzip -9`.
fn gzipped(path: &Path) -> Result<u64> {
    struct Count(u64);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len() as u64;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut encoder = GzEncoder::new(Count(0), Compression::best());
    io::copy(&mut File::open(path)?, &mut encoder)
        .with_context(|| format!("cannot read {}", path.display()))?;
    Ok(encoder.finish()?.0)
}
