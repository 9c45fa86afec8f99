//! What the project needs on a machine: one table, read by set-up, by its check and by the
//! commands that use the tools. A version stands here, in `node/package.json` or in
//! `python/requirements.txt`, and nowhere else.

use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::paths;

/// What a tool is needed for, so that a command sets up no more than it uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Group {
    /// Formatting and clippy, for the wasm target too.
    Lint,
    /// The proof that the core needs nothing but core and alloc.
    NoStd,
    /// Building `pkg/`.
    Page,
    /// Building the Worker.
    Worker,
    /// Tests in Node and Python.
    Clients,
    /// The page in Chromium.
    Browser,
    /// Fuzzing.
    Fuzz,
    /// The storage layer's tests in Miri.
    Miri,
    /// The same under AddressSanitizer.
    Asan,
    /// Servers to compare with.
    Bench,
    /// The real server that Larder's answers are held against, and a clock to give it.
    Valkey,
}

/// One thing that a machine must have.
pub(crate) struct Tool {
    /// What it is called in the listing.
    pub(crate) name: &'static str,
    /// How it is looked for and installed.
    pub(crate) how: How,
    /// The groups that need it.
    pub(crate) groups: &'static [Group],
}

/// How a tool is looked for and installed.
#[derive(Clone, Copy)]
pub(crate) enum How {
    /// A Debian package, present when `probe` says so.
    Debian { package: &'static str, probe: Probe },
    /// A link to `redis-check-rdb` of redis-tools, which is a server when it is called one. The
    /// package redis-server adds nothing but this link and a service that would take our port.
    RedisServer,
    /// A compilation target of the current toolchain, by rustup.
    RustTarget,
    /// A component of the current toolchain, by rustup; it brings this program.
    RustComponent { program: &'static str },
    /// Another toolchain, by rustup.
    Toolchain,
    /// A component of the nightly toolchain, by rustup; it brings this file.
    NightlyComponent { file: &'static str },
    /// `python/requirements.txt` in a virtual environment.
    Python,
    /// `node/package-lock.json` in a directory of its own.
    Node,
    /// The link at the repository's root by which every test's imports find the Node packages.
    NodeLink,
    /// A crate with programs.
    Cargo { version: Version, program: &'static str, locked: bool },
}

/// How one sees that a Debian package is there without asking dpkg: the same program may have come
/// from elsewhere.
#[derive(Clone, Copy)]
pub(crate) enum Probe {
    /// This program is on `PATH`.
    Program(&'static str),
    /// `python3 -m venv` works, or its only user, this tool, is already installed.
    PythonVenv { only_for: &'static str },
    /// This program is on `PATH`, or its only user, this tool, is already installed.
    ProgramFor { program: &'static str, only_for: &'static str },
    /// The library that gives a process another clock is in one of its places.
    Faketime,
    /// This header is there, or its only user, this tool, is already installed.
    HeaderFor { header: &'static str, only_for: &'static str },
}

/// Where a crate's version is fixed.
#[derive(Clone, Copy)]
pub(crate) enum Version {
    /// Here.
    Pinned(&'static str),
    /// In `Cargo.lock`, under this crate: wasm-bindgen's program must match its library.
    AsLocked(&'static str),
}

/// Every tool, in the order of installation.
pub(crate) const TOOLS: &[Tool] = {
    use Group::{Asan, Bench, Browser, Clients, Fuzz, Lint, Miri, NoStd, Page, Valkey, Worker};
    use How::{
        Cargo, Debian, NightlyComponent, Node, NodeLink, Python, RedisServer, RustComponent,
        RustTarget, Toolchain,
    };
    const PYTHON: &str = "python packages";
    const WORKER_BUILD: &str = "worker-build";
    const NODE_USERS: &[Group] = &[Page, Worker, Clients, Browser];
    const PYTHON_USERS: &[Group] = &[Page, Worker, Clients, Browser, Bench, Valkey];
    &[
        Tool {
            name: "python3-venv",
            how: Debian { package: "python3-venv", probe: Probe::PythonVenv { only_for: PYTHON } },
            groups: PYTHON_USERS,
        },
        Tool {
            name: "pkg-config",
            how: Debian {
                package: "pkg-config",
                probe: Probe::ProgramFor { program: "pkg-config", only_for: WORKER_BUILD },
            },
            groups: &[Worker],
        },
        Tool {
            name: "libssl-dev",
            how: Debian {
                package: "libssl-dev",
                probe: Probe::HeaderFor { header: "openssl/ssl.h", only_for: WORKER_BUILD },
            },
            groups: &[Worker],
        },
        Tool {
            name: "c++ compiler",
            how: Debian { package: "g++", probe: Probe::Program("c++") },
            groups: &[Fuzz],
        },
        Tool {
            name: "redis-tools",
            how: Debian { package: "redis-tools", probe: Probe::Program("redis-benchmark") },
            groups: &[Clients, Bench],
        },
        Tool { name: "redis-server", how: RedisServer, groups: &[Clients, Bench] },
        Tool {
            name: "memcached",
            how: Debian { package: "memcached", probe: Probe::Program("memcached") },
            groups: &[Bench],
        },
        Tool {
            name: "libfaketime",
            how: Debian { package: "libfaketime", probe: Probe::Faketime },
            groups: &[Valkey],
        },
        Tool {
            name: "chromium",
            how: Debian { package: "chromium", probe: Probe::Program("chromium") },
            groups: &[Browser],
        },
        Tool { name: "rustfmt", how: RustComponent { program: "rustfmt" }, groups: &[Lint] },
        Tool { name: "clippy", how: RustComponent { program: "cargo-clippy" }, groups: &[Lint] },
        Tool { name: "wasm32-unknown-unknown", how: RustTarget, groups: &[Lint, Page, Worker] },
        Tool { name: "x86_64-unknown-none", how: RustTarget, groups: &[NoStd] },
        Tool { name: "nightly", how: Toolchain, groups: &[Fuzz, Miri, Asan] },
        Tool {
            name: "rust-src",
            how: NightlyComponent { file: "lib/rustlib/src/rust/library/core/Cargo.toml" },
            groups: &[Miri],
        },
        Tool { name: "miri", how: NightlyComponent { file: "bin/cargo-miri" }, groups: &[Miri] },
        Tool { name: PYTHON, how: Python, groups: PYTHON_USERS },
        Tool { name: "node packages", how: Node, groups: NODE_USERS },
        Tool { name: "node_modules", how: NodeLink, groups: NODE_USERS },
        Tool {
            name: "wasm-bindgen-cli",
            how: Cargo {
                version: Version::AsLocked("wasm-bindgen"),
                program: "wasm-bindgen",
                locked: false,
            },
            groups: &[Page, Worker],
        },
        Tool {
            name: "wasm-pack",
            how: Cargo { version: Version::Pinned("0.15.1"), program: "wasm-pack", locked: true },
            groups: &[Page],
        },
        Tool {
            name: WORKER_BUILD,
            how: Cargo { version: Version::Pinned("0.8.7"), program: "worker-build", locked: true },
            groups: &[Worker],
        },
        Tool {
            name: "cargo-fuzz",
            how: Cargo { version: Version::Pinned("0.13.2"), program: "cargo-fuzz", locked: true },
            groups: &[Fuzz],
        },
    ]
};

/// The tool of that name.
pub(crate) fn named(name: &str) -> Result<&'static Tool> {
    TOOLS.iter().find(|t| t.name == name).with_context(|| format!("no tool is called {name}"))
}

impl Tool {
    /// The directory that set-up installs it to, for those that it keeps itself.
    pub(crate) fn home(&self) -> Result<PathBuf> {
        let dir = match self.how {
            How::Python => format!("python-{}", digest("xtask/python/requirements.txt")?),
            How::Node => format!("node-{}", digest("xtask/node/package-lock.json")?),
            How::Cargo { version, .. } => format!("{}-{}", self.name, version.get()?),
            How::RedisServer => "redis-server".to_owned(),
            _ => bail!("{} is not ours to keep", self.name),
        };
        Ok(paths::tools()?.join(dir))
    }

    /// Where its programs are once it is installed, for those that set-up keeps itself.
    pub(crate) fn bin(&self) -> Result<PathBuf> {
        let within = if matches!(self.how, How::Node) { "node_modules/.bin" } else { "bin" };
        Ok(self.home()?.join(within))
    }
}

impl Version {
    /// The version itself.
    pub(crate) fn get(self) -> Result<String> {
        match self {
            Self::Pinned(version) => Ok(version.to_owned()),
            Self::AsLocked(name) => locked_version(name),
        }
    }
}

/// The version of a crate in `Cargo.lock`.
fn locked_version(name: &str) -> Result<String> {
    let text = fs::read_to_string(paths::root().join("Cargo.lock")).context("no Cargo.lock")?;
    let lock: toml::Table = text.parse().context("Cargo.lock is not TOML")?;
    let packages = lock.get("package").and_then(toml::Value::as_array);
    packages
        .into_iter()
        .flatten()
        .find(|p| p.get("name").and_then(toml::Value::as_str) == Some(name))
        .and_then(|p| p.get("version")?.as_str())
        .map(str::to_owned)
        .with_context(|| format!("Cargo.lock has no {name}, so its program's version is unknown"))
}

/// Eight hex digits that change when the file does.
fn digest(file: &str) -> Result<String> {
    let path = paths::root().join(file);
    let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut hasher = DefaultHasher::new();
    hasher.write(&bytes);
    Ok(format!("{:08x}", hasher.finish() >> 32))
}
