//! What goes when memory is full.

use super::{START, node, say};
use cache_core::{ConnId, Node, Now};

/// What the policies remember in a small cache: the sample's least, and the first ghosts.
fn remembered(policy: &str) -> u64 {
    if policy.ends_with("adaptive") { 2048 + 1152 + 1024 } else { 0 }
}

/// Uses that the original took note of must count in the clone too, although they share memory.
#[test]
fn a_clone_evicts_what_the_original_evicts() {
    for policy in ["allkeys-lru", "allkeys-lfu", "allkeys-random", "allkeys-adaptive"] {
        let limit = (1500 + remembered(policy)).to_string();
        let (mut node, conn) = node(&[("maxmemory", &limit), ("maxmemory-policy", policy)]);
        for i in 0..40 {
            say(&mut node, conn, &["SET", &i.to_string(), "v"]);
        }
        let go_on = |node: &mut Node| {
            let mut heard = Vec::new();
            for i in 0..400 {
                let us = i * 1_000_000;
                let now = Now { mono_us: START.mono_us + us, wall_us: START.wall_us + us };
                for command in [format!("GET {}", i % 20), format!("SET n{} v", i / 4)] {
                    let args: Vec<&str> = command.split(' ').collect();
                    heard.extend(node.request(now, conn, &args, &mut ()));
                }
                heard.extend(node.request(now, conn, &["RANDOMKEY"], &mut ()));
            }
            (heard, node.digest())
        };
        let mut clone = node.clone();
        let original = go_on(&mut node);
        assert!(node.stats().evicted > 0);
        assert!(go_on(&mut clone) == original, "{policy}");
    }
}

/// How many keys of two databases are left when half of them had to go.
fn left(policy: &str, ttl: bool) -> [usize; 2] {
    let (mut node, conn) = node(&[("maxmemory-policy", policy)]);
    for db in ["0", "1"] {
        say(&mut node, conn, &["SELECT", db]);
        for i in 0..200 {
            say(&mut node, conn, &["SET", &i.to_string(), "v"]);
            if ttl {
                say(&mut node, conn, &["EXPIRE", &i.to_string(), "1000"]);
            }
        }
    }
    let half = (node.keyspace().used_bytes() / 2).to_string();
    node.configure("maxmemory", &half).expect("a good setting");
    say(&mut node, conn, &["SET", "0", "v"]);
    [0, 1].map(|db| node.keyspace().len(db))
}

#[test]
fn chance_spares_no_database() {
    for (policy, ttl) in [("allkeys-random", false), ("volatile-random", true)] {
        let left = left(policy, ttl);
        assert!(left.iter().all(|n| (60..140).contains(n)), "{policy}: {left:?}");
    }
}

#[test]
fn few_keys_with_a_ttl_are_found_among_many() {
    for policy in ["volatile-lru", "volatile-ttl", "volatile-random", "volatile-adaptive"] {
        let (mut node, conn) = node(&[("maxmemory-policy", policy)]);
        for i in 0..20_000 {
            say(&mut node, conn, &["SET", &format!("{{tag}}{i}"), "v"]);
            if i % 200 == 0 {
                say(&mut node, conn, &["SET", &format!("short:{i}"), "v", "EX", "1000"]);
                say(&mut node, conn, &["SET", &format!("{{tag}}short:{i}"), "v", "EX", "1000"]);
            }
        }
        // As much as three in four of them take.
        let mut without = node.clone();
        for i in (0..20_000).step_by(200) {
            let (one, other) = (format!("short:{i}"), format!("{{tag}}short:{i}"));
            say(&mut without, conn, &["UNLINK", &one, &other]);
        }
        let used = node.keyspace().used_bytes();
        let less = used - (used - without.keyspace().used_bytes()) * 3 / 4;
        // A larger share for the sample than the least.
        let more = if policy.ends_with("adaptive") { 30 << 10 } else { 0 };
        let limit = (less + remembered(policy) + more).to_string();
        node.configure("maxmemory", &limit).expect("a good setting");
        let reply = say(&mut node, conn, &["APPEND", "{tag}0", "v"]).expect("an answer");
        assert_eq!(reply, ":2\r\n", "{policy}");
        assert!(node.stats().evicted >= 120, "{policy}: {}", node.stats().evicted);
        node.configure("maxmemory", "1").expect("a good setting");
        let refused = say(&mut node, conn, &["APPEND", "{tag}0", "v"]).expect("an answer");
        assert!(refused.starts_with("-OOM"), "{policy}: {refused}");
        assert_eq!(node.keyspace().volatile_len(0), 0, "{policy}: all have gone before");
    }
}

/// The keys that are left of `used` and as many others, when half had to go.
fn spared(policy: &str, used: impl Fn(&mut Node, ConnId, Now, &str)) -> usize {
    let settings =
        [("maxmemory", "1gb"), ("maxmemory-policy", policy), ("maxmemory-samples", "64")];
    let (mut node, conn) = node(&settings);
    for i in 0..100 {
        say(&mut node, conn, &["SET", &i.to_string(), "v"]);
    }
    for round in 1..20 {
        let us = round * 60_000_000;
        let now = Now { mono_us: START.mono_us + us, wall_us: START.wall_us + us };
        for i in 0..50 {
            used(&mut node, conn, now, &i.to_string());
        }
    }
    let half = (node.keyspace().used_bytes() * 11 / 20 + remembered(policy)).to_string();
    node.configure("maxmemory", &half).expect("a good setting");
    let us = 20 * 60_000_000;
    let now = Now { mono_us: START.mono_us + us, wall_us: START.wall_us + us };
    node.request(now, conn, &["SET", "0", "v"], &mut ());
    (0..50).filter(|i| node.keyspace().get(0, i.to_string().as_bytes()).is_some()).count()
}

