"""Memory and references stay as they are, however many messages pass. DORA_TEST_MESSAGES=1000000 is the long run."""

from dataflow import HERE, node

FILE = HERE / "nodes/leaks.py"
QUEUE = {"queue_size": 100, "queue_policy": "backpressure"}


def test_nothing_grows(flow):
    found = flow(
        driver=node(FILE, "driver", {"in": {"source": "echo/out", **QUEUE}}, ["out"]),
        echo=node(FILE, "echo", {"in": {"source": "driver/out", **QUEUE}}, ["out"]),
        seconds=3600,
    )["driver"]
    print(found)
    # A reference that one way loses is lost some thousand times.
    assert abs(found["blocks"]) < 500 and abs(found["objects"]) < 200, found
    assert all(abs(change) < 100 for change in found["references"]), found
    assert found["resident KiB"] < 8192, found
