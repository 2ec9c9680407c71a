"""Operators on several machines: in their hosts they are nodes like others."""

import json
import re

from conftest import actor, until
from sites import sites  # noqa: F401
from system import said
from test_edges import blocking, summary
from test_operators import TICK, host, teller

# ruff: noqa: F811

ROBOT = {"deploy": {"machine": "robot"}}


def test_their_outputs_and_inputs_cross(sites, flow):
    """A host there, a lone operator here; each wire crosses, and one stays within the host."""
    base, robot = sites.join("base", "robot")
    path = flow(
        source={"operator": teller(inputs=TICK, outputs=["out"])},
        there=host(
            ("first", teller(inputs=blocking("source/out"), outputs=["out"])),
            ("second", teller(inputs=blocking("there/first/out"), outputs=["out"])),
            **ROBOT,
        ),
        sink=actor("join", "listen", inputs=blocking("there/second/out")),
    )
    uuid = base.start(path, "--env", "DO_source=stop@30")
    until(lambda: base.status_of(uuid) == "finished", "the end")
    assert summary(path, uuid, "sink")["count"] == 30


def test_they_are_named_by_both(sites, flow):
    """What one does for a dataflow's nodes is done for its operators, from another machine; a crash is told of by name."""
    base, robot = sites.join("base", "robot")
    path = flow(
        there=host(("calm", teller(inputs=TICK, outputs=["out"])), ("wild", teller(inputs=TICK, outputs=["out"])), **ROBOT),
        alone={"operator": teller(inputs=TICK, outputs=["out"]), **ROBOT},
        sink=actor("join", "listen", inputs={"calm": "there/calm/out", "wild": "there/wild/out"}),
    )
    uuid = base.start(path, "--env", "DO_wild=crash@200")
    listed = {node["node"]: node for node in base.dora("node", "list", "-d", uuid, "-f", "json").json()}
    assert {"there", "there/calm", "there/wild", "alone", "sink"} == set(listed)
    assert listed["there/calm"]["machine"] == "robot"
    assert base.dora("node", "info", "there/calm", "-d", uuid).status == 0
    watched = {row["node"]: row for row in json.loads(base.dora("top", "--once", "--format", "json").stdout)}
    assert watched["there/calm"]["memory"] == 0 < watched["there"]["memory"]
    assert watched["there/calm"]["sent_per_s"] > 0
    refused = base.dora("node", "move", "there/calm", "--to", "base", "-d", uuid, status=1)
    assert "shares its process with other operators" in refused.stderr
    until(lambda: any(line.startswith("failed there/wild") for line in said(path, uuid, "sink")), "the failure")
    stopped = base.dora("stop", uuid, status=1)
    assert re.search(r"Node `there/wild` failed: .*SIGSEGV", stopped.stderr), stopped
    assert "lost with its host" in stopped.stderr


def test_a_lone_one_moves(sites, flow):
    """As a node that has no state to hand over: it begins anew over here, and no message is lost."""
    base, robot = sites.join("base", "robot")
    path = flow(
        source=actor("join", "send=out:400:8:10", outputs=["out"]),
        alone={"operator": teller(inputs=blocking("source/out", 1000), outputs=["out"]), **ROBOT},
        stays=actor("join", "listen", inputs=TICK, **ROBOT),
        sink=actor("join", "listen", inputs=blocking("alone/out")),
    )
    uuid = base.start(path)
    until(lambda: len([line for line in said(path, uuid, "sink") if line.startswith("input ")]) > 20, "messages")
    base.dora("node", "move", "alone", "--to", "base", "-d", uuid)
    (moved,) = [node for node in base.dora("node", "list", "-d", uuid, "-f", "json").json() if node["node"] == "alone"]
    assert moved["machine"] == "base"
    until(lambda: summary(path, uuid, "sink"), "the end")
    assert summary(path, uuid, "sink")["count"] == 400
    base.dora("stop", uuid)


def test_one_stops_the_dataflow_on_all_machines(sites, flow):
    base, robot = sites.join("base", "robot")
    path = flow(
        there={"operator": teller(inputs=TICK), **ROBOT},
        sink=actor("join", "listen", inputs=TICK),
    )
    uuid = base.start(path, "--env", "DO_there=stop_all@5")
    until(lambda: base.status_of(uuid) == "finished", "the end")
    assert "stop MANUAL" in said(path, uuid, "sink")
