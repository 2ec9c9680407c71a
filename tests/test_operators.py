"""Operators in shared libraries, through the command: alone, several in a host, several on a thread; how they end and fail."""

import os
import pathlib
import re
import shutil
import signal
import subprocess

import pytest
from conftest import BUILD, actor

OPERATORS = BUILD / "tests/operators"
TELLER = str(OPERATORS / "teller")
TICK = {"tick": "dora/timer/millis/10"}


def teller(library=TELLER, **keys):
    return {"shared-library": library, **keys}


def host(*operators, **keys):
    return {"operators": [{"id": id, **operator} for id, operator in operators], **keys}


def told(done, operator, node=None):
    """What the operator has said, in order."""
    node = node or operator.split("/")[0]
    lines = [line.removeprefix(f"{operator}: ") for line in done.lines(node) if line.startswith(f"{operator}: ")]
    return [line for line in lines if not line.startswith("process ")]


def where(done, operator):
    """Its process and its thread."""
    node = operator.split("/")[0]
    line = next(line for line in done.lines(node) if line.startswith(f"{operator}: process "))
    return [int(number) for number in re.findall(r"\d+", line.removeprefix(operator))]


# ---- One graph, arranged in three ways ----


def chain(way):
    """first → second → sink, and the names of the two."""
    first = teller(inputs=TICK, outputs=["out"])
    second = teller(outputs=["out"])
    if way == "isolated":
        second["inputs"] = {"in": {"source": "first/out", "queue_size": 100}}
        nodes = {"first": {"operator": first}, "second": {"operator": second}}
        names = "first", "second"
    else:
        thread = {"thread": "both"} if way == "one thread" else {}
        second["inputs"] = {"in": {"source": "host/first/out", "queue_size": 100}}
        nodes = {"host": host(("first", first | thread), ("second", second | thread))}
        names = "host/first", "host/second"
    source = {"source": f"{names[1]}/out", "queue_size": 100}
    return {**nodes, "sink": actor("join", "listen", inputs={"in": source})}, names


@pytest.mark.parametrize("way", ["isolated", "shared", "one thread"])
def test_the_same_graph_in_each_arrangement(flow, run, way):
    nodes, (first, second) = chain(way)
    done = run(flow(**nodes), env={"DO_first": "stop@20"})
    assert done.status == 0, done.stdout + done.stderr
    assert told(done, first) == [f"tick {n}" for n in range(1, 21)] + ["dropped"]
    assert told(done, second) == [f"in {n}" for n in range(1, 21)] + ["in closed", "stop", "dropped"]
    assert done.summary("sink")["in"]["count"] == 20
    here, there = where(done, first), where(done, second)
    assert (here[0] == there[0]) == (way != "isolated")
    assert (here[1] == there[1]) == (way == "one thread")


def test_threads_are_named(flow, start):
    nodes = {
        "host": host(
            ("first", teller(inputs=TICK)),
            ("second", teller(inputs=TICK, thread="with a name of more than 15 bytes")),
        ),
        "alone": {"operator": teller(inputs=TICK)},
    }
    running = start(flow(**nodes))
    for node, operator in [("host", "host/first"), ("host", "host/second"), ("alone", "alone")]:
        running.wait_for(node, f"{operator}: tick 1")

    def names(operator):
        tasks = pathlib.Path(f"/proc/{where(running, operator)[0]}/task").iterdir()
        return sorted((task / "comm").read_text().strip() for task in tasks)

    assert names("host/first") == ["first", "with a name of"]
    assert names("alone") == ["alone"]
    assert running.stop() == 0


def test_a_library_knows_its_operators_apart(flow, run):
    """Two operators of one library in one host have a context each."""
    nodes = {"host": host(*((id, teller(inputs=TICK)) for id in ("first", "second")))}
    done = run(flow(**nodes), env={"DO_first": "stop@5", "DO_second": "stop@10"})
    assert done.status == 0, done.stdout + done.stderr
    assert told(done, "host/first") == [f"tick {n}" for n in range(1, 6)] + ["dropped"]
    assert told(done, "host/second") == [f"tick {n}" for n in range(1, 11)] + ["dropped"]


# ---- How they end ----


