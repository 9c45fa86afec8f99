//! The results: a table for people, JSON for programs.

use super::options::{Plan, Run};
use super::tally::{OpTally, Tally};
use hdrhistogram::Histogram;
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// The percentiles that are told, with their names.
const PERCENTILES: &[(&str, f64)] =
    &[("p50", 50.0), ("p90", 90.0), ("p99", 99.0), ("p99.9", 99.9), ("p99.99", 99.99)];

/// A run with its results.
pub(crate) struct Finished<'a> {
    pub(crate) run: &'a Run,
    pub(crate) tally: Tally,
}

impl Finished<'_> {
    fn seconds(&self) -> f64 {
        self.tally.last as f64 / 1e9
    }

    fn unanswered(&self) -> u64 {
        self.tally.sent - self.tally.all().answered()
    }

    fn name(&self) -> String {
        let name = &self.run.workload.name;
        if self.run.prefill { format!("{name} (prefill)") } else { name.clone() }
    }

    /// The share of lookups that found something; none when nothing was looked up. Only kinds of
    /// requests that `wanted` names count.
    fn hit_ratio(&self, wanted: impl Fn(&str) -> bool) -> Option<f64> {
        let ops = self.run.workload.ops.iter().zip(&self.tally.ops);
        let (mut good, mut nils) = (0, 0);
        for (_, tally) in ops.filter(|(op, _)| op.looks_up && wanted(&op.name)) {
            good += tally.answered() - tally.errors;
            nils += tally.nils;
        }
        (good > 0).then(|| (good - nils) as f64 / good as f64)
    }

    /// The kinds of requests, and when there are several also all of them together; each with its
    /// hit ratio.
    fn rows(&self) -> Vec<(&str, OpTally, Option<f64>)> {
        let ops = self.run.workload.ops.iter().zip(&self.tally.ops);
        let ratio = |name: &str| self.hit_ratio(|op| op == name);
        let mut rows: Vec<_> =
            ops.map(|(op, tally)| (&*op.name, tally.clone(), ratio(&op.name))).collect();
        if rows.len() > 1 {
            rows.push(("all", self.tally.all(), self.hit_ratio(|_| true)));
        }
        rows
    }
}

/// What was asked for, in a line.
pub(crate) fn heading(plan: &Plan) -> String {
    let Plan { host, port, clients, threads, keyspace, style, runs, .. } = plan;
    let run = runs.last().expect("a plan has a run");
    let load = match run.rate {
        Some((rate, 1)) => format!("{rate} requests a second"),
        Some((rate, burst)) => format!("{rate} requests a second in bursts of {burst}"),
        None => "as fast as it goes".into(),
    };
    format!(
        "larder bench of {host}:{port}: {clients} connections, pipeline {}, threads {threads}, {load}; \
         {keyspace} keys, {}; {}-byte values",
        run.pipeline, run.distribution, style.sizes
    )
}

/// The table of one run.
pub(crate) fn table(finished: &Finished<'_>) -> String {
    let tally = &finished.tally;
    let mut text = format!("\n{}: {:.2} s\n", finished.name(), finished.seconds());
    let rows = finished.rows();
    let width = rows.iter().map(|(name, ..)| name.chars().count()).max().unwrap_or(0).max(4);
    let _ = write!(
        text,
        "  {:<width$} {:>12} {:>11} {:>7} {:>7}",
        "", "requests", "a second", "errors", "hits"
    );
    for name in ["mean"].into_iter().chain(PERCENTILES.iter().map(|p| p.0)).chain(["max"]) {
        let _ = write!(text, " {name:>9}");
    }
    text += "  ms\n";
    for (name, op, hits) in rows {
        let rate = rate(op.answered(), finished.seconds());
        let _ =
            write!(text, "  {name:<width$} {:>12} {rate:>11.0} {:>7}", op.answered(), op.errors);
        let hits = hits.map_or_else(|| "-".into(), |hits| format!("{:.2}%", hits * 100.0));
        let _ = write!(text, " {hits:>7}");
        let h = &op.latencies;
        let values = PERCENTILES.iter().map(|p| h.value_at_percentile(p.1) as f64);
        for nanos in std::iter::once(h.mean()).chain(values).chain([h.max() as f64]) {
            let _ = write!(text, " {:>9.3}", nanos / 1e6);
        }
        text.push('\n');
    }
    if !tally.late.is_empty() {
        let late = |p| tally.late.value_at_percentile(p) as f64 / 1e6;
        let _ = writeln!(
            text,
            "  Requests left after they were due by {:.3} ms (p50), {:.3} ms (p99), {:.3} ms (max).",
            late(50.0),
            late(99.0),
            late(100.0)
        );
    }
    if tally.unsent > 0 {
        let _ = writeln!(
            text,
            "  The server did not keep up: {} requests were due and never left; their latency is in \
             no figure.",
            tally.unsent
        );
    }
    if finished.unanswered() > 0 {
        let _ = writeln!(text, "  {} requests were not answered.", finished.unanswered());
    }
    if let Some(error) = &tally.first_error {
        let _ = writeln!(text, "  The first error: {error}");
    }
    text
}

