"""A node's threads that send, release and close at the same time, and two nodes in one process.

With DORA_BUILD=build/tsan ThreadSanitizer watches both the library and the nodes.
"""

import os
import subprocess

import pytest

from conftest import BUILD, DEADLINE

THREADS = BUILD / "tests/nodes/threads"

pytestmark = pytest.mark.skipif(not THREADS.exists(), reason=f"{THREADS} is not built")

SENDERS, COUNT = 4, 3000
OUTPUTS = ["shared", "early", *(f"own{i}" for i in range(SENDERS))]


def sender(**keys):
    return {"path": str(THREADS), "args": f"send {SENDERS} {COUNT}", "outputs": OUTPUTS, **keys}


def receiver(**keys):
    inputs = {
        output: {"source": f"sender/{output}", "queue_size": 20, "queue_policy": "backpressure"} for output in OUTPUTS
    }
    return {"path": str(THREADS), "args": "receive 3", "inputs": inputs, **keys}


def counts(lines):
    return {name: int(count) for name, count in (line.split(": ") for line in lines if ": " in line)}


def test_threads_send_and_release_at_once(flow, run):
    done = run(flow(sender=sender(), receiver=receiver(), other=receiver()))
    assert done.status == 0, done.stdout[-2000:] + done.stderr[-6000:]
    for node in "receiver", "other":
        found = counts(done.lines(node))
        found.pop("early", None)
        assert found == {"shared": SENDERS * COUNT, **{f"own{i}": COUNT for i in range(SENDERS)}}


def test_two_nodes_live_in_one_process(flow, start, tmp_path):
    """Both are dynamic; one sends to the other, through shared memory as ever."""
    running = start(
        flow(
            sender={"path": "dynamic", "outputs": OUTPUTS},
            receiver={**receiver(), "path": "dynamic", "args": ""},
            other={"path": str(THREADS), "args": "receive 1", "inputs": receiver()["inputs"]},
        )
    )
    done = subprocess.run(
        [THREADS, "both", "sender", "receiver"],
        env=dict(os.environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert done.returncode == 0, done.stderr[-6000:]
    found = counts(done.stdout.splitlines())
    assert (found["shared"], found["own0"], found["own1"]) == (4000, 2000, 2000)
    running.stop()
