"""Arrow arrays and their types as JSON: what recorded inputs and outputs hold.

Types have the spelling of Rust's arrow crate ("Utf8", {"Timestamp": ["Microsecond", None]}), as dora-rs writes them. Rows
are what JSON has for them; bytes are hexadecimal text, times are ISO 8601, floats that are no number "NaN", "Infinity" and
"-Infinity", and a null field of a struct is left out.
"""

from __future__ import annotations

import datetime
import decimal
import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["array_from_json", "array_to_json", "type_from_json", "type_to_json"]

UNITS = {"s": "Second", "ms": "Millisecond", "us": "Microsecond", "ns": "Nanosecond"}
DIGITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}
SIMPLE = {
    "Null": pa.null(),
    "Boolean": pa.bool_(),
    "Int8": pa.int8(),
    "Int16": pa.int16(),
    "Int32": pa.int32(),
    "Int64": pa.int64(),
    "UInt8": pa.uint8(),
    "UInt16": pa.uint16(),
    "UInt32": pa.uint32(),
    "UInt64": pa.uint64(),
    "Float16": pa.float16(),
    "Float32": pa.float32(),
    "Float64": pa.float64(),
    "Utf8": pa.utf8(),
    "LargeUtf8": pa.large_utf8(),
    "Binary": pa.binary(),
    "LargeBinary": pa.large_binary(),
    "Date32": pa.date32(),
    "Date64": pa.date64(),
}
# Kinds of types with one field, and what makes one of them, where this pyarrow has them.
LISTS: dict[str, Callable[[pa.Field], pa.DataType]] = {"List": pa.list_, "LargeList": pa.large_list}
for _rust, _name in (("Utf8View", "string_view"), ("BinaryView", "binary_view")):
    if hasattr(pa, _name):
        SIMPLE[_rust] = getattr(pa, _name)()
for _rust, _name in (("ListView", "list_view"), ("LargeListView", "large_list_view")):
    if hasattr(pa, _name):
        LISTS[_rust] = getattr(pa, _name)
NAMES = {kind: name for name, kind in SIMPLE.items()}
EPOCH = datetime.datetime(1970, 1, 1)


def _is(name: str, kind: pa.DataType) -> bool:
    check = getattr(pa.types, "is_" + name, None)
    return check is not None and check(kind)


def _storage(kind: pa.DataType) -> pa.DataType:
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


# ---- types


def _field_to_json(field: pa.Field) -> dict[str, Any]:
    metadata = {key.decode(): value.decode(errors="replace") for key, value in (field.metadata or {}).items()}
    head = {"name": field.name, "data_type": type_to_json(field.type), "nullable": field.nullable}
    return {**head, "dict_id": 0, "dict_is_ordered": False, "metadata": metadata}


def type_to_json(kind: pa.DataType) -> Any:
    """TypeError for what has no spelling. An extension type is spelt as its storage."""
    kind = _storage(kind)
    if kind in NAMES:
        return NAMES[kind]
    if _is("timestamp", kind):
        return {"Timestamp": [UNITS[kind.unit], kind.tz]}
    for name in ("time32", "time64", "duration"):
        if _is(name, kind):
            return {name.capitalize(): UNITS[kind.unit]}
    if _is("interval", kind):
        return {"Interval": "MonthDayNano"}
    if _is("fixed_size_binary", kind):
        return {"FixedSizeBinary": kind.byte_width}
    for name in ("decimal32", "decimal64", "decimal128", "decimal256"):
        if _is(name, kind):
            return {name.capitalize(): [kind.precision, kind.scale]}
    if _is("fixed_size_list", kind):
        return {"FixedSizeList": [_field_to_json(kind.value_field), kind.list_size]}
    for name, check in (("List", "list"), ("LargeList", "large_list"), ("ListView", "list_view"), ("LargeListView", "large_list_view")):
        if _is(check, kind):
            return {name: _field_to_json(kind.value_field)}
    if _is("struct", kind):
        return {"Struct": [_field_to_json(field) for field in kind]}
    if _is("map", kind):
        entries = pa.struct([kind.key_field, kind.item_field])
        return {"Map": [_field_to_json(pa.field("entries", entries, nullable=False)), kind.keys_sorted]}
    if _is("dictionary", kind):
        return {"Dictionary": [type_to_json(kind.index_type), type_to_json(kind.value_type)]}
    if _is("run_end_encoded", kind):
        ends = pa.field("run_ends", kind.run_end_type, nullable=False)
        return {"RunEndEncoded": [_field_to_json(ends), _field_to_json(pa.field("values", kind.value_type))]}
    raise TypeError(f"arrays of {kind} can't be written as JSON")


