//! What a replica and its primary say before data flow: PING, AUTH, REPLCONF, PSYNC, each answered by a
//! line.

use super::super::conn::{ConnFlags, Connection};
use super::super::{LogLevel, Node};
use super::link::{LinkStage, send};
use super::transfer::{Next, Transfer};
use super::{ReplId, Role};
use crate::config::{Config, Id};
use crate::time::Now;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::{String, ToString};

/// The version whose commands and formats this node understands, as a Valkey primary asks for it.
const VERSION: &str = "9.1.0";
/// The longest line that a primary may say, in bytes.
pub(super) const LINE_LIMIT: usize = 4096;

/// The answers that are still to come.
#[derive(Clone, Debug)]
pub(super) struct Greeting {
    expected: VecDeque<Expected>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Pong,
    LoggedIn,
    /// Whether a primary knows this or not is no matter.
    Told,
    Stream,
}

impl Greeting {
    pub(super) fn begin(conn: &mut Connection) -> Self {
        send(conn, &["PING"]);
        Greeting { expected: [Expected::Pong].into() }
    }

    /// Says who this node is.
    fn introduce(&mut self, conn: &mut Connection, config: &Config) {
        let mut say = |args: &[&str], expected| {
            send(conn, args);
            self.expected.push_back(expected);
        };
        let (user, password) = (config.text(Id::Primaryuser), config.text(Id::Primaryauth));
        match (user, password) {
            (_, "") => {}
            ("", password) => say(&["AUTH", password], Expected::LoggedIn),
            (user, password) => say(&["AUTH", user, password], Expected::LoggedIn),
        }
        let announced = config.number(Id::ReplicaAnnouncePort);
        let port = if announced == 0 { config.number(Id::Port) } else { announced };
        say(&["REPLCONF", "listening-port", &port.to_string()], Expected::Told);
        let ip = config.text(Id::ReplicaAnnounceIp);
        if !ip.is_empty() {
            say(&["REPLCONF", "ip-address", ip], Expected::Told);
        }
        say(&["REPLCONF", "capa", "eof", "capa", "psync2"], Expected::Told);
        say(&["REPLCONF", "version", VERSION], Expected::Told);
    }
}

/// Why a link can't go on.
pub(super) type Broken = String;

impl Node {
    /// Goes on with what the primary has sent. `true`: there is more that could be read at once.
    pub(in crate::node) fn greet(&mut self, conn: &mut Connection, now: Now) -> bool {
        if let Some(link) = self.state.replication.link_mut() {
            link.heard_at_us = now.mono_us;
        }
        match self.take_greetings(conn, now) {
            Ok(more) => more,
            Err(reason) => {
                if let Some(link) = self.state.replication.link_mut() {
                    let line = format!("The primary {}:{}: {reason}", link.host, link.port);
                    let stage = link.fall(now.mono_us);
                    stage.discard(&mut self.state);
                    self.state.log(LogLevel::Warning, line);
                }
                if self.state.replication.failover_target() {
                    self.post(now).abort_failover("the follower doesn't take over");
                }
                conn.flags.insert(ConnFlags::ABORT);
                conn.consumed = conn.input.len();
                false
            }
        }
    }

    fn take_greetings(&mut self, conn: &mut Connection, now: Now) -> Result<bool, Broken> {
        loop {
            let Role::Replica(link) = &mut self.state.replication.role else {
                return Err("this node follows nobody any more".into());
            };
            match &mut link.stage {
                LinkStage::Greeting(id, _) if *id == conn.id => {
                    let Some(line) = next_line(conn)? else { return Ok(false) };
                    self.take_answer(conn, &line, now)?;
                }
                LinkStage::Receiving(id, transfer) if *id == conn.id => {
                    let bytes = conn.input.get(conn.consumed..).unwrap_or_default();
                    let (used, next) = transfer.take(bytes, &self.state.config, now)?;
                    conn.consumed += used;
                    match next {
                        Next::Waits => return Ok(false),
                        Next::GoesOn => return Ok(true),
                        Next::Whole => self.install(conn, now),
                    }
                }
                LinkStage::Online(id) if *id == conn.id => return Ok(true),
                _ => return Err("this connection is no link any more".into()),
            }
        }
    }

