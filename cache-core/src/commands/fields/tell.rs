//! When fields expire.

use super::fields_behind_key;
use crate::commands::{Error, Flow, Outcome};
use crate::node::{Cx, check_reply};
use crate::observer::Observer;
use crate::types::Hash;

pub(super) fn httl<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let now = cx.now_ms();
    tell(cx, |at| (at.saturating_sub(now) + 500) / 1000)
}

pub(super) fn hpttl<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let now = cx.now_ms();
    tell(cx, |at| at.saturating_sub(now))
}

pub(super) fn hexpiretime<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    tell(cx, |at| at.saturating_add(500) / 1000)
}

pub(super) fn hpexpiretime<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    tell(cx, |at| at)
}

/// Answers for each field -2 if it isn't there, -1 if it doesn't expire, or what `show` makes of its
/// expiry.
fn tell<O: Observer>(cx: &mut Cx<'_, O>, show: impl Fn(u64) -> u64) -> Outcome {
    let key = cx.args.at(1);
    let fields = fields_behind_key(cx.args, Error::Syntax)?;
    let (hash, out) = cx.read_as::<Hash>(key)?;
    let mark = out.len();
    out.array(fields.len());
    for name in fields.iter() {
        let field = hash.and_then(|hash| hash.get_field(name));
        let expires = field.map(|field| field.expires_ms.map_or(-1, |at| show(at) as i64));
        out.integer(expires.unwrap_or(-2));
    }
    check_reply(out.len() - mark)?;
    Ok(Flow::Done)
}
