//! In which form writes are recorded.

use crate::START;
use crate::hostile::settle;
use cache_core::protocol::{Frame, request, words};
use cache_core::{Config, ConnId, Node, Peer};

/// Commands, and the effect that each has; an empty one for none. 1767225600000 is now.
const EFFECTS: &[(&str, &str)] = &[
    ("SET k 1", "SET k 1"),
    ("SET k 2 EX 10", "SET k 2 PXAT 1767225610000"),
    ("SET k 3 KEEPTTL GET", "SET k 3 KEEPTTL"),
    ("SET k 4 NX", ""),
    ("SET k 4 IFEQ 4", ""),
    ("SET k 4 IFEQ 3", "SET k 4"),
    ("SET k 5 PXAT 1", "DEL k"),
    ("SET k 5 PXAT 1", ""),
    ("SET k 5 NX GET", "SET k 5"),
    ("SETEX k 10 v", "SET k v PXAT 1767225610000"),
    ("PSETEX k 10 v", "SET k v PXAT 1767225600010"),
    ("GETEX k", ""),
    ("GETEX k PX 20", "PEXPIREAT k 1767225600020"),
    ("GETEX k PERSIST", "PERSIST k"),
    ("GETEX k PERSIST", ""),
    ("GETEX k EXAT 1", "DEL k"),
    ("GETEX k EX 10", ""),
    ("SETNX k 1", "SET k 1"),
    ("SETNX k 1", ""),
    ("GETSET k 1", "SET k 1"),
    ("INCR k", "INCR k"),
    ("INCRBYFLOAT k 0.5", "SET k 2.5 KEEPTTL"),
    ("INCR k", ""),
    ("APPEND k 1", "APPEND k 1"),
    ("SETRANGE k 1 ''", ""),
    ("DELIFEQ k 2", ""),
    ("DELIFEQ k 2.51", "DEL k"),
    ("GETDEL k", ""),
    ("MSET a 1 b 2", "MSET a 1 b 2"),
    ("GETDEL a", "DEL a"),
    ("MSETNX a 1 b 2", ""),
    ("MSETNX c 1 d 2", "MSET c 1 d 2"),
    ("MSETEX 2 c 1 d 2 NX", ""),
    ("MSETEX 2 c 1 d 2 XX", "MSET c 1 d 2"),
    ("MSETEX 2 c 1 d 2 EX 10", "MSETEX 2 c 1 d 2 PXAT 1767225610000"),
    ("MSETEX 2 c 1 d 2 KEEPTTL", "MSETEX 2 c 1 d 2 KEEPTTL"),
    ("DEL c", "DEL c"),
    ("SETBIT bits 7 1", "SETBIT bits 7 1"),
    ("SETBIT bits 7 1", ""),
    ("BITFIELD bits GET u8 100", ""),
    ("BITFIELD bits OVERFLOW FAIL SET u8 0 256", ""),
    ("BITFIELD bits OVERFLOW FAIL SET u8 8 256", "BITFIELD bits OVERFLOW FAIL SET u8 8 256"),
    ("BITOP NOT bits bits", "BITOP NOT bits bits"),
    ("BITOP AND bits gone", "BITOP AND bits gone"),
    ("BITOP AND bits gone", ""),
    ("PFADD hll a", "PFADD hll a"),
    ("PFADD hll a", ""),
    ("PFCOUNT hll", "PFCOUNT hll"),
    ("PFCOUNT hll", ""),
    ("PFCOUNT hll gone", ""),
    ("PFMERGE hll", "PFMERGE hll"),
    ("PFDEBUG TODENSE hll", "PFDEBUG TODENSE hll"),
    ("PFDEBUG TODENSE hll", ""),
    ("PFADD hll a", ""),
    ("PFADD hll b", "PFADD hll b"),
    ("PFSELFTEST", ""),
    ("HSET h f 1", "HSET h f 1"),
    ("HSETNX h f 1", ""),
    ("HSETNX h g 1", "HSET h g 1"),
    ("HINCRBY h f 1", "HINCRBY h f 1"),
    ("HINCRBYFLOAT h f 0.5", "HSET h f 2.5"),
    ("HDEL h x", ""),
    ("HDEL h f x", "HDEL h f x"),
    ("HDEL h g", "HDEL h g"),
    ("EXISTS h", ""),
    ("RPUSH l a b c d e f g h", "RPUSH l a b c d e f g h"),
    ("LPUSHX nokey a", ""),
    ("LPUSHX l z", "LPUSHX l z"),
    ("LPOP l", "LPOP l"),
    ("LPOP nokey", ""),
    ("RPOP l 2", "RPOP l 2"),
    ("LPOP l 0", ""),
    ("LSET l 0 A", "LSET l 0 A"),
    ("LINSERT l BEFORE x y", ""),
    ("LINSERT l BEFORE A y", "LINSERT l BEFORE A y"),
    ("LREM l 0 x", ""),
    ("LREM l 0 y", "LREM l 0 y"),
    ("LTRIM l 0 -1", ""),
    ("LTRIM l 0 -2", "LTRIM l 0 -2"),
    ("LMOVE l m LEFT RIGHT", "LMOVE l m LEFT RIGHT"),
    ("LMOVE nokey m LEFT RIGHT", ""),
    ("RPOPLPUSH l m", "RPOPLPUSH l m"),
    ("LMPOP 2 gone nokey RIGHT", ""),
    ("LMPOP 2 nokey l RIGHT COUNT 1", "RPOP l 1"),
    ("LMPOP 2 l m LEFT COUNT 9", "LPOP l 2"),
    ("LMPOP 2 l nokey LEFT COUNT 9", ""),
    ("RPUSH l a b c d e", "RPUSH l a b c d e"),
    ("BLPOP nokey l 0", "LPOP l"),
    ("BRPOP l 0", "RPOP l"),
    ("BLMOVE l m RIGHT LEFT 0", "LMOVE l m RIGHT LEFT"),
    ("BRPOPLPUSH l m 0", "RPOPLPUSH l m"),
    ("BLMPOP 0 1 l LEFT COUNT 2", "LPOP l 1"),
    ("SADD s 1 a", "SADD s 1 a"),
    ("SADD s 1", ""),
    ("SADD s 1 a", ""),
    ("SREM s x", ""),
    ("SREM s 1 x", "SREM s 1 x"),
    ("SRANDMEMBER s", ""),
    ("SMOVE s t x", ""),
    ("SMOVE s s a", ""),
    ("SMOVE s t a", "SMOVE s t a"),
    ("SPOP s", ""),
    ("SPOP t 0", ""),
    ("SPOP t", "DEL t"),
    ("SADD t 5 5 5", "SADD t 5 5 5"),
    ("SPOP t 3", "DEL t"),
    ("SINTERSTORE t u", ""),
    ("SUNIONSTORE t u", ""),
    ("SADD u 1", "SADD u 1"),
    ("SUNIONSTORE t u", "SUNIONSTORE t u"),
    ("SDIFFSTORE t u u", "SDIFFSTORE t u u"),
    ("SORT u", ""),
    ("SORT u STORE t", "SORT u STORE t"),
    ("SORT gone STORE t", "SORT gone STORE t"),
    ("SORT gone STORE t", ""),
    ("ZADD z 1 a 2 b", "ZADD z 1 a 2 b"),
    ("ZADD z 1 a", ""),
    ("ZADD z XX CH 1 c", ""),
    ("ZADD z GT CH 3 a 1 b", "ZADD z GT CH 3 a 1 b"),
    ("ZADD z INCR 0.5 a", "ZADD z 3.5 a"),
    ("ZADD z NX INCR 0.5 a", ""),
    ("ZINCRBY z 1e20 c", "ZADD z 1e+20 c"),
    ("ZINCRBY z 0 c", ""),
    ("ZREM z x", ""),
    ("ZRANGESTORE y z 0 -1", "ZRANGESTORE y z 0 -1"),
    ("ZRANGESTORE gone none 0 -1", ""),
    ("ZUNIONSTORE y 2 y z", "ZUNIONSTORE y 2 y z"),
    ("ZPOPMIN z", "ZPOPMIN z"),
    ("ZMPOP 2 gone z MAX COUNT 9", "ZPOPMAX z 2"),
    ("ZPOPMIN z", ""),
    ("BZPOPMAX y 0", "ZPOPMAX y 1"),
    ("BZMPOP 0 1 y MIN", "ZPOPMIN y 1"),
    ("ZREMRANGEBYRANK y 0 -1", "ZREMRANGEBYRANK y 0 -1"),
    ("ZREMRANGEBYRANK y 0 -1", ""),
    ("GEOADD g 13.361389 38.115556 a", "ZADD g 3479099956230698 a"),
    ("GEOADD g XX CH 13.361389 38.115556 a", ""),
    ("GEOADD g NX 15.087269 37.502669 b", "ZADD g NX 3479447370796909 b"),
    (
        "GEOSEARCHSTORE y g FROMMEMBER a BYRADIUS 9 km",
        "GEOSEARCHSTORE y g FROMMEMBER a BYRADIUS 9 km",
    ),
    ("GEORADIUS g 1 1 1 km STORE none", ""),
    ("XADD x * a 1", "XADD x 1767225600000-0 a 1"),
    ("XADD x NOMKSTREAM 1767225600001-* a 1", "XADD x 1767225600001-0 a 1"),
    ("XADD x MAXLEN ~ 1 1767225600002 a 1", "XADD x 1767225600002-0 a 1"),
    ("XADD x MAXLEN 2 1767225600003-5 a 1", "XADD x MAXLEN = 2 1767225600003-5 a 1"),
    ("XADD x MINID 1767225600003 1767225600004 a 1", "XADD x MAXLEN = 2 1767225600004-0 a 1"),
    ("XADD gone NOMKSTREAM * a 1", ""),
    ("XTRIM x MAXLEN 2", ""),
    ("XTRIM x MINID ~ 1767225600004", ""),
    ("XTRIM x MINID 1767225600004", "XTRIM x MAXLEN = 1"),
    ("XDEL x 1-1", ""),
    ("XDEL x 1767225600004 1-1", "XDEL x 1767225600004 1-1"),
    ("XADD x 1767225600005-1 a 1", "XADD x 1767225600005-1 a 1"),
    ("XADD x 1767225600005-2 a 1", "XADD x 1767225600005-2 a 1"),
    ("XADD x 1767225600005-3 a 1", "XADD x 1767225600005-3 a 1"),
    ("XSETID x 1767225600006-0", "XSETID x 1767225600006-0"),
    ("XGROUP CREATE x g 0", "XGROUP CREATE x g 0"),
    ("XGROUP CREATECONSUMER x g c", "XGROUP CREATECONSUMER x g c"),
    ("XGROUP CREATECONSUMER x g c", ""),
    (
        "XREADGROUP GROUP g c COUNT 2 STREAMS x >",
        "MULTI\n\
        XCLAIM x g c 0 1767225600005-1 1767225600005-2 TIME 1767225600000 RETRYCOUNT 1 FORCE JUSTID\n\
        XGROUP SETID x g 1767225600005-2 ENTRIESREAD 7\n\
        EXEC",
    ),
    (
        "XREADGROUP GROUP g d BLOCK 0 NOACK STREAMS x >",
        "MULTI\nXGROUP CREATECONSUMER x g d\nXGROUP SETID x g 1767225600005-3 ENTRIESREAD 8\nEXEC",
    ),
    ("XREADGROUP GROUP g c STREAMS x >", ""),
    ("XREADGROUP GROUP g e STREAMS x >", "XGROUP CREATECONSUMER x g e"),
    (
        "XREADGROUP GROUP g c COUNT 1 STREAMS x 0",
        "XCLAIM x g c 0 1767225600005-1 TIME 1767225600000 RETRYCOUNT 2 FORCE JUSTID",
    ),
    (
        "XCLAIM x g d 0 1767225600005-1 1767225600005-2 IDLE 10",
        "MULTI\n\
        XCLAIM x g d 0 1767225600005-1 TIME 1767225599990 RETRYCOUNT 3 FORCE JUSTID\n\
        XCLAIM x g d 0 1767225600005-2 TIME 1767225599990 RETRYCOUNT 2 FORCE JUSTID\n\
        EXEC",
    ),
    ("XCLAIM x g d 100000 1767225600005-1", ""),
    ("XCLAIM x g d 0 1-1 LASTID 1767225600007", "XGROUP SETID x g 1767225600007-0 ENTRIESREAD 8"),
    (
        "XAUTOCLAIM x g c 0 0 COUNT 1 JUSTID",
        "XCLAIM x g c 0 1767225600005-1 TIME 1767225600000 RETRYCOUNT 3 FORCE JUSTID",
    ),
    ("XDEL x 1767225600005-1", "XDEL x 1767225600005-1"),
    ("XAUTOCLAIM x g c 100000 0", "XACK x g 1767225600005-1"),
    ("XACK x g 1767225600005-1", ""),
    ("XACK x g 1767225600005-2 1-1", "XACK x g 1767225600005-2 1-1"),
    ("XGROUP DELCONSUMER x g nobody", ""),
    ("XGROUP DELCONSUMER x g c", "XGROUP DELCONSUMER x g c"),
    ("XGROUP DESTROY x g", "XGROUP DESTROY x g"),
    ("XGROUP DESTROY x g", ""),
    ("HSETEX h EX 10 FIELDS 2 a 1 b 2", "HSETEX h PXAT 1767225610000 FIELDS 2 a 1 b 2"),
    ("HSETEX h FXX KEEPTTL FIELDS 1 a 3", "HSETEX h KEEPTTL FIELDS 1 a 3"),
    ("HSETEX h FNX FIELDS 2 a 3 c 4", ""),
    ("HSETEX h XX FNX FIELDS 1 c 4", "HSET h c 4"),
    ("HSETEX h EXAT 1 FIELDS 2 c 5 d 6", "HDEL h c"),
    ("HSETEX h EXAT 1 FIELDS 1 d 6", ""),
    ("HINCRBY h a 1", "HINCRBY h a 1"),
    ("HINCRBYFLOAT h a 0.5", "HSETEX h KEEPTTL FIELDS 1 a 4.5"),
    ("HEXPIRE h 20 NX FIELDS 2 a z", ""),
    ("HEXPIRE h 20 GT FIELDS 3 a b z", "HPEXPIREAT h 1767225620000 FIELDS 2 a b"),
    ("HGETEX h PX 5 FIELDS 2 a z", "HPEXPIREAT h 1767225600005 FIELDS 1 a"),
    ("HGETEX h PERSIST FIELDS 2 a z", "HPERSIST h FIELDS 1 a"),
    ("HGETEX h PERSIST FIELDS 1 a", ""),
    ("HPERSIST h FIELDS 2 b z", "HPERSIST h FIELDS 1 b"),
    ("HSET h c 1", "HSET h c 1"),
    ("HGETEX h PXAT 1 FIELDS 3 c c z", "HDEL h c"),
    ("HPEXPIREAT h 1 FIELDS 3 a a z", "HDEL h a"),
    ("HGETDEL h FIELDS 2 a z", ""),
    ("HGETDEL h FIELDS 2 b z", "HDEL h b"),
    ("EXISTS h", ""),
];

