"""Log lines of nodes on other machines, whose files are there."""

import json
import os
import re
import signal
import subprocess

import pytest

from conftest import DORA, actor, until
from machines import machines  # noqa: F401
from sites import sites  # noqa: F401
from test_remote import running


def on(machine, node):
    return {**node, "deploy": {"machine": machine}}


@pytest.fixture
def pair(machines, tmp_path):  # noqa: F811
    """Two machines; the folder of the dataflow is on each another one, though of the same name."""
    a, b = machines("a", "b")
    listen = ["--listen", f"tcp/{a.address}:7447", "--insecure", "--lost-after", "1s"]
    a.dora("up", "--machine-id", "a", *listen)
    join = f"mount -t tmpfs tmpfs {tmp_path} && {DORA} up --machine-id b --connect tcp/{a.address}:7447 --insecure"
    subprocess.run(b.inside("sh", "-c", join), check=True, capture_output=True, timeout=60, env=b.environment)
    until(lambda: len(daemons(a)) == 2, "both machines")
    yield a, b
    a.dora("stop", "--all", "--force", status=None)


def daemons(machine):
    status = machine.dora("status", "-f", "json", status=None).json()
    return {one["machine"]: one["pid"] for one in (status[0].get("machines", []) if status else []) if one["alive"]}


def write(tmp_path, **nodes):
    path = tmp_path / "flow.yml"
    path.write_text(json.dumps({"nodes": [{"id": id, **node} for id, node in nodes.items()]}))
    return path


def messages(done):
    return [(line["node_id"], line["message"]) for line in map(json.loads, re.findall("^{.*", done.stdout, re.M))]


def begun(machine, *args):
    """`dora logs --follow`, when its first line is there."""
    process = machine.begin("logs", *args, "--follow", "--log-format", "json")
    process.first = json.loads(process.stdout.readline())
    return process


def gate(tmp_path, step):
    """Beside the folder, which each machine has for itself."""
    return tmp_path.with_name(f"{tmp_path.name}-{step}")


def steps(tmp_path, number):
    """A node that says one thing after the other as the test lets it."""
    script = ["join"]
    for step in range(number):
        script += [f"gate={gate(tmp_path, step)}", f"say=step {step}"]
    return script


@pytest.fixture
def let(tmp_path):
    return lambda step: gate(tmp_path, step).touch()


def test_lines_of_all_machines_are_in_the_order_of_time(pair, tmp_path):
    a, b = pair
    talk = ["join"] + [word for i in range(20) for word in (f"say=line {i}", "next=10")] + ["cry=the end"]
    path = write(tmp_path, one=on("a", actor(*talk)), two=on("b", actor(*talk)), three=on("b", actor("join", "log=warn:beware")))
    a.dora("start", path, "--attach", "--name", "flow")
    done = a.dora("logs", "flow", "--log-format", "json")
    assert done.stderr == ""
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["timestamp"] for line in lines] == sorted(line["timestamp"] for line in lines)
    assert {line["node_id"] for line in lines} == {"one", "two", "three"}
    for node in ("one", "two"):
        said = [line["message"] for line in lines if line["node_id"] == node and line["message"].startswith("line")]
        assert said == [f"line {i}" for i in range(20)]
    plain = a.dora("logs", "flow", "two").stdout
    assert "two: line 7" in plain and "one:" not in plain and " stderr two: the end" in plain
    assert messages(a.dora("logs", "flow", "--node", "three", "--level", "warn", "--log-format", "json")) == [("three", "beware")]
    last = messages(a.dora("logs", "flow", "--tail", "3", "--log-format", "json"))
    assert last == [(line["node_id"], line["message"]) for line in lines[-3:]]
    found = messages(a.dora("logs", "flow", "--grep", "LINE 19", "--log-format", "json"))
    assert sorted(found) == [("one", "line 19"), ("two", "line 19")]
    done = a.dora("logs", "flow", "nobody", status=1)
    assert "no node `nobody`" in done.stderr


def test_a_start_that_stays_shows_lines_of_all_machines(pair, tmp_path):
    a, b = pair
    talk = ["join", "say=hello", "cry=oh", "next=100", "say=bye"]
    path = write(tmp_path, one=on("a", actor(*talk)), two=on("b", actor(*talk)))
    done = a.dora("start", path, "--attach", "--log-format", "json")
    found = sorted(line for line in messages(done) if line[1] in ("hello", "oh", "bye"))
    assert found == [
        (node, word) for node in ("one", "two") for word in ("bye", "hello", "oh")
    ], done
    path = write(tmp_path, two=on("b", actor("join", "say=hello", "wait", "say=bye")))
    start = a.begin("start", path, "--attach", "--log-format", "json", "--name", "second")
    while "hello" not in start.stdout.readline():
        pass
    start.send_signal(signal.SIGINT)
    out, err = start.communicate(timeout=60)
    assert start.returncode == 0 and '"message":"bye"' in out
    assert messages(a.dora("logs", "second", "--log-format", "json")) == [("two", "hello"), ("two", "bye")]


