//! LATENCY: what took long, and how long commands take.

use super::arguments::is_word;
use super::{Error, Flags, Flow, Group, Outcome, Role, Spec, Tips, all};
use crate::config::Id;
use crate::node::{BUCKETS, Cx, Spike};
use crate::observer::Observer;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

rows! {
    container: Spec::new("latency", -2, Flags::empty(), Group::Server)
    .role(Role::CONTAINER)
    .docs("2.8.13", "Depends on the subcommand", "", "Tells what took long."),
    doctor: Spec::new(
        "latency|doctor",
        2,
        bits!(Flags: ADMIN | NOSCRIPT | LOADING | STALE),
        Group::Server,
    )
    .tips(bits!(Tips: NONDETERMINISTIC_OUTPUT | REQUEST_ALL_NODES | RESPONSE_SPECIAL))
    .docs("2.8.13", "O(1)", "", "Sums up what took long, in words."),
    graph: Spec::new(
        "latency|graph",
        3,
        bits!(Flags: ADMIN | NOSCRIPT | LOADING | STALE),
        Group::Server,
    )
    .tips(bits!(Tips: NONDETERMINISTIC_OUTPUT | REQUEST_ALL_NODES | RESPONSE_SPECIAL))
    .docs("2.8.13", "O(1)", "event", "Draws the latest spikes of one kind."),
    help: Spec::new("latency|help", 2, bits!(Flags: LOADING | STALE), Group::Server)
    .docs("2.8.13", "O(1)", "", "Lists the subcommands of LATENCY."),
    histogram: Spec::new(
        "latency|histogram",
        -2,
        bits!(Flags: ADMIN | NOSCRIPT | LOADING | STALE),
        Group::Server,
    )
    .tips(bits!(Tips: NONDETERMINISTIC_OUTPUT | REQUEST_ALL_NODES | RESPONSE_SPECIAL))
    .docs(
        "7.0.0",
        "O(N) for N commands",
        "[command [command ...]]",
        "How often commands took how long.",
    ),
    history: Spec::new(
        "latency|history",
        3,
        bits!(Flags: ADMIN | NOSCRIPT | LOADING | STALE),
        Group::Server,
    )
    .tips(bits!(Tips: NONDETERMINISTIC_OUTPUT | REQUEST_ALL_NODES | RESPONSE_SPECIAL))
    .docs("2.8.13", "O(1)", "event", "The latest spikes of one kind."),
    latest: Spec::new(
        "latency|latest",
        2,
        bits!(Flags: ADMIN | NOSCRIPT | LOADING | STALE),
        Group::Server,
    )
    .tips(bits!(Tips: NONDETERMINISTIC_OUTPUT | REQUEST_ALL_NODES | RESPONSE_SPECIAL))
    .docs("2.8.13", "O(1)", "", "The last and the worst spike of each kind."),
    reset: Spec::new(
        "latency|reset",
        -2,
        bits!(Flags: ADMIN | NOSCRIPT | LOADING | STALE),
        Group::Server,
    )
    .tips(bits!(Tips: REQUEST_ALL_NODES | RESPONSE_AGG_SUM))
    .docs("2.8.13", "O(1)", "[event [event ...]]", "Forgets spikes: of these kinds or all."),
}

/// The container is never run: it needs a subcommand.
fn container<O: Observer>(_cx: &mut Cx<'_, O>) -> Outcome {
    Err(Error::Arity("latency"))
}

fn help<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    super::help(cx, "latency")
}

fn kind(name: &[u8]) -> Option<Spike> {
    Spike::ALL.into_iter().find(|spike| is_word(name, spike.name()))
}

fn latest<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let latency = &cx.state.latency;
    let out = &mut cx.conn.out.reply;
    let place = out.deferred();
    let mut kinds = 0;
    for spike in Spike::ALL {
        let spikes = latency.spikes(spike);
        let Some(&(at, ms)) = spikes.samples.back() else { continue };
        kinds += 1;
        out.array(6);
        out.bulk(spike.name().as_bytes());
        for number in [at, ms, spikes.max_ms, spikes.sum_ms, spikes.count] {
            out.integer(number as i64);
        }
    }
    out.set_array(place, kinds);
    Ok(Flow::Done)
}

