"""A node's test mode: inputs from a file, outputs to another, no dataflow."""

import json
import os
import subprocess
import sys

import dora

EVENTS = [
    {
        "type": "Input",
        "id": "in",
        "time_offset_secs": 0.0,
        "data": [1, 2, 3],
        "data_type": "Int64",
        "metadata": {"key": {"String": "value"}},
    },
    {"type": "Input", "id": "in", "time_offset_secs": 0.01, "data": ["a", "b"]},
    {"type": "Input", "id": "in", "time_offset_secs": 0.02},
    {"type": "InputClosed", "id": "in", "time_offset_secs": 0.03},
    {"type": "Stop", "time_offset_secs": 0.04},
]


def outside(notes):
    """Runs itself as the node; what it notes is passed on."""
    with open("inputs.json", "w") as file:
        json.dump({"id": "tested", "outputs": ["out"], "inputs": {"in": "source/out"}, "events": EVENTS}, file)
    env = {
        **os.environ,
        "DORA_TEST_WITH_INPUTS": "inputs.json",
        "DORA_TEST_WRITE_OUTPUTS_TO": "outputs.jsonl",
        "DORA_TEST_NO_OUTPUT_TIME_OFFSET": "1",
        "DORA_TEST_NOTES": os.environ["DORA_TEST_NOTES"],
    }
    subprocess.run([sys.executable, sys.argv[0], sys.argv[1], "tested"], env=env, check=True)
    for number, line in enumerate(open("outputs.jsonl")):
        notes(f"output {number}", json.loads(line))


def tested(notes):
    node = dora.Node()
    number = 0
    while event := node.next():
        notes(f"event {number}", event)
        if event["type"] == "INPUT":
            node.send_output("out", event["value"], {"number": number})
        number += 1
    notes.call("after the end", node.next)
    node.send_output("out", b"bytes")
    notes.call("undeclared", node.send_output, "other", b"")
    notes.call("node_config", node.node_config)
    notes.call("restart_count", node.restart_count)
