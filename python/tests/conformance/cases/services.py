"""Requests and replies."""

import re
import time

import dora
import pyarrow as pa

DATAFLOW = {
    "client": {"outputs": ["request"], "inputs": {"reply": {"source": "server/reply", "queue_size": 100}}},
    "server": {"outputs": ["reply"], "inputs": {"request": {"source": "client/request", "queue_size": 100}}},
}
VERSION_7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def client(notes):
    node = dora.Node()
    ask = node.send_service_request
    one = ask("request", pa.array([1]))
    notes("request_id", type(one).__name__)
    notes("version 7", bool(VERSION_7.fullmatch(one)))
    time.sleep(0.01)  # ids of one millisecond are in no order
    two = ask("request", b"2", {"key": "value", "request_id": "mine"})
    notes("sorted by time", one < two)
    replies = [node.next() for _ in range(3)]
    notes(
        "request_ids come back",
        sorted(e["metadata"]["request_id"] for e in replies if "request_id" in e["metadata"]) == [one, two],
    )
    notes("keys of the reply", [sorted(e["metadata"]) for e in replies])
    notes("values", [e["value"] for e in replies])
    notes.call("undeclared", lambda: type(ask("other", b"1")).__name__)
    notes.call("bad data", ask, "request", object())
    notes.call("bad id", ask, "a b", b"")
    notes.call("metadata a str", ask, "request", b"", "text")
    notes.call("no data", ask, "request")


def server(notes):
    node = dora.Node()
    answer = node.send_service_response
    for number in range(2):
        event = node.next()
        notes(
            f"request {number}", [event["value"], sorted(event["metadata"]), event["metadata"]["request_id"] == "mine"]
        )
        notes.call(f"answer {number}", answer, "reply", event["value"], event["metadata"])
    notes.call("no metadata", answer, "reply", b"")
    notes.call("metadata None", answer, "reply", b"", None)
    notes.call("no request_id", answer, "reply", b"3", {"key": 1})
    notes.call("undeclared", answer, "other", b"", {"request_id": "1"})
    notes.call("bad data", answer, "reply", object(), {"request_id": "1"})
    for event in node:
        pass
