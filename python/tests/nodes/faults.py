"""Nodes of test_faults.py. Each asserts what it must, and notes "done" at its end."""

import asyncio
import ctypes
import faulthandler
import gc
import os
import signal
import sys
import threading
import time

import dora
import numpy as np
import pyarrow as pa

SECONDS = 30  # for what takes a millisecond
faulthandler.dump_traceback_later(50, exit=True)  # who hangs says where


def raises(kind, function, *args, says="", **kwargs):
    try:
        result = function(*args, **kwargs)
    except kind as error:
        assert says in str(error), f"{error!r} does not say {says!r}"
        return error
    raise AssertionError(f"{function} gave {result!r} and raised nothing")


def until(condition, what="it"):
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{what} never came to be"
        time.sleep(0.001)


def interrupt_soon():
    """Ctrl-C for the main thread, again and again until it is heard: it may not be waiting yet."""
    heard = threading.Event()

    def send():
        time.sleep(0.05)
        while not heard.wait(0.2):
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    threading.Thread(target=send, daemon=True).start()
    return heard


def inputs(node):
    return (event for event in node if event["type"] == "INPUT")


def echo(notes):
    """What the others talk to."""
    node = dora.Node()
    for event in inputs(node):
        node.send_output("out", event["value"], event["metadata"])
    notes("done", True)


# ---- Arguments


class Garbage:
    def __init__(self, result):
        self.result = result

    def __arrow_c_array__(self, requested_schema=None):
        return self.result() if callable(self.result) else self.result


def arrow_from_addresses(array, schema=True):
    """The capsules of an array, once more: whoever released them before, they are empty."""
    capsules = array.__arrow_c_array__()
    pa.Array._import_from_c_capsule(*capsules)
    return capsules


def arguments(notes):
    """Wrong ones: an exception that names what was wrong and what would be right."""
    node = dora.Node()
    send = node.send_output
    raises((TypeError, RuntimeError), send, "out", object(), says="object")
    raises((TypeError, RuntimeError), send, "out", None, says="None")
    raises((TypeError, RuntimeError), send, "out", {1, 2}, says="set")
    raises(TypeError, send, "out", b"", [], says="metadata must be a dict")
    raises(TypeError, send, 1, b"", says="output_id must be a str")
    raises((TypeError, RuntimeError), send, "out", b"", {1: 1}, says="int")
    raises(RuntimeError, send, "a b", b"", says="letters")
    raises(RuntimeError, send, "out\0", b"", says="letters")
    raises(OverflowError, send, "out", b"", {"a": 2**63})
    raises(ValueError, node.next, -1, says="-1")
    raises(ValueError, node.next, float("nan"), says="nan")
    raises(TypeError, node.next, "1")
    raises(TypeError, node.next, 1, 2)
    raises(RuntimeError, node.close_output, "other")
    for wrong in (None, 1, (), (1, 2), (None, None), lambda: 1 / 0, lambda: arrow_from_addresses(pa.array([1]))):
        raises((TypeError, ValueError, RuntimeError, ZeroDivisionError), send, "out", Garbage(wrong))
    swapped = tuple(reversed(pa.array([1]).__arrow_c_array__()))
    raises((TypeError, ValueError, RuntimeError), send, "out", Garbage(swapped))
    gc.collect()
    send("out", b"still alive")
    assert node.next(SECONDS)["value"].to_pylist() == list(b"still alive")
    notes("done", True)


class Longer:
    """An array that claims a length that it doesn't have."""

    def __init__(self, array, length):
        self.array, self.length = array, length

    def __arrow_c_array__(self, requested_schema=None):
        schema, array = self.array.__arrow_c_array__()
        pointer = ctypes.pythonapi.PyCapsule_GetPointer
        pointer.restype, pointer.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
        ctypes.c_int64.from_address(pointer(array, b"arrow_array")).value = self.length
        return schema, array


