"""The nodes of bench/nodes for dora-rs in Python, for a machine that cannot build peer/src/main.rs. First argument: the
role. They do the same, and cost what Python costs on top."""

import array
import os
import sys
import time

from dora import Node

now = time.monotonic_ns


def param(name, fallback):
    return int(os.environ.get(name, fallback))


def save(values):
    with open(os.environ["BENCH_OUT"], "wb") as file:
        array.array("q", values).tofile(file)


def words(event):
    view = memoryview(event["value"].buffers()[1])[: len(event["value"])]
    return view[: min(16, len(view) // 8 * 8)].cast("q")


def inputs(node):
    return (event for event in node if event["type"] == "INPUT")


class Outlet:
    def __init__(self, node):
        self.node, self.size = node, param("BENCH_SIZE", 8)
        self.copied = None if param("BENCH_LOAN", 0) else bytearray(b"\1" * self.size)

    def send(self, number):
        sent = now()
        stamp = array.array("q", [sent, number][: self.size // 8]).tobytes()
        if self.copied is None:
            with self.node.send_output_raw("out", self.size) as buffer, memoryview(buffer) as view:
                view[: len(stamp)] = stamp
        else:
            self.copied[: len(stamp)] = stamp
            self.node.send_output("out", bytes(self.copied))
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
        data = words(event)
        number = data[1] if len(data) > 1 else received
        if number < len(late):
            late[number] = now() - data[0]
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
    count, begin = param("BENCH_COUNT", 1), now()
    for i in range(count):
        node.send_output("out", i.to_bytes(8, sys.byteorder))
    save([count, begin, now()])


def count(node):
    received = missing = disorder = expected = last = 0
    for event in inputs(node):
        number = words(event)[0]
        disorder += number < expected
        missing += max(0, number - expected)
        expected, received, last = number + 1, received + 1, now()
    missing += param("BENCH_COUNT", 1) - expected
    save([received, missing, missing, disorder, last])


def idle(node):
    node.send_output("out", b"hello")
    for _ in inputs(node):
        save([os.getpid()])


if __name__ == "__main__":
    roles = {f.__name__: f for f in (source, sink, ping, pong, relay, flood, count, idle)}
    roles[sys.argv[1]](Node())
