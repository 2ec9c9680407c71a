"""Daemons that run parts of a dataflow, with a gateway (fake_gateway.py) and coordinators that the test plays."""

import json
import os
import pathlib
import queue
import shutil
import signal
import subprocess
import uuid

import pytest

from conftest import BUILD, DORA, ROOT, actor, until
from daemon_alone import Coordinator, Refused, log

GATEWAY = ROOT / "tests/fake_gateway.py"


class Machine(Coordinator):
    """A daemon of its own, with the coordinator's end of its connection."""

    def __init__(self, folder, name, *args):
        self.name, self.place = name, folder / name
        self.place.mkdir(mode=0o700)
        self.env = {**os.environ, "XDG_RUNTIME_DIR": str(self.place)}
        self.barrier = queue.Queue()
        self.shared = folder / "gateways"
        self.shared.mkdir(exist_ok=True)
        self.env.update(
            DORA_GATEWAY=str(GATEWAY),
            COURIER=str(BUILD / "tests/nodes/courier"),
            FAKE_GATEWAY_FOLDER=str(self.shared),
            PYTHONDONTWRITEBYTECODE="1",
        )
        before = os.environ["XDG_RUNTIME_DIR"]
        os.environ["XDG_RUNTIME_DIR"] = str(self.place)
        super().__init__()
        os.environ["XDG_RUNTIME_DIR"] = before
        self.args = args or ["--listen", "tcp/127.0.0.1:0"]

    def begin(self):
        self.errors = open(self.place / "err", "ab")
        self.process = subprocess.Popen(
            [DORA, "daemon", "--machine-id", self.name, *self.args],
            stdin=subprocess.DEVNULL,
            stderr=self.errors,
            env=self.env,
        )
        self.accept()
        return self

    def _take(self, message):
        if message.get("method") == "dataflow.ready":
            self.barrier.put(message["id"])
        else:
            super()._take(message)

    def said(self):
        return (self.place / "err").read_text()

    def ready(self):
        """Until the daemon asks at the barrier."""
        self.request = self.barrier.get(timeout=60)

    def go(self):
        self._send({"id": self.request, "result": {}})

    def fail(self, message):
        self._send({"id": self.request, "error": {"code": "failed", "message": message}})

    def asked(self, method):
        """What the gateway was asked by this name."""
        path = self.shared / f"{self.name}.log"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line["params"] for line in map(json.loads, lines) if line["method"] == method]

    def gateways(self):
        """The pids of its gateway."""
        children = pathlib.Path(f"/proc/{self.worker()}/task/{self.worker()}/children").read_text().split()
        return [int(pid) for pid in children if b"fake_gateway" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()]

    def worker(self):
        """The daemon proper, below its keeper."""
        pid = self.process.pid
        return int(pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])

    def kill_gateway(self):
        old = until(self.gateways, "a gateway")
        os.kill(old[0], signal.SIGKILL)
        until(lambda: (pids := self.gateways()) and pids != old, "another gateway")

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.errors.close()
        self.listener.close()
        if self.stream:
            self.stream.close()
        assert "Sanitizer" not in self.said(), self.said()


@pytest.fixture
def machine(dora, tmp_path):
    all = []

    def make(name, *args):
        all.append(Machine(tmp_path, name, *args))
        return all[-1].begin()

    yield make
    for one in all:
        one.end()


@pytest.fixture
def parts(machine, tmp_path):
    """Starts a dataflow whose nodes name their machine by `on`: parts(id=node, …) gives UUID and machines."""
    found = {}

    def start(again=None, options=None, go=True, **nodes):
        id = str(uuid.uuid4())
        nodes = {key: dict(node) for key, node in nodes.items()}
        placement = {key: node.pop("on") for key, node in nodes.items()}
        listed = [{"id": key, **node} for key, node in nodes.items()]
        for name in sorted(set(placement.values())):
            if name not in found:
                found[name] = machine(name)
            found[name].call(
                "dataflow.start",
                yaml=json.dumps({"nodes": listed}),
                path=str(tmp_path / "flow.yml"),
                directory=str(tmp_path / "flow" / name),
                name="flow",
                uuid=id,
                options=options or {},
                machine=name,
                placement=placement,
                **(again or {}),
            )
        used = [found[name] for name in sorted(set(placement.values()))]
        if go:
            for one in used:
                one.ready()
            assert all(one.flows[id]["status"] == "starting" for one in used if id in one.flows)
            for one in used:
                one.go()
            for one in used:
                one.wait(id, "running", "finished")
        return id, *used

    yield start


def said(one, id, node):
    return log(one.place.parent / "flow" / one.name, id, node)


