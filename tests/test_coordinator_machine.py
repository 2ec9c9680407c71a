"""The coordinator and the machine it runs on: other users, full disks, old state, descriptors, the service manager."""

import contextlib
import os
import pathlib
import resource
import shutil
import socket
import sqlite3
import subprocess

import pytest

from conftest import DORA, until
from control import FakeDaemon, Fault, Peer
from coordinator_alone import coordinator, daemon, dataflow, listens, said  # noqa: F401
from system import system  # noqa: F401

# ruff: noqa: F811


def test_one_coordinator_at_a_time(system, coordinator):
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
def test_another_user_can_neither_connect_nor_read(system, coordinator):
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


def test_a_folder_of_others_is_refused(system):
    system.runtime.mkdir(mode=0o755)
    done = system.dora("coordinator", status=1)
    assert f"chmod 700 {system.runtime}" in done.stderr


def test_state_of_an_older_version_is_migrated_and_of_a_newer_one_refused(system, coordinator):
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


def test_a_full_disk_refuses_a_start_and_nothing_else(system, coordinator):
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


def test_it_tells_a_service_manager_when_it_is_ready_and_takes_its_socket(system, tmp_path):
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
