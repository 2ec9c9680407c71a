"""Operators in Python, several in a process: what `dora.start_runtime()` runs.

Each operator is a node of its own (docs/operators.md). The first operator's thread is the main one, where windows can be
opened and signals handled; operators that share a thread are served in turn.
"""

from __future__ import annotations

import os
import select
import sys
import threading
from typing import Any

from . import _dora
from ._operator import CONTINUE, STOP, STOP_ALL, Code, describe_failure
from ._types import Event

__all__ = ["start_runtime"]

CONFIG = "DORA_RUNTIME_CONFIG"
STOPPED: Event = {"kind": "dora", "type": "STOP", "id": "MANUAL"}


def start_runtime() -> None:
    """Runs the operators that dora gave this process, until all have ended. SystemExit with status 1 when one failed.

    dora calls this: `operator` or `operators` of a node in a descriptor have it started."""
    # Not for the processes that operators start.
    text = os.environ.pop(CONFIG, None)
    if not text:
        raise RuntimeError(
            f"this process has no operators ({CONFIG} is not set): `dora run` starts those that a descriptor names "
            "under `operator` or `operators`; a node's own program has a loop over the events of dora.Node()"
        )
    if not Host(text).run():
        sys.exit(1)


def parse(text: str) -> list[dict[str, str]]:
    """The operators, each with the keys that its lines have: operator, thread, library or python, connect."""
    found: list[dict[str, str]] = []
    for line in text.split("\n"):
        key, _, value = line.partition(" ")
        if key == "operator":
            found.append({})
        if found:
            found[-1][key] = value
    for described in found:
        if not {"operator", "thread", "connect"} <= described.keys() or not {"python", "library"} & described.keys():
            raise RuntimeError(f"{CONFIG} is not understood by this version of the package dora: {text!r}")
    return found


class Host:
    def __init__(self, text: str) -> None:
        self.is_stopping = False  # set once, by any thread
        self.operators = [Operator(self, described) for described in parse(text)]

    def run(self) -> bool:
        """Whether all ended well."""
        groups: dict[str, list[Operator]] = {}
        for operator in self.operators:
            groups.setdefault(operator.thread, []).append(operator)
        first, *others = groups.values()
        # Daemons, so that an exception of the main thread, such as that of Ctrl-C, ends the process.
        threads = [threading.Thread(target=serve, args=(self, group), daemon=True) for group in others]
        for thread in threads:
            thread.start()
        serve(self, first)
        for thread in threads:
            thread.join()
        return not any(operator.failure for operator in self.operators)

    def stop(self) -> None:
        """All operators get a Stop, and then end."""
        self.is_stopping = True
        for operator in self.operators:
            operator.interrupt()


class Operator:
    """One operator: its code, and the node by which it takes part. Its thread's, but for interrupt()."""

    def __init__(self, host: Host, described: dict[str, str]) -> None:
        self.id, self.thread = described["operator"], described["thread"]
        self.failure: str | None = None
        self._host, self._connect = host, described["connect"]
        self._code = Code(self.id, described["python"])
        self._node: Any = None

    def load(self) -> None:
        try:
            self._code.load()
        except BaseException as error:
            self._fail(error)

    def open(self) -> None:
        """Waits until the whole dataflow is there; so does an operator that has failed, to say so."""
        try:
            node_type: Any = _dora.Node  # of whose methods some are for this file alone
            self._node = node_type._open(self._connect)
            if not self.failure:
                self._code.set_descriptor(self._node.dataflow_descriptor())
        except BaseException as error:
            self._fail(error)

    def begin(self) -> bool:
        """Whether it takes part, once it was opened."""
        if self.failure:
            self._end()
        return not self.failure

    def turn(self, wait: bool) -> bool | None:
        """Handles the next event. Whether the operator goes on; None: there was none."""
        event: Any = None
        try:
            event = STOPPED if self._host.is_stopping else self._node._wait() if wait else self._node._poll()
            if event is False:
                return None
            status = STOP if event is None else self._code.handle(event, self._node.send_output)
        except BaseException as error:
            self._fail(error)
            status = STOP
        if status == CONTINUE and event is not STOPPED:
            return True
        self._end()
        if status == STOP_ALL:
            self._host.stop()
        return False

    def fileno(self) -> int:
        """Readable when turn() has to be called; after that, until it has given None."""
        descriptor: int = self._node._fd()
        return descriptor

    def interrupt(self) -> None:
        """Ends the wait of its thread. Any thread."""
        try:
            if self._node:
                self._node._interrupt()
        except RuntimeError:
            pass  # it has ended meanwhile

    def _fail(self, error: BaseException) -> None:
        if isinstance(error, KeyboardInterrupt):
            raise error
        if self.failure:
            return
        self.failure = one_line(error)
        sys.stderr.write(f"operator `{self.id}` failed:\n{describe_failure(error)}\n")
        sys.stderr.flush()

    def _end(self) -> None:
        self._code.release()
        if self._node:
            if self.failure:
                self._node._fail(self.failure)
            self._node.close()


def one_line(error: BaseException) -> str:
    try:
        text = str(error).partition("\n")[0]
    except Exception:
        text = ""
    name = type(error).__qualname__ + (f": {text}" if text else "")
    return name[:1000].replace("\0", " ").encode("utf-8", "replace").decode()


def serve(host: Host, operators: list[Operator]) -> None:
    """A thread's work: to load its operators one after the other, to open them beside one another, and to hand them their
    events in turn until all have ended."""
    for operator in operators:
        operator.load()
    if len(operators) == 1:
        operators[0].open()
    else:
        openers = [threading.Thread(target=operator.open, daemon=True) for operator in operators]
        for opener in openers:
            opener.start()
        for opener in openers:
            opener.join()
    left = [operator for operator in operators if operator.begin()]
    if len(operators) > 1:
        take_turns(host, left)
    else:
        while left and left[0].turn(wait=True) is not False:
            pass


def take_turns(host: Host, operators: list[Operator]) -> None:
    poll = select.poll()
    descriptors = {operator: operator.fileno() for operator in operators}
    for descriptor in descriptors.values():
        poll.register(descriptor, select.POLLIN)
    while descriptors:
        idle = True
        for operator, descriptor in list(descriptors.items()):
            goes_on = operator.turn(wait=False)
            idle = idle and goes_on is None
            if goes_on is False:
                poll.unregister(descriptor)
                del descriptors[operator]
        # A host that is stopping wakes each operator, and whoever sees that has nothing to wait for.
        if idle and not host.is_stopping:
            poll.poll()
