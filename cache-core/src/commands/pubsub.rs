//! Publish and subscribe: channels and patterns.

use super::{Error, Flags, Flow, Group, Outcome, Role, Spec};
use crate::glob;
use crate::node::Cx;
use crate::observer::{Event, Observer};
use alloc::boxed::Box;
use alloc::vec::Vec;

rows! {
    psubscribe: Spec::new(
        "psubscribe",
        -2,
        bits!(Flags: PUBSUB | NOSCRIPT | LOADING | STALE),
        Group::Pubsub,
    )
    .role(Role::WHILE_SUBSCRIBED)
    .docs(
        "2.0.0",
        "O(N) for N patterns",
        "pattern [pattern ...]",
        "Listens to all channels whose names match a pattern.",
    ),
    publish: Spec::new(
        "publish",
        3,
        bits!(Flags: PUBSUB | LOADING | STALE | FAST),
        Group::Pubsub,
    )
    .role(Role::REACHES_OUT)
    .docs(
        "2.0.0",
        "O(N+M) for N listeners of the channel and M patterns in all",
        "channel message",
        "Sends a message to all who listen to a channel.",
    ),
    container: Spec::new("pubsub", -2, Flags::empty(), Group::Pubsub)
        .role(Role::CONTAINER)
    .docs("2.8.0", "Depends on the subcommand", "", "Looks at who listens to what."),
    pubsub_channels: Spec::new(
        "pubsub|channels",
        -2,
        bits!(Flags: PUBSUB | LOADING | STALE),
        Group::Pubsub,
    )
    .docs("2.8.0", "O(N) for N channels", "[pattern]", "The channels that someone listens to."),
    pubsub_help: Spec::new("pubsub|help", 2, bits!(Flags: LOADING | STALE), Group::Pubsub)
        .docs("6.2.0", "O(1)", "", "What PUBSUB can do."),
    pubsub_numpat: Spec::new(
        "pubsub|numpat",
        2,
        bits!(Flags: PUBSUB | LOADING | STALE),
        Group::Pubsub,
    )
    .docs("2.8.0", "O(1)", "", "How many different patterns are listened to."),
    pubsub_numsub: Spec::new(
        "pubsub|numsub",
        -2,
        bits!(Flags: PUBSUB | LOADING | STALE),
        Group::Pubsub,
    )
    .docs(
        "2.8.0",
        "O(N) for N channels",
        "[channel [channel ...]]",
        "How many listen to each of these channels.",
    ),
    punsubscribe: Spec::new(
        "punsubscribe",
        -1,
        bits!(Flags: PUBSUB | NOSCRIPT | LOADING | STALE),
        Group::Pubsub,
    )
    .role(Role::WHILE_SUBSCRIBED)
    .docs(
        "2.0.0",
        "O(N) for N patterns",
        "[pattern [pattern ...]]",
        "Stops listening to patterns, or to all of them.",
    ),
    subscribe: Spec::new(
        "subscribe",
        -2,
        bits!(Flags: PUBSUB | NOSCRIPT | LOADING | STALE),
        Group::Pubsub,
    )
    .role(Role::WHILE_SUBSCRIBED)
    .docs(
        "2.0.0",
        "O(N) for N channels",
        "channel [channel ...]",
        "Listens to channels.",
    ),
    unsubscribe: Spec::new(
        "unsubscribe",
        -1,
        bits!(Flags: PUBSUB | NOSCRIPT | LOADING | STALE),
        Group::Pubsub,
    )
    .role(Role::WHILE_SUBSCRIBED)
    .docs(
        "2.0.0",
        "O(N) for N channels",
        "[channel [channel ...]]",
        "Stops listening to channels, or to all of them.",
    ),
}

/// The container is never run: it needs a subcommand.
fn container<O: Observer>(_cx: &mut Cx<'_, O>) -> Outcome {
    Err(Error::Arity("pubsub"))
}

