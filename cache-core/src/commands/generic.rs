//! Keys of any type: DEL, EXISTS, RENAME, COPY and their like.

use super::arguments::Words;
use super::connection::database;
use super::{
    Categories, Error, Flags, Flow, Group, KeyFlags, KeySpec, Outcome, Spec, Tips,
};
use crate::config::Class;
use crate::node::Cx;
use crate::numbers::parse_i64;
use crate::observer::Observer;
use crate::types::Value;

rows! {
    copy: Spec::new("copy", -3, bits!(Flags: WRITE | DENYOOM), Group::Generic)
    .acl(Categories::KEYSPACE)
    .keys(&[
        KeySpec::one(1, bits!(KeyFlags: RO | ACCESS)),
        KeySpec::one(2, bits!(KeyFlags: OW | UPDATE)),
    ])
    .docs(
        "6.2.0",
        "O(N) for a value of N elements",
        "source destination [DB destination-db] [REPLACE]",
        "Copies a value to another key.",
    ),
    del: Spec::new("del", -2, Flags::WRITE, Group::Generic)
    .acl(Categories::KEYSPACE)
    .keys(&[KeySpec::range(1, -1, 1, bits!(KeyFlags: RM | DELETE))])
    .tips(bits!(Tips: REQUEST_MULTI_SHARD | RESPONSE_AGG_SUM))
    .docs(
        "1.0.0",
        "O(N) for N keys",
        "key [key ...]",
        "Removes keys.",
    ),
    exists: Spec::new("exists", -2, bits!(Flags: READONLY | FAST), Group::Generic)
    .acl(Categories::KEYSPACE)
    .keys(&[KeySpec::range(1, -1, 1, KeyFlags::RO)])
    .tips(bits!(Tips: REQUEST_MULTI_SHARD | RESPONSE_AGG_SUM))
    .docs(
        "1.0.0",
        "O(N) for N keys",
        "key [key ...]",
        "How many of these keys are there; one named twice counts twice.",
    ),
    move_key: Spec::new("move", 3, bits!(Flags: WRITE | FAST), Group::Generic)
    .acl(Categories::KEYSPACE)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | ACCESS | UPDATE))])
    .docs(
        "1.0.0",
        "O(1)",
        "key db",
        "Moves a key to another database.",
    ),
    randomkey: Spec::new("randomkey", 1, Flags::READONLY, Group::Generic)
    .acl(Categories::KEYSPACE)
    .tips(bits!(Tips: REQUEST_ALL_SHARDS | RESPONSE_SPECIAL | NONDETERMINISTIC_OUTPUT))
    .docs(
        "1.0.0",
        "O(1)",
        "",
        "The name of some key.",
    ),
    rename: Spec::new("rename", 3, Flags::WRITE, Group::Generic)
    .acl(Categories::KEYSPACE)
    .keys(&[
        KeySpec::one(1, bits!(KeyFlags: RW | ACCESS | DELETE)),
        KeySpec::one(2, bits!(KeyFlags: OW | UPDATE)),
    ])
    .docs(
        "1.0.0",
        "O(1)",
        "key newkey",
        "Gives a key another name, whatever had that name before.",
    ),
    renamenx: Spec::new("renamenx", 3, bits!(Flags: WRITE | FAST), Group::Generic)
    .acl(Categories::KEYSPACE)
    .keys(&[
        KeySpec::one(1, bits!(KeyFlags: RW | ACCESS | DELETE)),
        KeySpec::one(2, bits!(KeyFlags: OW | INSERT)),
    ])
    .docs(
        "1.0.0",
        "O(1)",
        "key newkey",
        "Gives a key another name, unless there is a key of that name.",
    ),
    touch: Spec::new("touch", -2, bits!(Flags: READONLY | FAST), Group::Generic)
    .acl(Categories::KEYSPACE)
    .keys(&[KeySpec::range(1, -1, 1, KeyFlags::RO)])
    .tips(bits!(Tips: REQUEST_MULTI_SHARD | RESPONSE_AGG_SUM))
    .docs(
        "3.2.1",
        "O(N) for N keys",
        "key [key ...]",
        "Counts as a use of these keys, for eviction; how many are there.",
    ),
    type_of: Spec::new("type", 2, bits!(Flags: READONLY | FAST), Group::Generic)
    .acl(Categories::KEYSPACE)
    .keys(&[KeySpec::one(1, KeyFlags::RO)])
    .docs(
        "1.0.0",
        "O(1)",
        "key",
        "The type of a key's value.",
    ),
    unlink: Spec::new("unlink", -2, bits!(Flags: WRITE | FAST), Group::Generic)
    .acl(Categories::KEYSPACE)
    .keys(&[KeySpec::range(1, -1, 1, bits!(KeyFlags: RM | DELETE))])
    .tips(bits!(Tips: REQUEST_MULTI_SHARD | RESPONSE_AGG_SUM))
    .docs(
        "4.0.0",
        "O(N) for N keys",
        "key [key ...]",
        "Removes keys: DEL by another name.",
    ),
}

