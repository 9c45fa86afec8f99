//! A command's row.

use bitflags::bitflags;

bitflags! {
    /// What a command does to the server, as COMMAND INFO names it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Flags: u32 {
        /// May change data.
        const WRITE = 1;
        /// Only reads data.
        const READONLY = 1 << 1;
        /// May take more memory: refused when there is none.
        const DENYOOM = 1 << 2;
        /// For administrators.
        const ADMIN = 1 << 3;
        /// Has to do with pub/sub.
        const PUBSUB = 1 << 4;
        /// Not for scripts.
        const NOSCRIPT = 1 << 5;
        /// May block.
        const BLOCKING = 1 << 6;
        /// Allowed while data is being loaded.
        const LOADING = 1 << 7;
        /// Allowed on a replica whose data is old.
        const STALE = 1 << 8;
        /// Not shown to MONITOR.
        const SKIP_MONITOR = 1 << 9;
        /// Not in the command log.
        const SKIP_COMMANDLOG = 1 << 10;
        /// Constant or logarithmic time.
        const FAST = 1 << 11;
        /// Allowed before AUTH.
        const NO_AUTH = 1 << 12;
        /// Allowed in a script that may run anywhere.
        const ALLOW_BUSY = 1 << 13;
        /// Not inside MULTI.
        const NO_MULTI = 1 << 14;
        /// Key positions can't be told from the specs alone.
        const MOVABLEKEYS = 1 << 15;
        /// Not while a replica loads beside its old data.
        const NO_ASYNC_LOADING = 1 << 16;
        /// Works without any key.
        const NO_MANDATORY_KEYS = 1 << 17;
        /// Allowed on a slot that is being imported.
        const ASKING = 1 << 18;
    }

    /// What sets a command apart for the node itself.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct Role: u8 {
        /// Only exists to be followed by a subcommand.
        const CONTAINER = 1;
        /// Is a subcommand.
        const SUBCOMMAND = 1 << 1;
        /// Is about the transaction itself, so that MULTI doesn't queue it.
        const RULES_MULTI = 1 << 2;
        /// A RESP2 connection that listens to channels may run it.
        const WHILE_SUBSCRIBED = 1 << 3;
        /// Reaches beyond this node without changing its data.
        const REACHES_OUT = 1 << 4;
        /// Takes no time worth measuring, although it isn't marked as fast.
        const QUICK = 1 << 5;
        /// Runs what MULTI has queued.
        const RUNS_QUEUE = 1 << 6;
        /// Is about the connection itself: CLIENT CACHING means the command behind it.
        const KEEPS_CACHING = 1 << 7;
    }

    /// ACL categories beyond those that follow from the flags.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Categories: u32 {
        /// `@keyspace`
        const KEYSPACE = 1;
        /// `@string`
        const STRING = 1 << 1;
        /// `@hash`
        const HASH = 1 << 2;
        /// `@connection`
        const CONNECTION = 1 << 3;
        /// `@transaction`
        const TRANSACTION = 1 << 4;
        /// `@dangerous`
        const DANGEROUS = 1 << 5;
        /// `@pubsub`
        const PUBSUB = 1 << 6;
        /// `@admin`
        const ADMIN = 1 << 7;
        /// `@list`
        const LIST = 1 << 8;
        /// `@set`
        const SET = 1 << 9;
        /// `@sortedset`
        const SORTEDSET = 1 << 10;
        /// `@stream`
        const STREAM = 1 << 11;
        /// `@bitmap`
        const BITMAP = 1 << 12;
        /// `@hyperloglog`
        const HYPERLOGLOG = 1 << 13;
        /// `@geo`
        const GEO = 1 << 14;
    }

    /// What a command does with a key, as COMMAND INFO's key specifications name it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct KeyFlags: u16 {
        /// Reads and may write.
        const RW = 1;
        /// Only reads.
        const RO = 1 << 1;
        /// Overwrites whatever is there.
        const OW = 1 << 2;
        /// Removes.
        const RM = 1 << 3;
        /// Gives the value's content away.
        const ACCESS = 1 << 4;
        /// Changes the value in place.
        const UPDATE = 1 << 5;
        /// Adds data.
        const INSERT = 1 << 6;
        /// Removes data.
        const DELETE = 1 << 7;
        /// The argument looks like a key but isn't one.
        const NOT_KEY = 1 << 8;
        /// The flags depend on the other arguments.
        const VARIABLE_FLAGS = 1 << 9;
        /// There may be keys that this does not find.
        const INCOMPLETE = 1 << 10;
    }

    /// Hints for clients and proxies, as COMMAND INFO gives them.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Tips: u16 {
        /// `nondeterministic_output`
        const NONDETERMINISTIC_OUTPUT = 1;
        /// `nondeterministic_output_order`
        const NONDETERMINISTIC_OUTPUT_ORDER = 1 << 1;
        /// `request_policy:all_nodes`
        const REQUEST_ALL_NODES = 1 << 2;
        /// `request_policy:all_shards`
        const REQUEST_ALL_SHARDS = 1 << 3;
        /// `request_policy:multi_shard`
        const REQUEST_MULTI_SHARD = 1 << 4;
        /// `request_policy:special`
        const REQUEST_SPECIAL = 1 << 5;
        /// `response_policy:agg_logical_and`
        const RESPONSE_AGG_LOGICAL_AND = 1 << 6;
        /// `response_policy:agg_min`
        const RESPONSE_AGG_MIN = 1 << 7;
        /// `response_policy:agg_sum`
        const RESPONSE_AGG_SUM = 1 << 8;
        /// `response_policy:all_succeeded`
        const RESPONSE_ALL_SUCCEEDED = 1 << 9;
        /// `response_policy:one_succeeded`
        const RESPONSE_ONE_SUCCEEDED = 1 << 10;
        /// `response_policy:special`
        const RESPONSE_SPECIAL = 1 << 11;
    }
}

