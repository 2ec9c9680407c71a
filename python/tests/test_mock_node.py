"""dora.testing.MockNode: what a node's code may expect of it."""

import asyncio

import numpy as np
import pytest

from dora import DoraStatus
from dora.testing import MockNode, run_operator

pytestmark = pytest.mark.pure_python

STOP = {"type": "STOP", "id": "ALL_INPUTS_CLOSED"}


def test_inputs_and_then_a_stop():
    node = MockNode([("a", 1), ("b", [2])], {"width": 3})
    assert list(node) == [
        {"type": "INPUT", "id": "a", "value": 1, "metadata": {"width": 3}},
        {"type": "INPUT", "id": "b", "value": [2], "metadata": {"width": 3}},
        STOP,
    ]
    assert node.next() is None and node.try_recv() is None and node.drain() == [] and node.is_empty()


def test_other_events_and_a_stop_of_its_own():
    given = [{"type": "INPUT_CLOSED", "id": "a"}, {"type": "STOP", "id": "MANUAL"}, ("late", 1)]
    assert [event["type"] for event in MockNode(given)] == ["INPUT_CLOSED", "STOP", "INPUT"]


def test_every_way_to_receive():
    async def receive(node):
        first = await node.recv_async(timeout=1)
        return [first["id"], *[event["id"] async for event in node]]

    assert asyncio.run(receive(MockNode([("a", 1), ("b", 2)]))) == ["a", "b", "ALL_INPUTS_CLOSED"]
    node = MockNode([("a", 1), ("b", 2), ("c", 3)])
    assert not node.is_empty()
    assert [node.next(timeout=0)["id"], node.try_recv()["id"]] == ["a", "b"]
    assert [event["type"] for event in node.drain()] == ["INPUT", "STOP"]
    with pytest.raises(ValueError, match="timeout"):
        node.next(timeout=-1)


def test_every_way_to_send():
    node = MockNode([])
    node.send_output("a", [1], {"width": 2})
    with node.send_output_raw("raw", 3) as sample:
        memoryview(sample)[:] = b"abc"
    with node.loan("image", (2, 2), "uint8", {"height": 2}) as image:
        image[:] = 7
    with pytest.raises(KeyError), node.loan("image", 1):
        raise KeyError
    assert node.outputs["a"] == [[1]] and node.outputs["raw"] == [b"abc"]
    assert [image.tolist() for image in node.outputs["image"]] == [[[7, 7], [7, 7]]]
    assert isinstance(node.outputs["image"][0], np.ndarray)
    assert node.output_metadata == {"a": [{"width": 2}], "raw": [{}], "image": [{"height": 2}]}


def test_requests_are_answered():
    node = MockNode([("tick", 0)], service_responses={"ask": ["yes"]})
    request = node.send_service_request("ask", "?", {"urgent": True})
    other = node.send_service_request("ask", "again?")
    assert [event["type"] for event in node.drain()] == ["INPUT", "INPUT", "STOP"]
    assert node.service_requests[0] == {
        "output_id": "ask",
        "data": "?",
        "metadata": {"urgent": True},
        "request_id": request,
    }
    assert request != other
    node = MockNode([], service_responses={"ask": ["yes"]})
    request = node.send_service_request("ask", "?")
    assert node.next() == {"type": "INPUT", "id": "ask", "value": "yes", "metadata": {"request_id": request}}
    node.send_service_response("reply", 1, {"request_id": "r"})
    assert node.service_responses_sent[0]["request_id"] == "r"


def test_logs():
    node = MockNode([])
    node.log("info", "all is well", target="main", fields={"n": "1"})
    node.log_error("it is not")
    assert node.logs == [
        {"level": "info", "message": "all is well", "target": "main", "fields": {"n": "1"}},
        {"level": "error", "message": "it is not", "target": None, "fields": {}},
    ]


def test_what_it_says_of_itself():
    node = MockNode([], dataflow_id="d", node_config={"a": 1}, is_restart=True, restart_count=2)
    assert (node.dataflow_id(), node.node_config(), node.is_restart(), node.restart_count()) == ("d", {"a": 1}, True, 2)
    assert MockNode([]).dataflow_descriptor() == {} and node.timestamp().tzinfo is not None
    with pytest.raises(NotImplementedError):
        node.merge_external_events(None)


class Sum:
    """An operator."""

    def __init__(self, status=DoraStatus.CONTINUE):
        self.seen, self.status = [], status

    def on_event(self, event, send_output):
        self.seen.append(event["type"])
        if event["type"] == "INPUT":
            send_output("sum", sum(event["value"]), event["metadata"])
            self.node.log_info("summed")
        return self.status


def test_an_operator():
    operator = Sum()
    node = run_operator(operator, [("a", [1, 2]), ("b", [3])], {"key": 1})
    assert node.outputs["sum"] == [3, 3] and node.output_metadata["sum"] == [{"key": 1}] * 2
    assert operator.seen == ["INPUT", "INPUT", "STOP"] and len(node.logs) == 2
    assert run_operator(Sum(DoraStatus.STOP), [("a", [1]), ("a", [2])]).outputs["sum"] == [1]
    with pytest.raises(TypeError, match="on_event returned None"):
        run_operator(Sum(None), [("a", [1])])
