"""What send_output takes, and as what it arrives."""

import array
import datetime
import decimal

import dora
import numpy as np
import pair
import pyarrow as pa

DATAFLOW = {
    "source": {"outputs": ["out"], "inputs": {"seen": "sink/seen"}},
    "sink": {"outputs": ["seen"], "inputs": {"in": {"source": "source/out", "queue_size": 1000}}},
}


class Exported:
    """What has only the Arrow C data interface."""

    def __init__(self, wrapped):
        self.wrapped = wrapped

    def __arrow_c_array__(self, requested_schema=None):
        return self.wrapped.__arrow_c_array__(requested_schema)


class ExportedStream:
    def __init__(self, wrapped):
        self.wrapped = wrapped

    def __arrow_c_stream__(self, requested_schema=None):
        return self.wrapped.__arrow_c_stream__(requested_schema)


class Broken:
    def __arrow_c_array__(self, requested_schema=None):
        raise LookupError("on purpose")


class Bytes(bytes):
    pass


def values():
    strings = pa.array(["a", None, "ü", ""])
    numbers = pa.array(range(10), pa.int32())
    return {
        "bytes": b"\0\1\2",
        "bytes, empty": b"",
        "bytes, large": bytes(100_000),
        "subclass of bytes": Bytes(b"1"),
        "bytearray": bytearray(b"12"),
        "memoryview": memoryview(b"123"),
        "memoryview, not contiguous": memoryview(b"12345")[::2],
        "array.array": array.array("d", [1, 2]),
        "numpy, one dimension": np.arange(3, dtype=np.int16),
        "numpy, two dimensions": np.zeros((2, 3), np.float32),
        "numpy scalar": np.float64(1),
        "int": 1,
        "float": 1.5,
        "bool": True,
        "str": "text",
        "None": None,
        "list of int": [1, 2],
        "list, empty": [],
        "list of str": ["a", "b"],
        "list, mixed": [1, "a"],
        "tuple": (1, 2),
        "dict": {"a": 1},
        "set": {1},
        "range": range(3),
        "object": object(),
        "type": pa.Array,
        "datetime": datetime.datetime(2020, 1, 1),
        "int8": pa.array([1, -1], pa.int8()),
        "int64": pa.array([1, None, 3]),
        "uint64": pa.array([2**64 - 1], pa.uint64()),
        "half": pa.array([np.float16(1.5)], pa.float16()),
        "double": pa.array([1.5]),
        "bool array": pa.array([True, None, False]),
        "null": pa.nulls(3),
        "empty": pa.array([], pa.int32()),
        "string": strings,
        "large string": strings.cast(pa.large_string()),
        "string view": strings.cast(pa.string_view()),
        "binary": pa.array([b"1", None]),
        "fixed size binary": pa.array([b"12", None], pa.binary(2)),
        "list": pa.array([[1], None, []]),
        "large list": pa.array([[1], None, []], pa.large_list(pa.int8())),
        "fixed size list": pa.array([[1, 2], None], pa.list_(pa.int8(), 2)),
        "list view": pa.array([[1], None, []], pa.list_view(pa.int8())),
        "struct": pa.array([{"a": 1, "b": "x"}, None]),
        "map": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int32())),
        "dense union": pa.UnionArray.from_dense(
            pa.array([0, 1], pa.int8()), pa.array([0, 0], pa.int32()), [pa.array([1]), pa.array(["a"])]
        ),
        "sparse union": pa.UnionArray.from_sparse(
            pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array(["a", "b"])]
        ),
        "dictionary": strings.dictionary_encode(),
        "run ends": pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), pa.array([1, 2])),
        "decimal": pa.array([decimal.Decimal("1.50")]),
        "decimal256": pa.array([decimal.Decimal("1.50")], pa.decimal256(50, 2)),
        "date": pa.array([datetime.date(2020, 1, 1)]),
        "time": pa.array([datetime.time(1, 2)]),
        "timestamp": pa.array([1], pa.timestamp("ns")),
        "timestamp with a zone": pa.array([1], pa.timestamp("us", "Europe/Paris")),
        "duration": pa.array([1], pa.duration("ms")),
        "interval": pa.array([(1, 2, 3)], pa.month_day_nano_interval()),
        "slice": numbers[3:7],
        "slice of bool": pa.array([True, False] * 10)[3:9],
        "slice of string": strings[1:3],
        "scalar": pa.scalar(1),
        "chunked array": pa.chunked_array([[1], [2]]),
        "record batch": pa.record_batch({"a": [1]}),
        "table": pa.table({"a": [1]}),
        "__arrow_c_array__": Exported(numbers),
        "__arrow_c_array__ of a record batch": Exported(pa.record_batch({"a": [1]})),
        "__arrow_c_array__ that raises": Broken(),
        "__arrow_c_stream__": ExportedStream(pa.chunked_array([[1], [2]])),
        "buffer": pa.py_buffer(b"12"),
        "extension": pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"0123456789abcdef"], pa.binary(16))),
    }


def source(notes):
    node = dora.Node()
    for name, value in values().items():
        pair.send(notes, name, node, value, {})
    pair.last(node)


def sink(notes):
    for event in pair.inputs(dora.Node()):
        name, value = event["metadata"]["name"], event["value"]
        notes(name, value if len(value) < 1000 else [str(value.type), len(value)])
