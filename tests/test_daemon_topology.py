"""The daemon under a coordinator: nodes added, removed, replaced, connected, stopped and restarted."""

import json
import pathlib

import pytest

from conftest import actor, until
from daemon_alone import Refused, Watcher, begin, coordinator, daemon, log, metrics, ticker  # noqa: F401

# ruff: noqa: F811


def added(id, *script, **keys):
    return json.dumps({"id": id, **actor(*script, **keys)})


def test_add_and_remove(coordinator, begin, tmp_path):
    id = begin(source=ticker(), sink=actor("join", "listen", inputs={"in": "source/out"}))
    node = added("more", "join", "listen=5", "say=five", "echo=out", "listen", inputs={"in": "source/out"}, outputs=["out"])
    assert coordinator.call("node.add", dataflow=id, yaml=node, directory=str(tmp_path)) == {"node": "more"}
    until(lambda: "five" in log(tmp_path, id, "more"))
    third = added("third", "join", "listen=5", "say=five", "wait", inputs={"in": "more/out"})
    coordinator.call("node.add", dataflow=id, yaml=third, directory=str(tmp_path))
    until(lambda: "five" in log(tmp_path, id, "third"))
    with pytest.raises(Refused) as refusal:
        coordinator.call("node.add", dataflow=id, yaml=node, directory=str(tmp_path))
    assert refusal.value.code in ("exists", "invalid")
    assert coordinator.call("node.remove", dataflow=id, node="third") == {}
    assert coordinator.call("node.remove", dataflow=id, node="more") == {}
    until(lambda: {node["id"] for node in coordinator.flows[id]["nodes"]} == {"source", "sink"})
    coordinator.call("node.add", dataflow=id, yaml=node, directory=str(tmp_path))
    coordinator.call("dataflow.stop", dataflow=id)
    coordinator.wait(id, "finished")


def test_wrong_additions(coordinator, begin, tmp_path):
    id = begin(source=ticker())
    for yaml, word in [
        ("id: x", "path"),
        ("id: x\npath: x\ninputs: {in: nobody/out}", "nobody"),
        ("id: x\npath: x\ninputs: {in: source/none}", "none"),
        ("[1, 2]", ""),
        ("id: x\npath: [", ""),
        ("", ""),
        ("id: x\npath: x\n", "x"),
        ("id: x\npath: /nowhere/x", "/nowhere/x"),
        (added("x", "exit=3"), "code 3"),
    ]:
        with pytest.raises(Refused) as refusal:
            coordinator.call("node.add", dataflow=id, yaml=yaml, directory=str(tmp_path))
        assert word in refusal.value.message, refusal.value
    assert [node["id"] for node in coordinator.call("node.list", dataflow=id)["nodes"]] == ["source"]
    coordinator.call("dataflow.stop", dataflow=id)
    coordinator.wait(id, "finished")


def test_replace(coordinator, begin, tmp_path):
    id = begin(
        source=ticker(),
        middle=actor("join", "say=old", "echo=out", "listen", inputs={"in": "source/out"}, outputs=["out"]),
        sink=actor("join", "listen", inputs={"in": "middle/out"}),
    )
    old = coordinator.wait_node(id, "middle", "running")["pid"]
    node = added("middle", "join", "say=new", "echo=out", "listen", inputs={"in": "source/out"}, outputs=["more", "out"])
    assert coordinator.call("node.replace", dataflow=id, node="middle", yaml=node, directory=str(tmp_path)) == {}
    until(lambda: [n["pid"] for n in coordinator.flows[id]["nodes"] if n["id"] == "middle"] not in ([], [old]))
    before = metrics(coordinator, id)["sink"]["inputs"][0]["received"]
    until(lambda: metrics(coordinator, id)["sink"]["inputs"][0]["received"] > before + 3)
    for wrong in [
        added("other", "join", "listen", inputs={"in": "source/out"}, outputs=["out"]),
        added("middle", "join", "listen", outputs=["out"]),
        added("middle", "join", "listen", inputs={"in": "source/out"}),
        added("middle", "exit=1", inputs={"in": "source/out"}, outputs=["more", "out"]),
    ]:
        with pytest.raises(Refused):
            coordinator.call("node.replace", dataflow=id, node="middle", yaml=wrong, directory=str(tmp_path))
    assert coordinator.call("node.info", dataflow=id, node="middle")["nodes"][0]["status"] == "running"
    coordinator.call("dataflow.stop", dataflow=id)
    coordinator.wait(id, "finished")


