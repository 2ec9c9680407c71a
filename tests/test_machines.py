"""A coordinator and the daemons of several machines: where nodes go, the barrier, what is lost and what is found again.

The daemons are the test's own: what they are asked, and what they say, is in its hands (docs/machines.md).
"""

import random
import threading
import uuid

import pytest

from conftest import until
from control import Fault, FakeDaemon, Peer
from system import system  # noqa: F401
from test_coordinator import coordinator  # noqa: F401

YAML = """nodes:
  - {id: eye, path: eye, outputs: [image], deploy: {machine: robot}}
  - {id: hand, path: hand, inputs: {image: eye/image}, outputs: [grip]}
"""
AGAIN = """nodes:
  - {id: eye, path: eye, outputs: [image], restart_policy: on-failure, deploy: {labels: {eye: yes}}}
  - {id: ear, path: ear, deploy: {machine: robot}}
  - {id: hand, path: hand, inputs: {image: eye/image}, outputs: [grip]}
"""


class Machine(FakeDaemon):
    """A daemon that runs a part as it is told to."""

    def __init__(self, path, machine, *parts, **how):
        super().__init__(path, parts, id=f"{machine}-1", machine=machine, is_far=machine != "base", **how)

    def take(self):
        """The next part that it is to start."""
        self.request = self.asked("dataflow.start")
        self.params = self.request["params"]
        ended = self.params.get("ended", [])
        self.mine = [node for node, at in self.params["placement"].items() if at == self.machine and node not in ended]
        self.part = {key: self.params[key] for key in ("uuid", "name", "path", "directory")}
        self.part.update(started=1700000000.5, ended=None, error=None)
        return self.be("starting")

    def be(self, status, **changes):
        nodes = [{"id": node, "status": status, "pid": 7, "restarts": 0, "message": None} for node in self.mine]
        self.part = {**self.part, "status": status, "nodes": nodes, **changes}
        return self.part

    def spawn(self):
        self.say(id=self.request["id"], result=self.part)

    def ready(self):
        """Asks at the barrier."""
        return self.ask("dataflow.ready", dataflow=self.part["uuid"])

    def tell(self, status, **changes):
        self.call("daemon.update", dataflow=self.be(status, **changes))


@pytest.fixture
def machines(coordinator):  # noqa: F811
    """The coordinator, base and robot with their daemons, and a command: machines(*coordinator's args)."""
    opened = []

    class Machines:
        socket = coordinator.socket

        def add(self, machine, *parts, **how):
            opened.append(Machine(self.socket, machine, *parts, **how))
            return opened[-1]

        def cli(self, machine=None):
            opened.append(Peer(self.socket, "cli", machine=machine))
            return opened[-1]

        def begin(self, *args, **env):
            self.process = coordinator(*args, **env)

    made = Machines()

    def begin(*args, **env):
        made.begin(*args, **env)
        made.base = made.add("base")
        made.robot = made.add("robot", labels={"eye": "yes", "arm": "no"})
        made.command = made.cli()
        return made

    yield begin
    for peer in opened:
        peer.close()


def start(command, yaml=YAML, **params):
    return command.ask(
        "dataflow.start",
        **{"yaml": yaml, "path": "/d/f.yml", "directory": "/d", "uuid": str(uuid.uuid4()), "name": "one", **params},
    )


def run(made, yaml=YAML):
    """Starts the dataflow until all parts are released."""
    request = start(made.command, yaml)
    for machine in (made.base, made.robot):
        machine.take()
        machine.spawn()
    made.command.answer(request)
    for machine, asked in [(machine, machine.ready()) for machine in (made.base, made.robot)]:
        assert machine.answer(asked) == {}
        machine.tell("running")


def nodes(command):
    return {node["id"]: (node["status"], node["machine"]) for node in command.call("dataflow.get", dataflow="one")["nodes"]}


