"""Nodes of test_core.py."""

import array
import asyncio
import datetime
import gc
import os
import signal
import subprocess
import sys
import threading
import time

import dora
import numpy as np
import pyarrow as pa

utc = datetime.timezone.utc
LONG = 60  # seconds that only a failure waits


def echo(notes):
    """Sends back what comes."""
    with dora.Node() as node:
        for event in node:
            if event["type"] == "INPUT":
                node.send_output("out", event["value"], event["metadata"])


# ---- What can be sent


class Arrow:
    def __init__(self, of):
        self.of = of

    def __arrow_c_array__(self, requested_schema=None):
        return self.of.__arrow_c_array__()


class Other:
    """Gives what another object has."""

    def __init__(self, of):
        self.of = of

    def __getattr__(self, name):
        return getattr(self.of, name)


class Stream:
    def __init__(self, of):
        self.of = of

    def __arrow_c_stream__(self, requested_schema=None):
        return self.of.__arrow_c_stream__()


class Tensor:
    """All it has is DLPack."""

    def __init__(self, of, device=None):
        self.of, self.device = of, device

    def __dlpack__(self, **options):
        return self.of.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.device or self.of.__dlpack_device__()


class Picture:
    """All it has is numpy's older interface, as pictures of Pillow."""

    def __init__(self, of):
        self.__array_interface__ = of.__array_interface__
        self.of = of


class Odd(Tensor):
    """Of a type that numpy doesn't know."""

    def __dlpack__(self, **options):
        raise BufferError("bfloat16")


def sending(notes):
    """Sends one of everything, and notes what comes back."""
    node = dora.Node()
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    big = np.arange(200_000, dtype=np.float32).reshape(400, 500)
    kinds = {
        "bytes": (b"abc", pa.array(b"abc", pa.uint8())),
        "no bytes": (b"", pa.array([], pa.uint8())),
        "bytearray": (bytearray(b"abc"), pa.array(b"abc", pa.uint8())),
        "memoryview": (memoryview(b"abc")[1:], pa.array(b"bc", pa.uint8())),
        "memoryview, every other": (memoryview(b"abcdef")[::2], pa.array(b"ace", pa.uint8())),
        "memoryview, bools": (memoryview(bytes([1, 0] * 500)).cast("?"), pa.array([1, 0] * 500, pa.uint8())),
        "array.array": (array.array("h", [1, -2]), pa.array([1, -2], pa.int16())),
        "arrow": (pa.array([1, None]), pa.array([1, None])),
        "arrow, slice": (pa.array(range(10)).slice(3, 4), pa.array(range(3, 7))),
        "arrow object": (Arrow(pa.array(["a"])), pa.array(["a"])),
        "arrow by another": (Other(pa.array(["a"])), pa.array(["a"])),
        "arrow stream": (Stream(pa.chunked_array([[1], [2, 3]])), pa.array([1, 2, 3])),
        "chunked": (pa.chunked_array([["a"], ["b"]]), pa.array(["a", "b"])),
        "no chunks": (pa.chunked_array([], pa.int8()), pa.array([], pa.int8())),
        "batch": (pa.record_batch({"a": [1]}), pa.array([{"a": 1}])),
        "table": (pa.table({"a": [1, 2]}), pa.array([{"a": 1}, {"a": 2}])),
        "scalar": (pa.scalar(7), pa.array([7])),
        "numpy": (np.arange(3, dtype=np.uint16), pa.array(range(3), pa.uint16())),
        "numpy, shape": (image, pa.array(range(24), pa.uint8())),
        "numpy, strides": (image[:, ::2, ::-1], pa.array(image[:, ::2, ::-1].reshape(-1))),
        "numpy, big strides": (big.T, pa.array(big.T.reshape(-1))),
        "numpy, Fortran": (np.asfortranarray(big), pa.array(big.reshape(-1))),
        "numpy, bool": (np.array([True, False]), pa.array([True, False])),
        "numpy, half": (np.array([1.5], np.float16), pa.array(np.array([1.5], np.float16))),
        "numpy, big-endian": (np.array([1, 2], ">i4"), pa.array([1, 2], pa.int32())),
        "numpy, dates": (np.array(["2020-01-01"], "M8[s]"), pa.array(np.array(["2020-01-01"], "M8[s]"))),
        "numpy, text": (np.array(["ab"]), pa.array(["ab"])),
        "numpy, zero": (np.array(5, np.int64), pa.array([5])),
        "numpy, read-only": (np.frombuffer(b"abc", np.uint8), pa.array(b"abc", pa.uint8())),
        "numpy number": (np.float32(2.5), pa.array([2.5], pa.float32())),
        "DLPack": (Tensor(big), pa.array(big.reshape(-1))),
        "array interface": (Picture(image), pa.array(range(24), pa.uint8())),
        "list": ([1, 2, None], pa.array([1, 2, None])),
        "dicts": ([{"a": 1}], pa.array([{"a": 1}])),
        "range": (range(3), pa.array([0, 1, 2])),
        "str": ("ü", pa.array(["ü"])),
        "int": (3, pa.array([3])),
        "dict": ({"a": [1]}, pa.array([{"a": [1]}])),
    }
    for name, (data, expected) in kinds.items():
        node.send_output("out", data, {"name": name})
        event = node.next(LONG)
        came = event["value"]
        same = came.equals(expected) and came.type == expected.type and event["metadata"]["name"] == name
        notes(name, True if same else [str(came.type), str(expected.type), came.to_pylist()[:30]])

    when = [datetime.datetime(1970, 1, 1, tzinfo=utc) + datetime.timedelta(seconds=s, microseconds=s % 1000003)
            for s in (*range(-9_200_000_000, 9_200_000_000, 8_123_457), 951782400, 951868799, 4107542399, -1, 0)]
    right = True
    for i in range(0, len(when), 50):
        node.send_output("out", b"", {str(n): at for n, at in enumerate(when[i : i + 50])})
        metadata = node.next(LONG)["metadata"]
        right &= all(metadata[str(n)] == at for n, at in enumerate(when[i : i + 50]))
    notes("times of three centuries", right)

    refused = {
        "None": None,
        "object": object(),
        "type": pa.Array,
        "set": {1},
        "complex": np.array([1j]),
        "record": np.zeros(2, "i4,f4"),
        "mixed": [1, "a"],
        "GPU": Tensor(big, (2, 0)),
        "odd tensor": Odd(big),
        "a released array": released(),
    }
    for name, data in refused.items():
        notes.call("refused: " + name, node.send_output, "out", data)
    for data in (b"x", big.T, pa.array(["a"]), [1]):
        node.send_output("nowhere", data)
    notes("nothing was sent", node.is_empty())


