//! The steps of `cargo xtask test`, in order.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::job::Job;
use crate::tools::Group;
use crate::{
    compat, crash, diff, fleet, fuzz, memory, paths, proc, serve, setup, sh, size, tidy, wasm,
};

/// One file of tests may take so long.
const FILE: Duration = Duration::from_secs(5 * 60);
/// A fuzz target runs so many seconds.
const FUZZ_SECONDS: u32 = 60;

/// One step.
pub(crate) struct Step {
    /// By which it is chosen and its log is called.
    pub(crate) name: &'static str,
    /// What it proves.
    pub(crate) about: &'static str,
    /// The tools that it needs.
    pub(crate) groups: &'static [Group],
    /// The steps without whose success it makes no sense.
    pub(crate) after: &'static [&'static str],
    /// Whether it runs tests, so that none at all is a failure.
    pub(crate) tests: bool,
    /// Does it.
    pub(crate) run: fn(&mut Job) -> Result<()>,
}

/// A step that runs no tests of its own.
const PLAIN: Step =
    Step { name: "", about: "", groups: &[], after: &[], tests: false, run: |_| Ok(()) };

/// Every step: quick ones first, and each after those that it needs.
pub(crate) const STEPS: &[Step] = &[
    Step {
        name: "tidy",
        about: "no unfinished work, long files or stray unsafe",
        run: tidy::check,
        ..PLAIN
    },
    Step {
        name: "fmt",
        about: "formatting",
        groups: &[Group::Lint],
        run: |job| job.run(&mut sh::cargo(&["fmt", "--all", "--check"])),
        ..PLAIN
    },
    Step {
        name: "clippy",
        about: "native crates without a warning",
        groups: &[Group::Lint],
        run: |job| clippy(job, &["--all-targets"]),
        ..PLAIN
    },
    Step {
        name: "clippy-wasm",
        about: "the page and the Worker without a warning",
        groups: &[Group::Lint],
        run: |job| {
            let target = ["--target", "wasm32-unknown-unknown"];
            clippy(job, &[&["-p", "larder-web", "-p", "larder-worker"], &target[..]].concat())
        },
        ..PLAIN
    },
    Step {
        name: "no-std",
        about: "the core builds where there is nothing but core and alloc",
        groups: &[Group::NoStd],
        run: |job| {
            let words = ["build", "-p", "cache-core", "--target", "x86_64-unknown-none"];
            job.run(&mut sh::cargo(&words))
        },
        ..PLAIN
    },
    Step {
        name: "web",
        about: "the page builds into pkg/",
        groups: &[Group::Page],
        run: |job| wasm::PAGE.build(job, false),
        ..PLAIN
    },
    Step {
        name: "native",
        about: "tests that run natively, those of the page and the Worker too",
        tests: true,
        run: |job| job.run(&mut sh::cargo(&["test", "--workspace", "--no-fail-fast"])),
        ..PLAIN
    },
    Step {
        name: "sim",
        about: "fleets of nodes under faults keep what they promise, some seeds",
        run: fleet::step,
        ..PLAIN
    },
    Step {
        name: "compat",
        about: "commands' metadata are Valkey's, and docs/compatibility.md is up to date",
        groups: &[Group::Valkey],
        run: |job| compat::run(job, true),
        ..PLAIN
    },
    Step {
        name: "diff",
        about: "half a million random commands are answered as Valkey answers them",
        groups: &[Group::Valkey],
        run: diff::step,
        ..PLAIN
    },
    Step {
        name: "following",
        about: "Larder and Valkey follow each other while connections break",
        groups: &[Group::Valkey],
        tests: true,
        run: |job| {
            let program = setup::valkey_server()?.context("there is no valkey-server")?;
            let words = ["test", "--package", "larder", "--test", "server", "following"];
            job.run(sh::cargo(&words).env("VALKEY_SERVER", program))
        },
        ..PLAIN
    },
    Step {
        name: "epoll",
        about: "the server's tests without io_uring",
        tests: true,
        run: |job| {
            let mut tests = sh::cargo(&["test", "--package", "larder", "--test", "server"]);
            job.run(tests.env("LARDER_TEST_OPTIONS", "--io-uring no"))
        },
        ..PLAIN
    },
    Step {
        name: "web-node",
        about: "the JavaScript library in Node",
        groups: &[Group::Clients],
        after: &["web"],
        tests: true,
        run: |job| files(job, "web/tests", &[".test.mjs"]),
    },
    Step {
        name: "server",
        about: "the server builds",
        after: &["web"],
        run: serve::build,
        ..PLAIN
    },
    Step {
        name: "crash",
        about: "what was safe is there after a kill, whenever it came",
        after: &["server"],
        run: |job| crash::run(job, &crash::Options { rounds: 30, seed: 1, program: None }),
        ..PLAIN
    },
    Step {
        name: "run",
        about: "with all built, `cargo xtask run` is up in 5 seconds and ends when asked to",
        after: &["web", "server"],
        run: serve::check_second_run,
        ..PLAIN
    },
    Step {
        name: "web-e2e",
        about: "the page in Chromium",
        groups: &[Group::Clients, Group::Browser],
        after: &["web", "server"],
        tests: true,
        run: |job| files(job, "web/tests", &[".e2e.mjs"]),
    },
    Step {
        name: "clients",
        about: "real clients against the server",
        groups: &[Group::Clients],
        after: &["server"],
        tests: true,
        run: |job| files(job, "server/tests/clients", &[".mjs", ".py"]),
    },
    Step {
        name: "worker",
        about: "the Worker builds into worker/build/",
        groups: &[Group::Worker],
        run: |job| wasm::WORKER.build(job, false),
        ..PLAIN
    },
    Step {
        name: "worker-node",
        about: "the Worker in workerd",
        groups: &[Group::Clients],
        after: &["worker"],
        tests: true,
        run: |job| files(job, "worker/tests", &[".test.mjs"]),
    },
    Step {
        name: "size",
        about: "gzipped sizes within the budgets",
        after: &["web", "worker"],
        run: size::check,
        ..PLAIN
    },
    Step {
        name: "miri",
        about: "the storage layer's unsafe code in Miri",
        groups: &[Group::Miri],
        tests: true,
        run: memory::miri,
        ..PLAIN
    },
    Step {
        name: "asan",
        about: "the storage layer and the server's ring under AddressSanitizer",
        groups: &[Group::Asan],
        tests: true,
        run: memory::asan,
        ..PLAIN
    },
    Step {
        name: "fuzz",
        about: "each fuzz target for a minute",
        groups: &[Group::Fuzz],
        run: |job| fuzz::run(job, None, FUZZ_SECONDS),
        ..PLAIN
    },
];

