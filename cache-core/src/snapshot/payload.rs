//! One value by itself: what DUMP gives and RESTORE takes.
//!
//! It is written as in a file, and behind it stand the version, in two bytes, and the checksum.

use super::builder::{self, Builder, Built, Making};
use super::checksum::Checksum;
use super::encoder::Encoder;
use super::forms::Forms;
use super::input::Input;
use super::kind;
use super::values::kind_of;
use super::{LAST_OF_REDIS, OF_VALKEY, VERSION, VERSION_WITH_EXPIRING_FIELDS, has_kinds_of_valkey};
use crate::config::{Config, Id};
use crate::hash::HashSeed;
use crate::types::{Data, Value};
use alloc::vec::Vec;

/// Bytes behind the value.
const SUM: usize = 8;
const FOOTER: usize = 2 + SUM;

/// Why a payload can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PayloadError {
    /// It is of a version that is not known, or its bytes have changed.
    Footer,
    /// It is no value.
    Value,
}

/// A value as a payload.
pub(crate) fn write_payload(value: &Value<'_>, config: &Config) -> Vec<u8> {
    let mut encoder = Encoder::new(config.number(Id::Rdbcompression) == 1);
    let kind = kind_of(value);
    encoder.byte(kind);
    let mut part = None;
    loop {
        part = encoder.value(value, part, usize::MAX);
        if part.is_none() {
            break;
        }
    }
    let version = match kind {
        kind::HASH_EXPIRING => VERSION_WITH_EXPIRING_FIELDS,
        _ => VERSION,
    };
    encoder.bytes(&(version as u16).to_le_bytes());
    let mut sum = Checksum::default();
    sum.update(&encoder.out);
    encoder.bytes(&sum.value().to_le_bytes());
    encoder.out
}

/// The value of a payload.
pub(crate) fn read_payload(
    payload: &[u8],
    config: &Config,
    seed: HashSeed,
) -> Result<Data, PayloadError> {
    let (rest, footer) = payload.split_last_chunk::<FOOTER>().ok_or(PayloadError::Footer)?;
    let [low, high, ..] = *footer;
    let version = u32::from(u16::from_le_bytes([low, high]));
    let (summed, wanted) = payload.split_last_chunk::<SUM>().ok_or(PayloadError::Footer)?;
    let mut sum = Checksum::default();
    sum.update(summed);
    let is_known = version <= LAST_OF_REDIS || OF_VALKEY.contains(&version);
    if !is_known || u64::from_le_bytes(*wanted) != sum.value() {
        return Err(PayloadError::Footer);
    }
    read_value(rest, version, config, seed).ok_or(PayloadError::Value)
}

fn read_value(bytes: &[u8], version: u32, config: &Config, seed: HashSeed) -> Option<Data> {
    let valkey = has_kinds_of_valkey(version);
    let forms = Forms::of(config);
    let making = Making { forms: &forms, seed, valkey, skip_expired_by_ms: 0 };
    let mut input = Input::new(bytes);
    let kind = input.byte().ok()?;
    if !builder::is_known(kind, valkey) {
        return None;
    }
    match Builder::default().next(kind, &mut input, &making) {
        Ok(Built::Text(text)) => Some(Data::String(text.into_owned())),
        Ok(Built::Data(data)) => Some(data),
        Ok(Built::Empty) | Err(_) => None,
    }
}
