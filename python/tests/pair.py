"""A source and a sink in step: dora-rs loses messages of a node that sends fast, or ends soon after, and may tell that an
input is closed before its last messages come."""

import dora

SECONDS = 2  # for an answer that is not lost


def send(notes, name, node, data, metadata):
    """The source's: notes what send_output does; if it sends, waits until the sink has seen it."""

    def call():
        node.send_output("out", data, {"name": name, **metadata})
        sent.append(True)

    sent = []
    notes.call(name, call)
    if sent:
        node.next(SECONDS)


def last(node):
    """The source's: nothing follows."""
    node.send_output("out", b"", {"last": True})
    while (event := node.next(SECONDS)) and event["type"] != "ERROR" and event.get("id") != "seen":
        pass


def inputs(node):
    """The sink's: the inputs before the last one."""
    for event in node:
        if event["type"] == "INPUT":
            final = event["metadata"].get("last")
            if not final:
                yield event
            node.send_output("seen", b"")
            if final:
                break
