//! The command line: `larder serve [CONFIG_FILE] [--DIRECTIVE VALUE...]...`, and `larder bench`.
//!
//! Which words belong to an option of `serve` is redis-server's rule, and not one that clap knows:
//! all up to the next that begins with `--`. So the words are grouped here; clap checks the names, suggests
//! better ones and writes the help. What must never be here: what a directive means.

use crate::config_file::{Directive, Origin};
use crate::{bench, directives};
use cache_core::config::{Kind, PARAMS, Param};
use clap::{Arg, ArgAction, Args, Command, FromArgMatches};
use std::ffi::OsString;
use std::path::PathBuf;

/// What was asked on the command line.
#[derive(Debug)]
pub(crate) enum Asked {
    /// To serve.
    Serve(Serve),
    /// To put load on a server.
    Bench(Box<bench::Options>),
}

/// How to serve.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Serve {
    /// The configuration file; `-` is standard input.
    pub(crate) file: Option<PathBuf>,
    /// Options, which override the file.
    pub(crate) options: Vec<Directive>,
}

/// Reads the command line, the program's name first.
///
/// # Errors
/// It is no command line of ours, or it asks for help or the version: clap has the text.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Asked, clap::Error> {
    let mut args = args.into_iter();
    let program = args.next().unwrap_or_else(|| "larder".into());
    let rest: Vec<OsString> = args.collect();
    let mut seen = vec![program];
    if rest.first().is_none_or(|first| first != "serve") {
        seen.extend(rest);
        let matches = command().try_get_matches_from(seen)?;
        // Without it clap has stopped: with help, the version or an error.
        let (_, matches) = matches.subcommand().expect("a command is required");
        return Ok(Asked::Bench(Box::new(bench::Options::from_arg_matches(matches)?)));
    }
    let words = rest.into_iter().skip(1).map(utf8).collect::<Result<Vec<_>, _>>()?;
    let (before, options) = group(words);
    seen.push("serve".into());
    seen.extend(before.iter().map(OsString::from));
    seen.extend(options.iter().map(|option| OsString::from(for_clap(option))));
    let matches = command().try_get_matches_from(seen)?;
    let file = matches
        .subcommand_matches("serve")
        .and_then(|serve| serve.get_one::<PathBuf>("CONFIG_FILE"))
        .cloned();
    Ok(Asked::Serve(Serve { file, options }))
}

fn utf8(word: OsString) -> Result<String, clap::Error> {
    word.into_string().map_err(|word| {
        let text = format!("the argument {word:?} is not UTF-8");
        command().error(clap::error::ErrorKind::InvalidUtf8, text)
    })
}

/// Divides the words into those before the first option, and the options with their values.
fn group(words: Vec<String>) -> (Vec<String>, Vec<Directive>) {
    let mut before = Vec::new();
    let mut options: Vec<Directive> = Vec::new();
    for word in words {
        match (word.strip_prefix("--"), options.last_mut()) {
            (Some(option), _) => {
                let (name, value) = match option.split_once('=') {
                    Some((name, value)) => (name, vec![value.to_string()]),
                    None => (option, Vec::new()),
                };
                let name = name.to_ascii_lowercase();
                options.push(Directive { name, words: value, origin: Origin::Option });
            }
            (None, Some(option)) => option.words.push(word),
            (None, None) => before.push(word),
        }
    }
    (before, options)
}

/// An option as one argument, which is all that clap needs to see of it.
fn for_clap(option: &Directive) -> String {
    if option.words.is_empty() {
        format!("--{}", option.name)
    } else {
        format!("--{}={}", option.name, option.words.join(" "))
    }
}

fn command() -> Command {
    Command::new("larder")
        .version(env!("CARGO_PKG_VERSION"))
        .about("A Redis-compatible cache that you can see")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .subcommand(serve())
        .subcommand(bench())
}

