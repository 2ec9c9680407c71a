"""A web server that is a node: / is a page that shows the last value and changes with it, /celsius is a stream of values
(server-sent events). One thread does both: the node waits in the same event loop as the sockets.

It sends its address on the output `address`, and ends when no more values can come. PORT in the environment is where it
listens; 0, as by default, takes a port that is free."""

import asyncio
import os

import pyarrow as pa
from dora import Node

PAGE = b"""<!doctype html><title>Temperature</title><h1 id="celsius">&hellip;</h1><script>
new EventSource("celsius").onmessage = event => document.getElementById("celsius").textContent = event.data + " \\u00b0C"
</script>"""


class Latest:
    """The last value, and a way to wait for the next."""

    def __init__(self):
        self.value = None
        self.changed = asyncio.Condition()

    async def set(self, value):
        async with self.changed:
            self.value = value
            self.changed.notify_all()

    async def next(self):
        async with self.changed:
            await self.changed.wait()
            return self.value


async def serve(latest, reader, writer):
    """Answers one request."""
    request = await reader.readline()
    while await reader.readline() not in (b"\r\n", b""):
        pass
    path = request.split(b" ")[1:2]
    if path == [b"/"]:
        writer.write(b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n" + PAGE)
    elif path == [b"/celsius"]:
        writer.write(b"HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        while (value := await latest.next()) is not None and not writer.is_closing():
            writer.write(b"data: %.2f\n\n" % value)
            await writer.drain()
    else:
        writer.write(b"HTTP/1.0 404 Not Found\r\n\r\n")
    writer.close()


async def main():
    latest = Latest()
    node = Node()
    port = int(os.environ.get("PORT", 0))
    server = await asyncio.start_server(lambda *streams: serve(latest, *streams), "127.0.0.1", port)
    address = "http://127.0.0.1:%d" % server.sockets[0].getsockname()[1]
    print(address)
    node.send_output("address", pa.array([address]))
    async with server:
        async for event in node:
            if event["type"] == "INPUT":
                await latest.set(event["value"][0].as_py())
        await latest.set(None)


if __name__ == "__main__":
    asyncio.run(main())
