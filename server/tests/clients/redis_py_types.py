"""redis-py with every type of value, in RESP3 and in RESP2."""

import time

import redis
from _larder import larder


def fails(text, call, *args):
    try:
        call(*args)
    except redis.ResponseError as error:
        assert text in str(error), error
    else:
        raise AssertionError(f"{call.__name__} must fail with {text}")


def pairs(reply):
    """Members and scores, which RESP2 and RESP3 nest each in its own way."""
    return [(member, score) for member, score in reply]


def read(reply):
    """The entries of the one stream that was read: RESP3 has a map, RESP2 a list of pairs."""
    if isinstance(reply, dict):
        ((entries,),) = reply.values()
    else:
        ((_, entries),) = reply
    return entries


def lists(r):
    assert r.rpush("bikes", "a", "b", "c") == 3 and r.lpush("bikes", "z") == 4
    assert r.lrange("bikes", 0, -1) == ["z", "a", "b", "c"]
    assert r.lpop("bikes") == "z" and r.rpop("bikes", 2) == ["c", "b"] and r.lpop("none") is None
    assert r.rpush("bikes", "b", "a", "c") == 4 and r.llen("bikes") == 4
    assert r.lindex("bikes", -1) == "c" and r.lpos("bikes", "a", count=0) == [0, 2]
    assert r.linsert("bikes", "before", "c", "between") == 5 and r.lset("bikes", 0, "first") is True
    assert r.lrem("bikes", 1, "a") == 1 and r.ltrim("bikes", 0, 1) is True
    assert r.lmove("bikes", "sold", "LEFT", "RIGHT") == "first"
    assert r.lmpop(2, "none", "bikes", direction="LEFT", count=9) == ["bikes", ["b"]]
    assert r.exists("bikes") == 0 and r.lrange("sold", 0, -1) == ["first"]
    assert r.rpush("many", *range(2000)) == 2000 and r.lindex("many", 1234) == "1234"
    assert r.sort("many", start=0, num=3, desc=True) == ["1999", "1998", "1997"]
    fails("WRONGTYPE", r.get, "sold")


def sets(r):
    assert r.sadd("odd", 1, 3, 5, 7) == 4 and r.sadd("odd", 7) == 0
    assert r.sadd("prime", "2", "3", "5", "7") == 4
    assert r.smembers("odd") == {"1", "3", "5", "7"} and r.scard("odd") == 4
    assert r.sismember("odd", 3) and not r.sismember("odd", 2)
    assert r.smismember("odd", [1, 2]) == [1, 0]
    assert r.sinter("odd", "prime") == {"3", "5", "7"}
    assert r.sunion("odd", "prime") == {"1", "2", "3", "5", "7"}
    assert r.sdiff("odd", "prime") == {"1"}
    assert r.sinterstore("both", "odd", "prime") == 3 and r.sintercard(2, ["odd", "prime"]) == 3
    assert r.smove("odd", "both", "1") and r.srem("both", "1", "none") == 1
    assert r.spop("both") in {"3", "5", "7"} and len(r.srandmember("both", -5)) == 5
    r.sadd("large", *(f"member:{n}" for n in range(1000)))
    assert set(r.sscan_iter("large", count=100)) == {f"member:{n}" for n in range(1000)}


