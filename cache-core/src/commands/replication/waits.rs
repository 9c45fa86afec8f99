//! WAIT and WAITAOF.

use super::super::arguments::{integer, positive_or_out_of_range, wait_millis};
use super::super::{Error, Flow, Outcome};
use crate::node::{AckWait, Cx, LogState};
use crate::observer::Observer;
use alloc::boxed::Box;

pub(super) fn wait<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    if cx.state.replication.is_replica() {
        return Err(Error::Text(
            "ERR WAIT cannot be used with replica instances. Please also note that if a replica \
             is configured to be writable (which is not the default) writes to replicas are just \
             local and are not propagated.",
        ));
    }
    let followers = integer(cx.args.at(1))?.max(0).unsigned_abs();
    let until_us = wait_millis(cx, cx.args.at(2))?;
    let offset = cx.conn.wrote_upto;
    wait_for(cx, AckWait { offset, followers, stored: false, logged: None, until_us })
}

pub(super) fn waitaof<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let local = integer(cx.args.at(1))?;
    if !(0..=1).contains(&local) {
        return Err(Error::Text("ERR value is out of range, value must between 0 and 1"));
    }
    let followers = positive_or_out_of_range(cx.args.at(2))?;
    let until_us = wait_millis(cx, cx.args.at(3))?;
    if cx.state.replication.is_replica() {
        return Err(Error::Text(
            "ERR WAITAOF cannot be used with replica instances. Please also note that writes to \
             replicas are just local and are not propagated.",
        ));
    }
    let logs = cx.state.persist.log == LogState::On;
    if local > 0 && !logs {
        return Err(Error::Text(
            "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.",
        ));
    }
    let offset = cx.conn.wrote_upto;
    // What others wrote before it is waited for too: a log is synced as a whole.
    let logged = (local > 0).then(|| cx.state.effects.offset());
    wait_for(cx, AckWait { offset, followers, stored: true, logged, until_us })
}

fn wait_for<O: Observer>(cx: &mut Cx<'_, O>, wait: AckWait) -> Outcome {
    let count = wait.count_in(cx.state, cx.conns, cx.conn);
    let is_logged = wait.is_logged(cx.state);
    if count >= wait.followers && is_logged || !cx.may_wait() {
        wait.answer(cx.out(), (count, is_logged));
        return Ok(Flow::Done);
    }
    cx.state.ask_followers();
    Ok(Flow::Acks(Box::new(wait)))
}
