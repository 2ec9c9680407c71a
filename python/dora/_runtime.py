"""Operators, several in a process: what `dora.start_runtime()` runs. The host of operators is in C (src/operator)."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import sys
from typing import Any

from . import _dora, _logging
from ._operator import Code

__all__ = ["start_runtime"]

CONFIG = "DORA_RUNTIME_CONFIG"


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
    # Ctrl-C ends the process, also where no operator of the main thread is in Python.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    # An operator that crashes in code of another language is named by the host; this says where it was in Python's.
    with contextlib.suppress(Exception):
        faulthandler.enable()
    _logging.install()
    extension: Any = _dora  # which has more than its stubs say
    if extension._run_operators(text, codes(text)):
        sys.exit(1)


def codes(config: str) -> dict[str, Code]:
    """Of the operators in Python, by what each connects with."""
    found = {}
    given: dict[str, str] = {}
    for line in config.split("\n"):
        key, _, value = line.partition(" ")
        given = {} if key == "operator" else given
        given[key] = value
        if key == "connect" and "python" in given:
            found[value] = Code(given["operator"], given["python"])
    return found