def released():
    capsules = pa.array([1]).__arrow_c_array__()
    pa.Array._import_from_c_capsule(*capsules)

    class Once:
        def __arrow_c_array__(self, requested_schema=None):
            return capsules

    return Once()


# ---- Loans


def loans(notes):
    node = dora.Node()
    kept = []
    for i in range(5):
        with node.loan("out", (3, 1000), "f4", {"i": i}) as room:
            room[:] = i
        kept.append(room)
        event = node.next(LONG)
        notes(f"loan {i}", [str(event["value"].type), set(event["value"].to_numpy()) == {i}, event["metadata"]["i"] == i])
    notes("kept as they were", all((room == i).all() for i, room in enumerate(kept)))
    notes("read-only afterwards", [room.flags.writeable for room in kept] == [False] * 5)
    try:
        with node.loan("out", 4) as room:
            raise KeyError("mine")
    except KeyError:
        notes("not sent when the body raises", node.is_empty())
    with node.loan("out", (0, 3), np.int64) as room:
        pass
    notes("empty", node.next(LONG)["value"])
    with node.loan("out", 2, "i2") as room:
        room[:] = [1, 2]
    notes("small", node.next(LONG)["value"])
    notes.call("of objects", node.loan, "out", 2, object)
    notes.call("of bools", node.loan, "out", 2, bool)
    notes.call("big-endian", node.loan, "out", 2, ">i4")
    notes.call("negative", node.loan, "out", (2, -1))
    notes.call("too large", node.loan, "out", (1 << 40, 1 << 40))
    notes.call("more than there is", node.loan, "out", 1 << 60)
    notes.call("unknown output", node.loan, "nowhere", 2)
    notes.call("bad metadata", node.loan, "out", 2, "u1", 5)
    for _ in range(3000):
        node.loan("out", 100_000_000)  # given back at once
    with node.loan("out", 3) as room:
        view = room[1:]
        del room
        view[:] = 5
    notes("a view of it", [node.next(LONG)["value"].to_pylist()[1:], bytes(view) == b"\5\5"])
    handler = node.loan("out", 3)
    array = handler.as_buffer()
    array[:] = 7
    handler.send()
    notes("sent by hand", [node.next(LONG)["value"], array.flags.writeable])
    abandoned = node.loan("out", 3)
    view = memoryview(abandoned)
    node.close()
    del abandoned
    gc.collect()
    view[0] = 1  # its memory is there still
    notes("a loan that outlives its node", bytes(view[:1]) == b"\1")
    closed = node  # a loan of a node that is closed can't be sent
    notes.call("closed", closed.loan, "out", 3)
    notes("kept beyond the node", all((room == i).all() for i, room in enumerate(kept)))


