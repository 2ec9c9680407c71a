"""Loads of bench/run whose nodes are operators that share a process, beside the same ones with a process each."""

import pathlib
import time

import harness
from harness import Dataflow, Failed, read_values, summary

PIPELINE = 5


class Operators:
    """Where the libraries are; bench/operators says what each does."""

    def __init__(self, build):
        self.folder = pathlib.Path(build) / "bench"

    def __call__(self, role, name, inputs=None, out=True, thread=None):
        described = {"id": name, "shared-library": str(self.folder / f"bench_operator_{role}")}
        if inputs:
            described["inputs"] = inputs
        if out:
            described["outputs"] = ["out"]
        if thread:
            described["thread"] = thread
        return described


def latency(side, operator, shape, size, loan, count):
    """One way between two operators of a host, back to back: half a round trip. As `threads` each has a core of its own."""
    thread = "one" if shape == "one thread" else None
    env = {"BENCH_SIZE": size, "BENCH_COUNT": count, "BENCH_LOAN": int(loan), "BENCH_PIN": int(not thread)}
    ping = operator("ping", "ping", {"in": "host/pong/out", "start": "kick/out"}, thread=thread)
    pong = operator("pong", "pong", {"in": "host/ping/out"}, thread=thread)
    kick = harness.node(side, "source", "kick", env={"BENCH_COUNT": 1})
    with Dataflow(side, [{"id": "host", "operators": [ping, pong], "env": env}, kick]) as flow:
        flow.finish()
        return summary(read_values(flow.out("host")))


def pipeline(side, operator, shape, queue_size, count):
    """Messages a second of 8 bytes from a node through five operators: `isolated` in processes, `threads` of one host, or on
    `one thread` of it. Every one has to come."""
    nodes = [harness.node(side, "flood", "flood", env={"BENCH_COUNT": count})]
    stages = []
    for i in range(PIPELINE):
        before = ("flood" if i == 0 else f"o{i - 1}" if shape == "isolated" else f"host/o{i - 1}") + "/out"
        wire = {"source": before, "queue_size": queue_size}
        if i == 0 or shape != "one thread":  # a thread can't wait for itself, and takes each message as far as it goes
            wire["queue_policy"] = "backpressure"
        role = "count" if i == PIPELINE - 1 else "relay"
        stages.append(operator(role, f"o{i}", {"in": wire}, role == "relay", "one" if shape == "one thread" else None))
    env = {"BENCH_COUNT": count}
    if shape == "isolated":
        nodes += [{"id": stage["id"], "operator": stage, "env": dict(env)} for stage in stages]
    else:
        nodes.append({"id": "host", "operators": stages, "env": dict(env)})
    with Dataflow(side, nodes) as flow:
        flow.finish()
        _, begin, _ = read_values(flow.out("flood"))
        received, missing, disorder, last = read_values(flow.out(nodes[-1]["id"]))
    if received != count or missing or disorder:
        raise Failed(f"{count} sent, {received} received, {missing} missing, {disorder} out of order")
    return {"value": received * 1e9 / (last - begin)}


def memory(side, operator, count):
    """PSS of a host of so many operators that have nothing to do, and its threads."""
    rest = [operator("rest", f"o{i}", {"tick": "dora/timer/secs/3600"}, False) for i in range(count)]
    with Dataflow(side, [{"id": "host", "operators": rest, "env": {}}]) as flow:
        deadline = time.monotonic() + 60
        while True:
            hosts = [p for p in harness.descendants(flow.process.pid) if runs_operators(p)]
            if hosts and harness.threads(hosts[0]) >= count:
                break
            if flow.process.poll() is not None or time.monotonic() > deadline:
                raise Failed(f"the operators did not come to rest: {flow.tail()}")
            time.sleep(0.01)
        time.sleep(0.5)
        return {"value": 1024 * harness.pss_kib(hosts[0]), "threads": harness.threads(hosts[0])}


def runs_operators(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/exe").resolve().name == "dora-runtime"
    except OSError:
        return False  # it has just ended