def until_said(one, id, node, line):
    return until(lambda: [text for text in said(one, id, node) if text.startswith(line)], f"{line!r} of {node}")


def counted(one, id, node, input="in"):
    line = until_said(one, id, node, f"summary {input} ")[-1]
    return {key: int(value) for key, value in (pair.split("=") for pair in line.split()[2:])}


def test_messages_cross(parts):
    """What one sends on one machine, the other gets on the other, whole and in order; both parts end by themselves."""
    sink = actor("join", "quiet", "listen", inputs={"in": {"source": "source/out", "queue_size": 2000}}, on="b")
    id, a, b = parts(source=actor("join", "send=out:1000:64", outputs=["out"], on="a"), sink=sink)
    for one in (a, b):
        flow = one.wait(id, "finished", "failed")
        assert flow["status"] == "finished", flow
    assert [node["id"] for node in a.flows[id]["nodes"]] == ["source"]
    assert [node["id"] for node in b.flows[id]["nodes"]] == ["sink"]
    assert counted(b, id, "sink")["count"] == 1000
    until(lambda: a.asked("dataflow.close") and b.asked("dataflow.close"), "the end at the gateways")
    assert a.asked("dataflow.open")[0]["outputs"] == ["source/out"]
    assert b.asked("dataflow.open")[0]["inputs"] == ["sink/in"]
    assert not b.asked("dataflow.open")[0]["outputs"]


def test_backpressure_reaches_across(parts):
    """A slow receiver over there holds up the sender here: nothing is lost with a queue of one."""
    slow = {"source": "source/out", "queue_size": 1, "queue_policy": "backpressure"}
    id, a, b = parts(
        source=actor("join", "send=out:3000:1000", outputs=["out"], on="a"),
        sink=actor("join", "quiet", "work=100", "listen", inputs={"in": slow}, on="b"),
    )
    assert b.wait(id, "finished", "failed")["status"] == "finished"
    assert counted(b, id, "sink")["count"] == 3000
    assert b.asked("edge.receive")[0]["blocking"] is True


def test_one_edge_for_a_machine(parts):
    """Several subscribers of an output on one machine share an edge; local ones have none."""
    listen = actor("join", "quiet", "listen", inputs={"in": {"source": "source/out", "queue_size": 500}})
    id, a, b, c = parts(
        source=actor("join", "send=out:200:64", outputs=["out"], on="a"),
        near={**listen, "on": "a"},
        far={**listen, "on": "b"},
        further={**listen, "on": "b"},
        other={**listen, "on": "c"},
    )
    for one in (a, b, c):
        assert one.wait(id, "finished", "failed")["status"] == "finished"
    assert sorted(edge["to"] for edge in a.asked("edge.send")) == ["b", "c"]
    for one, node in ((a, "near"), (b, "far"), (b, "further"), (c, "other")):
        assert counted(one, id, node)["count"] == 200


def test_the_gateway_is_killed(parts):
    """It is started again, the edges are made anew, inputs stay open, and the end still arrives."""
    id, a, b = parts(
        source=actor("join", "echo=out", "listen", inputs={"tick": "dora/timer/millis/5"}, outputs=["out"], on="a"),
        sink=actor("join", "listen", inputs={"in": "source/out"}, on="b"),
    )
    until_said(b, id, "sink", "input in ")
    for one in (a, b):
        one.kill_gateway()
        count = len(said(b, id, "sink"))
        until(lambda: len(said(b, id, "sink")) > count + 3, "more messages")
        assert not [line for line in said(b, id, "sink") if line.startswith("closed")]
    assert "works again" in a.said()
    a.call("dataflow.stop", dataflow=id)
    for one in (a, b):
        assert one.wait(id, "finished", "failed")["status"] == "finished"
    assert "closed in" in said(b, id, "sink")


def test_failure_and_restart_are_told(parts):
    """A node over there learns how one here failed, in its turn."""
    id, a, b = parts(
        source=actor(
            "join", "@0:next=60000", "@0:exit=3", "@1:send=out:3:8", "@1:exit=4",
            inputs={"tick": "dora/timer/millis/50"}, outputs=["out"], restart_policy="on-failure", max_restarts=1, on="a",
        ),
        sink=actor("join", "listen", inputs={"in": "source/out"}, on="b"),
    )  # fmt: skip
    assert a.wait(id, "finished", "failed")["status"] == "failed"
    assert b.wait(id, "finished", "failed")["status"] == "finished"
    lines = [line.split()[0] for line in said(b, id, "sink") if line.split()[0] in ("restarted", "failed", "closed")]
    assert lines == ["restarted", "failed", "closed"], said(b, id, "sink")
    assert counted(b, id, "sink")["count"] == 3


