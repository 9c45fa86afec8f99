//! `cargo xtask run`: from a clone to a server that answers.

use anyhow::Result;

use crate::job::Job;
use crate::{paths, sh, wasm};

/// Builds what is stale and becomes `larder serve`: Ctrl-C, signals and the exit status are its own.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let mut job = Job::on_terminal();
    wasm::PAGE.build(&mut job, false)?;
    build(&mut job)?;
    sh::become_program(sh::plain(paths::larder()).arg("serve").args(args))
}

/// Builds the server as it is shipped, with the page inside.
pub(crate) fn build(job: &mut Job) -> Result<()> {
    job.run(&mut sh::cargo(&["build", "--release", "--package", "larder"]))
}