def _field_from_json(spelt: Any) -> pa.Field:
    if not isinstance(spelt, dict) or "name" not in spelt or "data_type" not in spelt:
        raise ValueError(f"a field needs `name` and `data_type`: {spelt!r}")
    kind = type_from_json(spelt["data_type"])
    return pa.field(spelt["name"], kind, spelt.get("nullable", True), spelt.get("metadata") or None)


def _unit(name: Any) -> str:
    for unit, spelt in UNITS.items():
        if spelt == name:
            return unit
    raise ValueError(f"{name!r} is no unit of time; write one of {', '.join(UNITS.values())}")


def _map_from_json(entries: Any, is_sorted: bool) -> pa.DataType:
    key, item = _field_from_json(entries).type
    return pa.map_(key, item, is_sorted)


COMPOUND: dict[str, Callable[[Any], pa.DataType]] = {
    "Timestamp": lambda spelt: pa.timestamp(_unit(spelt[0]), spelt[1]),
    "Time32": lambda unit: pa.time32(_unit(unit)),
    "Time64": lambda unit: pa.time64(_unit(unit)),
    "Duration": lambda unit: pa.duration(_unit(unit)),
    "Interval": lambda unit: pa.month_day_nano_interval(),
    "FixedSizeBinary": lambda size: pa.binary(size),
    "FixedSizeList": lambda spelt: pa.list_(_field_from_json(spelt[0]), spelt[1]),
    "Struct": lambda fields: pa.struct([_field_from_json(field) for field in fields]),
    "Map": lambda spelt: _map_from_json(*spelt),
    "Dictionary": lambda spelt: pa.dictionary(type_from_json(spelt[0]), type_from_json(spelt[1])),
    "RunEndEncoded": lambda spelt: pa.run_end_encoded(_field_from_json(spelt[0]).type, _field_from_json(spelt[1]).type),
}


def type_from_json(spelt: Any) -> pa.DataType:
    """ValueError for what is no type."""
    if isinstance(spelt, str) and spelt in SIMPLE:
        return SIMPLE[spelt]
    if isinstance(spelt, dict) and len(spelt) == 1:
        [(name, arguments)] = spelt.items()
        try:
            if name in LISTS:
                return LISTS[name](_field_from_json(arguments))
            if name.startswith("Decimal") and hasattr(pa, name.lower()):
                return getattr(pa, name.lower())(*arguments)
            if name in COMPOUND:
                return COMPOUND[name](arguments)
        except (TypeError, IndexError, KeyError, pa.ArrowException) as error:
            raise ValueError(f"{spelt!r} is no type of Arrow: {error}") from None
    raise ValueError(f"{spelt!r} is no type of Arrow; write one as Rust's arrow crate does, such as \"Int64\" or \"Utf8\"")


# ---- rows, to JSON


def _fraction(ticks: int, digits: int) -> str:
    """The part of a second as it is printed: nothing, or three, six or nine digits."""
    nanoseconds = ticks * 10 ** (9 - digits)
    for shown in (0, 3, 6, 9):
        if nanoseconds % 10 ** (9 - shown) == 0:
            break
    return f".{nanoseconds // 10 ** (9 - shown):0{shown}d}" if shown else ""


def _ticks(array: pa.Array) -> list[int | None]:
    """Times, dates and durations as the numbers they are."""
    kind = pa.int32() if array.type.bit_width == 32 else pa.int64()
    return list(array.view(kind).to_pylist())


def _time_text(ticks: int, digits: int) -> str:
    seconds, rest = divmod(ticks, 10**digits)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{_fraction(rest, digits)}"


def _timestamp_text(ticks: int, digits: int, end: str) -> str:
    seconds, rest = divmod(ticks, 10**digits)
    return (EPOCH + datetime.timedelta(seconds=seconds)).isoformat() + _fraction(rest, digits) + end


def _duration_text(ticks: int, digits: int) -> str:
    seconds, rest = divmod(abs(ticks), 10**digits)
    return f"{'-' if ticks < 0 else ''}PT{seconds}{_fraction(rest, digits)}S"