#[test]
fn effects_say_the_same_whenever_they_are_read() {
    let mut node = Node::new(Config::default(), 7, START);
    node.record_effects();
    let conn = node.handle_connect(START, Peer::default()).expect("room");
    assert_eq!(effect_of(&mut node, conn, "SET first 1"), ["SELECT 0", "SET first 1"]);
    for (command, expected) in EFFECTS {
        let expected: Vec<&str> = expected.split_terminator('\n').collect();
        assert_eq!(effect_of(&mut node, conn, command), expected, "{command}");
    }
}

/// What was waited for is recorded behind what brought it, and as what it came to.
#[test]
fn what_was_waited_for_is_recorded_as_what_it_came_to() {
    let mut node = Node::new(Config::default(), 7, START);
    node.record_effects();
    let [pusher, a, b] =
        [(); 3].map(|()| node.handle_connect(START, Peer::default()).expect("room"));
    assert_eq!(effect_of(&mut node, a, "BLPOP x l 0"), [""; 0]);
    assert_eq!(effect_of(&mut node, b, "BLMOVE l m LEFT RIGHT 0"), [""; 0]);
    let recorded = effect_of(&mut node, pusher, "RPUSH l 1 2 3");
    assert_eq!(recorded, ["SELECT 0", "RPUSH l 1 2 3", "LPOP l", "LMOVE l m LEFT RIGHT"]);
    assert_eq!(effect_of(&mut node, a, "BRPOP nokey 0"), [""; 0]);
    for command in ["MULTI", "RPUSH nokey a", "INCR n"] {
        assert_eq!(effect_of(&mut node, pusher, command), [""; 0]);
    }
    let recorded = effect_of(&mut node, pusher, "EXEC");
    assert_eq!(recorded, ["MULTI", "RPUSH nokey a", "INCR n", "EXEC", "RPOP nokey"]);
}

