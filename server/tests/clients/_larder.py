"""Starts larder for a test in Python, and ends it."""

import os
import socket
import subprocess
import time
from contextlib import closing, contextmanager


def free_port():
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(options):
    """One attempt: the process and its port, or None when the port was taken meanwhile."""
    port = free_port()
    command = [os.environ["LARDER_BIN"], "serve", "--bind", "127.0.0.1", "--port", str(port)]
    command += ["--http-port", "0", "--save", "", "--loglevel", "warning", *options]
    process = subprocess.Popen(command)
    for _ in range(1000):
        if process.poll() is not None:
            return None
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return process, port
        except ConnectionRefusedError:
            time.sleep(0.01)
    process.kill()
    process.wait()
    return None


@contextmanager
def larder(*options):
    """A server with these options on a free port, whose number is given."""
    process, port = next(filter(None, (start(options) for _ in range(5))))
    try:
        yield port
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
    assert process.returncode == 0, f"larder ended with status {process.returncode}"


def has_scripts(client):
    """Whether the server runs scripts, which some of what frameworks do takes."""
    return "evalsha" in str(client.execute_command("COMMAND LIST FILTERBY PATTERN evalsha"))
