"""Nodes without a daemon: inputs from a recording, outputs into a file, as dora-rs has them; and making recordings."""

import datetime
import json
import os
import re
import subprocess
import sys
import textwrap

import dataflow
import numpy as np
import pyarrow as pa
import pytest

from dora.testing import run_node

UTC = datetime.timezone.utc
ECHO = """
    from dora import Node

    node = Node()
    for event in node:
        kept = {key: value for key, value in event.get("metadata", {}).items() if key != "timestamp"}
        print(event["type"], event["id"], kept, flush=True)
        if event["type"] == "INPUT":
            node.send_output(event["id"], event["value"], event["metadata"])
    print("end", node.next(timeout=0))
"""


@pytest.fixture
def script(tmp_path):
    def write(text, name="node.py"):
        (tmp_path / name).write_text(textwrap.dedent(text))
        return tmp_path / name

    return write


def replay(script, recording, **variables):
    """The node's process, run by its variables alone, and the lines it wrote."""
    path = script.parent / "inputs.json"
    path.write_text(recording if isinstance(recording, str) else json.dumps(recording))
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "DORA_TEST_WITH_INPUTS": str(path), **variables}
    done = subprocess.run([sys.executable, script], env=env, capture_output=True, text=True, timeout=60)
    outputs = script.parent / "outputs.jsonl"
    return done, [json.loads(line) for line in outputs.read_text().splitlines()] if outputs.exists() else []


def test_inputs_in_order_of_their_times(script):
    events = [
        {"type": "Input", "id": "late", "time_offset_secs": 0.2, "data": [1, 2]},
        {"type": "Input", "id": "tick", "time_offset_secs": 0.01},
        {"type": "Input", "id": "typed", "time_offset_secs": 0.02, "data": [1.5, None], "data_type": "Float32"},
        {"type": "InputClosed", "id": "late", "time_offset_secs": 0.3},
        {"type": "AllInputsClosed", "time_offset_secs": 0.4},
        {"type": "Input", "id": "never", "time_offset_secs": 0.5},
    ]
    done, sent = replay(script(ECHO), {"id": "me", "events": events})
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "INPUT tick {}",
        "INPUT typed {}",
        "INPUT late {}",
        "INPUT_CLOSED late {}",
        "STOP ALL_INPUTS_CLOSED {}",
        "end None",
    ]
    assert [line["time_offset_secs"] >= when for line, when in zip(sent, (0.01, 0.02, 0.2))] == [True] * 3
    assert [[line[key] for key in ("id", "data", "data_type")] for line in sent] == [
        ["tick", [], "Null"],
        ["typed", [1.5, None], "Float32"],
        ["late", [1, 2], "Int64"],
    ]


def test_outputs_without_times_elsewhere(script, tmp_path):
    events = [{"type": "Input", "id": "a", "time_offset_secs": 0, "data": "x", "metadata": {"n": {"Integer": 1}}}]
    where = tmp_path / "elsewhere.jsonl"
    variables = {"DORA_TEST_NO_OUTPUT_TIME_OFFSET": "1", "DORA_TEST_WRITE_OUTPUTS_TO": str(where)}
    done, sent = replay(script(ECHO), {"id": "me", "events": events}, **variables)
    assert done.stdout.startswith("INPUT a {'n': 1}\n") and not sent
    assert where.read_text() == '{"id":"a","data":["x"],"data_type":"Utf8"}\n'


def test_every_kind_of_metadata(script):
    metadata = {"i": 1, "b": True, "s": "x", "l": [1], "lf": [1.5], "ls": ["a"], "f": 1.5}
    metadata["t"] = datetime.datetime(2020, 1, 1, tzinfo=UTC)
    done = run_node(script(ECHO), [("a", [1], metadata)])
    assert eval(done.stdout.splitlines()[0].removeprefix("INPUT a ")) == metadata
    sent = done.outputs["a"][0].metadata
    assert {key: sent[key] for key in metadata} == metadata


def test_values_of_every_kind(script):
    values = [
        pa.array([1, None, 3]),
        b"abc",
        np.arange(3, dtype="float32"),
        "text",
        5,
        {"x": 1},
        pa.array(["a"]).dictionary_encode(),
        np.zeros(100_000, "uint8"),
        None,
    ]
    done = run_node(script(ECHO), [("a", value) for value in values])
    expected = [
        *(pa.array([1, None, 3]), pa.array([97, 98, 99], pa.uint8()), pa.array([0, 1, 2], pa.float32())),
        *(pa.array(["text"]), pa.array([5]), pa.array([{"x": 1}]), pa.array(["a"]).dictionary_encode()),
        *(pa.array(np.zeros(100_000, "uint8")), pa.nulls(0)),
    ]
    assert [sent.value for sent in done.outputs["a"]] == expected


