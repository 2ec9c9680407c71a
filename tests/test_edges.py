"""What goes between the nodes of two machines, with daemons, gateways and engine as they are."""

import os
import pathlib
import signal
import subprocess

from conftest import ACTOR, actor, until
from sites import sites  # noqa: F401
from system import said

# ruff: noqa: F811


def there(node):
    return {**node, "deploy": {"machine": "robot"}}


def blocking(source, size=10):
    return {"in": {"source": source, "queue_policy": "backpressure", "queue_size": size}}


def summary(path, uuid, node, input="in"):
    """What it counted, when it has ended."""
    for line in reversed(said(path, uuid, node)):
        if line.startswith(f"summary {input} "):
            return {key: int(value) for key, value in (pair.split("=") for pair in line.split()[2:])}
    return None


def gateways(site):
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            is_gateway = b"dora-gateway" in (entry / "cmdline").read_bytes()
            if is_gateway and str(site.folder).encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            pass
    return found


def kill_gateway(site):
    old = until(lambda: gateways(site), "a gateway")
    os.kill(old[0], signal.SIGKILL)
    until(lambda: (new := gateways(site)) and new != old, "another gateway")


def test_all_arrives_there_and_back(sites, flow):
    """Small and large messages, with backpressure both ways, each whole and in its order; then all ends by itself."""
    base, robot = sites.join("base", "robot")
    path = flow(
        source=actor("join", "send=small:2000:8", "send=large:60:3000000", outputs=["small", "large"]),
        echo=there(
            actor("join", "quiet", "echo=out", "listen", inputs=blocking("source/small"), outputs=["out"]),
        ),
        mirror=there(actor("join", "quiet", "echo=out", "listen", inputs=blocking("source/large"), outputs=["out"])),
        sink=actor("join", "quiet", "listen", inputs=blocking("echo/out")),
        drain=actor("join", "quiet", "listen", inputs=blocking("mirror/out", 2)),
    )
    uuid = base.start(path)
    until(lambda: base.status_of(uuid) == "finished", "the end")
    for node, count in (("echo", 2000), ("sink", 2000), ("mirror", 60), ("drain", 60)):
        found = summary(path, uuid, node)
        assert (found["count"], found["gaps"], found["bad"], found["dropped"]) == (count, 0, 0, 0), (node, found)


def test_a_slow_machine_drops_what_it_may(sites, flow):
    """A receiver over there that drops doesn't hold up the sender, nor its receivers here."""
    base, robot = sites.join("base", "robot")
    path = flow(
        source=actor("join", "send=out:20000:8", outputs=["out"]),
        near=actor("join", "quiet", "listen", inputs=blocking("source/out")),
        far=there(actor("join", "quiet", "work=2000", "listen", inputs={"in": "source/out"})),
    )
    uuid = base.start(path)
    until(lambda: base.status_of(uuid) == "finished", "the end")
    assert summary(path, uuid, "near")["count"] == 20000
    far = summary(path, uuid, "far")
    assert 0 < far["count"] < 20000 and far["back"] == far["bad"] == 0
    assert far["last"] == 19999


def test_gateways_are_killed(sites, flow):
    """Inputs stay open, data flows again, and the end arrives."""
    base, robot = sites.join("base", "robot")
    path = flow(
        source=actor("join", "echo=out", "listen", inputs={"tick": "dora/timer/millis/5"}, outputs=["out"]),
        sink=there(actor("join", "listen", inputs={"in": "source/out"})),
    )
    uuid = base.start(path)
    for site in (base, robot, base):
        count = len(said(path, uuid, "sink"))
        until(lambda: len(said(path, uuid, "sink")) > count + 3, "messages")
        kill_gateway(site)
        count = len(said(path, uuid, "sink"))
        until(lambda: len(said(path, uuid, "sink")) > count + 3, "messages again")
        assert "closed in" not in said(path, uuid, "sink")
    until(lambda: len([one for one in base.daemons() if one["alive"]]) == 2, "both daemons")
    base.dora("stop", uuid)
    assert base.status_of(uuid) == "finished"
    assert summary(path, uuid, "sink")["bad"] == 0


