"""The daemon under a coordinator: dataflows from start to end, and what it lives through."""

import os
import select
import signal
import socket
import subprocess
import time

import pytest

from conftest import DEADLINE, DORA, actor, until
from daemon_alone import Refused, begin, coordinator, daemon, log, metrics, ticker  # noqa: F401

# ruff: noqa: F811


def test_start_run_and_finish(coordinator, begin, daemon, tmp_path):
    assert daemon.registered["machine"] == "here"
    assert daemon.registered["dataflows"] == []
    id = begin(
        wait=None,
        source=actor("join", "send=out:10:8", outputs=["out"]),
        sink=actor("join", "listen", inputs={"in": "source/out"}),
    )
    flow = coordinator.wait(id, "finished")
    assert flow["name"] == "flow" and flow["directory"] == str(tmp_path)
    assert {node["id"]: node["status"] for node in flow["nodes"]} == {"source": "finished", "sink": "finished"}
    assert flow["ended"] >= flow["started"]
    statuses = [flow["status"] for flow in coordinator.history]
    assert statuses.index("running") < statuses.index("finished")
    assert any(line.startswith("summary in count=10") for line in log(tmp_path, id, "sink"))


def test_stop_and_failure(coordinator, begin):
    id = begin(source=ticker(), sink=actor("join", "listen", inputs={"in": "source/out"}))
    assert coordinator.call("dataflow.stop", dataflow=id) == {}
    coordinator.wait(id, "finished")
    id = begin(a=actor("join", "cry=it broke", "exit=3", outputs=["out"]), wait=None)
    flow = coordinator.wait(id, "failed")
    assert flow["nodes"][0]["message"] == "exited with code 3"
    assert flow["nodes"][0]["stderr"] == "it broke\n"
    id = begin(a=actor("join", "ignore=15", "hang"))
    coordinator.call("dataflow.stop", dataflow=id, force=True)
    coordinator.wait(id, "failed")
    with pytest.raises(Refused) as refusal:
        coordinator.call("dataflow.stop", dataflow=id)
    assert refusal.value.code == "not-found"


def test_stop_of_one_that_has_just_ended(coordinator, begin, tmp_path):
    """The coordinator is about to hear how it ended; that there is no such dataflow would mean that it is lost."""
    id = begin(a=actor("join", "say=up", f"gate={tmp_path / 'go'}"))
    with coordinator.busy():
        (tmp_path / "go").touch()

        def has_ended():
            try:
                return not coordinator.call("node.list", dataflow=id)
            except Refused as refusal:
                return refusal.code == "not-found"

        until(has_ended, "the end")
        assert coordinator.call("dataflow.stop", dataflow=id) == {}
    assert coordinator.wait(id, "finished")["error"] is None


@pytest.mark.parametrize(
    "params, code",
    [
        ({"yaml": "nodes: [{id: a}]"}, "invalid"),
        ({"yaml": "nodes: ["}, "invalid"),
        ({"directory": "here"}, "invalid"),
        ({"uuid": "x" * 200}, "invalid"),
        ({"uuid": "../../x"}, "invalid"),
        ({"yaml": 3}, "invalid"),
        ({"options": {"env": {"A": 1}}}, "invalid"),
        ({"options": {"env": ["A"]}}, "invalid"),
    ],
)
def test_wrong_start(coordinator, daemon, tmp_path, params, code):
    good = {"yaml": "nodes: []", "path": "flow.yml", "directory": str(tmp_path), "uuid": "1-2", "options": {}}
    with pytest.raises(Refused) as refusal:
        coordinator.call("dataflow.start", **{**good, **params})
    assert refusal.value.code == code


def test_options(coordinator, begin, tmp_path):
    id = begin(
        options={"allow_shell": True, "env": {"GREETING": "moin"}},
        wait=None,
        a={"path": "shell", "args": "echo $GREETING"},
    )
    coordinator.wait(id, "finished")
    assert log(tmp_path, id, "a") == ["moin"]
    id = begin(wait=None, a={"path": "shell", "args": "echo"})
    assert "shell" in coordinator.wait(id, "failed")["nodes"][0]["message"]


def test_coordinator_comes_back(coordinator, begin, daemon, tmp_path):
    id = begin(source=ticker(), sink=actor("join", "listen", inputs={"in": "source/out"}))
    short = begin(a=actor("join", f"gate={tmp_path / 'go'}"))
    before = metrics(coordinator, id)["sink"]["inputs"][0]["received"]
    coordinator.vanish()
    (tmp_path / "go").touch()
    until(lambda: "flow: " in daemon.said() or not log(tmp_path, short, "a"))
    time.sleep(0.3)  # for the backoff to grow
    coordinator.flows.clear()
    coordinator.listen()
    told = {flow["uuid"]: flow["status"] for flow in coordinator.accept()["dataflows"]}
    assert told[id] == "running"
    coordinator.wait(short, "finished")
    assert metrics(coordinator, id)["sink"]["inputs"][0]["received"] > before
    # What has ended was told, and is forgotten.
    coordinator.vanish()
    coordinator.listen()
    assert [flow["uuid"] for flow in coordinator.accept()["dataflows"]] == [id]


