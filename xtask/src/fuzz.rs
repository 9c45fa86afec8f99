//! `cargo xtask fuzz`: cargo-fuzz over the targets of `cache-core/fuzz`, each for a bounded time.
//!
//! It needs a nightly toolchain, for the sanitizers. What a run finds worth keeping goes to
//! `corpus/TARGET` (ignored by git); what people wrote is in `seeds/TARGET`.

use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::job::Job;
use crate::tools::Group;
use crate::{paths, setup, sh};

/// Where cargo-fuzz's crate is.
const DIR: &str = "cache-core/fuzz";
/// An input that takes longer, in seconds, is a finding.
const ONE_INPUT: u32 = 10;
/// An input that takes more memory, in megabytes, is a finding.
const MEMORY: u32 = 2048;
/// What building may take beside the fuzzing.
const BUILD: Duration = Duration::from_secs(20 * 60);

/// Fuzzes one target or all of them, each for so many seconds.
pub(crate) fn run(job: &mut Job, only: Option<&str>, seconds: u32) -> Result<()> {
    setup::ensure(&[Group::Fuzz])?;
    let all = targets()?;
    let chosen: Vec<_> = all.iter().filter(|t| only.is_none_or(|only| only == *t)).collect();
    if chosen.is_empty() {
        bail!("no fuzz target {}; there are: {}", only.unwrap_or_default(), all.join(", "));
    }
    for target in chosen {
        let corpus = format!("{DIR}/corpus/{target}");
        let seeds = format!("{DIR}/seeds/{target}");
        let root = paths::root();
        std::fs::create_dir_all(root.join(&corpus)).context("cannot make the corpus")?;
        let mut command = sh::with_tools("cargo")?;
        command.args(["+nightly", "fuzz", "run", "--fuzz-dir", DIR, target, &corpus]);
        if root.join(&seeds).is_dir() {
            command.arg(seeds);
        }
        command.args(["--", "-print_final_stats=1"]);
        command.arg(format!("-max_total_time={seconds}"));
        command.arg(format!("-timeout={ONE_INPUT}")).arg(format!("-rss_limit_mb={MEMORY}"));
        let limit = BUILD + Duration::from_secs(seconds.into());
        job.run_within(limit, &mut command).with_context(|| format!("fuzz target {target}"))?;
    }
    Ok(())
}

fn targets() -> Result<Vec<String>> {
    let dir = paths::root().join(DIR).join("fuzz_targets");
    let mut names: Vec<_> = std::fs::read_dir(&dir)
        .with_context(|| format!("no fuzz targets in {DIR}/fuzz_targets"))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "rs"))
        .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    Ok(names)
}
