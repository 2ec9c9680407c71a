"""Restarts, health checks, input timeouts, cores."""

import os
import signal

import pytest

from conftest import actor


def controls(output, node):
    return [line for line in output.lines(node) if line.split()[0] not in ("input", "tick", "summary")]


# A source whose input nobody closes before the test says so: a node without open inputs isn't restarted.
def keeper(*script):
    return actor("join", *(script or ["wait"]), outputs=["out"])


def restarted(*script, **keys):
    return actor("join", "restarts", *script, inputs={"in": "keeper/out"}, outputs=["out"], **keys)


@pytest.mark.parametrize(
    "policy, exit, runs",
    [("never", 3, 1), ("on-failure", 3, 3), ("on-failure", 0, 1), ("always", 0, 3), ("always", 3, 3)],
)
def test_restart_policies(start, flow, policy, exit, runs):
    """The third run stays, where it comes to that."""
    again = policy == "always" or (policy == "on-failure" and exit != 0)
    running = start(
        flow(
            keeper=keeper(),
            node=restarted(f"@0:exit={exit}", f"@1:exit={exit}", "listen", restart_policy=policy),
            sink=actor("join", "listen", inputs={"in": "node/out"}),
        )
    )
    if again:
        running.wait_for("node", "run 2")
        running.wait_for("sink", "restarted node", 2)
    else:
        running.wait_for("sink", "closed in")
    running.stop()
    assert [line for line in running.lines("node") if line.startswith("run")] == [f"run {i}" for i in range(runs)]
    assert running.process.returncode == (1 if policy == "never" else 0), running.stderr
    if again:
        assert "closed in" not in running.lines("sink")


def test_a_node_that_always_fails_is_given_up(run, flow, tmp_path):
    """After max_restarts; then its consumers are told, not before."""
    gate = tmp_path / "gate"
    done = run(
        flow(
            keeper=keeper(f"gate={gate}"),
            node=restarted("exit=3", restart_policy="on-failure", max_restarts=3, restart_delay=0.01),
            sink=actor("join", "listen", f"touch={gate}", inputs={"in": "node/out"}),
        )
    )
    assert done.status == 1
    assert done.lines("node") == [f"run {i}" for i in range(4)]
    assert controls(done, "sink") == [
        *["restarted node"] * 3,
        "failed node: exited with code 3",
        "closed in",
        "stop ALL_INPUTS_CLOSED",
        "end",
    ]
    assert "node `node` exited with code 3; restarting it (3 of 3)" in done.stderr
    assert "node `node`: max restarts (3) exceeded, giving up" in done.stderr
    assert "Node `node` failed: exited with code 3" in done.stderr


def test_a_delay_can_be_interrupted(start, flow):
    """Who waits to be restarted does not keep a dataflow from ending."""
    running = start(flow(keeper=keeper(), node=restarted("exit=3", restart_policy="always", restart_delay=3600)))
    running.wait_for_stderr("restarting it")
    running.send_signal(signal.SIGINT)
    assert running.wait(9) == 1
    assert running.lines("node") == ["run 0"]


def test_a_window_forgives(start, flow, tmp_path):
    """Failures further apart than restart_window are not counted together: here each is, for there is a delay."""
    script = [f"@{i}:exit=3" for i in range(4)]
    keys = dict(restart_policy="on-failure", max_restarts=1, restart_delay=0.05)
    running = start(
        flow(keeper=keeper(), node=restarted(*script, "listen", restart_window=0.01, **keys), name="a/flow.yml")
    )
    running.wait_for("node", "run 4")
    assert running.stop() == 0, running.stderr
    strict = start(
        flow(
            keeper=keeper(),
            node=restarted(*script, "listen", restart_window=60, **keys),
            sink=actor("join", "listen", inputs={"in": "node/out"}),
            name="b/flow.yml",
        )
    )
    strict.wait_for("sink", "stop ALL_INPUTS_CLOSED")
    assert strict.stop() == 1
    assert strict.lines("node")[-1] == "run 1"