def test_barrier_fails_with_the_reason_of_another_part(parts):
    id, a, b = parts(
        source=actor("join", "send=out:1:8", outputs=["out"], on="a"),
        sink=actor("join", "listen", inputs={"in": "source/out"}, on="b"),
        go=False,
    )
    a.ready()
    b.ready()
    a.fail("machine b: no camera")
    b.fail("machine b: no camera")
    for one in (a, b):
        flow = one.wait(id, "failed", "finished")
        assert flow["status"] == "failed" and flow["error"] == "machine b: no camera"


def test_barrier_is_asked_again(parts):
    """Of a coordinator that has been away."""
    id, a, b = parts(
        source=actor("join", "send=out:1:8", outputs=["out"], on="a"),
        sink=actor("join", "listen", inputs={"in": "source/out"}, on="b"),
        go=False,
    )
    a.ready()
    a.vanish()
    a.listen()
    assert [flow["status"] for flow in a.accept()["dataflows"]] == ["starting"]
    a.ready()
    b.ready()
    a.go()
    b.go()
    for one in (a, b):
        assert one.wait(id, "failed", "finished")["status"] == "finished"


def test_machine_is_lost_and_found(parts):
    id, a, b = parts(
        source=actor("join", "echo=out", "listen", inputs={"tick": "dora/timer/millis/5"}, outputs=["out"], on="a"),
        sink=actor("join", "listen", inputs={"in": "source/out", "tick": "dora/timer/secs/60"}, on="b"),
    )
    until_said(b, id, "sink", "input in ")
    assert b.call("node.lost", dataflow=id, nodes=["source"], machine="a") == {}
    until_said(b, id, "sink", "failed source: was lost with machine a")
    until_said(b, id, "sink", "closed in")
    assert a.call("node.lost", dataflow=id, nodes=["sink"], machine="b") == {}
    until(lambda: b.asked("edge.close"), "the end of the edge")
    found = [b.ask("node.found", dataflow=id, nodes=["source"], machine="a")]
    found.append(a.ask("node.found", dataflow=id, nodes=["sink"], machine="b"))
    assert [answer() for answer in found] == [{}, {}]
    count = len(said(b, id, "sink"))
    until(lambda: len(said(b, id, "sink")) > count + 3, "more messages")
    assert "restarted source" in said(b, id, "sink")
    b.call("dataflow.stop", dataflow=id)
    b.wait(id, "finished")
    assert a.call("part.ended", dataflow=id, machine="b") == {}
    a.call("dataflow.stop", dataflow=id)
    assert a.wait(id, "finished", "failed")["status"] == "finished"


def test_gateway_that_lets_nothing_go_is_killed(parts):
    id, a, b = parts(
        source=actor("join", "echo=out", "listen", inputs={"tick": "dora/timer/millis/5"}, outputs=["out"], on="a"),
        sink=actor("join", "listen", inputs={"in": "source/out"}, on="b"),
    )
    (a.shared / "a.deaf").touch()
    old = a.gateways()
    assert a.call("node.lost", dataflow=id, nodes=["sink"], machine="b") == {}
    until(lambda: (pids := a.gateways()) and pids != old, "another gateway")
    assert "it does not let go of an edge" in a.said()
    for one in (a, b):
        one.call("dataflow.stop", dataflow=id, force=True)
        one.wait(id, "finished", "failed")


def test_what_is_elsewhere_is_not_touched(parts):
    id, a, b = parts(
        source=actor("join", "echo=out", "listen", inputs={"tick": "dora/timer/millis/5"}, outputs=["out"], on="a"),
        sink=actor("join", "listen", inputs={"in": "source/out"}, on="b"),
        hand={"path": "dynamic", "outputs": ["out"], "on": "b"},
    )
    for method, more in (("node.restart", {"node": "sink"}), ("node.info", {"node": "sink"})):
        with pytest.raises(Refused, match="runs on machine b"):
            a.call(method, dataflow=id, **more)
    assert [node["id"] for node in a.call("node.list", dataflow=id)["nodes"]] == ["source"]
    assert [topic["name"] for topic in b.call("topic.list", dataflow=id)["topics"]] == ["hand/out"]
    assert a.call("topic.list", dataflow=id)["topics"][0]["subscribers"] == ["sink/in"]
    told = a.call("metrics", dataflow=id)
    assert [node["node"] for node in told["nodes"]] == ["source"]
    assert told["machines"] == [{"machine": "moon", "alive": True}]
    assert told["edges"] == [{"dataflow": id, "topic": "source/out", "to": "b"}]
    assert "machines" not in a.call("metrics", brief=True)
    assert "machine moon is in sight" in a.said()
    a.call("dataflow.stop", dataflow=id)
    for one in (a, b):
        one.wait(id, "finished")


