"""The extension module: what can be sent, loans, waiting, threads, life and asyncio."""

import time

import pytest
from dataflow import HERE, node

FILE = HERE / "nodes/core.py"


def alone(flow, function, **keys):
    """A node that hears itself."""
    found = flow(node=node(FILE, function, {"in": {"source": "node/out", "queue_size": 10_000}}, ["out"], **keys))["node"]
    assert found
    return found


def test_all_that_can_be_sent(flow):
    found = alone(flow, "sending")
    for name in [name for name in found if name.startswith("refused: ")]:
        assert found.pop(name) in ({"raises": "RuntimeError"}, {"raises": "ValueError"}), name
    assert {name: value for name, value in found.items() if value is not True} == {}
    assert len(found) > 30


def test_loans(flow):
    found = alone(flow, "loans")
    for i in range(5):
        assert found[f"loan {i}"] == ["float", True, True]
    for name in ("kept as they were", "read-only afterwards", "not sent when the body raises"):
        assert found[name] is True, name
    assert found["empty"] == {"Int64Array": "int64", "values": []}
    assert found["small"] == {"Int16Array": "int16", "values": [1, 2]}
    raises = {
        **dict.fromkeys(("of objects", "of bools", "big-endian", "bad metadata"), "TypeError"),
        **dict.fromkeys(("negative", "too large"), "ValueError"),
        "more than there is": "MemoryError",
        **dict.fromkeys(("unknown output", "closed"), "RuntimeError"),
    }
    assert {name: found[name] for name in raises} == {name: {"raises": kind} for name, kind in raises.items()}
    assert found["a view of it"] == [[5, 5], True]
    assert found["sent by hand"] == [{"UInt8Array": "uint8", "values": [7, 7, 7]}, False]
    assert found["a loan that outlives its node"] is True
    assert found["kept beyond the node"] is True


def test_signals_end_waits(start):
    short = {"queue_size": 3, "queue_policy": "backpressure"}
    flow = start(
        node=node(FILE, "interrupted", {"ready": "stubborn/ready"}, ["out", "large"]),
        stubborn=node(FILE, "stubborn", {"small": {"source": "node/out", **short}, "large": {"source": "node/large", **short}}, ["ready"]),
    )
    waits = ("next", "iteration", "send_output", "send_output, large", "recv_async")
    deadline = time.monotonic() + 60
    while len(flow.notes("node")) < len(waits) + 4 and time.monotonic() < deadline and flow.process.poll() is None:
        time.sleep(0.05)
    found = flow.notes("node")
    handlers = {name: found.pop(name) for name in list(found) if name.startswith("the handler")}
    assert handlers == dict.fromkeys(handlers, {"raises": "RuntimeError"}) and len(handlers) == 4
    assert found == dict.fromkeys(waits, True), flow.printed


def test_threads(flow):
    found = alone(flow, "threads")
    assert found["all, in order"] is True
    assert found["two receive"] is True
    assert found.get("closed by another", "raised") in (None, "raised")


def test_life(flow):
    found = alone(flow, "life")
    assert found["a view is read-only"] is False
    assert found["by DLPack"] is True
    assert found["in a child"] == repr(["spawn"] * 5 + [True])
    assert found["the child gave nothing back"] is True
    assert found["repr"] is True
    assert found["repr when closed"] == "<dora.Node, closed>"
    closed = [name for name in found if name.startswith("closed: ")]
    assert len(closed) == 8
    assert {name: found[name] for name in closed} == dict.fromkeys(closed, {"raises": "RuntimeError"})
    assert found["a value beyond its node"] is True


def test_subinterpreter(flow):
    pytest.importorskip("_xxsubinterpreters")
    found = alone(flow, "subinterpreter")
    assert found == {"status": 0, "said": ["fine"]}


def test_asyncio(flow):
    found = alone(flow, "asynchronous")
    timed_out = {"kind": "dora", "type": "ERROR", "error": "Timeout event stream error: Receiver timed out"}
    assert found["timeout"] == found["zero"] == timed_out
    assert found["negative"] == "ValueError"
    assert found["cancelled"] == "TimeoutError"
    assert found["async for"] is True
    assert found["others run meanwhile"] == [1, True]
    assert found["others have their turns"] is True
    assert found["after an exception"] == [ord("2")]
    assert found["two tasks"] == "RuntimeError"
    assert found["the first"] == "INPUT"
    assert found["idle"] is True
    assert found["still there"] == "INPUT"
    assert found["closed while awaited"] in (None, "RuntimeError")


def test_a_node_is_closed_while_another_threads_loop_waits(flow):
    assert alone(flow, "closed_from_outside") == {"waited": "RuntimeError"}


def test_asyncio_ends_with_the_stream(flow):
    found = flow(
        sink=node(FILE, "async_end", {"in": "source/out"}),
        source=node(FILE, "one_message", outputs=["out"]),
    )["sink"]
    assert found == {"kinds": ["INPUT", "INPUT_CLOSED", "STOP"], "after the end": None}