def test_machines_are_told_apart_and_one_that_does_not_belong_is_refused(machines):
    made = machines()
    daemons = made.command.call("status")["daemons"]
    assert [(one["machine"], one["here"], one["coordinator"], one["alive"]) for one in daemons] == [
        ("base", True, True, True),
        ("robot", False, False, True),
    ]
    assert daemons[1]["labels"] == {"eye": "yes", "arm": "no"} and daemons[1]["pid"] == 1
    assert [one["here"] for one in made.cli("robot").call("status")["daemons"]] == [False, True]
    for machine, changes, words in (
        ("robot", {"id": "another"}, "`robot` is connected already"),
        ("base", {}, "coordinator's own machine is called `base`"),
        ("other", {"machine": "robot"}, "not the gateway's"),
        ("a b", {}, "not the gateway's"),
        ("other", {"labels": {"a": 1}}, "labels that are texts"),
        ("other", {"labels": []}, "labels that are texts"),
    ):
        peer = Peer(made.socket, "daemon", machine=machine)
        with pytest.raises(Fault, match=words):
            peer.call("daemon.register", **{"id": "x", "pid": 1, "machine": machine, "dataflows": [], **changes})
        peer.close()
    peer = Peer(made.socket, "daemon", machine="other", version="0.0.9")
    with pytest.raises(Fault, match="`other` runs dora 0.0.9, and the coordinator is dora"):
        peer.call("daemon.register", id="x", pid=1, machine="other", dataflows=[])
    peer.close()
    # The same one over a new tunnel takes the place of the old.
    made.robot = made.add("robot")
    assert len(made.command.call("status")["daemons"]) == 2
    made.robot.close()
    until(lambda: [one["alive"] for one in made.command.call("status")["daemons"]] == [True, False])


def test_where_nodes_go_and_what_is_said_of_one_that_can_go_nowhere(machines):
    made = machines()
    for deploy, words in (
        ("{machine: robt}", "node `a` is to run on machine `robt`.*`base`.*`robot` .*did you mean `robot`"),
        ("{labels: {eye: no}}", "node `a` needs a machine with the labels eye=no.*`robot` .eye=yes, arm=no"),
    ):
        with pytest.raises(Fault, match=words):
            made.command.answer(start(made.command, f"nodes: [{{id: a, path: a, deploy: {deploy}}}]"))
    assert made.command.call("dataflow.list")["dataflows"] == []
    # All on one machine: started there as ever.
    request = start(made.command, "nodes: [{id: a, path: a, deploy: {machine: robot}}]")
    asked = made.robot.asked("dataflow.start")
    assert "placement" not in asked["params"] and "machine" not in asked["params"]
    made.robot.say(id=asked["id"], result={**asked["params"], "status": "running", "nodes": [{"id": "a", "status": "running"}]})
    assert made.command.answer(request)["nodes"] == [{"id": "a", "status": "running", "machine": "robot"}]
    stop = made.command.ask("dataflow.stop", dataflow="one")
    asked = made.robot.asked("dataflow.stop")
    made.robot.say(id=asked["id"], result={})
    made.robot.call("daemon.update", dataflow={**asked["params"], "uuid": asked["params"]["dataflow"], "status": "finished", "nodes": []})
    assert made.command.answer(stop)["dataflows"][0]["status"] == "finished"


def test_no_part_runs_before_all_are_ready(machines):
    made = machines()
    request = start(made.command)
    made.base.take()
    made.robot.take()
    for machine in (made.base, made.robot):
        assert machine.params["machine"] == machine.machine
        assert machine.params["placement"] == {"eye": "robot", "hand": "base"}
        assert "again" not in machine.params
    made.base.spawn()
    asked = made.base.ready()
    made.base.tell("starting")
    assert made.command.call("dataflow.get")["status"] == "starting"
    made.robot.spawn()
    assert made.command.answer(request)["status"] == "starting"
    assert {name for name, _ in nodes(made.command).items()} == {"eye", "hand"}
    other = made.robot.ready()
    assert made.base.answer(asked) == {} and made.robot.answer(other) == {}
    made.robot.tell("running")
    assert made.command.call("dataflow.get")["status"] == "running"
    made.base.tell("running")
    assert made.robot.answer(made.robot.ready()) == {}  # asked once more
    assert nodes(made.command) == {"eye": ("running", "robot"), "hand": ("running", "base")}
    # The dataflow has ended when all parts have.
    made.robot.tell("finished")
    assert made.command.call("dataflow.get")["status"] == "running"
    waiting = made.command.ask("dataflow.wait")
    made.base.tell("failed", error="node `hand` exited with code 1")
    ended = made.command.answer(waiting)
    assert ended["status"] == "failed" and ended["error"] == "machine base: node `hand` exited with code 1"


