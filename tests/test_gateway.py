"""Dataflows across machines, with their gateways and the engine between them."""

import json
import os
import re
import signal
import subprocess
import time

import pytest

from conftest import actor, until
from machines import machines  # noqa: F401

PORT = 7447
PYTHON = os.environ.get("DORA_TEST_PYTHON") or "/usr/bin/python3"


def join(machines, *names):
    """Machines of one coordinator's, which is on the first."""
    base, *others = made = machines("base", *(names or ("robot",)))
    base.dora("up", "--machine-id", "base", "--listen", f"tcp/{base.address}:{PORT}", "--insecure")
    for other in others:
        other.dora("up", "--machine-id", other.name, "--connect", f"tcp/{base.address}:{PORT}", "--insecure")
    until(lambda: sum(one["alive"] for one in status(base)["machines"]) == len(made), "all machines")
    return made


def status(machine):
    return machine.dora("status", "--format", "json").json()[0]


def there(node, machine="robot"):
    return {**node, "deploy": {"machine": machine}}


def waits(source, size=10):
    return {"source": source, "queue_size": size, "queue_policy": "backpressure"}


def summary(done, node, port="in"):
    """What an `actor` says at the end of what came on an input."""
    [line] = [line for line in done.stdout.splitlines() if f"{node}: summary {port} " in line]
    return {key: int(value) for key, value in (word.split("=") for word in line.split(f"summary {port} ")[1].split())}


def check_all(done, node, count, port="in"):
    got = summary(done, node, port)
    assert (got["count"], got["gaps"], got["bad"], got["back"]) == (count, 0, 0, 0), done


def gateway(machine):
    """The process of a machine's gateway."""
    for pid in subprocess.run(["ip", "netns", "pids", machine.namespace], capture_output=True, text=True).stdout.split():
        try:
            if os.path.basename(os.readlink(f"/proc/{pid}/exe")) == "dora-gateway":
                return int(pid)
        except OSError:
            pass
    return None


@pytest.mark.parametrize("count, size", [(2000, 8), (300, 5000), (60, 1 << 20), (5, 40 << 20)])
def test_messages_cross_and_come_back(machines, flow, count, size):
    base, robot = join(machines)
    done = base.dora(
        "start", flow(
            source=actor("join", f"send=out:{count}:{size}", outputs=["out"]),
            echo=there(actor("join", "quiet", "echo=out", "listen", inputs={"in": waits("source/out")}, outputs=["out"])),
            sink=actor("join", "quiet", "listen", inputs={"in": waits("echo/out"), "direct": waits("source/out")}),
        ), "--attach",
    )
    check_all(done, "sink", count)
    check_all(done, "sink", count, "direct")
    check_all(done, "echo", count)


# What any program could do with the engine's own package.
ZENOH = """
import json, sys, time, zenoh
endpoint, what, key = sys.argv[1:4]
config = zenoh.Config()
config.insert_json5("mode", json.dumps("peer"))
config.insert_json5("connect/endpoints", json.dumps([endpoint]))
config.insert_json5("scouting/multicast/enabled", "false")
with zenoh.open(config) as session:
    if what == "listen":
        def heard(sample):
            print(json.dumps({"key": str(sample.key_expr), "encoding": str(sample.encoding),
                              "payload": sample.payload.to_bytes().hex(),
                              "about": json.loads(sample.attachment.to_bytes())}), flush=True)
        with session.declare_subscriber(key, heard):
            time.sleep(60)
    else:
        with session.declare_publisher(key) as publisher:
            while True:
                about = sys.argv[5] if len(sys.argv) > 5 else None
                publisher.put(bytes.fromhex(sys.argv[4]), attachment=about)
                time.sleep(0.05)
"""


