//! INFO: what the server says of itself, by section.
//!
//! Names and formats are those that clients and exporters parse. A field whose value nobody here
//! knows (resident memory, the operating system) is left out, not made up.

use super::super::{Flow, Outcome, all};
use super::REDIS_VERSION;
use crate::config::Id;
use crate::node::{ConnFlags, Connection, Cx, Topics};
use crate::observer::Observer;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

/// The sections in the order in which they are shown: name, title, whether shown by default.
const SECTIONS: [(&str, &str, bool); 10] = [
    ("server", "Server", true),
    ("clients", "Clients", true),
    ("memory", "Memory", true),
    ("persistence", "Persistence", true),
    ("stats", "Stats", true),
    ("replication", "Replication", true),
    ("commandstats", "Commandstats", false),
    ("errorstats", "Errorstats", true),
    ("cluster", "Cluster", true),
    ("keyspace", "Keyspace", true),
];

/// Writes a line. Writing to a string can't fail.
macro_rules! line {
    ($out:expr, $($arg:tt)*) => {
        let _ = write!($out, $($arg)*);
        $out.push_str("\r\n");
    };
}

mod persistence;

pub(super) fn info<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let mut chosen = [false; SECTIONS.len()];
    for asked in cx.args.from(1).iter() {
        for (chosen, (name, _, default)) in chosen.iter_mut().zip(SECTIONS) {
            *chosen |= asked.eq_ignore_ascii_case(name.as_bytes())
                || asked.eq_ignore_ascii_case(b"all")
                || asked.eq_ignore_ascii_case(b"everything")
                || (default && asked.eq_ignore_ascii_case(b"default"));
        }
    }
    if cx.args.len() == 1 {
        chosen = SECTIONS.map(|(_, _, default)| default);
    }
    let mut out = String::new();
    for (_, (name, title, _)) in chosen.iter().zip(SECTIONS).filter(|(chosen, _)| **chosen) {
        if !out.is_empty() {
            out.push_str("\r\n");
        }
        line!(out, "# {title}");
        match name {
            "server" => server(&mut out, cx),
            "clients" => clients(&mut out, cx),
            "memory" => memory(&mut out, cx),
            "persistence" => persistence::show(&mut out, cx),
            "stats" => stats(&mut out, cx),
            "replication" => super::super::replication::shown::info(&mut out, cx),
            "commandstats" => commandstats(&mut out, cx),
            "errorstats" => errorstats(&mut out, cx),
            "cluster" => {
                line!(out, "cluster_enabled:0");
            }
            _ => keyspace(&mut out, cx),
        }
    }
    cx.out().verbatim(out.as_bytes());
    Ok(Flow::Done)
}

fn everyone<'a, O: Observer>(cx: &'a Cx<'_, O>) -> impl Iterator<Item = &'a Connection> {
    cx.conns.iter().chain(core::iter::once(&*cx.conn)).filter(|conn| !conn.has(ConnFlags::REPLAY))
}

fn server<O: Observer>(out: &mut String, cx: &Cx<'_, O>) {
    let state = &*cx.state;
    let uptime = cx.now.mono_us.saturating_sub(state.started.mono_us) / 1_000_000;
    let hz = state.config.number(Id::Hz);
    line!(out, "redis_version:{REDIS_VERSION}");
    line!(out, "server_name:larder");
    line!(out, "larder_version:{}", env!("CARGO_PKG_VERSION"));
    line!(out, "redis_mode:standalone");
    line!(out, "server_mode:standalone");
    line!(out, "run_id:{}", state.run_id);
    line!(out, "tcp_port:{}", state.config.number(Id::Port));
    line!(out, "server_time_usec:{}", cx.now.wall_us);
    line!(out, "uptime_in_seconds:{uptime}");
    line!(out, "uptime_in_days:{}", uptime / 86_400);
    line!(out, "hz:{hz}");
    line!(out, "configured_hz:{hz}");
}

