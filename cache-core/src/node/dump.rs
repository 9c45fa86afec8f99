//! The data as a stream of commands: what an append log is rewritten to.

mod stream;

use super::Node;
use crate::keyspace::Entry;
use crate::keyspace::fields::Field;
use crate::numbers::format_double;
use crate::protocol::{Frame, request};
use crate::types::{Element, End, SetMember, Value};
use alloc::string::ToString;
use alloc::vec::Vec;

/// Bytes that are gathered before they are handed on.
const BLOCK: usize = 64 * 1024;
/// Fields that one command carries.
const FIELDS: usize = 64;

impl Node {
    /// Hands the whole data out as commands in RESP, block by block; a command may be cut between
    /// two blocks. Replayed into an empty node by [`replay`](Self::replay) they give an equal
    /// digest, and the effects that this node records from here on may follow them.
    ///
    /// # Errors
    /// What `write` fails with; nothing is handed out after it.
    pub fn dump<E>(&self, mut write: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let mut block = Vec::new();
        let mut flush = |block: &mut Vec<u8>, limit: usize| {
            if block.len() <= limit {
                return Ok(());
            }
            let done = write(block);
            block.clear();
            done
        };
        let keyspace = self.keyspace();
        for db in 0..keyspace.databases() {
            if keyspace.len(db) == 0 {
                continue;
            }
            request::encode_into(&mut block, ["SELECT", &db.to_string()]);
            for entry in keyspace.iter(db) {
                write_entry(&mut block, entry, &mut |block| flush(block, BLOCK))?;
            }
        }
        // Later effects say SELECT only where their own stream changes databases.
        if let Some(db) = self.state.effects.db() {
            request::encode_into(&mut block, ["SELECT", &db.to_string()]);
        }
        flush(&mut block, 0)
    }
}

pub(super) fn write_entry<E>(
    block: &mut Vec<u8>,
    entry: Entry<'_>,
    flush: &mut impl FnMut(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    let key = entry.key();
    let mut expires = entry.expires_at().map(|at_ms| at_ms.to_string());
    match entry.value() {
        Value::String(value) => match expires.take() {
            None => request::encode_into(block, [b"SET", key, value]),
            Some(at_ms) => {
                request::encode_into(block, [b"SET", key, value, b"PXAT", at_ms.as_bytes()]);
            }
        },
        Value::Hash(hash) => {
            let fields: Vec<Field<'_>> = hash.iter().collect();
            for batch in fields.chunks(FIELDS) {
                write_fields(block, key, batch);
                flush(block)?;
            }
        }
        Value::Set(set) => {
            let mut buffer = itoa::Buffer::new();
            let add = |args: &mut Frame, member: SetMember<'_>| args.push(member.text(&mut buffer));
            write_parts(block, [b"SADD", key], set.iter(), add, flush)?;
        }
        Value::List(list) => {
            let mut buffer = itoa::Buffer::new();
            let add = |args: &mut Frame, element: Element<'_>| {
                args.push(element.bytes(&mut buffer));
            };
            write_parts(block, [b"RPUSH", key], list.iter(0, End::Last), add, flush)?;
        }
        Value::SortedSet(set) => {
            let mut entries = set.iter().peekable();
            while entries.peek().is_some() {
                let mut args: Frame = [&b"ZADD"[..], key].into_iter().collect();
                while args.size() < BLOCK
                    && let Some((member, score)) = entries.next()
                {
                    args.push(&format_double(score));
                    args.push(member);
                }
                request::encode_into(block, args.args().iter());
                flush(block)?;
            }
        }
        Value::Stream(stream) => stream::write(block, key, &stream, flush)?,
    }
    if let Some(at_ms) = &expires {
        request::encode_into(block, [b"PEXPIREAT", key, at_ms.as_bytes()]);
    }
    flush(block)
}

/// Writes a command and a key with as many parts as make a block, and again, until there are none.
fn write_parts<P, E>(
    block: &mut Vec<u8>,
    command: [&[u8]; 2],
    parts: impl Iterator<Item = P>,
    mut add: impl FnMut(&mut Frame, P),
    flush: &mut impl FnMut(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    let mut parts = parts.peekable();
    while parts.peek().is_some() {
        let mut args: Frame = command.into_iter().collect();
        while args.size() < BLOCK
            && let Some(part) = parts.next()
        {
            add(&mut args, part);
        }
        request::encode_into(block, args.args().iter());
        flush(block)?;
    }
    Ok(())
}

/// Writes some fields of a hash, and then when they expire.
fn write_fields(block: &mut Vec<u8>, key: &[u8], fields: &[Field<'_>]) {
    let mut args: Vec<&[u8]> = alloc::vec![b"HSET", key];
    args.extend(fields.iter().flat_map(|field| [field.name, field.value]));
    request::encode_into(block, args);
    let mut timed: Vec<&Field<'_>> =
        fields.iter().filter(|field| field.expires_ms.is_some()).collect();
    timed.sort_unstable_by_key(|field| field.expires_ms);
    for alike in timed.chunk_by(|a, b| a.expires_ms == b.expires_ms) {
        let at_ms = alike[0].expires_ms.unwrap_or(0).to_string();
        let count = alike.len().to_string();
        let head = ["HPEXPIREAT".as_bytes(), key, at_ms.as_bytes(), b"FIELDS", count.as_bytes()];
        let names = alike.iter().map(|field| field.name);
        request::encode_into(block, head.into_iter().chain(names).collect::<Vec<_>>());
    }
}