def sorted_sets(r):
    assert r.zadd("race", {"Ada": 10, "Bob": 8, "Cyd": 12.5, "Dan": 8}) == 4
    assert r.zadd("race", {"Ada": 9, "Eve": 1}, gt=True) == 1 and r.zscore("race", "Ada") == 10.0
    assert r.zrange("race", 0, -1) == ["Eve", "Bob", "Dan", "Ada", "Cyd"]
    assert pairs(r.zrange("race", 0, 1, desc=True, withscores=True)) == [("Cyd", 12.5), ("Ada", 10)]
    assert r.zrange("race", "(8", "+inf", byscore=True) == ["Ada", "Cyd"]
    assert r.zrank("race", "Bob") == 1 and r.zrevrank("race", "Cyd") == 0
    assert r.zrank("race", "none") is None and r.zcount("race", 8, 10) == 3
    assert r.zincrby("race", 2.5, "Bob") == 10.5 and r.zmscore("race", ["Bob", "x"]) == [10.5, None]
    assert r.zadd("week", {"Ada": 1, "Zoe": 2}) == 2
    assert r.zunionstore("all", {"race": 1, "week": 10}, aggregate="MAX") == 6
    assert r.zscore("all", "Zoe") == 20.0 and r.zinter(["race", "week"]) == ["Ada"]
    assert r.zdiff(["week", "race"]) == ["Zoe"] and r.zrangestore("top", "race", 3, 4) == 2
    assert pairs(r.zpopmin("race", 2)) == [("Eve", 1), ("Dan", 8)]
    assert pairs(r.zpopmax("race", 1)) == [("Cyd", 12.5)] and r.zrem("race", "Ada", "none") == 1
    r.zadd("words", dict.fromkeys(["ant", "bee", "cat", "dog"], 0))
    assert r.zrangebylex("words", "[b", "(d") == ["bee", "cat"]
    assert r.zlexcount("words", "-", "+") == 4
    assert r.zremrangebylex("words", "-", "[bee") == 2 and r.zremrangebyrank("words", 0, 0) == 1
    r.zadd("large", {f"m{n}": n for n in range(1000)})
    assert dict(r.zscan_iter("large")) == {f"m{n}": float(n) for n in range(1000)}
    assert r.zremrangebyscore("large", "-inf", "(990") == 990 and r.zcard("large") == 10
    assert tuple(r.bzpopmin("large", timeout=1)) == ("large", "m990", 990.0)


