"""One thread receives while another sends."""

import threading

import dora

DATAFLOW = {
    "both": {"outputs": ["out"], "inputs": {"in": {"source": "echo/out", "queue_size": 1000}}},
    "echo": {"outputs": ["out"], "inputs": {"in": {"source": "both/out", "queue_size": 1000}}},
}


def both(notes):
    node = dora.Node()
    received = []

    def receive():
        while len(received) < 20:
            event = node.next()
            received.append(event["value"].to_pylist())

    thread = threading.Thread(target=receive)
    thread.start()
    for i in range(20):
        node.send_output("out", bytes([i]))
    thread.join()
    notes("in order", received == [[i] for i in range(20)])


def echo(notes):
    node = dora.Node()
    for event in node:
        if event["type"] == "INPUT":
            node.send_output("out", event["value"], event["metadata"])
