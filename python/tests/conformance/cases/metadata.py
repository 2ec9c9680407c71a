"""What each value of metadata becomes, and what arrives of it."""

import datetime
import enum
import fractions

import dora
import numpy as np
import pair
import pyarrow as pa

DATAFLOW = {
    "source": {"outputs": ["out"], "inputs": {"seen": "sink/seen"}},
    "sink": {"outputs": ["seen"], "inputs": {"in": {"source": "source/out", "queue_size": 1000}}},
}

UTC = datetime.timezone.utc


class Number(enum.IntEnum):
    TWO = 2


class Text(str):
    pass


class Integer(int):
    pass


class HasStr:
    def __str__(self):
        return "its text"


class Raises:
    def __str__(self):
        raise LookupError("on purpose")


def values():
    itself = []
    itself.append(itself)
    return {
        "True": True,
        "False": False,
        "0": 0,
        "-1": -1,
        "2**63 - 1": 2**63 - 1,
        "-2**63": -(2**63),
        "2**63": 2**63,
        "2**100": 2**100,
        "1.5": 1.5,
        "1.0": 1.0,
        "NaN": float("nan"),
        "inf": float("inf"),
        "str": "text",
        "str, empty": "",
        "str, not ASCII": "üλ😀",
        "str, NUL": "a\0b",
        "str, long": "x" * 100_000,
        "str, surrogate": "\ud800",
        "list, empty": [],
        "list of int": [1, 2, 3],
        "list of float": [1.0, 2.5],
        "list of str": ["a", "", "ü"],
        "list of bool": [True, False],
        "list, int then float": [1, 2.5],
        "list, float then int": [1.5, 2],
        "list, int then str": [1, "a"],
        "list, str then int": ["a", 1],
        "list of None": [None],
        "list of lists": [[1], [2]],
        "list, 2**63": [2**63],
        "list in itself": itself,
        "list, long": list(range(10_000)),
        "tuple": (1, 2),
        "tuple, empty": (),
        "None": None,
        "dict": {"a": 1},
        "dict, nested": {"a": {"b": [1]}},
        "set": {1},
        "bytes": b"1",
        "bytearray": bytearray(b"1"),
        "IntEnum": Number.TWO,
        "subclass of str": Text("a"),
        "subclass of int": Integer(3),
        "numpy int64": np.int64(3),
        "numpy float64": np.float64(1.5),
        "numpy float32": np.float32(1.5),
        "numpy bool": np.bool_(True),
        "numpy array": np.array([1, 2]),
        "list of numpy int": [np.int64(1)],
        "pyarrow scalar": pa.scalar(1),
        "fraction": fractions.Fraction(1, 2),
        "complex": 1j,
        "object with __str__": HasStr(),
        "object whose __str__ raises": Raises(),
        "date": datetime.date(2020, 1, 2),
        "time": datetime.time(1, 2),
        "timedelta": datetime.timedelta(1),
        "datetime UTC": datetime.datetime(2020, 1, 2, 3, 4, 5, 678901, UTC),
        "datetime with a zone": datetime.datetime(
            2020, 1, 2, 3, 4, 5, 678901, datetime.timezone(datetime.timedelta(hours=2))
        ),
        "datetime before 1970": datetime.datetime(1960, 1, 1, tzinfo=UTC),
        "datetime, year 1": datetime.datetime(1, 1, 1, tzinfo=UTC),
        "datetime, year 9000": datetime.datetime(9000, 12, 31, tzinfo=UTC),
        "list of datetime": [datetime.datetime(2020, 1, 2, tzinfo=UTC)],
    }


KEYS = [
    "",
    "a b",
    "ü",
    "key.with.dots",
    "x" * 1000,
    "a\0b",
    "_framing",
    "_schema_hash",
    "_private",
    "timestamp",
    "parameters",
]


def source(notes):
    node = dora.Node()
    for name, value in values().items():
        pair.send(notes, name, node, b"", {"value": value})
    pair.send(notes, "datetime naive", node, b"", {"value": datetime.datetime(2020, 1, 2)})
    for key in KEYS:
        name = f"key {key[:20]!r}"
        pair.send(notes, name, node, b"", {"value": 1, key: "of the key"})
    for key in (1, None, b"bytes", ("a",)):
        name = f"key {key!r}"
        pair.send(notes, name, node, b"", {key: "of the key"})
    many = {f"key {i}": i for i in range(200)}
    pair.send(notes, "many", node, b"", many)
    pair.last(node)


def sink(notes):
    for event in pair.inputs(dora.Node()):
        metadata = event["metadata"]
        name = metadata.pop("name")
        if name.startswith("key"):
            timestamp = metadata.pop("timestamp")
            notes(f"{name}, timestamp", type(timestamp).__name__)
            notes(name, metadata)
        elif name == "many":
            metadata.pop("timestamp")
            notes(name, sum(metadata.values()) if len(metadata) == 200 else len(metadata))
        elif isinstance(metadata["value"], str) and len(metadata["value"]) > 1000:
            notes(name, ["a str", len(metadata["value"])])
        elif isinstance(metadata["value"], list) and len(metadata["value"]) > 1000:
            notes(name, ["a list", len(metadata["value"]), sum(metadata["value"])])
        elif isinstance(metadata["value"], datetime.datetime):
            moment = metadata["value"]
            text = (
                moment.isoformat() if name != "datetime naive" else moment.astimezone().replace(tzinfo=None).isoformat()
            )
            notes(name, ["a datetime", text])
        else:
            notes(name, metadata["value"])
