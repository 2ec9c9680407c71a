"""Timeouts, and looking without waiting, where nothing comes."""

import asyncio
import math

import dora

DATAFLOW = {"waiter": {"inputs": {"tick": "dora/timer/secs/1000"}}}


def waiter(notes):
    node = dora.Node()
    while node.next(0.2)["type"] == "INPUT":  # the first tick comes at the start
        pass
    notes.call("timeout", node.next, 0.02)
    notes.call("timeout by name", node.next, timeout=0.02)
    notes.call("timeout zero", node.next, 0)
    notes.call("timeout an int", node.next, 1)
    notes.call("timeout True", node.next, True)
    notes.call("timeout tiny", node.next, 1e-12)
    notes.call("timeout negative", node.next, -1)
    notes.call("timeout minus zero", node.next, -0.0)
    notes.call("timeout NaN", node.next, math.nan)
    notes.call("timeout infinite", node.next, math.inf)
    notes.call("timeout huge", node.next, 1e300)
    notes.call("timeout a str", node.next, "1")
    notes.call("two arguments", node.next, 1, 2)
    notes.call("unknown argument", lambda: node.next(seconds=1))
    notes.call("try_recv", node.try_recv)
    notes.call("drain", node.drain)
    notes.call("is_empty", node.is_empty)
    notes.call("recv_async, timeout", lambda: asyncio.run(awaited(node.recv_async, 0.02)))
    notes.call("recv_async, timeout by name", lambda: asyncio.run(awaited(node.recv_async, timeout=0.02)))
    notes.call("recv_async, timeout zero", lambda: asyncio.run(awaited(node.recv_async, 0)))
    notes.call("recv_async, negative", lambda: asyncio.run(awaited(node.recv_async, -1)))
    notes.call("recv_async, NaN", lambda: asyncio.run(awaited(node.recv_async, math.nan)))
    notes.call("recv_async, a str", lambda: asyncio.run(awaited(node.recv_async, "1")))
    notes.call("iteration gives the node", lambda: iter(node) is node)


async def awaited(function, *args, **kwargs):
    return await function(*args, **kwargs)
