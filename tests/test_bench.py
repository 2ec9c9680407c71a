"""bench/run: that it runs and reports every row. What the figures are, no test says."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("DORA_BIN", ROOT / "build/release/bin/dora")).resolve().parent.parent


def bench(*args):
    command = [sys.executable, ROOT / "bench/run", *map(str, args)]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)


def test_every_row_of_the_report_is_listed():
    listed = bench("--list")
    assert listed.returncode == 0, listed.stderr
    keys = listed.stdout.split("\n")
    for key in (
        "latency/back-to-back/polling/two-cores",
        "latency/back-to-back/blocking/same-core",
        "latency/back-to-back/default/two-cores",
        "latency/paced/blocking/two-cores",
        "large/loaned-40MiB/paced/blocking",
        "large/copied-1MiB/paced/blocking",
        "throughput/backpressure/default",
        "fan-out/20/default",
        "chain/any-core",
        "startup/2",
        "startup/50",
        "idle/node-memory",
        "idle/node-threads",
        "idle/node-binary",
        "idle/run-memory",
        "control/start-list-stop-50",
        "control/list",
        "control/status",
        "control/memory-50",
        "control/echo-cost",
        "control/top-cpu-100",
        "size/41943040/back-to-back/polling/loaned",
    ):
        assert key in keys


def test_an_unknown_row_is_refused():
    refused = bench("--only", "no-such-row")
    assert refused.returncode != 0
    assert "no row matches 'no-such-row'" in refused.stderr


@pytest.mark.skipif(not (BUILD / "bench/bench_idle").exists(), reason="the target 'bench' is not built")
def test_a_quick_run_prints_a_table_and_writes_json(tmp_path):
    run = bench("--quick", "--only", "^startup/", "--build", BUILD, "--json", tmp_path / "results.json")
    assert run.returncode == 0, run.stdout + run.stderr
    assert all(len(line) <= 100 for line in run.stdout.split("\n") if str(tmp_path) not in line), run.stdout
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["machine"]["cores"] >= 1 and results["machine"]["kernel"]
    assert [row["key"] for row in results["rows"]] == ["startup/2", "startup/20", "startup/50"]
    for row in results["rows"]:
        assert row["value"] > 0 and row["floor"] > 0 and row["ratio"] > 0
        assert row["title"] in run.stdout
