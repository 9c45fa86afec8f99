//! Why something is not there, or is otherwise than in Valkey.

use super::Difference;

/// What nobody has decided against.
pub(super) const NOT_YET: &str = "not yet";

const FILES: &str = "files are always synced as they grow, and kept as long as they are needed";
const ONE_CHANNEL: &str =
    "data and stream go by one connection; the stream waits in the backlog meanwhile";
const NEVER_IGNORED: &str =
    "a stream that can't be obeyed is not passed over: the data are asked for anew";
const CLUSTER: &str = "comes later, with the cluster";
const ACL: &str = "comes later, with users and their rights";
const SCRIPTING: &str = "comes later, with scripting";
const TLS: &str = "comes later, with TLS";
const MODULES: &str = "there are no modules";
const ONE_THREAD: &str = "a shard has one thread; more cores are more shards";
const FREED: &str = "what is large is always freed bit by bit";
const LAYOUT: &str = "about how Valkey lays memory out; Larder's layout has nothing to choose";
const TESTS: &str = "for Valkey's own tests";

/// Commands with their subcommands, or all whose name begins so when a `*` stands at the end.
const COMMANDS: &[(&str, &[&str])] = &[
    (
        CLUSTER,
        &[
            "asking",
            "client|import-source",
            "cluster*",
            "migrate",
            "readonly",
            "readwrite",
            "spublish",
            "ssubscribe",
            "sunsubscribe",
            "pubsub|shard*",
        ],
    ),
    (ACL, &["acl*"]),
    (SCRIPTING, &["eval*", "fcall*", "function*", "script*"]),
    (MODULES, &["module*"]),
    (LAYOUT, &["memory|malloc-stats", "memory|purge"]),
    (TESTS, &["debug", "pfdebug", "pfselftest"]),
];

/// Settings, likewise; `*` may stand at the beginning, too. The first that fits counts.
const SETTINGS: &[(&str, &[&str])] = &[
    (ONE_THREAD, &["*cpulist", "io-threads*", "prefetch-*"]),
    (FILES, &["always-show-logo", "aof-rewrite-incremental-fsync", "rdb*"]),
    (ONE_CHANNEL, &["dual-channel-replication-enabled"]),
    (NEVER_IGNORED, &["propagation-error-behavior"]),
    (CLUSTER, &["cluster*", "slot-migration-*"]),
    (ACL, &["acl*", "aclfile"]),
    (SCRIPTING, &["busy-reply-threshold", "lua-*"]),
    (TLS, &["tls-*"]),
    (MODULES, &["enable-module-command", "extended-redis-compatibility"]),
    (FREED, &["lazyfree-*"]),
    (
        LAYOUT,
        &[
            "active-defrag-*",
            "activedefrag",
            "activerehashing",
            "hash-max-*",
            "hll-sparse-max-bytes",
            "jemalloc-bg-thread",
            "list-compress-depth",
            "list-max-*",
            "set-max-*",
            "stream-node-max-*",
            "zset-max-*",
        ],
    ),
    (TESTS, &["enable-debug-*", "hash-seed"]),
];

/// What is otherwise in commands that both have: the command, the field, and why.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    (
        "client|kill",
        "arguments",
        "the same filters; Valkey's form says that one of them is chosen again and again, Larder's \
         that each may stand once",
    ),
    (
        "h*",
        "arguments",
        "Valkey takes FIELDS with its names for one block, and the count for a key",
    ),
    ("sort*", "arguments", "Valkey counts the patterns of BY and GET among the keys"),
];

/// Why a command that Valkey has is not there.
pub(super) fn of_command(name: &str) -> &'static str {
    reason(COMMANDS, name)
}

/// Why a setting that Valkey has is not there.
pub(super) fn of_setting(name: &str) -> &'static str {
    reason(SETTINGS, name)
}

/// Why a command's metadata differ.
pub(super) fn of_difference(command: &str, field: &str) -> Option<&'static str> {
    let found = DIFFERENCES.iter().find(|(name, f, _)| covers(name, command) && *f == field);
    found.map(|(_, _, reason)| *reason)
}

/// Reasons for differences that there are no more.
pub(super) fn idle(differences: &[Difference<'_>]) -> Vec<String> {
    let needed = |name: &str, field: &str| {
        differences.iter().any(|d| covers(name, d.command) && d.field == field)
    };
    let idle = DIFFERENCES.iter().filter(|(name, field, _)| !needed(name, field));
    idle.map(|(name, field, _)| format!("reasons.rs: {field} of `{name}` no longer differ"))
        .collect()
}

fn reason(table: &[(&'static str, &[&str])], name: &str) -> &'static str {
    let found = table.iter().find(|(_, names)| names.iter().any(|n| covers(n, name)));
    found.map_or(NOT_YET, |(reason, _)| reason)
}

/// Whether a name of the tables means this one: itself, its subcommands, or what begins or ends so.
fn covers(pattern: &str, name: &str) -> bool {
    if let Some(end) = pattern.strip_prefix('*') {
        return name.ends_with(end);
    }
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => {
            name.strip_prefix(pattern).is_some_and(|rest| rest.is_empty() || rest.starts_with('|'))
        }
    }
}
