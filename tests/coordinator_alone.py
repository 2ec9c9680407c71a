"""A coordinator of the test's own, with a daemon that the test plays, or a real one.

    from coordinator_alone import coordinator, daemon  # noqa: F401
    from system import system  # noqa: F401
"""

import os
import pathlib
import socket
import subprocess
import uuid

import pytest

from conftest import DORA, actor, until
from control import Peer
from system import system  # noqa: F401

# ruff: noqa: F811


HERE = pathlib.Path(__file__).parent


LISTENER = {"a": actor("join", "listen", inputs={"t": "dora/timer/millis/10"})}


def crash_points():
    if not DORA.exists():
        return ["not-built"]
    return subprocess.run([DORA, "coordinator", "--crash-points"], capture_output=True, text=True).stdout.split()


@pytest.fixture
def coordinator(system):
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


def wait_for_daemon(system):
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


def restart_coordinator(system, coordinator):
    coordinator()
    wait_for_daemon(system)


@pytest.fixture
def daemon(system):
    process = system.begin("daemon")
    yield process
    if process.poll() is None:
        process.terminate()
    process.communicate(timeout=20)
