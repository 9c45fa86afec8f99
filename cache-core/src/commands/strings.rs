//! Strings: GET, SET and their relatives.

use super::{Categories, Flags, Flow, Group, KeyFlags, KeySpec, Outcome, Spec};
use crate::node::Cx;
use crate::observer::Observer;
use crate::types::Data;

rows! {
    get: Spec::new("get", 2, bits!(Flags: READONLY | FAST), Group::String)
    .acl(Categories::STRING)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .docs("1.0.0", "O(1)", "key", "The string at a key."),
    setnx: Spec::new("setnx", 3, bits!(Flags: WRITE | DENYOOM | FAST), Group::String)
    .acl(Categories::STRING)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: OW | INSERT))])
    .docs("1.0.0", "O(1)", "key value", "Sets a string where there is no key yet."),
}

fn get<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (value, out) = cx.read_string(cx.args.at(1))?;
    out.bulk_or_null(value);
    Ok(Flow::Done)
}

fn setnx<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, value) = (cx.args.at(1), cx.args.at(2));
    let absent = cx.peek(key).is_none();
    if absent {
        cx.put(key, Data::String(value.to_vec()), None);
    }
    cx.out().integer(absent.into());
    Ok(Flow::Done)
}
