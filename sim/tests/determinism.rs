//! The same seed, scenario and inputs give the same run, however it is cut, cloned or replayed; and
//! whatever the inputs, nothing panics, figures agree with events, and every request ends.

use larder_sim::scenario::LinkModel;
use larder_sim::{
    Advance, Event, EventKind, Input, Outcome, Pattern, Recording, Row, Scenario, Sim, TimedInput,
    Traffic,
};
use proptest::prelude::*;

const MS: u64 = 1000;
const BUDGET: u32 = 1_000_000;
/// Longer than any request may take in the default scenario: two waits for the cache, and a place
/// at the end of the database's queue.
const PATIENCE_US: u64 = 2_000_000;

fn busy(rate_per_s: u32) -> Input {
    let skew_milli = 900;
    Input::SetTraffic(Traffic { running: true, rate_per_s, write_permille: 200, skew_milli })
}

fn run(sim: &mut Sim, until_us: u64) {
    assert_eq!(sim.advance_to(until_us, BUDGET), Advance::Reached);
}

/// Everything that can be seen of a run.
fn sight(sim: &Sim) -> impl PartialEq + std::fmt::Debug + use<> {
    let rows: Vec<Row> = sim.database_rows().cloned().collect();
    (
        (sim.now_us(), sim.steps(), sim.trace_digest(), sim.recorded_events()),
        (sim.counters(), sim.latencies(), sim.cache_keys(), sim.node().digest()),
        (rows, sim.database_load(), sim.recording()),
    )
}

#[test]
fn the_seed_decides_the_trace() {
    let mut sim = Sim::new(Scenario::default(), 42);
    sim.input(busy(200)).unwrap();
    run(&mut sim, 3000 * MS);
    let mut again = Sim::new(Scenario::default(), 42);
    again.input(busy(200)).unwrap();
    run(&mut again, 3000 * MS);
    assert_eq!(sight(&sim), sight(&again));
    assert_eq!(sim.trace_text(), again.trace_text());
    let mut other = Sim::new(Scenario::default(), 43);
    other.input(busy(200)).unwrap();
    run(&mut other, 3000 * MS);
    assert_ne!(sim.trace_digest(), other.trace_digest());
}

#[test]
fn a_clone_goes_on_as_the_original() {
    let mut sim = Sim::new(Scenario::default(), 5);
    sim.input(busy(3000)).unwrap();
    // In the middle of things: at a step, not at a round moment.
    assert_eq!(sim.advance_to(700 * MS, 3001), Advance::BudgetSpent);
    let mut fork = sim.clone();
    for sim in [&mut sim, &mut fork] {
        sim.input(Input::SetPattern(Pattern::WriteThrough)).unwrap();
        run(sim, 1500 * MS);
        sim.input(Input::RestartCache).unwrap();
        run(sim, 3000 * MS);
    }
    assert_eq!(sight(&sim), sight(&fork));
    assert_eq!(sim.drain_events(), fork.drain_events());
}

#[test]
fn the_same_traffic_under_another_pattern() {
    let asked = |pattern| {
        let mut sim = Sim::new(Scenario { pattern, ..Scenario::default() }, 9);
        sim.input(busy(300)).unwrap();
        run(&mut sim, 1000 * MS);
        let started = |event: Event| match event.kind {
            EventKind::RequestStarted { app, product, .. } => Some((event.at_us, app, product)),
            _ => None,
        };
        sim.drain_events().into_iter().filter_map(started).collect::<Vec<_>>()
    };
    let requests = asked(Pattern::NoCache);
    assert!(requests.len() > 200);
    assert_eq!(requests, asked(Pattern::LazyLoading));
    assert_eq!(requests, asked(Pattern::WriteThrough));
}

fn row() -> impl Strategy<Value = Row> {
    (0..30u32, "[a-z'\"|]{0,8}", any::<i64>(), any::<i64>())
        .prop_map(|(id, name, price_cents, stock)| Row { id, name, price_cents, stock })
}

fn command() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let line = prop_oneof![
        Just("GET product:1"),
        Just("SET product:1 x PX 50"),
        Just("DEL product:1 product:2"),
        Just("FLUSHALL"),
        Just("HSET product:2 a b"),
        Just("CLIENT PAUSE 100000 ALL"),
        Just("CLIENT KILL TYPE normal"),
        Just("SUBSCRIBE c"),
        Just("MULTI"),
        Just("EXEC"),
        Just("QUIT"),
        Just("HELLO 3"),
        Just("SHUTDOWN NOSAVE"),
        Just("CONFIG SET maxmemory 1500"),
        Just("CONFIG SET requirepass x"),
        Just("CONFIG SET maxclients 1"),
        Just("CONFIG SET timeout 1"),
        Just("CLIENT REPLY OFF"),
    ];
    prop_oneof![
        4 => line.prop_map(|line| line.split(' ').map(|w| w.as_bytes().to_vec()).collect()),
        1 => prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..5),
    ]
}

