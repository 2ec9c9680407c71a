"""The daemon under a coordinator: counts, topics that are watched or published on, parameters, traces."""


import pytest

from conftest import ACTOR, actor, until
from daemon_alone import TICKS, Refused, Watcher, begin, coordinator, daemon, log, metrics, ticker  # noqa: F401

# ruff: noqa: F811


def test_metrics(coordinator, begin):
    id = begin(
        source=actor("join", "send=out:100:1000", "wait", outputs=["out"], inputs={"tick": "dora/timer/secs/1"}),
        sink=actor("join", "listen=60", "hang", inputs={"in": {"source": "source/out", "queue_size": 20}}),
    )

    def settled():
        found = metrics(coordinator, id)["source"]["outputs"][0]["sent"] == 100
        return found and metrics(coordinator, id)

    nodes = until(settled)
    source, sink = nodes["source"], nodes["sink"]
    assert source["outputs"] == [{"id": "out", "sent": 100, "bytes": 100000, "subscribers": 1}]
    assert source["pid"] > 0 and source["memory"] > 100000 and source["cpu"] >= 0 and source["name"] == "flow"
    (entry,) = sink["inputs"]
    assert entry["id"] == "in" and entry["source"] == "source/out"
    assert entry["received"] + entry["dropped"] + entry["queued"] == 100
    info = coordinator.call("node.info", dataflow=id, node="sink")["nodes"][0]
    assert info["inputs"][0]["source"] == "source/out" and info["generation"] == 0 and info["path"] == str(ACTOR)
    topics = coordinator.call("topic.list", dataflow=id)["topics"]
    assert topics == [
        {"name": "source/out", "node": "source", "output": "out", "type": None, "subscribers": ["sink/in"]}
    ]


def test_who_asks_often_leaves_others_their_time(coordinator, begin):
    """What is told of the processor's use begins with the process at first, and is never of the moment between two
    that ask."""
    id = begin(busy=actor("join", "flood=out:8", outputs=["out"]), idle=actor("join", "wait"))
    until(lambda: metrics(coordinator, id)["busy"]["cpu_time"] > 50_000_000, "some use of the processor")
    answers = [metrics(coordinator, id) for _ in range(20)]
    assert all(answer["busy"]["cpu"] > 0 for answer in answers)
    times = [answer["busy"]["cpu_time"] for answer in answers]
    assert times == sorted(times)
    assert all(answer["idle"]["cpu_time"] < answer["busy"]["cpu_time"] for answer in answers)


def test_counts_outlive_links(coordinator, begin):
    """A restart, of either end, makes no total fall."""
    id = begin(source=ticker(), sink=actor("join", "listen", inputs={"in": "source/out"}))

    def sent():
        nodes = metrics(coordinator, id)
        return nodes["source"]["outputs"][0]["sent"], nodes["sink"]["inputs"][0]["received"]

    for node in ("sink", "source", "sink"):
        until(lambda: min(sent()) > 5)
        before = sent()
        assert coordinator.call("node.restart", dataflow=id, node=node) == {}
        assert all(a <= b for a, b in zip(before, sent()))
        until(lambda: all(a < b for a, b in zip(before, sent())))
    nodes = {node["id"]: node for node in coordinator.call("node.list", dataflow=id)["nodes"]}
    assert nodes["sink"]["restarts"] == 2 and nodes["source"]["restarts"] == 1
    assert nodes["sink"]["status"] == "running"


def test_watcher(coordinator, begin):
    id = begin(source=ticker(), sink=actor("join", "listen", inputs={"in": "source/out"}))
    config = coordinator.call("topic.watch", dataflow=id, topics=["source/out"])["config"]
    watcher = Watcher(config, "join", "listen=5", "leave")
    assert "source/out" in watcher.end()
    assert watcher.process.returncode == 0
    until(lambda: metrics(coordinator, id)["source"]["outputs"][0]["subscribers"] == 1)
    # One that is killed is taken down as well.
    config = coordinator.call("topic.watch", dataflow=id, topics=["source/out"], queue_size=1)["config"]
    watcher = Watcher(config, "join", "listen")
    until(lambda: metrics(coordinator, id)["source"]["outputs"][0]["subscribers"] == 2)
    assert {node["id"] for node in coordinator.call("node.list", dataflow=id)["nodes"]} == {"source", "sink"}
    watcher.process.kill()
    until(lambda: metrics(coordinator, id)["source"]["outputs"][0]["subscribers"] == 1)
    watcher.end()
    # A token lets in one process once.
    watcher = Watcher(config, "join")
    watcher.end()
    assert watcher.process.returncode == 1
    # The dataflow ends without waiting for a watcher, which learns of it.
    config = coordinator.call("topic.watch", dataflow=id, topics=["source/out"])["config"]
    watcher = Watcher(config, "join", "listen")
    until(lambda: metrics(coordinator, id)["source"]["outputs"][0]["subscribers"] == 2)
    coordinator.call("dataflow.stop", dataflow=id)
    coordinator.wait(id, "finished")
    watcher.end()


