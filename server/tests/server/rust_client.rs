//! The `redis` crate does its ordinary work.

use crate::harness::Server;
use redis::geo::{RadiusOptions, RadiusOrder, Unit};
use redis::streams::{StreamReadOptions, StreamReadReply};
use redis::{Commands, Connection};
use std::collections::{HashMap, HashSet};

fn connect(server: &Server, protocol: &str) -> Connection {
    let url = format!("redis://127.0.0.1:{}/{protocol}", server.port);
    redis::Client::open(url).unwrap().get_connection().unwrap()
}

#[test]
fn ordinary_work_in_both_protocols() {
    let server = Server::start(&[]);
    for protocol in ["", "?protocol=resp3"] {
        let mut con = connect(&server, protocol);
        redis::cmd("FLUSHALL").exec(&mut con).unwrap();
        strings(&mut con);
        hashes(&mut con);
        expiry(&mut con);
        batches(&mut con);
        lists_and_sets(&mut con);
        sorted_sets_and_places(&mut con);
        consumer_group(&mut con);
    }
}

fn strings(con: &mut Connection) {
    let () = con.set("name", "Larder").unwrap();
    let name: String = con.get("name").unwrap();
    assert_eq!(name, "Larder");
    let none: Option<String> = con.get("none").unwrap();
    assert_eq!(none, None);
    let count: i64 = con.incr("count", 41).unwrap();
    assert_eq!(count, 41);
    let (a, b): (String, i64) = con.mget(&["name", "count"]).unwrap();
    assert_eq!((a.as_str(), b), ("Larder", 41));
}

fn hashes(con: &mut Connection) {
    let () = con.hset_multiple("user:1", &[("name", "Ada"), ("city", "London")]).unwrap();
    let user: HashMap<String, String> = con.hgetall("user:1").unwrap();
    assert_eq!(user["city"], "London");
    let wrong: redis::RedisResult<String> = con.get("user:1");
    assert_eq!(wrong.unwrap_err().code(), Some("WRONGTYPE"));
}

fn expiry(con: &mut Connection) {
    let () = con.set_ex("session", "x", 100).unwrap();
    let ttl: i64 = con.ttl("session").unwrap();
    assert!((99..=100).contains(&ttl));
    let kept: bool = con.persist("session").unwrap();
    assert!(kept);
}

fn batches(con: &mut Connection) {
    let (first, second): (i64, String) =
        redis::pipe().atomic().incr("count", 1).cmd("GET").arg("name").query(con).unwrap();
    assert_eq!((first, second.as_str()), (42, "Larder"));
    let raised: (i64,) = redis::transaction(con, &["count"], |con, pipe| {
        let count: i64 = con.get("count")?;
        pipe.set("count", count * 2).ignore().incr("count", 0).query(con)
    })
    .unwrap();
    assert_eq!(raised.0, 84);
    let mut keys: Vec<String> = con.scan().unwrap().map(Result::unwrap).collect();
    keys.sort();
    assert_eq!(keys, ["count", "name", "session", "user:1"]);
}

fn lists_and_sets(con: &mut Connection) {
    let _: i64 = con.rpush("list", &["a", "b", "c"]).unwrap();
    let all: Vec<String> = con.lrange("list", 0, -1).unwrap();
    assert_eq!(all, ["a", "b", "c"]);
    let popped: Option<[String; 2]> = con.blpop("list", 1.0).unwrap();
    assert_eq!(popped.unwrap(), ["list", "a"]);
    let none: Option<[String; 2]> = con.blpop("none", 0.05).unwrap();
    assert_eq!(none, None);
    let _: i64 = con.sadd("one", &["a", "b"]).unwrap();
    let _: i64 = con.sadd("two", &["b", "c"]).unwrap();
    let both: HashSet<String> = con.sinter(&["one", "two"]).unwrap();
    assert_eq!(both, HashSet::from(["b".to_owned()]));
    let _: bool = con.pfadd("seen", &["a", "b", "a"]).unwrap();
    let seen: i64 = con.pfcount("seen").unwrap();
    assert_eq!(seen, 2);
}

fn sorted_sets_and_places(con: &mut Connection) {
    let _: i64 = con.zadd_multiple("scores", &[(2.5, "b"), (1.0, "a")]).unwrap();
    let all: Vec<(String, f64)> = con.zrange_withscores("scores", 0, -1).unwrap();
    assert_eq!(all, [("a".to_owned(), 1.0), ("b".to_owned(), 2.5)]);
    let rank: Option<i64> = con.zrevrank("scores", "b").unwrap();
    assert_eq!(rank, Some(0));
    let sicily = [("13.361389", "38.115556", "Palermo"), ("15.087269", "37.502669", "Catania")];
    let _: i64 = con.geo_add("Sicily", &sicily).unwrap();
    let apart: f64 = con.geo_dist("Sicily", "Palermo", "Catania", Unit::Kilometers).unwrap();
    assert!((apart - 166.2742).abs() < 1e-9);
    let order = RadiusOptions::default().order(RadiusOrder::Asc);
    let near: Vec<String> =
        con.geo_radius("Sicily", 15.0, 37.0, 200.0, Unit::Kilometers, order).unwrap();
    assert_eq!(near, ["Catania", "Palermo"]);
}

fn consumer_group(con: &mut Connection) {
    let _: String = con.xgroup_create_mkstream("log", "readers", "0").unwrap();
    let id: String = con.xadd("log", "*", &[("level", "info")]).unwrap();
    let options = StreamReadOptions::default().group("readers", "me").count(10).block(1000);
    let reply: Option<StreamReadReply> = con.xread_options(&["log"], &[">"], &options).unwrap();
    let entry = &reply.unwrap().keys[0].ids[0];
    assert_eq!((&entry.id, entry.get::<String>("level").unwrap().as_str()), (&id, "info"));
    let acknowledged: i64 = con.xack("log", "readers", &[&id]).unwrap();
    assert_eq!(acknowledged, 1);
}

#[test]
fn messages() {
    let server = Server::start(&[]);
    let mut listener = connect(&server, "");
    let mut subscription = listener.as_pubsub();
    subscription.subscribe("plain").unwrap();
    subscription.psubscribe("pat*").unwrap();
    let mut con = connect(&server, "?protocol=resp3");
    let heard: i64 = con.publish("plain", "one").unwrap();
    assert_eq!(heard, 1);
    let () = con.publish("pattern", "two").unwrap();
    let plain = subscription.get_message().unwrap();
    assert_eq!(
        (plain.get_channel_name(), plain.get_payload::<String>().unwrap().as_str()),
        ("plain", "one")
    );
    let pattern = subscription.get_message().unwrap();
    assert_eq!(pattern.get_pattern::<String>().unwrap(), "pat*");
    assert_eq!(pattern.get_payload::<String>().unwrap(), "two");
}
