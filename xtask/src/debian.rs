//! System packages: how one sees that they are there, and their installation by apt, all at once
//! and without starting a service.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::job::Job;
use crate::tools::{How, Probe, Tool, named};
use crate::{install, paths, proc, setup, sh};

/// A program that Debian's packages ask before they start a service.
const POLICY: &str = "/usr/sbin/policy-rc.d";
/// What `POLICY` says to forbid it.
const FORBID: &str = "#!/bin/sh\nexit 101\n";

impl Probe {
    /// Whether the package is there.
    pub(crate) fn passes(self) -> Result<bool> {
        let unneeded = |by: &str| named(by).and_then(install::is_whole).unwrap_or(false);
        Ok(match self {
            Self::Program(program) => paths::on_path(program).is_some(),
            Self::ProgramFor { program, only_for } => {
                paths::on_path(program).is_some() || unneeded(only_for)
            }
            Self::HeaderFor { header, only_for } => {
                Path::new("/usr/include").join(header).exists() || unneeded(only_for)
            }
            Self::Faketime => setup::faketime().is_some(),
            Self::PythonVenv { only_for } => {
                unneeded(only_for)
                    || proc::output(sh::plain("python3").args(["-c", "import venv, ensurepip"]))
                        .is_ok()
            }
        })
    }
}

/// The command that installs these packages, as one would type it.
pub(crate) fn apt_line(packages: &[&str]) -> String {
    format!("apt-get install --no-install-recommends -y {}", packages.join(" "))
}

/// Installs the Debian packages among these tools, or says which command would.
pub(crate) fn install(tools: &[&Tool]) -> Result<()> {
    let packages: Vec<&str> = tools
        .iter()
        .filter_map(|t| if let How::Debian { package, .. } = t.how { Some(package) } else { None })
        .collect();
    if packages.is_empty() {
        return Ok(());
    }
    let line = apt_line(&packages);
    if paths::on_path("apt-get").is_none() {
        bail!("not a Debian system: please install by its own means {}", packages.join(", "));
    }
    if !rustix::process::geteuid().is_root() {
        bail!(
            "system packages are missing and we aren't root; please run\n\n    \
             sudo apt-get update && sudo {line}\n"
        );
    }
    let _quiet = NoServices::begin()?;
    let mut job = Job::logged("system packages")?;
    let done = ["apt-get update", &line].iter().try_for_each(|line| {
        let mut words = line.split(' ');
        let mut command = sh::plain(words.next().unwrap_or_default());
        job.run(command.args(words).env("DEBIAN_FRONTEND", "noninteractive"))
    });
    job.finish(if done.is_ok() { "ready" } else { "FAILED" }, &packages.join(", "));
    done.context("see target/xtask/system-packages.log")
}

/// While it lives, packages start no services, unless the machine's owner has a policy already.
struct NoServices {
    ours: bool,
}

impl NoServices {
    fn begin() -> Result<Self> {
        let ours = !Path::new(POLICY).exists();
        if ours {
            fs::write(POLICY, FORBID)
                .and_then(|()| fs::set_permissions(POLICY, fs::Permissions::from_mode(0o755)))
                .with_context(|| format!("cannot write {POLICY}"))?;
        }
        Ok(Self { ours })
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if self.ours {
            // Left behind, it would be found by the next reader of a log; there is no one to tell.
            let _ = fs::remove_file(POLICY);
        }
    }
}
