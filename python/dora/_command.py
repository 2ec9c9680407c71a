"""`dora run` and `dora build`, by the command `dora` of this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import types
from typing import IO, Any

__all__ = ["build", "run"]


def run(dataflow_path: str | os.PathLike[str], uv: bool | None = None, stop_after: float | None = None) -> None:
    """Runs a dataflow until it ends, as `dora run` does, and raises RuntimeError if it doesn't end well.

    What the nodes print goes to standard output. `stop_after`, in seconds, stops it after that time; so does Ctrl-C, which
    raises KeyboardInterrupt once the dataflow has ended. A second Ctrl-C kills its nodes.
    """
    options = ["--uv"] if uv else []
    if stop_after is not None:
        if not 0 <= stop_after < 1e9:
            raise ValueError(f"stop_after is a time in seconds, not {stop_after!r}")
        options += ["--stop-after", f"{round(stop_after * 1e6)}us"]
    _call("run", dataflow_path, options)


def build(
    dataflow_path: str | os.PathLike[str],
    uv: bool | None = None,
    coordinator_addr: str | None = None,
    coordinator_port: int | None = None,
    force_local: bool = False,
) -> None:
    """Runs the build commands of a dataflow's nodes, as `dora build` does; RuntimeError if one fails.

    It always builds here: `coordinator_addr`, `coordinator_port` and `force_local` are there for dora-rs's programs.
    """
    _call("build", dataflow_path, ["--uv"] if uv else [])


def _call(verb: str, path: str | os.PathLike[str], options: list[str]) -> None:
    command = _find()
    for stream in (sys.stdout, sys.stderr):
        if stream:
            stream.flush()
    # The command has its own process group, so that what is typed at a terminal reaches it once, from here.
    process = subprocess.Popen(
        [command, verb, *options, "--", os.fspath(path)],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        process_group=0,
    )
    with process, _Signals(process) as signals:
        assert process.stderr is not None
        said = _pass_on(process.stderr)
        process.wait()
    if signals.last == signal.SIGINT:
        raise KeyboardInterrupt
    if signals.last:
        signal.raise_signal(signals.last)
    elif process.returncode:
        raise RuntimeError(_reason(said, verb, path, process.returncode))


def _reason(said: bytes, verb: str, path: str | os.PathLike[str], status: int) -> str:
    """What the command said of its failure, without what it had said before."""
    text = said.decode(errors="replace").strip()
    start = ("\n" + text).find("\nerror: ")
    if start >= 0:
        return text[start:].removeprefix("error: ")
    how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
    return f"`dora {verb} {path}` {how}" + (f": {text}" if text else "")


def _pass_on(stream: IO[bytes], most: int = 65536) -> bytes:
    """Copies what comes to standard error, and returns the last of it."""
    said = bytearray()
    while piece := os.read(stream.fileno(), 4096):
        said += piece
        del said[:-most]
        sys.stderr.write(piece.decode(errors="replace"))
        sys.stderr.flush()
    return bytes(said)


class _Signals:
    """While it lasts, what asks this process to end asks the command instead."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._before: dict[int, Any] = {}
        self.last: int | None = None

    def _forward(self, number: int, frame: types.FrameType | None) -> None:
        self.last = number
        self._process.send_signal(number)

    def __enter__(self) -> _Signals:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self._before[number] = signal.signal(number, self._forward)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._process.poll() is None:  # an exception of somebody else's
            self._process.terminate()


def _find() -> str:
    """The command: what DORA_BIN names, or `dora` beside the interpreter, or `dora` in PATH."""
    named = os.environ.get("DORA_BIN")
    if named:
        if not os.access(named, os.X_OK):
            raise RuntimeError(f"DORA_BIN names {named}, which is no program; unset it, or let it name the command `dora`")
        return named
    folders = [os.path.dirname(sys.executable or ""), *os.get_exec_path()]
    others = []
    for folder in dict.fromkeys(folders):
        path = os.path.join(folder, "dora")
        if folder and os.path.isfile(path) and os.access(path, os.X_OK):
            if _is_ours(path):
                return path
            others.append(path)
    if others:
        raise RuntimeError(
            f"{others[0]} is the command of another dora, which can't run nodes that use this package; "
            "uninstall that one (`pip uninstall dora-rs-cli`), or let DORA_BIN name the right one"
        )
    raise RuntimeError(
        "the command `dora` is neither beside this Python nor in PATH; the Python package does not contain it: "
        "install dora itself, or let DORA_BIN name the command"
    )


def _is_ours(path: str) -> bool:
    """dora-rs's command has the same name; ours says what protocols it speaks."""
    done = subprocess.run([path, "--version"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    return b"\nwire " in done.stdout
