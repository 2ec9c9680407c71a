"""Operators in Python: what they are given, what becomes of what they return and raise, and how they are loaded."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time

import dataflow
import pytest
from conftest import ROOT

PRELUDE = """
import os
from dora import DoraStatus
from node import Notes
note = Notes(os.environ["DORA_TEST_NOTES"])
"""
TICK = "dora/timer/millis/10"


def until(condition, what):
    deadline = time.monotonic() + dataflow.DEADLINE
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what} never came to be"
        time.sleep(0.01)
    return found


@pytest.fixture
def write(tmp_path):
    """Writes a Python file."""

    def to(name, text, prelude=PRELUDE):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(prelude + textwrap.dedent(text))
        return path

    return to


@pytest.fixture
def env(side):
    """What operators need to note something."""
    return {"PYTHONPATH": os.pathsep.join(filter(None, [side.env.get("PYTHONPATH"), str(dataflow.HERE)]))}


@pytest.fixture
def operator(write, env):
    """A node of one operator, which is written to a file."""

    def describe(text, inputs=None, outputs=None, name="op.py", **keys):
        ports = {**({"inputs": inputs} if inputs else {}), **({"outputs": outputs} if outputs else {})}
        return {"operator": {"python": write(name, text) and name, **ports}, "env": env, **keys}

    return describe


@pytest.fixture
def program(write, env):
    def describe(text, name="program.py", **keys):
        return {"path": write(name, "from dora import Node\n" + textwrap.dedent(text)).name, "env": env, **keys}

    return describe


COUNTER = """
    class Operator:
        def __init__(self):
            self.count = 0

        def on_event(self, dora_event, send_output):
            if dora_event["type"] == "INPUT":
                self.count += 1
                send_output("count", [self.count], {"from": dora_event["id"]})
            return DoraStatus.STOP if self.count == 3 else DoraStatus.CONTINUE
"""
SINK = """
    node = Node()
    for number, event in enumerate(node):
        event.get("metadata", {}).pop("timestamp", None)
        note(str(number), event)
