"""Nodes of test_numerics.py: arrays of numpy, tensors by DLPack, and what pandas makes of both directions."""

import datetime

import dora
import numpy as np
import pyarrow as pa

SECONDS = 30
MOMENT = np.datetime64("2020-01-02T03:04:05.678901234")


def echo(notes):
    node = dora.Node()
    for event in node:
        if event["type"] == "INPUT":
            node.send_output("out", event["value"], event["metadata"])


def round_trip(node, data, metadata=None):
    node.send_output("out", data, metadata)
    event = node.next(SECONDS)
    assert event["type"] == "INPUT", event
    return event["value"]


def numpy(notes):
    node = dora.Node()
    plain = [np.arange(24).astype(code) for code in "bBhHiIlLefd"]
    for array in plain:
        for shaped in (array, array.reshape(2, 3, 4), array[::2], array[::-1], array.reshape(4, 6).T, array[:0]):
            value = round_trip(node, shaped)
            assert value.type == pa.from_numpy_dtype(array.dtype), (value.type, array.dtype)
            assert value.to_pylist() == shaped.reshape(-1).tolist()
    for array in plain:
        swapped = array.astype(array.dtype.newbyteorder())
        assert round_trip(node, swapped).to_pylist() == array.tolist(), array.dtype
    assert round_trip(node, np.float64(1.5)).to_pylist() == [1.5]
    assert round_trip(node, np.array(7)).to_pylist() == [7]
    assert round_trip(node, np.array([True, False] * 5)).to_pylist() == [True, False] * 5
    assert round_trip(node, np.array([[True, False]] * 5)[:, 0]).to_pylist() == [True] * 5
    assert round_trip(node, np.array(["a", "bc"])).to_pylist() == ["a", "bc"]
    assert round_trip(node, np.array([MOMENT])).to_numpy()[0] == MOMENT
    assert round_trip(node, np.array([datetime.date(2020, 1, 2)], "M8[D]")).to_pylist() == [datetime.date(2020, 1, 2)]
    locked = np.arange(3)
    locked.flags.writeable = False
    assert round_trip(node, locked).to_pylist() == [0, 1, 2]
    mapped = np.memmap("mapped", np.int32, "w+", shape=10)
    mapped[:] = 5
    assert round_trip(node, mapped).to_pylist() == [5] * 10
    for refused in (np.array([1j]), np.array([(1, 2)], "i4,f4"), np.array([object()]), np.zeros(2, "f16")):
        try:
            node.send_output("out", refused)
            raise AssertionError(f"{refused.dtype} was sent")
        except (TypeError, ValueError, RuntimeError) as error:
            assert str(error), refused.dtype
    image = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    value = round_trip(node, image, {"width": 640, "height": 480})
    assert np.array_equal(value.to_numpy().reshape(480, 640, 3), image)
    notes("done", True)


class Tensor:
    """What has DLPack and nothing else, as a tensor of another library does."""

    def __init__(self, array, device=(1, 0)):
        self.array, self.device = array, device

    def __dlpack__(self, **how):
        return self.array.__dlpack__(**how)

    def __dlpack_device__(self):
        return self.device


class Guarded(Tensor):
    """As one of torch that a gradient is asked for."""

    def __dlpack__(self, **how):
        raise BufferError("detach it first")

    def detach(self):
        return Tensor(self.array)


def dlpack(notes):
    node = dora.Node()
    for code in "bBhHiIlLefd":
        array = np.arange(6, dtype=code).reshape(2, 3)
        assert round_trip(node, Tensor(array)).to_pylist() == array.reshape(-1).tolist()
        value = round_trip(node, array)
        back = np.from_dlpack(value)
        assert back.tolist() == array.reshape(-1).tolist()
        assert back.ctypes.data == value.buffers()[1].address, "it was copied"
    assert round_trip(node, Guarded(np.arange(3))).to_pylist() == [0, 1, 2]
    try:
        node.send_output("out", Tensor(np.arange(3), device=(2, 0)))
        raise AssertionError("memory of another device was sent")
    except (TypeError, ValueError, RuntimeError) as error:
        assert "CPU" in str(error)
    with node.loan("out", (2, 3), "float32") as array:
        np.from_dlpack(array)[:] = [[1, 2, 3], [4, 5, 6]]
    assert node.next(SECONDS)["value"].to_pylist() == [1, 2, 3, 4, 5, 6]
    # A view outlives what it is of.
    view = np.from_dlpack(round_trip(node, np.arange(100_000)))
    assert int(view.sum()) == sum(range(100_000))
    node.close()
    assert int(view.sum()) == sum(range(100_000))
    notes("done", True)


def pandas(notes):
    import pandas as pd

    node = dora.Node()
    series = pd.Series([1.5, None, 3.0], name="s")
    assert round_trip(node, series).to_pylist()[::2] == [1.5, 3.0]
    frame = pd.DataFrame({"number": [1, 2], "text": ["a", None], "time": pd.to_datetime(["2020-01-01", "2021-01-01"])})
    value = round_trip(node, frame)
    assert pa.types.is_struct(value.type) and len(value) == 2
    back = pa.RecordBatch.from_struct_array(value).to_pandas()
    assert back["number"].tolist() == [1, 2] and back["text"].tolist()[0] == "a"
    assert (back["time"] == frame["time"]).all()
    batch = pa.RecordBatch.from_pandas(frame)
    assert round_trip(node, batch).to_pylist() == batch.to_pylist()
    assert round_trip(node, pa.array([1, 2, 3])).to_pandas().tolist() == [1, 2, 3]
    notes("done", True)


def polars(notes):
    import polars as pl

    node = dora.Node()
    series = pl.Series("s", [1, None, 3])
    assert round_trip(node, series).to_pylist() == [1, None, 3]
    frame = pl.DataFrame({"number": [1, 2], "text": ["a", None]})
    value = round_trip(node, frame)
    assert value.to_pylist() == frame.to_dicts()
    back = pl.from_arrow(value)
    assert back.to_list() == frame.to_dicts()
    notes("done", True)
