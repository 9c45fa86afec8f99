//! `cargo xtask test`: runs the steps, all of them, also after one has failed, and sums up.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Result, bail};

use crate::job::Job;
use crate::steps::{STEPS, Step};
use crate::tools::Group;
use crate::{proc, setup};

/// What setting up is called in the summary.
const SETUP: &str = "setup";
/// How lines begin that aren't shown.
const DULL: &[&str] = &["Compiling ", "Checking ", "Downloading ", "Downloaded "];
/// So many lines of a failed step's log are shown.
const SHOWN: usize = 60;

/// Which steps to run.
pub(crate) struct Choice {
    /// Only these and what they need; all when empty.
    pub(crate) only: Vec<String>,
    /// Not these.
    pub(crate) skip: Vec<String>,
}

/// Prints the steps' names.
pub(crate) fn list() {
    for step in STEPS {
        println!("{:<14} {}", step.name, step.about);
    }
}

/// Runs them. Gives whether all went well.
pub(crate) fn run(choice: &Choice) -> Result<bool> {
    let steps = choice.steps()?;
    let groups: Vec<Group> = steps.iter().flat_map(|s| s.groups).copied().collect();
    let mut failed = BTreeSet::new();
    if let Err(error) = set_up(&groups) {
        proc::check_interrupted()?;
        println!("{SETUP:<14} FAILED  {error:#}");
        failed.insert(SETUP);
    }
    for step in &steps {
        if !one(step, &failed)? {
            failed.insert(step.name);
        }
    }
    if !failed.is_empty() {
        let names: Vec<_> = failed.iter().copied().collect();
        println!("\nfailed: {} (logs in target/xtask)", names.join(", "));
    }
    // Setting up counts as a step.
    println!("{} passed, {} failed", 1 + steps.len() - failed.len(), failed.len());
    Ok(failed.is_empty())
}

/// Installs what all the steps need, at once. What can't be had fails the steps that need it, and
/// no others.
fn set_up(groups: &[Group]) -> Result<()> {
    if groups.is_empty() { Ok(()) } else { setup::ensure(groups) }
}

impl Choice {
    fn steps(&self) -> Result<Vec<&'static Step>> {
        for name in self.only.iter().chain(&self.skip) {
            if !STEPS.iter().any(|s| s.name == name) {
                bail!("no step is called {name}; `cargo xtask test --list` tells their names");
            }
        }
        let mut wanted: BTreeSet<&str> = self.only.iter().map(String::as_str).collect();
        // Steps stand after what they need, so that backwards once is enough.
        for step in STEPS.iter().rev() {
            if self.only.is_empty() || wanted.contains(step.name) {
                wanted.insert(step.name);
                wanted.extend(step.after);
            }
        }
        let skipped = |step: &Step| self.skip.iter().any(|name| name == step.name);
        Ok(STEPS.iter().filter(|s| wanted.contains(s.name) && !skipped(s)).collect())
    }
}

/// Runs a step; gives whether it went well. Fails only when we were told to end.
fn one(step: &Step, failed: &BTreeSet<&str>) -> Result<bool> {
    let mut job = Job::logged(step.name)?;
    let done = match step.after.iter().find(|name| failed.contains(*name)) {
        Some(before) => Err(anyhow::anyhow!("not run, since {before} failed")),
        None => (step.run)(&mut job),
    };
    proc::end_strays();
    proc::check_interrupted()?;
    let log = job.log().map(Path::to_path_buf).unwrap_or_default();
    let text = fs::read(&log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let tests = count(&text);
    let done =
        done.and_then(|()| if step.tests && tests == 0 { bail!("it ran no test") } else { Ok(()) });
    match done {
        Ok(()) => {
            job.finish("ok", &if tests > 0 { format!("{tests} tests") } else { String::new() });
            Ok(true)
        }
        Err(error) => {
            job.finish("FAILED", &format!("{error:#}"));
            // What cargo says of crates that are well helps no one here.
            let dull = |l: &&str| DULL.iter().any(|word| l.trim_start().starts_with(word));
            let lines: Vec<_> = text.lines().filter(|l| !dull(l)).collect();
            for line in &lines[lines.len().saturating_sub(SHOWN)..] {
                println!("    {line}");
            }
            println!("    ({})", log.display());
            Ok(false)
        }
    }
}

/// How many tests passed, by what cargo and Node say at the end of each run.
fn count(log: &str) -> usize {
    log.lines()
        .filter_map(|line| {
            let line = line.trim_start();
            if let Some(rest) = line.strip_prefix("test result: ok. ") {
                return rest.split(' ').next()?.parse::<usize>().ok();
            }
            line.strip_prefix("ℹ pass ").or(line.strip_prefix("# pass "))?.parse().ok()
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_counted() {
        let log = "test result: ok. 12 passed; 0 failed;\n  x\nℹ pass 3\n# pass 1\nℹ fail 0\n";
        assert_eq!(count(log), 16);
    }

    #[test]
    fn steps_stand_after_what_they_need() {
        for (at, step) in STEPS.iter().enumerate() {
            for before in step.after {
                assert!(STEPS[..at].iter().any(|s| s.name == *before), "{}: {before}", step.name);
            }
        }
    }

    #[test]
    fn a_chosen_step_brings_what_it_needs() {
        let choice = Choice { only: vec!["web-e2e".into()], skip: vec![] };
        let names: Vec<_> = choice.steps().unwrap().iter().map(|s| s.name).collect();
        assert_eq!(names, ["web", "server", "web-e2e"]);
        assert!(Choice { only: vec!["nothing".into()], skip: vec![] }.steps().is_err());
    }
}