def test_ended_from_the_start(machine, tmp_path):
    """A part that is started again knows which of the others are gone."""
    a, id = machine("a"), str(uuid.uuid4())
    nodes = {"source": actor("join", outputs=["out"]), "sink": actor("join", "listen", inputs={"in": "source/out"})}
    a.call(
        "dataflow.start",
        yaml=json.dumps({"nodes": [{"id": key, **node} for key, node in nodes.items()]}),
        path=str(tmp_path / "flow.yml"),
        directory=str(tmp_path / "flow/a"),
        uuid=id,
        options={},
        machine="a",
        placement={"source": "b", "sink": "a"},
        again=True,
        ended=["source"],
    )
    a.ready()
    a.go()
    assert a.wait(id, "finished", "failed")["status"] == "finished"
    assert said(a, id, "sink")[:2] == ["closed in", "stop ALL_INPUTS_CLOSED"]


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"placement": {"x": "a"}}, "`placement` with a `machine`"),
        ({"placement": {"x": "a"}, "machine": "b"}, "this is machine a, not b"),
        ({"placement": {}, "machine": "a"}, "says nothing of node `x`"),
        ({"placement": {"x": "b"}, "machine": "a"}, "no node of the dataflow is placed on this machine"),
        ({"placement": {"x": "a"}, "machine": "a", "ended": ["y"]}, "no node of the dataflow"),
        ({"placement": 1, "machine": "a"}, "`placement`"),
    ],
)
def test_nonsense_is_refused(machine, tmp_path, wrong, message):
    a = machine("a")
    start = {"path": str(tmp_path / "f.yml"), "directory": str(tmp_path), "uuid": str(uuid.uuid4()), "options": {}}
    with pytest.raises(Refused, match=message):
        a.call("dataflow.start", yaml="nodes: [{id: x, path: x}]", **start, **wrong)


def test_without_a_gateway(machine, tmp_path):
    """A daemon that was not told to take part says so; one alone starts no gateway."""
    a = machine("a", "--quiet")
    start = {"path": str(tmp_path / "f.yml"), "directory": str(tmp_path), "uuid": str(uuid.uuid4()), "options": {}}
    with pytest.raises(Refused, match="takes no part in dataflows of several machines"):
        a.call("dataflow.start", yaml="nodes: [{id: x, path: x}]", **start, placement={"x": "a"}, machine="a")
    assert not a.gateways()


def test_gateway_that_can_not_open(machine, tmp_path):
    """Its reason is told once, to people and to a dataflow that waits for it; when it works, all goes on."""
    (tmp_path / "gateways").mkdir()
    (tmp_path / "gateways/a.refuse").write_text("the endpoint tcp/127.0.0.1:0 is in use")
    a = machine("a")
    until(lambda: "is in use" in a.said(), "the reason")
    id = str(uuid.uuid4())
    nodes = [actor("join", outputs=["out"]), actor("join", "listen", inputs={"in": "source/out"})]
    yaml = json.dumps({"nodes": [{"id": key, **node} for key, node in zip(("source", "sink"), nodes)]})
    a.call(
        "dataflow.start", yaml=yaml, path=str(tmp_path / "f.yml"), directory=str(tmp_path), uuid=id, options={},
        machine="a", placement={"source": "a", "sink": "b"},
    )  # fmt: skip
    flow = a.wait(id, "failed", "finished")
    assert "the gateway to other machines does not work: the endpoint" in flow["error"]
    (tmp_path / "gateways/a.refuse").unlink()
    until(lambda: "works (fake 1)" in a.said(), "a gateway")
    assert a.said().count("is in use") == 2  # once for the gateway, once for the dataflow


def test_the_daemon_ends_with_its_gateway(machine):
    a = machine("a")
    pids = until(a.gateways, "a gateway")
    a.process.send_signal(signal.SIGTERM)
    assert a.process.wait(timeout=60) == 0
    assert not pathlib.Path(f"/proc/{pids[0]}").exists()


def test_missing_gateway(dora, tmp_path):
    """Said at once, and what is missing."""
    tmp_path.chmod(0o700)
    (tmp_path / "bin").mkdir()
    shutil.copy(DORA, tmp_path / "bin/dora")
    done = subprocess.run(
        [tmp_path / "bin/dora", "daemon", "--machine-id", "a", "--listen", "tcp/127.0.0.1:0"],
        capture_output=True, text=True, timeout=60, env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode != 0
    assert "libexec/dora/dora-gateway" in done.stderr, done.stderr
