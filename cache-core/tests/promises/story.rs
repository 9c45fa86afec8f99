//! Random stories: what two clients say, and time passing in between.

use cache_core::protocol::{request, words};
use proptest::prelude::*;

#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Milliseconds pass.
    Wait(u64),
    /// A client sends these bytes.
    Say(usize, Vec<u8>),
}

/// `K` and `L` stand for keys, `F` for a field, `N` for a number, `V` for a value.
const COMMANDS: &[&str] = &[
    "SET K V",
    "SET K V PX N",
    "SET K V EX 1 NX",
    "SET K V XX KEEPTTL",
    "SET K V GET",
    "SET K V IFEQ N",
    "SET K V EXAT 1767225601",
    "SETEX K 1 V",
    "PSETEX K N V",
    "SETNX K V",
    "GETSET K V",
    "GETDEL K",
    "GETEX K PX N",
    "GETEX K PERSIST",
    "DELIFEQ K V",
    "GET K",
    "MGET K L",
    "MSET K V L N",
    "MSETNX K V L N",
    "MSETEX 2 K V L N PX N",
    "APPEND K V",
    "SETRANGE K 3 V",
    "GETRANGE K 0 -2",
    "STRLEN K",
    "INCR K",
    "INCRBY K N",
    "DECRBY K N",
    "INCRBYFLOAT K 1.5",
    "SETBIT K N 1",
    "SETBIT K 3 0",
    "BITFIELD K INCRBY u7 N N OVERFLOW FAIL SET i5 3 N GET u8 0",
    "BITFIELD K OVERFLOW FAIL SET u3 N N",
    "BITOP XOR K K L",
    "BITOP NOT K L",
    "BITCOUNT K 1 -1",
    "BITPOS K 0",
    "PFADD K V N",
    "PFADD K",
    "PFCOUNT K",
    "PFCOUNT K L",
    "PFMERGE K L",
    "PFDEBUG TODENSE K",
    "HSET K F V",
    "HSET K F V N N",
    "HSETNX K F V",
    "HDEL K F",
    "HDEL K F N",
    "HGET K F",
    "HGETALL K",
    "HINCRBY K F N",
    "HINCRBYFLOAT K F 0.1",
    "HRANDFIELD K 2 WITHVALUES",
    "HSCAN K 0",
    "RPUSH K V N V",
    "LPUSH K V N",
    "LPUSHX K V",
    "RPUSHX K V",
    "LPOP K",
    "RPOP K 2",
    "LSET K -1 V",
    "LINSERT K AFTER N V",
    "LREM K -1 V",
    "LTRIM K 1 -2",
    "LRANGE K 0 -1",
    "LPOS K V COUNT 0",
    "LMOVE K L LEFT RIGHT",
    "RPOPLPUSH K L",
    "LMPOP 2 K L RIGHT COUNT 2",
    "SADD K V N F",
    "SADD K N N",
    "SADD K F",
    "SREM K V F",
    "SPOP K",
    "SPOP K 2",
    "SRANDMEMBER K -3",
    "SRANDMEMBER K 2",
    "SMOVE K L F",
    "SINTERSTORE K L K",
    "SUNIONSTORE K K L",
    "SDIFFSTORE K K L",
    "SINTERCARD 2 K L LIMIT 1",
    "SUNION K L",
    "SMEMBERS K",
    "SMISMEMBER K F V",
    "SSCAN K 0",
    "ZADD K N F",
    "ZADD K 1.5 F N V 0 F",
    "ZADD K NX CH N V",
    "ZADD K XX GT CH N F",
    "ZADD K LT INCR -1.5 F",
    "ZINCRBY K 0.1 F",
    "ZREM K F V",
    "ZSCORE K F",
    "ZRANK K F WITHSCORE",
    "ZRANGE K 0 -1 WITHSCORES",
    "ZRANGE K N (1 BYSCORE REV LIMIT 0 2",
    "ZCOUNT K -inf N",
    "ZRANGEBYLEX K - [V",
    "ZRANGESTORE K L 0 2",
    "ZREMRANGEBYRANK K 1 2",
    "ZREMRANGEBYSCORE K 0 N",
    "ZREMRANGEBYLEX K [V +",
    "ZPOPMIN K",
    "ZPOPMAX K 2",
    "ZMPOP 2 K L MIN COUNT 2",
    "BZPOPMIN K L 0.5",
    "BZMPOP 0 2 K L MAX",
    "ZUNIONSTORE K 2 K L WEIGHTS 2 0.1",
    "ZINTERSTORE K 2 K L AGGREGATE MAX",
    "ZDIFFSTORE K 2 K L",
    "ZUNION 2 K L WITHSCORES",
    "ZRANDMEMBER K -2 WITHSCORES",
    "ZSCAN K 0 COUNT 2",
    "GEOADD K 13.5 38.1 F 2 48 V",
    "GEOADD K XX CH 13.5 48.1 F",
    "GEOSEARCH K FROMLONLAT 13 48 BYRADIUS N km ASC WITHDIST",
    "GEOSEARCHSTORE K L FROMMEMBER F BYBOX 900 N km STOREDIST",
    "CONFIG SET zset-max-listpack-entries 2",
    "CONFIG SET zset-max-listpack-entries 128",
    "SORT K ALPHA STORE L",
    "SORT K BY nosort LIMIT 1 2 STORE L",
    "SORT K ALPHA BY key:* GET # GET key:*->field:1 STORE L",
    "SORT K DESC",
    "SORT_RO K ALPHA LIMIT 0 2",
    "XADD K * F V",
    "XADD K MAXLEN ~ 2 * F V N N",
    "XTRIM K MAXLEN 2",
    "XDEL K 1767225600000-0",
    "XRANGE K - +",
    "XGROUP CREATE K F 0 MKSTREAM",
    "XREADGROUP GROUP F V COUNT 2 STREAMS K >",
    "XAUTOCLAIM K F V 0 0",
    "XACK K F 1767225600000-0",
    "XINFO STREAM K FULL",
    "EXPIRE K 1",
    "EXPIRE K -1",
    "PEXPIRE K N",
    "PEXPIRE K N GT",
    "PEXPIREAT K 1767225601000",
    "PERSIST K",
    "PTTL K",
    "DEL K L",
    "UNLINK K",
    "EXISTS K L",
    "TYPE K",
    "RENAME K L",
    "RENAMENX K L",
    "COPY K L",
    "COPY K L DB 1 REPLACE",
    "MOVE K 1",
    "RANDOMKEY",
    "KEYS *",
    "SCAN 0 COUNT 3",
    "SELECT 0",
    "SELECT 1",
    "SWAPDB 0 1",
    "FLUSHDB",
    "FLUSHALL",
    "DBSIZE",
    "MULTI",
    "EXEC",
    "DISCARD",
    "WATCH K L",
    "UNWATCH",
    "PUBLISH K V",
    "SUBSCRIBE K",
    "PSUBSCRIBE *",
    "UNSUBSCRIBE",
    "PUNSUBSCRIBE",
    "HELLO 3",
    "HELLO 2",
    "PING V",
    "RESET",
    "CLIENT REPLY SKIP",
    "NOSUCH K",
    "GET",
];

