"""The coordinator: what it answers, and what it keeps of dataflows, with a daemon that the test plays."""

import random
import select
import subprocess
import sys
import uuid

import pytest

from conftest import until
from control import FakeDaemon, Fault, Peer
from coordinator_alone import HERE, coordinator, daemon, dataflow  # noqa: F401
from system import system  # noqa: F401

# ruff: noqa: F811


def test_status_list_and_the_ways_to_name_a_dataflow(coordinator):
    coordinator()
    cli, daemon = Peer(coordinator.socket, "cli"), FakeDaemon(coordinator.socket)
    status = cli.call("status")
    assert status["protocol"] == 1 and status["running"] == 0
    assert [found["id"] for found in status["daemons"]] == ["fake"]
    ids = {}
    for name in ("vision", "visual"):
        request = dataflow(cli, name=name)
        daemon.start()
        made = cli.answer(request)
        assert made["name"] == name and made["status"] == "running"
        ids[name] = made["uuid"]
    assert cli.call("dataflow.get", dataflow="vision")["uuid"] == ids["vision"]
    assert cli.call("dataflow.get", dataflow=ids["visual"].upper())["name"] == "visual"
    assert cli.call("dataflow.get", dataflow="visi")["name"] == "vision"
    with pytest.raises(Fault) as fault:
        cli.call("dataflow.get", dataflow="vis")
    assert fault.value.code == "ambiguous" and all(text in fault.value.hint for text in ("vision", ids["visual"]))
    with pytest.raises(Fault) as fault:
        cli.call("dataflow.get")
    assert fault.value.code == "ambiguous"
    with pytest.raises(Fault) as fault:
        cli.call("dataflow.get", dataflow="hearing")
    assert fault.value.code == "not-found"
    with pytest.raises(Fault) as fault:
        cli.answer(dataflow(cli, name="vision"))
    assert fault.value.code == "exists"
    # One that runs comes before those that have ended, and of these the newest.
    daemon.update(cli.call("dataflow.get", dataflow="vision"), status="finished")
    assert cli.call("dataflow.get", dataflow="vis")["name"] == "visual"
    assert cli.call("dataflow.get")["name"] == "visual"
    assert cli.call("dataflow.get", dataflow="vision")["status"] == "finished"
    with pytest.raises(Fault) as fault:
        cli.call("dataflow.stop", dataflow="vision")
    assert fault.value.code == "not-found" and "has ended" in fault.value.message
    request = cli.ask("dataflow.list", name="VIS")
    asked = daemon.asked("metrics")
    usage = [{"dataflow": ids["visual"], "cpu": 1.5, "memory": 1000}, {"dataflow": ids["visual"], "cpu": 2, "memory": 24}]
    daemon.say(id=asked["id"], result={"time": 1, "nodes": usage})
    listed = cli.answer(request)["dataflows"]
    assert [(found["name"], found.get("cpu"), found.get("memory")) for found in listed] == [
        ("visual", 3.5, 1024),
        ("vision", None, None),
    ]
    assert "cpu" not in cli.call("dataflow.list", name="visual", usage=False)["dataflows"][0]  # nor is the daemon asked
    assert [found["name"] for found in cli.call("dataflow.clean")["dataflows"]] == ["vision"]
    cli.close()
    daemon.close()