def test_a_part_that_can_not_start_fails_all_with_its_reason(machines):
    made = machines()
    request = start(made.command)
    made.base.take()
    made.robot.take()
    made.base.spawn()
    asked = made.base.ready()
    made.base.call("daemon.update", dataflow=made.base.part)
    made.robot.say(id=made.robot.request["id"], error={"code": "failed", "message": "there is no file `eye`"})
    with pytest.raises(Fault, match="machine robot: there is no file `eye`"):
        made.base.answer(asked)
    made.base.tell("failed", error="its start has failed")
    with pytest.raises(Fault, match="machine robot: there is no file `eye`"):
        made.command.answer(request)
    ended = made.command.call("dataflow.get", dataflow="one")
    assert ended["status"] == "failed" and ended["error"] == "machine robot: there is no file `eye`"


def test_a_part_that_fails_before_the_others_are_ready_stops_them(machines):
    made = machines()
    request = start(made.command)
    for machine in (made.base, made.robot):
        machine.take()
        machine.spawn()
    made.command.answer(request)
    waiting = made.command.ask("dataflow.wait")
    made.robot.tell("failed", error="node `eye` exited with code 1")
    asked = made.base.asked("dataflow.stop")
    assert asked["params"]["force"] is True
    made.base.say(id=asked["id"], result={})
    with pytest.raises(Fault, match="machine robot: node `eye` exited"):
        made.base.answer(made.base.ready())
    made.base.tell("failed", error="stopped")
    ended = made.command.answer(waiting)
    assert ended["status"] == "failed" and ended["error"] == "machine robot: node `eye` exited with code 1"


def test_requests_go_to_the_node_s_machine_and_lists_are_joined(machines):
    made = machines()
    run(made)
    far = made.cli("robot")

    def passed(command, machine, method, result, **params):
        request = command.ask(method, **params)
        asked = machine.asked(method)
        assert asked["params"]["dataflow"] == made.base.part["uuid"]
        machine.say(id=asked["id"], result=result)
        return command.answer(request)

    answer = passed(made.command, made.robot, "node.info", {"nodes": [{"pid": 5}]}, node="eye")
    assert answer["nodes"] == [{"pid": 5, "machine": "robot"}]
    assert passed(far, made.base, "node.restart", {}, node="hand") == {}
    assert passed(made.command, made.base, "topic.watch", {"config": "x"}, topics=["hand/grip"]) == {"config": "x"}
    assert passed(far, made.robot, "topic.publish", {"config": "x"}, topic="eye/image") == {"config": "x"}
    assert passed(far, made.robot, "trace.read", {"spans": []}, on=True) == {"spans": []}
    for command, method, params, words, machine in (
        (made.command, "topic.watch", {"topics": ["eye/image"]}, "where the node runs, on machine `robot`", "robot"),
        (far, "topic.publish", {"topic": "hand/grip"}, "on machine `base`", "base"),
        (made.command, "topic.watch", {"topics": ["hand/grip", "eye/image"]}, "several machines: `eye/image`", None),
        (made.command, "node.connect", {"source": "eye/image", "target": "hand/image"}, "nodes of two machines", None),
        (made.command, "node.info", {"node": "nobody"}, "has no node `nobody`", None),
        (made.cli("third"), "trace.read", {"on": True}, "runs on this machine", "robot"),
        (made.command, "trace.read", {"on": True, "topic": "eye/image"}, "where its node runs, on machine `robot`", "robot"),
    ):
        with pytest.raises(Fault, match=words) as fault:
            command.call(method, **params)
        assert fault.value.machine == machine
    for method, key in (("node.list", "nodes"), ("topic.list", "topics"), ("metrics", "nodes")):
        request = far.ask(method)
        for machine in (made.base, made.robot):
            asked = machine.asked(method)
            topics = [{"name": "eye/image", "node": "eye"}, {"name": "hand/grip", "node": "hand"}]
            own = [{"id": node} for node in machine.mine]
            machine.say(id=asked["id"], result={key: topics if key == "topics" else own})
        answer = far.answer(request)
        assert answer["here"] == "robot"
        names = {(one.get("id") or one["name"], one["machine"]) for one in answer[key]}
        expected = {("eye/image", "robot"), ("hand/grip", "base")} if key == "topics" else {("eye", "robot"), ("hand", "base")}
        assert names == expected and len(answer[key]) == 2
    request = made.command.ask("param.set", node="eye", key="gain", value=3)
    asked = made.robot.asked("node.param")
    assert asked["params"]["value"] == 3
    made.robot.say(id=asked["id"], result={})
    assert made.command.answer(request) == {}


