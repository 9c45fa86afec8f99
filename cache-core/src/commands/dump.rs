//! DUMP and RESTORE: a value as bytes that another server takes.

use super::arguments::{Words, integer};
use super::{Categories, Error, Flags, Flow, Group, KeyFlags, KeySpec, Outcome, Spec, Tips};
use crate::config::Class;
use crate::keyspace::loaded_access;
use crate::node::Cx;
use crate::observer::Observer;
use crate::snapshot::{PayloadError, read_payload, write_payload};
use alloc::format;

const RESTORE_SYNTAX: &str =
    "key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]";

rows! {
    dump: Spec::new("dump", 2, Flags::READONLY, Group::Generic)
    .acl(Categories::KEYSPACE)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .tips(Tips::NONDETERMINISTIC_OUTPUT)
    .docs("2.6.0", "O(N) for a value of N elements", "key", "A value as bytes, for RESTORE."),
    restore: Spec::new("restore", -4, bits!(Flags: WRITE | DENYOOM), Group::Generic)
    .acl(bits!(Categories: KEYSPACE | DANGEROUS))
    .keys(&[KeySpec::one(1, bits!(KeyFlags: OW | UPDATE))])
    .docs(
        "2.6.0",
        "O(N) for a value of N elements; O(N*log(N)) for a sorted set",
        RESTORE_SYNTAX,
        "Makes a key of the bytes that DUMP gave.",
    ),
    restore: Spec::new(
        "restore-asking",
        -4,
        bits!(Flags: WRITE | DENYOOM | ASKING),
        Group::Server,
    )
    .acl(bits!(Categories: KEYSPACE | DANGEROUS))
    .keys(&[KeySpec::one(1, bits!(KeyFlags: OW | UPDATE))])
    .docs(
        "3.0.0",
        "O(N) for a value of N elements; O(N*log(N)) for a sorted set",
        RESTORE_SYNTAX,
        "RESTORE for a slot that is being moved here.",
    ),
}

fn dump<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let payload = {
        let key = cx.args.at(1);
        let there = cx.read(key).0.is_some();
        let entry = if there { cx.state.keyspace.get(cx.conn.db, key) } else { None };
        entry.map(|entry| write_payload(&entry.value(), &cx.state.config))
    };
    cx.out().bulk_or_null(payload.as_deref());
    Ok(Flow::Done)
}

/// What RESTORE was asked for.
#[derive(Clone, Copy, Debug, Default)]
struct Wanted {
    replace: bool,
    absolute: bool,
    idle_secs: Option<u64>,
    freq: Option<u8>,
}

impl Wanted {
    /// How long the key was not used, or how often it was, may be told, and not both.
    fn parse(mut words: Words<'_>) -> Result<Self, Error> {
        let mut wanted = Wanted::default();
        while words.left() > 0 {
            if words.is("replace") {
                wanted.replace = true;
            } else if words.is("absttl") {
                wanted.absolute = true;
            } else if words.left() > 1 && wanted.freq.is_none() && words.is("idletime") {
                let secs = u64::try_from(words.integer()?);
                wanted.idle_secs = Some(
                    secs.map_err(|_| Error::Text("ERR Invalid IDLETIME value, must be >= 0"))?,
                );
            } else if words.left() > 1 && wanted.idle_secs.is_none() && words.is("freq") {
                let freq = u8::try_from(words.integer()?);
                wanted.freq = Some(freq.map_err(|_| {
                    Error::Text("ERR Invalid FREQ value, must be >= 0 and <= 255")
                })?);
            } else {
                return Err(Error::Syntax);
            }
        }
        Ok(wanted)
    }
}

fn restore<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, payload) = (cx.args.at(1), cx.args.at(3));
    let wanted = Wanted::parse(Words::new(cx.args.from(4)))?;
    let there = cx.peek(key).is_some();
    if there && !wanted.replace {
        return Err(Error::Text("BUSYKEY Target key name already exists."));
    }
    let ttl = u64::try_from(integer(cx.args.at(2))?)
        .map_err(|_| Error::Text("ERR Invalid TTL value, must be >= 0"))?;
    let data = read_payload(payload, &cx.state.config, cx.state.hash_seed).map_err(|error| {
        Error::Text(match error {
            PayloadError::Footer => "ERR DUMP payload version or checksum are wrong",
            PayloadError::Value => "ERR Bad data format",
        })
    })?;
    let from_ms = if wanted.absolute { 0 } else { cx.now_ms() };
    let expires_ms = (ttl > 0).then(|| ttl.saturating_add(from_ms).min(i64::MAX as u64));
    if expires_ms.is_some_and(|at_ms| super::ttl::has_passed(cx, at_ms)) {
        cx.state.keyspace.discard(data);
        if there {
            cx.delete(key);
            cx.effect([&b"DEL"[..], key]);
        }
        cx.out().ok();
        return Ok(Flow::Done);
    }
    cx.replace(key, data, expires_ms);
    if wanted.idle_secs.is_some() || wanted.freq.is_some() {
        let now_secs = cx.now.wall_secs();
        let access =
            loaded_access(&cx.state.config, now_secs, wanted.idle_secs, wanted.freq);
        let (db, probe) = (cx.db(), cx.state.keyspace.probe(key));
        cx.state.keyspace.touch(db, &probe, |_| access);
    }
    cx.notify(Class::GENERIC, "restore", key);
    if let Some(at_ms) = expires_ms.filter(|_| !wanted.absolute) {
        let at_ms = format!("{at_ms}");
        let head = [&b"RESTORE"[..], key, at_ms.as_bytes(), payload, b"ABSTTL"];
        let effect: alloc::vec::Vec<&[u8]> =
            head.into_iter().chain(cx.args.from(4).iter()).collect();
        cx.effect(effect);
    }
    cx.out().ok();
    Ok(Flow::Done)
}
