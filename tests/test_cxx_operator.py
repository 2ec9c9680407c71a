"""Operators in C++: dora's interface dora-operator-api.h with its bridge, and operator.hpp."""

import shlex

import pytest
from conftest import BUILD

BUILT = BUILD / "tests/cxx"
pytestmark = pytest.mark.skipif(not (BUILT / "cxx_words").exists(), reason="no C++ compiler when this was built")


def say(*words):
    return {"path": str(BUILT / "cxx_words"), "args": shlex.join(["say", *words]), "outputs": ["words"]}


def hear(**inputs):
    return {"path": str(BUILT / "cxx_words"), "args": "hear", "inputs": inputs}


def library(kind, **keys):
    inputs = {"words": {"source": "source/words", "queue_size": 100}}
    return {"shared-library": str(BUILT / f"cxx_{kind}"), "outputs": ["said"], "inputs": inputs, **keys}


def of(kind, flow, *words):
    """The dataflow of one operator, between a node that says this and one that hears what comes of it."""
    return flow(source=say(*words), op={"operator": library(kind)}, sink=hear(said="op/said"))


def test_an_operator_of_dora(flow, run):
    done = run(of("bridge", flow, "hello", "there"))
    assert done.status == 0, done.stdout + done.stderr
    assert done.lines("op") == ["on words: hello (1)", "on words: there (2)", "dropped after 2 inputs"]
    heard = done.lines("sink")
    assert heard == ["said: hello 0", "said: there 0", "said: closed: words 0", "said: stop after 2 0"]


def test_an_operator_of_dora_stops_by_itself(flow, run):
    done = run(of("bridge", flow, "hello", "stop", "there"))
    assert done.status == 0, done.stdout + done.stderr
    assert done.lines("sink") == ["said: hello 0"]
    assert done.lines("op")[-1] == "dropped after 2 inputs"


@pytest.mark.parametrize(
    "word, text",
    [
        ("fail", "that was too much"),
        ("throw", "that was out of range"),
        ("throw a number", "something was thrown that isn't derived from std::exception"),
    ],
)
def test_failures_of_an_operator_of_dora(flow, run, word, text):
    done = run(of("bridge", flow, word, "there"))
    assert done.status != 0
    assert text in done.stderr
    [heard] = done.lines("sink")
    assert heard.startswith("failed: op: ") and text in heard
    assert "dropped after 1 inputs" in done.lines("op")


@pytest.mark.parametrize("when, text", [("none", "new_operator() returned no operator"), ("throw in new", "no camera")])
def test_an_operator_of_dora_that_cannot_begin(flow, run, when, text):
    done = run(of("bridge", flow, "hello"), env={"OPERATOR_TEST": when})
    assert done.status != 0
    assert text in done.stderr


def test_an_operator_of_our_own(flow, run):
    done = run(of("native", flow, "hello", "there"))
    assert done.status == 0, done.stdout + done.stderr
    assert done.lines("sink") == ["said: HELLO 1", "said: THERE 2", "said: bye 0"]
    assert done.lines("op", "INFO") == ["made"]


def test_what_an_operator_of_our_own_throws(flow, run):
    done = run(of("native", flow, "throw"))
    assert done.status != 0
    assert "`elsewhere`" in done.stderr
    assert "said: THROW 1" in done.lines("sink")


def test_an_operator_of_our_own_hears_of_failures(flow, run):
    done = run(
        flow(
            source=say("fail"),
            first={"operator": library("bridge")},
            op={"operator": library("native", inputs={"words": "first/said"})},
            sink=hear(said="op/said"),
        )
    )
    assert done.status != 0
    assert [line for line in done.lines("op") if line.startswith("first failed: ") and "too much" in line], done.stdout


def test_both_in_one_process(flow, run):
    """Where each has a class of the same name."""
    from_one = {"source": "host/one/said", "queue_size": 100}
    done = run(
        flow(
            source=say("hello", "there"),
            host={
                "operators": [
                    {"id": "one", **library("bridge")},
                    {"id": "two", **library("native", inputs={"words": from_one})},
                    {"id": "three", **library("bridge", thread="other")},
                ]
            },
            sink=hear(one="host/one/said", two="host/two/said", three="host/three/said"),
        )
    )
    assert done.status == 0, done.stdout + done.stderr
    heard = done.lines("sink")
    assert [line for line in heard if line.startswith("two")] == [
        "two: HELLO 0",
        "two: THERE 0",
        "two: CLOSED: WORDS 0",
        "two: STOP AFTER 2 0",
        "two: bye 0",
    ]
    for id in ("one", "three"):
        assert [line for line in heard if line.startswith(id)] == [
            f"{id}: hello 0",
            f"{id}: there 0",
            f"{id}: closed: words 0",
            f"{id}: stop after 2 0",
        ]


def test_stop_all_ends_the_dataflow(flow, run):
    done = run(
        flow(
            source=say("hello", "stop all"),
            host={
                "operators": [
                    {"id": "one", **library("bridge", inputs={"tick": "dora/timer/secs/1000"})},
                    {"id": "two", **library("native")},
                ]
            },
            sink=hear(one="host/one/said", two="host/two/said"),
        )
    )
    assert done.status == 0, done.stdout + done.stderr
    assert "two: bye 0" in done.lines("sink")  # what `one` says then, the sink may not wait for