def test_a_command_on_another_machine_belongs_to_the_connection_that_asked(machines):
    made = machines()
    args = ["topic", "echo", "--", "eye/image"]
    with pytest.raises(Fault, match="no machine `robt`"):
        made.command.call("machine.command", machine="robt", args=args)

    def begin(command):
        request = command.ask("machine.command", machine="robot", args=args, terminal={"columns": 80})
        asked = made.robot.asked("machine.command")
        assert asked["params"]["args"] == args and asked["params"]["terminal"] == {"columns": 80}
        made.robot.say(id=asked["id"], result={"command": asked["params"]["command"]})
        return command.answer(request)["command"]

    def passed(method, result, **params):
        request = made.command.ask(method, **params)
        asked = made.robot.asked(method)
        assert asked["params"]["command"] == params["command"]
        made.robot.say(id=asked["id"], **result)
        return made.command.answer(request)

    first, other = begin(made.command), made.cli()
    second = begin(other)
    assert first != second
    for method in ("machine.output", "machine.end"):
        with pytest.raises(Fault, match="for this connection"):
            made.command.call(method, command=second)
    assert passed("machine.output", {"result": {"out": "eA=="}}, command=first) == {"out": "eA=="}
    with pytest.raises(Fault, match="already"):
        passed("machine.output", {"error": {"code": "exists", "message": "already"}}, command=first)
    assert passed("machine.end", {"result": {}}, command=first) == {}
    assert passed("machine.output", {"result": {"status": 3}}, command=first) == {"status": 3}
    with pytest.raises(Fault, match="for this connection"):
        made.command.call("machine.output", command=first)
    other.close()
    ended = made.robot.asked("machine.end")
    assert ended["params"] == {"command": second, "forget": True}
    made.robot.say(id=ended["id"], result={})
    third = begin(made.command)
    waiting = made.command.ask("machine.output", command=third)
    made.robot.asked("machine.output")
    made.robot.close()
    with pytest.raises(Fault, match="machine `robot`, where the command ran, has been lost"):
        made.command.answer(waiting)
    with pytest.raises(Fault, match="out of reach"):
        made.command.call("machine.command", machine="robot", args=args)


def test_a_stop_goes_to_all_parts_and_to_one_that_is_out_of_reach_when_it_is_back(machines):
    made = machines("--lost-after", "60s")
    run(made)
    made.robot.close()
    stop = made.command.ask("dataflow.stop", dataflow="one", grace=3)
    asked = made.base.asked("dataflow.stop")
    assert asked["params"]["grace"] == 3
    made.base.say(id=asked["id"], result={})
    made.base.tell("finished")
    part, mine = made.robot.part, made.robot.mine
    made.robot = made.add("robot", part)
    made.robot.part, made.robot.mine = part, mine
    asked = made.robot.asked("dataflow.stop")
    assert asked["params"]["grace"] == 3
    made.robot.say(id=asked["id"], result={})
    made.robot.tell("finished")
    assert made.command.answer(stop)["dataflows"][0]["status"] == "finished"


