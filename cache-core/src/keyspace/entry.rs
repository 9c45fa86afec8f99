//! One key with its value and expiry, as it lies in the keyspace.

use super::packed::{Kind, Record, Store};
use crate::types::Value;

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

    #[inline(always)]
    pub(crate) fn is_expired(&self, now_ms: u64) -> bool {
        self.expires_at().is_some_and(|at| at <= now_ms)
    }
}
