//! Connections introduce themselves: AUTH, HELLO, SELECT, PING and their like.

use super::{Categories, Error, Flags, Flow, Group, Outcome, Role, Spec, Tips, shown};
use crate::config::Id;
use crate::node::{ConnFlags, Cx};
use crate::observer::Observer;
use crate::numbers::parse_i64;
use crate::protocol::Resp;
use subtle::ConstantTimeEq;

/// Allowed before AUTH and at any other time.
const ANYTIME: Flags = bits!(Flags: NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY);

rows! {
    auth: Spec::new("auth", -2, ANYTIME, Group::Connection)
    .acl(Categories::CONNECTION)
    .docs("1.0.0", "O(1)", "[username] password", "Logs the connection in."),
    echo: Spec::new("echo", 2, bits!(Flags: LOADING | STALE | FAST), Group::Connection)
    .acl(Categories::CONNECTION)
    .docs("1.0.0", "O(1)", "message", "Answers with the message."),
    hello: Spec::new("hello", -1, ANYTIME, Group::Connection)
    .acl(Categories::CONNECTION)
    .docs(
        "6.0.0",
        "O(1)",
        "[protover [AUTH username password] [SETNAME clientname]]",
        "Chooses the protocol's version, and may log in and name the connection on the way.",
    ),
    ping: Spec::new("ping", -1, Flags::FAST, Group::Connection)
    .acl(Categories::CONNECTION)
    .tips(bits!(Tips: REQUEST_ALL_SHARDS | RESPONSE_ALL_SUCCEEDED))
    .role(Role::WHILE_SUBSCRIBED)
    .docs("1.0.0", "O(1)", "[message]", "Answers PONG, or the message, to show that all is well."),
    quit: Spec::new("quit", -1, ANYTIME, Group::Connection)
    .acl(Categories::CONNECTION)
    .role(bits!(Role: RULES_MULTI | WHILE_SUBSCRIBED))
    .docs("1.0.0", "O(1)", "", "Closes the connection."),
    reset: Spec::new("reset", 1, ANYTIME, Group::Connection)
    .acl(Categories::CONNECTION)
    .role(bits!(Role: RULES_MULTI | WHILE_SUBSCRIBED))
    .docs("6.2.0", "O(1)", "", "Puts the connection back to how it was when it was opened."),
    select: Spec::new(
        "select",
        2,
        bits!(Flags: LOADING | STALE | FAST | ALLOW_BUSY),
        Group::Connection,
    )
    .acl(Categories::CONNECTION)
    .docs("1.0.0", "O(1)", "index", "Chooses the database that later commands work on."),
}

fn auth<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    cx.redact(1);
    cx.redact(2);
    let (user, password) = match cx.args.len() {
        2 => (&b"default"[..], cx.args.at(1)),
        3 => (cx.args.at(1), cx.args.at(2)),
        _ => return Err(Error::Syntax),
    };
    if cx.args.len() == 2 && cx.state.config.text(Id::Requirepass).is_empty() {
        return Err(Error::Text(
            "ERR AUTH <password> called without any password configured for the default user. Are \
             you sure your configuration is correct?",
        ));
    }
    log_in(cx, user, password)?;
    cx.out().ok();
    Ok(Flow::Done)
}

/// There is one user, `default`, until there are ACLs.
fn log_in<O: Observer>(cx: &mut Cx<'_, O>, user: &[u8], password: &[u8]) -> Result<(), Error> {
    let expected = cx.state.config.text(Id::Requirepass).as_bytes();
    let fits = expected.is_empty() || bool::from(expected.ct_eq(password));
    if user != b"default" || !fits {
        return Err(Error::Text("WRONGPASS invalid username-password pair or user is disabled."));
    }
    cx.conn.flags.insert(ConnFlags::AUTHENTICATED);
    Ok(())
}

fn echo<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let message = cx.args.at(1);
    cx.out().bulk(message);
    Ok(Flow::Done)
}