def test_a_machine_is_lost_after_a_while_and_its_nodes_with_it(machines):
    made = machines("--lost-after", "300ms")
    run(made)
    made.robot.close()
    asked = made.base.asked("node.lost")
    assert asked["params"] == {"dataflow": made.base.part["uuid"], "nodes": ["eye"], "machine": "robot"}
    made.base.say(id=asked["id"], result={})
    assert nodes(made.command) == {"eye": ("failed", "robot"), "hand": ("running", "base")}
    eye = next(node for node in made.command.call("dataflow.get")["nodes"] if node["id"] == "eye")
    assert eye["message"] == "lost with machine robot"
    with pytest.raises(Fault, match="`eye` was lost with machine `robot`"):
        made.command.call("node.restart", node="eye")
    # It was only out of reach: nobody needs to start it.
    part, mine = made.robot.part, made.robot.mine
    made.robot = made.add("robot", part)
    asked = made.base.asked("node.found")
    assert asked["params"] == {"dataflow": part["uuid"], "nodes": ["eye"], "machine": "robot"}
    made.base.say(id=asked["id"], result={})
    assert nodes(made.command)["eye"] == ("running", "robot")
    # A daemon that has been started anew knows nothing of it, and eye has no restart policy.
    made.robot.close()
    made.robot = made.add("robot")
    assert made.base.asked("node.lost")["params"]["nodes"] == ["eye"]
    waiting = made.command.ask("dataflow.wait")
    made.base.tell("finished")
    ended = made.command.answer(waiting)
    assert ended["status"] == "failed" and ended["error"] == "lost with machine robot"


def test_nodes_with_a_restart_policy_are_placed_again_where_they_can(machines):
    made = machines("--lost-after", "300ms")
    run(made, AGAIN)
    made.robot.close()
    assert sorted(made.base.asked("node.lost")["params"]["nodes"]) == ["ear", "eye"]
    # Another machine with the label: eye runs there. Ear stays lost.
    spare = made.add("spare", labels={"eye": "yes"})
    spare.take()
    assert spare.params["again"] is True and spare.params["ended"] == ["ear"] and spare.mine == ["eye"]
    assert spare.params["placement"] == {"eye": "spare", "ear": "robot", "hand": "base"}
    spare.spawn()
    asked = spare.ready()
    found = made.base.asked("node.found")
    assert found["params"]["nodes"] == ["eye"] and found["params"]["machine"] == "spare"
    made.base.say(id=found["id"], result={})
    assert spare.answer(asked) == {}  # only then
    spare.tell("running")
    assert nodes(made.command) == {"eye": ("running", "spare"), "ear": ("failed", "robot"), "hand": ("running", "base")}
    # The first machine was alive all the while: what it runs has another place now.
    part = made.robot.part
    made.robot = made.add("robot", part, labels={"eye": "yes"})
    asked = made.robot.asked("dataflow.stop")
    assert asked["params"] == {"dataflow": part["uuid"], "force": True}
    assert nodes(made.command)["eye"] == ("running", "spare")
    # Lost once more, and back with nothing: on its own machine again.
    spare.close()
    assert made.base.asked("node.lost")["params"]["nodes"] == ["eye"]
    spare = made.add("spare", labels={"eye": "yes"})
    spare.take()
    assert spare.mine == ["eye"]
    # That can fail, and then stays so.
    spare.say(id=spare.request["id"], error={"code": "failed", "message": "no file"})
    until(lambda: nodes(made.command)["eye"][0] != "starting")
    waiting = made.command.ask("dataflow.wait")
    made.base.tell("finished")
    assert made.command.answer(waiting)["status"] == "failed"