/// All of it.
pub(crate) fn json(plan: &Plan, finished: &[Finished<'_>], interrupted: bool) -> Value {
    let runs: Vec<Value> = finished.iter().map(run_json).collect();
    json!({
        "larder": env!("CARGO_PKG_VERSION"),
        "host": plan.host,
        "port": plan.port,
        "protocol": format!("{:?}", plan.style.protocol).to_lowercase(),
        "clients": plan.clients,
        "threads": plan.threads,
        "keyspace": plan.keyspace,
        "key_prefix": plan.style.key_prefix,
        "data_size": plan.style.sizes.to_string(),
        "expire_seconds": plan.style.expire,
        "seed": plan.seed,
        "interrupted": interrupted,
        "runs": runs,
    })
}

fn run_json(finished: &Finished<'_>) -> Value {
    let Finished { run, tally } = finished;
    let all = tally.all();
    let ops: Map<String, Value> = finished
        .rows()
        .into_iter()
        .map(|(name, op, hits)| (name.to_owned(), op_json(&op, hits, finished)))
        .collect();
    json!({
        "name": run.workload.name,
        "prefill": run.prefill,
        "pipeline": run.pipeline,
        "distribution": run.distribution.to_string(),
        "rate": run.rate.map(|(rate, _)| rate),
        "burst": run.rate.map(|(_, burst)| burst),
        "seconds": finished.seconds(),
        "sent": tally.sent,
        "answered": all.answered(),
        "unanswered": finished.unanswered(),
        "unsent": tally.unsent,
        "errors": all.errors,
        "first_error": tally.first_error,
        "failure": tally.failure,
        "hit_ratio": finished.hit_ratio(|_| true),
        "requests_per_second": rate(all.answered(), finished.seconds()),
        "bytes_sent": tally.bytes_sent,
        "bytes_received": tally.bytes_received,
        "latency_us": latencies(&all.latencies),
        "late_us": if run.rate.is_some() { latencies(&tally.late) } else { Value::Null },
        "ops": ops,
    })
}

fn op_json(op: &OpTally, hits: Option<f64>, finished: &Finished<'_>) -> Value {
    json!({
        "answered": op.answered(),
        "errors": op.errors,
        "hit_ratio": hits,
        "requests_per_second": rate(op.answered(), finished.seconds()),
        "latency_us": latencies(&op.latencies),
    })
}

fn latencies(histogram: &Histogram<u64>) -> Value {
    let micros = |nanos: f64| json!(nanos / 1e3);
    let mut map = Map::new();
    map.insert("mean".into(), micros(histogram.mean()));
    map.insert("min".into(), micros(histogram.min() as f64));
    for (name, percentile) in PERCENTILES {
        let nanos = histogram.value_at_percentile(*percentile) as f64;
        map.insert((*name).into(), micros(nanos));
    }
    map.insert("max".into(), micros(histogram.max() as f64));
    Value::Object(map)
}

fn rate(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { count as f64 / seconds } else { 0.0 }
}
