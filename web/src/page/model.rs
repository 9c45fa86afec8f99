//! What the page's components show, and the one reducer that changes it.
//!
//! The simulation itself stands in `engine`; here is what was last read from it, and what belongs to
//! the page alone (which tab is open, what the consoles have printed).

use super::figures::Figures;
use super::journal::Entry;
use super::sql::Outcome as SqlOutcome;
use larder_sim::{Pattern, Row, Traffic};
use std::rc::Rc;
use yew::Reducible;

/// Lines that a console keeps.
const KEPT_LINES: usize = 300;

/// Something that a visitor does, or that has happened to the run.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// Let time go on or stand still.
    Pause(bool),
    /// Go on to the end of one request.
    Step,
    /// Simulated time for each unit of the visitor's.
    Speed(f64),
    /// Switch the cache on or off.
    Cache(bool),
    /// Choose what a write does while there is a cache.
    Writes(Pattern),
    /// Time to live in seconds.
    Ttl(u32),
    /// Change the automatic traffic.
    Traffic(Traffic),
    /// Choose the product that the buttons act on.
    Choose(u32),
    /// One user reads, or writes, the chosen product.
    Read,
    Write,
    /// Kill the cache node; it comes back empty.
    Restart,
    /// A line for the cache's console.
    Command(String),
    /// A line for the database's console.
    Sql(String),
    /// What became of it.
    SqlDone(SqlOutcome),
    /// Show a console.
    Tab(Tab),
    /// A line that a console prints by itself.
    Print(Tab, Line),
    /// Empty a console.
    Clear(Tab),
    /// Light or dark.
    Theme(Theme),
    /// Show every entry of the log, or only what matters.
    Everything(bool),
    /// What was read from the run.
    Report(Box<Report>),
}

/// What is read from the run a few times a second.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Report {
    pub(crate) figures: Figures,
    /// What is going on, in a sentence or two.
    pub(crate) lead: String,
    pub(crate) entries: Rc<[Entry]>,
    pub(crate) rows: Rc<[RowView]>,
    pub(crate) pattern: Pattern,
    pub(crate) ttl_s: u32,
    pub(crate) traffic: Traffic,
    pub(crate) paused: bool,
    pub(crate) speed: f64,
    /// What is reached of it, when that is less.
    pub(crate) reached: Option<f64>,
    pub(crate) chosen: u32,
    /// What the console has got as replies since the last report.
    pub(crate) replies: Vec<String>,
}

/// A product as the database has it, and as the cache does.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RowView {
    pub(crate) row: Row,
    pub(crate) cached: Option<Cached>,
}

/// A product as the cache has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cached {
    pub(crate) differs: bool,
    /// `None`: it never expires.
    pub(crate) ttl_ms: Option<u64>,
}

/// Which console.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tab {
    #[default]
    Cache,
    Database,
}

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Theme {
    /// As the system says.
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    /// Its name in the stylesheet; none for the system's own.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Theme::System => None,
            Theme::Light => Some("light"),
            Theme::Dark => Some("dark"),
        }
    }
}

/// What a console has printed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Line {
    Sent(String),
    Text(String),
    Fault(String),
    Grid(Rc<Grid>),
}

/// The rows that a statement gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Grid {
    pub(crate) columns: Vec<String>,
    /// `None` is NULL.
    pub(crate) rows: Vec<Vec<Option<String>>>,
    /// How many more there were than are shown.
    pub(crate) more: u32,
}

/// What the page shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Model {
    pub(crate) report: Report,
    /// What a write does while there is a cache; kept while it is switched off.
    pub(crate) writes: Pattern,
    pub(crate) tab: Tab,
    pub(crate) theme: Theme,
    pub(crate) everything: bool,
    pub(crate) cache_lines: Rc<Vec<Line>>,
    pub(crate) sql_lines: Rc<Vec<Line>>,
    pub(crate) sql_busy: bool,
}

impl Reducible for Model {
    type Action = Action;

    fn reduce(self: Rc<Self>, action: Action) -> Rc<Self> {
        let mut next = (*self).clone();
        match action {
            Action::Report(report) => {
                for reply in &report.replies {
                    push(&mut next.cache_lines, reply_line(reply));
                }
                next.report = *report;
            }
            Action::Writes(pattern) => next.writes = pattern,
            Action::Command(line) => push(&mut next.cache_lines, Line::Sent(line)),
            Action::Sql(line) => {
                push(&mut next.sql_lines, Line::Sent(line));
                next.sql_busy = true;
            }
            Action::SqlDone(outcome) => {
                next.sql_busy = false;
                for line in outcome.lines() {
                    push(&mut next.sql_lines, line);
                }
            }
            Action::Print(Tab::Cache, line) => push(&mut next.cache_lines, line),
            Action::Print(Tab::Database, line) => push(&mut next.sql_lines, line),
            Action::Tab(tab) => next.tab = tab,
            Action::Clear(Tab::Cache) => next.cache_lines = Rc::default(),
            Action::Clear(Tab::Database) => next.sql_lines = Rc::default(),
            Action::Theme(theme) => next.theme = theme,
            Action::Everything(everything) => next.everything = everything,
            // The rest changes the run, and is read back from it.
            _ => {}
        }
        Rc::new(next)
    }
}

fn reply_line(reply: &str) -> Line {
    if reply.starts_with("(error)") {
        Line::Fault(reply.to_owned())
    } else {
        Line::Text(reply.to_owned())
    }
}

fn push(lines: &mut Rc<Vec<Line>>, line: Line) {
    let lines = Rc::make_mut(lines);
    lines.push(line);
    if lines.len() > KEPT_LINES {
        lines.drain(..lines.len() - KEPT_LINES);
    }
}
