"""A stop from outside: `dora run --stop-after`."""

import dora

DATAFLOW = {
    "source": {"outputs": ["out"], "inputs": {"tick": "dora/timer/millis/10"}},
    "sink": {"inputs": {"in": {"source": "source/out", "queue_size": 100}}},
}
ARGUMENTS = ["--stop-after", "3s"]


def source(notes):
    node = dora.Node()
    for event in node:
        if event["type"] == "INPUT":
            node.send_output("out", b"")
        else:
            notes(event["type"], event)
    notes.call("after the end", node.next)
    notes.call("sending after the end", node.send_output, "out", b"")


def sink(notes):
    others = {}
    for event in dora.Node():
        if event["type"] != "INPUT":
            notes(event["type"], event)
