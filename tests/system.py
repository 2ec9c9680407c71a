"""A coordinator and a daemon of a test's own, and the command line that talks to them.

    from system import system  # noqa: F401

    def test_something(system, flow):
        system.up()
        system.dora("start", flow(...), "--detach", "--name", "one")
        assert [line["name"] for line in system.list()] == ["one"]

Both are gone after the test, and so are their folders.
"""

import contextlib
import fcntl
import json
import os
import pathlib
import pty
import re
import signal
import struct
import subprocess
import tempfile
import termios

import pytest

from conftest import DEADLINE, DORA, actor, until


class Done:
    def __init__(self, status, stdout, stderr):
        self.status, self.stdout, self.stderr = status, stdout, stderr

    def json(self):
        return [json.loads(line) for line in self.stdout.splitlines()]

    def __repr__(self):
        return f"status {self.status}\n{self.stdout}\n{self.stderr}"


class System:
    def __init__(self, folder):
        self.runtime = pathlib.Path(folder) / "run/dora"
        self.state = pathlib.Path(folder) / "state/dora"

    def dora(self, *args, status=0, seconds=DEADLINE, **how):
        """Runs a command to its end and checks its exit status (None: any)."""
        done = subprocess.run(
            [DORA, *args], stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, errors="replace", **how
        )
        done = Done(done.returncode, done.stdout, done.stderr)
        assert status in (None, done.status), f"dora {' '.join(map(str, args))}: {done}"
        return done

    def begin(self, *args, **how):
        """A command in the background, with pipes."""
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen([DORA, *args], text=True, **{**pipes, **how})

    def up(self):
        return self.dora("up")

    def down(self, *args):
        return self.dora("down", *args)

    def start(self, path, *args):
        """Starts a dataflow in the background, until its nodes have joined; gives its UUID."""
        done = self.dora("start", path, "--detach", *args)
        uuid = re.search(r"^dataflow started(?: and finished)?: (\S+)$", done.stdout, re.M).group(1)
        until(lambda: self.status_of(uuid) != "starting", "the beginning of the dataflow")
        return uuid

    def list(self, *args):
        return self.dora("list", "-f", "json", *args).json()

    def status_of(self, uuid):
        return next((line["status"] for line in self.list() if line["uuid"] == uuid), None)

    def pids(self):
        """Of what runs, by its lock."""
        found = {}
        for role in ("coordinator", "daemon"):
            with contextlib.suppress(OSError, ValueError), open(self.runtime / f"{role}.lock") as lock:
                form = "hh4xqqi4x"  # struct flock
                asked = struct.pack(form, fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0)
                if struct.unpack(form, fcntl.fcntl(lock, fcntl.F_OFD_GETLK, asked))[0] != fcntl.F_UNLCK:
                    found[role] = int(lock.read())
        return found


@pytest.fixture
def system(dora, monkeypatch):
    with tempfile.TemporaryDirectory(prefix="dora-system-") as folder:
        for variable, name in (("XDG_RUNTIME_DIR", "run"), ("XDG_STATE_HOME", "state")):
            (pathlib.Path(folder) / name).mkdir(mode=0o700)
            monkeypatch.setenv(variable, f"{folder}/{name}")
        made = System(folder)
        try:
            yield made
        finally:
            made.dora("down", "--force", status=None)
            for pid in made.pids().values():
                os.kill(pid, signal.SIGKILL)
            until(lambda: not made.pids(), "the end of the coordinator and the daemon")
        for log in made.state.glob("*.log"):
            text = log.read_text(errors="replace")
            assert "Sanitizer" not in text and "runtime error:" not in text, text


def said(path, uuid, node):
    """The lines that the node has printed."""
    log = path.parent / "out" / uuid / f"log_{node}.jsonl"
    return [json.loads(line)["msg"] for line in log.read_text().splitlines()] if log.exists() else []


def summary(path, uuid, node, input="in"):
    """What the node's `listen` counted on an input; None while it listens."""
    for line in reversed(said(path, uuid, node)):
        if line.startswith(f"summary {input} "):
            return {key: int(value) for key, value in (pair.split("=") for pair in line.split()[2:])}
    return None


def subscribers(system, node, output):
    rows = system.dora("top", "--once").stdout
    row = next(row for row in json.loads(rows) if row["node"] == node)
    return next(port["subscribers"] for port in row["outputs"] if port["id"] == output)


@pytest.fixture
def stream(system, flow):
    """A running dataflow: source → relay → sink, 100 messages a second."""
    path = flow(
        source=actor("join", "param=speed:float:1.5", "send=out:100000:64:10", outputs=["out"]),
        relay=actor("join", "quiet", "work=300", "echo=fwd", "listen", inputs={"in": "source/out"}, outputs=["fwd"]),
        sink=actor("join", "quiet", "listen", inputs={"in": "relay/fwd"}),
    )
    system.up()
    yield path, system.start(path, "--name", "stream")
    # Its source takes no notice of a Stop.
    system.dora("stop", "--all", "--force", status=None)


class Terminal:
    """A command on a terminal of so many columns."""

    def __init__(self, *args, columns=80, env=None, **how):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process = subprocess.Popen(
            [DORA, *args],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "TERM": "xterm", **(env or {})},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            **how,
        )
        os.close(slave)
        self.bytes = b""
        os.set_blocking(self.master, False)

    @property
    def text(self):
        return self.bytes.decode(errors="replace")

    def read(self):
        with contextlib.suppress(OSError):
            self.bytes += os.read(self.master, 1 << 20)
        return self.text

    def wait_for(self, text):
        until(lambda: text in self.read(), f"{text!r} on the terminal")

    def type(self, text):
        os.write(self.master, text.encode())

    def wait(self):
        """Its exit status; everything it printed is in `text`."""
        until(lambda: (self.read(), self.process.poll() is not None)[1], "the command's end")
        while len(self.text) < len(self.read()):
            pass
        os.close(self.master)
        return self.process.returncode

    def lines(self):
        """What it printed, without colours and what was overwritten."""
        plain = re.sub(r"\x1b\[[0-9;]*[mK]", "", self.text)
        return [line.split("\r")[-1] for line in plain.replace("\r\n", "\n").splitlines()]
