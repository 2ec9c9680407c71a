"""Nodes of test_leaks.py: every way through the extension many times over, and what is left of it."""

import asyncio
import datetime
import gc
import os
import sys

import dora
import numpy as np
import pyarrow as pa

SECONDS = 30
MESSAGES = int(os.environ.get("DORA_TEST_MESSAGES", 20_000))
METADATA = {
    "bool": True,
    "int": 2**40,
    "float": 1.5,
    "str": "text",
    "ints": [1, 2],
    "floats": [1.0, 2.0],
    "strs": ["a", "b"],
    "time": datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc),
    "other": {"nested": 1},
}
SMALL, LARGE = b"12345678", bytes(100_000)
NUMBERS = pa.array(range(1000))
NESTED = pa.array([{"a": [1, None], "b": "text"}, None] * 20)
WORDS = pa.array(["a", "b", "a"]).dictionary_encode()
MATRIX = np.arange(12, dtype=np.float32).reshape(3, 4)
STRIDED = MATRIX[:, ::2]


class Broken:
    def __arrow_c_array__(self, requested_schema=None):
        raise LookupError


def echo(notes):
    node = dora.Node()
    for event in node:
        if event["type"] == "INPUT":
            node.send_output("out", event["value"], event["metadata"])


def fails(function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except Exception:
        return
    raise AssertionError(f"{function} did not fail")


class Rounds:
    """Each method is one way; gives how many messages come back."""

    def __init__(self, node):
        self.node = node

    def plain(self):
        self.node.send_output("out", SMALL)
        return 1

    def metadata(self):
        self.node.send_output("out", SMALL, METADATA)
        return 1

    def arrays(self):
        for data in (NUMBERS, NESTED, WORDS, NUMBERS[3:9], MATRIX, STRIDED, LARGE, [1, 2], "text", bytearray(9)):
            self.node.send_output("out", data)
        return 10

    def lent(self):
        with self.node.send_output_raw("out", 100, METADATA) as buffer, memoryview(buffer) as view:
            view[:3] = b"123"
        with self.node.loan("out", (3, 4), "float32") as array:
            array[:] = MATRIX
        self.node.send_output_raw("out", 100)
        loan = self.node.send_output_raw("out", 100)
        view = loan.as_memoryview()
        fails(loan.send)
        view.release()
        return 2

    def requests(self):
        self.node.send_service_request("out", SMALL, METADATA)
        self.node.send_service_response("out", SMALL, {"request_id": "1"})
        return 2

    def refused(self):
        send = self.node.send_output
        fails(send, "out", object())
        fails(send, "out", Broken())
        fails(send, "out", SMALL, {"a": 2**70})
        fails(send, "out", SMALL, {"a": 1, 1: 1})
        fails(send, "out", SMALL, [])
        fails(send, "a b", SMALL)
        fails(send, "out")
        fails(self.node.next, -1)
        fails(self.node.loan, "out", -1)
        fails(self.node.send_output_raw, "other", 1)
        return 0

    def looked(self):
        node = self.node
        assert node.try_recv() is None and node.is_empty() and node.drain() == []
        assert node.next(0)["type"] == "ERROR"
        node.timestamp(), node.restart_count(), node.dataflow_id(), repr(node)
        return 0


async def receive_async(node, count):
    for _ in range(count):
        event = await node.recv_async(SECONDS)
        assert event["type"] == "INPUT", event


def receive(node, count, how):
    if how == 0:
        for _ in range(count):
            event = node.next(SECONDS)
            assert event["type"] == "INPUT", event
            assert len(event["value"]) >= 0 and event["metadata"]["timestamp"]
    elif how == 1:
        for _ in range(count):
            next(node)["value"].to_pylist()
    else:
        received = 0
        while received < count:
            received += len(node.drain())


def state():
    """What grows where references are lost, and the counts of objects that everything refers to."""
    gc.collect()
    shared = (
        None,
        True,
        pa.int64(),
        METADATA,
        "out",
        SMALL,
        NUMBERS,
        NESTED,
        MATRIX,
        dora.Node,
        dict,
        datetime.timezone.utc,
    )
    resident = int(open("/proc/self/statm").read().split()[1]) * 4096
    return sys.getallocatedblocks(), len(gc.get_objects()), resident, [sys.getrefcount(o) for o in shared]


def driver(notes):
    node = dora.Node()
    rounds = Rounds(node)
    ways = [getattr(rounds, name) for name in vars(Rounds) if not name.startswith("_")]

    def go(messages):
        """About so many, in all ways."""
        turn = done = 0
        while done < messages:
            for way in ways:
                count = way()
                receive(node, count, turn % 3)
                done += count
            turn += 1
        count = sum(rounds.plain() for _ in range(50))
        asyncio.run(receive_async(node, count))
        return done + count

    go(2000)
    before = state()
    sent = go(MESSAGES)
    after = state()
    notes("messages", sent)
    notes("blocks", after[0] - before[0])
    notes("objects", after[1] - before[1])
    notes("resident KiB", (after[2] - before[2]) // 1024)
    notes("references", [b - a for a, b in zip(before[3], after[3])])
