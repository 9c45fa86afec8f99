//! Commands as JSON: an array of strings, numbers and truth values, or an array of such arrays.
//!
//! Numbers are taken as they are written, so that no digit is lost on the way through a float.

use super::{ARGS_LIMIT, COMMANDS_LIMIT};
use cache_core::protocol::Frame;
use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// Reads one command.
///
/// # Errors
/// A sentence that says what is wrong with the body.
pub(super) fn command(body: &[u8]) -> Result<Frame, String> {
    let mut args = ARGS_LIMIT;
    read(body, CommandSeed { args: &mut args }).map_err(|error| {
        format!("ERR the body must be a JSON array of a command and its arguments: {error}")
    })
}

/// Reads an array of commands.
///
/// # Errors
/// A sentence that says what is wrong with the body.
pub(super) fn pipeline(body: &[u8]) -> Result<Vec<Frame>, String> {
    read(body, PipelineSeed)
        .map_err(|error| format!("ERR the body must be a JSON array of commands: {error}"))
}

fn read<'a, S: DeserializeSeed<'a>>(body: &'a [u8], seed: S) -> serde_json::Result<S::Value> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = seed.deserialize(&mut json)?;
    json.end()?;
    Ok(value)
}

/// Reads one command, as long as `args` last.
struct CommandSeed<'l> {
    args: &'l mut usize,
}

impl<'de> DeserializeSeed<'de> for CommandSeed<'_> {
    type Value = Frame;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Frame, D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for CommandSeed<'_> {
    type Value = Frame;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON array such as [\"GET\", \"key\"]")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Frame, A::Error> {
        let mut frame = Frame::default();
        while let Some(raw) = seq.next_element::<&RawValue>()? {
            if *self.args == 0 {
                return Err(A::Error::custom(format_args!(
                    "a request may have {ARGS_LIMIT} arguments at the most"
                )));
            }
            *self.args -= 1;
            push(&mut frame, raw.get()).map_err(A::Error::custom)?;
        }
        if frame.args().is_empty() {
            return Err(A::Error::custom("the command is empty"));
        }
        Ok(frame)
    }
}

struct PipelineSeed;

impl<'de> DeserializeSeed<'de> for PipelineSeed {
    type Value = Vec<Frame>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Vec<Frame>, D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for PipelineSeed {
    type Value = Vec<Frame>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON array such as [[\"GET\", \"key\"], [\"PING\"]]")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<Frame>, A::Error> {
        let mut frames = Vec::new();
        let mut args = ARGS_LIMIT;
        while let Some(frame) = seq.next_element_seed(CommandSeed { args: &mut args })? {
            if frames.len() == COMMANDS_LIMIT {
                return Err(A::Error::custom(format_args!(
                    "a request may have {COMMANDS_LIMIT} commands at the most"
                )));
            }
            frames.push(frame);
        }
        if frames.is_empty() {
            return Err(A::Error::custom("it is empty"));
        }
        Ok(frames)
    }
}

/// A string in which half a surrogate pair, as JavaScript leaves when it cuts an emoji in two, has
/// become replacement characters.
struct Text(String);

impl<'de> serde::Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Text, E> {
                Ok(Text(String::from_utf8_lossy(bytes).into_owned()))
            }
        }
        json.deserialize_bytes(Bytes)
    }
}

/// Appends one JSON value as an argument.
fn push(frame: &mut Frame, json: &str) -> Result<(), String> {
    let kind = match json.as_bytes() {
        [b'"', inner @ .., b'"'] if !inner.contains(&b'\\') => {
            frame.push(inner);
            return Ok(());
        }
        [b'"', ..] => {
            let Text(text) = serde_json::from_str(json).map_err(|error| error.to_string())?;
            frame.push(text.as_bytes());
            return Ok(());
        }
        [b'n', ..] => "null",
        [b'[', ..] => "an array",
        [b'{', ..] => "an object",
        // A number, true or false.
        text => {
            frame.push(text);
            return Ok(());
        }
    };
    Err(format!("an argument is a string, a number or a truth value, not {kind}"))
}
