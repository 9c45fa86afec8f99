//! DEBUG: what test suites ask of a server, and nobody else should.
//!
//! What has no meaning here (packed thresholds, resizing of tables) is taken and has no effect, so that
//! a test that only prepares the ground goes on. What would crash or restart the process is refused.

use super::arguments::{integer, is_word, positive_or_out_of_range};
use super::strings::longest;
use super::{Error, Flags, Flow, Group, Outcome, Spec, shown};
use crate::config::Id;
use crate::hash::HashSeed;
use crate::node::{Cx, LogState, Reload, ReloadFrom, Sleep};
use crate::numbers::parse_f64;
use crate::observer::Observer;
use crate::protocol::Resp;
use alloc::format;
use alloc::vec::Vec;

rows! {
    debug: Spec::new("debug", -2, bits!(Flags: ADMIN | NOSCRIPT | LOADING | STALE), Group::Server)
    .docs("1.0.0", "Depends on the subcommand", "", "Helps to test a server."),
}

const FORBIDDEN: &str = "ERR DEBUG command not allowed. If the enable-debug-command option is set to \
                         \"local\", you can run it from a local connection, otherwise you need to \
                         set this option in the configuration file, and then restart the server.";

const HELP: [&str; 23] = [
    "DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "DIGEST",
    "    A digest of all data.",
    "DIGEST-VALUE <key> [<key> ...]",
    "    A digest of each of these values.",
    "ERROR <string>",
    "    Answers with this error.",
    "LOADAOF",
    "    Reads the append log again.",
    "LOG <message>",
    "    Writes to the log.",
    "OBJECT <key>",
    "    How a value is kept.",
    "POPULATE <count> [<prefix>] [<size>]",
    "    Makes keys that are not there yet.",
    "PROTOCOL <type>",
    "    A reply of this type.",
    "RELOAD [MERGE] [NOFLUSH] [NOSAVE]",
    "    Saves all data and reads them again.",
    "SET-ACTIVE-EXPIRE <0|1>",
    "    Whether keys go when their time has run out although nobody asks for them.",
    "SLEEP <seconds>",
    "    Lets the whole server sleep.",
];

/// What is taken and has no effect here, with its number of arguments.
const NO_EFFECT: [(&str, usize); 9] = [
    ("quicklist-packed-threshold", 3),
    ("dict-resizing", 3),
    ("hashtable-can-abort-shrink", 3),
    ("replybuffer", 4),
    ("pause-cron", 3),
    ("delay-rdb-client-free-seconds", 3),
    ("set-skip-checksum-validation", 3),
    ("client-enforce-reply-list", 3),
    ("change-repl-id", 2),
];

fn debug<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let allowed = match cx.state.config.word(Id::EnableDebugCommand) {
        "yes" => true,
        "local" => cx.conn.addr.starts_with("127.") || cx.conn.addr.starts_with("[::1]"),
        _ => false,
    };
    if !allowed {
        return Err(Error::Text(FORBIDDEN));
    }
    let what = cx.args.at(1).to_ascii_lowercase();
    match (what.as_slice(), cx.args.len()) {
        (b"help", 2) => {
            cx.out().array(HELP.len());
            HELP.into_iter().for_each(|line| cx.out().simple(line));
            Ok(Flow::Done)
        }
        (b"sleep", 3) => sleep(cx),
        (b"set-active-expire", 3) => {
            cx.state.expires_actively = integer(cx.args.at(2))? != 0;
            cx.out().ok();
            Ok(Flow::Done)
        }
        (b"reload", 2..) => reload(cx),
        (b"loadaof", 2) => load_log(cx),
        (b"digest", 2) => {
            let digest = format!("{:040x}", cx.state.keyspace.digest());
            cx.out().simple(&digest);
            Ok(Flow::Done)
        }
        (b"digest-value", 2..) => digest_values(cx),
        (b"object", 3) => object(cx),
        (b"protocol", 3) => protocol(cx),
        (b"populate", 3..=5) => populate(cx),
        (b"error", 3) => {
            let message = cx.args.at(2);
            cx.out().error(message);
            Ok(Flow::Done)
        }
        (b"log", 3) => {
            let line = format!("DEBUG LOG: {}", shown(cx.args.at(2)));
            cx.state.log(crate::node::LogLevel::Warning, line);
            cx.out().ok();
            Ok(Flow::Done)
        }
        (name, len) if NO_EFFECT.iter().any(|(n, l)| is_word(name, n) && *l == len) => {
            cx.out().ok();
            Ok(Flow::Done)
        }
        _ => Err(Error::Owned(format!(
            "ERR unknown subcommand or wrong number of arguments for '{}'. Try DEBUG HELP.",
            shown(cx.args.at(1))
        ))),
    }
}

