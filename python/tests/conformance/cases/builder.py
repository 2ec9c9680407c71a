"""dora.builder and dora.testing, without a dataflow."""

import asyncio

import pyarrow as pa
import yaml
from dora.builder import DataflowBuilder, Operator
from dora.testing import MockNode


def outside(notes):
    build(notes)
    mock(notes)


def build(notes):
    with DataflowBuilder("my-flow") as flow:
        camera = flow.add_node("camera").path("camera.py").args("--fast").env({"A": "1"}).build("make")
        image = camera.add_output("image")
        notes("an output's text", str(image))
        sink = flow.add_node("sink", path="sink.py")
        sink.add_input("image", image, queue_size=2, queue_policy="backpressure")
        sink.add_input("tick", "dora/timer/millis/100")
        flow.add_node("remote").git("https://example.org/a.git", branch="main")
        operator = Operator("op", python="op.py", name="Op", description="does", build="b", send_stdout_as="out")
        flow.add_node("runtime").add_operator(operator)
        notes("an operator", operator.to_dict())
        notes("a library operator", Operator("op", shared_library="lib").to_dict())
        notes("a node", sink.to_dict())
        notes("the dataflow", yaml.safe_load(flow.to_yaml()))
    notes(
        "chained", all(x is camera for x in (camera.path("c.py"), camera.args("a"), camera.env({}), camera.build("b")))
    )
    notes("add_input gives", type(sink.add_input("other", "camera/image")).__name__)
    notes.call("queue_size 0", sink.add_input, "x", "camera/image", queue_size=0)
    notes.call("queue_policy unknown", sink.add_input, "x", "camera/image", queue_policy="other")
    notes("the default name", DataflowBuilder().name)
    notes("written", flow.to_yaml("written.yml"))
    notes("read back", yaml.safe_load(open("written.yml"))["nodes"][0]["id"])


def mock(notes):
    node = MockNode([("a", pa.array([1])), {"type": "INPUT_CLOSED", "id": "a"}], {"key": 1})
    notes("events", list(node))
    notes("after the last", [node.next(), node.try_recv(), node.drain(), node.is_empty()])
    node.send_output("out", pa.array([1]))
    node.send_output("out", b"2", {"a": 1})
    notes("outputs", node.outputs)
    notes("recv_async", asyncio.run(MockNode([("a", b"1")]).recv_async()))
    node.log("info", "text", fields={"a": "b"})
    node.log_warn("text")
    notes("logs", node.logs)
    notes.call("send_output_raw", node.send_output_raw, "out", 1)
    notes.call("merge_external_events", node.merge_external_events, None)
    notes(
        "about itself",
        [node.dataflow_id(), node.dataflow_descriptor(), node.node_config(), node.is_restart(), node.restart_count()],
    )
    client = MockNode([], service_responses={"ask": [b"1"]})
    request = client.send_service_request("ask", b"?")
    event = client.next()
    notes("reply", [event["type"], event["id"], event["metadata"] == {"request_id": request}, event["value"]])
    notes("requests", [r["output_id"] for r in client.service_requests])
    client.send_service_response("reply", b"!", {"request_id": "r"})
    notes("responses", client.service_responses_sent)
