//! What the shop shows: each pattern, each promise, as a person at the page would meet it.

use larder_sim::event::{ExpiredBy, MAX_CONSOLE_REPLY_BYTES};
use larder_sim::scenario::{DatabaseModel, MAX_IN_FLIGHT};
use larder_sim::{
    Advance, Event, EventKind, Input, Outcome, Pattern, Place, Row, Scenario, Sim, Traffic,
};

const SECOND_US: u64 = 1_000_000;
const BUDGET: u32 = 1_000_000;

fn shop(pattern: Pattern, ttl_s: u32) -> Sim {
    Sim::new(Scenario { pattern, ttl_s, ..Scenario::default() }, 7)
}

fn busy(rate_per_s: u32) -> Input {
    Input::SetTraffic(Traffic { running: true, rate_per_s, ..Traffic::default() })
}

/// Lets so much time go on and gives what happened.
fn wait(sim: &mut Sim, us: u64) -> Vec<Event> {
    let until_us = sim.now_us() + us;
    assert_eq!(sim.advance_to(until_us, BUDGET), Advance::Reached);
    assert_eq!(sim.now_us(), until_us);
    sim.drain_events()
}

/// Does something and gives what happens within the next 100 ms.
fn act(sim: &mut Sim, input: Input) -> Vec<Event> {
    sim.input(input).expect("within bounds");
    wait(sim, 100_000)
}

fn read(sim: &mut Sim, product: u32) -> Outcome {
    outcome(&act(sim, Input::ReadOnce { app: None, product }))
}

fn write(sim: &mut Sim, product: u32, price_cents: i64) -> Outcome {
    outcome(&act(sim, Input::WriteOnce { app: None, product, price_cents }))
}

fn outcome(events: &[Event]) -> Outcome {
    let done = |event: &Event| match event.kind {
        EventKind::RequestDone { outcome, .. } => Some(outcome),
        _ => None,
    };
    let outcomes: Vec<Outcome> = events.iter().filter_map(done).collect();
    assert_eq!(outcomes.len(), 1, "{events:#?}");
    outcomes[0]
}

fn says(events: &[Event], line: &str) -> bool {
    events.iter().any(|event| event.to_string().contains(line))
}

/// Runs a command at the console and gives the bytes of its reply.
fn console(sim: &mut Sim, line: &str) -> Vec<u8> {
    let args = line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
    let events = act(sim, Input::CacheCommand(args));
    let reply = events.iter().find_map(|event| match &event.kind {
        EventKind::ConsoleReply { bytes } => Some(bytes.clone()),
        _ => None,
    });
    reply.unwrap_or_else(|| panic!("no reply to {line}: {events:#?}"))
}

#[test]
fn a_read_misses_then_hits() {
    let mut sim = shop(Pattern::LazyLoading, 60);
    let events = act(&mut sim, Input::ReadOnce { app: Some(1), product: 3 });
    assert_eq!(outcome(&events), Outcome::Miss);
    for line in [
        "Request 1: app 1 is asked for product 3.",
        r#"app 1 to cache: "*2\r\n$3\r\nGET\r\n$9\r\nproduct:3\r\n""#,
        "Request 1: miss on product:3.",
        "SELECT id, name, price_cents, stock FROM products WHERE id = 3",
        "3|Sea salt flakes, 250 g|390|210",
        "Request 1: product:3 is in the cache, until 60.0",
    ] {
        assert!(says(&events, line), "{line}: {events:#?}");
    }
    assert_eq!(read(&mut sim, 3), Outcome::Hit);
    let counters = sim.counters();
    assert_eq!((counters.hits, counters.misses, counters.database_reads), (1, 1, 1));
    assert_eq!(counters.hit_permille(), Some(500));
    assert_eq!(sim.latencies().samples, 2);

    let keys = sim.cache_keys();
    assert_eq!(keys.len(), 1);
    assert_eq!((keys[0].key.as_slice(), keys[0].kind), (&b"product:3"[..], "string"));
    assert!(keys[0].value.as_deref().unwrap().starts_with(b"{\"id\":3,\"name\":\"Sea salt"));
    assert!((59_000..60_000).contains(&keys[0].ttl_ms.unwrap()));
}

