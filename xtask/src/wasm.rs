//! What is built to WebAssembly: the page's `pkg/` by wasm-pack and the Worker's `worker/build/`
//! by worker-build, both with the workspace's profile `wasm` and the same `wasm-opt`.

use std::ffi::OsStr;
use std::path::Path;
use std::{env, fs};

use anyhow::{Context, Result};

use crate::fresh::Stamp;
use crate::job::Job;
use crate::tools::{Group, named};
use crate::{imports, install, paths, proc, setup, sh};

/// Something built to WebAssembly.
pub(crate) struct Artifact {
    name: &'static str,
    group: Group,
    inputs: &'static [&'static str],
    wasm: &'static str,
    /// JavaScript that goes with it and is still as readable as it came.
    glue: Option<&'static str>,
    outputs: &'static [&'static str],
    build: fn(&mut Job, bool) -> Result<()>,
}

/// The page and the JavaScript library.
pub(crate) const PAGE: Artifact = Artifact {
    name: "page",
    group: Group::Page,
    inputs: &[
        "cache-core",
        "sim",
        "web",
        "Cargo.toml",
        "Cargo.lock",
        "xtask/node/package-lock.json",
    ],
    wasm: "pkg/larder_web_bg.wasm",
    glue: Some("pkg/larder_web.js"),
    outputs: &["pkg"],
    build: page,
};

/// The Cloudflare Worker.
pub(crate) const WORKER: Artifact = Artifact {
    name: "worker",
    group: Group::Worker,
    inputs: &["cache-core", "worker", "Cargo.toml", "Cargo.lock"],
    wasm: "worker/build/index_bg.wasm",
    glue: None,
    outputs: &["worker/build/index.js", "worker/build/index_bg.wasm"],
    build: worker_build,
};

/// For the fewest bytes after gzip, which isn't the same as the fewest: inlining takes 2.5 % off a
/// module and adds 6 % to what is downloaded; taking common expressions out, the other way about,
/// 0.6 % and 0.5 %. The Worker's glue catches traps, to begin anew after one, by exception handling.
const WASM_OPT: &[&str] = &[
    "-Oz",
    "--skip-pass=inlining-optimizing",
    "--skip-pass=local-cse",
    "--strip-producers",
    "--enable-exception-handling",
];

/// Between flags in `CARGO_ENCODED_RUSTFLAGS`.
const SEPARATOR: &str = "\x1f";

impl Artifact {
    /// Builds it, unless it is there already and nothing that it is made from has changed.
    /// With `dev` it is built quickly and comes out large.
    pub(crate) fn build(&self, job: &mut Job, dev: bool) -> Result<()> {
        setup::ensure(&[self.group])?;
        // This file's own text stands for how things are built.
        let how = format!("{dev} {}", include_str!("wasm.rs"));
        // What is edited during the build may be in it or not: it counts as not. So does what the
        // build itself adds to Cargo.lock, at the price of building once more.
        let stamp = Stamp::of(self.name, self.inputs, self.outputs, &how)?;
        if stamp.is_fresh() {
            return job.note("nothing has changed");
        }
        (self.build)(job, dev)?;
        if !dev {
            optimize(job, self.wasm)?;
            if let Some(glue) = self.glue {
                minify(job, self.wasm, glue)?;
            }
        }
        stamp.keep()
    }
}

fn page(job: &mut Job, dev: bool) -> Result<()> {
    // What an earlier build left would be embedded in the server.
    let pkg = paths::root().join("pkg");
    if pkg.exists() {
        fs::remove_dir_all(&pkg).context("cannot clear pkg/")?;
    }
    wasm_pack(job, dev)?;
    copy_assets()
}

/// Puts into `pkg/` what `web/assets.txt` lists.
fn copy_assets() -> Result<()> {
    let list = paths::root().join("web/assets.txt");
    let text = fs::read_to_string(&list).context("cannot read web/assets.txt")?;
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        let (from, to) = line
            .split_once(' ')
            .with_context(|| format!("web/assets.txt: `{line}` wants `FROM TO`"))?;
        let to = paths::root().join("pkg").join(to);
        let dir = to.parent().unwrap_or(&to);
        fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        fs::copy(paths::root().join(from), &to)
            .with_context(|| format!("web/assets.txt: cannot copy {from} to {}", to.display()))?;
    }
    Ok(())
}

