//! What a replica leaves to its primary, what it refuses, and for whom a primary waits.

use super::World;
use cache_core::protocol::Value;

#[test]
fn time_and_room_are_the_primarys_affair() {
    let mut world = World::new(2, 20, &[]);
    for i in 0..20 {
        world.say(0, &format!("SET k{i} value PX 500"));
    }
    world.say(0, "SET kept value");
    world.follow(1, 0);
    world.agree(&[0, 1]);
    world.say(1, "CONFIG SET maxmemory 1 maxmemory-policy allkeys-lru");
    // Nothing comes from the primary while the clock goes on.
    world.advance(5000);
    for command in ["GET k1", "RANDOMKEY", "EXISTS k1", "TTL k1", "KEYS k?", "SCAN 0", "DBSIZE"] {
        world.say(1, command);
    }
    assert_eq!(world.text(1, "GET k1"), "(nil)");
    assert_eq!(world.text(1, "GET kept"), "value");
    assert_eq!(world.nodes[1].keyspace().len(0), 21, "it deletes nothing itself");
    world.agree(&[0, 1]);
    world.pass(300);
    assert_eq!(world.nodes[1].keyspace().len(0), 1);
    assert_eq!(world.nodes[1].stats().expired, 0);
    assert_eq!(world.nodes[1].stats().evicted, 0);
}

#[test]
fn what_the_primary_evicts_goes_everywhere() {
    let mut world = World::new(2, 21, &[]);
    world.follow(1, 0);
    world.say(0, "CONFIG SET maxmemory 200kb maxmemory-policy allkeys-lru");
    let value = "x".repeat(500);
    for i in 0..1000 {
        world.say(0, &format!("SET k{i} {value}"));
    }
    assert!(world.nodes[0].stats().evicted > 100);
    world.agree(&[0, 1]);
}

/// Keys that have run out of time on the primary's clock but were not met yet are sent with the rest.
#[test]
fn expiries_come_with_the_data_as_a_whole() {
    let mut world = World::new(2, 22, &[]);
    world.say(0, "DEBUG SET-ACTIVE-EXPIRE 0");
    world.say(0, "SET gone 1 PX 100");
    world.say(0, "SET later 1 PX 5000");
    world.say(0, "SET never 1");
    world.advance(200);
    world.follow(1, 0);
    world.agree(&[0, 1]);
    assert_eq!(world.text(1, "GET gone"), "(nil)");
    assert_eq!(world.text(1, "TTL never"), "-1");
    let left: u64 = world.text(1, "PTTL later").parse().expect("a time");
    assert!((1..=4800).contains(&left), "{left}");
    world.pass(6000);
    assert_eq!(world.text(1, "GET later"), "(nil)");
    world.agree(&[0, 1]);
}

#[test]
fn published_messages_reach_those_who_listen_at_a_replica() {
    let mut world = World::new(3, 23, &[]);
    world.follow(1, 0);
    world.follow(2, 1);
    world.agree(&[0, 1, 2]);
    world.say(2, "SUBSCRIBE news");
    world.say(0, "MULTI");
    world.say(0, "SET a 1");
    world.say(0, "PUBLISH news hello");
    world.say(0, "EXEC");
    world.settle();
    let heard = String::from_utf8(world.hear(2)).expect("text");
    assert!(heard.contains("message\r\n$4\r\nnews\r\n$5\r\nhello\r\n"), "{heard}");
}

#[test]
fn who_waits_for_replicas_is_answered_when_they_have_it() {
    let mut world = World::new(3, 24, &[]);
    world.follow(1, 0);
    world.follow(2, 0);
    world.agree(&[0, 1, 2]);
    world.say(0, "SET a 1");
    assert_eq!(world.say(0, "WAIT 2 0"), None, "nobody has said so yet");
    world.settle();
    assert_eq!(world.hear(0), b":2\r\n");
    assert_eq!(world.text(0, "WAIT 2 0"), "2", "nothing was written since");
    world.apart = vec![(0, 1), (0, 2)];
    world.cut(0, 2);
    world.say(0, "SET a 2");
    assert_eq!(world.say(0, "WAIT 2 300"), None);
    world.pass(200);
    assert_eq!(world.hear(0), b"");
    world.pass(200);
    assert_eq!(world.hear(0), b":1\r\n");
}

#[test]
fn writes_may_need_replicas_that_keep_up() {
    let mut world = World::new(2, 25, &[("min-replicas-to-write", "1")]);
    let refused = "NOREPLICAS Not enough good replicas to write.";
    assert_eq!(world.text(0, "SET a 1"), refused);
    assert_eq!(world.text(0, "GET a"), "(nil)");
    world.follow(1, 0);
    world.until("it is up", |world| world.is_up(1));
    world.settle();
    assert_eq!(world.text(0, "SET a 1"), "OK");
    assert_eq!(world.info(0, "min_slaves_good_slaves"), "1");
    // It falls silent.
    world.advance(11_000);
    assert_eq!(world.text(0, "SET a 2"), refused);
    world.pass(1100);
    assert_eq!(world.text(0, "SET a 2"), "OK");
    world.agree(&[0, 1]);
}