@pytest.fixture
def zenoh(tmp_path):
    """Starts a program of zenoh on a machine; gives its lines, as they come."""
    if subprocess.run([PYTHON, "-c", "import zenoh"], capture_output=True).returncode:
        pytest.skip(f"{PYTHON} has no package eclipse-zenoh")
    started = []

    def start(machine, endpoint, *args):
        process = machine.popen(PYTHON, "-c", ZENOH, endpoint, *args)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_zenoh_program_reads_an_output(machines, flow, zenoh):
    [base] = machines("base")
    endpoint = f"tcp/{base.address}:{PORT}"
    base.dora("up", "--machine-id", "base", "--listen", endpoint, "--insecure")
    base.dora(
        "start",
        flow(
            source=actor("join", "param=where:string:here", "param=x:float:0.5", "send=out:100000:8:5", outputs=["out"]),
            sink=actor("join", "quiet", "listen", inputs={"in": "source/out"}),
        ), "--detach", "--name", "one",
    )
    program = zenoh(base, endpoint, "listen", "dora/*/output/source/out")
    first, second = [json.loads(program.stdout.readline()) for _ in range(2)]
    base.dora("stop", "one", "--grace-duration", "2s")  # its source takes no notice of a Stop
    assert re.fullmatch("dora/[0-9a-f-]{36}/output/source/out", first["key"]), first
    assert first["encoding"] == "application/vnd.dora.arrow", first
    assert len(first["payload"]) == 16, first
    about = first["about"]
    assert about["format"] == "C" and about["length"] == 8, first
    assert about["params"] == {"where": "here", "x": 0.5}, first
    assert second["about"]["sequence"] == about["sequence"] + 1, second
    assert abs(about["timestamp"] / 1e9 - time.time()) < 100, first


def test_a_zenoh_program_feeds_an_input(machines, flow, zenoh):
    [base] = machines("base")
    endpoint = f"tcp/{base.address}:{PORT}"
    base.dora("up", "--machine-id", "base", "--listen", endpoint, "--insecure")
    base.dora(
        "start",
        flow(
            source=actor("join", "wait", outputs=["out"], inputs={"tick": "dora/timer/secs/1"}),
            sink=actor("join", "bare", "show=params", "listen", inputs={"in": "source/out"}),
        ), "--detach", "--name", "one",
    )
    uuid = base.dora("list", "--format", "json").json()[0]["uuid"]
    key = f"dora/{uuid}/input/sink/in"
    zenoh(base, endpoint, "put", key, "00" * 8, '{"format": "g", "params": {"where": "there", "list": [1, 2]}}')
    zenoh(base, endpoint, "put", key, "01", "nonsense")
    until(lambda: "there" in base.dora("logs", "one", "sink").stdout, "what was put")
    base.dora("stop", "one")


def test_a_gateway_that_is_killed_is_started_again(machines, flow):
    base, robot = join(machines)
    base.dora(
        "start", flow(
            source=actor("join", "send=out:100000:8:2", outputs=["out"]),
            sink=there(actor("join", "listen", inputs={"in": waits("source/out", 100)})),
        ), "--detach", "--name", "one",
    )

    def last():
        lines = [line for line in robot_log().splitlines() if "input in" in line]
        return int(lines[-1].split("input in ")[1].split()[0]) if lines else -1

    def robot_log():
        return base.dora("logs", "one", "sink").stdout

    for machine in (robot, base):
        before = until(lambda: last() > 0 and last(), "messages")
        killed = gateway(machine)
        os.kill(killed, signal.SIGKILL)
        until(lambda: gateway(machine) not in (None, killed), "another gateway")
        until(lambda: last() > before + 100, "the dataflow to go on")
    base.dora("stop", "one", "--grace-duration", "2s")  # its source takes no notice of a Stop


def test_a_machine_s_name_is_taken(machines):
    base, robot = join(machines)
    other = machines.add("other")
    other.dora("up", "--machine-id", "robot", "--connect", f"tcp/{base.address}:{PORT}", "--insecure", status=None)
    log = other.state / "daemon.log"
    # Whoever is the first to notice: its gateway, or the coordinator.
    until(lambda: re.search("there is a machine `robot` already|`robot` is connected already", log.read_text()), "a refusal")
    assert [one["machine"] for one in status(base)["machines"]] == ["base", "robot"]
