//! XACK and XPENDING: what was given and not acknowledged.

use super::ids::{BAD_ID, exact_id, interval, no_key_or_group};
use crate::commands::arguments::{integer, is_word};
use crate::commands::{Error, Flow, Outcome};
use crate::node::Cx;
use crate::observer::Observer;
use crate::protocol::{Args, Reply};
use crate::types::{Pending, Stream, StreamGroup, StreamId};
use alloc::vec::Vec;

pub(super) fn xack<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, name, ids) = (cx.args.at(1), cx.args.at(2), cx.args.from(3));
    let stream = cx.peek_as::<Stream>(key)?;
    if stream.is_none_or(|stream| stream.group(name).is_none()) {
        cx.out().integer(0);
        return Ok(Flow::Done);
    }
    let ids = ids.iter().map(exact_id).collect::<Option<Vec<_>>>().ok_or(BAD_ID)?;
    let acknowledged = cx.edit_as(key, |stream: &mut Stream| {
        stream.edit_group(name, |group| {
            ids.into_iter().filter(|&id| group.acknowledge(id)).count()
        })
    })?;
    let acknowledged = acknowledged.flatten().unwrap_or(0);
    if acknowledged > 0 {
        cx.changed_within(key);
    }
    cx.out().count(acknowledged);
    Ok(Flow::Done)
}

/// Which of the entries that are pending are to be shown.
struct Wanted<'a> {
    idle_ms: u64,
    from: StreamId,
    to: StreamId,
    count: usize,
    consumer: Option<&'a [u8]>,
}

impl<'a> Wanted<'a> {
    fn parse(args: Args<'a>) -> Result<Self, Error> {
        let (mut args, mut idle_ms) = (args, 0);
        if !(3..=6).contains(&args.len()) {
            return Err(Error::Syntax);
        }
        if is_word(args.at(0), "idle") {
            idle_ms = u64::try_from(integer(args.at(1))?).unwrap_or(0);
            args = args.from(2);
            if args.len() < 3 {
                return Err(Error::Syntax);
            }
        }
        let count = usize::try_from(integer(args.at(2))?.max(0)).unwrap_or(usize::MAX);
        let (from, to) = interval(args.at(0), args.at(1))?;
        Ok(Wanted { idle_ms, from, to, count, consumer: args.get(3) })
    }

    fn write(&self, group: &StreamGroup, now_ms: u64, out: &mut Reply) {
        let number = self.consumer.map(|name| group.number(name));
        let (all, own) = match number {
            None => (Some(group.pending().iter_from(self.from)), None),
            Some(number) => (None, number.and_then(|number| group.consumer(number))),
        };
        let own = own.into_iter().flat_map(|consumer| consumer.pending.iter_from(self.from));
        let own = own.filter_map(|&id| group.pending().get(id));
        let idle = |pending: &Pending| now_ms.saturating_sub(pending.at_ms);
        let shown = all
            .into_iter()
            .flatten()
            .chain(own)
            .take_while(|pending| pending.id <= self.to)
            .filter(|pending| self.idle_ms == 0 || idle(pending) >= self.idle_ms)
            .take(self.count);
        let (place, mut count) = (out.deferred(), 0);
        for pending in shown {
            out.array(4);
            out.bulk(pending.id.text().as_ref());
            out.bulk(group.name_of(pending.consumer));
            out.integer(idle(pending) as i64);
            out.integer(pending.count as i64);
            count += 1;
        }
        out.set_array(place, count);
    }
}

pub(super) fn xpending<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, name, rest) = (cx.args.at(1), cx.args.at(2), cx.args.from(3));
    let wanted = match rest.is_empty() {
        true => None,
        false => Some(Wanted::parse(rest)?),
    };
    let now_ms = cx.now_ms();
    let (stream, out) = cx.read_as::<Stream>(key)?;
    let group = stream.as_ref().and_then(|stream| stream.group(name));
    let group = group.ok_or_else(|| no_key_or_group(key, name))?;
    match wanted {
        Some(wanted) => wanted.write(group, now_ms, out),
        None => write_summary(group, out),
    }
    Ok(Flow::Done)
}

fn write_summary(group: &StreamGroup, out: &mut Reply) {
    let pending = group.pending();
    let (first, last) = (pending.iter().next(), pending.last());
    out.array(4);
    out.integer(pending.len() as i64);
    let (Some(first), Some(last)) = (first, last) else {
        out.null();
        out.null();
        out.null_array();
        return;
    };
    out.bulk(first.id.text().as_ref());
    out.bulk(last.id.text().as_ref());
    let (place, mut count) = (out.deferred(), 0);
    let consumers = group.consumers().filter_map(|(_, consumer)| consumer);
    for consumer in consumers.filter(|consumer| consumer.pending.len() > 0) {
        out.array(2);
        out.bulk(&consumer.name);
        out.bulk_integer(consumer.pending.len() as i64);
        count += 1;
    }
    out.set_array(place, count);
}
