"""Nodes in Rust, with the crate rust/dora-node."""

import os
import shutil
import subprocess

import pytest
from conftest import BUILD, DEADLINE, ROOT

pytestmark = [
    pytest.mark.release_only,
    pytest.mark.skipif(not shutil.which("cargo"), reason="there is no cargo"),
]


def cargo(*arguments):
    env = {**os.environ, "CARGO_TARGET_DIR": str(BUILD / "rust"), "DORA_LIB_DIR": str(BUILD / "lib")}
    command = ["cargo", *arguments, "--offline", "--release"]
    done = subprocess.run(
        command, cwd=ROOT / "rust/dora-node", env=env, capture_output=True, text=True, timeout=5 * DEADLINE
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def squares(dora):
    done = cargo("build", "--examples")
    assert "warning" not in done.stderr
    return BUILD / "rust/release/examples/squares"


def test_numbers_and_parameters(flow, run, squares):
    inputs = {"numbers": "source/numbers", "text": "source/text"}
    done = run(
        flow(
            source={"path": str(squares), "args": "source", "outputs": ["numbers", "text"]},
            sink={"path": str(squares), "args": "sink", "inputs": inputs},
        )
    )
    assert done.status == 0, done.stdout + done.stderr
    assert "-2 source" in done.lines("source", None)
    assert "done" in done.lines("source", None)
    lines = done.lines("sink")
    params = '[("factor", Integer(2)), ("names", Strings(["a", "b"])), ("unit", String("m"))]'
    assert sorted(lines[:2]) == ["from a thread", f"i {sum(n * n for n in range(1000))} {params}"]
    assert {"closed numbers", "closed text", "stop AllInputsClosed"} <= set(lines)
    assert lines[-1] == "kept 4000 bytes"


def test_who_is_no_node_is_told_so(squares):
    env = {name: value for name, value in os.environ.items() if name != "DORA_NODE_CONFIG"}
    done = subprocess.run([squares, "sink"], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 1
    assert "DORA_NODE_CONFIG is not set" in done.stderr


def test_the_documentation_compiles(dora):
    assert "1 passed" in cargo("test", "--doc").stdout
