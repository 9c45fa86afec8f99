//! Every habit of the project as a command: `cargo xtask help`. See README.md beside this crate.

mod debian;
mod install;
mod paths;
mod proc;
mod setup;
mod sh;
mod tools;
mod ui;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Every habit of the Larder project as a command")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what is missing on this machine
    Setup {
        /// Only list what is there and what is missing; fail when something is
        #[arg(long)]
        check: bool,
        /// What it is needed for; everything when not given
        group: Vec<tools::Group>,
    },
    /// Run any command in the environment that tests get
    Exec {
        /// The command and its arguments, after `--`
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
}

fn main() -> ExitCode {
    match proc::watch_signals().and_then(|()| run(Cli::parse().command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) if proc::interrupted() => {
            eprintln!("interrupted");
            ExitCode::from(130)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Setup { check: true, group } => setup::check(&group),
        Command::Setup { check: false, group } => {
            setup::ensure(&group)?;
            println!("all is there");
            Ok(())
        }
        Command::Exec { command } => sh::become_command(&command),
    }
}