fn del<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let count = cx.args.from(1).iter().filter(|key| cx.delete(key)).count();
    cx.out().count(count);
    Ok(Flow::Done)
}

fn unlink<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    del(cx)
}

fn exists<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let count = cx.args.from(1).iter().filter(|key| cx.meet(key)).count();
    cx.out().count(count);
    Ok(Flow::Done)
}

/// Counts as a use even where reads don't (CLIENT NO-TOUCH): that is what it is for.
fn touch<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let db = cx.db();
    let mut count = 0;
    for key in cx.args.from(1).iter() {
        if cx.meet(key) {
            cx.touch(db, key);
            count += 1;
        }
    }
    cx.out().count(count);
    Ok(Flow::Done)
}

fn type_of<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let name = cx.peek(cx.args.at(1)).map_or("none", |data| data.type_name());
    cx.out().simple(name);
    Ok(Flow::Done)
}

/// How many keys RANDOMKEY draws before it takes the last one although its time has run out.
const RANDOM_DRAWS: usize = 100;

fn randomkey<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let db = cx.db();
    for _ in 0..RANDOM_DRAWS {
        let state = &mut *cx.state;
        let Some((entry, _)) = state.keyspace.random(db, false, &mut state.random) else { break };
        let key = entry.key().to_vec();
        if cx.exists(db, &key) {
            cx.out().bulk(&key);
            return Ok(Flow::Done);
        }
    }
    cx.out().null();
    Ok(Flow::Done)
}

fn rename<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    rename_key(cx, true)?;
    cx.out().ok();
    Ok(Flow::Done)
}

fn renamenx<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let renamed = rename_key(cx, false)?;
    cx.out().integer(renamed.into());
    Ok(Flow::Done)
}

/// Renames and says whether it did. `replace`: a key that has the new name is no hindrance.
fn rename_key<O: Observer>(cx: &mut Cx<'_, O>, replace: bool) -> Result<bool, Error> {
    let (from, to) = (cx.args.at(1), cx.args.at(2));
    if cx.peek(from).is_none() {
        return Err(Error::NoSuchKey);
    }
    if from == to || (!replace && cx.peek(to).is_some()) {
        return Ok(false);
    }
    let Some((data, expires_at)) = cx.take(from) else { return Err(Error::NoSuchKey) };
    cx.put(to, data, expires_at);
    cx.notify(Class::GENERIC, "rename_from", from);
    cx.notify(Class::GENERIC, "rename_to", to);
    Ok(true)
}

const SAME_OBJECTS: Error = Error::Text("ERR source and destination objects are the same");

fn move_key<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let key = cx.args.at(1);
    let index = parse_i64(cx.args.at(2)).ok_or(Error::NotAnInteger)?;
    let target = database(cx, index)?;
    if target == cx.db() {
        return Err(SAME_OBJECTS);
    }
    let taken = if cx.exists(target, key) { None } else { cx.take(key) };
    let moved = taken.is_some();
    if let Some((data, expires_at)) = taken {
        cx.put_in(target, key, data, expires_at);
        cx.notify(Class::GENERIC, "move_from", key);
        cx.state.notices.note(Class::GENERIC, "move_to", target, key);
    }
    cx.out().integer(moved.into());
    Ok(Flow::Done)
}

options! {
    /// What COPY was asked for.
    struct CopyTo<'a> {
        replace: "replace",
        db: "db" => i64 = Words::integer,
    }
}

fn copy<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (from, to) = (cx.args.at(1), cx.args.at(2));
    let wanted = CopyTo::parse(cx.args.from(3))?;
    let target = wanted.db.map_or(Ok(cx.db()), |index| database(cx, index))?;
    if target == cx.db() && from == to {
        return Err(SAME_OBJECTS);
    }
    let data = cx.peek(from).map(Value::to_data);
    let copied = match data {
        Some(data) if wanted.replace || !cx.exists(target, to) => {
            let expires_at = cx.expires_at(from);
            cx.put_in(target, to, data, expires_at);
            cx.state.notices.note(Class::GENERIC, "copy_to", target, to);
            true
        }
        _ => false,
    };
    cx.out().integer(copied.into());
    Ok(Flow::Done)
}
