//! The log: what happened, in sentences that a newcomer understands.
//!
//! What must never be here: an event that the simulation did not report.

use crate::scene::draw::millis;
use larder_sim::event::ExpiredBy;
use larder_sim::{Event, EventKind, Outcome, RequestId};
use std::collections::VecDeque;

/// Entries that are kept.
const KEPT: usize = 120;
/// Entries that are looked at for one that says the same.
const RECENT: usize = 16;
/// Requests made by hand whose end is still awaited.
const MAX_WATCHED: usize = 64;

/// What an entry is about: its mark in the margin, and its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Hit,
    Miss,
    Write,
    Stale,
    /// Found by a read after its time.
    Met,
    /// Gone without anyone asking.
    Expired,
    Setting,
    Trouble,
}

impl Kind {
    /// The name of its class in the stylesheet, and what a screen reader is told.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Hit => "hit",
            Kind::Miss => "miss",
            Kind::Write => "write",
            Kind::Stale => "stale",
            Kind::Met => "met",
            Kind::Expired => "expired",
            Kind::Setting => "setting",
            Kind::Trouble => "trouble",
        }
    }
}

impl Kind {
    /// Whether it is told of without having been asked for: what comes by every second isn't.
    pub(crate) fn matters(self) -> bool {
        !matches!(self, Kind::Hit | Kind::Miss | Kind::Expired)
    }
}

/// An entry.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) number: u64,
    pub(crate) at_us: u64,
    pub(crate) kind: Kind,
    pub(crate) text: String,
    /// How often it has happened.
    pub(crate) times: u32,
    /// The visitor asked for it: it is announced.
    pub(crate) by_hand: bool,
}

/// The log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Journal {
    pub(crate) entries: VecDeque<Entry>,
    next: u64,
    watched: Vec<RequestId>,
}

impl Journal {
    /// Waits for the end of a request made by hand.
    pub(crate) fn watch(&mut self, request: Option<RequestId>) {
        if let Some(request) = request {
            self.watched.push(request);
            if self.watched.len() > MAX_WATCHED {
                self.watched.remove(0);
            }
        }
    }

    pub(crate) fn take(&mut self, event: &Event, ttl_s: u32) {
        let Some((kind, text)) = sentence(&event.kind, ttl_s) else { return };
        let watched = event.kind.request().and_then(|r| self.watched.iter().position(|&w| w == r));
        let by_hand = watched.is_some() || kind == Kind::Setting;
        // Hits are what one hopes for; they are told of when one asked.
        if kind == Kind::Hit && !by_hand {
            return;
        }
        if let (Some(at), EventKind::RequestDone { .. }) = (watched, &event.kind) {
            self.watched.swap_remove(at);
        }
        self.next += 1;
        let mut entry =
            Entry { number: self.next, at_us: event.at_us, kind, text, by_hand, times: 1 };
        // What has just been said is counted rather than said again.
        let mut recent = self.entries.iter().take(RECENT);
        if let Some(at) = recent.position(|old| !by_hand && old.text == entry.text) {
            entry.times += self.entries.remove(at).map_or(0, |old| old.times);
        }
        self.entries.push_front(entry);
        self.entries.truncate(KEPT);
    }
}

