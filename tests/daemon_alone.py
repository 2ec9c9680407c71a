"""A daemon under a coordinator that the test plays.

    from daemon_alone import begin, coordinator, daemon  # noqa: F401

    def test_something(coordinator, begin):
        id = begin(a=actor("join", "wait"))
        coordinator.call("dataflow.stop", dataflow=id)
"""

import contextlib
import json
import os
import pathlib
import queue
import shutil
import socket
import subprocess
import threading
import uuid

import pytest

from conftest import ACTOR, DEADLINE, DORA, actor, until

# ruff: noqa: F811


class Refused(Exception):
    def __init__(self, fault):
        super().__init__(f"{fault['code']}: {fault['message']}")
        self.code, self.message = fault["code"], fault["message"]


class Coordinator:
    """Listens where a coordinator does, and takes one daemon."""

    def __init__(self):
        self.folder = pathlib.Path(os.environ["XDG_RUNTIME_DIR"]) / "dora"
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.flows = {}  # uuid → the last dataflow object that was told
        self.history = []
        self.listener = self.stream = None
        self.held = None  # answers to updates, while they are held back
        self.listen()

    def listen(self):
        path = self.folder / "coordinator.sock"
        path.unlink(missing_ok=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(4)
        self.listener.settimeout(DEADLINE)

    def accept(self):
        """Until the daemon has registered; gives what it says of itself."""
        self.stream, _ = self.listener.accept()
        self.stream.settimeout(DEADLINE)
        self._send({"hello": {"protocol": 1, "version": "0.1.0", "role": "coordinator"}})
        self._answers, self._next, self._lock = {}, 1, threading.Lock()
        self.registered = queue.Queue()
        self.gone = threading.Event()
        self._reader = threading.Thread(target=self._read, args=(self.stream,), daemon=True)
        self._reader.start()
        return self.registered.get(timeout=DEADLINE)

    def vanish(self):
        """As a coordinator that is killed."""
        self.listener.close()
        self.stream.shutdown(socket.SHUT_RDWR)
        self._reader.join(timeout=DEADLINE)
        self.stream.close()
        (self.folder / "coordinator.sock").unlink()

    def _send(self, message):
        self.stream.sendall(json.dumps(message).encode() + b"\n")

    def _read(self, stream):
        with stream.makefile("rb") as lines:
            try:
                for line in lines:
                    self._take(json.loads(line))
            except OSError:
                pass
        self.gone.set()

    def _take(self, message):
        if "method" in message:
            params = message["params"]
            for flow in params.get("dataflows", []) + ([params["dataflow"]] if "dataflow" in params else []):
                self.flows[flow["uuid"]] = flow
                self.history.append(flow)
            answer = {"id": message["id"], "result": {}}
            with self._lock:
                if message["method"] == "daemon.update" and self.held is not None:
                    self.held.append(answer)
                else:
                    self._send(answer)
            if message["method"] == "daemon.register":
                self.registered.put(params)
        elif "id" in message:
            self._answers[message["id"]].put(message)
        else:
            assert "hello" in message, message

    @contextlib.contextmanager
    def busy(self):
        """Meanwhile no update is answered."""
        self.held = []
        yield
        with self._lock:
            for answer in self.held:
                self._send(answer)
            self.held = None

    def ask(self, method, **params):
        """Sends a request; gives what to call for its result."""
        with self._lock:
            number, self._next = self._next, self._next + 1
        answers = self._answers[number] = queue.Queue()
        self._send({"id": number, "method": method, "params": params})

        def result():
            answer = answers.get(timeout=DEADLINE)
            if "error" in answer:
                raise Refused(answer["error"])
            return answer["result"]

        return result

    def call(self, method, **params):
        return self.ask(method, **params)()

    def wait(self, id, *statuses):
        """Until the dataflow has one of these statuses."""
        until(lambda: self.flows.get(id, {}).get("status") in statuses, f"{statuses} of {self.flows.get(id)}")
        return self.flows[id]

    def wait_node(self, id, node, status):
        def found():
            return [n for n in self.flows[id]["nodes"] if n["id"] == node and n["status"] == status]

        return until(found, f"{status!r} of {node!r}: {self.flows[id]}")[0]


@pytest.fixture
def coordinator(dora):
    coordinator = Coordinator()
    yield coordinator
    coordinator.listener.close()
    if coordinator.stream:
        coordinator.stream.close()
    shutil.rmtree(coordinator.folder)


@pytest.fixture
def daemon(coordinator, tmp_path):
    """dora daemon, which has registered."""
    with open(tmp_path / "daemon.err", "wb") as errors:
        process = subprocess.Popen([DORA, "daemon", "--machine-id", "here"], stdin=subprocess.DEVNULL, stderr=errors)
    process.said = lambda: (tmp_path / "daemon.err").read_text()
    process.registered = coordinator.accept()
    yield process
    if process.poll() is None:
        process.kill()
    process.wait()


@pytest.fixture
def begin(coordinator, daemon, tmp_path):
    """Starts a dataflow: begin(id=node, …); gives its UUID when it runs."""

    def start(options=None, wait="running", **nodes):
        id = str(uuid.uuid4())
        listed = [{"id": key, **node} for key, node in nodes.items()]
        flow = coordinator.call(
            "dataflow.start",
            yaml=json.dumps({"nodes": listed}),
            path=str(tmp_path / "flow.yml"),
            directory=str(tmp_path),
            name="flow",
            uuid=id,
            options=options or {},
        )
        assert flow["uuid"] == id
        coordinator.flows.setdefault(id, flow)
        if wait:
            coordinator.wait(id, wait)
        return id

    return start


def log(tmp_path, id, node):
    path = tmp_path / "out" / id / f"log_{node}.jsonl"
    if not path.exists():
        return []
    return [json.loads(line).get("msg", "") for line in path.read_text().splitlines()]


class Watcher:
    """An actor that joins as a watcher."""

    def __init__(self, config, *script):
        self.process = subprocess.Popen(
            [ACTOR, *script],
            env={**os.environ, "DORA_NODE_CONFIG": config},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )

    def end(self):
        out, _ = self.process.communicate(timeout=DEADLINE)
        return out


TICKS = {"outputs": ["out"], "inputs": {"tick": "dora/timer/millis/10"}}


def ticker(**keys):
    """Sends a message for each tick, until it is stopped."""
    return actor("join", "echo=out", "listen", **{**TICKS, **keys})


def metrics(coordinator, id):
    return {node["node"]: node for node in coordinator.call("metrics", dataflow=id)["nodes"]}
