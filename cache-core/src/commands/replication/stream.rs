//! What a replica says to its primary: who it is, where in the stream it stands, how far it is.

use super::super::arguments::integer;
use super::super::{Error, Flow, Outcome, shown};
use crate::node::{ConnFlags, Cx, Follower, Greeted};
use crate::numbers::parse_i64;
use crate::observer::Observer;
use crate::protocol::Args;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;

/// The longest address that a replica may give, in bytes.
const IP_LIMIT: usize = 255;

pub(super) fn replconf<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let args = cx.args;
    if args.len().is_multiple_of(2) {
        return Err(Error::Syntax);
    }
    for at in (1..args.len()).step_by(2) {
        let (option, value) = (args.at(at).to_ascii_lowercase(), args.at(at + 1));
        match option.as_slice() {
            b"ack" => {
                acknowledge(cx, args.from(at));
                return Ok(Flow::Done);
            }
            b"getack" => {
                if cx.conn.has(ConnFlags::LINK)
                    && let Some(link) = cx.state.replication.link_mut()
                {
                    link.want_ack();
                }
                return Ok(Flow::Done);
            }
            option => note(cx, option, value)?,
        }
    }
    cx.out().ok();
    Ok(Flow::Done)
}

/// Notes what a replica says of itself.
fn note<O: Observer>(cx: &mut Cx<'_, O>, option: &[u8], value: &[u8]) -> Result<(), Error> {
    match option {
        b"listening-port" => {
            let port = integer(value)?;
            greeted(cx).port = u16::try_from(port).unwrap_or(0);
        }
        b"ip-address" => {
            if value.len() > IP_LIMIT || !value.iter().all(u8::is_ascii_graphic) {
                return Err(Error::Owned(format!(
                    "ERR REPLCONF ip-address provided by replica instance is too long: {} bytes",
                    value.len()
                )));
            }
            greeted(cx).ip = String::from_utf8_lossy(value).into_owned();
        }
        b"capa" if value.eq_ignore_ascii_case(b"eof") => greeted(cx).reads_to_mark = true,
        b"capa" if value.eq_ignore_ascii_case(b"psync2") => greeted(cx).takes_names = true,
        // Those that nobody knows yet are passed over.
        b"capa" => {}
        b"version" => {
            let text = String::from_utf8_lossy(value);
            let mut parts = text.split('.').map(|part| part.parse::<u32>().is_ok());
            if parts.clone().count() != 3 || !parts.all(|fits| fits) {
                return Err(Error::Owned(format!(
                    "ERR Unrecognized version format: {}",
                    shown(value)
                )));
            }
        }
        b"rdb-only" => {
            greeted(cx).only_snapshot = match integer(value)? {
                0 => false,
                1 => true,
                _ => return Err(Error::Text(
                    "ERR value is out of range, value must between 0 and 1",
                )),
            };
        }
        _ => {
            return Err(Error::Owned(format!(
                "ERR Unrecognized REPLCONF option: {}",
                shown(option)
            )));
        }
    }
    Ok(())
}

fn greeted<'a, O: Observer>(cx: &'a mut Cx<'_, O>) -> &'a mut Greeted {
    let now_us = cx.now.mono_us;
    let new = || Box::new(Follower::new(Greeted::default(), now_us));
    &mut cx.conn.follower.get_or_insert_with(new).greeted
}

/// `ACK offset [FACK offset]`: a replica says how far it is, and how far its disk. It is not answered.
fn acknowledge<O: Observer>(cx: &mut Cx<'_, O>, args: Args<'_>) {
    let number = |at: usize| parse_i64(args.at(at)).and_then(|n| u64::try_from(n).ok());
    let Some(offset) = number(1) else { return };
    let stored = number(3).filter(|_| args.at(2).eq_ignore_ascii_case(b"fack"));
    let now = cx.now;
    cx.state.note_ack(cx.conn, (offset, stored), now);
    let mut post = cx.post();
    post.answer_ack_waits();
    post.go_on_with_failover();
}

pub(super) fn sync<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    check(cx)?;
    cx.post().serve_follower(None);
    Ok(Flow::Done)
}

pub(super) fn psync<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (id, next) = (cx.args.at(1), integer(cx.args.at(2))?);
    if cx.args.get(3).is_some_and(|word| word.eq_ignore_ascii_case(b"failover")) {
        take_over(cx, id)?;
    }
    check(cx)?;
    cx.post().serve_follower(Some((id, next)));
    Ok(Flow::Done)
}

/// The primary that this node follows asks it to take its part.
fn take_over<O: Observer>(cx: &mut Cx<'_, O>, id: &[u8]) -> Result<(), Error> {
    if !cx.state.replication.is_replica() {
        return Err(Error::Text("ERR PSYNC FAILOVER can't be sent to a master."));
    }
    if cx.state.replication.id.as_str().as_bytes() != id {
        return Err(Error::Text("ERR PSYNC FAILOVER replid must match my replid."));
    }
    cx.post().lead();
    Ok(())
}

/// Whether the connection may follow now.
fn check<O: Observer>(cx: &Cx<'_, O>) -> Result<(), Error> {
    if cx.state.replication.link().is_some_and(|link| !link.is_online()) {
        return Err(Error::Text("NOMASTERLINK Can't SYNC while not connected with my master"));
    }
    if cx.state.replication.failover.is_some() {
        return Err(Error::Text("NOMASTERLINK Can't SYNC while failing over"));
    }
    let hears = cx.conn.listens() || cx.conn.has(ConnFlags::MONITOR) || cx.conn.tracker.is_some();
    if hears || cx.conn.has(ConnFlags::REPLAY) {
        return Err(Error::Text("ERR a connection that is told of other things can't follow"));
    }
    Ok(())
}
