//! How commands are told when a key is to expire; and the options of SET, GETEX and MSETEX, which
//! tell under which condition they are to act, too.

use super::Error;
use crate::node::{ConnFlags, Cx};
use crate::numbers::parse_i64;
use crate::observer::Observer;
use crate::protocol::Args;
use bitflags::bitflags;

bitflags! {
    /// The options that a command takes beside EX, PX, EXAT and PXAT.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) struct Takes: u8 {
        /// NX and XX.
        const PRESENCE = 1;
        const IFEQ = 1 << 1;
        const GET = 1 << 2;
        const KEEPTTL = 1 << 3;
        const PERSIST = 1 << 4;
        /// FNX and FXX.
        const FIELDS = 1 << 5;
    }
}

/// In what an expiry counts, and from when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// EX: seconds from now.
    Seconds,
    /// PX: milliseconds from now.
    Millis,
    /// EXAT: seconds since the Unix epoch.
    UnixSeconds,
    /// PXAT: milliseconds since the Unix epoch.
    UnixMillis,
}

impl Unit {
    fn from_word(word: &[u8]) -> Option<Self> {
        let units = [
            (&b"ex"[..], Unit::Seconds),
            (b"px", Unit::Millis),
            (b"exat", Unit::UnixSeconds),
            (b"pxat", Unit::UnixMillis),
        ];
        units.into_iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map(|(_, unit)| unit)
    }

    /// So many units as a moment in wall milliseconds. `None`: too many.
    pub(super) fn moment(self, amount: i64, now_ms: u64) -> Option<i64> {
        let millis = match self {
            Unit::Seconds | Unit::UnixSeconds => amount.checked_mul(1000)?,
            Unit::Millis | Unit::UnixMillis => amount,
        };
        match self {
            Unit::Seconds | Unit::Millis => millis.checked_add(i64::try_from(now_ms).ok()?),
            Unit::UnixSeconds | Unit::UnixMillis => Some(millis),
        }
    }
}

/// An expiry as it was sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expiry<'a> {
    pub(super) text: &'a [u8],
    pub(super) unit: Unit,
}

impl Expiry<'_> {
    /// The moment in wall milliseconds, which may have passed. `command` is named in the error.
    pub(super) fn at_ms(self, command: &'static str, now_ms: u64) -> Result<u64, Error> {
        self.at_ms_from(1, command, now_ms)
    }

    /// As [`at_ms`](Self::at_ms), where the number must not be less than `least`.
    pub(super) fn at_ms_from(
        self,
        least: i64,
        command: &'static str,
        now_ms: u64,
    ) -> Result<u64, Error> {
        let given = parse_i64(self.text).ok_or(Error::NotAnInteger)?;
        (given >= least)
            .then(|| self.unit.moment(given, now_ms))
            .flatten()
            .map(i64::unsigned_abs)
            .ok_or(Error::InvalidExpire(command))
    }
}

/// What is to become of a key's expiry.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ttl<'a> {
    /// Nothing was said.
    Unsaid,
    /// KEEPTTL
    Keep,
    /// PERSIST
    Persist,
    /// EX, PX, EXAT, PXAT
    At(Expiry<'a>),
}

/// The condition under which a command acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When<'a> {
    Always,
    /// NX
    Absent,
    /// XX
    Present,
    /// IFEQ
    Equal(&'a [u8]),
}

impl When<'_> {
    /// Whether it allows for what is there or isn't, whatever its value.
    pub(super) fn allows(self, there: bool) -> bool {
        match self {
            When::Always => true,
            When::Absent => !there,
            When::Present | When::Equal(_) => there,
        }
    }
}

/// Whether what expires at this moment must go at once. A replayed stream says itself when.
pub(super) fn has_passed<O: Observer>(cx: &Cx<'_, O>, at_ms: u64) -> bool {
    at_ms <= cx.now_ms() && !cx.conn.has(ConnFlags::REPLAY)
}

/// The options behind a command's key and value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Options<'a> {
    pub(super) when: When<'a>,
    /// The condition of all fields that are named.
    pub(super) fields: When<'a>,
    pub(super) get: bool,
    pub(super) ttl: Ttl<'a>,
}

impl<'a> Options<'a> {
    /// Reads all of `args`. An option may stand twice (the last one holds), but not beside one that
    /// contradicts it.
    pub(super) fn parse(args: Args<'a>, takes: Takes) -> Result<Self, Error> {
        let mut options =
            Options { when: When::Always, fields: When::Always, get: false, ttl: Ttl::Unsaid };
        let mut rest = args.iter();
        while let Some(word) = rest.next() {
            let is = |name: &[u8]| word.eq_ignore_ascii_case(name);
            if takes.contains(Takes::PRESENCE) && is(b"nx") {
                set_when(&mut options.when, When::Absent)?;
            } else if takes.contains(Takes::PRESENCE) && is(b"xx") {
                set_when(&mut options.when, When::Present)?;
            } else if takes.contains(Takes::FIELDS) && is(b"fnx") {
                set_when(&mut options.fields, When::Absent)?;
            } else if takes.contains(Takes::FIELDS) && is(b"fxx") {
                set_when(&mut options.fields, When::Present)?;
            } else if takes.contains(Takes::IFEQ) && is(b"ifeq") {
                let value = rest.next().ok_or(Error::Syntax)?;
                set_when(&mut options.when, When::Equal(value))?;
            } else if takes.contains(Takes::GET) && is(b"get") {
                options.get = true;
            } else if takes.contains(Takes::KEEPTTL) && is(b"keepttl") {
                options.set_ttl(Ttl::Keep)?;
            } else if takes.contains(Takes::PERSIST) && is(b"persist") {
                options.set_ttl(Ttl::Persist)?;
            } else {
                let unit = Unit::from_word(word).ok_or(Error::Syntax)?;
                let text = rest.next().ok_or(Error::Syntax)?;
                options.set_ttl(Ttl::At(Expiry { text, unit }))?;
            }
        }
        Ok(options)
    }

    fn set_ttl(&mut self, ttl: Ttl<'a>) -> Result<(), Error> {
        let fits = match (self.ttl, ttl) {
            (Ttl::Unsaid, _) | (Ttl::Keep, Ttl::Keep) | (Ttl::Persist, Ttl::Persist) => true,
            (Ttl::At(before), Ttl::At(now)) => before.unit == now.unit,
            _ => false,
        };
        self.ttl = ttl;
        fits.then_some(()).ok_or(Error::Syntax)
    }
}

fn set_when<'a>(place: &mut When<'a>, when: When<'a>) -> Result<(), Error> {
    let fits = match *place {
        When::Always => true,
        When::Equal(_) => false,
        before => before == when,
    };
    *place = when;
    fits.then_some(()).ok_or(Error::Syntax)
}