def _date_text(array: pa.Array) -> Callable[[int], str]:
    days = 1 if array.type.bit_width == 32 else 86400000
    return lambda ticks: (EPOCH + datetime.timedelta(days=ticks // days)).date().isoformat()


def _number(value: float) -> Any:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _decimal(value: decimal.Decimal) -> Any:
    number = float(value)
    return number if decimal.Decimal(repr(number)) == value else str(value)


def _interval(value: Any) -> str:
    seconds = f"{value.nanoseconds // 10**9 if value.nanoseconds >= 0 else -(-value.nanoseconds // 10**9)}"
    sign = "-" if value.nanoseconds < 0 and seconds == "0" else ""
    return f"{value.months} mons {value.days} days {sign}{seconds}.{abs(value.nanoseconds) % 10**9:09d} secs"


def _rows(array: pa.Array, convert: Callable[[Any], Any]) -> list[Any]:
    return [None if value is None else convert(value) for value in array.to_pylist()]


def _moments(array: pa.Array, convert: Callable[[int], Any]) -> list[Any]:
    return [None if ticks is None else convert(ticks) for ticks in _ticks(array)]


def _spans(array: pa.Array) -> list[tuple[int, int]]:
    """Where the rows of a list lie in its `values`."""
    kind = array.type
    if _is("fixed_size_list", kind):
        first = array.offset
        return [((first + i) * kind.list_size, (first + i + 1) * kind.list_size) for i in range(len(array))]
    if _is("list_view", kind) or _is("large_list_view", kind):
        return [(start, start + size) for start, size in zip(array.offsets.to_pylist(), array.sizes.to_pylist())]
    offsets = array.offsets.to_pylist()
    return list(zip(offsets, offsets[1:]))


def _list_rows(array: pa.Array) -> list[Any]:
    spans, valid = _spans(array), array.is_valid().to_pylist()
    low = min((start for (start, _), there in zip(spans, valid) if there), default=0)
    high = max((end for (_, end), there in zip(spans, valid) if there), default=0)
    if _is("map", array.type):
        keys = [str(key) for key in array_to_json(array.keys[low:high])]
        items = array_to_json(array.items[low:high])
        pick: Callable[[int, int], Any] = lambda start, end: dict(zip(keys[start - low : end - low], items[start - low : end - low]))
    else:
        values = array_to_json(array.values[low:high])
        pick = lambda start, end: values[start - low : end - low]
    return [pick(start, end) if there else None for (start, end), there in zip(spans, valid)]


def _struct_rows(array: pa.Array) -> list[Any]:
    names = [field.name for field in array.type]
    columns = [array_to_json(array.field(i)) for i in range(len(names))]
    valid = array.is_valid().to_pylist()
    return [
        {name: column[i] for name, column in zip(names, columns) if column[i] is not None} if valid[i] else None
        for i in range(len(array))
    ]


def array_to_json(array: pa.Array) -> list[Any]:
    """The rows. TypeError for types that JSON has nothing for, such as unions."""
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    kind = array.type
    if _is("floating", kind):
        return _rows(array, _number)
    if _is("decimal", kind):
        return _rows(array, _decimal)
    if any(_is(name, kind) for name in ("binary", "large_binary", "binary_view", "fixed_size_binary")):
        return _rows(array, bytes.hex)
    if _is("timestamp", kind):
        return _moments(array, lambda ticks: _timestamp_text(ticks, DIGITS[kind.unit], "Z" if kind.tz else ""))
    if _is("date", kind):
        return _moments(array, _date_text(array))
    if _is("time", kind):
        return _moments(array, lambda ticks: _time_text(ticks, DIGITS[kind.unit]))
    if _is("duration", kind):
        return _moments(array, lambda ticks: _duration_text(ticks, DIGITS[kind.unit]))
    if _is("interval", kind):
        return _rows(array, _interval)
    if _is("struct", kind):
        return _struct_rows(array)
    if any(_is(name, kind) for name in ("list", "large_list", "fixed_size_list", "list_view", "large_list_view", "map")):
        return _list_rows(array)
    if _is("dictionary", kind):
        return array_to_json(array.dictionary_decode())
    if _is("run_end_encoded", kind):
        return array_to_json(pc.run_end_decode(array))
    if _is("union", kind):
        raise TypeError(f"arrays of {kind} can't be written as JSON")
    return list(array.to_pylist())


# ---- rows, from JSON

MOMENT = re.compile(r"(\d+)-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?(Z|[+-]\d\d:?\d\d)?")
CLOCK = re.compile(r"(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?")
DURATION = re.compile(r"(-?)PT(\d+)(?:\.(\d{1,9}))?S")
INTERVAL = re.compile(r"(-?\d+) mons (-?\d+) days (-?)(\d+)(?:\.(\d{1,9}))? secs")


def _match(pattern: re.Pattern[str], text: Any, what: str) -> tuple[str, ...]:
    found = pattern.fullmatch(text) if isinstance(text, str) else None
    if not found:
        raise ValueError(f"{text!r} is no {what}")
    return found.groups()


def _ticks_of(seconds: int, fraction: str | None, digits: int) -> int:
    return seconds * int(10**digits) + int((fraction or "").ljust(9, "0")[:digits] or 0)


def _parse_moment(text: Any, digits: int) -> int:
    year, month, day, hour, minute, second, fraction, zone = _match(MOMENT, text, "time")
    moment = datetime.datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0))
    since = moment - EPOCH
    seconds = since.days * 86400 + since.seconds
    if zone and zone != "Z":
        away = int(zone[1:3]) * 3600 + int(zone[-2:]) * 60
        seconds -= away if zone[0] == "+" else -away
    return _ticks_of(seconds, fraction, digits)