fn history<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let spikes = kind(cx.args.at(2)).map(|spike| cx.state.latency.spikes(spike));
    let out = &mut cx.conn.out.reply;
    out.array(spikes.map_or(0, |spikes| spikes.samples.len()));
    for &(at, ms) in spikes.iter().flat_map(|spikes| &spikes.samples) {
        out.array(2);
        out.integer(at as i64);
        out.integer(ms as i64);
    }
    Ok(Flow::Done)
}

fn reset<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let kinds: Vec<Spike> = match cx.args.len() {
        2 => Spike::ALL.to_vec(),
        _ => cx.args.from(2).iter().filter_map(kind).collect(),
    };
    let count = kinds.into_iter().filter(|&spike| cx.state.latency.forget(spike)).count();
    cx.out().count(count);
    Ok(Flow::Done)
}

/// Rows and columns of a graph.
const GRAPH: (u64, usize) = (4, 80);

/// Each spike is a column of marks, as high as it took long beside the longest one shown.
fn graph<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let event = cx.args.at(2);
    let spikes = kind(event).map(|spike| (spike, cx.state.latency.spikes(spike)));
    let Some((spike, spikes)) = spikes.filter(|(_, spikes)| spikes.count > 0) else {
        let event = super::shown(event);
        return Err(Error::Owned(format!("ERR No samples available for event '{event}'")));
    };
    let (rows, columns) = GRAPH;
    let shown = spikes.samples.iter().skip(spikes.samples.len().saturating_sub(columns));
    let took: Vec<u64> = shown.map(|&(_, ms)| ms).collect();
    let (low, high) = (took.iter().min().unwrap_or(&0), took.iter().max().unwrap_or(&0));
    let mut text = format!(
        "{} - high {high} ms, low {low} ms (all time high {} ms)\n",
        spike.name(),
        spikes.max_ms
    );
    text.push_str(&"-".repeat(columns));
    for row in (1..=rows).rev() {
        text.push('\n');
        // The lowest row is for all of them.
        let reaches = |ms: u64| ms * rows > (row - 1) * high || row == 1;
        text.extend(took.iter().map(|&ms| if reaches(ms) { '#' } else { ' ' }));
    }
    text.push('\n');
    cx.out().verbatim(text.as_bytes());
    Ok(Flow::Done)
}

fn doctor<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let threshold = cx.state.config.number(Id::LatencyMonitorThreshold);
    let mut text = String::new();
    for spike in Spike::ALL {
        let spikes = cx.state.latency.spikes(spike);
        if let Some(mean) = spikes.sum_ms.checked_div(spikes.count) {
            let (name, count, max) = (spike.name(), spikes.count, spikes.max_ms);
            text.push_str(&format!("{name}: {count} spikes, mean {mean} ms, worst {max} ms\n"));
        }
    }
    if threshold == 0 {
        text.push_str(
            "Nothing is watched: CONFIG SET latency-monitor-threshold <milliseconds> begins it.\n",
        );
    } else if text.is_empty() {
        text = format!("Nothing has taken {threshold} ms or more.\n");
    }
    cx.out().verbatim(text.as_bytes());
    Ok(Flow::Done)
}

/// Counts of calls by the time that they took at most: what wasn't timed is taken to be like what
/// was.
fn histogram<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let wanted = cx.args.from(2);
    let (latency, tally) = (&cx.state.latency, &cx.state.tally);
    let out = &mut cx.conn.out.reply;
    // In RESP2 a map is an array of twice its length: its length must be known.
    let found: Vec<_> = all()
        .enumerate()
        .filter(|(_, spec)| {
            let names = || [Some(spec.name), spec.container()].into_iter().flatten();
            let named = |name: &[u8]| names().any(|own| is_word(name, own));
            wanted.is_empty() || wanted.iter().any(named)
        })
        .map(|(index, spec)| (spec, tally.calls(index), latency.histogram(index)))
        .filter(|(_, calls, _)| calls.timed > 0)
        .collect();
    out.map(found.len());
    for (spec, calls, buckets) in found {
        out.bulk(spec.name.as_bytes());
        out.map(2);
        out.bulk(b"calls");
        out.integer(calls.done as i64);
        out.bulk(b"histogram_usec");
        let filled: Vec<usize> = (0..BUCKETS).filter(|&i| buckets[i] > 0).collect();
        out.map(filled.len());
        for i in filled {
            let upto: u64 = buckets[..=i].iter().sum();
            let share = upto as f64 / calls.timed.max(1) as f64;
            out.integer(1 << i);
            out.integer((share * calls.done as f64) as i64);
        }
    }
    Ok(Flow::Done)
}
