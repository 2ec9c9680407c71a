"""What the README tells to type, as a reader copies it."""

import os
import pathlib
import re
import shlex
import subprocess

import pytest

from conftest import DORA
from system import system  # noqa: F401

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build/release"


@pytest.mark.skipif(not (BUILD / "lib/libdora.a").exists(), reason="build/release is not built")
def test_the_first_dataflow_runs(tmp_path):
    script = re.search(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.S).group(1)
    run = subprocess.run(
        ["sh", "-euc", script],
        cwd=ROOT,
        env={**os.environ, "HOME": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    for number in (1, 2, 3):
        assert f"heard: hello {number}\n" in run.stdout


@pytest.mark.release_only
def test_every_day(tmp_path, system):  # noqa: F811
    section = re.search(r"## Every day\n(.*?)\n## ", (ROOT / "README.md").read_text(), re.S).group(1)
    commands = [shlex.split(line, comments=True)[1:] for line in re.findall(r"^    (dora .*)", section, re.M)]
    assert len(commands) >= 10
    how = {"env": {**os.environ, "PATH": f"{DORA.parent}:{os.environ['PATH']}"}}
    system.dora("new", "hello", cwd=tmp_path, **how)
    for command in commands:
        system.dora(*command, *(["--once"] if command == ["top"] else []), cwd=tmp_path / "hello", **how)
