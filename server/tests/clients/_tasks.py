"""A Celery application, for a worker and for whoever sends it tasks."""

import os

from celery import Celery

app = Celery("tasks", broker=os.environ["TASKS_BROKER"], backend=os.environ["TASKS_BACKEND"])
app.conf.update(
    broker_connection_retry_on_startup=True,
    broker_transport_options={"polling_interval": 0.02},
    result_expires=60,
    task_default_queue="tasks",
    worker_hijack_root_logger=False,
)


@app.task
def add(a, b):
    return a + b


@app.task
def fail():
    raise ValueError("on purpose")


@app.task(bind=True, max_retries=2)
def stubborn(self):
    if self.request.retries < 2:
        raise self.retry(countdown=0.05)
    return self.request.retries
