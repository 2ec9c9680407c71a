"""What the tests of the Python module share.

DORA_BIN is the `dora` under test (build/release/bin/dora). The module is that in DORA_PYTHON_PATH, else in the build
folder's python/, else the installed one of this interpreter, with which all nodes run unless DORA_TEST_PYTHON names one
(for a build with AddressSanitizer: a script `python` that sets LD_PRELOAD).
"""

import os
import pathlib
import signal
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "conformance")]
sys.dont_write_bytecode = True

import dataflow

ROOT = HERE.parent.parent
# In the background of a script these are ignored, and so they would be in all that is started here. What is handled becomes
# the default there.
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, lambda *_: None)
DORA = pathlib.Path(os.environ.get("DORA_BIN", ROOT / "build/release/bin/dora")).resolve()


@pytest.fixture(scope="session")
def side():
    """This project: its command and its module."""
    if not DORA.exists():
        pytest.fail(f"{DORA} is not built; DORA_BIN names another")
    built = DORA.parent.parent / "python"
    python = os.environ.get("DORA_TEST_PYTHON", sys.executable)
    return dataflow.Side(DORA, python, os.environ.get("DORA_PYTHON_PATH", built if built.exists() else None))


@pytest.fixture
def flow(side, tmp_path):
    """Runs a dataflow to its end: flow(sink=node(…), …) gives id → what the node noted."""

    def run(*args, status=0, seconds=dataflow.DEADLINE, top=None, **nodes):
        with dataflow.Dataflow(side, tmp_path, *args, top=top, **nodes) as started:
            return started.finish(status, seconds)

    return run


@pytest.fixture
def start(side, tmp_path):
    """A dataflow in the background, ended with the test."""
    started = []

    def begin(*args, **how):
        started.append(dataflow.Dataflow(side, tmp_path, *args, **how))
        return started[-1]

    yield begin
    for one in started:
        one.__exit__()
