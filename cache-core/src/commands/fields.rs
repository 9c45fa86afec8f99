//! Fields of hashes that expire, each by itself: HEXPIRE, HTTL, HGETEX and their like.

mod exchange;
mod expire;
mod tell;

use super::arguments::{integer, is_word};
use super::{Categories, Error, Flags, Group, KeyFlags, KeySpec, Spec};
use crate::protocol::Args;

rows! {
    expire::hexpire: Spec::new("hexpire", -6, bits!(Flags: WRITE | FAST), Group::Hash)
    .acl(Categories::HASH)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | UPDATE))])
    .docs(
        "9.0.0",
        "O(N) for N fields",
        "key seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]",
        "Lets fields expire in so many seconds.",
    ),
    expire::hexpireat: Spec::new("hexpireat", -6, bits!(Flags: WRITE | FAST), Group::Hash)
    .acl(Categories::HASH)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | UPDATE))])
    .docs(
        "9.0.0",
        "O(N) for N fields",
        "key unix-time-seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]",
        "Lets fields expire at a Unix time in seconds.",
    ),
    tell::hexpiretime: Spec::new("hexpiretime", -5, bits!(Flags: READONLY | FAST), Group::Hash)
    .acl(Categories::HASH)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "9.0.0",
        "O(N) for N fields",
        "key FIELDS numfields field [field ...]",
        "When fields expire, as Unix times in seconds.",
    ),
    exchange::hgetdel: Spec::new("hgetdel", -5, bits!(Flags: WRITE | FAST), Group::Hash)
    .acl(Categories::HASH)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | ACCESS | DELETE))])
    .docs(
        "9.1.0",
        "O(N) for N fields",
        "key FIELDS numfields field [field ...]",
        "The values of fields, which are removed.",
    ),
    exchange::hgetex: Spec::new("hgetex", -5, bits!(Flags: WRITE | FAST), Group::Hash)
    .acl(Categories::HASH)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | ACCESS | UPDATE))])
    .docs(
        "9.0.0",
        "O(N) for N fields",
        "key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT \
         unix-time-milliseconds | PERSIST] FIELDS numfields field [field ...]",
        "The values of fields, which may be given another expiry or none.",
    ),
    expire::hpersist: Spec::new("hpersist", -5, bits!(Flags: WRITE | FAST), Group::Hash)
    .acl(Categories::HASH)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | UPDATE))])
    .docs(
        "9.0.0",
        "O(N) for N fields",
        "key FIELDS numfields field [field ...]",
        "Takes the expiry of fields away.",
    ),
    expire::hpexpire: Spec::new("hpexpire", -6, bits!(Flags: WRITE | FAST), Group::Hash)
    .acl(Categories::HASH)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | UPDATE))])
    .docs(
        "9.0.0",
        "O(N) for N fields",
        "key milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]",
        "Lets fields expire in so many milliseconds.",
    ),
    expire::hpexpireat: Spec::new("hpexpireat", -6, bits!(Flags: WRITE | FAST), Group::Hash)
    .acl(Categories::HASH)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | UPDATE))])
    .docs(
        "9.0.0",
        "O(N) for N fields",
        "key unix-time-milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]",
        "Lets fields expire at a Unix time in milliseconds.",
    ),
    tell::hpexpiretime: Spec::new("hpexpiretime", -5, bits!(Flags: READONLY | FAST), Group::Hash)
    .acl(Categories::HASH)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "9.0.0",
        "O(N) for N fields",
        "key FIELDS numfields field [field ...]",
        "When fields expire, as Unix times in milliseconds.",
    ),
    tell::hpttl: Spec::new("hpttl", -5, bits!(Flags: READONLY | FAST), Group::Hash)
    .acl(Categories::HASH)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "9.0.0",
        "O(N) for N fields",
        "key FIELDS numfields field [field ...]",
        "How many milliseconds fields have left.",
    ),
    exchange::hsetex: Spec::new("hsetex", -6, bits!(Flags: WRITE | DENYOOM | FAST), Group::Hash)
    .acl(Categories::HASH)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RW | INSERT))])
    .docs(
        "9.0.0",
        "O(N) for N fields",
        "key [NX | XX] [FNX | FXX] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT \
         unix-time-milliseconds | KEEPTTL] FIELDS numfields field value [field value ...]",
        "Sets fields and when they expire, on conditions if need be.",
    ),
    tell::httl: Spec::new("httl", -5, bits!(Flags: READONLY | FAST), Group::Hash)
    .acl(Categories::HASH)
    .keys(&[KeySpec::one(1, bits!(KeyFlags: RO | ACCESS))])
    .docs(
        "9.0.0",
        "O(N) for N fields",
        "key FIELDS numfields field [field ...]",
        "How many seconds fields have left.",
    ),
}

const WRONG_COUNT: Error = Error::Text(
    "ERR numfields should be greater than 0 and match the provided number of fields",
);

/// What stands before the word FIELDS, which is looked for from argument `from` on, and what stands
/// behind it.
fn split_at_fields(args: Args<'_>, from: usize) -> Result<(Args<'_>, Args<'_>), Error> {
    let last = args.len().saturating_sub(1);
    let at = (from..last).find(|&i| is_word(args.at(i), "fields")).ok_or(WRONG_COUNT)?;
    Ok((args.slice(from..at), args.from(at + 1)))
}

/// What comes behind FIELDS: a number, and as many fields, of `each` arguments each; `wrong` is the
/// error for another number of them.
fn counted(args: Args<'_>, each: i64, wrong: Error) -> Result<Args<'_>, Error> {
    let (count, fields) = (integer(args.at(0))?, args.from(1));
    // As in Valkey, where the product may wrap: so a count far below 0 can fit.
    let fits = !fields.is_empty() && count.wrapping_mul(each) == fields.len() as i64;
    if fits { Ok(fields) } else { Err(wrong) }
}

/// The fields of a command that has FIELDS right behind its key; `wrong` is the error for another
/// number of them than it says.
fn fields_behind_key(args: Args<'_>, wrong: Error) -> Result<Args<'_>, Error> {
    if !is_word(args.at(2), "fields") {
        return Err(Error::Syntax);
    }
    counted(args.from(3), 1, wrong)
}
