//! What a person sees while something long is under way: on a terminal one line that lives, in a
//! log of CI a line now and then.

use std::io::{IsTerminal, Write, stdout};
use std::time::{Duration, Instant};

/// How often a terminal's line is redrawn.
const REDRAW: Duration = Duration::from_millis(250);
/// How often a log gets a sign of life.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// Columns that a living line may take.
const COLUMNS: usize = 100;

/// Something under way.
pub(crate) struct Progress {
    name: String,
    start: Instant,
    shown: Duration,
    terminal: bool,
    line_open: bool,
}

impl Progress {
    /// Says that it begins.
    pub(crate) fn start(name: &str) -> Self {
        let terminal = stdout().is_terminal();
        let mut this = Self {
            name: name.to_owned(),
            start: Instant::now(),
            shown: Duration::ZERO,
            terminal,
            line_open: true,
        };
        this.put(&format!("{name:<14} "));
        this
    }

    /// Shows how long it has taken, and what it said last, when it is time to.
    pub(crate) fn tick(&mut self, gone: Duration, last: &dyn Fn() -> String) {
        let every = if self.terminal { REDRAW } else { HEARTBEAT };
        if gone < self.shown + every {
            return;
        }
        self.shown = gone;
        let text = format!("{:<14} {:>4} s  {}", self.name, gone.as_secs(), last());
        let line: String = text.chars().filter(|c| !c.is_control()).take(COLUMNS).collect();
        if self.terminal {
            self.put(&format!("\r\x1b[2K{line}"));
        } else {
            let before = if self.line_open { "\n" } else { "" };
            self.line_open = false;
            self.put(&format!("{before}{line}\n"));
        }
    }

    /// Says how it ended, how long it took, and what else is worth a word.
    pub(crate) fn finish(self, ending: &str, detail: &str) {
        let before = match (self.terminal, self.line_open) {
            (true, _) => format!("\r\x1b[2K{:<14} ", self.name),
            (false, true) => String::new(),
            (false, false) => format!("{:<14} ", self.name),
        };
        let took = self.start.elapsed().as_secs_f64();
        let line = format!("{before}{ending:<6} {took:>6.1} s  {detail}");
        say(&format!("{}\n", line.trim_end()));
    }

    fn put(&mut self, text: &str) {
        say(text);
    }
}

/// Writes at once. A terminal or pipe that has gone away is no reason to stop.
fn say(text: &str) {
    let mut out = stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}
