//! A stream as commands: its entries, its counters, then its groups and what they have pending.

use crate::protocol::request;
use crate::types::{Pending, Stream, StreamGroup, StreamId, StreamText};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Ids that one XCLAIM carries.
const IDS: usize = 64;

pub(super) fn write<E>(
    block: &mut Vec<u8>,
    key: &[u8],
    stream: &Stream,
    flush: &mut impl FnMut(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    if stream.len() == 0 {
        // One that is gone at once leaves the stream behind.
        request::encode_into(block, [b"XADD", key, b"MAXLEN", b"0", b"0-1", b"x", b""]);
    }
    for entry in stream.range(StreamId::MIN, StreamId::MAX) {
        let mut args = alloc::vec![b"XADD".to_vec(), key.to_vec(), text(entry.id)];
        let fields = entry.fields().flat_map(|(name, value)| [name, value]);
        args.extend(fields.map(StreamText::to_vec));
        request::encode_into(block, args);
        flush(block)?;
    }
    let (added, last, deleted) =
        (stream.added().to_string(), text(stream.last_id()), text(stream.deleted_id()));
    let (added_word, deleted_word) = (b"ENTRIESADDED", b"MAXDELETEDID");
    request::encode_into(
        block,
        [b"XSETID", key, &last, added_word, added.as_bytes(), deleted_word, &deleted],
    );
    for group in stream.groups() {
        write_group(block, key, group, flush)?;
    }
    Ok(())
}

fn text(id: StreamId) -> Vec<u8> {
    id.text().as_ref().to_vec()
}

fn write_group<E>(
    block: &mut Vec<u8>,
    key: &[u8],
    group: &StreamGroup,
    flush: &mut impl FnMut(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    let name: &[u8] = &group.name;
    let read = group.read.map_or_else(|| String::from("-1"), |read| read.to_string());
    let last = text(group.last);
    let create: [&[u8]; 7] =
        [b"XGROUP", b"CREATE", key, name, &last, b"ENTRIESREAD", read.as_bytes()];
    request::encode_into(block, create);
    for (_, consumer) in group.consumers() {
        let consumer: &[u8] = consumer.map_or(&[], |consumer| &consumer.name);
        request::encode_into(block, [b"XGROUP", &b"CREATECONSUMER"[..], key, name, consumer]);
        flush(block)?;
    }
    let pending: Vec<Pending> = group.pending().iter().copied().collect();
    let alike =
        |a: &Pending, b: &Pending| (a.consumer, a.at_ms, a.count) == (b.consumer, b.at_ms, b.count);
    for pending in pending.chunk_by(alike).flat_map(|pending| pending.chunks(IDS)) {
        let Some(first) = pending.first() else { continue };
        let consumer = group.name_of(first.consumer);
        let mut args: Vec<Vec<u8>> =
            [b"XCLAIM", key, name, consumer, b"0"].into_iter().map(<[u8]>::to_vec).collect();
        args.extend(pending.iter().map(|pending| text(pending.id)));
        let (at, times) = (first.at_ms.to_string(), first.count.to_string());
        let how = ["TIME", &at, "RETRYCOUNT", &times, "FORCE", "JUSTID"];
        args.extend(how.map(|word| word.as_bytes().to_vec()));
        request::encode_into(block, args);
        flush(block)?;
    }
    Ok(())
}
