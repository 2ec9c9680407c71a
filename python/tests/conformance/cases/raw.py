"""send_output_raw: memory to write a message into."""

import dora
import numpy as np
import pair

DATAFLOW = {
    "source": {"outputs": ["out"], "inputs": {"seen": "sink/seen"}},
    "sink": {"outputs": ["seen"], "inputs": {"in": {"source": "source/out", "queue_size": 1000}}},
}


def source(notes):
    node = dora.Node()
    raw = node.send_output_raw
    with raw("out", 4, {"name": "with"}) as buffer:
        notes("buffer", type(buffer).__name__)
        view = memoryview(buffer)
        notes("view", [view.format, view.itemsize, view.ndim, view.readonly, view.nbytes, view.c_contiguous])
        view[:] = b"1234"
        del view

    with raw("out", 8, {"name": "numpy"}) as buffer:
        array = np.frombuffer(buffer, np.int32)
        notes("numpy can write", array.flags.writeable)
        array[:] = [1, 2]
        del array

    def view_alive():
        with raw("out", 4, {"name": "view alive"}) as buffer:
            kept.append(memoryview(buffer))

    kept = []
    notes.call("view alive", view_alive)
    notes.call("the view then", lambda: bytes(kept[0][:0]))

    def body_raises():
        with raw("out", 4, {"name": "body raises"}):
            raise LookupError("on purpose")

    notes.call("body raises", body_raises)

    handler = raw("out", 4, {"name": "send"})
    notes("handler", type(handler).__name__)
    view = notes.call("as_memoryview", lambda: handler.as_memoryview().nbytes)
    buffer = handler.as_buffer()
    notes("as_buffer", type(buffer).__name__)
    memoryview(buffer)[:] = b"abcd"
    notes.call("send", handler.send)
    notes.call("send again", handler.send)
    notes.call("as_buffer after send", handler.as_buffer)
    notes.call("as_memoryview after send", handler.as_memoryview)
    notes.call("write after send", lambda: memoryview(buffer).__setitem__(0, 1))
    notes.call("enter after send", handler.__enter__)

    handler = raw("out", 4, {"name": "entered twice"})
    notes.call("enter", lambda: type(handler.__enter__()).__name__)
    notes.call("enter again", lambda: type(handler.__enter__()).__name__)
    notes.call("exit", handler.__exit__, None, None, None)
    notes.call("exit again", handler.__exit__, None, None, None)

    notes.call("never sent", lambda: type(raw("out", 4)).__name__)
    notes.call("length 0", lambda: raw("out", 0, {"name": "length 0"}).send())
    notes.call("negative", raw, "out", -1)
    notes.call("too large", raw, "out", 2**63)
    notes.call("huge", raw, "out", 2**60)
    notes.call("a float", raw, "out", 1.5)
    notes.call("a str", raw, "out", "1")
    notes.call("undeclared", raw, "other", 4)
    notes.call("id with a space", raw, "a b", 4)
    notes.call("no length", raw, "out")
    notes.call("by name", lambda: raw(output_id="out", data_length=1, metadata={"name": "by name"}).send())
    notes.call("metadata a str", raw, "out", 4, "text")
    with raw("out", 100_000, {"name": "large"}) as buffer:
        memoryview(buffer)[:] = bytes(range(200)) * 500
    pair.last(node)


def sink(notes):
    for event in pair.inputs(dora.Node()):
        value, name = event["value"], event["metadata"].get("name", "no name")
        if len(value) > 100:
            notes(name, [str(value.type), len(value), sum(value.to_pylist())])
        elif name in ("entered twice", "by name"):
            notes(name, [str(value.type), len(value)])
        else:
            notes(name, value)
