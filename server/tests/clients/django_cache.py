"""Django's cache and sessions over django-redis, as its documentation sets them up."""

import time

import django
from _larder import has_scripts, larder
from django.conf import settings
from django.core.cache import cache, caches
from django.http import HttpResponse
from django.test import Client
from django.urls import path
from django_redis import get_redis_connection


def configure(port):
    def backend(number, **more):
        return {
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": f"redis://127.0.0.1:{port}/{number}",
            "OPTIONS": {"CLIENT_CLASS": "django_redis.client.DefaultClient", **more},
        }

    settings.configure(
        ALLOWED_HOSTS=["*"],
        CACHES={
            "default": backend(1),
            "small": backend(
                2,
                COMPRESSOR="django_redis.compressors.zlib.ZlibCompressor",
                SERIALIZER="django_redis.serializers.json.JSONSerializer",
            ),
        },
        MIDDLEWARE=[
            "django.middleware.cache.UpdateCacheMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.cache.FetchFromCacheMiddleware",
        ],
        ROOT_URLCONF=__name__,
        SECRET_KEY="for tests",
        SESSION_CACHE_ALIAS="default",
        SESSION_ENGINE="django.contrib.sessions.backends.cache",
        USE_TZ=True,
    )
    django.setup()


def visits(request):
    request.session["visits"] = request.session.get("visits", 0) + 1
    return HttpResponse(str(request.session["visits"]), headers={"Cache-Control": "private"})


def slow(_request):
    return HttpResponse(str(time.monotonic_ns()))


urlpatterns = [path("visits", visits), path("slow", slow)]


def values():
    assert cache.set("user", {"name": "Ada", "tags": ["a", "b"]}, timeout=60) is True
    assert cache.get("user") == {"name": "Ada", "tags": ["a", "b"]} and cache.get("none", 7) == 7
    assert cache.add("user", 1) is False and cache.add("new", 1) is True and "new" in cache
    cache.set_many({"a": 1, "b": "two"}, timeout=60)
    assert cache.get_many(["a", "none", "b"]) == {"a": 1, "b": "two"}
    assert cache.get_or_set("computed", lambda: 42, timeout=60) == 42
    assert cache.get("computed") == 42
    assert cache.set("a", 5, nx=True) is False and cache.set("a", 5, xx=True) is True
    assert cache.delete("a") is True and cache.delete("a") is False
    assert cache.delete_many(["b", "new", "none"]) == 2
    assert cache.get("user", version=2) is None
    assert cache.set("large", "x" * 100_000) and len(cache.get("large")) == 100_000


def counters():
    """Counting is a script in django-redis; where there are none it reads, adds and writes."""
    cache.set("count", 1, timeout=60)
    assert cache.incr("count") == 2 and cache.incr("count", 10) == 12 and cache.decr("count") == 11
    assert cache.get("count") == 11 and 0 < cache.ttl("count") <= 60
    if has_scripts(get_redis_connection("default")):
        try:
            cache.incr("none")
            raise AssertionError("what isn't there can't be counted up")
        except ValueError:
            pass


def lifetimes():
    cache.set("short", 1, timeout=0.05)
    cache.set("long", 1, timeout=100)
    cache.set("for good", 1, timeout=None)
    assert 99 <= cache.ttl("long") <= 100 and 99_000 < cache.pttl("long") <= 100_000
    assert cache.ttl("for good") is None and cache.ttl("none") == 0
    assert cache.touch("long", 200) and 199 <= cache.ttl("long") <= 200
    assert cache.persist("long") and cache.ttl("long") is None
    assert cache.expire("long", timeout=5) and 0 < cache.ttl("long") <= 5
    time.sleep(0.1)
    assert cache.get("short") is None


def patterns():
    cache.set_many({f"page:{n}": n for n in range(1000)})
    assert len(cache.keys("page:*")) == 1000 and len(set(cache.iter_keys("page:99*"))) == 11
    assert cache.delete_pattern("page:*") == 1000 and cache.keys("page:*") == []
    assert cache.get("for good") == 1
    caches["small"].set("kept", [1, 2])
    cache.clear()
    assert cache.get("for good") is None and caches["small"].get("kept") == [1, 2]


def structures():
    """Sets and hashes by the cache, and the client below it."""
    assert cache.sadd("tags", "a", "b", "c") == 3 and cache.smembers("tags") == {"a", "b", "c"}
    assert cache.sismember("tags", "a") and cache.srem("tags", "a") == 1
    assert cache.scard("tags") == 2
    assert cache.hset("cart", "apples", 3) == 1 and cache.hkeys("cart") == ["apples"]
    assert cache.hlen("cart") == 1 and cache.hexists("cart", "apples")
    raw = get_redis_connection("default")
    assert raw.lpush("raw", 1) == 1 and raw.ttl("raw") == -1


def web():
    one, other = Client(), Client()
    assert [one.get("/visits").content for _ in range(3)] == [b"1", b"2", b"3"]
    assert other.get("/visits").content == b"1"
    assert one.session["visits"] == 3 and 0 < one.session.get_expiry_age() <= 14 * 24 * 3600
    one.session.flush()
    assert one.get("/visits").content == b"1"
    page = Client().get("/slow").content
    assert Client().get("/slow").content == page
    cache.clear()
    assert Client().get("/slow").content != page


def main():
    with larder() as port:
        configure(port)
        for part in (values, counters, lifetimes, patterns, structures, web):
            part()
        for each in caches.all():
            each.close()


if __name__ == "__main__":
    main()