def contradictions(notes):
    """Arrays whose lengths and whose outer offsets are wrong, as no constructor that checks would make them."""
    node = dora.Node()

    def with_offsets(make, *offsets):
        memory = np.zeros(len(offsets), np.int32)
        array = make(len(offsets) - 1, [None, pa.py_buffer(memory)])
        memory[:] = offsets
        return array

    def text(length, buffers):
        return pa.Array.from_buffers(pa.string(), length, [*buffers, pa.py_buffer(b"abcdef")])

    def list_(length, buffers):
        return pa.Array.from_buffers(pa.list_(pa.int8()), length, buffers, children=[pa.array([1], pa.int8())])

    numbers = pa.array([1], pa.int8())
    wrong = [
        with_offsets(text, -4, 0, 2),
        with_offsets(text, 5, 3),
        with_offsets(list_, 0, 100),
        with_offsets(list_, -1, 1),
        with_offsets(list_, 1, 0),
        Longer(pa.StructArray.from_arrays([numbers], ["a"]), 100),
        Longer(pa.FixedSizeListArray.from_arrays(numbers, 1), 100),
        Longer(pa.DictionaryArray.from_arrays(numbers, pa.array(["a", "b"])), -1),
        Longer(numbers, -1),
        Longer(numbers, 2**62),
        Longer(pa.array([True]), 2**63 - 1),
    ]
    for number, array in enumerate(wrong):
        try:
            error = raises((ValueError, RuntimeError, MemoryError), node.send_output, "out", array)
        except AssertionError as e:
            raise AssertionError(f"{number}: {e}")
        assert str(error), number
    node.send_output("out", b"still alive")
    assert node.next(SECONDS)["value"].to_pylist() == list(b"still alive")
    notes("done", True)


# ---- Closing


def closed(notes):
    node = dora.Node()
    node.send_output("out", pa.array([1, 2]))
    value = node.next(SECONDS)["value"]
    raw, loan = node.send_output_raw("out", 4), node.loan("out", 4)
    node.close()
    node.close()
    says = "closed"
    raises(RuntimeError, node.send_output, "out", b"", says=says)
    raises(RuntimeError, node.send_output_raw, "out", 1, says=says)
    raises(RuntimeError, node.loan, "out", 1, says=says)
    raises(RuntimeError, node.send_service_request, "out", b"", says=says)
    raises(RuntimeError, node.send_service_response, "out", b"", {"request_id": "1"}, says=says)
    for receive in (node.next, node.try_recv, node.drain, node.is_empty, node.__next__):
        raises(RuntimeError, receive, says=says)
    raises(RuntimeError, node.next, 0.01, says=says)
    raises(RuntimeError, lambda: asyncio.run(awaited(node)), says=says)
    for tell in (node.dataflow_id, node.dataflow_descriptor, node.node_config, node.restart_count, node.timestamp):
        raises(RuntimeError, tell, says=says)
    raises(RuntimeError, node.log_info, "text", says=says)
    raises(RuntimeError, node.close_output, "out", says=says)
    raises(RuntimeError, raw.send, says=says)
    raises(RuntimeError, loan.send, says=says)
    raises(RuntimeError, node.__enter__, says=says)
    assert "closed" in repr(node)
    assert value.to_pylist() == [1, 2]
    loan.as_buffer()[:] = 1  # memory that is still lent, though it goes nowhere
    notes("done", True)


async def awaited(node, timeout=None):
    return await node.recv_async(timeout)


def closed_by_with(notes):
    with dora.Node() as node:
        node.send_output("out", b"1")
        value = node.next(SECONDS)["value"]
    raises(RuntimeError, node.next, says="closed")
    assert value.to_pylist() == [ord("1")]
    notes("done", True)


