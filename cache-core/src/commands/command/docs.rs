//! COMMAND DOCS: what commands do and which arguments they take.

use super::super::{Flow, Outcome, Spec, find, subcommands};
use super::syntax::{Arg, Kind, arguments};
use super::{asked, info, top_level};
use crate::node::Cx;
use crate::observer::Observer;
use crate::protocol::Reply;
use alloc::string::String;
use alloc::vec::Vec;

pub(super) fn docs<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let asked = asked(cx)?;
    let specs: Vec<&'static Spec> = if asked.is_empty() {
        top_level().collect()
    } else {
        asked.iter().filter_map(find).collect()
    };
    describe_all(cx.out(), &specs);
    Ok(Flow::Done)
}

fn describe_all(out: &mut Reply, specs: &[&'static Spec]) {
    out.map(specs.len());
    for spec in specs {
        out.bulk(spec.name.as_bytes());
        describe(out, spec);
    }
}

fn describe(out: &mut Reply, spec: &'static Spec) {
    let args = arguments(spec);
    let subs: Vec<&'static Spec> = subcommands(spec).collect();
    out.map(4 + usize::from(!args.is_empty()) + usize::from(!subs.is_empty()));
    for (name, value) in [
        ("summary", spec.summary),
        ("since", spec.since),
        ("group", spec.group.name()),
        ("complexity", spec.complexity),
    ] {
        text(out, name, value);
    }
    if !args.is_empty() {
        out.bulk(b"arguments");
        describe_args(out, &args);
    }
    if !subs.is_empty() {
        out.bulk(b"subcommands");
        describe_all(out, &subs);
    }
}

fn text(out: &mut Reply, name: &str, value: &str) {
    out.bulk(name.as_bytes());
    out.bulk(value.as_bytes());
}

fn describe_args(out: &mut Reply, args: &[Arg]) {
    out.array(args.len());
    for arg in args {
        describe_arg(out, arg);
    }
}

fn describe_arg(out: &mut Reply, arg: &Arg) {
    let is_group = matches!(arg.kind, Kind::OneOf | Kind::Block);
    let flags: Vec<String> = [
        (arg.optional, "optional"),
        (arg.multiple, "multiple"),
        (arg.multiple_token, "multiple_token"),
    ]
    .into_iter()
    .filter(|(has, _)| *has)
    .map(|(_, name)| String::from(name))
    .collect();
    out.map(
        3 + usize::from(arg.key_spec.is_some())
            + usize::from(arg.token.is_some())
            + usize::from(!flags.is_empty()),
    );
    text(out, "name", &arg.name);
    text(out, "type", arg.kind.name());
    // A group is shown by its parts.
    if !is_group {
        text(out, "display_text", &arg.name);
    }
    if let Some(index) = arg.key_spec {
        out.bulk(b"key_spec_index");
        out.count(index);
    }
    if let Some(token) = arg.token {
        text(out, "token", token);
    }
    if !flags.is_empty() {
        out.bulk(b"flags");
        info::names(out, flags.into_iter());
    }
    if is_group {
        out.bulk(b"arguments");
        describe_args(out, &arg.args);
    }
}
