//! Sets: members without order under one key.

mod combine;
mod draw;

use super::{Categories, Flags, Flow, Group, KeyFlags, KeySpec, Outcome, Spec, Tips};
use crate::config::{Class, Id};
use crate::node::{Cx, check_reply};
use crate::observer::Observer;
use crate::types::{Set, SetLimits, SetView};

rows! {
    sadd: Spec::new("sadd", -3, bits!(Flags: WRITE | DENYOOM | FAST), Group::Set)
    .acl(Categories::SET)
    .looks_up(2)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | INSERT))])
    .docs(
        "1.0.0",
        "O(N) for N members",
        "key member [member ...]",
        "Adds members to a set, which is created when it isn't there.",
    ),
    scard: Spec::new("scard", 2, bits!(Flags: READONLY | FAST), Group::Set)
    .acl(Categories::SET)
    .keys(&[KeySpec::one(1, KeyFlags::RO)])
    .docs("1.0.0", "O(1)", "key", "How many members a set has."),
    combine::sdiff: Spec::new("sdiff", -2, Flags::READONLY, Group::Set)
    .acl(Categories::SET)
    .keys(&[KeySpec::range(1, -1, 1, bits!(KeyFlags: RO | ACCESS))])
    .tips(Tips::NONDETERMINISTIC_OUTPUT_ORDER)
    .docs(
        "1.0.0",
        "O(N) for N members in all sets",
        "key [key ...]",
        "The members of the first set that are in none of the others.",
    ),
    combine::sdiffstore: Spec::new("sdiffstore", -3, bits!(Flags: WRITE | DENYOOM), Group::Set)
    .acl(Categories::SET)
    .keys(&[
        KeySpec::one(1, bits!(KeyFlags: OW | UPDATE)),
        KeySpec::range(2, -1, 1, bits!(KeyFlags: RO | ACCESS)),
    ])
    .docs(
        "1.0.0",
        "O(N) for N members in all sets",
        "destination key [key ...]",
        "Keeps what SDIFF answers under a key.",
    ),
    combine::sinter: Spec::new("sinter", -2, Flags::READONLY, Group::Set)
    .acl(Categories::SET)
    .keys(&[KeySpec::range(1, -1, 1, bits!(KeyFlags: RO | ACCESS))])
    .tips(Tips::NONDETERMINISTIC_OUTPUT_ORDER)
    .docs(
        "1.0.0",
        "O(N*M) for N members in the smallest of M sets",
        "key [key ...]",
        "The members that all sets have.",
    ),
    combine::sintercard: Spec::new(
        "sintercard",
        -3,
        bits!(Flags: READONLY | MOVABLEKEYS),
        Group::Set,
    )
    .acl(Categories::SET)
    .keys(&[KeySpec::counted(1, 1, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "7.0.0",
        "O(N*M) for N members in the smallest of M sets",
        "numkeys key [key ...] [LIMIT limit]",
        "How many members all sets have in common, counted to a limit.",
    ),
    combine::sinterstore: Spec::new("sinterstore", -3, bits!(Flags: WRITE | DENYOOM), Group::Set)
    .acl(Categories::SET)
    .keys(&[
        KeySpec::one(1, bits!(KeyFlags: OW | UPDATE)),
        KeySpec::range(2, -1, 1, bits!(KeyFlags: RO | ACCESS)),
    ])
    .docs(
        "1.0.0",
        "O(N*M) for N members in the smallest of M sets",
        "destination key [key ...]",
        "Keeps what SINTER answers under a key.",
    ),
    sismember: Spec::new("sismember", 3, bits!(Flags: READONLY | FAST), Group::Set)
    .acl(Categories::SET)
    .looks_up(2)
    .keys(&[KeySpec::one(1, KeyFlags::RO)])
    .docs("1.0.0", "O(1)", "key member", "Whether a set has a member."),
    smembers: Spec::new("smembers", 2, Flags::READONLY, Group::Set)
    .acl(Categories::SET)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .tips(Tips::NONDETERMINISTIC_OUTPUT_ORDER)
    .docs("1.0.0", "O(N) for N members", "key", "All members of a set."),
    smismember: Spec::new("smismember", -3, bits!(Flags: READONLY | FAST), Group::Set)
    .acl(Categories::SET)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "6.2.0",
        "O(N) for N members asked for",
        "key member [member ...]",
        "Which of several members a set has.",
    ),
    smove: Spec::new("smove", 4, bits!(Flags: WRITE | FAST), Group::Set)
    .acl(Categories::SET)
    .keys(&[
        KeySpec::one(1, bits!(KeyFlags: RW | ACCESS | DELETE)),
        KeySpec::one(2, bits!(KeyFlags: RW | INSERT)),
    ])
    .docs("1.0.0", "O(1)", "source destination member", "Moves a member to another set."),
    draw::spop: Spec::new("spop", -2, bits!(Flags: WRITE | FAST), Group::Set)
    .acl(Categories::SET)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | ACCESS | DELETE))])
    .tips(Tips::NONDETERMINISTIC_OUTPUT)
    .docs(
        "1.0.0",
        "O(N) for N members",
        "key [count]",
        "Members chosen by chance, which are removed.",
    ),
    draw::srandmember: Spec::new("srandmember", -2, Flags::READONLY, Group::Set)
    .acl(Categories::SET)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .tips(Tips::NONDETERMINISTIC_OUTPUT)
    .docs("1.0.0", "O(N) for N members", "key [count]", "Members chosen by chance."),
    srem: Spec::new("srem", -3, bits!(Flags: WRITE | FAST), Group::Set)
    .acl(Categories::SET)
    .looks_up(2)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | DELETE))])
    .docs("1.0.0", "O(N) for N members", "key member [member ...]", "Removes members from a set."),
    draw::sscan: Spec::new("sscan", -3, Flags::READONLY, Group::Set)
    .acl(Categories::SET)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .tips(Tips::NONDETERMINISTIC_OUTPUT)
    .docs(
        "2.8.0",
        "O(1) a call, O(N) for all N members",
        "key cursor [MATCH pattern] [COUNT count]",
        "Some members, and the cursor with which to ask for more.",
    ),
    combine::sunion: Spec::new("sunion", -2, Flags::READONLY, Group::Set)
    .acl(Categories::SET)
    .keys(&[KeySpec::range(1, -1, 1, bits!(KeyFlags: RO | ACCESS))])
    .tips(Tips::NONDETERMINISTIC_OUTPUT_ORDER)
    .docs(
        "1.0.0",
        "O(N) for N members in all sets",
        "key [key ...]",
        "The members that any of the sets has.",
    ),
    combine::sunionstore: Spec::new("sunionstore", -3, bits!(Flags: WRITE | DENYOOM), Group::Set)
    .acl(Categories::SET)
    .keys(&[
        KeySpec::one(1, bits!(KeyFlags: OW | UPDATE)),
        KeySpec::range(2, -1, 1, bits!(KeyFlags: RO | ACCESS)),
    ])
    .docs(
        "1.0.0",
        "O(N) for N members in all sets",
        "destination key [key ...]",
        "Keeps what SUNION answers under a key.",
    ),
}

