"""Arrays and types as JSON: each comes back as it was, and is spelt as dora-rs spells it."""

import datetime
import decimal
import json

import pyarrow as pa
import pytest

from dora._arrow_json import array_from_json, array_to_json, type_from_json, type_to_json

pytestmark = pytest.mark.pure_python

UTC = datetime.timezone.utc
ARRAYS = [
    pa.array([1, 2, None]),
    pa.array([2**63], pa.uint64()),
    pa.array([], pa.int8()),
    pa.array([None, None]),
    pa.array([True, None]),
    pa.array([1, None], pa.float32()).cast(pa.float16()),
    pa.array([1.5, float("inf"), -float("inf"), None], pa.float32()),
    pa.array(["a", None, "ü"])[1:],
    pa.array(["a"], pa.large_string()),
    pa.array(["a"], pa.string_view()),
    pa.array([b"ab", None]),
    pa.array([b"abcd", None], pa.binary(4)),
    pa.array([[1], None, [2, 3], []])[1:],
    pa.array([[1]], pa.large_list(pa.int8())),
    pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int8(), 2))[1:],
    pa.array([[b"a"], None], pa.list_view(pa.binary())),
    pa.array([{"x": 1, "y": "b"}, None, {"x": None, "y": "z"}])[1:],
    pa.array([[("a", 1)], None, [("b", None)]], pa.map_(pa.string(), pa.int32()))[1:],
    pa.array(["a", None, "a"]).dictionary_encode()[1:],
    pa.RunEndEncodedArray.from_arrays([2], [7]),
    pa.array([decimal.Decimal("12345678901234567890.12"), decimal.Decimal("1.50"), None], pa.decimal128(22, 2)),
    pa.array([datetime.datetime(2020, 1, 1), None]),
    pa.array([-1, -1500, None], pa.timestamp("ms")),
    pa.array([1234567890123456789, None], pa.timestamp("ns", "UTC")),
    pa.array([[1234567890123456789]], pa.list_(pa.timestamp("ns"))),
    pa.array([None, -1, 20000], pa.date32()),
    pa.array([86400000], pa.date64()),
    pa.array([datetime.time(1, 2, 3)], pa.time32("ms")),
    pa.array([5, None], pa.time64("ns")),
    pa.array([datetime.timedelta(1)]),
    pa.array([-5], pa.duration("ns")),
    pa.array([(1, 2, -3), (-1, -2, -3 * 10**9 - 5), None], pa.month_day_nano_interval()),
]


@pytest.mark.parametrize("array", ARRAYS, ids=[str(array.type) for array in ARRAYS])
def test_an_array_comes_back(array):
    rows, spelt = json.loads(json.dumps([array_to_json(array), type_to_json(array.type)]))
    back = array_from_json(rows, spelt)
    assert back.type == array.type
    assert back.equals(array)


def test_what_is_no_number():
    assert array_to_json(pa.array([float("nan")])) == ["NaN"]
    assert str(array_from_json(["NaN"], "Float64")[0]) == "nan"


def field(name, kind, nullable=True):
    head = {"name": name, "data_type": kind, "nullable": nullable}
    return {**head, "dict_id": 0, "dict_is_ordered": False, "metadata": {}}


@pytest.mark.parametrize(
    "array, rows, spelt",
    [
        (pa.array([b"ab"]), ["6162"], "Binary"),
        (pa.array([datetime.datetime(2020, 1, 1)]), ["2020-01-01T00:00:00"], {"Timestamp": ["Microsecond", None]}),
        (pa.array([1500], pa.timestamp("ms", "UTC")), ["1970-01-01T00:00:01.500Z"], {"Timestamp": ["Millisecond", "UTC"]}),
        (pa.array([datetime.timedelta(1)]), ["PT86400S"], {"Duration": "Microsecond"}),
        (pa.array(["a"]).dictionary_encode(), ["a"], {"Dictionary": ["Int32", "Utf8"]}),
        (pa.array([1], pa.decimal128(10, 2)), [1.0], {"Decimal128": [10, 2]}),
        (pa.array([[1, 2]], pa.list_(pa.int8(), 2)), [[1, 2]], {"FixedSizeList": [field("item", "Int8"), 2]}),
        (
            pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int32())),
            [{"a": 1}],
            {"Map": [field("entries", {"Struct": [field("key", "Utf8", False), field("value", "Int32")]}, False), False]},
        ),
        (
            pa.array([(1, 2, 3)], pa.month_day_nano_interval()),
            ["1 mons 2 days 0.000000003 secs"],
            {"Interval": "MonthDayNano"},
        ),
    ],
)
def test_as_dora_rs_writes_it(array, rows, spelt):
    assert array_to_json(array) == rows
    assert type_to_json(array.type) == spelt


@pytest.mark.parametrize(
    "data, array",
    [
        ([1, 2, 3], pa.array([1, 2, 3])),
        ([1, 2.5], pa.array([1.0, 2.5])),
        ("hello", pa.array(["hello"])),
        ({"a": 1, "b": [True]}, pa.array([{"a": 1, "b": [True]}])),
        ([[1], [2, 3]], pa.array([[1], [2, 3]])),
        (True, pa.array([True])),
    ],
)
def test_data_without_a_type(data, array):
    assert array_from_json(data).equals(array)


@pytest.mark.parametrize(
    "data, spelt, message",
    [
        ([1, "a"], None, "one type"),
        (["a"], "Int8", "int8"),
        ([300], "Int8", "int8"),
        (["xyz"], "Binary", "binary"),
        (["tomorrow"], {"Timestamp": ["Second", None]}, "is no time"),
        ([1], "int8", "is no type"),
        ([1], {"List": "Int8"}, "a field needs"),
        ([1], {"Timestamp": ["Hour", None]}, "no unit"),
        ([1], {"Decimal128": ["x"]}, "no type"),
        ([1], {"Struct": 5}, "no type"),
        ([1], [1], "no type"),
        ([1], {"List": field("item", "Int8")}, "list"),
    ],
)
def test_what_cannot_be(data, spelt, message):
    with pytest.raises(ValueError, match=message):
        array_from_json(data, spelt)


def test_a_union_is_no_json():
    union = pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])])
    with pytest.raises(TypeError):
        array_to_json(union)
    with pytest.raises(TypeError):
        type_to_json(union.type)


def test_types_nest():
    kind = pa.struct([pa.field("a", pa.list_(pa.dictionary(pa.int8(), pa.string())), False, {"k": "v"})])
    assert type_from_json(json.loads(json.dumps(type_to_json(kind)))).equals(kind, check_metadata=True)
