"""Looking inside a dataflow that runs: top, topic, param and trace."""

import json
import os
import re
import signal
import time

import pytest

from conftest import BUILD, actor, until
from system import Terminal, said, stream, subscribers, system  # noqa: F401

# ruff: noqa: F811

FAMILIES = {
    "null": [None, None],
    "bool": [False, None, True],
    "int8": [-128, 127],
    "uint8": [0, 255],
    "int16": [-32768, 32767],
    "uint16": [0, 65535],
    "int32": [-(2**31), 2**31 - 1],
    "uint32": [0, 2**32 - 1],
    "int64": [-(2**63), 2**63 - 1],
    "uint64": [0, 2**64 - 1],
    "float16": [1.0, -2.5, "Infinity"],
    "float32": [0.1, -1.0, 1e30],
    "float64": [0.1, 2.0, "NaN", "-Infinity"],
    "decimal": ["12.50", "-0.07"],
    "utf8": ["ab", "", 'é"\\\n'],
    "large_utf8": ["ab", "c"],
    "binary": ["00ff", "10"],
    "fixed_binary": ["0102", "feff"],
    "utf8_view": ["short", ""],
    "date32": ["2024-02-29", "1969-12-31"],
    "date64": ["2024-02-29"],
    "time32": ["12:30:00.5"],
    "time64": ["00:00:01.000000001"],
    "timestamp_utc": ["2024-02-29T12:30:00.5Z", "1969-12-31T23:59:59.999999Z"],
    "timestamp": ["2024-02-29T12:30:00.5"],
    "duration": ["PT1.5S", "PT-0.25S"],
    "interval_months": ["P14M"],
    "interval_days": ["P2DT1.5S"],
    "interval_all": ["P1M2DT0.000000003S"],
    "list": [[1, 2], None, [3, 4, 5, 6]],
    "large_list": [[1], [2, 3, 4, 5, 6]],
    "list_view": [[5, 6], [1]],
    "fixed_list": [[1, 2, 3], [4, 5, 6]],
    "struct": [{"x": 1, "name": "ab"}, None, {"x": 3, "name": 'é"\\\n'}],
    "map": [{"ab": 1}, {"": 2, 'é"\\\n': 3}],
    "dictionary": ['é"\\\n', "ab"],
    "dense_union": [6, "", 1],
    "sparse_union": [1, "", 3],
    "runs": [1, 1, 2],
}


# ---- topic ----


def test_echo_shows_every_arrow_type(system, flow):
    path = flow(
        families={
            "path": str(BUILD / "tests/nodes/families"),
            "inputs": {"go": "dora/timer/millis/50"},
            "outputs": ["out"],
        }
    )
    system.up()
    system.start(path)
    done = system.dora("topic", "echo", "-f", "json", "families/out", "--count", str(2 * len(FAMILIES)))
    found = {line["metadata"]["family"]: line for line in done.json()}
    assert {name: line["data"] for name, line in found.items()} == FAMILIES
    assert all(line["name"] == "families/out" for line in found.values())
    assert all(abs(line["timestamp"] / 1000 - time.time()) < 3600 for line in found.values())
    table = system.dora("topic", "echo", "--count", str(len(FAMILIES))).stdout
    assert 'families/out\t data=["12.50","-0.07"] metadata={"family":"decimal"}' in table


def test_echo_cuts_long_data_in_lines_but_not_in_json(system, flow):
    path = flow(source=actor("join", "send=out:100000:5000:20", outputs=["out"]))
    system.up()
    system.start(path)
    line = system.dora("topic", "echo", "source/out", "--count", "1").stdout
    assert re.search(r"… \d+ more\]", line) and len(line) < 600
    assert len(system.dora("topic", "echo", "-f", "json", "--count", "1").json()[0]["data"]) == 5000
    system.dora("stop", "--force", status=None)


def test_echo_ends_after_its_duration_and_by_ctrl_c(system, stream):
    assert system.dora("topic", "echo", "source/out", "--duration", "200ms").stdout
    echo = system.begin("topic", "echo", "source/out")
    echo.stdout.readline()
    echo.send_signal(signal.SIGINT)
    assert echo.wait(timeout=30) == 0
    echo.stdout.close()
    echo.stderr.close()


