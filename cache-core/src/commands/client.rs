//! CLIENT and its subcommands.

use super::{Categories, Error, Flags, Flow, Group, Outcome, Spec};
use crate::node::Cx;
use crate::observer::Observer;
use alloc::format;
use alloc::string::String;

rows! {
    client_id: Spec::new(
        "client|id",
        2,
        bits!(Flags: NOSCRIPT | LOADING | STALE | ALLOW_BUSY),
        Group::Connection,
    )
    .acl(Categories::CONNECTION)
    .docs("5.0.0", "O(1)", "", "The number by which the server knows this connection."),
}

fn client_id<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let id = cx.conn.id.id;
    cx.out().integer(id as i64);
    Ok(Flow::Done)
}

/// A name that may stand in CLIENT LIST: printable ASCII without spaces.
pub(super) fn checked_name(name: &[u8], what: &str) -> Result<String, Error> {
    match core::str::from_utf8(name) {
        Ok(text) if name.iter().all(|b| (b'!'..=b'~').contains(b)) => Ok(String::from(text)),
        _ => Err(Error::Owned(format!(
            "ERR {what} cannot contain spaces, newlines or special characters."
        ))),
    }
}