# ---- Waiting


class Enough(Exception):
    pass


def interrupted(notes):
    """A signal's handler that raises ends every kind of wait."""
    node = dora.Node()

    def enough(*_):
        if name.startswith("send_output"):
            notes.call("the handler sends too, " + name, node.send_output, "out" if name == "send_output" else "large", b"")
        if name in ("next", "iteration"):
            notes.call("the handler receives too, " + name, node.try_recv)
        raise Enough

    signal.signal(signal.SIGUSR1, enough)
    full = b"x" * 100

    def fill():
        while True:
            node.send_output("out", full)

    def receive_async():
        asyncio.run(node.recv_async())

    while event := node.next(LONG):  # until the receiver has stopped to look
        if event["id"] == "ready":
            break
    def fill_large():
        while True:
            node.send_output("large", b"x" * 100_000)

    waits = {
        "next": lambda: node.next(LONG),
        "iteration": lambda: next(node),
        "send_output": fill,
        "send_output, large": fill_large,
        "recv_async": receive_async,
    }
    for name, wait in waits.items():
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        start = time.monotonic()
        try:
            wait()
            notes(name, "not interrupted")
        except Enough:
            notes(name, time.monotonic() - start < 10)
    node.close()


def stubborn(notes):
    """Says it is there, and receives nothing for a while."""
    node = dora.Node()
    node.send_output("ready", b"")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    time.sleep(3600)


def threads(notes):
    """One thread receives, others send; then several receive."""
    node = dora.Node()
    count, senders = 2000, 3

    def send(number):
        for i in range(count):
            node.send_output("out", pa.array([number, i]) if i % 2 else bytes([number]), {"from": number, "i": i})

    working = [threading.Thread(target=send, args=(n,)) for n in range(senders)]
    for thread in working:
        thread.start()
    seen = {n: [] for n in range(senders)}
    for _ in range(count * senders):
        metadata = node.next(LONG)["metadata"]
        seen[metadata["from"]].append(metadata["i"])
    for thread in working:
        thread.join()
    notes("all, in order", all(got == list(range(count)) for got in seen.values()))

    got = []

    def receive():
        while (event := node.next(LONG))["metadata"].get("last") is None:
            got.append(event["metadata"]["i"])

    working = [threading.Thread(target=receive) for _ in range(2)]
    for thread in working:
        thread.start()
    for i in range(500):
        node.send_output("out", b"", {"i": i})
    for _ in working:
        node.send_output("out", b"", {"last": True})
    for thread in working:
        thread.join()
    notes("two receive", sorted(got) == list(range(500)))

    def wait():
        notes("closed by another", node.next(LONG))

    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.1)  # most likely it waits now; if not, next() finds the node closed
    node.close()
    waiting.join()


# ---- Life


def life(notes):
    node = dora.Node()
    node.send_output("out", pa.array(range(1000)))
    value = node.next(LONG)["value"]
    view = value.to_numpy()
    notes("a view is read-only", view.flags.writeable)
    tensor = np.from_dlpack(value)
    notes("by DLPack", tensor.ctypes.data == view.ctypes.data)
    del tensor

    parent = os.getpid()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        said = []
        for call in (lambda: node.send_output("out", b""), node.next, node.try_recv, node.is_empty, lambda: node.loan("out", 1)):
            try:
                call()
                said.append("nothing")
            except RuntimeError as error:
                said.append("spawn" if "spawn" in str(error) else str(error))
        said.append(value.to_pylist() == list(range(1000)))
        del value
        view = None
        gc.collect()
        node.close()
        os.write(write, repr(said).encode())
        os._exit(0)
    os.close(write)
    notes("in a child", os.read(read, 10_000).decode())
    os.waitpid(child, 0)
    assert os.getpid() == parent
    for i in range(50):
        node.send_output("out", pa.array(range(i, i + 1000)))
        assert node.next(LONG)["value"][0].as_py() == i
    notes("the child gave nothing back", value.to_pylist() == list(range(1000)))

    notes("repr", repr(node).startswith("<dora.Node `node` of dataflow "))
    node.close()
    node.close()
    notes("repr when closed", repr(node))
    calls = {
        "next": node.next,
        "send_output": lambda: node.send_output("out", b""),
        "drain": node.drain,
        "node_config": node.node_config,
        "timestamp": node.timestamp,
        "log": lambda: node.log_info("x"),
        "with": node.__enter__,
        "recv_async": lambda: asyncio.run(node.recv_async()),
    }
    for name, call in calls.items():
        notes.call("closed: " + name, call)
    notes("a value beyond its node", int(view.sum()) == 499500)
    globals()["kept"] = value, view, node  # until the interpreter ends


