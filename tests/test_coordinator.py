"""The coordinator: what it keeps when it is killed at any point, who may talk to it, and what it says when it can't."""

import contextlib
import os
import pathlib
import random
import re
import resource
import select
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import uuid

import pytest

from conftest import DORA, MARK, actor, marked, until
from control import Fault, FakeDaemon, Peer
from system import system  # noqa: F401

HERE = pathlib.Path(__file__).parent
LISTENER = {"a": actor("join", "listen", inputs={"t": "dora/timer/millis/10"})}


def crash_points():
    if not DORA.exists():
        return ["not-built"]
    return subprocess.run([DORA, "coordinator", "--crash-points"], capture_output=True, text=True).stdout.split()


@pytest.fixture
def coordinator(system):  # noqa: F811
    """Starts the coordinator alone: coordinator(*args, **environment); gives its process. `.socket` is where it listens."""
    running = []
    path = system.runtime / "coordinator.sock"

    def begin(*args, **env):
        process = system.begin("coordinator", *args, env={**os.environ, **env})
        running.append(process)
        until(lambda: process.poll() is not None or listens(path), "the coordinator")
        return process

    begin.socket = path
    yield begin
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


def listens(path):
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def said(process):
    return process.communicate(timeout=20)[1]


def dataflow(peer, **params):
    return peer.ask(
        "dataflow.start",
        **{"yaml": "nodes: []\n", "path": "/d/f.yml", "directory": "/d", "uuid": str(uuid.uuid4()), **params},
    )


# The state, with a daemon of the test's own.


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


# The whole, killed.


def wait_for_daemon(system):  # noqa: F811
    path = system.runtime / "coordinator.sock"

    def here():
        if not listens(path):
            return False
        peer = Peer(path, "cli")
        try:
            return peer.call("status")["daemons"]
        finally:
            peer.close()

    until(here, "the daemon")


def restart_coordinator(system, coordinator):  # noqa: F811
    coordinator()
    wait_for_daemon(system)


@pytest.fixture
def daemon(system):  # noqa: F811
    process = system.begin("daemon")
    yield process
    if process.poll() is None:
        process.terminate()
    process.communicate(timeout=20)


@pytest.mark.parametrize("point", [point for point in crash_points() if not point.startswith(("stop", "release"))])
def test_a_coordinator_that_dies_while_it_starts_a_dataflow(system, coordinator, daemon, flow, point):  # noqa: F811
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
def test_a_coordinator_that_dies_while_it_stops_a_dataflow(system, coordinator, daemon, flow, point):  # noqa: F811
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


def test_data_flows_on_while_the_coordinator_is_killed_again_and_again(system, coordinator, daemon, flow):  # noqa: F811
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


def test_a_killed_daemon_takes_its_nodes_with_it_and_the_coordinator_says_so(system, coordinator, daemon, flow):  # noqa: F811
    coordinator()
    wait_for_daemon(system)
    system.start(flow(**LISTENER), "--name", "one")
    daemon.kill()
    until(lambda: [one["status"] for one in system.list()] == ["failed"], "the loss")
    peer = Peer(coordinator.socket, "cli")
    assert peer.call("dataflow.get", dataflow="one")["error"] == "lost with its daemon"
    peer.close()


@pytest.mark.release_only
def test_with_fifty_nodes_coordinator_and_daemon_take_little_memory(system, coordinator, daemon, flow):  # noqa: F811
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


def test_a_coordinator_that_ends_leaves_what_runs_alone(system, coordinator, daemon, flow):  # noqa: F811
    process = coordinator()
    wait_for_daemon(system)
    uuid = system.start(flow(**LISTENER))
    process.terminate()
    assert process.wait(timeout=20) == 0
    assert not coordinator.socket.exists()
    restart_coordinator(system, coordinator)
    assert system.status_of(uuid) == "running"
    system.dora("stop", uuid)


def test_down_right_after_a_restart_ends_the_daemon_too(system, coordinator, daemon):  # noqa: F811
    first = coordinator()
    wait_for_daemon(system)
    first.kill()
    first.wait()
    second = coordinator()
    system.dora("down")
    assert second.wait(timeout=20) == 0 and daemon.wait(timeout=20) == 0


# Who may be there, and who may talk to it.


def test_one_coordinator_at_a_time(system, coordinator):  # noqa: F811
    first = coordinator()
    second = system.begin("coordinator")
    assert second.wait(timeout=20) == 1
    assert f"running already: process {first.pid}" in said(second)
    assert listens(coordinator.socket)
    first.kill()
    first.wait()
    assert coordinator.socket.exists()  # stale
    third = coordinator()
    assert third.poll() is None and Peer(coordinator.socket, "cli").call("status")["pid"] == third.pid


def test_more_connections_than_descriptors_are_turned_away(coordinator):
    process = coordinator()
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (30, 30))
    held, refused = [], 0
    for _ in range(40):
        try:
            held.append(Peer(coordinator.socket, "cli"))
        except ConnectionError:
            refused += 1
    assert refused > 0 and held[-1].call("status")["pid"] == process.pid
    for peer in held:
        peer.close()
    # A loop that is told of the same connection again and again would burn the processor.
    before = cpu_ticks(process.pid)
    probe = until(lambda: try_peer(coordinator.socket), "a free descriptor")
    assert probe.call("status")["pid"] == process.pid and cpu_ticks(process.pid) - before < 50
    probe.close()


def try_peer(path):
    try:
        return Peer(path, "cli")
    except ConnectionError:
        return None


def cpu_ticks(pid):
    return sum(map(int, pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]))


