//! Enumerating keys: KEYS, SCAN.

use super::arguments::{Words, is_word};
use super::{Categories, Error, Flags, Flow, Group, Outcome, Spec, Tips, shown};
use crate::glob;
use crate::keyspace::Entry;
use crate::node::{ConnFlags, Cx, Suspended};
use crate::numbers::{count_of, parse_i64};
use crate::observer::Observer;
use crate::protocol::{Frame, Reply};
use crate::types::TYPE_NAMES;
use alloc::boxed::Box;
use alloc::string::ToString;

rows! {
    keys: Spec::new("keys", 2, Flags::READONLY, Group::Generic)
    .acl(bits!(Categories: KEYSPACE | DANGEROUS))
    .tips(bits!(Tips: REQUEST_ALL_SHARDS | NONDETERMINISTIC_OUTPUT_ORDER))
    .docs(
        "1.0.0",
        "O(N) for N keys in the database",
        "pattern",
        "All keys whose names match a pattern.",
    ),
    scan: Spec::new("scan", -2, Flags::READONLY, Group::Generic)
    .acl(Categories::KEYSPACE)
    .tips(bits!(Tips: NONDETERMINISTIC_OUTPUT | REQUEST_SPECIAL | RESPONSE_SPECIAL))
    .docs(
        "2.8.0",
        "O(1) a call, O(N) for all N keys",
        "cursor [MATCH pattern] [COUNT count] [TYPE type]",
        "Some keys, and the cursor with which to ask for more.",
    ),
}

/// KEYS looks at as many keys as the budget of this turn has left and goes on at the next one, so
/// that a large database stalls nobody else. Inside a transaction it runs through.
fn keys<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (db, now_ms) = (cx.db(), cx.now_ms());
    let pattern = cx.args.at(1);
    let mut place = match cx.conn.suspended.take() {
        Some(place) => place,
        None => Box::new(Suspended {
            frame: Frame::from(cx.args),
            cursor: 0,
            count: 0,
            gathered: Reply::new(cx.resp()),
        }),
    };
    let whole = cx.in_exec || cx.conn.has(ConnFlags::REPLAY);
    let budget = if whole { usize::MAX } else { *cx.background as usize };
    let mut looked_at = 0;
    let (gathered, count) = (&mut place.gathered, &mut place.count);
    place.cursor = cx.state.keyspace.scan(db, place.cursor, budget, &mut |entry: Entry<'_>| {
        looked_at += 1;
        if !entry.is_expired(now_ms) && glob::selects(pattern, entry.key()) {
            gathered.bulk(entry.key());
            *count += 1;
        }
    });
    *cx.background = cx.background.saturating_sub(looked_at);
    if place.cursor != 0 {
        cx.conn.suspended = Some(place);
        return Ok(Flow::Suspended);
    }
    cx.out().array(place.count);
    cx.out().raw(place.gathered.bytes());
    Ok(Flow::Done)
}

/// Keys that a call of SCAN looks at when COUNT doesn't say.
const SCAN_COUNT: usize = 10;

options! {
    /// What SCAN was asked for.
    struct Wanted<'a> {
        pattern: "match" => &'a [u8] = Words::bytes,
        count: "count" => usize = count,
        type_name: "type" => &'a [u8] = known_type,
    }
}

impl Wanted<'_> {
    fn fits(&self, entry: &Entry<'_>) -> bool {
        self.pattern.is_none_or(|pattern| glob::selects(pattern, entry.key()))
            && self
                .type_name
                .is_none_or(|name| name.eq_ignore_ascii_case(entry.type_name().as_bytes()))
    }
}

fn known_type<'a>(words: &mut Words<'a>) -> Result<&'a [u8], Error> {
    let name = words.bytes()?;
    if TYPE_NAMES.iter().any(|known| is_word(name, known)) {
        return Ok(name);
    }
    Err(Error::Owned(alloc::format!("ERR unknown type name '{}'", shown(name))))
}

/// A cursor: a number of 64 bits without a sign. What is not written as one prints, C's strtoull may
/// read: with blanks and a plus before it, and beyond 63 bits even with a minus.
pub(super) fn parse_cursor(text: &[u8]) -> Result<u64, Error> {
    let cursor = match parse_i64(text) {
        Some(number) => u64::try_from(number).ok(),
        None => {
            let is_blank = |b: &u8| b.is_ascii_whitespace() || *b == 0x0b;
            let start = text.iter().take_while(|b| is_blank(b)).count();
            let (negative, digits) = match text.get(start..).unwrap_or_default() {
                [b'-', digits @ ..] => (true, digits),
                [b'+', digits @ ..] => (false, digits),
                digits => (false, digits),
            };
            let whole = digits.iter().all(u8::is_ascii_digit).then_some(digits);
            let number = whole.and_then(|d| core::str::from_utf8(d).ok()?.parse::<u64>().ok());
            number.map(|n| if negative { n.wrapping_neg() } else { n })
        }
    };
    cursor.ok_or(Error::Text("ERR invalid cursor"))
}

/// COUNT's number: at least 1.
fn count(words: &mut Words<'_>) -> Result<usize, Error> {
    count_of(words.integer()?).filter(|&count| count > 0).ok_or(Error::Syntax)
}

options! {
    /// What HSCAN, SSCAN or ZSCAN was asked for.
    pub(super) struct ScanParts<'a> {
        pattern: "match" => &'a [u8] = Words::bytes,
        count: "count" => usize = count,
        no_values: "novalues",
        no_scores: "noscores",
    }
}

impl ScanParts<'_> {
    /// How many parts to look at.
    pub(super) fn count(&self) -> usize {
        self.count.unwrap_or(SCAN_COUNT)
    }

    pub(super) fn fits(&self, part: &[u8]) -> bool {
        self.pattern.is_none_or(|pattern| glob::selects(pattern, part))
    }
}

fn scan<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let cursor = parse_cursor(cx.args.at(1))?;
    let wanted = Wanted::parse(cx.args.from(2))?;
    let count = wanted.count.unwrap_or(SCAN_COUNT);
    let (db, now_ms) = (cx.db(), cx.now_ms());
    let mut found = Reply::new(cx.resp());
    let mut len = 0;
    let next = cx.state.keyspace.scan(db, cursor, count, &mut |entry: Entry<'_>| {
        if !entry.is_expired(now_ms) && wanted.fits(&entry) {
            found.bulk(entry.key());
            len += 1;
        }
    });
    let out = cx.out();
    out.array(2);
    out.bulk(next.to_string().as_bytes());
    out.array(len);
    out.raw(found.bytes());
    Ok(Flow::Done)
}
