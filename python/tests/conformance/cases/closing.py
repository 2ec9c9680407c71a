"""Inputs that close one after the other; events of nodes that end or fail."""

import os

import dora

DATAFLOW = {
    "first": {"outputs": ["out"], "inputs": {"go": "sink/seen"}},
    "second": {"outputs": ["out"], "inputs": {"go": "sink/go"}},
    "failing": {"outputs": ["out"], "inputs": {"go": "sink/fail"}},
    "crashing": {"outputs": ["out"], "inputs": {"go": "sink/crash"}},
    "sink": {
        "outputs": ["seen", "go", "fail", "crash"],
        "inputs": {
            "a": {"source": "first/out", "queue_size": 100},
            "b": {"source": "second/out", "queue_size": 100},
            "c": {"source": "failing/out", "queue_size": 100},
            "d": {"source": "crashing/out", "queue_size": 100},
        },
    },
}
STATUS = None


def first(notes):
    node = dora.Node()
    for i in range(3):
        node.send_output("out", bytes([i]))
    node.next()


def second(notes):
    node = dora.Node()
    node.next()
    node.send_output("out", b"b")
    node.next()


def failing(notes):
    node = dora.Node()
    node.next()
    raise SystemExit(3)


def crashing(notes):
    node = dora.Node()
    node.next()
    os._exit(3)


def sink(notes):
    node = dora.Node()
    for name in ("0", "1", "2"):
        notes(name, node.next())
    node.send_output("seen", b"")
    notes("first closed", node.next())
    node.send_output("go", b"")
    notes("b", node.next())
    node.send_output("go", b"")
    notes("second closed", node.next())
    node.send_output("fail", b"")
    notes("events of one that fails", until_failed_and_closed(node))
    node.send_output("crash", b"")
    notes("events of one that crashes", until_failed_and_closed(node))
    notes("stop", node.next())
    notes("end", node.next())
    notes.call("sending to one that ended", node.send_output, "go", b"")


def until_failed_and_closed(node):
    """Both, so that no event of one node comes among those of the next."""
    events = [node.next(), node.next()]
    for event in events:
        if isinstance(event.get("error"), dict):
            event["error"]["error"] = type(event["error"]["error"]).__name__  # a text for people
    return events