def test_connect_and_disconnect(coordinator, begin):
    id = begin(
        a=ticker(),
        b=ticker(),
        sink=actor("join", "listen", inputs={"x": "a/out", "y": "a/out"}),
    )

    def received(input):
        return {i["id"]: i for i in metrics(coordinator, id)["sink"]["inputs"]}[input]["received"]

    until(lambda: received("x") > 3 and received("y") > 3)
    with pytest.raises(Refused) as refusal:
        coordinator.call("node.connect", dataflow=id, source="b/out", target="sink/x")
    assert refusal.value.code == "exists"
    coordinator.call("node.disconnect", dataflow=id, source="a/out", target="sink/x")
    before = received("y")
    until(lambda: received("y") > before + 5)
    coordinator.call("node.connect", dataflow=id, source="b/out", target="sink/x")
    before = received("x")
    until(lambda: received("x") > before + 5)
    sources = {i["id"]: i["source"] for i in metrics(coordinator, id)["sink"]["inputs"]}
    assert sources == {"x": "b/out", "y": "a/out"}
    for source, target in [("a/none", "sink/x"), ("a/out", "sink/none"), ("a", "sink/x"), ("a/out", "a/tick")]:
        for method in ("node.connect", "node.disconnect"):
            with pytest.raises(Refused):
                coordinator.call(method, dataflow=id, source=source, target=target)
    # Over a restart, the wires are as they were changed.
    coordinator.call("node.restart", dataflow=id, node="sink")
    sources = {i["id"]: i["source"] for i in metrics(coordinator, id)["sink"]["inputs"]}
    assert sources == {"x": "b/out", "y": "a/out"}
    coordinator.call("dataflow.stop", dataflow=id)
    coordinator.wait(id, "finished")


def test_disconnected_links_leave_nothing(coordinator, begin):
    """The subscriber gives its end back, and with it what the publisher holds for it."""
    id = begin(source=ticker(), sink=actor("join", "quiet", "listen", inputs={"in": "source/out"}))
    folder = pathlib.Path(f"/proc/{coordinator.wait_node(id, 'source', 'running')['pid']}/fd")
    # Once messages flow, the source has what it needs, and nothing that is on its way to it.
    until(lambda: metrics(coordinator, id)["sink"]["inputs"][0]["received"] > 0)
    before = len(list(folder.iterdir()))
    for _ in range(10):
        coordinator.call("node.disconnect", dataflow=id, source="source/out", target="sink/in")
        coordinator.call("node.connect", dataflow=id, source="source/out", target="sink/in")
    until(lambda: len(list(folder.iterdir())) == before)
    count = metrics(coordinator, id)["sink"]["inputs"][0]["received"]
    until(lambda: metrics(coordinator, id)["sink"]["inputs"][0]["received"] > count)


def test_stop_one_and_start_it_again(coordinator, begin):
    id = begin(
        source=ticker(restart_policy="always"),
        other=ticker(),
        sink=actor("join", "listen", inputs={"in": "source/out", "other": "other/out"}),
    )
    assert coordinator.call("node.stop", dataflow=id, node="source") == {}
    coordinator.wait_node(id, "source", "finished")
    assert coordinator.flows[id]["status"] == "running"
    coordinator.call("node.restart", dataflow=id, node="source")
    coordinator.wait_node(id, "source", "running")
    before = metrics(coordinator, id)["sink"]["inputs"][0]["received"]
    until(lambda: metrics(coordinator, id)["sink"]["inputs"][0]["received"] > before + 3)
    with pytest.raises(Refused) as refusal:
        coordinator.call("node.stop", dataflow=id, node="nobody")
    assert refusal.value.code == "not-found"


def test_stubborn_node_is_killed(coordinator, begin):
    id = begin(a=actor("join", "ignore=15", "say=deaf", "hang"), b=ticker())
    coordinator.call("node.stop", dataflow=id, node="a", grace=0.05)
    node = coordinator.wait_node(id, "a", "failed")
    assert "in time (SIGKILL)" in node["message"]
    assert coordinator.flows[id]["status"] == "running"


def test_changes_disturb_nobody_else(coordinator, begin, tmp_path):
    """While nodes come and go and inputs are connected, 50 nodes get every message in order."""
    go = tmp_path / "go"
    nodes = {"source": actor("join", "send=out:3000:8:1", f"gate={go}", outputs=["out"])}
    for i in range(16):
        before = f"relay{i - 1}/out" if i else "source/out"
        nodes[f"relay{i}"] = actor("join", "quiet", "echo=out", "listen", outputs=["out"], inputs={"in": {"source": before, "queue_size": 3000}})
        nodes[f"sink{i}"] = actor("join", "quiet", "listen", inputs={"in": {"source": f"relay{i}/out", "queue_size": 3000}})
    for i in range(17):
        nodes[f"spare{i}"] = actor("join", "quiet", "listen", inputs={"in": {"source": "relay3/out", "queue_size": 3000}})
    id = begin(**nodes)
    for i in range(5):
        node = added("more", "join", "quiet", "listen", inputs={"in": f"relay{i}/out"})
        coordinator.call("node.add", dataflow=id, yaml=node, directory=str(tmp_path))
        watcher = Watcher(coordinator.call("topic.watch", dataflow=id, topics=["relay2/out"])["config"], "join", "listen=3")
        coordinator.call("node.disconnect", dataflow=id, source="relay3/out", target=f"spare{i}/in")
        coordinator.call("node.connect", dataflow=id, source="source/out", target=f"spare{i}/in")
        coordinator.call("node.remove", dataflow=id, node="more")
        watcher.end()
    go.touch()
    coordinator.wait(id, "finished")
    for i in range(16):
        (line,) = [line for line in log(tmp_path, id, f"sink{i}") if line.startswith("summary in")]
        assert line.startswith("summary in count=3000 first=0 last=2999 gaps=0 bad=0 back=0 dropped=0"), line