def test_a_part_that_has_ended_is_told_to_the_others_also_later(machines):
    made = machines()
    run(made)
    made.robot.tell("finished")
    ended = {"dataflow": made.base.part["uuid"], "machine": "robot"}
    assert made.base.asked("part.ended")["params"] == ended
    made.base.close()
    part, mine = made.base.part, made.base.mine
    made.base = made.add("base", part)
    assert made.base.asked("part.ended")["params"] == ended
    # A node that has ended may be started again while its part goes on.
    made.base.part, made.base.mine = part, mine
    made.base.tell("finished")
    assert made.command.call("dataflow.get", dataflow="one")["status"] == "finished"


def test_a_node_that_is_started_again_is_found_by_the_others(machines):
    made = machines()
    run(made, AGAIN)
    made.robot.call(
        "daemon.update",
        dataflow={**made.robot.part, "nodes": [{"id": "eye", "status": "finished"}, {"id": "ear", "status": "running"}]},
    )
    request = made.command.ask("node.restart", node="eye")
    asked = made.robot.asked("node.restart")
    made.robot.say(id=asked["id"], result={})
    found = made.base.asked("node.found")
    assert found["params"] == {"dataflow": made.base.part["uuid"], "nodes": ["eye"], "machine": "robot"}
    assert made.command.answer(request) == {}
    request = made.command.ask("node.restart", node="ear")  # which runs: nobody has closed anything
    asked = made.robot.asked("node.restart")
    made.robot.say(id=asked["id"], result={})
    assert made.command.answer(request) == {}
    assert not [one for one in made.base.waiting if one.get("method") == "node.found"]


def test_nodes_started_by_hand_are_not_waited_for(machines):
    made = machines()
    run(made)
    nodes_ = [{"id": "hand", "status": "running", "kind": "dynamic"}]
    made.base.call("daemon.update", dataflow={**made.base.part, "nodes": nodes_})
    made.robot.tell("finished")
    asked = made.base.asked("dataflow.stop")
    made.base.say(id=asked["id"], result={})
    made.base.tell("finished")
    assert made.command.call("dataflow.get", dataflow="one")["status"] == "finished"


def test_wild_words_of_a_daemon_harm_nobody(machines):
    made = machines("--lost-after", "300ms")
    run(made)
    wild = [None, [], {}, "x", 7, {"id": 3}, {"id": "eye"}, [{}], [None], {"uuid": "x"}, True, -1, 1e300, "é" * 300]
    random_ = random.Random(7)
    for turn in range(300):
        part = dict(made.robot.part)
        for _ in range(random_.randrange(1, 4)):
            part[random_.choice(["status", "nodes", "error", "uuid", "started", "ended", "name", "machine"])] = random_.choice(wild)
        made.robot.ask("daemon.update", dataflow=random_.choice([part, random_.choice(wild)]))
        made.robot.ask("dataflow.ready", dataflow=random_.choice([*wild, made.robot.part["uuid"]]))
        if turn % 50 == 0:
            peer = Peer(made.socket, "daemon", machine="other")
            params = {"id": "x", "pid": 1, "machine": "other", "labels": {}, "dataflows": []}
            params[random_.choice(list(params))] = random_.choice(wild)
            peer.ask("daemon.register", **params)
            peer.ask("daemon.register", **{**params, "dataflows": [part, random_.choice(wild)]})
            peer.close()
    made.robot.call("daemon.update", dataflow=made.robot.part)
    made.robot.close()
    assert made.cli().call("dataflow.list")["dataflows"]  # though base does not answer
    assert made.process.poll() is None


def test_a_machine_lost_before_all_are_ready_fails_the_start(machines):
    made = machines("--lost-after", "300ms")
    request = start(made.command)
    made.base.take()
    made.robot.take()
    made.base.spawn()
    asked = made.base.ready()
    made.robot.close()
    with pytest.raises(Fault, match="lost with machine robot"):
        made.base.answer(asked)
    made.base.tell("failed", error="its start has failed")
    with pytest.raises(Fault, match="lost with machine robot"):
        made.command.answer(request)


