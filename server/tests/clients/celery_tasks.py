"""Celery with larder for its results and, as far as scripts aren't needed, as its broker.

A worker whose broker is Redis takes a lock that it gives back by a script. So long as larder has
no scripts, tasks travel through memory to a worker in this process, and Redis's queues are used by
kombu, on which Celery stands. With scripts a whole worker runs in a process of its own.
"""

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import redis
from _larder import has_scripts, larder
from celery import chain, group
from celery.contrib.testing.worker import start_worker
from kombu import Connection


@contextmanager
def worker_process():
    command = [sys.executable, "-m", "celery", "-A", "_tasks", "worker", "--pool=solo"]
    command += ["--loglevel=CRITICAL"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, cwd=Path(__file__).parent, **quiet)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def results(tasks, r):
    waiting = [tasks.add.delay(n, n) for n in range(20)]
    assert [result.get(timeout=30) for result in waiting] == [2 * n for n in range(20)]
    assert waiting[0].successful() and waiting[0].state == "SUCCESS"
    assert 0 < r.ttl(f"celery-task-meta-{waiting[0].id}") <= 60
    waiting[0].forget()
    assert r.exists(f"celery-task-meta-{waiting[0].id}") == 0


def failures(tasks):
    failed = tasks.fail.delay()
    try:
        failed.get(timeout=30)
        raise AssertionError("the task fails")
    except ValueError as error:
        assert str(error) == "on purpose"
    assert failed.state == "FAILURE" and "ValueError" in failed.traceback


def retries_and_delays(tasks):
    begun = time.monotonic()
    late = tasks.add.apply_async((1, 2), countdown=0.5)
    assert tasks.stubborn.delay().get(timeout=30) == 2
    assert late.get(timeout=30) == 3 and time.monotonic() - begun > 0.45


def chains_and_groups(tasks):
    assert chain(tasks.add.s(1, 2), tasks.add.s(10)).delay().get(timeout=30) == 13
    sums = group(tasks.add.s(n, 1) for n in range(5)).delay()
    assert sums.get(timeout=30) == [1, 2, 3, 4, 5]
    sums.save()
    assert tasks.app.GroupResult.restore(sums.id).completed_count() == 5


def queues(url, r):
    """kombu's queues in lists, with what isn't acknowledged kept beside them."""
    with Connection(url) as connection, connection.SimpleQueue("letters") as queue:
        for n in range(10):
            queue.put({"n": n}, priority=0)
        assert len(queue) == 10 and r.llen("letters") == 10
        letter = queue.get(timeout=5)
        assert letter.payload == {"n": 0}
        assert r.hlen("unacked") == 1 and r.zcard("unacked_index") == 1
        letter.ack()
        assert r.exists("unacked", "unacked_index") == 0
        queue.get(timeout=5).requeue()
        rest = [queue.get(timeout=5) for _ in range(9)]
        assert sorted(each.payload["n"] for each in rest) == list(range(1, 10))
        for each in rest:
            each.ack()
        assert r.exists("letters", "unacked") == 0


def main():
    with larder() as port, redis.Redis(port=port) as r:
        url = f"redis://127.0.0.1:{port}/0"
        scripts = has_scripts(r)
        os.environ.update(TASKS_BROKER=url if scripts else "memory://", TASKS_BACKEND=url)
        import _tasks as tasks

        here = start_worker(tasks.app, pool="solo", perform_ping_check=False, loglevel="CRITICAL")
        with worker_process() if scripts else here:
            results(tasks, r)
            failures(tasks)
            retries_and_delays(tasks)
            chains_and_groups(tasks)
        queues(url, r)
        tasks.app.close()


if __name__ == "__main__":
    main()