def test_consumers_go_on_with_the_next_generation(start, flow):
    """Their inputs stay open; what was sent before a crash arrives, and then what the next run sends."""
    running = start(
        flow(
            keeper=keeper(),
            node=restarted("send=out:5:1000", "@0:crash", "@1:raise=9", "listen", restart_policy="on-failure"),
            sink=actor("join", "listen", inputs={"in": "node/out"}),
        )
    )
    running.wait_for("sink", "input in 4 1000", 3)
    assert running.stop() == 0, running.stderr
    inputs = [line for line in running.lines("sink") if line.startswith("input")]
    assert inputs == [f"input in {number} 1000" for number in range(5)] * 3
    tally = running.summary("sink")["in"]
    assert (tally["bad"], tally["back"], tally["dropped"]) == (0, 2, 0)
    assert controls(running, "sink") == ["restarted node"] * 2 + ["stop MANUAL", "end"]


def test_a_restarted_consumer_gets_what_comes_then(start, flow):
    running = start(
        flow(
            source=actor("join", "flood=out:8", outputs=["out"]),
            sink=actor("join", "restarts", "@0:listen=1", "@0:exit=1", "quiet", "listen=100", "say=had", "wait",
                       inputs={"in": "source/out"}, restart_policy="on-failure"),
        )
    )  # fmt: skip
    running.wait_for("sink", "had")
    assert running.stop() == 0, running.stderr
    tally = running.summary("sink")["in"]
    assert tally["count"] == 100 and tally["bad"] == tally["back"] == 0


def test_a_node_whose_inputs_have_ended_is_not_restarted(run, flow):
    done = run(
        flow(
            source=actor("join", outputs=["out"]),
            sink=actor("join", "restarts", "listen", inputs={"in": "source/out"}, restart_policy="always"),
        )
    )
    assert done.status == 0, done.stderr
    assert [line for line in done.lines("sink") if line.startswith("run")] == ["run 0"]


def test_a_hung_node_is_killed_and_an_idle_one_is_not(start, flow):
    keys = dict(health_check_timeout=0.2)
    running = start(
        flow(
            {"health_check_interval": 0.1},
            keeper=keeper(),
            idle=actor("join", "listen", inputs={"in": "keeper/out"}, **keys),
            hung=restarted("@0:hang", "@1:hang", "listen", restart_policy="on-failure", **keys),
        )
    )
    running.wait_for("hung", "run 2")
    assert running.stop() == 0, running.stderr
    assert running.stderr.count("silent for longer than its health_check_timeout (0.2 s); restarting it") == 2
    assert controls(running, "idle") == ["stop MANUAL", "end"]


def test_a_hung_node_that_may_not_restart_has_failed(run, flow):
    done = run(flow(hung=actor("join", "hang", health_check_timeout=0.1)))
    assert done.status == 1
    assert "Node `hung` failed: was killed by dora because it was silent for longer" in done.stderr


def test_an_input_timeout_closes_and_recovers(start, flow, tmp_path):
    gate = tmp_path / "gate"
    running = start(
        flow(
            source=actor("join", f"gate={gate}1", "send=out:2:8", f"gate={gate}2", "send=out:2:8", f"gate={gate}3",
                         outputs=["out"]),
            sink=actor("join", "say=up", "listen", inputs={"in": {"source": "source/out", "input_timeout": 0.1}}),
        )
    )  # fmt: skip
    running.wait_for("sink", "up")
    (tmp_path / "gate1").touch()
    running.wait_for("sink", "closed in")
    assert "stop" not in " ".join(running.lines("sink"))  # it may come back
    (tmp_path / "gate2").touch()
    running.wait_for("sink", "recovered in")
    running.wait_for("sink", "closed in", 2)
    (tmp_path / "gate3").touch()
    assert running.wait() == 0, running.stderr
    lines = [line for line in running.lines("sink") if not line.startswith("summary")]
    assert lines.index("input in 1 8") < lines.index("closed in") < lines.index("input in 2 8")
    assert lines[-2:] == ["stop ALL_INPUTS_CLOSED", "end"]
    assert running.summary("sink")["in"]["count"] == 4


def test_cores(run, flow):
    cores = sorted(os.sched_getaffinity(0))
    done = run(
        flow(
            one=actor("join", "cores", cpu_affinity=cores[-1:]),
            any=actor("join", "cores"),
            beyond=actor("join", "cores", cpu_affinity=[cores[0], 4000]),
        )
    )
    assert done.status == 0, done.stderr
    assert done.lines("one") == [f"cores {cores[-1]}"]
    assert done.lines("any") == ["cores " + " ".join(map(str, cores))]
    assert done.lines("beyond") == [f"cores {cores[0]}"]
    assert "4000" in done.stderr
