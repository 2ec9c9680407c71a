"""What `next` gives, from the first message to the end of the stream and beyond it."""

import dora
import pyarrow as pa

DATAFLOW = {
    "source": {"outputs": ["a", "b"], "inputs": {"seen": "sink/seen"}},
    "sink": {"outputs": ["seen"], "inputs": {"x": {"source": "source/a", "queue_size": 100}}},
}


def source(notes):
    node = dora.Node()
    node.send_output("a", b"\1\2", {"number": 1})
    node.send_output("a", pa.array([1.5, None]))
    node.send_output("a", b"")
    node.send_output("b", b"nobody listens")
    node.next()  # dora-rs may close an input before its last messages are there


def sink(notes):
    node = dora.Node()
    for name in ("bytes", "array", "empty"):
        notes.call(name, node.next)
    node.send_output("seen", b"")
    for name in ("input closed", "stop"):
        notes.call(name, node.next)
    notes.call("end", node.next)
    notes.call("end again", node.next)
    notes.call("end with a timeout", node.next, 0.01)
    notes.call("end, try_recv", node.try_recv)
    notes.call("end, drain", node.drain)
    notes.call("end, is_empty", node.is_empty)
    notes.call("end, iteration", lambda: list(node))
