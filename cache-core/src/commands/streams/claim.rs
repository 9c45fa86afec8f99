//! XCLAIM and XAUTOCLAIM: giving a consumer what others have not acknowledged.

use super::ids::{BAD_ID, exact_id, no_key_or_group, start};
use super::range::write_entry;
use super::record::Effects;
use crate::commands::arguments::{Words, integer};
use crate::commands::{Error, Flow, Outcome, shown};
use crate::config::Class;
use crate::node::{ConnFlags, Cx, check_reply};
use crate::observer::Observer;
use crate::protocol::{Args, Reply};
use crate::types::{Ordered, Pending, Stream, StreamGroup, StreamId};
use alloc::format;
use alloc::vec::Vec;

/// For each entry that XAUTOCLAIM may give, so many are looked at.
const ATTEMPTS: u64 = 10;
/// The greatest COUNT.
const COUNT_LIMIT: i64 = i64::MAX / 16;

/// To whom entries are to go, and how.
#[derive(Clone, Copy, Debug)]
struct Claim<'a> {
    key: &'a [u8],
    group: &'a [u8],
    consumer: &'a [u8],
    /// Only those that were delivered so long ago.
    idle_ms: u64,
    /// When they count as delivered; else now.
    at_ms: Option<u64>,
    /// How often they count as delivered; else once more.
    count: Option<u64>,
    /// Those too that nobody has.
    force: bool,
    /// Answer ids alone, and don't count a delivery.
    just_id: bool,
    /// Recorded as an effect: it is done whatever is there.
    is_effect: bool,
    now_ms: u64,
}

/// What a claim comes to.
#[derive(Debug, Default)]
struct Found {
    given: Vec<Pending>,
    /// Pending, but no longer in the stream.
    gone: Vec<StreamId>,
}

impl Claim<'_> {
    /// Looks at an entry and whoever has it. Gives it as it is to be, if it goes over.
    fn look(
        &self,
        stream: &Stream,
        id: StreamId,
        pending: Option<Pending>,
        found: &mut Found,
    ) -> Option<Pending> {
        if !self.is_effect && stream.get(id).is_none() {
            found.gone.extend(pending.map(|pending| pending.id));
            return None;
        }
        let times = match pending {
            // One that was made for the occasion counts as delivered once.
            None if !self.force => return None,
            None => 1,
            Some(pending) => {
                let idle_ms = self.now_ms.saturating_sub(pending.at_ms);
                if self.idle_ms > 0 && idle_ms < self.idle_ms {
                    return None;
                }
                pending.count
            }
        };
        let count = self.count.unwrap_or(times.saturating_add(u64::from(!self.just_id)));
        let at_ms = self.at_ms.unwrap_or(self.now_ms);
        // The consumer's number is filled in once it has one.
        let given = Pending { id, at_ms, count, consumer: 0 };
        found.given.push(given);
        Some(given)
    }

    /// Writes those that were given.
    fn write(&self, stream: &Stream, given: &[Pending], out: &mut Reply) -> Result<(), Error> {
        let mark = out.len();
        out.array(given.len());
        for pending in given {
            match stream.get(pending.id).filter(|_| !self.just_id) {
                Some(entry) => write_entry(out, &entry),
                None => out.bulk(pending.id.text().as_ref()),
            }
            check_reply(out.len() - mark)?;
        }
        Ok(())
    }

    /// Changes who has what, and records it. `last`: the group was told that it is that far.
    fn settle<O: Observer>(
        &self,
        cx: &mut Cx<'_, O>,
        found: &Found,
        last: StreamId,
    ) -> Result<(), Error> {
        let mut effects = Effects::new(self.key, self.group);
        let is_new = cx.edit_as(self.key, |stream: &mut Stream| {
            stream.edit_group(self.group, |group| self.settle_in(group, found, last, &mut effects))
        })?;
        if is_new == Some(Some(true)) {
            cx.notify(Class::STREAM, "xgroup-createconsumer", self.key);
        }
        if !effects.is_empty() {
            cx.changed_within(self.key);
        }
        effects.record(cx);
        Ok(())
    }

    /// Says whether the consumer is new.
    fn settle_in(
        &self,
        group: &mut StreamGroup,
        found: &Found,
        last: StreamId,
        effects: &mut Effects<'_>,
    ) -> bool {
        if last > group.last {
            group.last = last;
            effects.moved(group);
        }
        let (number, is_new) = group.add_consumer(self.consumer, self.now_ms);
        group.saw(number, self.now_ms);
        if is_new {
            effects.consumer_made(self.consumer);
        }
        for &id in &found.gone {
            group.acknowledge(id);
        }
        effects.acknowledged(&found.gone);
        for &pending in &found.given {
            group.give(Pending { consumer: number, ..pending });
        }
        if !found.given.is_empty() {
            group.served(number, self.now_ms);
        }
        effects.given(self.consumer, &found.given);
        is_new
    }
}

fn idle_ms(text: &[u8], wrong: &'static str) -> Result<u64, Error> {
    let idle = integer(text).map_err(|_| Error::Text(wrong))?;
    Ok(u64::try_from(idle).unwrap_or(0))
}

/// What XCLAIM was told behind the ids.
#[derive(Clone, Copy, Debug, Default)]
struct Wanted {
    force: bool,
    just_id: bool,
    /// When the entries were delivered; -1 is now.
    at_ms: Option<i64>,
    count: Option<i64>,
    last: StreamId,
}

