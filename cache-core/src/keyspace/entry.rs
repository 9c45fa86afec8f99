//! One key with its value and expiry, as it lies in the keyspace.

use super::packed::{Kind, Record, Store};
use crate::numbers::parse_i64;
use crate::types::{Data, Value};

/// Bytes that a leaf holds for each key: tag, handle and access bits.
const WAY: u64 = 8;

/// A key's entry.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    store: &'a Store,
    record: Record<'a>,
}

impl<'a> Entry<'a> {
    pub(super) fn new(store: &'a Store, record: Record<'a>) -> Self {
        Entry { store, record }
    }

    /// The key.
    pub fn key(&self) -> &'a [u8] {
        self.record.key()
    }

    /// When it expires: wall milliseconds since the Unix epoch.
    pub fn expires_at(&self) -> Option<u64> {
        self.record.expires_ms()
    }

    /// The name of the value's type, as TYPE answers.
    pub fn type_name(&self) -> &'static str {
        self.value().type_name()
    }

    /// The bytes of a string's value; `None` for the other types.
    pub fn as_string(&self) -> Option<&'a [u8]> {
        match self.value() {
            Value::String(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Bytes accounted for it, its part of what leads to it included: the same on every platform.
    pub fn size(&self) -> u64 {
        let large = match self.record.kind() {
            Kind::Object => self.store.object(&self.record).map_or(0, Data::size),
            _ => 0,
        };
        WAY + self.record.size() as u64 + large
    }

    /// The form of the value, as OBJECT ENCODING names it.
    pub(crate) fn encoding(&self) -> &'static str {
        match self.value() {
            Value::String(bytes) => self.string_encoding(bytes),
            other => other.encoding().unwrap_or_default(),
        }
    }

    /// How Valkey would keep this string. All are kept alike here.
    fn string_encoding(&self, bytes: &[u8]) -> &'static str {
        /// Bytes of key, value and what goes with them that Valkey keeps as one.
        const EMBEDDED: usize = 113;
        /// Keys from this length on have a head that is two bytes longer.
        const LONG_KEY: usize = 32;
        let head = if self.key().len() < LONG_KEY { 0 } else { 2 };
        let expiry = if self.expires_at().is_some() { 8 } else { 0 };
        if parse_i64(bytes).is_some() {
            "int"
        } else if self.key().len() + bytes.len() + head + expiry <= EMBEDDED {
            "embstr"
        } else {
            "raw"
        }
    }

    /// The value.
    #[inline(always)]
    pub(crate) fn value(&self) -> Value<'a> {
        match self.record.kind() {
            Kind::String => Value::String(self.record.value()),
            kind => self.other_value(kind),
        }
    }

    fn other_value(&self, kind: Kind) -> Value<'a> {
        match self.store.object(&self.record) {
            Some(data) if kind == Kind::Object => data.value(),
            _ => Value::from_bytes(kind, self.record.value(), self.store.seed()),
        }
    }

    /// Whether its time is over. It lives through the millisecond at which it expires, as in Redis.
    #[inline(always)]
    pub(crate) fn is_expired(&self, now_ms: u64) -> bool {
        self.expires_at().is_some_and(|at| at < now_ms)
    }
}
