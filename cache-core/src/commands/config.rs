//! CONFIG: looks at settings and changes them while running.

use super::{Error, Flags, Flow, Group, Outcome, SHOWN_LIMIT, Role, Spec, Tips, shown};
use crate::config::{Config, PARAMS, Param};
use crate::glob;
use crate::node::{Action, Cx, Stats};
use crate::observer::Observer;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

rows! {
    container: Spec::new("config", -2, Flags::empty(), Group::Server)
        .role(Role::CONTAINER)
    .docs("2.0.0", "Depends on the subcommand", "", "Looks at settings and changes them."),
    config_get: Spec::new(
        "config|get",
        -3,
        bits!(Flags: ADMIN | NOSCRIPT | LOADING | STALE),
        Group::Server,
    )
    .docs(
        "2.0.0",
        "O(N) for N settings",
        "parameter [parameter ...]",
        "The values of settings, by name or pattern.",
    ),
    config_help: Spec::new("config|help", 2, bits!(Flags: LOADING | STALE), Group::Server)
        .docs("5.0.0", "O(1)", "", "What CONFIG can do."),
    config_resetstat: Spec::new(
        "config|resetstat",
        2,
        bits!(Flags: ADMIN | NOSCRIPT | LOADING | STALE),
        Group::Server,
    )
    .tips(bits!(Tips: REQUEST_ALL_NODES | RESPONSE_ALL_SUCCEEDED))
    .docs("2.0.0", "O(1)", "", "Sets the counters that INFO shows back to zero."),
    config_rewrite: Spec::new(
        "config|rewrite",
        2,
        bits!(Flags: ADMIN | NOSCRIPT | LOADING | STALE),
        Group::Server,
    )
    .tips(bits!(Tips: REQUEST_ALL_NODES | RESPONSE_ALL_SUCCEEDED))
    .docs("2.8.0", "O(1)", "", "Writes the settings in force to the configuration file."),
    config_set: Spec::new(
        "config|set",
        -4,
        bits!(Flags: ADMIN | NOSCRIPT | LOADING | STALE),
        Group::Server,
    )
    .tips(bits!(Tips: REQUEST_ALL_NODES | RESPONSE_ALL_SUCCEEDED))
    .docs(
        "2.0.0",
        "O(N) for N settings",
        "parameter value [parameter value ...]",
        "Changes settings: all of those named or, when one can't be, none.",
    ),
}

/// The container is never run: it needs a subcommand.
fn container<O: Observer>(_cx: &mut Cx<'_, O>) -> Outcome {
    Err(Error::Arity("config"))
}

fn config_help<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    super::help(cx, "config")
}

fn config_get<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    // Sorted by name in lower case; beside it the name as it is shown, and its row.
    let mut found: Vec<(&'static str, String, &'static Param)> = Vec::new();
    for asked in cx.args.from(2).iter() {
        let is_pattern = asked.iter().any(|b| b"*?[".contains(b));
        let lower = asked.to_ascii_lowercase();
        for param in PARAMS {
            for name in [Some(param.name), param.old_name()].into_iter().flatten() {
                let shown = if is_pattern && glob::matches(&lower, name.as_bytes()) {
                    String::from(name)
                } else if !is_pattern && lower == name.as_bytes() {
                    String::from_utf8_lossy(asked).into_owned()
                } else {
                    continue;
                };
                if let Err(at) = found.binary_search_by_key(&name, |(name, ..)| name) {
                    found.insert(at, (name, shown, param));
                }
            }
        }
    }
    let (config, out) = (&cx.state.config, &mut cx.conn.out.reply);
    out.map(found.len());
    for (_, shown, param) in &found {
        out.bulk(shown.as_bytes());
        out.bulk(config.get(param).as_bytes());
    }
    Ok(Flow::Done)
}

fn config_set<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let args = cx.args.from(2);
    if !args.len().is_multiple_of(2) {
        return Err(Error::Syntax);
    }
    let mut config = cx.state.config.clone();
    let mut changed: Vec<&'static Param> = Vec::new();
    for i in (0..args.len()).step_by(2) {
        let (asked, value) = (args.at(i), args.at(i + 1));
        let param = param(asked)?;
        let refuse = |reason: &str| {
            let name = String::from_utf8_lossy(asked);
            Err(Error::Owned(format!(
                "ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}"
            )))
        };
        if !param.mutable {
            return refuse("can't set immutable config");
        }
        // No more than there are settings, then.
        if changed.iter().any(|other| other.id == param.id) {
            return refuse("duplicate parameter");
        }
        let Ok(value) = core::str::from_utf8(value) else {
            return refuse("argument must be text in UTF-8");
        };
        if let Err(error) = config.set(param.name, value) {
            return refuse(&error.reason);
        }
        changed.push(param);
    }
    let old = core::mem::replace(&mut cx.state.config, config);
    cx.state.settings_changed();
    for param in changed {
        if old.get(param) != cx.state.config.get(param) {
            cx.state.act(Action::ConfigChanged(param.id));
        }
    }
    cx.out().ok();
    Ok(Flow::Done)
}

fn param(asked: &[u8]) -> Result<&'static Param, Error> {
    let shown = shown(asked);
    Config::param(&shown).filter(|_| asked.len() <= SHOWN_LIMIT).ok_or_else(|| {
        Error::Owned(format!(
            "ERR Unknown option or number of arguments for CONFIG SET - '{shown}'"
        ))
    })
}

fn config_resetstat<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let state = &mut *cx.state;
    // The peak is a measure, not a counter.
    state.stats = Stats { peak_bytes: state.stats.peak_bytes, ..Stats::default() };
    state.tally = Default::default();
    state.latency.forget_calls();
    state.rates = Default::default();
    cx.out().ok();
    Ok(Flow::Done)
}

/// A node knows of no file, and no host has told it of one.
fn config_rewrite<O: Observer>(_cx: &mut Cx<'_, O>) -> Outcome {
    Err(Error::Text("ERR The server is running without a config file"))
}