def _parse_clock(text: Any, digits: int) -> int:
    hour, minute, second, fraction = _match(CLOCK, text, "time of day")
    return _ticks_of(int(hour) * 3600 + int(minute) * 60 + int(second or 0), fraction, digits)


def _parse_duration(text: Any, digits: int) -> int:
    sign, seconds, fraction = _match(DURATION, text, "duration")
    ticks = _ticks_of(int(seconds), fraction, digits)
    return -ticks if sign else ticks


def _parse_interval(text: Any) -> Any:
    months, days, sign, seconds, fraction = _match(INTERVAL, text, "interval")
    nanoseconds = _ticks_of(int(seconds), fraction, 9)
    return pa.MonthDayNano([int(months), int(days), -nanoseconds if sign else nanoseconds])


def _parse_row(value: Any, kind: pa.DataType) -> Any:
    """A row as pyarrow takes it."""
    kind = _storage(kind)
    if value is None:
        return None
    if _is("struct", kind):
        return {field.name: _parse_row(value.get(field.name), field.type) for field in kind}
    if _is("map", kind):
        return [(_parse_key(key, kind.key_type), _parse_row(item, kind.item_type)) for key, item in value.items()]
    if any(_is(name, kind) for name in ("list", "large_list", "fixed_size_list", "list_view", "large_list_view")):
        return [_parse_row(item, kind.value_type) for item in value]
    if _is("dictionary", kind) or _is("run_end_encoded", kind):
        return _parse_row(value, kind.value_type)
    if _is("floating", kind):
        return float(value)
    if _is("decimal", kind):
        return decimal.Decimal(str(value)).quantize(decimal.Decimal(1).scaleb(-kind.scale))
    if any(_is(name, kind) for name in ("binary", "large_binary", "binary_view", "fixed_size_binary")):
        return bytes.fromhex(value)
    if isinstance(value, str):
        if _is("timestamp", kind):
            return _parse_moment(value, DIGITS[kind.unit])
        if _is("date", kind):
            return _parse_moment(value, 0) // 86400 * (1 if kind.bit_width == 32 else 86400000)
        if _is("time", kind):
            return _parse_clock(value, DIGITS[kind.unit])
        if _is("duration", kind):
            return _parse_duration(value, DIGITS[kind.unit])
        if _is("interval", kind):
            return _parse_interval(value)
    return value


def _parse_key(key: str, kind: pa.DataType) -> Any:
    if _is("integer", kind):
        return int(key)
    return key == "True" if _is("boolean", kind) else _parse_row(key, kind)


def array_from_json(data: Any, spelt: Any = None) -> pa.Array:
    """The array of which these are the rows; a value that is no list is one row. Without a type, the nearest is taken.
    ValueError for rows that are not of the type, or of none."""
    rows: Sequence[Any] = data if isinstance(data, list) else [data]
    kind = None if spelt is None else type_from_json(spelt)
    try:
        if kind is None:
            return pa.array(rows)
        values = [_parse_row(row, kind) for row in rows]
        if _is("run_end_encoded", kind):
            return pc.run_end_encode(pa.array(values, kind.value_type), kind.run_end_type)
        if _is("float16", kind):
            return pa.array(values, pa.float32()).cast(kind)
        return pa.array(values, kind)
    except (TypeError, ValueError, AttributeError, ArithmeticError, pa.ArrowException) as error:
        raise ValueError(f"the data is no array of {kind or 'one type'}: {error}") from None