def test_it_tells_a_service_manager_when_it_is_ready_and_when_it_ends(coordinator, tmp_path):
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(str(tmp_path / "notify"))
    notify.settimeout(DEADLINE)
    process = subprocess.Popen(
        [DORA, "daemon", "--quiet"],
        env={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")},
        stdin=subprocess.DEVNULL,
    )
    # It has called the coordinator, which hasn't answered.
    assert select.select([coordinator.listener], [], [], DEADLINE)[0]
    assert not select.select([notify], [], [], 0)[0]
    coordinator.accept()
    assert notify.recv(100) == b"READY=1"
    process.terminate()
    assert notify.recv(100) == b"STOPPING=1"
    assert process.wait(timeout=DEADLINE) == 0
    notify.close()


def test_shutdown(coordinator, begin, daemon):
    id = begin(source=ticker())
    coordinator.call("shutdown")
    coordinator.wait(id, "finished")
    assert daemon.wait(timeout=DEADLINE) == 0


def test_sigterm_stops_all(coordinator, begin, daemon):
    ids = [begin(source=ticker()) for _ in range(2)]
    daemon.send_signal(signal.SIGTERM)
    for id in ids:
        coordinator.wait(id, "finished")
    assert daemon.wait(timeout=DEADLINE) == 0


def test_killed_keeper_leaves_nothing(begin, daemon):
    begin(source=ticker())
    daemon.kill()
    daemon.wait()


def test_one_daemon_is_enough(daemon):
    done = subprocess.run([DORA, "daemon"], capture_output=True, text=True, timeout=DEADLINE)
    assert done.returncode == 1
    assert str(daemon.pid) in done.stderr and "daemon" in done.stderr


def test_flags_that_do_nothing_yet(coordinator):
    process = subprocess.Popen(
        [DORA, "daemon", "--local-listen-port", "1", "--rt", "-c", "127.0.0.1"], stderr=subprocess.PIPE, text=True
    )
    coordinator.accept()
    process.terminate()
    _, errors = process.communicate(timeout=DEADLINE)
    for flag in ("--local-listen-port", "--rt"):
        assert f"`{flag}`" in errors


def test_unknown_requests(coordinator, daemon):
    for method in ("nothing", "dataflow.list", ""):
        with pytest.raises(Refused) as refusal:
            coordinator.call(method)
        assert refusal.value.code == "invalid"
    for method in ("node.list", "topic.watch", "trace.read", "dataflow.stop", "metrics"):
        with pytest.raises(Refused) as refusal:
            coordinator.call(method, dataflow="none")
        assert refusal.value.code == "not-found"


def test_another_protocol_version(coordinator, tmp_path):
    """A coordinator of another version: said once, and tried again until it is replaced."""
    with open(tmp_path / "daemon.err", "wb") as errors:
        process = subprocess.Popen([DORA, "daemon"], stdin=subprocess.DEVNULL, stderr=errors)
    for _ in range(3):
        stream, _ = coordinator.listener.accept()
        stream.sendall(b'{"hello": {"protocol": 99, "version": "9.0.0", "role": "coordinator"}}\n')
        while stream.recv(4096):
            pass
        stream.close()
    coordinator.accept()
    process.terminate()
    assert process.wait(timeout=DEADLINE) == 0
    errors = (tmp_path / "daemon.err").read_text()
    assert errors.count("9.0.0") == 1 and "99" in errors, errors


def test_nonsense_from_the_coordinator(coordinator, begin, daemon):
    id = begin(source=ticker())
    coordinator.stream.sendall(b"nonsense\n")
    coordinator.gone.wait(timeout=DEADLINE)
    coordinator.stream.close()
    assert [(flow["uuid"], flow["status"]) for flow in coordinator.accept()["dataflows"]] == [(id, "running")]


def test_fifty_nodes(coordinator, begin):
    """Started, listed and stopped; no time is asserted here, the benchmark does that."""
    nodes = {f"n{i}": actor("join", "listen", inputs={"tick": "dora/timer/secs/1"}) for i in range(50)}
    id = begin(**nodes)
    assert len(coordinator.call("node.list", dataflow=id)["nodes"]) == 50
    coordinator.call("dataflow.stop", dataflow=id)
    coordinator.wait(id, "finished")