def test_echo_goes_on_when_the_publisher_is_restarted(system, stream):
    echo = system.begin("topic", "echo", "-f", "json", "source/out", "--count", "400")
    first = json.loads(echo.stdout.readline())
    assert first["metadata"] == {"speed": 1.5}
    system.dora("node", "restart", "source", "--grace-duration", "100ms")
    lines = echo.stdout.read()  # communicate() passes over what readline() has read ahead
    assert echo.wait(timeout=60) == 0, echo.stderr.read()
    echo.stdout.close()
    echo.stderr.close()
    numbers = [int.from_bytes(bytes(json.loads(line)["data"][:8]), "little") for line in lines.splitlines()]
    assert len(numbers) == 399
    assert 0 in numbers[1:]  # they begin anew


def test_watching_ends_without_a_trace(system, stream):
    assert subscribers(system, "source", "out") == 1
    echo = [system.begin("topic", "echo", "source/out") for _ in range(3)]
    for process in echo:
        process.stdout.readline()
    assert subscribers(system, "source", "out") == 4
    assert system.dora("topic", "list", "-f", "json").json()[0]["subscribers"] == ["relay/in"]
    for process, number in zip(echo, (signal.SIGKILL, signal.SIGINT, signal.SIGTERM)):
        process.send_signal(number)
        process.communicate()
    until(lambda: subscribers(system, "source", "out") == 1, "the end of the watching")


def test_the_end_of_the_dataflow_ends_echo(system, flow, tmp_path):
    path = flow(source=actor("join", f"gate={tmp_path}/go", "send=out:50:64:2", outputs=["out"]))
    system.up()
    system.start(path)
    echo = system.begin("topic", "echo", "-f", "json", "source/out")
    until(lambda: subscribers(system, "source", "out") == 1, "the watcher")
    (tmp_path / "go").touch()
    lines, errors = echo.communicate(timeout=60)
    assert echo.returncode == 0, errors
    assert [json.loads(line)["data"][0] for line in lines.splitlines()] == list(range(50))


def test_topic_list(system, stream):
    assert system.dora("topic", "list", "-d", "stream", "-f", "json").json() == [
        {"node": "source", "name": "out", "subscribers": ["relay/in"]},
        {"node": "relay", "name": "fwd", "subscribers": ["sink/in"]},
    ]
    lines = system.dora("topic", "list").stdout.splitlines()
    assert lines[0].split() == ["Node", "Name", "Subscribers"]
    assert lines[1].split() == ["source", "out", "relay/in"]


def test_hz_of_a_timer(system, flow):
    path = flow(
        node=actor("join", "quiet", "bare", "echo=out", "listen", inputs={"t": "dora/timer/millis/20"}, outputs=["out"])
    )
    system.up()
    system.start(path)
    done = system.dora("topic", "hz", "node/out", "--duration", "1s")
    title, line = (row.split("\t") for row in done.stdout.splitlines())
    assert title == ["topic", "avg_ms", "avg_hz", "min_ms", "max_ms", "std_ms", "samples"]
    row = dict(zip(title, line))
    assert row["topic"] == "node/out"
    # The mean of evenly spaced ticks, whatever single ones were late by; a machine may skip some.
    assert 20 * 0.9 < float(row["avg_ms"]) < 20 * 3
    assert float(row["min_ms"]) <= float(row["avg_ms"]) <= float(row["max_ms"])
    assert 10 < int(row["samples"]) <= 60
    row = system.dora("topic", "hz", "-f", "json", "--duration", "500ms").json()[0]
    assert row["topic"] == "node/out" and row["avg_hz"] > 0


def test_bw_and_delay_and_info(system, stream):
    row = system.dora("topic", "bw", "-f", "json", "source/out", "--duration", "500ms").json()[0]
    assert (row["min_bytes"], row["max_bytes"], row["avg_bytes"]) == (64, 64, 64)
    assert row["mb_per_s"] == pytest.approx(row["avg_hz"] * 64 / 1e6)
    row = system.dora("topic", "delay", "-f", "json", "source/out", "--duration", "500ms").json()[0]
    assert 0 < row["min_ms"] <= row["avg_ms"] <= row["max_ms"]
    info = system.dora("topic", "info", "-f", "json", "source/out", "--duration", "300ms").json()[0]
    assert info["type"] == "uint8" and info["publisher"] == "source" and info["subscribers"] == ["relay/in"]
    assert info["statistics"]["messages"] > 0 and info["statistics"]["avg_bytes"] == 64
    text = system.dora("topic", "info", "source/out", "--duration", "100ms").stdout
    for title in ("Topic: source/out", "Type: uint8", "Publisher: source", "Subscribers:\n  relay/in", "Statistics"):
        assert title in text