"""


def test_events(flow, operator, program):
    """What an operator is given, and what comes of what it sends."""
    found = flow(
        source=program(
            """
            node = Node()
            node.send_output("out", b"12", {"key": "value"})
            """,
            outputs=["out"],
        ),
        op=operator(
            """
            import threading
            import pyarrow as pa

            note("module", __name__)
            note("thread", threading.current_thread() is threading.main_thread())

            class Operator:
                def on_event(self, dora_event, send_output):
                    event = dict(dora_event)
                    if event["type"] == "INPUT":
                        note("descriptor", [node["id"] for node in self.dataflow_descriptor["nodes"]])
                        note("value", event.pop("value"))
                        note("timestamp", event["metadata"].pop("timestamp"))
                        note.call("bytes", send_output, "out", b"bytes")
                        note.call("array", send_output, "out", pa.array([1.5, None]), {"flag": True})
                        note.call("forwarded", send_output, "out", dora_event["value"], dora_event["metadata"])
                        note.call("undeclared", send_output, "other", b"")
                        note.call("no array", send_output, "out", object())
                    note(event["type"], event)
                    return DoraStatus.CONTINUE
            """,
            inputs={"in": "source/out"},
            outputs=["out"],
        ),
        sink=program(SINK, name="sink.py", inputs={"in": {"source": "op/out", "queue_size": 100}}),
    )
    done = found["op"]
    assert done["module"] == "op" and done["thread"] is True
    assert done["descriptor"] == ["source", "op", "sink"]
    assert done["value"] == {"UInt8Array": "uint8", "values": [49, 50]} and done["timestamp"] == {"datetime": "UTC"}
    assert done["INPUT"] == {"kind": "dora", "type": "INPUT", "id": "in", "metadata": {"key": "value"}}
    assert done["INPUT_CLOSED"] == {"kind": "dora", "type": "INPUT_CLOSED", "id": "in"}
    assert done["STOP"] == {"kind": "dora", "type": "STOP", "id": "ALL_INPUTS_CLOSED"}
    assert done["bytes"] is None and done["undeclared"] is None and done["no array"]["raises"] == "RuntimeError"
    values = [(event["value"]["values"], event["metadata"]) for event in found["sink"].values() if event["type"] == "INPUT"]
    assert values[:2] == [(list(b"bytes"), {}), ([1.5, None], {"flag": True})]
    assert values[2] == ([49, 50], {"key": "value"}) and len(values) == 3


def test_stop(flow, operator, program):
    """An operator that says STOP has ended, and well."""
    found = flow(
        counter=operator(COUNTER, {"tick": TICK}, ["count"]),
        sink=program(SINK, name="sink.py", inputs={"count": {"source": "counter/count", "queue_size": 100}}),
    )
    events = list(found["sink"].values())
    assert [event["value"]["values"] for event in events[:3]] == [[1], [2], [3]]
    assert events[0]["metadata"] == {"from": "tick"}
    assert [event["type"] for event in events[3:]] == ["INPUT_CLOSED", "STOP"]


def test_asked_to_stop(start, operator):
    started = start(
        op=operator(
            """
            class Operator:
                def on_event(self, dora_event, send_output):
                    note(dora_event["type"], dora_event["id"])
                    return DoraStatus.CONTINUE

                def __del__(self):
                    note("gone", True)
            """,
            {"tick": TICK},
        ),
    )
    until(lambda: started.notes("op"), "the operator")
    started.process.send_signal(signal.SIGINT)
    assert started.finish()["op"] == {"INPUT": "tick", "STOP": "MANUAL", "gone": True}


FAILURES = {
    "raises": ("def on_event(self, event, send_output): 1 / 0", "ZeroDivisionError: division by zero"),
    "returns nothing": (
        "def on_event(self, event, send_output): pass",
        "TypeError: on_event returned None: it has to return DoraStatus.CONTINUE",
    ),
    "returns a number": ("def on_event(self, event, send_output): return 0", "TypeError: on_event returned 0"),
    "exits": ("def on_event(self, event, send_output): raise SystemExit(0)", "SystemExit: 0"),
    "init raises": ("def __init__(self): raise ValueError('no camera')", "ValueError: no camera"),
    "init with an argument": ("def __init__(self, wanted): pass", "TypeError: Operator.__init__() missing 1 required"),
    "no method": ("pass", "AttributeError: 'Operator' object has no attribute 'on_event'"),
}


def ended_badly(start, why, **nodes):
    started = start(**nodes)
    assert started.finish(status=1) is not None
    assert why in started.printed, started.printed
    return started


@pytest.mark.parametrize("case", FAILURES)
def test_failures(start, operator, case):
    body, why = FAILURES[case]
    started = ended_badly(start, why, bad=operator(f"class Operator:\n    {body}\n", {"tick": TICK}))
    assert "operator `bad`: " in started.printed


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("import missing_module", "ModuleNotFoundError: No module named 'missing_module'"),
        ("class Operator", "SyntaxError"),
        ("class Operators: pass", "op.py has no class `Operator`"),
    ],
)
def test_files_that_are_no_operator(start, operator, text, why):
    ended_badly(start, why, op=operator(text, {"tick": TICK}))


def test_a_failure_is_told(start, operator, program):
    """Whoever listens to an operator that fails learns why."""
    started = start(
        op=operator(
            """
            def compute():
                raise RuntimeError("the lens\\nis dirty")

            class Operator:
                def on_event(self, dora_event, send_output):
                    compute()
            """,
            {"tick": TICK},
            ["out"],
        ),
        sink=program(SINK, name="sink.py", inputs={"in": "op/out"}),
    )
    found = started.finish(status=1)
    failed = next(event for event in found["sink"].values() if event["type"] == "NODE_FAILED")
    assert failed["id"] == "op" and "RuntimeError: the lens" in failed["value"]["error"]
    assert 'in compute\n' in started.printed and "_runtime.py" not in started.printed


def test_ended_by_a_signal(start, operator):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        started = start(
            op=operator(
                """
                class Operator:
                    def on_event(self, dora_event, send_output):
                        note("pid", os.getpid())
                        return DoraStatus.CONTINUE
                """,
                {"tick": TICK},
            )
        )
        os.kill(until(lambda started=started: started.notes("op").get("pid"), "the operator"), number)
        started.finish(status=1)
        assert signal.Signals(number).name in started.printed
        started.notes_path("op").unlink()


@pytest.mark.parametrize("what", ["note", "exit"])
def test_handlers_of_signals(start, operator, what):
    """They run also where no event comes, and may end the process."""
    started = start(
        op=operator(
            """
            import signal
            import sys

            def handle(number, frame):
                note("handled", number)
                if WHAT == "exit":
                    sys.exit(0)

            class Operator:
                def __init__(self):
                    signal.signal(signal.SIGUSR1, handle)

                def on_event(self, dora_event, send_output):
                    note("pid", os.getpid())
                    return DoraStatus.CONTINUE
            """.replace("WHAT", repr(what)),
            {"tick": "dora/timer/secs/1000"},
        )
    )
    os.kill(until(lambda: started.notes("op").get("pid"), "the operator"), signal.SIGUSR1)
    until(lambda: started.notes("op").get("handled") == signal.SIGUSR1, "the handler")
    if what == "note":
        started.process.send_signal(signal.SIGINT)
    started.finish(status=0)


def test_names_of_modules(flow, operator, write):
    """A file may be named as a module of Python's, and import what lies beside it."""
    write("operators/beside.py", "WHAT = 'beside'", prelude="")
    found = flow(
        op=operator(
            """
            import statistics
            import sys
            from beside import WHAT

            class Operator:
                def on_event(self, dora_event, send_output):
                    note("ours", sys.modules[type(self).__module__].__file__)
                    note("Python's", statistics.mean([1, 3]))
                    note("beside", WHAT)
                    return DoraStatus.STOP
            """,
            {"tick": TICK},
            name="operators/statistics.py",
        )
    )
    assert found["op"]["ours"].endswith("/operators/statistics.py")
    assert found["op"]["Python's"] == 2 and found["op"]["beside"] == "beside"


