"""What applications build from commands: a leaderboard, sessions, rate limits, a job queue."""

import threading
import time
import uuid

import redis
from _larder import larder


class Leaderboard:
    """The best first; of equals, whoever stands later in the alphabet."""

    def __init__(self, r, name):
        self.r, self.key = r, f"leaderboard:{name}"

    def won(self, player, points):
        return self.r.zincrby(self.key, points, player)

    def top(self, count):
        found = self.r.zrange(self.key, 0, count - 1, desc=True, withscores=True)
        return [(player, score) for player, score in found]

    def rank(self, player):
        rank = self.r.zrevrank(self.key, player)
        return None if rank is None else rank + 1

    def around(self, player, distance):
        rank = self.r.zrevrank(self.key, player)
        return self.r.zrevrange(self.key, max(0, rank - distance), rank + distance)


def leaderboard(r):
    board = Leaderboard(r, "chess")
    with r.pipeline(transaction=False) as pipe:
        for n in range(1000):
            pipe.zadd(board.key, {f"player:{n:03}": n})
        pipe.execute()
    assert board.won("player:500", 1000) == 1500 and board.rank("player:500") == 1
    assert board.top(3) == [("player:500", 1500), ("player:999", 999), ("player:998", 998)]
    assert board.rank("player:000") == 1000 and board.rank("nobody") is None
    assert board.around("player:250", 1) == ["player:251", "player:250", "player:249"]
    assert r.zcount(board.key, 900, "+inf") == 101
    week = {board.key: 1, "leaderboard:go": 2}
    r.zadd("leaderboard:go", {"player:999": 1000})
    assert r.zunionstore("leaderboard:all", week) == 1000
    assert Leaderboard(r, "all").top(1) == [("player:999", 2999)]


class Sessions:
    """A hash for each session, which lives on for as long as it is used."""

    def __init__(self, r, seconds):
        self.r, self.seconds = r, seconds

    def create(self, **values):
        token = uuid.uuid4().hex
        with self.r.pipeline() as pipe:
            pipe.hset(f"session:{token}", mapping=values).pexpire(f"session:{token}", self.life())
            pipe.sadd(f"sessions:{values['user']}", token)
            pipe.execute()
        return token

    def life(self):
        return int(self.seconds * 1000)

    def load(self, token):
        with self.r.pipeline() as pipe:
            pipe.hgetall(f"session:{token}").pexpire(f"session:{token}", self.life())
            values, _ = pipe.execute()
        return values

    def end_all(self, user):
        tokens = self.r.smembers(f"sessions:{user}")
        return self.r.unlink(f"sessions:{user}", *(f"session:{token}" for token in tokens)) - 1


def sessions(r):
    store = Sessions(r, 0.3)
    one, other = store.create(user="ada", theme="dark"), store.create(user="ada")
    for _ in range(4):
        time.sleep(0.1)
        assert store.load(one) == {"user": "ada", "theme": "dark"}
    assert store.load(other) == {}
    assert 0 < r.pttl(f"session:{one}") <= 300
    assert store.end_all("ada") == 1 and store.load(one) == {}


def fixed_window(r, user, limit, seconds):
    key = f"rate:{user}"
    with r.pipeline() as pipe:
        count, _ = pipe.incr(key).expire(key, seconds, nx=True).execute()
    return count <= limit


def sliding_window(r, user, limit, seconds):
    key, now = f"sliding:{user}", time.time()
    with r.pipeline() as pipe:
        pipe.zremrangebyscore(key, "-inf", now - seconds)
        pipe.zadd(key, {uuid.uuid4().hex: now})
        pipe.zcard(key).pexpire(key, int(seconds * 1000))
        _, _, count, _ = pipe.execute()
    return count <= limit


def rate_limits(r):
    assert [fixed_window(r, "ada", 3, 1) for _ in range(5)] == [True] * 3 + [False] * 2
    assert fixed_window(r, "bob", 3, 1) and 0 < r.ttl("rate:ada") <= 1
    assert [sliding_window(r, "ada", 3, 0.3) for _ in range(5)] == [True] * 3 + [False] * 2
    time.sleep(0.35)
    assert sliding_window(r, "ada", 3, 0.3)
    time.sleep(0.8)
    assert fixed_window(r, "ada", 3, 1)


def work(port, name, done):
    """Moves each job to its own list until it is done, so that none is lost with a worker."""
    with redis.Redis(port=port, decode_responses=True) as r:
        while job := r.blmove("jobs", f"working:{name}", timeout=4, src="RIGHT", dest="LEFT"):
            if job == "stop":
                r.lrem(f"working:{name}", 1, job)
                return
            if name == "dies" and job == "job:0":
                return
            done.append(job)
            r.lrem(f"working:{name}", 1, job)


def job_queue(r, port):
    done = []
    mortal = threading.Thread(target=work, args=(port, "dies", done))
    mortal.start()
    r.lpush("jobs", "job:0")
    mortal.join(timeout=10)
    assert done == [] and r.lrange("working:dies", 0, -1) == ["job:0"]
    assert r.lmove("working:dies", "jobs") == "job:0"

    workers = [threading.Thread(target=work, args=(port, name, done)) for name in "abc"]
    for worker in workers:
        worker.start()
    jobs = [f"job:{n}" for n in range(1, 100)]
    for job in jobs:
        r.lpush("jobs", job)
    r.lpush("jobs", *["stop"] * len(workers))
    for worker in workers:
        worker.join(timeout=30)
    assert sorted(done) == sorted(["job:0", *jobs])
    assert not any(r.exists(key) for key in ("jobs", *(f"working:{name}" for name in "abc")))


def stream_of_orders(r, port):
    """Two consumers share a stream; what one leaves, the other takes over."""
    r.xgroup_create("orders", "shop", mkstream=True)
    seen = []

    def consume(name, leave):
        with redis.Redis(port=port, decode_responses=True) as own:
            while found := own.xreadgroup("shop", name, {"orders": ">"}, count=5, block=500):
                ((_, entries),) = found
                for entry, fields in entries:
                    if int(fields["n"]) % 10 != leave:
                        seen.append(int(fields["n"]))
                        own.xack("orders", "shop", entry)

    consumers = [threading.Thread(target=consume, args=pair) for pair in (("a", 3), ("b", 3))]
    for consumer in consumers:
        consumer.start()
    for n in range(100):
        r.xadd("orders", {"n": n}, maxlen=1000)
    for consumer in consumers:
        consumer.join(timeout=30)
    assert r.xpending("orders", "shop")["pending"] == 10
    _, left, _ = r.xautoclaim("orders", "shop", "c", min_idle_time=0, count=100)
    seen += [int(fields["n"]) for _, fields in left]
    assert r.xack("orders", "shop", *(entry for entry, _ in left)) == 10
    assert sorted(seen) == list(range(100))


def main():
    with larder() as port, redis.Redis(port=port, decode_responses=True) as r:
        leaderboard(r)
        sessions(r)
        rate_limits(r)
        job_queue(r, port)
        stream_of_orders(r, port)


if __name__ == "__main__":
    main()
