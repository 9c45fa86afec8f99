//! CLIENT: who is connected, and how a connection wants to be treated.
//!
//! [`list`] describes connections, [`filter`] chooses some of them, [`kill`] closes them,
//! [`pause`] makes them wait, and [`tracking`] lets them hear which keys change.

mod filter;
mod kill;
mod list;
mod pause;
mod tracking;

use super::{Categories, Error, Flags, Flow, Group, Outcome, Role, Spec, Tips, shown};
use crate::node::{ConnFlags, Cx};
use crate::observer::Observer;
use alloc::format;
use alloc::string::String;

rows! {
    container: Spec::new("client", -2, Flags::empty(), Group::Connection)
        .role(Role::CONTAINER)
    .docs("2.4.0", "Depends on the subcommand", "", "Looks at and treats connections."),
    capa: Spec::new(
        "client|capa",
        -3,
        bits!(Flags: NOSCRIPT | LOADING | STALE | ALLOW_BUSY),
        Group::Connection,
    )
    .acl(Categories::CONNECTION)
    .role(Role::KEEPS_CACHING)
    .docs(
        "8.0.0",
        "O(1)",
        "capability [capability ...]",
        "Says what the client is able to do, such as to follow redirections.",
    ),
    tracking::caching: Spec::new(
        "client|caching",
        3,
        bits!(Flags: NOSCRIPT | LOADING | STALE | ALLOW_BUSY),
        Group::Connection,
    )
    .acl(Categories::CONNECTION)
    .role(Role::KEEPS_CACHING)
    .docs(
        "6.0.0",
        "O(1)",
        "<YES | NO>",
        "Whether the keys that the next command reads are tracked.",
    ),
    tracking::getredir: Spec::new(
        "client|getredir",
        2,
        bits!(Flags: NOSCRIPT | LOADING | STALE | ALLOW_BUSY),
        Group::Connection,
    )
    .acl(Categories::CONNECTION)
    .role(Role::KEEPS_CACHING)
    .docs("6.0.0", "O(1)", "", "Which client is told in this one's place that keys changed."),
    tracking::tracking: Spec::new(
        "client|tracking",
        -3,
        bits!(Flags: NOSCRIPT | LOADING | STALE),
        Group::Connection,
    )
    .acl(Categories::CONNECTION)
    .role(Role::KEEPS_CACHING)
    .docs(
        "6.0.0",
        "O(N) for N prefixes",
        "<ON | OFF> [REDIRECT client-id] [PREFIX prefix ...] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]",
        "Lets the client hear when keys that it has read change.",
    ),
    tracking::trackinginfo: Spec::new(
        "client|trackinginfo",
        2,
        bits!(Flags: NOSCRIPT | LOADING | STALE),
        Group::Connection,
    )
    .acl(Categories::CONNECTION)
    .role(Role::KEEPS_CACHING)
    .docs("6.2.0", "O(N) for N prefixes", "", "How the client tracks keys."),
    getname: Spec::new(
        "client|getname",
        2,
        bits!(Flags: NOSCRIPT | LOADING | STALE | ALLOW_BUSY),
        Group::Connection,
    )
    .acl(Categories::CONNECTION)
    .role(Role::KEEPS_CACHING)
    .docs("2.6.9", "O(1)", "", "The name that this connection was given."),
    help: Spec::new("client|help", 2, bits!(Flags: LOADING | STALE), Group::Connection)
        .acl(Categories::CONNECTION)
        .role(Role::KEEPS_CACHING)
        .docs("5.0.0", "O(1)", "", "What CLIENT can do."),
    id: Spec::new(
        "client|id",
        2,
        bits!(Flags: NOSCRIPT | LOADING | STALE | ALLOW_BUSY),
        Group::Connection,
    )
    .acl(Categories::CONNECTION)
    .role(Role::KEEPS_CACHING)
    .docs("5.0.0", "O(1)", "", "The number by which the server knows this connection."),
    list::info: Spec::new(
        "client|info",
        2,
        bits!(Flags: NOSCRIPT | LOADING | STALE),
        Group::Connection,
    )
    .acl(Categories::CONNECTION)
    .role(Role::KEEPS_CACHING)
    .tips(Tips::NONDETERMINISTIC_OUTPUT)
    .docs("6.2.0", "O(1)", "", "Describes this connection in one line."),
    kill::kill: Spec::new(
        "client|kill",
        -3,
        bits!(Flags: ADMIN | NOSCRIPT | LOADING | STALE),
        Group::Connection,
    )
    .acl(Categories::CONNECTION)
    .role(Role::KEEPS_CACHING)
    .docs(
        "2.4.0",
        "O(N) for N connections",
        "<ip:port | [ID client-id [client-id ...]] \
         [TYPE <NORMAL | MASTER | PRIMARY | SLAVE | REPLICA | PUBSUB>] [USER username] \
         [ADDR ip:port] [LADDR ip:port] [SKIPME <YES | NO>] [MAXAGE maxage] [NAME name] \
         [IDLE idle] [FLAGS flags] [LIB-NAME lib-name] [LIB-VER lib-ver] [DB db] [CAPA capa] \
         [IP ip] [NOT-TYPE <NORMAL | MASTER | PRIMARY | SLAVE | REPLICA | PUBSUB>] \
         [NOT-ID not-client-id [not-client-id ...]] [NOT-USER not-username] \
         [NOT-ADDR ip:port] [NOT-LADDR ip:port] [NOT-NAME not-name] [NOT-FLAGS not-flags] \
         [NOT-LIB-NAME not-lib-name] [NOT-LIB-VER not-lib-ver] [NOT-DB not-db] \
         [NOT-CAPA not-capa] [NOT-IP not-ip]>",
        "Closes connections: the one at an address, or all that pass every filter.",
    ),
    list::list: Spec::new(
        "client|list",
        -2,
        bits!(Flags: ADMIN | NOSCRIPT | LOADING | STALE),
        Group::Connection,
    )
    .acl(Categories::CONNECTION)
    .role(Role::KEEPS_CACHING)
    .tips(Tips::NONDETERMINISTIC_OUTPUT)
    .docs(
        "2.4.0",
        "O(N) for N connections",
        "[TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [ID client-id [client-id ...]] \
         [USER username] [ADDR ip:port] [LADDR ip:port] [SKIPME <YES | NO>] [MAXAGE maxage] \
         [NAME name] [IDLE idle] [FLAGS flags] [LIB-NAME lib-name] [LIB-VER lib-ver] [DB db] \
         [CAPA capa] [IP ip] [NOT-TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] \
         [NOT-ID not-client-id [not-client-id ...]] [NOT-USER not-username] \
         [NOT-ADDR ip:port] [NOT-LADDR ip:port] [NOT-NAME not-name] [NOT-FLAGS not-flags] \
         [NOT-LIB-NAME not-lib-name] [NOT-LIB-VER not-lib-ver] [NOT-DB not-db] \
         [NOT-CAPA not-capa] [NOT-IP not-ip]",
        "Describes connections, a line each: all, or those that pass every filter.",
    ),
    no_evict: Spec::new(
        "client|no-evict",
        3,
        bits!(Flags: ADMIN | NOSCRIPT | LOADING | STALE | ALLOW_BUSY),
        Group::Connection,
    )
    .acl(Categories::CONNECTION)
    .role(Role::KEEPS_CACHING)
    .docs("7.0.0", "O(1)", "<ON | OFF>", "Exempts the connection from being closed for memory."),
    no_touch: Spec::new(
        "client|no-touch",
        3,
        bits!(Flags: NOSCRIPT | LOADING | STALE | ALLOW_BUSY),
        Group::Connection,
    )
    .acl(Categories::CONNECTION)
    .role(Role::KEEPS_CACHING)
    .docs("7.2.0", "O(1)", "<ON | OFF>", "Lets its reads not count as uses of the keys."),
    pause::pause: Spec::new(
        "client|pause",
        -3,
        bits!(Flags: ADMIN | NOSCRIPT | LOADING | STALE),
        Group::Connection,
    )
    .acl(Categories::CONNECTION)
    .role(Role::KEEPS_CACHING)
    .docs(
        "3.0.0",
        "O(1)",
        "timeout [WRITE | ALL]",
        "Lets the commands of all clients, or only their writes, wait for some milliseconds.",
    ),
    reply: Spec::new(
        "client|reply",
        3,
        bits!(Flags: NOSCRIPT | LOADING | STALE | NO_MULTI | ALLOW_BUSY),
        Group::Connection,
    )
    .acl(Categories::CONNECTION)
    .role(Role::KEEPS_CACHING)
    .docs("3.2.0", "O(1)", "<ON | OFF | SKIP>", "Turns replies off, on, or off for one command."),
    setinfo: Spec::new(
        "client|setinfo",
        4,
        bits!(Flags: NOSCRIPT | LOADING | STALE | ALLOW_BUSY),
        Group::Connection,
    )
    .acl(Categories::CONNECTION)
    .role(Role::KEEPS_CACHING)
    .tips(bits!(Tips: REQUEST_ALL_NODES | RESPONSE_ALL_SUCCEEDED))
    .docs(
        "7.2.0",
        "O(1)",
        "<LIB-NAME libname | LIB-VER libver>",
        "Says which client library, in which version, is at the other end.",
    ),
    setname: Spec::new(
        "client|setname",
        3,
        bits!(Flags: NOSCRIPT | LOADING | STALE | ALLOW_BUSY),
        Group::Connection,
    )
    .acl(Categories::CONNECTION)
    .role(Role::KEEPS_CACHING)
    .tips(bits!(Tips: REQUEST_ALL_NODES | RESPONSE_ALL_SUCCEEDED))
    .docs("2.6.9", "O(1)", "connection-name", "Names the connection, for CLIENT LIST."),
    pause::unblock: Spec::new(
        "client|unblock",
        -3,
        bits!(Flags: ADMIN | NOSCRIPT | LOADING | STALE),
        Group::Connection,
    )
    .acl(Categories::CONNECTION)
    .role(Role::KEEPS_CACHING)
    .docs(
        "5.0.0",
        "O(log N) for N connections",
        "client-id [TIMEOUT | ERROR]",
        "Ends the waiting of a connection whose command blocks.",
    ),
    pause::unpause: Spec::new(
        "client|unpause",
        2,
        bits!(Flags: ADMIN | NOSCRIPT | LOADING | STALE),
        Group::Connection,
    )
    .acl(Categories::CONNECTION)
    .role(Role::KEEPS_CACHING)
    .docs("6.2.0", "O(N) for N paused connections", "", "Ends what CLIENT PAUSE began."),
}

