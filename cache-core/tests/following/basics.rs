//! One primary and one replica, or a chain: the data come over whole, and then as they change.

use super::World;
use cache_core::protocol::Value;

fn fill(world: &mut World, node: usize, count: usize) {
    for i in 0..count {
        world.say(node, &format!("SET key-{i} value-{i}"));
    }
}

#[test]
fn a_replica_takes_over_what_there_is_and_what_comes() {
    let mut world = World::new(2, 1, &[]);
    fill(&mut world, 0, 500);
    world.say(0, "SELECT 3");
    world.say(0, "SET other 1 PX 500000");
    world.follow(1, 0);
    world.agree(&[0, 1]);
    assert_eq!(world.nodes[1].keyspace().len(0), 500);
    assert_eq!(world.nodes[1].keyspace().len(3), 1);
    let before = world.offset(0);
    world.say(0, "INCR count");
    world.say(0, "SELECT 0");
    fill(&mut world, 0, 3);
    world.agree(&[0, 1]);
    assert!(world.offset(1) > before);
    assert_eq!(world.info(0, "connected_slaves"), "1");
    assert_eq!(world.info(0, "sync_full"), "1");
    let shown = world.info(0, "slave0");
    let offset = world.offset(0);
    world.pass(1100);
    let shown_later = world.info(0, "slave0");
    assert!(shown.starts_with("ip=10.0.0.1,port=7001,state=online,offset="), "{shown}");
    assert!(shown_later.contains(&format!("offset={offset},lag=0")), "{shown_later}");
}

#[test]
fn bytes_may_come_one_by_one() {
    let mut world = World::new(2, 2, &[]);
    world.piece = 3;
    fill(&mut world, 0, 50);
    world.follow(1, 0);
    world.agree(&[0, 1]);
    fill(&mut world, 0, 60);
    world.agree(&[0, 1]);
}

#[test]
fn a_chain_passes_the_same_bytes_on() {
    let mut world = World::new(3, 3, &[]);
    world.follow(1, 0);
    world.follow(2, 1);
    fill(&mut world, 0, 50);
    world.agree(&[0, 1, 2]);
    world.say(0, "SELECT 5");
    world.say(0, "SET a 1");
    world.say(0, "MULTI");
    world.say(0, "SET b 1");
    world.say(0, "INCR b");
    world.say(0, "EXEC");
    world.agree(&[0, 1, 2]);
    assert_eq!(world.info(1, "connected_slaves"), "1");
    let Some(Value::Array(role)) = world.say(2, "ROLE") else { panic!("a role") };
    assert_eq!(role[0], Value::Bulk(b"slave".to_vec()));
    assert_eq!(role[3], Value::Bulk(b"connected".to_vec()));
}

#[test]
fn who_comes_back_goes_on_where_it_was() {
    let mut world = World::new(2, 4, &[]);
    fill(&mut world, 0, 20);
    world.follow(1, 0);
    world.agree(&[0, 1]);
    world.say(0, "SELECT 7");
    world.say(0, "SET a 1");
    world.agree(&[0, 1]);
    assert!(world.cut(0, 1));
    world.say(0, "SET b 1");
    world.say(0, "INCR b");
    world.agree(&[0, 1]);
    assert_eq!(world.info(0, "sync_full"), "1");
    assert_eq!(world.info(0, "sync_partial_ok"), "1");
    assert_eq!(world.nodes[1].keyspace().len(7), 2);
}
