"""dora.builder: descriptors as dora-rs's builder writes them."""

import subprocess

import pytest
import yaml
from conftest import DORA

from dora.builder import DataflowBuilder, Operator

pytestmark = pytest.mark.pure_python


def test_a_dataflow():
    with DataflowBuilder() as dataflow:
        camera = dataflow.add_node("camera", path="camera.py", restart_policy="always")
        image = camera.add_output("image")
        assert str(image) == "camera/image"
        camera.add_output("image")
        viewer = dataflow.add_node("viewer").path("viewer.py").args("--big 'a b'").env({"N": 1}).build("make")
        assert viewer.add_input("image", image, queue_size=1).add_input("tick", "dora/timer/hz/30") is viewer
        viewer.add_input("again", "camera/image", queue_policy="backpressure")
        dataflow.add_node("far").git("https://example.org/far", tag="v1").path("far")
    assert yaml.safe_load(dataflow.to_yaml()) == {
        "nodes": [
            {"id": "camera", "path": "camera.py", "restart_policy": "always", "outputs": ["image"]},
            {
                "id": "viewer",
                "path": "viewer.py",
                "args": "--big 'a b'",
                "env": {"N": 1},
                "build": "make",
                "inputs": {
                    "image": {"source": "camera/image", "queue_size": 1},
                    "tick": "dora/timer/hz/30",
                    "again": {"source": "camera/image", "queue_policy": "backpressure"},
                },
            },
            {"id": "far", "git": "https://example.org/far", "tag": "v1", "path": "far"},
        ]
    }


def test_operators():
    node = DataflowBuilder().add_node("runtime")
    node.add_operator(Operator("a", name="A", python="a.py", send_stdout_as="out"))
    node.add_operator(Operator("b", shared_library="build/b", description="", build="make"))
    assert node.to_dict() == {
        "id": "runtime",
        "operators": [
            {"id": "a", "name": "A", "python": "a.py", "send_stdout_as": "out"},
            {"id": "b", "shared-library": "build/b", "build": "make"},
        ],
    }


def test_ports_of_operators(tmp_path):
    """Which dora-rs's builder doesn't have."""
    dataflow = DataflowBuilder()
    first = Operator("a", python="op.py", thread="one").add_input("tick", "dora/timer/hz/30")
    with pytest.raises(ValueError, match="'a' is of no node yet"):
        str(first.add_output("out"))
    second = Operator("b", python="op.py", thread="one")
    dataflow.add_node("runtime").add_operator(first).add_operator(second)
    second.add_input("in", first.add_output("out"), queue_size=3)
    dataflow.add_node("sink", path="op.py").add_input("in", second.add_output("more"))
    assert yaml.safe_load(dataflow.to_yaml()) == {
        "nodes": [
            {
                "id": "runtime",
                "operators": [
                    {
                        "id": "a",
                        "python": "op.py",
                        "thread": "one",
                        "inputs": {"tick": "dora/timer/hz/30"},
                        "outputs": ["out"],
                    },
                    {
                        "id": "b",
                        "python": "op.py",
                        "thread": "one",
                        "inputs": {"in": {"source": "runtime/a/out", "queue_size": 3}},
                        "outputs": ["more"],
                    },
                ],
            },
            {"id": "sink", "path": "op.py", "inputs": {"in": "runtime/b/more"}},
        ]
    }
    (tmp_path / "op.py").touch()
    dataflow.to_yaml(tmp_path / "built.yml")
    done = subprocess.run([DORA, "validate", tmp_path / "built.yml"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_file_that_dora_takes(tmp_path):
    dataflow = DataflowBuilder("named")
    (tmp_path / "source.py").touch()
    output = dataflow.add_node("source", path="source.py").add_output("out")
    dataflow.add_node("sink", path="source.py").add_input("in", output, queue_size=2)
    assert dataflow.to_yaml(tmp_path / "dataflow.yml") is None
    done = subprocess.run([DORA, "validate", tmp_path / "dataflow.yml"], stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("options", [{"queue_size": 0}, {"queue_policy": "newest"}])
def test_options_that_cannot_be(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        DataflowBuilder().add_node("sink").add_input("in", "source/out", **options)
