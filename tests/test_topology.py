"""Changes of a dataflow that runs: `dora node`, and what they make of its descriptor."""

import json

import pytest

from conftest import actor, until
from control import Peer
from system import said, stream, summary, system  # noqa: F401

# ruff: noqa: F811


def test_node_list_and_info(system, stream):
    rows = system.dora("node", "list", "-f", "json").json()
    assert [row["node"] for row in rows] == ["source", "relay", "sink"]
    assert set(rows[0]) == {"node", "status", "pid", "cpu", "memory", "restarts", "dataflow"}
    assert all(isinstance(value, str) for row in rows for value in row.values())
    assert all(row["status"] == "running" and row["dataflow"] == "stream" for row in rows)
    assert "dataflow" not in system.dora("node", "list", "-d", "stream", "-f", "json").json()[0]
    assert system.dora("node", "list", "-q").stdout.split() == ["source", "relay", "sink"]
    assert system.dora("node", "list").stdout.split()[:7] == "NODE STATUS PID CPU MEMORY RESTARTS DATAFLOW".split()
    info = json.loads(system.dora("node", "info", "relay", "-f", "json").stdout)
    assert info["id"] == "relay" and str(info["pid"]) == rows[1]["pid"]
    assert info["inputs"][0]["source"] == "source/out" and info["outputs"][0]["id"] == "fwd"
    assert "source/out" in system.dora("node", "info", "relay").stdout
    assert "none" in system.dora("node", "info", "none", status=1).stderr


def test_restart_and_stop(system, stream):
    path, uuid = stream
    before = {row["node"]: row for row in system.dora("node", "list", "-f", "json").json()}
    system.dora("node", "restart", "relay", "--grace-duration", "5s")
    system.dora("node", "stop", "sink")
    after = {row["node"]: row for row in system.dora("node", "list", "-f", "json").json()}
    assert after["source"]["pid"] == before["source"]["pid"] and after["source"]["status"] == "running"
    assert after["relay"]["pid"] != before["relay"]["pid"] and after["relay"]["restarts"] == "1"
    assert after["sink"]["status"] == "finished"
    assert summary(path, uuid, "sink")["count"] > 0


def test_changes_of_a_dataflow_of_50_nodes_lose_nothing_elsewhere(system, flow, tmp_path):
    pairs, count = 25, 400
    nodes = {}
    for i in range(pairs):
        nodes[f"source{i}"] = actor("join", f"gate={tmp_path}/go", f"send=out:{count}:64:5", outputs=["out"])
        nodes[f"sink{i}"] = actor(
            "join", "quiet", "listen", inputs={"in": {"source": f"source{i}/out", "queue_size": count}}
        )
    path = flow(**nodes)
    late = actor("join", "quiet", "listen", inputs={"in": {"source": "source0/out", "queue_size": count}})
    (tmp_path / "late.yml").write_text(json.dumps({"id": "late", **late}))
    other = actor("join", "quiet", "listen", inputs={"in": {"source": "source1/out", "queue_size": count}})
    (tmp_path / "other.yml").write_text(json.dumps({"id": "late", **other}))
    system.up()
    uuid = system.start(path, "--name", "many")
    (tmp_path / "go").touch()
    assert "late: added" in system.dora("node", "add", "--from-yaml", tmp_path / "late.yml").stdout
    assert "late" in system.dora("node", "list", "-q").stdout.split()
    system.dora("node", "disconnect", "source0/out", "late/in")
    system.dora("node", "connect", "source0/out", "late/in")
    system.dora("node", "replace", "late", "--from-yaml", tmp_path / "other.yml")
    system.dora("topic", "echo", "source2/out", "--duration", "50ms")
    system.dora("node", "remove", "late")
    assert "late" not in system.dora("node", "list", "-q").stdout.split()
    until(lambda: system.status_of(uuid) == "finished", "the dataflow's end")
    for i in range(pairs):
        seen = summary(path, uuid, f"sink{i}")
        expected = {"count": count, "first": 0, "last": count - 1, "gaps": 0, "bad": 0, "back": 0, "dropped": 0}
        assert {key: seen[key] for key in expected} == expected, f"sink{i}"


def test_what_can_not_be_changed_is_said(system, stream, tmp_path):
    (tmp_path / "bad.yml").write_text("id: [")
    (tmp_path / "twice.yml").write_text(json.dumps({"id": "sink", **actor("join")}))
    for args, text in (
        (("add", "--from-yaml", tmp_path / "none.yml"), "none.yml"),
        (("add", "--from-yaml", tmp_path / "bad.yml"), ""),
        (("add", "--from-yaml", tmp_path / "twice.yml"), "sink"),
        (("remove", "none"), "none"),
        (("connect", "source/none", "sink/in"), "none"),
        (("connect", "source/out", "none/in"), "none"),
        (("disconnect", "source/out", "sink/in"), "sink"),
    ):
        done = system.dora("node", *args, status=1)
        assert done.stderr.startswith("error: ") and text in done.stderr, args
    assert [row["status"] for row in system.dora("node", "list", "-f", "json").json()] == ["running"] * 3
    assert "NODE/NAME" in system.dora("node", "connect", "source", "sink/in", status=2).stderr


