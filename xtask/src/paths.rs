//! Where things are: the repository, what is built, and what set-up installed.
//!
//! Installed tools live outside the repository, in `$LARDER_TOOLS`, `$XDG_CACHE_HOME/larder` or
//! `~/.cache/larder`, each in a directory that carries its version. So a second clone finds them,
//! two checkouts that want different versions don't fight, and `cargo clean` leaves them alone.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use anyhow::{Context, Result};

/// The repository's root.
pub(crate) fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        // At run time first: with a shared target directory, two checkouts share the binary.
        let xtask = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        xtask.parent().map_or_else(|| xtask.clone(), Path::to_path_buf)
    });
    &ROOT
}

/// Cargo's target directory.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// Our own corner of the target directory: logs, stamps, artifacts of tests. Made when missing.
pub(crate) fn scratch() -> Result<PathBuf> {
    made(target().join("xtask"))
}

/// Where tests leave screenshots and the like. Made when missing.
pub(crate) fn artifacts() -> Result<PathBuf> {
    made(scratch()?.join("artifacts"))
}

/// The directory under which set-up installs.
pub(crate) fn tools() -> Result<PathBuf> {
    let from = |name: &str| env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    from("LARDER_TOOLS")
        .or_else(|| from("XDG_CACHE_HOME").map(|dir| dir.join("larder")))
        .or_else(|| from("HOME").map(|dir| dir.join(".cache/larder")))
        .map(|dir| root().join(dir))
        .context("no place to install tools to: set LARDER_TOOLS or HOME")
}

/// The server as `cargo build --release` leaves it.
pub(crate) fn larder() -> PathBuf {
    target().join("release/larder")
}

/// The first executable file of that name on `PATH`.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|dir| dir.join(program)).find(|p| executable(p))
}

fn executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

fn made(dir: PathBuf) -> Result<PathBuf> {
    std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    Ok(dir)
}