impl Wanted {
    fn parse(args: Args<'_>, now_ms: u64) -> Result<Self, Error> {
        let mut words = Words::new(args);
        let mut wanted = Wanted::default();
        let number = |words: &mut Words<'_>, wrong| {
            words.integer().map_err(|_| Error::Text(wrong))
        };
        while words.left() > 0 {
            let more = words.left() > 1;
            if words.is("force") {
                wanted.force = true;
            } else if words.is("justid") {
                wanted.just_id = true;
            } else if more && words.is("idle") {
                let idle = number(&mut words, "ERR Invalid IDLE option argument for XCLAIM")?;
                wanted.at_ms = Some((now_ms as i64).saturating_sub(idle));
            } else if more && words.is("time") {
                let at = number(&mut words, "ERR Invalid TIME option argument for XCLAIM")?;
                wanted.at_ms = Some(at);
            } else if more && words.is("retrycount") {
                let wrong = "ERR Invalid RETRYCOUNT option argument for XCLAIM";
                wanted.count = Some(number(&mut words, wrong)?);
            } else if more && words.is("lastid") {
                wanted.last = exact_id(words.bytes()?).ok_or(BAD_ID)?;
            } else {
                let option = shown(words.bytes()?);
                return Err(Error::Owned(format!("ERR Unrecognized XCLAIM option '{option}'")));
            }
        }
        Ok(wanted)
    }
}

pub(super) fn xclaim<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, group, consumer) = (cx.args.at(1), cx.args.at(2), cx.args.at(3));
    let stream = cx.peek_as::<Stream>(key)?;
    if stream.is_none_or(|stream| stream.group(group).is_none()) {
        return Err(no_key_or_group(key, group));
    }
    let idle_ms = idle_ms(cx.args.at(4), "ERR Invalid min-idle-time argument for XCLAIM")?;
    let ids: Vec<StreamId> = cx.args.from(5).iter().map_while(exact_id).collect();
    let now_ms = cx.now_ms();
    let wanted = Wanted::parse(cx.args.from(5 + ids.len()), now_ms)?;
    let is_effect = cx.conn.has(ConnFlags::REPLAY);
    let at_ms = wanted.at_ms.and_then(|at_ms| u64::try_from(at_ms).ok());
    let claim = Claim {
        key,
        group,
        consumer,
        idle_ms,
        // What lies ahead can't have been; an effect knows better.
        at_ms: at_ms.filter(|&at_ms| is_effect || at_ms <= now_ms),
        count: wanted.count.and_then(|count| u64::try_from(count).ok()),
        force: wanted.force,
        just_id: wanted.just_id,
        is_effect,
        now_ms,
    };
    let (stream, out) = cx.read_as::<Stream>(key)?;
    let Some(stream) = stream else { return Err(no_key_or_group(key, group)) };
    let mut found = Found::default();
    let pending = stream.group(group).map(StreamGroup::pending);
    // One that is named twice is given twice.
    let mut again = Ordered::<Pending>::default();
    for id in ids {
        let pending = again.get(id).or_else(|| pending.and_then(|pending| pending.get(id)));
        if let Some(given) = claim.look(&stream, id, pending.copied(), &mut found) {
            again.put(given);
        }
    }
    claim.write(&stream, &found.given, out)?;
    claim.settle(cx, &found, wanted.last)?;
    Ok(Flow::Done)
}

options! {
    /// What XAUTOCLAIM was told behind the first id.
    struct Scanning<'a> {
        count: "count" => i64 = count,
        just_id: "justid",
    }
}

fn count(words: &mut Words<'_>) -> Result<i64, Error> {
    let count = words.bytes().map(integer)?.ok();
    let count = count.filter(|count| (1..=COUNT_LIMIT).contains(count));
    count.ok_or(Error::Text("ERR COUNT must be > 0"))
}

pub(super) fn xautoclaim<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, group, consumer) = (cx.args.at(1), cx.args.at(2), cx.args.at(3));
    let idle_ms = idle_ms(cx.args.at(4), "ERR Invalid min-idle-time argument for XAUTOCLAIM")?;
    let from = start(cx.args.at(5))?;
    let scanning = Scanning::parse(cx.args.from(6))?;
    let claim = Claim {
        key,
        group,
        consumer,
        idle_ms,
        at_ms: None,
        count: None,
        force: false,
        just_id: scanning.just_id,
        is_effect: false,
        now_ms: cx.now_ms(),
    };
    let count = scanning.count.unwrap_or(100) as u64;
    let (stream, out) = cx.read_as::<Stream>(key)?;
    let stream = stream.ok_or_else(|| no_key_or_group(key, group))?;
    let pending = stream.group(group).map(StreamGroup::pending);
    let mut pending =
        pending.ok_or_else(|| no_key_or_group(key, group))?.iter_from(from).peekable();
    let (mut found, mut attempts) = (Found::default(), count.saturating_mul(ATTEMPTS));
    while attempts > 0
        && ((found.given.len() + found.gone.len()) as u64) < count
        && let Some(next) = pending.next()
    {
        claim.look(&stream, next.id, Some(*next), &mut found);
        attempts -= 1;
    }
    out.array(3);
    let next = pending.peek().map_or(StreamId::MIN, |pending| pending.id);
    drop(pending);
    out.bulk(next.text().as_ref());
    claim.write(&stream, &found.given, out)?;
    out.array(found.gone.len());
    found.gone.iter().for_each(|id| out.bulk(id.text().as_ref()));
    claim.settle(cx, &found, StreamId::MIN)?;
    Ok(Flow::Done)
}