def test_what_is_wrong_is_refused(coordinator):
    coordinator()
    cli, daemon = Peer(coordinator.socket, "cli"), FakeDaemon(coordinator.socket)
    wrong = [
        ("bogus", {}),
        ("dataflow.start", {}),
        ("dataflow.start", {"yaml": "", "path": "", "directory": "/d", "uuid": "7"}),
        ("dataflow.start", {"yaml": "", "path": "", "directory": "d", "uuid": str(uuid.uuid4())}),
        ("dataflow.start", {"yaml": "", "path": "", "directory": "/", "uuid": str(uuid.uuid4()), "options": 7}),
        ("dataflow.start", {"yaml": "", "path": "", "directory": "/", "uuid": str(uuid.uuid4()), "name": 7}),
        ("dataflow.get", {"dataflow": 7}),
        ("dataflow.get", {"dataflow": ""}),
        ("param.set", {"node": "a", "key": "k"}),
        ("param.set", {"node": "a", "key": "k" * 257, "value": 1}),
        ("param.set", {"node": "a", "key": "k", "value": "x" * 70000}),
    ]
    for method, params in wrong:
        with pytest.raises(Fault) as fault:
            cli.call(method, **params)
        assert fault.value.code == "invalid", (method, params)
    with pytest.raises(Fault) as fault:
        daemon.call("dataflow.list")
    assert fault.value.code == "invalid"
    code = f"from control import FakeDaemon; FakeDaemon('{coordinator.socket}', id='second')"
    second = subprocess.run([sys.executable, "-c", code], cwd=HERE, capture_output=True, text=True)
    assert "exists: a daemon is connected already" in second.stderr
    # The daemon's own nonsense harms nobody.
    for nonsense in ({}, {"uuid": "x", "status": "running", "nodes": []}, {"uuid": str(uuid.uuid4()), "status": "?"}):
        daemon.call("daemon.update", dataflow=nonsense)
    daemon.say(id=99, result={})
    assert daemon.read() is None
    assert cli.call("status")["daemons"] == []
    cli.close()
    daemon.close()


def test_a_daemon_that_goes_loses_its_dataflows_and_one_that_comes_back_does_not(coordinator):
    coordinator()
    cli, daemon = Peer(coordinator.socket, "cli"), FakeDaemon(coordinator.socket)
    request = dataflow(cli, name="one")
    one = daemon.start()
    cli.answer(request)
    waiting = cli.ask("dataflow.wait", dataflow="one")
    daemon.close()
    daemon = FakeDaemon(coordinator.socket, [one])
    assert cli.call("dataflow.get")["status"] == "running"
    daemon.close()
    assert cli.answer(waiting)["status"] == "failed"  # two seconds later
    assert cli.call("dataflow.get", dataflow="one")["error"] == "lost with its daemon"
    # Should it have been too slow, its word counts.
    daemon = FakeDaemon(coordinator.socket, [one])
    assert cli.call("dataflow.get")["status"] == "running"
    daemon.close()
    # A new one that doesn't know it settles that at once.
    daemon = FakeDaemon(coordinator.socket)
    assert cli.call("dataflow.get", dataflow="one")["error"] == "lost with its daemon"
    cli.close()
    daemon.close()


def test_a_restart_keeps_name_options_and_parameters(coordinator):
    coordinator()
    cli, daemon = Peer(coordinator.socket, "cli"), FakeDaemon(coordinator.socket)
    request = dataflow(cli, name="one", options={"uv": True})
    one = daemon.start()
    cli.answer(request)
    request = cli.ask("param.set", node="a", key="rate", value=[1, "x"])
    told = daemon.asked("node.param")
    assert told["params"] == {"dataflow": one["uuid"], "node": "a", "key": "rate", "value": [1, "x"]}
    daemon.say(id=told["id"], result={})
    cli.answer(request)
    # Whoever asked for a restart may go: it is carried out.
    other = Peer(coordinator.socket, "cli")
    other.ask("dataflow.restart", grace=1.5)
    asked = daemon.asked("dataflow.stop")
    assert asked["params"] == {"dataflow": one["uuid"], "grace": 1.5}
    daemon.say(id=asked["id"], result={})
    other.close()
    waiting = cli.ask("dataflow.wait", dataflow="one")
    cli.call("status")  # so that it does wait
    daemon.say(id=1000, method="daemon.update", params={"dataflow": {**one, "status": "finished"}})
    started = daemon.asked("dataflow.start")
    assert started["params"]["options"] == {"uv": True} and started["params"]["name"] == "one"
    assert started["params"]["uuid"] != one["uuid"]
    daemon.say(id=started["id"], error={"code": "failed", "message": "no such program"})
    assert cli.answer(waiting)["status"] == "finished"
    again = until(lambda: [flow for flow in cli.call("dataflow.list")["dataflows"] if flow["status"] == "failed"])[0]
    assert again["error"] == "no such program"
    assert cli.call("param.get", dataflow=again["uuid"], node="a", key="rate") == {"value": [1, "x"]}
    assert cli.call("param.list", dataflow=again["uuid"], node="a") == {"params": {"rate": [1, "x"]}}
    cli.close()
    daemon.close()


