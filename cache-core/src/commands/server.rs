//! The server as a whole: INFO, DBSIZE, FLUSHALL, SWAPDB, TIME, SHUTDOWN.

use super::{Categories, Flags, Flow, Group, Outcome, Spec, Tips};
use crate::node::Cx;
use crate::observer::Observer;

/// The version of Redis whose behaviour clients may count on, as HELLO and INFO give it.
pub(crate) const REDIS_VERSION: &str = "7.2.4";

rows! {
    dbsize: Spec::new("dbsize", 1, bits!(Flags: READONLY | FAST), Group::Server)
    .acl(Categories::KEYSPACE)
    .tips(bits!(Tips: REQUEST_ALL_SHARDS | RESPONSE_AGG_SUM))
    .docs("1.0.0", "O(1)", "", "How many keys the database holds."),
}

fn dbsize<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let len = cx.state.keyspace.len(cx.db());
    cx.out().count(len);
    Ok(Flow::Done)
}
