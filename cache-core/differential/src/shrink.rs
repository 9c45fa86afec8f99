//! The shortest story that still shows a difference, as far as it can be found in the time given.

use std::time::{Duration, Instant};

use anyhow::Result;
use cache_core::commands::Flags;

use crate::run::{Difference, Run};
use crate::server::Server;
use crate::story::{self, Step, Words};

/// Plays a whole story, and at its end compares all data; gives where it differed, and how many of
/// its steps were played.
pub(crate) fn play(
    server: &mut Server,
    resp: &'static str,
    steps: &[Step],
) -> Result<(Option<Difference>, usize)> {
    let mut run = Run::begin(server, resp)?;
    for (at, step) in joined(steps).iter().enumerate() {
        let (difference, _) = run.step(step)?;
        if difference.is_some() {
            return Ok((difference, at + 1));
        }
    }
    Ok((run.check_state()?, steps.len()))
}

/// One command a step.
pub(crate) fn single(steps: &[Step]) -> Vec<Step> {
    let mut singles = Vec::new();
    for step in steps {
        match step {
            Step::Wait(_) => singles.push(step.clone()),
            Step::Say { client, commands } => {
                singles.extend(
                    commands
                        .iter()
                        .map(|words| Step::Say { client: *client, commands: vec![words.clone()] }),
                );
            }
        }
    }
    singles
}

/// What one client says in a row, in one piece.
fn joined(steps: &[Step]) -> Vec<Step> {
    let mut all: Vec<Step> = Vec::new();
    for step in steps {
        if let Step::Say { client, commands } = step
            && let Some(Step::Say { client: last, commands: before }) = all.last_mut()
            && client == last
            && !before.last().is_some_and(blocks)
        {
            before.extend(commands.iter().cloned());
        } else {
            all.push(step.clone());
        }
    }
    all
}

/// Whether a command may wait: what stands behind it is said once it is known whether it does.
fn blocks(words: &Words) -> bool {
    let spec = cache_core::commands::find(story::name(words).as_bytes());
    spec.is_some_and(|spec| spec.flags.contains(Flags::BLOCKING))
}

/// Leaves out what isn't needed, in ever smaller pieces.
pub(crate) fn shrink(
    server: &mut Server,
    resp: &'static str,
    steps: Vec<Step>,
    wanted: &Difference,
    limit: Duration,
) -> Result<Vec<Step>> {
    let start = Instant::now();
    let mut steps = steps;
    let mut piece = steps.len().div_ceil(2);
    while piece > 0 {
        let (mut at, mut shorter) = (0, false);
        while at < steps.len() {
            if start.elapsed() > limit {
                return Ok(steps);
            }
            let mut fewer = steps.clone();
            fewer.drain(at..(at + piece).min(steps.len()));
            if play(server, resp, &fewer)?.0.is_some_and(|found| found.kind() == wanted.kind()) {
                steps = fewer;
                shorter = true;
            } else {
                at += piece;
            }
        }
        if piece == 1 && !shorter {
            break;
        }
        piece = if piece == 1 { 1 } else { piece.div_ceil(2) };
    }
    Ok(steps)
}
