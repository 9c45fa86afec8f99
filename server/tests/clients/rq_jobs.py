"""RQ: jobs, results, failures, schedules and dependencies, by workers in burst mode."""

import time
from datetime import timedelta

import _jobs
import redis
from _larder import larder
from rq import Queue, Retry, SimpleWorker, Worker
from rq.exceptions import NoSuchJobError
from rq.job import Job, JobStatus
from rq.registry import FailedJobRegistry, FinishedJobRegistry, ScheduledJobRegistry


def work(r, *queues, **options):
    worker = SimpleWorker(queues, connection=r)
    worker.work(burst=True, logging_level="CRITICAL", **options)
    return worker


def results(r):
    queue = Queue("sums", connection=r)
    job = queue.enqueue(_jobs.add, 2, 3, result_ttl=60)
    assert job.get_status() == JobStatus.QUEUED and queue.job_ids == [job.id]
    work(r, queue)
    assert job.get_status(refresh=True) == JobStatus.FINISHED and job.return_value() == 5
    assert queue.count == 0 and job.id in FinishedJobRegistry(queue=queue)
    assert 0 < r.ttl(job.key) <= 60 and Job.fetch(job.id, connection=r).args == (2, 3)


def order(r):
    low, high = Queue("low", connection=r), Queue("high", connection=r)
    jobs = [low.enqueue(_jobs.add, n, 0) for n in range(20)]
    urgent = high.enqueue(_jobs.add, 100, 0)
    first = low.enqueue(_jobs.add, 50, 0, at_front=True)
    work(r, high, low)
    ended = {job.id: job.ended_at for job in Job.fetch_many([j.id for j in jobs], connection=r)}
    for job in (first, urgent):
        job.refresh()
    assert urgent.ended_at < first.ended_at < min(ended.values())
    assert list(ended.values()) == sorted(ended.values())


def failures(r):
    queue = Queue("bad", connection=r)
    job = queue.enqueue(_jobs.fail)
    again = queue.enqueue(_jobs.fail, retry=Retry(max=2))
    work(r, queue)
    failed = FailedJobRegistry(queue=queue)
    assert sorted(failed.get_job_ids()) == sorted([job.id, again.id])
    assert "on purpose" in job.latest_result().exc_string
    again.refresh()
    assert again.retries_left == 0 and again.get_status() == JobStatus.FAILED
    failed.requeue(job.id)
    assert queue.job_ids == [job.id]
    job.delete()
    try:
        Job.fetch(job.id, connection=r)
        raise AssertionError("it was deleted")
    except NoSuchJobError:
        pass


def dependencies(r):
    queue = Queue("chain", connection=r)
    first = queue.enqueue(_jobs.add, 1, 1)
    second = queue.enqueue(_jobs.add, 2, 2, depends_on=first)
    assert second.get_status() == JobStatus.DEFERRED and queue.count == 1
    work(r, queue)
    assert second.get_status(refresh=True) == JobStatus.FINISHED and second.return_value() == 4


def schedules(r):
    queue = Queue("later", connection=r)
    job = queue.enqueue_in(timedelta(hours=1), _jobs.add, 3, 4)
    scheduled = ScheduledJobRegistry(queue=queue)
    assert job.id in scheduled and abs(r.zscore(scheduled.key, job.id) - time.time() - 3600) < 60
    scheduled.remove(job)
    assert scheduled.count == 0


def forked(r):
    """A worker that runs each job in a process of its own, woken by BLMOVE."""
    queue = Queue("forked", connection=r)
    job = queue.enqueue(_jobs.add, 20, 22)
    worker = Worker([queue], connection=r)
    assert worker.work(burst=True, logging_level="ERROR") is True
    assert job.return_value(refresh=True) == 42
    assert Worker.all(connection=r) == []


def main():
    with larder() as port, redis.Redis(port=port) as r:
        for part in (results, order, failures, dependencies, schedules, forked):
            part(r)


if __name__ == "__main__":
    main()