#[test]
fn what_counts_as_a_use() {
    fn say(node: &mut Node, conn: ConnId, now: Now, args: &[&str]) {
        node.request(now, conn, args, &mut ());
    }
    for policy in ["allkeys-lru", "allkeys-lfu", "allkeys-adaptive"] {
        let read = spared(policy, |node, conn, now, key| say(node, conn, now, &["GET", key]));
        assert!(read >= 45, "{policy}: {read}");
        let written =
            spared(policy, |node, conn, now, key| say(node, conn, now, &["SET", key, "w"]));
        assert!(written >= 45, "{policy}: {written}");
        let asked_for =
            spared(policy, |node, conn, now, key| say(node, conn, now, &["EXISTS", key]));
        assert!(asked_for < 45, "{policy}: {asked_for}");
        let untouched = spared(policy, |node, conn, now, key| {
            say(node, conn, now, &["CLIENT", "NO-TOUCH", "ON"]);
            say(node, conn, now, &["GET", key]);
        });
        assert!(untouched < 45, "{policy}: {untouched}");
        let touched = spared(policy, |node, conn, now, key| {
            say(node, conn, now, &["CLIENT", "NO-TOUCH", "ON"]);
            say(node, conn, now, &["TOUCH", key]);
        });
        assert!(touched >= 45, "{policy}: {touched}");
    }
}

/// When `maxmemory` is set far below what there is: no command waits for all of it to go, and yet
/// memory only ever shrinks.
#[test]
fn many_keys_go_by_and_by() {
    let (mut node, conn) = node(&[("maxmemory-policy", "allkeys-lru")]);
    for i in 0..40_000 {
        say(&mut node, conn, &["SET", &i.to_string(), "v"]);
    }
    node.configure("maxmemory", "100kb").expect("a good setting");
    let (mut before, mut commands) = (node.keyspace().used_bytes(), 0);
    while before > 300 << 10 {
        // Each adds more keys than are evicted at a time.
        let pairs: Vec<String> = (0..4000).map(|i| format!("{commands}:{}", i / 2)).collect();
        let mut command = vec!["MSET"];
        command.extend(pairs.iter().map(String::as_str));
        let evicted = node.stats().evicted;
        assert_eq!(say(&mut node, conn, &command).as_deref(), Some("+OK\r\n"));
        assert!(node.stats().evicted - evicted < 4000);
        say(&mut node, conn, &["SET", "x", "v"]);
        let used = node.keyspace().used_bytes();
        assert!(used < before, "{used} < {before}");
        before = used;
        commands += 1;
    }
    assert!(commands > 1);
    while node.keyspace().used_bytes() > 101 << 10 {
        let evicted = node.stats().evicted;
        say(&mut node, conn, &["SET", "x", "v"]);
        assert!((1..=256).contains(&(node.stats().evicted - evicted)));
    }
}

/// Whatever is written, data takes no more than `maxmemory` and what the largest command brought.
#[test]
fn maxmemory_holds_whatever_is_written() {
    const LIMIT: u64 = 200 << 10;
    /// A leaf, a directory and some ghosts more than before, whatever else a command brings.
    const STEP: u64 = 2 << 10;
    for policy in ["allkeys-adaptive", "allkeys-lru", "volatile-adaptive", "noeviction"] {
        let limit = LIMIT.to_string();
        let (mut node, conn) = node(&[("maxmemory", &limit), ("maxmemory-policy", policy)]);
        // Xorshift (Marsaglia, 2003).
        let mut state = 11u64;
        let mut below = |n: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % n
        };
        let (mut refused, mut largest) = (0, 0);
        for step in 0..20_000u32 {
            let key = format!("key:{}", below(3000));
            let value = "x".repeat(below(if step % 50 == 0 { 9000 } else { 300 }) as usize);
            let field = below(100).to_string();
            let command = match below(6) {
                0 => vec!["APPEND", &key, &value],
                1 => vec!["HSET", "hash", &field, &value],
                2 => vec!["SETRANGE", &key, "100", &value],
                3 => vec!["SET", &key, &value, "EX", "1000"],
                4 => vec!["DEL", &key],
                _ => vec!["SET", &key, &value],
            };
            largest = largest.max(command.iter().map(|arg| arg.len() as u64).sum());
            let reply = say(&mut node, conn, &command).expect("an answer");
            refused += u32::from(reply.starts_with("-OOM"));
            let used = node.used_bytes();
            assert!(used <= LIMIT + largest + STEP, "{policy} {step}: {used}");
        }
        let evicts = policy != "noeviction";
        assert_eq!(node.stats().evicted > 0, evicts, "{policy}");
        assert_eq!(refused == 0, policy.starts_with("allkeys"), "{policy}: {refused}");
    }
}