#[test]
fn particles_move_forwards_and_events_are_in_order() {
    let mut sim = shop(Pattern::LazyLoading, 1);
    sim.input(busy(500)).unwrap();
    let events = wait(&mut sim, SECOND_US);
    assert!(events.windows(2).all(|pair| pair[0].at_us <= pair[1].at_us));
    for event in &events {
        if let EventKind::MessageSent { from, to, arrives_at_us, request, .. } = &event.kind {
            assert!(*arrives_at_us > event.at_us, "{event}");
            assert!(request.is_some() && from != to, "{event}");
            assert!(matches!(from, Place::App(_)) || matches!(to, Place::App(_)));
        }
    }
}

#[test]
fn a_key_expires_by_the_cycle_or_by_access() {
    let mut sim = shop(Pattern::LazyLoading, 1);
    assert_eq!(read(&mut sim, 1), Outcome::Miss);
    let events = wait(&mut sim, 2 * SECOND_US);
    assert!(says(&events, "product:1 had expired, as the cache's own cycle found."));
    assert!(sim.cache_keys().is_empty());
    let events = act(&mut sim, Input::ReadOnce { app: None, product: 1 });
    assert_eq!(outcome(&events), Outcome::Miss);
}

/// In the shop's ordinary traffic, a key is met after its time and before the cycle (ten times a
/// second) now and then: most are swept.
#[test]
fn some_keys_are_met_after_their_time_and_before_the_cycle() {
    let mut sim = shop(Pattern::LazyLoading, 10);
    sim.input(busy(20)).unwrap();
    let mut until = std::collections::HashMap::new();
    let (mut met, mut swept) = (0, 0);
    for Event { at_us, kind } in wait(&mut sim, 120 * SECOND_US) {
        match kind {
            EventKind::CacheWritten { key, expires_at_us: Some(at_us), .. } => {
                until.insert(key, at_us);
            }
            EventKind::CacheExpired { key, by, request } => {
                assert_eq!(request.is_some(), by == ExpiredBy::Access);
                // It lives through the millisecond at which it expires.
                let due_us = until[&key] + 1000;
                let cycle_us = due_us.next_multiple_of(100_000);
                if by == ExpiredBy::Access {
                    assert!((due_us..cycle_us).contains(&at_us), "{at_us}, due at {due_us}");
                    met += 1;
                } else {
                    // It may find the node in the middle of a turn.
                    assert!(
                        (cycle_us..cycle_us + 100).contains(&at_us),
                        "{at_us}, due at {due_us}"
                    );
                    swept += 1;
                }
            }
            _ => {}
        }
    }
    assert!(met >= 5 && swept > met, "{met} met, {swept} swept");
    let counters = sim.counters();
    assert_eq!((counters.expired_by_access, counters.expired_by_cycle), (met, swept));
}

#[test]
fn lazy_loading_serves_stale_until_the_ttl_runs_out() {
    let mut sim = shop(Pattern::LazyLoading, 2);
    assert_eq!(read(&mut sim, 2), Outcome::Miss);
    assert_eq!(write(&mut sim, 2, 999), Outcome::Written);
    let events = act(&mut sim, Input::ReadOnce { app: None, product: 2 });
    assert_eq!(outcome(&events), Outcome::Stale);
    let stale = events.iter().find_map(|event| match &event.kind {
        EventKind::StaleRead { served, current, .. } => Some((served.clone(), current.clone())),
        _ => None,
    });
    let (served, current) = stale.unwrap();
    assert!(String::from_utf8(served).unwrap().contains("\"price_cents\":520"));
    assert!(String::from_utf8(current.unwrap()).unwrap().contains("\"price_cents\":999"));
    assert_eq!(sim.counters().stale_reads, 1);
    wait(&mut sim, 2 * SECOND_US);
    assert_eq!(read(&mut sim, 2), Outcome::Miss);
    assert_eq!(read(&mut sim, 2), Outcome::Hit);
}