def test_failure_and_restart_are_told_over_there(sites, flow):
    base, robot = sites.join("base", "robot")
    path = flow(
        source=actor(
            "join", "@0:next=60000", "@0:exit=3", "@1:send=out:3:8", "@1:exit=4",
            inputs={"tick": "dora/timer/millis/50"}, outputs=["out", "other"], restart_policy="on-failure", max_restarts=1,
        ),
        sink=there(actor("join", "listen", inputs={"in": "source/out", "other": "source/other"})),
    )  # fmt: skip
    uuid = base.start(path)
    until(lambda: base.status_of(uuid) == "failed", "the end")
    lines = [line.split()[0] for line in said(path, uuid, "sink")]
    assert [word for word in lines if word in ("restarted", "failed")] == ["restarted", "failed"], lines
    assert summary(path, uuid, "sink")["count"] == 3


def test_a_restarted_receiver_gets_what_follows(sites, flow):
    base, robot = sites.join("base", "robot")
    path = flow(
        source=actor("join", "echo=out", "listen", inputs={"tick": "dora/timer/millis/5"}, outputs=["out"]),
        sink=there(
            actor("join", "@0:listen=5", "@0:exit=1", "listen", inputs={"in": "source/out"}, restart_policy="on-failure")
        ),
    )
    uuid = base.start(path)
    until(lambda: len([line for line in said(path, uuid, "sink") if line.startswith("input in ")]) > 20, "messages")
    base.dora("stop", uuid)
    assert base.status_of(uuid) == "finished"


def test_a_receiver_that_ends_holds_up_nobody(sites, flow):
    """The last node of a part ends, and its part with it: the sender, whom it held up, goes on."""
    base, robot = sites.join("base", "robot")
    path = flow(
        source=actor("join", "send=out:20000:1000", outputs=["out"]),
        sink=there(actor("join", "quiet", "listen=10", inputs=blocking("source/out", 1))),
    )
    uuid = base.start(path)
    until(lambda: base.status_of(uuid) == "finished", "the end")


def test_a_node_that_had_ended_is_started_again(sites, flow):
    """Its outputs are open again over there, from its first message on, until they are closed again."""
    base, robot = sites.join("base", "robot")
    path = flow(
        source=actor("join", "send=out:5:8", outputs=["out"]),
        stay=actor("join", "listen", inputs={"tick": "dora/timer/secs/60"}),
        sink=there(actor("join", "listen", inputs={"in": "source/out", "tick": "dora/timer/secs/60"})),
    )
    uuid = base.start(path)
    until(lambda: "closed in" in said(path, uuid, "sink"), "the end of the output")
    base.dora("node", "restart", "source")
    until(lambda: said(path, uuid, "sink").count("closed in") == 2, "its end again")
    lines = [line for line in said(path, uuid, "sink") if line.startswith("input in")]
    assert lines == [f"input in {i} 8" for i in (*range(5), *range(5))]
    base.dora("stop", uuid)


def test_dynamic_nodes_have_their_machine(sites, flow):
    """One joins where it belongs; one that nobody starts keeps nothing running."""
    base, robot = sites.join("base", "robot")
    hand = {f"hand-{os.getpid()}": there({"path": "dynamic", "inputs": {"in": "source/out"}})}
    path = flow(
        source=actor("join", "echo=out", "listen", inputs={"tick": "dora/timer/millis/5"}, outputs=["out"]), **hand
    )
    uuid = base.start(path)
    done = subprocess.run([ACTOR, f"join={next(iter(hand))}", "listen=10"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "input in " in done.stdout, done
    base.dora("stop", uuid)
    path = flow(source=actor("join", "send=out:20:8", outputs=["out"]), **hand)
    uuid = base.start(path)
    until(lambda: base.status_of(uuid) == "finished", "the end")


def test_what_a_node_prints_crosses(sites, flow):
    base, robot = sites.join("base", "robot")
    path = flow(
        talker=actor("join", "say=hello", "say=world", outputs=["said"], send_stdout_as="said"),
        sink=there(actor("join", "bare", "listen", inputs={"in": "talker/said"})),
    )
    uuid = base.start(path)
    until(lambda: base.status_of(uuid) == "finished", "the end")
    assert summary(path, uuid, "sink")["count"] == 2


def test_local_links_know_nothing_of_it(sites, flow):
    """Nodes of one machine are joined by memory, whatever the rest of the dataflow does."""
    base, robot = sites.join("base", "robot")
    path = flow(
        source=actor("join", "send=out:1000:8", outputs=["out"]),
        near=actor("join", "quiet", "listen", inputs=blocking("source/out")),
        far=there(actor("join", "listen", inputs={"tick": "dora/timer/millis/10"})),
    )
    uuid = base.start(path)
    until(lambda: summary(path, uuid, "near"), "the end of the nodes here")
    assert summary(path, uuid, "near")["count"] == 1000
    base.dora("stop", uuid)