def test_another_protocol_version(coordinator):
    coordinator()
    for role in ("cli", "daemon"):
        peer = Peer(coordinator.socket, role, protocol=2)
        message = peer.read()
        assert message["id"] == 0 and message["error"]["code"] == "refused"
        assert "protocol 1" in message["error"]["message"] and "protocol 2" in message["error"]["message"]
        assert peer.read() is None
        peer.close()


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root to become another user")
def test_another_user_can_neither_connect_nor_read(system, coordinator):  # noqa: F811
    coordinator()
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    for path in (coordinator.socket, system.state / "state.db", system.runtime, system.state):
        done = subprocess.run([*nobody, "cat", path], capture_output=True, text=True)
        assert done.returncode != 0 and "Permission denied" in done.stderr
    # Were the folders open, the socket would still not listen to them.
    for folder in [system.runtime, *list(system.runtime.parents)[:3]]:
        if str(folder) != "/tmp":
            folder.chmod(0o755)
    coordinator.socket.chmod(0o777)
    code = f"import socket; s = socket.socket(socket.AF_UNIX); s.connect('{coordinator.socket}'); print(s.recv(1))"
    done = subprocess.run([*nobody, "/usr/bin/python3", "-c", code], capture_output=True, text=True)
    assert "reset" in done.stderr.lower() or done.stdout == "b''\n", done
    system.runtime.chmod(0o700)
    system.runtime.parent.chmod(0o700)


def test_a_folder_of_others_is_refused(system):  # noqa: F811
    system.runtime.mkdir(mode=0o755)
    done = system.dora("coordinator", status=1)
    assert f"chmod 700 {system.runtime}" in done.stderr


# The state's file.


def test_state_of_an_older_version_is_migrated_and_of_a_newer_one_refused(system, coordinator):  # noqa: F811
    system.state.mkdir(parents=True)
    path = system.state / "state.db"
    with sqlite3.connect(path) as db:
        db.executescript(
            "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
            "CREATE TABLE dataflow (uuid TEXT PRIMARY KEY, name TEXT, path TEXT NOT NULL, directory TEXT NOT NULL,"
            " yaml TEXT NOT NULL, options TEXT NOT NULL, status TEXT NOT NULL, started REAL NOT NULL,"
            " nodes TEXT NOT NULL);"
            "INSERT INTO meta VALUES ('format', '0');"
            "INSERT INTO dataflow VALUES ('01900000-0000-7000-8000-000000000001', 'old', '/d/f.yml', '/d', 'nodes: []',"
            " '{}', 'finished', 5.5, '[]');"
        )
    db.close()
    process = coordinator()
    assert [line["name"] for line in system.list()] == ["old"]
    process.terminate()
    process.wait()
    with sqlite3.connect(path) as db:
        db.execute("UPDATE meta SET value = '9' WHERE key = 'format'")
    db.close()
    done = system.dora("coordinator", status=1)
    assert "format 9" in done.stderr and "use the newer dora" in done.stderr
    path.write_bytes(b"x" * 5000)
    done = system.dora("coordinator", status=1)
    assert "is damaged" in done.stderr and str(path) in done.stderr
    assert path.read_bytes() == b"x" * 5000
    process = coordinator("--store", "memory")
    assert system.list() == [] and process.poll() is None


def test_a_full_disk_refuses_a_start_and_nothing_else(system, coordinator):  # noqa: F811
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a small disk")
    system.state.mkdir(parents=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "none", system.state]).returncode != 0:
        pytest.skip("can't mount here")
    try:
        process = coordinator()
        cli, daemon = Peer(coordinator.socket, "cli"), FakeDaemon(coordinator.socket)
        request = dataflow(cli, name="first")
        daemon.start()
        first = cli.answer(request)
        with contextlib.suppress(OSError), open(system.state / "ballast", "wb", buffering=0) as ballast:
            while ballast.write(bytes(4096)):
                pass
        with pytest.raises(Fault) as fault:
            cli.answer(dataflow(cli, name="large", yaml="x" * 50000))
        assert fault.value.code == "failed" and "space" in fault.value.message
        assert cli.call("dataflow.get")["name"] == "first"
        # Not even room for how it ended: that is kept as soon as there is some.
        daemon.update(first, status="finished", error="x" * 50000)
        assert cli.call("status")["running"] == 0
        (system.state / "ballast").unlink()
        assert cli.call("dataflow.get", dataflow="first")["status"] == "finished"
        cli.close()
        daemon.close()
        process.terminate()
        assert "can't be kept now: there is no space left" in said(process)
        assert process.returncode == 0
    finally:
        subprocess.run(["umount", "-l", system.state], check=True)


# Service managers.


def test_it_tells_a_service_manager_when_it_is_ready_and_takes_its_socket(system, tmp_path):  # noqa: F811
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(str(tmp_path / "notify"))
    notify.settimeout(20)
    system.runtime.mkdir(mode=0o700)
    path = system.runtime / "coordinator.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    early = socket.socket(socket.AF_UNIX)
    early.connect(str(path))  # before there is a coordinator
    command = f'export LISTEN_PID=$$ LISTEN_FDS=1; exec 3<&{listener.fileno()}; exec "{DORA}" coordinator'
    process = subprocess.Popen(
        ["bash", "-c", command],
        pass_fds=[listener.fileno()],
        env={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")},
        stderr=subprocess.DEVNULL,
    )
    assert notify.recv(100) == b"READY=1"
    assert b'"role":"coordinator"' in early.recv(1000)
    process.terminate()
    assert notify.recv(100) == b"STOPPING=1"
    assert process.wait(timeout=20) == 0
    assert path.exists()  # the manager's
    for opened in (notify, listener, early):
        opened.close()
    path.unlink()