def test_what_else_a_node_does(script):
    text = """
        import asyncio
        from dora import Node

        with Node() as node:
            assert node.node_id() == "node" and node.restart_count() == 0 and not node.is_restart()
            assert node.node_config() == {"inputs": {}, "outputs": []}
            assert node.dataflow_descriptor() == {"nodes": [{"id": "node"}]}
            assert len(node.dataflow_id()) == 36 and node.timestamp().tzinfo
            assert not node.is_empty() and node.try_recv()["id"] == "a"
            with node.loan("image", (2, 2), "uint8", {"n": 1}) as image:
                image[:] = 7
            with node.send_output_raw("raw", 2) as sample:
                memoryview(sample)[:] = b"ab"
            node.log_warn("careful")
            async def rest():
                first = await node.recv_async()
                return [first["id"], *[event["id"] async for event in node]]
            assert asyncio.run(rest()) == ["b", "c", "ALL_INPUTS_CLOSED"]
    """
    done = run_node(script(text), [("a", 1), ("b", 2), ("c", 3)], node_id="node")
    assert [sent.value.to_pylist() for sent in done.messages] == [[7, 7, 7, 7], [97, 98]]
    assert json.loads(done.stdout)["message"] == "careful"


def test_a_timeout(script):
    text = """
        from dora import Node

        node = Node()
        print(node.next(timeout=0)["error"])
        print(node.try_recv(), node.is_empty(), node.drain())
        print(node.next(timeout=30)["id"])
        try:
            node.drain()
        except RuntimeError as error:
            print(error)
    """
    recording = {"id": "me", "events": [{"type": "Input", "id": "a", "time_offset_secs": 0.5}]}
    done, _ = replay(script(text), recording)
    lines = ["Timeout event stream error: Receiver timed out", "None True []", "a", "Could not drain events. Channel is closed"]
    assert done.stdout.splitlines() == lines, done.stderr


@pytest.mark.parametrize(
    "recording, message",
    [
        ("{", "inputs.json: "),
        ("[]", "it needs `id`"),
        ({"id": "me", "events": [{"type": "Foo", "time_offset_secs": 0}]}, "event 1: .*not 'Foo'"),
        ({"id": "me", "events": [{"type": "Input", "time_offset_secs": 0}]}, "event 1 has no 'id'"),
        ({"id": "me", "events": [{"type": "Stop"}]}, "event 1 has no 'time_offset_secs'"),
        ({"id": "me", "events": [5]}, "event 1: "),
        (
            {"id": "me", "events": [{"type": "Input", "id": "a", "time_offset_secs": 0, "data": [1], "data_type": "Int"}]},
            "event 1: 'Int' is no type",
        ),
        (
            {"id": "me", "events": [{"type": "Input", "id": "a", "time_offset_secs": 0, "metadata": {"a": {"Int": 1}}}]},
            "event 1: the value of `a`",
        ),
        (
            {"id": "me", "events": [{"type": "Input", "id": "a", "time_offset_secs": 0, "path": "nowhere.arrow"}]},
            "event 1: .*nowhere.arrow",
        ),
        ({"id": "me", "events": [], "recording_status": {"state": "poisoned"}}, "not complete"),
    ],
)
def test_recordings_that_cannot_be_used(script, recording, message):
    done, _ = replay(script("from dora import Node\nNode()\n"), recording)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("RuntimeError: DORA_TEST_WITH_INPUTS has a node run on its own, with inputs from a file, but: ")
    assert re.search(message, last)


def test_a_recording_that_is_not_there(script):
    done, _ = replay(script("from dora import Node\nNode()\n"), "", DORA_TEST_WITH_INPUTS="nowhere.json")
    assert "nowhere.json" in done.stderr.splitlines()[-1]


def test_a_node_that_fails(script):
    path = script("from dora import Node\nNode()\nraise SystemExit(3)\n")
    with pytest.raises(subprocess.CalledProcessError):
        run_node(path, [])
    assert run_node(path, [], check=False).status == 3
    with pytest.raises(subprocess.TimeoutExpired):
        run_node(script("while True: pass"), [], timeout=0.5)


SOURCE = """
    import numpy as np
    import pyarrow as pa
    from dora import Node

    node = Node()
    node.next()
    node.send_output("out", pa.array([1, None]), {"n": 1})
    node.send_output("out", pa.array([[b"x"]]))
    node.send_output("out", np.arange(100_000))
"""


def test_what_was_recorded_is_replayed(script, tmp_path, side):
    script(SOURCE, "source.py")
    sink = script(ECHO, "sink.py")
    described = {
        "source": {"path": "source.py", "inputs": {"tick": "dora/timer/millis/10"}, "outputs": ["out"]},
        "sink": {"path": "sink.py", "inputs": {"in": {"source": "source/out", "queue_policy": "backpressure"}}},
    }
    side.env["DORA_WRITE_EVENTS_TO"] = str(tmp_path / "recorded")
    try:
        with dataflow.Dataflow(side, tmp_path, **described) as started:
            started.finish()
    finally:
        del side.env["DORA_WRITE_EVENTS_TO"]
    recorded = json.loads((tmp_path / "recorded/inputs-sink.json").read_text())
    assert recorded["id"] == "sink" and recorded["recording_status"] == {"state": "clean"}
    assert [event["type"] for event in recorded["events"] if event["type"] != "InputClosed"] == [*["Input"] * 3, "AllInputsClosed"]
    assert recorded["events"][0]["data"] == [1, None] and recorded["events"][0]["metadata"] == {"n": {"Integer": 1}}
    assert (tmp_path / "recorded" / recorded["events"][2]["path"]).exists()
    done = run_node(sink, tmp_path / "recorded/inputs-sink.json", at_once=False)
    values = [sent.value for sent in done.outputs["in"]]
    assert values[0] == pa.array([1, None]) and values[1] == pa.array([[b"x"]])
    assert values[2] == pa.array(np.arange(100_000))
    assert done.outputs["in"][0].metadata["n"] == 1