fn input() -> impl Strategy<Value = Input> {
    let app = prop::option::of(0..3u32);
    prop_oneof![
        3 => (app.clone(), 0..30u32).prop_map(|(app, product)| Input::ReadOnce { app, product }),
        3 => (app, 0..30u32, any::<i64>()).prop_map(|(app, product, price_cents)| {
            Input::WriteOnce { app, product, price_cents }
        }),
        2 => (any::<bool>(), 0..4000u32, 0..1200u32, 0..9000u32).prop_map(
            |(running, rate_per_s, write_permille, skew_milli)| {
                Input::SetTraffic(Traffic { running, rate_per_s, write_permille, skew_milli })
            }
        ),
        1 => prop::sample::select(&Pattern::ALL).prop_map(Input::SetPattern),
        1 => (0..4u32).prop_map(Input::SetTtl),
        4 => command().prop_map(Input::CacheCommand),
        1 => row().prop_map(Input::RowPut),
        1 => (0..30u32).prop_map(Input::RowDelete),
        1 => Just(Input::RestartCache),
    ]
}

fn scenario() -> impl Strategy<Value = Scenario> {
    (0..4u32, 0..1000u32, 0..5000u64, 1..3000u64).prop_map(|(apps, split, jitter_us, memory)| {
        let cache_link = LinkModel { latency_us: 0, jitter_us, split_permille: split };
        let mut scenario = Scenario { apps, cache_link, ..Scenario::default() };
        scenario.cache.max_memory = memory;
        scenario
    })
}

/// What events say, to be compared with the figures.
#[derive(Default, Debug, PartialEq)]
struct Tally {
    started: u64,
    done: u64,
    cache_reads: u64,
    stale: u64,
}

fn tally(events: &[Event], tally: &mut Tally) {
    for event in events {
        match event.kind {
            EventKind::RequestStarted { .. } => tally.started += 1,
            EventKind::RequestDone { latency_us, outcome, .. } => {
                tally.done += 1;
                tally.stale += u64::from(outcome == Outcome::Stale);
                assert!(latency_us <= PATIENCE_US, "{event}");
            }
            EventKind::CacheHit { .. } | EventKind::CacheMiss { .. } => tally.cache_reads += 1,
            // Old it may be, but nobody is served another product. (The console writes "x".)
            EventKind::StaleRead { product, ref served, .. } if served != b"x" => {
                let begin = format!("{{\"id\":{product},");
                assert!(served.starts_with(begin.as_bytes()), "{event}");
            }
            _ => {}
        }
        // Whatever it is, it can be told.
        assert!(!event.to_string().is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_done_everyone_is_answered_and_the_run_repeats(
        scenario in scenario(),
        seed in any::<u64>(),
        inputs in prop::collection::vec((0..200 * MS, 1..400u32, input()), 1..25),
    ) {
        let mut sim = Sim::new(scenario, seed);
        let mut seen = Tally::default();
        for (wait_us, budget, input) in inputs {
            // Often the budget ends in the middle.
            let until_us = sim.now_us() + wait_us;
            let _ = sim.advance_to(until_us, budget);
            let _ = sim.input(input);
            tally(&sim.drain_events(), &mut seen);
        }
        sim.input(Input::SetTraffic(Traffic { running: false, ..Traffic::default() })).unwrap();
        let until_us = sim.now_us() + PATIENCE_US;
        run(&mut sim, until_us);
        prop_assert_eq!(sim.dropped_events(), 0);
        tally(&sim.drain_events(), &mut seen);

        let counters = sim.counters();
        prop_assert_eq!(seen.started, seen.done);
        prop_assert_eq!(counters.reads + counters.writes, seen.started);
        prop_assert_eq!(counters.done, seen.done);
        prop_assert_eq!(counters.hits + counters.misses, seen.cache_reads);
        prop_assert_eq!(counters.stale_reads, seen.stale);
        prop_assert!((0..8).all(|app| sim.in_flight(app) == 0));
        let load = sim.database_load();
        prop_assert_eq!((load.busy, load.waiting), (0, 0));

        let mut replay = Sim::replay(sim.recording());
        run(&mut replay, sim.now_us());
        prop_assert_eq!(sight(&replay), sight(&sim));
    }

    #[test]
    fn a_forged_recording_is_played_somehow(
        scenario in scenario(),
        inputs in prop::collection::vec((any::<u64>(), any::<u64>(), input()), 0..20),
        near in any::<bool>(),
    ) {
        let near = if near { 100 * MS } else { u64::MAX };
        let inputs = inputs.into_iter().map(|(at_us, step, input)| TimedInput {
            at_us: at_us % near,
            step: step % near,
            input,
        });
        let mut sim = Sim::replay(Recording { seed: 3, scenario, inputs: inputs.collect() });
        while sim.now_us() < 200 * MS {
            let before_us = sim.now_us();
            let _ = sim.advance_to(200 * MS, 1000);
            prop_assert!(sim.now_us() >= before_us);
        }
        let events = sim.drain_events();
        prop_assert!(events.windows(2).all(|pair| pair[0].at_us <= pair[1].at_us));
    }
}
