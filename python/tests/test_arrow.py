"""Every type of Arrow through a real dataflow: values, types, nullability and metadata come back as they were sent."""

import ast
import pathlib

import pytest
from dataflow import HERE, node

FILE = HERE / "nodes/arrow.py"


def properties():
    """The names of PROPERTIES: importing the file would need the module here too."""
    for statement in ast.parse(pathlib.Path(FILE).read_text()).body:
        if isinstance(statement, ast.Assign) and statement.targets[0].id == "PROPERTIES":
            return [key.value for key in statement.value.keys]


@pytest.fixture(scope="module")
def found(side, tmp_path_factory):
    from dataflow import Dataflow

    queue = {"queue_size": 100, "queue_policy": "backpressure"}
    nodes = {
        "driver": node(FILE, "driver", {"in": {"source": "echo/out", **queue}}, ["out"]),
        "echo": node(FILE, "echo", {"in": {"source": "driver/out", **queue}}, ["out"]),
    }
    with Dataflow(side, tmp_path_factory.mktemp("arrow"), **nodes) as flow:
        return flow.finish(seconds=300)["driver"]


@pytest.mark.parametrize("name", properties())
def test_round_trip(found, name):
    assert found.get(name) == "ok", found.get(name, "the driver ended before it")


def test_arrays_outlive_event_node_and_publisher(flow):
    found = flow(
        status=None,
        forgetful=node(FILE, "forgetful", {"seen": "holder/seen"}, ["out"]),
        holder=node(FILE, "holder", {"in": {"source": "forgetful/out", "queue_size": 100}}, ["seen"]),
    )["holder"]
    kinds = found.pop("kinds")
    assert kinds[0] == "NODE_FAILED" and kinds[-1] == "STOP", kinds
    assert found == {"while the node lives": True, "after the node": True, "views": True, "a slice": True}
