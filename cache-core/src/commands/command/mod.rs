//! COMMAND: the table itself, as clients ask for it.
//!
//! [`info`] gives the rows' facts, [`docs`] their documentation; [`syntax`] reads the arguments
//! from the rows' syntax.

mod docs;
mod info;
pub(crate) mod syntax;

use super::keys::find_keys;
use super::{Categories, Error, Flags, Flow, Group, Outcome, Role, Spec, Tips, all};
use crate::glob;
use crate::node::{Cx, lookup};
use crate::observer::Observer;
use crate::protocol::Args;
use alloc::format;
use alloc::vec::Vec;

rows! {
    info::everything: Spec::new("command", -1, bits!(Flags: LOADING | STALE), Group::Server)
        .acl(Categories::CONNECTION)
        .tips(Tips::NONDETERMINISTIC_OUTPUT_ORDER)
        .role(Role::CONTAINER)
    .docs("2.8.13", "O(N) for N commands", "", "The facts about all commands."),
    count: Spec::new("command|count", 2, bits!(Flags: LOADING | STALE), Group::Server)
        .acl(Categories::CONNECTION)
        .docs("2.8.13", "O(1)", "", "How many commands there are."),
    docs::docs: Spec::new("command|docs", -2, bits!(Flags: LOADING | STALE), Group::Server)
        .acl(Categories::CONNECTION)
        .tips(Tips::NONDETERMINISTIC_OUTPUT_ORDER)
        .docs(
            "7.0.0",
            "O(N) for N commands",
            "[command-name [command-name ...]]",
            "What commands do and which arguments they take.",
        ),
    getkeys: Spec::new("command|getkeys", -3, bits!(Flags: LOADING | STALE), Group::Server)
        .acl(Categories::CONNECTION)
        .docs(
            "2.8.13",
            "O(N) for N arguments",
            "command [arg [arg ...]]",
            "Which arguments of a command are keys.",
        ),
    getkeysandflags: Spec::new(
        "command|getkeysandflags",
        -3,
        bits!(Flags: LOADING | STALE),
        Group::Server,
    )
    .acl(Categories::CONNECTION)
    .docs(
        "7.0.0",
        "O(N) for N arguments",
        "command [arg [arg ...]]",
        "Which arguments of a command are keys, and what it does with each.",
    ),
    help: Spec::new("command|help", 2, bits!(Flags: LOADING | STALE), Group::Server)
        .acl(Categories::CONNECTION)
        .docs("5.0.0", "O(1)", "", "What COMMAND can do."),
    info::info: Spec::new("command|info", -2, bits!(Flags: LOADING | STALE), Group::Server)
        .acl(Categories::CONNECTION)
        .tips(Tips::NONDETERMINISTIC_OUTPUT_ORDER)
        .docs(
            "2.8.13",
            "O(N) for N commands",
            "[command-name [command-name ...]]",
            "The facts about some commands or all: arity, flags, keys.",
        ),
    list: Spec::new("command|list", -2, bits!(Flags: LOADING | STALE), Group::Server)
        .acl(Categories::CONNECTION)
        .tips(Tips::NONDETERMINISTIC_OUTPUT_ORDER)
        .docs(
            "7.0.0",
            "O(N) for N commands",
            "[FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]",
            "The names of all commands, or of those that a filter chooses.",
        ),
}

/// The most names that one call may ask about: each answer is far longer than its question.
const NAMES_LIMIT: usize = 4096;

/// The names that INFO and DOCS are asked about.
fn asked<'a, O: Observer>(cx: &Cx<'a, O>) -> Result<Args<'a>, Error> {
    let names = cx.args.from(2);
    if names.len() > NAMES_LIMIT {
        return Err(Error::Owned(format!(
            "ERR at most {NAMES_LIMIT} commands can be asked about at a time, not {}",
            names.len()
        )));
    }
    Ok(names)
}

/// The commands that aren't subcommands.
fn top_level() -> impl Iterator<Item = &'static Spec> {
    all().filter(|spec| spec.container().is_none())
}

fn help<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    super::help(cx, "command")
}

fn count<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    cx.out().count(top_level().count());
    Ok(Flow::Done)
}

fn list<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let args = cx.args.from(2);
    let names: Vec<&str> = match args.len() {
        0 => all().map(|spec| spec.name).collect(),
        3 if args.at(0).eq_ignore_ascii_case(b"filterby") => chosen(args.at(1), args.at(2))?,
        _ => return Err(Error::Syntax),
    };
    let out = cx.out();
    out.array(names.len());
    for name in names {
        out.bulk(name.as_bytes());
    }
    Ok(Flow::Done)
}

/// The names of commands that a filter chooses.
fn chosen(filter: &[u8], value: &[u8]) -> Result<Vec<&'static str>, Error> {
    let value = value.to_ascii_lowercase();
    let fits = |spec: &&Spec| match filter.to_ascii_lowercase().as_slice() {
        b"aclcat" => spec.categories().iter().any(|category| category.as_bytes() == value),
        b"pattern" => glob::matches(&value, spec.name.as_bytes()),
        // There are no modules.
        _ => false,
    };
    match filter.to_ascii_lowercase().as_slice() {
        b"aclcat" | b"pattern" | b"module" => {
            Ok(all().filter(fits).map(|spec| spec.name).collect())
        }
        _ => Err(Error::Syntax),
    }
}

fn getkeys<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    keys(cx, false)
}

fn getkeysandflags<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    keys(cx, true)
}

/// Finds the keys of the command that stands behind this one.
fn keys<O: Observer>(cx: &mut Cx<'_, O>, with_flags: bool) -> Outcome {
    let command = cx.args.from(2);
    let spec =
        lookup(command).map_err(|_| Error::Text("ERR Invalid command specified"))?.spec();
    if spec.keys.is_empty() {
        return Err(Error::Text("ERR The command has no key arguments"));
    }
    if !spec.arity_fits(command.len()) {
        return Err(Error::Text("ERR Invalid number of arguments specified for command"));
    }
    let keys = find_keys(spec, command)
        .map_err(|_| Error::Text("ERR Invalid arguments specified for command"))?;
    let out = cx.out();
    out.array(keys.len());
    for key in keys {
        if with_flags {
            out.array(2);
            out.bulk(command.at(key.index));
            info::names(out, key.flags.names());
        } else {
            out.bulk(command.at(key.index));
        }
    }
    Ok(Flow::Done)
}
