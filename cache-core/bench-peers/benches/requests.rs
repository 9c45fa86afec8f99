//! Requests a second, with caches that are full: each has seen its trace once before.

use cache_core_bench_peers::{CACHES, read_all};
use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use std::path::Path;
use std::time::Duration;

/// Requests that are measured at a time; the next ones follow where these ended.
const PART: usize = 10_000;

fn requests(criterion: &mut Criterion) {
    let dir = std::env::var("LARDER_BENCH_TRACES").unwrap_or_default();
    let traces = match read_all(Path::new(&dir)) {
        Ok(traces) => traces,
        Err(error) => return eprintln!("LARDER_BENCH_TRACES: {error:#}"),
    };
    for trace in &traces {
        let mut group = criterion.benchmark_group(&trace.name);
        let parts: Vec<&[u32]> = trace.keys.chunks_exact(PART).collect();
        group.throughput(Throughput::Elements(PART as u64));
        group.sampling_mode(SamplingMode::Flat).sample_size(10);
        group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
        for kind in CACHES {
            // One for all samples, and none where the command line wants none.
            let (mut full, mut from) = (None, trace.keys.len() as u64);
            let mut parts = parts.iter().cycle();
            group.bench_function(kind.name, |bencher| {
                let cache = full.get_or_insert_with(|| {
                    let mut cache = (kind.make)(trace.capacity());
                    cache.play(&trace.keys, 0);
                    cache
                });
                bencher.iter(|| {
                    let hits = parts.next().map(|part| cache.play(part, from));
                    from += PART as u64;
                    hits
                });
            });
        }
    }
}

criterion_group!(benches, requests);
criterion_main!(benches);