def test_following_shows_lines_of_all_machines_as_they_come(pair, tmp_path, let):
    a, b = pair
    path = write(tmp_path, here=on("a", actor(*steps(tmp_path, 3))), there=on("b", actor(*steps(tmp_path, 3))))
    a.dora("start", path, "--detach", "--name", "flow")
    let(0)
    until(lambda: len(messages(a.dora("logs", "flow", "--log-format", "json"))) == 2, "the first lines")
    follow = a.begin("logs", "flow", "--follow", "--tail", "1", "--log-format", "json")
    alone = a.begin("logs", "flow", "there", "--follow", "--log-format", "json")
    assert json.loads(follow.stdout.readline())["message"] == "step 0"
    assert json.loads(alone.stdout.readline())["message"] == "step 0"
    let(1)
    seen = {(line["node_id"], line["message"]) for line in (json.loads(follow.stdout.readline()) for _ in range(2))}
    assert seen == {("here", "step 1"), ("there", "step 1")}
    let(2)
    rest, err = follow.communicate(timeout=60)
    assert follow.returncode == 0 and err == "" and rest.count("step 2") == 2 and len(rest.splitlines()) == 2
    rest, err = alone.communicate(timeout=60)
    assert alone.returncode == 0 and err == "" and [json.loads(line)["message"] for line in rest.splitlines()] == ["step 1", "step 2"]


def test_nothing_stays_when_who_follows_is_gone(pair, tmp_path):
    a, b = pair
    path = write(tmp_path, there=on("b", actor("join", "say=hello", "hang")), here=on("a", actor("join", "say=hello", "hang")))
    a.dora("start", path, "--detach", "--name", "flow")
    daemon = daemons(a)["b"]
    for number in (signal.SIGKILL, signal.SIGINT, None):
        follow = begun(a, "flow", "there")
        assert follow.first["message"] == "hello" and list(running(daemon).values())[0][0] == "logs"
        if number:
            follow.send_signal(number)
        else:
            follow.stdout.close()
        follow.stderr.close()
        if number:
            follow.wait(timeout=60)
            until(lambda: not running(daemon), "the end over there")
        else:
            follow.kill()
            follow.wait(timeout=60)


def test_a_machine_is_lost_while_its_lines_are_followed(pair, tmp_path, let):
    a, b = pair
    path = write(tmp_path, there=on("b", actor("join", "say=hello", "hang")), here=on("a", actor(*steps(tmp_path, 1))))
    a.dora("start", path, "--detach", "--name", "flow")
    follow = begun(a, "flow")
    assert follow.first["message"] == "hello"
    os.kill(daemons(a)["b"], signal.SIGKILL)
    said = "".join(follow.stderr.readline() for _ in range(3))
    assert "machine `b`, where the command ran, has been lost" in said and "lines of machine `b` are missing" in said
    let(0)
    rest, err = follow.communicate(timeout=60)
    assert follow.returncode == 1 and "step 0" in rest and err == ""
    until(lambda: "b" not in daemons(a), "the loss")
    done = a.dora("logs", "flow")
    assert "step 0" in done.stdout and "machine `b`, which is out of reach" in done.stderr


def test_a_cable_is_cut_while_an_output_is_watched(pair, tmp_path):
    a, b = pair
    path = write(tmp_path, there=on("b", actor("join", "send=out:1000000:64:5", outputs=["out"])))
    a.dora("start", path, "--detach", "--name", "flow")
    daemon = daemons(a)["b"]
    echo = a.begin("topic", "echo", "there/out")
    assert "there/out" in echo.stdout.readline()
    assert running(daemon)
    b.cut()
    out, err = echo.communicate(timeout=60)
    assert echo.returncode == 1 and "machine `b`, where the command ran, has been lost" in err
    until(lambda: not running(daemon), "the end over there")
    b.mend()
    until(lambda: "b" in daemons(a), "the machine's return")


def test_a_folder_that_machines_share_is_read_once(sites, flow):  # noqa: F811
    base, robot = sites.join("base", "robot")
    path = flow(one=actor("join", "say=hello"), two=on("robot", actor("join", "say=hello")))
    for site in (base, robot):
        site.dora("start", path, "--attach", "--name", site.name)
        for reader in (base, robot):
            done = reader.dora("logs", site.name, "--log-format", "json")
            assert sorted(messages(done)) == [("one", "hello"), ("two", "hello")] and done.stderr == ""
            assert messages(reader.dora("logs", site.name, "two", "--log-format", "json")) == [("two", "hello")]


def test_lines_from_before_a_move_are_shown_too(pair, tmp_path):
    a, b = pair
    ticks = {"t": "dora/timer/millis/50"}
    one = actor("join", "pid", "quiet", "listen", inputs=ticks)
    path = write(tmp_path, one=on("a", one), two=on("b", actor("join", "quiet", "listen", inputs=ticks)))
    a.dora("start", path, "--detach", "--name", "flow")
    a.dora("node", "move", "one", "--to", "b")

    def pids():
        found = messages(a.dora("logs", "flow", "one", "--log-format", "json"))
        return [message for _, message in found if message.startswith("pid ")]

    until(lambda: len(set(pids())) == 2, "the lines of both")
    a.dora("stop", "flow")
    assert len(pids()) == 2
