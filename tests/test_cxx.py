"""Nodes in C++: dora's interface dora-node-api.h, and dora.hpp with Arrow C++."""

import json
import os
import pathlib
import shutil
import subprocess

import pytest
from conftest import BUILD, ROOT

NODES = BUILD / "tests/cxx"
pytestmark = pytest.mark.skipif(not (NODES / "cxx_basic").exists(), reason="no C++ compiler when this was built")


def node(program, role, **keys):
    return {"path": str(NODES / f"cxx_{program}"), "args": role, **keys}


def test_counter_and_reader(flow, run):
    done = run(
        flow(
            counter=node("basic", "counter", inputs={"tick": "dora/timer/millis/5"}, outputs=["counter"]),
            reader=node("basic", "reader", inputs={"counter": {"source": "counter/counter", "queue_size": 100}}),
        )
    )
    assert done.status == 0, done.stdout + done.stderr
    assert done.lines("reader") == ["read " + " ".join(str(n) for n in range(1, 21))]
    said = done.lines("counter")
    assert json.loads(said[0].removeprefix("config ")) == {
        "inputs": {"tick": "dora/timer/millis/5"},
        "outputs": ["counter"],
    }
    assert "counter" in said[1].removeprefix("closed: ")
    assert "that's enough" in done.lines("counter", None), done.stdout
    assert [line for line in done.lines("counter", None) if "elsewhere" in line]


def test_failures_name_the_inputs_they_concern(flow, run):
    done = run(
        flow(
            reader=node("basic", "reader", inputs={"x": "source/counter", "y": "source/counter"}),
            source=node("basic", "fail", inputs={"tick": "dora/timer/secs/1000"}, outputs=["counter"]),
        )
    )
    assert done.status != 0
    assert "failed: source: x y" in done.lines("reader"), done.stdout


def test_senders_of_several_threads(flow, run):
    done = run(
        flow(
            counter=node("basic", "threads", outputs=["counter"]),
            sink=node("basic", "drain", inputs={"counter": {"source": "counter/counter", "queue_size": 1000}}),
        )
    )
    assert done.status == 0, done.stdout + done.stderr
    assert done.lines("sink") == ["drained 400"]


def test_arrow_arrays_and_metadata(flow, run):
    done = run(
        flow(source=node("arrays", "source", outputs=["array"]), sink=node("arrays", "sink", inputs={"in": "source/array"}))
    )
    assert done.status == 0, done.stdout + done.stderr
    lines = done.lines("sink")
    assert lines[0] == "in i: 10 100 1000"
    assert lines[1:10] == [
        "iteration = -7 json -7",
        "multiples = 1 2  json [1,2]",
        'notes = generated from_cpp  json ["generated","from_cpp"]',
        'producer = cpp "node" json "cpp \\"node\\""',
        "successful = true json true",
        'taken = 1500000000 ns json "1970-01-01T00:00:01.500Z"',
        "weight = 0.1 json 0.1",
        "weights = 0.5 1e+300  json [0.5,1e+300]",
        "whole = 2 json 2.0",
    ]
    everything = json.loads(lines[10])
    assert everything["timestamp"] > 0
    assert everything["parameters"]["taken"] == {"Timestamp": "1970-01-01T00:00:01.500Z"}
    assert everything["parameters"]["weights"] == {"ListFloat": [0.5, 1e300]}
    assert lines[11:] == [
        "error: the metadata has no key `missing`",
        "error: the metadata's `producer` is a value of type string, not integer",
    ]


def test_service(flow, run):
    done = run(
        flow(
            client=node("patterns", "client", inputs={"response": "adder/response"}, outputs=["request"]),
            adder=node("patterns", "adder", inputs={"request": "client/request"}, outputs=["response"]),
        )
    )
    assert done.status == 0, done.stdout + done.stderr
    assert done.lines("client") == ["0 + 10 = 10", "1 + 10 = 11", "2 + 10 = 12"]


def test_service_without_waiting(flow, run):
    done = run(
        flow(
            client=node("patterns", "poller", inputs={"response": "adder/response"}, outputs=["request"]),
            adder=node("patterns", "adder", inputs={"request": "client/request"}, outputs=["response"]),
        )
    )
    assert done.status == 0, done.stdout + done.stderr
    assert done.lines("client") == ["total 110"]


def test_action(flow, run):
    caller = {"feedback": "countdown/feedback", "result": "countdown/result"}
    done = run(
        flow(
            caller=node("patterns", "caller", inputs=caller, outputs=["goal"]),
            countdown=node("patterns", "countdown", inputs={"goal": "caller/goal"}, outputs=["feedback", "result"]),
        )
    )
    assert done.status == 0, done.stdout + done.stderr
    assert done.lines("caller") == ["result succeeded", "feedback 2", "feedback 1", "feedback 0"]


@pytest.fixture(scope="module")
def arrow_node(tmp_path_factory):
    """tests/cxx/arrow.cc, built with the Arrow C++ that comes with pyarrow; skipped where there is none."""
    python, compiler = os.environ.get("DORA_TEST_PYTHON"), shutil.which("c++")
    if not python or not compiler:
        pytest.skip("Arrow C++ is not here: DORA_TEST_PYTHON names no Python with pyarrow, or there is no C++ compiler")
    script = "import pyarrow; print(pyarrow.get_include()); print(*pyarrow.get_library_dirs())"
    include, folder = subprocess.run([python, "-c", script], capture_output=True, text=True, check=True).stdout.split()[:2]
    library = sorted(pathlib.Path(folder).glob("libarrow.so*"))[0]
    program = tmp_path_factory.mktemp("arrow") / "node"
    flags = ["-std=c++20", "-Wall", "-Wextra", f"-I{ROOT}/include", "-isystem", include, f"-Wl,-rpath,{folder}"]
    sources = [ROOT / "tests/cxx/arrow.cc", "-o", program, BUILD / "lib/libdora.a", library]
    done = subprocess.run([compiler, *flags, *sources], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return program


@pytest.mark.release_only
def test_arrow_cxx(flow, run, arrow_node):
    done = run(
        flow(
            source={"path": str(arrow_node), "args": "source", "outputs": ["words", "numbers"]},
            sink={"path": str(arrow_node), "args": "sink", "inputs": {"a": "source/words", "b": "source/numbers"}},
        )
    )
    assert done.status == 0, done.stdout + done.stderr
    assert sorted(done.lines("sink")) == ["a string: to,null,be", "b int32: 10,100,1000"]
