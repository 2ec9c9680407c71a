"""Nodes that move from one machine to another while messages flow at full speed."""

import json
import os
import pathlib
import signal

import pytest

from conftest import ACTOR, DORA, until
from sites import sites  # noqa: F401

MOVER = ACTOR.with_name("mover")
LOSSLESS = {"queue_policy": "backpressure", "queue_size": 16}


def mover(*args, machine, **keys):
    return {"path": str(MOVER), "args": " ".join(map(str, args)), "deploy": {"machine": machine}, **keys}


def flow(path, state=1 << 20, source="a", counter="a", near="a", far="b"):
    nodes = {
        "source": mover("source", 0, machine=source, outputs=["out"]),
        "counter": mover("counter", state, machine=counter, inputs={"in": {"source": "source/out", **LOSSLESS}},
                         outputs=["out"]),
        "near": mover("sink", machine=near, inputs={"in": {"source": "counter/out", **LOSSLESS}}),
        "far": mover("sink", machine=far, inputs={"in": {"source": "counter/out", **LOSSLESS}}),
    }
    path.write_text(json.dumps({"nodes": [{"id": id, **node} for id, node in nodes.items()]}))
    return path


def placed(site):
    return {entry["node"]: entry["machine"] for entry in site.dora("node", "list", "-f", "json").json()}


def where(site, node):
    return placed(site)[node]


def received(site, node):
    found = json.loads(site.dora("node", "info", node, "-f", "json").stdout)
    return found["inputs"][0]["received"]


def goes_on(site, node):
    before = received(site, node)
    until(lambda: received(site, node) > before + 100, f"messages at {node}")


def said(site, uuid, node):
    done = site.dora("logs", uuid, node, "--log-format", "json")
    return [json.loads(line)["message"] for line in done.stdout.splitlines()]


def test_there_and_back(sites, tmp_path):  # noqa: F811
    a, b = sites.join("a", "b")
    uuid = a.start(flow(tmp_path / "flow.yml"))
    goes_on(a, "near")
    for target in ("b", "a", "b", "a", "b"):
        done = a.dora("node", "move", "counter", "--to", target)
        assert f"to {target}, with its state" in done.stdout
        assert where(b, "counter") == target
        goes_on(a, "near")
        goes_on(b, "far")
    a.dora("stop", uuid)
    for site, node in ((a, "near"), (b, "far")):
        *others, last = said(site, uuid, node)
        assert not [line for line in others if not line.startswith("event 2 ")]
        result = json.loads(last)
        print(f"{node}: longest pause {result.pop('longest_ns') / 1e6:.1f} ms, {result['next']} messages")
        assert result.pop("next") > 0 and not any(result.values()), (node, result)


def test_to_a_machine_that_took_no_part(sites, tmp_path):  # noqa: F811
    """It takes one then, which stays for the next; and what can't begin there leaves all as it was."""
    a, b, c = sites.join("a", "b", "c")
    uuid = a.start(flow(tmp_path / "flow.yml"))
    goes_on(b, "far")
    for target in ("c", "b", "c"):
        assert f"to {target}, with its state" in b.dora("node", "move", "counter", "--to", target).stdout
        assert where(c, "counter") == target
        goes_on(a, "near")
        goes_on(b, "far")
    assert a.status_of(uuid) == "running"
    a.dora("stop", uuid)
    for site, node in ((a, "near"), (b, "far")):
        *_, last = said(site, uuid, node)
        result = json.loads(last)
        result.pop("longest_ns")
        assert result.pop("next") > 0 and not any(result.values()), (node, result)


def test_a_machine_on_which_it_can_not_begin(sites, tmp_path):  # noqa: F811
    a, b, c = sites.join("a", "b", "c")
    uuid = a.start(flow(tmp_path / "flow.yml", state=-1))
    goes_on(b, "far")
    assert "it says so itself" in a.dora("node", "move", "counter", "--to", "c", status=1).stderr
    goes_on(b, "far")
    assert a.status_of(uuid) == "running" and where(a, "counter") == "a"
    a.dora("stop", uuid)
    alone = a.start(flow(tmp_path / "alone.yml", far="a"))
    refused = a.dora("node", "move", "counter", "--to", "b", status=1).stderr
    assert "runs on one machine alone" in refused and "deploy: {machine: …}" in refused
    a.dora("stop", alone)


def test_without_a_callback_it_begins_afresh(sites, tmp_path):  # noqa: F811
    a, b = sites.join("a", "b")
    uuid = a.start(flow(tmp_path / "flow.yml", state=0, source="b"))
    goes_on(a, "near")
    done = json.loads(b.dora("node", "move", "counter", "--to", "b", "-f", "json").stdout)
    assert done == {"node": "counter", "from": "a", "to": "b", "state": False}
    goes_on(b, "far")
    goes_on(a, "near")
    a.dora("stop", uuid)
    for site, node in ((a, "near"), (b, "far")):
        *_, last = said(site, uuid, node)
        result = json.loads(last)
        assert result["miscounted"] > 0 and not result["gaps"] + result["doubles"] + result["out_of_sequence"], result


