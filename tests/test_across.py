"""Dataflows over several machines, each a network namespace of its own with its own daemon."""

import json
import os
import pathlib
import shutil
import subprocess
import time

import pytest

from conftest import actor, until
from machines import ip, machines  # noqa: F401


@pytest.fixture
def pair(machines):
    a, b = machines("a", "b")
    join(a)
    join(b, to=a)
    return a, b


def join(machine, to=None, *args):
    """Brings up a machine: the first has the coordinator, others connect to it."""
    endpoint = f"tcp/{(to or machine).address}:7447"
    where = ["--connect", endpoint] if to else ["--listen", endpoint]
    machine.dora("up", "--machine-id", machine.name, *where, "--insecure", *args)


def write(path, **nodes):
    path.write_text(json.dumps({"nodes": [{"id": id, **node} for id, node in nodes.items()]}))
    return path


def logged(machine, uuid, node):
    """What the node has printed."""
    done = machine.dora("logs", uuid, node, "--log-format", "json")
    return [json.loads(line)["message"] for line in done.stdout.splitlines()]


def summary(machine, uuid, node):
    """What its `listen` counted, by input."""
    found = {}
    for text in logged(machine, uuid, node):
        if text.startswith("summary "):
            _, name, *pairs = text.split()
            found[name] = {key: int(value) for key, value in (pair.split("=") for pair in pairs)}
    return found


EVERY = {"first": 0, "gaps": 0, "bad": 0, "back": 0, "dropped": 0, "skipped": 0}


def traffic(machine):
    """Bytes that came over its cable."""
    done = subprocess.run(machine.inside("cat", "/sys/class/net/net0/statistics/rx_bytes"), capture_output=True)
    return int(done.stdout)


def on(machine, node):
    return {**node, "deploy": {"machine": machine.name}}


def sink(**input):
    return actor("join", "quiet", "listen", inputs={"in": {"source": "source/out", **input}})


LOSSLESS = {"queue_policy": "backpressure", "queue_size": 64}


def straight(folder, one, other):
    """A dataflow in which `one` sends a thousand messages, none of which `other` may miss."""
    return write(
        folder / "flow.yml",
        source=on(one, actor("join", "send=out:1000:1000", outputs=["out"])),
        sink=on(other, sink(**LOSSLESS)),
    )


def attach(machine, path):
    """Runs the dataflow to its end; gives its UUID."""
    machine.dora("start", path, "--attach")
    return machine.list()[0]["uuid"]


@pytest.mark.parametrize("size", [8, 5000, 3 << 20])
def test_messages_cross(pair, tmp_path, size):
    a, b = pair
    count = 20 if size > 1 << 20 else 3000
    path = write(
        tmp_path / "flow.yml",
        source=on(a, actor("join", f"send=out:{count}:{size}", outputs=["out"])),
        sink=on(b, sink(**LOSSLESS)),
        near=on(a, sink(**LOSSLESS)),
    )
    uuid = attach(a, path)
    for machine, node in ((b, "sink"), (a, "near")):
        assert summary(machine, uuid, node)["in"] == {**EVERY, "count": count, "last": count - 1}


def test_one_message_on_the_wire_for_all_that_want_it_there(pair, tmp_path):
    a, b = pair
    path = write(
        tmp_path / "flow.yml",
        source=on(a, actor("join", "send=out:100:100000", outputs=["out"])),
        **{f"sink{i}": on(b, sink(**LOSSLESS)) for i in range(4)},
    )
    before = traffic(b)
    uuid = attach(a, path)
    for i in range(4):
        assert summary(b, uuid, f"sink{i}")["in"]["count"] == 100
    assert 100 * 100000 < traffic(b) - before < 1.5 * 100 * 100000


def test_there_and_back(pair, tmp_path):
    """What the other machine answers comes back; parameters and times are what they were."""
    a, b = pair
    path = write(
        tmp_path / "flow.yml",
        source=on(
            a,
            actor(
                "join",
                "param=name:string:left",
                "param=speed:float:2.5",
                "send=out:200:64:1",
                "close=out",
                "quiet",
                "listen",
                outputs=["out"],
                inputs={"in": {"source": "echo/out", **LOSSLESS}},
            ),
        ),
        echo=on(b, actor("join", "echo=out", "listen", inputs={"in": {"source": "source/out", **LOSSLESS}}, outputs=["out"])),
        params=on(b, actor("join", "show=params", "listen=1", inputs={"in": "source/out"})),
    )
    uuid = attach(a, path)
    assert summary(a, uuid, "source")["in"]["count"] == 200
    shown = " ".join(logged(b, uuid, "params"))
    assert "name" in shown and "left" in shown and "2.5" in shown, shown


