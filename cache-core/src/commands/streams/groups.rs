//! XGROUP: making, moving and removing groups and consumers.

use super::ids::{BAD_ID, exact_id, no_group};
use crate::commands::arguments::Words;
use crate::commands::{Error, Flow, Outcome};
use crate::config::Class;
use crate::node::Cx;
use crate::observer::Observer;
use crate::types::{Stream, StreamId};

const NO_KEY: Error = Error::Text(
    "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use \
     the MKSTREAM option to create an empty stream automatically.",
);

pub(super) fn container<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    Err(Error::Arity(cx.spec.name))
}

pub(super) fn help<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    crate::commands::help(cx, "xgroup")
}

options! {
    /// How XGROUP CREATE makes a group.
    struct Making<'a> {
        make_stream: "mkstream",
        read: "entriesread" => Option<u64> = entries_read,
    }
}

options! {
    /// What XGROUP SETID sets beside the id.
    struct Moving<'a> {
        read: "entriesread" => Option<u64> = entries_read,
    }
}

/// A count of entries; -1 is an unknown one.
fn entries_read(words: &mut Words<'_>) -> Result<Option<u64>, Error> {
    match words.integer()? {
        -1 => Ok(None),
        read => u64::try_from(read)
            .map(Some)
            .map_err(|_| Error::Text("ERR value for ENTRIESREAD must be positive or -1")),
    }
}

/// The error for options that are none.
fn explain(error: Error, wrong: &'static str) -> Error {
    if error == Error::Syntax { Error::Text(wrong) } else { error }
}

fn position(text: &[u8], last: StreamId) -> Result<StreamId, Error> {
    if text == b"$" { Ok(last) } else { exact_id(text).ok_or(BAD_ID) }
}

pub(super) fn create<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, name) = (cx.args.at(2), cx.args.at(3));
    let making = Making::parse(cx.args.from(5)).map_err(|error| {
        let wrong = "ERR unknown subcommand or wrong number of arguments for 'CREATE'. \
                     Try XGROUP HELP.";
        explain(error, wrong)
    })?;
    let stream = cx.peek_as::<Stream>(key)?;
    let is_new = stream.is_none();
    if is_new && !making.make_stream {
        return Err(NO_KEY);
    }
    let last = stream.map_or(StreamId::MIN, |stream| stream.last_id());
    let at = position(cx.args.at(4), last)?;
    let read = making.read.flatten();
    if !cx.upsert_as(key, |stream: &mut Stream| stream.add_group(name, at, read))? {
        return Err(Error::Text("BUSYGROUP Consumer Group name already exists"));
    }
    if is_new {
        cx.wrote(key, Class::STREAM, "xgroup-create");
    } else {
        cx.wrote_within(key, Class::STREAM, "xgroup-create");
    }
    cx.out().ok();
    Ok(Flow::Done)
}

/// Checks that the key is there and has the group.
fn check_group<O: Observer>(cx: &mut Cx<'_, O>, key: &[u8], name: &[u8]) -> Result<(), Error> {
    let stream = cx.peek_as::<Stream>(key)?.ok_or(NO_KEY)?;
    stream.group(name).map(|_| ()).ok_or_else(|| no_group(key, name))
}

pub(super) fn setid<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, name) = (cx.args.at(2), cx.args.at(3));
    let moving = Moving::parse(cx.args.from(5)).map_err(|error| {
        let wrong = "ERR unknown subcommand or wrong number of arguments for 'SETID'. \
                     Try XGROUP HELP.";
        explain(error, wrong)
    })?;
    check_group(cx, key, name)?;
    let last = cx.peek_as::<Stream>(key)?.map_or(StreamId::MIN, |stream| stream.last_id());
    let at = match cx.args.at(4) {
        b"-" => StreamId::MIN,
        b"+" => StreamId::MAX,
        text => position(text, last)?,
    };
    cx.edit_as(key, |stream: &mut Stream| {
        stream.edit_group(name, |group| {
            group.last = at;
            group.read = moving.read.flatten();
        })
    })?;
    cx.wrote_within(key, Class::STREAM, "xgroup-setid");
    cx.out().ok();
    Ok(Flow::Done)
}

pub(super) fn destroy<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, name) = (cx.args.at(2), cx.args.at(3));
    cx.peek_as::<Stream>(key)?.ok_or(NO_KEY)?;
    let destroyed = cx.edit_as(key, |stream: &mut Stream| stream.remove_group(name))?;
    let destroyed = destroyed == Some(true);
    if destroyed {
        cx.wrote_within(key, Class::STREAM, "xgroup-destroy");
        cx.tell_waiters(key);
    }
    cx.out().integer(destroyed.into());
    Ok(Flow::Done)
}

pub(super) fn createconsumer<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, name, consumer) = (cx.args.at(2), cx.args.at(3), cx.args.at(4));
    check_group(cx, key, name)?;
    let now_ms = cx.now_ms();
    let made = cx.edit_as(key, |stream: &mut Stream| {
        stream.edit_group(name, |group| group.add_consumer(consumer, now_ms).1)
    })?;
    let made = made.flatten() == Some(true);
    if made {
        cx.changed_within(key);
        cx.notify(Class::STREAM, "xgroup-createconsumer", key);
    }
    cx.out().integer(made.into());
    Ok(Flow::Done)
}

pub(super) fn delconsumer<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (key, name, consumer) = (cx.args.at(2), cx.args.at(3), cx.args.at(4));
    check_group(cx, key, name)?;
    let removed = cx.edit_as(key, |stream: &mut Stream| {
        stream.edit_group(name, |group| group.remove_consumer(consumer))
    })?;
    let removed = removed.flatten().flatten();
    if removed.is_some() {
        cx.wrote_within(key, Class::STREAM, "xgroup-delconsumer");
    }
    cx.out().integer(removed.unwrap_or(0) as i64);
    Ok(Flow::Done)
}
