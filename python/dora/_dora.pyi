import datetime
import sys
import types
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, NoReturn, Self, final

from numpy.typing import DTypeLike, NDArray

from ._types import Event, Parameter

__version__: str

@final
class Node:
    """A node of a dataflow. Which one, the environment says that dora gave this process; `node_id` names a dynamic node,
    which joins a dataflow that runs already. Waits until all nodes are there.

    RuntimeError where there is no dataflow to join."""

    def __new__(cls, node_id: str | None = None, daemon_port: int | None = None) -> Self: ...
    def next(self, timeout: float | None = None) -> Event | None:
        """Wait for the next event: a dict, or None when the stream has ended. When `timeout` seconds pass without one,
        the event is of type ERROR."""

    def try_recv(self) -> Event | None:
        """The next event if there is one now, else None."""

    def recv_async(self, timeout: float | None = None) -> Awaitable[Event | None]:
        """As next(), to be awaited in asyncio's event loop."""

    def drain(self) -> list[Event]:
        """All events there are now. RuntimeError when the stream has ended."""

    def is_empty(self) -> bool:
        """Whether no event is there now."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> Event: ...
    def __aiter__(self) -> Self: ...
    def __anext__(self) -> Awaitable[Event]: ...
    def send_output(self, output_id: str, data: Any, metadata: Mapping[str, Parameter] | None = None) -> None:
        """Send bytes, an Arrow array, or whatever can be seen as one: a buffer, a numpy array, a tensor (DLPack), a list.
        The data is copied once, to shared memory. `metadata` travels with it."""

    def send_output_raw(
        self, output_id: str, data_length: int, metadata: Mapping[str, Parameter] | None = None
    ) -> SampleHandler:
        """Shared memory to write bytes to: `with node.send_output_raw("out", 4) as buffer:` sends them at the end of the
        block, unless it raises."""

    def loan(
        self,
        output_id: str,
        shape: int | Sequence[int],
        dtype: DTypeLike = "uint8",
        metadata: Mapping[str, Parameter] | None = None,
    ) -> _Loan:
        """A numpy array in shared memory, of undefined content: `with node.loan("out", (480, 640, 3)) as image:` sends it
        without a copy at the end of the block, unless it raises. Afterwards the array can only be read."""

    def send_service_request(
        self, output_id: str, data: Any, metadata: Mapping[str, Parameter] | None = None
    ) -> str:
        """Send a request, and give its id. Its reply carries the same `request_id` in its metadata."""

    def send_service_response(self, output_id: str, data: Any, metadata: Mapping[str, Parameter]) -> None:
        """Answer a request; `metadata` is that of the request's event."""

    def close_output(self, output_id: str, /) -> None:
        """No more will be sent on this output: its receivers get INPUT_CLOSED."""

    def node_id(self) -> str:
        """This node's id."""

    def node_config(self) -> dict[str, Any]:
        """This node's inputs and outputs."""

    def dataflow_id(self) -> str:
        """The dataflow's UUID."""

    def dataflow_descriptor(self) -> dict[str, Any]:
        """The whole dataflow's descriptor."""

    def is_restart(self) -> bool:
        """Whether this node was restarted, after it failed or ended."""

    def restart_count(self) -> int:
        """How many times; 0 in the first run."""

    def timestamp(self) -> datetime.datetime:
        """Now in UTC, by the node's hybrid logical clock: later than all it has sent or received."""

    def log(
        self,
        level: str,
        message: str,
        target: str | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> None:
        """Log a message of level error, warn, info, debug or trace. `fields` are a dict of what else it says."""

    def log_error(self, message: str, /) -> None: ...
    def log_warn(self, message: str, /) -> None: ...
    def log_info(self, message: str, /) -> None: ...
    def log_debug(self, message: str, /) -> None: ...
    def log_trace(self, message: str, /) -> None: ...
    def close(self) -> None:
        """Leave the dataflow: the outputs end, and nothing can be sent or received any more. Values received stay valid.
        The end of a `with` block, of the last reference or of the process does the same."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
        /,
    ) -> None: ...
    def merge_external_events(self, subscription: object) -> NoReturn:
        """Not part of this build, as are the methods that follow: NotImplementedError."""

    def extension_store(self, *args: Any, **kwargs: Any) -> NoReturn: ...
    def extension_load(self, *args: Any, **kwargs: Any) -> NoReturn: ...
    def extension_drop(self, *args: Any, **kwargs: Any) -> NoReturn: ...
    def drain_dropped_extension_keys(self, *args: Any, **kwargs: Any) -> NoReturn: ...
    def register_tensor_pool(self, *args: Any, **kwargs: Any) -> NoReturn: ...
    def write_tensor_pool(self, *args: Any, **kwargs: Any) -> NoReturn: ...
    def read_tensor_pool(self, *args: Any, **kwargs: Any) -> NoReturn: ...
    def free_tensor_pool(self, *args: Any, **kwargs: Any) -> NoReturn: ...

@final
class SampleHandler:
    """Shared memory to write to, and to send without a copy: see Node.send_output_raw and Node.loan."""

    def as_buffer(self) -> Any:
        """An object to write through, by Python's buffer protocol."""

    def as_memoryview(self) -> memoryview:
        """A memoryview of the bytes. It has to be released before they are sent."""

    def send(self) -> None:
        """Send what was written."""

    def __len__(self) -> int: ...
    if sys.version_info >= (3, 12):
        def __buffer__(self, flags: int, /) -> memoryview: ...

    def __enter__(self) -> Any: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
        /,
    ) -> None: ...

class _Loan:
    """A SampleHandler seen as a numpy array."""

    def send(self) -> None: ...
    def __len__(self) -> int: ...
    def __enter__(self) -> NDArray[Any]: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
        /,
    ) -> None: ...
