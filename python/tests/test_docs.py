"""docs/python.md: what it shows runs, and prints what it says."""

import json
import re
import subprocess

import pytest
from conftest import DORA, ROOT

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)


def blocks():
    """(kind, name, text); a name is the comment that begins a block."""
    for kind, text in BLOCK.findall((ROOT / "docs/python.md").read_text()):
        first = text.partition("\n")[0]
        yield kind, first.removeprefix("# ") if first.startswith("# ") else None, text


@pytest.fixture
def folder(tmp_path):
    """A folder with all the files in it."""
    for _, name, text in blocks():
        if name:
            (tmp_path / name).write_text(text)
    return tmp_path


def dataflows():
    """(name of the descriptor, the lines that follow it)."""
    listed = list(blocks())
    for (kind, name, _), (following, _, text) in zip(listed, listed[1:]):
        if kind == "yaml":
            yield pytest.param(name, text.splitlines() if following == "text" else [], id=name)


def test_every_block_is_a_file_or_what_comes_of_one():
    assert {kind for kind, name, _ in blocks() if not name} == {"text"}
    used = " ".join(text for kind, _, text in blocks() if kind == "yaml")
    for kind, name, _ in blocks():
        if kind == "python":
            assert name in used or name in ("build_and_run.py", "double.py", "test_double.py")


@pytest.mark.parametrize("name, lines", list(dataflows()))
def test_dataflow(side, folder, name, lines):
    command = [DORA, "run", name, "--log-format", "json"]
    done = subprocess.run(command, cwd=folder, env=side.env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    records = [json.loads(line) for line in done.stdout.splitlines()]
    printed = [" ".join(filter(None, [f"{r['node_id']}:", r["target"], r["message"]])) for r in records]
    assert lines and [line for line in printed if line in lines] == lines, done.stdout


@pytest.mark.parametrize("command", [["build_and_run.py"], ["-m", "pytest", "-q", "-p", "no:cacheprovider", "test_double.py"]])
def test_script(side, folder, command):
    env = {**side.env, "DORA_BIN": str(DORA)}
    done = subprocess.run([side.python, *command], cwd=folder, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert command != ["build_and_run.py"] or "printer: count [3, 9] True" in done.stdout
