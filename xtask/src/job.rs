//! Where the commands of a job speak to: our own terminal, or a log with a living line above it.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::ui::Progress;
use crate::{paths, proc};

/// One command of a job may take so long, unless it says otherwise.
const LIMIT: Duration = Duration::from_secs(40 * 60);

/// A job: one or more commands.
pub(crate) struct Job {
    log: Option<(PathBuf, Progress)>,
    remark: String,
}

impl Job {
    /// A job whose commands speak to our terminal.
    pub(crate) fn on_terminal() -> Self {
        Self { log: None, remark: String::new() }
    }

    /// A job whose commands write to `target/xtask/NAME.log`, begun anew.
    pub(crate) fn logged(name: &str) -> Result<Self> {
        let path = paths::scratch()?.join(format!("{}.log", name.replace(' ', "-")));
        File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { log: Some((path, Progress::start(name))), remark: String::new() })
    }

    /// Runs a command to its end.
    pub(crate) fn run(&mut self, command: &mut Command) -> Result<()> {
        self.run_within(LIMIT, command)
    }

    /// Runs a command, which is ended when it takes longer.
    pub(crate) fn run_within(&mut self, limit: Duration, command: &mut Command) -> Result<()> {
        self.note(&format!("$ {}", proc::describe(command)))?;
        match &mut self.log {
            None => proc::run(command),
            Some((path, progress)) => {
                let tick = |gone, last: &dyn Fn() -> String| progress.tick(gone, last);
                proc::run_logged(command, path, limit, tick)
            }
        }
    }

    /// Puts a line into the log. A terminal is not told: what runs there speaks for itself.
    pub(crate) fn note(&mut self, line: &str) -> Result<()> {
        if let Some((path, _)) = &self.log {
            let mut file = File::options().append(true).open(path)?;
            writeln!(file, "{line}").with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }

    /// Puts a line where the job's output goes.
    pub(crate) fn say(&mut self, line: &str) -> Result<()> {
        if self.log.is_none() {
            println!("{line}");
        }
        self.note(line)
    }

    /// Keeps a word for the line that tells how it ended.
    pub(crate) fn remark(&mut self, text: &str) {
        text.clone_into(&mut self.remark);
    }

    /// The log, when there is one.
    pub(crate) fn log(&self) -> Option<&Path> {
        self.log.as_ref().map(|(path, _)| path.as_path())
    }

    /// Says how it ended.
    pub(crate) fn finish(self, ending: &str, detail: &str) {
        if let Some((_, progress)) = self.log {
            progress.finish(ending, format!("{detail}  {}", self.remark).trim());
        }
    }
}