def closed_while_waiting(notes):
    """By another thread: whoever waits learns it."""
    node = dora.Node()
    found = []

    def wait():
        try:
            found.append(node.next())
        except RuntimeError as error:
            found.append(str(error))

    threads = [threading.Thread(target=wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.05)
    node.close()
    for thread in threads:
        thread.join(SECONDS)
        assert not thread.is_alive()
    assert len(found) == 3 and all(f is None or "closed" in f for f in found), found
    notes("done", True)


# ---- Processes


def forked(notes):
    """A child can read what it has, and is refused what belongs to its parent."""
    node = dora.Node()
    node.send_output("out", pa.array([1, 2, 3]))
    event = node.next(SECONDS)
    loan = node.loan("out", 4)

    def in_child():
        assert event["value"].to_pylist() == [1, 2, 3]
        for call in (
            lambda: node.send_output("out", b"child"),
            lambda: node.next(0.01),
            node.next,
            node.try_recv,
            lambda: node.send_output_raw("out", 4),
            lambda: loan.send(),
        ):
            raises(RuntimeError, call, says="fork")

    faulthandler.cancel_dump_traceback_later()  # a child waits at its end for a thread that it doesn't have
    for leave in (os._exit, sys.exit):
        child = os.fork()
        if not child:
            try:
                in_child()
                node.close()
            except BaseException as error:
                print("child:", repr(error), file=sys.stderr)
                os._exit(1)
            leave(0)
        assert os.waitpid(child, 0)[1] == 0
        node.send_output("out", b"parent")
        assert node.next(SECONDS)["value"].to_pylist() == list(b"parent")
    notes("done", True)


def multiprocessing_fork(notes):
    import multiprocessing

    node = dora.Node()
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(abs, range(-5, 0)) == [5, 4, 3, 2, 1]
    node.send_output("out", b"parent")
    assert node.next(SECONDS)["value"].to_pylist() == list(b"parent")
    notes("done", True)


def ends_with_all_alive(notes):
    """The interpreter ends while everything there is lives: in globals, in cycles, in threads that wait."""
    node = dora.Node()
    node.send_output("out", pa.array(range(100_000)))
    node.send_output("out", b"left in the queue")
    event = node.next(SECONDS)
    cycle = [event, node]
    cycle.append(cycle)
    view = event["value"].to_numpy()
    loan, raw = node.loan("out", (10, 10), "float32"), node.send_output_raw("out", 10)
    opened = raw.as_memoryview()
    globals()["alive"] = [node, event, view, iter(node), loan, loan.as_buffer(), raw, opened, cycle]
    for receive in (node.next, lambda: node.next(1000), lambda: list(node)):
        threading.Thread(target=receive, daemon=True).start()
    time.sleep(0.05)
    notes("done", True)


def ends_in_a_block(notes):
    node = dora.Node()
    notes("done", True)
    with node.loan("out", 10) as array, node.send_output_raw("out", 10) as raw:
        globals()["alive"] = array, memoryview(raw)
        sys.exit(0)


def ends_in_asyncio(notes):
    """A task still waits when the loop is gone."""
    node = dora.Node()
    loop = asyncio.new_event_loop()
    loop.create_task(awaited(node))
    loop.run_until_complete(asyncio.sleep(0.01))
    globals()["alive"] = loop
    notes("done", True)


def subinterpreters(notes):
    """Whatever another interpreter makes of it, it is no crash."""
    import _xxsubinterpreters as interpreters

    code = "import dora\ntry:\n    dora.Node('nobody', 1)\nexcept RuntimeError:\n    pass\n"
    for _ in range(3):
        other = interpreters.create()
        try:
            interpreters.run_string(other, code)
        except interpreters.RunFailedError as error:
            assert "ImportError" in str(error), error
        interpreters.destroy(other)
    node = dora.Node()
    node.send_output("out", b"still alive")
    assert node.next(SECONDS)["value"].to_pylist() == list(b"still alive")
    notes("done", True)


# ---- Signals


def interrupted(notes):
    """Ctrl-C ends each kind of wait, and the node goes on."""
    node = dora.Node()

    async def wait_for_all():
        async for event in node:
            pass

    waits = [
        node.next,
        lambda: node.next(1000),
        lambda: next(iter(node)),
        lambda: list(node),
        lambda: asyncio.run(awaited(node)),
        lambda: asyncio.run(wait_for_all()),
    ]
    for wait in waits:
        heard = interrupt_soon()
        raises(KeyboardInterrupt, wait)
        heard.set()
        time.sleep(0.01)
    while True:
        try:
            node.send_output("out", b"still alive")
            assert node.next(SECONDS)["value"].to_pylist() == list(b"still alive")
            break
        except KeyboardInterrupt:
            pass
    notes("done", True)


def handler_uses_the_node(notes):
    """A signal's handler sends while the thread it interrupts waits; it can't receive there."""
    node = dora.Node()
    found = []

    def handle(number, frame):
        node.send_output("out", b"from the handler")
        try:
            node.next(0.01)
        except RuntimeError as error:
            found.append(str(error))

    signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    assert node.next(SECONDS)["value"].to_pylist() == list(b"from the handler")
    assert found and "handler" in found[0], found
    notes("done", True)


def handler_raises(notes):
    """An exception of a handler comes out of the wait."""
    node = dora.Node()

    def handle(number, frame):
        raise LookupError("of the handler")

    signal.signal(signal.SIGALRM, handle)
    for wait in (node.next, lambda: node.next(1000), lambda: asyncio.run(awaited(node))):
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        raises(LookupError, wait, says="of the handler")
    notes("done", True)


# ---- A full queue


def blocked(notes):
    """Its receiver never takes anything: sending waits, and Ctrl-C and the dataflow's stop end that."""
    node = dora.Node()

    def send_for_ever():
        while True:
            node.send_output("out", b"x" * 1000)

    heard = interrupt_soon()
    raises(KeyboardInterrupt, send_for_ever)
    heard.set()
    notes("interrupted", True)

    ticks = []
    stop = threading.Event()

    def tick():
        while not stop.wait(0.001):
            ticks.append(1)

    threading.Thread(target=tick, daemon=True).start()
    raises(RuntimeError, send_for_ever, says="stop")  # by --stop-after
    stop.set()
    assert len(ticks) > 10, "the GIL is held while a send waits"
    kinds = [event["type"] for event in node]
    assert kinds == ["STOP"], kinds
    notes("done", True)


def deaf(notes):
    """Takes nothing until it is stopped."""
    node = dora.Node()
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    stopped.wait(20)
    node.close()
    notes("done", True)


# ---- asyncio


def async_faults(notes):
    node = dora.Node()
    asyncio.run(all_async_faults(node))
    # Another loop, after the first is closed.
    node.send_output("out", b"1")
    event = asyncio.run(awaited(node))
    assert event["value"].to_pylist() == [ord("1")]
    notes("done", True)


async def all_async_faults(node):
    async def iterate(fail):
        async for event in node:
            if fail:
                raise LookupError("in the body")
            return event

    for _ in range(3):
        node.send_output("out", b"1")
        try:
            await iterate(True)
            raise AssertionError("no exception")
        except LookupError:
            pass
    node.send_output("out", b"2")
    assert (await iterate(False))["value"].to_pylist() == [ord("2")]

    # Cancelled at any moment, no message is lost.
    received = []

    async def receive():
        async for event in node:
            received.append(event["value"][0].as_py())

    for number in range(100):
        task = asyncio.create_task(receive())
        if number % 2:
            node.send_output("out", bytes([number]))
        for _ in range(number % 5):
            await asyncio.sleep(0)
        if number % 7 == 0:
            await asyncio.sleep(0.002)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            pass
    while len(received) < 50:
        event = await node.recv_async(SECONDS)
        assert event["type"] == "INPUT", (event, received)
        received.append(event["value"][0].as_py())
    assert received == list(range(1, 100, 2)), received

    # Two tasks at once: the second is told; the first goes on.
    first = asyncio.create_task(awaited(node))
    await asyncio.sleep(0)
    try:
        await node.recv_async()
        raise AssertionError("two tasks receive")
    except RuntimeError as error:
        assert "task" in str(error)
    node.send_output("out", b"3")
    assert (await first)["value"].to_pylist() == [ord("3")]

    # A timeout is an event of type ERROR.
    assert (await node.recv_async(0.01))["type"] == "ERROR"

    # Closed while a task waits.
    # (in closed_in_asyncio: afterwards nothing is left to test with)


def closed_in_asyncio(notes):
    node = dora.Node()

    async def main():
        task = asyncio.create_task(awaited(node))
        await asyncio.sleep(0.01)
        node.close()
        try:
            assert await asyncio.wait_for(task, SECONDS) is None
        except RuntimeError as error:
            assert "closed" in str(error)

    asyncio.run(main())
    notes("done", True)


# ---- Threads

SENDERS, EACH = 4, 500


def many_threads(notes):
    """Several send while one receives: each one's messages come in its order."""
    node = dora.Node()
    large = bytes(50_000)

    def send(sender):
        for number in range(EACH):
            data = large if number % 50 == 0 else b""
            node.send_output("out", data, {"sender": sender, "number": number})

    received = {sender: [] for sender in range(SENDERS)}

    def receive():
        for _ in range(SENDERS * EACH):
            event = node.next(SECONDS)
            assert event["type"] == "INPUT", event
            received[event["metadata"]["sender"]].append(event["metadata"]["number"])

    receiver = threading.Thread(target=receive)
    senders = [threading.Thread(target=send, args=(n,)) for n in range(SENDERS)]
    for thread in (receiver, *senders):
        thread.start()
    for thread in (receiver, *senders):
        thread.join(SECONDS)
        assert not thread.is_alive()
    assert all(numbers == list(range(EACH)) for numbers in received.values())
    notes("done", True)


def many_receive(notes):
    """Several receive at once: each message goes to one of them."""
    node = dora.Node()
    received = []

    def receive():
        while (event := node.next(0.5))["type"] == "INPUT":
            received.append(event["value"][0].as_py())

    threads = [threading.Thread(target=receive) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(200):
        node.send_output("out", bytes([number]))
    for thread in threads:
        thread.join(SECONDS)
        assert not thread.is_alive()
    assert sorted(received) == list(range(200))
    notes("done", True)


def values_in_threads(notes):
    """Values are given up in other threads than they came in, also after the node is closed."""
    node = dora.Node()
    values = []
    for _ in range(50):
        node.send_output("out", pa.array(range(10_000)))
        values.append(node.next(SECONDS)["value"])

    def give_up():
        while True:
            try:
                value = values.pop()
            except IndexError:
                return
            assert value[-1].as_py() == 9_999

    threads = [threading.Thread(target=give_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    node.close()
    for thread in threads:
        thread.join(SECONDS)
    notes("done", True)


# ---- Loans


def loans(notes):
    node = dora.Node()
    with node.loan("out", (4, 8), "float32", {"kind": "numpy"}) as array:
        assert array.shape == (4, 8) and array.dtype == np.float32 and array.flags.writeable
        array[:] = np.arange(32).reshape(4, 8)
    raises(ValueError, array.__setitem__, 0, 1, says="read-only")
    event = node.next(SECONDS)
    assert event["value"].type == pa.float32() and event["value"].to_pylist() == list(range(32))
    assert event["metadata"]["kind"] == "numpy"
    assert array.sum() == sum(range(32))

    # Not sent: the block raises, or nobody sends.
    try:
        with node.loan("out", 10) as array:
            raise LookupError
    except LookupError:
        pass
    array[:] = 1  # its memory stays as long as it does
    assert node.next(0.05)["type"] == "ERROR"

    loan = node.loan("out", 3)
    loan.as_buffer()[:] = 7
    loan.send()
    raises(RuntimeError, loan.send, says="already been sent")
    raises(RuntimeError, loan.as_buffer, says="already been sent")
    raises((RuntimeError, BufferError), lambda: memoryview(loan), says="already been sent")
    assert node.next(SECONDS)["value"].to_pylist() == [7, 7, 7]

    raw = node.send_output_raw("out", 4)
    view = raw.as_memoryview()
    raises(RuntimeError, raw.send, says="still open")
    view[:] = b"1234"
    view.release()
    raw.send()
    assert bytes(node.next(SECONDS)["value"].to_pylist()) == b"1234"

    # A view that survives the block: nothing is sent, and the memory is not given to another.
    def keep():
        with node.send_output_raw("out", 4) as buffer:
            kept.append(memoryview(buffer))

    kept = []
    raises(RuntimeError, keep, says="still open")
    kept[0][:] = b"abcd"
    assert bytes(kept[0]) == b"abcd"
    kept.clear()

    # Inside one another, and of the largest sizes.
    with node.loan("out", 2) as outer, node.loan("out", 2) as inner:
        outer[:], inner[:] = 1, 2
    assert [node.next(SECONDS)["value"].to_pylist() for _ in range(2)] == [[2, 2], [1, 1]]
    with node.loan("out", 0) as array:
        assert array.size == 0
    assert len(node.next(SECONDS)["value"]) == 0
    with node.loan("out", (), "int64") as array:
        array[()] = 5
    assert node.next(SECONDS)["value"].to_pylist() == [5]

    raises(ValueError, node.loan, "out", -1, says="shape")
    raises(ValueError, node.loan, "out", (2, -1), says="shape")
    raises((ValueError, OverflowError, MemoryError), node.loan, "out", (2**40, 2**40))
    raises(MemoryError, node.loan, "out", 2**50)
    raises(TypeError, node.loan, "out", "many")
    raises(TypeError, node.loan, "out", 1.5)
    raises(TypeError, node.loan, "out", 1, object)
    raises(TypeError, node.loan, "out", 1, "U3", says="U3")
    raises(TypeError, node.loan, "out", 1, "no such type")
    raises(RuntimeError, node.loan, "other", 1, says="other")
    raises(TypeError, node.loan, "out", 1, "u1", "metadata", says="metadata")
    raises(TypeError, type(loan), says="SampleHandler")
    notes("done", True)


def loans_forgotten(notes):
    """What is neither sent nor kept gives its memory back."""
    node = dora.Node()
    size = 8 << 20

    def resident():
        return int(open("/proc/self/statm").read().split()[2]) * 4096  # shared pages

    def forget(make):
        for _ in range(3):
            make()
        gc.collect()
        before = resident()
        for _ in range(40):
            make()
        gc.collect()
        assert resident() - before < 3 * size, f"{(resident() - before) >> 20} MiB are lost"

    def one(how):
        def make():
            loan = how()
            memoryview(loan.as_buffer())[:1] = b"1"
            np.frombuffer(loan.as_buffer(), np.uint8)[:] = 1

        return make

    forget(one(lambda: node.send_output_raw("out", size)))
    forget(one(lambda: node.loan("out", size)))
    notes("done", True)


def loan_outlives_node(notes):
    node = dora.Node()
    loan, raw = node.loan("out", 1000), node.send_output_raw("out", 1000)
    array, view = loan.as_buffer(), raw.as_memoryview()
    del node
    gc.collect()
    array[:] = 3
    view[:] = bytes(1000)
    assert array.sum() == 3000
    raises(RuntimeError, raw.send, says="open")
    del loan, raw, view
    gc.collect()
    assert array.sum() == 3000
    notes("done", True)


# ---- Read-only


def read_only(notes):
    """What is received can't be written to by any way that Python offers."""
    node = dora.Node()
    node.send_output("out", pa.array(range(100_000)))
    value = node.next(SECONDS)["value"]
    array = value.to_numpy()
    raises(ValueError, array.__setitem__, 0, 1)
    raises(ValueError, array.setflags, True)
    view = memoryview(value.buffers()[1])
    assert view.readonly
    raises(TypeError, view.__setitem__, 0, 1)
    # And by a way that it doesn't: that process alone is lost.
    child = os.fork()
    if not child:
        faulthandler.disable()
        ctypes.memset(value.buffers()[1].address, 0, 8)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert status != 0, "shared memory could be written to by its reader"
    assert value[99_999].as_py() == 99_999
    notes("done", True)