fn sentence(kind: &EventKind, ttl_s: u32) -> Option<(Kind, String)> {
    Some(match kind {
        EventKind::RequestDone { product, latency_us, outcome, .. } => {
            done(*product, *latency_us, *outcome, ttl_s)?
        }
        EventKind::StaleRead { product, served, current, .. } => {
            let truth = match current.as_deref().and_then(price) {
                Some(price) => format!("the database says {price}"),
                None => "the row is gone".to_owned(),
            };
            let served = price(served).unwrap_or_else(|| "an old value".to_owned());
            (Kind::Stale, format!("Product {product} was served stale, at {served}: {truth}."))
        }
        EventKind::CacheExpired { key, by, .. } => {
            let key = String::from_utf8_lossy(key);
            let (kind, how) = match by {
                ExpiredBy::Access => (Kind::Met, "a read found it expired (lazy expiry)"),
                ExpiredBy::Cycle => {
                    (Kind::Expired, "the cache removed it by itself (active expiry)")
                }
            };
            (kind, format!("{key} ran out of time: {how}."))
        }
        EventKind::CacheEvicted { key, .. } => {
            let key = String::from_utf8_lossy(key);
            (Kind::Expired, format!("{key} was evicted to make room."))
        }
        EventKind::RowWritten { request: None, product, price_cents } => {
            let price = money(*price_cents);
            (
                Kind::Write,
                format!("Product {product} is {price} now, by SQL. The cache wasn't told."),
            )
        }
        EventKind::RowDeleted { product } => {
            (Kind::Write, format!("Product {product} was deleted by SQL. The cache wasn't told."))
        }
        EventKind::CacheFailed { app, .. } => (
            Kind::Trouble,
            format!("App {} could not reach the cache and went on without.", app + 1),
        ),
        EventKind::CacheDown => {
            (Kind::Trouble, "The cache was killed, and all it held is gone.".to_owned())
        }
        EventKind::CacheUp => (Kind::Setting, "The cache is there, empty.".to_owned()),
        EventKind::PatternSet(pattern) => {
            (Kind::Setting, format!("The pattern is {} now.", pattern.name()))
        }
        EventKind::TtlSet(0) => {
            (Kind::Setting, "What is stored from now on never expires.".to_owned())
        }
        EventKind::TtlSet(ttl) => {
            (Kind::Setting, format!("What is stored from now on lives for {ttl} s."))
        }
        EventKind::TrafficSet(traffic) if !traffic.running => {
            (Kind::Setting, "The automatic traffic rests.".to_owned())
        }
        EventKind::TrafficSet(traffic) => {
            let (rate, writes) = (traffic.rate_per_s, traffic.write_permille / 10);
            (Kind::Setting, format!("{rate} requests a second now, {writes} % of them writes."))
        }
        _ => return None,
    })
}

fn done(product: u32, latency_us: u64, outcome: Outcome, ttl_s: u32) -> Option<(Kind, String)> {
    let took = millis(latency_us as f64 / 1000.0);
    let kept = if ttl_s == 0 { "for good".to_owned() } else { format!("for {ttl_s} s") };
    Some(match outcome {
        Outcome::Hit => (Kind::Hit, format!("Product {product} was in the cache: {took}.")),
        Outcome::Miss => (
            Kind::Miss,
            format!(
                "Product {product} wasn't in the cache. The database took {took}; kept {kept}."
            ),
        ),
        Outcome::Written => (Kind::Write, format!("Product {product} got a new price in {took}.")),
        Outcome::Direct => {
            (Kind::Miss, format!("Product {product} came from the database: {took}."))
        }
        Outcome::NoSuchRow => (Kind::Trouble, format!("There is no product {product}.")),
        Outcome::Failed(_) => {
            (Kind::Trouble, format!("A request for product {product} failed: too many wait."))
        }
        // Told by the checker's own report.
        Outcome::Stale => return None,
    })
}

/// The price in a cached row.
fn price(payload: &[u8]) -> Option<String> {
    const NAME: &[u8] = b"\"price_cents\":";
    // Searching in text would bring an algorithm for long ones.
    let at = payload.windows(NAME.len()).position(|part| part == NAME)? + NAME.len();
    let digits = payload[at..].iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'-');
    digits.map(|&byte| char::from(byte)).collect::<String>().parse().ok().map(money)
}

/// Cents as euros.
pub(crate) fn money(cents: i64) -> String {
    let sign = if cents < 0 { "−" } else { "" };
    let cents = cents.unsigned_abs();
    format!("{sign}€{}.{:02}", cents / 100, cents % 100)
}
