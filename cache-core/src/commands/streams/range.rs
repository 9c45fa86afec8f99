//! XRANGE and XREVRANGE, and how entries are shown.

use super::ids::interval;
use crate::commands::arguments::Words;
use crate::commands::{Flow, Outcome};
use crate::node::Cx;
use crate::observer::Observer;
use crate::protocol::Reply;
use crate::types::{Entry, StreamText, Stream};

options! {
    /// How many entries are wanted.
    struct Wanted<'a> {
        count: "count" => i64 = Words::integer,
    }
}

pub(super) fn xrange<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    range(cx, false)
}

pub(super) fn xrevrange<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    range(cx, true)
}

fn range<O: Observer>(cx: &mut Cx<'_, O>, back: bool) -> Outcome {
    let (key, first, second) = (cx.args.at(1), cx.args.at(2), cx.args.at(3));
    let (from, to) = if back { interval(second, first) } else { interval(first, second) }?;
    let count = Wanted::parse(cx.args.from(4))?.count;
    let (stream, out) = cx.read_as::<Stream>(key)?;
    let Some(stream) = stream else {
        out.array(0);
        return Ok(Flow::Done);
    };
    let count = match count {
        None => usize::MAX,
        Some(count) if count <= 0 => {
            out.null_array();
            return Ok(Flow::Done);
        }
        Some(count) => usize::try_from(count).unwrap_or(usize::MAX),
    };
    if from > to {
        out.array(0);
    } else if back {
        write_entries(out, stream.range_back(from, to).take(count));
    } else {
        write_entries(out, stream.range(from, to).take(count));
    }
    Ok(Flow::Done)
}

/// Writes entries as an array, and says how many there were.
pub(super) fn write_entries<'a>(
    out: &mut Reply,
    entries: impl Iterator<Item = Entry<'a>>,
) -> usize {
    let (place, mut count) = (out.deferred(), 0);
    for entry in entries {
        write_entry(out, &entry);
        count += 1;
    }
    out.set_array(place, count);
    count
}

/// Writes an entry: its id, and its fields and values in turn.
pub(super) fn write_entry(out: &mut Reply, entry: &Entry<'_>) {
    out.array(2);
    out.bulk(entry.id.text().as_ref());
    out.array(entry.len as usize * 2);
    for (name, value) in entry.fields() {
        write_text(out, name);
        write_text(out, value);
    }
}

fn write_text(out: &mut Reply, text: StreamText<'_>) {
    match text {
        StreamText::Text(text) => out.bulk(text),
        StreamText::Integer(number) => out.bulk_integer(number),
    }
}
