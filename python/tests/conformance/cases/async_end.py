"""recv_async at the end of the stream."""

import asyncio

import dora

DATAFLOW = {
    "source": {"outputs": ["out"], "inputs": {"seen": "sink/seen"}},
    "sink": {"outputs": ["seen"], "inputs": {"in": "source/out"}},
}


def source(notes):
    node = dora.Node()
    node.send_output("out", b"1")
    node.next()


def sink(notes):
    node = dora.Node()
    asyncio.run(receive(node, notes))
    notes.call("next after it", node.next)


async def receive(node, notes):
    notes("message", await node.recv_async())
    node.send_output("seen", b"")
    for name in ("input closed", "stop", "end", "end again"):
        notes(name, await node.recv_async())
    notes("end with a timeout", await node.recv_async(0.01))
