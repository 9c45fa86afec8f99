//! Commands of every kind, whose effects all nodes must agree on, whatever they are.
//!
//! What must never be here: a key whose values are followed.

use crate::random::Random;
use cache_core::protocol::request;

/// The next command, in bytes.
pub(super) fn command(random: &mut Random) -> Vec<u8> {
    let words = match random.below(8) {
        0 => string(random),
        1 => hash(random),
        2 => list(random),
        3 => set(random),
        4 => sorted_set(random),
        5 => stream(random),
        6 => key(random),
        _ => string(random),
    };
    let words: Vec<&str> = words.split(' ').collect();
    request::encode(words)
}

/// A number below a bound, to be written into a command.
fn any(random: &mut Random, bound: u64) -> u64 {
    random.below(bound)
}

fn string(random: &mut Random) -> String {
    let key = format!("k:{}", any(random, 200));
    let number = any(random, 1000);
    match random.below(9) {
        0 => format!("INCRBY count {number}"),
        1 => format!("SET {key} {number} PX 900"),
        2 => format!("SET {key} {number} EX 30"),
        3 => format!("APPEND {key} {number}"),
        4 => format!("GETDEL {key}"),
        5 => format!("SETRANGE {key} 10 {number}"),
        6 => format!("INCRBYFLOAT sum 0.{number}"),
        7 => format!("SETBIT bits {number} 1"),
        _ => format!("SET {key} {number} NX GET"),
    }
}

fn hash(random: &mut Random) -> String {
    let (key, field) = (format!("h:{}", any(random, 8)), any(random, 300));
    let number = any(random, 1000);
    match random.below(7) {
        0 => format!("HINCRBY {key} {field} {number}"),
        1 => format!("HDEL {key} {field}"),
        2 => format!("HPEXPIRE {key} 700 FIELDS 1 {field}"),
        3 => format!("HPERSIST {key} FIELDS 1 {field}"),
        4 => format!("HSETNX {key} {field} {number}"),
        _ => format!("HSET {key} {field} {number} {number} {field}"),
    }
}

fn list(random: &mut Random) -> String {
    let (key, number) = (format!("l:{}", any(random, 8)), any(random, 1000));
    match random.below(8) {
        0 => format!("LPOP {key} 2"),
        1 => format!("LTRIM {key} 0 400"),
        2 => format!("LMOVE {key} l:1 LEFT RIGHT"),
        3 => format!("LREM {key} 1 {number}"),
        4 => format!("LINSERT {key} BEFORE {number} x"),
        5 => format!("LPUSH {key} {number}"),
        _ => format!("RPUSH {key} {number} value-{number} 3"),
    }
}

fn set(random: &mut Random) -> String {
    let (key, number) = (format!("s:{}", any(random, 8)), any(random, 600));
    match random.below(6) {
        0 => format!("SPOP {key}"),
        1 => format!("SREM {key} {number}"),
        2 => format!("SMOVE {key} s:1 {number}"),
        3 => format!("SUNIONSTORE s:2 {key} s:3"),
        _ => format!("SADD {key} {number} member-{number}"),
    }
}

fn sorted_set(random: &mut Random) -> String {
    let (key, number) = (format!("z:{}", any(random, 8)), any(random, 400));
    let score = any(random, 1000);
    match random.below(7) {
        0 => format!("ZPOPMIN {key}"),
        1 => format!("ZINCRBY {key} 0.{score} {number}"),
        2 => format!("ZREM {key} {number}"),
        3 => format!("ZREMRANGEBYRANK {key} 0 1"),
        4 => format!("ZUNIONSTORE z:2 2 {key} z:3"),
        _ => format!("ZADD {key} {score} {number} {number} member-{number}"),
    }
}

fn stream(random: &mut Random) -> String {
    let (key, number) = (format!("x:{}", any(random, 4)), any(random, 1000));
    match random.below(8) {
        0 => format!("XTRIM {key} MAXLEN 200"),
        1 => format!("XGROUP CREATE {key} readers 0 MKSTREAM"),
        2 => format!("XREADGROUP GROUP readers one COUNT 3 STREAMS {key} >"),
        3 => format!("XAUTOCLAIM {key} readers two 0 0 COUNT 2"),
        4 => format!("XGROUP SETID {key} readers $"),
        _ => format!("XADD {key} * field {number}"),
    }
}

fn key(random: &mut Random) -> String {
    let kinds = ["k", "h", "l", "s", "z", "x"];
    let kind = kinds[random.below(kinds.len() as u64) as usize];
    let key = format!("{kind}:{}", any(random, 8));
    match random.below(14) {
        0 => format!("DEL {key}"),
        1 => format!("PEXPIRE {key} 1500"),
        2 => format!("PERSIST {key}"),
        3 => format!("RENAME {key} {kind}:0"),
        4 => format!("COPY {key} {kind}:1 REPLACE"),
        5 => format!("COPY {key} {key} DB 3 REPLACE"),
        6 => String::from("SWAPDB 3 4"),
        7 => String::from("BGSAVE"),
        8 => String::from("BGREWRITEAOF"),
        9 => String::from("WAIT 1 20"),
        10 => format!("UNLINK {key}"),
        11 => format!("EXPIRE {key} 20 NX"),
        12 => format!("MOVE {key} 4"),
        _ => format!("TOUCH {key}"),
    }
}
