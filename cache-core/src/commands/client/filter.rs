//! Which connections CLIENT LIST shows and CLIENT KILL closes.
//!
//! A connection passes when it has everything that was asked for and nothing of what was asked not
//! to be (`NOT-...`).

use super::super::{Error, shown};
use super::list::flags;
use crate::node::{ConnFlags, Connection, Cx, State};
use crate::numbers::parse_i64;
use crate::observer::Observer;
use crate::time::Now;
use alloc::collections::BinaryHeap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// All letters that `flags=` has in Valkey, of which some can't appear here yet.
const FLAG_LETTERS: &[u8] = b"OSMPxbtRBdcuAUreTIEiN";

/// What sort of peer a connection serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Normal,
    Pubsub,
    Replica,
    Primary,
}

/// What is asked for, or asked not to be.
#[derive(Debug, Default)]
struct Traits<'a> {
    /// Sorted, once all are there.
    ids: Vec<u64>,
    class: Option<Class>,
    user: Option<&'a [u8]>,
    addr: Option<&'a [u8]>,
    laddr: Option<&'a [u8]>,
    ip: Option<&'a [u8]>,
    name: Option<&'a [u8]>,
    flags: Option<&'a [u8]>,
    lib_name: Option<&'a [u8]>,
    lib_ver: Option<&'a [u8]>,
    db: Option<u32>,
    capa: Option<&'a [u8]>,
}

/// The filters of one command.
#[derive(Debug)]
pub(super) struct Filter<'a> {
    wanted: Traits<'a>,
    unwanted: Traits<'a>,
    min_age_secs: u64,
    min_idle_secs: u64,
    skip_me: bool,
}

impl<'a> Filter<'a> {
    /// Reads the filters from argument `at` on. `skip_me`: what SKIPME is when not given.
    pub(super) fn parse<O: Observer>(
        cx: &Cx<'a, O>,
        mut at: usize,
        skip_me: bool,
    ) -> Result<Self, Error> {
        let args = cx.args;
        let mut filter = Filter {
            wanted: Traits::default(),
            unwanted: Traits::default(),
            min_age_secs: 0,
            min_idle_secs: 0,
            skip_me,
        };
        while at < args.len() {
            let option = args.at(at).to_ascii_lowercase();
            let value = args.get(at + 1).ok_or(Error::Syntax)?;
            at += 2;
            let (negative, option) = match option.strip_prefix(b"not-") {
                Some(rest) => (true, rest),
                None => (false, &option[..]),
            };
            let traits = if negative { &mut filter.unwanted } else { &mut filter.wanted };
            match option {
                b"id" => {
                    traits.ids.push(client_id(value)?);
                    // As many more as there are.
                    while let Some(more) = args.get(at).filter(|arg| parse_i64(arg).is_some()) {
                        traits.ids.push(client_id(more)?);
                        at += 1;
                    }
                }
                b"maxage" if !negative => filter.min_age_secs = positive(value, "maxage")?,
                b"idle" if !negative => filter.min_idle_secs = positive(value, "idle")?,
                b"skipme" if !negative => {
                    filter.skip_me = match value.to_ascii_lowercase().as_slice() {
                        b"yes" => true,
                        b"no" => false,
                        _ => return Err(Error::Syntax),
                    }
                }
                b"type" => traits.class = Some(class(value)?),
                // There is one user until there are ACLs.
                b"user" if value == b"default" => traits.user = Some(value),
                b"user" => return Err(unknown("No such user", value)),
                b"addr" => traits.addr = Some(value),
                b"laddr" => traits.laddr = Some(value),
                b"ip" => traits.ip = Some(value),
                b"name" => traits.name = Some(value),
                b"flags" => {
                    letters(value, FLAG_LETTERS, "flags", negative)?;
                    traits.flags = Some(value);
                }
                b"lib-name" => traits.lib_name = Some(value),
                b"lib-ver" => traits.lib_ver = Some(value),
                b"db" => {
                    let databases = cx.state.keyspace.databases();
                    traits.db = Some(database(value, databases, negative)?);
                }
                b"capa" => {
                    letters(value, b"r", "capa", negative)?;
                    traits.capa = Some(value);
                }
                _ => return Err(Error::Syntax),
            }
        }
        for ids in [&mut filter.wanted.ids, &mut filter.unwanted.ids] {
            // The smallest code of all sorts.
            *ids = BinaryHeap::from(core::mem::take(ids)).into_sorted_vec();
        }
        Ok(filter)
    }

