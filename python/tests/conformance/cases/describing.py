"""What a node knows about itself and its dataflow."""

import os
import re

import dora

DATAFLOW = {
    "first": {
        "inputs": {"tick": "dora/timer/millis/20", "in": {"source": "second/out", "queue_size": 3}},
        "outputs": ["out", "other"],
        "env": {"A_NUMBER": "1", "TEXT": "text"},
        "name": "The first",
        "description": "says what it is",
    },
    "second": {"outputs": ["out"], "inputs": {"in": "first/out"}},
}
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def first(notes):
    node = dora.Node()
    config = notes.call("node_config", node.node_config)
    notes("node_config is", type(config).__name__)
    descriptor = node.dataflow_descriptor()
    notes("dataflow_descriptor is", type(descriptor).__name__)
    notes("its keys", sorted(descriptor))
    notes("its nodes", [n["id"] for n in descriptor["nodes"]])
    notes("a node's keys", sorted(k for k in descriptor["nodes"][0] if k != "path"))
    for key in ("inputs", "outputs", "name", "description"):
        notes(f"a node's {key}", descriptor["nodes"][0].get(key))
    notes("it is another each time", node.dataflow_descriptor() is not node.dataflow_descriptor())
    notes("dataflow_id", bool(UUID.fullmatch(node.dataflow_id())))
    notes("dataflow_id is", type(node.dataflow_id()).__name__)
    notes("is_restart", node.is_restart())
    notes("restart_count", node.restart_count())
    notes("environment", [os.environ.get("A_NUMBER"), os.environ.get("TEXT")])
    notes("type", [type(node).__name__, type(node).__module__])
    notes.call("an argument too many", node.dataflow_id, 1)
    notes.call("attribute set", setattr, node, "attribute", 1)
    notes.call("attribute missing", lambda: node.attribute_missing)
    notes.call("subclass", lambda: type("Sub", (dora.Node,), {}))
    notes.call("hash", lambda: isinstance(hash(node), int))
    notes.call("equal to itself", lambda: node == node)
    notes.call("copy", lambda: __import__("copy").copy(node))
    notes.call("pickle", lambda: __import__("pickle").dumps(node))
    notes.call("as a context manager", lambda: node.__enter__())
    node.send_output("out", b"")


def second(notes):
    node = dora.Node("ignored")
    notes("id ignored where dora started the node", [n["id"] for n in node.dataflow_descriptor()["nodes"]])
    node.next()
