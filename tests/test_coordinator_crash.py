"""A coordinator that is killed at any point, and daemons that are; the dataflows in the meantime."""

import os
import pathlib
import re
import signal

import pytest

from conftest import MARK, actor, marked, until
from control import Peer
from coordinator_alone import (  # noqa: F401
    LISTENER,
    coordinator,
    crash_points,
    daemon,
    dataflow,
    restart_coordinator,
    wait_for_daemon,
)
from system import system  # noqa: F401

# ruff: noqa: F811


@pytest.mark.parametrize("point", [point for point in crash_points() if not point.startswith(("stop", "release", "move"))])
def test_a_coordinator_that_dies_while_it_starts_a_dataflow(system, coordinator, daemon, flow, point):
    first = coordinator(DORA_COORDINATOR_CRASH_AT=point)
    if point.startswith("register"):
        assert first.wait(timeout=20) == 99
        first = coordinator()
    wait_for_daemon(system)
    path = flow(**LISTENER)
    done = system.dora("start", path, "--detach", "--name", "one", status=None)
    if point.startswith("end"):
        system.dora("stop", "one", status=None)
    if not point.startswith("register"):
        assert first.wait(timeout=20) == 99
        assert point.startswith(("end", "update")) or done.status == 1, done
        restart_coordinator(system, coordinator)
    listed = until(lambda: [one for one in system.list() if one["status"] != "starting"] or point == "start-before-row")
    if point == "start-before-row":
        assert system.list() == []
    elif point == "start-after-row":
        assert [one["status"] for one in listed] == ["failed"]
    elif point.startswith("end"):
        assert [one["status"] for one in listed] == ["finished"]
    else:
        assert [one["status"] for one in listed] == ["running"]
    # Whatever it was, the same dataflow can be started, or stopped, now.
    if listed is True or listed[0]["status"] != "running":
        system.start(path, "--name", "one")
    system.dora("stop", "one")
    assert system.list()[0]["status"] == "finished"


@pytest.mark.parametrize("point", [point for point in crash_points() if point.startswith("stop")])
def test_a_coordinator_that_dies_while_it_stops_a_dataflow(system, coordinator, daemon, flow, point):
    first = coordinator(DORA_COORDINATOR_CRASH_AT=point)
    wait_for_daemon(system)
    system.start(flow(**LISTENER), "--name", "one")
    done = system.dora("stop", "one", status=None)
    assert done.status == 1 and first.wait(timeout=20) == 99
    restart_coordinator(system, coordinator)
    if point == "stop-before-daemon":
        assert [one["status"] for one in system.list()] == ["running"]
        system.dora("stop", "one")
    until(lambda: [one["status"] for one in system.list()] == ["finished"], "the end")


def test_data_flows_on_while_the_coordinator_is_killed_again_and_again(system, coordinator, daemon, flow):
    process = coordinator()
    wait_for_daemon(system)
    ticks = {"t": "dora/timer/secs/10"}  # something to wait for at the end
    path = flow(
        source=actor("join", "send=out:2000:64:1", "quiet", "listen", outputs=["out"], inputs=ticks),
        sink=actor("join", "listen", inputs={"in": {"source": "source/out", "queue_size": 1000}}),
    )
    uuid = system.start(path, "--name", "traffic")
    log = path.parent / "out" / uuid / "log_sink.jsonl"
    for _ in range(10):
        process.send_signal(signal.SIGKILL)
        process.wait()
        size = log.stat().st_size
        until(lambda: log.stat().st_size > size, "a message without a coordinator")
        process = coordinator()
        wait_for_daemon(system)
        assert system.status_of(uuid) == "running"
    until(lambda: "input in 1999 " in log.read_text(), "the last message")
    system.dora("stop", "traffic")
    assert "summary in count=2000 first=0 last=1999 gaps=0 bad=0" in log.read_text()


def test_a_killed_daemon_takes_its_nodes_with_it_and_the_coordinator_says_so(system, coordinator, daemon, flow):
    coordinator()
    wait_for_daemon(system)
    system.start(flow(**LISTENER), "--name", "one")
    daemon.kill()
    until(lambda: [one["status"] for one in system.list()] == ["failed"], "the loss")
    peer = Peer(coordinator.socket, "cli")
    assert peer.call("dataflow.get", dataflow="one")["error"] == "lost with its daemon"
    peer.close()


@pytest.mark.release_only
def test_with_fifty_nodes_coordinator_and_daemon_take_little_memory(system, coordinator, daemon, flow):
    coordinator()
    wait_for_daemon(system)
    uuid = system.start(flow(**{f"n{i}": LISTENER["a"] for i in range(50)}))
    until(lambda: system.status_of(uuid) == "running", "the dataflow")
    total = 0
    for pid, command in marked(os.environ[MARK]).items():
        if command.split()[1:2] in (["coordinator"], ["daemon"]):
            text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
            total += int(re.search(r"^Pss: +(\d+) kB", text, re.M).group(1))
    assert 0 < total < 8 * 1024
    print(f"PSS {total} kB")
    system.dora("stop", uuid)


def test_a_coordinator_that_ends_leaves_what_runs_alone(system, coordinator, daemon, flow):
    process = coordinator()
    wait_for_daemon(system)
    uuid = system.start(flow(**LISTENER))
    process.terminate()
    assert process.wait(timeout=20) == 0
    assert not coordinator.socket.exists()
    restart_coordinator(system, coordinator)
    assert system.status_of(uuid) == "running"
    system.dora("stop", uuid)


def test_down_right_after_a_restart_ends_the_daemon_too(system, coordinator, daemon):
    first = coordinator()
    wait_for_daemon(system)
    first.kill()
    first.wait()
    second = coordinator()
    system.dora("down")
    assert second.wait(timeout=20) == 0 and daemon.wait(timeout=20) == 0
