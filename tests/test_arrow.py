"""Arrays of every type that pyarrow makes, through dora's bytes and back; ARROW_ROUNDTRIP names the module that does it."""

import ctypes
import datetime
import decimal
import os

import pytest

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
MODULE = os.environ.get("ARROW_ROUNDTRIP")
if not MODULE:
    pytest.skip("ARROW_ROUNDTRIP does not name the module (ctest sets it)", allow_module_level=True)
library = ctypes.CDLL(MODULE)


def roundtrip(array):
    """Returns the array that comes back, and the size of its payload."""
    # The structs have ten and nine words.
    structs = [ctypes.create_string_buffer(80) for _ in range(4)]
    source, schema, copy, copy_schema = (ctypes.addressof(struct) for struct in structs)
    size = ctypes.c_size_t()
    array._export_to_c(source, schema)
    try:
        result = library.arrow_roundtrip(*structs, ctypes.byref(size))
    finally:
        # Importing is how pyarrow releases what it exported.
        pa.Array._import_from_c(source, schema)
    assert result == 0, os.strerror(-result)
    return pa.Array._import_from_c(copy, copy_schema), size.value


DAY = datetime.date(2026, 1, 2)
MOMENT = datetime.datetime(2026, 1, 2, 3, 4, 5)
LONG = "a text that is too long to lie in its view"

ARRAYS = {
    "null": pa.nulls(11),
    "bool": pa.array([True, None, False] * 7),
    **{str(t): pa.array([1, None, 3, 4] * 5, t) for t in (
        pa.int8(), pa.uint8(), pa.int16(), pa.uint16(), pa.int32(), pa.uint32(), pa.int64(), pa.uint64(),
        pa.float32(), pa.float64())},
    "half": pa.array([1.5, None, 2.5] * 5, pa.float32()).cast(pa.float16()),
    **{str(t): pa.array([decimal.Decimal("1.5"), None, decimal.Decimal("-2.5")] * 5, t) for t in (
        pa.decimal32(5, 1), pa.decimal64(9, 1), pa.decimal128(20, 1), pa.decimal256(50, 1))},
    "date32": pa.array([DAY, None] * 6, pa.date32()),
    "date64": pa.array([DAY, None] * 6, pa.date64()),
    **{str(t): pa.array([MOMENT.time(), None] * 6, t) for t in (
        pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns"))},
    **{str(t): pa.array([MOMENT, None] * 6, t) for t in (
        pa.timestamp("s"), pa.timestamp("ms", "UTC"), pa.timestamp("us", "Europe/Berlin"), pa.timestamp("ns"))},
    **{str(t): pa.array([1000, None] * 6, t) for t in (
        pa.duration("s"), pa.duration("ms"), pa.duration("us"), pa.duration("ns"))},
    "interval": pa.array([(1, 2, 3), None] * 6, pa.month_day_nano_interval()),
    **{str(t): pa.array([b"one", None, b"", LONG.encode()] * 4, t) for t in (
        pa.binary(), pa.large_binary(), pa.binary_view())},
    **{str(t): pa.array(["one", None, "", LONG] * 4, t) for t in (pa.string(), pa.large_string(), pa.string_view())},
    "empty view": pa.array([], pa.string_view()),
    "fixed_size_binary": pa.array([b"abc", None, b"def"] * 4, pa.binary(3)),
    **{str(t): pa.array([[1, 2], None, [], [3, None, 5]] * 4, t) for t in (
        pa.list_(pa.int32()), pa.large_list(pa.int32()), pa.list_view(pa.int32()), pa.large_list_view(pa.int32()))},
    "fixed_size_list": pa.array([[1, 2], None, [3, None]] * 4, pa.list_(pa.int32(), 2)),
    "struct": pa.array([{"a": 1, "b": "x"}, None, {"a": None, "b": "y"}] * 4,
                       pa.struct([pa.field("a", pa.int64()), pa.field("b", pa.string(), metadata={"key": "value"})])),
    "map": pa.array([[("a", 1), ("b", None)], None, []] * 4, pa.map_(pa.string(), pa.int32())),
    "sparse union": pa.UnionArray.from_sparse(
        pa.array([0, 1, 0, 1] * 3, pa.int8()), [pa.array(range(12)), pa.array(list("abcdefghijkl"))]),
    "dense union": pa.UnionArray.from_dense(
        pa.array([5, 7, 5, 7] * 3, pa.int8()), pa.array([i // 2 for i in range(12)], pa.int32()),
        [pa.array(range(6)), pa.array(list("abcdef"))], ["n", "t"], [5, 7]),
    "run ends": pa.RunEndEncodedArray.from_arrays(pa.array([3, 7, 12], pa.int32()), pa.array(["x", None, "z"])),
    "dictionary": pa.array(["x", None, "y", "x"] * 4).dictionary_encode(),
    "dictionary of structs": pa.DictionaryArray.from_arrays(
        pa.array([1, 0, None, 1] * 3, pa.uint16()), pa.array([{"a": 1}, {"a": None}])),
    "nested": pa.array(
        [{"m": [("k", [1, None])], "l": [["a", None], None]}, None, {"m": None, "l": []}] * 5,
        pa.struct([("m", pa.map_(pa.string(), pa.list_(pa.int16()))),
                   ("l", pa.list_(pa.large_list(pa.string())))])),
    "list of dictionaries": pa.array([["x", "y"], None, ["x"]] * 4, pa.list_(pa.dictionary(pa.int8(), pa.string()))),
    "list of unions": pa.ListArray.from_arrays(
        pa.array([0, 2, 5, 12], pa.int32()),
        pa.UnionArray.from_sparse(pa.array([0, 1] * 6, pa.int8()), [pa.array(range(12)), pa.array([True, False] * 6)])),
    "struct of run ends": pa.StructArray.from_arrays(
        [pa.RunEndEncodedArray.from_arrays(pa.array([4, 12], pa.int16()), pa.array([1.0, 2.0])), pa.array(range(12))],
        ["r", "n"]),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_whole_and_sliced(name):
    whole = ARRAYS[name]
    for start in range(0, len(whole) + 1):
        for length in {0, 1, 2, 9, len(whole) - start}:
            part = whole.slice(start, length)
            copy, _ = roundtrip(part)
            copy.validate(full=True)
            assert copy.type.equals(part.type, check_metadata=True)
            # Equality of unions and run ends with offsets is not implemented alike in all versions; values are.
            assert copy.to_pylist() == part.to_pylist()
            again, _ = roundtrip(copy)
            assert again.to_pylist() == part.to_pylist()


@pytest.mark.parametrize("name", ["string", "list<item: int32>", "nested", "struct", "double"])
def test_slice_is_small(name):
    array = ARRAYS[name]
    large = pa.concat_arrays([array] * 1000)
    _, size = roundtrip(large.slice(len(large) // 2, len(array)))
    assert size <= roundtrip(array)[1] + 64 * 20


def test_not_copied_child_outlives_parent():
    copy, _ = roundtrip(ARRAYS["struct"])
    child = copy.field(1)
    del copy
    assert child.to_pylist()[0] == "x"
