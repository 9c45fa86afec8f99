//! Tests of what has unsafe code, where it can't cheat: the storage layer in Miri, and it and the
//! server's ring under AddressSanitizer. Miri knows no io_uring.

use anyhow::{Context, Result};

use crate::job::Job;
use crate::{paths, proc, sh};

/// What the storage layer's tests' names begin with.
const STORAGE: &str = "keyspace::packed";
/// And the ring's.
const RING: &str = "data::ring";

/// An interpreter that knows which pointer may go where; long tests make do with little there.
pub(crate) fn miri(job: &mut Job) -> Result<()> {
    let words = ["+nightly", "miri", "test", "-p", "cache-core", "--lib", STORAGE];
    // The property tests draw their seeds from the system.
    job.run(sh::cargo(&words).env("MIRIFLAGS", "-Zmiri-disable-isolation"))
}

/// Machine code that looks before each access.
pub(crate) fn asan(job: &mut Job) -> Result<()> {
    // With a target given, build scripts are left as they are.
    let about = proc::output(sh::plain("rustc").arg("-vV"))?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("rustc doesn't say what it runs on")?;
    let under = |job: &mut Job, tests: &[&str]| {
        let mut command = sh::cargo(&[&["+nightly", "test", "--target", host], tests].concat());
        command.arg("--target-dir").arg(paths::target().join("asan"));
        // What the kernel was lent is leaked on purpose.
        command.env("ASAN_OPTIONS", "detect_leaks=0");
        job.run(command.env("RUSTFLAGS", "-Zsanitizer=address"))
    };
    under(job, &["-p", "cache-core", "--lib", STORAGE])?;
    under(job, &["-p", "larder", "--bin", "larder", RING])?;
    // What clients do to the ring.
    under(job, &["-p", "larder", "--test", "server"])
}