@pytest.mark.parametrize("point", ["start-after-row", "start-after-first-part", "start-after-daemon", "release-before-answers", "release-after-answers"])
def test_a_coordinator_that_dies_while_parts_begin_keeps_all(machines, point):
    made = machines(DORA_COORDINATOR_CRASH_AT=point)
    request = start(made.command)
    first, second = made.robot, made.base  # in the descriptor's order
    taken = []
    if point != "start-after-row":
        first.take()
        taken.append(first)
    if point not in ("start-after-row", "start-after-first-part"):
        second.take()
        taken.append(second)
    if point.startswith("release"):
        first.spawn()
        second.spawn()
        made.command.answer(request)
        first.ready()
        second.ready()
    assert made.process.wait(timeout=20) == 99
    made.begin("--lost-after", "300ms")
    command = made.cli()
    parts = {machine.machine: machine for machine in taken}
    again = {}
    for name in ("base", "robot"):
        old = parts.get(name)
        again[name] = made.add(name, *([old.part] if old else []))
        if old:
            again[name].part, again[name].mine = old.part, old.mine
    if not point.startswith("release"):
        if len(taken) == 2:
            asked = [machine.ready() for machine in again.values()]
            assert [machine.answer(id) for machine, id in zip(again.values(), asked)] == [{}, {}]
            return
        if taken:
            with pytest.raises(Fault, match="lost with machine base"):
                again["robot"].answer(again["robot"].ready())
            again["robot"].tell("failed", error="x")
        ended = until(lambda: next(one for one in command.call("dataflow.list")["dataflows"] if one["status"] == "failed"))
        assert ended["error"].startswith("lost")
        return
    # One that heard of its release shows that all were.
    again["base"].tell("running")
    assert again["robot"].answer(again["robot"].ready()) == {}
    again["robot"].tell("running")
    assert nodes(command) == {"eye": ("running", "robot"), "hand": ("running", "base")}


def test_where_nodes_are_outlives_the_coordinator(machines):
    made = machines("--lost-after", "300ms")
    run(made, AGAIN)
    made.robot.close()
    made.base.asked("node.lost")
    spare = made.add("spare", labels={"eye": "yes"})
    spare.take()
    spare.spawn()
    asked = spare.ready()
    found = made.base.asked("node.found")
    made.base.say(id=found["id"], result={})
    spare.answer(asked)
    spare.tell("running")
    base, there = made.base.part, spare.part
    made.process.kill()
    made.process.wait()
    made.begin("--lost-after", "300ms")
    command, new_base, new_spare = made.cli(), made.add("base", base), made.add("spare", there)
    expected = {"eye": ("running", "spare"), "ear": ("failed", "robot"), "hand": ("running", "base")}
    assert nodes(command) == expected
    made.add("robot")  # nothing is started there
    new_spare.close()
    assert new_base.asked("node.lost")["params"]["machine"] == "spare"
    assert nodes(command)["eye"] == ("failed", "spare")


def test_shutdown_from_another_machine_ends_that_one_s_daemon_alone(machines):
    made = machines()
    run(made)
    far = made.cli("robot")
    with pytest.raises(Fault, match="1 dataflow is running on machine robot"):
        far.call("shutdown")
    request = far.ask("shutdown", force=True)
    asked = made.robot.asked("shutdown")
    made.robot.say(id=asked["id"], result={})
    made.robot.tell("failed", error="stopped")
    made.robot.close()
    assert far.answer(request) == {}
    assert made.process.poll() is None
    made.base.tell("finished")
    request = made.command.ask("shutdown")
    asked = made.base.asked("shutdown")
    made.base.say(id=asked["id"], result={})
    made.base.close()
    assert made.process.wait(timeout=20) == 0


def test_shutdown_of_all_is_for_the_coordinator_s_own_daemon_when_the_others_have_heard_of_it(machines):
    """Its gateway carries it there, and ends with it."""
    made = machines()
    request = made.command.ask("shutdown")
    asked = made.robot.asked("shutdown")
    assert made.base.call("machine.answers", machine="moon") == {"answers": False}
    assert not [message for message in made.base.waiting if message.get("method") == "shutdown"]
    made.robot.say(id=asked["id"], result={})
    asked = made.base.asked("shutdown")
    made.base.say(id=asked["id"], result={})
    made.base.close()
    made.robot.close()
    assert made.command.answer(request) == {}
    assert made.process.wait(timeout=20) == 0


