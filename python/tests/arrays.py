"""Hypothesis strategies for Arrow: any type, and arrays of it, sliced and not."""

import datetime
import decimal
import random

import pyarrow as pa
from hypothesis import strategies as st

TIME_UNITS = ("s", "ms", "us", "ns")
INTEGERS = (pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())


class Celsius(pa.ExtensionType):
    """A type of a user's own, with a parameter."""

    def __init__(self, place="here"):
        self.place = place
        super().__init__(pa.float64(), "dora.test.celsius")

    def __arrow_ext_serialize__(self):
        return self.place.encode()

    @classmethod
    def __arrow_ext_deserialize__(cls, storage_type, serialized):
        return cls(serialized.decode())


class Pairs(pa.ExtensionType):
    """A type of a user's own over a nested one."""

    def __init__(self):
        super().__init__(pa.list_(pa.struct([("a", pa.int8()), ("b", pa.string())])), "dora.test.pairs")

    def __arrow_ext_serialize__(self):
        return b""

    @classmethod
    def __arrow_ext_deserialize__(cls, storage_type, serialized):
        return cls()


pa.register_extension_type(Celsius())
pa.register_extension_type(Pairs())

decimals = st.one_of(
    st.integers(1, 38).flatmap(lambda p: st.integers(0, p).map(lambda s: pa.decimal128(p, s))),
    st.integers(1, 76).flatmap(lambda p: st.integers(0, p).map(lambda s: pa.decimal256(p, s))),
)
times = st.one_of(
    st.sampled_from([pa.date32(), pa.date64(), pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns")]),
    st.sampled_from(TIME_UNITS).map(pa.timestamp),
    st.sampled_from(TIME_UNITS).map(lambda unit: pa.timestamp(unit, "Europe/Paris")),
    st.sampled_from(TIME_UNITS).map(pa.duration),
    st.just(pa.month_day_nano_interval()),
)
texts = st.sampled_from(
    [
        *(pa.string(), pa.large_string(), pa.string_view()),
        *(pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(0), pa.binary(3)),
    ]
)
numbers = st.sampled_from([pa.bool_(), *INTEGERS, pa.float16(), pa.float32(), pa.float64()])
leaves = st.one_of(st.just(pa.null()), numbers, decimals, times, texts)
dictionaries = st.builds(
    pa.dictionary,
    st.sampled_from(INTEGERS),
    st.one_of(st.sampled_from([pa.string(), pa.int64(), pa.large_binary(), pa.string_view()]), numbers),
    st.booleans(),
)
extensions = st.one_of(
    st.text(max_size=5).map(Celsius),
    st.sampled_from([Pairs(), pa.uuid(), pa.json_(), pa.bool8(), pa.fixed_shape_tensor(pa.float32(), (2, 3))]),
)
field_names = st.text(alphabet="ab ü/", max_size=4)


@st.composite
def fields(draw, types):
    metadata = draw(st.none() | st.dictionaries(st.binary(max_size=3), st.binary(max_size=3), min_size=1, max_size=2))
    type = draw(types)
    nullable = pa.types.is_null(type) or draw(st.booleans())
    return pa.field(draw(field_names), type, nullable=nullable, metadata=metadata)


def list_of(types):
    item = fields(types)
    return st.one_of(
        item.map(pa.list_),
        item.map(pa.large_list),
        item.map(pa.list_view),
        item.map(pa.large_list_view),
        st.tuples(item, st.integers(0, 3)).map(lambda of: pa.list_(*of)),
    )


@st.composite
def unions(draw, types):
    members = draw(st.lists(fields(types), min_size=1, max_size=3))
    codes = draw(st.lists(st.integers(0, 127), min_size=len(members), max_size=len(members), unique=True))
    return draw(st.sampled_from([pa.dense_union, pa.sparse_union]))(members, codes)


def nested(types):
    return st.one_of(
        list_of(types),
        st.lists(fields(types), max_size=3).map(pa.struct),
        st.builds(
            lambda key, item, sort: pa.map_(key, item, keys_sorted=sort), st.just(pa.string()), types, st.booleans()
        ),
        unions(types),
        st.builds(
            pa.run_end_encoded, st.sampled_from([pa.int16(), pa.int32(), pa.int64()]), numbers | texts | decimals
        ),
    )


types = st.recursive(st.one_of(leaves, dictionaries, extensions), nested, max_leaves=5)

# ---- Arrays


def number(rng, type):
    if pa.types.is_boolean(type):
        return rng.random() < 0.5
    if pa.types.is_integer(type):
        bits = type.bit_width
        low, high = (0, 2**bits - 1) if str(type).startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        return rng.choice([low, high, rng.randint(low, high), 0])
    if type == pa.float16():
        import numpy as np

        return np.float16(rng.uniform(-100, 100))
    return rng.choice([rng.uniform(-1e6, 1e6), 0.0, float("inf")])


def text(rng):
    return "".join(rng.choice("abcü😀\0") for _ in range(rng.choice([0, 1, 5, 12, 13, 40])))


def value(rng, type):
    """A value of a type without children, as pa.array takes it."""
    is_ = pa.types
    if is_.is_decimal(type):
        digits = rng.randint(-(10**type.precision) + 1, 10**type.precision - 1)
        with decimal.localcontext(prec=100):
            return decimal.Decimal(digits).scaleb(-type.scale)
    if is_.is_date64(type) or is_.is_date32(type):
        return datetime.date.fromordinal(rng.randint(1, 3_000_000))
    if is_.is_time32(type) or is_.is_time64(type):
        return datetime.time(rng.randrange(24), rng.randrange(60), rng.randrange(60))
    if is_.is_timestamp(type) or is_.is_duration(type):
        return rng.randint(-(2**40), 2**40)
    if is_.is_interval(type):
        return pa.MonthDayNano([rng.randint(-100, 100), rng.randint(-100, 100), rng.randint(-(2**60), 2**60)])
    if is_.is_fixed_size_binary(type):
        return rng.randbytes(type.byte_width)
    if is_.is_string(type) or is_.is_large_string(type) or is_.is_string_view(type):
        return text(rng)
    if is_.is_binary(type) or is_.is_large_binary(type) or is_.is_binary_view(type):
        return text(rng).encode()
    return number(rng, type)


def mask(rng, length, nulls):
    return pa.array([nulls and rng.random() < 0.3 for _ in range(length)], pa.bool_())


def offsets(rng, length, type=pa.int32()):
    found = [0]
    for _ in range(length):
        found.append(found[-1] + rng.choice([0, 1, 3]))
    return pa.array(found, type)


def union(rng, type, length):
    members = range(type.num_fields)
    which = [rng.choice(members) for _ in range(length)]
    codes = pa.array([type.type_codes[i] for i in which], pa.int8())
    names = [type.field(i).name for i in members]
    if type.mode == "sparse":
        children = [array_of(rng, type.field(i).type, length) for i in members]
        made = pa.UnionArray.from_sparse(codes, children, names, type.type_codes)
    else:
        positions = pa.array([which[:i].count(member) for i, member in enumerate(which)], pa.int32())
        children = [array_of(rng, type.field(i).type, which.count(i)) for i in members]
        made = pa.UnionArray.from_dense(codes, positions, children, names, type.type_codes)
    return made  # the members' metadata and nullability are lost here, so its type is one of its own


def array_of(rng, type, length, nulls=True):
    """An array of so many values; its type may differ from `type` in what the constructors of pyarrow leave out."""
    is_ = pa.types
    if is_.is_null(type):
        return pa.nulls(length)
    if isinstance(type, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(type, array_of(rng, type.storage_type, length, nulls))
    if is_.is_dictionary(type):
        distinct = rng.choice([1, 5])
        values = array_of(rng, type.value_type, distinct, nulls=False)
        indices = [None if nulls and rng.random() < 0.2 else rng.randrange(distinct) for _ in range(length)]
        return pa.DictionaryArray.from_arrays(pa.array(indices, type.index_type), values, ordered=type.ordered)
    if is_.is_run_end_encoded(type):
        ends = sorted({length, *(rng.randint(1, length) for _ in range(length // 3))} - {0})
        values = array_of(rng, type.value_type, len(ends))
        return pa.RunEndEncodedArray.from_arrays(pa.array(ends, type.run_end_type), values, type)
    if is_.is_union(type):
        return union(rng, type, length)
    if is_.is_struct(type):
        children = [array_of(rng, f.type, length, f.nullable) for f in type]
        if not children:
            return pa.array([None if nulls and rng.random() < 0.3 else {} for _ in range(length)], type)
        kept = [f.with_type(c.type) for f, c in zip(type, children)]
        return pa.StructArray.from_arrays(children, fields=kept, mask=mask(rng, length, nulls))
    if is_.is_map(type):
        where = offsets(rng, length)
        keys, items = (
            array_of(rng, t, where[-1].as_py(), n) for t, n in ((type.key_type, False), (type.item_type, True))
        )
        kept = pa.map_(type.key_field, type.item_field.with_type(items.type), keys_sorted=type.keys_sorted)
        return pa.MapArray.from_arrays(where, keys, items, type=kept, mask=mask(rng, length, nulls))
    if is_.is_fixed_size_list(type):
        if not type.list_size:  # pyarrow would divide by it
            valid = pa.array([not nulls or rng.random() < 0.7 for _ in range(length)], pa.bool_()).buffers()[1]
            return pa.Array.from_buffers(type, length, [valid], children=[array_of(rng, type.value_type, 0)])
        item = array_of(rng, type.value_type, length * type.list_size, type.value_field.nullable)
        kept = pa.list_(type.value_field.with_type(item.type), type.list_size)
        return pa.FixedSizeListArray.from_arrays(item, type=kept, mask=mask(rng, length, nulls))
    if is_.is_list(type) or is_.is_large_list(type):
        large = is_.is_large_list(type)
        where = offsets(rng, length, pa.int64() if large else pa.int32())
        item = array_of(rng, type.value_type, where[-1].as_py(), type.value_field.nullable)
        kept = (pa.large_list if large else pa.list_)(type.value_field.with_type(item.type))
        made = (pa.LargeListArray if large else pa.ListArray).from_arrays
        return made(where, item, type=kept, mask=mask(rng, length, nulls))
    if is_.is_list_view(type) or is_.is_large_list_view(type):
        large = is_.is_large_list_view(type)
        item = array_of(rng, type.value_type, 6, type.value_field.nullable)
        starts = [rng.randrange(6) for _ in range(length)]
        sizes = [rng.randint(0, 6 - start) for start in starts]
        kept = (pa.large_list_view if large else pa.list_view)(type.value_field.with_type(item.type))
        made = (pa.LargeListViewArray if large else pa.ListViewArray).from_arrays
        whole = pa.int64() if large else pa.int32()
        return made(pa.array(starts, whole), pa.array(sizes, whole), item, type=kept, mask=mask(rng, length, nulls))
    return pa.array([None if nulls and rng.random() < 0.3 else value(rng, type) for _ in range(length)], type)


@st.composite
def arrays(draw, of=types):
    """An array of a type, perhaps a slice of a longer one: an offset that is no multiple of 8 for bitmaps."""
    type = draw(of)
    length, before, after = draw(st.integers(0, 20)), draw(st.integers(0, 9)), draw(st.integers(0, 3))
    made = array_of(random.Random(draw(st.integers(0, 1000))), type, before + length + after)
    return made.slice(before, length) if before or after else made


def buffers(array):
    """All buffers, those of dictionaries too."""
    found = [b for b in array.buffers() if b is not None]
    if isinstance(array, pa.DictionaryArray):
        found += buffers(array.dictionary)
    return found


def same(one, other):
    """Whether an array arrived as it was: values, type, nullability and metadata of fields, and valid."""
    other.validate(full=True)
    return one.type.equals(other.type, check_metadata=True) and one.equals(other) and len(one) == len(other)
