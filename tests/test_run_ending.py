"""How a dataflow ends: by itself, when asked to, when nodes will not, and when nodes fail."""

import os
import signal

import pytest

from conftest import MARK, actor, marked, until


def controls(output, node):
    """The node's lines that are no message, tick or count."""
    return [line for line in output.lines(node) if line.split()[0] not in ("input", "tick", "summary")]


# ---- By itself ----


def test_the_end_goes_down_a_chain(run, flow):
    def relay(source):
        return actor("join", "echo=out", "listen", inputs={"in": f"{source}/out"}, outputs=["out"])

    source = actor("join", "send=out:3:8", outputs=["out"])
    done = run(flow(source=source, a=relay("source"), b=relay("a"), c=relay("b")))
    assert done.status == 0, done.stderr
    for node in "abc":
        assert controls(done, node) == ["closed in", "stop ALL_INPUTS_CLOSED", "end"]
        assert done.summary(node)["in"]["count"] == 3


def test_an_input_closes_after_its_last_message(run, flow):
    done = run(
        flow(
            source=actor("join", "send=a:2:8", "close=a", "try=a:8", "send=b:2:8", outputs=["a", "b"]),
            sink=actor("join", "listen", inputs={"a": "source/a", "b": "source/b"}),
        )
    )
    assert done.status == 0, done.stderr
    assert done.lines("source")[0].startswith("try: Broken pipe: ")
    lines = [line for line in done.lines("sink") if not line.startswith("summary")]
    for id, numbers in ("a", (0, 1)), ("b", (2, 3)):
        assert [line for line in lines if line.split()[1:2] == [id]] == [
            *(f"input {id} {number} 8" for number in numbers),
            f"closed {id}",
        ]
    assert lines[-2:] == ["stop ALL_INPUTS_CLOSED", "end"]


@pytest.fixture
def timed(flow):
    """A sink with a timer beside its data, written with further keys of the dataflow."""
    inputs = {"in": "source/out", "tick": "dora/timer/millis/10"}

    def write(**top):
        source = actor("join", "send=out:3:8", outputs=["out"])
        return flow(top, source=source, sink=actor("join", "listen", inputs=inputs))

    return write


def test_a_timer_keeps_a_node(start, timed):
    running = start(timed())
    running.wait_for("sink", "closed in")
    ticks = sum(line.startswith("tick") for line in running.lines("sink"))
    running.wait_for("sink", "tick", ticks + 3)
    assert running.stop() == 0, running.stderr
    assert controls(running, "sink") == ["closed in", "stop MANUAL", "end"]


@pytest.mark.parametrize("by", ["descriptor", "option"])
def test_exit_when_nodes_finish(run, timed, by):
    done = run(timed(exit_when_nodes_finish=True)) if by == "descriptor" else run(timed(), "--exit-when-nodes-finish")
    assert done.status == 0, done.stderr
    assert controls(done, "sink") == ["closed in", "stop ALL_INPUTS_CLOSED", "end"]


# ---- When asked to ----


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_in_good_order(start, flow, number):
    running = start(
        flow(
            source=actor("join", "flood=out:8", "say=bye", outputs=["out"]),
            sink=actor("join", "quiet", "say=up", "listen", "say=bye", inputs={"in": "source/out"}),
        )
    )
    running.wait_for("sink", "up")
    running.send_signal(number)
    assert running.wait() == 0, running.stderr
    assert running.lines("source") == ["bye"]
    assert controls(running, "sink")[1:3] == ["stop MANUAL", "end"]
    assert running.lines("sink")[-1] == "bye"


def test_a_second_signal_kills_at_once(start, flow):
    running = start(flow(a=actor(f"ignore={signal.SIGTERM}", "join", "say=up", "hang"), b=actor("join", "wait")))
    running.wait_for("a", "up")
    running.send_signal(signal.SIGINT)
    running.wait_for_stderr("Ctrl-C again kills")
    until(lambda: not any("join wait" in command for command in marked(os.environ[MARK]).values()), "the end of b")
    running.send_signal(signal.SIGINT)
    assert running.wait(9) == 1  # before the grace time would have ended it
    assert "Node `a` failed: was killed by dora because the dataflow was to end at once (SIGKILL)" in running.stderr
    assert "Node `b` failed" not in running.stderr