#[test]
fn write_through_and_invalidation_serve_the_truth() {
    let mut sim = shop(Pattern::WriteThrough, 60);
    assert_eq!(read(&mut sim, 2), Outcome::Miss);
    assert_eq!(write(&mut sim, 2, 999), Outcome::Written);
    assert_eq!(read(&mut sim, 2), Outcome::Hit);
    // What was never read is there too.
    assert_eq!(write(&mut sim, 5, 111), Outcome::Written);
    assert_eq!(read(&mut sim, 5), Outcome::Hit);

    sim.input(Input::SetPattern(Pattern::LazyWithInvalidation)).unwrap();
    let events = act(&mut sim, Input::WriteOnce { app: None, product: 5, price_cents: 222 });
    assert!(says(&events, "product:5 was deleted."));
    assert_eq!(read(&mut sim, 5), Outcome::Miss);
    assert_eq!(sim.counters().stale_reads, 0);
}

#[test]
fn without_a_cache_the_database_sees_everything() {
    let mut sim = shop(Pattern::NoCache, 60);
    assert_eq!(read(&mut sim, 1), Outcome::Direct);
    assert_eq!(read(&mut sim, 1), Outcome::Direct);
    let counters = sim.counters();
    assert_eq!((counters.hits, counters.misses, counters.database_reads), (0, 0, 2));
    assert_eq!(read(&mut sim, 4711), Outcome::NoSuchRow);
}

#[test]
fn rows_changed_behind_the_cache_are_stale_in_it() {
    let mut sim = shop(Pattern::WriteThrough, 60);
    assert_eq!(read(&mut sim, 1), Outcome::Miss);
    let row = Row { id: 1, name: "Tea".into(), price_cents: 1, stock: 2 };
    let events = act(&mut sim, Input::RowPut(row.clone()));
    assert!(says(&events, "product 1 costs 1 in the database."));
    assert_eq!(sim.database_rows().next(), Some(&row));
    assert_eq!(read(&mut sim, 1), Outcome::Stale);
    act(&mut sim, Input::RowDelete(1));
    assert_eq!(read(&mut sim, 1), Outcome::Stale);
    console(&mut sim, "DEL product:1");
    assert_eq!(read(&mut sim, 1), Outcome::NoSuchRow);
}

#[test]
fn the_console_speaks_to_the_real_node() {
    let mut sim = shop(Pattern::LazyLoading, 60);
    assert_eq!(console(&mut sim, "PING"), b"+PONG\r\n");
    assert_eq!(console(&mut sim, "SET product:1 nonsense"), b"+OK\r\n");
    assert_eq!(read(&mut sim, 1), Outcome::Stale);
    assert!(console(&mut sim, "NOSUCH").starts_with(b"-ERR unknown command"));
    assert_eq!(sim.node().stats().hits, sim.counters().hits);
    // A value of another type makes the application go on without the cache.
    console(&mut sim, "DEL product:1");
    console(&mut sim, "HSET product:1 a b");
    let events = act(&mut sim, Input::ReadOnce { app: None, product: 1 });
    assert_eq!(outcome(&events), Outcome::Direct);
    assert!(says(&events, "goes on without the cache: it answered with an error."));
    let reply = console(&mut sim, "QUIT");
    assert_eq!(reply, b"+OK\r\n");
    assert_eq!(console(&mut sim, "PING"), b"+PONG\r\n");
    assert!(reply.len() < MAX_CONSOLE_REPLY_BYTES as usize);
}

