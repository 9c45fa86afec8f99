"""redis-cli, by line, by pipe and by mass insertion, and redis-benchmark against larder."""

import os
import subprocess

from _larder import larder


def run(program, port, *args, stdin=""):
    command = [os.environ[program], "-p", str(port), *args]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def cli(port):
    assert run("REDIS_CLI", port, "set", "greeting", "hello world") == "OK\n"
    assert run("REDIS_CLI", port, "get", "greeting") == "hello world\n"
    assert run("REDIS_CLI", port, "--no-raw", "get", "none") == "(nil)\n"
    assert run("REDIS_CLI", port, "--no-raw", "incr", "n") == "(integer) 1\n"
    assert "unknown command" in run("REDIS_CLI", port, "nosuch")
    assert run("REDIS_CLI", port, "-3", "hset", "h", "f", "v") == "1\n"
    assert run("REDIS_CLI", port, "-3", "--no-raw", "hgetall", "h") == '1# "f" => "v"\n'
    assert run("REDIS_CLI", port, "-n", "3", "dbsize") == "0\n"
    assert "redis_version:" in run("REDIS_CLI", port, "info", "server")


def session(port):
    """What is typed into one session, in which the connection's state lasts."""
    lines = ["multi", "incr n", "get greeting", "exec", "select 2", "get greeting", "client id"]
    said = run("REDIS_CLI", port, "--no-raw", stdin="\n".join(lines) + "\n").splitlines()
    assert said[:3] == ["OK", "QUEUED", "QUEUED"], said
    assert said[3:5] == ["1) (integer) 2", '2) "hello world"'], said
    assert said[5:7] == ["OK", "(nil)"] and said[7].startswith("(integer) "), said


def mass_insertion(port):
    commands = []
    for n in range(20_000):
        key, value = f"mass:{n}", f"value {n}"
        commands.append(f"*3\r\n$3\r\nSET\r\n${len(key)}\r\n{key}\r\n${len(value)}\r\n{value}\r\n")
    said = run("REDIS_CLI", port, "--pipe", stdin="".join(commands))
    assert "errors: 0, replies: 20000" in said, said
    keys = run("REDIS_CLI", port, "--scan", "--pattern", "mass:*").split()
    assert len(keys) == len(set(keys)) == 20_000


def benchmark(port):
    tests = ["-q", "-n", "10000", "-t", "ping,set,get,incr,hset,mset"]
    for options in ([], ["-P", "16"], ["-c", "1", "-n", "1000"], ["-d", "10000"], ["-3"]):
        said = run("REDIS_BENCHMARK", port, *tests, *options)
        assert "requests per second" in said and "rror" not in said, said
        assert said.count("requests per second") >= 6, said


def password():
    with larder("--requirepass", "secret") as port:
        assert "NOAUTH" in run("REDIS_CLI", port, "get", "k")
        assert run("REDIS_CLI", port, "--no-auth-warning", "-a", "secret", "ping") == "PONG\n"
        said = run("REDIS_BENCHMARK", port, "-a", "secret", "-q", "-n", "1000", "-t", "set")
        assert "requests per second" in said, said


def main():
    with larder() as port:
        cli(port)
        session(port)
        mass_insertion(port)
        benchmark(port)
    password()


if __name__ == "__main__":
    main()
