"""A node without a daemon: what replayed nodes (`_replay`) and mock nodes (`testing`) have in common."""

from __future__ import annotations

import asyncio
import datetime
import time
import types
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    import numpy
    import pyarrow as pa

Event = dict[str, Any]

__all__ = ["Event", "OfflineNode", "as_array"]


def as_array(data: Any) -> pa.Array:
    """What a node would send, as the Arrow array that receivers would get."""
    import pyarrow as pa

    from ._convert import to_arrow

    if data is None:
        return pa.nulls(0)
    if isinstance(data, pa.Array):
        return data
    if hasattr(data, "__arrow_c_array__"):
        return pa.array(data)
    if not isinstance(data, (bytes, bytearray, memoryview)):
        data = to_arrow(data)
        if isinstance(data, pa.Array):
            return data
    if hasattr(data, "dtype"):
        return pa.array(data)
    buffer = pa.py_buffer(data)
    return pa.Array.from_buffers(pa.uint8(), buffer.size, [None, buffer])


def timeout_event() -> Event:
    """What a node gets that has waited in vain."""
    return {"kind": "dora", "type": "ERROR", "error": "Timeout event stream error: Receiver timed out"}


class OfflineNode:
    """Everything of `dora.Node` but where events come from and outputs go to: `_wait`, `_take` and `_put`."""

    _node_id = "node"
    _dataflow_id = ""
    _node_config: Mapping[str, Any] = {}
    _descriptor: Mapping[str, Any] = {}
    _restart_count = 0
    _is_restart = False

    def _wait(self) -> float | None:
        """For how many seconds there is no event; None: there are no more."""
        raise NotImplementedError

    def _take(self) -> Event:
        """The next event, for which `_wait` was 0 or less."""
        raise NotImplementedError

    def _put(self, output_id: str, data: Any, metadata: dict[str, Any]) -> None:
        raise NotImplementedError

    # Receiving

    def _pause(self, timeout: float | None) -> tuple[float, bool] | None:
        """How long to sleep and whether there is an event then; None at the end."""
        if timeout is not None and not timeout >= 0:
            raise ValueError(f"a timeout is a number of seconds, at least 0, not {timeout!r}")
        wait = self._wait()
        if wait is None:
            return None
        if timeout is not None and timeout < wait:
            return timeout, False
        return max(wait, 0), True

    def next(self, timeout: float | None = None) -> Event | None:
        pause = self._pause(timeout)
        if pause is None:
            return None
        if pause[0]:
            time.sleep(pause[0])
        return self._take() if pause[1] else timeout_event()

    async def recv_async(self, timeout: float | None = None) -> Event | None:
        pause = self._pause(timeout)
        if pause is None:
            return None
        await asyncio.sleep(pause[0])
        return self._take() if pause[1] else timeout_event()

    def is_empty(self) -> bool:
        wait = self._wait()
        return wait is None or wait > 0

    def try_recv(self) -> Event | None:
        return None if self.is_empty() else self._take()

    def drain(self) -> list[Event]:
        events = []
        while (event := self.try_recv()) is not None:
            events.append(event)
        return events

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Event:
        event = self.next()
        if event is None:
            raise StopIteration
        return event

    def __aiter__(self) -> Any:
        return self

    async def __anext__(self) -> Event:
        event = await self.recv_async()
        if event is None:
            raise StopAsyncIteration
        return event

    # Sending

    def send_output(self, output_id: str, data: Any, metadata: dict[str, Any] | None = None) -> None:
        self._put(output_id, data, dict(metadata or {}))

    def send_output_raw(self, output_id: str, data_length: int, metadata: dict[str, Any] | None = None) -> SampleHandler:
        return SampleHandler(self, output_id, bytearray(data_length), metadata)

    def loan(
        self, output_id: str, shape: Any, dtype: Any = "uint8", metadata: dict[str, Any] | None = None
    ) -> Loan:
        return Loan(self, output_id, shape, dtype, metadata)

    def send_service_request(self, output_id: str, data: Any, metadata: dict[str, Any] | None = None) -> str:
        request_id = str(uuid.uuid4())
        self._put(output_id, data, {**(metadata or {}), "request_id": request_id})
        return request_id

    def send_service_response(self, output_id: str, data: Any, metadata: dict[str, Any]) -> None:
        self._put(output_id, data, dict(metadata))

    def close_output(self, output_id: str) -> None:
        pass

    # Logs

    def log(self, level: str, message: str, target: str | None = None, fields: dict[str, str] | None = None) -> None:
        from ._logging import write

        write(level.lower(), message, target, fields)

    def log_error(self, message: str) -> None:
        self.log("error", message)

    def log_warn(self, message: str) -> None:
        self.log("warn", message)

    def log_info(self, message: str) -> None:
        self.log("info", message)

    def log_debug(self, message: str) -> None:
        self.log("debug", message)

    def log_trace(self, message: str) -> None:
        self.log("trace", message)

    # What the node is

    def node_id(self) -> str:
        return self._node_id

    def dataflow_descriptor(self) -> dict[str, Any]:
        return dict(self._descriptor)

    def dataflow_id(self) -> str:
        return self._dataflow_id

    def node_config(self) -> dict[str, Any]:
        return dict(self._node_config)

    def is_restart(self) -> bool:
        return self._is_restart

    def restart_count(self) -> int:
        return self._restart_count

    def timestamp(self) -> datetime.datetime:
        return datetime.datetime.now(datetime.timezone.utc)

    def close(self) -> None:
        pass

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def merge_external_events(self, subscription: Any) -> NoReturn:
        raise NotImplementedError("a node without a dataflow has no bridge to ROS 2")


class SampleHandler:
    """Memory to write a message into; leaving the `with` block without an error sends it."""

    def __init__(self, node: OfflineNode, output_id: str, memory: bytearray, metadata: dict[str, Any] | None) -> None:
        self._node = node
        self._output_id = output_id
        self._memory = memory
        self._metadata = metadata
        self._is_sent = False

    def as_buffer(self) -> bytearray:
        return self._memory

    def as_memoryview(self) -> memoryview:
        return memoryview(self._memory)

    def __len__(self) -> int:
        return len(self._memory)

    def send(self) -> None:
        if self._is_sent:
            raise RuntimeError("this sample was sent already")
        self._is_sent = True
        self._node.send_output(self._output_id, bytes(self._memory), self._metadata)

    def __enter__(self) -> bytearray:
        return self._memory

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None) -> None:
        if kind is None and not self._is_sent:
            self.send()


class Loan:
    """A numpy array to write a message into; leaving the `with` block without an error sends it."""

    def __init__(self, node: OfflineNode, output_id: str, shape: Any, dtype: Any, metadata: dict[str, Any] | None) -> None:
        import numpy

        self._node = node
        self._output_id = output_id
        self._metadata = metadata
        self._array = numpy.zeros(shape, dtype)

    def __enter__(self) -> numpy.ndarray[Any, Any]:
        return self._array

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None) -> None:
        if kind is None:
            self._node.send_output(self._output_id, self._array, self._metadata)