@pytest.mark.release_only
def test_who_ignores_stop_is_terminated_then_killed(start, flow):
    """The only test that has to see the grace times pass: SIGTERM after 10 s, SIGKILL after 5 more."""
    running = start(
        flow(
            good=actor("join", "say=up", "wait"),
            deaf=actor("join", "say=up", "hang"),
            stubborn=actor(f"ignore={signal.SIGTERM}", "join", "say=up", "hang"),
            frozen=actor("join", "say=up", f"raise={int(signal.SIGSTOP)}"),
        )
    )
    for node in "good", "deaf", "stubborn", "frozen":
        running.wait_for(node, "up")
    assert running.stop() == 1
    for node in "stubborn", "frozen":
        assert (
            f"Node `{node}` failed: was killed by dora because it didn't react to a stop message in time (SIGKILL)"
            in running.stderr
        )
    for node in "good", "deaf":
        assert f"Node `{node}` failed" not in running.stderr


def test_a_dataflow_can_be_stopped_before_it_has_started(start, flow):
    running = start(flow(a=actor("pid", "join"), b=actor("say=up", "hang")))
    running.wait_for("b", "up")
    pid = running.wait_for("a", "pid ").split()[1]
    running.send_signal(signal.SIGINT)
    running.wait_for("a", "The dataflow was stopped before all its nodes had started.")
    until(lambda: not os.path.exists(f"/proc/{pid}"), "the end of `a`")
    running.send_signal(signal.SIGINT)
    assert running.wait() == 1
    assert "Node `a` failed" not in running.stderr


# ---- When nodes fail ----


@pytest.mark.parametrize(
    "script, words",
    [
        (["exit=3"], "exited with code 3"),
        (["crash"], "exited because of signal SIGSEGV"),
        ([f"raise={int(signal.SIGKILL)}"], "exited because of signal SIGKILL"),
        ([f"raise={int(signal.SIGTERM)}"], "exited because of signal SIGTERM"),
    ],
)
def test_a_failure_reaches_consumers_and_no_one_else(run, flow, script, words):
    """They learn who failed and how, then that their input is at its end; the others go on."""
    done = run(
        flow(
            source=actor("join", "send=out:2:8", "cry=last words", *script, outputs=["out"]),
            sink=actor("join", "listen", inputs={"in": "source/out", "other": "bystander/out"}),
            bystander=actor("join", "send=out:30:8:10", "say=done", outputs=["out"]),
        )
    )
    assert done.status == 1
    assert f"Node `source` failed: {words} with stderr output:\n-----" in done.stderr
    assert "last words" in done.stderr[done.stderr.index("Node `source` failed") :]
    assert "Node `sink`" not in done.stderr and "Node `bystander`" not in done.stderr
    lines = controls(done, "sink")
    assert lines.index(f"failed source: {words}") < lines.index("closed in") < lines.index("stop ALL_INPUTS_CLOSED")
    assert (done.summary("sink")["in"]["count"], done.summary("sink")["other"]["count"]) == (2, 30)
    assert done.lines("bystander") == ["done"]


def test_a_killed_node_is_a_failure_of_its_own(start, flow):
    running = start(
        flow(
            source=actor("join", "pid", "wait", outputs=["out"]),
            sink=actor("join", "listen", inputs={"in": "source/out"}),
        )
    )
    pid = int(running.wait_for("source", "pid ").split()[1])
    os.kill(pid, signal.SIGKILL)
    assert running.wait() == 1
    assert "Node `source` failed: exited because of signal SIGKILL" in running.stderr
    assert controls(running, "sink")[-2:] == ["stop ALL_INPUTS_CLOSED", "end"]


def test_what_failed_first_is_told_first(run, flow, tmp_path):
    second = tmp_path / "second"
    done = run(
        flow(
            late=actor("join", f"gate={second}", "listen", "exit=4", inputs={"in": "early/out"}),
            early=actor("join", f"touch={second}", "exit=3", outputs=["out"]),
        )
    )
    assert done.status == 1
    summary = done.stderr[done.stderr.index("Dataflow failed:") :]
    assert summary.index("Node `early` failed: exited with code 3") < summary.index("Node `late` failed: exited with")


def test_a_long_stderr_is_cut_where_the_log_goes_on(run, flow):
    path = flow(a=actor("join", *(f"cry=line {i}" for i in range(100)), "exit=1"))
    done = run(path)
    summary = done.stderr[done.stderr.index("Dataflow failed:") :]
    assert "line 99\n" in summary and "line 10\n" not in summary
    assert f"out/{done.dataflow}/log_a.jsonl" in summary
    assert len(done.log(path, "a")) == 100


def test_children_of_a_node_do_not_outlive_it(start, flow):
    """Whatever they did to escape, and though the node itself ended well."""
    running = start(flow(a=actor("join", "family", "say=up"), b=actor("join", "say=up", "wait")))
    running.wait_for("a", "up")
    running.wait_for("b", "up")
    assert running.stop() == 0, running.stderr
    until(lambda: not marked(os.environ["DORA_TEST_MARK"]), "the end of the family", 5)