def test_a_node_that_fails_is_known_elsewhere(pair, tmp_path):
    a, b = pair
    path = write(
        tmp_path / "flow.yml",
        source=on(a, actor("join", "send=out:5:8", "crash", outputs=["out"])),
        sink=on(b, actor("join", "listen", inputs={"in": "source/out"})),
    )
    a.dora("start", path, "--attach", status=1)
    uuid = a.list()[0]["uuid"]
    words = [text.split()[0] for text in logged(b, uuid, "sink")]
    assert words.count("input") == 5 and words.index("failed") < words.index("closed"), words


@pytest.mark.release_only
@pytest.mark.parametrize("policy", ["backpressure", "drop_oldest"])
def test_a_cable_is_cut(pair, tmp_path, policy):
    """For so long that the engine gives the connection up."""
    a, b = pair
    path = write(
        tmp_path / "flow.yml",
        source=on(a, actor("join", "send=out:2500:1000:5", outputs=["out"])),
        sink=on(b, sink(queue_policy=policy, queue_size=50)),
        near=on(a, sink(queue_size=2500)),
    )
    uuid = a.start(path)
    before = traffic(b)
    until(lambda: traffic(b) > before + 20000, "traffic")
    b.cut()
    time.sleep(10)
    b.mend()
    until(lambda: a.status_of(uuid) == "finished", "the end", 60)
    there, here = summary(b, uuid, "sink")["in"], summary(a, uuid, "near")["in"]
    assert here == {**EVERY, "count": 2500, "last": 2499}
    assert there["bad"] == there["back"] == 0 and there["last"] == 2499
    if policy == "backpressure":
        assert there["count"] == 2500 and there["gaps"] == 0
    else:
        assert there["count"] + there["dropped"] == 2500


def test_machines_that_know_the_coordinator_s_alone_reach_each_other(machines, tmp_path):
    a, b, c = machines("a", "b", "c")
    join(a)
    join(b, to=a)
    join(c, to=a)
    path = straight(tmp_path, b, c)
    uuid = attach(a, path)
    assert summary(c, uuid, "sink")["in"]["count"] == 1000


def apart(a, b):
    """No way between the two, while others reach both. Gives what undoes it."""
    ends = [(one.namespace, f"{other.address}/32") for one, other in ((a, b), (b, a))]
    for namespace, other in ends:
        ip("-n", namespace, "route", "add", "blackhole", other)
    return lambda: [ip("-n", namespace, "route", "del", other) for namespace, other in ends]


@pytest.mark.release_only  # half a minute of waiting, and nothing else
def test_machines_that_can_not_reach_each_other_are_told_so_at_the_start(machines, tmp_path):
    a, b, c = machines("a", "b", "c")
    apart(b, c)
    join(a)
    join(b, to=a)
    join(c, to=a)
    path = straight(tmp_path, b, c)
    done = a.dora("start", path, "--attach", status=1)
    assert "machine b: `source/out` can't be sent to machine c: b can't reach it, though the coordinator does" in done.stderr
    assert "--listen" in done.stderr and "docs/machines.md" in done.stderr
    assert a.list()[0]["status"] == "failed"
    # What needs no way between the two runs, but for a node that would move away from what it listens to.
    path = write(
        tmp_path / "flow.yml",
        source=on(a, actor("join", "send=out:100:1000", outputs=["out"])),
        sink=on(b, sink(**LOSSLESS)),
        other=on(c, sink(**LOSSLESS)),
    )
    attach(a, path)
    ticks = {"t": "dora/timer/millis/50"}
    path = write(
        tmp_path / "flow.yml",
        source=on(b, actor("join", "listen", inputs=ticks, outputs=["out"])),
        sink=on(a, actor("join", "listen", inputs={"in": "source/out"})),
        other=on(c, actor("join", "listen", inputs=ticks)),
    )
    uuid = a.start(path)
    done = a.dora("node", "move", "sink", "--to", "c", status=1)
    assert "nothing was moved: `source/out` can't be sent to machine c: b can't reach it" in done.stderr
    assert {one["node"]: one["machine"] for one in a.dora("node", "list", "-f", "json").json()}["sink"] == "a"
    a.dora("stop", uuid)


@pytest.mark.release_only
def test_machines_that_have_each_other_s_address_connect_again(machines, tmp_path):
    """After a while without a way to each other, in which both keep the coordinator's machine."""
    a, b, c = machines("a", "b", "c")
    join(a)
    join(b, a, "--listen", f"tcp/{b.address}:7447")
    join(c, a, "--connect", f"tcp/{b.address}:7447")
    log = b.state / "daemon.log"
    until(lambda: "machine c is in sight" in log.read_text(), "c in b's sight")
    undo = apart(b, c)
    until(lambda: "machine c is out of sight" in log.read_text(), "c out of b's sight")
    undo()
    path = straight(tmp_path, b, c)
    uuid = attach(a, path)
    assert summary(c, uuid, "sink")["in"]["count"] == 1000