fn publish<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (channel, message) = (cx.args.at(1), cx.args.at(2));
    let receivers = cx.post().publish(channel, message);
    cx.state.stats.published += 1;
    if O::ACTIVE {
        let event = Event::Published { channel, receivers: receivers as u32 };
        cx.observer.event(cx.now, event);
    }
    cx.out().count(receivers);
    Ok(Flow::Done)
}

fn subscribe<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    cx.conn.check_names(cx.args.from(1))?;
    for channel in cx.args.from(1).iter() {
        if cx.state.pubsub.subscribe(cx.conn, channel) {
            cx.conn.note_name(channel);
        }
        confirm(cx, b"subscribe", Some(channel));
    }
    Ok(Flow::Done)
}

fn psubscribe<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    cx.conn.check_names(cx.args.from(1))?;
    for pattern in cx.args.from(1).iter() {
        if cx.state.pubsub.psubscribe(cx.conn, pattern) {
            cx.conn.note_name(pattern);
        }
        confirm(cx, b"psubscribe", Some(pattern));
    }
    Ok(Flow::Done)
}

fn unsubscribe<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let channels: Vec<Box<[u8]>> = match cx.args.len() {
        1 => cx.conn.channels.iter().map(|channel| channel.name.clone()).collect(),
        _ => cx.args.from(1).iter().map(Box::from).collect(),
    };
    for channel in &channels {
        if cx.state.pubsub.unsubscribe(cx.conn, channel) {
            cx.conn.drop_name(channel);
        }
        confirm(cx, b"unsubscribe", Some(channel));
    }
    if channels.is_empty() {
        confirm(cx, b"unsubscribe", None);
    }
    Ok(Flow::Done)
}

fn punsubscribe<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let patterns: Vec<Box<[u8]>> = match cx.args.len() {
        1 => cx.conn.patterns.iter().map(|pattern| pattern.name.clone()).collect(),
        _ => cx.args.from(1).iter().map(Box::from).collect(),
    };
    for pattern in &patterns {
        if cx.state.pubsub.punsubscribe(cx.conn, pattern) {
            cx.conn.drop_name(pattern);
        }
        confirm(cx, b"punsubscribe", Some(pattern));
    }
    if patterns.is_empty() {
        confirm(cx, b"punsubscribe", None);
    }
    Ok(Flow::Done)
}

/// Says what was subscribed to or not any more, and to how many topics the connection listens now.
fn confirm<O: Observer>(cx: &mut Cx<'_, O>, kind: &[u8], topic: Option<&[u8]>) {
    let count = cx.conn.subscriptions();
    let out = cx.out();
    out.push(3);
    out.bulk(kind);
    out.bulk_or_null(topic);
    out.count(count);
}

/// Stops listening to everything, silently.
pub(super) fn unsubscribe_all<O: Observer>(cx: &mut Cx<'_, O>) {
    cx.state.pubsub.forget(cx.conn);
    let channels = core::mem::take(&mut cx.conn.channels);
    let patterns = core::mem::take(&mut cx.conn.patterns);
    channels.iter().chain(patterns.iter()).for_each(|name| cx.conn.drop_name(&name.name));
}

fn pubsub_channels<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    if cx.args.len() > 3 {
        return Err(Error::Arity("pubsub|channels"));
    }
    let pattern = cx.args.get(2);
    let out = &mut cx.conn.out.reply;
    let place = out.deferred();
    let mut count = 0;
    for channel in cx.state.pubsub.channels() {
        if pattern.is_none_or(|pattern| glob::matches(pattern, channel)) {
            out.bulk(channel);
            count += 1;
        }
    }
    out.set_array(place, count);
    Ok(Flow::Done)
}

fn pubsub_numsub<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let channels = cx.args.from(2);
    let out = &mut cx.conn.out.reply;
    out.array(channels.len() * 2);
    for channel in channels.iter() {
        out.bulk(channel);
        out.count(cx.state.pubsub.listeners(channel));
    }
    Ok(Flow::Done)
}

fn pubsub_numpat<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let count = cx.state.pubsub.pattern_count();
    cx.out().count(count);
    Ok(Flow::Done)
}

fn pubsub_help<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    super::help(cx, "pubsub")
}