#[test]
fn a_silent_cache_is_given_up_in_time() {
    let mut sim = shop(Pattern::LazyLoading, 60);
    console(&mut sim, "CLIENT PAUSE 5000 ALL");
    sim.input(Input::ReadOnce { app: None, product: 1 }).unwrap();
    let events = wait(&mut sim, SECOND_US);
    assert_eq!(outcome(&events), Outcome::Direct);
    assert!(says(&events, "goes on without the cache: no reply in time."));
    wait(&mut sim, 5 * SECOND_US);
    assert_eq!(read(&mut sim, 1), Outcome::Miss);
}

#[test]
fn a_cache_that_dies_comes_back_empty() {
    let mut sim = shop(Pattern::LazyLoading, 60);
    assert_eq!(read(&mut sim, 1), Outcome::Miss);
    sim.input(Input::ReadOnce { app: None, product: 1 }).unwrap();
    let events = act(&mut sim, Input::RestartCache);
    assert!(says(&events, "The cache is gone"));
    assert_eq!(outcome(&events), Outcome::Direct);
    assert!(!sim.cache_is_up() && sim.cache_keys().is_empty());
    assert_eq!(read(&mut sim, 1), Outcome::Direct);
    let events = wait(&mut sim, SECOND_US);
    assert!(says(&events, "The cache is there, empty.") && sim.cache_is_up());
    assert_eq!(read(&mut sim, 1), Outcome::Miss);
    assert_eq!(read(&mut sim, 1), Outcome::Hit);
}

#[test]
fn a_small_pool_queues_and_then_refuses() {
    let database =
        DatabaseModel { pool: 1, queue: 2, read_us: 10_000, write_us: 10_000, jitter_us: 0 };
    let scenario = Scenario { database, pattern: Pattern::NoCache, ..Scenario::default() };
    let mut sim = Sim::new(scenario, 1);
    for product in 1..=5 {
        sim.input(Input::ReadOnce { app: Some(0), product }).unwrap();
    }
    wait(&mut sim, 2_000);
    let load = sim.database_load();
    assert_eq!((load.busy, load.pool, load.waiting, load.queue), (1, 1, 2, 2));
    wait(&mut sim, SECOND_US);
    let counters = sim.counters();
    assert_eq!((counters.database_reads, counters.database_queued), (3, 2));
    assert_eq!((counters.database_refused, counters.failed, counters.done), (2, 2, 5));
    // Two waited for those before them.
    assert!((30_000..33_000).contains(&sim.latencies().max_us), "{:?}", sim.latencies());
}

#[test]
fn an_instance_turns_away_what_it_cannot_hold() {
    let mut sim = shop(Pattern::LazyLoading, 60);
    for _ in 0..=MAX_IN_FLIGHT {
        sim.input(Input::ReadOnce { app: Some(0), product: 1 }).unwrap();
    }
    assert_eq!(sim.in_flight(0), MAX_IN_FLIGHT);
    wait(&mut sim, 10 * SECOND_US);
    assert_eq!((sim.in_flight(0), sim.counters().failed > 0), (0, true));
    assert_eq!(sim.counters().done, u64::from(MAX_IN_FLIGHT) + 1);
}

#[test]
fn inputs_out_of_bounds_are_refused_and_change_nothing() {
    let mut sim = shop(Pattern::LazyLoading, 60);
    let digest = sim.trace_digest();
    let name = "x".repeat(257);
    for (input, reason) in [
        (Input::ReadOnce { app: Some(2), product: 1 }, "there is no application instance 2"),
        (Input::CacheCommand(vec![]), "the command is empty"),
        (
            Input::CacheCommand(vec![vec![0; 65_537]]),
            "the command has 65537 bytes; 65536 are allowed",
        ),
        (
            Input::RowPut(Row { id: 1, name, price_cents: 0, stock: 0 }),
            "the name has 257 bytes; 256 are allowed",
        ),
    ] {
        assert_eq!(sim.input(input).unwrap_err().to_string(), reason);
    }
    assert_eq!(sim.trace_digest(), digest);
    assert!(sim.recording().inputs.is_empty());
}
