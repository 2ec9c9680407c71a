"""recv_async: values, the end of the stream, several at a time, cancelled ones."""

import asyncio
import inspect

import dora

DATAFLOW = {
    "source": {"outputs": ["out"], "inputs": {"more": {"source": "sink/more", "queue_size": 100}}},
    "sink": {"outputs": ["more"], "inputs": {"in": {"source": "source/out", "queue_size": 100}}},
}


def source(notes):
    """A message for each that is asked for."""
    node = dora.Node()
    for event in node:
        if event["type"] == "INPUT":
            node.send_output("out", bytes(event["value"].to_pylist()))


def sink(notes):
    node = dora.Node()
    asyncio.run(receive(node, notes))


async def receive(node, notes):
    awaitable = node.recv_async()
    notes("can be awaited", inspect.isawaitable(awaitable))
    node.send_output("more", b"\1")
    notes("value", (await awaitable)["value"])

    node.send_output("more", b"\2")
    notes("in a task", (await asyncio.create_task(awaited(node)))["value"])

    # Cancelled while nothing is there; what comes then goes to the next.
    try:
        await asyncio.wait_for(awaited(node), 0.05)
        notes("cancelled", "not")
    except TimeoutError:
        notes("cancelled", "TimeoutError")
    node.send_output("more", b"\3")
    event = await asyncio.wait_for(awaited(node, 5), 10)
    notes("after a cancelled one", event.get("value") if event["type"] == "INPUT" else event["type"])

    # The loop runs meanwhile.
    ticks = 0

    async def count():
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    await node.recv_async(0.05)
    counting.cancel()
    notes("the loop runs meanwhile", ticks > 10)


async def awaited(node, timeout=None):
    return await node.recv_async(timeout)
