//! Commands as the project runs them: from the root, with our tools first on `PATH`, and without
//! what `cargo run` put into our own environment.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{paths, proc, setup, tools};

/// Variables that `cargo run` sets for us. A build below us that saw them would differ from the
/// same build by hand, and build scripts would run again each time we take turns.
const FROM_CARGO: &[&str] = &["CARGO", "CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH"];
const FROM_CARGO_PREFIX: &str = "CARGO_PKG_";

/// A program, run from the repository's root in the environment that we were started in.
pub(crate) fn plain(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(paths::root());
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if FROM_CARGO.contains(&&*text) || text.starts_with(FROM_CARGO_PREFIX) {
            command.env_remove(&name);
        }
    }
    if let Some(path) = library_path() {
        command.env("LD_LIBRARY_PATH", path);
    } else {
        command.env_remove("LD_LIBRARY_PATH");
    }
    command
}

/// Cargo, with these words.
pub(crate) fn cargo(words: &[&str]) -> Command {
    let mut command = plain("cargo");
    command.args(words);
    command
}

/// A program that finds what set-up installed, with the variables that tests may count on.
pub(crate) fn with_tools(program: impl AsRef<OsStr>) -> Result<Command> {
    let mut command = plain(program);
    command.envs(test_env()?).env("PATH", tool_path()?).env_remove("VIRTUAL_ENV");
    Ok(command)
}

/// The variables of `xtask/README.md`. What isn't installed has none.
fn test_env() -> Result<Vec<(&'static str, OsString)>> {
    let programs = [
        ("CHROMIUM", paths::on_path("chromium")),
        ("REDIS_CLI", paths::on_path("redis-cli")),
        ("REDIS_BENCHMARK", paths::on_path("redis-benchmark")),
        ("REDIS_SERVER", setup::redis_server()?),
        ("VALKEY_SERVER", setup::valkey_server()?),
    ];
    let mut vars = vec![
        ("LARDER_BIN", paths::larder().into_os_string()),
        ("LARDER_ARTIFACTS", paths::artifacts()?.into_os_string()),
        ("PYTHONDONTWRITEBYTECODE", "1".into()),
        ("PYTHONUNBUFFERED", "1".into()),
    ];
    // One that is set by hand wins: another browser, another Redis.
    vars.extend(programs.into_iter().filter_map(|(name, program)| {
        Some((name, env::var_os(name).or_else(|| program.map(PathBuf::into_os_string))?))
    }));
    Ok(vars)
}

/// `PATH` with the directories of our own tools first.
fn tool_path() -> Result<OsString> {
    let ours = tools::TOOLS.iter().filter_map(|tool| tool.bin().ok()).filter(|dir| dir.is_dir());
    let theirs = env::var_os("PATH").unwrap_or_default();
    Ok(env::join_paths(ours.chain(env::split_paths(&theirs)))?)
}

/// `LD_LIBRARY_PATH` without the target and toolchain directories that `cargo run` put first.
fn library_path() -> Option<OsString> {
    let path = env::var_os("LD_LIBRARY_PATH")?;
    let target = paths::target();
    let kept: Vec<_> = env::split_paths(&path)
        .filter(|dir| !dir.starts_with(&target) && !dir.to_string_lossy().contains("/toolchains/"))
        .collect();
    if kept.is_empty() { None } else { env::join_paths(kept).ok() }
}

/// Ends as this command, with our tools: its terminal, its signals, its exit status.
pub(crate) fn become_command(words: &[String]) -> Result<()> {
    let [program, rest @ ..] = words else { bail!("no command was given") };
    become_program(with_tools(program)?.args(rest))
}

/// Puts a program in our own place: what it is sent, it gets, and its exit status is ours.
pub(crate) fn become_program(command: &mut Command) -> Result<()> {
    proc::check_interrupted()?;
    let error = command.exec();
    Err(error).with_context(|| format!("cannot start `{}`", proc::describe(command)))
}