def test_without_a_dataflow(side):
    """By hand, it says what it is for."""
    code = "import dora; dora.start_runtime()"
    done = subprocess.run([side.python, "-c", code], env=side.env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "RuntimeError: this process has no operators (DORA_RUNTIME_CONFIG is not set)" in done.stderr


def test_its_node(flow, operator, program):
    """What dora's interface doesn't have, an operator's node does, but for what is the host's."""
    found = flow(
        op=operator(
            """
            import threading

            class Operator:
                def on_event(self, dora_event, send_output):
                    note("id", self.node.node_id())
                    note("inputs", self.node.node_config()["inputs"])
                    for name in ("next", "try_recv", "drain", "is_empty", "close"):
                        note.call(name, getattr(self.node, name))
                    with self.node.loan("out", (2, 2), "uint8", {"way": "loan"}) as loan:
                        loan[:] = 7
                    request = self.node.send_service_request("out", b"?", {"way": "request"})
                    note("request", len(request))
                    self.thread = threading.Thread(target=send_output, args=("out", b"thread", {"way": "thread"}))
                    self.thread.start()
                    self.thread.join()
                    return DoraStatus.STOP
            """,
            {"tick": TICK},
            ["out"],
        ),
        sink=program(SINK, name="sink.py", inputs={"in": {"source": "op/out", "queue_size": 10}}),
    )
    op = found["op"]
    assert op["id"] == "op" and "tick" in op["inputs"] and op["request"] == 36
    for name in ("next", "try_recv", "drain", "is_empty", "close"):
        assert op[name] == {"raises": "RuntimeError"}
    ways = [event["metadata"].get("way") for event in found["sink"].values() if event["type"] == "INPUT"]
    assert ways == ["loan", "request", "thread"]


def test_threads_of_an_operator_end_with_it(flow, operator, program):
    """A thread that sends for ever, also while it waits for room, is refused once the operator has stopped."""
    found = flow(
        op=operator(
            """
            import threading

            class Operator:
                thread = None

                def send(self, send_output):
                    try:
                        while True:
                            send_output("out", b"more")
                    except RuntimeError as error:
                        note("refused", True)

                def on_event(self, dora_event, send_output):
                    if self.thread:
                        return DoraStatus.STOP
                    self.thread = threading.Thread(target=self.send, args=(send_output,))
                    self.thread.start()
                    return DoraStatus.CONTINUE
            """,
            {"tick": TICK},
            ["out"],
        ),
        sink=program(
            """
            node = Node()
            for event in node:
                if event["type"] == "INPUT_CLOSED":
                    note("closed", True)
            """,
            name="sink.py",
            inputs={"in": {"source": "op/out", "queue_size": 2, "queue_policy": "backpressure"}},
        ),
    )
    assert found["op"] == {"refused": True} and found["sink"] == {"closed": True}


def test_events_are_recorded(side, flow, operators, tmp_path):
    side.env["DORA_WRITE_EVENTS_TO"] = str(tmp_path / "recorded")
    try:
        flow(host=operators(one=(FORWARD, {"inputs": {"tick": TICK}, "outputs": ["out"]})))
    finally:
        del side.env["DORA_WRITE_EVENTS_TO"]
    recorded = json.loads((tmp_path / "recorded/inputs-host_one.json").read_text())
    assert [(event["type"], event["id"]) for event in recorded["events"]] == [("Input", "tick")] * 3


# ---- Hot reload

VERSION = """
    {extra}
    class Operator:
        def __init__(self):
            self.count = 0
            self.made_by = "{version}"
            self.{version} = True
        def on_event(self, dora_event, send_output):
            {body}
            self.count += dora_event["type"] == "INPUT"
            note("{version} " + dora_event["type"], [self.count, self.made_by, sorted(vars(self))])
            return DoraStatus.CONTINUE
"""


def version(name, body="pass", extra=""):
    return VERSION.format(version=name, body=body, extra=extra)


@pytest.fixture
def reloading(start, operator, write):
    """A dataflow with one operator, and what writes another version over its file."""

    def begin(text):
        started = start("--hot-reload", op=operator(text, {"tick": TICK}))
        until(lambda: started.notes("op"), "the operator")
        return started

    return begin


def notes_of(started, name):
    return until(lambda: started.notes("op").get(name), name)


def test_reload(reloading, write, tmp_path):
    started = reloading(version("one"))
    before = notes_of(started, "one INPUT")[0]
    write("op.py", version("two"))
    assert notes_of(started, "two RELOAD")[0] >= before
    count, made_by, names = notes_of(started, "two INPUT")
    # What the old one has lies over what the new one made.
    assert count > before and made_by == "one"
    assert names == ["count", "dataflow_descriptor", "made_by", "node", "one", "two"]

    # As many editors do.
    write("other.py", version("three")).rename(tmp_path / "op.py")
    assert notes_of(started, "three INPUT")[0] > count
    started.process.send_signal(signal.SIGINT)
    started.finish(status=None)
    assert f"operator `op`: reloaded {tmp_path}/op.py" in started.printed


def test_reload_of_one_of_several(start, operators, write):
    tick = {"inputs": {"tick": TICK}}
    started = start("--hot-reload", host=operators(one=(version("one"), dict(tick)), other=(version("other"), dict(tick))))
    until(lambda: {"one INPUT", "other INPUT"} <= started.notes("host").keys(), "both operators")
    write("one.py", version("two"))
    count = until(lambda: started.notes("host").get("two INPUT"), "the new operator")[0]
    assert count > 1
    started.process.send_signal(signal.SIGINT)
    found = started.finish(status=0)["host"]
    assert "other INPUT" in found and "other RELOAD" not in found


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("class Operator", "SyntaxError"),
        ("1 / 0", "ZeroDivisionError"),
        (version("bad", body="raise ValueError('not yet')"), "ValueError: not yet"),
        (version("bad", body="if dora_event['type'] == 'INPUT': helper()", extra="def helper(): return 1 / 0"), "in helper"),
    ],
)
def test_reload_of_what_fails(reloading, write, text, warning):
    """The old code goes on, until there is better."""
    started = reloading(version("one", body="helper()", extra="def helper(): pass"))
    write("op.py", text)
    until(lambda: warning in started.printed, warning)
    count = notes_of(started, "one INPUT")[0]
    until(lambda: started.notes("op")["one INPUT"][0] > count, "the old code")
    write("op.py", version("two"))
    assert notes_of(started, "two INPUT")[0] > count
    started.process.send_signal(signal.SIGINT)
    started.finish(status=0)


