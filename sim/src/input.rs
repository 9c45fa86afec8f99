//! What a person does to a run: every button, switch and console line, as plain data.
//!
//! A run is its scenario, its seed and its inputs with their moments: [`Recording`]. What must
//! never be here: what an input does.

use crate::database::{MAX_NAME_BYTES, MAX_ROWS, Row, Table};
use crate::scenario::{Pattern, Scenario, Traffic};
use core::fmt;

/// The most inputs that a run takes.
pub const MAX_INPUTS: u32 = 100_000;
/// The most bytes that the names and arguments in all of a run's inputs may have together.
pub const MAX_INPUT_BYTES: u64 = 64 << 20;
/// The most bytes of a console command, its arguments together.
pub const MAX_COMMAND_BYTES: u32 = 64 * 1024;
/// The most arguments of a console command.
pub const MAX_COMMAND_ARGS: u32 = 1024;

/// One thing that a person does.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// One user reads one product. Without `app` the load balancer chooses the instance.
    ReadOnce {
        /// The instance, counted from 0.
        app: Option<u32>,
        /// The product's id.
        product: u32,
    },
    /// One user changes one product's price.
    WriteOnce {
        /// The instance, counted from 0. Without it the load balancer chooses.
        app: Option<u32>,
        /// The product's id.
        product: u32,
        /// The new price in cents.
        price_cents: i64,
    },
    /// Starts, stops or changes the automatic traffic.
    SetTraffic(Traffic),
    /// Changes how the applications use the cache, for requests that start from now on.
    SetPattern(Pattern),
    /// Changes the time to live of what is stored from now on, in seconds; 0 is none.
    SetTtl(u32),
    /// Runs a command on the cache node through the console's own connection. What comes back is
    /// reported as [`ConsoleReply`](crate::EventKind::ConsoleReply).
    CacheCommand(
        /// The command's name and its arguments.
        Vec<Vec<u8>>,
    ),
    /// A row was inserted or changed on the database's console, behind the cache's back.
    RowPut(Row),
    /// A row was deleted on the database's console.
    RowDelete(
        /// The product's id.
        u32,
    ),
    /// The cache node is killed and started again, empty, after the scenario's `restart_us`.
    RestartCache,
}

impl Input {
    /// How many bytes of text it carries, if it is within bounds.
    pub(crate) fn check(&self, apps: u32, table: &Table) -> Result<u32, Refused> {
        match self {
            Input::ReadOnce { app, .. } | Input::WriteOnce { app, .. } => match app {
                Some(app) if *app >= apps => Err(Refused::NoSuchApp(*app)),
                _ => Ok(0),
            },
            Input::CacheCommand(args) => {
                let count = u32::try_from(args.len()).unwrap_or(u32::MAX);
                if !(1..=MAX_COMMAND_ARGS).contains(&count) {
                    return Err(Refused::CommandArgs(count));
                }
                let bytes: u64 = args.iter().map(|arg| arg.len() as u64).sum();
                let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
                if bytes > MAX_COMMAND_BYTES {
                    Err(Refused::CommandBytes(bytes))
                } else {
                    Ok(bytes)
                }
            }
            Input::RowPut(row) => {
                let bytes = u32::try_from(row.name.len()).unwrap_or(u32::MAX);
                if bytes > MAX_NAME_BYTES {
                    return Err(Refused::NameTooLong(bytes));
                }
                if table.takes(row.id) { Ok(bytes) } else { Err(Refused::TooManyRows(MAX_ROWS)) }
            }
            Input::SetTraffic(_)
            | Input::SetPattern(_)
            | Input::SetTtl(_)
            | Input::RowDelete(_)
            | Input::RestartCache => Ok(0),
        }
    }
}

/// An input and its moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TimedInput {
    /// Microseconds since the start.
    pub at_us: u64,
    /// How many steps the simulation had made by then. It tells apart moments within one
    /// microsecond.
    pub step: u64,
    /// What was done.
    pub input: Input,
}

/// Everything that decides a run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Recording {
    /// What decides everything that is left to chance.
    pub seed: u64,
    /// What the run started from.
    pub scenario: Scenario,
    /// What was done to it, in order.
    pub inputs: Vec<TimedInput>,
}

/// Why an input was not taken. The run is as if it had never been given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refused {
    /// There is no such application instance.
    NoSuchApp(u32),
    /// An empty command, or one with more than [`MAX_COMMAND_ARGS`] arguments.
    CommandArgs(u32),
    /// A command of more than [`MAX_COMMAND_BYTES`].
    CommandBytes(u32),
    /// A row that is not there and would be one too many; the value is the most there may be.
    TooManyRows(u32),
    /// A product's name of so many bytes is too long.
    NameTooLong(u32),
    /// The run has had [`MAX_INPUTS`] already, or [`MAX_INPUT_BYTES`] in them.
    TooManyInputs,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::NoSuchApp(app) => write!(f, "there is no application instance {app}"),
            Refused::CommandArgs(0) => f.write_str("the command is empty"),
            Refused::CommandArgs(n) => {
                write!(f, "the command has {n} arguments; {MAX_COMMAND_ARGS} are allowed")
            }
            Refused::CommandBytes(n) => {
                write!(f, "the command has {n} bytes; {MAX_COMMAND_BYTES} are allowed")
            }
            Refused::TooManyRows(limit) => write!(f, "the table holds {limit} rows at the most"),
            Refused::NameTooLong(n) => {
                write!(f, "the name has {n} bytes; {} are allowed", crate::database::MAX_NAME_BYTES)
            }
            Refused::TooManyInputs => {
                write!(f, "a run takes {MAX_INPUTS} inputs and {MAX_INPUT_BYTES} bytes at the most")
            }
        }
    }
}

impl core::error::Error for Refused {}
