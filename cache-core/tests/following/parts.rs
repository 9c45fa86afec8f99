//! Changing parts: who was a replica is promoted, who was the primary follows, a primary hands over.

use super::World;

#[test]
fn whoever_followed_the_same_primary_goes_on_with_the_new_one() {
    let mut world = World::new(3, 10, &[]);
    world.say(0, "SET a 1");
    world.follow(1, 0);
    world.follow(2, 0);
    world.agree(&[0, 1, 2]);
    let old = world.info(0, "master_replid");
    let offset = world.offset(0);
    world.text(1, "REPLICAOF NO ONE");
    assert_ne!(world.info(1, "master_replid"), old);
    assert_eq!(world.info(1, "master_replid2"), old);
    assert_eq!(world.info(1, "second_repl_offset"), (offset + 1).to_string());
    world.follow(2, 1);
    world.follow(0, 1);
    world.say(1, "SET b 1");
    world.agree(&[1, 0, 2]);
    assert_eq!(world.info(1, "sync_full"), "0");
    assert_eq!(world.info(1, "sync_partial_ok"), "2");
    assert_eq!(world.text(0, "GET b"), "1");
}

/// It wrote what its successor never saw: that is lost, and nothing else is there in its place.
#[test]
fn an_old_primary_that_wrote_on_takes_all_data_anew() {
    let mut world = World::new(2, 11, &[]);
    world.say(0, "SET a 1");
    world.follow(1, 0);
    world.agree(&[0, 1]);
    world.apart.push((0, 1));
    world.cut(0, 1);
    world.say(0, "SET only-here 1");
    world.text(1, "REPLICAOF NO ONE");
    world.say(1, "SET only-there 1");
    world.apart.clear();
    world.follow(0, 1);
    world.agree(&[1, 0]);
    assert_eq!(world.text(0, "GET only-here"), "(nil)");
    assert_eq!(world.text(0, "GET only-there"), "1");
    assert_eq!(world.info(1, "sync_full"), "1");
}

#[test]
fn a_chain_follows_when_its_head_changes_its_primary() {
    let mut world = World::new(4, 12, &[]);
    world.say(0, "SET a 1");
    for (node, primary) in [(1, 0), (2, 0), (3, 2)] {
        world.follow(node, primary);
    }
    world.agree(&[0, 1, 2, 3]);
    // 3 hears of the new name from 2, and needs nothing anew.
    world.text(1, "REPLICAOF NO ONE");
    world.follow(2, 1);
    world.say(1, "SET b 1");
    world.agree(&[1, 2, 3]);
    assert_eq!(world.info(1, "sync_full"), "0");
    assert_eq!(world.info(2, "sync_full"), "1", "the one from the start");
    // 2 gets other data as a whole, and 3 with it.
    world.say(0, "SET c 1");
    world.follow(2, 0);
    world.agree(&[0, 2, 3]);
    assert_eq!(world.text(3, "GET c"), "1");
    assert_eq!(world.text(3, "GET b"), "(nil)");
}

#[test]
fn a_primary_hands_over_without_a_loss() {
    let mut world = World::new(3, 13, &[]);
    world.follow(1, 0);
    world.follow(2, 0);
    world.agree(&[0, 1, 2]);
    world.say(0, "SET a 1");
    assert_eq!(world.text(0, "FAILOVER TO 10.0.0.2 7002 TIMEOUT 10000"), "OK");
    assert_eq!(world.info(0, "master_failover_state"), "waiting-for-sync");
    // It waits, and is refused by what is a replica then.
    let writer = world.connect(0);
    assert_eq!(world.exchange(0, writer, &["SET", "b", "1"]), b"");
    world.until("the part has moved", |w| w.info_role(0) == "slave" && w.info_role(2) == "master");
    let refused = world.exchange_raw(0, writer, b"");
    assert!(refused.starts_with(b"-READONLY "), "{}", String::from_utf8_lossy(&refused));
    world.agree(&[2, 0]);
    assert_eq!(world.info(0, "master_failover_state"), "no-failover");
    assert_eq!(world.info(2, "sync_full"), "0");
    assert_eq!(world.text(2, "GET a"), "1");
    world.say(2, "SET b 2");
    world.agree(&[2, 0]);
}

#[test]
fn a_failover_that_nobody_can_take_is_given_up() {
    let mut world = World::new(2, 14, &[]);
    world.follow(1, 0);
    world.agree(&[0, 1]);
    world.say(0, "SET a 1");
    world.say(0, "FAILOVER TIMEOUT 500");
    // The wire carries nothing.
    world.advance(600);
    while world.nodes[0].run(world.now, cache_core::Budget::default(), &mut ())
        == cache_core::node::Run::More
    {}
    assert_eq!(world.info(0, "master_failover_state"), "no-failover");
    assert_eq!(world.text(0, "SET b 1"), "OK");
    world.agree(&[0, 1]);
}

#[test]
fn a_transaction_that_ends_the_part_of_the_primary_loses_nothing_silently() {
    let mut world = World::new(2, 15, &[]);
    world.follow(1, 0);
    world.agree(&[0, 1]);
    world.text(1, "REPLICAOF NO ONE");
    for command in ["MULTI", "SET a 1", "REPLICAOF node-1 7001", "SET b 1", "EXEC"] {
        world.say(0, command);
    }
    world.agree(&[1, 0]);
    assert_eq!(world.text(0, "GET b"), "(nil)");
}

#[test]
fn a_setting_says_whom_to_follow_from_the_start() {
    let mut world = World::new(1, 16, &[]);
    world.say(0, "SET a 1");
    let mut second = World::new(2, 17, &[("replicaof", "node-0 7000")]).nodes;
    world.add(second.remove(1));
    world.until("it follows", |world| world.is_up(1));
    world.agree(&[0, 1]);
    assert_eq!(world.text(1, "GET a"), "1");
}
