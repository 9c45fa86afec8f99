//! Sorted sets: members with scores under one key.

mod blocking;
mod combine;
mod pop;
mod range;
mod read;
mod sample;
mod write;

pub(in crate::commands) use range::store;
pub(in crate::commands) use write::{Adding, add_all};

use super::{Categories, Flags, Group, KeyFlags, KeySpec, Spec, Tips};
use crate::config::Id;
use crate::node::Cx;
use crate::observer::Observer;
use crate::protocol::{Reply, Resp};
use crate::types::Limits;

rows! {
    blocking::bzmpop: Spec::new("bzmpop", -5, bits!(Flags: WRITE | BLOCKING | MOVABLEKEYS),
    Group::SortedSet)
    .acl(Categories::SORTEDSET)
    .keys(&[KeySpec::counted(2, 1, bits!(KeyFlags: RW | ACCESS | DELETE))])
    .docs(
        "7.0.0",
        "O(K) + O(M*log(N)) for K keys and M members taken",
        "timeout numkeys key [key ...] <MIN | MAX> [COUNT count]",
        "Takes the lowest or highest members of the first set that has any, and waits for one.",
    ),
    blocking::bzpopmax: Spec::new("bzpopmax", -3, bits!(Flags: WRITE | BLOCKING | FAST),
    Group::SortedSet)
    .acl(Categories::SORTEDSET)
    .keys(&[KeySpec::range(1, -2, 1, bits!(KeyFlags: RW | ACCESS | DELETE))])
    .docs(
        "5.0.0",
        "O(log(N))",
        "key [key ...] timeout",
        "Takes the member with the highest score, and waits for one.",
    ),
    blocking::bzpopmin: Spec::new("bzpopmin", -3, bits!(Flags: WRITE | BLOCKING | FAST),
    Group::SortedSet)
    .acl(Categories::SORTEDSET)
    .keys(&[KeySpec::range(1, -2, 1, bits!(KeyFlags: RW | ACCESS | DELETE))])
    .docs(
        "5.0.0",
        "O(log(N))",
        "key [key ...] timeout",
        "Takes the member with the lowest score, and waits for one.",
    ),
    write::zadd: Spec::new("zadd", -4, bits!(Flags: WRITE | DENYOOM | FAST), Group::SortedSet)
    .acl(Categories::SORTEDSET)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | UPDATE))])
    .looks_up(3)
    .docs(
        "1.2.0",
        "O(log(N)) a member",
        "key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]",
        "Gives members scores, and adds those that aren't there.",
    ),
    read::zcard: Spec::new("zcard", 2, bits!(Flags: READONLY | FAST), Group::SortedSet)
    .acl(Categories::SORTEDSET)
    .keys(&[KeySpec::one(1, KeyFlags::RO)])
    .docs(
        "1.2.0",
        "O(1)",
        "key",
        "How many members a sorted set has.",
    ),
    read::zcount: Spec::new("zcount", 4, bits!(Flags: READONLY | FAST), Group::SortedSet)
    .acl(Categories::SORTEDSET)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "2.0.0",
        "O(log(N))",
        "key min max",
        "How many members have scores in a range.",
    ),
    combine::zdiff: Spec::new("zdiff", -3, bits!(Flags: READONLY | MOVABLEKEYS), Group::SortedSet)
    .acl(Categories::SORTEDSET)
    .keys(&[KeySpec::counted(1, 1, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "6.2.0",
        "O(L + M*log(M)) for L members in all sets and M in the result",
        "numkeys key [key ...] [WITHSCORES]",
        "The members of the first set that no other has.",
    ),
    combine::zdiffstore: Spec::new("zdiffstore", -4, bits!(Flags: WRITE | DENYOOM |
    MOVABLEKEYS), Group::SortedSet)
    .acl(Categories::SORTEDSET)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: OW | UPDATE)), KeySpec::counted(2, 1, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "6.2.0",
        "O(L + M*log(M)) for L members in all sets and M in the result",
        "destination numkeys key [key ...]",
        "Stores the members of the first set that no other has.",
    ),
    write::zincrby: Spec::new("zincrby", 4, bits!(Flags: WRITE | DENYOOM | FAST), Group::SortedSet)
    .acl(Categories::SORTEDSET)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | ACCESS | UPDATE))])
    .looks_up(3)
    .docs(
        "1.2.0",
        "O(log(N))",
        "key increment member",
        "Adds so much to a member's score.",
    ),
    combine::zinter: Spec::new("zinter", -3, bits!(Flags: READONLY | MOVABLEKEYS), Group::SortedSet)
    .acl(Categories::SORTEDSET)
    .keys(&[KeySpec::counted(1, 1, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "6.2.0",
        "O(N*K + M*log(M)) for K sets, N members in the smallest and M in the result",
        "numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>] \
        [WITHSCORES]",
        "The members that all sets have.",
    ),
    combine::zintercard: Spec::new("zintercard", -3, bits!(Flags: READONLY | MOVABLEKEYS),
    Group::SortedSet)
    .acl(Categories::SORTEDSET)
    .keys(&[KeySpec::counted(1, 1, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "7.0.0",
        "O(N*K) for K sets and N members in the smallest",
        "numkeys key [key ...] [LIMIT limit]",
        "How many members all sets have.",
    ),
    combine::zinterstore: Spec::new("zinterstore", -4, bits!(Flags: WRITE | DENYOOM |
    MOVABLEKEYS), Group::SortedSet)
    .acl(Categories::SORTEDSET)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: OW | UPDATE)), KeySpec::counted(2, 1, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "2.0.0",
        "O(N*K + M*log(M)) for K sets, N members in the smallest and M in the result",
        "destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | \
        MAX>]",
        "Stores the members that all sets have.",
    ),
    read::zlexcount: Spec::new("zlexcount", 4, bits!(Flags: READONLY | FAST), Group::SortedSet)
    .acl(Categories::SORTEDSET)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "2.8.9",
        "O(log(N))",
        "key min max",
        "How many members lie between two, where all scores are the same.",
    ),
    pop::zmpop: Spec::new("zmpop", -4, bits!(Flags: WRITE | MOVABLEKEYS), Group::SortedSet)
    .acl(Categories::SORTEDSET)
    .keys(&[KeySpec::counted(1, 1, bits!(KeyFlags: RW | ACCESS | DELETE))])
    .docs(
        "7.0.0",
        "O(K) + O(M*log(N)) for K keys and M members taken",
        "numkeys key [key ...] <MIN | MAX> [COUNT count]",
        "Takes the lowest or highest members of the first set that has any.",
    ),
    read::zmscore: Spec::new("zmscore", -3, bits!(Flags: READONLY | FAST), Group::SortedSet)
    .acl(Categories::SORTEDSET)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .looks_up(2)
    .docs(
        "6.2.0",
        "O(M) for M members",
        "key member [member ...]",
        "The scores of several members.",
    ),
    pop::zpopmax: Spec::new("zpopmax", -2, bits!(Flags: WRITE | FAST), Group::SortedSet)
    .acl(Categories::SORTEDSET)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | ACCESS | DELETE))])
    .docs(
        "5.0.0",
        "O(M*log(N)) for M members taken",
        "key [count]",
        "Takes the members with the highest scores.",
    ),
    pop::zpopmin: Spec::new("zpopmin", -2, bits!(Flags: WRITE | FAST), Group::SortedSet)
    .acl(Categories::SORTEDSET)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | ACCESS | DELETE))])
    .docs(
        "5.0.0",
        "O(M*log(N)) for M members taken",
        "key [count]",
        "Takes the members with the lowest scores.",
    ),
    sample::zrandmember: Spec::new("zrandmember", -2, Flags::READONLY, Group::SortedSet)
    .acl(Categories::SORTEDSET)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .tips(Tips::NONDETERMINISTIC_OUTPUT)
    .docs(
        "6.2.0",
        "O(M*log(N)) for M members",
        "key [count [WITHSCORES]]",
        "Members chosen by chance.",
    ),
    range::zrange: Spec::new("zrange", -4, Flags::READONLY, Group::SortedSet)
    .acl(Categories::SORTEDSET)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "1.2.0",
        "O(log(N)+M) for M members in the reply",
        "key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]",
        "Members by rank, by score or in their own order.",
    ),
    range::zrangebylex: Spec::new("zrangebylex", -4, Flags::READONLY, Group::SortedSet)
    .acl(Categories::SORTEDSET)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "2.8.9",
        "O(log(N)+M) for M members in the reply",
        "key min max [LIMIT offset count]",
        "Members between two, where all scores are the same: ZRANGE's older form.",
    ),
    range::zrangebyscore: Spec::new("zrangebyscore", -4, Flags::READONLY, Group::SortedSet)
    .acl(Categories::SORTEDSET)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "1.0.5",
        "O(log(N)+M) for M members in the reply",
        "key min max [WITHSCORES] [LIMIT offset count]",
        "Members with scores in a range: ZRANGE's older form.",
    ),
    range::zrangestore: Spec::new("zrangestore", -5, bits!(Flags: WRITE | DENYOOM),
    Group::SortedSet)
    .acl(Categories::SORTEDSET)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: OW | UPDATE)), KeySpec::one(2, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "6.2.0",
        "O(log(N)+M*log(M)) for M members stored",
        "dst src min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]",
        "Stores a range of members.",
    ),
    read::zrank: Spec::new("zrank", -3, bits!(Flags: READONLY | FAST), Group::SortedSet)
    .acl(Categories::SORTEDSET)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .looks_up(2)
    .docs(
        "2.0.0",
        "O(log(N))",
        "key member [WITHSCORE]",
        "How many members have lower scores.",
    ),
    write::zrem: Spec::new("zrem", -3, bits!(Flags: WRITE | FAST), Group::SortedSet)
    .acl(Categories::SORTEDSET)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | DELETE))])
    .looks_up(2)
    .docs(
        "1.2.0",
        "O(M*log(N)) for M members",
        "key member [member ...]",
        "Removes members.",
    ),
    write::zremrangebylex: Spec::new("zremrangebylex", 4, Flags::WRITE, Group::SortedSet)
    .acl(Categories::SORTEDSET)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | DELETE))])
    .docs(
        "2.8.9",
        "O(log(N)+M) for M members removed",
        "key min max",
        "Removes the members between two, where all scores are the same.",
    ),
    write::zremrangebyrank: Spec::new("zremrangebyrank", 4, Flags::WRITE, Group::SortedSet)
    .acl(Categories::SORTEDSET)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | DELETE))])
    .docs(
        "2.0.0",
        "O(log(N)+M) for M members removed",
        "key start stop",
        "Removes members by rank.",
    ),
    write::zremrangebyscore: Spec::new("zremrangebyscore", 4, Flags::WRITE, Group::SortedSet)
    .acl(Categories::SORTEDSET)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | DELETE))])
    .docs(
        "1.2.0",
        "O(log(N)+M) for M members removed",
        "key min max",
        "Removes the members with scores in a range.",
    ),
    range::zrevrange: Spec::new("zrevrange", -4, Flags::READONLY, Group::SortedSet)
    .acl(Categories::SORTEDSET)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "1.2.0",
        "O(log(N)+M) for M members in the reply",
        "key start stop [WITHSCORES]",
        "Members by rank, the highest score first: ZRANGE's older form.",
    ),
    range::zrevrangebylex: Spec::new("zrevrangebylex", -4, Flags::READONLY, Group::SortedSet)
    .acl(Categories::SORTEDSET)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "2.8.9",
        "O(log(N)+M) for M members in the reply",
        "key max min [LIMIT offset count]",
        "Members between two, the last one first: ZRANGE's older form.",
    ),
    range::zrevrangebyscore: Spec::new("zrevrangebyscore", -4, Flags::READONLY, Group::SortedSet)
    .acl(Categories::SORTEDSET)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "2.2.0",
        "O(log(N)+M) for M members in the reply",
        "key max min [WITHSCORES] [LIMIT offset count]",
        "Members with scores in a range, the highest first: ZRANGE's older form.",
    ),
    read::zrevrank: Spec::new("zrevrank", -3, bits!(Flags: READONLY | FAST), Group::SortedSet)
    .acl(Categories::SORTEDSET)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .looks_up(2)
    .docs(
        "2.0.0",
        "O(log(N))",
        "key member [WITHSCORE]",
        "How many members have higher scores.",
    ),
    sample::zscan: Spec::new("zscan", -3, Flags::READONLY, Group::SortedSet)
    .acl(Categories::SORTEDSET)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .tips(Tips::NONDETERMINISTIC_OUTPUT)
    .docs(
        "2.8.0",
        "O(1) a call, O(N) for all N members",
        "key cursor [MATCH pattern] [COUNT count] [NOSCORES]",
        "Some members, and the cursor with which to ask for more.",
    ),
    read::zscore: Spec::new("zscore", 3, bits!(Flags: READONLY | FAST), Group::SortedSet)
    .acl(Categories::SORTEDSET)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .looks_up(2)
    .docs(
        "1.2.0",
        "O(1)",
        "key member",
        "A member's score.",
    ),
    combine::zunion: Spec::new("zunion", -3, bits!(Flags: READONLY | MOVABLEKEYS), Group::SortedSet)
    .acl(Categories::SORTEDSET)
    .keys(&[KeySpec::counted(1, 1, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "6.2.0",
        "O(N + M*log(M)) for N members in all sets and M in the result",
        "numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>] \
        [WITHSCORES]",
        "The members that any set has.",
    ),
    combine::zunionstore: Spec::new("zunionstore", -4, bits!(Flags: WRITE | DENYOOM |
    MOVABLEKEYS), Group::SortedSet)
    .acl(Categories::SORTEDSET)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: OW | UPDATE)), KeySpec::counted(2, 1, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "2.0.0",
        "O(N + M*log(M)) for N members in all sets and M in the result",
        "destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | \
        MAX>]",
        "Stores the members that any set has.",
    ),
}

/// How large a sorted set's small form may become.
pub(in crate::commands) fn limits<O: Observer>(cx: &Cx<'_, O>) -> Limits {
    cx.limits(Id::ZsetMaxListpackEntries, Id::ZsetMaxListpackValue)
}

/// The head of a list of so many members. With their scores RESP3 gives pairs, RESP2 one behind the
/// other.
fn write_head(out: &mut Reply, count: usize, scores: bool) {
    out.array(if scores && out.resp() == Resp::V2 { count.saturating_mul(2) } else { count });
}

/// One of a list of members.
fn write_member(out: &mut Reply, member: &[u8], score: f64, scores: bool) {
    if scores && out.resp() == Resp::V3 {
        out.array(2);
    }
    out.bulk(member);
    if scores {
        out.double(score);
    }
}