def subinterpreter(notes):
    """`import dora` in a sub-interpreter works, or says why not."""
    code = (
        "import _xxsubinterpreters as sub\n"
        "one = sub.create()\n"
        "sub.run_string(one, 'import dora; assert dora.Node; print(dora.__version__)')\n"
        "sub.destroy(one)\n"
        "import dora\n"
        "print('fine')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    notes("status", done.returncode)
    notes("said", done.stdout.splitlines()[-1:] + done.stderr.splitlines()[-1:])


# ---- asyncio


def asynchronous(notes):
    node = dora.Node()

    async def timeouts():
        event = await node.recv_async(0.01)
        notes("timeout", event)
        notes("zero", await node.recv_async(0))
        notes.call("negative", lambda: asyncio.get_event_loop() and None)
        try:
            await node.recv_async(-1)
        except ValueError:
            notes("negative", "ValueError")
        try:
            await asyncio.wait_for(node.recv_async(), 0.01)
        except TimeoutError:
            notes("cancelled", "TimeoutError")

    async def many():
        count = 300

        async def send():
            for i in range(count):
                node.send_output("out", b"", {"i": i})
                if i % 7 == 0:
                    await asyncio.sleep(0)

        sending = asyncio.create_task(send())
        got = []
        async for event in node:
            got.append(event["metadata"]["i"])
            if len(got) == count:
                break
        await sending
        notes("async for", got == list(range(count)))

    async def others_run():
        ticks = 0

        async def tick():
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0.001)

        ticking = asyncio.create_task(tick())
        asyncio.get_running_loop().call_later(0.1, node.send_output, "out", b"", {"i": 1})
        event = await node.recv_async()
        ticking.cancel()
        notes("others run meanwhile", [event["metadata"]["i"], ticks > 5])

    async def a_backlog_is_shared():
        count, turns = 5000, 0
        for i in range(count):
            node.send_output("out", b"")

        async def other():
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        working = asyncio.create_task(other())
        async for event in node:
            count -= 1
            if count == 0:
                break
        working.cancel()
        notes("others have their turns", turns > 10)

    async def a_handler_raises():
        node.send_output("out", b"1")
        node.send_output("out", b"2")
        try:
            async for event in node:
                raise KeyError
        except KeyError:
            notes("after an exception", (await node.recv_async())["value"].to_pylist())

    async def two_tasks():
        first = asyncio.create_task(node.recv_async())
        await asyncio.sleep(0)
        try:
            await node.recv_async(0.01)
        except RuntimeError:
            notes("two tasks", "RuntimeError")
        node.send_output("out", b"")
        notes("the first", (await first)["type"])

    async def idle():
        """Events that nobody awaits don't keep the loop busy."""
        await node.recv_async(0.001)
        node.send_output("out", b"")
        node.send_output("out", b"")
        await node.recv_async()
        await asyncio.sleep(0.05)
        used = time.process_time()
        await asyncio.sleep(0.3)
        notes("idle", time.process_time() - used < 0.2)
        notes("still there", (await node.recv_async())["type"])

    for one in (timeouts, many, others_run, a_backlog_is_shared, a_handler_raises, two_tasks, idle):
        asyncio.run(one())

    async def closing():
        waiting = asyncio.create_task(node.recv_async())
        await asyncio.sleep(0.01)
        node.close()
        try:
            notes("closed while awaited", await waiting)
        except RuntimeError:
            notes("closed while awaited", "RuntimeError")

    asyncio.run(closing())


def closed_from_outside(notes):
    """One thread closes the node that another's event loop waits for."""
    node = dora.Node()
    loop = asyncio.new_event_loop()

    def run():
        try:
            notes("waited", loop.run_until_complete(node.recv_async()))
        except RuntimeError:
            notes("waited", "RuntimeError")

    thread = threading.Thread(target=run)
    thread.start()
    while node._async_io is None or node._async_io.waiter is None:
        time.sleep(0.001)
    node.close()
    thread.join()
    loop.close()


def async_end(notes):
    """Awaits the stream's end."""
    node = dora.Node()

    async def run():
        kinds = [event["type"] async for event in node]
        notes("kinds", kinds)
        notes("after the end", await node.recv_async())

    asyncio.run(run())


def one_message(notes):
    node = dora.Node()
    node.send_output("out", b"x")