def test_watcher_sees_a_restarted_publisher(coordinator, begin):
    id = begin(source=ticker())
    config = coordinator.call("topic.watch", dataflow=id, topics=["source/out"])["config"]
    watcher = Watcher(config, "join", "listen=20", "leave")
    until(lambda: metrics(coordinator, id)["source"]["outputs"][0]["subscribers"] == 1)
    coordinator.call("node.restart", dataflow=id, node="source")
    watcher.end()
    assert watcher.process.returncode == 0


def test_watcher_learns_of_the_end(coordinator, begin):
    id = begin(
        source=actor("join", "listen=3", "leave", **TICKS),
        other=actor("join", "listen", inputs={"tick": "dora/timer/secs/1"}),
    )
    config = coordinator.call("topic.watch", dataflow=id, topics=["source/out"])["config"]
    watcher = Watcher(config, "join", "listen")
    watcher.end()  # its only input is closed
    assert watcher.process.returncode == 0
    assert coordinator.flows[id]["status"] == "running"


@pytest.mark.parametrize("topics", [[], ["source"], ["source/"], ["none/out"], ["source/none"], [3], 3, ["source/out"] * 2])
def test_wrong_topics(coordinator, begin, topics):
    id = begin(source=ticker())
    with pytest.raises(Refused) as refusal:
        coordinator.call("topic.watch", dataflow=id, topics=topics)
    assert refusal.value.code in ("invalid", "not-found")


def test_publish(coordinator, begin, tmp_path):
    id = begin(
        source=actor("join", "listen", outputs=["out"], inputs={"tick": "dora/timer/secs/1"}),
        sink=actor("join", "listen=10", "say=ten", "wait", inputs={"in": "source/out"}),
    )
    seen = coordinator.call("topic.watch", dataflow=id, topics=["source/out"])["config"]
    watcher = Watcher(seen, "join", "listen=10", "leave")
    until(lambda: metrics(coordinator, id)["source"]["outputs"][0]["subscribers"] == 2)
    config = coordinator.call("topic.publish", dataflow=id, topic="source/out")["config"]
    publisher = Watcher(config, "join", "send=source/out:10:8:1", "leave")
    publisher.end()
    assert publisher.process.returncode == 0
    until(lambda: "ten" in log(tmp_path, id, "sink"))
    watcher.end()
    assert coordinator.flows[id]["status"] == "running"


def test_param(coordinator, begin, tmp_path):
    id = begin(a=actor("join", "next=60000", "say=first", "next=60000", "say=second", "hang"))
    assert coordinator.call("node.param", dataflow=id, node="a", key="gain", value={"x": [1, 2.5, None]}) == {}
    until(lambda: "first" in log(tmp_path, id, "a"))
    coordinator.call("node.param", dataflow=id, node="a", key="gain")
    until(lambda: "second" in log(tmp_path, id, "a"))
    assert [line.split()[1] for line in log(tmp_path, id, "a") if line.startswith("next")] == ["update", "deleted"]
    for wrong in [{"node": "a"}, {"node": "a", "key": "k", "value": "x" * 70000}, {"node": "b", "key": "k"}]:
        with pytest.raises(Refused):
            coordinator.call("node.param", dataflow=id, **wrong)
    assert coordinator.flows[id]["status"] == "running"


def test_trace(coordinator, begin):
    id = begin(
        source=ticker(),
        middle=actor("join", "echo=out", "listen", inputs={"in": "source/out"}, outputs=["out"]),
        sink=actor("join", "listen", inputs={"in": "middle/out"}),
    )
    coordinator.call("trace.read", dataflow=id, on=True)
    spans = []

    def caused():
        spans.extend(coordinator.call("trace.read", dataflow=id, on=True)["spans"])
        return [s for s in spans if s["node"] == "middle" and s["kind"] == "send" and s["cause"]]

    span = until(caused)[-1]
    assert span["topic"] == "middle/out" and span["cause"]["topic"] == "source/out"
    taken = [s for s in spans if s["node"] == "middle" and s["kind"] == "take"]
    assert any(s["sequence"] == span["cause"]["sequence"] and s["time"] <= span["time"] for s in taken)
    coordinator.call("trace.read", dataflow=id, on=False)