fn wasm_pack(job: &mut Job, dev: bool) -> Result<()> {
    let mut command = sh::with_tools("wasm-pack")?;
    command.args(["build", "web", "--target", "web", "--out-dir", "../pkg"]);
    command.args(["--mode", "no-install", "--no-opt"]);
    if !dev {
        command.env("CARGO_ENCODED_RUSTFLAGS", flags()?);
    }
    job.run(command.args(profile(dev)))
}

fn worker_build(job: &mut Job, dev: bool) -> Result<()> {
    // Told where its tools are, it downloads none.
    let bindgen = named("wasm-bindgen-cli")?.bin()?.join("wasm-bindgen");
    let node = install::node_modules()?.join(".bin");
    let mut command = sh::with_tools("worker-build")?;
    command.current_dir(paths::root().join("worker"));
    command.env("WASM_BINDGEN_BIN", bindgen);
    command.env("ESBUILD_BIN", node.join("esbuild")).env("WASM_OPT_BIN", node.join("wasm-opt"));
    if !dev {
        command.env("CARGO_ENCODED_RUSTFLAGS", flags()?);
    }
    job.run(command.args(profile(dev)).arg("--no-opt"))
}

/// Flags for rustc beyond those that we were started with: where things lay on the machine that
/// built is nobody's business, takes room, and would differ from one machine to the next. Separated
/// as `CARGO_ENCODED_RUSTFLAGS` wants it.
fn flags() -> Result<String> {
    // What isn't downloaded yet has no directory.
    proc::output(&mut sh::cargo(&["fetch", "--target", "wasm32-unknown-unknown"]))?;
    let home = match env::var_os("CARGO_HOME") {
        Some(home) => paths::root().join(home),
        None => env::home_dir().context("there is no home directory")?.join(".cargo"),
    };
    let sysroot = proc::output(sh::plain("rustc").args(["--print", "sysroot"]))?;
    let std = Path::new(sysroot.trim()).join("lib/rustlib/src/rust");
    // Of several that fit, rustc takes the last.
    let mut renamed =
        vec![(home.clone(), "cargo"), (std, "rust"), (paths::root().to_path_buf(), "larder")];
    if let Ok(registries) = fs::read_dir(home.join("registry/src")) {
        for registry in registries {
            renamed.push((registry?.path(), "crates"));
        }
    }
    let given = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_else(|_| {
        let plain = env::var("RUSTFLAGS").unwrap_or_default();
        plain.split_ascii_whitespace().collect::<Vec<_>>().join(SEPARATOR)
    });
    let mut flags: Vec<String> =
        given.split(SEPARATOR).filter(|flag| !flag.is_empty()).map(str::to_owned).collect();
    for (from, to) in renamed {
        flags.push(format!("--remap-path-prefix={}={to}", from.display()));
    }
    Ok(flags.join(SEPARATOR))
}

fn profile(dev: bool) -> &'static [&'static str] {
    if dev { &["--dev"] } else { &["--profile", "wasm"] }
}

/// Replaces a file by what wasm-opt makes of it.
fn optimize(job: &mut Job, wasm: &str) -> Result<()> {
    let wasm = paths::root().join(wasm);
    let smaller = wasm.with_extension("smaller");
    let mut command = sh::with_tools("wasm-opt")?;
    job.run(command.args(WASM_OPT).arg(&wasm).arg("-o").arg(&smaller))?;
    fs::rename(&smaller, &wasm).with_context(|| format!("cannot replace {}", wasm.display()))
}

/// Gives a module and its glue short names for each other, and the glue no comments and no air.
fn minify(job: &mut Job, wasm: &str, glue: &str) -> Result<()> {
    let (wasm, glue) = (paths::root().join(wasm), paths::root().join(glue));
    let cannot = |path: &Path| format!("cannot read {}", path.display());
    let module = wasm.with_extension("js");
    let module = module.file_name().and_then(OsStr::to_str).context("a file without a name")?;
    let (short, text) = imports::shorten(
        &fs::read(&wasm).with_context(|| cannot(&wasm))?,
        &fs::read_to_string(&glue).with_context(|| cannot(&glue))?,
        &format!("./{module}"),
    )?;
    fs::write(&wasm, short).and_then(|()| fs::write(&glue, text)).context("cannot write pkg/")?;
    let mut command = sh::with_tools("esbuild")?;
    command.args(["--minify", "--format=esm", "--target=es2022", "--log-level=warning"]);
    let out = format!("--outfile={}", glue.display());
    job.run(command.arg(&glue).args([&out, "--allow-overwrite"]))
}