fn clients<O: Observer>(out: &mut String, cx: &Cx<'_, O>) {
    let state = &*cx.state;
    let count = |wanted: fn(&Connection) -> bool| everyone(cx).filter(|c| wanted(c)).count();
    let most = |size: fn(&Connection) -> usize| everyone(cx).map(size).max().unwrap_or(0);
    let watched: usize = everyone(cx).map(|conn| conn.watched.len()).sum();
    line!(out, "connected_clients:{}", count(|conn| !conn.is_follower()));
    line!(out, "cluster_connections:0");
    line!(out, "maxclients:{}", state.config.number(Id::Maxclients));
    line!(out, "client_recent_max_input_buffer:{}", most(Connection::unread_input));
    line!(out, "client_recent_max_output_buffer:{}", most(|conn| conn.out.len()));
    let waiting = state.blocked.clients() + state.replication.waiters.len();
    line!(out, "blocked_clients:{waiting}");
    line!(out, "tracking_clients:{}", state.tracking.clients());
    line!(out, "pubsub_clients:{}", count(Connection::listens));
    line!(out, "watching_clients:{}", count(|conn| conn.watched.len() > 0));
    line!(out, "total_watched_keys:{watched}");
    line!(out, "total_blocking_keys:{}", state.blocked.keys());
    let pause = state.pause.filter(|pause| pause.until_us > cx.now.mono_us);
    let left_us = pause.map_or(0, |pause| pause.until_us - cx.now.mono_us);
    line!(out, "paused_reason:{}", if pause.is_some() { "client_pause" } else { "none" });
    let actions = match pause {
        None => "none",
        Some(pause) if pause.writes_only => "write",
        Some(_) => "all",
    };
    line!(out, "paused_actions:{actions}");
    line!(out, "paused_timeout_milliseconds:{}", left_us / 1000);
}

/// Bytes that are accounted for, the same on every platform; not what the process has taken.
fn memory<O: Observer>(out: &mut String, cx: &Cx<'_, O>) {
    let state = &*cx.state;
    let data = state.keyspace.used_bytes();
    let clients: u64 = everyone(cx).map(|conn| conn.held_bytes() as u64).sum();
    let eviction = state.evictor.bytes(&state.config);
    let overhead = clients + eviction;
    let used = data + overhead;
    let peak = state.stats.peak_bytes.max(used);
    let limit = state.config.number(Id::Maxmemory) as u64;
    line!(out, "used_memory:{used}");
    line!(out, "used_memory_human:{}", human(used));
    line!(out, "used_memory_peak:{peak}");
    line!(out, "used_memory_peak_human:{}", human(peak));
    line!(out, "used_memory_peak_perc:{}%", percent(used, peak));
    line!(out, "used_memory_overhead:{overhead}");
    line!(out, "used_memory_dataset:{data}");
    line!(out, "used_memory_dataset_perc:{}%", percent(data, used));
    line!(out, "maxmemory:{limit}");
    line!(out, "maxmemory_human:{}", human(limit));
    line!(out, "maxmemory_policy:{}", state.config.word(Id::MaxmemoryPolicy));
    line!(out, "mem_clients_normal:{clients}");
    line!(out, "mem_eviction:{eviction}");
    line!(out, "mem_page_slack:{}", state.keyspace.slack_bytes());
    line!(out, "lazyfree_pending_objects:{}", state.keyspace.pending_frees());
}

/// `1.50M`, as clients know it.
fn human(bytes: u64) -> String {
    if bytes < 1024 {
        return format!("{bytes}B");
    }
    let mut size = 1024;
    let mut unit = 'K';
    for next in ['M', 'G', 'T', 'P'] {
        if bytes / 1024 < size {
            break;
        }
        size *= 1024;
        unit = next;
    }
    format!("{}{unit}", two_places(bytes, size))
}

fn percent(part: u64, whole: u64) -> String {
    if whole == 0 { two_places(100, 1) } else { two_places(part.saturating_mul(100), whole) }
}