/// The container is never run: it needs a subcommand.
fn container<O: Observer>(_cx: &mut Cx<'_, O>) -> Outcome {
    Err(Error::Arity("client"))
}

fn help<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    super::help(cx, "client")
}

fn id<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let id = cx.conn.id.id;
    cx.out().integer(id as i64);
    Ok(Flow::Done)
}

fn getname<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let conn = &mut *cx.conn;
    let name = (!conn.name.is_empty()).then_some(conn.name.as_bytes());
    conn.out.reply.bulk_or_null(name);
    Ok(Flow::Done)
}

fn setname<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    cx.conn.name = checked_name(cx.args.at(2), "Client names")?;
    cx.out().ok();
    Ok(Flow::Done)
}

fn setinfo<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (option, value) = (cx.args.at(2), cx.args.at(3));
    if option.eq_ignore_ascii_case(b"lib-name") {
        cx.conn.lib_name = checked_name(value, &shown(option))?;
    } else if option.eq_ignore_ascii_case(b"lib-ver") {
        cx.conn.lib_ver = checked_name(value, &shown(option))?;
    } else {
        return Err(Error::Owned(format!("ERR Unrecognized option '{}'", shown(option))));
    }
    cx.out().ok();
    Ok(Flow::Done)
}

/// The longest name of a connection or its library, in bytes.
const NAME_LIMIT: usize = 4096;

