"""Misuse and mishaps: an exception that says what to do, never a crash or a hang. Each node asserts it (nodes/faults.py)."""

import pytest
from dataflow import HERE, node

FILE = HERE / "nodes/faults.py"
QUEUE = {"queue_size": 100, "queue_policy": "backpressure"}
# Nodes that talk to an echo.
WITH_ECHO = [
    *("arguments", "contradictions", "closed", "closed_by_with", "forked", "multiprocessing_fork", "subinterpreters"),
    *("interrupted", "handler_uses_the_node", "handler_raises", "async_faults", "many_threads", "many_receive"),
    *("values_in_threads", "loans", "read_only", "ends_with_all_alive"),
    *("closed_while_waiting", "closed_in_asyncio"),
]
# Nodes that nobody talks to.
ALONE = [
    *("ends_in_a_block", "ends_in_asyncio", "loans_forgotten", "loan_outlives_node"),
]


@pytest.mark.parametrize("name", WITH_ECHO)
def test_with_an_echo(flow, name):
    found = flow(
        **{name: node(FILE, name, {"in": {"source": "echo/out", **QUEUE}}, ["out"])},
        echo=node(FILE, "echo", {"in": {"source": f"{name}/out", **QUEUE}}, ["out"]),
    )
    assert found[name] == {"done": True} and found["echo"] == {"done": True}


@pytest.mark.parametrize("name", ALONE)
def test_alone(flow, name):
    found = flow(**{name: node(FILE, name, {"tick": "dora/timer/secs/1000"}, ["out"])})
    assert found[name] == {"done": True}


def test_a_full_queue(flow):
    found = flow(
        *("--stop-after", "3s"),
        blocked=node(FILE, "blocked", outputs=["out"]),
        deaf=node(FILE, "deaf", {"in": {"source": "blocked/out", "queue_size": 4, "queue_policy": "backpressure"}}),
        status=None,
    )
    assert found["blocked"] == {"interrupted": True, "done": True}
