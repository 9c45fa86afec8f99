//! Events as sentences.

use crate::event::{CacheTrouble, Event, EventKind, ExpiredBy, Failure, Operation, Outcome, Place};
use cache_core::protocol::display;
use core::fmt::{self, Display, Formatter};

impl Display for Event {
    /// `12.345678 s  Request 3: ...`: the moment in seconds, and one sentence.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:4}.{:06} s  ", self.at_us / 1_000_000, self.at_us % 1_000_000)?;
        if let Some(request) = self.kind.request() {
            write!(f, "Request {request}: ")?;
        }
        self.kind.fmt(f)
    }
}

impl Display for EventKind {
    /// One sentence, the request left out.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            EventKind::RequestStarted { app, product, operation, .. } => match operation {
                Operation::Read => write!(f, "app {app} is asked for product {product}."),
                Operation::Write { price_cents } => {
                    write!(
                        f,
                        "app {app} is to set the price of product {product} to {price_cents}."
                    )
                }
            },
            EventKind::RequestDone { app, latency_us, outcome, .. } => {
                write!(f, "app {app} {outcome} after {}.", Millis(*latency_us))
            }
            EventKind::MessageSent { from, to, bytes, .. } => {
                write!(f, "{from} to {to}: {}", display::quote(bytes))
            }
            EventKind::CacheFailed { app, trouble, .. } => {
                write!(f, "app {app} goes on without the cache: {trouble}.")
            }
            EventKind::CacheDown => f.write_str("The cache is gone, with all it held."),
            EventKind::CacheUp => f.write_str("The cache is there, empty."),
            EventKind::ConsoleClosed => f.write_str("The console's connection was closed."),
            EventKind::ConsoleReply { bytes } => {
                write!(f, "The console reads {}", display::quote(crate::event::cut(bytes)))
            }
            EventKind::PatternSet(pattern) => write!(f, "The pattern is {} now.", pattern.name()),
            EventKind::TtlSet(0) => f.write_str("What is stored from now on never expires."),
            EventKind::TtlSet(ttl) => {
                write!(f, "What is stored from now on expires after {ttl} s.")
            }
            EventKind::TrafficSet(traffic) if !traffic.running => f.write_str("The traffic rests."),
            EventKind::TrafficSet(traffic) => {
                write!(f, "The traffic is {} requests a second now.", traffic.rate_per_s)
            }
            other => cache(other, f),
        }
    }
}

/// What the cache node did.
fn cache(kind: &EventKind, f: &mut Formatter<'_>) -> fmt::Result {
    match kind {
        EventKind::CacheHit { key, .. } => write!(f, "hit on {}.", Key(key)),
        EventKind::CacheMiss { key, .. } => write!(f, "miss on {}.", Key(key)),
        EventKind::CacheExpired { key, by: ExpiredBy::Access, .. } => {
            write!(f, "{} had expired, as a command found.", Key(key))
        }
        EventKind::CacheExpired { key, by: ExpiredBy::Cycle, .. } => {
            write!(f, "{} had expired, as the cache's own cycle found.", Key(key))
        }
        EventKind::CacheWritten { key, expires_at_us: None, .. } => {
            write!(f, "{} is in the cache.", Key(key))
        }
        EventKind::CacheWritten { key, expires_at_us: Some(at), .. } => {
            write!(f, "{} is in the cache, until {}.", Key(key), Seconds(*at))
        }
        EventKind::CacheDeleted { key, .. } => write!(f, "{} was deleted.", Key(key)),
        EventKind::CacheEvicted { key, .. } => write!(f, "{} had to make room.", Key(key)),
        EventKind::CachePublished { channel, receivers } => {
            write!(f, "A message on {} reached {receivers}.", Key(channel))
        }
        other => database(other, f),
    }
}

/// What the database did, and what the checker saw.
fn database(kind: &EventKind, f: &mut Formatter<'_>) -> fmt::Result {
    match kind {
        EventKind::DatabaseQueued { waiting, .. } => {
            write!(f, "waits for the database, one of {waiting}.")
        }
        EventKind::DatabaseRefused { .. } => f.write_str("the database refuses: too many wait."),
        EventKind::RowRead { product, found: true, .. } => {
            write!(f, "the database read product {product}.")
        }
        EventKind::RowRead { product, found: false, .. } => {
            write!(f, "the database has no product {product}.")
        }
        EventKind::RowWritten { product, price_cents, .. } => {
            write!(f, "product {product} costs {price_cents} in the database.")
        }
        EventKind::RowDeleted { product } => {
            write!(f, "Product {product} is gone from the database.")
        }
        EventKind::StaleRead { product, .. } => write!(f, "a stale product {product} was served."),
        _ => Ok(()),
    }
}

impl Display for Place {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Place::App(app) => write!(f, "app {app}"),
            Place::Cache => f.write_str("cache"),
            Place::Database => f.write_str("database"),
            Place::Console => f.write_str("console"),
        }
    }
}

impl Display for Outcome {
    /// What the application did, after its name.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Outcome::Hit => "served it from the cache",
            Outcome::Stale => "served what is not true any more, from the cache",
            Outcome::Miss => "served it from the database, as the cache did not have it",
            Outcome::Direct => "served it from the database, without the cache",
            Outcome::NoSuchRow => "found no such product",
            Outcome::Written => "has written it",
            Outcome::Failed(Failure::AppBusy) => "failed: it has too many requests",
            Outcome::Failed(Failure::DatabaseBusy) => "failed: the database refused",
        })
    }
}

impl Display for CacheTrouble {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CacheTrouble::Unreachable => "no connection",
            CacheTrouble::Closed => "the connection was closed",
            CacheTrouble::Timeout => "no reply in time",
            CacheTrouble::ErrorReply => "it answered with an error",
        })
    }
}

/// A key as it is where it can be read, quoted where not.
struct Key<'a>(&'a [u8]);

impl Display for Key<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match core::str::from_utf8(self.0) {
            Ok(key) if self.0.iter().all(u8::is_ascii_graphic) && !key.is_empty() => {
                f.write_str(key)
            }
            _ => f.write_str(&display::quote(self.0)),
        }
    }
}

/// Microseconds, shown as milliseconds.
struct Millis(u64);

impl Display for Millis {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03} ms", self.0 / 1000, self.0 % 1000)
    }
}

/// Microseconds, shown as seconds.
struct Seconds(u64);

impl Display for Seconds {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03} s", self.0 / 1_000_000, self.0 % 1_000_000 / 1000)
    }
}
