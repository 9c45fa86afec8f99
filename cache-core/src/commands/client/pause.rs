//! CLIENT PAUSE, UNPAUSE, UNBLOCK: who waits.

use super::super::arguments::integer;
use super::super::{Error, Flow, Outcome};
use crate::node::{ClientPause, Cx};
use crate::numbers::parse_i64;
use crate::observer::Observer;

pub(super) fn pause<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let writes_only = match cx.args.get(3).map(<[u8]>::to_ascii_lowercase).as_deref() {
        None | Some(b"all") => false,
        Some(b"write") => true,
        Some(_) => return Err(Error::Text("ERR CLIENT PAUSE mode must be WRITE or ALL")),
    };
    let ms = parse_i64(cx.args.at(2))
        .ok_or(Error::Text("ERR timeout is not an integer or out of range"))?;
    let ms = u64::try_from(ms).map_err(|_| Error::Text("ERR timeout is negative"))?;
    let until_us = cx.now.mono_us.saturating_add(ms.saturating_mul(1000));
    // A pause that is under way becomes longer and stricter, never shorter or looser.
    let old = cx.state.pause;
    let until_us = old.map_or(until_us, |old| until_us.max(old.until_us));
    let writes_only = writes_only && old.is_none_or(|old| old.writes_only);
    if until_us > cx.now.mono_us {
        cx.state.pause = Some(ClientPause { until_us, writes_only });
    }
    cx.out().ok();
    Ok(Flow::Done)
}

pub(super) fn unpause<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    cx.state.pause = None;
    for id in cx.conns.waited_until(u64::MAX) {
        // Whoever waits for a key goes on waiting for it.
        if cx.conns.get(id).is_some_and(|conn| !conn.waits()) {
            cx.conns.unblock(id);
            cx.conns.wake(id);
        }
    }
    cx.out().ok();
    Ok(Flow::Done)
}

/// Ends the waiting of a connection for a key. A pause is not ended one by one.
pub(super) fn unblock<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let with_error = match cx.args.get(3).map(<[u8]>::to_ascii_lowercase).as_deref() {
        None | Some(b"timeout") => false,
        Some(b"error") => true,
        Some(_) => {
            return Err(Error::Text("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"));
        }
    };
    let id = integer(cx.args.at(2))?;
    let conn = cx.conns.iter().map(|conn| conn.id).find(|conn| conn.id as i64 == id);
    let ended = conn.is_some_and(|conn| {
        let error = b"UNBLOCKED client unblocked via CLIENT UNBLOCK";
        let mut post = cx.post();
        post.end_wait(conn, |out| match with_error {
            true => out.error(error),
            false => out.null_array(),
        }) || post.end_ack_wait(conn, |out| {
            if with_error {
                out.error(error);
            }
        })
    });
    cx.out().integer(ended.into());
    Ok(Flow::Done)
}
