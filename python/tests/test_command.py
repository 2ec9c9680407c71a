"""dora.run and dora.build: the command, its failures as exceptions, and what asks it to end."""

import os
import pathlib
import signal
import subprocess
import sys
import textwrap
import time

import pytest
from conftest import DORA

import dora


@pytest.fixture(autouse=True)
def named(monkeypatch):
    monkeypatch.setenv("DORA_BIN", str(DORA))


def script(path, text):
    path.write_text("#!/bin/sh\n" + textwrap.dedent(text))
    path.chmod(0o755)
    return path


@pytest.fixture
def until_stopped(tmp_path):
    """A dataflow of a node that says `ready`, by a file, and ends when it is told to."""
    lines = ["import pathlib", "from dora import Node", "node = Node()", "pathlib.Path('ready').touch()", "list(node)"]
    (tmp_path / "node.py").write_text("\n".join(lines))
    (tmp_path / "dataflow.yml").write_text("nodes: [{id: node, path: node.py, inputs: {tick: dora/timer/hz/1}}]")
    return tmp_path / "dataflow.yml"


@pytest.fixture
def descriptor(tmp_path):
    """descriptor(SHELL) writes a dataflow whose one node does that."""

    def write(text, build=None):
        script(tmp_path / "node.sh", text)
        lines = ["nodes:", "  - id: node", "    path: node.sh", *([f"    build: {build}"] if build else [])]
        (tmp_path / "dataflow.yml").write_text("\n".join(lines) + "\n")
        return tmp_path / "dataflow.yml"

    return write


def test_run(descriptor, tmp_path, capfd):
    assert dora.run(descriptor("echo hello; : >ran")) is None
    assert (tmp_path / "ran").exists()
    assert "hello" in capfd.readouterr().out


def test_a_path_that_looks_like_an_option(descriptor, tmp_path, monkeypatch):
    descriptor(": >ran").rename(tmp_path / "--help")
    monkeypatch.chdir(tmp_path)
    dora.run("--help")
    assert (tmp_path / "ran").exists()


def test_a_failure_says_what_failed(descriptor, capfd):
    with pytest.raises(RuntimeError, match="^Dataflow failed:\n\nNode `node` failed: exited with code 3(.|\n)*oops"):
        dora.run(descriptor("echo oops >&2; exit 3"))
    assert "exited with code 3" in capfd.readouterr().err
    with pytest.raises(RuntimeError, match="nowhere.yml: No such file"):
        dora.run("nowhere.yml")


def test_stop_after(until_stopped, side, monkeypatch):
    for name in ("PATH", "PYTHONPATH"):
        monkeypatch.setenv(name, side.env.get(name, ""))
    dora.run(until_stopped, stop_after=0.2)
    for wrong in (-1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="stop_after"):
            dora.run("dataflow.yml", stop_after=wrong)


def test_build(descriptor, tmp_path):
    path = descriptor("exit 1", build="touch built")
    dora.build(path, coordinator_addr="127.0.0.1", coordinator_port=6013, force_local=True)
    assert (tmp_path / "built").exists()
    with pytest.raises(RuntimeError, match="`false`"):
        dora.build(descriptor("exit 1", build="false"))


PROGRAM = """
import dora, sys
try:
    dora.run(sys.argv[1])
finally:
    print("after", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_ends_the_program_ends_the_dataflow_first(until_stopped, tmp_path, side, number):
    command = [side.python, "-c", PROGRAM, until_stopped]
    env = {**side.env, "DORA_BIN": str(DORA)}
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not (tmp_path / "ready").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == -number, err
    assert (b"KeyboardInterrupt" in err and b"after" in out) == (number == signal.SIGINT)
    assert not list(nodes_of(tmp_path))


def nodes_of(folder):
    """Processes whose working directory this is."""
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if pathlib.Path(os.readlink(entry / "cwd")) == folder:
                yield entry
        except OSError:
            pass


@pytest.mark.parametrize(
    "found, message",
    [
        (None, "neither beside this Python nor in PATH"),
        ("echo dora-cli 1.1.0", "the command of another dora"),
    ],
)
def test_no_command(tmp_path, monkeypatch, found, message):
    monkeypatch.delenv("DORA_BIN")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    if found:
        script(tmp_path / "dora", found)
    with pytest.raises(RuntimeError, match=message):
        dora.run("dataflow.yml")


def test_the_command_beside_the_interpreter(tmp_path, monkeypatch, descriptor):
    monkeypatch.delenv("DORA_BIN")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/dora").symlink_to(DORA)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin/python"))
    dora.run(descriptor("exit 0"))


def test_a_name_that_is_no_program(monkeypatch, tmp_path):
    monkeypatch.setenv("DORA_BIN", str(tmp_path / "nothing"))
    with pytest.raises(RuntimeError, match="DORA_BIN names .*nothing"):
        dora.build("dataflow.yml")