def test_a_later_failure_is_one(reloading, write):
    """Code that has handled an input is as responsible as the first."""
    started = reloading(version("one"))
    late = "if 'two INPUT' in seen: 1 / 0\n            seen.add('two ' + dora_event['type'])"
    write("op.py", version("two", body=late, extra="seen = set()"))
    started.finish(status=1)
    assert "ZeroDivisionError" in started.printed and "two INPUT" in started.notes("op")


# ---- Several in a process


@pytest.fixture
def operators(write, env):
    """A node of several operators: name → (text, the keys of a descriptor)."""

    def describe(**listed):
        described = []
        for name, (text, keys) in listed.items():
            file = keys.pop("file", f"{name}.py")
            write(file, f"ME = {name!r}\n" + textwrap.dedent(text))
            described.append({"id": name, "python": file, **keys})
        return {"operators": described, "env": env}

    return describe


FORWARD = """
    import threading

    note(ME + " thread", threading.current_thread().name)

    class Operator:
        count = 0

        def on_event(self, dora_event, send_output):
            note(f"{ME} {dora_event['type']}", dora_event["id"])
            if dora_event["type"] == "INPUT":
                self.count += 1
                send_output("out", [*dora_event["value"].to_pylist(), self.count], dora_event["metadata"])
                note(ME + " got", dora_event["value"])
            return DoraStatus.STOP if self.count == 3 else DoraStatus.CONTINUE
"""


