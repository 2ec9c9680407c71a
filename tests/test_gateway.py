"""Dataflows across machines, with their gateways and the engine between them."""

import os
import signal
import time

import pytest

from conftest import actor, until
from machines import machines  # noqa: F401

PORT = 7447


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
    pids = [pid for pid in machine.pids().values() if os.path.basename(os.readlink(f"/proc/{pid}/exe")) == "dora-gateway"]
    return pids[0] if pids else None


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
