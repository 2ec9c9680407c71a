"""The code of an operator: the class `Operator` of a Python file, and the one object of it. The extension calls it."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import time
import traceback
import types
from collections.abc import Callable
from typing import Any

from ._logging import write
from ._types import Event

__all__ = ["CONTINUE", "Code", "provide", "report", "status_of"]

CONTINUE, STOP, STOP_ALL = 0, 1, 2  # the values of DoraStatus, and of whatever has its values
HERE = os.path.dirname(__file__)


class Code:
    """Made by the main thread, in the descriptor's order; then its operator's thread's."""

    _names: set[str] = set()

    def __init__(self, id: str, path: str) -> None:
        self._id, self._path = id, path
        self._name = self._find_name()
        self._module: types.ModuleType | None = None
        self._object: Any = None
        self._recorder: Any = None
        # What a reload has replaced, until the new code has handled an input.
        self._before: tuple[types.ModuleType | None, Any] | None = None

    def _find_name(self) -> str:
        """The module's: that of its file, unless another module has it. The file's folder is one to import from."""
        folder, file = os.path.split(self._path)
        if folder not in sys.path:
            sys.path.append(folder)
        name = os.path.splitext(file)[0].replace(".", "_")
        found = None if name in sys.modules else importlib.util.find_spec(name)
        if name in sys.modules or name in self._names or (found and os.path.realpath(found.origin or "") != os.path.realpath(self._path)):
            name = f"{name}@{self._id}"
        self._names.add(name)
        return name

    def load(self, id: str) -> None:
        """`id` is the host's name of the operator."""
        self._id = id
        self._module, self._object = self._make()

    def _make(self) -> tuple[types.ModuleType, Any]:
        """The file's module as it is now, and an object of its class. Not by `import`, which may take what was compiled
        of an older file."""
        spec = importlib.util.spec_from_file_location(self._name, self._path)
        if not spec:
            raise ImportError(f"{self._path} is no Python file: its name must end in .py")
        module = importlib.util.module_from_spec(spec)
        if self._module:
            # As importlib.reload: names that the new code doesn't bind stay.
            module.__dict__.update({**self._module.__dict__, **module.__dict__})
        with open(self._path, "rb") as file:
            code = compile(file.read(), self._path, "exec", dont_inherit=True)
        sys.modules[self._name] = module
        try:
            exec(code, module.__dict__)
            if "Operator" not in module.__dict__:
                raise ImportError(f"{self._path} has no class `Operator`, which is what an operator is")
            return module, module.Operator()
        except BaseException:
            self._register(self._module)
            raise

    def _register(self, module: types.ModuleType | None) -> None:
        if module:
            sys.modules[self._name] = module
        else:
            sys.modules.pop(self._name, None)

    def join(self, node: Any) -> None:
        """The dataflow is there."""
        provide(self._object, node)
        folder = os.environ.get("DORA_WRITE_EVENTS_TO")
        if folder:
            from ._recording import Recorder

            self._recorder = Recorder(folder, node.node_id().replace("/", "_"))
            self._start = time.monotonic()

    def handle(self, event: Event, send_output: Callable[..., None]) -> int:
        """What the operator makes of an event: CONTINUE, STOP or STOP_ALL."""
        if self._recorder:
            self._recorder.note(event, time.monotonic() - self._start)
        is_reload = event["type"] == "RELOAD"
        if is_reload:
            self._reload()
        try:
            status = status_of(self._object.on_event(event, send_output))
        except Exception as error:
            if not self._before and not is_reload:
                raise
            self._go_back(error)
            return CONTINUE
        if event["type"] == "INPUT":
            self._before = None
        return status

    def _reload(self) -> None:
        """A new object of the new code, which goes on with what the old one has in its attributes."""
        try:
            module, made = self._make()
            made.__dict__.update(self._object.__dict__)
        except Exception as error:
            self._register(self._module)
            self._warn(error, "can't be reloaded, and goes on as it was")
            return
        self._before = self._before or (self._module, self._object)
        self._module, self._object = module, made
        write("info", f"operator `{self._id}`: reloaded {self._path}")

    def _go_back(self, error: Exception) -> None:
        if self._before:
            self._module, self._object = self._before
            self._before = None
            self._register(self._module)
            self._warn(error, "failed as it was reloaded, and goes on as it was before")
        else:
            self._warn(error, "failed as it was reloaded, and goes on")

    def _warn(self, error: Exception, what: str) -> None:
        write("warn", f"operator `{self._id}` {what}:\n{describe(error)}")

    def release(self) -> None:
        """Lets go of the operator's object."""
        self._object = self._before = None


def provide(operator: Any, node: Any) -> None:
    """What an operator finds in itself from its first event on: dora's, and the node unless it has something of that name."""
    operator.dataflow_descriptor = node.dataflow_descriptor()
    if not hasattr(operator, "node"):
        with contextlib.suppress(AttributeError):  # a class with __slots__
            operator.node = node


def status_of(result: Any) -> int:
    value = getattr(result, "value", None)
    if value in (CONTINUE, STOP, STOP_ALL):
        return int(value)
    raise TypeError(
        f"on_event returned {result!r}: it has to return DoraStatus.CONTINUE, or STOP to end the operator "
        "(`from dora import DoraStatus`)"
    )


def describe(error: BaseException) -> str:
    """As Python prints it, without the frames of this package at the top."""
    trace = error.__traceback__
    while trace and os.path.dirname(trace.tb_frame.f_code.co_filename) == HERE:
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace)).rstrip()


def report(error: BaseException) -> str:
    """Prints it, and gives one line that names it."""
    sys.stderr.write(describe(error) + "\n")
    sys.stderr.flush()
    text = str(error).partition("\n")[0]
    line = type(error).__qualname__ + (f": {text}" if text else "")
    return line[:1000].replace("\0", " ").encode("utf-8", "replace").decode()