/// Saves all data and reads them again.
fn reload<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (mut saves, mut flushes, mut merges) = (true, true, false);
    for option in cx.args.from(2).iter() {
        match option.to_ascii_lowercase().as_slice() {
            b"nosave" => saves = false,
            b"noflush" => flushes = false,
            b"merge" => merges = true,
            _ => {
                return Err(Error::Text(
                    "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.",
                ));
            }
        }
    }
    let reload = Reload { by: cx.conn.id, from: ReloadFrom::Snapshot, saves, flushes, merges };
    read_again(cx, reload, "ERR Error trying to load the RDB dump, check server logs.")
}

/// Reads the append log again.
fn load_log<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    const FAILED: &str = "ERR Error trying to load the AOF files, check server logs.";
    if cx.state.persist.log != LogState::On {
        return Err(Error::Text(FAILED));
    }
    let (by, from) = (cx.conn.id, ReloadFrom::Log);
    let reload = Reload { by, from, saves: false, flushes: true, merges: false };
    read_again(cx, reload, FAILED)
}

fn read_again<O: Observer>(cx: &mut Cx<'_, O>, reload: Reload, failed: &'static str) -> Outcome {
    if let Some(is_ok) = cx.state.persist.take_answer(cx.conn.id) {
        if !is_ok {
            return Err(Error::Text(failed));
        }
        cx.out().ok();
        return Ok(Flow::Done);
    }
    if !cx.state.persist.is_on || cx.in_exec || cx.state.loading.is_some() {
        return Err(Error::Text("ERR data can't be read again now"));
    }
    cx.state.persist.reload = Some(reload);
    Ok(Flow::Blocked { until_us: u64::MAX })
}

/// The whole node sleeps: nobody's command runs until it wakes.
fn sleep<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    if let Some(slept) = cx.state.sleep.take_if(|sleep| sleep.by == cx.conn.id) {
        cx.took_ns = Some(slept.until_us.saturating_sub(slept.since_us).saturating_mul(1000));
        cx.out().ok();
        return Ok(Flow::Done);
    }
    let seconds = parse_f64(cx.args.at(2)).unwrap_or(0.0).max(0.0);
    let us = (seconds * 1e6) as u64;
    let (since_us, by) = (cx.now.mono_us, cx.conn.id);
    let until_us = since_us.saturating_add(us);
    if us == 0 || cx.in_exec {
        cx.out().ok();
        return Ok(Flow::Done);
    }
    cx.state.sleep = Some(Sleep { by, since_us, until_us });
    Ok(Flow::Blocked { until_us })
}

fn digest_values<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let keys = cx.args.from(2);
    cx.out().array(keys.len());
    let seeds = [HashSeed::new(1, 2), HashSeed::new(3, 4)];
    for key in keys.iter() {
        let mut bytes = Vec::new();
        let there = match cx.peek(key) {
            Some(value) => {
                value.digest_into(&mut bytes);
                true
            }
            None => false,
        };
        let [a, b] = seeds.map(|seed| if there { seed.hash(&bytes) } else { 0 });
        cx.out().simple(&format!("{:040x}", u128::from(a) << 64 | u128::from(b)));
    }
    Ok(Flow::Done)
}