def test_what_was_meant_is_said(system, stream):
    for args, text in (
        (("node", "stop", "sorce"), "no node `sorce`; did you mean `source`?"),
        (("node", "stop", "camera"), "no node `camera`; there are `source`, `relay` and `sink`"),
        (("node", "connect", "source/ot", "sink/in"), "node `source` has no output `ot`; did you mean `out`?"),
        (("node", "connect", "source/out", "sink/image"), "node `sink` has no input `image`; there is only `in`"),
        (("node", "connect", "sink/out", "sink/in"), "node `sink` has no output `out`; there are none"),
        (("topic", "echo", "relay/forward"), "node `relay` has no output `forward`; there is only `fwd`"),
        (("param", "set", "realy", "key", "1"), "did you mean `relay`?"),
        (("param", "list", "camera"), "no node `camera`"),
        (("stop", "strem"), "no dataflow matches `strem`; did you mean `stream`?"),
        (("stop", "vision"), "no dataflow matches `vision`; there is only `stream` running"),
    ):
        assert text in system.dora(*args, status=1).stderr


def described(system, **which):
    """The descriptor's nodes, as the coordinator gives it."""
    peer = Peer(system.runtime / "coordinator.sock", "cli")
    answer = peer.call("dataflow.descriptor", **which)
    peer.close()
    return {node["id"]: node for node in json.loads(answer["json"])["nodes"]}


def test_an_added_node_is_as_one_of_the_descriptor(system, flow, tmp_path):
    """It has the dataflow's environment, and is in the descriptor that is seen from then on."""
    path = flow(
        top={"env": {"PLACE": "kitchen", "FLOOR": "1"}},
        source=actor("join", "send=out:1:8", "wait", outputs=["out"]),
        sink=actor("join", "wait", inputs={"in": "source/out"}),
    )
    late = actor(
        "env=PLACE", "env=FLOOR", "env=ROOM", "join", "descriptor", "wait",
        inputs={"in": {"source": "source/out", "queue_size": 7}}, env={"FLOOR": "2"},
    )  # fmt: skip
    (tmp_path / "late.yml").write_text(json.dumps({"id": "late", **late}))
    system.up()
    uuid = system.start(path, "--env", "ROOM=4")
    system.dora("node", "disconnect", "source/out", "sink/in")
    system.dora("node", "add", "--from-yaml", tmp_path / "late.yml")
    until(lambda: len(said(path, uuid, "late")) == 4, "what the node prints")
    *env, text = said(path, uuid, "late")
    assert env == ["PLACE=kitchen", "FLOOR=2", "ROOM=4"]
    inside, outside = {node["id"]: node for node in json.loads(text)["nodes"]}, described(system)
    assert inside == outside
    assert list(inside) == ["source", "sink", "late"] and "inputs" not in inside["sink"]
    assert inside["late"]["inputs"] == {"in": {"source": "source/out", "queue_size": 7}}
    system.dora("node", "connect", "source/out", "sink/in")
    assert described(system)["sink"]["inputs"] == {"in": "source/out"}
    system.dora("node", "remove", "late")
    assert list(described(system)) == ["source", "sink"]
    system.dora("stop")
    assert list(described(system, dataflow=uuid)) == ["source", "sink"]


@pytest.mark.parametrize("strict", [False, True])
def test_types_are_checked_as_in_a_descriptor(system, flow, tmp_path, strict):
    types = {"out": "std/core/v1/Float64", "image": "std/media/v1/Image"}
    path = flow(
        top={"strict_types": strict, "type_rules": [{"from": "std/media/v1/Image", "to": "std/math/v1/Pose"}]},
        source=actor("join", "wait", outputs=["out", "image"], output_types=types),
        floats=actor("join", "wait", inputs={"in": "source/out"}, input_types={"in": "std/core/v1/Float64"}),
        poses=actor("join", "wait", inputs={"in": "source/image"}, input_types={"in": "std/math/v1/Pose"}),
    )
    late = actor("join", "wait", inputs={"in": "source/out"}, input_types={"in": "std/math/v1/Pose"})
    (tmp_path / "late.yml").write_text(json.dumps({"id": "late", **late}))
    system.up()
    system.start(path)
    wrong = 'upstream source/out declares "std/core/v1/Float64", but expected "std/math/v1/Pose"'
    for node in ("floats", "poses"):
        system.dora("node", "disconnect", f"source/{'out' if node == 'floats' else 'image'}", f"{node}/in")
    assert "warning" not in system.dora("node", "connect", "source/image", "poses/in").stderr
    system.dora("node", "disconnect", "source/image", "poses/in")
    done = system.dora("node", "connect", "source/out", "poses/in", status=1 if strict else 0)
    assert ("error: " if strict else "warning: ") in done.stderr and wrong in done.stderr
    assert ("inputs" in described(system)["poses"]) is not strict
    done = system.dora("node", "add", "--from-yaml", tmp_path / "late.yml", status=1 if strict else 0)
    assert wrong in done.stderr