fn effect_of(node: &mut Node, conn: ConnId, command: &str) -> Vec<String> {
    let args = words::split(command.as_bytes()).expect("balanced quotes");
    let _ = node.handle_bytes(conn, &request::encode(args));
    settle(node);
    let mut effects = Vec::new();
    while let Some(store) = node.poll_store() {
        effects.extend(commands(&store.bytes));
    }
    effects
}

/// The commands of a stream, their arguments apart by spaces.
fn commands(bytes: &[u8]) -> Vec<String> {
    use cache_core::protocol::Value;
    let (mut rest, mut all) = (bytes, Vec::new());
    while let Some((Value::Array(args), used)) = Value::parse(rest).expect("RESP") {
        let frame: Frame = args
            .iter()
            .map(|arg| match arg {
                Value::Bulk(bytes) => bytes.as_slice(),
                other => panic!("{other:?} in a command"),
            })
            .collect();
        let words: Vec<_> = frame.args().iter().map(String::from_utf8_lossy).collect();
        all.push(words.join(" "));
        rest = &rest[used..];
    }
    all
}

/// Whatever was drawn, the stream says which it was.
#[test]
fn members_drawn_by_chance_are_named() {
    for (count, members) in [("1", 400), ("399", 400), ("3", 5000), ("4999", 5000)] {
        let mut node = Node::new(Config::default(), 7, START);
        node.record_effects();
        let conn = node.handle_connect(START, Peer::default()).expect("room");
        let all: Vec<String> = (0..members).map(|i| format!("m{i}")).collect();
        effect_of(&mut node, conn, &format!("SADD s {}", all.join(" ")));
        let effects = effect_of(&mut node, conn, &format!("SPOP s {count}"));
        let [effect] = effects.as_slice() else { panic!("{effects:?}") };
        let mut named: Vec<&str> = effect.split(' ').collect();
        assert_eq!(named.drain(..2).collect::<Vec<_>>(), ["SREM", "s"]);
        named.sort_unstable();
        named.dedup();
        assert_eq!(named.len().to_string(), count);
        let left = node.request(START, conn, &["SCARD", "s"], &mut ()).expect("an answer");
        assert!(left.ends_with(format!(":{}\r\n", members - named.len()).as_bytes()));
    }
}
