//! COMMANDLOG and SLOWLOG: commands that took long, came in long or were answered at length.

use super::arguments::is_word;
use super::{Error, Flags, Flow, Group, Outcome, Role, Spec, Tips};
use crate::node::{Cx, Reason};
use crate::numbers::parse_i64;
use crate::observer::Observer;

rows! {
    container: Spec::new("commandlog", -2, Flags::empty(), Group::Server)
    .role(Role::CONTAINER)
    .docs("8.1.0", "Depends on the subcommand", "", "Looks at commands that were worth keeping."),
    get: Spec::new("commandlog|get", 4, bits!(Flags: ADMIN | LOADING | STALE), Group::Server)
    .tips(bits!(Tips: REQUEST_ALL_NODES | NONDETERMINISTIC_OUTPUT))
    .docs(
        "8.1.0",
        "O(N) for N commands",
        "count <SLOW | LARGE-REQUEST | LARGE-REPLY>",
        "The latest commands of one log.",
    ),
    help: Spec::new("commandlog|help", 2, bits!(Flags: LOADING | STALE), Group::Server)
    .docs("8.1.0", "O(1)", "", "Lists the subcommands of COMMANDLOG."),
    len: Spec::new("commandlog|len", 3, bits!(Flags: ADMIN | LOADING | STALE), Group::Server)
    .tips(bits!(Tips: REQUEST_ALL_NODES | RESPONSE_AGG_SUM | NONDETERMINISTIC_OUTPUT))
    .docs(
        "8.1.0",
        "O(1)",
        "<SLOW | LARGE-REQUEST | LARGE-REPLY>",
        "How many commands a log holds.",
    ),
    reset: Spec::new("commandlog|reset", 3, bits!(Flags: ADMIN | LOADING | STALE), Group::Server)
    .tips(bits!(Tips: REQUEST_ALL_NODES | RESPONSE_ALL_SUCCEEDED))
    .docs(
        "8.1.0",
        "O(N) for N commands",
        "<SLOW | LARGE-REQUEST | LARGE-REPLY>",
        "Empties a log.",
    ),
    slow_container: Spec::new("slowlog", -2, Flags::empty(), Group::Server)
    .role(Role::CONTAINER)
    .docs("2.2.12", "Depends on the subcommand", "", "Looks at commands that took long."),
    slow_get: Spec::new("slowlog|get", -2, bits!(Flags: ADMIN | LOADING | STALE), Group::Server)
    .tips(bits!(Tips: REQUEST_ALL_NODES | NONDETERMINISTIC_OUTPUT))
    .docs("2.2.12", "O(N) for N commands", "[count]", "The latest commands that took long."),
    slow_help: Spec::new("slowlog|help", 2, bits!(Flags: LOADING | STALE), Group::Server)
    .docs("6.2.0", "O(1)", "", "Lists the subcommands of SLOWLOG."),
    slow_len: Spec::new("slowlog|len", 2, bits!(Flags: ADMIN | LOADING | STALE), Group::Server)
    .tips(bits!(Tips: REQUEST_ALL_NODES | RESPONSE_AGG_SUM | NONDETERMINISTIC_OUTPUT))
    .docs("2.2.12", "O(1)", "", "How many commands that took long are kept."),
    slow_reset: Spec::new("slowlog|reset", 2, bits!(Flags: ADMIN | LOADING | STALE), Group::Server)
    .tips(bits!(Tips: REQUEST_ALL_NODES | RESPONSE_ALL_SUCCEEDED))
    .docs("2.2.12", "O(N) for N commands", "", "Forgets the commands that took long."),
}

/// The containers are never run: they need a subcommand.
fn container<O: Observer>(_cx: &mut Cx<'_, O>) -> Outcome {
    Err(Error::Arity("commandlog"))
}

fn slow_container<O: Observer>(_cx: &mut Cx<'_, O>) -> Outcome {
    Err(Error::Arity("slowlog"))
}

fn help<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    super::help(cx, "commandlog")
}

fn slow_help<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    super::help(cx, "slowlog")
}

/// Commands that SLOWLOG GET gives when nothing is said.
const SLOW_COUNT: usize = 10;

fn get<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let count = count(cx.args.at(2))?;
    let reason = reason(cx.args.at(3))?;
    tell(cx, reason, count)
}

fn slow_get<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    if cx.args.len() > 3 {
        return Err(Error::Text(
            "ERR unknown subcommand or wrong number of arguments for 'get'. Try SLOWLOG HELP.",
        ));
    }
    let count = cx.args.get(2).map_or(Ok(SLOW_COUNT), count)?;
    tell(cx, Reason::Slow, count)
}

fn count(text: &[u8]) -> Result<usize, Error> {
    match parse_i64(text) {
        Some(-1) => Ok(usize::MAX),
        Some(count) if count >= 0 => Ok(usize::try_from(count).unwrap_or(usize::MAX)),
        _ => Err(Error::Text("ERR count should be greater than or equal to -1")),
    }
}

fn reason(word: &[u8]) -> Result<Reason, Error> {
    let reasons = [
        ("slow", Reason::Slow),
        ("large-request", Reason::LargeRequest),
        ("large-reply", Reason::LargeReply),
    ];
    let found = reasons.into_iter().find(|(name, _)| is_word(word, name));
    found.map(|(_, reason)| reason).ok_or(Error::Text(
        "ERR type should be one of the following: slow, large-request, large-reply",
    ))
}

fn tell<O: Observer>(cx: &mut Cx<'_, O>, reason: Reason, count: usize) -> Outcome {
    let entries = cx.state.logs.entries(reason);
    let out = &mut cx.conn.out.reply;
    out.array(entries.len().min(count));
    for entry in entries.take(count) {
        out.array(6);
        out.integer(entry.id as i64);
        out.integer(entry.unix_secs as i64);
        out.integer(entry.value as i64);
        out.array(entry.args.len());
        entry.args.iter().for_each(|arg| out.bulk(arg));
        out.bulk(entry.addr.as_bytes());
        out.bulk(entry.name.as_bytes());
    }
    Ok(Flow::Done)
}

fn len<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let reason = reason(cx.args.at(2))?;
    let count = cx.state.logs.entries(reason).len();
    cx.out().count(count);
    Ok(Flow::Done)
}

fn slow_len<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let count = cx.state.logs.entries(Reason::Slow).len();
    cx.out().count(count);
    Ok(Flow::Done)
}

fn reset<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let reason = reason(cx.args.at(2))?;
    cx.state.logs.clear(reason);
    cx.out().ok();
    Ok(Flow::Done)
}

fn slow_reset<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    cx.state.logs.clear(Reason::Slow);
    cx.out().ok();
    Ok(Flow::Done)
}
