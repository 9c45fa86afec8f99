//! Publish and subscribe: channels and patterns.

use super::{Error, Flags, Flow, Group, KeyFlags, KeySpec, Outcome, Role, Spec, shown};
use crate::glob;
use crate::node::{Cx, Topics};
use crate::observer::{Event, Observer};
use alloc::boxed::Box;
use alloc::format;
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
    pubsub_shardchannels: Spec::new(
        "pubsub|shardchannels",
        -2,
        bits!(Flags: PUBSUB | LOADING | STALE),
        Group::Pubsub,
    )
    .docs(
        "7.0.0",
        "O(N) for N shard channels",
        "[pattern]",
        "The shard channels that someone listens to.",
    ),
    pubsub_shardnumsub: Spec::new(
        "pubsub|shardnumsub",
        -2,
        bits!(Flags: PUBSUB | LOADING | STALE),
        Group::Pubsub,
    )
    .docs(
        "7.0.0",
        "O(N) for N shard channels",
        "[shardchannel [shardchannel ...]]",
        "How many listen to each of these shard channels.",
    ),
    spublish: Spec::new(
        "spublish",
        3,
        bits!(Flags: PUBSUB | LOADING | STALE | FAST),
        Group::Pubsub,
    )
    .role(Role::REACHES_OUT)
    .keys(&[KeySpec::one(1, KeyFlags::NOT_KEY)])
    .docs(
        "7.0.0",
        "O(N) for N listeners of the shard channel",
        "shardchannel message",
        "Sends a message to all who listen to a shard channel.",
    ),
    ssubscribe: Spec::new(
        "ssubscribe",
        -2,
        bits!(Flags: PUBSUB | NOSCRIPT | LOADING | STALE),
        Group::Pubsub,
    )
    .role(Role::WHILE_SUBSCRIBED)
    .keys(&[KeySpec::range(1, -1, 1, KeyFlags::NOT_KEY)])
    .docs(
        "7.0.0",
        "O(N) for N shard channels",
        "shardchannel [shardchannel ...]",
        "Listens to shard channels.",
    ),
    sunsubscribe: Spec::new(
        "sunsubscribe",
        -1,
        bits!(Flags: PUBSUB | NOSCRIPT | LOADING | STALE),
        Group::Pubsub,
    )
    .role(Role::WHILE_SUBSCRIBED)
    .keys(&[KeySpec::range(1, -1, 1, KeyFlags::NOT_KEY)])
    .docs(
        "7.0.0",
        "O(N) for N shard channels",
        "[shardchannel [shardchannel ...]]",
        "Stops listening to shard channels, or to all of them.",
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
    note_published(cx, channel, receivers);
    Ok(Flow::Done)
}

fn spublish<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (channel, message) = (cx.args.at(1), cx.args.at(2));
    let receivers = cx.post().publish_to_shard(channel, message);
    note_published(cx, channel, receivers);
    Ok(Flow::Done)
}

fn note_published<O: Observer>(cx: &mut Cx<'_, O>, channel: &[u8], receivers: usize) {
    cx.state.stats.published += 1;
    let (db, args) = (cx.conn.db, cx.args);
    cx.state.effects.append_for_followers(db, args);
    if O::ACTIVE {
        let event = Event::Published { channel, receivers: receivers as u32 };
        cx.observer.event(cx.now, event);
    }
    cx.out().count(receivers);
}

fn subscribe<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    listen(cx, Topics::Channels)
}

fn psubscribe<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    listen(cx, Topics::Patterns)
}

fn ssubscribe<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    listen(cx, Topics::ShardChannels)
}

fn listen<O: Observer>(cx: &mut Cx<'_, O>, which: Topics) -> Outcome {
    cx.conn.check_names(cx.args.from(1))?;
    for name in cx.args.from(1).iter() {
        if cx.state.pubsub.subscribe(cx.conn, which, name) {
            cx.conn.note_name(name);
        }
        confirm(cx, which, Some(name));
    }
    Ok(Flow::Done)
}

fn unsubscribe<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    unlisten(cx, Topics::Channels)
}

fn punsubscribe<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    unlisten(cx, Topics::Patterns)
}

fn sunsubscribe<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    unlisten(cx, Topics::ShardChannels)
}

fn unlisten<O: Observer>(cx: &mut Cx<'_, O>, which: Topics) -> Outcome {
    let names: Vec<Box<[u8]>> = match cx.args.len() {
        1 => cx.conn.topics[which as usize].iter().map(|name| name.name.clone()).collect(),
        _ => cx.args.from(1).iter().map(Box::from).collect(),
    };
    for name in &names {
        if cx.state.pubsub.unsubscribe(cx.conn, which, name) {
            cx.conn.drop_name(name);
        }
        confirm(cx, which, Some(name));
    }
    if names.is_empty() {
        confirm(cx, which, None);
    }
    Ok(Flow::Done)
}

/// Says what was subscribed to or not any more, and to how many topics the connection listens now:
/// shard channels are counted by themselves.
fn confirm<O: Observer>(cx: &mut Cx<'_, O>, which: Topics, topic: Option<&[u8]>) {
    let count = match which {
        Topics::ShardChannels => cx.conn.subscriptions(which),
        _ => cx.conn.subscriptions(Topics::Channels) + cx.conn.subscriptions(Topics::Patterns),
    };
    let out = &mut cx.conn.out.reply;
    out.push(3);
    out.bulk(cx.spec.name.as_bytes());
    out.bulk_or_null(topic);
    out.count(count);
}

/// Stops listening to everything, silently.
pub(super) fn unsubscribe_all<O: Observer>(cx: &mut Cx<'_, O>) {
    cx.state.pubsub.forget(cx.conn);
    for names in core::mem::take(&mut cx.conn.topics) {
        names.iter().for_each(|name| cx.conn.drop_name(&name.name));
    }
}

fn pubsub_channels<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    list(cx, Topics::Channels)
}

fn pubsub_shardchannels<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    list(cx, Topics::ShardChannels)
}

fn list<O: Observer>(cx: &mut Cx<'_, O>, which: Topics) -> Outcome {
    if cx.args.len() > 3 {
        return Err(Error::Owned(format!(
            "ERR unknown subcommand or wrong number of arguments for '{}'. Try PUBSUB HELP.",
            shown(cx.args.at(1))
        )));
    }
    let pattern = cx.args.get(2);
    let out = &mut cx.conn.out.reply;
    let place = out.deferred();
    let mut count = 0;
    for name in cx.state.pubsub.names(which) {
        if pattern.is_none_or(|pattern| glob::matches(pattern, name)) {
            out.bulk(name);
            count += 1;
        }
    }
    out.set_array(place, count);
    Ok(Flow::Done)
}

fn pubsub_numsub<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    count_listeners(cx, Topics::Channels)
}

fn pubsub_shardnumsub<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    count_listeners(cx, Topics::ShardChannels)
}

fn count_listeners<O: Observer>(cx: &mut Cx<'_, O>, which: Topics) -> Outcome {
    let names = cx.args.from(2);
    let out = &mut cx.conn.out.reply;
    out.array(names.len() * 2);
    for name in names.iter() {
        out.bulk(name);
        out.count(cx.state.pubsub.listeners(which, name));
    }
    Ok(Flow::Done)
}

fn pubsub_numpat<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let count = cx.state.pubsub.count(Topics::Patterns);
    cx.out().count(count);
    Ok(Flow::Done)
}

fn pubsub_help<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    super::help(cx, "pubsub")
}
