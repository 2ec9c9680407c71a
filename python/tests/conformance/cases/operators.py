"""An operator: what it is given, what it can send, how it ends."""

import os
import pathlib
import sys
import threading

import dora
import pyarrow as pa

DATAFLOW = {
    "source": {"outputs": ["out"]},
    "op": {"operator": {"inputs": {"in": {"source": "source/out", "queue_size": 100}}, "outputs": ["out"]}},
    "sink": {"inputs": {"in": {"source": "op/out", "queue_size": 100}}},
}


def source(notes):
    node = dora.Node()
    node.send_output("out", b"12", {"key": "value", "number": 1})
    node.send_output("out", pa.array(["text", None]))


def sink(notes):
    for number, event in enumerate(event for event in dora.Node() if event["type"] == "INPUT"):
        event["metadata"].pop("timestamp")
        notes(f"message {number}", event)


class Operator:
    """Of the process that runs this file as an operator."""

    def __init__(self):
        sys.path.append(str(pathlib.Path(__file__).parents[2]))
        from node import Notes

        self.notes = Notes(os.environ["DORA_TEST_NOTES"])
        self.notes("module", __name__)
        self.notes("in the main thread", threading.current_thread() is threading.main_thread())
        self.notes("its folder is importable", os.path.dirname(os.path.abspath(__file__)) in sys.path)
        self.notes("descriptor at first", hasattr(self, "dataflow_descriptor"))
        self.count = 0

    def on_event(self, dora_event, send_output):
        self.count += 1
        if dora_event["type"] == "INPUT" and "value" in dora_event:
            self.notes(f"timestamp {self.count}", dora_event["metadata"].get("timestamp"))
        self.notes(f"event {self.count}", {k: v for k, v in dora_event.items() if k != "metadata"})
        metadata = {k: v for k, v in dora_event.get("metadata", {}).items() if k != "timestamp"}
        self.notes(f"metadata {self.count}", dict(sorted(metadata.items())))
        if self.count == 1:
            self.send(dora_event, send_output)
        return dora.DoraStatus.CONTINUE

    def send(self, dora_event, send_output):
        notes = self.notes
        notes("descriptor", [node["id"] for node in self.dataflow_descriptor["nodes"]])
        notes.call("bytes", send_output, "out", b"bytes")
        notes.call("array", send_output, "out", pa.array([1.5, None]))
        notes.call("metadata", send_output, "out", b"", {"flag": True, "list": [1, 2]})
        notes.call("metadata that is none", send_output, "out", b"", None)
        notes.call("forwarded", send_output, "out", dora_event["value"], {"key": dora_event["metadata"]["key"]})
        notes.call("an output it doesn't have", send_output, "other", b"")
        notes.call("no id", send_output, "", b"")
        notes.call("no data", send_output, "out", None)
        notes.call("a list", send_output, "out", [1, 2])
        notes.call("named arguments", send_output, output_id="out", data=b"named")