/// Clippy, with warnings as errors where the toolchain is the workspace's `rust-version`. A newer
/// one has lints that no one here has met, and they shall not fail a newcomer's first run.
fn clippy(job: &mut Job, words: &[&str]) -> Result<()> {
    let wanted = workspace_version()?;
    let has = proc::output(sh::plain("rustc").arg("--version"))?;
    let mut command = sh::cargo(&["clippy"]);
    command.args(words);
    if has.split(' ').nth(1).is_some_and(|v| v == wanted || v.starts_with(&format!("{wanted}."))) {
        command.args(["--", "-Dwarnings"]);
    } else {
        job.remark(&format!("not with {wanted} but {}: warnings are no errors", has.trim()));
    }
    job.run(&mut command)
}

/// `rust-version` of the workspace, such as 1.95.
fn workspace_version() -> Result<String> {
    let text = std::fs::read_to_string(paths::root().join("Cargo.toml"))?;
    let manifest: toml::Table = text.parse().context("Cargo.toml is not TOML")?;
    let version = || manifest.get("workspace")?.get("package")?.get("rust-version")?.as_str();
    version().map(str::to_owned).context("Cargo.toml has no workspace.package.rust-version")
}

/// Runs every file of tests in a directory, one after the other, also after one has failed.
fn files(job: &mut Job, dir: &str, endings: &[&str]) -> Result<()> {
    let files = find(dir, endings)?;
    if files.is_empty() {
        bail!("no tests in {dir}: nothing there ends in {}", endings.join(" or "));
    }
    let mut failed = Vec::new();
    for file in files {
        if let Err(error) = one_file(job, &file) {
            proc::check_interrupted()?;
            job.note(&format!("{error:#}"))?;
            failed.push(file.display().to_string());
        }
        let strays = proc::end_strays();
        if !strays.is_empty() {
            job.note(&format!("ended what it left running: {}", strays.join(", ")))?;
        }
    }
    if failed.is_empty() { Ok(()) } else { bail!("failed: {}", failed.join(", ")) }
}

fn one_file(job: &mut Job, file: &Path) -> Result<()> {
    let mut command = if file.extension().is_some_and(|e| e == "py") {
        sh::with_tools("python")?
    } else {
        let mut node = sh::with_tools("node")?;
        node.args(["--test", "--test-reporter=spec"]);
        node
    };
    job.run_within(FILE, command.arg(file))?;
    // A script says nothing that could be counted; it counts as one test.
    if file.extension().is_some_and(|e| e == "py") { job.note("# pass 1") } else { Ok(()) }
}

/// The files of a directory with one of these endings, sorted; helpers begin with `_`.
fn find(dir: &str, endings: &[&str]) -> Result<Vec<PathBuf>> {
    let mut found: Vec<_> = std::fs::read_dir(paths::root().join(dir))
        .with_context(|| format!("no tests: there is no directory {dir}"))?
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('_') && endings.iter().any(|e| name.ends_with(e)))
        .map(|name| Path::new(dir).join(name))
        .collect();
    found.sort();
    Ok(found)
}
