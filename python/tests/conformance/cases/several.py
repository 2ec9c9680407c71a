"""try_recv, drain, is_empty and iteration where messages are waiting."""

import dora

DATAFLOW = {
    "source": {"outputs": ["out"], "inputs": {"more": {"source": "sink/more", "queue_size": 100}}},
    "sink": {"outputs": ["more"], "inputs": {"in": {"source": "source/out", "queue_size": 100}}},
}


def source(notes):
    """So many messages as are asked for."""
    node = dora.Node()
    number = 0
    for event in node:
        if event["type"] == "INPUT":
            for _ in range(event["value"][0].as_py()):
                node.send_output("out", bytes([number]), {"number": number})
                number += 1


def sink(notes):
    node = dora.Node()
    notes("is_empty, nothing sent", node.is_empty())
    notes("try_recv, nothing sent", node.try_recv())
    node.send_output("more", bytes([5]))
    while node.is_empty():
        pass
    notes("is_empty, something there", node.is_empty())
    event = node.try_recv()
    notes("try_recv", event)
    drained = []
    while len(drained) < 4:
        some = node.drain()
        drained += some
    notes("drain gives", type(some).__name__)
    notes("drained", drained)
    notes("drain, nothing left", node.drain())
    node.send_output("more", bytes([3]))
    numbers = []
    for event in node:
        numbers.append(event["metadata"]["number"])
        if len(numbers) == 3:
            break
    notes("iteration", numbers)
    notes("iteration gives", next(iter(node)) if False else type(iter(node)).__name__)
    node.send_output("more", bytes([1]))
    notes("next()", next(node)["metadata"]["number"])
    notes("has __aiter__", hasattr(node, "__aiter__"))