/// How large a set's small forms may become.
fn limits<O: Observer>(cx: &Cx<'_, O>) -> SetLimits {
    let list = cx.limits(Id::SetMaxListpackEntries, Id::SetMaxListpackValue);
    let integers = cx.limits(Id::SetMaxIntsetEntries, Id::SetMaxListpackValue).entries;
    SetLimits { integers, list }
}

fn sadd<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, members) = (cx.args.at(1), cx.args.from(2));
    let limits = limits(cx);
    // A small one that stays as it is is not written anew.
    let holds = |set: SetView<'_>| !set.is_large() && set.contains(members.at(0));
    if members.len() == 1 && cx.peek_as::<Set>(key)?.is_some_and(holds) {
        cx.out().integer(0);
        return Ok(Flow::Done);
    }
    let added = cx.upsert_as(key, |set: &mut Set| {
        set.expect(members.at(0), members.len(), limits);
        members.iter().filter(|member| set.add(member, limits)).count()
    })?;
    if added > 0 {
        cx.wrote(key, Class::SET, "sadd");
    }
    cx.out().count(added);
    Ok(Flow::Done)
}

fn srem<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, members) = (cx.args.at(1), cx.args.from(2));
    let removed = cx.edit_as(key, |set: &mut Set| {
        members.iter().filter(|member| set.remove(member)).count()
    })?;
    let removed = removed.unwrap_or(0);
    if removed > 0 {
        cx.shrank(key, Class::SET, "srem");
    }
    cx.out().count(removed);
    Ok(Flow::Done)
}

fn smove<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (source, target, member) = (cx.args.at(1), cx.args.at(2), cx.args.at(3));
    let there = cx.peek_as::<Set>(source)?.map(|set| set.contains(member));
    // Without a source nobody looks at the other one.
    if there.is_some() {
        cx.peek_as::<Set>(target)?;
    }
    let there = there == Some(true);
    if there && source != target {
        let limits = limits(cx);
        cx.edit_as(source, |set: &mut Set| set.remove(member))?;
        cx.shrank(source, Class::SET, "srem");
        let added = cx.upsert_as(target, |set: &mut Set| {
            set.expect(member, 1, limits);
            set.add(member, limits)
        })?;
        if added {
            cx.wrote(target, Class::SET, "sadd");
        }
    }
    cx.out().integer(there.into());
    Ok(Flow::Done)
}

fn scard<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (set, out) = cx.read_as::<Set>(cx.args.at(1))?;
    out.count(set.map_or(0, |set| set.len()));
    Ok(Flow::Done)
}

fn sismember<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, member) = (cx.args.at(1), cx.args.at(2));
    let (set, out) = cx.read_as::<Set>(key)?;
    out.integer(set.is_some_and(|set| set.contains(member)).into());
    Ok(Flow::Done)
}

fn smismember<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, members) = (cx.args.at(1), cx.args.from(2));
    let (set, out) = cx.read_as::<Set>(key)?;
    out.array(members.len());
    for member in members.iter() {
        out.integer(set.is_some_and(|set| set.contains(member)).into());
    }
    Ok(Flow::Done)
}

fn smembers<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (set, out) = cx.read_as::<Set>(cx.args.at(1))?;
    out.set(set.map_or(0, |set| set.len()));
    set.iter().flat_map(SetView::iter).for_each(|member| member.write(out));
    Ok(Flow::Done)
}