def test_machines_that_know_each_other_by_a_third_connect_again(machines, tmp_path):
    """After a while without a way to each other in the middle of their messages: none is lost or comes twice."""
    a, b, c = machines("a", "b", "c")
    join(a)
    for other in (b, c):
        join(other, to=a)
    path = write(
        tmp_path / "flow.yml",
        source=on(b, actor("join", "send=out:1500:1000:5", outputs=["out"])),
        echo=on(c, actor("join", "echo=out", "quiet", "listen", inputs={"in": {"source": "source/out", **LOSSLESS}}, outputs=["out"])),
        sink=on(b, actor("join", "quiet", "listen", inputs={"in": {"source": "echo/out", **LOSSLESS}})),
        near=on(a, sink(**LOSSLESS)),
    )
    uuid = a.start(path)
    before = traffic(c)
    until(lambda: traffic(c) > before + 50000, "traffic")
    undo = apart(b, c)
    for one, other in ((b, c), (c, b)):
        log = one.state / "daemon.log"
        until(lambda: f"machine {other.name} is out of sight" in log.read_text(), f"{other.name} out of {one.name}'s sight")
    undo()
    until(lambda: a.status_of(uuid) == "finished", "the end", 60)
    for machine, node in ((c, "echo"), (b, "sink"), (a, "near")):
        assert summary(machine, uuid, node)["in"] == {**EVERY, "count": 1500, "last": 1499}


def test_a_machine_that_is_out_of_reach_for_a_moment_is_waited_for(machines, tmp_path):
    a, b, c = machines("a", "b", "c")
    join(a)
    for other in (b, c):
        join(other, to=a)
    path = straight(tmp_path, b, c)
    until(lambda: "machine c is in sight" in (b.state / "daemon.log").read_text(), "c in b's sight")
    undo = apart(b, c)
    started = a.begin("start", path, "--attach")
    until(lambda: any(one["status"] == "starting" for one in a.list()), "the start")
    time.sleep(2)
    assert started.poll() is None
    undo()
    said = started.communicate(timeout=60)
    assert started.returncode == 0, said
    assert summary(c, a.list()[0]["uuid"], "sink")["in"]["count"] == 1000


# zenoh's router: on PATH, or where CONTRIBUTING.md puts it.
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
ZENOHD = shutil.which("zenohd") or shutil.which("zenohd", path=CACHE / "dora/zenohd/bin")


@pytest.fixture
def router(machines, tmp_path):
    """A machine that has zenoh's router, with a configuration, and nothing of dora."""
    if not ZENOHD:
        pytest.skip("there is no zenohd, zenoh's router (CONTRIBUTING.md says how to get it)")
    machine = machines.add("router")
    started = []

    def start(**config):
        config = {"mode": "router", "listen": {"endpoints": [f"tcp/{machine.address}:7447"]}, **config}
        (tmp_path / "router.json5").write_text(json.dumps(config))
        command = [ZENOHD, "--config", tmp_path / "router.json5", "--no-multicast-scouting"]
        started.append(machine.popen(*command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        return machine

    yield start
    for process in started:
        process.kill()
        process.wait()


def through(router, a, b, path):
    """Runs a dataflow from `a` to `b` and back that loses nothing; gives the bytes that the router has received."""
    until(lambda: len(a.dora("status", "--format", "json").json()[0]["machines"]) == 2, "both machines")
    write(
        path,
        source=on(a, actor("join", "send=out:2000:5000", outputs=["out"])),
        echo=on(b, actor("join", "echo=out", "quiet", "listen", inputs={"in": {"source": "source/out", **LOSSLESS}}, outputs=["out"])),
        sink=on(a, actor("join", "quiet", "listen", inputs={"in": {"source": "echo/out", **LOSSLESS}})),
    )
    before = traffic(router)
    uuid = attach(a, path)
    for machine, node in ((b, "echo"), (a, "sink")):
        assert summary(machine, uuid, node)["in"] == {**EVERY, "count": 2000, "last": 1999}
    return traffic(router) - before


def test_a_router_tells_machines_of_each_other(machines, router, tmp_path):
    a, b = machines("a", "b")
    entrance = router()
    join(a, entrance, "--coordinator")
    join(b, entrance)
    assert through(entrance, a, b, tmp_path / "flow.yml") < 2000 * 5000


def test_a_router_joins_machines_that_have_no_way_to_each_other(machines, router, tmp_path):
    a, b = machines("a", "b")
    apart(a, b)
    entrance = router(gateway={"south": [{"filters": [{"region_names": [one.name]}]} for one in (a, b)]})
    for one, more in ((a, ["--coordinator"]), (b, [])):
        config = tmp_path / f"{one.name}.json5"
        config.write_text(json.dumps({"region_name": one.name}))
        join(one, entrance, "--zenoh-config", config, *more)
    assert through(entrance, a, b, tmp_path / "flow.yml") > 2 * 2000 * 5000
