"""Nodes of test_arrow.py: a driver that sends arrays of all kinds to an echo and compares what comes back."""

import os
import sys
import traceback

import arrays
import dora
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SECONDS = 30  # for what takes a millisecond
EXAMPLES = int(os.environ.get("DORA_TEST_EXAMPLES", 150))
options = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize="DORA_TEST_RANDOM" not in os.environ,
    suppress_health_check=list(HealthCheck),
)


def echo(notes):
    node = dora.Node()
    for event in node:
        if event["type"] == "INPUT":
            node.send_output("out", event["value"], event["metadata"])


class Driver:
    def __init__(self):
        self.node = dora.Node()

    def send(self, array, **metadata):
        self.node.send_output("out", array, metadata)

    def receive(self):
        event = self.node.next(SECONDS)
        assert event["type"] == "INPUT", event
        return event

    def round_trip(self, array):
        self.send(array)
        return self.receive()["value"]


def check(driver, array):
    back = driver.round_trip(array)
    assert arrays.same(array, back), f"sent {array.type}: {array}\ncame {back.type}: {back}"
    # dora sends as it is what is laid out as its buffers: nobody may write to what is shared.
    assert not any(buffer.is_mutable for buffer in arrays.buffers(back))


def round_trips(of):
    def property(driver):
        @options
        @given(arrays.arrays(of))
        def holds(array):
            check(driver, array)

        holds()

    return property


def many_at_once(driver):
    """Several under way, and all alive at the same time."""

    @options
    @given(st.lists(arrays.arrays(), min_size=1, max_size=20))
    def holds(sent):
        for number, array in enumerate(sent):
            driver.send(array, number=number)
        events = [driver.receive() for _ in sent]
        assert [event["metadata"]["number"] for event in events] == list(range(len(sent)))
        for array, event in zip(sent, events):
            assert arrays.same(array, event["value"])

    holds()


def made_again(driver):
    """What came can be computed with, cut and sent on."""

    @options
    @given(arrays.arrays(), st.integers(0, 30), st.integers(0, 30))
    def holds(array, start, length):
        back = driver.round_trip(array).slice(start, length)
        assert arrays.same(array.slice(start, length), back)
        check(driver, back)

    holds()


def large(driver):
    """Some megabytes of each kind of layout."""
    count = 1_000_000
    numbers = pa.array(range(count), pa.int32())
    texts = numbers.cast(pa.string())
    for array in (
        numbers,
        numbers.slice(3, count - 7),
        texts,
        texts.cast(pa.string_view()),
        texts.cast(pa.large_binary()),
        pa.StructArray.from_arrays([numbers, texts], ["a", "b"]),
        pa.array([True, False, None] * (count // 3)),
        pa.DictionaryArray.from_arrays(pa.array([0, 1] * (count // 2), pa.int8()), pa.array(["a", "b"])),
        pa.ListArray.from_arrays(pa.array(range(0, count + 1, 10), pa.int32()), numbers),
    ):
        check(driver, array)


def empty_and_null(driver):
    """Each type without values, and with nothing but nulls."""

    @options
    @given(arrays.types)
    def holds(type):
        none = arrays.array_of(__import__("random").Random(0), type, 0)
        check(driver, none)
        if not isinstance(none.type, (pa.UnionType, pa.RunEndEncodedType)):
            check(driver, pa.nulls(3, none.type))

    holds()


PROPERTIES = {
    "numbers": round_trips(arrays.numbers),
    "texts": round_trips(arrays.texts),
    "times": round_trips(arrays.times),
    "decimals": round_trips(arrays.decimals),
    "dictionaries": round_trips(arrays.dictionaries),
    "extensions": round_trips(arrays.extensions),
    "lists": round_trips(arrays.list_of(arrays.types)),
    "unions": round_trips(arrays.unions(arrays.types)),
    "nested": round_trips(arrays.nested(arrays.types)),
    "any": round_trips(arrays.types),
    "empty_and_null": empty_and_null,
    "many_at_once": many_at_once,
    "made_again": made_again,
    "large": large,
}


def driver(notes):
    """Notes of each property "ok", or what was found."""
    driver = Driver()
    for name, property in PROPERTIES.items():
        try:
            property(driver)
            notes(name, "ok")
        except Exception:
            print(name, file=sys.stderr)
            traceback.print_exc()
            notes(name, traceback.format_exc(limit=-2))
            while (left := driver.node.next(0.2)) and left["type"] == "INPUT":
                pass


# ---- Arrays that outlive what they came from


def forgetful(notes):
    """Sends arrays and is killed, while the receiver holds them."""
    node = dora.Node()
    for i in range(20):
        node.send_output("out", pa.array(range(i, 100_000 + i)), {"number": i})
    node.send_output("out", pa.array(["text", None, "ü" * 100]), {"number": 20})
    node.next()
    os.kill(os.getpid(), 9)


def holder(notes):
    node = dora.Node()
    values = [node.next()["value"] for _ in range(21)]
    node.send_output("seen", b"")
    kinds = []
    while event := node.next():
        kinds.append(event["type"])
    notes("kinds", kinds)
    notes("while the node lives", holds(values))
    del node, event
    __import__("gc").collect()
    notes("after the node", holds(values))
    views = [value.to_numpy() for value in values[:20]]
    texts = values[20].slice(1)
    del values
    notes("views", [int(view[-1]) for view in views] == [99_999 + i for i in range(20)])
    notes("a slice", texts.to_pylist() == [None, "ü" * 100])
    globals()["kept"] = views, texts  # until the interpreter ends


def holds(values):
    right = all(value[0].as_py() == i and value[-1].as_py() == 99_999 + i for i, value in enumerate(values[:20]))
    return right and values[20].to_pylist() == ["text", None, "ü" * 100]