/// A name that may stand in CLIENT LIST: printable ASCII without spaces.
pub(super) fn checked_name(name: &[u8], what: &str) -> Result<String, Error> {
    if name.len() > NAME_LIMIT {
        return Err(Error::Owned(format!("ERR {what} cannot be longer than {NAME_LIMIT} bytes.")));
    }
    match core::str::from_utf8(name) {
        Ok(text) if name.iter().all(|b| (b'!'..=b'~').contains(b)) => Ok(String::from(text)),
        _ => Err(Error::Owned(format!(
            "ERR {what} cannot contain spaces, newlines or special characters."
        ))),
    }
}

fn capa<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    for capability in cx.args.from(2).iter() {
        // Those that nobody knows yet are passed over.
        if capability.eq_ignore_ascii_case(b"redirect") {
            cx.conn.flags.insert(ConnFlags::CAN_REDIRECT);
        }
    }
    cx.out().ok();
    Ok(Flow::Done)
}

fn no_evict<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    switch(cx, ConnFlags::NO_EVICT)
}

fn no_touch<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    switch(cx, ConnFlags::NO_TOUCH)
}

/// Sets a flag of this connection by ON or OFF.
fn switch<O: Observer>(cx: &mut Cx<'_, O>, flag: ConnFlags) -> Outcome {
    let on = match cx.args.at(2).to_ascii_lowercase().as_slice() {
        b"on" => true,
        b"off" => false,
        _ => return Err(Error::Syntax),
    };
    cx.conn.flags.set(flag, on);
    cx.out().ok();
    Ok(Flow::Done)
}

fn reply<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let flags = &mut cx.conn.flags;
    match cx.args.at(2).to_ascii_lowercase().as_slice() {
        b"on" => {
            flags.remove(ConnFlags::REPLY_OFF | ConnFlags::REPLY_SKIP);
            cx.out().ok();
        }
        b"off" => flags.insert(ConnFlags::REPLY_OFF),
        b"skip" if !flags.contains(ConnFlags::REPLY_OFF) => {
            flags.insert(ConnFlags::REPLY_SKIP_NEXT);
        }
        b"skip" => {}
        _ => return Err(Error::Syntax),
    }
    Ok(Flow::Done)
}