@pytest.mark.parametrize("threads", [("a", "b", "c"), ("a", "a", "a"), ("a", "b", "a")])
def test_a_chain(flow, operators, program, threads):
    queue = {"queue_size": 10}
    found = flow(
        host=operators(
            one=(FORWARD, {"inputs": {"tick": TICK}, "outputs": ["out"], "thread": threads[0]}),
            two=(FORWARD, {"inputs": {"in": {"source": "host/one/out", **queue}}, "outputs": ["out"], "thread": threads[1]}),
            three=(FORWARD, {"inputs": {"in": {"source": "host/two/out", **queue}}, "outputs": ["out"], "thread": threads[2]}),
        ),
        sink=program(SINK, name="sink.py", inputs={"in": {"source": "host/three/out", **queue}}),
    )
    values = [event["value"]["values"] for event in found["sink"].values() if event["type"] == "INPUT"]
    assert values == [[1, 1, 1], [2, 2, 2], [3, 3, 3]]
    host = found["host"]
    assert host["one INPUT"] == "tick" and host["two INPUT"] == "in"
    names = [host[f"{name} thread"] for name in ("one", "two", "three")]
    assert [names.index(name) for name in names] == [threads.index(name) for name in threads]
    assert names[0] == "MainThread"


def test_one_fails(start, operators, program):
    """The others go on, and who listens to it hears of it."""
    started = start(
        host=operators(
            bad=("class Operator:\n    def on_event(self, event, send_output): 1 / 0", {"inputs": {"tick": TICK}, "outputs": ["out"]}),
            good=(FORWARD, {"inputs": {"tick": TICK}, "outputs": ["out"]}),
            listener=(
                """
                class Operator:
                    def on_event(self, dora_event, send_output):
                        note("heard " + dora_event["type"], dora_event)
                        return DoraStatus.CONTINUE
                """,
                {"inputs": {"bad": "host/bad/out"}},
            ),
        ),
        sink=program(SINK, name="sink.py", inputs={"in": {"source": "host/good/out", "queue_size": 10}}),
    )
    found = started.finish(status=1)
    values = [event["value"]["values"] for event in found["sink"].values() if event["type"] == "INPUT"]
    assert values == [[1], [2], [3]]
    failed = found["host"]["heard NODE_FAILED"]
    assert failed["id"] == "host/bad" and "ZeroDivisionError: division by zero" in failed["value"]["error"]
    assert failed["value"]["affected_input_ids"] == ["bad"]
    assert "Node `host/bad` failed: ZeroDivisionError: division by zero\n" in started.printed and "Node `host/good` failed" not in started.printed