/// Those that may wait, and what ends their waiting.
const WAITING: &[&str] = &[
    "BLPOP K L 0.5",
    "BRPOP K 1",
    "BLMOVE K L RIGHT LEFT 0.7",
    "BRPOPLPUSH K L 0.3",
    "BLMPOP 0.4 2 K L LEFT COUNT 3",
    "BLPOP K 0",
    "RPUSH K V",
    "XREAD BLOCK N STREAMS K L $ 0",
    "XREADGROUP GROUP F V BLOCK N STREAMS K >",
    "XADD K * F V",
    "CLIENT UNBLOCK 1",
    "CLIENT UNBLOCK 2 ERROR",
];

fn command(commands: Vec<&'static str>) -> impl Strategy<Value = Vec<u8>> {
    let names = (0u8..6, 0u8..6, 0u8..4, 0u32..2500, "[a-z0-9]{0,6}");
    (prop::sample::select(commands), names).prop_map(|(template, (k, l, f, n, v))| {
        let args =
            words::split(template.as_bytes()).expect("no quotes").into_iter().map(
                |word| match word.as_slice() {
                    b"K" => format!("key:{k}").into_bytes(),
                    b"L" => format!("key:{l}").into_bytes(),
                    b"F" => format!("field:{f}").into_bytes(),
                    b"N" => n.to_string().into_bytes(),
                    b"V" => v.clone().into_bytes(),
                    _ => word,
                },
            );
        request::encode(args.collect::<Vec<_>>())
    })
}

fn step(commands: Vec<&'static str>) -> impl Strategy<Value = Step> {
    // What is said at once is a pipeline of up to four commands.
    let say = (0usize..2, prop::collection::vec(command(commands), 1..5));
    prop_oneof![
        1 => (1u64..1500).prop_map(Step::Wait),
        6 => say.prop_map(|(client, commands)| Step::Say(client, commands.concat())),
    ]
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step([COMMANDS, WAITING].concat()), 1..48)
}

/// In which nobody waits: what has been said is done before another speaks.
pub(crate) fn steps_at_once() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(COMMANDS.to_vec()), 1..48)
}

/// Of these commands alone.
pub(crate) fn steps_of(commands: Vec<&'static str>) -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(commands), 1..48)
}