    fn take_answer(&mut self, conn: &mut Connection, line: &str, now: Now) -> Result<(), Broken> {
        let state = &mut self.state;
        let Role::Replica(link) = &mut state.replication.role else { return Ok(()) };
        let LinkStage::Greeting(_, greeting) = &mut link.stage else { return Ok(()) };
        let Some(&expected) = greeting.expected.front() else {
            return Err(format!("says {line:?} unasked"));
        };
        // While it makes its snapshot a primary sends empty lines.
        if line.is_empty() && expected == Expected::Stream {
            return Ok(());
        }
        let refused = line.starts_with('-');
        match expected {
            Expected::Stream => return self.take_stream_answer(conn, line, now),
            // One that asks for a password first is there, too.
            Expected::Pong
                if refused && !["-NOAUTH", "-NOPERM"].iter().any(|c| line.starts_with(c)) =>
            {
                return Err(format!("answers PING with {line:?}"));
            }
            Expected::LoggedIn if refused => return Err(format!("can't log in: {line:?}")),
            Expected::Pong => greeting.introduce(conn, &state.config),
            Expected::LoggedIn | Expected::Told => {}
        }
        greeting.expected.pop_front();
        if greeting.expected.is_empty() {
            greeting.expected.push_back(Expected::Stream);
            let next = (state.effects.feed.offset() + 1).to_string();
            let failover = state.replication.failover_target();
            match (link_is_whole(&state.replication.role), failover) {
                (true, _) => send(conn, &["PSYNC", "?", "-1"]),
                (false, false) => send(conn, &["PSYNC", state.replication.id.as_str(), &next]),
                (false, true) => {
                    send(conn, &["PSYNC", state.replication.id.as_str(), &next, "FAILOVER"]);
                }
            }
        }
        Ok(())
    }

    fn take_stream_answer(
        &mut self,
        conn: &mut Connection,
        line: &str,
        now: Now,
    ) -> Result<(), Broken> {
        let words: alloc::vec::Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["+FULLRESYNC", id, offset] => {
                let id = ReplId::parse(id.as_bytes());
                let offset = offset.parse::<u64>().ok().filter(|&offset| offset <= i64::MAX as u64);
                let (Some(id), Some(offset)) = (id, offset) else {
                    return Err(format!("begins a transfer by {line:?}"));
                };
                let keyspace = self.state.keyspace.beside();
                let transfer = Box::new(Transfer::new(id, offset, keyspace));
                let line = format!("The primary sends its data as a whole, as of {id}:{offset}");
                self.state.log(LogLevel::Notice, line);
                if let Role::Replica(link) = &mut self.state.replication.role {
                    link.stage = LinkStage::Receiving(conn.id, transfer);
                }
                self.end_failover_by_demotion(now);
                Ok(())
            }
            ["+CONTINUE"] | ["+CONTINUE", _] => {
                if link_is_whole(&self.state.replication.role) {
                    return Err("goes on with a stream that wasn't asked for".into());
                }
                let id = match words.get(1) {
                    Some(id) => {
                        Some(ReplId::parse(id.as_bytes()).ok_or_else(|| format!("says {line:?}"))?)
                    }
                    None => None,
                };
                let renamed = self.state.go_online(conn, id, now);
                if renamed {
                    // They come back and learn the new name.
                    self.post(now).close_followers();
                }
                self.end_failover_by_demotion(now);
                let offset = self.state.effects.feed.offset();
                self.state.log(LogLevel::Notice, format!("The stream goes on at {offset}"));
                Ok(())
            }
            _ => Err(format!("answers PSYNC with {line:?}")),
        }
    }
}

fn link_is_whole(role: &Role) -> bool {
    matches!(role, Role::Replica(link) if link.whole)
}

/// Takes the next line of a connection's input, without its end.
fn next_line(conn: &mut Connection) -> Result<Option<String>, Broken> {
    let input = conn.input.get(conn.consumed..).unwrap_or_default();
    let window = &input[..input.len().min(LINE_LIMIT)];
    let Some(end) = window.iter().position(|&byte| byte == b'\n') else {
        return if input.len() >= LINE_LIMIT {
            Err("says too long a line".into())
        } else {
            Ok(None)
        };
    };
    let line = input[..end].strip_suffix(b"\r").unwrap_or(&input[..end]);
    let line = String::from_utf8_lossy(line).into_owned();
    conn.consumed += end + 1;
    Ok(Some(line))
}
