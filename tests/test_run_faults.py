"""Nodes that do what no node should: a clear error or a defined behaviour, and the others are unharmed."""

import os
import signal

import pytest

from conftest import actor, until


def healthy(gate=None):
    """Two nodes that must not notice what goes on beside them, nor what comes after the gate."""
    more = [f"gate={gate}", "send=out:100:1000"] if gate else []
    return {
        "pulse": actor("join", "send=out:100:1000:1", *more, outputs=["out"]),
        "heart": actor("join", "quiet", "listen", inputs={"in": {"source": "pulse/out", "queue_policy": "backpressure"}}),
    }


def assert_healthy(output, count=100):
    tally = output.summary("heart")["in"]
    assert (tally["count"], tally["gaps"], tally["bad"]) == (count, 0, 0)


def test_prints_100_mb(run, flow):
    """All of it is in the log file, none of it in dora's memory."""
    size = 100 * 1000 * 1000
    path = flow(loud=actor("join", f"print={size}", "say=", "say=last"), **healthy())
    done = run(path, "--log-level", "error", "--log-filter", "heart=stdout")
    assert done.status == 0, done.stderr
    assert_healthy(done)
    log = path.parent / "out" / done.dataflow / "log_loud.jsonl"
    with log.open("rb") as file:
        lines = sum(1 for _ in file)
        file.seek(-200, os.SEEK_END)
        assert b'"msg":"last"' in file.read()
    log.unlink()
    assert lines >= size // 90


def test_ignores_stop(start, flow):
    """And is killed when its user insists; test_run_ending.py has the way without."""
    running = start(flow(deaf=actor(f"ignore={signal.SIGTERM}", "join", "say=up", "hang"), **healthy()))
    running.wait_for("deaf", "up")
    running.wait_for("heart", "stop ALL_INPUTS_CLOSED")
    running.send_signal(signal.SIGINT)
    running.wait_for_stderr("Ctrl-C again kills")
    running.send_signal(signal.SIGINT)
    assert running.wait(9) == 1
    assert_healthy(running)


def test_forks(run, flow):
    """A child can't speak for its parent, nor outlive the dataflow."""
    done = run(
        flow(
            parent=actor("join", "child", "send=out:10:8", "family", outputs=["out"]),
            sink=actor("join", "quiet", "listen", inputs={"in": "parent/out"}),
            **healthy(),
        )
    )
    assert done.status == 0, done.stderr
    assert done.lines("parent") == ["child: No child processes"]
    assert done.summary("sink")["in"]["count"] == 10
    assert_healthy(done)


def test_sends_on_an_unknown_output(run, flow):
    done = run(
        flow(
            source=actor("join", "try=nope:8", "send=out:3:8", outputs=["out"]),
            sink=actor("join", "quiet", "listen", inputs={"in": "source/out"}),
            **healthy(),
        )
    )
    assert done.status == 0, done.stderr
    (words,) = done.lines("source")
    assert words.startswith("try: No such file or directory: ") and "`nope`" in words
    assert done.summary("sink")["in"]["count"] == 3
    assert_healthy(done)


def test_sends_0_bytes(run, flow):
    done = run(
        flow(
            source=actor("join", "try=out:0", "send=out:2:0", outputs=["out"]),
            sink=actor("join", "listen", inputs={"in": "source/out"}),
            **healthy(),
        )
    )
    assert done.status == 0, done.stderr
    assert [line.split()[-1] for line in done.lines("sink") if line.startswith("input")] == ["0"] * 3
    assert_healthy(done)


@pytest.mark.release_only
def test_sends_4_gib(run, flow):
    """As the machine's memory allows: it arrives, or the loan says why not and the node goes on."""
    size = 4 << 30
    with open("/proc/meminfo") as info:
        available = next(int(line.split()[1]) << 10 for line in info if line.startswith("MemAvailable"))
    if available < 2 * size:
        size = available * 1000  # more than any memory: what is available must not be used up by a test
    done = run(
        flow(
            source=actor("join", f"loan=out:{size}", "send=out:2:8", outputs=["out"]),
            sink=actor("join", "bare", "listen", inputs={"in": "source/out"}),
            **healthy(),
        )
    )
    assert done.status == 0, done.stderr
    (words,) = done.lines("source")
    sizes = [line.split()[-1] for line in done.lines("sink") if line.startswith("input")]
    if words == "loan: sent":
        assert sizes == [str(size), "8", "8"]
    else:
        assert words.startswith("loan: No space left on device: ") and str(size) in words
        assert sizes == ["8", "8"]
    assert_healthy(done)


def test_a_loan_of_more_than_any_memory_is_an_error(run, flow):
    size = 1 << 50
    done = run(
        flow(
            source=actor("join", f"loan=out:{size}", "send=out:2:8", outputs=["out"]),
            sink=actor("join", "quiet", "listen", inputs={"in": "source/out"}),
        )
    )
    assert done.status == 0, done.stderr
    (words,) = done.lines("source")
    assert words.startswith("loan: No space left on device: ") and str(size) in words
    assert done.summary("sink")["in"]["count"] == 2


def test_is_stopped_with_sigstop(start, flow, tmp_path):
    """Whoever sends to it goes on, what it misses is counted, and it goes on where it was."""
    gate = tmp_path / "gate"
    running = start(
        flow(
            source=actor("join", "send=out:1:8", f"gate={gate}", "send=out:5000:8", "say=sent", outputs=["out"]),
            frozen=actor("join", "pid", "listen", inputs={"in": "source/out"}),
            other=actor("join", "quiet", "listen", inputs={"in": "source/out"}),
            **healthy(gate),
        )
    )
    pid = int(running.wait_for("frozen", "pid ").split()[1])
    running.wait_for("frozen", "input in 0")
    os.kill(pid, signal.SIGSTOP)
    until(lambda: open(f"/proc/{pid}/stat").read().split(") ")[1][0] == "T")
    gate.touch()
    running.wait_for("source", "sent")
    running.wait_for("other", "stop ALL_INPUTS_CLOSED")
    running.wait_for("heart", "stop ALL_INPUTS_CLOSED")
    os.kill(pid, signal.SIGCONT)
    assert running.wait() == 0, running.stderr
    tally = running.summary("frozen")["in"]
    assert (tally["count"], tally["last"], tally["dropped"]) == (11, 5000, 4990)
    assert_healthy(running, 200)


def test_a_node_that_is_stopped_with_sigstop_can_be_ended(start, flow):
    running = start(flow(frozen=actor("join", "pid", "listen"), **healthy()))
    pid = int(running.wait_for("frozen", "pid ").split()[1])
    os.kill(pid, signal.SIGSTOP)
    running.wait_for("heart", "stop ALL_INPUTS_CLOSED")
    running.send_signal(signal.SIGINT)
    running.wait_for_stderr("Ctrl-C again kills")
    running.send_signal(signal.SIGINT)
    assert running.wait(9) == 1
    assert_healthy(running)


def test_floods(start, flow):
    """Its receivers drop what they can't take, and count it."""
    running = start(
        flow(
            flood=actor("join", "flood=out:100", outputs=["out"]),
            slow=actor("join", "quiet", "work=1000", "listen", inputs={"in": "flood/out"}),
            **healthy(),
        )
    )
    running.wait_for("heart", "stop ALL_INPUTS_CLOSED")
    assert running.stop() == 0, running.stderr
    tally = running.summary("slow")["in"]
    assert tally["dropped"] > tally["count"] > 0 and tally["bad"] == 0
    assert tally["count"] + tally["dropped"] >= tally["last"] + 1
    assert_healthy(running)
