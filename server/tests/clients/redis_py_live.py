"""What redis-py hears from larder unasked: waiters, notifications, invalidations, monitors."""

import queue
import threading
import time

import redis
from _larder import larder
from redis.cache import CacheConfig
from redis.connection import CacheProxyConnection

# redis-py asks for Redis 7.4, though what it uses is there since 6.0. Larder says 7.2.4, as Valkey
# does.
CacheProxyConnection.MIN_ALLOWED_VERSION = "7.2.0"


def until(condition):
    """Waits for something that another thread brings about."""
    for _ in range(500):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come to pass within five seconds")


def blocked(r):
    return r.info("clients")["blocked_clients"]


def ended(threads):
    for thread in threads:
        thread.join(timeout=10)
    assert not any(thread.is_alive() for thread in threads)


def waiters(r):
    """Whoever waits longest is served first."""
    served = queue.Queue()

    def wait(name):
        served.put((name, tuple(r.blpop(["none", "jobs"], timeout=4))))

    threads = []
    for name in range(5):
        threads.append(threading.Thread(target=wait, args=(name,)))
        threads[-1].start()
        until(lambda: blocked(r) == len(threads))
    assert r.rpush("jobs", "j0", "j1", "j2") == 3
    for name in (0, 1, 2):
        assert served.get(timeout=5)[1][0] == "jobs"
    until(lambda: blocked(r) == 2)
    with r.pipeline() as pipe:
        pipe.rpush("jobs", "j3", "j4", "j5").lpop("jobs")
        assert pipe.execute() == [3, "j3"]
    ended(threads)
    assert sorted(served.get_nowait()[1][1] for _ in range(2)) == ["j4", "j5"]
    assert blocked(r) == 0 and r.exists("jobs") == 0


def order(r):
    """Which waiter gets which element, seen one by one."""
    served = []
    threads = []
    for name in "abc":
        wait = lambda name=name: served.append((name, r.brpoplpush("in", f"out:{name}", timeout=4)))
        threads.append(threading.Thread(target=wait))
        threads[-1].start()
        until(lambda: blocked(r) == len(threads))
    for element in "123":
        r.lpush("in", element)
        until(lambda: len(served) == int(element))
    ended(threads)
    assert served == [("a", "1"), ("b", "2"), ("c", "3")], served


def timeouts(r):
    begun = time.monotonic()
    assert r.blpop("none", timeout=0.2) is None
    assert r.bzpopmax("none", timeout=0.1) is None
    assert r.blmove("none", "other", timeout=0.1) is None
    assert not r.xread({"none": "$"}, block=100)
    assert 0.45 < time.monotonic() - begun < 3
    with r.pipeline() as pipe:
        pipe.blpop("none", timeout=10).get("none")
        assert pipe.execute() == [None, None]


def one_for_each_type(r):
    heard = queue.Queue()
    waits = [
        lambda: r.blmpop(4, 2, "none", "list", direction="LEFT", count=2),
        lambda: r.bzmpop(4, 2, ["none", "zset"], min=True),
        lambda: r.xread({"stream": "$"}, block=4000),
    ]
    threads = [threading.Thread(target=lambda w=w: heard.put(w())) for w in waits]
    for thread in threads:
        thread.start()
    until(lambda: blocked(r) == 3)
    r.rpush("list", "a", "b")
    assert heard.get(timeout=5) == ["list", ["a", "b"]]
    r.zadd("zset", {"low": 1, "high": 2})
    assert "low" in str(heard.get(timeout=5))
    r.xadd("stream", {"field": "value"})
    assert "value" in str(heard.get(timeout=5))
    ended(threads)


def unblocked(r, port):
    with redis.Redis(port=port, decode_responses=True) as other:
        who, heard = other.client_id(), []
        thread = threading.Thread(target=lambda: heard.append(other.blpop("none", timeout=4)))
        thread.start()
        until(lambda: blocked(r) == 1)
        assert r.client_unblock(who) == 1
        ended([thread])
        assert heard == [None]


def next_message(listener):
    for _ in range(50):
        if message := listener.get_message(timeout=0.1):
            return message["channel"], message["data"]
    raise AssertionError("no message within five seconds")


def notifications(r):
    assert r.config_set("notify-keyspace-events", "KEA")
    with r.pubsub(ignore_subscribe_messages=True) as listener:
        listener.psubscribe("__key*@0__:*")
        until(lambda: r.pubsub_numpat() == 1)
        r.set("k", "v", px=30)
        r.lpush("l", "x")
        r.lpop("l")
        events = [next_message(listener) for _ in range(12)]
    of_keys = [(channel[15:], what) for channel, what in events if "keyspace" in channel]
    of_events = [(key, channel[15:]) for channel, key in events if "keyevent" in channel]
    assert of_keys == of_events
    of_string = [event for key, event in of_keys if key == "k"]
    assert of_string == ["set", "expire", "expired"], events
    of_list = [event for key, event in of_keys if key == "l"]
    assert of_list == ["lpush", "lpop", "del"], events
    assert r.config_set("notify-keyspace-events", "")


def shard_channels(r):
    with r.pubsub(ignore_subscribe_messages=True) as listener:
        listener.ssubscribe("orders")
        until(lambda: r.pubsub_shardchannels() == ["orders"])
        assert r.spublish("orders", "one") == 1 and r.publish("orders", "two") == 0
        for _ in range(50):
            if message := listener.get_sharded_message(timeout=0.1):
                break
        assert (message["type"], message["data"]) == ("smessage", "one")


def client_side_cache(r, port):
    cached = redis.Redis(port=port, protocol=3, decode_responses=True, cache_config=CacheConfig())
    with cached:
        r.set("name", "Ada")
        r.hset("user", "city", "London")
        assert cached.get("name") == "Ada" and cached.hget("user", "city") == "London"
        cache = cached.get_cache()
        assert cache.size == 2
        before = r.info("stats")["keyspace_hits"]
        assert [cached.get("name") for _ in range(10)] == ["Ada"] * 10
        assert r.info("stats")["keyspace_hits"] == before
        r.set("name", "Bob")
        r.hset("user", "city", "Paris")
        until(lambda: cached.get("name") == "Bob" and cached.hget("user", "city") == "Paris")
        r.set("name", "Cyd", px=30)
        until(lambda: cached.get("name") == "Cyd")
        until(lambda: cached.get("name") is None)
        r.flushall()
        until(lambda: cached.hget("user", "city") is None)


def monitored(r):
    with r.monitor() as monitor:
        heard = queue.Queue()
        thread = threading.Thread(target=lambda: heard.put(monitor.next_command()))
        thread.start()
        r.set("seen", "by all")
        assert heard.get(timeout=5)["command"] == "SET seen by all"
        ended([thread])


def own_records(r):
    r.config_set("slowlog-log-slower-than", 0)
    r.set("slow", "x")
    r.config_set("slowlog-log-slower-than", 10000)
    assert "SET slow x" in str([entry["command"] for entry in r.slowlog_get()])
    assert r.slowlog_reset() and r.slowlog_len() <= 1


def main():
    with larder() as port:
        for protocol in (3, 2):
            with redis.Redis(port=port, decode_responses=True, protocol=protocol) as r:
                for part in (waiters, order, timeouts, one_for_each_type, notifications):
                    part(r)
                    r.flushall()
                shard_channels(r)
                monitored(r)
                own_records(r)
                unblocked(r, port)
                client_side_cache(r, port)


if __name__ == "__main__":
    main()