@pytest.mark.parametrize(
    "data, rows",
    [
        ("[1, 2, -3]", [1, 2, -3]),
        ("1.5", [1.5]),
        ("[1, 2.5, null]", [1.0, 2.5, None]),
        ('"q"', ["q"]),
        ('["a", null, ""]', ["a", None, ""]),
        ("true, false", [True, False]),
        ("[]", []),
        ("[[1, 2], [], null]", [[1, 2], [], None]),
        ('{"x": 1, "way": [{"y": 2.5}]}', [{"x": 1, "way": [{"y": 2.5}]}]),
    ],
)
def test_pub_reaches_the_receivers(system, flow, data, rows):
    path = flow(
        quiet=actor("join", "listen", inputs={"t": "dora/timer/secs/100"}, outputs=["out"]),
        node=actor("join", "bare", "echo=heard", "listen", inputs={"in": "quiet/out"}, outputs=["heard"]),
    )
    system.up()
    uuid = system.start(path)
    echo = system.begin("topic", "echo", "-f", "json", "quiet/out", "--count", "2")
    until(lambda: subscribers(system, "quiet", "out") == 2, "the watcher")
    system.dora("topic", "pub", "quiet/out", data, "--count", "2", "--rate", "100")
    lines, errors = echo.communicate(timeout=60)
    assert [json.loads(line)["data"] for line in lines.splitlines()] == [rows, rows], errors
    # One without data looks like a tick to it.
    came = re.compile("(input|tick) in ")
    until(lambda: sum(bool(came.match(line)) for line in said(path, uuid, "node")) == 2, "the node's messages")


def test_pub_of_a_file_and_what_can_not_be_sent(system, flow, tmp_path):
    path = flow(
        quiet=actor("join", "listen", inputs={"t": "dora/timer/secs/100"}, outputs=["out"]),
        node=actor("join", "bare", "listen", inputs={"in": "quiet/out"}),
    )
    (tmp_path / "picture").write_bytes(bytes(range(256)) * 4)
    system.up()
    uuid = system.start(path)
    system.dora("topic", "pub", "quiet/out", "--file", tmp_path / "picture")
    until(lambda: any(re.fullmatch(r"input in \S+ 1024", line) for line in said(path, uuid, "node")), "the file")
    assert "not JSON" in system.dora("topic", "pub", "quiet/out", "hello", status=2).stderr
    assert "a text stands where" in system.dora("topic", "pub", "quiet/out", '[1, "a"]', status=2).stderr
    assert "a list stands where" in system.dora("topic", "pub", "quiet/out", "1, [1]", status=2).stderr
    for bad in ("[1]", "{", '{"x": {}}', '{"x": null}', '{"x": [1, "a"]}'):
        assert "--metadata" in system.dora("topic", "pub", "quiet/out", "1", "--metadata", bad, status=2).stderr
    assert "nothing to send" in system.dora("topic", "pub", "quiet/out", status=2).stderr
    assert "no output `none`" in system.dora("topic", "pub", "quiet/none", "1", status=1).stderr
    assert "`none`" in system.dora("topic", "echo", "none/out", status=1).stderr
    assert "NODE/OUTPUT" in system.dora("topic", "echo", "none", status=1).stderr