def test_what_can_not_be_moved_stays(sites, tmp_path):  # noqa: F811
    a, b = sites.join("a", "b")
    uuid = a.start(flow(tmp_path / "flow.yml", state=-1))
    goes_on(b, "far")
    for args, words in (
        (("counter", "--to", "b"), "it says so itself"),
        (("counter", "--to", "a"), "is on machine `a` already"),
        (("counter", "--to", "mars"), "there is no machine `mars`; there are `a`, `b`"),
        (("nobody", "--to", "b"), "has no node `nobody`"),
    ):
        assert words in a.dora("node", "move", *args, status=1).stderr
    assert "needs --to" in a.dora("node", "move", "counter", status=2).stderr
    goes_on(b, "far")
    a.dora("stop", uuid)
    for site, node in ((a, "near"), (b, "far")):
        result = json.loads(said(site, uuid, node)[-1])
        assert not result["gaps"] + result["doubles"] + result["out_of_sequence"] + result["miscounted"], result


def test_one_that_does_not_end_is_killed(sites, tmp_path):  # noqa: F811
    a, b = sites.join("a", "b")
    path = flow(tmp_path / "flow.yml")
    path.write_text(path.read_text().replace(f"counter {1 << 20}", "stuck"))
    uuid = a.start(path)
    until(lambda: received(b, "far") >= 1000, "all that it sends")
    done = a.dora("node", "move", "counter", "--to", "b", "--grace-duration", "200ms")
    assert "did not hand over its state" in done.stderr and "moved from a to b" in done.stdout
    until(lambda: received(b, "far") >= 2000, "all that it sends there")
    assert where(b, "counter") == "b"
    a.dora("stop", uuid, "--grace-duration", "200ms", status=None)


def test_a_program_that_is_not_there(sites, tmp_path):  # noqa: F811
    a, b = sites.join("a", "b")
    program = tmp_path / "mover"
    program.symlink_to(MOVER)
    path = flow(tmp_path / "flow.yml")
    path.write_text(path.read_text().replace(f'"{MOVER}", "args": "counter', f'"{program}", "args": "counter'))
    uuid = a.start(path)
    goes_on(b, "far")
    program.unlink()
    assert "failed to spawn" in a.dora("node", "move", "counter", "--to", "b", status=1).stderr
    goes_on(b, "far")
    program.symlink_to(MOVER)
    a.dora("node", "move", "counter", "--to", "b")
    goes_on(b, "far")
    a.dora("stop", uuid)
    for site, node in ((a, "near"), (b, "far")):
        result = json.loads(said(site, uuid, node)[-1])
        assert not result["gaps"] + result["doubles"] + result["out_of_sequence"] + result["miscounted"], result


def test_the_example(sites):  # noqa: F811
    base, robot = sites.join("base", "robot")
    uuid = base.start(pathlib.Path(DORA).parents[1] / "examples" / "moving" / "dataflow.yml")
    goes_on(robot, "printer")
    for target in ("robot", "base"):
        assert f"to {target}, with its state" in base.dora("node", "move", "counter", "--to", target).stdout
        goes_on(robot, "printer")
    base.dora("stop", uuid)
    assert not [line for line in said(robot, uuid, "printer") if "follows" in line]
    assert [line for line in said(base, uuid, "counter") if line.startswith("goes on at ")]


@pytest.mark.parametrize(("point", "place"), [("before-leave", "a"), ("before-finish", "a"), ("after-finish", "b")])
def test_the_coordinator_ends_meanwhile(sites, tmp_path, point, place):  # noqa: F811
    """It is on one machine again, with its state, and nobody waits."""
    a, b = sites.join("a", "b")
    uuid = a.start(flow(tmp_path / "flow.yml"))
    goes_on(b, "far")
    os.kill(a.pids()["coordinator"], signal.SIGKILL)
    until(lambda: "coordinator" not in a.pids(), "its end")
    dying = a.begin("coordinator", env={"DORA_COORDINATOR_CRASH_AT": f"move-{point}"})
    until(lambda: a.dora("node", "info", "far", status=None).status == 0, "all machines")
    done = a.dora("node", "move", "counter", "--to", "b", status=1)
    assert "before it answered" in done.stderr
    assert dying.wait(timeout=20) == 99
    sites.up(a)
    until(lambda: a.dora("node", "info", "far", status=None).status == 0, "all machines")
    until(lambda: placed(a).get("counter") == place, f"the node on {place}")
    goes_on(b, "far")
    goes_on(a, "near")
    a.dora("stop", uuid)
    for site, node in ((a, "near"), (b, "far")):
        result = json.loads(said(site, uuid, node)[-1])
        assert not result["doubles"] and (point == "before-finish" or not result["gaps"] + result["miscounted"]), result
