//! Between JavaScript values and the engine's: arguments in, replies out.
//!
//! What must never be here: a command's name.

use cache_core::protocol::Value;
use js_sys::{Array, JsString, Uint8Array};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/js/error.js")]
extern "C" {
    /// The error that JavaScript sees.
    #[wasm_bindgen(reexport)]
    pub(crate) type CacheError;

    #[wasm_bindgen(constructor)]
    fn new(code: &str, message: &str) -> CacheError;
}

/// Integers that a JavaScript number holds exactly.
const SAFE: std::ops::RangeInclusive<i64> = -9_007_199_254_740_991..=9_007_199_254_740_991;

/// An error of this library's own, in the form of a reply's.
pub(crate) fn error(message: &str) -> JsValue {
    CacheError::new("ERR", message).into()
}

/// A reply, or the error that it is.
pub(crate) fn to_js(value: &Value) -> Result<JsValue, JsValue> {
    match value {
        Value::Error(text) => Err(error_reply(text)),
        other => plain(other),
    }
}

/// A reply with errors as values.
pub(crate) fn plain(value: &Value) -> Result<JsValue, JsValue> {
    let serializer = serde_wasm_bindgen::Serializer::new().serialize_missing_as_null(true);
    Shown(value).serialize(&serializer).map_err(|e| error(&e.to_string()))
}

/// Splits `CODE message`. By convention the code is one word in capitals.
fn error_reply(text: &str) -> JsValue {
    let (code, message) = text.split_once(' ').unwrap_or((text, ""));
    let is_code = !code.is_empty() && code.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    let error = if is_code { CacheError::new(code, message) } else { CacheError::new("ERR", text) };
    error.into()
}

/// The arguments of a command: one array, or one argument each.
pub(crate) fn arguments(given: &Array) -> Result<Vec<Vec<u8>>, JsValue> {
    let first = given.get(0);
    let list = if given.length() == 1 && Array::is_array(&first) {
        Array::from(&first)
    } else {
        given.clone()
    };
    if list.length() == 0 {
        return Err(error("a command needs a name"));
    }
    list.iter().map(|argument| bytes(&argument)).collect()
}

fn bytes(argument: &JsValue) -> Result<Vec<u8>, JsValue> {
    if let Some(text) = argument.as_string() {
        return Ok(text.into_bytes());
    }
    if let Some(bytes) = argument.dyn_ref::<Uint8Array>() {
        return Ok(bytes.to_vec());
    }
    if argument.is_bigint() || argument.as_f64().is_some_and(f64::is_finite) {
        let text = js_sys::Object::from(argument.clone()).to_string();
        return Ok(String::from(text).into_bytes());
    }
    let kind = String::from(JsString::from(argument.js_typeof()));
    let what = if argument.as_f64().is_some() { "a number without a value" } else { &kind };
    Err(error(&format!(
        "an argument must be a string, a number, a bigint or a Uint8Array, not {what}"
    )))
}

/// Gives a reply to serde-wasm-bindgen in terms of serde's data model.
struct Shown<'a>(&'a Value);

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Integer(n) if SAFE.contains(n) => serializer.serialize_i64(*n),
            // serde-wasm-bindgen makes every 128-bit integer a BigInt.
            Value::Integer(n) => serializer.serialize_i128(i128::from(*n)),
            Value::Double(d) => serializer.serialize_f64(*d),
            Value::Boolean(b) => serializer.serialize_bool(*b),
            Value::Simple(s) | Value::Verbatim(s) => serializer.serialize_str(s),
            Value::Bulk(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => serializer.serialize_str(text),
                Err(_) => serializer.serialize_bytes(bytes),
            },
            Value::Array(items) | Value::Set(items) | Value::Push(items) => {
                let mut seq = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    seq.serialize_element(&Shown(item))?;
                }
                seq.end()
            }
            Value::Map(pairs) => {
                let mut map = serializer.serialize_map(Some(pairs.len()))?;
                for (key, value) in pairs {
                    map.serialize_entry(&Shown(key), &Shown(value))?;
                }
                map.end()
            }
            Value::BigNumber(text) => {
                let big = js_sys::BigInt::new(&JsValue::from_str(text));
                let value = big.map_or_else(|_| JsValue::from_str(text), JsValue::from);
                serde_wasm_bindgen::preserve::serialize(&value, serializer)
            }
            Value::Error(text) => {
                serde_wasm_bindgen::preserve::serialize(&error_reply(text), serializer)
            }
        }
    }
}