@pytest.mark.parametrize("thread", [{}, {"thread": "one"}], ids=["own threads", "one thread"])
def test_stop_all_stops_the_dataflow(flow, run, thread):
    nodes = {
        "host": host(
            ("first", teller(inputs=TICK, **thread)),
            ("second", teller(inputs=TICK, **thread)),
            ("third", teller(inputs={"tick": "dora/timer/secs/1000"}, **thread)),
        ),
        "elsewhere": {"operator": teller(inputs=TICK)},
        "sink": actor("join", "listen", inputs=TICK),
    }
    done = run(flow(**nodes), env={"DO_first": "stop_all@5"})
    assert done.status == 0, done.stdout + done.stderr
    assert told(done, "host/first")[-2:] == ["tick 5", "dropped"]
    assert told(done, "host/second")[-2:] == ["stop", "dropped"]
    assert told(done, "host/third")[-2:] == ["stop", "dropped"]
    assert told(done, "elsewhere")[-2:] == ["stop", "dropped"]
    assert "stop MANUAL" in done.lines("sink")
    assert "node `host/first` stops the dataflow" in done.stderr


def test_a_stop_from_outside_reaches_all(flow, start):
    nodes = {
        "host": host(("first", teller(inputs=TICK)), ("second", teller(inputs={"tick": "dora/timer/secs/1000"}))),
        "alone": {"operator": teller(inputs=TICK)},
    }
    running = start(flow(**nodes))
    for node, operator in [("host", "host/first"), ("host", "host/second"), ("alone", "alone")]:
        running.wait_for(node, f"{operator}: tick 1")
    assert running.stop() == 0
    for operator in ("host/first", "host/second", "alone"):
        assert told(running, operator)[-2:] == ["stop", "dropped"]


# ---- How they fail ----


def test_an_error_ends_one_and_the_others_go_on(flow, run):
    nodes = {
        "host": host(
            ("first", teller(inputs=TICK, outputs=["out"])),
            ("second", teller(inputs=TICK | {"in": "host/first/out"})),
        )
    }
    done = run(flow(**nodes), env={"DO_first": "fail@3", "DO_second": "stop@50"})
    assert done.status != 0
    said = told(done, "host/second")
    assert "in closed" in said
    assert said.index("in closed") < said.index("dropped") - 1
    assert "Node `host/first` failed" in done.stderr
    assert "input `tick`: it was told to fail" in done.stderr
    assert "Node `host/second` failed" not in done.stderr
    assert "operator `first`: input `tick`: it was told to fail" in done.lines("host", None)
    assert told(done, "host/first")[-1] == "dropped"


@pytest.mark.parametrize(
    "verb, said", [("fail", "dora_init_operator: its init was told to fail"), ("crash", "it crashed: ")], ids=["fail", "crash"]
)
@pytest.mark.parametrize("way", ["alone", "in a host"])
def test_a_failed_init_fails_the_start(flow, run, way, verb, said):
    first = teller(inputs=TICK)
    nodes = {"first": {"operator": first}} if way == "alone" else {"host": host(("first", first))}
    done = run(flow(**nodes, other=actor("join", "say=joined", "listen", inputs=TICK)), env={"DO_INIT": verb})
    assert done.status != 0
    assert f"operator `first`: {said}" in done.stderr
    assert "joined" not in done.lines("other")
    assert f"Node `{next(iter(nodes))}` failed" in done.stderr


def broken_library(folder, kind):
    """A file that is no operator, and what is said of it."""
    file = folder / "libbroken.so"
    if kind == "another machine":
        data = bytearray((OPERATORS / "libteller.so").read_bytes())
        data[18:20] = (243 if data[18] != 243 else 183).to_bytes(2, "little")
        file.write_bytes(data)
        return "is built for "
    if kind == "text":
        file.write_text("#!/bin/sh\n")
        return "is no shared library"
    shutil.copy(BUILD / "src/operator/liboperator_incomplete.so", file)
    return "has no function `dora_on_event`"


def test_a_library_that_is_not_there_is_an_error_of_the_descriptor(flow, run, tmp_path):
    done = run(flow(first={"operator": teller(str(tmp_path / "missing"), inputs=TICK)}))
    assert done.status != 0
    assert f"there is no shared library `{tmp_path}/libmissing.so`" in done.stderr