def test_one_cannot_start(start, operators):
    """Then none does."""
    started = start(
        host=operators(
            one=("note('one', 1)\nclass Operator:\n    def __del__(self): note('one gone', 1)", {"inputs": {"tick": TICK}}),
            two=("import missing_module", {"inputs": {"tick": TICK}}),
        )
    )
    found = started.finish(status=1)
    assert found["host"] == {"one": 1, "one gone": 1}
    assert "ModuleNotFoundError: No module named 'missing_module'" in started.printed


def test_others_that_cannot_start_are_consequences(start, operator, operators):
    echo = "class Operator:\n    def on_event(self, dora_event, send_output): return DoraStatus.CONTINUE"
    started = start(
        bad=operator("import missing_module", outputs=["out"], name="bad.py"),
        host=operators(
            one=(echo, {"inputs": {"in": "bad/out"}}),
            two=(echo, {"inputs": {"in": "bad/out"}}),
        ),
    )
    started.finish(status=1)
    assert re.findall(r"Node `(\S+)` failed", started.printed) == ["bad"]
    assert "There are 3 more consequential errors." in started.printed


@pytest.mark.parametrize("thread", ["first", "second"])
def test_stop_all(flow, operators, thread):
    waiting = """
        class Operator:
            def on_event(self, dora_event, send_output):
                note(ME + " " + dora_event["type"], dora_event)
                return DoraStatus.CONTINUE
    """
    found = flow(
        host=operators(
            all=(
                "class Operator:\n    def on_event(self, dora_event, send_output): return DoraStatus.STOP_ALL",
                {"inputs": {"tick": TICK}, "thread": "first"},
            ),
            one=(waiting, {"inputs": {"never": "dora/timer/secs/1000"}, "thread": thread}),
            two=(waiting, {"inputs": {"never": "dora/timer/secs/1000"}, "thread": thread}),
        )
    )
    stop = {"kind": "dora", "type": "STOP", "id": "MANUAL"}
    assert found["host"]["one STOP"] == stop and found["host"]["two STOP"] == stop