fn object<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let key = cx.args.at(2);
    let access = cx.access(key).ok_or(Error::NoSuchKey)?;
    let idle = crate::keyspace::idle_secs(access, cx.now.wall_secs());
    let entry = cx.entry(key).ok_or(Error::NoSuchKey)?;
    let line = format!(
        "Value at:0x0 refcount:1 encoding:{} serializedlength:{} lru:{access} lru_seconds_idle:{idle}",
        entry.encoding(),
        entry.size()
    );
    cx.out().simple(&line);
    Ok(Flow::Done)
}

/// Bytes that DEBUG POPULATE makes at the most, and those that it counts for a key at the least.
const POPULATE_LIMIT: u64 = 4 << 30;
const KEY_SIZE: u64 = 64;

/// `key:0`, `key:1` ... where there is none yet, with `value:0` ... filled up with zeros to a size.
fn populate<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let count = positive_or_out_of_range(cx.args.at(2))?;
    let prefix = cx.args.get(3).unwrap_or(b"key");
    let size = cx.args.get(4).map_or(Ok(0), positive_or_out_of_range)?;
    if size > longest(cx) {
        return Err(Error::StringTooLong);
    }
    let each = u64::try_from(prefix.len()).unwrap_or(u64::MAX).saturating_add(size.max(KEY_SIZE));
    if count.saturating_mul(each) > POPULATE_LIMIT {
        return Err(Error::Text("ERR DEBUG POPULATE makes no more than 4 GB at a time"));
    }
    for i in 0..count {
        let key = [prefix, format!(":{i}").as_bytes()].concat();
        if cx.peek(&key).is_some() {
            continue;
        }
        let mut value = format!("value:{i}").into_bytes();
        if size > 0 {
            value.resize(size as usize, 0);
        }
        cx.put_string(&key, &value, None);
        cx.effect([b"SET", &key[..], &value]);
    }
    cx.out().ok();
    Ok(Flow::Done)
}

/// The number that clients are shown for a double.
#[allow(clippy::approx_constant)]
const DOUBLE: f64 = 3.141;

fn protocol<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let what = cx.args.at(2).to_ascii_lowercase();
    let resp = cx.resp();
    let out = cx.out();
    match what.as_slice() {
        b"string" => out.bulk(b"Hello World"),
        b"integer" => out.integer(12345),
        b"double" => out.double(DOUBLE),
        b"null" => out.null(),
        b"array" => numbers(out, |out| out.array(3)),
        b"set" => numbers(out, |out| out.set(3)),
        b"map" => {
            out.map(3);
            for i in 0..3 {
                out.integer(i);
                out.boolean(i == 1);
            }
        }
        b"attrib" => {
            if resp == Resp::V3 {
                out.raw(b"|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n");
            }
            out.bulk(b"Some real reply following the attribute");
        }
        b"push" if resp == Resp::V2 => {
            return Err(Error::Text("ERR RESP2 is not supported by this command"));
        }
        b"push" => {
            out.bulk(b"Some real reply following the push reply");
            out.push(2);
            out.bulk(b"server-cpu-usage");
            out.integer(42);
        }
        b"verbatim" => out.verbatim(b"This is a verbatim\nstring"),
        b"true" => out.boolean(true),
        b"false" => out.boolean(false),
        b"bignum" if resp == Resp::V3 => out.raw(b"(1234567999999999999999999999999999999\r\n"),
        b"bignum" => out.bulk(b"1234567999999999999999999999999999999"),
        _ => {
            return Err(Error::Text(
                "ERR Wrong protocol type name. Please use one of the following: \
                 string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false",
            ));
        }
    }
    Ok(Flow::Done)
}

fn numbers(out: &mut crate::protocol::Reply, head: impl FnOnce(&mut crate::protocol::Reply)) {
    head(out);
    (0..3).for_each(|i| out.integer(i));
}
