"""Receiving in asyncio's event loop, by the descriptor that tells of events: no thread, and no looking every so often."""

import asyncio
import threading

STREAK = 64  # events in a row that are there already, before other tasks have their turn


class Watch:
    """A node's descriptor in one event loop, and the future of whoever waits for it."""

    def __init__(self, loop, fd):
        self.loop, self.fd, self.waiter, self.reading, self.streak = loop, fd, None, False, 0

    def ready(self):
        if self.waiter is None:
            # Nobody receives now, and the descriptor stays readable until somebody does.
            self.stop()
        elif not self.waiter.done():
            self.waiter.set_result(None)

    def stop(self):
        if self.reading and not self.loop.is_closed():
            self.loop.remove_reader(self.fd)
        self.reading = False

    async def wait(self, deadline):
        """False when the deadline has passed."""
        if self.waiter is not None:
            raise RuntimeError("another task receives from this node already: let one task receive, and pass events on")
        self.streak = 0
        if not self.reading:
            self.loop.add_reader(self.fd, self.ready)
            self.reading = True
        waiter = self.waiter = self.loop.create_future()
        timer = None if deadline is None else self.loop.call_at(deadline, _expire, waiter)
        try:
            return await waiter is None
        finally:
            self.waiter = None
            if timer is not None:
                timer.cancel()

    def close(self):
        """Before the descriptor is closed; also from another thread than the loop's, which waits for it."""
        if self.loop.is_running() and _running() is not self.loop:
            done = threading.Event()
            self.loop.call_soon_threadsafe(lambda: (self.end(), done.set()))
            done.wait(1)  # a loop that is stuck keeps nobody from closing
        else:
            self.end()

    def end(self):
        self.stop()
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)


def _expire(waiter):
    if not waiter.done():
        waiter.set_result(False)


def _running():
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _watch(node):
    loop = asyncio.get_running_loop()
    watch = node._async_io
    if watch is None or watch.loop is not loop:
        if watch is not None:
            watch.close()
        watch = node._async_io = Watch(loop, node._fd())
    return watch


async def recv_async(node, timeout=None):
    if timeout is not None and not 0 <= timeout < float("inf"):
        raise ValueError(f"invalid timeout of {timeout!r} seconds: give a number from 0, or None to wait without end")
    watch = _watch(node)
    watch.streak += 1
    if watch.streak > STREAK:
        watch.streak = 0
        await asyncio.sleep(0)
    deadline = None if timeout is None else watch.loop.time() + timeout
    while (event := node._poll()) is False:
        if not await watch.wait(deadline):
            event = node._poll()
            return event if event is not False else node.next(0)
    return event


async def anext(node):
    event = await recv_async(node)
    if event is None:
        raise StopAsyncIteration
    return event