fn hello<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let args = cx.args;
    let version = match args.get(1) {
        None => None,
        Some(text) => Some(match parse_i64(text) {
            Some(2) => Resp::V2,
            Some(3) => Resp::V3,
            Some(_) => return Err(Error::Text("NOPROTO unsupported protocol version")),
            None => {
                return Err(Error::Text("ERR Protocol version is not an integer or out of range"));
            }
        }),
    };
    let (mut name, mut credentials) = (None, None);
    let mut i = 2;
    while i < args.len() {
        let option = args.at(i).to_ascii_lowercase();
        match (option.as_slice(), args.len() - i - 1) {
            (b"auth", 2..) => {
                cx.redact(i + 1);
                cx.redact(i + 2);
                credentials = Some((args.at(i + 1), args.at(i + 2)));
                i += 3;
            }
            (b"setname", 1..) => {
                name = Some(super::client::checked_name(args.at(i + 1), "Client names")?);
                i += 2;
            }
            _ => {
                return Err(Error::Owned(alloc::format!(
                    "ERR Syntax error in HELLO option '{}'",
                    shown(args.at(i))
                )));
            }
        }
    }
    if let Some((user, password)) = credentials {
        log_in(cx, user, password)?;
    }
    let may_pass = cx.state.config.text(Id::Requirepass).is_empty()
        || cx.conn.has(ConnFlags::AUTHENTICATED | ConnFlags::TRUSTED);
    if !may_pass {
        return Err(Error::Text(
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the \
             HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and \
             select the RESP protocol version at the same time",
        ));
    }
    if let Some(name) = name {
        cx.conn.name = name;
    }
    if let Some(version) = version {
        cx.out().set_resp(version);
    }
    greet(cx);
    Ok(Flow::Done)
}

/// HELLO's answer: who the server is, as clients expect it.
fn greet<O: Observer>(cx: &mut Cx<'_, O>) {
    let id = cx.conn.id.id as i64;
    let role = super::replication::shown::role_name(cx);
    let out = cx.out();
    let version = if out.resp() == Resp::V3 { 3 } else { 2 };
    out.map(7);
    out.bulk(b"server");
    out.bulk(b"redis");
    out.bulk(b"version");
    out.bulk(super::server::REDIS_VERSION.as_bytes());
    out.bulk(b"proto");
    out.integer(version);
    out.bulk(b"id");
    out.integer(id);
    out.bulk(b"mode");
    out.bulk(b"standalone");
    out.bulk(b"role");
    out.bulk(role.as_bytes());
    out.bulk(b"modules");
    out.array(0);
}

fn ping<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let args = cx.args;
    if args.len() > 2 {
        return Err(Error::Arity("ping"));
    }
    // RESP2 has no pushes: a subscriber gets every answer in the shape of a message.
    if cx.resp() == Resp::V2 && cx.conn.listens() {
        let out = cx.out();
        out.array(2);
        out.bulk(b"pong");
        out.bulk(args.at(1));
    } else if let Some(message) = args.get(1) {
        cx.out().bulk(message);
    } else {
        cx.out().simple("PONG");
    }
    Ok(Flow::Done)
}

fn quit<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    cx.conn.flags.insert(ConnFlags::CLOSING);
    cx.out().ok();
    Ok(Flow::Done)
}

fn reset<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    super::transactions::abandon(cx.conn, cx.state);
    super::pubsub::unsubscribe_all(cx);
    cx.state.tracking.end(cx.conn);
    let conn = &mut *cx.conn;
    cx.state.monitors.retain(|&id| id != conn.id);
    conn.flags.remove(
        ConnFlags::AUTHENTICATED
            | ConnFlags::MONITOR
            | ConnFlags::NO_EVICT
            | ConnFlags::NO_TOUCH
            | ConnFlags::REPLY_OFF
            | ConnFlags::REPLY_SKIP_NEXT
            | ConnFlags::REPLY_SKIP,
    );
    let asks_password = !cx.state.config.text(Id::Requirepass).is_empty();
    conn.flags.set(ConnFlags::AUTHENTICATED, !asks_password);
    conn.name.clear();
    conn.db = 0;
    cx.out().set_resp(Resp::V2);
    cx.out().simple("RESET");
    Ok(Flow::Done)
}

fn select<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let index = parse_i64(cx.args.at(1)).ok_or(Error::NotAnInteger)?;
    cx.conn.db = database(cx, index)?;
    cx.out().ok();
    Ok(Flow::Done)
}

/// A database by its index.
pub(super) fn database<O: Observer>(cx: &Cx<'_, O>, index: i64) -> Result<u32, Error> {
    u32::try_from(index)
        .ok()
        .filter(|&db| db < cx.state.keyspace.databases())
        .ok_or(Error::Text("ERR DB index is out of range"))
}