/// A quotient to two places behind the point. (Floats bring much more code to the page.)
fn two_places(number: u64, by: u64) -> String {
    let hundredths = (number.saturating_mul(100).saturating_add(by / 2)) / by;
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

fn stats<O: Observer>(out: &mut String, cx: &Cx<'_, O>) {
    let state = &*cx.state;
    let stats = &state.stats;
    let [commands, bytes_in, bytes_out] = state.rates.per_second();
    let kib = |bytes: u64| two_places(bytes, 1024);
    line!(out, "total_connections_received:{}", stats.connections_received);
    line!(out, "total_commands_processed:{}", stats.commands);
    line!(out, "instantaneous_ops_per_sec:{commands}");
    line!(out, "total_net_input_bytes:{}", stats.net_input_bytes);
    line!(out, "total_net_output_bytes:{}", stats.net_output_bytes);
    line!(out, "instantaneous_input_kbps:{}", kib(bytes_in));
    line!(out, "instantaneous_output_kbps:{}", kib(bytes_out));
    line!(out, "rejected_connections:{}", stats.rejected_connections);
    let followed = state.replication.counts;
    line!(out, "sync_full:{}", followed.full);
    line!(out, "sync_partial_ok:{}", followed.partial);
    line!(out, "sync_partial_err:{}", followed.partial_refused);
    line!(out, "expired_keys:{}", stats.expired);
    line!(out, "expired_fields:{}", stats.expired_fields);
    line!(out, "evicted_keys:{}", stats.evicted);
    line!(out, "keyspace_hits:{}", stats.hits);
    line!(out, "keyspace_misses:{}", stats.misses);
    line!(out, "pubsub_channels:{}", state.pubsub.count(Topics::Channels));
    line!(out, "pubsub_patterns:{}", state.pubsub.count(Topics::Patterns));
    line!(out, "pubsubshard_channels:{}", state.pubsub.count(Topics::ShardChannels));
    let [keys, items, prefixes] = state.tracking.totals();
    line!(out, "tracking_total_keys:{keys}");
    line!(out, "tracking_total_items:{items}");
    line!(out, "tracking_total_prefixes:{prefixes}");
    line!(out, "total_error_replies:{}", stats.errors);
    line!(out, "client_query_buffer_limit_disconnections:{}", stats.query_limit_closes);
    line!(out, "client_output_buffer_limit_disconnections:{}", stats.output_limit_closes);
}

/// Only a host could measure how long a command took: its time is given as 0.
fn commandstats<O: Observer>(out: &mut String, cx: &Cx<'_, O>) {
    for (index, spec) in all().enumerate() {
        let calls = cx.state.tally.calls(index);
        if calls.done + calls.rejected > 0 {
            line!(
                out,
                "cmdstat_{}:calls={},usec={},usec_per_call={:.2},rejected_calls={},failed_calls={}",
                spec.name,
                calls.done,
                calls.total_ns() / 1000,
                calls.timed_ns as f64 / 1000.0 / calls.timed.max(1) as f64,
                calls.rejected,
                calls.failed
            );
        }
    }
}

fn errorstats<O: Observer>(out: &mut String, cx: &Cx<'_, O>) {
    for (code, count) in cx.state.tally.errors() {
        line!(out, "errorstat_{}:count={count}", String::from_utf8_lossy(code));
    }
}

fn keyspace<O: Observer>(out: &mut String, cx: &Cx<'_, O>) {
    let keyspace = &cx.state.keyspace;
    let dbs: Vec<u32> = (0..keyspace.databases()).filter(|&db| keyspace.len(db) > 0).collect();
    for db in dbs {
        let (keys, expires) = (keyspace.len(db), keyspace.volatile_len(db));
        let timed = keyspace.timed_len(db);
        let sizes = format_args!("keys={keys},expires={expires},avg_ttl=0");
        line!(out, "db{db}:{sizes},keys_with_volatile_items={timed}");
    }
}
