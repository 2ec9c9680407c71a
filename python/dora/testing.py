"""Testing nodes without a dataflow.

`MockNode` stands in for `dora.Node` inside a test of Python code:

    from dora.testing import MockNode

    node = MockNode([("image", pa.array([1, 2, 3]))])
    my_node.loop(node)
    assert node.outputs["sum"] == [pa.array([6])]

`run_node` runs a node's whole program, with inputs that are written down or recorded, and gives what it sent:

    from dora.testing import run_node

    done = run_node("my_node.py", [("image", pa.array([1, 2, 3]))])
    assert done.outputs["sum"][0].value == pa.array([6])

Inputs of a real dataflow are recorded by `DORA_WRITE_EVENTS_TO=recorded dora run dataflow.yml`, and given to a node again by
`run_node("my_node.py", "recorded/inputs-my_node.json")`.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import uuid
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ._offline import Event, OfflineNode, as_array
from ._operator import CONTINUE, provide, status_of

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Finished", "MockNode", "Output", "run_node", "run_operator"]


class MockNode(OfflineNode):
    """A node whose inputs are given and whose outputs are kept.

    `inputs` holds (input id, value) for inputs, and whole events as dicts for anything else; a STOP event follows unless
    there is one. Each input gets a copy of `metadata`. The keywords are what the methods of these names return.

    `service_responses` holds, for an output, what comes back for each request that is sent on it: an input of the output's
    name with the request's `request_id`.

    What the node sent is in `outputs` (output id → values as they were given), `output_metadata` (likewise),
    `service_requests` and `service_responses_sent`; what it logged in `logs`. Nothing ever waits, and timeouts do not
    matter.
    """

    def __init__(
        self,
        inputs: Iterable[tuple[str, Any] | Event],
        metadata: Mapping[str, Any] | None = None,
        *,
        dataflow_descriptor: Mapping[str, Any] | None = None,
        dataflow_id: str | None = None,
        node_config: Mapping[str, Any] | None = None,
        is_restart: bool = False,
        restart_count: int = 0,
        service_responses: Mapping[str, Sequence[Any]] | None = None,
    ) -> None:
        self._events: deque[Event] = deque()
        for item in inputs:
            if isinstance(item, Mapping):
                self._events.append(dict(item))
            else:
                input_id, value = item
                self._events.append({"type": "INPUT", "id": input_id, "value": value, "metadata": dict(metadata or {})})
        if not any(event.get("type") == "STOP" for event in self._events):
            self._events.append({"type": "STOP", "id": "ALL_INPUTS_CLOSED"})
        self._descriptor = dataflow_descriptor or {}
        self._dataflow_id = dataflow_id or ""
        self._node_config = node_config or {}
        self._is_restart = is_restart
        self._restart_count = restart_count
        self._service_responses = {name: deque(values) for name, values in (service_responses or {}).items()}
        self.outputs: dict[str, list[Any]] = {}
        self.output_metadata: dict[str, list[dict[str, Any]]] = {}
        self.logs: list[dict[str, Any]] = []
        self.service_requests: list[dict[str, Any]] = []
        self.service_responses_sent: list[dict[str, Any]] = []

    def _wait(self) -> float | None:
        return 0.0 if self._events else None

    def _take(self) -> Event:
        return self._events.popleft()

    def _put(self, output_id: str, data: Any, metadata: dict[str, Any]) -> None:
        self.outputs.setdefault(output_id, []).append(data)
        self.output_metadata.setdefault(output_id, []).append(metadata)

    def send_service_request(self, output_id: str, data: Any, metadata: Mapping[str, Any] | None = None) -> str:
        request_id = str(uuid.uuid4())
        request = {"output_id": output_id, "data": data, "metadata": dict(metadata or {}), "request_id": request_id}
        self.service_requests.append(request)
        if self._service_responses.get(output_id):
            value = self._service_responses[output_id].popleft()
            reply = {"type": "INPUT", "id": output_id, "value": value, "metadata": {"request_id": request_id}}
            stops = (place for place, event in enumerate(self._events) if event.get("type") == "STOP")
            self._events.insert(next(stops, len(self._events)), reply)
        return request_id

    def send_service_response(self, output_id: str, data: Any, metadata: Mapping[str, Any]) -> None:
        response = {"output_id": output_id, "data": data, "metadata": dict(metadata)}
        self.service_responses_sent.append({**response, "request_id": metadata.get("request_id")})

    def log(self, level: str, message: str, target: str | None = None, fields: Mapping[str, str] | None = None) -> None:
        self.logs.append({"level": level, "message": message, "target": target, "fields": dict(fields or {})})


@dataclass
class Output:
    """A message that a node sent."""

    id: str
    value: pa.Array
    metadata: dict[str, Any]


@dataclass
class Finished:
    """What became of a node that `run_node` ran."""

    status: int
    stdout: str
    stderr: str
    messages: list[Output] = field(default_factory=list)

    @property
    def outputs(self) -> dict[str, list[Output]]:
        """The messages by their output's id."""
        found: dict[str, list[Output]] = {}
        for message in self.messages:
            found.setdefault(message.id, []).append(message)
        return found


