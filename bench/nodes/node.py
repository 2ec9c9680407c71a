"""The nodes of bench/nodes in Python, for both sides: what dora-rs's module runs, ours runs unmodified. First argument:
the role. They do the same as those in C and Rust, and cost what Python costs on top."""

import array
import os
import struct
import sys
import time

from dora import Node

now = time.monotonic_ns


def param(name, fallback):
    return int(os.environ.get(name, fallback))


def save(values):
    with open(os.environ["BENCH_OUT"], "wb") as file:
        array.array("q", values).tofile(file)


def words(value):
    """The first two integers of a message, or the first."""
    if len(value) < 16:
        return struct.unpack_from("q", value.buffers()[1])
    return struct.unpack_from("qq", value.buffers()[1])


def inputs(node):
    return (event for event in node if event["type"] == "INPUT")


class Outlet:
    """Sends a stamp and a number in front of as much data as is asked for: bytes where they are few, an Arrow array of
    memory that is all written before where they are many, or the memory that send_output_raw lends."""

    def __init__(self, node):
        self.node, self.size = node, param("BENCH_SIZE", 8)
        self.loan = param("BENCH_LOAN", 0)
        if self.size > 16 and not self.loan:
            import pyarrow

            self.memory = bytearray(b"\1" * self.size)
            buffers = [None, pyarrow.py_buffer(self.memory)]
            self.array = pyarrow.Array.from_buffers(pyarrow.uint8(), self.size, buffers)

    def send(self, number):
        sent = now()
        if self.loan:
            with self.node.send_output_raw("out", self.size) as buffer, memoryview(buffer) as view:
                struct.pack_into("qq", view, 0, sent, number)
        elif self.size > 16:
            struct.pack_into("qq", self.memory, 0, sent, number)
            self.node.send_output("out", self.array)
        else:
            self.node.send_output("out", struct.pack("qq", sent, number)[: self.size])
        return sent


def source(node):
    outlet, pace, due = Outlet(node), param("BENCH_PACE_NS", 0), now()
    for i in range(param("BENCH_COUNT", 1)):
        time.sleep(max(0, due - now()) / 1e9)
        due += pace
        outlet.send(i)


def sink(node):
    late = [0] * param("BENCH_COUNT", 1)
    for received, event in enumerate(inputs(node)):
        value = event["value"]
        read = now()
        data = words(value)
        number = data[1] if len(data) > 1 else received
        if number < len(late):
            late[number] = read - data[0]
    save(late)


def ping(node):
    outlet, events, half = Outlet(node), inputs(node), []
    for i in range(param("BENCH_COUNT", 1)):
        sent = outlet.send(i)
        next(events)
        half.append((now() - sent) // 2)
    save(half)


def pong(node):
    outlet = Outlet(node)
    for number, _ in enumerate(inputs(node)):
        outlet.send(number)


def relay(node):
    for event in inputs(node):
        node.send_output("out", event["value"])


def flood(node):
    """BENCH_COUNT messages of 8 bytes as fast as they go."""
    count, begin = param("BENCH_COUNT", 1), now()
    for i in range(count):
        node.send_output("out", i.to_bytes(8, sys.byteorder))
    save([count, begin, now()])


def count(node):
    received = missing = disorder = expected = last = 0
    for event in inputs(node):
        number = words(event["value"])[0]
        disorder += number < expected
        missing += max(0, number - expected)
        expected, received, last = number + 1, received + 1, now()
    missing += param("BENCH_COUNT", 1) - expected
    save([received, missing, missing, disorder, last])


def tally(node):
    """As count, without a look at what is in the messages: their order is not checked."""
    received = last = 0
    for event in node:
        if event["type"] == "INPUT":
            received += 1
            last = now()
    missing = param("BENCH_COUNT", 1) - received
    save([received, missing, missing, 0, last])


def idle(node):
    node.send_output("out", b"hello")
    for _ in inputs(node):
        save([os.getpid()])


if __name__ == "__main__":
    roles = {f.__name__: f for f in (source, sink, ping, pong, relay, flood, count, tally, idle)}
    roles[sys.argv[1]](Node())
