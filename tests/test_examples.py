"""Each example runs to its end, and its nodes say what they should."""

import re

from conftest import BUILD


def ran(run, name):
    done = run(BUILD / "examples" / name / "dataflow.yml")
    assert done.status == 0, done.stdout + done.stderr
    return done


def test_pipeline(run):
    ran(run, "pipeline")


def test_image(run):
    ran(run, "image")


def test_poll_loop(run):
    assert ran(run, "poll-loop").lines("worker")[-1] == "received 800 values"


def test_service(run):
    done = ran(run, "service")
    for client in ("client-1", "client-2"):
        assert done.lines(client) == [f"{number}² = {number**2}" for number in range(1, 6)]
    assert done.lines("server") == ["answered 10 requests"]


def test_action(run):
    goals = " ".join(ran(run, "action").lines("client"))
    there, midway, back = re.fullmatch(r"drive to 3 (.*) drive to 1000 (.*) drive to 0 (.*)", goals).groups()
    assert there == "  at 1   at 2   at 3 succeeded at 3"
    assert midway.startswith("  at 4   at 5   at 6   that's far enough")
    assert 6 <= int(re.search(r" canceled at (\d+)$", midway).group(1)) < 1000
    assert back.endswith("  at 1   at 0 succeeded at 0")


def test_streaming(run):
    first, second, third = ran(run, "streaming").lines("listener")
    assert first == "segment 0: Hello, I can count."
    assert re.fullmatch(r"segment 1 was given up after: 1 2 3 4 5( \d+)*", second)
    assert third == "segment 2: I have finished."