#[test]
fn a_replica_refuses_writes_and_stale_reads() {
    let mut world = World::new(2, 26, &[("replica-serve-stale-data", "no")]);
    world.say(0, "SET a 1");
    world.apart.push((0, 1));
    world.follow(1, 0);
    world.settle();
    let down = "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.";
    assert_eq!(world.text(1, "GET a"), down);
    assert_eq!(world.text(1, "INCR a"), down);
    world.apart.clear();
    world.agree(&[0, 1]);
    assert_eq!(world.text(1, "GET a"), "1");
    let readonly = "READONLY You can't write against a read only replica.";
    assert_eq!(world.text(1, "INCR a"), readonly);
    for command in ["MULTI", "GET a"] {
        world.say(1, command);
    }
    assert_eq!(world.text(1, "INCR a"), readonly);
    assert!(world.text(1, "EXEC").starts_with("EXECABORT"));
    let Some(Value::Array(hello)) = world.say(1, "HELLO") else { panic!("an answer") };
    assert!(hello.contains(&Value::Bulk(b"slave".to_vec())));
    let lists = world.text(0, "CLIENT LIST TYPE replica");
    assert!(lists.contains(" flags=S "), "{lists}");
    let lists = world.text(1, "CLIENT LIST TYPE primary");
    assert!(lists.contains(" flags=M "), "{lists}");
    // The link that is killed comes back.
    assert_eq!(world.text(1, "CLIENT KILL TYPE primary"), "1");
    world.agree(&[0, 1]);
    assert_eq!(world.info(0, "sync_partial_ok"), "1");
}

/// Until all of the data are there, the old ones are served; a transfer that is cut changes nothing.
#[test]
fn a_cut_transfer_changes_nothing() {
    let mut world = World::new(2, 27, &[]);
    for i in 0..2000 {
        // What compresses well would be there at once.
        let value: String = (0..10).map(|_| format!("{:x}", world.dice.below(1 << 40))).collect();
        world.say(0, &format!("SET new-{i} {value}"));
    }
    world.say(1, "SET old 1");
    world.say(1, "SET old-2 1 PX 1000000");
    let digest = world.nodes[1].digest();
    world.piece = 3000;
    world.follow(1, 0);
    for _ in 0..3 {
        let mut steps = 0;
        while world.read_bytes(1) < 60_000 {
            world.step();
            steps += 1;
            if steps % 100 == 0 {
                world.advance(100);
            }
            assert!(steps < 10_000, "the data don't flow");
        }
        assert_eq!(world.text(1, "GET old"), "1");
        assert_eq!(world.text(1, "GET new-1"), "(nil)", "half-loaded data are served");
        world.cut(0, 1);
        world.settle_few();
        assert_eq!(world.nodes[1].digest(), digest);
    }
    world.piece = 100_000;
    world.agree(&[0, 1]);
    assert_eq!(world.text(1, "GET old"), "(nil)");
    assert_eq!(world.nodes[1].keyspace().len(0), 2000);
}

/// Who watches a key sees that the data have become others.
#[test]
fn other_data_fail_transactions_that_watch() {
    let mut world = World::new(2, 28, &[]);
    world.say(0, "SET a 1");
    world.say(1, "SET a 1");
    world.say(1, "WATCH a");
    world.follow(1, 0);
    world.agree(&[0, 1]);
    world.say(1, "MULTI");
    world.say(1, "GET a");
    assert_eq!(world.say(1, "EXEC"), Some(Value::Null));
}

/// At the moment of the answer, and not some time later.
#[test]
fn whoever_is_counted_has_it() {
    let mut world = World::new(3, 29, &[]);
    world.piece = 9;
    world.follow(1, 0);
    world.follow(2, 0);
    world.agree(&[0, 1, 2]);
    for round in 0..30 {
        world.say(0, &format!("SET a {round}"));
        let mut answer = world.say(0, "WAIT 1 0");
        while answer.is_none() {
            assert!(world.step(), "nobody answers");
            let heard = world.hear(0);
            answer = (!heard.is_empty())
                .then(|| Value::parse(&heard).expect("a reply"))
                .flatten()
                .map(|(value, _)| value);
        }
        let Some(Value::Integer(count)) = answer else { panic!("a count") };
        let has = |node: usize| {
            world.nodes[node]
                .keyspace()
                .get(0, b"a")
                .and_then(|e| e.as_string().map(<[u8]>::to_vec))
        };
        let wanted = round.to_string().into_bytes();
        let having = [1, 2].into_iter().filter(|&node| has(node).as_ref() == Some(&wanted)).count();
        assert!(having as i64 >= count, "{having} of {count} have it");
        world.settle();
    }
}
