"""A node that is started by hand: `path: dynamic`."""

import dora

DATAFLOW = {
    "source": {"outputs": ["out"], "inputs": {"tick": "dora/timer/millis/20", "back": "joined/out"}},
    "joined": {"path": "dynamic", "outputs": ["out"], "inputs": {"in": "source/out"}},
}


def source(notes):
    node = dora.Node()
    for event in node:
        if event["type"] == "INPUT" and event["id"] == "back":
            notes("back", event)
            break
        node.send_output("out", b"1")


def outside(notes):
    node = joined("joined")
    notes("descriptor", [n["id"] for n in node.dataflow_descriptor()["nodes"]])
    notes("node_config", node.node_config())
    notes("in", node.next())
    notes.call("send", node.send_output, "out", b"2")
    kinds = [event["type"] for event in node]
    notes("then", [k for k in kinds if k != "INPUT"])


def joined(name, seconds=30):
    """As a node, as soon as the dataflow is there."""
    import time

    deadline = time.monotonic() + seconds
    while True:
        try:
            return dora.Node(name)
        except RuntimeError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
