"""The work that queues hand out: workers import it."""


def add(a, b):
    return a + b


def fail():
    raise ValueError("on purpose")