/// The family under which documents list a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Group {
    Bitmap,
    Connection,
    Generic,
    Geo,
    Hash,
    HyperLogLog,
    List,
    Pubsub,
    Server,
    Set,
    SortedSet,
    Stream,
    String,
    Transactions,
}

impl Group {
    /// The name in COMMAND DOCS.
    pub const fn name(self) -> &'static str {
        match self {
            Group::Bitmap => "bitmap",
            Group::Connection => "connection",
            Group::Generic => "generic",
            Group::Geo => "geo",
            Group::Hash => "hash",
            Group::HyperLogLog => "hyperloglog",
            Group::List => "list",
            Group::Pubsub => "pubsub",
            Group::Server => "server",
            Group::Set => "set",
            Group::SortedSet => "sorted-set",
            Group::Stream => "stream",
            Group::String => "string",
            Group::Transactions => "transactions",
        }
    }
}

/// Where the search for keys begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// At an argument's position; the name is 0.
    Index(u16),
    /// Behind a keyword, looked for from a position on.
    Keyword(&'static str, i16),
    /// Nobody can tell from the arguments alone.
    Unknown,
}

/// How the keys lie behind the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Find {
    /// To `last` (relative to the beginning; negative from the end), every `step`th.
    Range {
        /// The last key.
        last: i16,
        /// The distance between keys.
        step: u16,
        /// When `last` is -1: the part (one nth) of the arguments that are keys; 0 all.
        limit: u16,
    },
    /// A count stands at `num`, the keys from `first` on.
    KeyNum {
        /// Where the count is, relative to the beginning.
        num: u16,
        /// Where the first key is, relative to the beginning.
        first: u16,
        /// The distance between keys.
        step: u16,
    },
    /// Nobody can tell from the arguments alone.
    Unknown,
}

/// Where some of a command's keys are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeySpec {
    /// Where to begin.
    pub begin: Begin,
    /// How to go on.
    pub find: Find,
    /// What is done with them.
    pub flags: KeyFlags,
    /// A remark that COMMAND INFO gives.
    pub notes: &'static str,
}

impl KeySpec {
    /// A single key at a position.
    pub const fn one(at: u16, flags: KeyFlags) -> Self {
        Self::range(at, 0, 1, flags)
    }

    /// Keys from a position to `last` (relative to it; negative from the end), every `step`th.
    pub const fn range(at: u16, last: i16, step: u16, flags: KeyFlags) -> Self {
        let find = Find::Range { last, step, limit: 0 };
        KeySpec { begin: Begin::Index(at), find, flags, notes: "" }
    }

