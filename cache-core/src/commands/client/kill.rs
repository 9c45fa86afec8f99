//! CLIENT KILL.

use super::super::{Error, Flow, Outcome};
use super::filter::Filter;
use super::list::everyone;
use crate::node::{ConnFlags, ConnId, Cx};
use crate::observer::Observer;
use alloc::vec::Vec;

/// `CLIENT KILL ip:port`, or `CLIENT KILL FILTER value ...`.
pub(super) fn kill<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    if cx.args.len() == 3 {
        let addr = cx.args.at(2);
        let found = everyone(cx).into_iter().find(|conn| conn.addr.as_bytes() == addr);
        let id = found.map(|conn| conn.id).ok_or(Error::Text("ERR No such client"))?;
        close(cx, id);
        cx.out().ok();
        return Ok(Flow::Done);
    }
    let filter = Filter::parse(cx, 2, true)?;
    let own = cx.conn.id;
    let chosen: Vec<ConnId> = everyone(cx)
        .into_iter()
        .filter(|conn| filter.passes(conn, cx.state, cx.now, conn.id == own))
        .map(|conn| conn.id)
        .collect();
    for &id in &chosen {
        close(cx, id);
    }
    cx.out().count(chosen.len());
    Ok(Flow::Done)
}

/// Closes a connection: others at once, this one when its reply has left.
fn close<O: Observer>(cx: &mut Cx<'_, O>, id: ConnId) {
    if id == cx.conn.id {
        cx.conn.flags.insert(ConnFlags::CLOSING);
        return;
    }
    cx.post().abort(id);
}