def test_pub_sends_parameters_and_echo_shows_text(system, flow, tmp_path):
    path = flow(quiet=actor("join", "listen", inputs={"t": "dora/timer/secs/100"}, outputs=["out"]))
    system.up()
    system.start(path)
    (tmp_path / "greeting").write_text('"Grüße",\n')
    (tmp_path / "noise").write_bytes(b"a\0b")
    (tmp_path / "value.json").write_text('{"x": 1}')
    echo = system.begin("topic", "echo", "-f", "json", "quiet/out", "--count", "4")
    lines = system.begin("topic", "echo", "quiet/out", "--count", "4")
    until(lambda: subscribers(system, "quiet", "out") == 2, "the watchers")
    metadata = {"b": True, "f": [1, 2.5], "i": -3, "is": [1, 2], "r": 0.5, "s": "é", "ss": ["a", "b"], "none": []}
    system.dora("topic", "pub", "quiet/out", "--file", tmp_path / "greeting", "--metadata", json.dumps(metadata))
    system.dora("topic", "pub", "quiet/out", "--file", tmp_path / "noise")
    system.dora("topic", "pub", "quiet/out", '"utf8"')
    system.dora("topic", "pub", "quiet/out", "--file", tmp_path / "value.json")
    rows = [json.loads(line) for line in echo.communicate(timeout=60)[0].splitlines()]
    assert rows[0]["metadata"] == metadata
    assert (rows[0]["type"], rows[0]["text"]) == ("uint8", '"Grüße",\n')
    assert bytes(rows[0]["data"]).decode() == rows[0]["text"]
    assert (rows[1]["type"], rows[1]["data"], "text" in rows[1]) == ("uint8", [97, 0, 98], False)
    assert (rows[2]["type"], rows[2]["data"], "text" in rows[2]) == ("utf8", ["utf8"], False)
    assert (rows[3]["type"], rows[3]["data"]) == ("struct<x: int64>", [{"x": 1}])
    shown = lines.communicate(timeout=60)[0].splitlines()
    assert shown[0].startswith('quiet/out\t data="\\"Grüße\\",\\n" metadata={"b":true,')
    assert shown[1] == "quiet/out\t data=[97,0,98] metadata={}"


# ---- param ----


def test_params(system, flow):
    path = flow(node=actor("join", *["next=60000"] * 5, "listen", inputs={"t": "dora/timer/secs/1000"}))
    system.up()
    uuid = system.start(path)
    system.dora("param", "set", "node", "speed", "1.5")
    system.dora("param", "set", "node", "names", '["a", "b"]')
    system.dora("param", "set", "node", "offset", "--", "-3")
    assert system.dora("param", "get", "node", "names").stdout == '["a","b"]\n'
    assert system.dora("param", "list", "node", "-f", "json").json() == [
        {"key": "names", "value": ["a", "b"]},
        {"key": "offset", "value": -3},
        {"key": "speed", "value": 1.5},
    ]
    system.dora("param", "delete", "node", "offset")
    assert "offset" not in system.dora("param", "list", "node").stdout
    assert "offset" in system.dora("param", "get", "node", "offset", status=1).stderr
    told = ["next: input t", "next: update speed", "next: update names", "next: update offset", "next: deleted offset"]
    until(lambda: said(path, uuid, "node") == told, "what the node is told")
    # It begins anew, and is told what there is.
    system.dora("node", "restart", "node")
    told = {"next: input t", "next: update speed", "next: update names"}
    until(lambda: set(said(path, uuid, "node")) == told, "what the node is told again")
    assert "not JSON" in system.dora("param", "set", "node", "x", "abc", status=2).stderr
    assert "256" in system.dora("param", "set", "node", "k" * 257, "1", status=2).stderr
    assert "64 KiB" in system.dora("param", "set", "node", "k", '"' + "v" * 65536 + '"', status=2).stderr
    assert "none" in system.dora("param", "set", "none", "k", "1", status=1).stderr


# ---- top ----


def test_top_once(system, stream):
    rows = {row["node"]: row for row in json.loads(system.dora("top", "--once", "--format", "json").stdout)}
    assert set(rows) == {"source", "relay", "sink"}
    relay = rows["relay"]
    assert relay["status"] == "running" and relay["name"] == "stream" and relay["memory"] > 0
    assert relay["received_per_s"] > 0 and relay["sent_per_s"] > 0 and relay["net_rx"] > 0
    assert 0 < relay["delay_p50"] <= relay["delay_p99"]
    assert relay["restarts"] == relay["dropped"] == 0
    assert rows["sink"]["net_tx"] == 0
    assert json.loads(system.dora("inspect", "top", "--once").stdout)
    assert system.dora("top", "--once", "-f", "table").stdout.startswith("NODE")
    assert json.loads(system.dora("top", "--once", "-d", "stream").stdout)
    assert "needs a terminal" in system.dora("top", status=1).stderr