def test_each_has_modules_of_its_own(flow, operators):
    """Two operators of one file, and two files of one name, share nothing."""
    text = """
        import sys
        counted = []

        class Operator:
            def on_event(self, dora_event, send_output):
                counted.append(self)
                assert sys.modules[__name__].counted is counted
                note(f"{dora_event['id']} in {__name__}", len(counted))
                return DoraStatus.STOP
    """
    found = flow(
        host=operators(
            one=(text, {"inputs": {"one": TICK}, "file": "a/op.py"}),
            two=(text, {"inputs": {"two": TICK}, "file": "a/op.py"}),
            three=(text, {"inputs": {"three": TICK}, "file": "b/op.py"}),
        )
    )
    assert found["host"] == {"one in op": 1, "two in op@two": 1, "three in op@three": 1}


# ---- Beside operators in shared libraries

DOUBLE = """
#include <stdlib.h>
#include <string.h>
#include "dora/operator.h"

DoraInitResult_t dora_init_operator(void)
{
    DoraInitResult_t result = {{NULL}, NULL};
    return result;
}

DoraResult_t dora_drop_operator(void *context)
{
    DoraResult_t result = {NULL};
    return result;
}

/* Twice each number; of 0 a crash, of a message without numbers the end of all. */
OnEventResult_t dora_on_event(RawEvent_t *event, const SendOutput_t *send_output, void *context)
{
    OnEventResult_t result = {{NULL}, DORA_STATUS_CONTINUE};
    dora_sample *sample;
    size_t size;
    if (!event->input)
        return result;
    const dora_event *message = dora_operator_event(event->input);
    const long long *numbers = dora_event_data(message, &size);
    if (size == 0) {
        result.status = DORA_STATUS_STOP_ALL;
    } else if (dora_loan(dora_operator_node(send_output), size, &sample) == 0) {
        long long *doubled = dora_sample_data(sample);
        for (size_t i = 0; i < size / sizeof *doubled; i++) {
            if (numbers[i] == 0)
                abort();
            doubled[i] = 2 * numbers[i];
        }
        dora_send_sample(dora_operator_node(send_output), "out", sample, "l", dora_event_params(message));
    }
    return result;
}
"""
FEED = """
    import pyarrow as pa

    # Sends the next numbers when the ones before have come back, and none after the last.
    class Operator:
        def __init__(self):
            self.left = list(enumerate([*NUMBERS, []]))

        def on_event(self, dora_event, send_output):
            note(ME + " " + dora_event["type"], dora_event["id"])
            if dora_event["type"] == "INPUT":
                count, numbers = self.left.pop(0)
                send_output("numbers", pa.array(numbers, pa.int64()), {"count": count})
            return DoraStatus.CONTINUE
"""
COLLECT = """
    class Operator:
        def on_event(self, dora_event, send_output):
            if dora_event["type"] == "INPUT":
                note(str(dora_event["metadata"]["count"]), dora_event["value"])
                send_output("seen", b"")
            else:
                note(dora_event["type"], dora_event["id"])
            return DoraStatus.CONTINUE
"""


def test_a_crash(start, operator):
    """In native code that Python calls: who, and where in Python."""
    started = start(
        bad=operator(
            """
            import ctypes

            class Operator:
                def on_event(self, dora_event, send_output):
                    self.look_at_nothing()

                def look_at_nothing(self):
                    ctypes.string_at(1)
            """,
            {"tick": TICK},
        )
    )
    started.finish(status=1)
    assert "operator `bad`: it crashed" in started.printed and "in look_at_nothing\n" in started.printed
    assert "Node `bad` failed: it crashed" in started.printed


