//! The storage layer's tests where its unsafe code can't cheat: in Miri, and under AddressSanitizer.

use anyhow::{Context, Result};

use crate::job::Job;
use crate::{paths, proc, sh};

/// What the tests' names begin with.
const TESTS: &str = "keyspace::packed";

/// An interpreter that knows which pointer may go where; long tests make do with little there.
pub(crate) fn miri(job: &mut Job) -> Result<()> {
    let words = ["+nightly", "miri", "test", "-p", "cache-core", "--lib", TESTS];
    // The property tests draw their seeds from the system.
    job.run(sh::cargo(&words).env("MIRIFLAGS", "-Zmiri-disable-isolation"))
}

/// Machine code that looks before each access.
pub(crate) fn asan(job: &mut Job) -> Result<()> {
    // With a target given, build scripts are left as they are.
    let about = proc::output(sh::plain("rustc").arg("-vV"))?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("rustc doesn't say what it runs on")?;
    let words = ["+nightly", "test", "-p", "cache-core", "--lib", TESTS, "--target", host];
    let mut command = sh::cargo(&words);
    command.arg("--target-dir").arg(paths::target().join("asan"));
    job.run(command.env("RUSTFLAGS", "-Zsanitizer=address"))
}