def test_a_thousand_wild_requests_harm_nobody(coordinator):
    process = coordinator()
    chance = random.Random(4)
    ids = [str(uuid.UUID(int=chance.getrandbits(128))) for _ in range(4)]
    names = [None, "", "a", "ab", ids[0], ids[1][:3], 7, [], {}]
    values = [None, True, -1, 0, 1.5, "", "a", "x" * 1000, [], {"a": [1]}, *ids, *names]
    keys = ["dataflow", "name", "node", "key", "value", "grace", "force", "all", "status", "on", "wait", "options", "env"]
    methods = [f"dataflow.{verb}" for verb in "start list get wait stop restart clean descriptor".split()]
    methods += [f"param.{verb}" for verb in "list get set delete".split()]
    methods += ["status", "metrics", "node.list", "topic.x", "trace.read", "x", ""]
    statuses = ["starting", "running", "stopping", "finished", "failed", "?", None]
    daemon, clients, answered = None, [], 0
    for _ in range(1000):
        what = chance.random()
        if what < 0.03 and daemon:
            daemon.close()
            daemon = None
        if not daemon:
            daemon = FakeDaemon(coordinator.socket)
        if what < 0.1 or not clients:
            clients.append(Peer(coordinator.socket, "cli"))
        client = chance.choice(clients)
        if what > 0.97:
            client.close()
            clients.remove(client)
            continue
        params = {chance.choice(keys): chance.choice(values) for _ in range(chance.randrange(5))}
        method = chance.choice(methods)
        if method == "dataflow.start":
            fresh = chance.choice([*ids, str(uuid.UUID(int=chance.getrandbits(128)))])
            params = {"yaml": "nodes: []", "path": "f", "directory": "/", "uuid": fresh, "name": "ab", **params}
        client.ask(method, **params)
        # The daemon does what it likes with what it is asked.
        while select.select([daemon.socket], [], [], 0)[0]:
            message = daemon.read()
            if message is None:
                daemon.close()
                daemon = None
                break
            if "method" not in message or chance.random() < 0.2:
                continue
            told = {"uuid": message["params"].get("uuid", ids[0]), "nodes": []}
            told["status"] = chance.choice(statuses)
            bad = {"error": {"code": chance.choice(["not-found", "failed", "?"]), "message": "m"}}
            daemon.say(id=message["id"], **chance.choice([bad, {"result": told}]))
            daemon.last += 1
            daemon.say(id=daemon.last, method="daemon.update", params={"dataflow": told})
    for client in clients:
        client.call("status")
        answered += len(client.waiting)
        client.close()
    assert answered > 100 and process.poll() is None
    if daemon:
        daemon.close()
    process.terminate()
    assert process.wait(timeout=20) == 0


def test_a_node_that_begins_again_is_told_its_parameters(coordinator):
    coordinator()
    cli, daemon = Peer(coordinator.socket, "cli"), FakeDaemon(coordinator.socket)
    request = dataflow(cli, name="one")
    one = daemon.start()
    cli.answer(request)
    request = cli.ask("param.set", node="a", key="rate", value=5)
    daemon.say(id=daemon.asked("node.param")["id"], result={})
    cli.answer(request)
    with pytest.raises(Fault) as fault:
        cli.call("param.set", node="b", key="rate", value=5)
    assert fault.value.code == "not-found"
    for nodes in ([{"id": "a", "status": "restarting"}], [{"id": "a", "status": "running", "restarts": 1}]):
        daemon.update({**one, "nodes": nodes})
    told = daemon.asked("node.param")["params"]
    assert told == {"dataflow": one["uuid"], "node": "a", "key": "rate", "value": 5}
    cli.close()
    daemon.close()


def test_nodes_stop_noting_when_who_traced_them_is_gone(coordinator):
    coordinator()
    cli, daemon = Peer(coordinator.socket, "cli"), FakeDaemon(coordinator.socket)
    request = dataflow(cli, name="one")
    one = daemon.start()
    cli.answer(request)
    request = cli.ask("trace.read", on=True)
    asked = daemon.asked("trace.read")
    assert asked["params"] == {"dataflow": one["uuid"], "on": True}
    daemon.say(id=asked["id"], result={"spans": [], "lost": 0})
    cli.answer(request)
    cli.close()
    assert daemon.asked("trace.read")["params"] == {"dataflow": one["uuid"], "on": False}
    daemon.close()