def test_top_on_a_terminal(system, stream):
    top = Terminal("top", "--refresh-interval", "1", columns=80)
    top.wait_for("relay")
    top.wait_for("q quit")
    for key in "njkcmr":
        top.type(key)
    top.type("q")
    assert top.wait() == 0
    assert "\x1b[?1049h" in top.text and top.text.rstrip().endswith("\x1b[?25h\x1b[?1049l")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_top_gives_the_terminal_back_when_killed(system, stream, number):
    top = Terminal("top")
    top.wait_for("q quit")
    os.kill(top.process.pid, number)
    assert top.wait() == -number
    assert top.text.rstrip().endswith("\x1b[?25h\x1b[?1049l")


def test_top_without_its_coordinator(system, stream):
    top = Terminal("top", "--refresh-interval", "1")
    top.wait_for("q quit")
    system.dora("stop", "--all", "--force", status=None)  # its source takes no notice of a Stop
    system.dora("down")
    assert top.wait() == 1
    assert "error:" in top.text[top.text.rindex("\x1b[?1049l") :]


# ---- trace ----


def test_trace_follows_messages_to_their_end(system, stream):
    paths = until(lambda: system.dora("trace", "--duration", "1s", "-f", "json").json(), "a message that was followed")
    whole = max(paths, key=lambda path: path["messages"])
    assert whole["first"] == "source/out"
    assert [(step["kind"], step["node"], step["topic"]) for step in whole["steps"]] == [
        ("queue", "relay", "source/out"),
        ("handling", "relay", "relay/fwd"),
        ("queue", "sink", "relay/fwd"),
    ]
    # Its work is known, and no step takes longer than the whole.
    assert whole["steps"][1]["p50_ns"] >= 300_000
    assert all(step["p50_ns"] <= step["p99_ns"] <= step["max_ns"] <= whole["total"]["max_ns"] for step in whole["steps"])
    assert sum(step["duration_ns"] for step in whole["slowest"]["steps"]) == whole["slowest"]["total_ns"]
    text = system.dora("trace", "--duration", "300ms", "relay/fwd").stdout
    assert "source/out → relay/fwd → sink" in text and "handling" in text and "slowest" in text
    assert "No message of" in system.dora("trace", "--duration", "100ms", "none/out").stderr


def test_trace_lists_paths_by_ids_that_stay(system, stream):
    def listed():
        return system.dora("trace", "list", "--duration", "500ms", "-f", "json").json()

    rows = until(listed, "a message that was followed")
    row = next(row for row in rows if row["root_span"] == "source/out" and row["spans"] == 3)
    assert row["messages"] > 0 and row["duration_ns"] > 0
    (path,) = until(
        lambda: system.dora("trace", "view", row["trace_id"][:6], "--duration", "500ms", "-f", "json").json(), "the path"
    )
    assert path["id"] == row["trace_id"] and path["first"] == "source/out" and len(path["steps"]) == 3
    table = system.dora("trace", "list", "--duration", "500ms").stdout.splitlines()
    assert table[0].split() == ["TRACE", "ID", "ROOT", "SPAN", "SPANS", "MESSAGES", "DURATION"]
    assert "No message took the path xyz" in system.dora("trace", "view", "xyz", "--duration", "100ms").stderr
    assert "needs the ID" in system.dora("trace", "view", status=2).stderr
    assert "is no topic" in system.dora("trace", "lst", status=2).stderr
    assert "no use for `b`" in system.dora("trace", "a/b", "b", status=2).stderr


# ---- usage ----


def test_groups_are_explained(system):
    for group in ("topic", "node", "param"):
        assert "Commands:" in system.dora(group, "--help").stdout
        assert "needs a command" in system.dora(group, status=2).stderr
    assert "did you mean `dora topic echo`" in system.dora("topic", "ecko", status=2).stderr
    assert "dora topic echo" in system.dora("help", "topic", "echo").stdout
    for command in (("topic", "echo"), ("topic", "hz"), ("topic", "list"), ("node", "list"), ("param", "list"), ("top",)):
        assert "{" in system.dora(*command, "--help").stdout
