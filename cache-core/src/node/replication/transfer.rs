//! The data as a whole, as they come from the primary: loaded beside those that are there, and put in
//! their place when all have come.
//!
//! A transfer that is cut changes nothing.

use super::super::conn::Connection;
use super::super::state::State;
use super::super::{LogLevel, Node};
use super::ReplId;
use super::data::Incoming;
use super::greeting::{Broken, LINE_LIMIT};
use crate::config::Config;
use crate::keyspace::Keyspace;
use crate::numbers::parse_i64;
use crate::time::Now;
use alloc::format;

/// Bytes that are loaded before others have their turn.
const GULP: usize = 256 * 1024;

#[derive(Clone, Debug)]
pub(super) struct Transfer {
    id: ReplId,
    offset: u64,
    frame: Frame,
    data: Incoming,
    /// Bytes that have come.
    pub(super) received: u64,
}

/// How the data end.
#[derive(Clone, Copy, Debug)]
enum Frame {
    /// The line that says so has yet to come.
    Unknown,
    /// After so many bytes more.
    Length(u64),
    /// By themselves, and this stands behind them.
    Mark([u8; 40]),
    /// They have ended; so much of the mark has come.
    Ending([u8; 40], usize),
}

/// How it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// When more has come.
    Waits,
    /// At the next turn.
    GoesOn,
    /// All is there.
    Whole,
}

impl Transfer {
    pub(super) fn new(id: ReplId, offset: u64, keyspace: Keyspace) -> Self {
        let data = Incoming::new(keyspace);
        Transfer { id, offset, frame: Frame::Unknown, data, received: 0 }
    }

    /// Takes what has come. Gives how much of it is used up.
    pub(super) fn take(
        &mut self,
        bytes: &[u8],
        config: &Config,
        now: Now,
    ) -> Result<(usize, Next), Broken> {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            match &mut self.frame {
                Frame::Unknown => {
                    let Some(used) = self.take_header(rest)? else { break };
                    at += used;
                }
                Frame::Ending(mark, seen) => {
                    let wanted = &mark[*seen..];
                    let len = wanted.len().min(rest.len());
                    if rest[..len] != wanted[..len] {
                        return Err("ends its data by another mark than it said".into());
                    }
                    *seen += len;
                    at += len;
                    if *seen == mark.len() {
                        return Ok((at, Next::Whole));
                    }
                }
                Frame::Length(_) | Frame::Mark(_) => {
                    if at >= GULP {
                        return Ok((at, Next::GoesOn));
                    }
                    let (used, whole) = self.load(rest, config, now)?;
                    at += used;
                    if whole {
                        return Ok((at, Next::Whole));
                    }
                }
            }
        }
        Ok((at, Next::Waits))
    }

    /// Reads `$<length>` or `$EOF:<mark>`. `None`: the line isn't there yet.
    fn take_header(&mut self, bytes: &[u8]) -> Result<Option<usize>, Broken> {
        let window = &bytes[..bytes.len().min(LINE_LIMIT)];
        let Some(end) = window.iter().position(|&byte| byte == b'\n') else {
            let too_long = bytes.len() >= LINE_LIMIT;
            return if too_long { Err("says too long a line".into()) } else { Ok(None) };
        };
        let line = bytes[..end].strip_suffix(b"\r").unwrap_or(&bytes[..end]);
        // While it makes its snapshot a primary sends empty lines.
        if !line.is_empty() {
            self.frame = frame(line).ok_or_else(|| {
                format!("announces its data by {:?}", alloc::string::String::from_utf8_lossy(line))
            })?;
        }
        Ok(Some(end + 1))
    }

    /// Loads what has come. Gives how much is used up, and whether that was all.
    fn load(&mut self, bytes: &[u8], config: &Config, now: Now) -> Result<(usize, bool), Broken> {
        let most = match self.frame {
            Frame::Length(left) => usize::try_from(left).unwrap_or(usize::MAX),
            _ => usize::MAX,
        };
        let bytes = &bytes[..bytes.len().min(most).min(GULP)];
        let (used, ended) = self.data.feed(bytes, config, now)?;
        self.received += used as u64;
        match &mut self.frame {
            Frame::Length(left) => {
                *left = left.saturating_sub(used as u64);
                if ended != (*left == 0) {
                    return Err("sends data of another length than it said".into());
                }
                Ok((used, ended))
            }
            Frame::Mark(mark) => {
                if ended {
                    self.frame = Frame::Ending(*mark, 0);
                }
                Ok((used, false))
            }
            Frame::Unknown | Frame::Ending(..) => Ok((used, false)),
        }
    }

    pub(super) fn discard(self, state: &mut State) {
        state.keyspace.discard_clone(self.data.into_keyspace());
    }
}

fn frame(line: &[u8]) -> Option<Frame> {
    let rest = line.strip_prefix(b"$")?;
    if let Some(mark) = rest.strip_prefix(b"EOF:") {
        return Some(Frame::Mark(mark.try_into().ok()?));
    }
    let len = parse_i64(rest).and_then(|len| u64::try_from(len).ok())?;
    (len > 0).then_some(Frame::Length(len))
}

impl Node {
    /// Puts what was loaded in the place of the data, and obeys the stream from there on.
    pub(super) fn install(&mut self, conn: &mut Connection, now: Now) {
        let Some(transfer) = self.state.take_transfer(conn.id) else { return };
        let Transfer { id, offset, data, received, .. } = transfer;
        let stream_db = data.stream_db();
        self.state.replace_data(data.into_keyspace());
        let state = &mut self.state;
        state.replication.id = id;
        state.replication.second = None;
        state.replication.stream_db = stream_db;
        state.effects.feed.restart_at(offset);
        if let Some(link) = state.replication.link_mut() {
            link.begin_history();
        }
        state.go_online(conn, None, now);
        // What they have is another history's.
        self.post(now).close_followers();
        let line = format!("The primary's data are here: {received} bytes, as of {id}:{offset}");
        self.state.log(LogLevel::Notice, line);
    }
}

impl State {
    fn take_transfer(&mut self, id: super::ConnId) -> Option<Transfer> {
        let link = self.replication.link_mut()?;
        let online = super::link::LinkStage::Online(id);
        match core::mem::replace(&mut link.stage, online) {
            super::link::LinkStage::Receiving(_, transfer) => Some(*transfer),
            other => {
                link.stage = other;
                None
            }
        }
    }

    /// Puts other data in the place of what is there, as one event.
    pub(in crate::node) fn replace_data(&mut self, keyspace: Keyspace) {
        self.watch.touch_where(|_, _| true);
        self.keyspace.replace(keyspace);
        self.blocked.touch_where(|_| true);
        self.tracking.flush();
        self.dirty += self.keyspace.total_len().max(1);
        // The log needs a base of these data.
        self.close_log();
        self.evict_below = u64::MAX;
    }
}
