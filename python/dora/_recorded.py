"""The node that `dora.Node()` is where DORA_WRITE_EVENTS_TO names a folder: a node that writes down what it receives, into
FOLDER/inputs-NODE.json, which DORA_TEST_WITH_INPUTS gives to a node again."""

from __future__ import annotations

import os
import time
from typing import Any

from . import _dora
from ._offline import Event
from ._recording import Recorder

__all__ = ["Node", "RecordedNode"]


def Node(node_id: str | None = None, daemon_port: int | None = None) -> RecordedNode:
    """What `dora.Node` calls, and what calls it again where the variable isn't set."""
    folder = os.environ.pop("DORA_WRITE_EVENTS_TO")
    try:
        node = _dora.Node(node_id, daemon_port)
    finally:
        os.environ["DORA_WRITE_EVENTS_TO"] = folder
    try:
        return RecordedNode(node, Recorder(folder, node.node_id()))
    except OSError as error:
        raise RuntimeError(f"DORA_WRITE_EVENTS_TO names a folder that can't be written to: {error}") from None


class RecordedNode:
    """A node, and beside it what notes each event that it gives out. All else is the node's own."""

    def __init__(self, node: Any, recorder: Recorder) -> None:
        self._node = node
        self._recorder = recorder
        self._start = time.monotonic()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._node, name)

    def __repr__(self) -> str:
        return repr(self._node)

    def _note(self, event: Event | None) -> Event | None:
        if event is not None:
            self._recorder.note(event, time.monotonic() - self._start)
        return event

    def next(self, timeout: float | None = None) -> Event | None:
        return self._note(self._node.next(timeout))

    async def recv_async(self, timeout: float | None = None) -> Event | None:
        return self._note(await self._node.recv_async(timeout))

    def try_recv(self) -> Event | None:
        return self._note(self._node.try_recv())

    def drain(self) -> list[Event]:
        events: list[Event] = self._node.drain()
        for event in events:
            self._note(event)
        return events

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        return self._note(next(self._node))

    def __aiter__(self) -> Any:
        return self

    async def __anext__(self) -> Any:
        return self._note(await anext(self._node))

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: Any) -> None:
        self._node.close()
