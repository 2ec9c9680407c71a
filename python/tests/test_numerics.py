"""numpy, DLPack, pandas and polars on both ends."""

import importlib.util

import pytest
from dataflow import HERE, node

FILE = HERE / "nodes/numerics.py"


@pytest.mark.parametrize("name", ["numpy", "dlpack", "pandas", "polars"])
def test_round_trip(flow, name):
    if name in ("pandas", "polars") and not importlib.util.find_spec(name):
        pytest.skip(f"{name} is not installed")
    found = flow(
        **{name: node(FILE, name, {"in": {"source": "echo/out", "queue_size": 10}}, ["out"])},
        echo=node(FILE, "echo", {"in": {"source": f"{name}/out", "queue_size": 10}}, ["out"]),
    )
    assert found[name] == {"done": True}
