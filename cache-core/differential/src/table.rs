//! The commands to try, with the arguments that each takes, as the engine itself tells them.

use anyhow::{Context, Result, bail};
use cache_core::commands::{self, Flags, Spec};
use cache_core::protocol::Value;
use cache_core::{Config, Node, Now, Peer};

/// A command.
pub(crate) struct Command {
    pub(crate) spec: &'static Spec,
    pub(crate) args: Vec<Arg>,
    /// How often it is tried, compared with the others.
    pub(crate) weight: usize,
}

/// An argument, or a group of them.
#[derive(Clone, Debug)]
pub(crate) struct Arg {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) token: Option<String>,
    pub(crate) optional: bool,
    pub(crate) multiple: bool,
    pub(crate) multiple_token: bool,
    pub(crate) args: Vec<Arg>,
}

/// What an argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Key,
    Text,
    Integer,
    Double,
    Pattern,
    UnixTime,
    Token,
    OneOf,
    Block,
}

/// Commands that are never tried, with all their subcommands, and why.
const LEFT_OUT: &[(&str, &[&str])] = &[
    ("they end or stop the server", &["shutdown", "debug", "client|pause", "client|unpause"]),
    (
        "they turn a connection into another thing",
        &["monitor", "sync", "psync", "replconf", "replicaof", "slaveof"],
    ),
    (
        "they speak of the server and its clients, not of data",
        &[
            "acl",
            "client|info",
            "client|kill",
            "client|list",
            "client|unblock",
            "cluster",
            "command",
            "commandlog",
            "config",
            "failover",
            "info",
            "lastsave",
            "latency",
            "lolwut",
            "memory",
            "module",
            "role",
            "slowlog",
        ],
    ),
    ("they only prove a server to itself, for a second", &["pfselftest"]),
    ("they write files", &["bgrewriteaof", "bgsave", "save"]),
    ("what they give is each server's own", &["dump"]),
    ("they wait for replicas", &["wait", "waitaof"]),
    ("the number of replies would no longer be known", &["client|reply"]),
    (
        "their text is Larder's own",
        &["client|help", "pubsub|help", "object|help", "xgroup|help", "xinfo|help"],
    ),
];

/// How often commands are tried, where it isn't [`USUAL`].
const WEIGHTS: &[(usize, &[&str])] = &[
    (4, &["client|tracking"]),
    (1, &["flushall", "flushdb", "swapdb", "reset", "quit", "client", "auth", "hello"]),
    (2, &["select", "discard", "echo", "time", "dbsize", "randomkey", "del", "unlink", "ping"]),
    (
        3,
        &[
            "multi",
            "exec",
            "watch",
            "unwatch",
            "publish",
            "keys",
            "scan",
            "blpop",
            "brpop",
            "blmove",
            "blmpop",
            "brpoplpush",
            "bzpopmin",
            "bzpopmax",
            "bzmpop",
        ],
    ),
];
const USUAL: usize = 10;

/// Commands of other groups that go with every group.
const COMMON: &[&str] = &[
    "del",
    "expire",
    "pexpire",
    "persist",
    "pttl",
    "type",
    "copy",
    "rename",
    "multi",
    "exec",
    "set",
    "watch",
    "pexpireat",
    "exists",
];

/// All commands to try: those of one group and what goes with it, or all.
pub(crate) fn commands(group: Option<&str>) -> Result<Vec<Command>> {
    let now = Now::default();
    let mut node = Node::new(Config::default(), 1, now);
    let conn = node.handle_connect(now, Peer::default()).context("no connection")?;
    let mut ask = |words: &[&str]| -> Result<Value> {
        let bytes = node.request(now, conn, words, &mut ()).context("no reply")?;
        let parsed = Value::parse(&bytes).map_err(|error| anyhow::anyhow!("{error:?}"))?;
        Ok(parsed.context("half a reply")?.0)
    };
    ask(&["HELLO", "3"])?;
    let mut all = Vec::new();
    for spec in commands::all() {
        let is_container = commands::subcommands(spec).next().is_some();
        let wanted =
            group.is_none_or(|group| spec.group.name() == group || COMMON.contains(&spec.name));
        if is_container || !wanted || listed(LEFT_OUT, spec.name).is_some() {
            continue;
        }
        let docs = ask(&["COMMAND", "DOCS", spec.name])?;
        let (_, about) = pairs(&docs)?.first().context("a command without documentation")?;
        let args = field(about, "arguments").map_or(Ok(Vec::new()), arguments)?;
        let weight = listed(WEIGHTS, spec.name).unwrap_or(USUAL);
        all.push(Command { spec, args, weight });
    }
    if !all.iter().any(|c| group.is_none_or(|group| c.spec.group.name() == group)) {
        bail!("no group is called {}", group.unwrap_or_default());
    }
    Ok(all)
}

fn listed<T: Copy>(table: &[(T, &[&str])], name: &str) -> Option<T> {
    let is = |n: &&str| {
        name.strip_prefix(*n).is_some_and(|rest| rest.is_empty() || rest.starts_with('|'))
    };
    table.iter().find(|(_, names)| names.iter().any(is)).map(|(what, _)| *what)
}

impl Command {
    /// Its name, and its subcommand's.
    pub(crate) fn words(&self) -> impl Iterator<Item = &'static str> {
        self.spec.name.split('|')
    }

    /// Whether it may wait for data.
    pub(crate) fn blocks(&self) -> bool {
        self.spec.flags.contains(Flags::BLOCKING)
    }
}

fn arguments(args: &Value) -> Result<Vec<Arg>> {
    let Value::Array(args) = args else { bail!("arguments that are no array") };
    args.iter().map(argument).collect()
}

fn argument(arg: &Value) -> Result<Arg> {
    let text = |name: &str| field(arg, name).and_then(Value::as_text);
    let flags = match field(arg, "flags") {
        Some(Value::Set(flags)) => flags.iter().filter_map(Value::as_text).collect(),
        _ => Vec::new(),
    };
    Ok(Arg {
        name: text("name").context("an argument without a name")?.to_owned(),
        kind: match text("type").context("an argument without a type")? {
            "key" => Kind::Key,
            "integer" => Kind::Integer,
            "double" => Kind::Double,
            "pattern" => Kind::Pattern,
            "unix-time" => Kind::UnixTime,
            "pure-token" => Kind::Token,
            "oneof" => Kind::OneOf,
            "block" => Kind::Block,
            _ => Kind::Text,
        },
        token: text("token").map(str::to_owned),
        optional: flags.contains(&"optional"),
        multiple: flags.contains(&"multiple"),
        multiple_token: flags.contains(&"multiple_token"),
        args: field(arg, "arguments").map_or(Ok(Vec::new()), arguments)?,
    })
}

fn pairs(value: &Value) -> Result<&[(Value, Value)]> {
    match value {
        Value::Map(pairs) => Ok(pairs),
        other => bail!("{other:?} is no map"),
    }
}

fn field<'a>(map: &'a Value, name: &str) -> Option<&'a Value> {
    let pairs = pairs(map).ok()?;
    pairs.iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value)
}