    /// A count at a position, and right behind it as many keys, every `step`th.
    pub const fn counted(at: u16, step: u16, flags: KeyFlags) -> Self {
        let find = Find::KeyNum { num: 0, first: 1, step };
        KeySpec { begin: Begin::Index(at), find, flags, notes: "" }
    }

    /// With a remark.
    pub const fn notes(self, notes: &'static str) -> Self {
        KeySpec { notes, ..self }
    }
}

/// A command's row in the table.
#[derive(Debug)]
pub struct Spec {
    /// The name in lower case; `container|subcommand` for a subcommand.
    pub name: &'static str,
    /// How many arguments, the name(s) included; negative: at least so many.
    pub arity: i16,
    /// What it does to the server.
    pub flags: Flags,
    /// ACL categories beyond those that follow from the flags.
    pub acl: Categories,
    /// Where its keys are.
    pub keys: &'static [KeySpec],
    /// Which argument is the first key, where its place is fixed; else 0.
    pub(crate) first_key: u8,
    /// Which argument is the first field or member that it looks up below its key; else 0.
    pub(crate) first_name: u8,
    /// What sets it apart for the node itself.
    pub(crate) role: Role,
    /// Hints for clients and proxies.
    pub tips: Tips,
    /// Under which heading documents list it.
    pub group: Group,
    /// The version of Redis or Valkey that had it first.
    pub since: &'static str,
    /// How its cost grows.
    pub complexity: &'static str,
    /// Its arguments, as `key value [NX | XX] [EX seconds | PX milliseconds]`; see
    /// COMMAND DOCS for what is read from it.
    pub syntax: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
}

impl Spec {
    /// A row with neither keys nor documentation.
    pub const fn new(name: &'static str, arity: i16, flags: Flags, group: Group) -> Self {
        Spec {
            name,
            arity,
            flags,
            acl: Categories::empty(),
            keys: &[],
            first_key: 0,
            first_name: 0,
            role: if has_bar(name) { Role::SUBCOMMAND } else { Role::empty() },
            tips: Tips::empty(),
            group,
            since: "1.0.0",
            complexity: "O(1)",
            syntax: "",
            summary: "",
        }
    }

    /// With ACL categories beyond those of the flags.
    pub const fn acl(self, acl: Categories) -> Self {
        Spec { acl, ..self }
    }

    /// With its keys.
    pub const fn keys(self, keys: &'static [KeySpec]) -> Self {
        let first_key = match keys {
            [KeySpec { begin: Begin::Index(at), find: Find::Range { .. }, .. }, ..] => *at as u8,
            _ => 0,
        };
        Spec { keys, first_key, ..self }
    }

    /// With the argument that is the first field or member that it looks up: what that reads is
    /// fetched ahead.
    pub(crate) const fn looks_up(self, first_name: u8) -> Self {
        Spec { first_name, ..self }
    }

    /// With what sets it apart for the node itself.
    pub(crate) const fn role(self, role: Role) -> Self {
        Spec { role: self.role.union(role), ..self }
    }

    /// With hints for clients and proxies.
    pub const fn tips(self, tips: Tips) -> Self {
        Spec { tips, ..self }
    }

    /// With the version that had it first, its cost, its arguments and what it does.
    pub const fn docs(
        self,
        since: &'static str,
        complexity: &'static str,
        syntax: &'static str,
        summary: &'static str,
    ) -> Self {
        Spec { since, complexity, syntax, summary, ..self }
    }

    /// The container's name, for a subcommand.
    pub fn container(&self) -> Option<&'static str> {
        self.name.split_once('|').map(|(container, _)| container)
    }

    pub(crate) fn is(&self, role: Role) -> bool {
        self.role.intersects(role)
    }

    /// Whether so many arguments (the name included) are right.
    pub const fn arity_fits(&self, args: usize) -> bool {
        if self.arity >= 0 {
            args == self.arity as usize
        } else {
            args >= self.arity.unsigned_abs() as usize
        }
    }
}

/// Whether a name is a container's and a subcommand's.
const fn has_bar(name: &str) -> bool {
    let mut i = 0;
    while i < name.len() {
        if name.as_bytes()[i] == b'|' {
            return true;
        }
        i += 1;
    }
    false
}