def run_operator(operator: Any, inputs: Iterable[tuple[str, Any] | Event], metadata: Mapping[str, Any] | None = None) -> MockNode:
    """Hands an operator, an object of its class, the events of a mock node until it or they end; gives the mock node, which
    has what the operator has sent. A TypeError where `on_event` returns no status."""
    node = MockNode(inputs, metadata)
    provide(operator, node)
    for event in node:
        if status_of(operator.on_event(event, node.send_output)) != CONTINUE:
            break
    return node


def run_node(
    program: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    inputs: str | os.PathLike[str] | Iterable[tuple[str, Any] | tuple[str, Any, Mapping[str, Any]] | Event],
    *,
    node_id: str = "node",
    env: Mapping[str, str] | None = None,
    cwd: str | os.PathLike[str] | None = None,
    timeout: float = 60.0,
    at_once: bool = True,
    check: bool = True,
) -> Finished:
    """Runs a node's program until it ends, with inputs but without a daemon, and returns what it sent.

    `program` is a Python script, or a command with its arguments. `inputs` is the path of a recording, or what comes in:
    (input id, value) or (input id, value, metadata) for inputs, dicts such as {"type": "INPUT_CLOSED", "id": "image"} for
    other events; a stop follows the last. `at_once` gives events one after the other, otherwise each comes at the time
    that a recording has for it.

    Raises subprocess.CalledProcessError if the node fails, unless `check` is false, and subprocess.TimeoutExpired, having
    killed it, when it takes longer than `timeout` seconds.
    """
    with tempfile.TemporaryDirectory(prefix="dora-test-") as folder:
        if isinstance(inputs, (str, os.PathLike)):
            recording = os.path.abspath(inputs)
        else:
            recording = _write(folder, node_id, inputs)
        outputs = os.path.join(folder, "outputs.jsonl")
        variables = {**os.environ, **(env or {}), "DORA_TEST_WITH_INPUTS": recording}
        variables.update(DORA_TEST_WRITE_OUTPUTS_TO=outputs, DORA_TEST_OUTPUT_METADATA="1")
        variables.pop("DORA_NODE_CONFIG", None)
        if at_once:
            variables["DORA_TEST_NO_WAIT"] = "1"
        command = [program] if isinstance(program, (str, os.PathLike)) else list(program)
        if os.fspath(command[0]).endswith(".py"):
            command = [sys.executable, "-u", *command]
        how: dict[str, Any] = {"env": variables, "cwd": cwd, "timeout": timeout, "check": check}
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, **how)
        return Finished(done.returncode, done.stdout, done.stderr, list(_read(outputs)))


def _write(folder: str, node_id: str, inputs: Iterable[Any]) -> str:
    from ._recording import Recorder

    recorder = Recorder(folder, node_id)
    with contextlib.closing(recorder):
        stopped = False
        for item in inputs:
            if isinstance(item, Mapping):
                event = dict(item)
            else:
                input_id, value, *metadata = item
                event = {"type": "INPUT", "id": input_id, "value": value, "metadata": dict(metadata[0]) if metadata else {}}
            if event["type"] == "INPUT":
                event["value"] = as_array(event["value"])
            recorder.note(event, 0.0)
            stopped = stopped or event["type"] == "STOP"
        if not stopped:
            recorder.note({"type": "STOP", "id": "ALL_INPUTS_CLOSED"}, 0.0)
    return os.path.join(folder, f"inputs-{node_id}.json")


def _read(path: str) -> Iterable[Output]:
    from ._arrow_json import array_from_json
    from ._recording import metadata_from_json

    if os.path.exists(path):
        for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
            sent = json.loads(line)
            value = array_from_json(sent["data"], sent["data_type"])
            yield Output(sent["id"], value, metadata_from_json(sent["metadata"]))