@pytest.fixture
def mixed(side, tmp_path, operators):
    """Python, C and Python again in one process."""
    build = pathlib.Path(side.command).parent.parent
    compiler = shutil.which("cc")
    if not compiler or not (build / "lib/libdora_operator_api_c.a").exists():
        pytest.skip("no C compiler, or a dora without its libraries")
    (tmp_path / "double.c").write_text(DOUBLE)
    command = [compiler, "-shared", "-fPIC", "-I", ROOT / "include", "-o", "libdouble.so", "double.c"]
    command += [build / "lib/libdora_operator_api_c.a", "-L", build / "lib", "-ldora", f"-Wl,-rpath,{build}/lib"]
    subprocess.run(command, cwd=tmp_path, check=True)

    def describe(numbers, threads):
        queue = {"queue_size": 10}
        text = f"NUMBERS = {numbers!r}\n" + textwrap.dedent(FEED)
        node = operators(
            feed=(
                text,
                {
                    "inputs": {"tick": "dora/timer/secs/1000", "seen": {"source": "host/collect/seen", **queue}},
                    "outputs": ["numbers"],
                    "thread": threads[0],
                },
            ),
            collect=(
                COLLECT,
                {"inputs": {"in": {"source": "host/double/out", **queue}}, "outputs": ["seen"], "thread": threads[2]},
            ),
        )
        double = {"inputs": {"in": {"source": "host/feed/numbers", **queue}}, "outputs": ["out"], "thread": threads[1]}
        node["operators"].insert(1, {"id": "double", "shared-library": "double", **double})
        return node

    return describe


@pytest.mark.parametrize("threads", [("a", "a", "a"), ("a", "b", "c"), ("a", "b", "a"), ("a", "b", "b")])
def test_with_a_shared_library(flow, mixed, threads):
    found = flow(host=mixed([[1, 2], list(range(1, 1000))], threads))["host"]
    assert found["0"] == {"Int64Array": "int64", "values": [2, 4]}
    assert found["1"]["values"] == list(range(2, 2000, 2))
    assert found["feed STOP"] == "MANUAL" and found["STOP"] == "MANUAL"


@pytest.mark.parametrize("threads", [("a", "a", "a"), ("a", "b", "c")])
def test_a_shared_library_that_crashes(start, mixed, threads):
    started = start(host=mixed([[1], [0]], threads))
    started.finish(status=1)
    assert "Node `host/double` failed" in started.printed and "SIGABRT" in started.printed


def test_nothing_grows(flow, operators):
    """Two operators of one thread and one of another: blocks of memory, and what is resident, after many messages."""
    queue = {"queue_size": 100}
    echo = """
        class Operator:
            def on_event(self, dora_event, send_output):
                if dora_event["type"] == "INPUT":
                    send_output("out", dora_event["value"], dora_event["metadata"])
                return DoraStatus.CONTINUE
    """
    driver = """
        import gc
        import sys
        import pyarrow as pa

        MESSAGES = int(os.environ.get("DORA_TEST_MESSAGES", 20_000))
        VALUES = [b"12345678", bytes(100_000), pa.array([{"a": [1, None]}, None])]

        def resident():
            return int(open("/proc/self/statm").read().split()[1]) * 4

        class Operator:
            count = 0

            def on_event(self, dora_event, send_output):
                if dora_event["type"] == "INPUT":
                    if self.count == MESSAGES // 2:
                        gc.collect()
                        self.before = sys.getallocatedblocks(), resident()
                    if self.count == MESSAGES:
                        gc.collect()
                        note("blocks", sys.getallocatedblocks() - self.before[0])
                        note("resident KiB", resident() - self.before[1])
                        return DoraStatus.STOP_ALL
                    send_output("out", VALUES[self.count % 3], {"count": self.count, "text": "text"})
                    self.count += 1
                return DoraStatus.CONTINUE
    """
    found = flow(
        host=operators(
            driver=(
                driver,
                {
                    "inputs": {"tick": "dora/timer/secs/1000", "in": {"source": "host/two/out", **queue}},
                    "outputs": ["out"],
                    "thread": "a",
                },
            ),
            one=(echo, {"inputs": {"in": {"source": "host/driver/out", **queue}}, "outputs": ["out"], "thread": "a"}),
            two=(echo, {"inputs": {"in": {"source": "host/one/out", **queue}}, "outputs": ["out"], "thread": "b"}),
        ),
        seconds=3600,
    )["host"]
    assert abs(found["blocks"]) < 500 and found["resident KiB"] < 8192, found