# The command.


@pytest.mark.parametrize(
    "args, words",
    [
        (["--listen", "tcp/0.0.0.0:7447"], "`--listen`: `tcp/0.0.0.0:7447` is clear text beyond this machine"),
        (["--connect", "tcp/10.0.0.1:7447"], "add --insecure on a network that you trust"),
        (["--connect", "10.0.0.1"], "`10.0.0.1` is no endpoint"),
        (["--zenoh-listen", "0.0.0.0"], "`tcp/0.0.0.0:7447` is clear text"),
        (["--zenoh-connect", "127.0.0.1:1,10.0.0.1:2"], "`tcp/10.0.0.1:2` is clear text"),
        (["--zenoh-config", "nowhere.json5"], "can't read the zenoh configuration nowhere.json5: No such file"),
        (["--labels", "gpu"], "`--labels`: "),
        (["--machine-id", "a b"], "only letters, digits"),
        (["--coordinator-addr", "10.0.0.1"], "--connect tls/10.0.0.1:7447"),
    ],
)
def test_what_a_machine_can_not_be_told(system, args, words):  # noqa: F811
    done = system.dora("daemon", *args, status=2)
    assert words in done.stderr and not system.pids()
    if args[0] != "--coordinator-addr":
        assert words in system.dora("up", *args, status=2).stderr and not system.pids()


def test_a_machine_has_a_name_and_labels(system):  # noqa: F811
    system.dora("up", "--machine-id", "robot", "--labels", "arm=left,eye=", "--labels", "gpu=a=b")
    peer = Peer(system.runtime / "coordinator.sock", "cli")
    (daemon,) = peer.call("status")["daemons"]
    peer.close()
    assert daemon["machine"] == "robot" and daemon["labels"] == {"arm": "left", "eye": "", "gpu": "a=b"}
    # One machine alone looks as ever.
    assert system.dora("status").stdout == "Coordinator: Running\nDaemon: Running\nActive dataflows: 0\n"


def test_the_command_shows_machines_where_there_are_several(machines, system):  # noqa: F811
    made = machines()
    run(made)
    machines_ = {"machines": [{"machine": "robot", "round_trip": 1500000, "skew": -7200000000000}], "nodes": []}
    def serve(machine):
        nodes = [{"id": node, "status": "running", "pid": 7} for node in machine.mine]
        while asked := machine.read():
            if "method" in asked:
                machine.say(id=asked["id"], result=machines_ if asked["method"] == "metrics" else {"nodes": nodes})

    threads = [threading.Thread(target=serve, args=[machine], daemon=True) for machine in (made.base, made.robot)]
    for thread in threads:
        thread.start()
    made.gone = made.add("gone")
    made.gone.close()
    until(lambda: [one["alive"] for one in made.command.call("status")["daemons"]] == [True, True, False])
    lines = system.dora("status").stdout.splitlines()
    assert lines[2] == "Active dataflows: 1" and lines[3].split() == [
        *("Machine", "State", "Dataflows", "Round", "trip", "Skew", "Labels", "Process", "Version")
    ]
    assert lines[4].split()[:4] == ["base", "*", "coordinator", "1"]
    assert lines[5].split()[:3] == ["robot", "alive", "1"] and "1.5" in lines[5] and "eye=yes,arm=no" in lines[5]
    assert "-7200" in lines[5] and lines[6].split()[:4] == ["gone", "out", "of", "reach"]
    listed = system.dora("node", "list", "-d", "one").stdout.splitlines()
    assert "MACHINE" in listed[0] and "robot" in listed[1] + listed[2] and "base" in listed[1] + listed[2]
    made.process.kill()
    for thread in threads:
        thread.join()
