"""An input that is silent for longer than its input_timeout, and comes back."""

import time

import dora

DATAFLOW = {
    "source": {"outputs": ["out"], "inputs": {"seen": "sink/seen"}},
    "sink": {"outputs": ["seen"], "inputs": {"in": {"source": "source/out", "input_timeout": 0.5}}},
}


def source(notes):
    node = dora.Node()
    node.send_output("out", b"1")
    node.next()
    node.send_output("out", b"2")
    node.next(5)


def sink(notes):
    node = dora.Node()
    notes("first", node.next()["value"])
    event = node.next(10)
    notes("silent", event)
    node.send_output("seen", b"")
    kinds = [node.next(10), node.next(10)]
    notes("back", sorted((e["type"], e["id"]) for e in kinds))
    notes("value", [e["value"] for e in kinds if e["type"] == "INPUT"])
    notes("keys", [sorted(e) for e in kinds if e["type"] == "INPUT_RECOVERED"])
    node.send_output("seen", b"")
