//! The command table: everything that needs to know a command reads it.
//!
//! A family of commands is one file (or folder) that holds its rows and its handlers. Name, arity,
//! flags, key positions, ACL categories, since, summary and syntax stand in the row and nowhere
//! else; arity checks, COMMAND INFO/DOCS, consoles and documents are read from here.
//!
//! What must never be here: parsing of the wire, storage layout, time of its own.

#[macro_use]
mod arguments;
mod keys;
mod names;
mod sampling;
mod spec;
mod ttl;

pub use keys::{BadKeys, KeyAt, find_keys, keys_of};
pub(crate) use spec::Role;
pub use spec::{Begin, Categories, Find, Flags, Group, KeyFlags, KeySpec, Spec, Tips};
pub(crate) use transactions::abandon;

use crate::node::Cx;
use crate::observer::Observer;
use crate::protocol::Args;

pub(crate) use crate::node::{Error, Flow, Outcome, SHOWN_LIMIT, shown};

/// Runs a command whose arity has been checked.
pub(crate) type Handler<O> = fn(&mut Cx<'_, O>) -> Outcome;

/// Declares a family: its rows and, in the same order, their handlers.
///
/// `rows! { get: Spec::new("get", 2, ...), ... }` makes `SPECS` and `handlers()`.
macro_rules! rows {
    ($($handler:path: $spec:expr),+ $(,)?) => {
        pub(crate) static SPECS: &[$crate::commands::Spec] = &[$($spec),+];

        pub(crate) const fn handlers<O: $crate::observer::Observer>()
        -> &'static [$crate::commands::Handler<O>] {
            const { &[$($handler as $crate::commands::Handler<O>),+] }
        }
    };
}

/// A union of flags that the compiler can compute: `bits!(Flags: WRITE | FAST)`.
macro_rules! bits {
    ($type:ident: $($flag:ident)|+) => {
        $type::from_bits_retain($($type::$flag.bits())|+)
    };
}

macro_rules! families {
    ($($family:ident),+ $(,)?) => {
        $(mod $family;)+

        const FAMILIES: &[&[Spec]] = &[$($family::SPECS),+];

        /// A command's handler, for a given observer.
        pub(crate) fn handler<O: Observer>(id: CommandId) -> Handler<O> {
            let handlers = const { &flat_handlers::<O>(&[$($family::handlers::<O>()),+]) };
            handlers[id.index()]
        }
    };
}

families! {
    connection,
    client,
    command,
    config,
    server,
    generic,
    dump,
    object,
    commandlog,
    latency,
    debug,
    persistence,
    expire,
    scan,
    strings,
    numbers,
    bitmaps,
    hyperloglog,
    hashes,
    lists,
    sets,
    sorted_sets,
    sort,
    streams,
    geo,
    fields,
    transactions,
    pubsub,
    replication,
}

/// Where a command stands in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CommandId(u16);

impl CommandId {
    pub(crate) fn spec(self) -> &'static Spec {
        ROWS[self.index()]
    }

    /// The row's place in the order of [`all`].
    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// How many rows there are.
const LEN: usize = {
    let (mut len, mut family) = (0, 0);
    while family < FAMILIES.len() {
        len += FAMILIES[family].len();
        family += 1;
    }
    len
};

/// All rows, one family's behind the other's.
static ROWS: [&Spec; LEN] = {
    let mut rows = [&FAMILIES[0][0]; LEN];
    let (mut at, mut family) = (0, 0);
    while family < FAMILIES.len() {
        let mut row = 0;
        while row < FAMILIES[family].len() {
            rows[at] = &FAMILIES[family][row];
            at += 1;
            row += 1;
        }
        family += 1;
    }
    rows
};

/// All handlers, in the order of the rows.
const fn flat_handlers<O: Observer>(families: &[&[Handler<O>]]) -> [Handler<O>; LEN] {
    let mut handlers = [families[0][0]; LEN];
    let (mut at, mut family) = (0, 0);
    while family < families.len() {
        let mut row = 0;
        while row < families[family].len() {
            handlers[at] = families[family][row];
            at += 1;
            row += 1;
        }
        family += 1;
    }
    handlers
}

/// All rows, subcommands (`client|list`) included, in the table's order.
pub fn all() -> impl Iterator<Item = &'static Spec> {
    ROWS.iter().copied()
}

/// The subcommands of a container command.
pub fn subcommands(container: &'static Spec) -> impl Iterator<Item = &'static Spec> {
    all().filter(move |spec| spec.container() == Some(container.name))
}

/// A row by its full name (`get`, `client|list`), in any case.
pub fn find(name: &[u8]) -> Option<&'static Spec> {
    find_id(name).map(CommandId::spec)
}

/// The row of a command as it was sent, its subcommand looked at too.
pub fn find_command(args: Args<'_>) -> Option<&'static Spec> {
    crate::node::lookup(args).ok().map(CommandId::spec)
}

/// The longest name that the index can hold: names beyond it are unknown.
const NAME_LIMIT: usize = 32;

/// A row by its full name, in any case.
pub(crate) fn find_id(name: &[u8]) -> Option<CommandId> {
    if name.len() > NAME_LIMIT {
        return None;
    }
    let mut at = bucket(name);
    loop {
        let id = INDEX[at]?;
        if id.spec().name.as_bytes().eq_ignore_ascii_case(name) {
            return Some(id);
        }
        at = (at + 1) % INDEX.len();
    }
}

/// A subcommand by its container's name and its own.
pub(crate) fn find_subcommand(container: &str, name: &[u8]) -> Option<CommandId> {
    let mut full = [0u8; NAME_LIMIT];
    let len = container.len() + 1 + name.len();
    full.get_mut(..len)?.copy_from_slice(&[container.as_bytes(), b"|", name].concat());
    find_id(&full[..len])
}

/// An open-addressing table over the rows' names, made by the compiler.
static INDEX: [Option<CommandId>; 2048] = {
    let mut index = [None; 2048];
    let mut row = 0;
    while row < LEN {
        let mut at = bucket(ROWS[row].name.as_bytes());
        while index[at].is_some() {
            at = (at + 1) % index.len();
        }
        index[at] = Some(CommandId(row as u16));
        row += 1;
    }
    index
};

/// FNV-1a over the name in lower case.
const fn bucket(name: &[u8]) -> usize {
    let mut hash: u32 = 0x811c_9dc5;
    let mut i = 0;
    while i < name.len() {
        hash = (hash ^ name[i].to_ascii_lowercase() as u32).wrapping_mul(0x0100_0193);
        i += 1;
    }
    ((hash ^ (hash >> 15)) % 2048) as usize
}

/// Answers a container's HELP from its subcommands' rows.
pub(crate) fn help<O: Observer>(cx: &mut Cx<'_, O>, container: &'static str) -> Outcome {
    let Some(spec) = find(container.as_bytes()) else { return Err(Error::Syntax) };
    let out = cx.out();
    let place = out.deferred();
    let title = container.to_ascii_uppercase();
    out.simple(&alloc::format!("{title} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"));
    let mut lines = 1;
    for sub in subcommands(spec) {
        let name = sub.name.rsplit('|').next().unwrap_or_default().to_ascii_uppercase();
        out.simple(alloc::format!("{name} {}", sub.syntax).trim_end());
        out.simple(&alloc::format!("    {}", sub.summary));
        lines += 2;
    }
    out.set_array(place, lines);
    Ok(Flow::Done)
}
