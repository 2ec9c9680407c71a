"""What nodes print, as messages: send_stdout_as, send_logs_as, min_log_level, dora/logs."""

import json

from conftest import BUILD, actor


def texts(count, **inputs):
    return {"path": str(BUILD / "tests/nodes/texts"), "args": str(count), "inputs": inputs}


def got(done, node="sink"):
    return [line.split(": ", 1) for line in done.lines(node) if ": " in line]


def test_send_stdout_as(flow, run):
    done = run(
        flow(
            source=actor("join", "say=one", "cry=two", "say=", "leave", "say=after", send_stdout_as="said", outputs=["said"]),
            sink=texts(-1, said="source/said"),
        )
    )
    assert done.status == 0, done.stderr
    # Each text ends with the newline that was printed, so each is followed by an empty line.
    assert {text for name, text in got(done) if name == "said"} == {"one", "two", "after", ""}
    assert "not acted on" not in done.stderr


def test_send_logs_as(flow, run):
    done = run(
        flow(
            source=actor(
                "join", "say=plain", "log=info:hello", "log=error:bad", "log=debug:fine", send_logs_as="logs",
                min_log_level="info", outputs=["logs"],
            ),
            sink=texts(-1, logs="source/logs"),
        )
    )
    assert done.status == 0, done.stderr
    records = [json.loads(text) for _, text in got(done)]
    assert [(record["level"], record["message"]) for record in records] == [("INFO", "hello"), ("ERROR", "bad")]
    assert all(record["node_id"] == "source" and record["dataflow_id"] == done.dataflow for record in records)


def test_both_into_two_inputs_beside_data(flow, run):
    done = run(
        flow(
            source=actor(
                "join", "log=warn:careful", "send=out:3:8", send_logs_as="logs", send_stdout_as="raw",
                outputs=["logs", "raw", "out"],
            ),
            sink=texts(-1, a="source/logs", b="source/raw", c="source/out"),
        )
    )
    lines = got(done)
    assert [json.loads(text)["message"] for name, text in lines if name == "a"] == ["careful"]
    assert [json.loads(text)["level"].lower() for name, text in lines if name == "b"] == ["warn"]
    assert [text for name, text in lines if name == "c"] == ["format C"] * 3


def test_dora_logs(flow, run):
    """Filtered by level and node, for several readers."""
    speak = ["say=plain", "log=info:hello", "log=error:bad", "log=debug:fine"]
    done = run(
        flow(
            a=actor("join", *speak, "leave"),
            b=actor("join", *speak, "leave"),
            records=texts(6, logs="dora/logs/trace"),
            lines=texts(4, logs="dora/logs/stdout/a"),
            errors=texts(2, logs="dora/logs/error"),
            infos=texts(2, logs="dora/logs/info/b"),
        )
    )
    assert done.status == 0, done.stderr

    def records(node):
        return [(r["node_id"], r["level"], r["message"]) for r in (json.loads(text) for _, text in got(done, node))]

    assert sorted(records("errors")) == [("a", "ERROR", "bad"), ("b", "ERROR", "bad")]
    assert records("infos") == [("b", "INFO", "hello"), ("b", "ERROR", "bad")]
    assert len(records("records")) == 6 and "stdout" not in {level for _, level, _ in records("records")}
    assert records("lines")[0] == ("a", "stdout", "plain") and len(records("lines")) == 4


def test_nobody_hears_itself(flow, run):
    done = run(flow(echo=texts(1, logs="dora/logs"), other=actor("join", "say=hello", "leave")))
    assert [json.loads(text)["node_id"] for _, text in got(done, "echo")] == ["other"]


def test_a_flood_of_lines_stops_nobody(flow, run):
    done = run(
        flow(
            source=actor("join", "print=3000000", send_stdout_as="said", outputs=["said"]),
            sink={**texts(-1), "inputs": {"said": {"source": "source/said", "queue_policy": "backpressure"}}},
        )
    )
    assert done.status == 0, done.stderr
    assert len(got(done)) > 0


def test_long_line(flow, run):
    text = "x" * 100000
    done = run(
        flow(
            source=actor("join", f"say={text}", send_stdout_as="said", outputs=["said"]),
            sink=texts(1, said="source/said"),
        )
    )
    assert [line for name, line in got(done) if name == "said"] == [text]