fn serve() -> Command {
    let file = Arg::new("CONFIG_FILE")
        .help("A file in the manner of redis.conf; - reads standard input")
        .value_parser(clap::value_parser!(PathBuf));
    Command::new("serve")
        .about("Serve the Redis protocol, and over HTTP the playground, /metrics and /healthz")
        .override_usage("larder serve [CONFIG_FILE] [--DIRECTIVE VALUE...]...")
        .after_help(
            "Options are the directives of redis.conf and override the file. An option takes all \
             words up to the next one, as in --bind 127.0.0.1 ::1. What redis.conf knows and \
             Larder doesn't is refused, unless it asks for nothing (--daemonize no) or only \
             tunes what Larder does its own way.",
        )
        .next_line_help(true)
        .arg(file)
        .args(PARAMS.iter().map(option))
        .args(PARAMS.iter().filter_map(Param::old_name).map(|name| repeatable(name).hide(true)))
        .args(directives::other_names().map(|name| repeatable(name).hide(true)))
}

fn bench() -> Command {
    bench::Options::augment_args(Command::new("bench"))
        .about("Put load on a server that speaks Redis's or Memcached's protocol, and measure it")
}

fn repeatable(name: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::Append)
}

fn option(param: &'static Param) -> Arg {
    let default = if param.default.is_empty() { "\"\"" } else { param.default };
    let values = match param.kind {
        Kind::Enum(words) => format!(" One of {}.", words.join(", ")),
        _ => String::new(),
    };
    repeatable(param.name)
        .value_name(value_name(param))
        .help(format!("{}{values} [default: {default}]", param.summary))
}

fn value_name(param: &Param) -> &'static str {
    match param.kind {
        Kind::Int { .. } => "NUMBER",
        Kind::Memory { .. } => "BYTES",
        Kind::Bool => "yes|no",
        Kind::Enum(_) => "WORD",
        Kind::Text => "TEXT",
        Kind::Primary => "HOST PORT",
        Kind::OutputLimits => "CLASS HARD SOFT SECONDS",
        Kind::Events => "LETTERS",
        Kind::SavePoints => "SECONDS CHANGES",
        Kind::FileName => "NAME",
        Kind::Shutdown => "WORDS",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &[&str]) -> Result<Serve, clap::Error> {
        match parse(["larder"].iter().chain(line).map(OsString::from))? {
            Asked::Serve(serve) => Ok(serve),
            Asked::Bench(_) => panic!("not serve"),
        }
    }

    fn shown(serve: &Serve) -> Vec<String> {
        serve.options.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_command_is_well_formed() {
        command().debug_assert();
    }

    #[test]
    fn values_run_to_the_next_option() {
        let serve = parsed(&[
            "serve",
            "a.conf",
            "--bind",
            "127.0.0.1",
            "-::1",
            "--PORT",
            "7",
            "--save",
            "",
        ])
        .unwrap();
        assert_eq!(serve.file, Some(PathBuf::from("a.conf")));
        assert_eq!(
            shown(&serve),
            ["option --bind 127.0.0.1 -::1", "option --port 7", "option --save \"\""]
        );
        let equals = parsed(&["serve", "--requirepass=--a=b"]).unwrap();
        assert_eq!(shown(&equals), ["option --requirepass --a=b"]);
        assert_eq!(equals.file, None);
        assert!(parsed(&["serve", "-"]).unwrap().file.is_some());
    }

    #[test]
    fn mistakes_are_named() {
        let unknown = parsed(&["serve", "--prot", "1"]).unwrap_err().to_string();
        assert!(unknown.contains("--prot") && unknown.contains("'--port'"), "{unknown}");
        let missing = parsed(&["serve", "--port"]).unwrap_err().to_string();
        assert!(missing.contains("--port"), "{missing}");
        assert!(parsed(&["serve", "a.conf", "b.conf"]).is_err());
        assert!(parsed(&["sevre"]).is_err());
    }

    #[test]
    fn bench_has_options_of_its_own() {
        let line = ["larder", "bench", "-p", "7000", "-c", "8"].map(OsString::from);
        assert!(matches!(parse(line), Ok(Asked::Bench(_))));
        assert!(parse(["larder", "bench", "--maxmemory", "1"].map(OsString::from)).is_err());
    }

    #[test]
    fn help_has_every_setting() {
        let help = parsed(&["serve", "--help"]).unwrap_err().to_string();
        for param in PARAMS {
            assert!(help.contains(&format!("--{} ", param.name)), "{} is missing", param.name);
        }
    }
}
