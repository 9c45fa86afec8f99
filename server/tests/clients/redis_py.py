"""redis-py does its ordinary work against larder, in RESP3 (its default) and in RESP2."""

import threading
import time

import redis
from _larder import larder


def strings(r):
    assert r.ping() is True
    assert r.set("name", "Larder") is True
    assert r.get("name") == "Larder"
    assert r.get("none") is None
    assert r.set("name", "other", nx=True) is None
    assert r.set("name", "new", get=True) == "Larder"
    assert r.incr("count") == 1 and r.incrby("count", 41) == 42 and r.decr("count") == 41
    assert float(r.incrbyfloat("float", 1.5)) == 1.5
    assert r.mset({"a": "1", "b": "2"}) is True
    assert r.mget("a", "none", "b") == ["1", None, "2"]
    assert r.append("name", "!") == 4 and r.strlen("name") == 4
    assert r.getrange("name", 0, 1) == "ne" and r.setrange("name", 3, "?") == 4
    assert r.getdel("name") == "new?" and r.exists("name") == 0
    assert r.type("a") == "string" and r.delete("a", "b") == 2


def hashes(r):
    assert r.hset("user:1", mapping={"name": "Ada", "city": "London", "age": 36}) == 3
    assert r.hgetall("user:1") == {"name": "Ada", "city": "London", "age": "36"}
    assert r.hget("user:1", "none") is None
    assert r.hmget("user:1", ["name", "none"]) == ["Ada", None]
    assert r.hincrby("user:1", "age", 1) == 37
    assert r.hexists("user:1", "city") and r.hdel("user:1", "city") == 1
    assert sorted(r.hkeys("user:1")) == ["age", "name"] and r.hlen("user:1") == 2
    assert dict(r.hscan_iter("user:1")) == {"name": "Ada", "age": "37"}
    try:
        r.get("user:1")
        raise AssertionError("GET of a hash must fail")
    except redis.ResponseError as error:
        assert str(error).startswith("WRONGTYPE"), error


def expiry(r):
    r.set("session", "x", ex=100)
    assert 99 <= r.ttl("session") <= 100 and 99_000 < r.pttl("session") <= 100_000
    assert r.persist("session") and r.ttl("session") == -1 and r.ttl("none") == -2
    assert r.expire("session", 1000, nx=True) and not r.expire("session", 5, gt=True)
    r.set("short", "x", px=30)
    time.sleep(0.1)
    assert r.get("short") is None
    assert r.getex("session", persist=True) == "x" and r.ttl("session") == -1


def batches(r):
    with r.pipeline(transaction=False) as pipe:
        pipe.set("p", 1).incr("p").get("p").get("none")
        assert pipe.execute() == [True, 2, "2", None]
    with r.pipeline() as pipe:
        pipe.incr("p").hset("h", "f", "v").hgetall("h")
        assert pipe.execute() == [3, 1, {"f": "v"}]
    with r.pipeline() as pipe:
        pipe.watch("p")
        value = int(pipe.get("p"))
        pipe.multi()
        pipe.set("p", value * 2)
        assert pipe.execute() == [True]
    with r.pipeline() as pipe:
        pipe.watch("p")
        r.set("p", "meanwhile")
        pipe.multi()
        pipe.set("p", "too late")
        try:
            pipe.execute()
            raise AssertionError("the watched key changed")
        except redis.WatchError:
            pass

    def raise_it(pipe):
        value = int(pipe.get("p"))
        pipe.multi()
        pipe.set("p", value + 1)

    r.set("p", 6)
    assert r.transaction(raise_it, "p") == [True] and r.get("p") == "7"


def scans(r):
    with r.pipeline(transaction=False) as pipe:
        for n in range(1000):
            pipe.set(f"scan:{n}", n)
        pipe.execute()
    assert set(r.scan_iter(match="scan:*", count=50)) == {f"scan:{n}" for n in range(1000)}
    assert len(list(r.scan_iter(match="scan:99*"))) == 11
    assert set(r.scan_iter(match="user:*", _type="hash")) == {"user:1"}
    assert r.dbsize() >= 1000 and len(r.keys("scan:1?")) == 10


def messages(r):
    heard = []
    with r.pubsub(ignore_subscribe_messages=True) as listener:
        listener.subscribe("news")
        listener.psubscribe(**{"user:*": lambda message: heard.append(message["data"])})
        for _ in range(2):
            listener.get_message(timeout=5)
        assert r.publish("news", "hello") == 1 and r.publish("user:7", "login") == 1
        message = listener.get_message(timeout=5)
        assert message["channel"] == "news" and message["data"] == "hello", message
        listener.get_message(timeout=5)
        assert heard == ["login"]
        assert r.pubsub_channels() == ["news"] and r.pubsub_numpat() == 1
        assert dict(r.pubsub_numsub("news", "none")) == {"news": 1, "none": 0}


def many_subscribers(r):
    done = []

    def listen():
        with r.pubsub(ignore_subscribe_messages=True) as listener:
            listener.subscribe("all")
            for message in listener.listen():
                if message["type"] == "message":
                    done.append(message["data"])
                    return

    threads = [threading.Thread(target=listen) for _ in range(20)]
    for thread in threads:
        thread.start()
    while r.publish("test", "") or dict(r.pubsub_numsub("all"))["all"] < 20:
        time.sleep(0.01)
    assert r.publish("all", "go") == 20
    for thread in threads:
        thread.join(timeout=10)
    assert done == ["go"] * 20


def server(r):
    assert r.client_setname("tester") and r.client_getname() == "tester"
    names = [client["name"] for client in r.client_list()]
    assert "tester" in names, names
    assert r.client_id() > 0
    info = r.info()
    assert info["tcp_port"] > 0 and info["keyspace_hits"] > 0 and "redis_version" in info
    assert info["db0"]["keys"] == r.dbsize()
    assert r.config_set("maxmemory", "100mb")
    assert r.config_get("maxmemory*")["maxmemory"] == "104857600"
    assert r.config_set("maxmemory", 0)
    assert r.command_count() > 50
    assert r.echo("hi") == "hi" and abs(r.time()[0] - time.time()) < 60
    assert r.flushdb() and r.dbsize() == 0


def databases(port, protocol):
    one = redis.Redis(port=port, db=1, protocol=protocol, decode_responses=True)
    other = redis.Redis(port=port, db=2, protocol=protocol, decode_responses=True)
    one.set("k", "in 1")
    assert other.get("k") is None and one.move("k", 2) and other.get("k") == "in 1"
    one.close()
    other.flushall()
    other.close()


def passwords():
    with larder("--requirepass", "secret") as port:
        with redis.Redis(port=port, password="secret", client_name="me") as r:
            assert r.ping() and r.client_getname() == "me"
        with redis.Redis(port=port, password="wrong") as r:
            try:
                r.ping()
                raise AssertionError("a wrong password was taken")
            except redis.AuthenticationError:
                pass


def main():
    with larder() as port:
        for protocol in (None, 3, 2):
            options = {} if protocol is None else {"protocol": protocol}
            with redis.Redis(port=port, decode_responses=True, **options) as r:
                strings(r)
                hashes(r)
                expiry(r)
                batches(r)
                scans(r)
                messages(r)
                many_subscribers(r)
                server(r)
            databases(port, protocol or 3)
    passwords()


if __name__ == "__main__":
    main()
