"""The arguments of send_output, outputs that are not there, ids that can't be."""

import dora

DATAFLOW = {
    "source": {"outputs": ["out", "with/slash", "dotted.name"], "inputs": {"seen": "sink/seen"}},
    "sink": {
        "outputs": ["seen"],
        "inputs": {
            "in": {"source": "source/out", "queue_size": 1000},
            "slash": {"source": "source/with/slash", "queue_size": 1000},
            "dotted": {"source": "source/dotted.name", "queue_size": 1000},
        },
    },
}


def source(notes):
    node = dora.Node()
    send = node.send_output
    notes.call("by position", send, "out", b"1", {"name": "by position"})
    notes.call("by name", send, output_id="out", data=b"1", metadata={"name": "by name"})
    notes.call("without metadata", send, "out", b"1")
    notes.call("metadata None", send, "out", b"1", None)
    notes.call("metadata empty", send, "out", b"1", {})
    notes.call("metadata a str", send, "out", b"1", "text")
    notes.call("metadata a list", send, "out", b"1", [("a", 1)])
    notes.call("metadata a number", send, "out", b"1", 1)
    notes.call("slash in an id", send, "with/slash", b"1", {"name": "slash"})
    notes.call("dot in an id", send, "dotted.name", b"1", {"name": "dotted"})
    notes.call("undeclared", send, "other", b"1")
    notes.call("id empty", send, "", b"1")
    notes.call("id with a space", send, "a b", b"1")
    notes.call("id with a newline", send, "a\nb", b"1")
    notes.call("id with a NUL", send, "out\0", b"1")
    notes.call("id not ASCII", send, "ü", b"1")
    notes.call("id with a surrogate", send, "\ud800", b"1")
    notes.call("id long", send, "x" * 10_000, b"1")
    notes.call("id bytes", send, b"out", b"1")
    notes.call("id None", send, None, b"1")
    notes.call("id a number", send, 1, b"1")
    notes.call("no arguments", send)
    notes.call("no data", send, "out")
    notes.call("too many arguments", send, "out", b"1", {}, 1)
    notes.call("unknown argument", send, "out", b"1", meta={})
    notes.call("bad data on an undeclared output", send, "other", object())
    node.next()  # until all have arrived


def sink(notes):
    names = []
    node = dora.Node()
    while len(names) < 7:
        event = node.next()
        names.append([event["id"], event["metadata"].get("name")])
    node.send_output("seen", b"")
    notes("arrived", sorted(names, key=str))