@pytest.mark.parametrize("kind", ["another machine", "text", "no function"])
def test_what_is_no_operator_is_named(flow, run, tmp_path, kind):
    said = broken_library(tmp_path, kind)
    nodes = {"host": host(("good", teller(inputs=TICK)), ("bad", teller(str(tmp_path / "broken"), inputs=TICK)))}
    done = run(flow(**nodes))
    assert done.status != 0
    lines = [line for line in done.lines("host", None) if line.startswith("operator `bad`: ")]
    assert len(lines) == 1 and said in lines[0] and str(tmp_path / "libbroken.so") in lines[0], done.stdout + done.stderr
    assert "Node `host` failed" in done.stderr


def check_crash(done, signal_name):
    said = f"it crashed: .*{signal_name}"
    assert done.status != 0
    assert re.search(f"^operator `bad`: {said}", "\n".join(done.lines("host", None)), re.M), done.stdout
    assert re.search(f"Node `host/bad` failed: .*{said}", done.stderr), done.stderr
    assert re.search("Node `host/good` failed: .*lost with its host.*`host/bad`", done.stderr), done.stderr


@pytest.mark.parametrize(
    "way, signal_name",
    [
        ("crash", "SIGSEGV"),
        ("abort", "SIGABRT"),
        # AddressSanitizer ends the process in its own way.
        pytest.param("free_twice", "SIGABRT", marks=pytest.mark.release_only),
    ],
)
@pytest.mark.parametrize("thread", [{}, {"thread": "one"}], ids=["own threads", "one thread"])
def test_a_crash_names_its_operator(flow, run, way, signal_name, thread):
    nodes = {"host": host(*((id, teller(inputs=TICK, **thread)) for id in ("good", "bad")))}
    check_crash(run(flow(**nodes), env={"DO_bad": f"{way}@3"}), signal_name)


@pytest.mark.skipif(not (OPERATORS / "libthrower.so").exists(), reason="no C++ compiler when this was built")
def test_an_exception_out_of_the_c_interface_is_a_crash(flow, run):
    bad = teller(str(OPERATORS / "thrower"), inputs=TICK)
    done = run(flow(host=host(("good", teller(inputs=TICK)), ("bad", bad))))
    check_crash(done, "SIGABRT")
    assert "nobody catches this" in "\n".join(done.lines("host", None))


def test_an_operator_that_blocks_is_named_when_it_is_killed(flow, start):
    nodes = {"host": host(*((id, teller(inputs=TICK)) for id in ("good", "bad")))}
    running = start(flow(**nodes), env={"DO_bad": "hang@3"})
    running.wait_for("host", "host/bad: tick 3")
    running.send_signal()
    running.wait_for("host", "host/good: dropped")
    assert told(running, "host/good")[-2:] == ["stop", "dropped"]
    assert told(running, "host/bad")[-1] == "tick 3"
    running.send_signal()  # no more patience
    assert running.wait() != 0
    assert "Node `host/bad` failed: was killed" in running.stderr
    assert "Node `host/good` failed" not in running.stderr


def test_who_is_busy_is_named_when_the_host_is_terminated(flow, start):
    nodes = {"host": host(("good", teller(inputs={"tick": "dora/timer/secs/1000"})), ("bad", teller(inputs=TICK)))}
    running = start(flow(**nodes), env={"DO_bad": "hang@3"})
    running.wait_for("host", "host/bad: tick 3")
    running.wait_for("host", "host/good: tick 1")
    os.kill(where(running, "host/bad")[0], signal.SIGTERM)
    assert running.wait() != 0
    said = running.lines("host", None)
    assert "operator `bad`: it is still busy, and its host is told to end (SIGTERM)" in said


def test_the_host_says_what_it_is(dora):
    runtime = BUILD / "libexec/dora/dora-runtime"
    env = {name: value for name, value in os.environ.items() if name != "DORA_RUNTIME_CONFIG"}
    done = subprocess.run([runtime], capture_output=True, text=True, env=env)
    assert done.returncode == 1
    assert "started by the daemon" in done.stderr
    assert subprocess.run([runtime, "--version"], capture_output=True).stdout.startswith(b"dora-runtime ")