def geo(r):
    places = (13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania")
    assert r.geoadd("Sicily", places) == 2
    assert abs(r.geodist("Sicily", "Palermo", "Catania", unit="km") - 166.2742) < 1e-9
    assert r.geohash("Sicily", "Palermo") == ["sqc8b49rny0"]
    (longitude, latitude), nowhere = r.geopos("Sicily", "Palermo", "none")
    assert abs(longitude - 13.361389) < 1e-5 and abs(latitude - 38.115556) < 1e-5
    assert nowhere is None
    near = dict(longitude=15, latitude=37, unit="km", sort="ASC")
    assert r.geosearch("Sicily", radius=200, **near) == ["Catania", "Palermo"]
    nearest = r.geosearch("Sicily", radius=200, count=1, withdist=True, **near)
    assert nearest == [["Catania", 56.4413]]
    assert r.geosearch("Sicily", width=100, height=400, **near) == ["Catania"]
    assert r.geosearchstore("found", "Sicily", member="Palermo", radius=1, unit="m") == 1


def streams(r):
    assert r.xadd("log", {"n": 1}, id="1-1") == "1-1" and r.xadd("log", {"n": 2}, id="2-*") == "2-0"
    assert r.xadd("log", {"n": 3, "m": "x"}).endswith("-0") and r.xlen("log") == 3
    entries = r.xrange("log")
    assert entries[0] == ("1-1", {"n": "1"}) and entries[2][1] == {"n": "3", "m": "x"}
    assert r.xrevrange("log", count=1) == entries[2:]
    assert r.xrange("log", "(1-1", "2") == [entries[1]]
    assert read(r.xread({"log": "2-0"})) == [entries[2]]
    assert r.xinfo_stream("log")["length"] == 3 and r.xdel("log", "2-0") == 1
    fails("equal or smaller", lambda: r.xadd("log", {"n": 0}, id="1-0"))
    for n in range(300):
        r.xadd("log", {"n": n}, maxlen=100, approximate=False)
    assert r.xlen("log") == 100 and r.xtrim("log", maxlen=10, approximate=False) == 90


def consumer_group(r):
    assert r.xgroup_create("orders", "shop", id="0", mkstream=True) is True
    fails("BUSYGROUP", r.xgroup_create, "orders", "shop")
    ids = [r.xadd("orders", {"item": n}) for n in range(5)]
    first = read(r.xreadgroup("shop", "alice", {"orders": ">"}, count=3))
    assert first == [(ids[n], {"item": str(n)}) for n in range(3)], first
    assert len(read(r.xreadgroup("shop", "bob", {"orders": ">"}, block=1000))) == 2
    assert not r.xreadgroup("shop", "bob", {"orders": ">"}, block=10)
    assert r.xack("orders", "shop", ids[0], ids[3]) == 2
    pending = r.xpending("orders", "shop")
    assert (pending["pending"], pending["min"], pending["max"]) == (3, ids[1], ids[4])
    assert {c["name"]: c["pending"] for c in pending["consumers"]} == {"alice": 2, "bob": 1}
    left = r.xpending_range("orders", "shop", min="-", max="+", count=10, consumername="alice")
    assert [(p["message_id"], p["times_delivered"]) for p in left] == [(ids[1], 1), (ids[2], 1)]
    assert r.xclaim("orders", "shop", "bob", 0, [ids[1]]) == [(ids[1], {"item": "1"})]
    claimed = r.xautoclaim("orders", "shop", "carol", 0, start_id=ids[2], count=1)
    assert claimed == [ids[4], [(ids[2], {"item": "2"})], []], claimed
    again = read(r.xreadgroup("shop", "carol", {"orders": "0"}))
    assert again == [(ids[2], {"item": "2"})], again
    (group,) = r.xinfo_groups("orders")
    assert (group["name"], group["consumers"], group["pending"], group["lag"]) == ("shop", 3, 3, 0)
    assert {c["name"] for c in r.xinfo_consumers("orders", "shop")} == {"alice", "bob", "carol"}
    assert r.xgroup_delconsumer("orders", "shop", "bob") == 2
    assert r.xgroup_setid("orders", "shop", "0") is True and r.xgroup_destroy("orders", "shop") == 1
    fails("NOGROUP", lambda: r.xreadgroup("shop", "x", {"orders": ">"}))


def bits_and_counts(r):
    assert r.setbit("days", 7, 1) == 0 and r.setbit("days", 7, 1) == 1 and r.getbit("days", 7) == 1
    assert r.setbit("other", 1, 1) == 0 and r.bitop("OR", "either", "days", "other") == 1
    assert r.bitcount("either") == 2 and r.bitpos("either", 1) == 1
    field = r.bitfield("counters", default_overflow="SAT")
    field.incrby("u8", "#1", 250).incrby("u8", "#1", 250).get("u8", 8)
    assert field.execute() == [250, 255, 255]
    assert r.pfadd("monday", *range(1000)) == 1 and r.pfadd("tuesday", *range(500, 1500)) == 1
    assert abs(r.pfcount("monday", "tuesday") - 1500) < 50
    assert r.pfmerge("week", "monday", "tuesday") and abs(r.pfcount("week") - 1500) < 50


def more_hashes(r):
    r.hset("user", mapping={f"field:{n}": n for n in range(1000)})
    assert dict(r.hscan_iter("user", count=100)) == {f"field:{n}": str(n) for n in range(1000)}
    assert r.hsetnx("user", "field:1", "x") == 0 and r.hincrbyfloat("user", "field:1", 0.5) == 1.5
    assert len(r.hrandfield("user", 3)) == 3 and r.hstrlen("user", "field:999") == 3
    assert r.object("ENCODING", "user") == "hashtable" and r.memory_usage("user") > 1000


def fields_that_expire(r):
    r.hset("session", mapping={"user": "ada", "code": "1234", "hint": "x"})
    assert r.hexpire("session", 100, "code", "none") == [1, -2]
    assert r.httl("session", "code", "user", "none") == [100, -1, -2]
    assert r.hpersist("session", "code") == [1] and r.hpexpire("session", 30, "hint") == [1]
    time.sleep(0.1)
    assert r.hgetall("session") == {"user": "ada", "code": "1234"}
    assert r.hsetex("session", mapping={"code": "5678"}, ex=100) == 1
    assert r.hgetex("session", "code", persist=True) == ["5678"]
    assert r.httl("session", "code") == [-1]
    assert r.hgetdel("session", "code", "user") == ["5678", "ada"] and r.exists("session") == 0


TYPES = [lists, sets, sorted_sets, geo, streams, consumer_group, bits_and_counts]
TYPES += [more_hashes, fields_that_expire]


def main():
    with larder() as port:
        for protocol in (3, 2):
            with redis.Redis(port=port, decode_responses=True, protocol=protocol) as r:
                for part in TYPES:
                    part(r)
                    r.flushall()


if __name__ == "__main__":
    main()