    /// Whether a connection is meant. `own`: it is the one that asks.
    pub(super) fn passes(&self, conn: &Connection, state: &State, now: Now, own: bool) -> bool {
        let secs = |since_us: u64| now.mono_us.saturating_sub(since_us) / 1_000_000;
        !(own && self.skip_me)
            && secs(conn.created_us) >= self.min_age_secs
            && secs(conn.active_us) >= self.min_idle_secs
            && self.wanted.fit(conn, state).all(|fits| fits)
            && !self.unwanted.fit(conn, state).any(|fits| fits)
    }
}

impl Traits<'_> {
    /// For each trait that was named, whether the connection has it.
    fn fit(&self, conn: &Connection, state: &State) -> impl Iterator<Item = bool> {
        let text = |wanted: Option<&[u8]>, actual: &str| {
            // A text that was never set is like no other, not even like an empty one.
            wanted.map(|wanted| !actual.is_empty() && wanted == actual.as_bytes())
        };
        let ip = conn.addr.rsplit_once(':').map_or("", |(ip, _)| ip);
        let shown = || flags(conn, state);
        let can_redirect = conn.has(ConnFlags::CAN_REDIRECT);
        [
            (!self.ids.is_empty()).then(|| self.ids.binary_search(&conn.id.id).is_ok()),
            self.class.map(|class| class == class_of(conn)),
            text(self.user, &conn.user),
            text(self.addr, &conn.addr),
            text(self.laddr, &conn.laddr),
            text(self.ip, ip),
            text(self.name, &conn.name),
            text(self.lib_name, &conn.lib_name),
            text(self.lib_ver, &conn.lib_ver),
            self.flags.map(|wanted| {
                let shown = shown();
                wanted.iter().all(|letter| shown.as_bytes().contains(letter))
            }),
            self.db.map(|db| db == conn.db),
            self.capa.map(|wanted| wanted.is_empty() || can_redirect),
        ]
        .into_iter()
        .flatten()
    }
}

fn class_of(conn: &Connection) -> Class {
    if conn.has(ConnFlags::LINK) {
        Class::Primary
    } else if conn.is_follower() {
        Class::Replica
    } else if conn.listens() {
        Class::Pubsub
    } else {
        Class::Normal
    }
}

fn class(value: &[u8]) -> Result<Class, Error> {
    match value.to_ascii_lowercase().as_slice() {
        b"normal" => Ok(Class::Normal),
        b"pubsub" => Ok(Class::Pubsub),
        b"slave" | b"replica" => Ok(Class::Replica),
        b"master" | b"primary" => Ok(Class::Primary),
        _ => Err(unknown("Unknown client type", value)),
    }
}

fn client_id(value: &[u8]) -> Result<u64, Error> {
    let id = parse_i64(value).ok_or(Error::Syntax)?;
    u64::try_from(id)
        .ok()
        .filter(|&id| id > 0)
        .ok_or(Error::Text("ERR client-id should be greater than 0"))
}

fn positive(value: &[u8], what: &str) -> Result<u64, Error> {
    let secs = parse_i64(value).ok_or_else(|| {
        Error::Owned(format!("ERR {what} is not an integer or out of range"))
    })?;
    u64::try_from(secs)
        .ok()
        .filter(|&secs| secs > 0)
        .ok_or_else(|| Error::Owned(format!("ERR {what} should be greater than 0")))
}

fn database(value: &[u8], databases: u32, negative: bool) -> Result<u32, Error> {
    let what = if negative { "NOT-DB" } else { "DB" };
    let index = parse_i64(value).and_then(|index| i32::try_from(index).ok()).ok_or_else(|| {
        Error::Owned(format!("ERR {what} is not an integer or out of range"))
    })?;
    u32::try_from(index).ok().filter(|&db| db < databases).ok_or_else(|| {
        let last = databases.saturating_sub(1);
        Error::Owned(format!("ERR {what} number should be between 0 and {last}"))
    })
}

/// Refuses letters that nothing has.
fn letters(value: &[u8], known: &[u8], what: &str, negative: bool) -> Result<(), Error> {
    if value.iter().all(|letter| known.contains(letter)) {
        return Ok(());
    }
    let place = match negative {
        false => String::from("provided"),
        true => format!("NOT-{}", what.to_ascii_uppercase()),
    };
    let shown = shown(value);
    Err(Error::Owned(format!("ERR Unknown {what} found in the {place} filter: {shown}")))
}

fn unknown(what: &str, value: &[u8]) -> Error {
    Error::Owned(format!("ERR {what} '{}'", shown(value)))
}
